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

// exp(-10) of a keypoint's weight counts as nothing.
inline constexpr float kNothing = 10.0F;
// Of the reach: a mirrored body has its centre where the body had it.
inline constexpr float kCentral = 0.6F;

struct Similarity {
  float value;
  bool mirrored;
};

struct Oks {
  float value;
  bool central;  // the poses' centres are near each other
};

[[nodiscard]] inline Oks oks_like(const Track& track, const TrackPoints& points, const DetectionPoints& pose,
                                  const Detection& detection, const int32_t* flip, int32_t keypoints) noexcept {
  const float area = track.size_px * detection.size_px;
  const float per_area = 1.0F / area;
  float sum = 0.0F;
  float common = 0.0F;
  float along_x = 0.0F;
  float along_y = 0.0F;
  for (int32_t k = 0; k < keypoints; ++k) {
    const int32_t j = flip == nullptr ? k : flip[k];
    const float weight = points.scores[k] * pose.weights[j];
    const float dx = pose.x[j] - points.predicted_x[k];
    const float dy = pose.y[j] - points.predicted_y[k];
    const float exponent = (dx * dx + dy * dy) * points.falloff[k] * per_area;
    common += weight;
    along_x += weight * dx;
    along_y += weight * dy;
    if (exponent < kNothing) {
      sum += weight * exponential(-exponent);
    }
  }
  const float least = kLeastCommon * detection.weight;
  const float whole = common > least ? common : least;
  const float reach = kCentral * kCentral * track.reach * track.reach * area;
  return {whole > 0.0F ? sum / whole : 0.0F, along_x * along_x + along_y * along_y <= reach * common * common};
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
  const Oks direct = oks_like(track, points, pose, detection, nullptr, plan.num_keypoints);
  if (direct.value >= 0.5F || !direct.central) {
    return {direct.value, false};
  }
  const Oks mirrored = oks_like(track, points, pose, detection, plan.flip, plan.num_keypoints);
  const float value = kMirrored * mirrored.value;
  return value > direct.value ? Similarity{value, true} : Similarity{direct.value, false};
}

}  // namespace posecore::detail
