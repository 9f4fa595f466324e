#include "posecore/swaps.hpp"

#include "c_plan.hpp"
#include "c_tensor.hpp"
#include "posecore/c/swaps.h"

struct posecore_swap_plan {
  posecore::SwapPlan plan;
};
static_assert(sizeof(posecore_swap_plan) <= POSECORE_SWAP_PLAN_BYTES(0));

void posecore_swap_options_init(posecore_swap_options* options) {
  const posecore::SwapOptions from;
  if (options != nullptr) {
    *options = {from.max_people, from.patience_s, from.max_gap_s};
  }
}

size_t posecore_swap_plan_bytes(int32_t num_keypoints) {
  posecore::BodyModel body;
  body.num_keypoints = num_keypoints;
  const size_t behind = posecore::swap_plan_bytes(body);
  return behind == 0 ? 0 : sizeof(posecore_swap_plan) + behind;
}

posecore_status posecore_swap_plan_make(const posecore_body* body, const posecore_swap_options* options, void* memory,
                                        size_t bytes, const posecore_swap_plan** plan) {
  if (plan == nullptr) {
    return POSECORE_NULL_POINTER;
  }
  *plan = nullptr;
  if (body == nullptr || memory == nullptr) {
    return POSECORE_NULL_POINTER;
  }
  posecore::SwapOptions read;
  if (options != nullptr) {
    read = {options->max_people, options->patience_s, options->max_gap_s};
  }
  const size_t wanted = posecore_swap_plan_bytes(body->num_keypoints);
  if (wanted == 0) {
    return POSECORE_BAD_SKELETON;
  }
  return posecore::c::make_plan_in(memory, bytes, wanted, plan, [&](void* behind, size_t left, auto* made) {
    return make_plan(posecore::c::model_of(*body), read, behind, left, made);
  });
}

size_t posecore_swap_workspace_bytes(const posecore_swap_plan* plan) {
  return plan == nullptr ? 0 : workspace_bytes(plan->plan);
}

posecore_status posecore_swap_start(const posecore_swap_plan* plan, void* workspace, size_t bytes) {
  return plan == nullptr ? POSECORE_NULL_POINTER : posecore::c::status_of(start_swaps(plan->plan, workspace, bytes));
}

posecore_status posecore_swap_repair(const posecore_swap_plan* plan, const posecore_identified_poses* poses,
                                     void* workspace, size_t bytes, posecore_swap_counts* counts) {
  if (plan == nullptr || poses == nullptr || counts == nullptr) {
    return POSECORE_NULL_POINTER;
  }
  if (poses->count < 0) {
    return POSECORE_TOO_MANY_PEOPLE;
  }
  const posecore::IdentifiedPoses people = {poses->ids,     poses->xy,    poses->scores,
                                            poses->visible, poses->count, poses->time_s};
  posecore::SwapCounts counted = {counts->exchanged, counts->duplicates};
  const posecore::Status status = repair_swaps(plan->plan, people, workspace, bytes, &counted);
  *counts = {counted.exchanged, counted.duplicates};
  return posecore::c::status_of(status);
}
