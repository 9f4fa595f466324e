// Tracking as Python sees it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "busy.hpp"
#include "decoders.hpp"
#include "posecore/swaps.hpp"
#include "posecore/track.hpp"

namespace posecore::python {

using Floats = py::array_t<float, py::array::c_style>;
using Bools = py::array_t<bool, py::array::c_style>;

// The arrays of `Poses`, read in place.
[[nodiscard]] inline FramePoses frame_of(const Floats& xy, const Floats& scores, const Floats& pose_scores,
                                         const Bools& visible, double time_s, int32_t keypoints) {
  const py::ssize_t people = pose_scores.size();
  const py::ssize_t cells = people * keypoints;
  if (pose_scores.ndim() != 1 || xy.size() != 2 * cells || scores.size() != cells || visible.size() != cells ||
      people > INT32_MAX) {
    throw py::value_error("poses: wanted xy (N, K, 2), scores (N, K), pose_scores (N,) and visible (N, K) of " +
                          std::to_string(keypoints) + " keypoints");
  }
  static_assert(sizeof(bool) == sizeof(uint8_t));
  return {xy.data(),
          scores.data(),
          pose_scores.data(),
          reinterpret_cast<const uint8_t*>(visible.data()),
          static_cast<int32_t>(people),
          time_s};
}

class PoseTracker {
 public:
  PoseTracker(int32_t num_keypoints, const std::optional<std::vector<float>>& sigmas, const std::vector<int32_t>& flip,
              int32_t max_people, int32_t min_hits, float min_similarity, float min_birth_score, double max_gap_s) {
    if (flip.size() != static_cast<size_t>(num_keypoints) ||
        (sigmas && sigmas->size() != static_cast<size_t>(num_keypoints))) {
      throw py::value_error("flip, sigmas: wanted one number a keypoint");
    }
    const BodyModel body = {num_keypoints, sigmas ? sigmas->data() : nullptr, flip.data()};
    TrackerOptions options;
    options.max_people = max_people;
    options.min_hits = min_hits;
    options.min_similarity = min_similarity;
    options.min_birth_score = min_birth_score;
    options.max_gap_s = max_gap_s;
    plan_memory_.resize(tracker_plan_bytes(body) / sizeof(std::max_align_t) + 1);
    check(make_plan(body, options, plan_memory_.data(), plan_memory_.size() * sizeof(std::max_align_t), &plan_));
    workspace_.resize(workspace_bytes(plan_) / sizeof(uint64_t) + 1);
    infos_.resize(static_cast<size_t>(max_people));
    reset();
  }

  void reset() {
    const Alone alone(&busy_, kBusy);
    check(start_tracks(plan_, workspace_.data(), bytes()));
  }

  [[nodiscard]] py::array_t<int64_t> update(const Floats& xy, const Floats& scores, const Floats& pose_scores,
                                            const Bools& visible, double time_s) {
    const FramePoses frame = frame_of(xy, scores, pose_scores, visible, time_s, plan_.num_keypoints);
    py::array_t<int64_t> ids(frame.count);
    int64_t* out = ids.mutable_data();
    const Alone alone(&busy_, kBusy);
    Status status = Status::kOk;
    {
      const py::gil_scoped_release release;
      status = update_tracks(plan_, frame, workspace_.data(), bytes(), out);
    }
    check(status);
    return read_only(std::move(ids));
  }

  // (id, first_seen_s, last_seen_s, hits) of each track, oldest first.
  [[nodiscard]] std::vector<std::tuple<int64_t, double, double, int32_t>> tracks() {
    const Alone alone(&busy_, kBusy);
    int32_t count = 0;
    check(list_tracks(plan_, workspace_.data(), bytes(), infos_.data(), &count, nullptr));
    std::vector<std::tuple<int64_t, double, double, int32_t>> listed;
    listed.reserve(static_cast<size_t>(count));
    for (size_t i = 0; i < static_cast<size_t>(count); ++i) {
      listed.emplace_back(infos_[i].id, infos_[i].first_seen_s, infos_[i].last_seen_s, infos_[i].hits);
    }
    return listed;
  }

  // Births and deaths.
  [[nodiscard]] std::pair<int64_t, int64_t> counts() {
    const Alone alone(&busy_, kBusy);
    TrackCounts counts;
    check(list_tracks(plan_, workspace_.data(), bytes(), nullptr, nullptr, &counts));
    return {counts.births, counts.deaths};
  }

 private:
  static constexpr const char* kBusy = "this Tracker is at work in another thread: make one Tracker a stream";
  [[nodiscard]] size_t bytes() const { return workspace_.size() * sizeof(uint64_t); }

  std::vector<std::max_align_t> plan_memory_;
  TrackerPlan plan_{};
  std::vector<uint64_t> workspace_;
  std::vector<TrackInfo> infos_;
  std::atomic<bool> busy_{false};
};

class SwapRepairer {
 public:
  SwapRepairer(int32_t num_keypoints, const std::optional<std::vector<float>>& sigmas, const std::vector<int32_t>& flip,
               const std::vector<std::pair<int32_t, int32_t>>& edges, int32_t max_people, double patience_s,
               double max_gap_s) {
    if (flip.size() != static_cast<size_t>(num_keypoints) ||
        (sigmas && sigmas->size() != static_cast<size_t>(num_keypoints))) {
      throw py::value_error("flip, sigmas: wanted one number a keypoint");
    }
    std::vector<Edge> joined;
    joined.reserve(edges.size());
    for (const auto& [parent, child] : edges) {
      joined.push_back({parent, child});
    }
    const BodyModel body = {num_keypoints, sigmas ? sigmas->data() : nullptr, flip.data(), joined.data(),
                            static_cast<int32_t>(joined.size())};
    const SwapOptions options = {max_people, patience_s, max_gap_s};
    plan_memory_.resize(swap_plan_bytes(body) / sizeof(std::max_align_t) + 1);
    check(make_plan(body, options, plan_memory_.data(), plan_memory_.size() * sizeof(std::max_align_t), &plan_));
    workspace_.resize(workspace_bytes(plan_) / sizeof(uint64_t) + 1);
    reset();
  }

  void reset() {
    const Alone alone(&busy_, kBusy);
    check(start_swaps(plan_, workspace_.data(), workspace_.size() * sizeof(uint64_t)));
  }

  [[nodiscard]] py::tuple repair(const py::array_t<int64_t, py::array::c_style>& ids, const Floats& xy,
                                 const Floats& scores, const Bools& visible, double time_s) {
    const py::ssize_t people = ids.size();
    const py::ssize_t keypoints = plan_.num_keypoints;
    const py::ssize_t cells = people * keypoints;
    if (ids.ndim() != 1 || xy.size() != 2 * cells || scores.size() != cells || visible.size() != cells ||
        people > INT32_MAX) {
      throw py::value_error("poses: wanted ids (N,), xy (N, K, 2), scores (N, K) and visible (N, K) of " +
                            std::to_string(keypoints) + " keypoints");
    }
    py::array_t<float> new_xy({people, keypoints, py::ssize_t{2}}, xy.data());
    py::array_t<float> new_scores({people, keypoints}, scores.data());
    py::array_t<bool> new_visible({people, keypoints}, visible.data());
    const IdentifiedPoses poses = {ids.data(),
                                   new_xy.mutable_data(),
                                   new_scores.mutable_data(),
                                   reinterpret_cast<uint8_t*>(new_visible.mutable_data()),
                                   static_cast<int32_t>(people),
                                   time_s};
    SwapCounts counts;
    const Alone alone(&busy_, kBusy);
    Status status = Status::kOk;
    {
      const py::gil_scoped_release release;
      status = repair_swaps(plan_, poses, workspace_.data(), workspace_.size() * sizeof(uint64_t), &counts);
    }
    check(status);
    return py::make_tuple(read_only(std::move(new_xy)), read_only(std::move(new_scores)),
                          read_only(std::move(new_visible)), counts.exchanged, counts.duplicates);
  }

 private:
  static constexpr const char* kBusy = "this SwapRepair is at work in another thread: make one SwapRepair a stream";

  std::vector<std::max_align_t> plan_memory_;
  SwapPlan plan_{};
  std::vector<uint64_t> workspace_;
  std::atomic<bool> busy_{false};
};

inline void bind_tracking(py::module_& module) {
  using namespace py::literals;
  py::class_<PoseTracker>(module, "PoseTracker")
      .def(py::init<int32_t, const std::optional<std::vector<float>>&, const std::vector<int32_t>&, int32_t, int32_t,
                    float, float, double>(),
           py::kw_only(), "num_keypoints"_a, "sigmas"_a, "flip"_a, "max_people"_a, "min_hits"_a, "min_similarity"_a,
           "min_birth_score"_a, "max_gap_s"_a)
      .def("update", &PoseTracker::update, py::arg("xy").noconvert(), py::arg("scores").noconvert(),
           py::arg("pose_scores").noconvert(), py::arg("visible").noconvert(), "time_s"_a,
           "The id of each pose, -1 for one that is nobody's.")
      .def("reset", &PoseTracker::reset)
      .def("tracks", &PoseTracker::tracks, "(id, first_seen_s, last_seen_s, hits) of each track, oldest first.")
      .def("counts", &PoseTracker::counts, "Births and deaths.");
  py::class_<SwapRepairer>(module, "SwapRepairer")
      .def(py::init<int32_t, const std::optional<std::vector<float>>&, const std::vector<int32_t>&,
                    const std::vector<std::pair<int32_t, int32_t>>&, int32_t, double, double>(),
           py::kw_only(), "num_keypoints"_a, "sigmas"_a, "flip"_a, "edges"_a, "max_people"_a, "patience_s"_a,
           "max_gap_s"_a)
      .def("repair", &SwapRepairer::repair, py::arg("ids").noconvert(), py::arg("xy").noconvert(),
           py::arg("scores").noconvert(), py::arg("visible").noconvert(), "time_s"_a,
           "Arrays xy, scores and visible, and how many exchanges and duplicates there were.")
      .def("reset", &SwapRepairer::reset);
}

}  // namespace posecore::python
