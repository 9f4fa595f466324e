// The bounded queue: any number of passes gives what a queue without bounds gives.
#include "candidates.hpp"

#include "check.hpp"
#include "synthetic.hpp"

using posecore::detail::Candidate;
using posecore::detail::CandidateKey;
using posecore::detail::CandidateQueue;
using posecore::detail::CandidateScan;
using posecore::detail::Grid;

namespace {

// All candidates in the order in which a queue of `capacity` gives them.
template <class T>
int32_t order(const Grid<T>& grid, int32_t channels, T threshold, int32_t radius, int32_t capacity,
              CandidateKey* ordered) {
  const Memory<CandidateKey> keys(static_cast<size_t>(capacity));
  CandidateQueue queue(keys.data(), capacity);
  const CandidateScan<T> candidates(grid, channels, threshold, radius);
  int32_t count = 0;
  CandidateKey last = UINT64_MAX;
  do {
    candidates.scan(last, &queue);
    while (!queue.empty()) {
      last = queue.pop();
      ordered[count++] = last;
    }
  } while (queue.dropped());
  return count;
}

template <class T>
void check_passes(Arrangement arrangement, uint32_t seed) {
  Numbers numbers(seed);
  const int32_t rows = 1 + numbers.below(20);
  const int32_t columns = 1 + numbers.below(40);
  const int32_t channels = 1 + numbers.below(5);
  const int32_t cells = rows * columns * channels;
  Tensor<T> heatmaps(rows, columns, channels, arrangement, 1.0F, 0);
  for (int32_t i = 0; i < cells; ++i) {
    const auto value = static_cast<T>(numbers.below(6));  // few values: many ties
    heatmaps.at(i / channels / columns, i / channels % columns, i % channels) = value;
  }
  const Grid<T> grid(heatmaps.view());
  const int32_t radius = numbers.below(3);
  const Memory<CandidateKey> all(static_cast<size_t>(cells));
  const Memory<CandidateKey> passes(static_cast<size_t>(cells));
  const int32_t count = order<T>(grid, channels, 2, radius, cells, all.data());
  CHECK(order<T>(grid, channels, 2, radius, 1 + numbers.below(7), passes.data()) == count);
  CHECK(memcmp(all.data(), passes.data(), static_cast<size_t>(count) * sizeof(CandidateKey)) == 0);

  // The queue against the definition, cell by cell.
  const CandidateScan<T> scan(grid, channels, 2, radius);
  int32_t wanted = 0;
  for (int32_t i = 0; i < cells; ++i) {
    const int32_t row = i / channels / columns;
    const int32_t column = i / channels % columns;
    bool highest = heatmaps.at(row, column, i % channels) >= 2;
    for (int32_t y = row - radius; y <= row + radius; ++y) {
      for (int32_t x = column - radius; x <= column + radius; ++x) {
        const bool inside = y >= 0 && x >= 0 && y < rows && x < columns;
        highest = highest && !(inside && heatmaps.at(y, x, i % channels) > heatmaps.at(row, column, i % channels));
      }
    }
    wanted += highest ? 1 : 0;
  }
  CHECK(count == wanted);
  for (int32_t i = 1; i < count; ++i) {
    const Candidate before = scan.place(all[i - 1]);
    const Candidate after = scan.place(all[i]);
    const T high = heatmaps.at(before.row, before.column, before.keypoint);
    const T low = heatmaps.at(after.row, after.column, after.keypoint);
    const int32_t first = (before.row * columns + before.column) * channels + before.keypoint;
    const int32_t second = (after.row * columns + after.column) * channels + after.keypoint;
    CHECK(high > low || (high == low && first < second));
  }
}

}  // namespace

TEST(many_passes_equal_one_and_follow_the_total_order) {
  for (uint32_t seed = 1; seed <= 60; ++seed) {
    for (const Arrangement arrangement : kArrangements) {
      check_passes<float>(arrangement, seed);
      check_passes<uint8_t>(arrangement, seed);
      check_passes<int8_t>(arrangement, seed);
    }
  }
}

TEST(minus_zero_and_zero_are_equal) {
  Tensor<float> heatmaps(1, 4, 1, Arrangement::kHwc, 1, 0);
  heatmaps.at(0, 0, 0) = -0.0F;
  heatmaps.at(0, 1, 0) = 0.0F;
  heatmaps.at(0, 2, 0) = -0.0F;
  heatmaps.at(0, 3, 0) = 0.0F;
  const Grid<float> grid(heatmaps.view());
  const CandidateScan<float> scan(grid, 1, 0.0F, 1);
  const Memory<CandidateKey> keys(4);
  CHECK(order<float>(grid, 1, 0.0F, 1, 4, keys.data()) == 4);
  for (int32_t i = 0; i < 4; ++i) {
    CHECK(scan.place(keys[i]).column == i);
  }
}
