// The decoders as Python sees them.
#pragma once

#include <atomic>
#include <cmath>
#include <cstddef>
#include <memory>
#include <tuple>
#include <utility>
#include <vector>

#include "arrays.hpp"
#include "posecore/decode.hpp"
#include "posecore/tfjs.hpp"

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

inline constexpr int kWriteable = py::detail::npy_api::NPY_ARRAY_WRITEABLE_;

// A new array that Python cannot write to.
template <class T>
[[nodiscard]] py::array_t<T> read_only(py::array_t<T> array) {
  int& flags = py::detail::array_proxy(array.ptr())->flags;
  flags = static_cast<int>(static_cast<unsigned>(flags) & ~static_cast<unsigned>(kWriteable));
  return array;
}

// Poses that were written into the sink, as new read-only arrays in the order of the fields of `Poses`:
// xy (n, K, 2), scores (n, K), pose_scores (n,), visible (n, K), track_ids (n,).
[[nodiscard]] inline py::tuple pose_arrays(const PoseSink& sink, py::ssize_t keypoints) {
  const auto count = static_cast<py::ssize_t>(sink.count);
  py::array_t<bool> visible({count, keypoints});
  bool* seen = visible.mutable_data();
  for (py::ssize_t i = 0; i < count * keypoints; ++i) {
    seen[i] = sink.scores[i] > 0.0F;
  }
  py::array_t<int64_t> track_ids(count);
  for (py::ssize_t i = 0; i < count; ++i) {
    track_ids.mutable_data()[i] = -1;
  }
  return py::make_tuple(read_only(py::array_t<float>({count, keypoints, py::ssize_t{2}}, sink.xy)),
                        read_only(py::array_t<float>({count, keypoints}, sink.scores)),
                        read_only(py::array_t<float>(count, sink.pose_scores)), read_only(std::move(visible)),
                        read_only(std::move(track_ids)));
}

// (scale_x, scale_y, shift_x, shift_y), or nothing for input pixels.
[[nodiscard]] inline PixelMap pixel_map_of(const py::object& numbers) {
  if (numbers.is_none()) {
    return {};
  }
  const auto [scale_x, scale_y, shift_x, shift_y] = py::cast<std::tuple<float, float, float, float>>(numbers);
  for (const float value : {scale_x, scale_y, shift_x, shift_y}) {
    if (!std::isfinite(value)) {
      throw py::value_error("pixel_map: wanted four finite numbers");
    }
  }
  return {scale_x, scale_y, shift_x, shift_y};
}

class MultiPoseDecoder {
 public:
  MultiPoseDecoder(int32_t num_keypoints, const std::vector<std::pair<int32_t, int32_t>>& edges, float stride_px,
                   int32_t max_poses, float root_threshold, float pose_threshold, float nms_radius_px,
                   int32_t refine_steps, int32_t local_maximum_radius, int sampling, bool rescore, bool tfjs)
      : workspace_bytes_(tfjs ? &tfjs_workspace_bytes : &workspace_bytes),
        decode_(tfjs ? &decode_tfjs : &decode_multi) {
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
    options.stride_px = stride_px;
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
    const auto room = static_cast<size_t>(max_poses) * static_cast<size_t>(num_keypoints);
    xy_.resize(2 * room);
    scores_.resize(room);
    pose_scores_.resize(static_cast<size_t>(max_poses));
  }

  [[nodiscard]] py::tuple decode(const py::object& heatmaps, const py::object& short_offsets,
                                 const py::object& displacement_fwd, const py::object& displacement_bwd, bool logits,
                                 bool channels_first, const py::object& quantization, const py::object& pixel_map) {
    Heads heads;
    heads.heatmaps = tensor_view(heatmaps, "heatmaps", channels_first);
    heads.short_offsets = tensor_view(short_offsets, "short_offsets", channels_first);
    TensorView* const views[] = {&heads.heatmaps, &heads.short_offsets, &heads.displacement_fwd,
                                 &heads.displacement_bwd};
    size_t count = 2;
    if (plan_.num_keypoints > 1) {
      heads.displacement_fwd = tensor_view(displacement_fwd, "displacement_fwd", channels_first);
      heads.displacement_bwd = tensor_view(displacement_bwd, "displacement_bwd", channels_first);
      count = 4;
    }
    check_shapes(views, count);
    quantize(quantization, views, count);
    heads.scores = logits ? ScoreKind::kLogits : ScoreKind::kProbabilities;
    PoseSink sink = {xy_.data(), scores_.data(),         pose_scores_.data(), plan_.options.max_poses,
                     0,          pixel_map_of(pixel_map)};
    const Use use(&busy_);
    const size_t bytes = workspace_bytes_(plan_, heads.heatmaps.rows, heads.heatmaps.columns);
    if (workspace_.size() * sizeof(uint64_t) < bytes) {
      workspace_.resize(bytes / sizeof(uint64_t) + 1);
    }
    Status status = Status::kOk;
    {
      const py::gil_scoped_release release;
      status = decode_(plan_, heads, workspace_.data(), workspace_.size() * sizeof(uint64_t), &sink);
    }
    check(status);
    return pose_arrays(sink, plan_.num_keypoints);
  }

 private:
  // A decoder has one workspace: a second thread is told, not let in.
  class Use {
   public:
    explicit Use(std::atomic<bool>* busy) : busy_(busy) {
      if (busy_->exchange(true)) {
        throw std::runtime_error("this Decoder is decoding in another thread: make one Decoder a thread");
      }
    }
    ~Use() { busy_->store(false); }
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;

   private:
    std::atomic<bool>* busy_;
  };

  void check_shapes(TensorView* const* views, size_t count) const {
    const char* const names[] = {"heatmaps", "short_offsets", "displacement_fwd", "displacement_bwd"};
    const int32_t keypoints = plan_.num_keypoints;
    const int32_t channels[] = {keypoints, 2 * keypoints, 2 * (keypoints - 1), 2 * (keypoints - 1)};
    for (size_t i = 0; i < count; ++i) {
      if (views[i]->channels != channels[i]) {
        throw py::value_error(std::string(names[i]) + ": wanted " + std::to_string(channels[i]) + " channels for " +
                              std::to_string(keypoints) + " keypoints, got " + std::to_string(views[i]->channels));
      }
      if (views[i]->rows != views[0]->rows || views[i]->columns != views[0]->columns) {
        throw py::value_error(std::string(names[i]) + ": wanted the heatmaps' grid (" + std::to_string(views[0]->rows) +
                              ", " + std::to_string(views[0]->columns) + "), got (" + std::to_string(views[i]->rows) +
                              ", " + std::to_string(views[i]->columns) + ")");
      }
      if (views[i]->type != views[0]->type) {
        throw py::type_error(std::string(names[i]) + ": wanted the dtype of heatmaps, got another one");
      }
    }
  }

  // Which decoder it is: both have one plan, one kind of heads and one kind of sink.
  decltype(&workspace_bytes) workspace_bytes_;
  decltype(&decode_multi) decode_;
  std::vector<std::max_align_t> plan_memory_;
  MultiPosePlan plan_{};
  std::vector<uint64_t> workspace_;
  std::vector<float> xy_;
  std::vector<float> scores_;
  std::vector<float> pose_scores_;
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
  [[nodiscard]] py::tuple arrays(const PoseSink& sink) const { return pose_arrays(sink, keypoints_); }

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
