/** @file
 * OKS, COCO's similarity of a detected person and an annotated one: the mean over keypoints of
 * exp(-d^2 / (2 (area + eps) (2 sigma)^2)), d in pixels, with the operations in the order of pycocotools 2.0.11.
 *
 * Of each there is one for float32 and one for double; doubles agree with pycocotools.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "posecore/c/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Detected people, one a row of K keypoints. Strides are in elements; where all three are 0, xy is dense (rows, K, 2).
 */
typedef struct posecore_oks_detections {
  const float* xy; /**< x of the first keypoint of row 0, in pixels */
  ptrdiff_t row_stride;
  ptrdiff_t keypoint_stride;
  ptrdiff_t axis_stride; /**< from x to y */
  const int64_t* rows;   /**< `count` row numbers, in any order; null: 0 to count - 1 */
  int64_t count;
} posecore_oks_detections;

/** Annotated people, the same way. */
typedef struct posecore_oks_truths {
  const float* xy;
  ptrdiff_t row_stride;
  ptrdiff_t keypoint_stride;
  ptrdiff_t axis_stride;
  const uint8_t* visibility;   /**< (rows, K), 0: not labelled */
  ptrdiff_t visibility_stride; /**< from row to row; 0: K */
  const float* areas_px2;      /**< one a row */
  const float* boxes;  /**< four a row: x, y, width, height; may be null where every row has labelled keypoints */
  const int64_t* rows; /**< for all columns of this structure, as above */
  int64_t count;
} posecore_oks_truths;

/** oks[d * row_stride + t] in [0, 1] for detection d and truth t, in the orders of `rows`.
 *
 * The mean is over the labelled keypoints of the truth. Where a truth has none, d is the distance to its box, grown by
 * its own width and height on each side, for all K keypoints. A number that is not finite, or an area that is negative,
 * gives 0. The stack takes up to 40 KB.
 * @param sigmas num_keypoints standard deviations (COCO's k_i / 2), positive and finite
 * @param oks    detections->count rows, row_stride numbers apart
 * @return POSECORE_OK; BAD_SKELETON: num_keypoints < 1; BAD_OPTIONS: a count < 0, or a sigma out of its range;
 *         NULL_POINTER: also where a truth without labelled keypoints has no box, and then some of `oks` may be written
 */
POSECORE_API posecore_status posecore_oks(const double* sigmas, int32_t num_keypoints,
                                          const posecore_oks_detections* detections, const posecore_oks_truths* truths,
                                          float* oks, ptrdiff_t row_stride);

/** oks[p] of the detection and the truth at place p of their `rows`.
 * @return as posecore_oks; BAD_OPTIONS where there are not as many of one as of the other */
POSECORE_API posecore_status posecore_oks_of_pairs(const double* sigmas, int32_t num_keypoints,
                                                   const posecore_oks_detections* detections,
                                                   const posecore_oks_truths* truths, float* oks);

/** posecore_oks_detections in double. */
typedef struct posecore_oks_detections_double {
  const double* xy;
  ptrdiff_t row_stride;
  ptrdiff_t keypoint_stride;
  ptrdiff_t axis_stride;
  const int64_t* rows;
  int64_t count;
} posecore_oks_detections_double;

/** posecore_oks_truths in double. */
typedef struct posecore_oks_truths_double {
  const double* xy;
  ptrdiff_t row_stride;
  ptrdiff_t keypoint_stride;
  ptrdiff_t axis_stride;
  const uint8_t* visibility;
  ptrdiff_t visibility_stride;
  const double* areas_px2;
  const double* boxes;
  const int64_t* rows;
  int64_t count;
} posecore_oks_truths_double;

/** posecore_oks in double. */
POSECORE_API posecore_status posecore_oks_double(const double* sigmas, int32_t num_keypoints,
                                                 const posecore_oks_detections_double* detections,
                                                 const posecore_oks_truths_double* truths, double* oks,
                                                 ptrdiff_t row_stride);

/** posecore_oks_of_pairs in double. */
POSECORE_API posecore_status posecore_oks_of_pairs_double(const double* sigmas, int32_t num_keypoints,
                                                          const posecore_oks_detections_double* detections,
                                                          const posecore_oks_truths_double* truths, double* oks);

#ifdef __cplusplus
}
#endif
