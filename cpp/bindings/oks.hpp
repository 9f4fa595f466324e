// OKS as Python sees it.
#pragma once

#include <algorithm>
#include <limits>
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

// Refuses the first row with a number outside of [least, most].
template <class T>
void want_in_range(const NumbersView<T>& numbers, T least, T most, const char* name, const char* wanted) {
  const int64_t row = first_row_outside(numbers, least, most);
  if (row < 0) {
    return;
  }
  for (int64_t i = 0; i < numbers.columns * numbers.channels; ++i) {
    const T value = numbers.data[row * numbers.row_stride + i / numbers.channels * numbers.column_stride +
                                 i % numbers.channels * numbers.channel_stride];
    if (!(value >= least && value <= most)) {
      throw py::value_error(std::string(name) + ": wanted " + wanted + ", got " +
                            std::string(py::str(py::float_(static_cast<double>(value)))) + " in row " +
                            std::to_string(row));
    }
  }
}

template <class T>
[[nodiscard]] NumbersView<T> numbers_of(const py::array& array, const KeypointView<T>& view) {
  return {view.xy,         array.shape(0),       array.shape(1),  array.shape(2),
          view.row_stride, view.keypoint_stride, view.axis_stride};
}

// Python has looked at dtypes and shapes; whatever was missed there is refused here too.
template <class T>
[[nodiscard]] py::array oks_matrix(const py::array& detections, const py::array& truths, const py::object& areas,
                                   const py::object& boxes, const std::vector<double>& sigmas, int32_t threads) {
  constexpr T kLargest = std::numeric_limits<T>::max();
  const auto keypoints = static_cast<py::ssize_t>(sigmas.size());
  if (detections.ndim() != 3 || truths.ndim() != 3 || !py::isinstance<py::array_t<T>>(truths) ||
      detections.shape(1) != keypoints || truths.shape(1) != keypoints || detections.shape(2) != 2 ||
      truths.shape(2) != 3) {
    throw py::value_error("truths: wanted (T, K, 3) of the detections' dtype, and as many keypoints");
  }
  const py::ssize_t count = truths.shape(0);
  OksDetections<T> detected;
  detected.keypoints = keypoint_view<T>(detections, "detections");
  detected.count = detections.shape(0);
  OksTruths<T> annotated;
  annotated.keypoints = keypoint_view<T>(truths, "truths");
  annotated.areas_px2 = dense_column<T>(areas, count, "areas");
  annotated.boxes = dense_column<T>(boxes, count * 4, "boxes");
  annotated.count = count;
  want_in_range(numbers_of(detections, detected.keypoints), -kLargest, kLargest, "detections",
                "finite coordinates in pixels");
  want_in_range(numbers_of(truths, annotated.keypoints), -kLargest, kLargest, "truths", "finite x, y and v");
  want_in_range<T>({annotated.areas_px2, count, 1, 1, 1, 1, 1}, 0, kLargest, "areas", "areas in px², 0 or more");
  if (annotated.boxes != nullptr) {
    want_in_range({annotated.boxes, count, 4, 1, 4, 1, 1}, -kLargest, kLargest, "boxes",
                  "finite x, y, width and height in pixels");
  }
  std::vector<uint8_t> visibility(static_cast<size_t>(count * keypoints));
  annotated.visibility = visibility.data();
  annotated.visibility_stride = keypoints;
  const KeypointView<T>& view = annotated.keypoints;
  for (py::ssize_t t = 0; t < count; ++t) {
    uint8_t* row = visibility.data() + t * keypoints;
    for (py::ssize_t k = 0; k < keypoints; ++k) {
      row[k] = view.xy[t * view.row_stride + k * view.keypoint_stride + 2 * view.axis_stride] > 0 ? 1 : 0;
    }
    if (annotated.boxes == nullptr && std::find(row, row + keypoints, 1) == row + keypoints) {
      throw py::value_error("boxes: wanted (" + std::to_string(count) + ", 4), since the truth in row " +
                            std::to_string(t) + " has no labelled keypoint, got None");
    }
  }
  py::array_t<T> oks({detections.shape(0), count});
  T* out = oks.mutable_data();
  Status status = Status::kOk;
  {
    const py::gil_scoped_release release;
    status =
        host::oks_by_threads(sigmas.data(), static_cast<int32_t>(keypoints), detected, annotated, out, count, threads);
  }
  if (status != Status::kOk) {
    throw py::value_error(message(status));
  }
  return std::move(oks);
}

[[nodiscard]] inline py::array oks(const py::array& detections, const py::array& truths, const py::object& areas,
                                   const py::object& boxes, const std::vector<double>& sigmas, int32_t threads) {
  if (py::isinstance<py::array_t<double>>(detections)) {
    return oks_matrix<double>(detections, truths, areas, boxes, sigmas, threads);
  }
  if (py::isinstance<py::array_t<float>>(detections)) {
    return oks_matrix<float>(detections, truths, areas, boxes, sigmas, threads);
  }
  throw py::type_error("detections: wanted dtype float64 or float32, got " + std::string(py::str(detections.dtype())));
}

inline void bind_oks(py::module_& module) {
  using namespace py::literals;
  module.def("oks", &oks, "detections"_a, "truths"_a, "areas"_a, "boxes"_a, "sigmas"_a, "threads"_a,
             "(D, T) of detections (D, K, 2) and truths (T, K, 3) of one dtype.");
}

}  // namespace posecore::python
