// NumPy arrays as views of the core, with a sentence that names the argument where one does not fit.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/typing.h>

#include <array>
#include <string>

#include "posecore/tensor.hpp"

namespace posecore::python {

namespace py = pybind11;

// A stub says what is in them, if only that it is not known.
using AnyTuple = py::typing::Tuple<py::object, py::ellipsis>;
using AnyList = py::typing::List<py::object>;

[[nodiscard]] inline std::string type_name(py::handle object) {
  return py::str(py::type::handle_of(object).attr("__name__"));
}

[[nodiscard]] inline std::string shape_of(const py::array& array) { return py::str(array.attr("shape")); }

// The element type of an array in the machine's own byte order, or false. Every frame asks this for each tensor, so the
// answer is read off the dtype; only where the order is spelled out ("<f4") NumPy is asked.
[[nodiscard]] inline bool element_type_of(PyObject* array, ElementType* type) {
  using Api = py::detail::npy_api;
  const auto* const descr = py::detail::array_descriptor_proxy(py::detail::array_proxy(array)->descr);
  switch (descr->type_num) {
    case Api::NPY_FLOAT_:
      *type = ElementType::kFloat32;
      return descr->byteorder == '=' || py::isinstance<py::array_t<float>>(array);
    case Api::NPY_UINT8_:
      *type = ElementType::kUint8;
      return true;
    case Api::NPY_INT8_:
      *type = ElementType::kInt8;
      return true;
    default:
      return false;
  }
}

// float32, uint8 or int8 of three axes, read in place.
[[nodiscard]] inline TensorView tensor_view(py::handle object, const char* name, bool channels_first) {
  const char* shape = channels_first ? "(channels, h, w)" : "(h, w, channels)";
  if (!py::isinstance<py::array>(object)) {
    throw py::type_error(std::string(name) + ": wanted a NumPy array of shape " + shape + ", got " + type_name(object));
  }
  TensorView view;
  if (!element_type_of(object.ptr(), &view.type)) {
    throw py::type_error(std::string(name) + ": wanted dtype float32, uint8 or int8, got " +
                         std::string(py::str(object.attr("dtype"))));
  }
  const auto* const array = py::detail::array_proxy(object.ptr());
  const auto* const size = array->dimensions;
  if (array->nd != 3 || size[0] == 0 || size[1] == 0 || size[2] == 0) {
    throw py::value_error(std::string(name) + ": wanted shape " + shape + ", got " +
                          std::string(py::str(object.attr("shape"))) +
                          (array->nd == 4 ? "; take one picture of the batch" : ""));
  }
  const ptrdiff_t item = view.type == ElementType::kFloat32 ? 4 : 1;
  for (int axis = 0; axis < 3; ++axis) {
    if (size[axis] > INT32_MAX) {
      throw py::value_error(std::string(name) + ": wanted axes of at most " + std::to_string(INT32_MAX) + ", got " +
                            std::string(py::str(object.attr("shape"))));
    }
    if (array->strides[axis] % item != 0) {
      throw py::value_error(std::string(name) + ": wanted strides of whole elements, got " +
                            std::string(py::str(object.attr("strides"))) +
                            " bytes; copy it with numpy.ascontiguousarray");
    }
  }
  if (reinterpret_cast<uintptr_t>(array->data) % static_cast<uintptr_t>(item) != 0) {
    throw py::value_error(std::string(name) + ": wanted aligned memory; copy it with numpy.array");
  }
  const int row = channels_first ? 1 : 0;
  const int channel = channels_first ? 0 : 2;
  view.data = array->data;
  view.rows = static_cast<int32_t>(size[row]);
  view.columns = static_cast<int32_t>(size[row + 1]);
  view.channels = static_cast<int32_t>(size[channel]);
  view.row_stride = array->strides[row] / item;
  view.column_stride = array->strides[row + 1] / item;
  view.channel_stride = array->strides[channel] / item;
  return view;
}

inline constexpr int kWriteable = py::detail::npy_api::NPY_ARRAY_WRITEABLE_;

inline void forbid_writing(PyObject* array) {
  int& flags = py::detail::array_proxy(array)->flags;
  flags = static_cast<int>(static_cast<unsigned>(flags) & ~static_cast<unsigned>(kWriteable));
}

// A new array that Python cannot write to.
template <class T>
[[nodiscard]] py::array_t<T> read_only(py::array_t<T> array) {
  forbid_writing(array.ptr());
  return array;
}

// A new read-only dense array and, for whoever made it, its numbers, which are not set. (py::array does the same in a
// third of a microsecond, and a frame makes five.)
template <class T, size_t Axes>
[[nodiscard]] py::object new_array(const std::array<py::ssize_t, Axes>& shape, T** numbers) {
  const auto& api = py::detail::npy_api::get();
  PyObject* const array = api.PyArray_NewFromDescr_(api.PyArray_Type_, py::dtype::of<T>().release().ptr(),
                                                    static_cast<int>(Axes), shape.data(), nullptr, nullptr, 0, nullptr);
  if (array == nullptr) {
    throw py::error_already_set();
  }
  forbid_writing(array);
  *numbers = reinterpret_cast<T*>(py::detail::array_proxy(array)->data);
  return py::reinterpret_steal<py::object>(array);
}

}  // namespace posecore::python
