#include "matching.hpp"

#include <algorithm>

#include "group_oks.hpp"

namespace posecore::host {
namespace {

// One group in one area range: its truths in the order in which they are offered, ignored ones last.
struct Offer {
  std::vector<int32_t> local;  // position in the group
  std::vector<uint8_t> ignored;
};

bool outside(double area_px2, const AreaRange& range) {
  return area_px2 < range.least_px2 || area_px2 > range.most_px2;
}

bool has_labels(const TruthPeople& truths, int64_t row) {
  const uint8_t* v = truths.visibility + row * truths.num_keypoints;
  return std::any_of(v, v + truths.num_keypoints, [](uint8_t flag) { return flag > 0; });
}

double area_px2(const DetectedPeople& detections, int64_t row) {
  if (detections.areas_px2 != nullptr) {
    return detections.areas_px2[row];
  }
  const double* xy = detections.xy + row * detections.num_keypoints * 2;
  double least[2] = {xy[0], xy[1]};
  double most[2] = {xy[0], xy[1]};
  for (int32_t i = 2; i < 2 * detections.num_keypoints; ++i) {
    least[i % 2] = std::min(least[i % 2], xy[i]);
    most[i % 2] = std::max(most[i % 2], xy[i]);
  }
  return (most[0] - least[0]) * (most[1] - least[1]);
}

void sort_offer(Offer& offer, const uint8_t* truth_ignored, const int64_t* rows, int64_t count) {
  offer.local.clear();
  offer.ignored.clear();
  for (const uint8_t wanted : {uint8_t{0}, uint8_t{1}}) {
    for (int64_t i = 0; i < count; ++i) {
      if (truth_ignored[rows[i]] == wanted) {
        offer.local.push_back(static_cast<int32_t>(i));
        offer.ignored.push_back(wanted);
      }
    }
  }
}

}  // namespace

void match(const TruthPeople& truths, const DetectedPeople& detections, const Groups& truth_groups,
           const Groups& detection_groups, const MatchRules& rules, const MatchResult& result) {
  const int64_t num_thresholds = static_cast<int64_t>(rules.thresholds.size());
  const int64_t num_ranges = static_cast<int64_t>(rules.ranges.size());
  const int64_t evaluated = detection_groups.offsets[detection_groups.count];
  std::fill_n(result.truth, num_ranges * num_thresholds * evaluated, -1);
  std::fill_n(result.ignored, num_ranges * num_thresholds * evaluated, uint8_t{0});
  std::fill_n(result.detection_of_truth, num_ranges * num_thresholds * truths.count, -1);
  for (int64_t row = 0; row < truths.count; ++row) {
    const bool never =
        truths.crowd[row] != 0 || (truths.ignored != nullptr && truths.ignored[row] != 0) || !has_labels(truths, row);
    for (int64_t a = 0; a < num_ranges; ++a) {
      const auto range = static_cast<size_t>(a);
      result.truth_ignored[a * truths.count + row] =
          never || outside(truths.areas_px2[row], rules.ranges[range]) ? 1 : 0;
    }
  }

  Offer offer;
  std::vector<double> oks;
  std::vector<double> areas;
  for (int64_t group = 0; group < detection_groups.count; ++group) {
    const int64_t first = detection_groups.offsets[group];
    const int64_t num_detections = detection_groups.offsets[group + 1] - first;
    const int64_t* detection_rows = detection_groups.rows + first;
    const int64_t* truth_rows = truth_groups.rows + truth_groups.offsets[group];
    const int64_t num_truths = truth_groups.offsets[group + 1] - truth_groups.offsets[group];
    oks.resize(static_cast<size_t>(num_detections * num_truths));
    group_oks(truths, detections, truth_rows, num_truths, detection_rows, num_detections, oks.data());
    areas.clear();
    for (int64_t d = 0; d < num_detections; ++d) {
      areas.push_back(area_px2(detections, detection_rows[d]));
    }
    for (int64_t a = 0; a < num_ranges; ++a) {
      const AreaRange& range = rules.ranges[static_cast<size_t>(a)];
      sort_offer(offer, result.truth_ignored + a * truths.count, truth_rows, num_truths);
      for (int64_t t = 0; t < num_thresholds; ++t) {
        const int64_t plane = a * num_thresholds + t;
        int32_t* truth = result.truth + plane * evaluated + first;
        uint8_t* ignored = result.ignored + plane * evaluated + first;
        int32_t* found_by = result.detection_of_truth + plane * truths.count;
        // COCO's least OKS is a little under 1, so that a threshold of 1 can be reached.
        const double least = std::min(rules.thresholds[static_cast<size_t>(t)], 1 - 1e-10);
        for (int64_t d = 0; d < num_detections; ++d) {
          const double* row_oks = oks.data() + d * num_truths;
          double best = least;
          int64_t chosen = -1;
          for (int64_t g = 0; g < num_truths; ++g) {
            const auto place = static_cast<size_t>(g);
            const int64_t row = truth_rows[offer.local[place]];
            if (found_by[row] >= 0 && truths.crowd[row] == 0) {
              continue;
            }
            if (chosen >= 0 && offer.ignored[static_cast<size_t>(chosen)] == 0 && offer.ignored[place] != 0) {
              break;
            }
            const double value = row_oks[offer.local[place]];
            if (value < best) {
              continue;
            }
            best = value;
            chosen = g;
          }
          const int64_t detection = detection_rows[d];
          if (chosen >= 0) {
            const auto place = static_cast<size_t>(chosen);
            const int64_t row = truth_rows[offer.local[place]];
            truth[d] = static_cast<int32_t>(row);
            ignored[d] = offer.ignored[place];
            found_by[row] = static_cast<int32_t>(detection);
          } else {
            ignored[d] = outside(areas[static_cast<size_t>(d)], range) ||
                                 (detections.ignored != nullptr && detections.ignored[detection] != 0)
                             ? 1
                             : 0;
          }
        }
      }
    }
  }
}

void accumulate(const int64_t* ranking, const double* ranked_scores, int64_t count, const int32_t* truth,
                const uint8_t* ignored, int64_t positives, const double* recall_levels, int64_t num_levels,
                Curve& curve) {
  constexpr double kSpacingOfOne = 2.220446049250313e-16;
  std::vector<double> recall(static_cast<size_t>(count));
  std::vector<double> precision(static_cast<size_t>(count));
  double right = 0;
  double wrong = 0;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t at = ranking[i];
    if (ignored[at] == 0) {
      (truth[at] >= 0 ? right : wrong) += 1;
    }
    recall[static_cast<size_t>(i)] = right / static_cast<double>(positives);
    precision[static_cast<size_t>(i)] = right / (wrong + right + kSpacingOfOne);
  }
  curve.recall = count > 0 ? recall.back() : 0;
  for (int64_t i = count - 1; i > 0; --i) {
    auto& before = precision[static_cast<size_t>(i - 1)];
    before = std::max(before, precision[static_cast<size_t>(i)]);
  }
  // Recall never falls, so that one pass finds where each level is reached.
  int64_t place = 0;
  for (int64_t level = 0; level < num_levels; ++level) {
    while (place < count && recall[static_cast<size_t>(place)] < recall_levels[level]) {
      ++place;
    }
    curve.precision[level] = place < count ? precision[static_cast<size_t>(place)] : 0;
    curve.scores[level] = place < count ? ranked_scores[place] : 0;
  }
}

}  // namespace posecore::host
