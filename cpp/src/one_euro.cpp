#include "posecore/one_euro.hpp"

#include "person.hpp"

namespace posecore {
namespace {

using detail::Person;
using detail::Phase;

constexpr float kTwoPi = 6.28318531F;
constexpr float kMostSpeed = 1e6F;  // sizes / s

struct Keypoint {
  float position[2];
  float speed[2];  // sizes / s
  uint32_t age;    // frames since the last measurement, Q16.16
  Phase phase;
};

[[nodiscard]] bool within(float value, float least, float most) noexcept { return value >= least && value <= most; }

// How much of a new value a low pass takes after `seconds`.
[[nodiscard]] float share(float cutoff_hz, float seconds) noexcept {
  const float turns = kTwoPi * cutoff_hz * seconds;
  return turns / (1.0F + turns);
}

void filter(const OneEuroOptions& options, float seconds, float size, const float measured[2], Keypoint* k) noexcept {
  if (!(seconds > 0.0F)) {
    return;
  }
  const float speed_share = share(options.derivative_cutoff_hz, seconds);
  for (int32_t axis = 0; axis < 2; ++axis) {
    const float off = measured[axis] - k->position[axis];
    float speed = off / (seconds * size);
    speed = speed < kMostSpeed ? (speed > -kMostSpeed ? speed : -kMostSpeed) : kMostSpeed;
    k->speed[axis] += speed_share * (speed - k->speed[axis]);
    k->position[axis] += share(options.min_cutoff_hz + options.beta * fabsf(k->speed[axis]), seconds) * off;
  }
}

[[nodiscard]] uint32_t coast_limit(const OneEuroPlan& plan) noexcept {
  return detail::paces(plan.options.max_coast_frames, plan.options.pace);
}

[[nodiscard]] uint32_t most_elapsed(const OneEuroPlan& plan) noexcept {
  return detail::most_elapsed(coast_limit(plan), detail::paces(1, plan.options.pace));
}

class PoseStep {
 public:
  PoseStep(const OneEuroPlan& plan, const MeasuredPoses& measured, const SmoothedPoses& smoothed) noexcept
      : plan_(plan),
        measured_(measured),
        smoothed_(smoothed),
        size_lag_(static_cast<uint32_t>(kSizeLagS * plan.options.fps * static_cast<float>(detail::kFrame))),
        longest_seen_(detail::longest_age(coast_limit(plan), detail::paces(1, plan.options.pace), true)),
        longest_unseen_(detail::longest_age(coast_limit(plan), detail::paces(1, plan.options.pace), false)) {}

  void operator()(Person* person, ptrdiff_t pose, uint32_t elapsed) const noexcept {
    const ptrdiff_t keypoints = plan_.num_keypoints;
    if (measured_.sizes_px != nullptr) {
      person->size = detail::fixed_size(measured_.sizes_px[pose]);
    } else {
      detail::follow_size(person, detail::size_of_seen(measured_, pose * keypoints, plan_.num_keypoints), elapsed,
                          size_lag_);
    }
    const float size = static_cast<float>(person->size != 0 ? person->size : detail::kFrame) / 65536.0F;
    auto* all = reinterpret_cast<Keypoint*>(person + 1);
    for (ptrdiff_t i = 0; i < keypoints; ++i) {
      const ptrdiff_t at = pose * keypoints + i;
      const KeypointKind kind = advance(&all[i], at, elapsed, size, &person->counters);
      smoothed_.xy[2 * at] = all[i].position[0];
      smoothed_.xy[2 * at + 1] = all[i].position[1];
      if (smoothed_.kinds != nullptr) {
        smoothed_.kinds[at] = static_cast<uint8_t>(kind);
      }
    }
  }

 private:
  KeypointKind advance(Keypoint* k, ptrdiff_t at, uint32_t elapsed, float size,
                       FilterCounters* counters) const noexcept {
    const bool seen = detail::is_seen(measured_, at);
    if (k->phase == Phase::kRunning) {
      k->age += elapsed;
      if (k->age > (seen ? longest_seen_ : longest_unseen_)) {
        k->phase = Phase::kLost;
      }
    }
    if (!seen) {
      counters->coasted += k->phase == Phase::kRunning ? 1 : 0;
      return k->phase == Phase::kRunning ? KeypointKind::kCoasted : KeypointKind::kAbsent;
    }
    float measured[2];
    for (int32_t axis = 0; axis < 2; ++axis) {
      uint32_t odd = 0;
      measured[axis] = detail::held(measured_.xy[2 * at + axis], &odd);
      counters->saturations += odd;
    }
    if (k->phase != Phase::kRunning) {
      counters->restarts += k->phase == Phase::kNever ? 0 : 1;
      *k = {{measured[0], measured[1]}, {0.0F, 0.0F}, 0, Phase::kRunning};
      return KeypointKind::kRestarted;
    }
    // A keypoint that was missing moved over all of the time since it was seen.
    const float seconds = static_cast<float>(k->age) / (65536.0F * plan_.options.fps);
    filter(plan_.options, seconds, size, measured, k);
    k->age = 0;
    return KeypointKind::kMeasured;
  }

  const OneEuroPlan& plan_;
  const MeasuredPoses& measured_;
  const SmoothedPoses& smoothed_;
  uint32_t size_lag_;
  uint32_t longest_seen_;
  uint32_t longest_unseen_;
};

}  // namespace

Status make_plan(const OneEuroOptions& options, int32_t num_keypoints, OneEuroPlan* plan) noexcept {
  if (plan == nullptr) {
    return Status::kNullPointer;
  }
  if (!within(options.fps, 1.0F, 1000.0F) || !within(options.min_cutoff_hz, 1e-3F, 1e3F) ||
      !within(options.beta, 0.0F, 1e3F) || !within(options.derivative_cutoff_hz, 1e-3F, 1e3F) ||
      options.max_coast_frames < 0 || options.max_coast_frames > 240 || !within(options.pace, 1.0F / 64, 2048.0F) ||
      num_keypoints < 1 || num_keypoints > kMaxSmoothedKeypoints) {
    return Status::kBadOptions;
  }
  *plan = {options, num_keypoints};
  return Status::kOk;
}

size_t person_bytes(const OneEuroPlan& plan) noexcept {
  return detail::bytes_of_person(plan.num_keypoints, sizeof(Keypoint));
}

FilterCounters counters(const OneEuroPlan& /*plan*/, const void* person) noexcept {
  return person == nullptr ? FilterCounters{} : static_cast<const Person*>(person)->counters;
}

Status smooth_track(const OneEuroPlan& plan, const MeasuredPoses& measured, int32_t frames, const double* times_s,
                    void* person, size_t bytes, const SmoothedPoses& smoothed) noexcept {
  PoseStep step(plan, measured, smoothed);
  return detail::over_frames(measured, frames, times_s, static_cast<double>(plan.options.fps), most_elapsed(plan),
                             person, bytes, person_bytes(plan), smoothed, &step);
}

Status smooth_people(const OneEuroPlan& plan, const MeasuredPoses& measured, int32_t people, const double* time_s,
                     void* states, int32_t room, size_t bytes, const int32_t* slots,
                     const SmoothedPoses& smoothed) noexcept {
  PoseStep step(plan, measured, smoothed);
  return detail::over_people(measured, people, time_s, static_cast<double>(plan.options.fps), most_elapsed(plan),
                             states, room, bytes, person_bytes(plan), slots, smoothed, &step);
}

}  // namespace posecore
