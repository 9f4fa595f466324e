// The decoders as Python sees them.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "arrays.hpp"
#include "busy.hpp"
#include "decode_threads.hpp"
#include "head_objects.hpp"
#include "pose_objects.hpp"
#include "posecore/decode.hpp"

namespace posecore::python {

inline void check(Status status) {
  if (status != Status::kOk) {
    throw py::value_error(message(status));
  }
}

// Scale and zero point of each tensor, flat, or nothing.
inline void quantize(const py::object& quantization, TensorView* const* views, size_t count) {
  if (quantization.is_none()) {
    for (size_t i = 0; i < count; ++i) {
      if (views[i]->type != ElementType::kFloat32) {
        throw py::value_error(
            "quantization: wanted scale and zero point for uint8 and int8 tensors, got none; pass Heads");
      }
    }
    return;
  }
  const auto numbers = py::cast<py::tuple>(quantization);
  if (numbers.size() != 2 * count) {
    throw py::value_error("quantization: wanted a scale and a zero point a tensor");
  }
  for (size_t i = 0; i < count; ++i) {
    views[i]->scale = py::cast<float>(numbers[2 * i]);
    views[i]->zero_point = py::cast<int32_t>(numbers[2 * i + 1]);
  }
}

// Without the GIL, as py::gil_scoped_release, which also looks up pybind11's own thread state at every call.
class WithoutGil {
 public:
  WithoutGil() : state_(PyEval_SaveThread()) {}
  ~WithoutGil() { PyEval_RestoreThread(state_); }
  WithoutGil(const WithoutGil&) = delete;
  WithoutGil& operator=(const WithoutGil&) = delete;

  // With it again for a moment: whether Python has an exception to raise, as after Ctrl-C.
  [[nodiscard]] bool interrupted() {
    PyEval_RestoreThread(state_);
    const bool yes = PyErr_CheckSignals() != 0;
    state_ = PyEval_SaveThread();
    return yes;
  }

 private:
  PyThreadState* state_;
};

[[nodiscard]] inline std::string numbered(size_t index, const std::exception& error) {
  return "frames[" + std::to_string(index) + "]: " + error.what();
}

// `work` on a frame of a batch; what goes wrong is said with the frame's number.
template <class Work>
auto for_frame(size_t index, const Work& work) {
  try {
    return work();
  } catch (const py::type_error& error) {
    throw py::type_error(numbered(index, error));
  } catch (const py::value_error& error) {
    throw py::value_error(numbered(index, error));
  }
}

class MultiPoseDecoder {
 public:
  MultiPoseDecoder(PosesMaker maker, py::object skeleton_object, py::type heads_type, py::type onto_type,
                   int32_t num_keypoints, const std::vector<std::pair<int32_t, int32_t>>& edges, double stride_px,
                   int32_t max_poses, float root_threshold, float pose_threshold, float nms_radius_px,
                   int32_t refine_steps, int32_t local_maximum_radius, int sampling, bool rescore, bool tfjs)
      : maker_(std::move(maker)),
        skeleton_(std::move(skeleton_object)),
        reader_(std::move(heads_type), num_keypoints, stride_px),
        onto_type_(std::move(onto_type)),
        decoder_(tfjs ? host::kTfjsDecoder : host::kCoralDecoder) {
    if (num_keypoints < 1 || edges.size() + 1 != static_cast<size_t>(num_keypoints)) {
      throw py::value_error("edges: wanted one fewer than keypoints");
    }
    std::vector<Edge> tree;
    tree.reserve(edges.size());
    for (const auto& [parent, child] : edges) {
      tree.push_back({parent, child});
    }
    const Skeleton skeleton = {num_keypoints, tree.data()};
    MultiPoseOptions options;
    options.stride_px = static_cast<float>(stride_px);
    options.max_poses = max_poses;
    options.root_threshold = root_threshold;
    options.pose_threshold = pose_threshold;
    options.nms_radius_px = nms_radius_px;
    options.refine_steps = refine_steps;
    options.local_maximum_radius = local_maximum_radius;
    options.sampling = static_cast<Sampling>(sampling);
    options.rescore = rescore;
    plan_memory_.resize(plan_bytes(skeleton) / sizeof(std::max_align_t) + 1);
    check(make_plan(skeleton, options, plan_memory_.data(), plan_memory_.size() * sizeof(std::max_align_t), &plan_));
    room_ = host::DecodingRoom(plan_);
  }

  // The `Poses` of one `Heads`, in pixels of `onto` where that is not None.
  [[nodiscard]] py::object decode(const py::object& heads, const py::object& onto) {
    const Alone alone(&busy_, kBusy);
    const HeldHeads held = reader_.read(heads);
    if (onto.is_none()) {
      return one(held, {}, onto);
    }
    // A tuple of two, by its type.
    if (!PyObject_TypeCheck(onto.ptr(), reinterpret_cast<PyTypeObject*>(onto_type_.ptr()))) {
      throw py::type_error("onto: wanted Onto or None, got " + type_name(onto));
    }
    return one(held, pixel_map_of(PyTuple_GET_ITEM(onto.ptr(), 0)), image_size_of(PyTuple_GET_ITEM(onto.ptr(), 1)));
  }

  [[nodiscard]] py::object decode_arrays(const py::object& heatmaps, const py::object& short_offsets,
                                         const py::object& displacement_fwd, const py::object& displacement_bwd) {
    const Alone alone(&busy_, kBusy);
    return one(reader_.from_arrays({heatmaps, short_offsets, displacement_fwd, displacement_bwd}), {}, py::none());
  }

  // A list of `Poses`, one of each `Heads` in a tuple, by up to `threads` threads.
  [[nodiscard]] AnyList decode_batch(const AnyTuple& frames, int32_t threads) {
    const Alone alone(&busy_, kBusy);
    std::vector<HeldHeads> held;
    std::vector<Heads> views;
    held.reserve(frames.size());
    views.reserve(frames.size());
    for (const py::handle frame : frames) {
      held.push_back(for_frame(views.size(), [&] { return reader_.read(frame); }));
      views.push_back(held.back().views);
    }
    std::vector<host::FoundPeople> found(views.size());
    bool finished = false;
    {
      WithoutGil without;
      finished = host::decode_by_threads(plan_, decoder_, views, threads, &found,
                                         [&without] { return without.interrupted(); });
    }
    if (!finished) {
      throw py::error_already_set();
    }
    AnyList poses(found.size());
    for (size_t i = 0; i < found.size(); ++i) {
      for_frame(i, [&] { check(found[i].status); });
      poses[i] = maker_.from_sink(found[i].as_sink(), plan_.num_keypoints, skeleton_, Py_None);
    }
    return poses;
  }

 private:
  static constexpr const char* kBusy = "this Decoder is decoding in another thread: make one Decoder a thread";

  [[nodiscard]] py::object one(const HeldHeads& held, const PixelMap& map, py::handle image_size) {
    PoseSink sink = room_.sink();
    sink.map = map;
    Status status = Status::kOk;
    {
      const WithoutGil without;
      status = room_.decode(plan_, decoder_, held.views, &sink);
    }
    check(status);
    return maker_.from_sink(sink, plan_.num_keypoints, skeleton_, image_size);
  }

  PosesMaker maker_;
  py::object skeleton_;
  HeadsReader reader_;
  py::type onto_type_;
  host::FrameDecoder decoder_;
  std::vector<std::max_align_t> plan_memory_;
  MultiPosePlan plan_{};
  host::DecodingRoom room_;
  std::atomic<bool> busy_{false};
};

// Room for one pose.
class OnePose {
 public:
  explicit OnePose(int32_t keypoints)
      : keypoints_(keypoints), xy_(2 * static_cast<size_t>(keypoints)), scores_(static_cast<size_t>(keypoints)) {}

  [[nodiscard]] PoseSink sink(const py::object& pixel_map) {
    return {xy_.data(), scores_.data(), &pose_score_, 1, 0, pixel_map_of(pixel_map)};
  }
  [[nodiscard]] py::tuple arrays(const PoseSink& sink) const {
    const std::array<py::object, kPosesArrays> arrays = pose_arrays(sink, keypoints_);
    return py::make_tuple(arrays[0], arrays[1], arrays[2], arrays[3], arrays[4]);
  }

 private:
  int32_t keypoints_;
  std::vector<float> xy_;
  std::vector<float> scores_;
  float pose_score_ = 0.0F;
};

[[nodiscard]] inline py::tuple single_pose(const py::object& heatmaps, const py::object& short_offsets, float stride_px,
                                           bool logits, bool channels_first, const py::object& quantization,
                                           const py::object& pixel_map) {
  Heads heads;
  heads.heatmaps = tensor_view(heatmaps, "heatmaps", channels_first);
  heads.short_offsets = tensor_view(short_offsets, "short_offsets", channels_first);
  TensorView* const views[] = {&heads.heatmaps, &heads.short_offsets};
  quantize(quantization, views, 2);
  heads.scores = logits ? ScoreKind::kLogits : ScoreKind::kProbabilities;
  OnePose pose(heads.heatmaps.channels);
  PoseSink sink = pose.sink(pixel_map);
  Status status = Status::kOk;
  {
    const py::gil_scoped_release release;
    status = decode_single(heads, stride_px, &sink);
  }
  check(status);
  return pose.arrays(sink);
}

[[nodiscard]] inline py::tuple heatmap_pose(const py::object& heatmaps, float stride_px, int refinement,
                                            float blur_sigma_cells, bool logits, bool channels_first,
                                            const py::object& quantization, const py::object& pixel_map) {
  TensorView view = tensor_view(heatmaps, "heatmaps", channels_first);
  TensorView* const views[] = {&view};
  quantize(quantization, views, 1);
  OnePose pose(view.channels);
  PoseSink sink = pose.sink(pixel_map);
  Status status = Status::kOk;
  {
    const py::gil_scoped_release release;
    status = decode_heatmaps(view, logits ? ScoreKind::kLogits : ScoreKind::kProbabilities,
                             {stride_px, static_cast<Refinement>(refinement), blur_sigma_cells}, &sink);
  }
  check(status);
  return pose.arrays(sink);
}

}  // namespace posecore::python
