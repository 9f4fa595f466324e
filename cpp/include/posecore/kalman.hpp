// The Kalman filter of keypoints: constant velocity, or constant position, in fixed point or float32.
//
// Each keypoint has position and velocity on both axes and one covariance for both. Velocity changes by white
// acceleration noise, exact for any time between frames (Bar-Shalom, Li and Kirubarajan 2001, sec. 6.2.2). Pixels and
// nominal frames are the units. With the person's size s, and e the least whole number with s <= 2^e, covariances are
// divided by unit = (noise 2^e)^2, so that a keypoint of score 1 has the noise m = (s / 2^e)^2, which is in (1/4, 1].
// The unit, and not the noise of the frame, divides: scores come and go without touching the covariance. When a person
// grows or shrinks past a power of two, the covariance is shifted by an even number of bits; the pixels that it stands
// for stay.
//
// Fixed point: x Q16.16 px, v Q13.18 px/frame, gain Q2.30, covariance Q23.40, rounded to nearest; 64-bit integers are
// the widest, and the bits are the same on every machine. float32 has the same calls, rules and ranges, for machines
// that count floats faster; they are the same bits where floats are IEEE 754.
//
// Ranges, counted as saturations: a measurement beyond [-32768, 32768) px is clamped; a velocity beyond +-8192 px/frame
// is clamped; a gain of velocity of 1.99 or more is clamped; a keypoint that coasts out of [-32768, 32768) px, or whose
// covariance reaches 2^23, is absent and begins again from the next measurement.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "posecore/smooth.hpp"
#include "posecore/status.hpp"

namespace posecore {

enum class Arithmetic : uint8_t { kFixed, kFloat };

enum class Motion : uint8_t {
  kConstantVelocity,
  // The recipe that is often copied: F = H = P = I, R = 0.1 I, Q = 0.01 I. It is an exponential average of gain
  // 0.2702 that lags 2.70 frames behind: worse than no filter on somebody who walks. Once a frame, whatever the
  // times; scores, sizes, gates and the options of noise and motion are not read.
  kConstantPosition,
};

// Lengths are in sizes of the person: with sizes_px all 1, in pixels.
struct KalmanOptions {
  float fps = 30.0F;                 // nominal frames a second, 1 to 1000: the unit of time
  float noise = 0.02F;               // standard deviation of a keypoint with score 1, on each axis
  float least_score = 0.3F;          // the deviation is noise / max(score, least_score); 0.05 to 1
  float acceleration = 10.0F;        // standard deviation, sizes / s^2, drawn anew every `hold_s`
  float hold_s = 1.0F / 30;          // 0.001 to 1
  float speed = 2.0F;                // standard deviation of a velocity not yet known, sizes / s
  float gate_sigmas = 10.0F;         // a measurement further from the expected one is gated, 1 to 1000; 0: none is
  int32_t gated_before_restart = 3;  // so many gated in a row, and the next one begins anew; 0 to 100
  int32_t max_coast_frames = 30;     // frames, 0 to 240, and never more than 24,000 nominal ones
  float pace = 1.0F;                 // nominal frames from one frame to the next, 1/64 to 2048
  Motion motion = Motion::kConstantVelocity;
  Arithmetic arithmetic = Arithmetic::kFixed;
};

// Two gates. Beyond gate_sigmas of what noise and motion allow a measurement is gated however many there are, until it
// is believed after gated_before_restart. And a keypoint that was calm is not believed at once when it is suddenly
// elsewhere: further off than 5 times what its measurements were lately off (a mean over 8 frames), than 5 noise, and
// than 3000 noise t^2 after t seconds (so fast strikes begin), it is gated once. The next frame is believed: a spike
// has gone then, and who began to move is one frame late. gate_sigmas 0 opens both.
//
// A person's memory may go on with a plan of another pace, acceleration, hold_s, gates and coasting; num_keypoints,
// fps, noise, motion and arithmetic stay.

// Made by make_plan, read by the calls.
struct KalmanPlan {
  KalmanOptions options;
  int32_t num_keypoints;
  uint32_t coast_limit;    // nominal frames, Q16.16
  uint32_t pace;           // nominal frames, Q16.16
  uint32_t size_lag;       // frames, Q16.16
  uint32_t gate_mantissa;  // (gate_sigmas * noise)^2 px^2 = mantissa * 2^exponent, mantissa of 24 bits; 0: no gate
  int32_t gate_exponent;
  uint64_t velocity_noise;  // over one frame, by unit / m: Q23.40
  uint64_t start_velocity;  // variance, by unit / m: Q23.40
  uint64_t start_position;  // variance, Q23.40; 0: that of the measurement
  float gate;               // (gate_sigmas * noise)^2 px^2
  uint32_t spike_noise;     // what is nearer to the expected place than this is no spike, sizes, Q12.20
  uint32_t spike_start;     // nor what may have begun to move: sizes / frame^2, Q12.20
};

// kBadOptions: an option outside of its range, or noise, acceleration, speed and fps that do not go together:
// velocity_noise = acceleration^2 hold_s / (fps^3 noise^2) is in [1e-9, 1e3] and (speed / (fps noise))^2 in [1e-6,
// 1e6].
[[nodiscard]] Status make_plan(const KalmanOptions& options, int32_t num_keypoints, KalmanPlan* plan) noexcept;

// Bytes of one person, a multiple of 8.
[[nodiscard]] size_t person_bytes(const KalmanPlan& plan) noexcept;

// One person, `frames` poses. times_s has one time a pose, finite, in [-1e10, 1e10], not before the one before;
// null: one nominal frame each. `person` carries on from where it was, and is left for more. Where the call says no,
// nothing has changed.
// kNullPointer: no person, measured or smoothed xy, though there are frames. kBadOptions: frames < 0. kMisaligned.
// kWorkspaceTooSmall: bytes < person_bytes. kBadTimes: a time out of its range, or before one that was.
[[nodiscard]] Status smooth_track(const KalmanPlan& plan, const MeasuredPoses& measured, int32_t frames,
                                  const double* times_s, void* person, size_t bytes,
                                  const SmoothedPoses& smoothed) noexcept;

// One frame of `people` poses. `states` is `room` people side by side; pose n is person slots[n], each at most once
// (null: person n). time_s null: one nominal frame since each was last here. What it says is as above;
// kWorkspaceTooSmall also for `bytes` < room * person_bytes, and for a slot that is not in 0 to room - 1.
[[nodiscard]] Status smooth_people(const KalmanPlan& plan, const MeasuredPoses& measured, int32_t people,
                                   const double* time_s, void* states, int32_t room, size_t bytes, const int32_t* slots,
                                   const SmoothedPoses& smoothed) noexcept;

// What happened to the person so far; zeros for null.
[[nodiscard]] FilterCounters counters(const KalmanPlan& plan, const void* person) noexcept;

// For boards without floats, plans with Arithmetic::kFixed only.
struct FixedPoint {
  int32_t x;  // Q16.16 px
  int32_t y;
};
struct FixedMeasurement {
  FixedPoint at;
  uint32_t weakness;  // its variance, that of a keypoint with score 1 being 1: Q12.20, 1 to 400; 0: missing
};

// One pose of K keypoints, `frames` (Q16.16) after the one before; size_px is Q16.16, 0: not known, as it was. `kinds`
// has room for K of KeypointKind, or is null.
// kNullPointer, kWorkspaceTooSmall, kMisaligned: of `person`, as above. kBadOptions: the plan is one of floats.
[[nodiscard]] Status smooth_fixed(const KalmanPlan& plan, const FixedMeasurement* measured, uint32_t frames,
                                  uint32_t size_px, void* person, size_t bytes, FixedPoint* smoothed,
                                  uint8_t* kinds) noexcept;

}  // namespace posecore
