// The poses of a frame as a tracker reads them: best first, finite, and without what is another's.
#pragma once

#include <math.h>
#include <stdint.h>

#include "numeric.hpp"
#include "track_motion.hpp"
#include "track_similarity.hpp"
#include "track_state.hpp"

namespace posecore::detail {

// A keypoint this near to the same keypoint of a better pose, in sizes, is that one again: a decoder's walk that went
// over to another body ends where that body's keypoint is, within a pixel.
inline constexpr float kSame = 0.02F;
// A pose of which more than this share is others' is nobody, ...
inline constexpr float kCopied = 0.75F;
// ... and one of which more than this share is others' is nobody new.
inline constexpr float kMixed = 0.25F;

// A pose of the caller.
struct PoseView {
  const float* xy;
  const float* scores;
  const uint8_t* visible;  // or null

  [[nodiscard]] float weight(int32_t k) const noexcept {
    const bool seen = visible == nullptr ? scores[k] > 0.0F : visible[k] != 0;
    return seen ? clamped(scores[k], 1.0F) : 0.0F;
  }
  [[nodiscard]] float x(int32_t k) const noexcept { return within_reach(xy[2 * k]); }
  [[nodiscard]] float y(int32_t k) const noexcept { return within_reach(xy[2 * k + 1]); }
};

[[nodiscard]] inline PoseView view_of(const FramePoses& poses, int32_t pose, int32_t keypoints) noexcept {
  const ptrdiff_t at = static_cast<ptrdiff_t>(pose) * keypoints;
  return {poses.xy + 2 * at, poses.scores + at, poses.visible == nullptr ? nullptr : poses.visible + at};
}

// True where pose `a` comes after pose `b`. Poses that are equal in all that is read are alike.
[[nodiscard]] inline bool comes_after(const FramePoses& poses, int32_t a, int32_t b, int32_t keypoints) noexcept {
  if (poses.pose_scores[a] != poses.pose_scores[b]) {
    return poses.pose_scores[a] < poses.pose_scores[b];
  }
  const PoseView one = view_of(poses, a, keypoints);
  const PoseView other = view_of(poses, b, keypoints);
  for (int32_t k = 0; k < keypoints; ++k) {
    const float left[] = {one.x(k), one.y(k), one.weight(k)};
    const float right[] = {other.x(k), other.y(k), other.weight(k)};
    for (int32_t i = 0; i < 3; ++i) {
      if (left[i] != right[i]) {
        return left[i] > right[i];
      }
    }
  }
  return false;
}

// The order in which poses are taken: by score, then by coordinates, whatever order they come in.
inline void rank_poses(const FramePoses& poses, TrackerState* state) noexcept {
  for (int32_t i = 0; i < poses.count; ++i) {
    int32_t j = i;
    for (; j > 0 && comes_after(poses, state->rank[j - 1], i, state->num_keypoints); --j) {
      state->rank[j] = state->rank[j - 1];
    }
    state->rank[j] = i;
  }
}

[[nodiscard]] inline Detection read_pose(const PoseView& pose, int32_t keypoints,
                                         const DetectionPoints& points) noexcept {
  Box box;
  float weight = 0.0F;
  for (int32_t k = 0; k < keypoints; ++k) {
    const float x = pose.x(k);
    const float y = pose.y(k);
    points.x[k] = x;
    points.y[k] = y;
    points.weights[k] = pose.weight(k);
    weight += points.weights[k];
    if (points.weights[k] > 0.0F) {
      box.add(x, y);
    }
  }
  if (!(weight > 0.0F)) {
    return {box, kLeastSizePx, 0.0F, 0, 0};
  }
  return {box, size_of(box), weight, 0, 0};
}

// Takes from the pose of this rank the keypoints that better poses have.
inline void take_shared(const TrackerState& state, int32_t rank) noexcept {
  Detection* mine = state.detections + rank;
  const DetectionPoints points = state.seen_points_of(rank);
  float left = mine->weight;
  for (int32_t better = 0; better < rank; ++better) {
    const Detection& other = state.detections[better];
    const float radius = kSame * sqrtf(mine->size_px * other.size_px);
    if (!overlap(mine->box, other.box, radius)) {
      continue;
    }
    const DetectionPoints theirs = state.seen_points_of(better);
    for (int32_t k = 0; k < state.num_keypoints; ++k) {
      const float dx = points.x[k] - theirs.x[k];
      const float dy = points.y[k] - theirs.y[k];
      if (theirs.weights[k] > 0.0F && dx * dx + dy * dy <= radius * radius) {
        left -= points.weights[k];
        points.weights[k] = 0.0F;
      }
    }
  }
  mine->copy = left < (1.0F - kCopied) * mine->weight ? 1 : 0;
  mine->mixed = left < (1.0F - kMixed) * mine->weight ? 1 : 0;
  mine->weight = left;
}

inline void read_frame(const FramePoses& poses, TrackerState* state) noexcept {
  rank_poses(poses, state);
  for (int32_t i = 0; i < poses.count; ++i) {
    const PoseView pose = view_of(poses, state->rank[i], state->num_keypoints);
    state->detections[i] = read_pose(pose, state->num_keypoints, state->seen_points_of(i));
    take_shared(*state, i);
  }
}

}  // namespace posecore::detail
