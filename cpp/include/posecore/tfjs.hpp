// People as the JavaScript package @tensorflow-models/posenet (2.2.2) finds them, for models and thresholds that were
// tuned with it. `decode_multi` finds them better.
//
// The score of a root and of a keypoint is that of one cell. Between cells nothing is mixed: displacements and offsets
// are those of the nearest cell, and points may lie outside of the picture. Roots within the suppression radius of an
// earlier pose are passed over; every other one is a pose, which holds one of max_poses, duplicates of people too. A
// pose's score is the mean of its keypoints' scores, those within the radius of an earlier pose's counted as 0.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "posecore/decode.hpp"

namespace posecore {

// tfjs's own defaults, for a plan of `decode_tfjs`. tfjs drops no pose; with a pose_threshold, those below it are left
// out of what it finds.
inline constexpr MultiPoseOptions kTfjsOptions = {16.0F, 5, 0.5F, 0.0F, 20.0F, 2, 1, Sampling::kNearest, true};

// Bytes of workspace of `decode_tfjs`, aligned as for a 64-bit integer: eight for each cell of each heatmap, since any
// of them can be a candidate, and the poses.
[[nodiscard]] size_t tfjs_workspace_bytes(const MultiPosePlan& plan, int32_t rows, int32_t columns) noexcept;

// Poses in the order in which they were found, best root first; equal roots in the order of tfjs's own heap. `sampling`
// of the plan is not read. Heads, memory, sink and statuses are as in `decode_multi`.
[[nodiscard]] Status decode_tfjs(const MultiPosePlan& plan, const Heads& heads, void* workspace, size_t bytes,
                                 PoseSink* sink) noexcept;

}  // namespace posecore
