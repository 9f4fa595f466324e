// Checking skeleton and options once, and laying the tree out for walking.
#include <math.h>

#include "memory.hpp"
#include "numeric.hpp"
#include "posecore/decode.hpp"

namespace posecore {
namespace {

[[nodiscard]] bool is_tree(const Skeleton& skeleton, const int32_t* first_arc, const Arc* arcs,
                           int32_t* mark) noexcept {
  // K - 1 edges that reach every keypoint are a tree. `mark` has K entries: 1 is reached.
  for (int32_t k = 0; k < skeleton.num_keypoints; ++k) {
    mark[k] = 0;
  }
  int32_t reached = 1;
  mark[0] = 1;
  for (int32_t round = 0; round < skeleton.num_keypoints && reached < skeleton.num_keypoints; ++round) {
    for (int32_t k = 0; k < skeleton.num_keypoints; ++k) {
      for (int32_t i = first_arc[k]; mark[k] != 0 && i < first_arc[k + 1]; ++i) {
        reached += 1 - mark[arcs[i].to];
        mark[arcs[i].to] = 1;
      }
    }
  }
  return reached == skeleton.num_keypoints;
}

[[nodiscard]] bool in_range(const MultiPoseOptions& options) noexcept {
  return options.stride_px > 0.0F && options.stride_px <= 65536.0F && options.max_poses >= 1 &&
         options.max_poses <= 65536 && options.root_threshold >= 0.0F && options.root_threshold <= 1.0F &&
         options.pose_threshold >= 0.0F && options.pose_threshold <= 1.0F && options.nms_radius_px >= 0.0F &&
         options.nms_radius_px <= 65536.0F && options.refine_steps >= 0 && options.refine_steps <= 100 &&
         options.local_maximum_radius >= 0 && options.local_maximum_radius <= 100 &&
         options.sampling <= Sampling::kNearest;
}

// The least logit whose score reaches the threshold, by bisection over the floats in their order: the same
// on every C library, and exactly "score >= threshold".
[[nodiscard]] float logit_of(float threshold) noexcept {
  if (threshold <= 0.0F) {
    return -INFINITY;
  }
  uint32_t low = detail::ordered(-INFINITY);
  uint32_t high = detail::ordered(INFINITY);
  while (low < high) {
    const uint32_t middle = low + (high - low) / 2;
    if (detail::sigmoid(detail::from_ordered(middle)) >= threshold) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return detail::from_ordered(high);
}

}  // namespace

size_t plan_bytes(const Skeleton& skeleton) noexcept {
  if (skeleton.num_keypoints < 1 || skeleton.num_keypoints > kMaxKeypoints) {
    return 0;
  }
  const auto keypoints = static_cast<size_t>(skeleton.num_keypoints);
  return 2 * (keypoints - 1) * sizeof(Arc) + (2 * keypoints + 1) * sizeof(int32_t);
}

Status make_plan(const Skeleton& skeleton, const MultiPoseOptions& options, void* memory, size_t bytes,
                 MultiPosePlan* plan) noexcept {
  const int32_t keypoints = skeleton.num_keypoints;
  if (plan == nullptr || memory == nullptr || (skeleton.edges == nullptr && keypoints > 1)) {
    return Status::kNullPointer;
  }
  if (keypoints < 1 || keypoints > kMaxKeypoints) {
    return Status::kBadSkeleton;
  }
  if (!in_range(options)) {
    return Status::kBadOptions;
  }
  const Status lent = detail::check_memory(memory, bytes, plan_bytes(skeleton), alignof(void*));
  if (lent != Status::kOk) {
    return lent;
  }
  auto* arcs = static_cast<Arc*>(memory);
  auto* first_arc = reinterpret_cast<int32_t*>(arcs + 2 * (keypoints - 1));
  int32_t* mark = first_arc + keypoints + 1;
  int32_t count = 0;
  for (int32_t k = 0; k < keypoints; ++k) {
    first_arc[k] = count;
    for (int32_t e = 0; e < keypoints - 1; ++e) {
      const Edge edge = skeleton.edges[e];
      if (edge.parent < 0 || edge.parent >= keypoints || edge.child < 0 || edge.child >= keypoints ||
          edge.parent == edge.child) {
        return Status::kBadSkeleton;
      }
      if (edge.parent == k) {
        arcs[count++] = {edge.child, e, 1};
      } else if (edge.child == k) {
        arcs[count++] = {edge.parent, e, 0};
      }
    }
  }
  first_arc[keypoints] = count;
  if (!is_tree(skeleton, first_arc, arcs, mark)) {
    return Status::kBadSkeleton;
  }
  *plan = {options, keypoints, logit_of(options.root_threshold), first_arc, arcs};
  return Status::kOk;
}

}  // namespace posecore
