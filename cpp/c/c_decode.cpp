#include "posecore/decode.hpp"

#include "c_plan.hpp"
#include "c_tensor.hpp"
#include "posecore/c/decode.h"

struct posecore_multi_plan {
  posecore::MultiPosePlan plan;
};
static_assert(sizeof(posecore_multi_plan) <= POSECORE_MULTI_PLAN_BYTES(0));

namespace posecore {
namespace {

constexpr int32_t kMostSide = 16777216;

static_assert(POSECORE_LOGITS == static_cast<int32_t>(ScoreKind::kLogits));
static_assert(POSECORE_PROBABILITIES == static_cast<int32_t>(ScoreKind::kProbabilities));
static_assert(POSECORE_BILINEAR == static_cast<int32_t>(Sampling::kBilinear));
static_assert(POSECORE_NEAREST == static_cast<int32_t>(Sampling::kNearest));
static_assert(POSECORE_REFINE_NONE == static_cast<int32_t>(Refinement::kNone));
static_assert(POSECORE_REFINE_QUARTER == static_cast<int32_t>(Refinement::kQuarter));
static_assert(POSECORE_REFINE_TAYLOR == static_cast<int32_t>(Refinement::kTaylor));

[[nodiscard]] bool read(const posecore_multi_options* given, MultiPoseOptions* options) noexcept {
  if (given == nullptr) {
    return true;
  }
  options->stride_px = given->stride_px;
  options->max_poses = given->max_poses;
  options->root_threshold = given->root_threshold;
  options->pose_threshold = given->pose_threshold;
  options->nms_radius_px = given->nms_radius_px;
  options->refine_steps = given->refine_steps;
  options->local_maximum_radius = given->local_maximum_radius;
  options->rescore = given->rescore != 0;
  return c::choose(given->sampling, Sampling::kNearest, &options->sampling);
}

[[nodiscard]] bool read(const posecore_heatmap_options* given, HeatmapOptions* options) noexcept {
  if (given == nullptr) {
    return true;
  }
  options->stride_px = given->stride_px;
  options->blur_sigma_cells = given->blur_sigma_cells;
  return c::choose(given->refinement, Refinement::kTaylor, &options->refinement);
}

[[nodiscard]] bool read(const posecore_heads& given, Heads* heads) noexcept {
  heads->heatmaps = c::view_of(given.heatmaps);
  heads->short_offsets = c::view_of(given.short_offsets);
  heads->displacement_fwd = c::view_of(given.displacement_fwd);
  heads->displacement_bwd = c::view_of(given.displacement_bwd);
  return c::choose(given.scores, ScoreKind::kProbabilities, &heads->scores);
}

[[nodiscard]] PoseSink sink_of(const posecore_poses& poses) noexcept {
  PoseSink sink;
  sink.xy = poses.xy;
  sink.scores = poses.scores;
  sink.pose_scores = poses.pose_scores;
  sink.capacity = poses.capacity;
  sink.map = c::map_of(poses.map);
  return sink;
}

[[nodiscard]] posecore_status written(Status status, const PoseSink& sink, posecore_poses* poses) noexcept {
  if (status == Status::kOk) {
    poses->count = sink.count;
  }
  return c::status_of(status);
}

}  // namespace
}  // namespace posecore

void posecore_multi_options_init(posecore_multi_options* options) {
  const posecore::MultiPoseOptions from;
  if (options != nullptr) {
    *options = {from.stride_px,      from.max_poses,    from.root_threshold,       from.pose_threshold,
                from.nms_radius_px,  from.refine_steps, from.local_maximum_radius, static_cast<int32_t>(from.sampling),
                from.rescore ? 1 : 0};
  }
}

size_t posecore_multi_plan_bytes(int32_t num_keypoints) {
  const size_t behind = posecore::plan_bytes({num_keypoints, nullptr});
  return behind == 0 ? 0 : sizeof(posecore_multi_plan) + behind;
}

posecore_status posecore_multi_plan_make(const posecore_skeleton* skeleton, const posecore_multi_options* options,
                                         void* memory, size_t bytes, const posecore_multi_plan** plan) {
  if (plan == nullptr) {
    return POSECORE_NULL_POINTER;
  }
  *plan = nullptr;
  if (skeleton == nullptr || memory == nullptr) {
    return POSECORE_NULL_POINTER;
  }
  posecore::MultiPoseOptions read_options;
  if (!posecore::read(options, &read_options)) {
    return POSECORE_BAD_OPTIONS;
  }
  const posecore::Skeleton tree = {skeleton->num_keypoints, posecore::c::edges_of(skeleton->edges)};
  const size_t wanted = posecore_multi_plan_bytes(tree.num_keypoints);
  if (wanted == 0) {
    return POSECORE_BAD_SKELETON;
  }
  return posecore::c::make_plan_in(memory, bytes, wanted, plan, [&](void* behind, size_t left, auto* made) {
    return make_plan(tree, read_options, behind, left, made);
  });
}

size_t posecore_multi_workspace_bytes(const posecore_multi_plan* plan, int32_t rows, int32_t columns) {
  if (plan == nullptr || rows < 1 || columns < 1 || rows > posecore::kMostSide || columns > posecore::kMostSide) {
    return 0;
  }
  return workspace_bytes(plan->plan, rows, columns);
}

posecore_status posecore_decode_multi(const posecore_multi_plan* plan, const posecore_heads* heads, void* workspace,
                                      size_t bytes, posecore_poses* poses) {
  if (plan == nullptr || heads == nullptr || poses == nullptr) {
    return POSECORE_NULL_POINTER;
  }
  posecore::Heads read_heads;
  if (!posecore::read(*heads, &read_heads)) {
    return POSECORE_BAD_OPTIONS;
  }
  posecore::PoseSink sink = posecore::sink_of(*poses);
  return posecore::written(decode_multi(plan->plan, read_heads, workspace, bytes, &sink), sink, poses);
}

posecore_status posecore_decode_single(const posecore_heads* heads, float stride_px, posecore_poses* poses) {
  if (heads == nullptr || poses == nullptr) {
    return POSECORE_NULL_POINTER;
  }
  posecore::Heads read_heads;
  if (!posecore::read(*heads, &read_heads)) {
    return POSECORE_BAD_OPTIONS;
  }
  posecore::PoseSink sink = posecore::sink_of(*poses);
  return posecore::written(decode_single(read_heads, stride_px, &sink), sink, poses);
}

void posecore_heatmap_options_init(posecore_heatmap_options* options) {
  const posecore::HeatmapOptions from;
  if (options != nullptr) {
    *options = {from.stride_px, static_cast<int32_t>(from.refinement), from.blur_sigma_cells};
  }
}

posecore_status posecore_decode_heatmaps(const posecore_tensor* heatmaps, int32_t scores,
                                         const posecore_heatmap_options* options, posecore_poses* poses) {
  if (heatmaps == nullptr || poses == nullptr) {
    return POSECORE_NULL_POINTER;
  }
  posecore::HeatmapOptions read_options;
  posecore::ScoreKind kind = posecore::ScoreKind::kLogits;
  if (!posecore::read(options, &read_options) ||
      !posecore::c::choose(scores, posecore::ScoreKind::kProbabilities, &kind)) {
    return POSECORE_BAD_OPTIONS;
  }
  posecore::PoseSink sink = posecore::sink_of(*poses);
  return posecore::written(decode_heatmaps(posecore::c::view_of(*heatmaps), kind, read_options, &sink), sink, poses);
}
