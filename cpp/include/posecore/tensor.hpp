// Tensors that belong to somebody else: read in place, through any strides.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace posecore {

enum class ElementType : uint8_t { kFloat32, kUint8, kInt8 };

// A (row, column, channel) view. Strides count elements, not bytes, so HWC, CHW and slices of either are
// the same thing. For the 8-bit types real = (q - zero_point) * scale; float32 ignores both.
struct TensorView {
  const void* data = nullptr;
  ElementType type = ElementType::kFloat32;
  int32_t rows = 0;
  int32_t columns = 0;
  int32_t channels = 0;
  ptrdiff_t row_stride = 0;
  ptrdiff_t column_stride = 0;
  ptrdiff_t channel_stride = 0;
  float scale = 1.0F;
  int32_t zero_point = 0;
};

// Dense (rows, columns, channels), as TensorFlow writes it.
[[nodiscard]] inline TensorView hwc_view(const void* data, ElementType type, int32_t rows, int32_t columns,
                                         int32_t channels, float scale = 1.0F, int32_t zero_point = 0) noexcept {
  return {data,     type, rows,  columns,   channels, static_cast<ptrdiff_t>(columns) * channels,
          channels, 1,    scale, zero_point};
}

// Dense (channels, rows, columns), as the K210's KPU and PyTorch write it.
[[nodiscard]] inline TensorView chw_view(const void* data, ElementType type, int32_t rows, int32_t columns,
                                         int32_t channels, float scale = 1.0F, int32_t zero_point = 0) noexcept {
  return {data, type, rows, columns, channels, columns, 1, static_cast<ptrdiff_t>(rows) * columns, scale, zero_point};
}

}  // namespace posecore
