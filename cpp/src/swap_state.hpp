// What swap repair remembers of each person, in the caller's memory.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "body.hpp"
#include "posecore/swaps.hpp"

namespace posecore::detail {

struct RememberedPerson {
  int64_t id;
  double last_seen_s;
  int32_t taken;  // 0: a free place
};

// A keypoint as it was when it was last seen.
struct RememberedPoint {
  float x, y;
  float vx, vy;    // px/s
  float spread;    // variance of what prediction missed, px^2 on one axis
  float unseen_s;  // below 0: never seen
};

// For how long a pair has been contradicted, in seconds, and in how many frames.
struct Contradiction {
  float exchanged_s, doubled_s;
  int32_t exchanged, doubled;
};

struct Place {
  float x, y;
};

[[nodiscard]] inline float squared(Place a, Place b) noexcept {
  const float dx = a.x - b.x;
  const float dy = a.y - b.y;
  return dx * dx + dy * dy;
}

// One person in one frame.
struct SwapPerson {
  float* xy;
  float* scores;
  uint8_t* visible;
  RememberedPoint* points;
  Contradiction* contradictions;
  float size_px;
  float dt;

  [[nodiscard]] Place seen(int32_t k) const noexcept { return {within_reach(xy[2 * k]), within_reach(xy[2 * k + 1])}; }
  [[nodiscard]] Place still(int32_t k) const noexcept { return {points[k].x, points[k].y}; }
  [[nodiscard]] Place moved(int32_t k) const noexcept {
    const RememberedPoint& point = points[k];
    return {within_reach(point.x + point.vx * point.unseen_s), within_reach(point.y + point.vy * point.unseen_s)};
  }
};

inline constexpr uint64_t kSwapsMark = 0x706f736573776170U;

struct SwapsHead {
  uint64_t mark;
  int32_t num_keypoints;
  int32_t max_people;
  double last_time_s;
  int32_t started;  // 1: a frame was seen
};

struct SwapsState {
  SwapsHead* head;
  RememberedPerson* people;
  RememberedPoint* points;        // K a person
  Contradiction* contradictions;  // P a person
  float* gains;                   // P: for an exchange of the pair
  float* branches;                // P: of the best set whose top is the pair
  uint8_t* chosen;                // P: the set of this round
  uint8_t* done;                  // P: chosen in any round
};

// The parts of `memory`, or where it is null only their size in bytes.
inline size_t carve(const SwapPlan& plan, void* memory, SwapsState* state) noexcept {
  const auto people = static_cast<size_t>(plan.options.max_people);
  const auto pairs = static_cast<size_t>(plan.num_pairs);
  Carver carver(memory);
  carver.take(&state->head, 1);
  carver.take(&state->people, people);
  carver.take(&state->points, people * static_cast<size_t>(plan.num_keypoints));
  carver.take(&state->contradictions, people * pairs);
  carver.take(&state->gains, pairs);
  carver.take(&state->branches, pairs);
  carver.take(&state->chosen, pairs);
  carver.take(&state->done, pairs);
  return carver.taken();
}

}  // namespace posecore::detail
