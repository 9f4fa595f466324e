// Calls of the Kalman filter: tracks, people of a frame, integers.
#include "posecore/kalman.hpp"

#include "kalman_step.hpp"
#include "memory.hpp"

namespace posecore {
namespace {

using detail::FixedArithmetic;
using detail::FloatArithmetic;
using detail::KalmanMemory;
using detail::kFrame;
using detail::Person;
using detail::PoseFilter;
using detail::PoseStep;
using detail::Seen;

[[nodiscard]] uint32_t most_elapsed(const KalmanPlan& plan) noexcept {
  return detail::most_elapsed(plan.coast_limit, plan.pace);
}

// Calls `run` with a pointer to the step that is right for the plan and the machine.
template <class Run>
[[nodiscard]] Status run_step(const KalmanPlan& plan, const MeasuredPoses& measured, const SmoothedPoses& smoothed,
                              const Run& run) noexcept {
  if (plan.options.arithmetic == Arithmetic::kFloat) {
    PoseStep<FloatArithmetic, false> step(plan, measured, smoothed);
    return run(&step);
  }
#if defined(POSECORE_HAS_AVX2)
  if (detail::has_avx2()) {
    detail::WideStep step(plan, measured, smoothed);
    return run(&step);
  }
#endif
  PoseStep<FixedArithmetic, false> step(plan, measured, smoothed);
  return run(&step);
}

}  // namespace

size_t person_bytes(const KalmanPlan& plan) noexcept {
  return plan.options.arithmetic == Arithmetic::kFixed ? KalmanMemory<FixedArithmetic>::bytes(plan.num_keypoints)
                                                       : KalmanMemory<FloatArithmetic>::bytes(plan.num_keypoints);
}

FilterCounters counters(const KalmanPlan& /*plan*/, const void* person) noexcept {
  return person == nullptr ? FilterCounters{} : static_cast<const Person*>(person)->counters;
}

Status smooth_track(const KalmanPlan& plan, const MeasuredPoses& measured, int32_t frames, const double* times_s,
                    void* person, size_t bytes, const SmoothedPoses& smoothed) noexcept {
  return run_step(plan, measured, smoothed, [&](auto* step) {
    return detail::over_frames(measured, frames, times_s, static_cast<double>(plan.options.fps), most_elapsed(plan),
                               person, bytes, person_bytes(plan), smoothed, step);
  });
}

Status smooth_people(const KalmanPlan& plan, const MeasuredPoses& measured, int32_t people, const double* time_s,
                     void* states, int32_t room, size_t bytes, const int32_t* slots,
                     const SmoothedPoses& smoothed) noexcept {
  return run_step(plan, measured, smoothed, [&](auto* step) {
    return detail::over_people(measured, people, time_s, static_cast<double>(plan.options.fps), most_elapsed(plan),
                               states, room, bytes, person_bytes(plan), slots, smoothed, step);
  });
}

Status smooth_fixed(const KalmanPlan& plan, const FixedMeasurement* measured, uint32_t frames, uint32_t size_px,
                    void* person, size_t bytes, FixedPoint* smoothed, uint8_t* kinds) noexcept {
  if (measured == nullptr || person == nullptr || smoothed == nullptr) {
    return Status::kNullPointer;
  }
  if (plan.options.arithmetic != Arithmetic::kFixed) {
    return Status::kBadOptions;
  }
  const Status lent = detail::check_memory(person, bytes, person_bytes(plan), alignof(int64_t));
  if (lent != Status::kOk) {
    return lent;
  }
  auto* one = static_cast<Person*>(person);
  const uint32_t elapsed = one->has_time == 0 ? 0 : (frames < most_elapsed(plan) ? frames : most_elapsed(plan));
  one->has_time = 1;
  one->time += elapsed;
  constexpr uint32_t kLeast = kFrame / 64;
  constexpr uint32_t kMost = 32768U * kFrame;
  if (size_px != 0 && plan.options.motion == Motion::kConstantVelocity) {
    one->size = size_px < kLeast ? kLeast : (size_px < kMost ? size_px : kMost);
  }
  const KalmanMemory<FixedArithmetic> memory(one, plan.num_keypoints);
  constexpr uint32_t kWeakest = 400U << 20U;
  const bool weighs = plan.options.motion == Motion::kConstantVelocity;
  Seen seen = {true, true};
  for (int32_t i = 0; i < plan.num_keypoints; ++i) {
    const uint32_t least = measured[i].weakness > detail::kOne20 && weighs ? measured[i].weakness : detail::kOne20;
    memory.measured[2 * i] = measured[i].at.x;
    memory.measured[2 * i + 1] = measured[i].at.y;
    memory.weakness[i] = measured[i].weakness == 0 ? 0 : (least < kWeakest ? least : kWeakest);
    seen.all = seen.all && memory.weakness[i] != 0;
    seen.alike = seen.alike && memory.weakness[i] == memory.weakness[0];
  }
  PoseFilter<FixedArithmetic, false> filter(plan);
  filter.advance(one, memory, elapsed, seen, kinds);
  for (int32_t i = 0; i < plan.num_keypoints; ++i) {
    smoothed[i] = {memory.position[2 * i], memory.position[2 * i + 1]};
  }
  return Status::kOk;
}

}  // namespace posecore
