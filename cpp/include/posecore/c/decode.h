/** @file
 * From heads to poses: many people over the displacement graph, one person by arg-max, and plain heatmaps.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "posecore/c/status.h"
#include "posecore/c/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

/** What heatmap values are: said by whoever made them, never guessed. */
enum {
  POSECORE_LOGITS = 0,       /**< a sigmoid makes them scores */
  POSECORE_PROBABILITIES = 1 /**< scores as they stand, clamped to [0, 1] */
};

/** The heads of one picture, of one grid and one element type. Offsets and displacements are in input pixels, all y
 * before all x. */
typedef struct posecore_heads {
  posecore_tensor heatmaps;         /**< K channels */
  posecore_tensor short_offsets;    /**< 2 K: from a cell to the keypoint near it */
  posecore_tensor displacement_fwd; /**< 2 (K - 1): parent to child of each edge; not read where K is 1 */
  posecore_tensor displacement_bwd; /**< 2 (K - 1): child to parent */
  int32_t scores;                   /**< POSECORE_LOGITS or POSECORE_PROBABILITIES */
} posecore_heads;

/** From input pixels to the pixels that poses are wanted in: v * scale + shift on each axis. */
typedef struct posecore_pixel_map {
  float scale_x;
  float scale_y;
  float shift_x;
  float shift_y;
} posecore_pixel_map;

/** The caller's room for poses of K keypoints. Keypoint k of pose n is (xy[2 (n K + k)], xy[2 (n K + k) + 1]), x first.
 * An absent keypoint has score 0 and finite coordinates. */
typedef struct posecore_poses {
  float* xy;                     /**< 2 K capacity numbers, in pixels of `map` */
  float* scores;                 /**< K capacity, in [0, 1] */
  float* pose_scores;            /**< capacity, in [0, 1], best first */
  int32_t capacity;              /**< poses that there is room for */
  int32_t count;                 /**< poses that there are: written by the call */
  const posecore_pixel_map* map; /**< null: input pixels */
} posecore_poses;

/** What is read between cells. */
enum {
  POSECORE_BILINEAR = 0,
  POSECORE_NEAREST = 1 /**< the nearest cell as it stands, of equals the lower and right one */
};

typedef struct posecore_multi_options {
  float stride_px;              /**< input pixels from cell to cell, over 0 to 65536; default 16 */
  int32_t max_poses;            /**< 1 to 65536; default 20 */
  float root_threshold;         /**< score in [0, 1] from which a local maximum starts a pose; default 0.2 */
  float pose_threshold;         /**< score in [0, 1] below which a pose is dropped; default 0.2 */
  float nms_radius_px;          /**< two keypoints of one kind within it are one, 0 to 65536; default 10 */
  int32_t refine_steps;         /**< short-offset corrections after each displacement, 0 to 100; default 5 */
  int32_t local_maximum_radius; /**< in cells, 0 to 100; default 1, a 3 x 3 window */
  int32_t sampling;             /**< POSECORE_BILINEAR (default) or POSECORE_NEAREST */
  int32_t rescore;              /**< 0: a pose's score is the mean of its keypoints, whatever better poses have of them;
                                     default 1 */
} posecore_multi_options;

/** Writes the defaults; null is passed over. */
POSECORE_API void posecore_multi_options_init(posecore_multi_options* options);

/** Checked skeleton and options, in the caller's memory. */
typedef struct posecore_multi_plan posecore_multi_plan;

/** At least posecore_multi_plan_bytes(K), for K that is known at compile time; a multiple of 8. */
#define POSECORE_MULTI_PLAN_BYTES(num_keypoints) (256 + 40 * (num_keypoints))

/** Bytes of a plan for this many keypoints; 0 where there can be none (not 1 to 1024). */
POSECORE_API size_t posecore_multi_plan_bytes(int32_t num_keypoints);

/** Checks skeleton and options and makes a plan of them in `memory`, which is not moved afterwards. The skeleton is not
 * read again.
 * @param options null: the defaults
 * @param plan    where the plan's address goes; null where the call says no
 * @return POSECORE_OK, NULL_POINTER, BAD_SKELETON, BAD_OPTIONS, WORKSPACE_TOO_SMALL or MISALIGNED */
POSECORE_API posecore_status posecore_multi_plan_make(const posecore_skeleton* skeleton,
                                                      const posecore_multi_options* options, void* memory, size_t bytes,
                                                      const posecore_multi_plan** plan);

/** Bytes of workspace to decode heads of this grid; 0 for a null plan, or rows or columns that are not 1 to 2^24. */
POSECORE_API size_t posecore_multi_workspace_bytes(const posecore_multi_plan* plan, int32_t rows, int32_t columns);

/** Every person of a picture, best first: PersonLab's greedy grouping (arXiv 1803.08225, sec. 3.2), with the sampling,
 * refinement and re-scoring of Coral's decoder. Roots are taken by score, then row, column and keypoint. It ends when
 * max_poses people that survive each other's suppression are held.
 * @param workspace at least posecore_multi_workspace_bytes; what it holds before and after means nothing
 * @param poses     capacity is at least max_poses
 * @return POSECORE_OK, NULL_POINTER, BAD_OPTIONS (heads->scores), BAD_TENSOR, MIXED_TENSORS, BAD_CHANNELS, TOO_LARGE,
 *         WORKSPACE_TOO_SMALL, MISALIGNED or SINK_TOO_SMALL */
POSECORE_API posecore_status posecore_decode_multi(const posecore_multi_plan* plan, const posecore_heads* heads,
                                                   void* workspace, size_t bytes, posecore_poses* poses);

/** One person: for each keypoint the cell with the highest value (the first of equals by row, column), plus the short
 * offset there, not clamped to the picture. Keypoints of a map of NaN are absent. Displacements are not read. The pose
 * score is the mean of the keypoint scores. K is the number of the heatmaps' channels.
 * @param stride_px input pixels from cell to cell, over 0 to 65536
 * @param poses     capacity is at least 1; count becomes 1
 * @return POSECORE_OK, NULL_POINTER, BAD_OPTIONS, BAD_TENSOR, MIXED_TENSORS, BAD_CHANNELS, TOO_LARGE or
 *         SINK_TOO_SMALL */
POSECORE_API posecore_status posecore_decode_single(const posecore_heads* heads, float stride_px,
                                                    posecore_poses* poses);

/** How the cell with the highest value is refined to a fraction of a cell. */
enum {
  POSECORE_REFINE_NONE = 0,
  POSECORE_REFINE_QUARTER = 1, /**< a quarter cell towards the higher neighbour (arXiv 1603.06937) */
  POSECORE_REFINE_TAYLOR = 2   /**< second-order expansion of the log of the smoothed map (DARK, arXiv 1910.06278) */
};

typedef struct posecore_heatmap_options {
  float stride_px;        /**< input pixels from cell to cell, over 0 to 65536; default 4 */
  int32_t refinement;     /**< POSECORE_REFINE_...; default POSECORE_REFINE_QUARTER */
  float blur_sigma_cells; /**< Gaussian smoothing before POSECORE_REFINE_TAYLOR, 0 to 5 cells; default 0, none */
} posecore_heatmap_options;

/** Writes the defaults; null is passed over. */
POSECORE_API void posecore_heatmap_options_init(posecore_heatmap_options* options);

/** One person from heatmaps alone (top-down networks): the highest cell of each map, refined; keypoint = (cell +
 * fraction) * stride. The score is the value of the cell.
 * @param scores  POSECORE_LOGITS or POSECORE_PROBABILITIES
 * @param options null: the defaults
 * @param poses   capacity is at least 1; count becomes 1
 * @return POSECORE_OK, NULL_POINTER, BAD_OPTIONS, BAD_TENSOR, TOO_LARGE or SINK_TOO_SMALL */
POSECORE_API posecore_status posecore_decode_heatmaps(const posecore_tensor* heatmaps, int32_t scores,
                                                      const posecore_heatmap_options* options, posecore_poses* poses);

#ifdef __cplusplus
}
#endif
