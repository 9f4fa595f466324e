#include "coco_columns.hpp"

#include <cinttypes>
#include <cmath>
#include <cstdio>

#include "coco_people.hpp"

namespace posecore::host {
namespace {

// A list of records that are not people. The reader of one of them gives the field that is wrong, or -1.
template <class Reader>
void read_list(JsonPull* json, const char* section, Complaint* complaint, Reader* reader) {
  complaint->text[0] = '\0';
  const JsonKind kind = json->kind();
  if (kind != JsonKind::kArray) {
    (void)json->skip();
    (void)std::snprintf(complaint->text, sizeof(complaint->text), "%s: wanted a list, got %s", section, name_of(kind));
    return;
  }
  json->enter_array();
  for (size_t row = 0; json->next_element(); ++row) {
    const JsonKind item = json->kind();
    if (*complaint || item != JsonKind::kObject) {
      if (!*complaint) {
        (void)std::snprintf(complaint->text, sizeof(complaint->text), "%s[%zu]: wanted an object, got %s", section, row,
                            name_of(item));
      }
      (void)json->skip();
      continue;
    }
    CocoRecord& record = reader->record;
    record.begin();
    json->enter_object();
    for (std::string_view key; json->next_member(&key);) {
      reader->member(key);
    }
    if (!json->ok()) {
      return;
    }
    if (!record.has(0) && record.first_refused() != 0) {
      record.refuse(0, "wanted a whole number, got nothing: the field is missing");
    }
    if (const int32_t field = record.first_refused(); field >= 0) {
      char which[48] = "";
      if (field > 0 && record.has(0)) {
        (void)std::snprintf(which, sizeof(which), " (id %" PRId64 ")", reader->id);
      }
      (void)std::snprintf(complaint->text, sizeof(complaint->text), "%s[%zu]%s: %s: %s", section, row, which,
                          Reader::kNames[field], record.complaint(field));
    } else if (!reader->append()) {
      json->fail(JsonStatus::kNoMemory, "");
    }
  }
}

struct ImagesReader {
  static constexpr const char* kNames[] = {"id", "width", "height", "file_name", "crowdIndex"};

  ImagesReader(JsonPull* from, CocoImages* into) : json(from), images(into), record(from) {}

  JsonPull* json;
  CocoImages* images;
  CocoRecord record;
  int64_t id = 0;
  int64_t width = 0;
  int64_t height = 0;
  double crowd_index = 0.0;
  Column<char> file_name;

  void member(std::string_view key) {
    if (key == kNames[0]) {
      record.whole(0, INT64_MIN, &id);
    } else if (key == kNames[1]) {
      record.whole(1, 0, &width);
    } else if (key == kNames[2]) {
      record.whole(2, 0, &height);
    } else if (key == kNames[3]) {
      record.text(3, &file_name);
    } else if (key == kNames[4]) {
      record.finite(4, -HUGE_VAL, &crowd_index);
    } else {
      (void)json->skip();
    }
  }

  [[nodiscard]] bool append() {
    if (!record.has(3)) {
      file_name.clear();
    }
    return images->ids.append(id) && images->widths.append(record.has(1) ? width : 0) &&
           images->heights.append(record.has(2) ? height : 0) && images->file_names.append(file_name) &&
           images->crowd_indices.append(record.has(4) ? crowd_index : static_cast<double>(NAN));
  }

  void clear() {
    images->ids.clear();
    images->widths.clear();
    images->heights.clear();
    images->file_names.clear();
    images->crowd_indices.clear();
  }
};

struct CategoriesReader {
  static constexpr const char* kNames[] = {"id", "name", "keypoints"};

  CategoriesReader(JsonPull* from, CocoCategories* into) : json(from), categories(into), record(from) {}

  JsonPull* json;
  CocoCategories* categories;
  CocoRecord record;
  int64_t id = 0;
  Column<char> name;
  Column<char> keypoint_name;
  Texts keypoint_names;

  void member(std::string_view key) {
    if (key == kNames[0]) {
      record.whole(0, INT64_MIN, &id);
    } else if (key == kNames[1]) {
      record.text(1, &name);
    } else if (key == kNames[2]) {
      keypoints();
    } else {
      (void)json->skip();
    }
  }

  // Names; a list with anything else in it is refused.
  void keypoints() {
    keypoint_names.clear();
    if (!record.list(2, "a list of names")) {
      return;
    }
    bool usable = true;
    while (json->next_element()) {
      bool cut = false;
      if (!usable || json->kind() != JsonKind::kText) {
        if (usable) {
          record.refuse(2, "wanted a list of names, got %s in it", name_of(json->kind()));
        }
        usable = false;
        (void)json->skip();
        continue;
      }
      keypoint_name.clear();
      if (!json->text(&keypoint_name, CocoRecord::kMostTextBytes, &cut)) {
        return;
      }
      if (cut || static_cast<int64_t>(keypoint_names.ends.size()) == kMostKeypoints) {
        record.refuse(2, "wanted at most %d names of at most %zu bytes, got more", static_cast<int>(kMostKeypoints),
                      CocoRecord::kMostTextBytes);
        usable = false;
      } else if (!keypoint_names.append(keypoint_name)) {
        json->fail(JsonStatus::kNoMemory, "");
      }
    }
  }

  [[nodiscard]] bool append() {
    if (!record.has(1)) {
      name.clear();
    }
    if (!record.has(2)) {
      keypoint_names.clear();
    }
    Texts& all = categories->keypoint_names;
    const auto start = static_cast<int64_t>(all.bytes.size());
    for (size_t i = 0; i < keypoint_names.ends.size(); ++i) {
      if (!all.ends.append(start + keypoint_names.ends[i])) {
        return false;
      }
    }
    return all.bytes.append(keypoint_names.bytes.data(), keypoint_names.bytes.size()) &&
           categories->keypoint_counts.append(static_cast<int64_t>(keypoint_names.ends.size())) &&
           categories->ids.append(id) && categories->names.append(name);
  }

  void clear() {
    categories->ids.clear();
    categories->names.clear();
    categories->keypoint_counts.clear();
    categories->keypoint_names.clear();
  }
};

// What the file itself says first: where it is no JSON, nothing else counts.
CocoStatus verdict(const JsonPull& json, Complaint* complaint) {
  const auto offset = json.offset();
  const size_t room = sizeof(complaint->text);
  switch (json.status()) {
    case JsonStatus::kOk:
      return *complaint ? CocoStatus::kComplaint : CocoStatus::kOk;
    case JsonStatus::kReadFailed:
      return CocoStatus::kReadFailed;
    case JsonStatus::kNoMemory:
      return CocoStatus::kNoMemory;
    case JsonStatus::kTooDeep:
      (void)std::snprintf(complaint->text, room,
                          "byte %" PRIu64 ": wanted JSON of at most %d levels of lists and objects, got more", offset,
                          static_cast<int>(JsonPull::kMostDepth));
      break;
    case JsonStatus::kNotJson:
      if (json.got() < 0) {
        (void)std::snprintf(complaint->text, room,
                            "wanted JSON, got the end of the file after %" PRIu64 " bytes, where %s belongs", offset,
                            json.wanted());
      } else if (json.got() > 0x20 && json.got() < 0x7F) {
        (void)std::snprintf(complaint->text, room, "wanted JSON, got '%c' at byte %" PRIu64 ", where %s belongs",
                            json.got(), offset, json.wanted());
      } else {
        (void)std::snprintf(complaint->text, room, "wanted JSON, got 0x%02X at byte %" PRIu64 ", where %s belongs",
                            static_cast<unsigned>(json.got()), offset, json.wanted());
      }
      break;
  }
  return CocoStatus::kComplaint;
}

void complain(Complaint* complaint, const char* text, const char* got) {
  (void)std::snprintf(complaint->text, sizeof(complaint->text), "%s, got %s", text, got);
}

}  // namespace

CocoStatus read_coco_truths(ByteSource source, const CocoFields& fields, CocoTruths* truths, Complaint* complaint) {
  JsonPull json(source);
  truths->people.section = "annotations";
  CocoPeopleReader people(&json, CocoPeopleReader::Kind::kTruths, fields, &truths->people);
  ImagesReader images(&json, &truths->images);
  CategoriesReader categories(&json, &truths->categories);
  Complaint complaints[3];
  bool has_images = false;
  bool has_people = false;
  const JsonKind kind = json.kind();
  if (kind != JsonKind::kObject) {
    (void)json.skip();
    (void)json.finish();
    complain(complaint, "wanted an object with images, annotations and categories",
             kind == JsonKind::kArray ? "a list, as result files are" : name_of(kind));
    return verdict(json, complaint);
  }
  json.enter_object();
  for (std::string_view key; json.next_member(&key);) {
    if (key == "images") {
      has_images = true;
      images.clear();
      read_list(&json, "images", &complaints[0], &images);
    } else if (key == "categories") {
      truths->categories.listed = true;
      categories.clear();
      read_list(&json, "categories", &complaints[1], &categories);
    } else if (key == "annotations") {
      has_people = true;
      people.read(&complaints[2]);
    } else {
      (void)json.skip();
    }
  }
  (void)json.finish();
  for (const Complaint& found : complaints) {
    if (found && !*complaint) {
      *complaint = found;
    }
  }
  if (!has_images || !has_people) {
    complain(complaint, "wanted an object with images and annotations",
             has_people ? "one without images" : "one without annotations");
  }
  return verdict(json, complaint);
}

CocoStatus read_coco_results(ByteSource source, const CocoFields& fields, CocoPeople* results, Complaint* complaint) {
  JsonPull json(source);
  const JsonKind kind = json.kind();
  results->section = kind == JsonKind::kObject ? "annotations" : "results";
  CocoPeopleReader people(&json, CocoPeopleReader::Kind::kResults, fields, results);
  if (kind == JsonKind::kArray) {
    people.read(complaint);
  } else if (kind == JsonKind::kObject) {
    bool has_people = false;
    json.enter_object();
    for (std::string_view key; json.next_member(&key);) {
      if (key == "annotations") {
        has_people = true;
        people.read(complaint);
      } else {
        (void)json.skip();
      }
    }
    if (!has_people) {
      complain(complaint, "wanted a list of results, or an object with annotations", "an object without annotations");
    }
  } else {
    (void)json.skip();
    complain(complaint, "wanted a list of results, or an object with annotations", name_of(kind));
  }
  (void)json.finish();
  return verdict(json, complaint);
}

}  // namespace posecore::host
