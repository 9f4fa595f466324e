// One person: arg-max and the short offset there.
#include "check.hpp"
#include "decoding.hpp"
#include "synthetic.hpp"

using posecore::decode_single;
using posecore::Status;

namespace {

template <class T>
void check_person(int32_t rows, int32_t columns, float tolerance_px) {
  const Person person = standing(60, 25, 5);
  Poses first(1, 17);
  for (const Arrangement arrangement : kArrangements) {
    const SyntheticHeads<T> synthetic(rows, columns, &person, 1, arrangement);
    Poses poses(1, 17);
    CHECK(decode_single(synthetic.heads(), kStride, &poses.sink) == Status::kOk);
    CHECK(poses.sink.count == 1);
    for (int32_t k = 0; k < 17; ++k) {
      CHECK_NEAR(poses.x(0, k), person.xy[2 * k], tolerance_px);
      CHECK_NEAR(poses.y(0, k), person.xy[2 * k + 1], tolerance_px);
    }
    if (arrangement == Arrangement::kHwc) {
      CHECK(decode_single(synthetic.heads(), kStride, &first.sink) == Status::kOk);
    }
    poses.check_same(first);
  }
}

}  // namespace

TEST(single_person_of_every_type_and_arrangement) {
  check_person<float>(13, 20, 1.0e-4F);
  check_person<float>(20, 9, 1.0e-4F);
  check_person<uint8_t>(13, 20, 0.126F);
  check_person<uint8_t>(20, 9, 0.126F);
  check_person<int8_t>(13, 20, 0.126F);
  check_person<int8_t>(20, 9, 0.126F);
}

TEST(single_takes_the_first_of_equals_and_passes_over_nan) {
  Tensor<float> heatmaps(3, 4, 1, Arrangement::kHwc, 1, 0);
  Tensor<float> offsets(3, 4, 2, Arrangement::kHwc, 1, 0);
  heatmaps.at(0, 0, 0) = NAN;
  heatmaps.at(1, 2, 0) = 1.5F;
  heatmaps.at(2, 1, 0) = 1.5F;
  offsets.set(1, 2, 0, -3.0F);
  offsets.set(1, 2, 1, 200.0F);
  posecore::Heads heads;
  heads.heatmaps = heatmaps.view();
  heads.short_offsets = offsets.view();
  Poses poses(1, 1);
  CHECK(decode_single(heads, 8.0F, &poses.sink) == Status::kOk);
  CHECK_NEAR(poses.y(0, 0), 8 - 3, 0);
  CHECK_NEAR(poses.x(0, 0), 16 + 200, 0);  // not clamped to the picture
  CHECK_NEAR(poses.score(0, 0), 1.0 / (1.0 + exp(-1.5)), 1e-6);
}

TEST(single_map_of_nan_is_absent) {
  Tensor<float> heatmaps(3, 4, 2, Arrangement::kHwc, 1, 0);
  const Tensor<float> offsets(3, 4, 4, Arrangement::kHwc, 1, 0);
  for (int32_t i = 0; i < 12; ++i) {
    heatmaps.at(i / 4, i % 4, 0) = NAN;
  }
  posecore::Heads heads;
  heads.heatmaps = heatmaps.view();
  heads.short_offsets = offsets.view();
  Poses poses(1, 2);
  CHECK(decode_single(heads, 8.0F, &poses.sink) == Status::kOk);
  CHECK(poses.score(0, 0) == 0.0F);
  CHECK(poses.score(0, 1) == 0.5F);
  CHECK(poses.pose_score(0) == 0.25F);
  poses.check_sane();
}

TEST(single_says_what_does_not_fit) {
  const Person person = standing(60, 25, 5);
  const SyntheticHeads<float> synthetic(13, 20, &person, 1);
  Poses poses(1, 17);
  CHECK(decode_single(synthetic.heads(), 0.0F, &poses.sink) == Status::kBadOptions);
  CHECK(decode_single(synthetic.heads(), NAN, &poses.sink) == Status::kBadOptions);
  CHECK(decode_single(synthetic.heads(), kStride, nullptr) == Status::kNullPointer);
  posecore::Heads heads = synthetic.heads();
  heads.short_offsets.channels = 33;
  CHECK(decode_single(heads, kStride, &poses.sink) == Status::kBadChannels);
  heads = synthetic.heads();
  heads.short_offsets.rows = 12;
  CHECK(decode_single(heads, kStride, &poses.sink) == Status::kMixedTensors);
  heads = synthetic.heads();
  heads.heatmaps.data = nullptr;
  CHECK(decode_single(heads, kStride, &poses.sink) == Status::kNullPointer);
  posecore::PoseSink no_room = poses.sink;
  no_room.capacity = 0;
  CHECK(decode_single(synthetic.heads(), kStride, &no_room) == Status::kSinkTooSmall);
}
