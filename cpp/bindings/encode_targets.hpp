// Training targets as Python sees them: the labels of one picture in, arrays out.
#pragma once

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <string>

#include "arrays.hpp"
#include "targets.hpp"

namespace posecore::python {

inline constexpr py::ssize_t kMostLabelled = 65536;  // people, or ignored regions, of one picture
inline constexpr double kFurthestPx = 1.0e6;         // of any coordinate from the picture's corner
inline constexpr int64_t kMostTargets = 268435456;   // numbers in one array: 1 GiB

// `object` as a dense array of (N, sizes...); `shape` says that in words.
template <class T>
[[nodiscard]] py::array_t<T, py::array::c_style> label_array(const py::object& object, const char* name,
                                                             const std::string& shape, const char* dtype,
                                                             std::initializer_list<py::ssize_t> sizes) {
  if (!py::isinstance<py::array>(object)) {
    throw py::type_error(std::string(name) + ": wanted a NumPy array of shape " + shape + ", " + dtype + ", got " +
                         type_name(object));
  }
  const auto array = py::reinterpret_borrow<py::array>(object);
  if (!py::isinstance<py::array_t<T>>(array)) {
    throw py::type_error(std::string(name) + ": wanted dtype " + dtype + ", got " +
                         std::string(py::str(array.dtype())));
  }
  bool fits = array.ndim() == static_cast<py::ssize_t>(sizes.size()) + 1;
  py::ssize_t axis = 1;
  for (const py::ssize_t size : sizes) {
    fits = fits && array.shape(axis++) == size;
  }
  if (!fits) {
    throw py::value_error(std::string(name) + ": wanted shape " + shape + ", got " + shape_of(array));
  }
  if (array.shape(0) > kMostLabelled) {
    throw py::value_error(std::string(name) + ": wanted at most " + std::to_string(kMostLabelled) + " a picture, got " +
                          std::to_string(array.shape(0)));
  }
  return py::array_t<T, py::array::c_style>::ensure(array);
}

[[nodiscard]] inline bool is_near(float px) { return std::fabs(static_cast<double>(px)) <= kFurthestPx; }

[[noreturn]] inline void refuse(const char* name, const std::string& wanted, float got, const std::string& where) {
  throw py::value_error(std::string(name) + ": wanted " + wanted + ", got " +
                        std::string(py::str(py::float_(static_cast<double>(got)))) + " of " + where);
}

// The arrays of one picture's labels, looked at; they live as long as the call.
class PictureLabels {
 public:
  PictureLabels(const py::object& xy, const py::object& visibility, const py::object& boxes, const py::object& ignored,
                int32_t keypoints, double box_margin)
      : xy_(label_array<float>(xy, "sample_xy", "(N, " + std::to_string(keypoints) + ", 2)", "float32",
                               {keypoints, 2})),
        visibility_(label_array<uint8_t>(visibility, "visibility", "(N, " + std::to_string(keypoints) + ")", "uint8",
                                         {keypoints})),
        boxes_(label_array<float>(boxes, "boxes", "(N, 4)", "float32", {4})),
        ignored_(label_array<float>(ignored, "ignored", "(M, 4, 2)", "float32", {4, 2})) {
    labels_.count = xy_.shape(0);
    labels_.num_keypoints = keypoints;
    labels_.xy = xy_.data();
    labels_.visibility = visibility_.data();
    labels_.boxes = boxes_.data();
    labels_.box_margin = box_margin;
    labels_.num_ignored = ignored_.shape(0);
    labels_.ignored = ignored_.data();
    want_count(visibility_.shape(0), "visibility");
    want_count(boxes_.shape(0), "boxes");
    want_keypoints();
    want_boxes();
    for (py::ssize_t i = 0; i < ignored_.size(); ++i) {
      if (!is_near(labels_.ignored[i])) {
        refuse("ignored", "corners within 1000000 px", labels_.ignored[i], "region " + std::to_string(i / 8));
      }
    }
  }

  [[nodiscard]] const host::Labels& get() const { return labels_; }

 private:
  void want_count(py::ssize_t count, const char* name) const {
    if (count != labels_.count) {
      throw py::value_error(std::string(name) + ": wanted one row for each of the " + std::to_string(labels_.count) +
                            " people of sample_xy, got " + std::to_string(count));
    }
  }

  void want_keypoints() const {
    for (int64_t i = 0; i < labels_.count * labels_.num_keypoints; ++i) {
      const uint8_t v = labels_.visibility[i];
      if (v > host::kOutside) {
        throw py::value_error(
            "visibility: wanted 0 (not labelled), 1 (hidden), 2 (visible) or 3 (outside of the picture), got " +
            std::to_string(v) + " of " + keypoint(i));
      }
      if (!host::is_located(v)) {
        continue;
      }
      for (int64_t axis = 0; axis < 2; ++axis) {
        if (!is_near(labels_.xy[2 * i + axis])) {
          refuse("sample_xy", "labelled keypoints within 1000000 px", labels_.xy[2 * i + axis], keypoint(i));
        }
      }
    }
  }

  void want_boxes() const {
    for (int64_t i = 0; i < labels_.count * 4; ++i) {
      const float value = labels_.boxes[i];
      if (!std::isnan(value) && !(is_near(value) && (i % 4 < 2 || value >= 0.0F))) {
        refuse("boxes", "x, y, width and height within 1000000 px and no side below 0, or NaN for a box not known",
               value, "person " + std::to_string(i / 4));
      }
    }
  }

  [[nodiscard]] std::string keypoint(int64_t index) const {
    return "keypoint " + std::to_string(index % labels_.num_keypoints) + " of person " +
           std::to_string(index / labels_.num_keypoints);
  }

  py::array_t<float, py::array::c_style> xy_;
  py::array_t<uint8_t, py::array::c_style> visibility_;
  py::array_t<float, py::array::c_style> boxes_;
  py::array_t<float, py::array::c_style> ignored_;
  host::Labels labels_;
};

// The grid of a picture: cells from the first pixel to the last one that a multiple of the stride reaches.
[[nodiscard]] inline host::CellGrid cell_grid(int32_t width, int32_t height, int32_t stride_px, double shift_px,
                                              int64_t channels) {
  if (width < 1 || height < 1 || stride_px < 1) {
    throw py::value_error("size: wanted sides and a stride of at least 1 px");
  }
  const host::CellGrid grid = {(height - 1) / stride_px + 1, (width - 1) / stride_px + 1,
                               static_cast<double>(stride_px), shift_px};
  const int64_t cells = static_cast<int64_t>(grid.rows) * grid.columns;
  if (channels < 1 || cells > kMostTargets / channels) {
    throw py::value_error("size: wanted targets of at most 1 GiB, got " + std::to_string(grid.rows) + " x " +
                          std::to_string(grid.columns) + " cells of " + std::to_string(channels) + " channels for (" +
                          std::to_string(width) + ", " + std::to_string(height) + ")");
  }
  return grid;
}

[[nodiscard]] inline py::array_t<float> cell_array(const host::CellGrid& grid, int32_t channels) {
  return py::array_t<float>({grid.rows, grid.columns, channels});
}

// (heatmap, short offsets, displacements forward, backward); the last two are left out where there are no edges.
[[nodiscard]] inline py::tuple disc_targets(const py::object& xy, const py::object& visibility, const py::object& boxes,
                                            const py::object& ignored, int32_t width, int32_t height, int32_t keypoints,
                                            const py::array_t<int32_t, py::array::c_style>& edges, int32_t stride_px,
                                            double radius_px, double box_margin) {
  const PictureLabels labels(xy, visibility, boxes, ignored, keypoints, box_margin);
  host::DiscTargets targets;
  targets.edges = edges.data();
  targets.num_edges = static_cast<int32_t>(edges.size() / 2);
  for (py::ssize_t i = 0; i < edges.size(); ++i) {
    if (edges.data()[i] < 0 || edges.data()[i] >= keypoints) {
      throw py::value_error("edges: wanted keypoints 0.." + std::to_string(keypoints - 1) + ", got " +
                            std::to_string(edges.data()[i]));
    }
  }
  const host::CellGrid grid =
      cell_grid(width, height, stride_px, 0.0, 2 * std::max<int64_t>(keypoints, targets.num_edges));
  auto heatmap = cell_array(grid, keypoints);
  auto short_offsets = cell_array(grid, 2 * keypoints);
  auto forward = cell_array(grid, 2 * targets.num_edges);
  auto backward = cell_array(grid, 2 * targets.num_edges);
  targets.heatmap = heatmap.mutable_data();
  targets.short_offsets = short_offsets.mutable_data();
  targets.displacement_fwd = forward.mutable_data();
  targets.displacement_bwd = backward.mutable_data();
  {
    const py::gil_scoped_release release;
    host::encode_discs(labels.get(), grid, radius_px, targets);
  }
  if (targets.num_edges == 0) {
    return py::make_tuple(heatmap, short_offsets);
  }
  return py::make_tuple(heatmap, short_offsets, forward, backward);
}

[[nodiscard]] inline py::array_t<float> gaussian_targets(const py::object& xy, const py::object& visibility,
                                                         const py::object& boxes, const py::object& ignored,
                                                         int32_t width, int32_t height, int32_t keypoints,
                                                         int32_t stride_px, double sigma_px, double shift_px,
                                                         bool background, double box_margin) {
  const PictureLabels labels(xy, visibility, boxes, ignored, keypoints, box_margin);
  const int32_t channels = keypoints + (background ? 1 : 0);
  const host::CellGrid grid = cell_grid(width, height, stride_px, shift_px, channels);
  auto heatmap = cell_array(grid, channels);
  float* const values = heatmap.mutable_data();
  {
    const py::gil_scoped_release release;
    host::encode_gaussians(labels.get(), grid, sigma_px, background, values);
  }
  return heatmap;
}

[[nodiscard]] inline py::array_t<float> coordinate_targets(const py::object& xy, const py::object& visibility,
                                                           const py::object& boxes, const py::object& ignored,
                                                           int32_t width, int32_t height, int32_t keypoints) {
  const PictureLabels labels(xy, visibility, boxes, ignored, keypoints, 0.0);
  py::array_t<float> shares({keypoints, 2});
  host::encode_coordinates(labels.get(), width, height, shares.mutable_data());
  return shares;
}

inline void bind_targets(py::module_& module) {
  using namespace py::literals;
  module.def("disc_targets", &disc_targets, "sample_xy"_a, "visibility"_a, "boxes"_a, "ignored"_a, "width"_a,
             "height"_a, "num_keypoints"_a, py::arg("edges").noconvert(), "stride_px"_a, "radius_px"_a, "box_margin"_a,
             "Arrays heatmap (h, w, K), short offsets (h, w, 2K), displacements forward and backward (h, w, 2E).");
  module.def("gaussian_targets", &gaussian_targets, "sample_xy"_a, "visibility"_a, "boxes"_a, "ignored"_a, "width"_a,
             "height"_a, "num_keypoints"_a, "stride_px"_a, "sigma_px"_a, "shift_px"_a, "background"_a, "box_margin"_a,
             "The array (h, w, K), or (h, w, K + 1) with the background last.");
  module.def("coordinate_targets", &coordinate_targets, "sample_xy"_a, "visibility"_a, "boxes"_a, "ignored"_a,
             "width"_a, "height"_a, "num_keypoints"_a, "The array (K, 2).");
}

}  // namespace posecore::python
