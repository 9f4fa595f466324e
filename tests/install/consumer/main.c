/* main.cpp in C99: prints the poses that a file of uint8 heads holds, in the same words. */
#include <stdio.h>
#include <stdlib.h>

#include "posecore.h"

enum { MOST_POSES = 20 };

static int fail(const char* sentence) {
  fprintf(stderr, "consumer: %s\n", sentence);
  return 1;
}

static int print_poses(const posecore_heads* heads, float stride_px) {
  static uint64_t plan_memory[POSECORE_MULTI_PLAN_BYTES(17) / 8];
  static float xy[MOST_POSES * 17 * 2];
  static float scores[MOST_POSES * 17];
  static float pose_scores[MOST_POSES];

  posecore_multi_options options;
  posecore_multi_options_init(&options);
  options.stride_px = stride_px;
  options.max_poses = MOST_POSES;
  const posecore_multi_plan* plan = NULL;
  posecore_status status =
      posecore_multi_plan_make(posecore_coco17(), &options, plan_memory, sizeof plan_memory, &plan);
  if (status != POSECORE_OK) {
    return fail(posecore_message(status));
  }

  const size_t bytes = posecore_multi_workspace_bytes(plan, heads->heatmaps.rows, heads->heatmaps.columns);
  void* const workspace = malloc(bytes);
  posecore_poses poses = {xy, scores, pose_scores, MOST_POSES, 0, NULL};
  status = posecore_decode_multi(plan, heads, workspace, bytes, &poses);
  free(workspace);
  if (status != POSECORE_OK) {
    return fail(posecore_message(status));
  }
  for (int32_t pose = 0; pose < poses.count; ++pose) {
    printf("%.9g", (double)pose_scores[pose]);
    for (int32_t k = 0; k < 17; ++k) {
      const int32_t at = pose * 17 + k;
      printf(" %.9g,%.9g,%.9g", (double)xy[2 * at], (double)xy[2 * at + 1], (double)scores[at]);
    }
    printf("\n");
  }
  return 0;
}

static int print_file(FILE* file) {
  static const int32_t kChannels[4] = {17, 34, 32, 32};
  int rows = 0;
  int columns = 0;
  float stride_px = 0;
  if (fscanf(file, "posecore-heads %d %d %f", &rows, &columns, &stride_px) != 3 || rows < 1 || rows > 4096 ||
      columns < 1 || columns > 4096) {
    return fail("wanted a file of heads");
  }
  posecore_heads heads;
  heads.scores = POSECORE_LOGITS;
  posecore_tensor* const tensors[4] = {&heads.heatmaps, &heads.short_offsets, &heads.displacement_fwd,
                                       &heads.displacement_bwd};
  const size_t cells = (size_t)rows * (size_t)columns;
  uint8_t* const memory = malloc(cells * 115);
  const uint8_t* next = memory;
  for (int i = 0; memory != NULL && i < 4; ++i) {
    float scale = 0;
    int zero_point = 0;
    if (fscanf(file, "%f %d", &scale, &zero_point) != 2) {
      free(memory);
      return fail("wanted a scale and a zero point for each tensor");
    }
    *tensors[i] = posecore_hwc_tensor(next, POSECORE_UINT8, rows, columns, kChannels[i], scale, zero_point);
    next += cells * (size_t)kChannels[i];
  }
  fgetc(file);
  if (memory == NULL || fread(memory, 1, cells * 115, file) != cells * 115) {
    free(memory);
    return fail("the file ends too early");
  }
  const int code = print_poses(&heads, stride_px);
  free(memory);
  return code;
}

int main(int argc, char** argv) {
  FILE* const file = argc == 2 ? fopen(argv[1], "rb") : NULL;
  if (file == NULL) {
    return fail("wanted one argument: a file of heads");
  }
  const int code = print_file(file);
  fclose(file);
  return code;
}
