#include "posecore/one_euro.hpp"

#include "c_filter.hpp"
#include "posecore/c/one_euro.h"

struct posecore_one_euro_plan {
  posecore::OneEuroPlan plan;
};
static_assert(sizeof(posecore_one_euro_plan) <= POSECORE_ONE_EURO_PLAN_BYTES);

void posecore_one_euro_options_init(posecore_one_euro_options* options) {
  const posecore::OneEuroOptions from;
  if (options != nullptr) {
    *options = {from.fps, from.min_cutoff_hz, from.beta, from.derivative_cutoff_hz, from.max_coast_frames, from.pace};
  }
}

size_t posecore_one_euro_plan_bytes(void) { return sizeof(posecore_one_euro_plan); }

posecore_status posecore_one_euro_plan_make(const posecore_one_euro_options* options, int32_t num_keypoints,
                                            void* memory, size_t bytes, const posecore_one_euro_plan** plan) {
  if (plan == nullptr) {
    return POSECORE_NULL_POINTER;
  }
  *plan = nullptr;
  posecore::OneEuroOptions read;
  if (options != nullptr) {
    read = {
        options->fps, options->min_cutoff_hz, options->beta, options->derivative_cutoff_hz, options->max_coast_frames,
        options->pace};
  }
  return posecore::c::make_filter(read, num_keypoints, memory, bytes, plan);
}

size_t posecore_one_euro_person_bytes(const posecore_one_euro_plan* plan) {
  return plan == nullptr ? 0 : person_bytes(plan->plan);
}

posecore_status posecore_one_euro_smooth_track(const posecore_one_euro_plan* plan,
                                               const posecore_measured_poses* measured, int32_t frames,
                                               const double* times_s, void* person, size_t bytes,
                                               const posecore_smoothed_poses* smoothed) {
  return posecore::c::track(plan, measured, frames, times_s, person, bytes, smoothed);
}

posecore_status posecore_one_euro_smooth_people(const posecore_one_euro_plan* plan,
                                                const posecore_measured_poses* measured, int32_t people,
                                                const double* time_s, void* states, int32_t room, size_t bytes,
                                                const int32_t* slots, const posecore_smoothed_poses* smoothed) {
  return posecore::c::people(plan, measured, people, time_s, states, room, bytes, slots, smoothed);
}

posecore_status posecore_one_euro_counters(const posecore_one_euro_plan* plan, const void* person, size_t bytes,
                                           posecore_filter_counters* counters) {
  return posecore::c::count(plan, person, bytes, counters);
}
