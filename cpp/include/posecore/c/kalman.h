/** @file
 * The Kalman filter of keypoints: constant velocity, or constant position, in fixed point or float32.
 * posecore/kalman.hpp says how it is made.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "posecore/c/smooth.h"
#include "posecore/c/status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
  POSECORE_CONSTANT_VELOCITY = 0,
  POSECORE_CONSTANT_POSITION = 1 /**< an average of gain 0.2702, often copied: it lags 2.70 frames behind */
};

enum {
  POSECORE_FIXED_POINT = 0, /**< 64-bit integers are the widest; the same bits on every machine */
  POSECORE_FLOAT = 1        /**< float32, for machines that count floats faster */
};

/** Lengths are in sizes of the person: with sizes_px all 1, in pixels. */
typedef struct posecore_kalman_options {
  float fps;                    /**< nominal frames a second, 1 to 1000: the unit of time; default 30 */
  float noise;                  /**< deviation of a keypoint of score 1 on each axis, 0.0001 to 1000; default 0.02 */
  float least_score;            /**< the deviation is noise / max(score, least_score), 0.05 to 1; default 0.3 */
  float acceleration;           /**< deviation, sizes / s^2, drawn anew every hold_s, over 0; default 10 */
  float hold_s;                 /**< 0.001 to 1; default 1 / 30 */
  float speed;                  /**< deviation of a velocity that is not known yet, sizes / s, over 0; default 2 */
  float gate_sigmas;            /**< a measurement that is further off is gated, 1 to 1000; 0: none is; default 10 */
  int32_t gated_before_restart; /**< so many gated in a row, and the next one begins anew, 0 to 100; default 3 */
  int32_t max_coast_frames;     /**< a missing keypoint is expected for so long, 0 to 240; default 30 */
  float pace;                   /**< nominal frames from one frame to the next, 1/64 to 2048; default 1 */
  int32_t motion;               /**< POSECORE_CONSTANT_VELOCITY (default) or POSECORE_CONSTANT_POSITION */
  int32_t arithmetic;           /**< POSECORE_FIXED_POINT (default) or POSECORE_FLOAT */
} posecore_kalman_options;

/** Writes the defaults; null is passed over. */
POSECORE_API void posecore_kalman_options_init(posecore_kalman_options* options);

/** Checked options, in the caller's memory. */
typedef struct posecore_kalman_plan posecore_kalman_plan;

/** At least posecore_kalman_plan_bytes(), at compile time. */
#define POSECORE_KALMAN_PLAN_BYTES 256

POSECORE_API size_t posecore_kalman_plan_bytes(void);

/** Checks the options and makes a plan of them in `memory`.
 * @param options       null: the defaults
 * @param num_keypoints K, 1 to 1024
 * @param plan          where the plan's address goes; null where the call says no
 * @return POSECORE_OK, NULL_POINTER, BAD_OPTIONS (also for options that do not go together: acceleration^2 hold_s /
 * (fps^3 noise^2) is in [1e-9, 1e3] and (speed / (fps noise))^2 in [1e-6, 1e6]), WORKSPACE_TOO_SMALL or MISALIGNED */
POSECORE_API posecore_status posecore_kalman_plan_make(const posecore_kalman_options* options, int32_t num_keypoints,
                                                       void* memory, size_t bytes, const posecore_kalman_plan** plan);

/** Bytes of one person, a multiple of 8; 0 for a null plan. A person's memory may go on with a plan of another pace,
 * acceleration, hold_s, gates and coasting; num_keypoints, fps, noise, motion and arithmetic stay. */
POSECORE_API size_t posecore_kalman_person_bytes(const posecore_kalman_plan* plan);

/** One person over `frames` poses, one after the other.
 * @param times_s one time a pose in seconds, in [-1e10, 1e10], none before the one before; null: one nominal frame each
 * @param person  carries on from where it was, and is left for more; all zeros for somebody new
 * @return POSECORE_OK, NULL_POINTER, BAD_OPTIONS (frames < 0), BAD_TIMES, WORKSPACE_TOO_SMALL or MISALIGNED */
POSECORE_API posecore_status posecore_kalman_smooth_track(const posecore_kalman_plan* plan,
                                                          const posecore_measured_poses* measured, int32_t frames,
                                                          const double* times_s, void* person, size_t bytes,
                                                          const posecore_smoothed_poses* smoothed);

/** One frame of `people` poses.
 * @param time_s null: one nominal frame since each was last here
 * @param states `room` people side by side, room * posecore_kalman_person_bytes bytes
 * @param slots  pose n is person slots[n], each at most once and in 0 to room - 1; null: person n
 * @return as posecore_kalman_smooth_track; WORKSPACE_TOO_SMALL also for a slot that is not there */
POSECORE_API posecore_status posecore_kalman_smooth_people(const posecore_kalman_plan* plan,
                                                           const posecore_measured_poses* measured, int32_t people,
                                                           const double* time_s, void* states, int32_t room,
                                                           size_t bytes, const int32_t* slots,
                                                           const posecore_smoothed_poses* smoothed);

/** What happened to a person so far.
 * @return POSECORE_OK, NULL_POINTER, WORKSPACE_TOO_SMALL or MISALIGNED */
POSECORE_API posecore_status posecore_kalman_counters(const posecore_kalman_plan* plan, const void* person,
                                                      size_t bytes, posecore_filter_counters* counters);

/** A place in integers: Q16.16 pixels, which is 65536 times the pixels. */
typedef struct POSECORE_MAY_ALIAS posecore_fixed_point {
  int32_t x;
  int32_t y;
} posecore_fixed_point;

typedef struct POSECORE_MAY_ALIAS posecore_fixed_measurement {
  posecore_fixed_point at;
  uint32_t weakness; /**< its variance, that of a keypoint of score 1 being 1: Q12.20, 1 to 400; 0: missing */
} posecore_fixed_measurement;

/** One pose on a board without floats, for plans of POSECORE_FIXED_POINT only.
 * @param measured K
 * @param frames   nominal frames since the pose before, Q16.16
 * @param size_px  how large the person is, Q16.16 pixels; 0: as it was
 * @param smoothed K
 * @param kinds    K of POSECORE_KEYPOINT_...; null: not asked for
 * @return POSECORE_OK, NULL_POINTER, BAD_OPTIONS (a plan of floats), WORKSPACE_TOO_SMALL or MISALIGNED */
POSECORE_API posecore_status posecore_kalman_smooth_fixed(const posecore_kalman_plan* plan,
                                                          const posecore_fixed_measurement* measured, uint32_t frames,
                                                          uint32_t size_px, void* person, size_t bytes,
                                                          posecore_fixed_point* smoothed, uint8_t* kinds);

#ifdef __cplusplus
}
#endif
