/** @file
 * The one-euro filter (Casiez, Roussel and Vogel, CHI 2012, algorithm 1), with speeds in sizes of the person, so that
 * its options mean the same at every resolution. float32; the baseline beside the Kalman filter.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "posecore/c/smooth.h"
#include "posecore/c/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct posecore_one_euro_options {
  float fps;                  /**< nominal frames a second, 1 to 1000; default 30 */
  float min_cutoff_hz;        /**< of somebody who stands still, 0.001 to 1000; default 1 */
  float beta;                 /**< cutoff that a speed of one size a second adds, Hz, 0 to 1000; default 20 */
  float derivative_cutoff_hz; /**< of the speed, 0.001 to 1000; default 1 */
  int32_t max_coast_frames;   /**< a missing keypoint stays where it is for so many frames, 0 to 240; default 30 */
  float pace;                 /**< nominal frames from one frame to the next, 1/64 to 2048; default 1 */
} posecore_one_euro_options;

/** Writes the defaults; null is passed over. */
POSECORE_API void posecore_one_euro_options_init(posecore_one_euro_options* options);

/** Checked options, in the caller's memory. */
typedef struct posecore_one_euro_plan posecore_one_euro_plan;

/** At least posecore_one_euro_plan_bytes(), at compile time. */
#define POSECORE_ONE_EURO_PLAN_BYTES 128

POSECORE_API size_t posecore_one_euro_plan_bytes(void);

/** As posecore_kalman_plan_make. */
POSECORE_API posecore_status posecore_one_euro_plan_make(const posecore_one_euro_options* options,
                                                         int32_t num_keypoints, void* memory, size_t bytes,
                                                         const posecore_one_euro_plan** plan);

/** Bytes of one person, a multiple of 8; 0 for a null plan. */
POSECORE_API size_t posecore_one_euro_person_bytes(const posecore_one_euro_plan* plan);

/** As posecore_kalman_smooth_track. Coordinates beyond [-32768, 32768) px are clamped and counted as saturations. */
POSECORE_API posecore_status posecore_one_euro_smooth_track(const posecore_one_euro_plan* plan,
                                                            const posecore_measured_poses* measured, int32_t frames,
                                                            const double* times_s, void* person, size_t bytes,
                                                            const posecore_smoothed_poses* smoothed);

/** As posecore_kalman_smooth_people. */
POSECORE_API posecore_status posecore_one_euro_smooth_people(const posecore_one_euro_plan* plan,
                                                             const posecore_measured_poses* measured, int32_t people,
                                                             const double* time_s, void* states, int32_t room,
                                                             size_t bytes, const int32_t* slots,
                                                             const posecore_smoothed_poses* smoothed);

/** As posecore_kalman_counters. */
POSECORE_API posecore_status posecore_one_euro_counters(const posecore_one_euro_plan* plan, const void* person,
                                                        size_t bytes, posecore_filter_counters* counters);

#ifdef __cplusplus
}
#endif
