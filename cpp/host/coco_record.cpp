#include "coco_record.hpp"

#include <algorithm>
#include <cmath>
#include <cstdarg>
#include <cstdio>

namespace posecore::host {
namespace {

constexpr size_t kAtOnce = 64;

}  // namespace

Spelled::Spelled(double value) {
  const char* const name = std::isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
  (void)(std::isfinite(value) ? std::snprintf(text, sizeof(text), "%.10g", value)
                              : std::snprintf(text, sizeof(text), "%s", name));
}

int32_t CocoRecord::first_refused() const {
  for (int32_t field = 0; field < kMostFields; ++field) {
    if ((refused_ >> static_cast<uint32_t>(field) & 1U) != 0) {
      return field;
    }
  }
  return -1;
}

void CocoRecord::refuse(int32_t field, const char* format, ...) {
  set(&refused_, field);
  va_list arguments;
  va_start(arguments, format);
  (void)std::vsnprintf(complaints_[field], sizeof(complaints_[field]), format, arguments);
  va_end(arguments);
}

// Whether the next value is of this kind; else it is passed over.
bool CocoRecord::take(int32_t field, JsonKind wanted, const char* name) {
  const uint32_t bit = 1U << static_cast<uint32_t>(field);
  seen_ &= ~bit;
  refused_ &= ~bit;
  const JsonKind kind = json_->kind();
  if (kind == wanted) {
    seen_ |= bit;
    return true;
  }
  if (kind != JsonKind::kNull) {
    refuse(field, "wanted %s, got %s", name, name_of(kind));
  }
  (void)json_->skip();
  return false;
}

void CocoRecord::whole(int32_t field, int64_t least, int64_t* value) {
  if (!take(field, JsonKind::kNumber, "a whole number")) {
    return;
  }
  JsonNumber number;
  if (!json_->number(&number)) {
    return;
  }
  if (number.is_whole == Whole::kNo) {
    refuse(field, "wanted a whole number, got %s", Spelled(number.real).text);
  } else if (number.is_whole == Whole::kBeyond) {
    refuse(field, "wanted a whole number of at most 64 bits, got one beyond that");
  } else if (number.whole < least) {
    refuse(field, "wanted a whole number of at least %lld, got %lld", static_cast<long long>(least),
           static_cast<long long>(number.whole));
  }
  *value = number.whole;
}

void CocoRecord::truth_value(int32_t field, bool* value) {
  const JsonKind kind = json_->kind();
  if (kind == JsonKind::kFalse || kind == JsonKind::kTrue) {
    (void)take(field, kind, "");
    *value = kind == JsonKind::kTrue;
    (void)json_->literal();
    return;
  }
  if (!take(field, JsonKind::kNumber, "0 or 1")) {
    return;
  }
  JsonNumber number;
  if (!json_->number(&number)) {
    return;
  }
  if (number.is_whole != Whole::kYes || number.whole < 0 || number.whole > 1) {
    refuse(field, "wanted 0 or 1, got %s", Spelled(number.real).text);
  }
  *value = number.whole != 0;
}

void CocoRecord::finite(int32_t field, double least, double* value) {
  if (!take(field, JsonKind::kNumber, "a number") || !json_->real(value)) {
    return;
  }
  if (!std::isfinite(*value)) {
    refuse(field, "wanted a finite number, got %s", Spelled(*value).text);
  } else if (*value < least) {
    refuse(field, "wanted a number of at least %s, got %s", Spelled(least).text, Spelled(*value).text);
  }
}

void CocoRecord::text(int32_t field, Column<char>* value) {
  value->clear();
  bool cut = false;
  if (take(field, JsonKind::kText, "text") && json_->text(value, kMostTextBytes, &cut) && cut) {
    refuse(field, "wanted at most %zu bytes of text, got more", kMostTextBytes);
  }
}

bool CocoRecord::list(int32_t field, const char* wanted) {
  const bool taken = take(field, JsonKind::kArray, wanted);
  if (taken) {
    json_->enter_array();
  }
  return taken;
}

void CocoRecord::reals(int32_t field, size_t most, Column<double>* values) {
  values->clear();
  if (!list(field, "a list of numbers")) {
    return;
  }
  bool usable = true;
  for (;;) {
    double some[kAtOnce];
    const size_t count = usable ? json_->short_elements(some, std::min(kAtOnce, most - values->size())) : 0;
    if (!values->append(some, count)) {
      json_->fail(JsonStatus::kNoMemory, "");
    }
    if (!json_->next_element()) {
      return;
    }
    double value = 0.0;
    if (!usable) {
      (void)json_->skip();
    } else if (const JsonKind kind = json_->kind(); kind != JsonKind::kNumber) {
      refuse(field, "wanted a list of numbers, got %s in place %zu of it", name_of(kind), values->size());
      usable = false;
      (void)json_->skip();
    } else if (values->size() == most) {
      refuse(field, "wanted at most %zu numbers, got more", most);
      usable = false;
      (void)json_->skip();
    } else if (json_->real(&value) && !values->append(value)) {
      json_->fail(JsonStatus::kNoMemory, "");
    }
  }
}

}  // namespace posecore::host
