#include <math.h>
#include <string.h>

#include "check.h"
#include "made_heads.h"

enum { MOST = 8, FRAMES = 24 };

static made_heads made;
static uint64_t multi_memory[POSECORE_MULTI_PLAN_BYTES(17) / 8];
static uint64_t tracker_memory[POSECORE_TRACKER_PLAN_BYTES(17) / 8];
static uint64_t swap_memory[POSECORE_SWAP_PLAN_BYTES(17) / 8];
static uint64_t kalman_memory[POSECORE_KALMAN_PLAN_BYTES / 8];
static uint64_t one_euro_memory[POSECORE_ONE_EURO_PLAN_BYTES / 8];
static uint64_t workspace[8192];
static uint64_t tracker[8192];
static uint64_t swaps[8192];
static uint64_t person[MOST * 1024];
static float xy[MOST * 17 * 2];
static float scores[MOST * 17];
static float pose_scores[MOST];
static uint8_t visible[MOST * 17];
static uint8_t kinds[MOST * 17];
static int64_t ids[MOST];

typedef struct plans {
  const posecore_multi_plan* multi;
  const posecore_tracker_plan* tracker;
  const posecore_swap_plan* swaps;
  const posecore_kalman_plan* kalman;
  const posecore_one_euro_plan* one_euro;
} plans;

static plans made_plans(void) {
  plans all;
  posecore_multi_options multi;
  posecore_multi_options_init(&multi);
  multi.max_poses = MOST;
  posecore_tracker_options tracks;
  posecore_tracker_options_init(&tracks);
  tracks.max_people = MOST;
  posecore_swap_options exchanges;
  posecore_swap_options_init(&exchanges);
  exchanges.max_people = MOST;
  CHECK_STATUS(POSECORE_OK,
               posecore_multi_plan_make(posecore_coco17(), &multi, multi_memory, sizeof multi_memory, &all.multi));
  CHECK_STATUS(POSECORE_OK, posecore_tracker_plan_make(posecore_coco17_body(), &tracks, tracker_memory,
                                                       sizeof tracker_memory, &all.tracker));
  CHECK_STATUS(POSECORE_OK, posecore_swap_plan_make(posecore_coco17_body(), &exchanges, swap_memory, sizeof swap_memory,
                                                    &all.swaps));
  CHECK_STATUS(POSECORE_OK, posecore_kalman_plan_make(NULL, 17, kalman_memory, sizeof kalman_memory, &all.kalman));
  CHECK_STATUS(POSECORE_OK,
               posecore_one_euro_plan_make(NULL, 17, one_euro_memory, sizeof one_euro_memory, &all.one_euro));
  CHECK(posecore_kalman_plan_bytes() <= POSECORE_KALMAN_PLAN_BYTES);
  CHECK(posecore_one_euro_plan_bytes() <= POSECORE_ONE_EURO_PLAN_BYTES);
  CHECK(posecore_multi_workspace_bytes(all.multi, MADE_ROWS, MADE_COLUMNS) <= sizeof workspace);
  CHECK(posecore_tracker_workspace_bytes(all.tracker) <= sizeof tracker);
  CHECK(posecore_swap_workspace_bytes(all.swaps) <= sizeof swaps);
  CHECK(posecore_kalman_person_bytes(all.kalman) <= 1024 * 8);
  CHECK(posecore_one_euro_person_bytes(all.one_euro) <= 1024 * 8);
  memset(person, 0, sizeof person);
  CHECK_STATUS(POSECORE_OK, posecore_tracker_start(all.tracker, tracker, sizeof tracker));
  CHECK_STATUS(POSECORE_OK, posecore_swap_start(all.swaps, swaps, sizeof swaps));
  return all;
}

static posecore_frame_poses frame_of(int32_t count, double time_s) {
  posecore_frame_poses frame = {xy, scores, pose_scores, visible, 0, 0.0};
  frame.count = count;
  frame.time_s = time_s;
  return frame;
}

static posecore_identified_poses identified(int32_t count, double time_s) {
  posecore_identified_poses poses = {ids, xy, scores, visible, 0, 0.0};
  poses.count = count;
  poses.time_s = time_s;
  return poses;
}

/* Two people walk towards each other; the left one's knees change places in one frame. */
void test_a_walk_is_decoded_tracked_repaired_and_smoothed(void) {
  const plans all = made_plans();
  const size_t bytes = posecore_kalman_person_bytes(all.kalman);
  posecore_swap_counts repaired = {0, 0};
  for (int32_t t = 0; t < FRAMES; ++t) {
    const made_person people[2] = {{(float)(60 + 2 * t), 30}, {(float)(250 - 2 * t), 42}};
    const double time_s = t / 30.0;
    make_heads(people, 2, POSECORE_UINT8, 1, &made);
    posecore_poses poses = {xy, scores, pose_scores, MOST, 0, NULL};
    CHECK_STATUS(POSECORE_OK, posecore_decode_multi(all.multi, &made.heads, workspace, sizeof workspace, &poses));
    CHECK(poses.count == 2);
    for (int32_t i = 0; i < 2 * 17; ++i) {
      visible[i] = scores[i] > 0;
    }
    const posecore_frame_poses frame = frame_of(2, time_s);
    CHECK_STATUS(POSECORE_OK, posecore_tracker_update(all.tracker, &frame, tracker, sizeof tracker, ids));
    const int32_t left = xy[0] < xy[2 * 17] ? 0 : 1;
    CHECK(ids[0] + ids[1] == 3 && (ids[0] == 1 || ids[1] == 1));
    const int32_t first = ids[0] == 1 ? 0 : 1;
    static int left_is_first;
    left_is_first = t == 0 ? left == first : left_is_first;
    CHECK((left == first) == left_is_first);
    if (t == 12) {
      for (int32_t axis = 0; axis < 2; ++axis) {
        float* const knees[2] = {&xy[2 * (left * 17 + 13) + axis], &xy[2 * (left * 17 + 14) + axis]};
        const float kept = *knees[0];
        *knees[0] = *knees[1];
        *knees[1] = kept;
      }
    }
    const posecore_identified_poses known = identified(2, time_s);
    CHECK_STATUS(POSECORE_OK, posecore_swap_repair(all.swaps, &known, swaps, sizeof swaps, &repaired));
    const int32_t slots[2] = {(int32_t)ids[0] - 1, (int32_t)ids[1] - 1};
    const posecore_measured_poses measured = {xy, scores, visible, NULL};
    const posecore_smoothed_poses smoothed = {xy, kinds};
    CHECK_STATUS(POSECORE_OK, posecore_kalman_smooth_people(all.kalman, &measured, 2, &time_s, person, MOST,
                                                            MOST * bytes, slots, &smoothed));
    for (int32_t n = 0; n < 2; ++n) {
      const made_person* there = &people[n == left ? 0 : 1];
      for (int32_t k = 0; k < 17; ++k) {
        float wanted[2];
        made_keypoint(there, k, wanted);
        CHECK(fabsf(xy[2 * (n * 17 + k)] - wanted[0]) < 5 && fabsf(xy[2 * (n * 17 + k) + 1] - wanted[1]) < 5);
        CHECK(kinds[n * 17 + k] == (t == 0 ? POSECORE_KEYPOINT_RESTARTED : POSECORE_KEYPOINT_MEASURED));
      }
    }
  }
  CHECK(repaired.exchanged == 1 && repaired.duplicates == 0);
  posecore_track_info infos[MOST];
  posecore_track_counts counts;
  int32_t count = 0;
  CHECK_STATUS(POSECORE_OK, posecore_tracker_list(all.tracker, tracker, sizeof tracker, infos, &count, &counts));
  CHECK(count == 2 && counts.births == 2 && counts.deaths == 0);
  CHECK(infos[0].id == 1 && infos[1].id == 2 && infos[1].hits == FRAMES && infos[0].first_seen_s == 0.0);
  posecore_filter_counters counters;
  CHECK_STATUS(POSECORE_OK, posecore_kalman_counters(all.kalman, person, bytes, &counters));
  CHECK(counters.gated == 0 && counters.coasted == 0 && counters.saturations == 0);
}

void test_statuses_over_time(void) {
  const plans all = made_plans();
  const posecore_measured_poses measured = {xy, scores, NULL, NULL};
  const posecore_smoothed_poses smoothed = {xy, NULL};
  const size_t bytes = posecore_kalman_person_bytes(all.kalman);
  const double backwards[2] = {1.0, 0.5};
  const double nan_time = NAN;
  const int32_t nowhere = 8;
  posecore_kalman_options kalman;
  posecore_kalman_options_init(&kalman);
  kalman.motion = 256;
  const posecore_kalman_plan* kalman_plan = NULL;
  CHECK_STATUS(POSECORE_BAD_OPTIONS,
               posecore_kalman_plan_make(&kalman, 17, kalman_memory, sizeof kalman_memory, &kalman_plan));
  posecore_kalman_options_init(&kalman);
  kalman.arithmetic = 2;
  CHECK_STATUS(POSECORE_BAD_OPTIONS,
               posecore_kalman_plan_make(&kalman, 17, kalman_memory, sizeof kalman_memory, &kalman_plan));
  CHECK_STATUS(POSECORE_BAD_OPTIONS,
               posecore_kalman_plan_make(NULL, 0, kalman_memory, sizeof kalman_memory, &kalman_plan));
  CHECK(kalman_plan == NULL);
  CHECK_STATUS(POSECORE_WORKSPACE_TOO_SMALL, posecore_kalman_plan_make(NULL, 17, kalman_memory, 8, &kalman_plan));
  CHECK_STATUS(POSECORE_MISALIGNED,
               posecore_kalman_plan_make(NULL, 17, (char*)kalman_memory + 4, sizeof kalman_memory - 8, &kalman_plan));
  CHECK_STATUS(POSECORE_OK, posecore_kalman_plan_make(NULL, 17, kalman_memory, sizeof kalman_memory, &kalman_plan));
  CHECK_STATUS(POSECORE_BAD_OPTIONS,
               posecore_kalman_smooth_track(all.kalman, &measured, -1, NULL, person, bytes, &smoothed));
  CHECK_STATUS(POSECORE_BAD_TIMES,
               posecore_kalman_smooth_track(all.kalman, &measured, 2, backwards, person, bytes, &smoothed));
  CHECK_STATUS(POSECORE_BAD_TIMES, posecore_one_euro_smooth_people(all.one_euro, &measured, 1, &nan_time, person, 1,
                                                                   bytes, NULL, &smoothed));
  CHECK_STATUS(POSECORE_WORKSPACE_TOO_SMALL,
               posecore_kalman_smooth_track(all.kalman, &measured, 2, NULL, person, bytes - 1, &smoothed));
  CHECK_STATUS(POSECORE_MISALIGNED,
               posecore_kalman_smooth_track(all.kalman, &measured, 2, NULL, (char*)person + 4, bytes, &smoothed));
  CHECK_STATUS(POSECORE_WORKSPACE_TOO_SMALL, posecore_kalman_smooth_people(all.kalman, &measured, 1, NULL, person, MOST,
                                                                           MOST * bytes, &nowhere, &smoothed));
  posecore_filter_counters counters;
  CHECK_STATUS(POSECORE_WORKSPACE_TOO_SMALL, posecore_kalman_counters(all.kalman, person, bytes - 1, &counters));
  CHECK_STATUS(POSECORE_MISALIGNED, posecore_kalman_counters(all.kalman, (char*)person + 4, bytes, &counters));
  posecore_fixed_measurement in[17] = {{{0, 0}, 0}};
  posecore_fixed_point out[17];
  CHECK_STATUS(POSECORE_OK, posecore_kalman_smooth_fixed(all.kalman, in, 65536, 0, person, bytes, out, NULL));
  posecore_kalman_options_init(&kalman);
  kalman.arithmetic = POSECORE_FLOAT;
  CHECK_STATUS(POSECORE_OK, posecore_kalman_plan_make(&kalman, 17, kalman_memory, sizeof kalman_memory, &kalman_plan));
  CHECK_STATUS(POSECORE_BAD_OPTIONS,
               posecore_kalman_smooth_fixed(kalman_plan, in, 65536, 0, person, sizeof person, out, NULL));

  static const int32_t kNoInverse[2] = {1, 1};
  const posecore_body odd = {2, NULL, kNoInverse, NULL, 0};
  const posecore_body none = {0, NULL, NULL, NULL, 0};
  const posecore_tracker_plan* tracker_plan = NULL;
  const posecore_swap_plan* swap_plan = NULL;
  CHECK_STATUS(POSECORE_BAD_SKELETON,
               posecore_tracker_plan_make(&odd, NULL, tracker_memory, sizeof tracker_memory, &tracker_plan));
  CHECK_STATUS(POSECORE_BAD_SKELETON,
               posecore_tracker_plan_make(&none, NULL, tracker_memory, sizeof tracker_memory, &tracker_plan));
  CHECK_STATUS(POSECORE_BAD_SKELETON, posecore_swap_plan_make(&odd, NULL, swap_memory, sizeof swap_memory, &swap_plan));
  CHECK(tracker_plan == NULL && swap_plan == NULL);

  const plans again = made_plans();
  memset(tracker, 0, sizeof tracker);
  memset(swaps, 0, sizeof swaps);
  posecore_frame_poses frame = frame_of(1, 1.0);
  posecore_identified_poses known = identified(1, 1.0);
  posecore_swap_counts counts = {0, 0};
  CHECK_STATUS(POSECORE_NOT_STARTED, posecore_tracker_update(again.tracker, &frame, tracker, sizeof tracker, ids));
  CHECK_STATUS(POSECORE_NOT_STARTED, posecore_tracker_list(again.tracker, tracker, sizeof tracker, NULL, NULL, NULL));
  CHECK_STATUS(POSECORE_NOT_STARTED, posecore_swap_repair(again.swaps, &known, swaps, sizeof swaps, &counts));
  CHECK_STATUS(POSECORE_OK, posecore_tracker_start(again.tracker, tracker, sizeof tracker));
  CHECK_STATUS(POSECORE_OK, posecore_swap_start(again.swaps, swaps, sizeof swaps));
  CHECK_STATUS(POSECORE_WORKSPACE_TOO_SMALL, posecore_tracker_start(again.tracker, tracker, 8));
  CHECK_STATUS(POSECORE_MISALIGNED, posecore_swap_start(again.swaps, (char*)swaps + 4, sizeof swaps - 8));
  CHECK_STATUS(POSECORE_OK, posecore_tracker_update(again.tracker, &frame, tracker, sizeof tracker, ids));
  CHECK_STATUS(POSECORE_NOT_LATER, posecore_tracker_update(again.tracker, &frame, tracker, sizeof tracker, ids));
  CHECK_STATUS(POSECORE_OK, posecore_swap_repair(again.swaps, &known, swaps, sizeof swaps, &counts));
  CHECK_STATUS(POSECORE_NOT_LATER, posecore_swap_repair(again.swaps, &known, swaps, sizeof swaps, &counts));
  frame = frame_of(MOST + 1, 2.0);
  CHECK_STATUS(POSECORE_TOO_MANY_PEOPLE, posecore_tracker_update(again.tracker, &frame, tracker, sizeof tracker, ids));
  known = identified(-1, 2.0);
  CHECK_STATUS(POSECORE_TOO_MANY_PEOPLE, posecore_swap_repair(again.swaps, &known, swaps, sizeof swaps, &counts));
}
