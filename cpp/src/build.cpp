#include "posecore/build.hpp"

#include "processor.hpp"

#define POSECORE_TEXT_OF(value) #value
#define POSECORE_TEXT(value) POSECORE_TEXT_OF(value)

namespace posecore {

const char* compiler() noexcept {
#if defined(__clang__)
  return "Clang " __clang_version__;
#elif defined(__GNUC__)
  return "GCC " __VERSION__;
#elif defined(_MSC_FULL_VER)
  return "MSVC " POSECORE_TEXT(_MSC_FULL_VER);
#else
  return "a compiler that does not say its name";
#endif
}

const char* simd_path() noexcept {
#if defined(POSECORE_HAS_AVX2)
  if (detail::has_avx2()) {
    return "avx2";
  }
#endif
  return "portable";
}

}  // namespace posecore
