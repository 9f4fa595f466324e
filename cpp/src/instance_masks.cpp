// Masks of people: how far each cell's idea of its person is from each pose, then the nearest pose at every point.
#include <math.h>

#include "grid.hpp"
#include "heads_check.hpp"
#include "memory.hpp"
#include "posecore/masks.hpp"

namespace posecore {
namespace {

using detail::Grid;
using detail::Point;

// A sum of squared distances that no pose of finite coordinates has.
constexpr float kNowhere = 1.0e30F;
constexpr float kFarthestPx = 1.0e9F;
constexpr int32_t kMostPoses = 65536;

[[nodiscard]] TensorView distances_view(void* workspace, const TensorView& grid, int32_t poses) noexcept {
  return hwc_view(workspace, ElementType::kFloat32, grid.rows, grid.columns, poses);
}

// The place of a sink's row or column on the grid. In double precision, since a picture can be wide.
[[nodiscard]] float cell_of(int32_t element, float scale, float shift, float stride_px, int32_t cells) noexcept {
  const double px = (static_cast<double>(element) - static_cast<double>(shift)) / static_cast<double>(scale);
  const double at = px / static_cast<double>(stride_px);
  const double last = cells - 1;
  if (!(at > 0.0)) {
    return 0.0F;
  }
  return static_cast<float>(at < last ? at : last);
}

template <class T>
class Masking {
 public:
  Masking(const MaskHeads& heads, const MaskPoses& poses, const MaskOptions& options, void* workspace) noexcept
      : long_offsets_(heads.long_offsets),
        segments_(heads.segments),
        logits_(heads.scores == ScoreKind::kLogits),
        keypoints_(heads.long_offsets.channels / 2),
        options_(options),
        poses_(poses),
        sums_(static_cast<float*>(workspace)),
        distances_(distances_view(workspace, heads.long_offsets, poses.count)) {}

  void run(const MaskSink& sink) const noexcept {
    for (int32_t row = 0; row < long_offsets_.rows; ++row) {
      for (int32_t column = 0; column < long_offsets_.columns; ++column) {
        measure(row, column);
      }
    }
    const PixelMap cells = {1.0F, 1.0F, 0.0F, 0.0F};
    const PixelMap& map = sink.map != nullptr ? *sink.map : cells;
    const float stride_px = sink.map != nullptr ? options_.stride_px : 1.0F;
    int32_t* owner = sink.owners;
    for (int32_t row = 0; row < sink.rows; ++row) {
      const float y = cell_of(row, map.scale_y, map.shift_y, stride_px, long_offsets_.rows);
      for (int32_t column = 0; column < sink.columns; ++column) {
        *owner++ = owner_of({y, cell_of(column, map.scale_x, map.shift_x, stride_px, long_offsets_.columns)});
      }
    }
  }

 private:
  [[nodiscard]] bool is_somebody(Point at) const noexcept {
    return segments_.data == nullptr ||
           detail::score_of(detail::sample_score(segments_, at, 0), logits_) >= options_.segment_threshold;
  }

  // A point with somebody lies between cells one of which has somebody; the others are that one's neighbours.
  [[nodiscard]] bool is_near_somebody(int32_t row, int32_t column) const noexcept {
    for (int32_t y = row > 0 ? row - 1 : 0; y <= row + 1 && y < long_offsets_.rows; ++y) {
      for (int32_t x = column > 0 ? column - 1 : 0; x <= column + 1 && x < long_offsets_.columns; ++x) {
        if (is_somebody({static_cast<float>(y), static_cast<float>(x)})) {
          return true;
        }
      }
    }
    return false;
  }

  // For each pose the sum of squared distances, in input pixels, of where this cell expects its person's keypoints.
  void measure(int32_t row, int32_t column) const noexcept {
    float* sums = sums_ + (static_cast<ptrdiff_t>(row) * long_offsets_.columns + column) * poses_.count;
    const bool wanted = is_near_somebody(row, column);
    for (int32_t pose = 0; pose < poses_.count; ++pose) {
      sums[pose] = wanted ? 0.0F : kNowhere;
    }
    for (int32_t k = 0; k < keypoints_ && wanted; ++k) {
      const Point expected = follow({static_cast<float>(row), static_cast<float>(column)}, k);
      for (int32_t pose = 0; pose < poses_.count; ++pose) {
        const float* xy = poses_.xy + 2 * (static_cast<ptrdiff_t>(pose) * keypoints_ + k);
        const float x = (xy[0] - poses_.map.shift_x) / poses_.map.scale_x;
        const float y = (xy[1] - poses_.map.shift_y) / poses_.map.scale_y;
        const bool near = x >= -kFarthestPx && x <= kFarthestPx && y >= -kFarthestPx && y <= kFarthestPx;
        const float dx = x - expected.x;
        const float dy = y - expected.y;
        sums[pose] += near ? dy * dy + dx * dx : kNowhere;
      }
    }
  }

  // Where a keypoint of the person at this cell is expected, in input pixels.
  [[nodiscard]] Point follow(Point cell, int32_t keypoint) const noexcept {
    const float cells_per_px = 1.0F / options_.stride_px;
    for (int32_t step = 0; step <= options_.refine_steps; ++step) {
      const Point px = detail::sample_vector(long_offsets_, cell, keypoint, keypoints_ + keypoint);
      cell.y = detail::clamped(cell.y + px.y * cells_per_px, static_cast<float>(long_offsets_.rows - 1));
      cell.x = detail::clamped(cell.x + px.x * cells_per_px, static_cast<float>(long_offsets_.columns - 1));
    }
    return {cell.y * options_.stride_px, cell.x * options_.stride_px};
  }

  [[nodiscard]] int32_t owner_of(Point at) const noexcept {
    int32_t owner = -1;
    if (poses_.count > 0 && is_somebody(at)) {
      const detail::Corners<float> corners(distances_, at);
      float least = kNowhere;
      for (int32_t pose = 0; pose < poses_.count; ++pose) {
        const float sum = corners.sample(pose, [](float value) { return value; });
        if (sum < least) {
          least = sum;
          owner = pose;
        }
      }
    }
    return owner;
  }

  Grid<T> long_offsets_;
  Grid<T> segments_;
  bool logits_;
  int32_t keypoints_;
  const MaskOptions& options_;
  const MaskPoses& poses_;
  float* sums_;
  Grid<float> distances_;  // the same, to be sampled
};

[[nodiscard]] bool has_inverse(const PixelMap& map) noexcept {
  const float numbers[] = {map.scale_x, map.scale_y, map.shift_x, map.shift_y};
  for (const float number : numbers) {
    if (!(number > -INFINITY && number < INFINITY)) {
      return false;
    }
  }
  return map.scale_x != 0.0F && map.scale_y != 0.0F;
}

[[nodiscard]] bool in_range(const MaskPoses& poses, const MaskOptions& options, const MaskSink& sink) noexcept {
  return options.stride_px > 0.0F && options.stride_px <= 65536.0F && options.refine_steps >= 0 &&
         options.refine_steps <= 100 && options.segment_threshold >= 0.0F && options.segment_threshold <= 1.0F &&
         poses.count >= 0 && poses.count <= kMostPoses && has_inverse(poses.map) && sink.rows >= 0 &&
         sink.columns >= 0 && (sink.map == nullptr || has_inverse(*sink.map));
}

}  // namespace

size_t mask_workspace_bytes(int32_t poses, int32_t rows, int32_t columns) noexcept {
  const uint64_t cells = static_cast<uint64_t>(rows) * static_cast<uint64_t>(columns);
  const uint64_t most = SIZE_MAX / sizeof(float) / static_cast<uint64_t>(poses > 0 ? poses : 1);
  return cells > most ? SIZE_MAX : static_cast<size_t>(cells) * static_cast<size_t>(poses) * sizeof(float);
}

Status instance_masks(const MaskHeads& heads, const MaskPoses& poses, const MaskOptions& options, void* workspace,
                      size_t bytes, const MaskSink& sink) noexcept {
  if (sink.owners == nullptr || (poses.xy == nullptr && poses.count > 0)) {
    return Status::kNullPointer;
  }
  if (!in_range(poses, options, sink)) {
    return Status::kBadOptions;
  }
  const TensorView& first = heads.long_offsets;
  Status status = detail::check(first);
  if (status == Status::kOk && first.channels % 2 != 0) {
    status = Status::kBadChannels;
  }
  if (status == Status::kOk && heads.segments.data != nullptr) {
    status = detail::check_one_of_heads(heads.segments, first, 1);
  }
  if (status == Status::kOk && poses.count > 0) {
    const size_t wanted = mask_workspace_bytes(poses.count, first.rows, first.columns);
    status = wanted == SIZE_MAX ? Status::kTooLarge : detail::check_memory(workspace, bytes, wanted, alignof(float));
  }
  if (status != Status::kOk) {
    return status;
  }
  return detail::with_type(first.type, [&](auto element) {
    Masking<decltype(element)>(heads, poses, options, workspace).run(sink);
    return Status::kOk;
  });
}

}  // namespace posecore
