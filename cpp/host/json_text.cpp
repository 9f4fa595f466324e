// The strings of JSON: escapes, UTF-8, and runs that are taken as they are.
#include "json_pull.hpp"

namespace posecore::host {
namespace {

// Bytes of a string that mean themselves: ASCII, but for controls, the quote and the backslash.
bool is_plain(char byte) {
  const auto value = static_cast<unsigned char>(byte);
  return value >= 0x20 && value < 0x80 && value != '"' && value != '\\';
}

// The bytes of a character in UTF-8 (RFC 3629), of half a surrogate pair in the same manner.
size_t encode(uint32_t character, char* bytes) {
  const auto tail = [&](uint32_t shift) { return static_cast<char>(0x80U | (character >> shift & 0x3FU)); };
  if (character < 0x80) {
    bytes[0] = static_cast<char>(character);
    return 1;
  }
  if (character < 0x800) {
    bytes[0] = static_cast<char>(0xC0U | character >> 6U);
    bytes[1] = tail(0);
    return 2;
  }
  if (character < 0x10000) {
    bytes[0] = static_cast<char>(0xE0U | character >> 12U);
    bytes[1] = tail(6);
    bytes[2] = tail(0);
    return 3;
  }
  bytes[0] = static_cast<char>(0xF0U | character >> 18U);
  bytes[1] = tail(12);
  bytes[2] = tail(6);
  bytes[3] = tail(0);
  return 4;
}

}  // namespace

bool JsonPull::keep(Column<char>* text, const char* bytes, size_t count, size_t end, bool* cut) {
  if (text == nullptr) {
    return true;
  }
  if (count > end - text->size()) {
    *cut = true;
    return true;
  }
  if (*cut || text->append(bytes, count)) {
    return true;
  }
  fail(JsonStatus::kNoMemory, "");
  return false;
}

bool JsonPull::text(Column<char>* text, size_t most_bytes, bool* cut) {
  (void)peek_past_space();
  *cut = false;
  return string(text, most_bytes, cut);
}

// At the opening quote. Without `text` it is checked and forgotten.
bool JsonPull::string(Column<char>* text, size_t most_bytes, bool* cut) {
  const size_t end = text == nullptr ? 0 : text->size() + most_bytes;
  if (!ok()) {
    return false;
  }
  ++cursor_;
  for (;;) {
    const char* const run = cursor_;
    while (is_plain(*cursor_)) {
      ++cursor_;
    }
    if (!keep(text, run, static_cast<size_t>(cursor_ - run), end, cut)) {
      return false;
    }
    const int byte = peek();
    if (byte == '"') {
      ++cursor_;
      return true;
    }
    if (byte == '\\') {
      ++cursor_;
      if (!escape(text, end, cut)) {
        return false;
      }
    } else if (byte >= 0x80) {
      if (!multibyte(text, end, cut)) {
        return false;
      }
    } else if (byte < 0x20) {
      fail(JsonStatus::kNotJson, byte < 0 ? "the end of a text" : "an escape for a control character");
      return false;
    }
    // Else the window was refilled, and plain bytes follow.
  }
}

bool JsonPull::hex(uint32_t* unit) {
  *unit = 0;
  for (int i = 0; i < 4; ++i) {
    const int byte = peek();
    uint32_t digit = 0;
    if (byte >= '0' && byte <= '9') {
      digit = static_cast<uint32_t>(byte - '0');
    } else if (byte >= 'a' && byte <= 'f') {
      digit = static_cast<uint32_t>(byte - 'a') + 10U;
    } else if (byte >= 'A' && byte <= 'F') {
      digit = static_cast<uint32_t>(byte - 'A') + 10U;
    } else {
      fail(JsonStatus::kNotJson, "four hex digits");
      return false;
    }
    *unit = *unit << 4U | digit;
    ++cursor_;
  }
  return true;
}

// Behind the backslash.
bool JsonPull::escape(Column<char>* text, size_t end, bool* cut) {
  static constexpr char kLetters[] = "\"\\/bfnrt";
  static constexpr char kMeant[] = "\"\\/\b\f\n\r\t";
  const auto is_high = [](uint32_t unit) { return unit >= 0xD800 && unit < 0xDC00; };
  char bytes[4];
  const int byte = peek();
  for (size_t i = 0; i + 1 < sizeof(kLetters); ++i) {
    if (byte == kLetters[i]) {
      ++cursor_;
      return keep(text, kMeant + i, 1, end, cut);
    }
  }
  if (byte != 'u') {
    fail(JsonStatus::kNotJson, "an escape of JSON");
    return false;
  }
  ++cursor_;
  uint32_t unit = 0;
  if (!hex(&unit)) {
    return false;
  }
  // A high half waits for its low half; one that does not come leaves the high one alone.
  while (is_high(unit) && peek() == '\\') {
    ++cursor_;
    if (peek() != 'u') {
      return keep(text, bytes, encode(unit, bytes), end, cut) && escape(text, end, cut);
    }
    ++cursor_;
    uint32_t low = 0;
    if (!hex(&low)) {
      return false;
    }
    if (low >= 0xDC00 && low < 0xE000) {
      unit = 0x10000U + ((unit - 0xD800U) << 10U) + (low - 0xDC00U);
      break;
    }
    if (!keep(text, bytes, encode(unit, bytes), end, cut)) {
      return false;
    }
    unit = low;
  }
  return keep(text, bytes, encode(unit, bytes), end, cut);
}

// A character of two to four bytes (RFC 3629): no longer form than needed, no surrogates, at most U+10FFFF.
bool JsonPull::multibyte(Column<char>* text, size_t end, bool* cut) {
  char bytes[4];
  const int lead = peek();
  size_t count = 0;
  int least = 0x80;
  int most = 0xBF;
  if (lead >= 0xC2 && lead <= 0xDF) {
    count = 2;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    count = 3;
    least = lead == 0xE0 ? 0xA0 : 0x80;
    most = lead == 0xED ? 0x9F : 0xBF;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    count = 4;
    least = lead == 0xF0 ? 0x90 : 0x80;
    most = lead == 0xF4 ? 0x8F : 0xBF;
  } else {
    fail(JsonStatus::kNotJson, "UTF-8");
    return false;
  }
  bytes[0] = static_cast<char>(lead);
  ++cursor_;
  for (size_t i = 1; i < count; ++i) {
    const int byte = peek();
    if (byte < least || byte > most) {
      fail(JsonStatus::kNotJson, "UTF-8");
      return false;
    }
    bytes[i] = static_cast<char>(byte);
    least = 0x80;
    most = 0xBF;
    ++cursor_;
  }
  return keep(text, bytes, count, end, cut);
}

}  // namespace posecore::host
