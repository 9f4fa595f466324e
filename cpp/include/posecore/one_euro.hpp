// The one-euro filter (Casiez, Roussel and Vogel, CHI 2012, algorithm 1), with speeds in sizes of the person, so that
// its options mean the same at every resolution. float32; the baseline beside the Kalman filter.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "posecore/smooth.hpp"
#include "posecore/status.hpp"

namespace posecore {

struct OneEuroOptions {
  float fps = 30.0F;                  // nominal frames a second, 1 to 1000
  float min_cutoff_hz = 1.0F;         // of somebody who stands still, 0.001 to 1000
  float beta = 20.0F;                 // cutoff that a speed of one size a second adds, Hz, 0 to 1000
  float derivative_cutoff_hz = 1.0F;  // of the speed, 0.001 to 1000
  int32_t max_coast_frames = 30;      // a missing keypoint stays where it is for so many frames, 0 to 240
  float pace = 1.0F;                  // as KalmanOptions'
};

// Made by make_plan, read by the calls.
struct OneEuroPlan {
  OneEuroOptions options;
  int32_t num_keypoints;
};

// kBadOptions: an option outside of its range, or num_keypoints that are not 1 to kMaxSmoothedKeypoints.
[[nodiscard]] Status make_plan(const OneEuroOptions& options, int32_t num_keypoints, OneEuroPlan* plan) noexcept;

// As their namesakes of kalman.hpp. Coordinates beyond [-32768, 32768) px are clamped and counted as saturations.
[[nodiscard]] size_t person_bytes(const OneEuroPlan& plan) noexcept;
[[nodiscard]] Status smooth_track(const OneEuroPlan& plan, const MeasuredPoses& measured, int32_t frames,
                                  const double* times_s, void* person, size_t bytes,
                                  const SmoothedPoses& smoothed) noexcept;
[[nodiscard]] Status smooth_people(const OneEuroPlan& plan, const MeasuredPoses& measured, int32_t people,
                                   const double* time_s, void* states, int32_t room, size_t bytes, const int32_t* slots,
                                   const SmoothedPoses& smoothed) noexcept;
[[nodiscard]] FilterCounters counters(const OneEuroPlan& plan, const void* person) noexcept;

}  // namespace posecore
