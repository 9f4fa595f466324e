/** @file
 * A picture into a network's input tensor: one pass that places, converts and pads.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "posecore/c/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/** 8-bit pixels of three channels side by side. */
typedef struct posecore_picture {
  const uint8_t* data;  /**< the first byte of the top row */
  int32_t rows;         /**< at least 1 */
  int32_t columns;      /**< at least 1 */
  ptrdiff_t row_stride; /**< bytes from row to row, 3 columns or more; negative for rows from the bottom up */
} posecore_picture;

/** Where the picture goes in the tensor (rows, columns, 3), dense; the rest is padded. The picture lies inside of it.
 */
typedef struct posecore_placement {
  int32_t rows;
  int32_t columns;
  int32_t top;           /**< the tensor's row of the picture's first, 0 or more */
  int32_t left;          /**< the tensor's column of the picture's first, 0 or more */
  uint8_t pad;           /**< what stands in the rest, as a byte of a picture */
  uint8_t swap_red_blue; /**< not 0: the first and third channel change places */
} posecore_placement;

/** tensor = byte * scale + offset.
 * @param tensor rows * columns * 3 numbers of the placement's
 * @return POSECORE_OK, NULL_POINTER, or BAD_TENSOR where the picture is empty or does not lie in the tensor */
POSECORE_API posecore_status posecore_write_input_float(const posecore_picture* picture,
                                                        const posecore_placement* placement, float scale, float offset,
                                                        float* tensor);

/** tensor = table[byte], for quantised inputs (uint8, or int8 through its bytes).
 * @param table  256 bytes
 * @param tensor rows * columns * 3 bytes of the placement's
 * @return as posecore_write_input_float */
POSECORE_API posecore_status posecore_write_input_bytes(const posecore_picture* picture,
                                                        const posecore_placement* placement, const uint8_t* table,
                                                        uint8_t* tensor);

#ifdef __cplusplus
}
#endif
