// Everybody in the first frame of a file of heads: a plan, its workspace, a sink, and one call. `people walk.heads`
#include "heads_file.hpp"

namespace {

constexpr int32_t kMostPeople = 10;
constexpr int32_t kKeypoints = posecore::kCoco17.num_keypoints;

int refuse(const char* sentence) {
  fprintf(stderr, "people: %s\n", sentence);
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  HeadsFile file(argc == 2 ? argv[1] : "");
  if (!file.next()) {
    return refuse("wanted a file of heads");
  }
  posecore::MultiPoseOptions options;
  options.stride_px = file.stride_px();
  options.max_poses = kMostPeople;

  // Once: the options are checked, and the tree of keypoints is laid out.
  posecore::MultiPosePlan plan;
  std::vector<uint64_t> plan_memory(posecore::plan_bytes(posecore::kCoco17) / sizeof(uint64_t) + 1);
  posecore::Status status =
      make_plan(posecore::kCoco17, options, plan_memory.data(), plan_memory.size() * sizeof(uint64_t), &plan);
  if (status != posecore::Status::kOk) {
    return refuse(message(status));
  }
  const posecore::TensorView& heatmaps = file.heads().heatmaps;
  std::vector<uint64_t> workspace(workspace_bytes(plan, heatmaps.rows, heatmaps.columns) / sizeof(uint64_t) + 1);

  // For each frame: nothing is allocated, and the heads are read where they lie.
  float xy[kMostPeople * kKeypoints * 2];
  float scores[kMostPeople * kKeypoints];
  float pose_scores[kMostPeople];
  posecore::PoseSink sink = {xy, scores, pose_scores, kMostPeople};
  status = decode_multi(plan, file.heads(), workspace.data(), workspace.size() * sizeof(uint64_t), &sink);
  if (status != posecore::Status::kOk) {
    return refuse(message(status));
  }
  for (int32_t n = 0; n < sink.count; ++n) {
    const float* nose = xy + n * kKeypoints * 2;
    printf("person %d, score %.3f, nose at (%.1f, %.1f)\n", n + 1, double{pose_scores[n]}, double{nose[0]},
           double{nose[1]});
  }
  return 0;
}
