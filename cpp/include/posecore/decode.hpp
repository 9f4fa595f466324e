// From heads to poses: many people over the displacement graph, one person by arg-max, and plain heatmaps.
//
// A plan is validated once, const, and shared by threads. A workspace is borrowed memory, one per thread;
// the plan says how many bytes. Poses go to the caller's sink. Nothing allocates.
//
// Whatever the heads hold (NaN, infinities, any bytes), what comes out is finite and inside its range.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "posecore/skeleton.hpp"
#include "posecore/status.hpp"
#include "posecore/tensor.hpp"

namespace posecore {

// What heatmap values are: said by whoever made them, never guessed.
enum class ScoreKind : uint8_t {
  kLogits,         // a sigmoid makes them scores
  kProbabilities,  // scores as they stand, clamped to [0, 1]
};

// The heads of one picture. Offsets and displacements are in input pixels, all y before all x.
// All four have one grid and one element type.
struct Heads {
  TensorView heatmaps;          // K channels
  TensorView short_offsets;     // 2K: from a cell to the keypoint near it
  TensorView displacement_fwd;  // 2(K - 1): parent to child of each edge
  TensorView displacement_bwd;  // 2(K - 1): child to parent
  ScoreKind scores = ScoreKind::kLogits;
};

// From input pixels to the pixels that poses are wanted in: v * scale + shift on each axis. As it stands,
// input pixels.
struct PixelMap {
  float scale_x = 1.0F;
  float scale_y = 1.0F;
  float shift_x = 0.0F;
  float shift_y = 0.0F;
};

// The caller's room for poses. Keypoint k of pose n is (xy[2 (n K + k)], xy[2 (n K + k) + 1]), x first, in
// pixels of `map`; scores are in [0, 1]. An absent keypoint has score 0 and finite coordinates.
struct PoseSink {
  float* xy = nullptr;
  float* scores = nullptr;
  float* pose_scores = nullptr;
  int32_t capacity = 0;
  int32_t count = 0;  // written by the decoder
  PixelMap map = {};
};

// What is read between cells.
enum class Sampling : uint8_t {
  kBilinear,
  kNearest,  // the nearest cell as it stands, of equals the lower and right one; vectors start at that cell
};

struct MultiPoseOptions {
  float stride_px = 16.0F;
  int32_t max_poses = 20;
  float root_threshold = 0.2F;       // score in [0, 1] from which a local maximum starts a pose
  float pose_threshold = 0.2F;       // score in [0, 1] below which a pose is dropped
  float nms_radius_px = 10.0F;       // two keypoints of one kind within it are one
  int32_t refine_steps = 5;          // short-offset corrections after each displacement
  int32_t local_maximum_radius = 1;  // in cells; 1 is a 3x3 window
  Sampling sampling = Sampling::kBilinear;
  bool rescore = true;  // false: a pose's score is the mean of its keypoints, whatever better poses have of them
};

// One way from a keypoint to its neighbour in the tree.
struct Arc {
  int32_t to;
  int32_t edge;
  int32_t forward;  // 1: parent to child
};

struct MultiPosePlan {
  MultiPoseOptions options;
  int32_t num_keypoints;
  float root_logit;          // the least logit whose score reaches root_threshold
  const int32_t* first_arc;  // num_keypoints + 1: arcs of k are [first_arc[k], first_arc[k + 1])
  const Arc* arcs;           // 2 (num_keypoints - 1)
};

// Bytes that `make_plan` needs for this skeleton, aligned as for a pointer.
[[nodiscard]] size_t plan_bytes(const Skeleton& skeleton) noexcept;

// Checks skeleton and options and fills `plan`, which keeps pointing into `memory` (not into the skeleton).
[[nodiscard]] Status make_plan(const Skeleton& skeleton, const MultiPoseOptions& options, void* memory, size_t bytes,
                               MultiPosePlan* plan) noexcept;

// Bytes of workspace for heads of this grid, aligned as for a 64-bit integer.
[[nodiscard]] size_t workspace_bytes(const MultiPosePlan& plan, int32_t rows, int32_t columns) noexcept;

// Every person of a picture, best first: PersonLab's greedy grouping (arXiv 1803.08225, sec. 3.2), with the
// sampling, refinement and re-scoring of Coral's decoder. Roots are taken by score, then row, column and
// keypoint. Decoding ends when max_poses people that survive each other's suppression are held, so a
// duplicate never costs a person its place. `sink.capacity` is at least max_poses.
[[nodiscard]] Status decode_multi(const MultiPosePlan& plan, const Heads& heads, void* workspace, size_t bytes,
                                  PoseSink* sink) noexcept;

// One person: for each keypoint the cell with the highest value (the first of equals by row, column), plus
// the short offset there, not clamped to the picture. Keypoints of a map of NaN are absent. Displacements
// are not read. The pose score is the mean of the keypoint scores.
[[nodiscard]] Status decode_single(const Heads& heads, float stride_px, PoseSink* sink) noexcept;

// How a heatmap's arg-max cell is refined to a fraction of a cell.
enum class Refinement : uint8_t {
  kNone,
  kQuarter,  // a quarter cell towards the higher neighbour (stacked hourglass, arXiv 1603.06937)
  kTaylor,   // second-order expansion of the log of the smoothed map (DARK, arXiv 1910.06278)
};

struct HeatmapOptions {
  float stride_px = 4.0F;
  Refinement refinement = Refinement::kQuarter;
  float blur_sigma_cells = 0.0F;  // Gaussian smoothing before kTaylor; 0 is none. DARK uses 2 for 64 x 48 maps
};

// One person from heatmaps alone (top-down: CPM, SimpleBaseline, HRNet): arg-max and refinement of each map;
// keypoint = (cell + fraction) * stride. The score is the value of the cell.
[[nodiscard]] Status decode_heatmaps(const TensorView& heatmaps, ScoreKind scores, const HeatmapOptions& options,
                                     PoseSink* sink) noexcept;

}  // namespace posecore
