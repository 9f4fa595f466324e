// What is known of a body's keypoints beyond their number, for those who compare poses.
#pragma once

#include <stdint.h>

#include "posecore/skeleton.hpp"

namespace posecore {

// About the mean of COCO's 17 sigmas.
inline constexpr float kDefaultSigma = 0.07F;

// `sigmas`: K standard deviations as OKS has them (COCO's k_i / 2), or null for kDefaultSigma everywhere.
// `flip`: K indices, keypoint k of a mirrored body is flip[k]; null for a body without sides.
// `edges`: pairs of keypoints that hang together, as in a Skeleton; null where that is not known.
struct BodyModel {
  int32_t num_keypoints = 0;
  const float* sigmas = nullptr;
  const int32_t* flip = nullptr;
  const Edge* edges = nullptr;
  int32_t num_edges = 0;
};

}  // namespace posecore
