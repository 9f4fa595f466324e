// JSON read value by value out of a window over the file: whatever its size, memory stays the same.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "column.hpp"
#include "json_decimal.hpp"

namespace posecore::host {

// Where bytes come from: puts up to `room` (at least 1) of them at `bytes` and says how many, 0 at the end, below 0
// where reading failed.
struct ByteSource {
  ptrdiff_t (*read)(void* context, char* bytes, size_t room) = nullptr;
  void* context = nullptr;
};

// Bytes in memory as a source; `context` of the source that `source()` gives points to this.
class ByteSpan {
 public:
  ByteSpan(const char* bytes, size_t count) : bytes_(bytes), left_(count) {}
  [[nodiscard]] ByteSource source() { return {&ByteSpan::read, this}; }

 private:
  static ptrdiff_t read(void* context, char* bytes, size_t room) {
    auto* const self = static_cast<ByteSpan*>(context);
    const size_t count = room < self->left_ ? room : self->left_;
    std::memcpy(bytes, self->bytes_, count);
    self->bytes_ += count;
    self->left_ -= count;
    return static_cast<ptrdiff_t>(count);
  }

  const char* bytes_;
  size_t left_;
};

enum class JsonStatus : uint8_t {
  kOk,
  kNotJson,     // a byte that does not belong there, or the end of the file too early
  kTooDeep,     // more than JsonPull::kMostDepth lists and objects inside of each other
  kReadFailed,  // the source said so
  kNoMemory,
};

// What comes next; kNone after an error.
enum class JsonKind : uint8_t { kNone, kNull, kFalse, kTrue, kNumber, kText, kArray, kObject };

[[nodiscard]] const char* name_of(JsonKind kind);

struct JsonNumber {
  double real = 0.0;  // the nearest double
  int64_t whole = 0;
  Whole is_whole = Whole::kNo;
};

// RFC 8259 in UTF-8, with or without a byte order mark, and NaN, Infinity and -Infinity as Python's json writes them.
// The caller looks at the kind of the next value and takes it with the one function that fits, or skips it:
//
//   for (json.enter_array(); json.next_element();) {
//     if (json.kind() == JsonKind::kNumber) { json.number(&number); } else { json.skip(); }
//   }
//   if (!json.finish()) { ... json.status() ... }
//
// After an error every function says no, and the first error stays.
class JsonPull {
 public:
  static constexpr size_t kWindowBytes = size_t{1} << 20U;
  static constexpr int32_t kMostDepth = 512;
  // Longer keys are read as no key that anyone asks for.
  static constexpr size_t kMostKeyBytes = 64;

  explicit JsonPull(ByteSource source, size_t window_bytes = kWindowBytes);
  ~JsonPull() { std::free(window_); }
  JsonPull(const JsonPull&) = delete;
  JsonPull& operator=(const JsonPull&) = delete;

  [[nodiscard]] JsonKind kind();

  void enter_array() { enter(false); }
  // Whether there is one more element, which is then the next value; else the array is left.
  [[nodiscard]] bool next_element() { return next(']'); }
  void enter_object() { enter(true); }
  // The same for a member, and its key, which stays until the next one; "" where it is longer than kMostKeyBytes.
  [[nodiscard]] bool next_member(std::string_view* key);

  bool number(JsonNumber* number);
  bool real(double* value);
  // Elements of the array that was entered, as many as are short numbers that lie in the window and fit: a faster way
  // to take what next_element() and real() would give, which the caller takes for the others.
  [[nodiscard]] size_t short_elements(double* values, size_t room);
  // The text is put behind what `text` has: UTF-8, where half a surrogate pair becomes three bytes as if it were a
  // character. Beyond `most_bytes` it is cut and `*cut` is set.
  bool text(Column<char>* text, size_t most_bytes, bool* cut);
  // null, false and true.
  bool literal();
  bool skip();

  // Nothing but whitespace is left.
  bool finish();

  [[nodiscard]] bool ok() const { return status_ == JsonStatus::kOk; }
  [[nodiscard]] JsonStatus status() const { return status_; }
  // Of the error, from the beginning of the file.
  [[nodiscard]] uint64_t offset() const { return error_offset_; }
  // What belonged there.
  [[nodiscard]] const char* wanted() const { return wanted_; }
  // The byte that was there, -1 for the end of the file.
  [[nodiscard]] int got() const { return got_; }

  // Reading ends here with this status, where it has not ended before; `wanted` has to outlive the reader.
  void fail(JsonStatus status, const char* wanted);

 private:
  [[nodiscard]] bool refill();
  [[nodiscard]] int peek() { return cursor_ != end_ || refill() ? static_cast<unsigned char>(*cursor_) : -1; }
  int peek_past_space();
  void enter(bool object);
  [[nodiscard]] bool next(char closing);
  void leave();
  // Most numbers; else the cursor stays.
  bool short_number(ShortNumber* number);
  // The number's digits, or a literal number in *special.
  bool long_number(Decimal* decimal, bool* is_special, double* special);
  bool word(const char* letters);
  bool string(Column<char>* text, size_t most_bytes, bool* cut);
  bool escape(Column<char>* text, size_t end, bool* cut);
  bool hex(uint32_t* unit);
  bool multibyte(Column<char>* text, size_t end, bool* cut);
  bool keep(Column<char>* text, const char* bytes, size_t count, size_t end, bool* cut);
  bool skip_scalar(JsonKind kind);

  ByteSource source_;
  char* window_;  // and one NUL behind its end: neither a digit nor whitespace nor plain text
  size_t window_bytes_;
  const char* cursor_;
  const char* end_;
  uint64_t offset_ = 0;  // of the window in the file
  bool ended_ = false;
  bool fresh_ = false;  // the innermost array or object was entered and nothing of it read
  int32_t depth_ = 0;
  JsonStatus status_ = JsonStatus::kOk;
  const char* wanted_ = "";
  int got_ = -1;
  uint64_t error_offset_ = 0;
  Column<char> key_;
  uint64_t objects_[kMostDepth / 64] = {};  // one bit a level: an object
};

}  // namespace posecore::host
