// Numbers of JSON: the nearest double and the exact whole number, wherever a window ends.
#include <math.h>
#include <string.h>

#include "check.hpp"
#include "json_pull.hpp"

namespace {

using posecore::host::ByteSpan;
using posecore::host::Column;
using posecore::host::JsonKind;
using posecore::host::JsonNumber;
using posecore::host::JsonPull;
using posecore::host::Whole;

constexpr size_t kManyBytes = 4096;

JsonNumber number(const char* text, size_t window = kManyBytes) {
  ByteSpan span(text, strlen(text));
  JsonPull json(span.source(), window);
  JsonNumber found;
  CHECK(json.kind() == JsonKind::kNumber);
  CHECK(json.number(&found));
  CHECK(json.finish());
  return found;
}

bool same_bits(double a, double b) {
  uint64_t bits[2];
  memcpy(bits, &a, sizeof(a));
  memcpy(bits + 1, &b, sizeof(b));
  return bits[0] == bits[1];
}

}  // namespace

TEST(numbers_are_the_nearest_doubles) {
  const struct {
    const char* text;
    double value;
  } cases[] = {
      {"0.1", 0.1},
      {"-0.0", -0.0},
      {"9007199254740993", 9007199254740992.0},
      {"9007199254740993.0000000000000000000000000000000001", 9007199254740994.0},
      {"351.26873779296875", 351.26873779296875},
      {"0.000001", 1e-6},
      {"123456789012345678901234567890", 123456789012345678901234567890.0},
      {"1e22", 1e22},
      {"1e23", 1e23},
      {"1.7976931348623157e308", 1.7976931348623157e308},
      {"1.7976931348623159e308", HUGE_VAL},
      {"-1e999999999999999999999999", -HUGE_VAL},
      {"1e-999999999999999999999999", 0.0},
      {"0e999999999999999999999999", 0.0},
      {"5e-324", 5e-324},
      {"2.4703282292062327e-324", 0.0},
      {"2.4703282292062328e-324", 5e-324},
      {"2.2250738585072011e-308", 2.2250738585072011e-308},
      {"0.000000000000000000000000000000000000000000000000000000000000000001", 1e-66},
  };
  for (const auto& one : cases) {
    for (size_t window = 1; window <= 32; ++window) {
      CHECK(same_bits(number(one.text, window).real, one.value));
    }
    CHECK(same_bits(number(one.text).real, one.value));
  }
}

TEST(a_digit_far_behind_decides_a_tie) {
  // Half way between 1 and the next double is 1 + 2^-53, which has 53 digits behind the point.
  static constexpr char kTie[] = "1.00000000000000011102230246251565404236316680908203125";
  Column<char> text;
  CHECK(text.append(kTie, sizeof(kTie) - 1));
  char* const zeros = text.extend(2000);
  memset(zeros, '0', 2000);
  CHECK(text.append("1", 2));
  CHECK(same_bits(number(kTie).real, 1.0));
  CHECK(same_bits(number(text.data()).real, 1.0000000000000002));
}

TEST(whole_numbers_are_exact) {
  const struct {
    const char* text;
    Whole is_whole;
    int64_t value;
  } cases[] = {
      {"0", Whole::kYes, 0},
      {"-0", Whole::kYes, 0},
      {"1.0", Whole::kYes, 1},
      {"1.5", Whole::kNo, 0},
      {"15e-1", Whole::kNo, 0},
      {"10e-1", Whole::kYes, 1},
      {"1e3", Whole::kYes, 1000},
      {"12.50e2", Whole::kYes, 1250},
      {"9223372036854775807", Whole::kYes, INT64_MAX},
      {"9223372036854775808", Whole::kBeyond, 0},
      {"-9223372036854775808", Whole::kYes, INT64_MIN},
      {"-9223372036854775809", Whole::kBeyond, 0},
      {"9223372036854775807.000000000000000000000", Whole::kYes, INT64_MAX},
      {"9223372036854775806.999999999999999999999", Whole::kNo, 0},
      {"100000000000000000000", Whole::kBeyond, 0},
      {"1e300", Whole::kBeyond, 0},
      {"1e-300", Whole::kNo, 0},
      {"0.000e-999999999999999999999", Whole::kYes, 0},
      {"NaN", Whole::kNo, 0},
      {"-Infinity", Whole::kNo, 0},
  };
  for (const auto& one : cases) {
    for (size_t window = 1; window <= 32; ++window) {
      const JsonNumber found = number(one.text, window);
      CHECK(found.is_whole == one.is_whole);
      CHECK(one.is_whole != Whole::kYes || found.whole == one.value);
    }
  }
}

TEST(many_elements_at_once_are_the_same_elements) {
  const char* const text = "[1, 2.5 ,3,-4e0,5.25,\n6, 7]";
  for (size_t window = 1; window <= 32; ++window) {
    ByteSpan span(text, strlen(text));
    JsonPull json(span.source(), window);
    double values[8] = {};
    size_t count = 0;
    json.enter_array();
    for (;;) {
      count += json.short_elements(values + count, 2);
      if (!json.next_element()) {
        break;
      }
      CHECK(json.real(&values[count++]));
    }
    CHECK(json.finish());
    CHECK(count == 7);
    CHECK(values[0] + 10 * values[1] + 100 * values[3] + 1000 * values[6] == 1 + 25 - 400 + 7000);
  }
}
