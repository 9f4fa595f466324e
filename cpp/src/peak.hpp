// The highest cell of one heatmap.
#pragma once

#include <stdint.h>

#include "grid.hpp"

namespace posecore::detail {

template <class T>
struct Peak {
  T value;
  int32_t row;
  int32_t column;
  bool found;  // false where the map holds nothing but NaN
};

// The first of equals by row, then column.
template <class T>
[[nodiscard]] Peak<T> find_peak(const Grid<T>& heatmaps, int32_t channel) noexcept {
  Peak<T> peak = {T{}, 0, 0, false};
  for (int32_t row = 0; row < heatmaps.rows; ++row) {
    const T* value = heatmaps.cell(row, 0, channel);
    for (int32_t column = 0; column < heatmaps.columns; ++column, value += heatmaps.column_stride) {
      if (peak.found ? *value > peak.value : *value == *value) {
        peak = {*value, row, column, true};
      }
    }
  }
  return peak;
}

}  // namespace posecore::detail
