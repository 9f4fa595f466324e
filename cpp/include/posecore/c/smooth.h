/** @file
 * Poses over time: what every filter takes and gives. kalman.h and one_euro.h are the filters.
 *
 * What a filter remembers of one person is a block of the caller's memory, as many bytes as `..._person_bytes` says;
 * all zeros is a person that was never seen. It holds no pointers: it may be copied and moved.
 */
#pragma once

#include <stdint.h>

#include "posecore/c/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/** n poses of K keypoints: n frames of one person, or n people of one frame. A keypoint whose x or y is not finite, or
 * whose score is not over 0, is missing. */
typedef struct posecore_measured_poses {
  const float* xy;       /**< (n, K, 2), x first, in pixels */
  const float* scores;   /**< (n, K), over 0 to 1; null: all 1 */
  const uint8_t* seen;   /**< (n, K), 0 where a keypoint is missing; null: all are seen */
  const float* sizes_px; /**< (n), how large the person is, held in 1/64 to 32768; null: from the keypoints seen */
} posecore_measured_poses;

/** What became of a keypoint in one frame. */
enum {
  POSECORE_KEYPOINT_ABSENT = 0,   /**< never seen, or missing for too long; its xy is where it was last, or (0, 0) */
  POSECORE_KEYPOINT_MEASURED = 1, /**< filtered */
  POSECORE_KEYPOINT_COASTED = 2,  /**< missing; its xy is what the filter expects */
  POSECORE_KEYPOINT_GATED = 3,    /**< too far from what was expected, and taken for missing */
  POSECORE_KEYPOINT_RESTARTED = 4 /**< the filter began from this measurement */
};

typedef struct posecore_smoothed_poses {
  float* xy;      /**< (n, K, 2), in pixels; may be the memory of the measured xy */
  uint8_t* kinds; /**< (n, K) of POSECORE_KEYPOINT_...; null: not asked for */
} posecore_smoothed_poses;

/** Events since the person was zeros. They only grow. */
typedef struct posecore_filter_counters {
  int64_t saturations; /**< numbers that left their range */
  int64_t gated;       /**< measurements that were taken for outliers */
  int64_t coasted;     /**< keypoints that were missing and expected */
  int64_t restarts;    /**< begun again from a measurement, the first time not counted */
} posecore_filter_counters;

#ifdef __cplusplus
}
#endif
