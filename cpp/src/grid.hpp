// Typed reading of a TensorView: single cells, and bilinear samples between them.
#pragma once

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#include "numeric.hpp"
#include "posecore/decode.hpp"
#include "posecore/status.hpp"
#include "posecore/tensor.hpp"

namespace posecore::detail {

inline constexpr int32_t kMaxSide = 16777216;

[[nodiscard]] inline Status check(const TensorView& view) noexcept {
  if (view.data == nullptr) {
    return Status::kNullPointer;
  }
  if (view.rows < 1 || view.columns < 1 || view.channels < 1 || view.type > ElementType::kInt8) {
    return Status::kBadTensor;
  }
  if (view.type != ElementType::kFloat32 && !(view.scale > 0.0F && view.scale < INFINITY)) {
    return Status::kBadTensor;
  }
  // A place is two floats: beyond this a cell would have none of its own.
  if (view.rows > kMaxSide || view.columns > kMaxSide) {
    return Status::kTooLarge;
  }
  const auto cells = static_cast<uint64_t>(view.rows) * static_cast<uint64_t>(view.columns);
  if (cells > UINT32_MAX || cells * static_cast<uint64_t>(view.channels) > UINT32_MAX) {
    return Status::kTooLarge;
  }
  return Status::kOk;
}

// A place between cells, in cells; always inside of the grid.
struct Point {
  float y;
  float x;
};

// Logits beyond this are the same as certain, and products with weights of bilinear sampling stay finite.
inline constexpr float kLargest = 1.0e4F;

template <class T>
struct Grid {
  const T* data;
  ptrdiff_t row_stride;
  ptrdiff_t column_stride;
  ptrdiff_t channel_stride;
  int32_t rows;
  int32_t columns;
  float scale;
  float zero_point;

  explicit Grid(const TensorView& view) noexcept
      : data(static_cast<const T*>(view.data)),
        row_stride(view.row_stride),
        column_stride(view.column_stride),
        channel_stride(view.channel_stride),
        rows(view.rows),
        columns(view.columns),
        scale(view.scale),
        zero_point(static_cast<float>(view.zero_point)) {}

  [[nodiscard]] const T* cell(int32_t row, int32_t column, int32_t channel) const noexcept {
    return data + row * row_stride + column * column_stride + channel * channel_stride;
  }

  [[nodiscard]] float real(float stored) const noexcept { return (stored - zero_point) * scale; }
};

template <>
inline float Grid<float>::real(float stored) const noexcept {
  return stored;
}

// What a heatmap holds, with NaN as the surest no.
template <class T>
[[nodiscard]] inline float stored(T value) noexcept {
  return static_cast<float>(value);
}
template <>
[[nodiscard]] inline float stored(float value) noexcept {
  if (!(value > -kLargest)) {
    return -kLargest;
  }
  return value < kLargest ? value : kLargest;
}

// The four cells around a point, for one tensor.
template <class T>
struct Corners {
  const T* top_left;
  ptrdiff_t right;
  ptrdiff_t down;
  float fy;
  float fx;

  Corners(const Grid<T>& grid, Point at) noexcept {
    const auto row = static_cast<int32_t>(at.y);
    const auto column = static_cast<int32_t>(at.x);
    top_left = grid.cell(row, column, 0);
    fy = at.y - static_cast<float>(row);
    fx = at.x - static_cast<float>(column);
    // Cells of no weight are not read: they need not exist, nor hold anything.
    right = fx > 0.0F ? grid.column_stride : 0;
    down = fy > 0.0F ? grid.row_stride : 0;
  }

  template <class Read>
  [[nodiscard]] float sample(ptrdiff_t channel_offset, Read read) const noexcept {
    const T* p = top_left + channel_offset;
    const float a = read(p[0]);
    const float b = read(p[right]);
    const float c = read(p[down]);
    const float d = read(p[down + right]);
    const float top = a + (b - a) * fx;
    const float bottom = c + (d - c) * fx;
    return top + (bottom - top) * fy;
  }
};

template <class T>
[[nodiscard]] inline float sample_score(const Grid<T>& grid, Point at, int32_t channel) noexcept {
  const Corners<T> corners(grid, at);
  return grid.real(corners.sample(channel * grid.channel_stride, [](T q) { return stored(q); }));
}

// `value`, inside of a grid, as a whole number of cells; what lies in the middle goes up.
[[nodiscard]] inline float nearest_cell(float value) noexcept {
  const auto below = static_cast<float>(static_cast<int32_t>(value));
  return value - below < 0.5F ? below : below + 1.0F;
}

// The vector (dy, dx) in the tensor's own unit; a vector that is not finite counts as none.
template <class T>
[[nodiscard]] inline Point sample_vector(const Grid<T>& grid, Point at, int32_t channel_y, int32_t channel_x) noexcept {
  const Corners<T> corners(grid, at);
  const auto read = [](T q) { return static_cast<float>(q); };
  const float dy = grid.real(corners.sample(channel_y * grid.channel_stride, read));
  const float dx = grid.real(corners.sample(channel_x * grid.channel_stride, read));
  const bool finite = dy >= -1.0e9F && dy <= 1.0e9F && dx >= -1.0e9F && dx <= 1.0e9F;
  return finite ? Point{dy, dx} : Point{0.0F, 0.0F};
}

// Writes a point of `px_per_unit` input pixels a unit, as keypoint number `index` of the sink.
inline void put_point(PoseSink* sink, ptrdiff_t index, Point at, float px_per_unit) noexcept {
  sink->xy[2 * index] = at.x * px_per_unit * sink->map.scale_x + sink->map.shift_x;
  sink->xy[2 * index + 1] = at.y * px_per_unit * sink->map.scale_y + sink->map.shift_y;
}

// Calls `call(T{})` with the element type of the view.
template <class Call>
[[nodiscard]] inline Status with_type(ElementType type, Call call) noexcept {
  switch (type) {
    case ElementType::kFloat32:
      return call(float{});
    case ElementType::kUint8:
      return call(uint8_t{});
    case ElementType::kInt8:
      return call(int8_t{});
  }
  return Status::kBadTensor;
}

// The score in [0, 1] of a heatmap value.
[[nodiscard]] inline float score_of(float value, bool logits) noexcept {
  return logits ? sigmoid(value) : clamped(value, 1.0F);
}

}  // namespace posecore::detail
