// `Poses` out of what a decoder wrote.
#pragma once

#include <array>
#include <cstring>
#include <tuple>
#include <utility>

#include "arrays.hpp"
#include "posecore/decode.hpp"

namespace posecore::python {

// The fields of `Poses`: five arrays, skeleton, image_size, time_s.
inline constexpr size_t kPosesArrays = 5;
inline constexpr size_t kPosesFields = 8;

// Poses of the sink as new read-only arrays in the order of the fields of `Poses`:
// xy (n, K, 2), scores (n, K), pose_scores (n,), visible (n, K), track_ids (n,).
[[nodiscard]] inline std::array<py::object, kPosesArrays> pose_arrays(const PoseSink& sink, py::ssize_t keypoints) {
  const auto count = static_cast<py::ssize_t>(sink.count);
  const auto people = static_cast<size_t>(count);
  const auto points = static_cast<size_t>(count * keypoints);
  float* xy = nullptr;
  float* scores = nullptr;
  float* pose_scores = nullptr;
  bool* visible = nullptr;
  int64_t* track_ids = nullptr;
  std::array<py::object, kPosesArrays> arrays = {
      new_array<float, 3>({count, keypoints, 2}, &xy), new_array<float, 2>({count, keypoints}, &scores),
      new_array<float, 1>({count}, &pose_scores), new_array<bool, 2>({count, keypoints}, &visible),
      new_array<int64_t, 1>({count}, &track_ids)};
  if (people > 0) {
    memcpy(xy, sink.xy, 2 * points * sizeof(float));
    memcpy(scores, sink.scores, points * sizeof(float));
    memcpy(pose_scores, sink.pose_scores, people * sizeof(float));
  }
  for (size_t i = 0; i < points; ++i) {
    visible[i] = sink.scores[i] > 0.0F;
  }
  for (size_t i = 0; i < people; ++i) {
    track_ids[i] = -1;
  }
  return arrays;
}

// Makes `Poses` by their slots: its Python constructor checks what is right already, and setting eight slots of an
// immutable object from Python takes longer than decoding an empty picture.
class PosesMaker {
 public:
  // `slots` are the member descriptors of `type`, in the order of the fields.
  PosesMaker(const py::type& type, const AnyTuple& slots) : type_(type), slots_(slots) {
    if (slots.size() != kPosesFields) {
      throw py::value_error("slots: wanted one a field of Poses");
    }
    for (const py::handle slot : slots) {
      if (!PyObject_TypeCheck(slot.ptr(), &PyMemberDescr_Type)) {
        throw py::type_error("slots: wanted member descriptors, got " + type_name(slot));
      }
    }
  }

  // In the order of the fields; nothing is looked at.
  [[nodiscard]] py::object make(const std::array<py::handle, kPosesFields>& fields) const {
    auto* const type = reinterpret_cast<PyTypeObject*>(type_.ptr());
    auto poses = py::reinterpret_steal<py::object>(type->tp_alloc(type, 0));
    if (!poses) {
      throw py::error_already_set();
    }
    for (size_t i = 0; i < kPosesFields; ++i) {
      PyObject* const slot = PyTuple_GET_ITEM(slots_.ptr(), static_cast<py::ssize_t>(i));
      if (Py_TYPE(slot)->tp_descr_set(slot, poses.ptr(), fields[i].ptr()) != 0) {
        throw py::error_already_set();
      }
    }
    return poses;
  }

  [[nodiscard]] py::object from_fields(const AnyTuple& given) const {
    if (given.size() != kPosesFields) {
      throw py::type_error("wanted all fields of Poses");
    }
    std::array<py::handle, kPosesFields> fields;
    for (size_t i = 0; i < kPosesFields; ++i) {
      fields[i] = PyTuple_GET_ITEM(given.ptr(), static_cast<py::ssize_t>(i));
    }
    return make(fields);
  }

  // What a decoder wrote into its sink.
  [[nodiscard]] py::object from_sink(const PoseSink& sink, py::ssize_t keypoints, py::handle skeleton,
                                     py::handle image_size) const {
    const std::array<py::object, kPosesArrays> arrays = pose_arrays(sink, keypoints);
    return make({arrays[0], arrays[1], arrays[2], arrays[3], arrays[4], skeleton, image_size, Py_None});
  }

 private:
  py::type type_;
  py::tuple slots_;
};

}  // namespace posecore::python
