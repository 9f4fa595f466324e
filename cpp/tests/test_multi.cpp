// Many people: those that were put into the heads come out, whatever the type and the arrangement.
#include "check.hpp"
#include "decoding.hpp"
#include "grid.hpp"
#include "synthetic.hpp"

using posecore::kCoco17;
using posecore::MultiPoseOptions;
using posecore::Status;

namespace {

constexpr Person kNobody = {};

template <class T>
void check_people(int32_t rows, int32_t columns, const Person* people, int32_t count, float tolerance_px) {
  Poses first(20, 17);
  for (const Arrangement arrangement : kArrangements) {
    const SyntheticHeads<T> synthetic(rows, columns, people, count, arrangement);
    Multi multi(kCoco17, {}, rows, columns);
    Poses poses(20, 17);
    CHECK(multi.decode(synthetic.heads(), &poses) == Status::kOk);
    CHECK(poses.sink.count == count);
    for (int32_t i = 0; i < poses.sink.count; ++i) {
      for (int32_t k = 0; k < 17; ++k) {
        CHECK_NEAR(poses.x(i, k), people[i].xy[2 * k], tolerance_px);
        CHECK_NEAR(poses.y(i, k), people[i].xy[2 * k + 1], tolerance_px);
        CHECK(poses.score(i, k) > 0.5F);
      }
    }
    poses.check_sane();
    if (arrangement == Arrangement::kHwc) {
      CHECK(multi.decode(synthetic.heads(), &first) == Status::kOk);
    }
    poses.check_same(first);
  }
}

template <class T>
void check_both_ways(float tolerance_px) {
  // Best first, as the decoder gives them.
  const Person side_by_side[] = {standing(70, 30, 5), standing(230, 40, 4), standing(380, 26, 3)};
  check_people<T>(13, 29, side_by_side, 3, tolerance_px);
  const Person one_over_the_other[] = {standing(60, 20, 5), standing(70, 240, 4)};
  check_people<T>(27, 10, one_over_the_other, 2, tolerance_px);
}

}  // namespace

TEST(people_in_float32_heads_are_found_where_they_are) { check_both_ways<float>(0.02F); }
// Short offsets have a quantum of a quarter pixel.
TEST(people_in_uint8_heads_are_found_within_a_quantum) { check_both_ways<uint8_t>(0.25F); }
TEST(people_in_int8_heads_are_found_within_a_quantum) { check_both_ways<int8_t>(0.25F); }

TEST(uint8_and_int8_of_the_same_numbers_give_the_same_bytes) {
  const Person people[] = {standing(70, 30, 5), standing(230, 40, 4)};
  const SyntheticHeads<uint8_t> plain(13, 20, people, 2);
  const SyntheticHeads<int8_t> with_sign(13, 20, people, 2);
  Multi multi(kCoco17, {}, 13, 20);
  Poses a(20, 17);
  Poses b(20, 17);
  CHECK(multi.decode(plain.heads(), &a) == Status::kOk);
  CHECK(multi.decode(with_sign.heads(), &b) == Status::kOk);
  CHECK(a.sink.count == 2);
  a.check_same(b);
}

TEST(nobody_gives_no_poses) {
  SyntheticHeads<float> synthetic(9, 9, &kNobody, 1);
  synthetic.heatmaps().fill(-5.0F);
  Multi multi(kCoco17, {}, 9, 9);
  Poses poses(20, 17);
  poses.sink.count = 7;
  CHECK(multi.decode(synthetic.heads(), &poses) == Status::kOk);
  CHECK(poses.sink.count == 0);
}

TEST(max_poses_of_one_keeps_the_best) {
  const Person people[] = {standing(70, 30, 3), standing(230, 40, 5)};
  const SyntheticHeads<float> synthetic(13, 20, people, 2);
  MultiPoseOptions options;
  options.max_poses = 1;
  Multi multi(kCoco17, options, 13, 20);
  Poses poses(1, 17);
  CHECK(multi.decode(synthetic.heads(), &poses) == Status::kOk);
  CHECK(poses.sink.count == 1);
  CHECK_NEAR(poses.x(0, 0), 230, 0.02);
}

TEST(max_poses_of_many_gives_those_that_are_there) {
  const Person people[] = {standing(70, 30, 5), standing(230, 40, 4)};
  const SyntheticHeads<float> synthetic(13, 20, people, 2);
  MultiPoseOptions options;
  options.max_poses = 1000;
  Multi multi(kCoco17, options, 13, 20);
  Poses poses(1000, 17);
  CHECK(multi.decode(synthetic.heads(), &poses) == Status::kOk);
  CHECK(poses.sink.count == 2);
}

TEST(a_duplicate_never_holds_a_place) {
  // A hill of roots within one person, all better than anything of the other one: with two places both people
  // are there, since roots that walk to the same pose take none.
  const Person people[] = {standing(70, 30, 6), standing(230, 40, 2)};
  SyntheticHeads<float> synthetic(13, 20, people, 2);
  for (int32_t k = 0; k < 17; ++k) {
    synthetic.heatmaps().set(12, 0, k, 5.5F);  // far from the person, but its displacements lead to it
  }
  MultiPoseOptions options;
  options.max_poses = 2;
  Multi multi(kCoco17, options, 13, 20);
  Poses poses(2, 17);
  CHECK(multi.decode(synthetic.heads(), &poses) == Status::kOk);
  CHECK(poses.sink.count == 2);
  CHECK_NEAR(poses.x(0, 0), 70, 0.02);
  CHECK_NEAR(poses.x(1, 0), 230, 0.02);
}

TEST(more_candidates_than_are_queued_are_all_seen) {
  // 60 x 60 cells of equal score, of which all but the last lead to one place.
  constexpr int32_t kCells = 60;
  const posecore::Skeleton one_keypoint = {1, nullptr};
  Tensor<float> heatmaps(kCells, kCells, 1, Arrangement::kHwc, 1, 0);
  Tensor<float> offsets(kCells, kCells, 2, Arrangement::kHwc, 1, 0);
  heatmaps.fill(2.0F);
  for (int32_t row = 0; row < kCells; ++row) {
    for (int32_t column = 0; column < kCells; ++column) {
      offsets.set(row, column, 0, static_cast<float>(-row) * kStride);
      offsets.set(row, column, 1, static_cast<float>(-column) * kStride);
    }
  }
  offsets.set(kCells - 1, kCells - 1, 0, 0.0F);
  offsets.set(kCells - 1, kCells - 1, 1, 0.0F);
  Multi multi(one_keypoint, {}, kCells, kCells);
  Poses poses(20, 1);
  posecore::Heads heads;
  heads.heatmaps = heatmaps.view();
  heads.short_offsets = offsets.view();
  CHECK(multi.decode(heads, &poses) == Status::kOk);
  CHECK(poses.sink.count == 2);
  CHECK_NEAR(poses.x(0, 0), 0, 0);
  CHECK_NEAR(poses.x(1, 0), 59 * 16, 0);
}

TEST(the_nearest_cell_is_in_the_grid_at_its_far_ends_too) {
  using posecore::detail::nearest_cell;
  CHECK(nearest_cell(0.0F) == 0.0F && nearest_cell(0.49F) == 0.0F && nearest_cell(0.5F) == 1.0F);
  CHECK(nearest_cell(6.5F) == 7.0F && nearest_cell(7.49F) == 7.0F);
  // Here value + 0.5 is not a float: rounding it would leave the grid.
  CHECK(nearest_cell(8388609.0F) == 8388609.0F);
  CHECK(nearest_cell(16777215.0F) == 16777215.0F);
}

TEST(refinement_corrects_displacements_that_are_off) {
  const Person people[] = {standing(70, 30, 5)};
  SyntheticHeads<float> synthetic(13, 10, people, 1);
  Tensor<float>* const displacements[] = {&synthetic.forward(), &synthetic.backward()};
  for (Tensor<float>* displacement : displacements) {
    for (int32_t i = 0; i < 13 * 10 * 32; ++i) {
      displacement->at(i / 32 / 10, i / 32 % 10, i % 32) += 4.0F;
    }
  }
  // Offsets that lead half of the way: what is left after n steps is 4 px / 2^n.
  for (int32_t i = 0; i < 13 * 10 * 34; ++i) {
    synthetic.short_offsets().at(i / 34 / 10, i / 34 % 10, i % 34) *= 0.5F;
  }
  const double left[] = {4.0, 2.0, 1.0, 0.5};
  for (int32_t steps = 0; steps < 4; ++steps) {
    MultiPoseOptions options;
    options.refine_steps = steps;
    options.max_poses = 1;
    Multi multi(kCoco17, options, 13, 10);
    Poses poses(1, 17);
    CHECK(multi.decode(synthetic.heads(), &poses) == Status::kOk);
    CHECK(poses.sink.count == 1);
    double worst = 0.0;
    for (int32_t k = 0; k < 17; ++k) {
      worst = fmax(worst, fabs(static_cast<double>(poses.x(0, k) - people[0].xy[2 * k])));
    }
    CHECK(worst <= 2.1 * left[steps] && worst >= 0.9 * left[steps]);
  }
}

namespace {

// Three keypoints, of which the second and third hang on the first.
constexpr posecore::Edge kStarEdges[] = {{0, 1}, {0, 2}};
constexpr posecore::Skeleton kStar = {3, kStarEdges};

struct StarHeads {
  Tensor<float> heatmaps{6, 10, 3, Arrangement::kHwc, 1, 0};
  Tensor<float> offsets{6, 10, 6, Arrangement::kHwc, 1, 0};
  Tensor<float> forward{6, 10, 4, Arrangement::kHwc, 1, 0};
  Tensor<float> backward{6, 10, 4, Arrangement::kHwc, 1, 0};

  StarHeads() { heatmaps.fill(-8.0F); }
  // The cell that an edge leads to from (row, column).
  void lead(int32_t row, int32_t column, int32_t edge, int32_t to_row, int32_t to_column) {
    forward.set(row, column, edge, static_cast<float>(to_row - row) * kStride);
    forward.set(row, column, 2 + edge, static_cast<float>(to_column - column) * kStride);
  }
  [[nodiscard]] posecore::Heads heads() const {
    return {heatmaps.view(), offsets.view(), forward.view(), backward.view(), posecore::ScoreKind::kLogits};
  }
};

}  // namespace

TEST(a_shared_keypoint_belongs_to_the_pose_with_the_higher_mean) {
  StarHeads star;
  star.heatmaps.set(0, 0, 0, 4.0F);  // the better root of the worse pose
  star.lead(0, 0, 0, 0, 5);
  star.lead(0, 0, 1, 0, 9);
  star.heatmaps.set(5, 0, 0, 3.0F);
  star.lead(5, 0, 0, 0, 5);
  star.lead(5, 0, 1, 5, 9);
  star.heatmaps.set(5, 9, 2, 2.5F);
  star.heatmaps.set(0, 5, 1, 1.0F);  // shared
  Multi multi(kStar, {}, 6, 10);
  Poses poses(20, 3);
  CHECK(multi.decode(star.heads(), &poses) == Status::kOk);
  const auto score = [](double logit) { return 1.0 / (1.0 + exp(-logit)); };
  CHECK(poses.sink.count == 2);
  CHECK_NEAR(poses.y(0, 0), 5 * 16, 0);
  CHECK_NEAR(poses.pose_score(0), (score(3) + score(1) + score(2.5)) / 3, 1e-5);
  CHECK_NEAR(poses.pose_score(1), (score(4) + score(-8)) / 3, 1e-5);
  CHECK_NEAR(poses.score(1, 1), score(1), 1e-5);  // occluded in the pose score, not in its own
}

TEST(a_root_on_a_keypoint_that_is_held_starts_nothing) {
  StarHeads star;
  star.heatmaps.set(0, 0, 0, 4.0F);
  star.lead(0, 0, 0, 0, 5);
  star.lead(0, 0, 1, 0, 9);
  star.heatmaps.set(0, 5, 1, 3.5F);  // held by the first pose, though its way back would lead elsewhere
  star.backward.set(0, 5, 0, 5 * kStride);
  star.heatmaps.set(5, 5, 0, -1.5F);
  star.heatmaps.set(0, 9, 2, 3.5F);
  star.heatmaps.set(5, 9, 2, 2.0F);
  star.lead(5, 5, 1, 5, 9);
  MultiPoseOptions options;
  options.root_threshold = 0.9F;
  Multi multi(kStar, options, 6, 10);
  Poses poses(20, 3);
  CHECK(multi.decode(star.heads(), &poses) == Status::kOk);
  CHECK(poses.sink.count == 1);
}

TEST(a_root_at_the_threshold_starts_a_pose_and_one_below_does_not) {
  const posecore::Skeleton one_keypoint = {1, nullptr};
  Tensor<uint8_t> heatmaps(1, 5, 1, Arrangement::kHwc, 0.0078125F, 0);
  const Tensor<uint8_t> offsets(1, 5, 2, Arrangement::kHwc, 1, 0);
  heatmaps.at(0, 0, 0) = 64;
  heatmaps.at(0, 4, 0) = 63;
  posecore::Heads heads;
  heads.heatmaps = heatmaps.view();
  heads.short_offsets = offsets.view();
  heads.scores = posecore::ScoreKind::kProbabilities;
  MultiPoseOptions options;
  options.root_threshold = 0.5F;
  Multi multi(one_keypoint, options, 1, 5);
  Poses poses(20, 1);
  CHECK(multi.decode(heads, &poses) == Status::kOk);
  CHECK(poses.sink.count == 1);
  CHECK_NEAR(poses.score(0, 0), 0.5, 0);
}

TEST(every_decoder_writes_pixels_of_the_sinks_map) {
  const Person people[] = {standing(70, 30, 5)};
  const SyntheticHeads<float> synthetic(13, 10, people, 1);
  Multi multi(kCoco17, {}, 13, 10);
  Poses plain(20, 17);
  Poses mapped(20, 17);
  mapped.sink.map = {2.0F, 0.5F, -7.0F, 100.0F};
  const auto check_mapped = [&] {
    CHECK(plain.sink.count == 1 && mapped.sink.count == 1);
    for (int32_t k = 0; k < 17; ++k) {
      CHECK_NEAR(mapped.x(0, k), plain.x(0, k) * 2.0F - 7.0F, 1e-4);
      CHECK_NEAR(mapped.y(0, k), plain.y(0, k) * 0.5F + 100.0F, 1e-4);
      CHECK(mapped.score(0, k) == plain.score(0, k));
    }
  };
  CHECK(multi.decode(synthetic.heads(), &plain) == Status::kOk);
  CHECK(multi.decode(synthetic.heads(), &mapped) == Status::kOk);
  check_mapped();
  CHECK(posecore::decode_single(synthetic.heads(), kStride, &plain.sink) == Status::kOk);
  CHECK(posecore::decode_single(synthetic.heads(), kStride, &mapped.sink) == Status::kOk);
  check_mapped();
  const posecore::TensorView heatmaps = synthetic.heads().heatmaps;
  CHECK(posecore::decode_heatmaps(heatmaps, posecore::ScoreKind::kLogits, {}, &plain.sink) == Status::kOk);
  CHECK(posecore::decode_heatmaps(heatmaps, posecore::ScoreKind::kLogits, {}, &mapped.sink) == Status::kOk);
  check_mapped();
}

TEST(a_pose_below_the_threshold_is_dropped) {
  const Person people[] = {standing(70, 30, 5), standing(230, 40, 0.5F)};
  const SyntheticHeads<float> synthetic(13, 20, people, 2);
  MultiPoseOptions options;
  options.pose_threshold = 0.7F;
  Multi multi(kCoco17, options, 13, 20);
  Poses poses(20, 17);
  CHECK(multi.decode(synthetic.heads(), &poses) == Status::kOk);
  CHECK(poses.sink.count == 1);
  CHECK(poses.pose_score(0) >= 0.7F);
}

TEST(probabilities_are_scores_as_they_stand) {
  const Person people[] = {standing(70, 30, 5)};
  SyntheticHeads<float> synthetic(13, 10, people, 1);
  synthetic.heatmaps().fill(0.625F);
  posecore::Heads heads = synthetic.heads();
  heads.scores = posecore::ScoreKind::kProbabilities;
  Multi multi(kCoco17, {}, 13, 10);
  Poses poses(20, 17);
  CHECK(multi.decode(heads, &poses) == Status::kOk);
  CHECK(poses.sink.count >= 1);
  CHECK_NEAR(poses.score(0, 3), 0.625, 1e-6);
  CHECK_NEAR(poses.pose_score(0), 0.625, 1e-6);
}
