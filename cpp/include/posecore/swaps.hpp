// Left and right keypoints that changed places where nobody turned round: put back, and counted.
//
// A network that sees a body well and its sides badly gives a knee, a leg or everybody's left and right the wrong way
// round for a frame or some. Each keypoint is predicted (constant velocity); where a pair of keypoints, or a set of
// pairs that hang together, lies where its opposites were expected and far from where it was itself, it is exchanged.
// Where both keypoints of a pair lie in one place and one of them was expected elsewhere, that one is marked missing.
// What lasts longer than `patience_s` is believed: somebody who turned round is not argued with.
//
// Plan and workspace as in track.hpp. Nothing allocates.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "posecore/body.hpp"
#include "posecore/status.hpp"

namespace posecore {

struct SwapOptions {
  int32_t max_people = 64;  // people who are remembered, 1..256: one more and the longest unseen is forgotten
  double patience_s = 0.3;  // an exchange that lasts longer is believed; 0..60
  double max_gap_s = 0.5;   // a keypoint that was not seen for longer says nothing; 0..60
};

struct SwapPair {
  int32_t left;
  int32_t right;
  int32_t parent;  // the pair that this one hangs on, always before it, or -1
};

struct SwapPlan {
  SwapOptions options;
  int32_t num_keypoints;
  int32_t num_pairs;
  const float* variances;  // K: sigma^2, in squares of the person's size
  const SwapPair* pairs;
};

struct SwapCounts {
  int64_t exchanged = 0;   // sets of pairs that were put back, one each a frame
  int64_t duplicates = 0;  // keypoints that were marked missing, one each a frame
};

// People of one frame, changed in place. Keypoint k of person n is (xy[2 (n K + k)], xy[2 (n K + k) + 1]) in pixels.
// `ids` says who is who from frame to frame; those below 0 are left as they are, and so is an id's second pose.
struct IdentifiedPoses {
  const int64_t* ids = nullptr;
  float* xy = nullptr;
  float* scores = nullptr;     // 0 where a keypoint is marked missing
  uint8_t* visible = nullptr;  // 0 where a keypoint is marked missing
  int32_t count = 0;
  double time_s = 0.0;
};

// Bytes that `make_plan` needs, aligned as for a pointer.
[[nodiscard]] size_t swap_plan_bytes(const BodyModel& body) noexcept;

// Checks body and options and fills `plan`, which keeps pointing into `memory` (not into the body).
// kBadSkeleton: as for a TrackerPlan, or edges between keypoints that are not there.
[[nodiscard]] Status make_plan(const BodyModel& body, const SwapOptions& options, void* memory, size_t bytes,
                               SwapPlan* plan) noexcept;

// Bytes of workspace, aligned as for a 64-bit integer.
[[nodiscard]] size_t workspace_bytes(const SwapPlan& plan) noexcept;

// Makes the workspace one that has seen nobody. kNullPointer, kWorkspaceTooSmall, kMisaligned: of the workspace.
[[nodiscard]] Status start_swaps(const SwapPlan& plan, void* workspace, size_t bytes) noexcept;

// What was done is added to `counts`. A count below 0 is nobody.
// kNotStarted: the workspace is not one of this plan. kNotLater: a time that is not in [-1e10, 1e10] or not after the
// frame before; nothing is changed. kWorkspaceTooSmall, kMisaligned: of the workspace. kNullPointer: no counts, or one
// of the four arrays though there are people.
[[nodiscard]] Status repair_swaps(const SwapPlan& plan, const IdentifiedPoses& poses, void* workspace, size_t bytes,
                                  SwapCounts* counts) noexcept;

}  // namespace posecore
