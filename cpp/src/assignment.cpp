#include "assignment.hpp"

namespace posecore::detail {
namespace {

// The matrix with its shorter side as rows, from 1, so that every row can have a column: (0, 0) is no pair.
class Values {
 public:
  Values(const int32_t* values, int32_t rows, int32_t columns, int32_t stride) noexcept
      : values_(values),
        rows_(rows <= columns ? rows : columns),
        columns_(rows <= columns ? columns : rows),
        row_step_(rows <= columns ? stride : 1),
        column_step_(rows <= columns ? 1 : stride) {}

  [[nodiscard]] int32_t rows() const noexcept { return rows_; }
  [[nodiscard]] int32_t columns() const noexcept { return columns_; }
  [[nodiscard]] int32_t at(int32_t row, int32_t column) const noexcept {
    return values_[static_cast<ptrdiff_t>(row - 1) * row_step_ + static_cast<ptrdiff_t>(column - 1) * column_step_];
  }

 private:
  const int32_t* values_;
  int32_t rows_;
  int32_t columns_;
  ptrdiff_t row_step_;
  ptrdiff_t column_step_;
};

// Gives `row` a column by the cheapest path of changes; a value is a cost below 0.
void add_row(const Values& values, const AssignmentMemory& memory, int32_t row) noexcept {
  const int32_t columns = values.columns();
  for (int32_t j = 0; j <= columns; ++j) {
    memory.slack[j] = INT32_MAX;
    memory.used[j] = 0;
  }
  memory.row_of_column[0] = row;
  int32_t column = 0;
  while (memory.row_of_column[column] != 0) {
    memory.used[column] = 1;
    const int32_t from = memory.row_of_column[column];
    int32_t least = INT32_MAX;
    int32_t next = 0;
    for (int32_t j = 1; j <= columns; ++j) {
      if (memory.used[j] != 0) {
        continue;
      }
      const int32_t cost = -values.at(from, j) - memory.row_price[from] - memory.column_price[j];
      if (cost < memory.slack[j]) {
        memory.slack[j] = cost;
        memory.column_before[j] = column;
      }
      if (memory.slack[j] < least) {
        least = memory.slack[j];
        next = j;
      }
    }
    for (int32_t j = 0; j <= columns; ++j) {
      if (memory.used[j] != 0) {
        memory.row_price[memory.row_of_column[j]] += least;
        memory.column_price[j] -= least;
      } else if (memory.slack[j] != INT32_MAX) {
        memory.slack[j] -= least;
      }
    }
    column = next;
  }
  while (column != 0) {
    const int32_t before = memory.column_before[column];
    memory.row_of_column[column] = memory.row_of_column[before];
    column = before;
  }
}

}  // namespace

void assign_greatest(const int32_t* values, int32_t rows, int32_t columns, int32_t stride,
                     const AssignmentMemory& memory, int32_t* column_of_row) noexcept {
  for (int32_t i = 0; i < rows; ++i) {
    column_of_row[i] = kNobody;
  }
  const Values matrix(values, rows, columns, stride);
  for (int32_t j = 0; j <= matrix.columns(); ++j) {
    memory.column_price[j] = 0;
    memory.row_of_column[j] = 0;
  }
  for (int32_t i = 0; i <= matrix.rows(); ++i) {
    memory.row_price[i] = 0;
  }
  for (int32_t i = 1; i <= matrix.rows(); ++i) {
    add_row(matrix, memory, i);
  }
  for (int32_t j = 1; j <= matrix.columns(); ++j) {
    const int32_t i = memory.row_of_column[j];
    if (i != 0 && matrix.at(i, j) > 0) {
      const int32_t row = rows <= columns ? i : j;
      column_of_row[row - 1] = (rows <= columns ? j : i) - 1;
    }
  }
}

}  // namespace posecore::detail
