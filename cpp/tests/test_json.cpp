// The pull reader of JSON: what it takes, what it refuses, and that where a window ends changes nothing.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.hpp"
#include "json_pull.hpp"
#include "memory.hpp"

namespace {

using posecore::host::ByteSource;
using posecore::host::ByteSpan;
using posecore::host::Column;
using posecore::host::JsonKind;
using posecore::host::JsonNumber;
using posecore::host::JsonPull;
using posecore::host::JsonStatus;
using posecore::host::Whole;

constexpr size_t kManyBytes = 4096;

// A document as text that two readings can be compared by: every value, and how it ended.
class Trace {
 public:
  Trace(const char* bytes, size_t count, size_t window, bool skips) {
    ByteSpan span(bytes, count);
    JsonPull json(span.source(), window);
    walk(&json, skips);
    (void)json.finish();
    status_ = json.status();
    offset_ = json.offset();
    put("end", 3);
  }

  [[nodiscard]] bool ok() const { return status_ == JsonStatus::kOk; }
  [[nodiscard]] JsonStatus status() const { return status_; }
  [[nodiscard]] uint64_t offset() const { return offset_; }
  [[nodiscard]] bool equals(const Trace& other) const {
    return status_ == other.status_ && offset_ == other.offset_ && text_.size() == other.text_.size() &&
           memcmp(text_.data(), other.text_.data(), text_.size()) == 0;
  }

 private:
  void put(const void* bytes, size_t count) { CHECK(text_.append(static_cast<const char*>(bytes), count)); }

  // NOLINTNEXTLINE(misc-no-recursion): as deep as the reader allows
  void walk(JsonPull* json, bool skips) {
    const JsonKind kind = json->kind();
    put(&kind, 1);
    std::string_view key;
    JsonNumber number;
    bool cut = false;
    switch (kind) {
      case JsonKind::kNone:
        return;
      case JsonKind::kArray:
        json->enter_array();
        for (bool odd = false; json->next_element(); odd = !odd) {
          if (skips && odd) {
            (void)json->skip();
          } else {
            walk(json, skips);
          }
        }
        put("]", 1);
        return;
      case JsonKind::kObject:
        json->enter_object();
        while (json->next_member(&key)) {
          put(key.data(), key.size());
          walk(json, skips);
        }
        put("}", 1);
        return;
      case JsonKind::kNumber:
        if (json->number(&number)) {
          put(&number.real, sizeof(number.real));
          put(&number.is_whole, sizeof(number.is_whole));
          put(&number.whole, number.is_whole == Whole::kYes ? sizeof(number.whole) : 0);
        }
        return;
      case JsonKind::kText:
        (void)json->text(&text_, 100, &cut);
        put(&cut, 1);
        return;
      default:
        (void)json->literal();
    }
  }

  Column<char> text_;
  JsonStatus status_ = JsonStatus::kOk;
  uint64_t offset_ = 0;
};

Trace trace(const char* text, bool skips = false) { return {text, strlen(text), kManyBytes, skips}; }

// What a text is in bytes, or "" where it is refused.
struct Text {
  explicit Text(const char* json_text) {
    ByteSpan span(json_text, strlen(json_text));
    JsonPull json(span.source());
    Column<char> text;
    bool cut = false;
    const bool good = json.kind() == JsonKind::kText && json.text(&text, sizeof(bytes) - 1, &cut) && json.finish();
    memcpy(bytes, text.data(), good ? text.size() : 0);
  }
  [[nodiscard]] bool is(const char* wanted) const { return strcmp(bytes, wanted) == 0; }

  char bytes[64] = "";
};

const char* const kGood[] = {
    "0",
    " [ ] ",
    "{ }",
    "\xEF\xBB\xBF{\"id\": 1}",
    "[1, 2.5, -3e2, 0.1e-7, 123456789012345678901234567890, 0.30000000000000004, -0, -0.0, 1E+2]",
    "[NaN, Infinity, -Infinity, null, true, false]",
    "{\"a\": {\"b\": [[], {}, [[1]], {\"c\": \"d\"}]}, \"a\": 2}",
    "[\"\", \"plain\", \"\\\"\\\\\\/\\b\\f\\n\\r\\t\", \"\\u0041\\u00e9\\u20ac\\ud83d\\ude00\"]",
    "[\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"]",
    "[\"\\ud83d\", \"\\ud83d\\n\", \"\\ud83dx\", \"\\ud83d\\ud83d\\ude00\", \"\\ude00\"]",
    "{\"\\u0069d\": 1, \"this key is longer than any key that somebody could ever want to have here\": 2}",
    "\t[\r\n1\n,\t2 ]  ",
};

const char* const kBad[] = {
    "",
    " ",
    "[",
    "[1",
    "[1,",
    "[1,]",
    "[,1]",
    "[1 2]",
    "]",
    "{",
    "{\"a\"",
    "{\"a\":",
    "{\"a\":1",
    "{\"a\":1,}",
    "{1:2}",
    "{a:1}",
    "{\"a\" 1}",
    "{\"a\":1 \"b\":2}",
    "[1}",
    "{\"a\":1]",
    "01",
    "-",
    "-a",
    "+1",
    ".5",
    "1.",
    "1.e5",
    "1e",
    "1e+",
    "0x10",
    "--1",
    "1..2",
    "1.2.3",
    "nul",
    "nulll",
    "True",
    "NAN",
    "-NaN",
    "Inf",
    "Infinit",
    "\"",
    "\"\\\"",
    "\"\\x\"",
    "\"\\u12\"",
    "\"\\u12g4\"",
    "\"\n\"",
    "\"\t\"",
    "\"\\ud83d",
    "[1] 2",
    "1,",
    "{} {}",
    "\"\x80\"",
    "\"\xC3\"",
    "\"\xC0\x80\"",
    "\"\xE0\x80\x80\"",
    "\"\xED\xA0\x80\"",
    "\"\xF4\x90\x80\x80\"",
    "\"\xF5\x80\x80\x80\"",
    "\xEF\xBB",
    "\xEF\xBBx",
    "\xFE\xFF",
    "'a'",
    "[1]x",
    "// no\n1",
    "[1,\xC2\xA0 2]",
};

}  // namespace

TEST(good_json_is_taken) {
  for (const char* text : kGood) {
    CHECK(trace(text).ok());
    CHECK(trace(text, true).ok());
  }
}

TEST(bad_json_is_refused_read_or_skipped) {
  for (const char* text : kBad) {
    CHECK(trace(text).status() == JsonStatus::kNotJson);
    CHECK(trace(text, true).status() == JsonStatus::kNotJson);
    Column<char> inside;
    CHECK(inside.append("[0, ", 4) && inside.append(text, strlen(text)) && inside.append("]", 1));
    CHECK(!Trace(inside.data(), inside.size(), kManyBytes, true).ok());
  }
}

TEST(where_a_window_ends_changes_nothing) {
  const auto compare = [](const char* text) {
    for (const bool skips : {false, true}) {
      const Trace whole(text, strlen(text), kManyBytes, skips);
      for (size_t window = 1; window <= 64; ++window) {
        CHECK(Trace(text, strlen(text), window, skips).equals(whole));
      }
    }
  };
  for (const char* text : kGood) {
    compare(text);
  }
  for (const char* text : kBad) {
    compare(text);
  }
}

TEST(errors_say_where) {
  CHECK(trace("[1, 2, x]").offset() == 7);
  CHECK(trace("[1, 2").offset() == 5);
  CHECK(trace("{\"a\": 1} 5").offset() == 9);
}

TEST(an_end_too_early_is_told_from_a_wrong_byte) {
  const auto got = [](const char* text) {
    ByteSpan span(text, strlen(text));
    JsonPull json(span.source());
    (void)json.skip();
    CHECK(!json.ok());
    return json.got();
  };
  CHECK(got("[1, 2") == -1);
  CHECK(got("[1, 2}") == '}');
  CHECK(got("\"a\x01") == 1);
}

TEST(depth_is_bounded) {
  constexpr size_t kDeepest = JsonPull::kMostDepth;
  for (const bool skips : {false, true}) {
    Memory<char> text(2 * (kDeepest + 1));
    for (const size_t depth : {kDeepest, kDeepest + 1}) {
      memset(text.data(), '[', depth);
      memset(text.data() + depth, ']', depth);
      const Trace found(text.data(), 2 * depth, kManyBytes, skips);
      CHECK(found.status() == (depth == kDeepest ? JsonStatus::kOk : JsonStatus::kTooDeep));
    }
  }
}

TEST(texts_are_utf8) {
  CHECK(Text("\"\\u0041\\u00e9\\u20ac\\ud83d\\ude00\"").is("A\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"));
  CHECK(Text("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"").is("\"\\/\b\f\n\r\t"));
  CHECK(Text("\"\\ud83d\\n\"").is("\xED\xA0\xBD\n"));
  CHECK(Text("\"\\ud83d\\ud83d\\ude00\"").is("\xED\xA0\xBD\xF0\x9F\x98\x80"));
  CHECK(Text("\"\\ud83d").is(""));
}

TEST(a_long_text_is_cut_where_it_was_asked) {
  const char* const json_text = "[\"0123456789\", 1]";
  for (size_t window = 1; window <= 32; ++window) {
    ByteSpan span(json_text, strlen(json_text));
    JsonPull json(span.source(), window);
    Column<char> text;
    bool cut = false;
    json.enter_array();
    CHECK(json.next_element());
    CHECK(json.text(&text, 9, &cut));
    CHECK(cut);
    CHECK(text.size() <= 9);
    CHECK(json.next_element());
    CHECK(json.skip());
    CHECK(!json.next_element());
    CHECK(json.finish());
  }
}

TEST(keys_are_unescaped_and_bounded) {
  const char* const text =
      "{\"\\u0069d\": 1, \"0123456789012345678901234567890123456789012345678901234567890123456\": 2}";
  ByteSpan span(text, strlen(text));
  JsonPull json(span.source());
  std::string_view key;
  json.enter_object();
  CHECK(json.next_member(&key));
  CHECK(key == "id");
  CHECK(json.skip());
  CHECK(json.next_member(&key));
  CHECK(key.empty());
}

TEST(a_source_that_fails_is_told_from_a_file_that_ends) {
  const auto fails = [](void*, char* bytes, size_t) -> ptrdiff_t {
    static int calls = 0;
    bytes[0] = '[';
    return calls++ % 2 == 0 ? 1 : -1;
  };
  JsonPull json(ByteSource{fails, nullptr}, 16);
  (void)json.skip();
  CHECK(json.status() == JsonStatus::kReadFailed);
}

TEST(mutated_json_is_read_the_same_through_every_window) {
  Numbers numbers(3);
  char text[256];
  for (int32_t round = 0; round < 3000; ++round) {
    const char* const original = kGood[numbers.below(sizeof(kGood) / sizeof(kGood[0]))];
    const auto length = static_cast<int32_t>(strlen(original));
    memcpy(text, original, static_cast<size_t>(length));
    for (int32_t change = numbers.below(4); change >= 0; --change) {
      static constexpr char kBytes[] = "[]{},:\"\\u0123.eE+-n \x80\xC3";
      text[numbers.below(length)] = kBytes[numbers.below(sizeof(kBytes))];
    }
    const auto count = static_cast<size_t>(length - (numbers.below(3) == 0 ? numbers.below(length) : 0));
    const bool skips = numbers.below(2) == 0;
    const Trace whole(text, count, kManyBytes, skips);
    CHECK(Trace(text, count, static_cast<size_t>(1 + numbers.below(40)), skips).equals(whole));
  }
}
