// COCO files into NumPy arrays. The bytes come from a Python function, so that paths, streams and hashes are Python's.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/typing.h>

#include <cstdlib>
#include <new>
#include <optional>
#include <string>
#include <vector>

#include "coco_columns.hpp"

namespace posecore::python {

namespace py = pybind11;

using Fill = py::typing::Callable<py::ssize_t(py::memoryview)>;

// `fill` as a source of bytes. What it raises is kept, and raised again when reading has ended.
class PythonBytes {
 public:
  explicit PythonBytes(Fill fill) : fill_(std::move(fill)) {}

  [[nodiscard]] host::ByteSource source() { return {&PythonBytes::read, this}; }
  void raise_again() {
    if (error_) {
      throw py::error_already_set(std::move(*error_));
    }
  }

 private:
  static ptrdiff_t read(void* context, char* bytes, size_t room) {
    const py::gil_scoped_acquire acquire;
    auto* const self = static_cast<PythonBytes*>(context);
    ptrdiff_t count = -1;
    try {
      const auto view = py::memoryview::from_memory(bytes, static_cast<py::ssize_t>(room));
      count = self->filled(view);
      // The window goes away; a traceback may keep the view.
      view.attr("release")();
      if (!self->error_ && (count < 0 || static_cast<size_t>(count) > room)) {
        throw py::value_error("wanted a number of bytes that fits, got " + std::to_string(count));
      }
    } catch (const py::error_already_set& error) {
      self->error_.emplace(error);
    } catch (const py::builtin_exception& error) {
      error.set_error();
      self->error_.emplace();
    }
    return self->error_ ? -1 : count;
  }

  [[nodiscard]] ptrdiff_t filled(const py::memoryview& view) {
    try {
      return py::cast<ptrdiff_t>(fill_(view));
    } catch (const py::error_already_set& error) {
      error_.emplace(error);
      return -1;
    }
  }

  Fill fill_;
  std::optional<py::error_already_set> error_;
};

// The column's own memory as an array.
template <class T>
[[nodiscard]] py::array_t<T> array_of(host::Column<T>& column, std::vector<py::ssize_t> shape) {
  T* const values = column.release();
  if (values == nullptr) {
    return py::array_t<T>(std::move(shape));
  }
  return py::array_t<T>(std::move(shape), values, py::capsule(values, &std::free));
}

template <class T>
[[nodiscard]] py::array_t<T> array_of(host::Column<T>& column) {
  return array_of(column, {static_cast<py::ssize_t>(column.size())});
}

// As Python's json has them: half a surrogate pair stays one.
[[nodiscard]] inline py::tuple tuple_of(const host::Texts& texts) {
  py::tuple all(texts.ends.size());
  int64_t start = 0;
  for (size_t i = 0; i < texts.ends.size(); ++i) {
    const int64_t end = texts.ends[i];
    PyObject* const text = PyUnicode_DecodeUTF8(texts.bytes.data() + start, end - start, "surrogatepass");
    if (text == nullptr) {
      throw py::error_already_set();
    }
    all[i] = py::reinterpret_steal<py::str>(text);
    start = end;
  }
  return all;
}

inline void check(host::CocoStatus status, PythonBytes& bytes, const host::Complaint& complaint) {
  switch (status) {
    case host::CocoStatus::kOk:
      return;
    case host::CocoStatus::kReadFailed:
      bytes.raise_again();
      return;
    case host::CocoStatus::kNoMemory:
      throw std::bad_alloc();
    case host::CocoStatus::kComplaint:
      throw py::value_error(complaint.text);
  }
}

// `names` has to outlive what is given back.
[[nodiscard]] inline host::CocoFields fields_of(const std::vector<std::string>& names, int64_t num_keypoints) {
  if (names.empty() || names.size() > static_cast<size_t>(host::CocoFields::kMost)) {
    throw py::value_error("fields: wanted 1 to " + std::to_string(host::CocoFields::kMost) + " names, got " +
                          std::to_string(names.size()));
  }
  host::CocoFields fields;
  fields.count = 0;
  for (const std::string& name : names) {
    fields.names[fields.count++] = name.c_str();
  }
  fields.num_keypoints = num_keypoints;
  return fields;
}

// Images: ids, widths, heights, file names, crowd indices. Categories: whether they are listed, ids, names, counts of
// keypoints, names of keypoints. People: ids, image ids, category ids, whether they have one, xy, visibility, areas,
// boxes, whether they are crowds, num_keypoints, and how many of these lie, the first row of these, what it says and
// what it has.
[[nodiscard]] inline py::tuple read_coco_truths(Fill fill, const std::vector<std::string>& fields) {
  host::CocoTruths truths;
  host::Complaint complaint;
  const host::CocoFields wanted = fields_of(fields, -1);
  PythonBytes bytes(std::move(fill));
  host::CocoStatus status = host::CocoStatus::kOk;
  {
    const py::gil_scoped_release release;
    status = host::read_coco_truths(bytes.source(), wanted, &truths, &complaint);
  }
  check(status, bytes, complaint);
  auto& [images, categories, people] = truths;
  const auto rows = static_cast<py::ssize_t>(people.ids.size());
  const auto keypoints = static_cast<py::ssize_t>(people.num_keypoints);
  const auto names = tuple_of(categories.names);
  return py::make_tuple(py::make_tuple(array_of(images.ids), array_of(images.widths), array_of(images.heights),
                                       tuple_of(images.file_names), array_of(images.crowd_indices)),
                        py::make_tuple(categories.listed, array_of(categories.ids), names,
                                       array_of(categories.keypoint_counts), tuple_of(categories.keypoint_names)),
                        py::make_tuple(array_of(people.ids), array_of(people.image_ids), array_of(people.category_ids),
                                       array_of(people.has_category), array_of(people.xy, {rows, keypoints, 2}),
                                       array_of(people.visibility, {rows, keypoints}), array_of(people.areas),
                                       array_of(people.boxes, {rows, 4}), array_of(people.is_crowd),
                                       array_of(people.stated_num_keypoints), people.lying, people.first_lying,
                                       people.first_lying_said, people.first_lying_has));
}

// What the list is called, then image ids, category ids, whether they have one, xy, keypoint scores, scores.
[[nodiscard]] inline py::tuple read_coco_results(Fill fill, const std::vector<std::string>& fields,
                                                 int64_t num_keypoints, const std::string& part_score) {
  host::CocoPeople people;
  host::Complaint complaint;
  host::CocoFields wanted = fields_of(fields, num_keypoints);
  wanted.part_score = part_score.empty() ? nullptr : part_score.c_str();
  PythonBytes bytes(std::move(fill));
  host::CocoStatus status = host::CocoStatus::kOk;
  {
    const py::gil_scoped_release release;
    status = host::read_coco_results(bytes.source(), wanted, &people, &complaint);
  }
  check(status, bytes, complaint);
  const auto rows = static_cast<py::ssize_t>(people.scores.size());
  const auto keypoints = static_cast<py::ssize_t>(people.num_keypoints);
  return py::make_tuple(people.section, array_of(people.image_ids), array_of(people.category_ids),
                        array_of(people.has_category), array_of(people.xy, {rows, keypoints, 2}),
                        array_of(people.keypoint_scores, {rows, keypoints}), array_of(people.scores),
                        array_of(people.areas));
}

inline void bind_coco_files(py::module_& module) {
  using namespace py::literals;
  module.def(
      "read_coco_truths", &read_coco_truths, "fill"_a, "fields"_a,
      "`fill` puts the next bytes and says how many, 0 at the end. Tuples of columns: images, categories, people.");
  module.def("read_coco_results", &read_coco_results, "fill"_a, "fields"_a, "num_keypoints"_a, "part_score"_a = "",
             "The list's name, image ids, category ids, whether there is one, xy, keypoint scores, scores,\n"
             "areas (NaN: those of xy). `part_score` is taken instead of score where there is one.");
}

}  // namespace posecore::python
