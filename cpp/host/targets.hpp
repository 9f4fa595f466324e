// What a network is to say about a labelled picture: PersonLab's discs with their offsets (arXiv 1803.08225, sections
// 3.1 and 3.2), and Gaussian confidence maps (arXiv 1602.00134, section 3.2). NaN in a target: nothing is known there.
//
// Where nothing is known: in ignored regions, and for an unlabelled keypoint in its person's box, both grown by as much
// as a keypoint at their border is seen from. What is known of a labelled keypoint wins over that. A keypoint outside
// of the picture is known not to be in it: it leaves nothing open, and has no disc, no Gaussian and no coordinates.
#pragma once

#include <cstdint>

namespace posecore::host {

// What `Labels::visibility` says, as posecore.train.samples has it. The place of a keypoint is read where it is hidden
// or visible.
enum Visibility : uint8_t { kUnlabelled = 0, kHidden = 1, kVisible = 2, kOutside = 3 };

[[nodiscard]] constexpr bool is_located(uint8_t visibility) noexcept {
  return visibility == kHidden || visibility == kVisible;
}

// The labels of one picture, in its pixels. Keypoints that are read, boxes that are not NaN, and corners are finite.
struct Labels {
  int64_t count = 0;
  int32_t num_keypoints = 0;
  const float* xy = nullptr;            // (count, K, 2)
  const uint8_t* visibility = nullptr;  // (count, K)
  const float* boxes = nullptr;         // (count, 4): x, y, width, height; with a NaN the person may be anywhere
  double box_margin = 0.0;              // boxes are grown by this share of their longer side, on each side
  int64_t num_ignored = 0;
  const float* ignored = nullptr;  // (num_ignored, 4, 2): corners, one after another along the border
};

// Cell (row, column) stands for the pixel (column * stride_px + shift_px, row * stride_px + shift_px).
struct CellGrid {
  int32_t rows = 0;
  int32_t columns = 0;
  double stride_px = 0.0;
  double shift_px = 0.0;
};

// Arrays are (rows, columns, channels), and all of them are written in full.
struct DiscTargets {
  float* heatmap = nullptr;           // K: 1 within radius_px of a labelled keypoint, else 0 or NaN
  float* short_offsets = nullptr;     // 2K: from the cell to the nearest keypoint, all y, then all x; NaN outside
  float* displacement_fwd = nullptr;  // 2E: from a cell of the parent's disc to its person's child, likewise
  float* displacement_bwd = nullptr;  // 2E: from a cell of the child's disc to its person's parent
  const int32_t* edges = nullptr;     // (E, 2): parent and child of each edge, below K
  int32_t num_edges = 0;
};

// Where discs of one keypoint overlap, the nearest person has the cell; of equally near ones the first.
void encode_discs(const Labels& labels, const CellGrid& grid, double radius_px, const DiscTargets& targets);

// `heatmap` is (rows, columns, K), or K + 1 with the background last: per keypoint the highest exp(-d^2 / (2 sigma^2))
// of all people, and 1 less the highest of all keypoints. Below 2^-25, which 1 does not feel in float32, it is 0.
// Within 3 sigma of a labelled keypoint the value is known.
void encode_gaussians(const Labels& labels, const CellGrid& grid, double sigma_px, bool background, float* heatmap);

// `shares` is (K, 2), x and y of the first person: 0 is the left or upper edge of the picture, half a pixel before the
// centre of its first pixel, and 1 the right or lower one. NaN where not labelled, outside of the picture, or nobody.
void encode_coordinates(const Labels& labels, int32_t width, int32_t height, float* shares) noexcept;

}  // namespace posecore::host
