// Poses of one frame after the other to people with stable ids.
//
// A plan is validated once, const, and shared by threads. The workspace is the tracker: it holds the people
// and is the caller's memory, one for each stream of frames. Nothing allocates.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "posecore/body.hpp"
#include "posecore/status.hpp"

namespace posecore {

inline constexpr int32_t kMaxTracked = 256;

struct TrackerOptions {
  int32_t max_people = 64;       // the most poses of a frame, and the most tracks that are held; 1..kMaxTracked
  int32_t min_hits = 1;          // frames in which a person was found before she gets an id; 1..1000
  float min_similarity = 0.1F;   // a pose less like a track than this is not its; 0.001..1
  float min_birth_score = 0.3F;  // a pose of a lower score starts no track; 0..1
  double max_gap_s = 1.0;        // a track that was not seen for longer ends; 0..3600
};

struct TrackerPlan {
  TrackerOptions options;
  int32_t num_keypoints;
  const float* variances;  // K: (2 sigma)^2, in squares of the person's size
  const int32_t* flip;     // K
};

// Poses of one frame. Keypoint k of pose n is (xy[2 (n K + k)], xy[2 (n K + k) + 1]) in pixels; scores are in
// [0, 1]. `visible` is null where a score over 0 says it.
struct FramePoses {
  const float* xy = nullptr;
  const float* scores = nullptr;
  const float* pose_scores = nullptr;
  const uint8_t* visible = nullptr;
  int32_t count = 0;
  double time_s = 0.0;
};

struct TrackCounts {
  int64_t births = 0;  // people who were given an id
  int64_t deaths = 0;  // of them, those whose track ended
};

struct TrackInfo {
  int64_t id;
  double first_seen_s;
  double last_seen_s;
  int32_t hits;  // frames in which the person was found
};

// Bytes that `make_plan` needs, aligned as for a pointer.
[[nodiscard]] size_t tracker_plan_bytes(const BodyModel& body) noexcept;

// Checks body and options and fills `plan`, which keeps pointing into `memory` (not into the body).
// kBadSkeleton: keypoints, sigmas that are not positive and finite, or a flip that is not its own inverse.
[[nodiscard]] Status make_plan(const BodyModel& body, const TrackerOptions& options, void* memory, size_t bytes,
                               TrackerPlan* plan) noexcept;

// Bytes of workspace, aligned as for a 64-bit integer.
[[nodiscard]] size_t workspace_bytes(const TrackerPlan& plan) noexcept;

// Makes the workspace a tracker that has seen nothing. Ids begin at 1.
// kNullPointer, kWorkspaceTooSmall, kMisaligned: of the workspace, here and in the other calls.
[[nodiscard]] Status start_tracks(const TrackerPlan& plan, void* workspace, size_t bytes) noexcept;

// The id of each pose, or -1 for one that is nobody's yet. Each track is predicted to the frame's time (constant
// velocity of the person), compared with each pose (OKS, of the keypoints that both have, weighted by scores), and
// the assignment with the greatest sum is taken. Poses are taken by score, then by coordinates, whatever their
// order. Ids are never used twice.
// kNotStarted: the workspace is no tracker of this plan. kTooManyPeople: count is not 0..max_people; nothing is
// changed. kNotLater: a time that is not in [-1e10, 1e10] or not after the frame before; nothing is changed.
[[nodiscard]] Status update_tracks(const TrackerPlan& plan, const FramePoses& poses, void* workspace, size_t bytes,
                                   int64_t* ids) noexcept;

// Tracks that have an id, oldest first. `infos` has room for max_people, or is null where only numbers are wanted; so
// may `count` and `counts` be. kNotStarted: the workspace is no tracker of this plan.
[[nodiscard]] Status list_tracks(const TrackerPlan& plan, const void* workspace, size_t bytes, TrackInfo* infos,
                                 int32_t* count, TrackCounts* counts) noexcept;

}  // namespace posecore
