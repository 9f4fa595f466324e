// Which person each point of a picture belongs to, from the long offsets of BodyPix (PersonLab, arXiv 1803.08225).
//
// Each cell follows its long offset of each keypoint, and from there the long offset again, to where the keypoints of
// its person are. It belongs to the pose whose keypoints lie nearest to them, by the sum of squared distances. Between
// cells these sums are mixed bilinearly, and so are segments: masks come in any size, with borders between cells.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "posecore/decode.hpp"
#include "posecore/status.hpp"
#include "posecore/tensor.hpp"

namespace posecore {

// The heads of one picture that masks are made from, of one grid and one element type.
struct MaskHeads {
  TensorView long_offsets;  // 2K: from a cell to the keypoints of its person, in input pixels, all y before all x
  TensorView segments;      // 1: whether anybody is there. Without data, somebody is everywhere
  ScoreKind scores = ScoreKind::kLogits;  // of the segments
};

// Poses as a decoder writes them into a sink of this map. A pose with a coordinate beyond 1e9 input pixels, or one that
// is not finite, has no points.
struct MaskPoses {
  const float* xy = nullptr;  // (count, K, 2), x first
  int32_t count = 0;          // at most 65536
  PixelMap map = {};
};

// The caller's room for a mask: owners[row * columns + column] is the number of a pose, or -1 where nobody is.
struct MaskSink {
  int32_t* owners = nullptr;
  int32_t rows = 0;
  int32_t columns = 0;
  // From input pixels to columns and rows, as poses have it for the picture that they lie in; null: one element a cell.
  // What lies off the grid is as its border.
  const PixelMap* map = nullptr;
};

struct MaskOptions {
  float stride_px = 16.0F;
  int32_t refine_steps = 2;        // long offsets that are followed after the first
  float segment_threshold = 0.5F;  // score in [0, 1] of segments from which somebody is there
};

// Bytes of workspace for this many poses on this grid, aligned as for a float; SIZE_MAX where this machine cannot count
// them, and `instance_masks` then says kTooLarge.
[[nodiscard]] size_t mask_workspace_bytes(int32_t poses, int32_t rows, int32_t columns) noexcept;

// Of poses that are equally near, the first has the point. A long offset that is not finite counts as none, and a NaN
// in the segments is a score of 0.
//
// kBadOptions: an option out of its range, a map that has no inverse, or a number of poses, rows or columns that cannot
// be.
[[nodiscard]] Status instance_masks(const MaskHeads& heads, const MaskPoses& poses, const MaskOptions& options,
                                    void* workspace, size_t bytes, const MaskSink& sink) noexcept;

}  // namespace posecore
