// Called for each frame: decoders, and pictures into tensors.
#include <pybind11/stl.h>

#include "bindings.hpp"
#include "decoders.hpp"
#include "input.hpp"
#include "masks.hpp"

namespace posecore::python {

void bind_decoding(py::module_& module) {
  using namespace py::literals;

  py::class_<PosesMaker>(module, "PosesMaker")
      .def(py::init<const py::type&, const AnyTuple&>(), "type"_a, "slots"_a)
      .def("__call__", &PosesMaker::from_fields, "fields"_a, "An object of the type with these fields.");

  py::class_<MultiPoseDecoder>(module, "MultiPoseDecoder")
      .def(
          py::init<PosesMaker, py::object, py::type, py::type, int32_t, const std::vector<std::pair<int32_t, int32_t>>&,
                   double, int32_t, float, float, float, int32_t, int32_t, int, bool, bool>(),
          "maker"_a, "skeleton"_a, "heads_type"_a, "onto_type"_a, py::kw_only(), "num_keypoints"_a, "edges"_a,
          "stride_px"_a, "max_poses"_a, "root_threshold"_a, "pose_threshold"_a, "nms_radius_px"_a, "refine_steps"_a,
          "local_maximum_radius"_a, "sampling"_a, "rescore"_a, "tfjs"_a)
      .def("decode", &MultiPoseDecoder::decode, "heads"_a, "onto"_a, "The Poses of one Heads.")
      .def("decode_arrays", &MultiPoseDecoder::decode_arrays, "heatmaps"_a, "short_offsets"_a, "displacement_fwd"_a,
           "displacement_bwd"_a, "The Poses of four float32 arrays (h, w, channels).")
      .def("decode_batch", &MultiPoseDecoder::decode_batch, "frames"_a, "threads"_a, "A list of Poses, one a Heads.");

  module.def("decode_single", &single_pose, "heatmaps"_a, "short_offsets"_a, "stride_px"_a, "logits"_a,
             "channels_first"_a, "quantization"_a, "pixel_map"_a = py::none());
  module.def("decode_heatmaps", &heatmap_pose, "heatmaps"_a, "stride_px"_a, "refinement"_a, "blur_sigma_cells"_a,
             "logits"_a, "channels_first"_a, "quantization"_a, "pixel_map"_a = py::none());

  module.def("write_input", &write_float_input, py::arg("image").noconvert(), py::arg("tensor").noconvert(), "left"_a,
             "top"_a, "scale"_a, "offset"_a, "pad"_a, "swap_red_blue"_a);
  module.def("write_input_table", &write_table_input, py::arg("image").noconvert(), py::arg("tensor").noconvert(),
             "left"_a, "top"_a, py::arg("table").noconvert(), "pad"_a, "swap_red_blue"_a);

  bind_masks(module);
}

}  // namespace posecore::python
