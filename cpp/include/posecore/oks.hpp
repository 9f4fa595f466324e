// OKS, COCO's similarity of a detected person and an annotated one: the mean over keypoints of
// exp(-d^2 / (2 (area + eps) (2 sigma)^2)), d in pixels, with the operations in the order of pycocotools 2.0.11.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "posecore/status.hpp"

namespace posecore {

// x and y in pixels of the K keypoints of people, one a row, read in place. T is float or double. Strides are in
// elements; the defaults are those of dense (rows, K, 2) but for the row's, which is 2 K.
template <class T>
struct KeypointView {
  const T* xy = nullptr;  // x of the first keypoint of row 0
  ptrdiff_t row_stride = 0;
  ptrdiff_t keypoint_stride = 2;
  ptrdiff_t axis_stride = 1;  // from x to y
};

template <class T>
struct OksDetections {
  KeypointView<T> keypoints;
  const int64_t* rows = nullptr;  // `count` rows of the columns above, in any order; null: 0 to count - 1
  int64_t count = 0;
};

template <class T>
struct OksTruths {
  KeypointView<T> keypoints;
  const uint8_t* visibility = nullptr;  // 0: not labelled; the K of a row side by side
  ptrdiff_t visibility_stride = 0;      // from row to row
  const T* areas_px2 = nullptr;         // one a row
  const T* boxes = nullptr;             // four a row: x, y, width, height; needed where a row has no labelled keypoint
  const int64_t* rows = nullptr;        // as in OksDetections, for all columns of this struct
  int64_t count = 0;
};

// oks[d * row_stride + t] in [0, 1] for detection d and truth t, in the orders of `rows`.
//
// The mean is over the labelled keypoints of the truth; what the detection says about visibility is not asked. Where a
// truth has none, d is the distance to its box, grown by its own width and height on each side, for all K keypoints.
// The sum is NumPy's pairwise one, exp is our own (0.51 ulp in double), and the result has the same bits with every
// compiler, on every machine, whatever stands beside it in the block. A number that is not finite, or an area that is
// negative, gives 0. Nothing is allocated; the stack takes up to 40 KB.
//   sigmas: num_keypoints standard deviations, COCO's k_i / 2.
//
// kBadSkeleton: num_keypoints < 1. kBadOptions: a count < 0, or a sigma that is not positive and finite. kNullPointer:
// memory was not given, or no boxes where a truth has no labelled keypoint; some of `oks` may be written by then.
template <class T>
[[nodiscard]] Status oks(const double* sigmas, int32_t num_keypoints, const OksDetections<T>& detections,
                         const OksTruths<T>& truths, T* oks, ptrdiff_t row_stride) noexcept;

// oks[p] of the detection and the truth at place p of their `rows`: as many of one as of the other, else kBadOptions.
template <class T>
[[nodiscard]] Status oks_of_pairs(const double* sigmas, int32_t num_keypoints, const OksDetections<T>& detections,
                                  const OksTruths<T>& truths, T* oks) noexcept;

extern template Status oks(const double*, int32_t, const OksDetections<float>&, const OksTruths<float>&, float*,
                           ptrdiff_t) noexcept;
extern template Status oks(const double*, int32_t, const OksDetections<double>&, const OksTruths<double>&, double*,
                           ptrdiff_t) noexcept;
extern template Status oks_of_pairs(const double*, int32_t, const OksDetections<float>&, const OksTruths<float>&,
                                    float*) noexcept;
extern template Status oks_of_pairs(const double*, int32_t, const OksDetections<double>&, const OksTruths<double>&,
                                    double*) noexcept;

}  // namespace posecore
