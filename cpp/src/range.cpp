#include "posecore/range.hpp"

namespace posecore {
namespace {

template <class T>
[[nodiscard]] uint32_t any_outside(const T* from, int64_t count, ptrdiff_t stride, T least, T most) noexcept {
  uint32_t outside = 0;
  for (int64_t i = 0; i < count; ++i) {
    // `&` and no branch, for vectors.
    const T value = from[i * stride];
    outside |= 1U - (static_cast<uint32_t>(value >= least) & static_cast<uint32_t>(value <= most));
  }
  return outside;
}

}  // namespace

template <class T>
int64_t first_row_outside(const NumbersView<T>& numbers, T least, T most) noexcept {
  const bool dense = numbers.channel_stride == 1 && numbers.column_stride == numbers.channels;
  for (int64_t row = 0; row < numbers.rows; ++row) {
    const T* from = numbers.data + row * numbers.row_stride;
    uint32_t outside = 0;
    if (dense) {
      outside = any_outside<T>(from, numbers.columns * numbers.channels, 1, least, most);
    } else {
      for (int64_t channel = 0; channel < numbers.channels; ++channel) {
        outside |=
            any_outside(from + channel * numbers.channel_stride, numbers.columns, numbers.column_stride, least, most);
      }
    }
    if (outside != 0) {
      return row;
    }
  }
  return -1;
}

template int64_t first_row_outside(const NumbersView<float>&, float, float) noexcept;
template int64_t first_row_outside(const NumbersView<double>&, double, double) noexcept;

}  // namespace posecore
