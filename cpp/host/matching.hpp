// COCO's matching of detections to truths, and the precision and recall that follow from it.
//
// People are rows of columns; a group is the people of one category in one image. A group's detections come best
// first, its truths in the order of the file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "people.hpp"

namespace posecore::host {

// The rows of each group: group g owns rows[offsets[g]] to rows[offsets[g + 1] - 1].
struct Groups {
  const int64_t* rows = nullptr;
  const int64_t* offsets = nullptr;  // count + 1 of them
  int64_t count = 0;
};

struct AreaRange {
  double least_px2 = 0;
  double most_px2 = 0;  // both ends belong to it
};

struct MatchRules {
  std::vector<double> thresholds;  // of OKS
  std::vector<AreaRange> ranges;
};

// Where the results go, for A ranges, T thresholds, E detections in the order of the groups, and G truth rows.
struct MatchResult {
  int32_t* truth = nullptr;               // (A, T, E): the matched truth's row, or -1
  uint8_t* ignored = nullptr;             // (A, T, E): neither right nor wrong
  int32_t* detection_of_truth = nullptr;  // (A, T, G): the row of the last detection that matched it, or -1
  uint8_t* truth_ignored = nullptr;       // (A, G): need not be found
};

// Matches every group for every range and threshold. A truth is ignored where it is a crowd, has no labelled keypoint,
// lies outside the range, or `truths.ignored` says so; an unmatched detection is ignored where its area lies outside
// the range or `detections.ignored` says so. `truth` and `detection_of_truth` are filled completely.
void match(const TruthPeople& truths, const DetectedPeople& detections, const Groups& truth_groups,
           const Groups& detection_groups, const MatchRules& rules, const MatchResult& result);

struct Curve {
  double* precision = nullptr;  // one a recall level
  double* scores = nullptr;     // one a recall level: the score of the detection that reached it
  double recall = 0;            // of all detections together
};

// Precision at levels of recall for detections of one range and threshold.
//   ranking: positions 0..E - 1 of detections, best score first.
//   truth, ignored: (E,) as in MatchResult.  ranked_scores: one a place in the ranking.
//   positives: how many truths count; more than 0.
void accumulate(const int64_t* ranking, const double* ranked_scores, int64_t count, const int32_t* truth,
                const uint8_t* ignored, int64_t positives, const double* recall_levels, int64_t num_levels,
                Curve& curve);

}  // namespace posecore::host
