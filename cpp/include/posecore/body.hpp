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

// COCO's sigmas (k_i / 2 of its evaluation) and sides, for skeletons with the keypoints of kCoco17.
inline constexpr float kCoco17Sigmas[17] = {0.026F, 0.025F, 0.025F, 0.035F, 0.035F, 0.079F, 0.079F, 0.072F, 0.072F,
                                            0.062F, 0.062F, 0.107F, 0.107F, 0.087F, 0.087F, 0.089F, 0.089F};
inline constexpr int32_t kCoco17Flip[17] = {0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15};
inline constexpr BodyModel kCoco17Body = {17, kCoco17Sigmas, kCoco17Flip, kCoco17Edges, 16};

}  // namespace posecore
