// A picture into a network's input tensor: one pass that places, converts and pads.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "posecore/status.hpp"

namespace posecore {

// 8-bit pixels of three channels side by side; rows may be further apart (row_stride, in bytes).
struct PictureView {
  const uint8_t* data = nullptr;
  int32_t rows = 0;
  int32_t columns = 0;
  ptrdiff_t row_stride = 0;
};

// Where the picture goes in the tensor (rows, columns, 3), dense; the rest is filled with `pad`.
struct Placement {
  int32_t rows = 0;
  int32_t columns = 0;
  int32_t top = 0;
  int32_t left = 0;
  uint8_t pad = 128;
  bool swap_red_blue = false;
};

// tensor = byte * scale + offset.
[[nodiscard]] Status write_input(const PictureView& picture, const Placement& placement, float scale, float offset,
                                 float* tensor) noexcept;

// tensor = table[byte], for quantised inputs (uint8, or int8 through its bytes).
[[nodiscard]] Status write_input(const PictureView& picture, const Placement& placement, const uint8_t table[256],
                                 uint8_t* tensor) noexcept;

}  // namespace posecore
