/** @file
 * Which person each point of a picture belongs to, from the long offsets of BodyPix (PersonLab, arXiv 1803.08225).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "posecore/c/decode.h"
#include "posecore/c/status.h"
#include "posecore/c/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The heads of one picture that masks are made from, of one grid and one element type. */
typedef struct posecore_mask_heads {
  posecore_tensor long_offsets; /**< 2 K: from a cell to its person's keypoints, in input pixels, all y before all x */
  posecore_tensor segments;     /**< 1 channel: whether anybody is there. With null data, somebody is everywhere */
  int32_t scores;               /**< of the segments: POSECORE_LOGITS or POSECORE_PROBABILITIES */
} posecore_mask_heads;

/** Poses as a decoder wrote them. One with a coordinate that is not finite, or beyond 1e9 input pixels, has no points.
 */
typedef struct posecore_mask_poses {
  const float* xy;               /**< (count, K, 2), x first */
  int32_t count;                 /**< 0 to 65536 */
  const posecore_pixel_map* map; /**< the one that they were decoded with; null: input pixels */
} posecore_mask_poses;

/** The caller's room: owners[row * columns + column] is the number of a pose, or -1 where nobody is. */
typedef struct posecore_mask {
  int32_t* owners; /**< rows * columns numbers */
  int32_t rows;
  int32_t columns;
  /** From input pixels to columns and rows, as poses have it for the picture that they lie in; null: one element a cell
   * of the heads. What lies off the grid is as its border. */
  const posecore_pixel_map* map;
} posecore_mask;

typedef struct posecore_mask_options {
  float stride_px;         /**< input pixels from cell to cell, over 0 to 65536; default 16 */
  int32_t refine_steps;    /**< long offsets that are followed after the first, 0 to 100; default 2 */
  float segment_threshold; /**< score in [0, 1] of segments from which somebody is there; default 0.5 */
} posecore_mask_options;

/** Writes the defaults; null is passed over. */
POSECORE_API void posecore_mask_options_init(posecore_mask_options* options);

/** Bytes of workspace for this many poses on heads of this grid; 0 where a number is below 1. */
POSECORE_API size_t posecore_mask_workspace_bytes(int32_t poses, int32_t rows, int32_t columns);

/** Each point belongs to the pose whose keypoints lie nearest to where its long offsets lead; of poses that are equally
 * near, to the first. A long offset that is not finite counts as none, and a NaN in the segments is a score of 0.
 * @param options null: the defaults
 * @return POSECORE_OK, NULL_POINTER, BAD_OPTIONS (an option or choice out of its range, a map without an inverse, a
 * number of poses, rows or columns that cannot be), BAD_TENSOR, MIXED_TENSORS, BAD_CHANNELS, TOO_LARGE,
 *         WORKSPACE_TOO_SMALL or MISALIGNED */
POSECORE_API posecore_status posecore_instance_masks(const posecore_mask_heads* heads, const posecore_mask_poses* poses,
                                                     const posecore_mask_options* options, void* workspace,
                                                     size_t bytes, const posecore_mask* mask);

#ifdef __cplusplus
}
#endif
