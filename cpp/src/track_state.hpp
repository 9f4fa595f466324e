// What a tracker holds between frames, in the caller's memory.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "assignment.hpp"
#include "body.hpp"
#include "posecore/track.hpp"

namespace posecore::detail {

// One person. Positions are those of `last_seen_s`; a score of 0 is a keypoint that was never seen.
struct Track {
  int64_t id;  // 0: not given yet
  double first_seen_s;
  double last_seen_s;
  int32_t hits;
  int32_t seen_now;  // 1: found in this frame
  float size_px;     // the square root of the area in OKS
  float vx, vy;      // px/s, of the person as a whole
  // Covariance of the person's place and velocity on one axis, in (sizes, sizes/s).
  float var_place, var_both, var_speed;
  // Predicted to this frame:
  float predicted_place, predicted_both, predicted_speed;
  float precision;  // of the prediction, 1 where it is exact
  float reach;      // in sizes; beyond it a keypoint counts for less than min_similarity
  Box box;
};

// K numbers each.
struct TrackPoints {
  float* x;
  float* y;
  float* scores;
  float* predicted_x;
  float* predicted_y;
  float* falloff;  // 1 / (2 variance), variance in squares of the size
};

// A pose of the frame.
struct Detection {
  Box box;
  float size_px;
  float weight;   // sum of its weights
  int32_t copy;   // 1: for the greater part put together from better poses
  int32_t mixed;  // 1: to some part
};

// K numbers each: within reach, and 0 for the weight of what is not visible or a better pose's.
struct DetectionPoints {
  float* x;
  float* y;
  float* weights;
};

inline constexpr uint64_t kTrackerMark = 0x706f736574726b31U;

struct TrackerHead {
  uint64_t mark;
  int32_t num_keypoints;
  int32_t max_people;
  int64_t last_id;
  double last_time_s;
  TrackCounts counts;
  int32_t count;    // tracks held
  int32_t started;  // 1: a frame was seen
};

// The workspace in its parts.
struct TrackerState {
  TrackerHead* head;
  Track* tracks;          // by slot
  Detection* detections;  // by rank
  float* points;          // 6 K a slot
  float* seen_points;     // 3 K a rank
  int32_t* values;        // rank x place in `order`
  uint8_t* mirrored;      // the same; 1 where the pose is the track's with its sides exchanged
  int32_t* order;         // slots, oldest track first; free slots behind
  int32_t* rank;          // pose of each rank
  int32_t* track_of;      // of each rank, the place in `order`
  AssignmentMemory assignment;
  int32_t num_keypoints;

  [[nodiscard]] TrackPoints points_of(int32_t slot) const noexcept {
    const auto k = static_cast<ptrdiff_t>(num_keypoints);
    float* at = points + 6 * k * slot;
    return {at, at + k, at + 2 * k, at + 3 * k, at + 4 * k, at + 5 * k};
  }
  [[nodiscard]] DetectionPoints seen_points_of(int32_t at_rank) const noexcept {
    const auto k = static_cast<ptrdiff_t>(num_keypoints);
    float* at = seen_points + 3 * k * at_rank;
    return {at, at + k, at + 2 * k};
  }
};

// The parts of `memory`, or where it is null only their size in bytes.
inline size_t carve(const TrackerPlan& plan, void* memory, TrackerState* state) noexcept {
  const auto people = static_cast<size_t>(plan.options.max_people);
  const auto keypoints = static_cast<size_t>(plan.num_keypoints);
  Carver carver(memory);
  carver.take(&state->head, 1);
  carver.take(&state->tracks, people);
  carver.take(&state->detections, people);
  carver.take(&state->points, 6 * keypoints * people);
  carver.take(&state->seen_points, 3 * keypoints * people);
  carver.take(&state->values, people * people);
  carver.take(&state->mirrored, people * people);
  carver.take(&state->order, people);
  carver.take(&state->rank, people);
  carver.take(&state->track_of, people);
  carver.take(&state->assignment.row_price, people + 1);
  carver.take(&state->assignment.column_price, people + 1);
  carver.take(&state->assignment.slack, people + 1);
  carver.take(&state->assignment.row_of_column, people + 1);
  carver.take(&state->assignment.column_before, people + 1);
  carver.take(&state->assignment.used, people + 1);
  state->num_keypoints = plan.num_keypoints;
  return carver.taken();
}

}  // namespace posecore::detail
