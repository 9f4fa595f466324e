// Rows of numbers outside of a range.
#include "posecore/range.hpp"

#include "check.hpp"
#include "memory.hpp"

using posecore::first_row_outside;
using posecore::NumbersView;

TEST(the_first_row_with_a_number_outside_is_found) {
  const Memory<double> numbers(5 * 3 * 2);
  const NumbersView<double> dense = {numbers.data(), 5, 3, 2, 6, 2, 1};
  const NumbersView<double> planes = {numbers.data(), 5, 3, 2, 3, 1, 15};
  CHECK(first_row_outside(dense, 0.0, 1.0) == -1);
  constexpr double kWrong[] = {-0.5, 1.5, HUGE_VAL, -HUGE_VAL, static_cast<double>(NAN)};
  for (const double wrong : kWrong) {
    for (int32_t i = 0; i < 30; ++i) {
      numbers[i] = wrong;
      numbers[29] = wrong;
      CHECK(first_row_outside(dense, 0.0, 1.0) == i / 6);
      CHECK(first_row_outside(planes, 0.0, 1.0) == (i % 15 / 3 < 4 ? i % 15 / 3 : 4));
      numbers[i] = numbers[29] = 1.0;
    }
  }
  CHECK(first_row_outside(dense, 0.0, 1.0) == -1);
}

TEST(a_column_is_rows_of_one_number) {
  const float numbers[] = {0.0F, 2.0F, 1.0F, 2.0F};
  CHECK(first_row_outside<float>({numbers, 4, 1, 1, 1, 1, 1}, 0.0F, 1.0F) == 1);
  CHECK(first_row_outside<float>({numbers, 2, 1, 1, 2, 1, 1}, 0.0F, 1.0F) == -1);
  CHECK(first_row_outside<float>({nullptr, 0}, 0.0F, 1.0F) == -1);
}
