// `Heads` and `Onto` as the core's views.
#pragma once

#include <array>
#include <cmath>
#include <string>

#include "arrays.hpp"
#include "posecore/decode.hpp"

namespace posecore::python {

inline constexpr size_t kHeadsTensors = 4;
inline constexpr std::array<const char*, kHeadsTensors> kTensorNames = {"heatmaps", "short_offsets", "displacement_fwd",
                                                                        "displacement_bwd"};

[[nodiscard]] inline std::array<TensorView*, kHeadsTensors> views_of(Heads* heads) {
  return {&heads->heatmaps, &heads->short_offsets, &heads->displacement_fwd, &heads->displacement_bwd};
}

[[nodiscard]] inline py::object interned(const char* name) {
  auto text = py::reinterpret_steal<py::object>(PyUnicode_InternFromString(name));
  if (!text) {
    throw py::error_already_set();
  }
  return text;
}

[[nodiscard]] inline py::object attribute(py::handle object, const py::object& name) {
  auto value = py::reinterpret_steal<py::object>(PyObject_GetAttr(object.ptr(), name.ptr()));
  if (!value) {
    throw py::error_already_set();
  }
  return value;
}

[[nodiscard]] inline double real_number(py::handle object) {
  const double value = PyFloat_AsDouble(object.ptr());
  if (value == -1.0 && PyErr_Occurred() != nullptr) {
    throw py::error_already_set();
  }
  return value;
}

// Of a pixel map: what it makes of a network's pixels is finite.
inline constexpr float kMostPixels = 1.0e9F;

// (scale_x, scale_y, shift_x, shift_y), or nothing for input pixels.
[[nodiscard]] inline PixelMap pixel_map_of(py::handle numbers) {
  if (numbers.is_none()) {
    return {};
  }
  if (!PyTuple_Check(numbers.ptr()) || PyTuple_GET_SIZE(numbers.ptr()) != 4) {
    throw py::type_error("pixel_map: wanted a tuple of four numbers, got " + type_name(numbers));
  }
  std::array<float, 4> values{};
  for (size_t i = 0; i < 4; ++i) {
    values[i] = static_cast<float>(real_number(PyTuple_GET_ITEM(numbers.ptr(), static_cast<py::ssize_t>(i))));
    if (!(std::fabs(values[i]) <= kMostPixels)) {
      throw py::value_error("pixel_map: wanted four numbers from -1e9 to 1e9, got " + std::string(py::repr(numbers)));
    }
  }
  return {values[0], values[1], values[2], values[3]};
}

// (width, height) of a picture. Every frame asks this; only what is not plainly right goes to where Python's arguments
// are looked at, for a sentence, or for integers of NumPy as Python's own.
[[nodiscard]] inline py::object image_size_of(py::handle size) {
  bool plain = PyTuple_CheckExact(size.ptr()) && PyTuple_GET_SIZE(size.ptr()) == 2;
  for (py::ssize_t i = 0; plain && i < 2; ++i) {
    PyObject* const side = PyTuple_GET_ITEM(size.ptr(), i);
    int overflow = 0;
    const long long pixels = PyLong_CheckExact(side) ? PyLong_AsLongLongAndOverflow(side, &overflow) : 0;
    plain = pixels > 0 && pixels <= INT32_MAX;
  }
  return plain ? py::reinterpret_borrow<py::object>(size)
               : py::module_::import("posecore.arguments").attr("size")(size, "image_size");
}

// Heads whose tensors live as long as this does.
struct HeldHeads {
  Heads views;
  std::array<py::object, kHeadsTensors> arrays;
};

// Reads Python's `Heads`. Not for two threads at once.
class HeadsReader {
 public:
  // The class, and what the decoder wants: K keypoints on a grid of this stride.
  HeadsReader(py::type type, int32_t num_keypoints, double stride_px)
      : type_(std::move(type)), num_keypoints_(num_keypoints), stride_px_(stride_px) {
    for (size_t i = 0; i < kHeadsTensors; ++i) {
      tensor_names_[i] = interned(kTensorNames[i]);
    }
  }

  [[nodiscard]] size_t tensors() const { return num_keypoints_ > 1 ? kHeadsTensors : 2; }

  [[nodiscard]] HeldHeads read(py::handle heads) {
    if (!PyObject_TypeCheck(heads.ptr(), reinterpret_cast<PyTypeObject*>(type_.ptr()))) {
      throw py::type_error("heads: wanted Heads, got " + type_name(heads));
    }
    HeldHeads held;
    for (size_t i = 0; i < tensors(); ++i) {
      held.arrays[i] = attribute(heads, tensor_names_[i]);
      if (held.arrays[i].is_none()) {
        throw py::value_error(std::string("heads: wanted ") + kTensorNames[i] +
                              ", got heads without; HeatmapDecoder reads heatmaps alone");
      }
    }
    const py::object stride = attribute(heads, stride_name_);
    if (real_number(stride) != stride_px_) {
      throw py::value_error("heads: wanted a stride of " + std::string(py::str(py::float_(stride_px_))) +
                            " px as this decoder has, got " + std::string(py::str(stride)));
    }
    const bool channels_first = is_text(attribute(heads, layout_name_), "chw");
    view(channels_first, &held);
    if (held.views.heatmaps.type != ElementType::kFloat32) {
      quantize(attribute(heads, quantization_name_), &held.views);
    }
    held.views.scores =
        is_text(attribute(heads, scores_name_), "logits") ? ScoreKind::kLogits : ScoreKind::kProbabilities;
    return held;
  }

  // Bare float32 arrays (h, w, channels), heatmaps of logits.
  [[nodiscard]] HeldHeads from_arrays(const std::array<py::object, kHeadsTensors>& arrays) const {
    for (size_t i = 0; i < tensors(); ++i) {
      ElementType type = ElementType::kFloat32;
      if (py::isinstance<py::array>(arrays[i]) &&
          !(element_type_of(arrays[i].ptr(), &type) && type == ElementType::kFloat32)) {
        const auto dtype = py::reinterpret_borrow<py::array>(arrays[i]).dtype();
        const bool quantised = dtype.kind() == 'i' || dtype.kind() == 'u';
        throw py::type_error(
            std::string(kTensorNames[i]) + ": wanted dtype float32, got " + std::string(py::str(dtype)) +
            (quantised ? "; pass quantised arrays as Heads" : "; convert it with .astype(numpy.float32)"));
      }
    }
    HeldHeads held;
    held.arrays = arrays;
    view(false, &held);
    return held;
  }

 private:
  [[nodiscard]] static bool is_text(const py::object& object, const char* text) {
    return PyUnicode_Check(object.ptr()) && PyUnicode_CompareWithASCIIString(object.ptr(), text) == 0;
  }

  void view(bool channels_first, HeldHeads* held) const {
    const std::array<TensorView*, kHeadsTensors> views = views_of(&held->views);
    for (size_t i = 0; i < tensors(); ++i) {
      *views[i] = tensor_view(held->arrays[i], kTensorNames[i], channels_first);
    }
    for (size_t i = 0; i < tensors(); ++i) {
      check(*views[0], *views[i], i);
    }
  }

  void check(const TensorView& heatmaps, const TensorView& view, size_t i) const {
    const int32_t channels = i == 0 ? num_keypoints_ : 2 * (i == 1 ? num_keypoints_ : num_keypoints_ - 1);
    if (view.channels != channels) {
      throw py::value_error(std::string(kTensorNames[i]) + ": wanted " + std::to_string(channels) + " channels for " +
                            std::to_string(num_keypoints_) + " keypoints, got " + std::to_string(view.channels));
    }
    if (view.rows != heatmaps.rows || view.columns != heatmaps.columns) {
      throw py::value_error(std::string(kTensorNames[i]) + ": wanted the heatmaps' grid (" +
                            std::to_string(heatmaps.rows) + ", " + std::to_string(heatmaps.columns) + "), got (" +
                            std::to_string(view.rows) + ", " + std::to_string(view.columns) + ")");
    }
    if (view.type != heatmaps.type) {
      throw py::type_error(std::string(kTensorNames[i]) + ": wanted the dtype of heatmaps, got another one");
    }
  }

  // Frames of one network share their quantisation, a mapping that nobody can change: it is read once.
  void quantize(const py::object& mapping, Heads* heads) {
    if (mapping.ptr() != mapping_.ptr()) {
      mapping_ = py::object();
      for (size_t i = 0; i < tensors(); ++i) {
        const auto entry = py::reinterpret_steal<py::object>(PyObject_GetItem(mapping.ptr(), tensor_names_[i].ptr()));
        if (!entry) {
          PyErr_Clear();
          throw py::value_error(std::string("quantization: wanted scale and zero point of ") + kTensorNames[i] +
                                ", got none");
        }
        scales_[i] = static_cast<float>(real_number(attribute(entry, scale_name_)));
        zero_points_[i] = py::cast<int32_t>(attribute(entry, zero_point_name_));
      }
      mapping_ = Py_TYPE(mapping.ptr()) == &PyDictProxy_Type ? mapping : py::object();
    }
    const std::array<TensorView*, kHeadsTensors> views = views_of(heads);
    for (size_t i = 0; i < tensors(); ++i) {
      views[i]->scale = scales_[i];
      views[i]->zero_point = zero_points_[i];
    }
  }

  py::type type_;
  int32_t num_keypoints_;
  double stride_px_;
  std::array<py::object, kHeadsTensors> tensor_names_;
  py::object stride_name_ = interned("stride_px");
  py::object layout_name_ = interned("layout");
  py::object scores_name_ = interned("scores");
  py::object quantization_name_ = interned("quantization");
  py::object scale_name_ = interned("scale");
  py::object zero_point_name_ = interned("zero_point");
  py::object mapping_;
  std::array<float, kHeadsTensors> scales_{};
  std::array<int32_t, kHeadsTensors> zero_points_{};
};

}  // namespace posecore::python
