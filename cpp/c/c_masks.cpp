#include "c_plan.hpp"
#include "c_tensor.hpp"
#include "posecore/c/masks.h"
#include "posecore/masks.hpp"

void posecore_mask_options_init(posecore_mask_options* options) {
  const posecore::MaskOptions from;
  if (options != nullptr) {
    *options = {from.stride_px, from.refine_steps, from.segment_threshold};
  }
}

size_t posecore_mask_workspace_bytes(int32_t poses, int32_t rows, int32_t columns) {
  return poses < 1 || rows < 1 || columns < 1 ? 0 : posecore::mask_workspace_bytes(poses, rows, columns);
}

posecore_status posecore_instance_masks(const posecore_mask_heads* heads, const posecore_mask_poses* poses,
                                        const posecore_mask_options* options, void* workspace, size_t bytes,
                                        const posecore_mask* mask) {
  if (heads == nullptr || poses == nullptr || mask == nullptr) {
    return POSECORE_NULL_POINTER;
  }
  posecore::MaskHeads read;
  read.long_offsets = posecore::c::view_of(heads->long_offsets);
  read.segments = posecore::c::view_of(heads->segments);
  if (!posecore::c::choose(heads->scores, posecore::ScoreKind::kProbabilities, &read.scores)) {
    return POSECORE_BAD_OPTIONS;
  }
  posecore::MaskOptions read_options;
  if (options != nullptr) {
    read_options = {options->stride_px, options->refine_steps, options->segment_threshold};
  }
  posecore::MaskPoses people;
  people.xy = poses->xy;
  people.count = poses->count;
  people.map = posecore::c::map_of(poses->map);
  const posecore::PixelMap map = posecore::c::map_of(mask->map);
  const posecore::MaskSink sink = {mask->owners, mask->rows, mask->columns, mask->map == nullptr ? nullptr : &map};
  return posecore::c::status_of(instance_masks(read, people, read_options, workspace, bytes, sink));
}
