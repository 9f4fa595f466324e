#include "group_oks.hpp"

#include <stdexcept>

#include "posecore/oks.hpp"

namespace posecore::host {
namespace {

[[nodiscard]] OksDetections<double> rows_of(const DetectedPeople& people, const int64_t* rows, int64_t count) {
  OksDetections<double> view;
  view.keypoints.xy = people.xy;
  view.keypoints.row_stride = static_cast<ptrdiff_t>(people.num_keypoints) * 2;
  view.rows = rows;
  view.count = count;
  return view;
}

[[nodiscard]] OksTruths<double> rows_of(const TruthPeople& people, const int64_t* rows, int64_t count) {
  OksTruths<double> view;
  view.keypoints.xy = people.xy;
  view.keypoints.row_stride = static_cast<ptrdiff_t>(people.num_keypoints) * 2;
  view.visibility = people.visibility;
  view.visibility_stride = people.num_keypoints;
  view.areas_px2 = people.areas_px2;
  view.boxes = people.boxes;
  view.rows = rows;
  view.count = count;
  return view;
}

void want_ok(Status status) {
  if (status != Status::kOk) {
    throw std::invalid_argument(message(status));
  }
}

}  // namespace

void group_oks(const TruthPeople& truths, const DetectedPeople& detections, const int64_t* truth_rows,
               int64_t num_truths, const int64_t* detection_rows, int64_t num_detections, double* oks) {
  want_ok(posecore::oks(truths.sigmas, truths.num_keypoints, rows_of(detections, detection_rows, num_detections),
                        rows_of(truths, truth_rows, num_truths), oks, num_truths));
}

void pair_oks(const TruthPeople& truths, const DetectedPeople& detections, const int64_t* truth_rows,
              const int64_t* detection_rows, int64_t count, double* oks) {
  want_ok(posecore::oks_of_pairs(truths.sigmas, truths.num_keypoints, rows_of(detections, detection_rows, count),
                                 rows_of(truths, truth_rows, count), oks));
}

}  // namespace posecore::host
