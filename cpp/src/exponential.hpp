// e^x for x <= 0, on lanes: the same bits in every width, from every compiler (with -ffp-contract=off).
#pragma once

#include "lanes.hpp"

namespace posecore::detail {

// x = (kRows n + j) ln 2 / kRows + r: e^x is 2^n times 2^(j / kRows) times e^r. Below kSmall, e^x has fewer digits than
// other numbers: there it is made 2^64 times larger and brought down last, with one rounding.
template <class L>
struct Reduced {
  typename L::Real r;      // |r| <= ln 2 / kRows / 2
  typename L::Bits row;    // j
  typename L::Bits scale;  // n, and 64 more where x is small, at the place of an exponent
  typename L::Real down;   // 1; 2^-64 where x is small, and 0 where e^x is nearer to 0 than to anything else
};

template <class T>
struct ExponentialFacts;

// Right to 0.51 ulp.
template <>
struct ExponentialFacts<double> {
  static constexpr double kLeast = -746.0;
  static constexpr double kNone = -745.2;   // ln 2^-1075 is -745.13
  static constexpr double kSmall = -708.0;  // ln 2^-1022 is -708.40
  static constexpr uint64_t kRows = 128;
  static constexpr double kSteps = 0x1.71547652b82fep+7;     // 128 / ln 2
  static constexpr double kStepHigh = 0x1.62e42fefp-8;       // ln 2 / 128 to 33 bits: its products here are exact,
  static constexpr double kStepLow = 0x1.473de6af278edp-41;  // and what that leaves
  static constexpr double kRound = 0x1.8p52;                 // adding it leaves a whole number in the low bits
  static constexpr double kDown = 0x1p-64;
  static constexpr uint64_t kLift = uint64_t{64} << 52U;
  static constexpr uint64_t kShift = 52 - 7;
};

// Right to 1 ulp.
template <>
struct ExponentialFacts<float> {
  static constexpr float kLeast = -105.0F;
  static constexpr float kNone = -104.0F;  // ln 2^-150 is -103.97
  static constexpr float kSmall = -87.0F;  // ln 2^-126 is -87.34
  static constexpr uint32_t kRows = 1;
  static constexpr float kSteps = 0x1.715476p+0F;     // 1 / ln 2
  static constexpr float kStepHigh = 0x1.62e4p-1F;    // ln 2 to 15 bits,
  static constexpr float kStepLow = 0x1.7f7d1cp-20F;  // and what that leaves
  static constexpr float kRound = 0x1.8p23F;
  static constexpr float kDown = 0x1p-64F;
  static constexpr uint32_t kLift = uint32_t{64} << 23U;
  static constexpr uint32_t kShift = 23;
};

template <class L>
POSECORE_INLINE void reduce(const typename L::Real& value, Reduced<L>* out) noexcept {
  using Facts = ExponentialFacts<typename L::Number>;
  using Real = typename L::Real;
  using Bits = typename L::Bits;
  const Real least = L::all(Facts::kLeast);
  const Real x = value > least ? value : least;  // NaN too
  const Real shifted = x * Facts::kSteps + Facts::kRound;
  const Real whole = shifted - Facts::kRound;
  const Bits number = bits_in<L>(shifted);
  const Bits lift = x < L::all(Facts::kSmall) ? L::all_bits(Facts::kLift) : L::all_bits(0);
  const Real down = x < L::all(Facts::kSmall) ? L::all(Facts::kDown) : L::all(1);
  out->r = (x - whole * Facts::kStepHigh) - whole * Facts::kStepLow;
  out->row = number & L::all_bits(Facts::kRows - 1);
  out->scale = ((number - out->row) << Facts::kShift) + lift;
  out->down = x < L::all(Facts::kNone) ? L::all(0) : down;
}

// The power of two is the sum of two doubles, so that only the last addition rounds at full size. Taylor to r^6.
template <class L>
POSECORE_INLINE typename L::Real finish_doubles(const Reduced<L>& in) noexcept {
  using Real = typename L::Real;
  Real high;
  Real low;
  L::powers(in.row, &high, &low);
  const Real r = in.r;
  const Real r2 = r * r;
  const Real power = r + r2 * ((0.5 + r * (1.0 / 6.0)) + r2 * ((1.0 / 24.0 + r * (1.0 / 120.0)) + r2 * (1.0 / 720.0)));
  const Real value = high + (low + high * power);
  return real_of<L>(bits_in<L>(value) + in.scale) * in.down;
}

// Taylor to r^8.
template <class L>
POSECORE_INLINE typename L::Real finish_floats(const Reduced<L>& in) noexcept {
  using Real = typename L::Real;
  const Real r = in.r;
  const Real r2 = r * r;
  const Real last = (1.0F / 720.0F + r * (1.0F / 5040.0F)) + r2 * (1.0F / 40320.0F);
  const Real power = r + r2 * ((0.5F + r * (1.0F / 6.0F)) + r2 * ((1.0F / 24.0F + r * (1.0F / 120.0F)) + r2 * last));
  const Real value = 1.0F + power;
  return real_of<L>(bits_in<L>(value) + in.scale) * in.down;
}

// values[i] = e^values[i], where it is at most 0; NaN becomes 0. In two steps, a few values at a time: a processor
// looks ahead over either of them for several values, over both of them for hardly two.
template <class L>
POSECORE_INLINE void exponentials_of(typename L::Real* values, int32_t count) noexcept {
  constexpr int32_t kAtOnce = 8;
  Reduced<L> reduced[kAtOnce];
  for (int32_t first = 0; first < count; first += kAtOnce) {
    const int32_t now = count - first < kAtOnce ? count - first : kAtOnce;
    for (int32_t i = 0; i < now; ++i) {
      reduce<L>(values[first + i], reduced + i);
    }
    for (int32_t i = 0; i < now; ++i) {
      if constexpr (sizeof(typename L::Number) == sizeof(double)) {
        values[first + i] = finish_doubles<L>(reduced[i]);
      } else {
        values[first + i] = finish_floats<L>(reduced[i]);
      }
    }
  }
}

}  // namespace posecore::detail
