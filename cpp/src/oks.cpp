#include "posecore/oks.hpp"

#include "oks_paths.hpp"

namespace posecore {
namespace {

template <class T>
[[nodiscard]] Status check(const detail::OksProblem<T>& problem) noexcept {
  if (problem.num_keypoints < 1) {
    return Status::kBadSkeleton;
  }
  const OksDetections<T>& detections = *problem.detections;
  const OksTruths<T>& truths = *problem.truths;
  if (detections.count < 0 || truths.count < 0) {
    return Status::kBadOptions;
  }
  if (problem.sigmas == nullptr || (detections.count > 0 && detections.keypoints.xy == nullptr) ||
      (truths.count > 0 &&
       (truths.keypoints.xy == nullptr || truths.visibility == nullptr || truths.areas_px2 == nullptr)) ||
      (detections.count > 0 && truths.count > 0 && problem.oks == nullptr)) {
    return Status::kNullPointer;
  }
  for (int32_t k = 0; k < problem.num_keypoints; ++k) {
    if (!(problem.sigmas[k] > 0 && detail::is_finite(problem.sigmas[k]))) {
      return Status::kBadOptions;
    }
  }
  return Status::kOk;
}

}  // namespace

template <class T>
Status oks(const double* sigmas, int32_t num_keypoints, const OksDetections<T>& detections, const OksTruths<T>& truths,
           T* oks, ptrdiff_t row_stride) noexcept {
  const detail::OksProblem<T> problem = {sigmas, num_keypoints, &detections, &truths, oks, row_stride};
  const Status status = check(problem);
  if (status != Status::kOk) {
    return status;
  }
  return detail::oks_of_all(detail::best_kernels<T>(), problem) ? Status::kOk : Status::kNullPointer;
}

template <class T>
Status oks_of_pairs(const double* sigmas, int32_t num_keypoints, const OksDetections<T>& detections,
                    const OksTruths<T>& truths, T* oks) noexcept {
  const detail::OksProblem<T> problem = {sigmas, num_keypoints, &detections, &truths, oks, 0};
  const Status status = check(problem);
  if (status != Status::kOk) {
    return status;
  }
  if (detections.count != truths.count) {
    return Status::kBadOptions;
  }
  const detail::OksKernels<T>& kernels = detail::best_kernels<T>();
  for (int64_t pair = 0; pair < truths.count; ++pair) {
    if (!detail::oks_of_one(kernels, problem, pair, pair, oks + pair)) {
      return Status::kNullPointer;
    }
  }
  return Status::kOk;
}

template Status oks(const double*, int32_t, const OksDetections<float>&, const OksTruths<float>&, float*,
                    ptrdiff_t) noexcept;
template Status oks(const double*, int32_t, const OksDetections<double>&, const OksTruths<double>&, double*,
                    ptrdiff_t) noexcept;
template Status oks_of_pairs(const double*, int32_t, const OksDetections<float>&, const OksTruths<float>&,
                             float*) noexcept;
template Status oks_of_pairs(const double*, int32_t, const OksDetections<double>&, const OksTruths<double>&,
                             double*) noexcept;

}  // namespace posecore
