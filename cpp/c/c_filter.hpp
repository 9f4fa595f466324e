// What the C API of both filters does alike.
#pragma once

#include "c_plan.hpp"
#include "posecore/c/smooth.h"
#include "posecore/smooth.hpp"

namespace posecore::c {

static_assert(POSECORE_KEYPOINT_ABSENT == static_cast<int32_t>(KeypointKind::kAbsent));
static_assert(POSECORE_KEYPOINT_MEASURED == static_cast<int32_t>(KeypointKind::kMeasured));
static_assert(POSECORE_KEYPOINT_COASTED == static_cast<int32_t>(KeypointKind::kCoasted));
static_assert(POSECORE_KEYPOINT_GATED == static_cast<int32_t>(KeypointKind::kGated));
static_assert(POSECORE_KEYPOINT_RESTARTED == static_cast<int32_t>(KeypointKind::kRestarted));

template <class Options, class Plan>
[[nodiscard]] posecore_status make_filter(const Options& options, int32_t num_keypoints, void* memory, size_t bytes,
                                          const Plan** plan) noexcept {
  return make_plan_in(memory, bytes, sizeof(Plan), plan, [&](void* /*behind*/, size_t /*left*/, auto* made) {
    return make_plan(options, num_keypoints, made);
  });
}

template <class Plan>
[[nodiscard]] posecore_status track(const Plan* plan, const posecore_measured_poses* measured, int32_t frames,
                                    const double* times_s, void* person, size_t bytes,
                                    const posecore_smoothed_poses* smoothed) noexcept {
  if (plan == nullptr || measured == nullptr || smoothed == nullptr) {
    return POSECORE_NULL_POINTER;
  }
  return status_of(smooth_track(plan->plan, {measured->xy, measured->scores, measured->seen, measured->sizes_px},
                                frames, times_s, person, bytes, {smoothed->xy, smoothed->kinds}));
}

template <class Plan>
[[nodiscard]] posecore_status people(const Plan* plan, const posecore_measured_poses* measured, int32_t people,
                                     const double* time_s, void* states, int32_t room, size_t bytes,
                                     const int32_t* slots, const posecore_smoothed_poses* smoothed) noexcept {
  if (plan == nullptr || measured == nullptr || smoothed == nullptr) {
    return POSECORE_NULL_POINTER;
  }
  return status_of(smooth_people(plan->plan, {measured->xy, measured->scores, measured->seen, measured->sizes_px},
                                 people, time_s, states, room, bytes, slots, {smoothed->xy, smoothed->kinds}));
}

template <class Plan>
[[nodiscard]] posecore_status count(const Plan* plan, const void* person, size_t bytes,
                                    posecore_filter_counters* counted) noexcept {
  if (plan == nullptr || counted == nullptr) {
    return POSECORE_NULL_POINTER;
  }
  const Status lent = detail::check_memory(person, bytes, person_bytes(plan->plan), alignof(int64_t));
  if (lent == Status::kOk) {
    const FilterCounters from = counters(plan->plan, person);
    *counted = {from.saturations, from.gated, from.coasted, from.restarts};
  }
  return status_of(lent);
}

}  // namespace posecore::c
