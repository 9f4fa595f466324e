/** @file
 * Left and right keypoints that changed places where nobody turned round: put back, and counted. Plan and workspace as
 * in track.h.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "posecore/c/status.h"
#include "posecore/c/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct posecore_swap_options {
  int32_t
      max_people; /**< people who are remembered; one more and the longest unseen is forgotten, 1 to 256; default 64 */
  double patience_s; /**< an exchange that lasts longer is believed, 0 to 60; default 0.3 */
  double max_gap_s;  /**< a keypoint that was not seen for longer says nothing, 0 to 60; default 0.5 */
} posecore_swap_options;

/** Writes the defaults; null is passed over. */
POSECORE_API void posecore_swap_options_init(posecore_swap_options* options);

/** Checked body and options, in the caller's memory. */
typedef struct posecore_swap_plan posecore_swap_plan;

/** At least posecore_swap_plan_bytes(K), for K that is known at compile time; a multiple of 8. */
#define POSECORE_SWAP_PLAN_BYTES(num_keypoints) (128 + 16 * (num_keypoints))

/** Bytes of a plan for this many keypoints; 0 where there can be none (not 1 to 1024). */
POSECORE_API size_t posecore_swap_plan_bytes(int32_t num_keypoints);

/** As posecore_tracker_plan_make. Without `flip` there is nothing to repair; with `edges`, pairs that hang together are
 * put back together. */
POSECORE_API posecore_status posecore_swap_plan_make(const posecore_body* body, const posecore_swap_options* options,
                                                     void* memory, size_t bytes, const posecore_swap_plan** plan);

/** Bytes of workspace; 0 for a null plan. */
POSECORE_API size_t posecore_swap_workspace_bytes(const posecore_swap_plan* plan);

/** Makes the workspace one that has seen nobody.
 * @return POSECORE_OK, NULL_POINTER, WORKSPACE_TOO_SMALL or MISALIGNED */
POSECORE_API posecore_status posecore_swap_start(const posecore_swap_plan* plan, void* workspace, size_t bytes);

/** People of one frame, changed in place. Keypoint k of person n is (xy[2 (n K + k)], xy[2 (n K + k) + 1]) in pixels.
 */
typedef struct posecore_identified_poses {
  const int64_t* ids; /**< (count): who is who; those below 0 are left as they are, and so is an id's second pose */
  float* xy;          /**< (count, K, 2), x first */
  float* scores;      /**< (count, K); 0 where a keypoint is marked missing */
  uint8_t* visible;   /**< (count, K), 0 where a keypoint is not there, or is marked missing; may not be null */
  int32_t count;
  double time_s; /**< in [-1e10, 1e10], after that of the frame before */
} posecore_identified_poses;

typedef struct posecore_swap_counts {
  int64_t exchanged;  /**< sets of pairs that were put back, one each a frame */
  int64_t duplicates; /**< keypoints that were marked missing, one each a frame */
} posecore_swap_counts;

/** @param counts what was done is added to it
 * @return POSECORE_OK, NULL_POINTER, WORKSPACE_TOO_SMALL, MISALIGNED, NOT_STARTED, TOO_MANY_PEOPLE (count < 0) or
 *         NOT_LATER */
POSECORE_API posecore_status posecore_swap_repair(const posecore_swap_plan* plan,
                                                  const posecore_identified_poses* poses, void* workspace, size_t bytes,
                                                  posecore_swap_counts* counts);

#ifdef __cplusplus
}
#endif
