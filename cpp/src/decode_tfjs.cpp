// Many people with the choices of the JavaScript package. It counts in double precision, and so does this: where a
// point lies between two cells decides.
#include "grid.hpp"
#include "heads_check.hpp"
#include "memory.hpp"
#include "posecore/tfjs.hpp"

namespace posecore {
namespace {

using detail::Grid;

struct Place {
  double y;
  double x;
};

struct Root {
  float score;
  uint32_t index;  // (row * columns + column) * keypoints + keypoint
};

// The heap of tfjs: the entries below the first are a heap whose children of n are 2n and 2n + 1, and the first stands
// above it. Which of two equal scores comes first is its doing; goldens with ties need the very same moves.
class RootHeap {
 public:
  explicit RootHeap(Root* roots) noexcept : roots_(roots) {}

  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }

  void add(Root root) noexcept {
    size_t at = count_++;
    roots_[at] = root;
    while (at > 0 && exchange_if_less(at / 2, at)) {
      at /= 2;
    }
  }

  [[nodiscard]] Root take() noexcept {
    const Root best = roots_[0];
    roots_[0] = roots_[--count_];
    for (size_t at = 0; 2 * at < count_;) {
      size_t child = 2 * at;
      child += child + 1 < count_ && roots_[child].score < roots_[child + 1].score ? 1 : 0;
      if (!exchange_if_less(at, child)) {
        break;
      }
      at = child;
    }
    return best;
  }

 private:
  [[nodiscard]] bool exchange_if_less(size_t upper, size_t lower) noexcept {
    if (!(roots_[upper].score < roots_[lower].score)) {
      return false;
    }
    const Root moved = roots_[upper];
    roots_[upper] = roots_[lower];
    roots_[lower] = moved;
    return true;
  }

  Root* roots_;
  size_t count_ = 0;
};

// Where each part of the workspace begins.
struct Layout {
  size_t points;
  size_t visits;
  size_t scores;
  size_t bytes;

  Layout(const MultiPosePlan& plan, int32_t rows, int32_t columns) noexcept {
    const auto keypoints = static_cast<size_t>(plan.num_keypoints);
    const size_t room = static_cast<size_t>(plan.options.max_poses) * keypoints;
    points = static_cast<size_t>(rows) * static_cast<size_t>(columns) * keypoints * sizeof(Root);
    visits = points + room * sizeof(Place);
    scores = visits + keypoints * 2 * sizeof(int32_t);
    bytes = scores + room * sizeof(float);
  }
};

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
        stride_px_(static_cast<double>(plan.options.stride_px)),
        squared_radius_(static_cast<double>(plan.options.nms_radius_px) *
                        static_cast<double>(plan.options.nms_radius_px)) {
    const Layout layout(plan, heatmaps_.rows, heatmaps_.columns);
    auto* memory = static_cast<uint8_t*>(workspace);
    roots_ = reinterpret_cast<Root*>(memory);
    points_ = reinterpret_cast<Place*>(memory + layout.points);
    visits_ = reinterpret_cast<int32_t*>(memory + layout.visits);
    scores_ = reinterpret_cast<float*>(memory + layout.scores);
  }

  void run(PoseSink* sink) noexcept {
    RootHeap heap(roots_);
    find_roots(&heap);
    sink->count = 0;
    int32_t found = 0;
    while (found < plan_.options.max_poses && !heap.empty()) {
      const Root root = heap.take();
      const auto keypoint = static_cast<int32_t>(root.index % static_cast<uint32_t>(plan_.num_keypoints));
      const uint32_t cell = root.index / static_cast<uint32_t>(plan_.num_keypoints);
      const auto columns = static_cast<uint32_t>(heatmaps_.columns);
      const Place at =
          offset_from(static_cast<int32_t>(cell / columns), static_cast<int32_t>(cell % columns), keypoint);
      if (!is_taken(at, keypoint, found)) {
        walk(at, keypoint, root.score, found);
        write(found, sink);
        ++found;
      }
    }
  }

 private:
  [[nodiscard]] float score_at(int32_t row, int32_t column, int32_t keypoint) const noexcept {
    return detail::score_of(heatmaps_.real(detail::stored(*heatmaps_.cell(row, column, keypoint))), logits_);
  }

  void find_roots(RootHeap* heap) const noexcept {
    uint32_t index = 0;
    for (int32_t row = 0; row < heatmaps_.rows; ++row) {
      for (int32_t column = 0; column < heatmaps_.columns; ++column) {
        for (int32_t keypoint = 0; keypoint < plan_.num_keypoints; ++keypoint, ++index) {
          const T value = *heatmaps_.cell(row, column, keypoint);
          const float least = logits_ ? plan_.root_logit : plan_.options.root_threshold;
          if (heatmaps_.real(static_cast<float>(value)) >= least) {  // never NaN
            const float score = score_at(row, column, keypoint);
            if (is_local_maximum(row, column, keypoint, score)) {
              heap->add({score, index});
            }
          }
        }
      }
    }
  }

  // Of scores, not of logits: far from 0 many logits have one score.
  [[nodiscard]] bool is_local_maximum(int32_t row, int32_t column, int32_t keypoint, float score) const noexcept {
    const int32_t radius = plan_.options.local_maximum_radius;
    const int32_t bottom = heatmaps_.rows - row > radius ? row + radius : heatmaps_.rows - 1;
    const int32_t right = heatmaps_.columns - column > radius ? column + radius : heatmaps_.columns - 1;
    for (int32_t y = row > radius ? row - radius : 0; y <= bottom; ++y) {
      for (int32_t x = column > radius ? column - radius : 0; x <= right; ++x) {
        if (score_at(y, x, keypoint) > score) {
          return false;
        }
      }
    }
    return true;
  }

  // `from` and the vector of a cell; one that is not finite counts as none.
  [[nodiscard]] static Place moved(Place from, const Grid<T>& grid, int32_t row, int32_t column, int32_t channel,
                                   int32_t channels) noexcept {
    const detail::Point cell = {static_cast<float>(row), static_cast<float>(column)};
    const detail::Point by = detail::sample_vector(grid, cell, channel, channels + channel);
    return {from.y + static_cast<double>(by.y), from.x + static_cast<double>(by.x)};
  }

  [[nodiscard]] Place offset_from(int32_t row, int32_t column, int32_t keypoint) const noexcept {
    return moved({row * stride_px_, column * stride_px_}, short_offsets_, row, column, keypoint, plan_.num_keypoints);
  }

  // The nearest of `cells`; what lies in the middle goes up.
  [[nodiscard]] int32_t cell_of(double px, int32_t cells) const noexcept {
    const double at = px / stride_px_ + 0.5;
    if (!(at > 0.0)) {
      return 0;
    }
    return at < cells ? static_cast<int32_t>(at) : cells - 1;
  }

  // Whether one of the first `poses` has this keypoint within the radius.
  [[nodiscard]] bool is_taken(Place at, int32_t keypoint, int32_t poses) const noexcept {
    for (int32_t pose = 0; pose < poses; ++pose) {
      const Place other = points_[static_cast<ptrdiff_t>(pose) * plan_.num_keypoints + keypoint];
      const double dy = at.y - other.y;
      const double dx = at.x - other.x;
      if (dy * dy + dx * dx <= squared_radius_) {
        return true;
      }
    }
    return false;
  }

  // tfjs goes over all edges backward, then over all forward: in a tree the same points as from the root outwards.
  void walk(Place root, int32_t keypoint, float score, int32_t pose) const noexcept {
    Place* points = points_ + static_cast<ptrdiff_t>(pose) * plan_.num_keypoints;
    float* scores = scores_ + static_cast<ptrdiff_t>(pose) * plan_.num_keypoints;
    points[keypoint] = root;
    scores[keypoint] = score;
    int32_t waiting = 0;
    visits_[0] = keypoint;
    visits_[1] = keypoint;
    for (++waiting; waiting > 0;) {
      --waiting;
      const int32_t here = visits_[2 * waiting];
      const int32_t from = visits_[2 * waiting + 1];
      for (int32_t i = plan_.first_arc[here]; i < plan_.first_arc[here + 1]; ++i) {
        const Arc arc = plan_.arcs[i];
        if (arc.to != from) {
          follow(points[here], arc, points + arc.to, scores + arc.to);
          visits_[2 * waiting] = arc.to;
          visits_[2 * waiting + 1] = here;
          ++waiting;
        }
      }
    }
  }

  void follow(Place from, const Arc& arc, Place* point, float* score) const noexcept {
    int32_t row = cell_of(from.y, heatmaps_.rows);
    int32_t column = cell_of(from.x, heatmaps_.columns);
    Place at = moved(from, arc.forward != 0 ? forward_ : backward_, row, column, arc.edge, plan_.num_keypoints - 1);
    for (int32_t step = 0;; ++step) {
      row = cell_of(at.y, heatmaps_.rows);
      column = cell_of(at.x, heatmaps_.columns);
      if (step == plan_.options.refine_steps) {
        break;
      }
      at = offset_from(row, column, arc.to);
    }
    *point = at;
    *score = score_at(row, column, arc.to);
  }

  // The pose, if its score reaches the threshold.
  void write(int32_t pose, PoseSink* sink) const noexcept {
    const ptrdiff_t from = static_cast<ptrdiff_t>(pose) * plan_.num_keypoints;
    const ptrdiff_t to = static_cast<ptrdiff_t>(sink->count) * plan_.num_keypoints;
    double sum = 0.0;
    for (int32_t k = 0; k < plan_.num_keypoints; ++k) {
      const Place at = points_[from + k];
      if (!plan_.options.rescore || !is_taken(at, k, pose)) {
        sum += static_cast<double>(scores_[from + k]);
      }
      detail::put_point(sink, to + k, {static_cast<float>(at.y), static_cast<float>(at.x)}, 1.0F);
      sink->scores[to + k] = scores_[from + k];
    }
    const auto score = static_cast<float>(sum / plan_.num_keypoints);
    if (score >= plan_.options.pose_threshold) {
      sink->pose_scores[sink->count++] = score;
    }
  }

  const MultiPosePlan& plan_;
  Grid<T> heatmaps_;
  Grid<T> short_offsets_;
  Grid<T> forward_;
  Grid<T> backward_;
  bool logits_;
  double stride_px_;
  double squared_radius_;
  Root* roots_;
  Place* points_;
  int32_t* visits_;
  float* scores_;
};

}  // namespace

size_t tfjs_workspace_bytes(const MultiPosePlan& plan, int32_t rows, int32_t columns) noexcept {
  const uint64_t cells = static_cast<uint64_t>(rows) * static_cast<uint64_t>(columns);
  // Half of all bytes for the roots is more than enough to leave room for the poses.
  const uint64_t most = SIZE_MAX / 2 / sizeof(Root) / static_cast<uint64_t>(plan.num_keypoints);
  return cells > most ? SIZE_MAX : Layout(plan, rows, columns).bytes;
}

Status decode_tfjs(const MultiPosePlan& plan, const Heads& heads, void* workspace, size_t bytes,
                   PoseSink* sink) noexcept {
  if (sink == nullptr || sink->xy == nullptr || sink->scores == nullptr || sink->pose_scores == nullptr) {
    return Status::kNullPointer;
  }
  Status status = detail::check_all_heads(heads, plan.num_keypoints);
  if (status != Status::kOk) {
    return status;
  }
  if (sink->capacity < plan.options.max_poses) {
    return Status::kSinkTooSmall;
  }
  const size_t wanted = tfjs_workspace_bytes(plan, heads.heatmaps.rows, heads.heatmaps.columns);
  status = wanted == SIZE_MAX ? Status::kTooLarge : detail::check_memory(workspace, bytes, wanted, alignof(uint64_t));
  if (status != Status::kOk) {
    return status;
  }
  return detail::with_type(heads.heatmaps.type, [&](auto element) {
    Decoding<decltype(element)>(plan, heads, workspace).run(sink);
    return Status::kOk;
  });
}

}  // namespace posecore
