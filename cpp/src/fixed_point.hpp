// Integers that stand for fractions: shifts, products and reciprocals, rounded alike everywhere.
#pragma once

#include <stdint.h>

namespace posecore::detail {

inline constexpr uint64_t kCovarianceLimit = INT64_MAX;  // 2^23, Q23.40
inline constexpr uint32_t kOne20 = 1U << 20U;            // 1, Q12.20

// value / 2^bits, rounded down: every compiler's shift is arithmetic.
[[nodiscard]] constexpr int64_t shifted(int64_t value, uint32_t bits) noexcept {
  return value >> bits;  // NOLINT(bugprone-signed-bitwise)
}
[[nodiscard]] constexpr int32_t shifted(int32_t value, uint32_t bits) noexcept {
  return value >> bits;  // NOLINT(bugprone-signed-bitwise)
}

// value / 2^bits, rounded to nearest, halves up.
[[nodiscard]] constexpr int64_t rounded(int64_t value, uint32_t bits) noexcept {
  return shifted(value + static_cast<int64_t>(uint64_t{1} << (bits - 1U)), bits);
}

[[nodiscard]] constexpr bool fits32(int64_t value) noexcept { return value == static_cast<int32_t>(value); }

// value * factor / 2^bits, rounded, at most kCovarianceLimit; value below 2^63, bits 1 to 32.
[[nodiscard]] constexpr uint64_t scaled(uint64_t value, uint32_t factor, uint32_t bits) noexcept {
  const uint64_t high = (value >> 32U) * factor;
  const uint64_t low = (value & 0xffffffffU) * factor;
  if ((high >> (30U + bits)) != 0) {
    return kCovarianceLimit;
  }
  const uint64_t product = (high << (32U - bits)) + ((low + (uint64_t{1} << (bits - 1U))) >> bits);
  return product < kCovarianceLimit ? product : kCovarianceLimit;
}

[[nodiscard]] constexpr uint64_t capped_sum(uint64_t a, uint64_t b) noexcept {
  const uint64_t sum = a + b;
  return sum < kCovarianceLimit ? sum : kCovarianceLimit;
}

// Zeros before the highest bit of a number that is not 0.
[[nodiscard]] inline uint32_t leading_zeros(uint64_t value) noexcept {
#if defined(__GNUC__)
  return static_cast<uint32_t>(__builtin_clzll(value));
#else
  uint32_t zeros = 0;
  for (uint32_t step = 32; step != 0; step /= 2) {
    if ((value >> (64U - step)) == 0) {
      value <<= step;
      zeros += step;
    }
  }
  return zeros;
#endif
}

// 2^63 / value, rounded down, for value in [2^31, 2^32), at most 2^32 - 1.
[[nodiscard]] constexpr uint32_t reciprocal_by_division(uint64_t value) noexcept {
  const uint64_t y = (uint64_t{1} << 63U) / value;
  return static_cast<uint32_t>(y < 0xffffffffU ? y : 0xffffffffU);
}

// The same for processors that have no division of 64 bits: Newton's steps from a line whose error is 1/17, and what
// is missing to the last bit.
[[nodiscard]] constexpr uint32_t reciprocal_by_steps(uint64_t value) noexcept {
  uint64_t y = 6063483241U - ((value * 4042322161U) >> 32U);  // 48/17 - 32/17 value, Q31
  for (int32_t i = 0; i < 3; ++i) {
    y = (y * ((uint64_t{1} << 32U) - ((value * y) >> 32U))) >> 31U;
  }
  y = y < 0xffffffffU ? y : 0xffffffffU;
  while (value * y > (uint64_t{1} << 63U)) {
    --y;
  }
  while (y < 0xffffffffU && value * (y + 1) <= (uint64_t{1} << 63U)) {
    ++y;
  }
  return static_cast<uint32_t>(y);
}

[[nodiscard]] constexpr uint32_t reciprocal(uint64_t value) noexcept {
#if UINTPTR_MAX > 0xffffffffU
  return reciprocal_by_division(value);
#else
  return reciprocal_by_steps(value);
#endif
}

// Not over the square root, and at most 6 % under it: from a chord between powers of four.
[[nodiscard]] inline uint32_t square_root_below(uint64_t value) noexcept {
  if (value == 0) {
    return 0;
  }
  value = value < (uint64_t{1} << 60U) ? value : (uint64_t{1} << 60U);
  const uint32_t twice = (63U - leading_zeros(value)) & ~1U;
  return static_cast<uint32_t>((((uint64_t{2} << twice) + value) >> (twice / 2)) / 3);
}

}  // namespace posecore::detail
