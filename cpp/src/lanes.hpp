// Numbers side by side, so that a kernel is written once for one of them and for a vector of them.
//
// The vectors are those of GCC and clang: operators work on each number alone, so that every width gives the same bits.
// A kernel on Lanes is inlined into one function for each set of instructions, and there is compiled for that set.
#pragma once

#include <stdint.h>
#include <string.h>

#include "exp_table.hpp"

#if defined(__GNUC__)
#define POSECORE_INLINE inline __attribute__((always_inline))
#else
#define POSECORE_INLINE inline
#endif

#if defined(__GNUC__) && !defined(__clang__)
// About results that are vectors, of functions that are inlined all. Arguments are references for the same reason.
#pragma GCC diagnostic ignored "-Wpsabi"
#endif

namespace posecore::detail {

template <class T>
struct BitsOf;
template <>
struct BitsOf<float> {
  using Type = uint32_t;
};
template <>
struct BitsOf<double> {
  using Type = uint64_t;
};

template <class T, int32_t N>
struct Lanes;

template <class T>
struct Lanes<T, 1> {
  using Number = T;
  using Real = T;
  using Bits = typename BitsOf<T>::Type;
  static constexpr int32_t kCount = 1;

  static POSECORE_INLINE Real all(T value) noexcept { return value; }
  static POSECORE_INLINE Bits all_bits(Bits bits) noexcept { return bits; }
  static POSECORE_INLINE void powers(const Bits& row, Real* high, Real* low) noexcept {
    *high = static_cast<T>(kPowersOfTwo[row].high);
    *low = static_cast<T>(kPowersOfTwo[row].low);
  }
};

#if defined(__GNUC__)
template <class T, int32_t N>
struct Lanes {
  using Number = T;
  typedef T Real __attribute__((vector_size(N * sizeof(T))));
  typedef typename BitsOf<T>::Type Bits __attribute__((vector_size(N * sizeof(T))));
  static constexpr int32_t kCount = N;

  static POSECORE_INLINE Real all(T value) noexcept { return value - Real{}; }
  static POSECORE_INLINE Bits all_bits(typename BitsOf<T>::Type bits) noexcept { return bits - Bits{}; }
  static POSECORE_INLINE void powers(const Bits& row, Real* high, Real* low) noexcept {
    if constexpr (N == 2) {
      *high = Real{kPowersOfTwo[row[0]].high, kPowersOfTwo[row[1]].high};
      *low = Real{kPowersOfTwo[row[0]].low, kPowersOfTwo[row[1]].low};
    } else {
      *high = Real{kPowersOfTwo[row[0]].high, kPowersOfTwo[row[1]].high, kPowersOfTwo[row[2]].high,
                   kPowersOfTwo[row[3]].high};
      *low =
          Real{kPowersOfTwo[row[0]].low, kPowersOfTwo[row[1]].low, kPowersOfTwo[row[2]].low, kPowersOfTwo[row[3]].low};
    }
  }
};
#endif

template <class L>
POSECORE_INLINE typename L::Real load(const typename L::Number* from) noexcept {
  typename L::Real value;
  // The analyzer does not see that what is read was written in another loop.
  memcpy(&value, from, sizeof value);  // NOLINT(clang-analyzer-unix.cstring.UninitializedRead)
  return value;
}

template <class L>
POSECORE_INLINE void store(const typename L::Real& value, typename L::Number* to) noexcept {
  memcpy(to, &value, sizeof value);
}

template <class L>
POSECORE_INLINE typename L::Bits bits_in(const typename L::Real& value) noexcept {
  typename L::Bits bits;
  memcpy(&bits, &value, sizeof bits);
  return bits;
}

template <class L>
POSECORE_INLINE typename L::Real real_of(const typename L::Bits& bits) noexcept {
  typename L::Real value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

}  // namespace posecore::detail
