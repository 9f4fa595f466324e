// Masks of people as Python sees them.
#pragma once

#include <exception>
#include <vector>

#include "arrays.hpp"
#include "decoders.hpp"
#include "posecore/masks.hpp"

namespace posecore::python {

// (rows, columns) int32: the number of the pose that each point belongs to, or -1. `pixel_map` leads from input pixels
// to those of poses and of the mask; without one, poses are in input pixels and the mask has one element a cell.
[[nodiscard]] inline py::array_t<int32_t> mask_owners(const py::object& long_offsets, const py::object& segments,
                                                      const py::array_t<float, py::array::c_style>& xy, float stride_px,
                                                      int32_t refine_steps, float segment_threshold, bool logits,
                                                      bool channels_first, const py::object& quantization,
                                                      const py::object& pixel_map, py::ssize_t rows,
                                                      py::ssize_t columns) {
  MaskHeads heads;
  heads.long_offsets = tensor_view(long_offsets, "long_offsets", channels_first);
  TensorView* const views[] = {&heads.long_offsets, &heads.segments};
  if (!segments.is_none()) {
    heads.segments = tensor_view(segments, "segments", channels_first);
  }
  quantize(quantization, views, segments.is_none() ? 1 : 2);
  heads.scores = logits ? ScoreKind::kLogits : ScoreKind::kProbabilities;
  const PixelMap map = pixel_map_of(pixel_map);
  if (xy.ndim() != 3 || xy.shape(2) != 2 || 2 * xy.shape(1) != heads.long_offsets.channels) {
    throw py::value_error("poses: wanted " + std::to_string(heads.long_offsets.channels / 2) +
                          " keypoints, as long_offsets has, got xy of shape " + shape_of(xy));
  }
  const MaskPoses poses = {xy.data(), static_cast<int32_t>(xy.shape(0)), map};
  const MaskOptions options = {stride_px, refine_steps, segment_threshold};
  py::array_t<int32_t> owners({rows, columns});
  const MaskSink sink = {owners.mutable_data(), static_cast<int32_t>(rows), static_cast<int32_t>(columns),
                         pixel_map.is_none() ? nullptr : &map};
  std::vector<float> workspace(1);
  Status status = Status::kOk;
  {
    const py::gil_scoped_release release;
    const auto run = [&] {
      return instance_masks(heads, poses, options, workspace.data(), workspace.size() * sizeof(float), sink);
    };
    status = run();
    if (status == Status::kWorkspaceTooSmall) {  // and the heads are sound
      const TensorView& first = heads.long_offsets;
      const size_t bytes = mask_workspace_bytes(poses.count, first.rows, first.columns);
      try {
        workspace.resize(bytes / sizeof(float) + 1);
      } catch (const std::exception&) {
        throw host::NoWorkspace(bytes, first.rows, first.columns);
      }
      status = run();
    }
  }
  check(status);
  return owners;
}

inline void bind_masks(py::module_& module) {
  using namespace py::literals;
  module.def("mask_owners", &mask_owners, "long_offsets"_a, "segments"_a, py::arg("xy").noconvert(), "stride_px"_a,
             "refine_steps"_a, "segment_threshold"_a, "logits"_a, "channels_first"_a, "quantization"_a, "pixel_map"_a,
             "rows"_a, "columns"_a);
}

}  // namespace posecore::python
