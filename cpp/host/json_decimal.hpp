// The decimal numbers of JSON, digit by digit, and the doubles and whole numbers that they are.
#pragma once

#include <cfloat>
#include <cstddef>
#include <cstdint>

namespace posecore::host {

enum class Whole : uint8_t {
  kYes,     // exactly, within 64 bits with a sign
  kNo,      // has a fraction, or is NaN or infinite
  kBeyond,  // whole, and beyond 64 bits
};

// A number as it is written: (-1)^negative * 0.d0 d1 d2... * 10^point. Leading zeros are not kept; digits beyond
// `kMostDigits`, which is more than decides how any double is rounded (767), only leave `more`.
class Decimal {
 public:
  static constexpr int32_t kMostDigits = 800;

  void negate() { negative_ = true; }
  void whole_digit(char digit) {
    put(digit);
    if (count_ > 0) {
      ++point_;
    }
  }
  void fraction_digit(char digit) {
    if (count_ == 0 && digit == '0') {
      --point_;
    }
    put(digit);
  }
  // A digit of the exponent, after all others.
  void exponent_digit(char digit) {
    constexpr int64_t kEnough = 1'000'000'000'000'000'000;
    exponent_ = exponent_ < kEnough / 10 - 1 ? 10 * exponent_ + (digit - '0') : kEnough;
  }
  void negate_exponent() { exponent_negative_ = true; }

  // The nearest double, ties to even: infinite or 0 where it is beyond them.
  [[nodiscard]] double real();
  // The number where it is whole and fits.
  [[nodiscard]] Whole whole(int64_t* value) const;

 private:
  void put(char digit) {
    if (count_ == 0 && digit == '0') {
      return;
    }
    if (count_ < kMostDigits) {
      digits_[count_++] = digit;
    } else {
      more_ = more_ || digit != '0';
    }
  }
  [[nodiscard]] int64_t point() const { return point_ + (exponent_negative_ ? -exponent_ : exponent_); }

  bool negative_ = false;
  bool exponent_negative_ = false;
  bool more_ = false;
  int32_t count_ = 0;
  int64_t point_ = 0;
  int64_t exponent_ = 0;
  char digits_[kMostDigits + 32];  // and room for an exponent
};

// A number without an exponent, of at most 19 digits: (-1)^negative * mantissa * 10^-fraction, as it is written in
// [first, last).
struct ShortNumber {
  const char* first;
  const char* last;
  uint64_t mantissa;
  int32_t fraction;
  bool negative;

  // Reads one from `at` on, where a byte that is no part of a number comes at or before `end`. false, and nothing said,
  // where there is none, or its end may not be there yet.
  [[nodiscard]] bool read(const char* at, const char* end) {
    first = at;
    negative = *at == '-';
    at += negative ? 1 : 0;
    const char* const whole = at;
    uint64_t value = 0;
    for (; is_digit(*at); ++at) {
      value = 10 * value + static_cast<uint64_t>(*at - '0');
    }
    ptrdiff_t digits = at - whole;
    if (digits == 0 || (*whole == '0' && digits > 1)) {
      return false;
    }
    fraction = 0;
    if (*at == '.') {
      const char* const point = at;
      for (++at; is_digit(*at); ++at) {
        value = 10 * value + static_cast<uint64_t>(*at - '0');
      }
      const ptrdiff_t behind = at - point - 1;
      if (behind == 0) {
        return false;
      }
      digits += behind;
      fraction = static_cast<int32_t>(behind);
    }
    mantissa = value;
    last = at;
    return digits <= 19 && at != end && *at != 'e' && *at != 'E';
  }

  // The nearest double.
  [[nodiscard]] double real() const {
    static constexpr double kPowers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,
                                         1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19};
    // Both are exact doubles, so that the one division rounds once (Clinger 1990).
    constexpr uint64_t kExact = uint64_t{1} << 53U;
    if (FLT_EVAL_METHOD != 0 || mantissa > kExact) {
      return long_real();
    }
    const double magnitude = static_cast<double>(mantissa) / kPowers[fraction];
    return negative ? -magnitude : magnitude;
  }

  // The number where it is whole and fits.
  [[nodiscard]] Whole whole(int64_t* value) const;

 private:
  [[nodiscard]] static bool is_digit(char byte) { return byte >= '0' && byte <= '9'; }
  [[nodiscard]] double long_real() const;
};

}  // namespace posecore::host
