#include "posecore/oks.hpp"

#include "c_plan.hpp"
#include "posecore/c/oks.h"

namespace posecore {
namespace {

// Structures of float32 and of double have the same members. Strides of 0 stand for a dense array.
template <class T, class People>
[[nodiscard]] KeypointView<T> view_of(const People& people, int32_t num_keypoints) noexcept {
  if (people.row_stride == 0 && people.keypoint_stride == 0 && people.axis_stride == 0) {
    return {people.xy, 2 * static_cast<ptrdiff_t>(num_keypoints), 2, 1};
  }
  return {people.xy, people.row_stride, people.keypoint_stride, people.axis_stride};
}

template <class T, class Detections, class Truths, class Call>
[[nodiscard]] posecore_status compare(int32_t num_keypoints, const Detections* detections, const Truths* truths,
                                      const Call& call) noexcept {
  if (detections == nullptr || truths == nullptr) {
    return POSECORE_NULL_POINTER;
  }
  OksDetections<T> found;
  found.keypoints = view_of<T>(*detections, num_keypoints);
  found.rows = detections->rows;
  found.count = detections->count;
  OksTruths<T> wanted;
  wanted.keypoints = view_of<T>(*truths, num_keypoints);
  wanted.visibility = truths->visibility;
  wanted.visibility_stride = truths->visibility_stride != 0 ? truths->visibility_stride : num_keypoints;
  wanted.areas_px2 = truths->areas_px2;
  wanted.boxes = truths->boxes;
  wanted.rows = truths->rows;
  wanted.count = truths->count;
  return c::status_of(call(found, wanted));
}

}  // namespace
}  // namespace posecore

posecore_status posecore_oks(const double* sigmas, int32_t num_keypoints, const posecore_oks_detections* detections,
                             const posecore_oks_truths* truths, float* oks, ptrdiff_t row_stride) {
  return posecore::compare<float>(num_keypoints, detections, truths, [=](const auto& found, const auto& wanted) {
    return posecore::oks(sigmas, num_keypoints, found, wanted, oks, row_stride);
  });
}

posecore_status posecore_oks_of_pairs(const double* sigmas, int32_t num_keypoints,
                                      const posecore_oks_detections* detections, const posecore_oks_truths* truths,
                                      float* oks) {
  return posecore::compare<float>(num_keypoints, detections, truths, [=](const auto& found, const auto& wanted) {
    return posecore::oks_of_pairs(sigmas, num_keypoints, found, wanted, oks);
  });
}

posecore_status posecore_oks_double(const double* sigmas, int32_t num_keypoints,
                                    const posecore_oks_detections_double* detections,
                                    const posecore_oks_truths_double* truths, double* oks, ptrdiff_t row_stride) {
  return posecore::compare<double>(num_keypoints, detections, truths, [=](const auto& found, const auto& wanted) {
    return posecore::oks(sigmas, num_keypoints, found, wanted, oks, row_stride);
  });
}

posecore_status posecore_oks_of_pairs_double(const double* sigmas, int32_t num_keypoints,
                                             const posecore_oks_detections_double* detections,
                                             const posecore_oks_truths_double* truths, double* oks) {
  return posecore::compare<double>(num_keypoints, detections, truths, [=](const auto& found, const auto& wanted) {
    return posecore::oks_of_pairs(sigmas, num_keypoints, found, wanted, oks);
  });
}
