// Prints the poses that a file of uint8 heads holds: what a program that uses posecore looks like.
// C headers only, so that it also links without the C++ library.
//
// The file: "posecore-heads <rows> <columns> <stride_px>\n", for each of the four tensors "<scale> <zero point>\n",
// then their bytes, (row, column, channel).
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "posecore/decode.hpp"

namespace {

constexpr int32_t kMaxPoses = 20;

int fail(const char* sentence) {
  fprintf(stderr, "consumer: %s\n", sentence);
  return 1;
}

int print_poses(const posecore::Heads& heads, float stride_px) {
  posecore::MultiPoseOptions options;
  options.stride_px = stride_px;
  options.max_poses = kMaxPoses;

  posecore::MultiPosePlan plan;
  static uint64_t plan_memory[1024];
  if (posecore::plan_bytes(posecore::kCoco17) > sizeof plan_memory) {
    return fail("the plan is larger than was thought");
  }
  posecore::Status status = make_plan(posecore::kCoco17, options, plan_memory, sizeof plan_memory, &plan);
  if (status != posecore::Status::kOk) {
    return fail(posecore::message(status));
  }

  const size_t bytes = workspace_bytes(plan, heads.heatmaps.rows, heads.heatmaps.columns);
  void* const workspace = malloc(bytes);
  static float xy[kMaxPoses * 17 * 2];
  static float scores[kMaxPoses * 17];
  static float pose_scores[kMaxPoses];
  posecore::PoseSink sink;
  sink.xy = xy;
  sink.scores = scores;
  sink.pose_scores = pose_scores;
  sink.capacity = kMaxPoses;
  status = decode_multi(plan, heads, workspace, bytes, &sink);
  free(workspace);
  if (status != posecore::Status::kOk) {
    return fail(posecore::message(status));
  }

  for (int32_t pose = 0; pose < sink.count; ++pose) {
    printf("%.9g", static_cast<double>(pose_scores[pose]));
    for (int32_t k = 0; k < 17; ++k) {
      const int32_t at = pose * 17 + k;
      printf(" %.9g,%.9g,%.9g", static_cast<double>(xy[2 * at]), static_cast<double>(xy[2 * at + 1]),
             static_cast<double>(scores[at]));
    }
    printf("\n");
  }
  return 0;
}

int print_file(FILE* file) {
  int rows = 0;
  int columns = 0;
  float stride_px = 0;
  if (fscanf(file, "posecore-heads %d %d %f", &rows, &columns, &stride_px) != 3 || rows < 1 || rows > 4096 ||
      columns < 1 || columns > 4096) {
    return fail("wanted a file of heads");
  }
  posecore::Heads heads;
  posecore::TensorView* const views[] = {&heads.heatmaps, &heads.short_offsets, &heads.displacement_fwd,
                                         &heads.displacement_bwd};
  constexpr int32_t kChannels[] = {17, 34, 32, 32};
  size_t bytes = 0;
  for (int i = 0; i < 4; ++i) {
    float scale = 0;
    int zero_point = 0;
    if (fscanf(file, "%f %d", &scale, &zero_point) != 2) {
      return fail("wanted a scale and a zero point for each tensor");
    }
    *views[i] =
        posecore::hwc_view(nullptr, posecore::ElementType::kUint8, rows, columns, kChannels[i], scale, zero_point);
    bytes += static_cast<size_t>(rows) * static_cast<size_t>(columns) * static_cast<size_t>(kChannels[i]);
  }
  fgetc(file);

  auto* const memory = static_cast<uint8_t*>(malloc(bytes));
  if (memory == nullptr || fread(memory, 1, bytes, file) != bytes) {
    free(memory);
    return fail("the file ends too early");
  }
  const uint8_t* next = memory;
  for (posecore::TensorView* view : views) {
    view->data = next;
    next += static_cast<size_t>(view->rows) * static_cast<size_t>(view->columns) * static_cast<size_t>(view->channels);
  }
  const int code = print_poses(heads, stride_px);
  free(memory);
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  FILE* const file = argc == 2 ? fopen(argv[1], "rb") : nullptr;
  if (file == nullptr) {
    return fail("wanted one argument: a file of heads");
  }
  const int code = print_file(file);
  fclose(file);
  return code;
}
