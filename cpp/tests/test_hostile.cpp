// Whatever the heads hold, what comes out is finite, inside its range and within the workspace.
#include "check.hpp"
#include "decoding.hpp"
#include "synthetic.hpp"

using posecore::kCoco17;
using posecore::Status;

namespace {

constexpr int32_t kGrids[][2] = {{1, 1}, {1, 9}, {9, 1}, {5, 12}, {12, 5}};
constexpr float kSpecial[] = {NAN, INFINITY, -INFINITY, 3.4e38F, -3.4e38F, 1.0e-40F, 0.0F, -0.0F};

void decode_all(const posecore::Heads& heads, int32_t rows, int32_t columns, Poses* poses) {
  Multi multi(kCoco17, {}, rows, columns);
  CHECK(multi.decode(heads, poses) == Status::kOk);
  poses->check_sane();
  Poses one(1, 17);
  CHECK(posecore::decode_single(heads, kStride, &one.sink) == Status::kOk);
  one.check_sane();
  for (int32_t i = 0; i < 3; ++i) {
    const posecore::HeatmapOptions options = {4.0F, static_cast<posecore::Refinement>(i), 1.0F};
    CHECK(posecore::decode_heatmaps(heads.heatmaps, heads.scores, options, &one.sink) == Status::kOk);
    one.check_sane();
  }
}

void fill_all(SyntheticHeads<float>* synthetic, float value) {
  synthetic->heatmaps().fill(value);
  synthetic->short_offsets().fill(value);
  synthetic->forward().fill(value);
  synthetic->backward().fill(value);
}

}  // namespace

TEST(heads_of_one_special_value_stay_in_range) {
  const Person person = standing(10, 10, 3);
  for (const auto& grid : kGrids) {
    for (const float value : kSpecial) {
      SyntheticHeads<float> synthetic(grid[0], grid[1], &person, 1);
      fill_all(&synthetic, value);
      Poses poses(20, 17);
      decode_all(synthetic.heads(), grid[0], grid[1], &poses);
    }
  }
}

TEST(all_nan_heatmaps_have_no_poses) {
  const Person person = standing(10, 10, 3);
  SyntheticHeads<float> synthetic(9, 9, &person, 1);
  synthetic.heatmaps().fill(NAN);
  posecore::MultiPoseOptions options;
  options.root_threshold = 0.0F;
  Multi multi(kCoco17, options, 9, 9);
  Poses poses(20, 17);
  CHECK(multi.decode(synthetic.heads(), &poses) == Status::kOk);
  CHECK(poses.sink.count == 0);
}

TEST(a_nan_beside_a_peak_hides_nothing) {
  const Person person = standing(64, 32, 5);
  SyntheticHeads<float> synthetic(13, 9, &person, 1);
  synthetic.heatmaps().set(2, 3, 0, NAN);  // the nose is at row 2, column 4
  synthetic.short_offsets().set(2, 3, 0, NAN);
  Multi multi(kCoco17, {}, 13, 9);
  Poses poses(20, 17);
  CHECK(multi.decode(synthetic.heads(), &poses) == Status::kOk);
  CHECK(poses.sink.count == 1);
  CHECK_NEAR(poses.x(0, 16), 64 - 17, 0.02);
  poses.check_sane();
}

TEST(a_keypoint_beside_nan_is_unsure) {
  const Person person = standing(68, 36, 5);
  SyntheticHeads<float> synthetic(13, 9, &person, 1);
  synthetic.heatmaps().set(3, 5, 0, NAN);  // the nose is between rows 2 and 3, columns 4 and 5
  Multi multi(kCoco17, {}, 13, 9);
  Poses poses(20, 17);
  CHECK(multi.decode(synthetic.heads(), &poses) == Status::kOk);
  CHECK(poses.sink.count == 1);
  CHECK(poses.score(0, 0) < 0.001F);
  CHECK(poses.score(0, 16) > 0.5F);
}

TEST(infinite_displacements_count_as_none) {
  const Person person = standing(64, 32, 5);
  SyntheticHeads<float> synthetic(13, 9, &person, 1);
  synthetic.forward().fill(INFINITY);
  synthetic.backward().fill(-INFINITY);
  Multi multi(kCoco17, {}, 13, 9);
  Poses poses(20, 17);
  CHECK(multi.decode(synthetic.heads(), &poses) == Status::kOk);
  CHECK(poses.sink.count >= 1);
  poses.check_sane();
}

TEST(equal_maps_take_the_first_cell_first) {
  const posecore::Skeleton one_keypoint = {1, nullptr};
  Tensor<uint8_t> heatmaps(4, 6, 1, Arrangement::kHwc, 0.1F, 0);
  Tensor<uint8_t> offsets(4, 6, 2, Arrangement::kHwc, 1, 0);
  heatmaps.fill(10.0F);
  posecore::MultiPoseOptions options;
  options.nms_radius_px = 0.0F;
  Multi multi(one_keypoint, options, 4, 6);
  Poses poses(20, 1);
  posecore::Heads heads;
  heads.heatmaps = heatmaps.view();
  heads.short_offsets = offsets.view();
  CHECK(multi.decode(heads, &poses) == Status::kOk);
  CHECK(poses.sink.count == 20);
  for (int32_t i = 0; i < poses.sink.count; ++i) {
    const int32_t row = i / 6;
    CHECK(poses.y(i, 0) == static_cast<float>(row) * kStride);
    CHECK(poses.x(i, 0) == static_cast<float>(i % 6) * kStride);
  }
}

TEST(random_bytes_stay_in_range) {
  const Person person = standing(10, 10, 3);
  for (uint32_t seed = 1; seed <= 40; ++seed) {
    Numbers numbers(seed);
    const int32_t rows = 1 + numbers.below(12);
    const int32_t columns = 1 + numbers.below(12);
    const Arrangement arrangement = kArrangements[numbers.below(4)];
    SyntheticHeads<float> synthetic(rows, columns, &person, 1, arrangement);
    Tensor<float>* const tensors[] = {&synthetic.heatmaps(), &synthetic.short_offsets(), &synthetic.forward(),
                                      &synthetic.backward()};
    for (Tensor<float>* tensor : tensors) {
      for (int32_t i = 0; i < rows * columns * tensor->view().channels; ++i) {
        const int32_t cell = i / tensor->view().channels;
        const uint32_t bits = numbers.next();
        memcpy(&tensor->at(cell / columns, cell % columns, i % tensor->view().channels), &bits, sizeof bits);
      }
    }
    Poses poses(20, 17);
    decode_all(synthetic.heads(), rows, columns, &poses);
  }
}

TEST(random_quantised_bytes_stay_in_range) {
  const Person person = standing(10, 10, 3);
  for (uint32_t seed = 1; seed <= 40; ++seed) {
    Numbers numbers(seed);
    const int32_t rows = 1 + numbers.below(12);
    const int32_t columns = 1 + numbers.below(12);
    SyntheticHeads<int8_t> synthetic(rows, columns, &person, 1);
    for (int32_t i = 0; i < rows * columns * 17; ++i) {
      const int32_t cell = i / 17;
      synthetic.heatmaps().at(cell / columns, cell % columns, i % 17) = static_cast<int8_t>(numbers.below(256) - 128);
      synthetic.forward().at(cell / columns, cell % columns, i % 17) = static_cast<int8_t>(numbers.below(256) - 128);
    }
    Poses poses(20, 17);
    decode_all(synthetic.heads(), rows, columns, &poses);
  }
}
