// COCO annotation and result files into columns. What is not asked for, such as segmentations, is passed over: memory
// is what the columns take, and one window.
#pragma once

#include <cstddef>
#include <cstdint>

#include "coco_record.hpp"
#include "column.hpp"
#include "json_pull.hpp"

namespace posecore::host {

struct CocoImages {
  Column<int64_t> ids;
  Column<int64_t> widths;   // 0 where there is none
  Column<int64_t> heights;  // the same
  Texts file_names;
  Column<double> crowd_indices;  // NaN where there is none
};

struct CocoCategories {
  Column<int64_t> ids;
  Texts names;
  Column<int64_t> keypoint_counts;
  Texts keypoint_names;  // of all categories
  bool listed = false;   // whether the file has a list of them
};

struct CocoPeople {
  const char* section = "";   // what the list is called in sentences
  int64_t num_keypoints = 0;  // K, 0 where there are no people
  Column<int64_t> ids;        // of truths
  Column<int64_t> image_ids;
  Column<int64_t> category_ids;  // 0 where there is none
  Column<bool> has_category;
  Column<double> xy;                     // (rows, K, 2)
  Column<uint8_t> visibility;            // (rows, K), of truths
  Column<float> keypoint_scores;         // (rows, K), of results
  Column<double> areas;                  // NaN where there is none; of results, as COCO's loader has it
  Column<double> boxes;                  // (rows, 4), the same
  Column<bool> is_crowd;                 // of truths
  Column<int64_t> stated_num_keypoints;  // of truths, -1 where there is none
  Column<double> scores;                 // of results
  int64_t lying = 0;             // truths whose num_keypoints is not the number of v > 0 in the field "keypoints"
  int64_t first_lying = -1;      // its row
  int64_t first_lying_said = 0;  // its num_keypoints
  int64_t first_lying_has = 0;   // and what there is
};

struct CocoTruths {
  CocoImages images;
  CocoCategories categories;
  CocoPeople people;
};

struct CocoFields {
  static constexpr int32_t kMost = 8;

  const char* names[kMost] = {"keypoints"};  // keypoint fields, in the order of the columns; at most kMostKeyBytes each
  int32_t count = 1;
  const char* part_score = nullptr;  // of results: what is taken instead of "score" where there is one
  int64_t num_keypoints = -1;        // in all of them together; -1: as many as the first person has
};

// Most keypoints of one field.
inline constexpr int64_t kMostKeypoints = 4096;

enum class CocoStatus : uint8_t {
  kOk,
  kComplaint,
  kReadFailed,  // the source said so
  kNoMemory,
};

// `kComplaint` leaves a sentence; the columns then mean nothing. Ids are checked in themselves, not against each other.
[[nodiscard]] CocoStatus read_coco_truths(ByteSource source, const CocoFields& fields, CocoTruths* truths,
                                          Complaint* complaint);

// A list of results, or an object with such a list as "annotations". Their areas are those that COCO's loader gives
// them where these are not what the K points span: of `bbox` where the first result has one; else what the field
// "keypoints" spans where `fields` are not that alone.
[[nodiscard]] CocoStatus read_coco_results(ByteSource source, const CocoFields& fields, CocoPeople* results,
                                           Complaint* complaint);

}  // namespace posecore::host
