// Plain heatmaps: a Gaussian's top is found to a fraction of a cell.
#include "check.hpp"
#include "decoding.hpp"
#include "synthetic.hpp"

using posecore::decode_heatmaps;
using posecore::HeatmapOptions;
using posecore::Refinement;
using posecore::ScoreKind;
using posecore::Status;

namespace {

template <class T>
void draw_gaussian(Tensor<T>* map, int32_t k, float x, float y, float sigma) {
  const posecore::TensorView view = map->view();
  for (int32_t row = 0; row < view.rows; ++row) {
    for (int32_t column = 0; column < view.columns; ++column) {
      const float dx = static_cast<float>(column) - x;
      const float dy = static_cast<float>(row) - y;
      map->set(row, column, k, expf(-(dx * dx + dy * dy) / (2.0F * sigma * sigma)));
    }
  }
}

template <class T>
void check_taylor(int32_t rows, int32_t columns, double tolerance_px) {
  const float tops[][2] = {{5.0F, 6.0F}, {4.3F, 7.2F}, {6.45F, 5.6F}};
  for (const Arrangement arrangement : kArrangements) {
    Tensor<T> maps(rows, columns, 3, arrangement, 1.0F / 255.0F, sizeof(T) == 4 || static_cast<T>(-1) > 0 ? 0 : -128);
    for (int32_t k = 0; k < 3; ++k) {
      draw_gaussian(&maps, k, tops[k][0], tops[k][1], 2.0F);
    }
    Poses poses(1, 3);
    CHECK(decode_heatmaps(maps.view(), ScoreKind::kProbabilities, {4.0F, Refinement::kTaylor, 0.0F}, &poses.sink) ==
          Status::kOk);
    CHECK(poses.sink.count == 1);
    for (int32_t k = 0; k < 3; ++k) {
      CHECK_NEAR(poses.x(0, k), 4 * tops[k][0], tolerance_px);
      CHECK_NEAR(poses.y(0, k), 4 * tops[k][1], tolerance_px);
      CHECK(poses.score(0, k) > 0.9F);
    }
  }
}

}  // namespace

TEST(taylor_finds_the_top_of_a_gaussian) {
  check_taylor<float>(16, 12, 1e-3);
  check_taylor<float>(12, 20, 1e-3);
  check_taylor<uint8_t>(16, 12, 0.15);
  check_taylor<int8_t>(12, 20, 0.15);
}

TEST(quarter_goes_towards_the_higher_neighbour) {
  Tensor<float> map(8, 8, 1, Arrangement::kHwc, 1, 0);
  draw_gaussian(&map, 0, 4.3F, 2.8F, 1.5F);
  Poses poses(1, 1);
  CHECK(decode_heatmaps(map.view(), ScoreKind::kProbabilities, {4.0F, Refinement::kQuarter, 0.0F}, &poses.sink) ==
        Status::kOk);
  CHECK_NEAR(poses.x(0, 0), 4 * 4.25, 0);
  CHECK_NEAR(poses.y(0, 0), 4 * 2.75, 0);
  CHECK(decode_heatmaps(map.view(), ScoreKind::kProbabilities, {4.0F, Refinement::kNone, 0.0F}, &poses.sink) ==
        Status::kOk);
  CHECK_NEAR(poses.x(0, 0), 16, 0);
  CHECK_NEAR(poses.y(0, 0), 12, 0);
}

TEST(taylor_follows_a_hill_that_lies_across) {
  Tensor<float> map(14, 14, 1, Arrangement::kHwc, 1, 0);
  for (int32_t i = 0; i < 14 * 14; ++i) {
    const float dy = static_cast<float>(i / 14) - 6.3F;  // NOLINT(bugprone-integer-division): the row
    const float dx = static_cast<float>(i % 14) - 7.2F;
    map.at(i / 14, i % 14, 0) = expf(-0.1F * (dx * dx + dy * dy) - 0.12F * dx * dy);
  }
  Poses poses(1, 1);
  CHECK(decode_heatmaps(map.view(), ScoreKind::kProbabilities, {1.0F, Refinement::kTaylor, 0.0F}, &poses.sink) ==
        Status::kOk);
  CHECK_NEAR(poses.x(0, 0), 7.2, 1e-3);
  CHECK_NEAR(poses.y(0, 0), 6.3, 1e-3);
}

TEST(taylor_never_goes_further_than_a_cell) {
  const float along[] = {0.9F, 0.5F, 1.0F, 0.999F, 0.99F};  // a steep slope on one side, a plain on the other
  const float across[] = {0.8F, 0.9F, 1.0F, 0.9F, 0.8F};
  Tensor<float> map(5, 5, 1, Arrangement::kHwc, 1, 0);
  for (int32_t row = 0; row < 5; ++row) {
    for (int32_t column = 0; column < 5; ++column) {
      map.at(row, column, 0) = along[column] * across[row];
    }
  }
  Poses poses(1, 1);
  CHECK(decode_heatmaps(map.view(), ScoreKind::kProbabilities, {1.0F, Refinement::kTaylor, 0.0F}, &poses.sink) ==
        Status::kOk);
  CHECK_NEAR(poses.x(0, 0), 2, 0);
  CHECK_NEAR(poses.y(0, 0), 2, 0);
}

TEST(a_top_at_the_border_is_not_moved) {
  Tensor<float> map(5, 5, 1, Arrangement::kHwc, 1, 0);
  draw_gaussian(&map, 0, 0.0F, 4.0F, 1.5F);
  for (int32_t i = 0; i < 3; ++i) {
    Poses poses(1, 1);
    CHECK(decode_heatmaps(map.view(), ScoreKind::kProbabilities, {4.0F, static_cast<Refinement>(i), 0.0F},
                          &poses.sink) == Status::kOk);
    CHECK_NEAR(poses.x(0, 0), 0, 0);
    CHECK_NEAR(poses.y(0, 0), 16, 0);
  }
}

TEST(smoothing_survives_noise_that_misleads_the_plain_expansion) {
  Tensor<float> map(24, 24, 1, Arrangement::kHwc, 1, 0);
  draw_gaussian(&map, 0, 11.4F, 12.3F, 2.0F);
  Numbers numbers(3);
  for (int32_t i = 0; i < 24 * 24; ++i) {
    map.at(i / 24, i % 24, 0) += numbers.between(0.0F, 0.02F);
  }
  Poses poses(1, 1);
  CHECK(decode_heatmaps(map.view(), ScoreKind::kProbabilities, {1.0F, Refinement::kTaylor, 2.0F}, &poses.sink) ==
        Status::kOk);
  CHECK_NEAR(poses.x(0, 0), 11.4, 0.1);
  CHECK_NEAR(poses.y(0, 0), 12.3, 0.1);
}

TEST(heatmaps_say_what_does_not_fit) {
  Tensor<float> map(5, 5, 1, Arrangement::kHwc, 1, 0);
  Poses poses(1, 1);
  const auto with = [&](const HeatmapOptions& options) {
    return decode_heatmaps(map.view(), ScoreKind::kLogits, options, &poses.sink);
  };
  CHECK(with({}) == Status::kOk);
  CHECK(with({0.0F, Refinement::kNone, 0.0F}) == Status::kBadOptions);
  CHECK(with({4.0F, static_cast<Refinement>(3), 0.0F}) == Status::kBadOptions);
  CHECK(with({4.0F, Refinement::kTaylor, 5.1F}) == Status::kBadOptions);
  CHECK(with({4.0F, Refinement::kTaylor, NAN}) == Status::kBadOptions);
  CHECK(decode_heatmaps({}, ScoreKind::kLogits, {}, &poses.sink) == Status::kNullPointer);
}
