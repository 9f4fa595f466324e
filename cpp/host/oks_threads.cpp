#include "oks_threads.hpp"

#include <algorithm>
#include <cstddef>
#include <exception>
#include <thread>
#include <vector>

namespace posecore::host {
namespace {

// Parts begin where a kernel's block does, whatever its width, so that no lane stands idle but in the last part.
constexpr int64_t kBlock = 8;

template <class T>
[[nodiscard]] KeypointView<T> from_row(KeypointView<T> view, int64_t row) {
  view.xy += row * view.row_stride;
  return view;
}

template <class T>
[[nodiscard]] OksDetections<T> part_of(const OksDetections<T>& all, int64_t first, int64_t count) {
  OksDetections<T> part = all;
  part.count = count;
  if (all.rows != nullptr) {
    part.rows = all.rows + first;
  } else {
    part.keypoints = from_row(all.keypoints, first);
  }
  return part;
}

template <class T>
[[nodiscard]] OksTruths<T> part_of(const OksTruths<T>& all, int64_t first, int64_t count) {
  OksTruths<T> part = all;
  part.count = count;
  if (all.rows != nullptr) {
    part.rows = all.rows + first;
  } else {
    part.keypoints = from_row(all.keypoints, first);
    part.visibility += first * all.visibility_stride;
    part.areas_px2 += first;
    part.boxes = all.boxes == nullptr ? nullptr : all.boxes + first * 4;
  }
  return part;
}

}  // namespace

template <class T>
Status oks_by_threads(const double* sigmas, int32_t num_keypoints, const OksDetections<T>& detections,
                      const OksTruths<T>& truths, T* oks, ptrdiff_t row_stride, int32_t threads) {
  const bool by_detection = detections.count >= truths.count;
  const int64_t count = by_detection ? detections.count : truths.count;
  const int64_t blocks = (count + kBlock - 1) / kBlock;
  const int64_t parts = std::min<int64_t>(threads, blocks);
  if (parts <= 1) {
    return posecore::oks(sigmas, num_keypoints, detections, truths, oks, row_stride);
  }
  std::vector<Status> said(static_cast<size_t>(parts), Status::kOk);
  const auto work = [&](int64_t part) {
    const int64_t first = blocks * part / parts * kBlock;
    const int64_t size = std::min(count, blocks * (part + 1) / parts * kBlock) - first;
    said[static_cast<size_t>(part)] =
        by_detection
            ? posecore::oks(sigmas, num_keypoints, part_of(detections, first, size), truths, oks + first * row_stride,
                            row_stride)
            : posecore::oks(sigmas, num_keypoints, detections, part_of(truths, first, size), oks + first, row_stride);
  };
  std::vector<std::thread> helpers;
  helpers.reserve(static_cast<size_t>(parts));
  int64_t part = 1;
  try {
    for (; part < parts; ++part) {
      helpers.emplace_back(work, part);
    }
  } catch (const std::exception&) {  // no thread, or no memory for one
    for (; part < parts; ++part) {
      work(part);
    }
  }
  work(0);
  for (std::thread& helper : helpers) {
    helper.join();
  }
  const auto bad = std::find_if(said.begin(), said.end(), [](Status status) { return status != Status::kOk; });
  return bad == said.end() ? Status::kOk : *bad;
}

template Status oks_by_threads(const double*, int32_t, const OksDetections<float>&, const OksTruths<float>&, float*,
                               ptrdiff_t, int32_t);
template Status oks_by_threads(const double*, int32_t, const OksDetections<double>&, const OksTruths<double>&, double*,
                               ptrdiff_t, int32_t);

}  // namespace posecore::host
