// Which pairs there are, and which hangs on which.
#include "body.hpp"
#include "memory.hpp"
#include "numeric.hpp"
#include "posecore/swaps.hpp"

namespace posecore {
namespace {

[[nodiscard]] bool in_range(const SwapOptions& options) noexcept {
  return options.max_people >= 1 && options.max_people <= 256 && options.patience_s >= 0.0 &&
         options.patience_s <= 60.0 && options.max_gap_s >= 0.0 && options.max_gap_s <= 60.0;
}

// Orders the pairs so that each comes after the one that it hangs on. `pair_of` has the pair of each keypoint, or -1.
void join(const BodyModel& body, SwapPair* pairs, int32_t count, int32_t* pair_of) noexcept {
  for (int32_t placed = 0; placed < count; ++placed) {
    int32_t next = placed;
    int32_t parent = -1;
    for (int32_t e = 0; e < body.num_edges && body.edges != nullptr && parent < 0; ++e) {
      const int32_t a = pair_of[body.edges[e].parent];
      const int32_t b = pair_of[body.edges[e].child];
      if (a >= 0 && b >= 0 && (a < placed) != (b < placed)) {
        parent = a < placed ? a : b;
        next = a < placed ? b : a;
      }
    }
    const SwapPair moved = {pairs[next].left, pairs[next].right, parent};
    pairs[next] = pairs[placed];
    pairs[placed] = moved;
    const int32_t changed[] = {placed, next};
    for (const int32_t at : changed) {
      pair_of[pairs[at].left] = at;
      pair_of[pairs[at].right] = at;
    }
  }
}

}  // namespace

size_t swap_plan_bytes(const BodyModel& body) noexcept {
  if (body.num_keypoints < 1 || body.num_keypoints > kMaxKeypoints) {
    return 0;
  }
  const auto keypoints = static_cast<size_t>(body.num_keypoints);
  return keypoints * (sizeof(float) + sizeof(int32_t)) + keypoints / 2 * sizeof(SwapPair);
}

Status make_plan(const BodyModel& body, const SwapOptions& options, void* memory, size_t bytes,
                 SwapPlan* plan) noexcept {
  if (plan == nullptr || memory == nullptr) {
    return Status::kNullPointer;
  }
  if (!detail::in_range(body)) {
    return Status::kBadSkeleton;
  }
  if (!in_range(options)) {
    return Status::kBadOptions;
  }
  const Status lent = detail::check_memory(memory, bytes, swap_plan_bytes(body), alignof(void*));
  if (lent != Status::kOk) {
    return lent;
  }
  auto* variances = static_cast<float*>(memory);
  auto* pair_of = reinterpret_cast<int32_t*>(variances + body.num_keypoints);
  auto* pairs = reinterpret_cast<SwapPair*>(pair_of + body.num_keypoints);
  int32_t count = 0;
  for (int32_t k = 0; k < body.num_keypoints; ++k) {
    const float sigma = detail::sigma_of(body, k);
    variances[k] = sigma * sigma;
    pair_of[k] = -1;
    if (body.flip != nullptr && body.flip[k] != k) {
      pair_of[k] = body.flip[k] > k ? count : pair_of[body.flip[k]];
    }
    if (body.flip != nullptr && body.flip[k] > k) {
      pairs[count++] = {k, body.flip[k], -1};
    }
  }
  join(body, pairs, count, pair_of);
  *plan = {options, body.num_keypoints, count, variances, pairs};
  return Status::kOk;
}

}  // namespace posecore
