/** @file
 * Tensors that belong to somebody else, read in place through any strides; skeletons; bodies.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "posecore/c/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Element types. */
enum { POSECORE_FLOAT32 = 0, POSECORE_UINT8 = 1, POSECORE_INT8 = 2 };

/** A view of rows x columns x channels elements. Strides count elements and not bytes, and may be negative: HWC, CHW
 * and slices of either are the same thing. Of 8-bit elements the real number is (q - zero_point) * scale; float32
 * ignores both. 1 to 2^24 rows and columns, at most 2^32 - 1 elements. */
typedef struct posecore_tensor {
  const void* data; /**< the element (0, 0, 0) */
  int32_t type;     /**< POSECORE_FLOAT32, POSECORE_UINT8 or POSECORE_INT8 */
  int32_t rows;
  int32_t columns;
  int32_t channels;
  ptrdiff_t row_stride;
  ptrdiff_t column_stride;
  ptrdiff_t channel_stride;
  float scale; /**< positive and finite */
  int32_t zero_point;
} posecore_tensor;

/** A dense (rows, columns, channels) tensor, as TensorFlow writes it. Nothing is checked here; what takes the tensor
 * checks it. */
POSECORE_API posecore_tensor posecore_hwc_tensor(const void* data, int32_t type, int32_t rows, int32_t columns,
                                                 int32_t channels, float scale, int32_t zero_point);

/** A dense (channels, rows, columns) tensor, as the K210's KPU and PyTorch write it. */
POSECORE_API posecore_tensor posecore_chw_tensor(const void* data, int32_t type, int32_t rows, int32_t columns,
                                                 int32_t channels, float scale, int32_t zero_point);

/** Which keypoints there are, and along which edges one is found from another. */
typedef struct posecore_skeleton {
  int32_t num_keypoints; /**< K, 1 to 1024 */
  /** K - 1 pairs (parent, child) that form one tree, in the order of the displacement channels: 2 (K - 1) numbers. May
   * be null where K is 1. */
  const int32_t* edges;
} posecore_skeleton;

/** COCO's 17 keypoints with PoseNet's edges (PersonLab, arXiv 1803.08225): nose, eyes, ears, shoulders, elbows, wrists,
 * hips, knees, ankles, left before right. Static, never null. */
POSECORE_API const posecore_skeleton* posecore_coco17(void);

/** What those who compare poses know of a body. */
typedef struct posecore_body {
  int32_t num_keypoints; /**< K, 1 to 1024 */
  const float* sigmas;   /**< K standard deviations as OKS has them (COCO's k_i / 2), positive; null: 0.07 everywhere */
  const int32_t* flip;   /**< K: keypoint k of a mirrored body is flip[k]; null: a body without sides */
  const int32_t* edges;  /**< pairs of keypoints that hang together, (a, b) side by side; null: not known */
  int32_t num_edges;
} posecore_body;

/** COCO's 17 keypoints with COCO's sigmas, sides and the edges of posecore_coco17. Static, never null. */
POSECORE_API const posecore_body* posecore_coco17_body(void);

#ifdef __cplusplus
}
#endif
