// Rows of numbers that are to lie in a range.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace posecore {

// Numbers by (row, column, channel) with strides in elements, read in place. T is float or double.
template <class T>
struct NumbersView {
  const T* data = nullptr;
  int64_t rows = 0;
  int64_t columns = 1;
  int64_t channels = 1;
  ptrdiff_t row_stride = 0;
  ptrdiff_t column_stride = 0;
  ptrdiff_t channel_stride = 0;
};

// Nothing is checked but the numbers: `data` reaches as far as the strides say.
// The first row with a number that is not in [least, most], NaN being in no range; -1 where there is none.
template <class T>
[[nodiscard]] int64_t first_row_outside(const NumbersView<T>& numbers, T least, T most) noexcept;

extern template int64_t first_row_outside(const NumbersView<float>&, float, float) noexcept;
extern template int64_t first_row_outside(const NumbersView<double>&, double, double) noexcept;

}  // namespace posecore
