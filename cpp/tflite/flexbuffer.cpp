#include "flexbuffer.hpp"

#include <math.h>
#include <string.h>

namespace posecore::tflite {
namespace {

constexpr uint64_t kMostEntries = 64;
constexpr int64_t kLongestKey = 256;
constexpr int32_t kInt = 1;
constexpr int32_t kUint = 2;
constexpr int32_t kFloat = 3;
constexpr int32_t kString = 5;
constexpr int32_t kIndirectInt = 6;
constexpr int32_t kIndirectFloat = 8;
constexpr int32_t kMap = 9;
constexpr int32_t kBlob = 25;
constexpr int32_t kBool = 26;

// The two lowest bits of a type are the logarithm of a width in bytes.
[[nodiscard]] int64_t width_of(uint8_t packed) noexcept { return static_cast<int64_t>(1ULL << (packed & 3U)); }

[[nodiscard]] double half(uint64_t bits) noexcept {
  const int exponent = static_cast<int>(bits >> 10U & 31U);
  const auto fraction = static_cast<double>(bits & 1023U);
  double value = 0.0;
  if (exponent == 31) {
    value = fraction > 0.0 ? static_cast<double>(NAN) : static_cast<double>(INFINITY);
  } else {
    value = exponent == 0 ? fraction : fraction + 1024.0;
    for (int i = exponent == 0 ? 1 : exponent; i > 25; --i) {
      value *= 2.0;
    }
    for (int i = exponent == 0 ? 1 : exponent; i < 25; ++i) {
      value *= 0.5;
    }
  }
  return (bits >> 15U) != 0 ? -value : value;
}

[[nodiscard]] double real(uint64_t bits, int64_t width) noexcept {
  if (width == 2) {
    return half(bits);
  }
  if (width == 4) {
    const auto narrow = static_cast<uint32_t>(bits);
    float value = 0.0F;
    memcpy(&value, &narrow, sizeof value);
    return static_cast<double>(value);
  }
  double value = 0.0;
  memcpy(&value, &bits, sizeof value);
  return value;
}

}  // namespace

bool FlexMap::open(const uint8_t* data, size_t size) noexcept {
  if (data == nullptr || size < 3 || size > (1U << 24U)) {
    return false;
  }
  data_ = data;
  size_ = static_cast<int64_t>(size);
  const int64_t root_width = data[size - 1];
  const uint8_t root_type = data[size - 2];
  const int64_t root = size_ - 2 - root_width;
  uint64_t count = 0;
  uint64_t key_width = 0;
  uint64_t ignored = 0;
  width_ = width_of(root_type);
  if (root_type >> 2U != kMap || !go_back(root, root_width, &values_) ||
      !read_unsigned(values_ - width_, width_, &count) || count > kMostEntries ||
      !read_unsigned(values_ - 2 * width_, width_, &key_width) ||
      !read_unsigned(values_ - 3 * width_, width_, &ignored)) {
    return false;
  }
  count_ = static_cast<int32_t>(count);
  key_width_ = key_width <= 8 ? static_cast<int64_t>(key_width) : 0;
  return count == 0 || go_back(values_ - 3 * width_, width_, &keys_);
}

bool FlexMap::entry(int32_t index, const char** key, FlexValue* value) const noexcept {
  int64_t start = 0;
  uint64_t packed = 0;
  if (!go_back(keys_ + index * key_width_, key_width_, &start)) {
    return false;
  }
  const int64_t longest = size_ - start < kLongestKey ? size_ - start : kLongestKey;
  if (memchr(data_ + start, 0, static_cast<size_t>(longest)) == nullptr ||
      !read_unsigned(values_ + count_ * width_ + index, 1, &packed)) {
    return false;
  }
  *key = reinterpret_cast<const char*>(data_ + start);
  return read_value(values_ + index * width_, static_cast<uint8_t>(packed), value);
}

bool FlexMap::read_unsigned(int64_t at, int64_t width, uint64_t* value) const noexcept {
  const bool known = width == 1 || width == 2 || width == 4 || width == 8;
  if (!known || at < 0 || at > size_ - width) {
    return false;
  }
  *value = 0;
  for (int64_t i = 0; i < width; ++i) {
    *value |= static_cast<uint64_t>(data_[at + i]) << (8U * static_cast<uint64_t>(i));
  }
  return true;
}

bool FlexMap::read_number(int32_t type, int64_t at, int64_t width, double* value) const noexcept {
  uint64_t bits = 0;
  if (!read_unsigned(at, width, &bits) || (type == kFloat && width == 1)) {
    return false;
  }
  if (type == kFloat) {
    *value = real(bits, width);
  } else if (type == kUint) {
    *value = static_cast<double>(bits);
  } else {
    const uint64_t sign = 1ULL << (8U * static_cast<uint64_t>(width) - 1U);
    *value = static_cast<double>(static_cast<int64_t>((bits ^ sign) - sign));
  }
  return true;
}

// Where an offset, which counts backwards from its own place, leads to: inside of the bytes.
bool FlexMap::go_back(int64_t at, int64_t width, int64_t* target) const noexcept {
  uint64_t by = 0;
  if (!read_unsigned(at, width, &by) || by > static_cast<uint64_t>(at)) {
    return false;
  }
  *target = at - static_cast<int64_t>(by);
  return true;
}

bool FlexMap::read_value(int64_t at, uint8_t packed, FlexValue* value) const noexcept {
  int32_t type = packed >> 2U;
  int64_t width = width_of(packed);
  *value = {};
  if (type == kString || type == kBlob) {
    uint64_t length = 0;
    int64_t start = 0;
    return go_back(at, width_, &start) && read_unsigned(start - width, width, &length) &&
           length <= static_cast<uint64_t>(size_ - start);
  }
  if (type >= kIndirectInt && type <= kIndirectFloat) {
    if (!go_back(at, width_, &at)) {
      return false;
    }
    type -= kIndirectInt - kInt;
  } else {
    width = width_;
  }
  if (type == kBool) {
    value->kind = FlexValue::Kind::kBool;
    return read_number(kUint, at, width, &value->number);
  }
  if (type >= kInt && type <= kFloat) {
    value->kind = FlexValue::Kind::kNumber;
    return read_number(type, at, width, &value->number);
  }
  return true;
}

}  // namespace posecore::tflite
