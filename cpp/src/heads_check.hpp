// Whether the four heads of a picture fit each other and the skeleton.
#pragma once

#include "grid.hpp"

namespace posecore::detail {

[[nodiscard]] inline Status check_one_of_heads(const TensorView& view, const TensorView& first,
                                               int64_t channels) noexcept {
  const Status status = check(view);
  if (status != Status::kOk) {
    return status;
  }
  if (view.rows != first.rows || view.columns != first.columns || view.type != first.type) {
    return Status::kMixedTensors;
  }
  return view.channels == channels ? Status::kOk : Status::kBadChannels;
}

[[nodiscard]] inline Status check_all_heads(const Heads& heads, int32_t keypoints) noexcept {
  const TensorView* const views[] = {&heads.heatmaps, &heads.short_offsets, &heads.displacement_fwd,
                                     &heads.displacement_bwd};
  const int32_t channels[] = {keypoints, 2 * keypoints, 2 * (keypoints - 1), 2 * (keypoints - 1)};
  for (int32_t i = 0; i < 4 && channels[i] > 0; ++i) {  // a skeleton of one keypoint has no displacements
    const Status status = check_one_of_heads(*views[i], heads.heatmaps, channels[i]);
    if (status != Status::kOk) {
      return status;
    }
  }
  return Status::kOk;
}

}  // namespace posecore::detail
