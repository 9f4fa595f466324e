// OKS of the people of one group, out of columns.
#pragma once

#include "people.hpp"

namespace posecore::host {

// oks[d * num_truths + t] of detection_rows[d] and truth_rows[t].
void group_oks(const TruthPeople& truths, const DetectedPeople& detections, const int64_t* truth_rows,
               int64_t num_truths, const int64_t* detection_rows, int64_t num_detections, double* oks);

}  // namespace posecore::host
