#include "posecore/track.hpp"

#include "c_plan.hpp"
#include "c_tensor.hpp"
#include "posecore/c/track.h"

struct posecore_tracker_plan {
  posecore::TrackerPlan plan;
};
static_assert(sizeof(posecore_tracker_plan) <= POSECORE_TRACKER_PLAN_BYTES(0));

namespace posecore {
namespace {

static_assert(sizeof(posecore_track_info) == sizeof(TrackInfo) && alignof(posecore_track_info) == alignof(TrackInfo) &&
              offsetof(posecore_track_info, last_seen_s) == offsetof(TrackInfo, last_seen_s) &&
              offsetof(posecore_track_info, hits) == offsetof(TrackInfo, hits));

}  // namespace
}  // namespace posecore

void posecore_tracker_options_init(posecore_tracker_options* options) {
  const posecore::TrackerOptions from;
  if (options != nullptr) {
    *options = {from.max_people, from.min_hits, from.min_similarity, from.min_birth_score, from.max_gap_s};
  }
}

size_t posecore_tracker_plan_bytes(int32_t num_keypoints) {
  posecore::BodyModel body;
  body.num_keypoints = num_keypoints;
  const size_t behind = posecore::tracker_plan_bytes(body);
  return behind == 0 ? 0 : sizeof(posecore_tracker_plan) + behind;
}

posecore_status posecore_tracker_plan_make(const posecore_body* body, const posecore_tracker_options* options,
                                           void* memory, size_t bytes, const posecore_tracker_plan** plan) {
  if (plan == nullptr) {
    return POSECORE_NULL_POINTER;
  }
  *plan = nullptr;
  if (body == nullptr || memory == nullptr) {
    return POSECORE_NULL_POINTER;
  }
  posecore::TrackerOptions read;
  if (options != nullptr) {
    read = {options->max_people, options->min_hits, options->min_similarity, options->min_birth_score,
            options->max_gap_s};
  }
  const size_t wanted = posecore_tracker_plan_bytes(body->num_keypoints);
  if (wanted == 0) {
    return POSECORE_BAD_SKELETON;
  }
  return posecore::c::make_plan_in(memory, bytes, wanted, plan, [&](void* behind, size_t left, auto* made) {
    return make_plan(posecore::c::model_of(*body), read, behind, left, made);
  });
}

size_t posecore_tracker_workspace_bytes(const posecore_tracker_plan* plan) {
  return plan == nullptr ? 0 : workspace_bytes(plan->plan);
}

posecore_status posecore_tracker_start(const posecore_tracker_plan* plan, void* workspace, size_t bytes) {
  return plan == nullptr ? POSECORE_NULL_POINTER : posecore::c::status_of(start_tracks(plan->plan, workspace, bytes));
}

posecore_status posecore_tracker_update(const posecore_tracker_plan* plan, const posecore_frame_poses* poses,
                                        void* workspace, size_t bytes, int64_t* ids) {
  if (plan == nullptr || poses == nullptr) {
    return POSECORE_NULL_POINTER;
  }
  const posecore::FramePoses frame = {poses->xy,      poses->scores, poses->pose_scores,
                                      poses->visible, poses->count,  poses->time_s};
  return posecore::c::status_of(update_tracks(plan->plan, frame, workspace, bytes, ids));
}

posecore_status posecore_tracker_list(const posecore_tracker_plan* plan, const void* workspace, size_t bytes,
                                      posecore_track_info* infos, int32_t* count, posecore_track_counts* counts) {
  if (plan == nullptr) {
    return POSECORE_NULL_POINTER;
  }
  posecore::TrackCounts counted;
  const posecore::Status status =
      list_tracks(plan->plan, workspace, bytes, reinterpret_cast<posecore::TrackInfo*>(infos), count, &counted);
  if (status == posecore::Status::kOk && counts != nullptr) {
    *counts = {counted.births, counted.deaths};
  }
  return posecore::c::status_of(status);
}
