// The best assignment, against all assignments.
#include "assignment.hpp"
#include "check.hpp"
#include "memory.hpp"

using posecore::detail::assign_greatest;
using posecore::detail::AssignmentMemory;
using posecore::detail::kNobody;
using posecore::detail::kUnitValue;

namespace {

constexpr int32_t kStride = 8;

// The greatest sum, row by row: each takes any free column or none.
int64_t greatest(const int32_t* values, int32_t rows, int32_t columns, int32_t row, uint32_t taken) {
  if (row == rows) {
    return 0;
  }
  int64_t best = greatest(values, rows, columns, row + 1, taken);
  for (int32_t j = 0; j < columns; ++j) {
    if ((taken >> static_cast<uint32_t>(j) & 1U) == 0) {
      const int64_t sum =
          values[row * kStride + j] + greatest(values, rows, columns, row + 1, taken | 1U << static_cast<uint32_t>(j));
      best = sum > best ? sum : best;
    }
  }
  return best;
}

struct Room {
  int32_t row_price[kStride + 1], column_price[kStride + 1], slack[kStride + 1];
  int32_t row_of_column[kStride + 1], column_before[kStride + 1];
  uint8_t used[kStride + 1];

  [[nodiscard]] AssignmentMemory memory() {
    return {row_price, column_price, slack, row_of_column, column_before, used};
  }
};

void check_one(const int32_t* values, int32_t rows, int32_t columns) {
  Room room = {};
  int32_t column_of_row[kStride];
  assign_greatest(values, rows, columns, kStride, room.memory(), column_of_row);
  int64_t sum = 0;
  uint32_t taken = 0;
  for (int32_t i = 0; i < rows; ++i) {
    const int32_t j = column_of_row[i];
    if (j == kNobody) {
      continue;
    }
    CHECK(j >= 0 && j < columns);
    if (j < 0 || j >= columns) {
      return;
    }
    CHECK((taken >> static_cast<uint32_t>(j) & 1U) == 0);
    CHECK(values[i * kStride + j] > 0);
    taken |= 1U << static_cast<uint32_t>(j);
    sum += values[i * kStride + j];
  }
  CHECK(sum == greatest(values, rows, columns, 0, 0));
}

}  // namespace

TEST(the_assignment_has_the_greatest_sum) {
  Numbers numbers(5);
  for (int32_t round = 0; round < 2000; ++round) {
    int32_t values[kStride * kStride] = {};
    const int32_t rows = numbers.below(7);
    const int32_t columns = numbers.below(7);
    // Many zeros (pairs that may not be), and many ties in every other round.
    const int32_t most = round % 2 == 0 ? kUnitValue : 3;
    for (int32_t& value : values) {
      value = numbers.below(3) == 0 ? 0 : numbers.below(most + 1);
    }
    check_one(values, rows, columns);
  }
}

TEST(an_assignment_of_zeros_is_empty) {
  const int32_t values[kStride * kStride] = {};
  check_one(values, 5, 5);
  check_one(values, 0, 5);
  check_one(values, 5, 0);
}
