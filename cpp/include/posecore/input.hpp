// A picture into a network's input tensor: one pass that places, converts and pads.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "posecore/status.hpp"

namespace posecore {

// 8-bit pixels of three channels side by side.
struct PictureView {
  const uint8_t* data = nullptr;  // the first byte of the top row
  int32_t rows = 0;               // at least 1
  int32_t columns = 0;            // at least 1
  ptrdiff_t row_stride = 0;       // bytes from row to row, 3 columns or more; negative for rows from the bottom up
};

// Where the picture goes in the tensor (rows, columns, 3), dense; the rest is filled with `pad`.
struct Placement {
  int32_t rows = 0;
  int32_t columns = 0;
  int32_t top = 0;             // the tensor's row of the picture's first, 0 or more
  int32_t left = 0;            // the tensor's column of the picture's first, 0 or more
  uint8_t pad = 128;           // as a byte of a picture: it is converted like one
  bool swap_red_blue = false;  // the first and third channel change places
};

// tensor = byte * scale + offset, for all rows * columns * 3 numbers of the placement's.
// kNullPointer: no picture or no tensor. kBadTensor: the picture is empty, or does not lie in the tensor as a whole.
// Nothing is written then.
[[nodiscard]] Status write_input(const PictureView& picture, const Placement& placement, float scale, float offset,
                                 float* tensor) noexcept;

// tensor = table[byte], for quantised inputs (uint8, or int8 through its bytes). kNullPointer: no table, too.
[[nodiscard]] Status write_input(const PictureView& picture, const Placement& placement, const uint8_t table[256],
                                 uint8_t* tensor) noexcept;

}  // namespace posecore
