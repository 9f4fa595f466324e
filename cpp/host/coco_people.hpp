// The people of a COCO file: annotations of truths, or results.
#pragma once

#include "coco_columns.hpp"

namespace posecore::host {

class CocoPeopleReader {
 public:
  enum class Kind : uint8_t { kTruths, kResults };

  CocoPeopleReader(JsonPull* json, Kind kind, const CocoFields& fields, CocoPeople* people)
      : json_(json), kind_(kind), section_(people->section), fields_(fields), people_(people), record_(json) {}

  // The next value, which should be a list; what was there from an earlier list is forgotten.
  void read(Complaint* complaint);

 private:
  enum Field : int32_t {
    kId,
    kImageId,
    kCategoryId,
    kIsCrowd,
    kNumKeypoints,
    kArea,
    kBox,
    kScore,
    kPartScore,
    kBody,
    kKeypoints
  };

  void clear();
  void member(std::string_view key);
  [[nodiscard]] bool finish(Complaint* complaint);
  [[nodiscard]] bool required(int32_t field, const char* wanted);
  [[nodiscard]] bool counts_agree();
  [[nodiscard]] bool numbers_are_good();
  [[nodiscard]] bool append();
  [[nodiscard]] double loaded_area() const;
  void complain(int32_t field, Complaint* complaint) const;
  [[nodiscard]] const char* name_of_field(int32_t field) const;

  JsonPull* json_;
  Kind kind_;
  const char* section_;
  const CocoFields& fields_;
  CocoPeople* people_;
  CocoRecord record_;
  size_t row_ = 0;
  bool counted_ = false;
  bool boxed_ = false;                     // results whose areas are those of their boxes
  size_t counts_[CocoFields::kMost] = {};  // numbers a field, as the first person has them

  // The record that is read.
  int64_t id_ = 0;
  int64_t image_id_ = 0;
  int64_t category_id_ = 0;
  int64_t num_keypoints_ = 0;
  bool is_crowd_ = false;
  double area_ = 0.0;
  double score_ = 0.0;
  double part_score_ = 0.0;
  Column<double> box_;
  Column<double> body_;  // the field "keypoints" of results, where it is not scored
  Column<double> keypoints_[CocoFields::kMost];
};

}  // namespace posecore::host
