// What the filters over time share: the head of a person's memory, times, sizes, and the calls' checks.
#pragma once

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "memory.hpp"
#include "numeric.hpp"
#include "posecore/smooth.hpp"
#include "posecore/status.hpp"

namespace posecore::detail {

inline constexpr uint32_t kFrame = 65536;  // one nominal frame, Q16.16
inline constexpr float kCoordinateLimit = 32768.0F;
inline constexpr int32_t kMostCoordinateBits = 0x46ffffff;  // of the float before
inline constexpr uint32_t kLongestFrames = 24000;           // an age beyond it and a frame after that fit Q16.16

// At the start of each person's memory; keypoints follow.
struct Person {
  int64_t time;  // nominal frames, Q16.16
  FilterCounters counters;
  uint32_t size;        // px, Q16.16; 0: not known
  uint32_t noise_size;  // the size that noise was last taken from
  int32_t exponent;     // of the unit of the covariances
  uint8_t has_time;     // 0 before the first frame
  uint8_t steady;       // 1: every keypoint was measured in the last frame
  uint8_t shared;       // 1: every keypoint's covariance is that of the first
  uint8_t unused;
};

// A keypoint's life, in its memory: never seen (zeros), filtered, given up.
enum class Phase : uint8_t { kNever, kRunning, kLost };

// So many frames, `pace` nominal frames each, Q16.16; never more than kLongestFrames.
[[nodiscard]] inline uint32_t paces(int32_t frames, float pace) noexcept {
  const double nominal = static_cast<double>(frames) * static_cast<double>(pace);
  const double held = nominal < kLongestFrames ? nominal : kLongestFrames;
  const double raised = held * static_cast<double>(kFrame) + 0.5;
  return static_cast<uint32_t>(raised);
}

// The age that ends a keypoint. Half a frame is for times that are not quite even.
[[nodiscard]] inline uint32_t longest_age(uint32_t coast_limit, uint32_t pace, bool seen) noexcept {
  return coast_limit + pace / 2 + (seen ? pace : 0);
}

// Longer than this, and every keypoint is given up.
[[nodiscard]] inline uint32_t most_elapsed(uint32_t coast_limit, uint32_t pace) noexcept {
  return coast_limit + 3 * pace;
}

[[nodiscard]] inline size_t bytes_of_person(int32_t keypoints, size_t bytes_each) noexcept {
  return (sizeof(Person) + static_cast<size_t>(keypoints) * bytes_each + 7) / 8 * 8;
}

// The time in nominal frames, Q16.16, rounded: differences of these do not add their roundings up.
[[nodiscard]] inline int64_t frames_at(double time_s, double fps) noexcept {
  const double frames = time_s * fps * static_cast<double>(kFrame);
  return static_cast<int64_t>(frames + (frames < 0 ? -0.5 : 0.5));
}

// Frames since the person's last pose, at most `most`; the person's clock is set.
[[nodiscard]] inline uint32_t advance_clock(Person* person, const double* time_s, double fps, uint32_t most) noexcept {
  const bool first = person->has_time == 0;
  const int64_t now = time_s != nullptr ? frames_at(*time_s, fps) : (first ? 0 : person->time + kFrame);
  const int64_t elapsed = first ? 0 : now - person->time;
  person->time = now;
  person->has_time = 1;
  return elapsed < static_cast<int64_t>(most) ? static_cast<uint32_t>(elapsed) : most;
}

// Inside of (-32768, 32768) px; `odd` is set where it was not, or not finite. On bits, so that a loop of these is
// four at once.
[[nodiscard]] inline float held(float pixels, uint32_t* odd) noexcept {
  const uint32_t sign = bits_of(pixels) & 0x80000000U;
  const auto magnitude = static_cast<int32_t>(bits_of(pixels) & 0x7fffffffU);
  const bool outside = magnitude > kMostCoordinateBits;
  *odd |= outside ? 1U : 0U;
  return float_of(static_cast<uint32_t>(outside ? kMostCoordinateBits : magnitude) | sign);
}

[[nodiscard]] inline bool is_seen(const MeasuredPoses& measured, ptrdiff_t keypoint) noexcept {
  const float* xy = measured.xy + 2 * keypoint;
  return (measured.seen == nullptr || measured.seen[keypoint] != 0) &&
         (measured.scores == nullptr || measured.scores[keypoint] > 0.0F) && fabsf(xy[0]) <= 3.4e38F &&
         fabsf(xy[1]) <= 3.4e38F;
}

// Into [kLeastSizePx, kMostSizePx], Q16.16; NaN is the least.
[[nodiscard]] inline uint32_t fixed_size(float size_px) noexcept {
  const float held = size_px >= kLeastSizePx ? (size_px < kMostSizePx ? size_px : kMostSizePx) : kLeastSizePx;
  const double raised = static_cast<double>(held) * kFrame + 0.5;
  return static_cast<uint32_t>(raised);
}

// The longer side of a box, Q16.16; that of a person is at least kLeastPersonPx.
[[nodiscard]] inline uint32_t longer_side(float width, float height) noexcept {
  const float size = width > height ? width : height;
  return fixed_size(size > kLeastPersonPx ? size : kLeastPersonPx);
}
[[nodiscard]] inline uint32_t longer_side(uint32_t width, uint32_t height) noexcept {
  const uint32_t size = width > height ? width : height;
  constexpr auto kLeast = static_cast<uint32_t>(kLeastPersonPx) * kFrame;
  constexpr auto kMost = static_cast<uint32_t>(kMostSizePx) * kFrame;
  return size < kLeast ? kLeast : (size < kMost ? size : kMost);
}

[[nodiscard]] inline float span(float low, float high) noexcept { return high - low; }
[[nodiscard]] inline uint32_t span(int32_t low, int32_t high) noexcept {
  return static_cast<uint32_t>(high) - static_cast<uint32_t>(low);
}

// The size of a pose whose keypoints are all seen: `xy` are its held coordinates, x first.
template <class Number>
[[nodiscard]] uint32_t size_of_all(const Number* xy, int32_t keypoints) noexcept {
  // Two keypoints at once, as four lanes.
  Number low[4] = {xy[0], xy[1], xy[0], xy[1]};
  Number high[4] = {xy[0], xy[1], xy[0], xy[1]};
  const int32_t pairs = keypoints / 2;
  for (int32_t i = 0; i < pairs; ++i) {
    for (int32_t lane = 0; lane < 4; ++lane) {
      const Number v = xy[4 * i + lane];
      low[lane] = v < low[lane] ? v : low[lane];
      high[lane] = v > high[lane] ? v : high[lane];
    }
  }
  for (int32_t axis = 0; axis < 2; ++axis) {
    const Number last = xy[2 * (keypoints - 1) + axis];
    const Number others[2] = {low[2 + axis], high[2 + axis]};
    low[axis] = others[0] < low[axis] ? others[0] : low[axis];
    high[axis] = others[1] > high[axis] ? others[1] : high[axis];
    low[axis] = last < low[axis] ? last : low[axis];
    high[axis] = last > high[axis] ? last : high[axis];
  }
  return longer_side(span(low[0], high[0]), span(low[1], high[1]));
}

// The same of the keypoints that are seen; 0 where none is.
[[nodiscard]] inline uint32_t size_of_seen(const MeasuredPoses& measured, ptrdiff_t first, int32_t keypoints) noexcept {
  float low[2] = {kCoordinateLimit, kCoordinateLimit};
  float high[2] = {-kCoordinateLimit, -kCoordinateLimit};
  bool any = false;
  for (ptrdiff_t k = first; k < first + keypoints; ++k) {
    if (is_seen(measured, k)) {
      any = true;
      for (int32_t axis = 0; axis < 2; ++axis) {
        uint32_t odd = 0;
        const float v = held(measured.xy[2 * k + axis], &odd);
        low[axis] = v < low[axis] ? v : low[axis];
        high[axis] = v > high[axis] ? v : high[axis];
      }
    }
  }
  return any ? longer_side(high[0] - low[0], high[1] - low[1]) : 0;
}

// The person's size now, from that of the keypoints (0: none is seen) through a low pass of `lag` frames (Q16.16).
inline void follow_size(Person* person, uint32_t size, uint32_t elapsed, uint32_t lag) noexcept {
  if (size == 0 || person->size == 0) {
    person->size = size != 0 ? size : person->size;
    return;
  }
  const int64_t step = static_cast<int64_t>(size) - static_cast<int64_t>(person->size);
  person->size = static_cast<uint32_t>(person->size + step * elapsed / (static_cast<int64_t>(elapsed) + lag));
}

[[nodiscard]] inline Status check_calls(const MeasuredPoses& measured, int32_t count, const void* states,
                                        const SmoothedPoses& smoothed) noexcept {
  if (count > 0 && (states == nullptr || measured.xy == nullptr || smoothed.xy == nullptr)) {
    return Status::kNullPointer;
  }
  if (count < 0) {
    return Status::kBadOptions;
  }
  return is_aligned(states, alignof(int64_t)) ? Status::kOk : Status::kMisaligned;
}

// One person over frames: `(*step)(person, pose, elapsed)` does one.
template <class Step>
[[nodiscard]] Status over_frames(const MeasuredPoses& measured, int32_t frames, const double* times_s, double fps,
                                 uint32_t most_elapsed, void* memory, size_t bytes, size_t wanted_bytes,
                                 const SmoothedPoses& smoothed, Step* step) noexcept {
  const Status status = check_calls(measured, frames, memory, smoothed);
  if (status != Status::kOk) {
    return status;
  }
  if (bytes < wanted_bytes) {
    return Status::kWorkspaceTooSmall;
  }
  auto* person = static_cast<Person*>(memory);
  for (int32_t t = 0; times_s != nullptr && t < frames; ++t) {
    if (!is_time(times_s[t]) || (t > 0 && times_s[t] < times_s[t - 1]) ||
        (t == 0 && person->has_time != 0 && frames_at(times_s[0], fps) < person->time)) {
      return Status::kBadTimes;
    }
  }
  for (int32_t t = 0; t < frames; ++t) {
    const double* time_s = times_s == nullptr ? nullptr : times_s + t;
    (*step)(person, static_cast<ptrdiff_t>(t), advance_clock(person, time_s, fps, most_elapsed));
  }
  return Status::kOk;
}

// One frame of people; the same.
template <class Step>
[[nodiscard]] Status over_people(const MeasuredPoses& measured, int32_t people, const double* time_s, double fps,
                                 uint32_t most_elapsed, void* states, int32_t room, size_t bytes, size_t bytes_each,
                                 const int32_t* slots, const SmoothedPoses& smoothed, Step* step) noexcept {
  const Status status = check_calls(measured, people, states, smoothed);
  if (status != Status::kOk) {
    return status;
  }
  if (room < 0 || bytes / bytes_each < static_cast<size_t>(room)) {
    return Status::kWorkspaceTooSmall;
  }
  if (time_s != nullptr && !is_time(*time_s)) {
    return Status::kBadTimes;
  }
  auto* memory = static_cast<uint8_t*>(states);
  const auto person_in = [=](int32_t n) {
    const int32_t slot = slots != nullptr ? slots[n] : n;
    return slot < 0 || slot >= room ? nullptr
                                    : reinterpret_cast<Person*>(memory + static_cast<size_t>(slot) * bytes_each);
  };
  for (int32_t n = 0; n < people; ++n) {
    const Person* person = person_in(n);
    if (person == nullptr) {
      return Status::kWorkspaceTooSmall;
    }
    if (time_s != nullptr && person->has_time != 0 && frames_at(*time_s, fps) < person->time) {
      return Status::kBadTimes;
    }
  }
  for (int32_t n = 0; n < people; ++n) {
    Person* person = person_in(n);
    (*step)(person, static_cast<ptrdiff_t>(n), advance_clock(person, time_s, fps, most_elapsed));
  }
  return Status::kOk;
}

}  // namespace posecore::detail
