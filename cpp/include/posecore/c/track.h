/** @file
 * Poses of one frame after the other to people with stable ids. The workspace is the tracker: one for each stream of
 * frames.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "posecore/c/status.h"
#include "posecore/c/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct posecore_tracker_options {
  int32_t max_people;    /**< the most poses of a frame, and the most tracks that are held, 1 to 256; default 64 */
  int32_t min_hits;      /**< frames in which a person was found before she gets an id, 1 to 1000; default 1 */
  float min_similarity;  /**< a pose less like a track than this is not its, 0.001 to 1; default 0.1 */
  float min_birth_score; /**< a pose of a lower score starts no track, 0 to 1; default 0.3 */
  double max_gap_s;      /**< a track that was not seen for longer ends, 0 to 3600; default 1 */
} posecore_tracker_options;

/** Writes the defaults; null is passed over. */
POSECORE_API void posecore_tracker_options_init(posecore_tracker_options* options);

/** Checked body and options, in the caller's memory. */
typedef struct posecore_tracker_plan posecore_tracker_plan;

/** At least posecore_tracker_plan_bytes(K), for K that is known at compile time; a multiple of 8. */
#define POSECORE_TRACKER_PLAN_BYTES(num_keypoints) (128 + 8 * (num_keypoints))

/** Bytes of a plan for this many keypoints; 0 where there can be none (not 1 to 1024). */
POSECORE_API size_t posecore_tracker_plan_bytes(int32_t num_keypoints);

/** Checks body and options and makes a plan of them in `memory`, which is not moved afterwards. The body is not read
 * again.
 * @param options null: the defaults
 * @param plan    where the plan's address goes; null where the call says no
 * @return POSECORE_OK, NULL_POINTER, BAD_SKELETON (no keypoints, sigmas that are not positive and finite, a flip that
 * is not its own inverse, edges between keypoints that are not there), BAD_OPTIONS, WORKSPACE_TOO_SMALL or MISALIGNED
 */
POSECORE_API posecore_status posecore_tracker_plan_make(const posecore_body* body,
                                                        const posecore_tracker_options* options, void* memory,
                                                        size_t bytes, const posecore_tracker_plan** plan);

/** Bytes of a tracker; 0 for a null plan. */
POSECORE_API size_t posecore_tracker_workspace_bytes(const posecore_tracker_plan* plan);

/** Makes the workspace a tracker that has seen nothing. Ids begin at 1.
 * @return POSECORE_OK, NULL_POINTER, WORKSPACE_TOO_SMALL or MISALIGNED */
POSECORE_API posecore_status posecore_tracker_start(const posecore_tracker_plan* plan, void* workspace, size_t bytes);

/** Poses of one frame. Keypoint k of pose n is (xy[2 (n K + k)], xy[2 (n K + k) + 1]) in pixels. */
typedef struct posecore_frame_poses {
  const float* xy;          /**< (count, K, 2), x first */
  const float* scores;      /**< (count, K), in [0, 1] */
  const float* pose_scores; /**< (count), in [0, 1] */
  const uint8_t* visible;   /**< (count, K), 0 where a keypoint is not there; null: a score over 0 says it */
  int32_t count;            /**< 0 to max_people */
  double time_s;            /**< in [-1e10, 1e10], after that of the frame before */
} posecore_frame_poses;

/** The id of each pose, or -1 for one that is nobody's yet. Each track is predicted to the frame's time, compared with
 * each pose (OKS of the keypoints that both have, weighted by scores), and the assignment with the greatest sum is
 * taken. The order of the poses does not matter. Ids are never used twice.
 * @param ids count numbers, written
 * @return POSECORE_OK, NULL_POINTER, WORKSPACE_TOO_SMALL, MISALIGNED, NOT_STARTED, TOO_MANY_PEOPLE or NOT_LATER */
POSECORE_API posecore_status posecore_tracker_update(const posecore_tracker_plan* plan,
                                                     const posecore_frame_poses* poses, void* workspace, size_t bytes,
                                                     int64_t* ids);

typedef struct posecore_track_counts {
  int64_t births; /**< people who were given an id */
  int64_t deaths; /**< of them, those whose track ended */
} posecore_track_counts;

typedef struct POSECORE_MAY_ALIAS posecore_track_info {
  int64_t id;
  double first_seen_s;
  double last_seen_s;
  int32_t hits; /**< frames in which the person was found */
} posecore_track_info;

/** Tracks that have an id, oldest first.
 * @param infos  room for max_people; null where only numbers are wanted
 * @param count  how many there are; null: not asked for
 * @param counts null: not asked for
 * @return POSECORE_OK, NULL_POINTER, WORKSPACE_TOO_SMALL, MISALIGNED or NOT_STARTED */
POSECORE_API posecore_status posecore_tracker_list(const posecore_tracker_plan* plan, const void* workspace,
                                                   size_t bytes, posecore_track_info* infos, int32_t* count,
                                                   posecore_track_counts* counts);

#ifdef __cplusplus
}
#endif
