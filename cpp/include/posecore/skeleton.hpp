// Which keypoints a body has and along which edges one is found from another.
#pragma once

#include <stdint.h>

namespace posecore {

struct Edge {
  int32_t parent;
  int32_t child;
};

// `edges` are num_keypoints - 1 pairs that form one tree, in the order of the displacement channels.
struct Skeleton {
  int32_t num_keypoints;
  const Edge* edges;
};

inline constexpr int32_t kMaxKeypoints = 1024;

// COCO's 17 keypoints: nose, eyes, ears, shoulders, elbows, wrists, hips, knees, ankles, left before
// right; edges in PoseNet's displacement order (PersonLab, arXiv 1803.08225).
inline constexpr Edge kCoco17Edges[16] = {{0, 1},   {1, 3},   {0, 2}, {2, 4}, {0, 5},  {5, 7},  {7, 9},   {5, 11},
                                          {11, 13}, {13, 15}, {0, 6}, {6, 8}, {8, 10}, {6, 12}, {12, 14}, {14, 16}};
inline constexpr Skeleton kCoco17 = {17, kCoco17Edges};

}  // namespace posecore
