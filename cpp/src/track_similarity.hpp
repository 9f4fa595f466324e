// How much a pose is like a track: OKS of the keypoints that both have, weighted by the scores of both.
#pragma once

#include <math.h>
#include <stdint.h>

#include "numeric.hpp"
#include "track_motion.hpp"
#include "track_state.hpp"

namespace posecore::detail {

// A mirrored body is a body whose sides the network took for each other: the same person, but a little less so.
inline constexpr float kMirrored = 0.9F;
// The common keypoints have this share of the pose's weight at least, or what they say counts for less.
inline constexpr float kLeastCommon = 0.25F;

struct Similarity {
  float value;
  bool mirrored;
};

[[nodiscard]] inline float oks_like(const Track& track, const TrackPoints& points, const DetectionPoints& pose,
                                    const Detection& detection, const int32_t* flip, int32_t keypoints) noexcept {
  const float per_area = 1.0F / (track.size_px * detection.size_px);
  float sum = 0.0F;
  float common = 0.0F;
  for (int32_t k = 0; k < keypoints; ++k) {
    const int32_t j = flip == nullptr ? k : flip[k];
    const float weight = points.scores[k] * pose.weights[j];
    const float dx = pose.x[j] - points.predicted_x[k];
    const float dy = pose.y[j] - points.predicted_y[k];
    common += weight;
    sum += weight * exponential(-(dx * dx + dy * dy) * points.falloff[k] * per_area);
  }
  const float least = kLeastCommon * detection.weight;
  const float whole = common > least ? common : least;
  return whole > 0.0F ? sum / whole : 0.0F;
}

// True where two boxes are no further apart than `margin` on each axis.
[[nodiscard]] inline bool overlap(const Box& a, const Box& b, float margin) noexcept {
  return a.x0 - margin <= b.x1 && b.x0 - margin <= a.x1 && a.y0 - margin <= b.y1 && b.y0 - margin <= a.y1;
}

// False where no keypoint of the pose can be near its own.
[[nodiscard]] inline bool may_touch(const Track& track, const Detection& detection) noexcept {
  return overlap(track.box, detection.box, track.reach * sqrtf(track.size_px * detection.size_px));
}

[[nodiscard]] inline Similarity similarity(const TrackerPlan& plan, const Track& track, const TrackPoints& points,
                                           const DetectionPoints& pose, const Detection& detection) noexcept {
  const float direct = oks_like(track, points, pose, detection, nullptr, plan.num_keypoints);
  if (direct >= 0.5F) {
    return {direct, false};
  }
  const float mirrored = kMirrored * oks_like(track, points, pose, detection, plan.flip, plan.num_keypoints);
  return mirrored > direct ? Similarity{mirrored, true} : Similarity{direct, false};
}

}  // namespace posecore::detail
