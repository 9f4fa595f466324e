// What the Kalman filter remembers of a person, and the sizes that its noise comes from.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "fixed_point.hpp"
#include "person.hpp"
#include "posecore/kalman.hpp"

namespace posecore::detail {

inline constexpr int32_t kGroup = 4;  // keypoints that are looked at together

// A person's memory after its head. Keypoint i has the coordinates 2 i and 2 i + 1. There is room for whole groups:
// keypoints that are nobody's come after the others, so that loops have no rest.
template <class A>
struct KalmanMemory {
  using Number = typename A::Number;
  using Factor = typename A::Factor;
  using Variance = typename A::Variance;
  using Distance = typename A::Distance;
  using Covariance = typename A::Covariance;

  static constexpr size_t kBytesEach =
      3 * sizeof(Variance) + 8 * sizeof(Number) + 4 * sizeof(Factor) + 2 * sizeof(Distance) + 2 * sizeof(uint32_t) + 2;

  [[nodiscard]] static int32_t room(int32_t keypoints) noexcept { return (keypoints + kGroup - 1) / kGroup * kGroup; }

  [[nodiscard]] static size_t bytes(int32_t keypoints) noexcept {
    return (sizeof(Person) + static_cast<size_t>(room(keypoints)) * kBytesEach + 7) / 8 * 8;
  }

  KalmanMemory() noexcept = default;
  KalmanMemory(Person* person, int32_t num_keypoints) noexcept {
    keypoints = room(num_keypoints);
    coordinates = 2 * (num_keypoints + num_keypoints % 2);
    c00 = reinterpret_cast<Variance*>(person + 1);
    c01 = c00 + keypoints;
    c11 = c01 + keypoints;
    position = reinterpret_cast<Number*>(c11 + keypoints);
    velocity = position + 2 * keypoints;
    measured = velocity + 2 * keypoints;
    at = measured + 2 * keypoints;
    position_gain = reinterpret_cast<Factor*>(at + 2 * keypoints);
    velocity_gain = position_gain + 2 * keypoints;
    spread = reinterpret_cast<Distance*>(velocity_gain + 2 * keypoints);
    distance = spread + keypoints;
    weakness = reinterpret_cast<uint32_t*>(distance + keypoints);
    age = weakness + keypoints;
    phase = reinterpret_cast<Phase*>(age + keypoints);
    gated = reinterpret_cast<uint8_t*>(phase + keypoints);
  }

  [[nodiscard]] Covariance covariance(int32_t i) const noexcept { return {c00[i], c01[i], c11[i]}; }
  void set_covariance(int32_t i, const Covariance& c) const noexcept {
    c00[i] = c.c00;
    c01[i] = c.c01;
    c11[i] = c.c11;
  }

  int32_t keypoints;    // with those that are nobody's
  int32_t coordinates;  // a multiple of 4
  Variance* c00;        // the covariance of each keypoint
  Variance* c01;
  Variance* c11;
  Number* position;  // 0 velocity where the keypoint is not running
  Number* velocity;
  Distance* spread;  // what its measurements were lately off
  uint32_t* age;     // frames since the last measurement, Q16.16
  Phase* phase;
  uint8_t* gated;  // in a row

  // Of the frame.
  Number* measured;
  uint32_t* weakness;  // variance by that of score 1, Q12.20; 0: missing
  Number* at;          // where the coordinate is expected
  Distance* distance;  // from there to the measurement
  Factor* position_gain;
  Factor* velocity_gain;
};

// What is seen of a person in a frame.
struct Seen {
  bool all;    // no keypoint is missing
  bool alike;  // and all have the weakness of the first, which alone is written
};

// A size as the arithmetic takes it: the least e with size <= 2^e px, and m = (size / 2^e)^2, Q12.20.
struct Scale {
  uint32_t size;  // px, Q16.16
  int32_t exponent;
  uint32_t size_noise;
};

[[nodiscard]] inline Scale scale_of(uint32_t size) noexcept {
  const uint32_t bits = size > 1 ? 64U - leading_zeros(static_cast<uint64_t>(size) - 1) : 0U;
  const uint64_t ratio = static_cast<uint64_t>(size) << (31U - bits);  // Q31, over 1/2 to 1
  return {size, static_cast<int32_t>(bits) - 16, static_cast<uint32_t>((ratio * ratio + (uint64_t{1} << 41U)) >> 42U)};
}

// What is nearer to the expected place than this is no spike, `age` after the last measurement; px, Q16.16.
[[nodiscard]] inline uint32_t spike_floor(const KalmanPlan& plan, uint32_t size, uint32_t age) noexcept {
  constexpr uint64_t kMostSizes = uint64_t{1024} << 16U;
  constexpr uint64_t kMostPx = uint64_t{4096} << 16U;
  const uint64_t frames = (age >> 8U) < 0xffffU ? age >> 8U : 0xffffU;  // Q8
  const uint64_t moved = (frames * frames * plan.spike_start) >> 20U;   // sizes, Q16
  const uint64_t noise = plan.spike_noise >> 4U;
  const uint64_t least = moved > noise ? moved : noise;
  const uint64_t known = size != 0 ? size : kFrame;
  const uint64_t px = (known * (least < kMostSizes ? least : kMostSizes)) >> 16U;
  return static_cast<uint32_t>(px < kMostPx ? px : kMostPx);
}

}  // namespace posecore::detail
