// NumPy arrays as views of the core, with a sentence that names the argument where one does not fit.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <string>

#include "posecore/tensor.hpp"

namespace posecore::python {

namespace py = pybind11;

[[nodiscard]] inline std::string type_name(py::handle object) {
  return py::str(py::type::handle_of(object).attr("__name__"));
}

[[nodiscard]] inline std::string shape_of(const py::array& array) { return py::str(array.attr("shape")); }

// float32, uint8 or int8 of three axes, read in place.
[[nodiscard]] inline TensorView tensor_view(py::handle object, const char* name, bool channels_first) {
  const char* shape = channels_first ? "(channels, h, w)" : "(h, w, channels)";
  if (!py::isinstance<py::array>(object)) {
    throw py::type_error(std::string(name) + ": wanted a NumPy array of shape " + shape + ", got " + type_name(object));
  }
  const auto array = py::reinterpret_borrow<py::array>(object);
  TensorView view;
  if (py::isinstance<py::array_t<float>>(array)) {
    view.type = ElementType::kFloat32;
  } else if (py::isinstance<py::array_t<uint8_t>>(array)) {
    view.type = ElementType::kUint8;
  } else if (py::isinstance<py::array_t<int8_t>>(array)) {
    view.type = ElementType::kInt8;
  } else {
    throw py::type_error(std::string(name) + ": wanted dtype float32, uint8 or int8, got " +
                         std::string(py::str(array.dtype())));
  }
  if (array.ndim() != 3 || array.size() == 0) {
    throw py::value_error(std::string(name) + ": wanted shape " + shape + ", got " + shape_of(array) +
                          (array.ndim() == 4 ? "; take one picture of the batch" : ""));
  }
  const auto item = static_cast<py::ssize_t>(array.itemsize());
  py::ssize_t size[3];
  py::ssize_t stride[3];
  for (py::ssize_t axis = 0; axis < 3; ++axis) {
    size[axis] = array.shape(axis);
    stride[axis] = array.strides(axis) / item;
    if (size[axis] > INT32_MAX || array.strides(axis) % item != 0) {
      throw py::value_error(std::string(name) + ": wanted strides of whole elements, got " +
                            std::string(py::str(array.attr("strides"))) +
                            " bytes; copy it with numpy.ascontiguousarray");
    }
  }
  if (reinterpret_cast<uintptr_t>(array.data()) % static_cast<uintptr_t>(item) != 0) {
    throw py::value_error(std::string(name) + ": wanted aligned memory; copy it with numpy.array");
  }
  const int row = channels_first ? 1 : 0;
  const int channel = channels_first ? 0 : 2;
  view.data = array.data();
  view.rows = static_cast<int32_t>(size[row]);
  view.columns = static_cast<int32_t>(size[row + 1]);
  view.channels = static_cast<int32_t>(size[channel]);
  view.row_stride = stride[row];
  view.column_stride = stride[row + 1];
  view.channel_stride = stride[channel];
  return view;
}

}  // namespace posecore::python
