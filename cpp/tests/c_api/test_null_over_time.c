#include <stddef.h>

#include "check.h"
#include "posecore.h"

#define WANT_NULL(call) CHECK_STATUS(POSECORE_NULL_POINTER, call)

static uint64_t plan_memory[4][POSECORE_SWAP_PLAN_BYTES(17) / 8];
static uint64_t memory[16384];
static float xy[17 * 2];
static float scores[17];
static float pose_scores[1];
static uint8_t visible[17];
static int64_t ids[1];

static void filters(void) {
  const posecore_kalman_plan* kalman = NULL;
  const posecore_one_euro_plan* one_euro = NULL;
  const size_t room = sizeof plan_memory[0];
  WANT_NULL(posecore_kalman_plan_make(NULL, 17, NULL, room, &kalman));
  WANT_NULL(posecore_kalman_plan_make(NULL, 17, plan_memory[0], room, NULL));
  WANT_NULL(posecore_one_euro_plan_make(NULL, 17, NULL, room, &one_euro));
  WANT_NULL(posecore_one_euro_plan_make(NULL, 17, plan_memory[1], room, NULL));
  CHECK(posecore_kalman_person_bytes(NULL) == 0 && posecore_one_euro_person_bytes(NULL) == 0);
  CHECK_STATUS(POSECORE_OK, posecore_kalman_plan_make(NULL, 17, plan_memory[0], room, &kalman));
  CHECK_STATUS(POSECORE_OK, posecore_one_euro_plan_make(NULL, 17, plan_memory[1], room, &one_euro));

  const posecore_measured_poses measured = {xy, scores, NULL, NULL};
  const posecore_measured_poses unmeasured = {NULL, scores, NULL, NULL};
  const posecore_smoothed_poses smoothed = {xy, NULL};
  const posecore_smoothed_poses nowhere = {NULL, visible};
  const size_t bytes = sizeof memory;
  WANT_NULL(posecore_kalman_smooth_track(NULL, &measured, 1, NULL, memory, bytes, &smoothed));
  WANT_NULL(posecore_kalman_smooth_track(kalman, NULL, 1, NULL, memory, bytes, &smoothed));
  WANT_NULL(posecore_kalman_smooth_track(kalman, &unmeasured, 1, NULL, memory, bytes, &smoothed));
  WANT_NULL(posecore_kalman_smooth_track(kalman, &measured, 1, NULL, NULL, bytes, &smoothed));
  WANT_NULL(posecore_kalman_smooth_track(kalman, &measured, 1, NULL, memory, bytes, NULL));
  WANT_NULL(posecore_kalman_smooth_track(kalman, &measured, 1, NULL, memory, bytes, &nowhere));
  WANT_NULL(posecore_kalman_smooth_people(NULL, &measured, 1, NULL, memory, 1, bytes, NULL, &smoothed));
  WANT_NULL(posecore_kalman_smooth_people(kalman, NULL, 1, NULL, memory, 1, bytes, NULL, &smoothed));
  WANT_NULL(posecore_kalman_smooth_people(kalman, &measured, 1, NULL, NULL, 1, bytes, NULL, &smoothed));
  WANT_NULL(posecore_kalman_smooth_people(kalman, &measured, 1, NULL, memory, 1, bytes, NULL, NULL));
  WANT_NULL(posecore_one_euro_smooth_track(NULL, &measured, 1, NULL, memory, bytes, &smoothed));
  WANT_NULL(posecore_one_euro_smooth_track(one_euro, NULL, 1, NULL, memory, bytes, &smoothed));
  WANT_NULL(posecore_one_euro_smooth_track(one_euro, &measured, 1, NULL, NULL, bytes, &smoothed));
  WANT_NULL(posecore_one_euro_smooth_track(one_euro, &measured, 1, NULL, memory, bytes, NULL));
  WANT_NULL(posecore_one_euro_smooth_people(NULL, &measured, 1, NULL, memory, 1, bytes, NULL, &smoothed));
  WANT_NULL(posecore_one_euro_smooth_people(one_euro, &measured, 1, NULL, memory, 1, bytes, NULL, &nowhere));
  CHECK_STATUS(POSECORE_OK, posecore_kalman_smooth_track(kalman, &unmeasured, 0, NULL, memory, bytes, &nowhere));
  CHECK_STATUS(POSECORE_OK, posecore_kalman_smooth_people(kalman, &unmeasured, 0, NULL, NULL, 0, 0, NULL, &nowhere));

  posecore_filter_counters counters;
  WANT_NULL(posecore_kalman_counters(NULL, memory, bytes, &counters));
  WANT_NULL(posecore_kalman_counters(kalman, NULL, bytes, &counters));
  WANT_NULL(posecore_kalman_counters(kalman, memory, bytes, NULL));
  WANT_NULL(posecore_one_euro_counters(NULL, memory, bytes, &counters));
  WANT_NULL(posecore_one_euro_counters(one_euro, NULL, bytes, &counters));
  WANT_NULL(posecore_one_euro_counters(one_euro, memory, bytes, NULL));
  posecore_fixed_measurement in[17];
  posecore_fixed_point out[17];
  WANT_NULL(posecore_kalman_smooth_fixed(NULL, in, 65536, 0, memory, bytes, out, visible));
  WANT_NULL(posecore_kalman_smooth_fixed(kalman, NULL, 65536, 0, memory, bytes, out, visible));
  WANT_NULL(posecore_kalman_smooth_fixed(kalman, in, 65536, 0, NULL, bytes, out, visible));
  WANT_NULL(posecore_kalman_smooth_fixed(kalman, in, 65536, 0, memory, bytes, NULL, visible));
}

static void trackers(void) {
  const posecore_tracker_plan* plan = NULL;
  const size_t room = sizeof plan_memory[0];
  const size_t bytes = sizeof memory;
  posecore_tracker_options options;
  posecore_tracker_options_init(&options);
  options.max_people = 8;
  WANT_NULL(posecore_tracker_plan_make(NULL, &options, plan_memory[2], room, &plan));
  WANT_NULL(posecore_tracker_plan_make(posecore_coco17_body(), &options, NULL, room, &plan));
  WANT_NULL(posecore_tracker_plan_make(posecore_coco17_body(), &options, plan_memory[2], room, NULL));
  CHECK(posecore_tracker_workspace_bytes(NULL) == 0);
  CHECK_STATUS(POSECORE_OK, posecore_tracker_plan_make(posecore_coco17_body(), &options, plan_memory[2], room, &plan));
  WANT_NULL(posecore_tracker_start(NULL, memory, bytes));
  WANT_NULL(posecore_tracker_start(plan, NULL, bytes));
  CHECK_STATUS(POSECORE_OK, posecore_tracker_start(plan, memory, bytes));

  const posecore_frame_poses good = {xy, scores, pose_scores, visible, 1, 1.0};
  WANT_NULL(posecore_tracker_update(NULL, &good, memory, bytes, ids));
  WANT_NULL(posecore_tracker_update(plan, NULL, memory, bytes, ids));
  WANT_NULL(posecore_tracker_update(plan, &good, NULL, bytes, ids));
  WANT_NULL(posecore_tracker_update(plan, &good, memory, bytes, NULL));
  posecore_frame_poses poses = good;
  poses.xy = NULL;
  WANT_NULL(posecore_tracker_update(plan, &poses, memory, bytes, ids));
  poses = good;
  poses.scores = NULL;
  WANT_NULL(posecore_tracker_update(plan, &poses, memory, bytes, ids));
  poses = good;
  poses.pose_scores = NULL;
  WANT_NULL(posecore_tracker_update(plan, &poses, memory, bytes, ids));
  poses = good;
  poses.visible = NULL;
  CHECK_STATUS(POSECORE_OK, posecore_tracker_update(plan, &poses, memory, bytes, ids));

  WANT_NULL(posecore_tracker_list(NULL, memory, bytes, NULL, NULL, NULL));
  WANT_NULL(posecore_tracker_list(plan, NULL, bytes, NULL, NULL, NULL));
  CHECK_STATUS(POSECORE_OK, posecore_tracker_list(plan, memory, bytes, NULL, NULL, NULL));
}

static void repairs(void) {
  const posecore_swap_plan* plan = NULL;
  const size_t room = sizeof plan_memory[0];
  const size_t bytes = sizeof memory;
  posecore_swap_options options;
  posecore_swap_options_init(&options);
  options.max_people = 8;
  WANT_NULL(posecore_swap_plan_make(NULL, &options, plan_memory[3], room, &plan));
  WANT_NULL(posecore_swap_plan_make(posecore_coco17_body(), &options, NULL, room, &plan));
  WANT_NULL(posecore_swap_plan_make(posecore_coco17_body(), &options, plan_memory[3], room, NULL));
  CHECK(posecore_swap_workspace_bytes(NULL) == 0);
  CHECK_STATUS(POSECORE_OK, posecore_swap_plan_make(posecore_coco17_body(), &options, plan_memory[3], room, &plan));
  WANT_NULL(posecore_swap_start(NULL, memory, bytes));
  WANT_NULL(posecore_swap_start(plan, NULL, bytes));
  CHECK_STATUS(POSECORE_OK, posecore_swap_start(plan, memory, bytes));

  posecore_swap_counts counts = {0, 0};
  const posecore_identified_poses good = {ids, xy, scores, visible, 1, 1.0};
  WANT_NULL(posecore_swap_repair(NULL, &good, memory, bytes, &counts));
  WANT_NULL(posecore_swap_repair(plan, NULL, memory, bytes, &counts));
  WANT_NULL(posecore_swap_repair(plan, &good, NULL, bytes, &counts));
  WANT_NULL(posecore_swap_repair(plan, &good, memory, bytes, NULL));
  posecore_identified_poses poses = good;
  poses.ids = NULL;
  WANT_NULL(posecore_swap_repair(plan, &poses, memory, bytes, &counts));
  poses = good;
  poses.xy = NULL;
  WANT_NULL(posecore_swap_repair(plan, &poses, memory, bytes, &counts));
  poses = good;
  poses.scores = NULL;
  WANT_NULL(posecore_swap_repair(plan, &poses, memory, bytes, &counts));
  poses = good;
  poses.visible = NULL;
  WANT_NULL(posecore_swap_repair(plan, &poses, memory, bytes, &counts));
}

void test_null_pointers_over_time(void) {
  posecore_kalman_options_init(NULL);
  posecore_one_euro_options_init(NULL);
  posecore_tracker_options_init(NULL);
  posecore_swap_options_init(NULL);
  filters();
  trackers();
  repairs();
}
