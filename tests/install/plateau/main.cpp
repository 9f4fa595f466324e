// How much work it is to decode SIDE x SIDE cells that are all as sure of the same person: `plateau SIDE` prints the
// calls of posecore's functions, and the people.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "posecore/decode.hpp"

#define NOT_COUNTED __attribute__((no_instrument_function))

static int64_t calls = 0;

extern "C" {
NOT_COUNTED void __cyg_profile_func_enter(void*, void*);
NOT_COUNTED void __cyg_profile_func_exit(void*, void*);
void __cyg_profile_func_enter(void*, void*) { ++calls; }
void __cyg_profile_func_exit(void*, void*) {}
}

int main(int argc, char** argv) {
  const int32_t side = argc == 2 ? atoi(argv[1]) : 0;
  const auto cells = static_cast<size_t>(side) * static_cast<size_t>(side);
  const std::vector<float> heatmap(cells, 0.9F);
  const std::vector<float> offsets(2 * cells, 0.0F);
  posecore::Heads heads;
  heads.heatmaps = posecore::hwc_view(heatmap.data(), posecore::ElementType::kFloat32, side, side, 1);
  heads.short_offsets = posecore::hwc_view(offsets.data(), posecore::ElementType::kFloat32, side, side, 2);
  heads.scores = posecore::ScoreKind::kProbabilities;

  const posecore::Skeleton one_keypoint = {1, nullptr};
  posecore::MultiPoseOptions options;
  options.nms_radius_px = 65536.0F;  // so that no second person ends the search
  posecore::MultiPosePlan plan;
  std::vector<uint64_t> memory(posecore::plan_bytes(one_keypoint) / sizeof(uint64_t) + 1);
  auto status = posecore::make_plan(one_keypoint, options, memory.data(), memory.size() * sizeof(uint64_t), &plan);
  const size_t bytes = posecore::workspace_bytes(plan, side, side);
  std::vector<uint64_t> workspace(bytes / sizeof(uint64_t) + 1);
  std::vector<float> xy(2 * 20);
  std::vector<float> scores(20);
  std::vector<float> pose_scores(20);
  posecore::PoseSink sink;
  sink.xy = xy.data();
  sink.scores = scores.data();
  sink.pose_scores = pose_scores.data();
  sink.capacity = 20;
  calls = 0;
  if (status == posecore::Status::kOk) {
    status = posecore::decode_multi(plan, heads, workspace.data(), bytes, &sink);
  }
  const int64_t work = calls;
  printf("%lld %d\n", static_cast<long long>(work), static_cast<int>(sink.count));
  return status == posecore::Status::kOk ? 0 : 1;
}
