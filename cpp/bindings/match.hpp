// COCO's matching and accumulation, as Python sees them: columns in, arrays out.
#pragma once

#include <pybind11/stl.h>

#include <optional>

#include "arrays.hpp"
#include "group_oks.hpp"
#include "matching.hpp"

namespace posecore::python {

using Doubles = py::array_t<double, py::array::c_style>;
using Bytes = py::array_t<uint8_t, py::array::c_style>;
using Rows = py::array_t<int64_t, py::array::c_style>;
using Ints = py::array_t<int32_t, py::array::c_style>;

// Columns that Python has checked; they live as long as the call.
[[nodiscard]] inline host::TruthPeople truth_people(const Doubles& xy, const Bytes& visibility, const Doubles& areas,
                                                    const Doubles& boxes, const Doubles& sigmas, const Bytes* crowd,
                                                    const std::optional<Bytes>& ignored) {
  const py::ssize_t count = xy.ndim() == 3 ? xy.shape(0) : -1;
  const py::ssize_t keypoints = sigmas.size();
  if (count < 0 || xy.shape(1) != keypoints || xy.shape(2) != 2 || visibility.size() != count * keypoints ||
      areas.size() != count || boxes.size() != count * 4 || (crowd != nullptr && crowd->size() != count) ||
      (ignored && ignored->size() != count)) {
    throw py::value_error("truths: wanted columns of one length, got xy of shape " + shape_of(xy));
  }
  host::TruthPeople people;
  people.count = count;
  people.num_keypoints = static_cast<int32_t>(keypoints);
  people.sigmas = sigmas.data();
  people.xy = xy.data();
  people.visibility = visibility.data();
  people.areas_px2 = areas.data();
  people.boxes = boxes.data();
  people.crowd = crowd != nullptr ? crowd->data() : nullptr;
  people.ignored = ignored ? ignored->data() : nullptr;
  return people;
}

[[nodiscard]] inline host::DetectedPeople detected_people(const Doubles& xy, const Doubles* areas,
                                                          py::ssize_t keypoints, const std::optional<Bytes>& ignored) {
  if (xy.ndim() != 3 || xy.shape(1) != keypoints || xy.shape(2) != 2 ||
      (areas != nullptr && areas->size() != xy.shape(0)) || (ignored && ignored->size() != xy.shape(0))) {
    throw py::value_error("detections: wanted columns of one length with " + std::to_string(keypoints) +
                          " keypoints, got xy of shape " + shape_of(xy));
  }
  host::DetectedPeople people;
  people.count = xy.shape(0);
  people.num_keypoints = static_cast<int32_t>(keypoints);
  people.xy = xy.data();
  people.areas_px2 = areas != nullptr ? areas->data() : nullptr;
  people.ignored = ignored ? ignored->data() : nullptr;
  return people;
}

inline void want_rows(const Rows& rows, int64_t count, const char* name) {
  for (py::ssize_t i = 0; i < rows.size(); ++i) {
    if (rows.data()[i] < 0 || rows.data()[i] >= count) {
      throw py::value_error(std::string(name) + ": wanted rows 0.." + std::to_string(count - 1) + ", got " +
                            std::to_string(rows.data()[i]));
    }
  }
}

[[nodiscard]] inline host::Groups groups_of(const Rows& rows, const Rows& offsets, int64_t count, const char* name) {
  want_rows(rows, count, name);
  bool fits = offsets.size() > 0 && offsets.data()[0] == 0 && offsets.data()[offsets.size() - 1] == rows.size();
  for (py::ssize_t i = 1; fits && i < offsets.size(); ++i) {
    fits = offsets.data()[i] >= offsets.data()[i - 1];
  }
  if (!fits) {
    throw py::value_error(std::string(name) + ": wanted offsets that rise from 0 to the number of rows");
  }
  return {rows.data(), offsets.data(), static_cast<int64_t>(offsets.size()) - 1};
}

// (truth, ignored, detection_of_truth, truth_ignored) as in host::MatchResult.
[[nodiscard]] inline py::tuple match_people(const Doubles& truth_xy, const Bytes& visibility,
                                            const Doubles& truth_areas, const Doubles& boxes, const Bytes& crowd,
                                            const Doubles& sigmas, const std::optional<Bytes>& truth_ignored,
                                            const Rows& truth_rows, const Rows& truth_offsets,
                                            const Doubles& detection_xy, const std::optional<Doubles>& detection_areas,
                                            const std::optional<Bytes>& detection_ignored, const Rows& detection_rows,
                                            const Rows& detection_offsets, const std::vector<double>& thresholds,
                                            const std::vector<std::pair<double, double>>& ranges) {
  const auto truths = truth_people(truth_xy, visibility, truth_areas, boxes, sigmas, &crowd, truth_ignored);
  const auto detections =
      detected_people(detection_xy, detection_areas ? &*detection_areas : nullptr, sigmas.size(), detection_ignored);
  const auto truth_groups = groups_of(truth_rows, truth_offsets, truths.count, "truth_rows");
  const auto detection_groups = groups_of(detection_rows, detection_offsets, detections.count, "detection_rows");
  if (truth_groups.count != detection_groups.count) {
    throw py::value_error("offsets: wanted as many groups of truths as of detections");
  }
  host::MatchRules rules{thresholds, {}};
  for (const auto& [least, most] : ranges) {
    rules.ranges.push_back({least, most});
  }
  const auto areas = static_cast<py::ssize_t>(ranges.size());
  const auto levels = static_cast<py::ssize_t>(thresholds.size());
  const py::ssize_t evaluated = detection_rows.size();
  Ints truth({areas, levels, evaluated});
  Bytes ignored({areas, levels, evaluated});
  Ints detection_of_truth({areas, levels, static_cast<py::ssize_t>(truths.count)});
  Bytes never({areas, static_cast<py::ssize_t>(truths.count)});
  const host::MatchResult result{truth.mutable_data(), ignored.mutable_data(), detection_of_truth.mutable_data(),
                                 never.mutable_data()};
  {
    const py::gil_scoped_release release;
    host::match(truths, detections, truth_groups, detection_groups, rules, result);
  }
  return py::make_tuple(truth, ignored, detection_of_truth, never);
}

// (precision (R,), scores (R,), recall) of one range and threshold.
[[nodiscard]] inline py::tuple accumulate_matches(const Rows& ranking, const Doubles& ranked_scores, const Ints& truth,
                                                  const Bytes& ignored, int64_t positives,
                                                  const Doubles& recall_levels) {
  if (ranked_scores.size() != ranking.size() || truth.size() != ignored.size() || positives < 1) {
    throw py::value_error("ranking: wanted a score for each place, and at least one positive");
  }
  want_rows(ranking, truth.size(), "ranking");
  Doubles precision(recall_levels.size());
  Doubles scores(recall_levels.size());
  host::Curve curve{precision.mutable_data(), scores.mutable_data(), 0};
  {
    const py::gil_scoped_release release;
    host::accumulate(ranking.data(), ranked_scores.data(), ranking.size(), truth.data(), ignored.data(), positives,
                     recall_levels.data(), recall_levels.size(), curve);
  }
  return py::make_tuple(precision, scores, curve.recall);
}

// (P,) OKS of pairs of rows.
[[nodiscard]] inline Doubles oks_of_pairs(const Doubles& truth_xy, const Bytes& visibility, const Doubles& truth_areas,
                                          const Doubles& boxes, const Doubles& sigmas, const Doubles& detection_xy,
                                          const Rows& truth_rows, const Rows& detection_rows) {
  const auto truths = truth_people(truth_xy, visibility, truth_areas, boxes, sigmas, nullptr, std::nullopt);
  const auto detections = detected_people(detection_xy, nullptr, sigmas.size(), std::nullopt);
  want_rows(truth_rows, truths.count, "truth_rows");
  want_rows(detection_rows, detections.count, "detection_rows");
  if (truth_rows.size() != detection_rows.size()) {
    throw py::value_error("truth_rows: wanted one for each of detection_rows");
  }
  Doubles oks(truth_rows.size());
  double* out = oks.mutable_data();
  {
    const py::gil_scoped_release release;
    host::pair_oks(truths, detections, truth_rows.data(), detection_rows.data(), truth_rows.size(), out);
  }
  return oks;
}

inline void bind_matching(py::module_& module) {
  using namespace py::literals;
  module.def("match_people", &match_people, py::kw_only(), py::arg("truth_xy").noconvert(),
             py::arg("visibility").noconvert(), py::arg("truth_areas").noconvert(), py::arg("boxes").noconvert(),
             py::arg("crowd").noconvert(), py::arg("sigmas").noconvert(), py::arg("truth_ignored").noconvert(),
             py::arg("truth_rows").noconvert(), py::arg("truth_offsets").noconvert(),
             py::arg("detection_xy").noconvert(), py::arg("detection_areas").noconvert(),
             py::arg("detection_ignored").noconvert(), py::arg("detection_rows").noconvert(),
             py::arg("detection_offsets").noconvert(), "thresholds"_a, "ranges"_a,
             "Arrays truth (A, T, E), ignored (A, T, E), detection_of_truth (A, T, G) and truth_ignored (A, G).");
  module.def("accumulate_matches", &accumulate_matches, py::arg("ranking").noconvert(),
             py::arg("ranked_scores").noconvert(), py::arg("truth").noconvert(), py::arg("ignored").noconvert(),
             "positives"_a, py::arg("recall_levels").noconvert(),
             "Arrays precision (R,), scores (R,), and the recall of all detections.");
  module.def("oks_of_pairs", &oks_of_pairs, py::kw_only(), py::arg("truth_xy").noconvert(),
             py::arg("visibility").noconvert(), py::arg("truth_areas").noconvert(), py::arg("boxes").noconvert(),
             py::arg("sigmas").noconvert(), py::arg("detection_xy").noconvert(), py::arg("truth_rows").noconvert(),
             py::arg("detection_rows").noconvert(), "(P,) OKS of pairs of rows.");
}

}  // namespace posecore::python
