// One person: arg-max of each heatmap and the short offset there.
#include <math.h>

#include "grid.hpp"
#include "peak.hpp"
#include "posecore/decode.hpp"

namespace posecore {
namespace {

template <class T>
void run(const Heads& heads, float stride_px, PoseSink* sink) noexcept {
  const detail::Grid<T> heatmaps(heads.heatmaps);
  const detail::Grid<T> offsets(heads.short_offsets);
  const int32_t keypoints = heads.heatmaps.channels;
  const bool logits = heads.scores == ScoreKind::kLogits;
  float sum = 0.0F;
  for (int32_t k = 0; k < keypoints; ++k) {
    const detail::Peak<T> peak = detail::find_peak(heatmaps, k);
    float score = 0.0F;
    detail::Point at = {0.0F, 0.0F};
    if (peak.found) {
      const detail::Point cell = {static_cast<float>(peak.row), static_cast<float>(peak.column)};
      const detail::Point offset = detail::sample_vector(offsets, cell, k, keypoints + k);
      at = {cell.y * stride_px + offset.y, cell.x * stride_px + offset.x};
      score = detail::score_of(heatmaps.real(detail::stored(peak.value)), logits);
    }
    detail::put_point(sink, k, at, 1.0F);
    sink->scores[k] = score;
    sum += score;
  }
  sink->pose_scores[0] = sum / static_cast<float>(keypoints);
  sink->count = 1;
}

}  // namespace

Status decode_single(const Heads& heads, float stride_px, PoseSink* sink) noexcept {
  if (sink == nullptr || sink->xy == nullptr || sink->scores == nullptr || sink->pose_scores == nullptr) {
    return Status::kNullPointer;
  }
  if (!(stride_px > 0.0F && stride_px <= 65536.0F)) {
    return Status::kBadOptions;
  }
  if (sink->capacity < 1) {
    return Status::kSinkTooSmall;
  }
  const TensorView* const views[] = {&heads.heatmaps, &heads.short_offsets};
  for (const TensorView* view : views) {
    const Status status = detail::check(*view);
    if (status != Status::kOk) {
      return status;
    }
  }
  if (heads.short_offsets.rows != heads.heatmaps.rows || heads.short_offsets.columns != heads.heatmaps.columns ||
      heads.short_offsets.type != heads.heatmaps.type) {
    return Status::kMixedTensors;
  }
  if (heads.short_offsets.channels != 2 * static_cast<int64_t>(heads.heatmaps.channels)) {
    return Status::kBadChannels;
  }
  return detail::with_type(heads.heatmaps.type, [&](auto element) {
    run<decltype(element)>(heads, stride_px, sink);
    return Status::kOk;
  });
}

}  // namespace posecore
