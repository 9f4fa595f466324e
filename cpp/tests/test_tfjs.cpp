// The JavaScript package's people: cells, not samples; every root a pose.
#include "check.hpp"
#include "decoding.hpp"
#include "posecore/tfjs.hpp"
#include "synthetic.hpp"

using posecore::decode_tfjs;
using posecore::kCoco17;
using posecore::kTfjsOptions;
using posecore::Status;

namespace {

// A plan and as much workspace as it asks for.
class Tfjs {
 public:
  Tfjs(const posecore::MultiPoseOptions& options, int32_t rows, int32_t columns)
      : multi_(kCoco17, options, rows, columns),
        workspace_(posecore::tfjs_workspace_bytes(multi_.plan(), rows, columns) / sizeof(uint64_t) + 1) {}

  Status decode(const posecore::Heads& heads, Poses* poses) {
    return decode_tfjs(multi_.plan(), heads, workspace_.data(), workspace_.bytes(), &poses->sink);
  }
  [[nodiscard]] const posecore::MultiPosePlan& plan() const { return multi_.plan(); }
  [[nodiscard]] void* workspace() const { return workspace_.data(); }
  [[nodiscard]] size_t bytes() const { return workspace_.bytes(); }

 private:
  Multi multi_;
  Memory<uint64_t> workspace_;
};

template <class T>
void check_people(int32_t rows, int32_t columns, float tolerance_px) {
  const Person people[] = {standing(60, 25, 5), standing(200, 40, 4)};
  Poses first(5, 17);
  for (const Arrangement arrangement : kArrangements) {
    const SyntheticHeads<T> synthetic(rows, columns, people, 2, arrangement);
    Tfjs tfjs(kTfjsOptions, rows, columns);
    Poses poses(5, 17);
    CHECK(tfjs.decode(synthetic.heads(), &poses) == Status::kOk);
    CHECK(poses.sink.count == 2);
    for (int32_t k = 0; k < 17; ++k) {
      CHECK_NEAR(poses.x(0, k), people[0].xy[2 * k], tolerance_px);
      CHECK_NEAR(poses.y(1, k), people[1].xy[2 * k + 1], tolerance_px);
    }
    if (arrangement == Arrangement::kHwc) {
      CHECK(tfjs.decode(synthetic.heads(), &first) == Status::kOk);
    }
    poses.check_same(first);
  }
}

}  // namespace

TEST(tfjs_people_of_every_type_and_arrangement) {
  check_people<float>(13, 20, 1.0e-4F);
  check_people<float>(20, 18, 1.0e-4F);
  check_people<uint8_t>(13, 20, 0.126F);
  check_people<int8_t>(20, 18, 0.126F);
}

TEST(tfjs_status) {
  const Person person = standing(60, 25, 5);
  const SyntheticHeads<float> synthetic(13, 20, &person, 1);
  Tfjs tfjs(kTfjsOptions, 13, 20);
  Poses poses(5, 17);
  const posecore::Heads heads = synthetic.heads();
  const auto status = [&](const posecore::Heads& other) { return tfjs.decode(other, &poses); };
  CHECK(status(heads) == Status::kOk);
  posecore::Heads other = heads;
  other.displacement_bwd.data = nullptr;
  CHECK(status(other) == Status::kNullPointer);
  other = heads;
  other.short_offsets.rows = 0;
  CHECK(status(other) == Status::kBadTensor);
  other = heads;
  other.displacement_fwd.columns = 19;
  CHECK(status(other) == Status::kMixedTensors);
  other = heads;
  other.displacement_fwd.channels = 30;
  CHECK(status(other) == Status::kBadChannels);
  Poses few(4, 17);
  CHECK(tfjs.decode(heads, &few) == Status::kSinkTooSmall);
  const size_t bytes = posecore::tfjs_workspace_bytes(tfjs.plan(), 13, 20);
  auto* workspace = static_cast<uint8_t*>(tfjs.workspace());
  CHECK(decode_tfjs(tfjs.plan(), heads, workspace, bytes - 1, &poses.sink) == Status::kWorkspaceTooSmall);
  CHECK(decode_tfjs(tfjs.plan(), heads, workspace + 1, bytes, &poses.sink) == Status::kMisaligned);
  CHECK(decode_tfjs(tfjs.plan(), heads, nullptr, bytes, &poses.sink) == Status::kNullPointer);
  CHECK(decode_tfjs(tfjs.plan(), heads, workspace, bytes, nullptr) == Status::kNullPointer);
}

TEST(tfjs_stays_in_range_whatever_the_heads_hold) {
  constexpr float kSpecial[] = {NAN, INFINITY, -INFINITY, 3.4e38F, -3.4e38F, 1.0e-40F, 0.0F, -0.0F};
  constexpr int32_t kGrids[][2] = {{1, 1}, {1, 9}, {9, 1}, {5, 12}};
  const Person person = standing(10, 10, 3);
  posecore::MultiPoseOptions options = kTfjsOptions;
  options.root_threshold = 0.0F;
  for (const auto& grid : kGrids) {
    for (const float value : kSpecial) {
      SyntheticHeads<float> synthetic(grid[0], grid[1], &person, 1);
      synthetic.short_offsets().fill(value);
      synthetic.forward().fill(value);
      synthetic.backward().fill(value);
      Tfjs tfjs(options, grid[0], grid[1]);
      Poses poses(5, 17);
      CHECK(tfjs.decode(synthetic.heads(), &poses) == Status::kOk);
      poses.check_sane();
      synthetic.heatmaps().fill(value);
      CHECK(tfjs.decode(synthetic.heads(), &poses) == Status::kOk);
      poses.check_sane();
      CHECK(isnan(value) == (poses.sink.count == 0));
    }
  }
}
