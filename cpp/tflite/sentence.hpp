// What is wrong, for people: one sentence of bounded length.
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

namespace posecore::tflite {

class Sentence {
 public:
  // As printf; returns false, so that who finds something wrong says it and leaves.
#if defined(__GNUC__)
  __attribute__((format(printf, 2, 3)))
#endif
  bool say(const char* format, ...) noexcept {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text_, sizeof text_, format, arguments);
    va_end(arguments);
    return false;
  }
  [[nodiscard]] const char* text() const noexcept { return text_; }

 private:
  char text_[512] = {};
};

// Text from elsewhere: its beginning, and no character that a terminal would follow.
class Quoted {
 public:
  explicit Quoted(const char* text) noexcept {
    size_t i = 0;
    for (; i + 1 < sizeof text_ && text[i] != '\0'; ++i) {
      text_[i] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
    }
    text_[i] = '\0';
  }
  [[nodiscard]] const char* text() const noexcept { return text_; }

 private:
  char text_[48] = {};
};

}  // namespace posecore::tflite
