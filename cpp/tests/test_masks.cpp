// Whose cell is whose: types, arrangements, statuses, and heads that hold anything.
#include "check.hpp"
#include "memory.hpp"
#include "posecore/masks.hpp"
#include "synthetic.hpp"

using posecore::instance_masks;
using posecore::Status;

namespace {

// Two people of two keypoints: cells of the left half mean the one, those of the right half the other; the outermost
// rows are nobody's.
template <class T>
class Scene {
 public:
  Scene(int32_t rows, int32_t columns, Arrangement arrangement = Arrangement::kHwc)
      : long_offsets(rows, columns, 4, arrangement, 2.0F, zero()),
        segments(rows, columns, 1, arrangement, 0.125F, zero()),
        owners(static_cast<size_t>(rows) * static_cast<size_t>(columns)),
        workspace(posecore::mask_workspace_bytes(2, rows, columns) / sizeof(float)) {
    for (int32_t row = 0; row < rows; ++row) {
      for (int32_t column = 0; column < columns; ++column) {
        const float* person = kXy + (2 * column < columns ? 0 : 4);
        for (int32_t k = 0; k < 2; ++k) {
          long_offsets.set(row, column, k, person[2 * k + 1] - static_cast<float>(row) * kStride);
          long_offsets.set(row, column, 2 + k, person[2 * k] - static_cast<float>(column) * kStride);
        }
        segments.set(row, column, 0, row == 0 || row == rows - 1 ? -3.0F : 3.0F);
      }
    }
    heads = {long_offsets.view(), segments.view(), posecore::ScoreKind::kLogits};
    sink = {owners.data(), rows, columns, nullptr};
  }

  [[nodiscard]] Status run() {
    return instance_masks(heads, poses, options, workspace.data(), workspace.bytes(), sink);
  }

  static constexpr float kXy[] = {16, 32, 48, 32, 96, 32, 128, 48};  // of two people, (x, y) of two keypoints
  Tensor<T> long_offsets;
  Tensor<T> segments;
  Memory<int32_t> owners;
  Memory<float> workspace;
  posecore::MaskHeads heads;
  posecore::MaskPoses poses = {kXy, 2, {}};
  posecore::MaskOptions options;
  posecore::MaskSink sink;

 private:
  static constexpr int32_t zero() { return sizeof(T) == 4 || static_cast<T>(-1) < 0 ? 0 : 128; }
};

template <class T>
void check_halves(int32_t rows, int32_t columns) {
  for (const Arrangement arrangement : kArrangements) {
    Scene<T> scene(rows, columns, arrangement);
    CHECK(scene.run() == Status::kOk);
    for (int32_t row = 0; row < rows; ++row) {
      for (int32_t column = 0; column < columns; ++column) {
        const bool nobody = row == 0 || row == rows - 1;
        CHECK(scene.owners[row * columns + column] == (nobody ? -1 : (2 * column < columns ? 0 : 1)));
      }
    }
  }
}

}  // namespace

TEST(masks_of_every_type_and_arrangement) {
  check_halves<float>(5, 10);
  check_halves<float>(12, 9);
  check_halves<uint8_t>(5, 10);
  check_halves<uint8_t>(12, 9);
  check_halves<int8_t>(12, 9);
}

TEST(masks_of_a_picture) {
  Scene<float> scene(5, 10);
  Memory<int32_t> owners(30 * 20);
  const posecore::PixelMap map = {0.2F, 0.25F, 0.0F, 0.0F};  // a cell is 3.2 x 4 pixels of the picture
  float xy[8];
  for (int32_t i = 0; i < 8; ++i) {
    xy[i] = Scene<float>::kXy[i] * (i % 2 == 0 ? map.scale_x : map.scale_y);
  }
  scene.poses = {xy, 2, map};
  scene.sink = {owners.data(), 20, 30, &map};
  CHECK(scene.run() == Status::kOk);
  CHECK(owners[0] == -1 && owners[2 * 30] == 0 && owners[8 * 30] == 0 && owners[8 * 30 + 29] == 1);
  CHECK(owners[13 * 30 + 29] == 1 && owners[15 * 30 + 29] == -1);
}

TEST(masks_without_segments_or_poses) {
  Scene<float> scene(5, 10);
  scene.heads.segments = {};
  CHECK(scene.run() == Status::kOk);
  CHECK(scene.owners[0] == 0 && scene.owners[49] == 1);
  scene.poses = {};
  CHECK(instance_masks(scene.heads, scene.poses, {}, nullptr, 0, scene.sink) == Status::kOk);
  CHECK(scene.owners[0] == -1 && scene.owners[49] == -1);
}

TEST(masks_status) {
  Scene<float> scene(5, 10);
  const Scene<float> good(5, 10);
  const auto again = [&](Status wanted) {
    CHECK(scene.run() == wanted);
    scene.heads = {scene.long_offsets.view(), scene.segments.view(), posecore::ScoreKind::kLogits};
    scene.poses = good.poses;
    scene.options = good.options;
    scene.sink = {scene.owners.data(), 5, 10, nullptr};
    CHECK(scene.run() == Status::kOk);
  };
  scene.heads.long_offsets.data = nullptr;
  again(Status::kNullPointer);
  scene.heads.long_offsets.channels = 3;
  again(Status::kBadChannels);
  scene.heads.segments.channels = 2;
  again(Status::kBadChannels);
  scene.heads.segments.columns = 9;
  again(Status::kMixedTensors);
  scene.heads.segments.type = posecore::ElementType::kUint8;
  scene.heads.segments.scale = 1.0F;
  again(Status::kMixedTensors);
  scene.heads.long_offsets.rows = 0;
  again(Status::kBadTensor);
  scene.poses.xy = nullptr;
  again(Status::kNullPointer);
  scene.poses.count = -1;
  again(Status::kBadOptions);
  scene.poses.count = 65537;
  again(Status::kBadOptions);
  scene.poses.map.scale_x = 0.0F;
  again(Status::kBadOptions);
  scene.options.stride_px = NAN;
  again(Status::kBadOptions);
  scene.options.refine_steps = -1;
  again(Status::kBadOptions);
  scene.options.segment_threshold = 1.5F;
  again(Status::kBadOptions);
  scene.sink.owners = nullptr;
  again(Status::kNullPointer);
  scene.sink.rows = -1;
  again(Status::kBadOptions);
  const posecore::PixelMap map = {1.0F, INFINITY, 0.0F, 0.0F};
  scene.sink.map = &map;
  again(Status::kBadOptions);
  auto* bytes = reinterpret_cast<uint8_t*>(scene.workspace.data());
  const size_t wanted = posecore::mask_workspace_bytes(2, 5, 10);
  const auto with = [&](void* memory, size_t size) {
    return instance_masks(scene.heads, scene.poses, scene.options, memory, size, scene.sink);
  };
  CHECK(with(bytes, wanted) == Status::kOk);
  CHECK(with(bytes, wanted - 1) == Status::kWorkspaceTooSmall);
  CHECK(with(bytes + 1, wanted) == Status::kMisaligned);
  CHECK(with(nullptr, wanted) == Status::kNullPointer);
}

TEST(masks_of_hostile_heads_poses_and_maps) {
  constexpr float kSpecial[] = {NAN, INFINITY, -INFINITY, 3.4e38F, -3.4e38F, 1.0e-40F, -0.0F};
  for (const float value : kSpecial) {
    Scene<float> scene(5, 10);
    scene.long_offsets.fill(value);
    scene.segments.at(2, 2, 0) = value;
    CHECK(scene.run() == Status::kOk);
    float xy[8];
    for (float& coordinate : xy) {
      coordinate = value;
    }
    scene.poses.xy = xy;
    CHECK(scene.run() == Status::kOk);
    for (size_t i = 0; i < scene.owners.count(); ++i) {
      const int32_t owner = scene.owners[static_cast<ptrdiff_t>(i)];
      CHECK(owner >= -1 && owner < 2);
      CHECK(owner == -1 || (value > -1.0F && value < 1.0F));
    }
    const posecore::PixelMap map = {value, 1.0e-40F, 3.0e38F, value};
    scene.sink.map = &map;
    const bool usable = isfinite(value) && value != 0.0F;
    CHECK(scene.run() == (usable ? Status::kOk : Status::kBadOptions));
  }
}
