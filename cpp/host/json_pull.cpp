#include "json_pull.hpp"

#include <cmath>

namespace posecore::host {
namespace {

bool is_digit(int byte) { return byte >= '0' && byte <= '9'; }
bool is_space(int byte) { return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t'; }

}  // namespace

const char* name_of(JsonKind kind) {
  switch (kind) {
    case JsonKind::kNull:
      return "null";
    case JsonKind::kFalse:
      return "false";
    case JsonKind::kTrue:
      return "true";
    case JsonKind::kNumber:
      return "a number";
    case JsonKind::kText:
      return "text";
    case JsonKind::kArray:
      return "a list";
    case JsonKind::kObject:
      return "an object";
    case JsonKind::kNone:
      break;
  }
  return "nothing";
}

JsonPull::JsonPull(ByteSource source, size_t window_bytes)
    : source_(source),
      window_(static_cast<char*>(std::malloc(window_bytes + 1))),
      window_bytes_(window_bytes),
      cursor_(window_),
      end_(window_) {
  if (window_ == nullptr) {
    status_ = JsonStatus::kNoMemory;
    ended_ = true;
    cursor_ = end_ = "";
    return;
  }
  *window_ = '\0';
  if (peek() == 0xEF) {
    for (const int byte : {0xEF, 0xBB, 0xBF}) {
      if (peek() != byte) {
        fail(JsonStatus::kNotJson, "JSON in UTF-8");
        return;
      }
      ++cursor_;
    }
  }
}

bool JsonPull::refill() {
  if (ended_) {
    return false;
  }
  offset_ += static_cast<uint64_t>(end_ - window_);
  const ptrdiff_t count = source_.read(source_.context, window_, window_bytes_);
  cursor_ = end_ = window_;
  window_[count > 0 ? count : 0] = '\0';
  if (count <= 0) {
    ended_ = true;
    if (count < 0) {
      fail(JsonStatus::kReadFailed, "");
    }
    return false;
  }
  end_ = window_ + count;
  return true;
}

void JsonPull::fail(JsonStatus status, const char* wanted) {
  if (!ok()) {
    return;
  }
  const bool readable = status != JsonStatus::kReadFailed && status != JsonStatus::kNoMemory;
  got_ = readable ? peek() : -1;
  if (!ok()) {
    return;  // reading failed here
  }
  status_ = status;
  wanted_ = wanted;
  error_offset_ = offset_ + static_cast<uint64_t>(cursor_ - window_);
  // From here on every function meets the end of the file.
  ended_ = true;
  cursor_ = end_;
}

int JsonPull::peek_past_space() {
  int byte = peek();
  while (is_space(byte)) {
    ++cursor_;
    byte = peek();
  }
  return byte;
}

JsonKind JsonPull::kind() {
  const int byte = peek_past_space();
  switch (byte) {
    case '{':
      return JsonKind::kObject;
    case '[':
      return JsonKind::kArray;
    case '"':
      return JsonKind::kText;
    case 'n':
      return JsonKind::kNull;
    case 't':
      return JsonKind::kTrue;
    case 'f':
      return JsonKind::kFalse;
    case '-':
    case 'N':
    case 'I':
      return JsonKind::kNumber;
    default:
      if (is_digit(byte)) {
        return JsonKind::kNumber;
      }
      fail(JsonStatus::kNotJson, "a value");
      return JsonKind::kNone;
  }
}

void JsonPull::enter(bool object) {
  (void)peek_past_space();
  if (depth_ == kMostDepth) {
    fail(JsonStatus::kTooDeep, "");
    return;
  }
  if (!ok()) {
    return;
  }
  ++cursor_;
  const auto level = static_cast<uint32_t>(depth_++);
  const uint64_t bit = uint64_t{1} << (level % 64U);
  objects_[level / 64U] = object ? objects_[level / 64U] | bit : objects_[level / 64U] & ~bit;
  fresh_ = true;
}

void JsonPull::leave() {
  ++cursor_;
  --depth_;
  fresh_ = false;
}

bool JsonPull::next(char closing) {
  const int byte = peek_past_space();
  const bool first = fresh_;
  fresh_ = false;
  if (byte == closing) {
    leave();
    return false;
  }
  if (first) {
    return ok();
  }
  if (byte != ',') {
    fail(JsonStatus::kNotJson, closing == ']' ? "',' or ']'" : "',' or '}'");
    return false;
  }
  ++cursor_;
  return true;
}

bool JsonPull::next_member(std::string_view* key) {
  *key = {};
  if (!next('}')) {
    return false;
  }
  if (peek_past_space() != '"') {
    fail(JsonStatus::kNotJson, "a key in double quotes");
    return false;
  }
  key_.clear();
  bool cut = false;
  if (!string(&key_, kMostKeyBytes, &cut)) {
    return false;
  }
  if (peek_past_space() != ':') {
    fail(JsonStatus::kNotJson, "':'");
    return false;
  }
  ++cursor_;
  if (!cut) {
    *key = {key_.data(), key_.size()};
  }
  return true;
}

bool JsonPull::word(const char* letters) {
  for (const char* letter = letters; *letter != '\0'; ++letter) {
    if (peek() != *letter) {
      fail(JsonStatus::kNotJson, letters);
      return false;
    }
    ++cursor_;
  }
  return true;
}

bool JsonPull::literal() {
  switch (peek_past_space()) {
    case 'n':
      return word("null");
    case 't':
      return word("true");
    default:
      return word("false");
  }
}

bool JsonPull::short_number(ShortNumber* number) {
  if (!number->read(cursor_, end_)) {
    return false;
  }
  cursor_ = number->last;
  return true;
}

size_t JsonPull::short_elements(double* values, size_t room) {
  const char* at = cursor_;
  ShortNumber number;
  size_t count = 0;
  for (; count < room; ++count) {
    const char* ahead = at;
    if (!fresh_) {
      while (is_space(*ahead)) {
        ++ahead;
      }
      if (*ahead++ != ',') {
        break;
      }
    }
    while (is_space(*ahead)) {
      ++ahead;
    }
    if (!number.read(ahead, end_)) {
      break;
    }
    values[count] = number.real();
    at = number.last;
    fresh_ = false;
  }
  cursor_ = at;
  return count;
}

bool JsonPull::long_number(Decimal* decimal, bool* is_special, double* special) {
  *is_special = false;
  const bool negative = peek() == '-';
  if (negative) {
    decimal->negate();
    ++cursor_;
  }
  int byte = peek();
  if (byte == 'I' || (byte == 'N' && !negative)) {
    *is_special = true;
    *special = byte == 'N' ? static_cast<double>(NAN) : negative ? -HUGE_VAL : HUGE_VAL;
    return word(byte == 'N' ? "NaN" : "Infinity");
  }
  if (!is_digit(byte)) {
    fail(JsonStatus::kNotJson, "a digit");
    return false;
  }
  if (byte == '0') {
    ++cursor_;
    if (is_digit(peek())) {
      fail(JsonStatus::kNotJson, "a number without leading zeros");
      return false;
    }
  }
  for (; is_digit(byte = peek()); ++cursor_) {
    decimal->whole_digit(static_cast<char>(byte));
  }
  if (byte == '.') {
    ++cursor_;
    if (!is_digit(peek())) {
      fail(JsonStatus::kNotJson, "a digit");
      return false;
    }
    for (; is_digit(byte = peek()); ++cursor_) {
      decimal->fraction_digit(static_cast<char>(byte));
    }
  }
  if (byte == 'e' || byte == 'E') {
    ++cursor_;
    byte = peek();
    if (byte == '-' || byte == '+') {
      if (byte == '-') {
        decimal->negate_exponent();
      }
      ++cursor_;
    }
    if (!is_digit(peek())) {
      fail(JsonStatus::kNotJson, "a digit");
      return false;
    }
    for (; is_digit(byte = peek()); ++cursor_) {
      decimal->exponent_digit(static_cast<char>(byte));
    }
  }
  return ok();
}

bool JsonPull::real(double* value) {
  (void)peek_past_space();
  ShortNumber number;
  if (short_number(&number)) {
    *value = number.real();
    return true;
  }
  Decimal decimal;
  bool is_special = false;
  if (!long_number(&decimal, &is_special, value)) {
    return false;
  }
  if (!is_special) {
    *value = decimal.real();
  }
  return true;
}

bool JsonPull::number(JsonNumber* number) {
  (void)peek_past_space();
  ShortNumber digits;
  if (short_number(&digits)) {
    number->real = digits.real();
    number->is_whole = digits.whole(&number->whole);
    return true;
  }
  Decimal decimal;
  bool is_special = false;
  if (!long_number(&decimal, &is_special, &number->real)) {
    return false;
  }
  number->is_whole = Whole::kNo;
  if (!is_special) {
    number->is_whole = decimal.whole(&number->whole);
    number->real = decimal.real();
  }
  return true;
}

bool JsonPull::skip_scalar(JsonKind kind) {
  if (kind == JsonKind::kText) {
    return string(nullptr, 0, nullptr);
  }
  if (kind != JsonKind::kNumber) {
    return kind != JsonKind::kNone && literal();
  }
  ShortNumber number;
  if (short_number(&number)) {
    return true;
  }
  Decimal decimal;
  bool is_special = false;
  double special = 0.0;
  return long_number(&decimal, &is_special, &special);
}

bool JsonPull::skip() {
  const int32_t outside = depth_;
  do {
    // A value, or the end of the innermost array or object.
    const JsonKind next_kind = kind();
    if (next_kind == JsonKind::kArray || next_kind == JsonKind::kObject) {
      enter(next_kind == JsonKind::kObject);
    } else if (!skip_scalar(next_kind)) {
      return false;
    }
    while (ok() && depth_ > outside) {
      const auto level = static_cast<uint32_t>(depth_ - 1);
      const bool object = (objects_[level / 64U] >> (level % 64U) & 1U) != 0;
      std::string_view key;
      if (object ? next_member(&key) : next_element()) {
        break;
      }
    }
  } while (ok() && depth_ > outside);
  return ok();
}

bool JsonPull::finish() {
  if (peek_past_space() >= 0) {
    fail(JsonStatus::kNotJson, "the end of the file");
  }
  return ok();
}

}  // namespace posecore::host
