#include "json_decimal.hpp"

#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace posecore::host {
namespace {

// `text` is digits and perhaps an exponent, and ends in a NUL. Without a radix character strtod knows no locale.
double nearest(const char* text) {
#ifdef __cpp_lib_to_chars
  double value = 0.0;
  if (std::from_chars(text, text + std::strlen(text), value).ec == std::errc()) {
    return value;
  }
#endif
  return std::strtod(text, nullptr);
}

Whole signed_whole(uint64_t magnitude, bool negative, int64_t* value) {
  constexpr uint64_t kMost = INT64_MAX;
  if (magnitude > kMost + (negative ? 1U : 0U)) {
    return Whole::kBeyond;
  }
  *value = negative ? static_cast<int64_t>(~magnitude + 1U) : static_cast<int64_t>(magnitude);
  return Whole::kYes;
}

}  // namespace

double Decimal::real() {
  // 10^309 is beyond all doubles, and 10^-324 below half of the least.
  const int64_t power = point();
  double magnitude = 0.0;
  if (count_ > 0 && power > 310) {
    magnitude = HUGE_VAL;
  } else if (count_ > 0 && power > -330) {
    int32_t length = count_;
    if (more_) {
      // Above the digits that are kept, below the next number of as many digits: that is all that rounding asks.
      digits_[length++] = '1';
    }
    (void)std::snprintf(digits_ + length, sizeof(digits_) - static_cast<size_t>(length), "e%d",
                        static_cast<int>(power) - length);
    magnitude = nearest(digits_);
  }
  return negative_ ? -magnitude : magnitude;
}

Whole Decimal::whole(int64_t* value) const {
  const int64_t power = point();
  int32_t significant = count_;
  while (significant > 0 && digits_[significant - 1] == '0') {
    --significant;
  }
  if (significant == 0) {
    *value = 0;
    return Whole::kYes;
  }
  if (more_ || power < significant) {
    // What was not kept begins at 10^(point - kMostDigits).
    return more_ && power > kMostDigits ? Whole::kBeyond : Whole::kNo;
  }
  if (power > 19) {
    return Whole::kBeyond;
  }
  uint64_t magnitude = 0;
  for (int32_t i = 0; i < power; ++i) {
    const auto digit = static_cast<uint64_t>(i < significant ? digits_[i] - '0' : 0);
    magnitude = 10 * magnitude + digit;  // 19 digits stay below 2^64
  }
  return signed_whole(magnitude, negative_, value);
}

double ShortNumber::long_real() const {
#ifdef __cpp_lib_to_chars
  double value = 0.0;
  if (std::from_chars(first, last, value).ec == std::errc()) {
    return value;
  }
#endif
  Decimal decimal;
  bool in_fraction = false;
  for (const char* at = first; at != last; ++at) {
    if (*at == '-') {
      decimal.negate();
    } else if (*at == '.') {
      in_fraction = true;
    } else if (in_fraction) {
      decimal.fraction_digit(*at);
    } else {
      decimal.whole_digit(*at);
    }
  }
  return decimal.real();
}

Whole ShortNumber::whole(int64_t* value) const {
  uint64_t magnitude = mantissa;
  for (int32_t zeros = fraction; zeros > 0; --zeros) {
    if (magnitude % 10 != 0) {
      return Whole::kNo;
    }
    magnitude /= 10;
  }
  return signed_whole(magnitude, negative, value);
}

}  // namespace posecore::host
