// OKS of people, out of columns. Throws std::invalid_argument where a sigma is not positive and finite.
#pragma once

#include "people.hpp"

namespace posecore::host {

// oks[d * num_truths + t] of detection_rows[d] and truth_rows[t].
void group_oks(const TruthPeople& truths, const DetectedPeople& detections, const int64_t* truth_rows,
               int64_t num_truths, const int64_t* detection_rows, int64_t num_detections, double* oks);

// oks[i] of detection_rows[i] and truth_rows[i].
void pair_oks(const TruthPeople& truths, const DetectedPeople& detections, const int64_t* truth_rows,
              const int64_t* detection_rows, int64_t count, double* oks);

}  // namespace posecore::host
