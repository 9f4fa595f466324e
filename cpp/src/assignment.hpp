// Who belongs to whom: the assignment whose values have the greatest sum.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace posecore::detail {

inline constexpr int32_t kNobody = -1;
// A value of 1 as a whole number. Sums are exact, so equal sums are equal on every machine.
inline constexpr int32_t kUnitValue = 1048576;

// Borrowed memory: `most` is the greater side, each array has most + 1 numbers.
struct AssignmentMemory {
  int32_t* row_price;
  int32_t* column_price;
  int32_t* slack;
  int32_t* row_of_column;
  int32_t* column_before;
  uint8_t* used;
};

// `values` has `rows` rows of `stride` numbers in 0..kUnitValue, where 0 is a pair that may not be. Writes for each
// row its column or kNobody. Shortest augmenting paths (Kuhn; Munkres; Jonker and Volgenant 1987), rows in order, and
// of equal columns the first.
void assign_greatest(const int32_t* values, int32_t rows, int32_t columns, int32_t stride,
                     const AssignmentMemory& memory, int32_t* column_of_row) noexcept;

}  // namespace posecore::detail
