#include "check.h"
#include "posecore.h"

enum { ROWS = 3, COLUMNS = 6 };

/* Two people of one keypoint: the left half means the one, the right half the other; the top row is nobody's. */
void test_masks(void) {
  static const float kXy[4] = {16, 16, 64, 16};
  float offsets[ROWS][COLUMNS][2];
  float segments[ROWS][COLUMNS];
  for (int32_t row = 0; row < ROWS; ++row) {
    for (int32_t column = 0; column < COLUMNS; ++column) {
      const float* to = kXy + (column < 3 ? 0 : 2);
      offsets[row][column][0] = to[1] - (float)(16 * row);
      offsets[row][column][1] = to[0] - (float)(16 * column);
      segments[row][column] = row == 0 ? 0.25F : 0.75F;
    }
  }
  posecore_mask_heads heads;
  heads.long_offsets = posecore_hwc_tensor(offsets, POSECORE_FLOAT32, ROWS, COLUMNS, 2, 1, 0);
  heads.segments = posecore_hwc_tensor(segments, POSECORE_FLOAT32, ROWS, COLUMNS, 1, 1, 0);
  heads.scores = POSECORE_PROBABILITIES;
  const posecore_mask_poses poses = {kXy, 2, NULL};
  int32_t owners[ROWS * COLUMNS];
  posecore_mask mask = {owners, ROWS, COLUMNS, NULL};
  uint64_t workspace[2 * ROWS * COLUMNS];
  const size_t bytes = posecore_mask_workspace_bytes(2, ROWS, COLUMNS);
  CHECK(bytes > 0 && bytes <= sizeof workspace);
  CHECK_STATUS(POSECORE_OK, posecore_instance_masks(&heads, &poses, NULL, workspace, bytes, &mask));
  for (int32_t i = 0; i < ROWS * COLUMNS; ++i) {
    CHECK(owners[i] == (i < COLUMNS ? -1 : (i % COLUMNS < 3 ? 0 : 1)));
  }

  /* In the picture: a point for each 16 x 16 pixels of the cells (1, 3) and (1, 2), mirrored. */
  const posecore_pixel_map mirrored = {-0.0625F, 0.0625F, 3, -1};
  mask.rows = 1;
  mask.columns = 2;
  mask.map = &mirrored;
  CHECK_STATUS(POSECORE_OK, posecore_instance_masks(&heads, &poses, NULL, workspace, bytes, &mask));
  CHECK(owners[0] == 1 && owners[1] == 0);

  posecore_mask_options options;
  posecore_mask_options_init(NULL);
  posecore_mask_options_init(&options);
  CHECK(options.stride_px == 16.0F && options.refine_steps == 2 && options.segment_threshold == 0.5F);
  options.refine_steps = -1;
  CHECK_STATUS(POSECORE_BAD_OPTIONS, posecore_instance_masks(&heads, &poses, &options, workspace, bytes, &mask));
  const posecore_pixel_map flat = {0, 1, 0, 0};
  mask.map = &flat;
  CHECK_STATUS(POSECORE_BAD_OPTIONS, posecore_instance_masks(&heads, &poses, NULL, workspace, bytes, &mask));
  mask.map = NULL;
  CHECK_STATUS(POSECORE_WORKSPACE_TOO_SMALL,
               posecore_instance_masks(&heads, &poses, NULL, workspace, bytes - 1, &mask));
  CHECK(posecore_mask_workspace_bytes(-1, 3, 3) == 0 && posecore_mask_workspace_bytes(1, 0, 3) == 0);

  const posecore_mask_poses nowhere = {NULL, 2, NULL};
  const posecore_mask roomless = {NULL, ROWS, COLUMNS, NULL};
  CHECK_STATUS(POSECORE_NULL_POINTER, posecore_instance_masks(NULL, &poses, NULL, workspace, bytes, &mask));
  CHECK_STATUS(POSECORE_NULL_POINTER, posecore_instance_masks(&heads, NULL, NULL, workspace, bytes, &mask));
  CHECK_STATUS(POSECORE_NULL_POINTER, posecore_instance_masks(&heads, &nowhere, NULL, workspace, bytes, &mask));
  CHECK_STATUS(POSECORE_NULL_POINTER, posecore_instance_masks(&heads, &poses, NULL, NULL, bytes, &mask));
  CHECK_STATUS(POSECORE_NULL_POINTER, posecore_instance_masks(&heads, &poses, NULL, workspace, bytes, NULL));
  CHECK_STATUS(POSECORE_NULL_POINTER, posecore_instance_masks(&heads, &poses, NULL, workspace, bytes, &roomless));
  heads.long_offsets.data = NULL;
  CHECK_STATUS(POSECORE_NULL_POINTER, posecore_instance_masks(&heads, &poses, NULL, workspace, bytes, &mask));
  heads.scores = 7;
  CHECK_STATUS(POSECORE_BAD_OPTIONS, posecore_instance_masks(&heads, &poses, NULL, workspace, bytes, &mask));
}
