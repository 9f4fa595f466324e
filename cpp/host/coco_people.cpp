#include "coco_people.hpp"

#include <cinttypes>
#include <cmath>
#include <cstdio>
#include <cstring>

namespace posecore::host {
namespace {

constexpr double kNone = static_cast<double>(NAN);

}  // namespace

void CocoPeopleReader::clear() {
  CocoPeople& p = *people_;
  for (Column<int64_t>* column : {&p.ids, &p.image_ids, &p.category_ids, &p.stated_num_keypoints}) {
    column->clear();
  }
  for (Column<double>* column : {&p.xy, &p.areas, &p.boxes, &p.scores}) {
    column->clear();
  }
  p.has_category.clear();
  p.is_crowd.clear();
  p.visibility.clear();
  p.keypoint_scores.clear();
  p.num_keypoints = p.lying = p.first_lying_said = p.first_lying_has = 0;
  p.first_lying = -1;
  row_ = 0;
  counted_ = false;
}

void CocoPeopleReader::read(Complaint* complaint) {
  clear();
  complaint->text[0] = '\0';
  const JsonKind kind = json_->kind();
  if (kind != JsonKind::kArray) {
    (void)json_->skip();
    (void)std::snprintf(complaint->text, sizeof(complaint->text), "%s: wanted a list, got %s", section_, name_of(kind));
    return;
  }
  json_->enter_array();
  for (; json_->next_element(); ++row_) {
    const JsonKind item = json_->kind();
    if (*complaint || item != JsonKind::kObject) {
      if (!*complaint) {
        (void)std::snprintf(complaint->text, sizeof(complaint->text), "%s[%zu]: wanted an object, got %s", section_,
                            row_, name_of(item));
      }
      (void)json_->skip();
      continue;
    }
    record_.begin();
    json_->enter_object();
    for (std::string_view key; json_->next_member(&key);) {
      member(key);
    }
    if (json_->ok() && finish(complaint) && !append()) {
      json_->fail(JsonStatus::kNoMemory, "");
    }
  }
}

void CocoPeopleReader::member(std::string_view key) {
  const bool truths = kind_ == Kind::kTruths;
  for (int32_t i = 0; i < fields_.count; ++i) {
    if (key == fields_.names[i]) {
      record_.reals(kKeypoints + i, static_cast<size_t>(3 * kMostKeypoints), &keypoints_[i]);
      return;
    }
  }
  if (key == "image_id") {
    record_.whole(kImageId, INT64_MIN, &image_id_);
  } else if (key == "category_id") {
    record_.whole(kCategoryId, INT64_MIN, &category_id_);
  } else if (!truths && key == "score") {
    record_.finite(kScore, -HUGE_VAL, &score_);
  } else if (!truths && fields_.part_score != nullptr && key == fields_.part_score) {
    record_.finite(kPartScore, -HUGE_VAL, &part_score_);
  } else if (!truths && key == "keypoints") {
    record_.reals(kBody, static_cast<size_t>(3 * kMostKeypoints), &body_);
  } else if (truths && key == "id") {
    record_.whole(kId, INT64_MIN, &id_);
  } else if (truths && key == "iscrowd") {
    record_.truth_value(kIsCrowd, &is_crowd_);
  } else if (truths && key == "num_keypoints") {
    record_.whole(kNumKeypoints, 0, &num_keypoints_);
  } else if (truths && key == "area") {
    record_.finite(kArea, 0.0, &area_);
  } else if (key == "bbox") {
    record_.reals(kBox, 4, &box_);
  } else {
    (void)json_->skip();
  }
}

const char* CocoPeopleReader::name_of_field(int32_t field) const {
  static constexpr const char* kNames[] = {"id",   "image_id", "category_id", "iscrowd", "num_keypoints",
                                           "area", "bbox",     "score"};
  if (field == kPartScore || field == kBody) {
    return field == kBody ? "keypoints" : fields_.part_score;
  }
  return field < kKeypoints ? kNames[field] : fields_.names[field - kKeypoints];
}

void CocoPeopleReader::complain(int32_t field, Complaint* complaint) const {
  char which[48] = "";
  if (record_.has(kId) && field != kId) {
    (void)std::snprintf(which, sizeof(which), " (id %" PRId64 ")", id_);
  } else if (kind_ == Kind::kResults && record_.has(kImageId) && field != kImageId) {
    (void)std::snprintf(which, sizeof(which), " (image_id %" PRId64 ")", image_id_);
  }
  (void)std::snprintf(complaint->text, sizeof(complaint->text), "%s[%zu]%s: %s: %s", section_, row_, which,
                      name_of_field(field), record_.complaint(field));
}

bool CocoPeopleReader::required(int32_t field, const char* wanted) {
  if (!record_.has(field)) {
    record_.refuse(field, "wanted %s, got nothing: the field is missing", wanted);
  }
  return record_.has(field);
}

// Every person has as many numbers in each field as the first, and these make the keypoints that the caller wants.
bool CocoPeopleReader::counts_agree() {
  const char* const third = kind_ == Kind::kTruths ? "v" : "score";
  size_t all = 0;
  for (int32_t i = 0; i < fields_.count; ++i) {
    const size_t count = keypoints_[i].size();
    if (counted_ && count != counts_[i]) {
      record_.refuse(kKeypoints + i, "wanted %zu numbers (x, y, %s of %zu keypoints) as in %s[0], got %zu", counts_[i],
                     third, counts_[i] / 3, section_, count);
      return false;
    }
    if (count == 0 || count % 3 != 0) {
      record_.refuse(kKeypoints + i, "wanted three numbers (x, y, %s) a keypoint, got %zu numbers", third, count);
      return false;
    }
    all += count;
  }
  const int64_t wanted = fields_.num_keypoints;
  if (wanted >= 0 && all != 3 * static_cast<size_t>(wanted)) {
    const char* const together = fields_.count > 1 ? " in all keypoint fields together" : "";
    record_.refuse(kKeypoints, "wanted %" PRId64 " numbers (x, y, %s of the truth's %" PRId64 " keypoints)%s, got %zu",
                   3 * wanted, third, wanted, together, all);
    return false;
  }
  for (int32_t i = 0; i < fields_.count && !counted_; ++i) {
    counts_[i] = keypoints_[i].size();
  }
  counted_ = true;
  people_->num_keypoints = static_cast<int64_t>(all / 3);
  return true;
}

bool CocoPeopleReader::numbers_are_good() {
  static constexpr const char* kParts[] = {"x", "y", "v"};
  const bool truths = kind_ == Kind::kTruths;
  for (int32_t i = 0; i < fields_.count; ++i) {
    const Column<double>& numbers = keypoints_[i];
    for (size_t at = 0; at < numbers.size(); ++at) {
      const double value = numbers[at];
      const size_t part = at % 3;
      if (!std::isfinite(value)) {
        record_.refuse(kKeypoints + i, "wanted finite numbers, got %s for %s of keypoint %zu", Spelled(value).text,
                       part == 2 && !truths ? "score" : kParts[part], at / 3);
        return false;
      }
      if (truths && part == 2 && !(value >= 0.0 && value <= 255.0)) {
        record_.refuse(kKeypoints + i, "wanted a number from 0 to 255 for v of keypoint %zu, got %s", at / 3,
                       Spelled(value).text);
        return false;
      }
    }
  }
  for (size_t at = 0; record_.has(kBox) && at < box_.size(); ++at) {
    if (!std::isfinite(box_[at])) {
      record_.refuse(kBox, "wanted finite numbers, got %s in place %zu", Spelled(box_[at]).text, at);
      return false;
    }
  }
  return true;
}

// Whether the record is what it should be.
bool CocoPeopleReader::finish(Complaint* complaint) {
  const bool truths = kind_ == Kind::kTruths;
  if (record_.first_refused() < 0) {
    bool good = (!truths || required(kId, "a whole number")) && required(kImageId, "a whole number") &&
                (truths || record_.has(kPartScore) || required(kScore, "a finite number"));
    for (int32_t i = 0; good && i < fields_.count; ++i) {
      good = required(kKeypoints + i, truths ? "x, y, v of each keypoint" : "x, y, score of each keypoint");
    }
    if (good && record_.has(kBox) && box_.size() != 4 && box_.size() != 0) {
      record_.refuse(kBox, "wanted four numbers (x, y, width, height), got %zu", box_.size());
      good = false;
    }
    if (good && counts_agree() && numbers_are_good()) {
      return true;
    }
  }
  complain(record_.first_refused(), complaint);
  return false;
}

double CocoPeopleReader::loaded_area() const {
  if (boxed_) {
    return record_.has(kBox) && box_.size() == 4 ? box_[2] * box_[3] : kNone;
  }
  const Column<double>* body = record_.has(kBody) ? &body_ : nullptr;
  for (int32_t i = 0; fields_.count > 1 && i < fields_.count; ++i) {
    body = std::strcmp(fields_.names[i], "keypoints") == 0 ? &keypoints_[i] : body;
  }
  if (body == nullptr || body->size() < 3) {
    return kNone;
  }
  const double* const points = body->data();
  double least[] = {points[0], points[1]};
  double most[] = {points[0], points[1]};
  for (size_t at = 3; at + 1 < body->size(); at += 3) {
    for (size_t axis = 0; axis < 2; ++axis) {
      least[axis] = std::fmin(least[axis], points[at + axis]);
      most[axis] = std::fmax(most[axis], points[at + axis]);
    }
  }
  return (most[0] - least[0]) * (most[1] - least[1]);
}

bool CocoPeopleReader::append() {
  CocoPeople& p = *people_;
  const bool truths = kind_ == Kind::kTruths;
  const auto keypoints = static_cast<size_t>(p.num_keypoints);
  double* xy = p.xy.extend(2 * keypoints);
  uint8_t* const visibility = truths ? p.visibility.extend(keypoints) : nullptr;
  float* const scores = truths ? nullptr : p.keypoint_scores.extend(keypoints);
  if (xy == nullptr || (visibility == nullptr && scores == nullptr)) {
    return false;
  }
  size_t keypoint = 0;
  int64_t labelled = -1;  // keypoints of the field that num_keypoints is about
  for (int32_t i = 0; i < fields_.count; ++i) {
    int64_t labelled_here = 0;
    const double* numbers = keypoints_[i].data();
    for (const double* const end = numbers + keypoints_[i].size(); numbers != end; numbers += 3, ++keypoint) {
      *xy++ = numbers[0];
      *xy++ = numbers[1];
      if (truths) {
        visibility[keypoint] = static_cast<uint8_t>(std::ceil(numbers[2]));
        labelled_here += numbers[2] > 0.0 ? 1 : 0;
      } else {
        scores[keypoint] = static_cast<float>(numbers[2]);
      }
    }
    if (std::strcmp(fields_.names[i], "keypoints") == 0) {
      labelled = labelled_here;
    }
  }
  const bool has_category = record_.has(kCategoryId);
  bool kept = p.image_ids.append(image_id_) && p.category_ids.append(has_category ? category_id_ : 0) &&
              p.has_category.append(has_category);
  if (!truths) {
    boxed_ = row_ == 0 ? record_.has(kBox) && box_.size() == 4 : boxed_;
    return kept && p.scores.append(record_.has(kPartScore) ? part_score_ : score_) && p.areas.append(loaded_area());
  }
  const double no_box[] = {kNone, kNone, kNone, kNone};
  kept = kept && p.ids.append(id_) && p.is_crowd.append(record_.has(kIsCrowd) && is_crowd_) &&
         p.stated_num_keypoints.append(record_.has(kNumKeypoints) ? num_keypoints_ : -1) &&
         p.areas.append(record_.has(kArea) ? area_ : kNone) &&
         p.boxes.append(record_.has(kBox) && box_.size() == 4 ? box_.data() : no_box, 4);
  if (record_.has(kNumKeypoints) && labelled >= 0 && num_keypoints_ != labelled) {
    if (p.lying++ == 0) {
      p.first_lying = static_cast<int64_t>(row_);
      p.first_lying_said = num_keypoints_;
      p.first_lying_has = labelled;
    }
  }
  return kept;
}

}  // namespace posecore::host
