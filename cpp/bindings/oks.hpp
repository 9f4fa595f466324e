// OKS, and rows outside of a range, as Python sees them.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "arrays.hpp"
#include "oks_threads.hpp"
#include "posecore/oks.hpp"
#include "posecore/range.hpp"

namespace posecore::python {

// Stride of an axis in elements; what lies between elements cannot be read in place.
template <class T>
[[nodiscard]] ptrdiff_t stride_of(const py::array& array, py::ssize_t axis, const char* name) {
  constexpr auto kItem = static_cast<py::ssize_t>(sizeof(T));
  if (array.strides(axis) % kItem != 0 || reinterpret_cast<uintptr_t>(array.data()) % sizeof(T) != 0) {
    throw py::value_error(std::string(name) + ": wanted aligned memory; copy it with numpy.array");
  }
  return array.strides(axis) / kItem;
}

template <class T>
[[nodiscard]] KeypointView<T> keypoint_view(const py::array& array, const char* name) {
  return {static_cast<const T*>(array.data()), stride_of<T>(array, 0, name), stride_of<T>(array, 1, name),
          stride_of<T>(array, 2, name)};
}

template <class T>
using Dense = py::array_t<T, py::array::c_style>;

template <class T>
[[nodiscard]] const T* dense_column(const py::object& object, py::ssize_t size, const char* name) {
  if (object.is_none()) {
    return nullptr;
  }
  if (!py::isinstance<Dense<T>>(object) || py::reinterpret_borrow<py::array>(object).size() != size) {
    throw py::type_error(std::string(name) + ": wanted a dense array of the detections' dtype, one row a truth");
  }
  const T* data = py::reinterpret_borrow<Dense<T>>(object).data();
  if (reinterpret_cast<uintptr_t>(data) % sizeof(T) != 0) {
    throw py::value_error(std::string(name) + ": wanted aligned memory; copy it with numpy.array");
  }
  return data;
}

template <class T>
[[nodiscard]] py::array oks_matrix(const py::array& detections, const py::array& truths, const Dense<bool>& labelled,
                                   const py::object& areas, const py::object& boxes, const std::vector<double>& sigmas,
                                   int32_t threads) {
  const auto keypoints = static_cast<py::ssize_t>(sigmas.size());
  if (detections.ndim() != 3 || truths.ndim() != 3 || !py::isinstance<py::array_t<T>>(truths) ||
      detections.shape(1) != keypoints || truths.shape(1) != keypoints || detections.shape(2) < 2 ||
      truths.shape(2) < 2 || labelled.size() != truths.shape(0) * keypoints) {
    throw py::value_error("truths: wanted (T, K, 3) of the detections' dtype, as many keypoints, and labelled (T, K)");
  }
  OksDetections<T> detected;
  detected.keypoints = keypoint_view<T>(detections, "detections");
  detected.count = detections.shape(0);
  OksTruths<T> annotated;
  annotated.keypoints = keypoint_view<T>(truths, "truths");
  annotated.visibility = reinterpret_cast<const uint8_t*>(labelled.data());
  annotated.visibility_stride = keypoints;
  annotated.areas_px2 = dense_column<T>(areas, truths.shape(0), "areas");
  annotated.boxes = dense_column<T>(boxes, truths.shape(0) * 4, "boxes");
  annotated.count = truths.shape(0);
  py::array_t<T> oks({detections.shape(0), truths.shape(0)});
  T* out = oks.mutable_data();
  Status status = Status::kOk;
  {
    const py::gil_scoped_release release;
    status = host::oks_by_threads(sigmas.data(), static_cast<int32_t>(keypoints), detected, annotated, out,
                                  truths.shape(0), threads);
  }
  if (status == Status::kNullPointer && annotated.boxes == nullptr) {
    const bool* const end = labelled.data() + labelled.size();
    const bool* row = labelled.data();
    while (row < end && std::find(row, row + keypoints, true) != row + keypoints) {
      row += keypoints;
    }
    throw py::value_error("boxes: wanted (" + std::to_string(truths.shape(0)) + ", 4), since the truth in row " +
                          std::to_string((row - labelled.data()) / keypoints) + " has no labelled keypoint, got None");
  }
  if (status != Status::kOk) {
    throw py::value_error(message(status));
  }
  return std::move(oks);
}

[[nodiscard]] inline py::array oks(const py::array& detections, const py::array& truths, const Dense<bool>& labelled,
                                   const py::object& areas, const py::object& boxes, const std::vector<double>& sigmas,
                                   int32_t threads) {
  if (py::isinstance<py::array_t<double>>(detections)) {
    return oks_matrix<double>(detections, truths, labelled, areas, boxes, sigmas, threads);
  }
  if (py::isinstance<py::array_t<float>>(detections)) {
    return oks_matrix<float>(detections, truths, labelled, areas, boxes, sigmas, threads);
  }
  throw py::type_error("detections: wanted dtype float64 or float32, got " + std::string(py::str(detections.dtype())));
}

template <class T>
[[nodiscard]] int64_t row_outside(const py::array& array, double least, double most) {
  NumbersView<T> view;
  view.data = static_cast<const T*>(array.data());
  view.rows = array.shape(0);
  view.row_stride = stride_of<T>(array, 0, "array");
  view.columns = array.ndim() > 1 ? array.shape(1) : 1;
  view.column_stride = array.ndim() > 1 ? stride_of<T>(array, 1, "array") : 1;
  view.channels = array.ndim() > 2 ? array.shape(2) : 1;
  view.channel_stride = array.ndim() > 2 ? stride_of<T>(array, 2, "array") : 1;
  const py::gil_scoped_release release;
  return first_row_outside<T>(view, static_cast<T>(least), static_cast<T>(most));
}

[[nodiscard]] inline int64_t first_row_outside_of(const py::array& array, double least, double most) {
  const bool is_double = py::isinstance<py::array_t<double>>(array);
  if (array.ndim() < 1 || array.ndim() > 3 || !(is_double || py::isinstance<py::array_t<float>>(array))) {
    throw py::type_error("array: wanted float64 or float32 of one to three axes");
  }
  return is_double ? row_outside<double>(array, least, most) : row_outside<float>(array, least, most);
}

inline void bind_oks(py::module_& module) {
  using namespace py::literals;
  module.def("oks", &oks, "detections"_a, "truths"_a, py::arg("labelled").noconvert(), "areas"_a, "boxes"_a, "sigmas"_a,
             "threads"_a, "(D, T) of detections (D, K, 2) and truths (T, K, 3) of one dtype.");
  module.def("first_row_outside", &first_row_outside_of, "array"_a, "least"_a, "most"_a,
             "The first row with a number outside of [least, most], or NaN; -1 where there is none.");
}

}  // namespace posecore::python
