// The shortest program: one person from a network's heatmaps, in five lines. The network is a made-up one of a single
// keypoint, whose map has its top in the third row and the fourth column.
#include <stdio.h>

#include "posecore/decode.hpp"

namespace {
const float kHeatmap[5][6] = {
    {0, 0, 0, 0, 0, 0}, {0, 0, 0, .2F, 0, 0}, {0, 0, .3F, .9F, .6F, 0}, {0, 0, 0, .4F, 0, 0}, {0, 0, 0, 0, 0, 0}};
}  // namespace

int main() {
  float xy[2], score, pose_score;
  posecore::PoseSink sink = {xy, &score, &pose_score, 1};
  const posecore::TensorView map = posecore::hwc_view(kHeatmap, posecore::ElementType::kFloat32, 5, 6, 1);
  const posecore::Status status = decode_heatmaps(map, posecore::ScoreKind::kProbabilities, {}, &sink);
  printf("%s: (%.1f, %.1f) with score %.2f\n", message(status), double{xy[0]}, double{xy[1]}, double{score});
  return status == posecore::Status::kOk ? 0 : 1;
}
