// Frames of people through the Kalman filter: who is seen, who coasts, who begins again.
#include "posecore/kalman.hpp"

#include "kalman_fixed.hpp"
#include "kalman_float.hpp"
#include "kalman_pose.hpp"
#include "memory.hpp"
#include "processor.hpp"

namespace posecore {
namespace {

using detail::FixedArithmetic;
using detail::FloatArithmetic;
using detail::KalmanMemory;
using detail::kFrame;
using detail::Person;
using detail::PoseFilter;
using detail::Seen;

// Does it for 0 to count - 1, eight at a time: the last eight begin before the others end. Twice is as good as once.
template <class Do>
void by_eights(int32_t count, const Do& once) noexcept {
  int32_t i = 0;
  POSECORE_APART
  for (; i < count / 8 * 8; ++i) {
    once(i);
  }
  if (i == count) {
    return;
  }
  if (count >= 8) {
    POSECORE_APART
    for (int32_t j = 0; j < 8; ++j) {
      once(count - 8 + j);
    }
    return;
  }
  for (; i < count; ++i) {
    once(i);
  }
}

// A person's frame from and to floats.
template <class A, bool Wide>
class PoseStep {
 public:
  PoseStep(const KalmanPlan& plan, const MeasuredPoses& measured, const SmoothedPoses& smoothed) noexcept
      : measured_(measured),
        smoothed_(smoothed),
        filter_(plan),
        least_score_(plan.options.least_score),
        weighs_(plan.options.motion == Motion::kConstantVelocity) {}

  void operator()(Person* person, ptrdiff_t pose, uint32_t elapsed) noexcept {
    const KalmanPlan& plan = filter_.plan();
    const ptrdiff_t first = pose * plan.num_keypoints;
    if (person != person_) {
      person_ = person;
      memory_ = KalmanMemory<A>(person, plan.num_keypoints);
    }
    const KalmanMemory<A>& memory = memory_;
    const Seen seen = read(person, memory, first);
    if (!weighs_) {
      person->size = 0;
    } else if (measured_.sizes_px != nullptr) {
      person->size = detail::fixed_size(measured_.sizes_px[pose]);
    } else {
      const uint32_t size = seen.all ? detail::size_of_all(memory.measured, plan.num_keypoints)
                                     : detail::size_of_seen(measured_, first, plan.num_keypoints);
      detail::follow_size(person, size, elapsed, plan.size_lag);
    }
    filter_.advance(person, memory, elapsed, seen, smoothed_.kinds == nullptr ? nullptr : smoothed_.kinds + first);
    float* out = smoothed_.xy + 2 * first;
    by_eights(2 * plan.num_keypoints, [&](int32_t i) { out[i] = A::pixels(memory.position[i]); });
  }

 private:
  // 1 / max(score, least_score)^2, Q12.20.
  [[nodiscard]] uint32_t weakness_of(float score) const noexcept {
    const float low = score >= least_score_ ? score : least_score_;
    const float inside = low < 1.0F ? low : 1.0F;
    const float raised = 1048576.0F / (inside * inside) + 0.5F;
    return static_cast<uint32_t>(static_cast<int32_t>(raised));
  }

  Seen read(Person* person, const KalmanMemory<A>& memory, ptrdiff_t first) const noexcept {
    const int32_t keypoints = filter_.plan().num_keypoints;
    const float* xy = measured_.xy + 2 * first;
    uint32_t odd = 0;  // not finite, out of range or missing
    by_eights(2 * keypoints, [&](int32_t i) { memory.measured[i] = A::number(detail::held(xy[i], &odd)); });
    uint32_t different = 0;
    if (measured_.scores != nullptr) {
      const float* scores = measured_.scores + first;
      for (int32_t i = 0; i < keypoints; ++i) {
        odd |= scores[i] > 0.0F ? 0U : 1U;
        different |= detail::bits_of(scores[i]) ^ detail::bits_of(scores[0]);
      }
      different = weighs_ ? different : 0;
    }
    if (different == 0) {
      const uint32_t weakness =
          weighs_ && measured_.scores != nullptr ? weakness_of(measured_.scores[first]) : detail::kOne20;
      memory.weakness[0] = weakness;  // that of all
    } else {
      for (int32_t i = 0; i < keypoints; ++i) {
        memory.weakness[i] = weakness_of(measured_.scores[first + i]);
      }
    }
    if (measured_.seen != nullptr) {
      for (int32_t i = 0; i < keypoints; ++i) {
        odd |= measured_.seen[first + i] != 0 ? 0U : 1U;
      }
    }
    if (odd == 0) {
      return {true, different == 0};
    }
    for (int32_t i = 1; different == 0 && i < keypoints; ++i) {
      memory.weakness[i] = memory.weakness[0];
    }
    bool all = true;
    for (int32_t i = 0; i < keypoints; ++i) {
      if (detail::is_seen(measured_, first + i)) {
        for (int32_t axis = 2 * i; axis < 2 * i + 2; ++axis) {
          uint32_t clamped = 0;
          (void)detail::held(xy[axis], &clamped);
          person->counters.saturations += clamped;
        }
      } else {
        memory.weakness[i] = 0;
        all = false;
      }
    }
    return {all, false};
  }

  const MeasuredPoses& measured_;
  const SmoothedPoses& smoothed_;
  PoseFilter<A, Wide> filter_;
  Person* person_ = nullptr;
  KalmanMemory<A> memory_ = {};
  float least_score_;
  bool weighs_;  // whether scores say how sure a measurement is
};

[[nodiscard]] uint32_t most_elapsed(const KalmanPlan& plan) noexcept {
  return detail::most_elapsed(plan.coast_limit, plan.pace);
}

#if defined(POSECORE_HAS_AVX2)
// The step in integers, compiled for AVX2 to its last loop.
using WideIntegers = PoseStep<FixedArithmetic, true>;
__attribute__((target("avx2"), flatten)) void wide_pose(WideIntegers* step, Person* person, ptrdiff_t pose,
                                                        uint32_t elapsed) noexcept {
  (*step)(person, pose, elapsed);
}

class WideStep {
 public:
  WideStep(const KalmanPlan& plan, const MeasuredPoses& measured, const SmoothedPoses& smoothed) noexcept
      : step_(plan, measured, smoothed) {}

  void operator()(Person* person, ptrdiff_t pose, uint32_t elapsed) noexcept {
    wide_pose(&step_, person, pose, elapsed);
  }

 private:
  WideIntegers step_;
};
#endif

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
    WideStep step(plan, measured, smoothed);
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
