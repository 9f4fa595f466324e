#include <math.h>
#include <string.h>

#include "check.h"
#include "made_heads.h"

enum { MOST_POSES = 20 };

static made_heads made;
static uint64_t plan_memory[POSECORE_MULTI_PLAN_BYTES(17) / 8];
static uint64_t workspace[8192];
static float xy[MOST_POSES * 17 * 2];
static float scores[MOST_POSES * 17];
static float pose_scores[MOST_POSES];

static posecore_poses room(void) {
  posecore_poses poses = {NULL, NULL, NULL, 0, -1, NULL};
  poses.xy = xy;
  poses.scores = scores;
  poses.pose_scores = pose_scores;
  poses.capacity = MOST_POSES;
  return poses;
}

static const posecore_multi_plan* default_plan(void) {
  const posecore_multi_plan* plan = NULL;
  CHECK_STATUS(POSECORE_OK, posecore_multi_plan_make(posecore_coco17(), NULL, plan_memory, sizeof plan_memory, &plan));
  return plan;
}

/* Whether pose `n` is the person, to within what 8 bits lose. */
static int is_at(int32_t n, const made_person* person, const posecore_pixel_map* map) {
  for (int32_t k = 0; k < 17; ++k) {
    float wanted[2];
    made_keypoint(person, k, wanted);
    wanted[0] = wanted[0] * map->scale_x + map->shift_x;
    wanted[1] = wanted[1] * map->scale_y + map->shift_y;
    const float* got = xy + 2 * (n * 17 + k);
    if (!(fabsf(got[0] - wanted[0]) <= 0.3F * map->scale_x && fabsf(got[1] - wanted[1]) <= 0.3F * map->scale_y)) {
      return 0;
    }
  }
  return 1;
}

void test_version_and_messages(void) {
  CHECK(strcmp(posecore_version(), POSECORE_VERSION) == 0);
  CHECK(posecore_abi_version() == POSECORE_ABI_VERSION);
  CHECK(strlen(posecore_compiler()) > 3);
  CHECK(strcmp(posecore_simd_path(), "avx2") == 0 || strcmp(posecore_simd_path(), "portable") == 0);
  for (posecore_status i = -1; i <= POSECORE_NOT_LATER + 1; ++i) {
    const int known = i >= 0 && i <= POSECORE_NOT_LATER;
    CHECK((strcmp(posecore_message(i), "unknown status") == 0) == !known);
    for (posecore_status j = 0; known && j < i; ++j) {
      CHECK(strcmp(posecore_message(i), posecore_message(j)) != 0);
    }
  }
}

void test_options_have_the_defaults(void) {
  posecore_multi_options multi;
  posecore_multi_options_init(&multi);
  CHECK(multi.stride_px == 16.0F && multi.max_poses == 20 && multi.root_threshold == 0.2F);
  CHECK(multi.pose_threshold == 0.2F && multi.nms_radius_px == 10.0F && multi.refine_steps == 5);
  CHECK(multi.local_maximum_radius == 1 && multi.sampling == POSECORE_BILINEAR && multi.rescore == 1);
  posecore_heatmap_options heatmap;
  posecore_heatmap_options_init(&heatmap);
  CHECK(heatmap.stride_px == 4.0F && heatmap.refinement == POSECORE_REFINE_QUARTER && heatmap.blur_sigma_cells == 0.0F);
  posecore_kalman_options kalman;
  posecore_kalman_options_init(&kalman);
  CHECK(kalman.fps == 30.0F && kalman.noise == 0.02F && kalman.least_score == 0.3F && kalman.acceleration == 10.0F);
  CHECK(kalman.hold_s == 1.0F / 30 && kalman.speed == 2.0F && kalman.gate_sigmas == 10.0F);
  CHECK(kalman.gated_before_restart == 3 && kalman.max_coast_frames == 30 && kalman.pace == 1.0F);
  CHECK(kalman.motion == POSECORE_CONSTANT_VELOCITY && kalman.arithmetic == POSECORE_FIXED_POINT);
  posecore_one_euro_options one_euro;
  posecore_one_euro_options_init(&one_euro);
  CHECK(one_euro.fps == 30.0F && one_euro.min_cutoff_hz == 1.0F && one_euro.beta == 20.0F);
  CHECK(one_euro.derivative_cutoff_hz == 1.0F && one_euro.max_coast_frames == 30 && one_euro.pace == 1.0F);
  posecore_tracker_options tracker;
  posecore_tracker_options_init(&tracker);
  CHECK(tracker.max_people == 64 && tracker.min_hits == 1 && tracker.min_similarity == 0.1F);
  CHECK(tracker.min_birth_score == 0.3F && tracker.max_gap_s == 1.0);
  posecore_swap_options swaps;
  posecore_swap_options_init(&swaps);
  CHECK(swaps.max_people == 64 && swaps.patience_s == 0.3 && swaps.max_gap_s == 0.5);
}

void test_people_are_found_in_every_arrangement(void) {
  static const made_person kPeople[2] = {{70, 30}, {230, 42}};
  static const posecore_pixel_map kMap = {2.0F, 4.0F, 1.0F, -3.0F};
  const posecore_multi_plan* plan = default_plan();
  CHECK(posecore_multi_workspace_bytes(plan, MADE_ROWS, MADE_COLUMNS) <= sizeof workspace);
  for (int32_t type = POSECORE_FLOAT32; type <= POSECORE_INT8; ++type) {
    for (int chw = 0; chw < 2; ++chw) {
      make_heads(kPeople, 2, type, chw, &made);
      posecore_poses poses = room();
      poses.map = &kMap;
      CHECK_STATUS(POSECORE_OK, posecore_decode_multi(plan, &made.heads, workspace, sizeof workspace, &poses));
      CHECK(poses.count == 2);
      CHECK(pose_scores[0] >= pose_scores[1] && pose_scores[1] > 0.8F);
      const int swapped = xy[0] > xy[2 * 17];
      CHECK(is_at(0, &kPeople[swapped ? 1 : 0], &kMap) && is_at(1, &kPeople[swapped ? 0 : 1], &kMap));
    }
  }
  make_heads(kPeople, 0, POSECORE_UINT8, 1, &made);
  posecore_poses poses = room();
  CHECK_STATUS(POSECORE_OK, posecore_decode_multi(plan, &made.heads, workspace, sizeof workspace, &poses));
  CHECK(poses.count == 0);
}

void test_one_person_is_found(void) {
  static const made_person kPerson = {120, 30};
  static const posecore_pixel_map kSame = {1.0F, 1.0F, 0.0F, 0.0F};
  make_heads(&kPerson, 1, POSECORE_UINT8, 1, &made);
  posecore_poses poses = room();
  poses.capacity = 1;
  CHECK_STATUS(POSECORE_OK, posecore_decode_single(&made.heads, MADE_STRIDE, &poses));
  CHECK(poses.count == 1 && is_at(0, &kPerson, &kSame));
}

void test_a_network_without_offsets(void) {
  static const float kHill[5][5] = {{0, 0, 0, 0, 0}, {0, 0, .5F, 0, 0}, {0, .25F, 1, .5F, 0}, {0, 0, .25F, 0, 0}};
  const posecore_tensor map = posecore_hwc_tensor(kHill, POSECORE_FLOAT32, 5, 5, 1, 1.0F, 0);
  posecore_poses poses = room();
  CHECK_STATUS(POSECORE_OK, posecore_decode_heatmaps(&map, POSECORE_PROBABILITIES, NULL, &poses));
  CHECK(poses.count == 1 && xy[0] == 9.0F && xy[1] == 7.0F && scores[0] == 1.0F);
}

void test_statuses_of_decoding(void) {
  static const int32_t kForest[4] = {0, 1, 0, 1};
  static const made_person kPerson = {120, 30};
  const posecore_skeleton none = {0, kForest};
  const posecore_skeleton forest = {3, kForest};
  const posecore_multi_plan* plan = NULL;
  posecore_multi_options options;
  CHECK_STATUS(POSECORE_BAD_SKELETON, posecore_multi_plan_make(&none, NULL, plan_memory, sizeof plan_memory, &plan));
  CHECK_STATUS(POSECORE_BAD_SKELETON, posecore_multi_plan_make(&forest, NULL, plan_memory, sizeof plan_memory, &plan));
  CHECK(plan == NULL);
  const int32_t choices[3] = {-1, 2, 256};
  for (int32_t i = 0; i < 3; ++i) {
    posecore_multi_options_init(&options);
    options.sampling = choices[i];
    CHECK_STATUS(POSECORE_BAD_OPTIONS,
                 posecore_multi_plan_make(posecore_coco17(), &options, plan_memory, sizeof plan_memory, &plan));
  }
  posecore_multi_options_init(&options);
  options.stride_px = 0;
  CHECK_STATUS(POSECORE_BAD_OPTIONS,
               posecore_multi_plan_make(posecore_coco17(), &options, plan_memory, sizeof plan_memory, &plan));
  const size_t wanted = posecore_multi_plan_bytes(17);
  CHECK(posecore_multi_plan_bytes(0) == 0 && posecore_multi_plan_bytes(-1) == 0 &&
        posecore_multi_plan_bytes(1025) == 0);
  CHECK_STATUS(POSECORE_WORKSPACE_TOO_SMALL,
               posecore_multi_plan_make(posecore_coco17(), NULL, plan_memory, wanted - 1, &plan));
  CHECK_STATUS(POSECORE_MISALIGNED,
               posecore_multi_plan_make(posecore_coco17(), NULL, (char*)plan_memory + 4, wanted, &plan));

  plan = default_plan();
  const size_t bytes = posecore_multi_workspace_bytes(plan, MADE_ROWS, MADE_COLUMNS);
  CHECK(posecore_multi_workspace_bytes(plan, 0, 5) == 0 && posecore_multi_workspace_bytes(plan, 5, -1) == 0 &&
        posecore_multi_workspace_bytes(plan, INT32_MAX, INT32_MAX) == 0);
  make_heads(&kPerson, 1, POSECORE_UINT8, 0, &made);
  const posecore_heads good = made.heads;
  posecore_poses poses = room();
  posecore_heads heads = good;
  CHECK_STATUS(POSECORE_WORKSPACE_TOO_SMALL, posecore_decode_multi(plan, &heads, workspace, bytes - 1, &poses));
  CHECK_STATUS(POSECORE_MISALIGNED, posecore_decode_multi(plan, &heads, (char*)workspace + 4, bytes, &poses));
  heads.scores = 2;
  CHECK_STATUS(POSECORE_BAD_OPTIONS, posecore_decode_multi(plan, &heads, workspace, bytes, &poses));
  CHECK_STATUS(POSECORE_BAD_OPTIONS, posecore_decode_single(&heads, MADE_STRIDE, &poses));
  const int32_t types[3] = {-1, 3, 257};
  for (int32_t i = 0; i < 3; ++i) {
    heads = good;
    heads.heatmaps.type = types[i];
    CHECK_STATUS(POSECORE_BAD_TENSOR, posecore_decode_multi(plan, &heads, workspace, bytes, &poses));
    CHECK_STATUS(POSECORE_BAD_TENSOR, posecore_decode_single(&heads, MADE_STRIDE, &poses));
    CHECK_STATUS(POSECORE_BAD_TENSOR, posecore_decode_heatmaps(&heads.heatmaps, POSECORE_LOGITS, NULL, &poses));
  }
  heads = good;
  heads.short_offsets.rows = 12;
  CHECK_STATUS(POSECORE_MIXED_TENSORS, posecore_decode_multi(plan, &heads, workspace, bytes, &poses));
  CHECK_STATUS(POSECORE_MIXED_TENSORS, posecore_decode_single(&heads, MADE_STRIDE, &poses));
  heads = good;
  heads.short_offsets.channels = 33;
  CHECK_STATUS(POSECORE_BAD_CHANNELS, posecore_decode_multi(plan, &heads, workspace, bytes, &poses));
  heads = good;
  heads.heatmaps.rows = INT32_MAX;
  CHECK_STATUS(POSECORE_TOO_LARGE, posecore_decode_multi(plan, &heads, workspace, bytes, &poses));
  poses.capacity = 19;
  CHECK_STATUS(POSECORE_SINK_TOO_SMALL, posecore_decode_multi(plan, &good, workspace, bytes, &poses));
  CHECK(poses.count == -1);
  posecore_heatmap_options heatmap;
  posecore_heatmap_options_init(&heatmap);
  heatmap.refinement = 3;
  CHECK_STATUS(POSECORE_BAD_OPTIONS, posecore_decode_heatmaps(&good.heatmaps, POSECORE_LOGITS, &heatmap, &poses));
  CHECK_STATUS(POSECORE_BAD_OPTIONS, posecore_decode_heatmaps(&good.heatmaps, -1, NULL, &poses));
}

void test_null_pointers_of_decoding(void) {
  static const made_person kPerson = {120, 30};
  posecore_multi_options_init(NULL);
  posecore_heatmap_options_init(NULL);
  const posecore_multi_plan* plan = NULL;
  const posecore_skeleton edgeless = {17, NULL};
  CHECK_STATUS(POSECORE_NULL_POINTER, posecore_multi_plan_make(NULL, NULL, plan_memory, sizeof plan_memory, &plan));
  CHECK_STATUS(POSECORE_NULL_POINTER,
               posecore_multi_plan_make(&edgeless, NULL, plan_memory, sizeof plan_memory, &plan));
  CHECK_STATUS(POSECORE_NULL_POINTER, posecore_multi_plan_make(posecore_coco17(), NULL, NULL, 4096, &plan));
  CHECK_STATUS(POSECORE_NULL_POINTER,
               posecore_multi_plan_make(posecore_coco17(), NULL, plan_memory, sizeof plan_memory, NULL));
  CHECK(posecore_multi_workspace_bytes(NULL, 9, 9) == 0);

  plan = default_plan();
  make_heads(&kPerson, 1, POSECORE_UINT8, 0, &made);
  posecore_poses poses = room();
  CHECK_STATUS(POSECORE_NULL_POINTER, posecore_decode_multi(NULL, &made.heads, workspace, sizeof workspace, &poses));
  CHECK_STATUS(POSECORE_NULL_POINTER, posecore_decode_multi(plan, NULL, workspace, sizeof workspace, &poses));
  CHECK_STATUS(POSECORE_NULL_POINTER, posecore_decode_multi(plan, &made.heads, NULL, sizeof workspace, &poses));
  CHECK_STATUS(POSECORE_NULL_POINTER, posecore_decode_multi(plan, &made.heads, workspace, sizeof workspace, NULL));
  CHECK_STATUS(POSECORE_NULL_POINTER, posecore_decode_single(NULL, 16, &poses));
  CHECK_STATUS(POSECORE_NULL_POINTER, posecore_decode_single(&made.heads, 16, NULL));
  CHECK_STATUS(POSECORE_NULL_POINTER, posecore_decode_heatmaps(NULL, POSECORE_LOGITS, NULL, &poses));
  CHECK_STATUS(POSECORE_NULL_POINTER, posecore_decode_heatmaps(&made.heads.heatmaps, POSECORE_LOGITS, NULL, NULL));
  for (int32_t i = 0; i < 3; ++i) {
    float** const members[3] = {&poses.xy, &poses.scores, &poses.pose_scores};
    poses = room();
    *members[i] = NULL;
    CHECK_STATUS(POSECORE_NULL_POINTER, posecore_decode_multi(plan, &made.heads, workspace, sizeof workspace, &poses));
    CHECK_STATUS(POSECORE_NULL_POINTER, posecore_decode_single(&made.heads, 16, &poses));
    CHECK_STATUS(POSECORE_NULL_POINTER, posecore_decode_heatmaps(&made.heads.heatmaps, POSECORE_LOGITS, NULL, &poses));
  }
  poses = room();
  posecore_tensor* const tensors[4] = {&made.heads.heatmaps, &made.heads.short_offsets, &made.heads.displacement_fwd,
                                       &made.heads.displacement_bwd};
  for (int32_t i = 0; i < 4; ++i) {
    const void* data = tensors[i]->data;
    tensors[i]->data = NULL;
    CHECK_STATUS(POSECORE_NULL_POINTER, posecore_decode_multi(plan, &made.heads, workspace, sizeof workspace, &poses));
    CHECK_STATUS(i < 2 ? POSECORE_NULL_POINTER : POSECORE_OK, posecore_decode_single(&made.heads, 16, &poses));
    tensors[i]->data = data;
  }
}
