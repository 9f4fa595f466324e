// Training targets: every number is written, nothing outside is, whatever the labels. The details are tested from
// Python, against an oracle.
#include <math.h>

#include "check.hpp"
#include "targets.hpp"

namespace {

using posecore::host::CellGrid;
using posecore::host::DiscTargets;
using posecore::host::Labels;

constexpr int32_t kKeypoints = 3;
constexpr int32_t kEdges[] = {0, 1, 2, 1};
constexpr int32_t kMost = 4096;
constexpr float kGuard = 12345.0F;

// Room for an array, with guards at both ends.
struct Room {
  float values[kMost + 2];

  explicit Room(int64_t used) : end_(used + 1) {
    for (float& value : values) {
      value = kGuard;
    }
  }
  float* data() { return values + 1; }
  [[nodiscard]] bool is_full() const {
    bool full = values[0] == kGuard && values[end_] == kGuard;
    for (int64_t i = 1; i < end_; ++i) {
      full = full && values[i] != kGuard;
    }
    return full;
  }

 private:
  int64_t end_;
};

// Two people in and around the picture; the second has no box, one keypoint, and one that is outside.
struct Scene {
  float xy[2 * kKeypoints * 2];
  uint8_t visibility[2 * kKeypoints] = {2, 1, 0, 0, 2, 3};
  float boxes[8] = {0.0F, 0.0F, 20.0F, 30.0F, NAN, NAN, NAN, NAN};
  float ignored[8] = {-1.0e6F, 5.0F, 1.0e6F, 8.0F, 20.0F, 1.0e6F, -30.0F, -1.0e6F};

  explicit Scene(float far) {
    for (int32_t i = 0; i < 2 * kKeypoints; ++i) {
      xy[2 * i] = static_cast<float>(i % 2 == 0 ? 9 : 30);
      xy[2 * i + 1] = i == 1 ? far : 17.0F;
    }
  }
  [[nodiscard]] Labels labels() const { return {2, kKeypoints, xy, visibility, boxes, 0.1, 1, ignored}; }
};

}  // namespace

TEST(targets_fill_their_arrays_and_nothing_else) {
  const int32_t sides[] = {1, 2, 7};
  const float fars[] = {0.0F, -1.0e6F, 1.0e6F, 16.0F};
  const double sizes_px[] = {0.0, 1.0e-3, 24.0, 65536.0 * 1.5};
  for (const int32_t side : sides) {
    for (const float far : fars) {
      for (const double size_px : sizes_px) {
        const Scene scene(far);
        const CellGrid grid = {side, 9 - side, 16.0, -3.5};
        const int64_t cells = static_cast<int64_t>(grid.rows) * grid.columns;
        Room heatmap(cells * kKeypoints);
        Room offsets(cells * 2 * kKeypoints);
        Room forward(cells * 4);
        Room backward(cells * 4);
        const DiscTargets targets = {heatmap.data(), offsets.data(), forward.data(), backward.data(), kEdges, 2};
        posecore::host::encode_discs(scene.labels(), grid, size_px, targets);
        CHECK(heatmap.is_full() && offsets.is_full() && forward.is_full() && backward.is_full());
        Room maps(cells * (kKeypoints + 1));
        posecore::host::encode_gaussians(scene.labels(), grid, size_px > 0.0 ? size_px : 1.0, true, maps.data());
        CHECK(maps.is_full());
      }
    }
  }
}

TEST(the_nearer_person_has_the_cell) {
  const float xy[] = {32.0F, 32.0F, 60.0F, 32.0F};
  const uint8_t visibility[] = {2, 2};
  const float boxes[8] = {};
  const Labels labels = {2, 1, xy, visibility, boxes, 0.0, 0, nullptr};
  const CellGrid grid = {5, 7, 16.0, 0.0};
  Room heatmap(35);
  Room offsets(70);
  posecore::host::encode_discs(labels, grid, 32.0, {heatmap.data(), offsets.data(), nullptr, nullptr, nullptr, 0});
  const float* const row = offsets.data() + int64_t{2} * 7 * 2;
  CHECK(row[1] == 32.0F && row[3] == 16.0F && row[5] == 0.0F);
  CHECK(row[7] == 12.0F && row[9] == -4.0F);
  CHECK(row[11] == -20.0F && isnan(row[13]));
}

TEST(a_keypoint_outside_of_the_picture_is_background_wherever_its_place_is) {
  const float places[] = {32.0F, -40.0F, NAN, INFINITY};
  for (const float place : places) {
    const float xy[] = {32.0F, 32.0F, place, place, 48.0F, 32.0F};
    const uint8_t visibility[] = {2, posecore::host::kOutside, 2};
    const float boxes[] = {0.0F, 0.0F, 64.0F, 64.0F};
    const Labels labels = {1, kKeypoints, xy, visibility, boxes, 0.1, 0, nullptr};
    const CellGrid grid = {5, 5, 16.0, 0.0};
    const int64_t cells = 25;
    Room heatmap(cells * kKeypoints);
    Room offsets(cells * 2 * kKeypoints);
    Room forward(cells * 4);
    Room backward(cells * 4);
    posecore::host::encode_discs(labels, grid, 24.0,
                                 {heatmap.data(), offsets.data(), forward.data(), backward.data(), kEdges, 2});
    Room maps(cells * (kKeypoints + 1));
    posecore::host::encode_gaussians(labels, grid, 16.0, true, maps.data());
    for (int64_t i = 0; i < cells; ++i) {
      CHECK(heatmap.data()[i * kKeypoints + 1] == 0.0F && maps.data()[i * (kKeypoints + 1) + 1] == 0.0F);
      CHECK(!isnan(maps.data()[i * (kKeypoints + 1) + kKeypoints]));
      CHECK(isnan(offsets.data()[i * 2 * kKeypoints + 1]) && isnan(offsets.data()[i * 2 * kKeypoints + 4]));
      for (int64_t channel = 0; channel < 4; ++channel) {  // both edges lead to it
        CHECK(isnan(forward.data()[i * 4 + channel]) && isnan(backward.data()[i * 4 + channel]));
      }
    }
    float shares[2 * kKeypoints];
    posecore::host::encode_coordinates(labels, 65, 65, shares);
    CHECK(!isnan(shares[0]) && isnan(shares[2]) && isnan(shares[3]));
  }
}

TEST(coordinates_are_shares_of_the_picture) {
  const float xy[] = {-0.5F, 9.5F, 4.5F, 4.5F, 20.0F, 1.0F};
  const uint8_t visibility[] = {2, 1, 2};
  const float boxes[4] = {};
  float shares[6];
  posecore::host::encode_coordinates({1, 3, xy, visibility, boxes, 0.0, 0, nullptr}, 10, 10, shares);
  CHECK(shares[0] == 0.0F && shares[1] == 1.0F && shares[2] == 0.5F && shares[3] == 0.5F);
  CHECK(isnan(shares[4]) && isnan(shares[5]));
}
