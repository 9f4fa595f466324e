// posecore._core: the C++ core under Python. The classes and functions that people call are in the Python
// modules above it; this edge takes arrays in and gives arrays out.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "coco_files.hpp"
#include "decoders.hpp"
#include "encode_targets.hpp"
#include "input.hpp"
#include "match.hpp"
#include "oks.hpp"
#include "posecore/build.hpp"
#include "posecore/version.hpp"
#include "smooth.hpp"
#include "track.hpp"

namespace py = pybind11;

PYBIND11_MODULE(_core, module, py::mod_gil_not_used()) {
  using namespace py::literals;
  using posecore::python::MultiPoseDecoder;

  module.doc() = "The C++ core of posecore.";
  module.attr("__version__") = POSECORE_VERSION;
  module.def("compiler", &posecore::compiler);
  module.def("simd_path", &posecore::simd_path);

  py::class_<MultiPoseDecoder>(module, "MultiPoseDecoder")
      .def(py::init<int32_t, const std::vector<std::pair<int32_t, int32_t>>&, float, int32_t, float, float, float,
                    int32_t, int32_t, int, bool>(),
           py::kw_only(), "num_keypoints"_a, "edges"_a, "stride_px"_a, "max_poses"_a, "root_threshold"_a,
           "pose_threshold"_a, "nms_radius_px"_a, "refine_steps"_a, "local_maximum_radius"_a, "sampling"_a, "rescore"_a)
      .def("decode", &MultiPoseDecoder::decode, "heatmaps"_a, "short_offsets"_a, "displacement_fwd"_a,
           "displacement_bwd"_a, "logits"_a, "channels_first"_a, "quantization"_a, "pixel_map"_a = py::none(),
           "Arrays xy (n, K, 2), scores (n, K), pose_scores (n,), visible (n, K) and track_ids (n,).");

  module.def("decode_single", &posecore::python::single_pose, "heatmaps"_a, "short_offsets"_a, "stride_px"_a,
             "logits"_a, "channels_first"_a, "quantization"_a, "pixel_map"_a = py::none());
  module.def("decode_heatmaps", &posecore::python::heatmap_pose, "heatmaps"_a, "stride_px"_a, "refinement"_a,
             "blur_sigma_cells"_a, "logits"_a, "channels_first"_a, "quantization"_a, "pixel_map"_a = py::none());

  module.def("write_input", &posecore::python::write_float_input, py::arg("image").noconvert(),
             py::arg("tensor").noconvert(), "left"_a, "top"_a, "scale"_a, "offset"_a, "pad"_a, "swap_red_blue"_a);
  module.def("write_input_table", &posecore::python::write_table_input, py::arg("image").noconvert(),
             py::arg("tensor").noconvert(), "left"_a, "top"_a, py::arg("table").noconvert(), "pad"_a,
             "swap_red_blue"_a);

  posecore::python::bind_matching(module);
  posecore::python::bind_coco_files(module);
  posecore::python::bind_oks(module);
  posecore::python::bind_smoothing(module);
  posecore::python::bind_targets(module);
  posecore::python::bind_tracking(module);
}
