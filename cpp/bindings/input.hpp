// Pictures into input tensors, as Python sees it.
#pragma once

#include "arrays.hpp"
#include "decoders.hpp"
#include "posecore/input.hpp"

namespace posecore::python {

[[nodiscard]] inline PictureView picture_view(const py::array_t<uint8_t>& image) {
  if (image.ndim() != 3 || image.shape(2) != 3 || image.strides(2) != 1 || image.strides(1) != 3 ||
      image.shape(0) > INT32_MAX || image.shape(1) > INT32_MAX) {
    throw py::value_error("image: wanted uint8 of shape (H, W, 3) with pixels side by side, got shape " +
                          shape_of(image));
  }
  return {image.data(), static_cast<int32_t>(image.shape(0)), static_cast<int32_t>(image.shape(1)), image.strides(0)};
}

template <class T>
[[nodiscard]] Placement placement_in(py::array_t<T, py::array::c_style>& tensor, int32_t left, int32_t top, uint8_t pad,
                                     bool swap_red_blue) {
  if (tensor.ndim() != 3 || tensor.shape(2) != 3 || !tensor.writeable() || tensor.shape(0) > INT32_MAX ||
      tensor.shape(1) > INT32_MAX) {
    throw py::value_error("tensor: wanted a writable array of shape (H, W, 3), got shape " + shape_of(tensor));
  }
  return {static_cast<int32_t>(tensor.shape(0)), static_cast<int32_t>(tensor.shape(1)), top, left, pad, swap_red_blue};
}

inline void write_float_input(const py::array_t<uint8_t>& image, py::array_t<float, py::array::c_style>& tensor,
                              int32_t left, int32_t top, float scale, float offset, uint8_t pad, bool swap_red_blue) {
  const PictureView picture = picture_view(image);
  const Placement placement = placement_in(tensor, left, top, pad, swap_red_blue);
  float* out = tensor.mutable_data();
  Status status = Status::kOk;
  {
    const py::gil_scoped_release release;
    status = write_input(picture, placement, scale, offset, out);
  }
  if (status != Status::kOk) {
    throw py::value_error("image: wanted a picture that fits into the tensor at left and top");
  }
}

inline void write_table_input(const py::array_t<uint8_t>& image, py::array_t<uint8_t, py::array::c_style>& tensor,
                              int32_t left, int32_t top, const py::array_t<uint8_t, py::array::c_style>& table,
                              uint8_t pad, bool swap_red_blue) {
  const PictureView picture = picture_view(image);
  const Placement placement = placement_in(tensor, left, top, pad, swap_red_blue);
  if (table.size() != 256) {
    throw py::value_error("table: wanted 256 bytes");
  }
  uint8_t* out = tensor.mutable_data();
  const uint8_t* entries = table.data();
  Status status = Status::kOk;
  {
    const py::gil_scoped_release release;
    status = write_input(picture, placement, entries, out);
  }
  if (status != Status::kOk) {
    throw py::value_error("image: wanted a picture that fits into the tensor at left and top");
  }
}

}  // namespace posecore::python
