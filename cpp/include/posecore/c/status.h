/** @file
 * What a call of the C API says when it cannot do what was asked, and which library this is.
 */
#pragma once

#include <stdint.h>

#include "posecore/version.hpp" /* POSECORE_VERSION; a macro and no C++ */

/** What the structures and functions of these headers look like to a compiled program. It grows when a program that was
 * compiled before no longer fits, and is the SOVERSION of the shared library. */
#define POSECORE_ABI_VERSION 1

#if defined(_WIN32) && defined(POSECORE_EXPORTS)
#define POSECORE_API __declspec(dllexport)
#elif defined(_WIN32) && defined(POSECORE_IMPORTS)
#define POSECORE_API __declspec(dllimport)
#elif defined(POSECORE_EXPORTS)
#define POSECORE_API __attribute__((visibility("default")))
#else
#define POSECORE_API
#endif

/** Structures that the core reads as structures of its own. */
#if defined(__GNUC__)
#define POSECORE_MAY_ALIAS __attribute__((may_alias))
#else
#define POSECORE_MAY_ALIAS
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** One of the constants below. */
typedef int32_t posecore_status;

enum {
  POSECORE_OK = 0,
  POSECORE_NULL_POINTER = 1,        /**< memory that is needed was not given */
  POSECORE_BAD_SKELETON = 2,        /**< no keypoints, or edges, sigmas or sides that do not fit them */
  POSECORE_BAD_OPTIONS = 3,         /**< an option or a choice outside of its range */
  POSECORE_BAD_TENSOR = 4,          /**< no rows, columns or channels, an unknown type, a scale that is not positive */
  POSECORE_MIXED_TENSORS = 5,       /**< heads of different grids or element types */
  POSECORE_BAD_CHANNELS = 6,        /**< channel counts that do not fit the skeleton */
  POSECORE_TOO_LARGE = 7,           /**< more than 2^24 rows or columns, or more cells than 32 bits can count */
  POSECORE_WORKSPACE_TOO_SMALL = 8, /**< less workspace, plan or filter memory than was asked for */
  POSECORE_MISALIGNED = 9,          /**< memory that is not aligned as for a 64-bit integer */
  POSECORE_SINK_TOO_SMALL = 10,     /**< less room for poses than max_poses */
  POSECORE_BAD_TIMES = 11,          /**< a filter's times: not finite, beyond +-1e10 s, or going back */
  POSECORE_NOT_STARTED = 12,        /**< a workspace that was not started for this plan */
  POSECORE_TOO_MANY_PEOPLE = 13,    /**< more poses in a frame than the plan's max_people, or fewer than none */
  POSECORE_NOT_LATER = 14           /**< a frame's time: beyond +-1e10 s, or not after that of the frame before */
};

/** One sentence in English, for people. Static text, never null, for any number. */
POSECORE_API const char* posecore_message(posecore_status status);

/** The version of the library, such as "1.2.3"; POSECORE_VERSION is that of the headers. Static text. */
POSECORE_API const char* posecore_version(void);

/** The library's POSECORE_ABI_VERSION. A program that was compiled for another one must not call anything else. */
POSECORE_API int32_t posecore_abi_version(void);

/** The compiler that made the library, such as "GCC 12.2.0". Static text. */
POSECORE_API const char* posecore_compiler(void);

/** Which instructions OKS and smoothing use on this processor: "avx2" or "portable". The numbers are the same. Static
 * text. */
POSECORE_API const char* posecore_simd_path(void);

#ifdef __cplusplus
}
#endif
