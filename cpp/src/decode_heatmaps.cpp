// One person from heatmaps alone: arg-max, refined to a fraction of a cell.
#include <math.h>

#include "grid.hpp"
#include "peak.hpp"
#include "posecore/decode.hpp"

namespace posecore {
namespace {

using detail::Grid;
using detail::Peak;
using detail::Point;

constexpr int32_t kMaxBlurRadius = 16;
constexpr float kMaxSigma = 5.0F;
// Below this a heatmap value has no logarithm worth having (DARK's own floor).
constexpr float kLeast = 1.0e-10F;

// A quarter cell towards the higher of the two neighbours, on each axis; nothing at the border.
template <class T>
[[nodiscard]] Point quarter(const Grid<T>& map, const Peak<T>& peak, int32_t k) noexcept {
  const auto value = [&](int32_t row, int32_t column) { return detail::stored(*map.cell(row, column, k)); };
  const auto step = [](float before, float after) {
    if (after > before) {
      return 0.25F;
    }
    return after < before ? -0.25F : 0.0F;
  };
  Point shift = {0.0F, 0.0F};
  if (peak.row > 0 && peak.row + 1 < map.rows) {
    shift.y = step(value(peak.row - 1, peak.column), value(peak.row + 1, peak.column));
  }
  if (peak.column > 0 && peak.column + 1 < map.columns) {
    shift.x = step(value(peak.row, peak.column - 1), value(peak.row, peak.column + 1));
  }
  return shift;
}

// Scores of one map, smoothed by a Gaussian that sees zeros outside of the map, computed where asked.
template <class T>
class SmoothedMap {
 public:
  SmoothedMap(const Grid<T>& map, int32_t k, bool logits, float sigma) noexcept : map_(map), k_(k), logits_(logits) {
    radius_ = static_cast<int32_t>(ceilf(3.0F * sigma));
    for (int32_t i = 0; i <= radius_; ++i) {
      const float distance = i == 0 ? 0.0F : static_cast<float>(i) / sigma;
      weight_[i] = detail::exponential(-0.5F * distance * distance);
    }
  }

  [[nodiscard]] float log_at(int32_t row, int32_t column) const noexcept {
    float sum = 0.0F;
    for (int32_t dy = -radius_; dy <= radius_; ++dy) {
      for (int32_t dx = -radius_; dx <= radius_; ++dx) {
        const int32_t y = row + dy;
        const int32_t x = column + dx;
        if (y >= 0 && y < map_.rows && x >= 0 && x < map_.columns) {
          const float value = map_.real(detail::stored(*map_.cell(y, x, k_)));
          sum += weight_[dy < 0 ? -dy : dy] * weight_[dx < 0 ? -dx : dx] * detail::score_of(value, logits_);
        }
      }
    }
    return logf(sum > kLeast ? sum : kLeast);
  }

 private:
  const Grid<T>& map_;
  int32_t k_;
  bool logits_;
  int32_t radius_ = 0;
  float weight_[kMaxBlurRadius + 1] = {};
};

// Where the second-order expansion of the log around the arg-max has its top: -H^-1 g. Nothing within two
// cells of the border or where the surface is not a hill; never further than one cell.
template <class T>
[[nodiscard]] Point taylor(const Grid<T>& map, const Peak<T>& peak, const SmoothedMap<T>& smooth) noexcept {
  const int32_t y = peak.row;
  const int32_t x = peak.column;
  if (y < 2 || x < 2 || y + 2 >= map.rows || x + 2 >= map.columns) {
    return {0.0F, 0.0F};
  }
  const float here = smooth.log_at(y, x);
  const float gx = 0.5F * (smooth.log_at(y, x + 1) - smooth.log_at(y, x - 1));
  const float gy = 0.5F * (smooth.log_at(y + 1, x) - smooth.log_at(y - 1, x));
  const float hxx = 0.25F * (smooth.log_at(y, x + 2) - 2.0F * here + smooth.log_at(y, x - 2));
  const float hyy = 0.25F * (smooth.log_at(y + 2, x) - 2.0F * here + smooth.log_at(y - 2, x));
  const float hxy = 0.25F * (smooth.log_at(y + 1, x + 1) - smooth.log_at(y - 1, x + 1) - smooth.log_at(y + 1, x - 1) +
                             smooth.log_at(y - 1, x - 1));
  const float determinant = hxx * hyy - hxy * hxy;
  if (!(determinant > 0.0F && hxx < 0.0F)) {
    return {0.0F, 0.0F};
  }
  const Point shift = {-(hxx * gy - hxy * gx) / determinant, -(hyy * gx - hxy * gy) / determinant};
  const bool near = fabsf(shift.y) <= 1.0F && fabsf(shift.x) <= 1.0F;
  return near ? shift : Point{0.0F, 0.0F};
}

template <class T>
void run(const TensorView& view, bool logits, const HeatmapOptions& options, PoseSink* sink) noexcept {
  const Grid<T> map(view);
  float sum = 0.0F;
  for (int32_t k = 0; k < view.channels; ++k) {
    const Peak<T> peak = detail::find_peak(map, k);
    Point shift = {0.0F, 0.0F};
    float score = 0.0F;
    if (peak.found) {
      score = detail::score_of(map.real(detail::stored(peak.value)), logits);
      if (options.refinement == Refinement::kQuarter) {
        shift = quarter(map, peak, k);
      } else if (options.refinement == Refinement::kTaylor) {
        shift = taylor(map, peak, SmoothedMap<T>(map, k, logits, options.blur_sigma_cells));
      }
    }
    const Point at = {static_cast<float>(peak.row) + shift.y, static_cast<float>(peak.column) + shift.x};
    detail::put_point(sink, k, at, options.stride_px);
    sink->scores[k] = score;
    sum += score;
  }
  sink->pose_scores[0] = sum / static_cast<float>(view.channels);
  sink->count = 1;
}

}  // namespace

Status decode_heatmaps(const TensorView& heatmaps, ScoreKind scores, const HeatmapOptions& options,
                       PoseSink* sink) noexcept {
  if (sink == nullptr || sink->xy == nullptr || sink->scores == nullptr || sink->pose_scores == nullptr) {
    return Status::kNullPointer;
  }
  const Status status = detail::check(heatmaps);
  if (status != Status::kOk) {
    return status;
  }
  if (!(options.stride_px > 0.0F && options.stride_px <= 65536.0F) || options.refinement > Refinement::kTaylor ||
      !(options.blur_sigma_cells >= 0.0F && options.blur_sigma_cells <= kMaxSigma)) {
    return Status::kBadOptions;
  }
  if (sink->capacity < 1) {
    return Status::kSinkTooSmall;
  }
  return detail::with_type(heatmaps.type, [&](auto element) {
    run<decltype(element)>(heatmaps, scores == ScoreKind::kLogits, options, sink);
    return Status::kOk;
  });
}

}  // namespace posecore
