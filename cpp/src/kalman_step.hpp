// A person's frame through the Kalman filter, from floats and to floats: what is seen, how large, how sure.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kalman_fixed.hpp"
#include "kalman_float.hpp"
#include "kalman_memory.hpp"
#include "kalman_pose.hpp"
#include "posecore/kalman.hpp"
#include "processor.hpp"

namespace posecore::detail {

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
      person->size = fixed_size(measured_.sizes_px[pose]);
    } else {
      const uint32_t size = seen.all ? size_of_all(memory.measured, plan.num_keypoints)
                                     : size_of_seen(measured_, first, plan.num_keypoints);
      follow_size(person, size, elapsed, plan.size_lag);
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
    by_eights(2 * keypoints, [&](int32_t i) { memory.measured[i] = A::number(held(xy[i], &odd)); });
    uint32_t different = 0;
    if (measured_.scores != nullptr) {
      const float* scores = measured_.scores + first;
      for (int32_t i = 0; i < keypoints; ++i) {
        odd |= scores[i] > 0.0F ? 0U : 1U;
        different |= bits_of(scores[i]) ^ bits_of(scores[0]);
      }
      different = weighs_ ? different : 0;
    }
    if (different == 0) {
      const uint32_t weakness = weighs_ && measured_.scores != nullptr ? weakness_of(measured_.scores[first]) : kOne20;
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
      if (is_seen(measured_, first + i)) {
        for (int32_t axis = 2 * i; axis < 2 * i + 2; ++axis) {
          uint32_t clamped = 0;
          (void)held(xy[axis], &clamped);
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

#if defined(POSECORE_HAS_AVX2)
// The step in integers, compiled for AVX2 to its last loop.
using WideIntegers = PoseStep<FixedArithmetic, true>;
__attribute__((target("avx2"), flatten)) inline void wide_pose(WideIntegers* step, Person* person, ptrdiff_t pose,
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

}  // namespace posecore::detail
