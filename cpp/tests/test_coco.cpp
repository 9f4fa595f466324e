// COCO files into columns: the fields that count, and the sentence for a record that is not what it should be. The
// details are tested from Python, against an oracle.
#include <string.h>

#include "check.hpp"
#include "coco_columns.hpp"

namespace {

using posecore::host::ByteSource;
using posecore::host::ByteSpan;
using posecore::host::CocoFields;
using posecore::host::CocoPeople;
using posecore::host::CocoStatus;
using posecore::host::CocoTruths;
using posecore::host::Complaint;

// A source that gives a few bytes at a time.
struct Drops {
  const char* text;
  size_t most;

  static ptrdiff_t read(void* context, char* bytes, size_t room) {
    auto* const self = static_cast<Drops*>(context);
    size_t count = strlen(self->text);
    count = count < self->most ? count : self->most;
    count = count < room ? count : room;
    memcpy(bytes, self->text, count);
    self->text += count;
    return static_cast<ptrdiff_t>(count);
  }
  [[nodiscard]] ByteSource source() { return {&Drops::read, this}; }
};

const char* const kTruths =
    "{\"annotations\": [{\"keypoints\": [1, 2, 2, 3.5, 4, 0], \"segmentation\": [[1, 2, {\"x\": [\"]\"]}]], \"id\": 7,"
    " \"image_id\": 5, \"category_id\": 1.0, \"bbox\": [0, 1, 2, 3], \"num_keypoints\": 2, \"iscrowd\": true}],"
    " \"info\": null, \"images\": [{\"file_name\": \"\\u00e9.jpg\", \"id\": 5, \"width\": null}],"
    " \"categories\": [{\"id\": 1, \"name\": \"person\", \"keypoints\": [\"a\", \"bc\"]}]}";

}  // namespace

TEST(truths_come_in_any_order_and_in_any_pieces) {
  for (const size_t most : {1, 2, 3, 7, 1000}) {
    Drops drops = {kTruths, most};
    CocoTruths truths;
    Complaint complaint;
    CHECK(read_coco_truths(drops.source(), CocoFields(), &truths, &complaint) == CocoStatus::kOk);
    const CocoPeople& people = truths.people;
    CHECK(people.num_keypoints == 2);
    CHECK(people.ids.size() == 1 && people.ids[0] == 7);
    CHECK(people.image_ids[0] == 5);
    CHECK(people.category_ids[0] == 1);
    CHECK(people.xy[2] == 3.5);
    CHECK(people.visibility[0] == 2);
    CHECK(people.is_crowd[0]);
    CHECK(people.boxes[3] == 3.0);
    CHECK(isnan(people.areas[0]));
    CHECK(people.lying == 1 && people.first_lying == 0);
    CHECK(people.first_lying_said == 2 && people.first_lying_has == 1);
    CHECK(truths.images.widths[0] == 0);
    CHECK(truths.images.file_names.bytes.size() == 6);
    CHECK(truths.categories.keypoint_names.ends[1] == 3);
  }
}

TEST(results_need_the_keypoints_of_the_truth) {
  const char* const text = "[{\"image_id\": 1, \"score\": 1, \"keypoints\": [1, 2, 3]}]";
  CocoFields fields;
  for (const int64_t keypoints : {-1, 1, 2}) {
    fields.num_keypoints = keypoints;
    ByteSpan span(text, strlen(text));
    CocoPeople results;
    Complaint complaint;
    const CocoStatus status = read_coco_results(span.source(), fields, &results, &complaint);
    CHECK(status == (keypoints == 2 ? CocoStatus::kComplaint : CocoStatus::kOk));
    CHECK((strstr(complaint.text, "results[0] (image_id 1): keypoints: wanted 6 numbers") != nullptr) ==
          (keypoints == 2));
  }
}

TEST(a_key_that_comes_twice_counts_as_it_came_last) {
  const char* const text =
      "[{\"image_id\": \"x\", \"score\": NaN, \"keypoints\": [1], \"keypoints\": [1, 2, 3], \"score\": 2, "
      "\"image_id\": 4}]";
  ByteSpan span(text, strlen(text));
  CocoPeople results;
  Complaint complaint;
  CHECK(read_coco_results(span.source(), CocoFields(), &results, &complaint) == CocoStatus::kOk);
  CHECK(results.scores.size() == 1 && results.scores[0] == 2.0);
  CHECK(results.image_ids[0] == 4);
}

TEST(a_broken_file_is_refused_before_what_it_says) {
  const char* const text = "[{\"image_id\": \"x\"}, {\"image_id\": 1}";
  ByteSpan span(text, strlen(text));
  CocoPeople results;
  Complaint complaint;
  CHECK(read_coco_results(span.source(), CocoFields(), &results, &complaint) == CocoStatus::kComplaint);
  CHECK(strstr(complaint.text, "got the end of the file after 35 bytes") != nullptr);
}
