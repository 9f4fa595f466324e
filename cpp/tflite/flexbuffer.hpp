// A bounded reader of FlexBuffers: the numbers of a map, as operators keep their options in a model's file.
// Format: https://flatbuffers.dev/flatbuffers_internals.html, "FlexBuffers".
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace posecore::tflite {

// What an entry of a map holds. Strings, vectors and the like are kOther.
struct FlexValue {
  enum class Kind : uint8_t { kOther, kBool, kNumber };
  Kind kind = Kind::kOther;
  double number = 0.0;
};

// Bytes from anywhere: nothing outside of them is read.
class FlexMap {
 public:
  // False where the bytes do not end in a map of at most 64 entries.
  [[nodiscard]] bool open(const uint8_t* data, size_t size) noexcept;
  [[nodiscard]] int32_t count() const noexcept { return count_; }
  // The entry's key, in the bytes and ended by a zero, and what it holds; false where either is outside of the bytes.
  [[nodiscard]] bool entry(int32_t index, const char** key, FlexValue* value) const noexcept;

 private:
  [[nodiscard]] bool read_unsigned(int64_t at, int64_t width, uint64_t* value) const noexcept;
  [[nodiscard]] bool read_number(int32_t type, int64_t at, int64_t width, double* value) const noexcept;
  [[nodiscard]] bool go_back(int64_t at, int64_t width, int64_t* target) const noexcept;
  [[nodiscard]] bool read_value(int64_t at, uint8_t packed, FlexValue* value) const noexcept;

  const uint8_t* data_ = nullptr;
  int64_t size_ = 0;
  int64_t values_ = 0;
  int64_t keys_ = 0;
  int64_t width_ = 0;
  int64_t key_width_ = 0;
  int32_t count_ = 0;
};

}  // namespace posecore::tflite
