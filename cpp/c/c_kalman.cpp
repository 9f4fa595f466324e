#include "posecore/kalman.hpp"

#include "c_filter.hpp"
#include "posecore/c/kalman.h"

struct posecore_kalman_plan {
  posecore::KalmanPlan plan;
};
static_assert(sizeof(posecore_kalman_plan) <= POSECORE_KALMAN_PLAN_BYTES);

namespace posecore {
namespace {

static_assert(POSECORE_CONSTANT_VELOCITY == static_cast<int32_t>(Motion::kConstantVelocity));
static_assert(POSECORE_CONSTANT_POSITION == static_cast<int32_t>(Motion::kConstantPosition));
static_assert(POSECORE_FIXED_POINT == static_cast<int32_t>(Arithmetic::kFixed));
static_assert(POSECORE_FLOAT == static_cast<int32_t>(Arithmetic::kFloat));

// The same numbers at the same places, so that one is read as the other.
template <class InC, class InCpp>
constexpr bool kAlike = sizeof(InC) == sizeof(InCpp) && alignof(InC) == alignof(InCpp);
static_assert(kAlike<posecore_fixed_point, FixedPoint> && offsetof(posecore_fixed_point, y) == offsetof(FixedPoint, y));
static_assert(kAlike<posecore_fixed_measurement, FixedMeasurement> &&
              offsetof(posecore_fixed_measurement, weakness) == offsetof(FixedMeasurement, weakness));

[[nodiscard]] bool read(const posecore_kalman_options* given, KalmanOptions* options) noexcept {
  if (given == nullptr) {
    return true;
  }
  options->fps = given->fps;
  options->noise = given->noise;
  options->least_score = given->least_score;
  options->acceleration = given->acceleration;
  options->hold_s = given->hold_s;
  options->speed = given->speed;
  options->gate_sigmas = given->gate_sigmas;
  options->gated_before_restart = given->gated_before_restart;
  options->max_coast_frames = given->max_coast_frames;
  options->pace = given->pace;
  return c::choose(given->motion, Motion::kConstantPosition, &options->motion) &&
         c::choose(given->arithmetic, Arithmetic::kFloat, &options->arithmetic);
}

}  // namespace
}  // namespace posecore

void posecore_kalman_options_init(posecore_kalman_options* options) {
  const posecore::KalmanOptions from;
  if (options != nullptr) {
    *options = {from.fps,
                from.noise,
                from.least_score,
                from.acceleration,
                from.hold_s,
                from.speed,
                from.gate_sigmas,
                from.gated_before_restart,
                from.max_coast_frames,
                from.pace,
                static_cast<int32_t>(from.motion),
                static_cast<int32_t>(from.arithmetic)};
  }
}

size_t posecore_kalman_plan_bytes(void) { return sizeof(posecore_kalman_plan); }

posecore_status posecore_kalman_plan_make(const posecore_kalman_options* options, int32_t num_keypoints, void* memory,
                                          size_t bytes, const posecore_kalman_plan** plan) {
  if (plan == nullptr) {
    return POSECORE_NULL_POINTER;
  }
  *plan = nullptr;
  posecore::KalmanOptions read_options;
  if (!posecore::read(options, &read_options)) {
    return POSECORE_BAD_OPTIONS;
  }
  return posecore::c::make_filter(read_options, num_keypoints, memory, bytes, plan);
}

size_t posecore_kalman_person_bytes(const posecore_kalman_plan* plan) {
  return plan == nullptr ? 0 : person_bytes(plan->plan);
}

posecore_status posecore_kalman_smooth_track(const posecore_kalman_plan* plan, const posecore_measured_poses* measured,
                                             int32_t frames, const double* times_s, void* person, size_t bytes,
                                             const posecore_smoothed_poses* smoothed) {
  return posecore::c::track(plan, measured, frames, times_s, person, bytes, smoothed);
}

posecore_status posecore_kalman_smooth_people(const posecore_kalman_plan* plan, const posecore_measured_poses* measured,
                                              int32_t people, const double* time_s, void* states, int32_t room,
                                              size_t bytes, const int32_t* slots,
                                              const posecore_smoothed_poses* smoothed) {
  return posecore::c::people(plan, measured, people, time_s, states, room, bytes, slots, smoothed);
}

posecore_status posecore_kalman_counters(const posecore_kalman_plan* plan, const void* person, size_t bytes,
                                         posecore_filter_counters* counters) {
  return posecore::c::count(plan, person, bytes, counters);
}

posecore_status posecore_kalman_smooth_fixed(const posecore_kalman_plan* plan,
                                             const posecore_fixed_measurement* measured, uint32_t frames,
                                             uint32_t size_px, void* person, size_t bytes,
                                             posecore_fixed_point* smoothed, uint8_t* kinds) {
  if (plan == nullptr) {
    return POSECORE_NULL_POINTER;
  }
  return posecore::c::status_of(smooth_fixed(plan->plan, reinterpret_cast<const posecore::FixedMeasurement*>(measured),
                                             frames, size_px, person, bytes,
                                             reinterpret_cast<posecore::FixedPoint*>(smoothed), kinds));
}
