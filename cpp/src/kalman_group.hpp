// Four keypoints of the fixed-point filter at once, with AVX2: the bits of kalman_fixed.hpp, since every product of it
// is made of products of 32 bits, and the quotient of two doubles is corrected to the whole one that is wanted.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "kalman_fixed.hpp"
#include "kalman_memory.hpp"
#include "processor.hpp"

#if defined(POSECORE_HAS_AVX2)

#define POSECORE_AVX2 __attribute__((target("avx2")))
#define POSECORE_AVX2_INLINE inline __attribute__((always_inline, target("avx2")))

#if !defined(__clang__)
// About results that are vectors, of functions that are inlined all.
#pragma GCC diagnostic ignored "-Wpsabi"
#endif

namespace posecore::detail {

typedef uint64_t Words __attribute__((vector_size(32)));
typedef int64_t SignedWords __attribute__((vector_size(32)));
typedef double Doubles __attribute__((vector_size(32)));
typedef uint32_t Halves __attribute__((vector_size(32)));
typedef int32_t SignedHalves __attribute__((vector_size(32)));
typedef uint32_t FourHalves __attribute__((vector_size(16)));

constexpr uint64_t kLowHalf = 0xffffffffU;
constexpr uint64_t kTwoTo52 = 0x4330000000000000U;  // 2^52 as a double: its lowest bits count ones

template <class To, class From>
POSECORE_AVX2_INLINE To as(const From& from) noexcept {
  To to;
  static_assert(sizeof to == sizeof from);
  memcpy(&to, &from, sizeof to);
  return to;
}

template <class V, class T>
POSECORE_AVX2_INLINE V loaded(const T* from) noexcept {
  V value;
  memcpy(&value, from, sizeof value);
  return value;
}

template <class V, class T>
POSECORE_AVX2_INLINE void stored(const V& value, T* to) noexcept {
  memcpy(to, &value, sizeof value);
}

POSECORE_AVX2_INLINE Words widened(const uint32_t* from) noexcept {
  return __builtin_convertvector(loaded<FourHalves>(from), Words);
}

POSECORE_AVX2_INLINE Words all(uint64_t value) noexcept { return value - Words{}; }

// Of the low halves.
POSECORE_AVX2_INLINE Words product(const Words& a, const Words& b) noexcept {
#if defined(__clang__)
  return (a & kLowHalf) * (b & kLowHalf);
#else
  typedef int Ints __attribute__((vector_size(32)));
  return as<Words>(__builtin_ia32_pmuludq256(as<Ints>(a), as<Ints>(b)));
#endif
}

POSECORE_AVX2_INLINE bool any(const Words& bits) noexcept { return (bits[0] | bits[1] | bits[2] | bits[3]) != 0; }

// Numbers below 2^63 compared, which is one instruction with signs.
POSECORE_AVX2_INLINE Words is_less(const Words& a, const Words& b) noexcept {
  return as<Words>(as<SignedWords>(a) < as<SignedWords>(b));
}

// Of numbers below 2^32.
POSECORE_AVX2_INLINE Words more(const Words& a, const Words& b) noexcept {
  const Halves x = as<Halves>(a);
  const Halves y = as<Halves>(b);
  return as<Words>(x > y ? x : y);
}
POSECORE_AVX2_INLINE Words less(const Words& a, const Words& b) noexcept {
  const Halves x = as<Halves>(a);
  const Halves y = as<Halves>(b);
  return as<Words>(x < y ? x : y);
}

POSECORE_AVX2_INLINE Words chosen(const Words& mask, const Words& yes, const Words& no) noexcept {
  return (mask & yes) | (~mask & no);
}

// `scaled` of kalman_fixed.hpp, for products that fit.
POSECORE_AVX2_INLINE Words scaled_words(const Words& value, const Words& factor, uint32_t bits) noexcept {
  return (product(value >> 32U, factor) << (32U - bits)) +
         ((product(value, factor) + (uint64_t{1} << (bits - 1U))) >> bits);
}

POSECORE_AVX2_INLINE Doubles as_doubles(const Words& below_2_to_52) noexcept {
  return as<Doubles>(below_2_to_52 | kTwoTo52) - as<Doubles>(all(kTwoTo52));
}

// 2^63 / top, rounded down, at most 2^32 - 1; top in [2^31, 2^32).
POSECORE_AVX2_INLINE Words reciprocals(const Words& top) noexcept {
  const Doubles quotient = 9223372036854775808.0 / as_doubles(top);
  // Rounded to nearest in the bits of the sum: right, or one too much.
  const Words nearest = as<Words>(quotient + as<Doubles>(all(kTwoTo52))) & 0x1ffffffffU;
  const Words y = nearest - (nearest >> 32U);
  return y - ((product(top, y) - 1U) >> 63U);
}

// What a group's keypoints are off, on both axes and as `distance` of kalman_fixed.hpp; all of it below 4096 px.
POSECORE_AVX2_INLINE Words distances(const Halves& off) noexcept {
  const SignedHalves sides = as<SignedHalves>(off);
  const Words lengths = as<Words>(sides < 0 ? -sides : sides);
  const Words across = lengths & kLowHalf;
  const Words down = lengths >> 32U;
  return more(across, down) + (less(across, down) >> 1U);
}

POSECORE_AVX2_INLINE Words spike_limits(const Words& spread, uint64_t least) noexcept {
  return more((spread << 2U) + spread, all(least));
}

POSECORE_AVX2_INLINE Words followed_words(const Words& spread, const Words& distance, const Words& limit) noexcept {
  return spread - (spread >> 3U) + (less(distance, limit >> 1U) >> 3U);
}

// `update` of kalman_fixed.hpp for the group of keypoint i, whose gains are in the low halves.
template <class Memory>
POSECORE_AVX2_INLINE void move_group(const Memory& m, int32_t i, const Halves& at, const Halves& off,
                                     const Words& position_gain, const Words& velocity_gain) noexcept {
  const ptrdiff_t first = 2 * static_cast<ptrdiff_t>(i);
  const Words x = as<Words>(off ^ 0x80000000U);
  const Words y = x >> 32U;
  const Words shorter = (uint64_t{1} << 29U) - (position_gain << 31U);
  const Words moved_x = ((product(x, position_gain) + shorter) >> 30U) & kLowHalf;
  const Words moved_y = ((product(y, position_gain) + shorter) >> 30U) << 32U;
  stored(at + as<Halves>(moved_x | moved_y), m.position + first);
  const Words slower = (uint64_t{1} << 27U) - (velocity_gain << 31U);
  const Words turned_x = ((product(x, velocity_gain) + slower) >> 28U) & kLowHalf;
  const Words turned_y = ((product(y, velocity_gain) + slower) >> 28U) << 32U;
  stored(loaded<Halves>(m.velocity + first) + as<Halves>(turned_x | turned_y), m.velocity + first);
}

// `expect` of kalman_fixed.hpp for a frame of one nominal frame, and whether a keypoint is a spike.
template <class Memory, class Reach>
POSECORE_AVX2 inline void expect_groups(const FixedFrame& frame, const Memory& m, Reach* reach, bool* spikes) noexcept {
  Halves most = {};
  Halves large = {};
  Words far = {};
  for (int32_t i = 0; i < m.keypoints; i += kGroup) {
    const ptrdiff_t first = 2 * static_cast<ptrdiff_t>(i);
    const SignedHalves velocity = loaded<SignedHalves>(m.velocity + first);
    const Halves position = loaded<Halves>(m.position + first);
    const Halves measured = loaded<Halves>(m.measured + first);
    const Halves at = position + as<Halves>(((velocity >> 1) + 1) >> 1);
    stored(at, m.at + first);
    const Halves off = measured - at;
    const SignedHalves sides = as<SignedHalves>(off);
    most |= as<Halves>(sides ^ (sides >> 31));
    large |= ((position + (1U << 29U)) | (measured + (1U << 29U))) & 0xc0000000U;
    large |= (as<Halves>(velocity) + (1U << 30U)) & 0x80000000U;
    const Words limit = spike_limits(widened(m.spread + i), frame.least_spike);
    far |= more(limit, distances(off)) ^ limit;
  }
  *spikes = frame.gate_mantissa != 0 && any(far);
  const Words of_two = as<Words>(most);
  const uint64_t of_all = of_two[0] | of_two[1] | of_two[2] | of_two[3];
  // All of their bits: no less than the largest, and less than twice it.
  *reach = {!any(as<Words>(large)), static_cast<int32_t>((of_all | (of_all >> 32U)) & 0x7fffffffU)};
}

// All keypoints with one gain.
template <class Memory>
POSECORE_AVX2 inline void move_together(const FixedFrame& frame, const Memory& m, uint32_t position_gain,
                                        uint32_t velocity_gain) noexcept {
  for (int32_t i = 0; i < m.keypoints; i += kGroup) {
    const Halves at = loaded<Halves>(m.at + 2 * static_cast<ptrdiff_t>(i));
    const Halves off = loaded<Halves>(m.measured + 2 * static_cast<ptrdiff_t>(i)) - at;
    if (frame.gate_mantissa != 0) {
      const Words spread = widened(m.spread + i);
      const Words limit = spike_limits(spread, frame.least_spike);
      stored(__builtin_convertvector(followed_words(spread, distances(off), limit), FourHalves), m.spread + i);
    }
    move_group(m, i, at, off, all(position_gain), all(velocity_gain));
  }
}

// Keypoints first to first + 3 and so on, until all are done or a group has one that has to be looked at alone; that
// group's first keypoint, which has not changed, or `keypoints`. All keypoints of a group that is done were measured.
template <class Memory>
POSECORE_AVX2 inline int32_t update_groups(const FixedFrame& frame, const Memory& m, int32_t first,
                                           int32_t keypoints) noexcept {
  const Words elapsed = all(frame.elapsed);
  const bool even = frame.elapsed == kFrame;
  const bool gates = frame.gate_mantissa != 0;
  const auto gate_left = static_cast<uint32_t>(frame.gate_exponent > 0 ? frame.gate_exponent : 0);
  const auto gate_right =
      static_cast<uint32_t>(frame.gate_exponent < 0 ? (frame.gate_exponent > -63 ? -frame.gate_exponent : 63) : 0);
  int32_t i = first;
  for (; i < keypoints; i += kGroup) {
    uint32_t phases = 0;
    uint32_t gated = 0;
    memcpy(&phases, m.phase + i, sizeof phases);
    memcpy(&gated, m.gated + i, sizeof gated);
    const FourHalves age = loaded<FourHalves>(m.age + i);
    const Words weakness = widened(m.weakness + i);
    if (phases != 0x01010101U * static_cast<uint32_t>(Phase::kRunning) || gated != 0) {
      break;
    }
    const Words c00 = loaded<Words>(m.c00 + i);
    const Words c01 = loaded<Words>(m.c01 + i);
    const Words c11 = loaded<Words>(m.c11 + i);
    // F C F' + Q.
    Words turned = c11;
    Words moved = c01 + c01 + turned;
    if (!even) {
      turned = scaled_words(c11, elapsed, 16);
      moved = scaled_words(c01 + c01 + turned, elapsed, 16);
    }
    const Words e00 = c00 + moved + frame.q00;
    const Words e01 = c01 + turned + frame.q01;
    const Words e11 = c11 + frame.q11;
    const Words r = (product(weakness, all(frame.size_noise)) + kOne20 / 2) >> 20U;
    const Words r40 = r << 20U;
    const Words sum = e00 + r40;
    // Beyond these, numbers have more bits than there is room for here.
    Words odd = ((c00 | c01 | c11) >> 51U) | ((e00 | e01 | e11 | sum) >> 52U) | ((sum - e01) >> 63U);
    odd |= as<Words>((e00 >> 20U) == 0) | as<Words>(weakness == 0) | __builtin_convertvector(age, Words);
    const Words shift = (as<Words>(as_doubles(sum)) >> 52U) - 1054U;  // the highest bit of the sum becomes bit 31
    const Words half = all(1) << (shift - 1U);
    const Words inverse = reciprocals(sum >> shift);
    const Words top01 = (e01 + half) >> shift;
    odd |= top01 >> 32U;
    Words position = (product((e00 + half) >> shift, inverse) + (uint64_t{1} << 32U)) >> 33U;
    position = less(position, all(1U << 30U));
    const Words velocity = (product(top01, inverse) + (uint64_t{1} << 32U)) >> 33U;
    const Words left = (product((r40 + half) >> shift, inverse) + (uint64_t{1} << 30U)) >> 31U;
    const Words share = left - (left >> 32U);
    const Words small = is_less(position, all(1U << 29U));
    const Words after00 = chosen(small, scaled_words(e00, share, 32), (product(r, position) + 512U) >> 10U);
    const Words after01 = chosen(small, scaled_words(e01, share, 32), (product(r, velocity) + 512U) >> 10U);
    const Words taken = scaled_words(e01, velocity, 30);
    const Words after11 = (e11 - taken) & is_less(taken, e11);

    const Halves at = loaded<Halves>(m.at + 2 * static_cast<ptrdiff_t>(i));
    const Halves off = loaded<Halves>(m.measured + 2 * static_cast<ptrdiff_t>(i)) - at;
    const Words spread = widened(m.spread + i);
    Words followed = spread;
    if (gates) {
      const SignedHalves sixteenths = as<SignedHalves>(off) >> 4;
      const Words sides = as<Words>(sixteenths < 0 ? -sixteenths : sixteenths);
      const Words squared = product(sides, sides) + product(sides >> 32U, sides >> 32U);
      odd |= is_less((product(sum >> 24U, all(frame.gate_mantissa)) >> gate_right) << gate_left, squared);
      const Words distance = distances(off);
      const Words limit = spike_limits(spread, frame.least_spike);
      odd |= more(limit, distance) ^ limit;
      followed = followed_words(spread, distance, limit);
    }
    if (any(odd)) {
      break;
    }
    stored(after00, m.c00 + i);
    stored(after01, m.c01 + i);
    stored(after11, m.c11 + i);
    stored(__builtin_convertvector(followed, FourHalves), m.spread + i);
    move_group(m, i, at, off, position, velocity);
  }
  return i < keypoints ? i : keypoints;
}

}  // namespace posecore::detail

#endif
