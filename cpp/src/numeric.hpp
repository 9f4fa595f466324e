// Arithmetic that gives the same bits with every compiler and C library (with -ffp-contract=off).
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

namespace posecore::detail {

// Of everything that has a time: track, swaps, filters. Poses in Python have the same bound.
inline constexpr double kTimeLimitS = 1e10;

[[nodiscard]] inline bool is_time(double time_s) noexcept {
  return time_s >= -kTimeLimitS && time_s <= kTimeLimitS;  // NaN is none
}

[[nodiscard]] inline uint32_t bits_of(float value) noexcept {
  uint32_t bits = 0;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

[[nodiscard]] inline float float_of(uint32_t bits) noexcept {
  float value = 0;
  memcpy(&value, &bits, sizeof value);
  return value;
}

// e^x to about 1 ulp: x = n ln 2 + r with |r| <= ln 2 / 2, ln 2 in two parts, Taylor to r^7.
[[nodiscard]] inline float exponential(float x) noexcept {
  if (!(x > -87.0F)) {
    return 0.0F;
  }
  if (x > 88.0F) {
    x = 88.0F;
  }
  const float scaled = x * 1.44269504F;
  const auto n = static_cast<int32_t>(scaled + (scaled < 0 ? -0.5F : 0.5F));
  const auto whole = static_cast<float>(n);
  const float r = (x - whole * 0.693359375F) + whole * 2.12194440e-4F;
  float sum = 1.0F / 5040.0F;
  sum = sum * r + 1.0F / 720.0F;
  sum = sum * r + 1.0F / 120.0F;
  sum = sum * r + 1.0F / 24.0F;
  sum = sum * r + 1.0F / 6.0F;
  sum = sum * r + 0.5F;
  sum = sum * r + 1.0F;
  sum = sum * r + 1.0F;
  return sum * float_of(static_cast<uint32_t>(n + 127) << 23U);
}

// 1 / (1 + e^-x); NaN is 0.
[[nodiscard]] inline float sigmoid(float x) noexcept {
  if (!(x > -87.0F)) {
    return 0.0F;
  }
  return 1.0F / (1.0F + exponential(-x));
}

// The share that a new value has `dt` seconds after the old one, where old values are forgotten over `time` seconds.
[[nodiscard]] inline float share(float dt, float time) noexcept { return 1.0F - exponential(-dt / time); }

// Into [0, high]; NaN is 0.
[[nodiscard]] inline float clamped(float value, float high) noexcept {
  if (!(value > 0.0F)) {
    return 0.0F;
  }
  return value < high ? value : high;
}

// Unsigned integers in the order of the floats, -0 and 0 alike. NaN is not asked for.
[[nodiscard]] inline uint32_t ordered(float value) noexcept {
  const uint32_t bits = bits_of(value + 0.0F);
  return (bits >> 31U) != 0 ? ~bits : bits | 0x80000000U;
}

[[nodiscard]] inline float from_ordered(uint32_t key) noexcept {
  return float_of((key >> 31U) != 0 ? key & 0x7fffffffU : ~key);
}

}  // namespace posecore::detail
