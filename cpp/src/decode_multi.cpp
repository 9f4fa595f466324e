// Many people: roots best first, each walked over the displacement tree, duplicates suppressed.
#include <math.h>

#include "candidates.hpp"
#include "grid.hpp"
#include "memory.hpp"
#include "pose_pool.hpp"
#include "posecore/decode.hpp"

namespace posecore {
namespace {

using detail::CandidateKey;
using detail::CandidateQueue;
using detail::CandidateScan;
using detail::Grid;
using detail::Point;
using detail::PosePool;
using detail::PoseSlot;

// A keypoint whose neighbours are still to be found, and the neighbour it was found from.
struct Visit {
  int32_t keypoint;
  int32_t from;
};

// Candidates beyond the queue's room are taken in further passes over the heatmaps. A picture has a few dozen;
// a share of the cells bounds the passes where a map is all plateau.
constexpr int64_t kQueued = 2048;
constexpr int64_t kMostPasses = 16;

// Where each part of the workspace begins. The 64-bit keys come first, so everything is aligned.
struct Layout {
  int32_t queued;
  size_t points;
  size_t scores;
  size_t occluded;
  size_t means;
  size_t rescored;
  size_t rank;
  size_t visits;
  size_t bytes;

  Layout(const MultiPosePlan& plan, int32_t rows, int32_t columns) noexcept {
    const int64_t cells = static_cast<int64_t>(rows) * columns * plan.num_keypoints;
    const int64_t share = cells / kMostPasses + 1;
    const int64_t wanted = share > kQueued ? share : kQueued;
    queued = static_cast<int32_t>(cells < wanted ? cells : wanted);
    const auto slots = static_cast<size_t>(plan.options.max_poses);
    const size_t keypoints = slots * static_cast<size_t>(plan.num_keypoints);
    points = static_cast<size_t>(queued) * sizeof(CandidateKey);
    scores = points + keypoints * sizeof(Point);
    means = scores + keypoints * sizeof(float);
    rescored = means + slots * sizeof(float);
    rank = rescored + slots * sizeof(float);
    visits = rank + slots * sizeof(int32_t);
    occluded = visits + static_cast<size_t>(plan.num_keypoints) * sizeof(Visit);
    bytes = occluded + keypoints;
  }
};

[[nodiscard]] Point inside(Point at, int32_t rows, int32_t columns) noexcept {
  return {detail::clamped(at.y, static_cast<float>(rows - 1)), detail::clamped(at.x, static_cast<float>(columns - 1))};
}

template <class T>
class Decoding {
 public:
  Decoding(const MultiPosePlan& plan, const Heads& heads, void* workspace) noexcept
      : plan_(plan),
        heatmaps_(heads.heatmaps),
        short_offsets_(heads.short_offsets),
        forward_(heads.displacement_fwd),
        backward_(heads.displacement_bwd),
        logits_(heads.scores == ScoreKind::kLogits),
        cells_per_px_(1.0F / plan.options.stride_px),
        layout_(plan, heads.heatmaps.rows, heads.heatmaps.columns),
        memory_(static_cast<uint8_t*>(workspace)) {}

  void run(PoseSink* sink) noexcept {
    PosePool pool({at<Point>(layout_.points), at<float>(layout_.scores), at<uint8_t>(layout_.occluded),
                   at<float>(layout_.means), at<float>(layout_.rescored), at<int32_t>(layout_.rank)},
                  plan_.options.max_poses, plan_.num_keypoints, plan_.options.nms_radius_px * cells_per_px_,
                  plan_.options.rescore, plan_.options.pose_threshold);
    T threshold{};
    if (root_threshold(&threshold)) {
      CandidateQueue queue(at<CandidateKey>(0), layout_.queued);
      const CandidateScan<T> candidates(heatmaps_, plan_.num_keypoints, threshold, plan_.options.local_maximum_radius);
      CandidateKey last = UINT64_MAX;
      do {
        candidates.scan(last, &queue);
        while (!queue.empty() && !pool.full()) {
          last = queue.pop();
          const detail::Candidate place = candidates.place(last);
          const Point root = root_of(place);
          if (!pool.holds(root, place.keypoint)) {
            if (plan_.options.sampling == Sampling::kBilinear) {
              walk<Sampling::kBilinear>(root, place.keypoint, pool.free_slot());
            } else {
              walk<Sampling::kNearest>(root, place.keypoint, pool.free_slot());
            }
            pool.take_free_slot();
          }
        }
      } while (queue.dropped() && !pool.full());
    }
    pool.sort_by_rescored();
    write(pool, sink);
  }

 private:
  template <class Part>
  [[nodiscard]] Part* at(size_t offset) const noexcept {
    return reinterpret_cast<Part*>(memory_ + offset);
  }

  // The least stored value whose score reaches the root threshold; false where there is none.
  [[nodiscard]] bool root_threshold(T* threshold) const noexcept {
    const float least = logits_ ? plan_.root_logit : plan_.options.root_threshold;
    if constexpr (sizeof(T) == sizeof(float)) {
      *threshold = least;
      return true;
    } else {
      const int32_t low = static_cast<T>(-1) < 0 ? -128 : 0;
      for (int32_t q = low; q < low + 256; ++q) {
        if (heatmaps_.real(static_cast<float>(q)) >= least) {
          *threshold = static_cast<T>(q);
          return true;
        }
      }
      return false;
    }
  }

  [[nodiscard]] Point root_of(const detail::Candidate& place) const noexcept {
    const Point cell = {static_cast<float>(place.row), static_cast<float>(place.column)};
    const Point offset =
        detail::sample_vector(short_offsets_, cell, place.keypoint, plan_.num_keypoints + place.keypoint);
    return moved(cell, offset);
  }

  [[nodiscard]] Point moved(Point from, Point by_px) const noexcept {
    return inside({from.y + by_px.y * cells_per_px_, from.x + by_px.x * cells_per_px_}, heatmaps_.rows,
                  heatmaps_.columns);
  }

  // Finds all keypoints from the root outwards. In a tree each has one way to it, so the order of the visits
  // is free: best-first gives the same pose.
  template <Sampling kSampling>
  void walk(Point root, int32_t keypoint, const PoseSlot& pose) const noexcept {
    auto* visits = at<Visit>(layout_.visits);
    int32_t waiting = 0;
    visits[waiting++] = {keypoint, keypoint};
    pose.points[keypoint] = root;
    while (waiting > 0) {
      const Visit visit = visits[--waiting];
      const Point here = pose.points[visit.keypoint];
      const float value = detail::sample_score(heatmaps_, read_at<kSampling>(here), visit.keypoint);
      pose.scores[visit.keypoint] = detail::score_of(value, logits_);
      for (int32_t i = plan_.first_arc[visit.keypoint]; i < plan_.first_arc[visit.keypoint + 1]; ++i) {
        const Arc arc = plan_.arcs[i];
        if (arc.to != visit.from) {
          pose.points[arc.to] = follow<kSampling>(here, arc);
          visits[waiting++] = {arc.to, visit.keypoint};
        }
      }
    }
  }

  template <Sampling kSampling>
  [[nodiscard]] Point follow(Point from, const Arc& arc) const noexcept {
    const int32_t edges = plan_.num_keypoints - 1;
    const Point start = read_at<kSampling>(from);
    const Point vector =
        detail::sample_vector(arc.forward != 0 ? forward_ : backward_, start, arc.edge, edges + arc.edge);
    Point at = moved(start, vector);
    for (int32_t step = 0; step < plan_.options.refine_steps; ++step) {
      const Point cell = read_at<kSampling>(at);
      at = moved(cell, detail::sample_vector(short_offsets_, cell, arc.to, plan_.num_keypoints + arc.to));
    }
    return at;
  }

  template <Sampling kSampling>
  [[nodiscard]] static Point read_at(Point at) noexcept {
    if constexpr (kSampling == Sampling::kNearest) {
      return {detail::nearest_cell(at.y), detail::nearest_cell(at.x)};
    } else {
      return at;
    }
  }

  void write(const PosePool& pool, PoseSink* sink) const noexcept {
    sink->count = pool.count();
    for (int32_t rank = 0; rank < pool.count(); ++rank) {
      const int32_t index = pool.ranked(rank);
      const PoseSlot pose = pool.slot(index);
      sink->pose_scores[rank] = pool.rescored(index);
      for (int32_t k = 0; k < plan_.num_keypoints; ++k) {
        const ptrdiff_t to = static_cast<ptrdiff_t>(rank) * plan_.num_keypoints + k;
        detail::put_point(sink, to, pose.points[k], plan_.options.stride_px);
        sink->scores[to] = pose.scores[k];
      }
    }
  }

  const MultiPosePlan& plan_;
  Grid<T> heatmaps_;
  Grid<T> short_offsets_;
  Grid<T> forward_;
  Grid<T> backward_;
  bool logits_;
  float cells_per_px_;
  Layout layout_;
  uint8_t* memory_;
};

[[nodiscard]] Status check_one(const TensorView& view, const TensorView& heatmaps, int32_t channels) noexcept {
  if (channels == 0) {
    return Status::kOk;  // a skeleton of one keypoint has no displacements
  }
  const Status status = detail::check(view);
  if (status != Status::kOk) {
    return status;
  }
  if (view.rows != heatmaps.rows || view.columns != heatmaps.columns || view.type != heatmaps.type) {
    return Status::kMixedTensors;
  }
  return view.channels == channels ? Status::kOk : Status::kBadChannels;
}

[[nodiscard]] Status check_heads(const Heads& heads, int32_t keypoints) noexcept {
  const TensorView* views[] = {&heads.heatmaps, &heads.short_offsets, &heads.displacement_fwd, &heads.displacement_bwd};
  const int32_t channels[] = {keypoints, 2 * keypoints, 2 * (keypoints - 1), 2 * (keypoints - 1)};
  for (int32_t i = 0; i < 4; ++i) {
    const Status status = check_one(*views[i], heads.heatmaps, channels[i]);
    if (status != Status::kOk) {
      return status;
    }
  }
  return Status::kOk;
}

}  // namespace

size_t workspace_bytes(const MultiPosePlan& plan, int32_t rows, int32_t columns) noexcept {
  return Layout(plan, rows, columns).bytes;
}

Status decode_multi(const MultiPosePlan& plan, const Heads& heads, void* workspace, size_t bytes,
                    PoseSink* sink) noexcept {
  if (sink == nullptr || workspace == nullptr || sink->xy == nullptr || sink->scores == nullptr ||
      sink->pose_scores == nullptr) {
    return Status::kNullPointer;
  }
  const Status status = check_heads(heads, plan.num_keypoints);
  if (status != Status::kOk) {
    return status;
  }
  if (sink->capacity < plan.options.max_poses) {
    return Status::kSinkTooSmall;
  }
  if (!detail::is_aligned(workspace, alignof(uint64_t))) {
    return Status::kMisaligned;
  }
  if (bytes < workspace_bytes(plan, heads.heatmaps.rows, heads.heatmaps.columns)) {
    return Status::kWorkspaceTooSmall;
  }
  return detail::with_type(heads.heatmaps.type, [&](auto element) {
    Decoding<decltype(element)>(plan, heads, workspace).run(sink);
    return Status::kOk;
  });
}

}  // namespace posecore
