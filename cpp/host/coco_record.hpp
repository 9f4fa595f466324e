// One record of a COCO file: its fields are read in any order, and what is wrong with them is kept until the record
// ends, since a key that comes twice counts as it came last.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "column.hpp"
#include "json_pull.hpp"

namespace posecore::host {

// Texts one behind the other.
struct Texts {
  Column<char> bytes;
  Column<int64_t> ends;

  [[nodiscard]] bool append(const Column<char>& text) {
    return bytes.append(text.data(), text.size()) && ends.append(static_cast<int64_t>(bytes.size()));
  }
  void clear() {
    bytes.clear();
    ends.clear();
  }
};

// What is wrong with a file, for a person: one sentence, without the name of the file.
struct Complaint {
  char text[512] = "";

  [[nodiscard]] explicit operator bool() const { return text[0] != '\0'; }
};

#if defined(__GNUC__)
#define POSECORE_PRINTS(text, first) __attribute__((format(printf, text, first)))
#else
#define POSECORE_PRINTS(text, first)
#endif

class CocoRecord {
 public:
  static constexpr int32_t kMostFields = 18;
  static constexpr size_t kMostTextBytes = 65536;

  explicit CocoRecord(JsonPull* json) : json_(json) {}

  // Forgets the last record.
  void begin() { seen_ = refused_ = 0; }
  [[nodiscard]] bool has(int32_t field) const { return (seen_ >> static_cast<uint32_t>(field) & 1U) != 0; }
  // The first field, by number, that is not what it should be; -1 where there is none.
  [[nodiscard]] int32_t first_refused() const;
  [[nodiscard]] const char* complaint(int32_t field) const { return complaints_[field]; }

  // Each takes the next value as the field's. null is as if the field were not there.
  void whole(int32_t field, int64_t least, int64_t* value);
  void truth_value(int32_t field, bool* value);  // false, true, 0 or 1
  void finite(int32_t field, double least, double* value);
  void text(int32_t field, Column<char>* value);
  void reals(int32_t field, size_t most, Column<double>* values);
  // Whether the value is an array, which is then entered.
  [[nodiscard]] bool list(int32_t field, const char* wanted);

  // Part of a sentence: "wanted ..., got ...".
  void refuse(int32_t field, const char* format, ...) POSECORE_PRINTS(3, 4);

 private:
  [[nodiscard]] bool take(int32_t field, JsonKind wanted, const char* name);
  void set(uint32_t* bits, int32_t field) { *bits |= 1U << static_cast<uint32_t>(field); }

  JsonPull* json_;
  uint32_t seen_ = 0;
  uint32_t refused_ = 0;
  char complaints_[kMostFields][160];
};

// A number as a person reads it.
struct Spelled {
  explicit Spelled(double value);
  char text[32];
};

}  // namespace posecore::host
