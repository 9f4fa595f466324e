// OKS of many people, by several threads.
#pragma once

#include <cstdint>

#include "posecore/oks.hpp"

namespace posecore::host {

// posecore::oks by up to `threads` threads, this one among them. The longer side of the matrix is split, and every
// number is what one thread would make of it. Where the system gives no more threads, those that there are do the work.
template <class T>
[[nodiscard]] Status oks_by_threads(const double* sigmas, int32_t num_keypoints, const OksDetections<T>& detections,
                                    const OksTruths<T>& truths, T* oks, ptrdiff_t row_stride, int32_t threads);

extern template Status oks_by_threads(const double*, int32_t, const OksDetections<float>&, const OksTruths<float>&,
                                      float*, ptrdiff_t, int32_t);
extern template Status oks_by_threads(const double*, int32_t, const OksDetections<double>&, const OksTruths<double>&,
                                      double*, ptrdiff_t, int32_t);

}  // namespace posecore::host
