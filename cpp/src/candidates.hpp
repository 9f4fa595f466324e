// Local maxima of the heatmaps, best first, in bounded memory.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "grid.hpp"

namespace posecore::detail {

// A candidate is one 64-bit number: its score above its place, so that a greater number is a better
// candidate and no two are equal. Places are counted down: the first row, column, keypoint wins a tie.
using CandidateKey = uint64_t;

struct Candidate {
  int32_t row;
  int32_t column;
  int32_t keypoint;
};

// At most `capacity` candidates at a time. Where a map has more, the best come first and `scan` is called
// again for those below the last one: any number of candidates passes through a workspace of fixed size.
class CandidateQueue {
 public:
  CandidateQueue(CandidateKey* keys, int32_t capacity) noexcept : keys_(keys), capacity_(capacity) {}

  void clear() noexcept {
    count_ = 0;
    dropped_ = false;
  }

  void add(CandidateKey key) noexcept {
    if (count_ < capacity_) {
      keys_[count_++] = key;
      if (count_ == capacity_) {
        order<Least>();
      }
      return;
    }
    dropped_ = true;
    if (key > keys_[0]) {
      keys_[0] = key;
      sift<Least>(0);
    }
  }

  void finish() noexcept { order<Greatest>(); }

  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  [[nodiscard]] bool dropped() const noexcept { return dropped_; }

  [[nodiscard]] CandidateKey pop() noexcept {
    const CandidateKey best = keys_[0];
    keys_[0] = keys_[--count_];
    sift<Greatest>(0);
    return best;
  }

 private:
  struct Least {
    static bool before(CandidateKey a, CandidateKey b) noexcept { return a < b; }
  };
  struct Greatest {
    static bool before(CandidateKey a, CandidateKey b) noexcept { return a > b; }
  };

  template <class Order>
  void order() noexcept {
    for (int32_t parent = count_ / 2; parent-- > 0;) {
      sift<Order>(parent);
    }
  }

  template <class Order>
  void sift(int32_t parent) noexcept {
    for (;;) {
      int32_t child = 2 * parent + 1;
      if (child >= count_) {
        return;
      }
      if (child + 1 < count_ && Order::before(keys_[child + 1], keys_[child])) {
        ++child;
      }
      if (!Order::before(keys_[child], keys_[parent])) {
        return;
      }
      const CandidateKey moved = keys_[parent];
      keys_[parent] = keys_[child];
      keys_[child] = moved;
      parent = child;
    }
  }

  CandidateKey* keys_;
  int32_t capacity_;
  int32_t count_ = 0;
  bool dropped_ = false;
};

template <class T>
class CandidateScan {
 public:
  CandidateScan(const Grid<T>& heatmaps, int32_t channels, T threshold, int32_t radius) noexcept
      : grid_(heatmaps), channels_(channels), threshold_(threshold), radius_(radius) {}

  // Puts every local maximum at or over the threshold whose key is under `below` into the queue.
  void scan(CandidateKey below, CandidateQueue* queue) const noexcept {
    queue->clear();
    for (int32_t row = 0; row < grid_.rows; ++row) {
      if (grid_.channel_stride == 1 && grid_.column_stride == channels_) {
        run(row, 0, 0, grid_.columns * channels_, below, queue);
      } else if (grid_.column_stride == 1) {
        for (int32_t keypoint = 0; keypoint < channels_; ++keypoint) {
          run(row, 0, keypoint, grid_.columns, below, queue);
        }
      } else {
        for (int32_t column = 0; column < grid_.columns; ++column) {
          for (int32_t keypoint = 0; keypoint < channels_; ++keypoint) {
            visit(row, column, keypoint, below, queue);
          }
        }
      }
    }
    queue->finish();
  }

  [[nodiscard]] Candidate place(CandidateKey key) const noexcept {
    const uint32_t index = UINT32_MAX - static_cast<uint32_t>(key);
    const auto channels = static_cast<uint32_t>(channels_);
    const auto columns = static_cast<uint32_t>(grid_.columns);
    const uint32_t cell = index / channels;
    return {static_cast<int32_t>(cell / columns), static_cast<int32_t>(cell % columns),
            static_cast<int32_t>(index % channels)};
  }

 private:
  // Elements that lie side by side in memory: blocks without a hit are passed over as a whole.
  void run(int32_t row, int32_t column, int32_t keypoint, int32_t length, CandidateKey below,
           CandidateQueue* queue) const noexcept {
    constexpr int32_t kBlock = 64;
    const T* values = grid_.cell(row, column, keypoint);
    const bool interleaved = grid_.channel_stride == 1 && grid_.column_stride == channels_;
    for (int32_t begin = 0; begin < length; begin += kBlock) {
      const int32_t end = begin + kBlock < length ? begin + kBlock : length;
      if (end - begin == kBlock && !any_above<kBlock>(values + begin)) {
        continue;
      }
      for (int32_t i = begin; i < end; ++i) {
        if (values[i] >= threshold_) {
          visit(row, interleaved ? i / channels_ : i, interleaved ? i % channels_ : keypoint, below, queue);
        }
      }
    }
  }

  template <int32_t kBlock>
  [[nodiscard]] bool any_above(const T* values) const noexcept {
    uint32_t any = 0;
    for (int32_t i = 0; i < kBlock; ++i) {
      any |= values[i] >= threshold_ ? 1U : 0U;
    }
    return any != 0;
  }

  void visit(int32_t row, int32_t column, int32_t keypoint, CandidateKey below, CandidateQueue* queue) const noexcept {
    const T value = *grid_.cell(row, column, keypoint);
    if (!(value >= threshold_) || !is_local_maximum(row, column, keypoint, value)) {
      return;
    }
    const auto index =
        static_cast<uint32_t>((static_cast<int64_t>(row) * grid_.columns + column) * channels_ + keypoint);
    const CandidateKey key =
        (static_cast<CandidateKey>(ordered(static_cast<float>(value))) << 32U) | (UINT32_MAX - index);
    if (key < below) {
      queue->add(key);
    }
  }

  [[nodiscard]] bool is_local_maximum(int32_t row, int32_t column, int32_t keypoint, T value) const noexcept {
    const int32_t top = row > radius_ ? row - radius_ : 0;
    const int32_t left = column > radius_ ? column - radius_ : 0;
    const int32_t bottom = grid_.rows - row > radius_ ? row + radius_ : grid_.rows - 1;
    const int32_t right = grid_.columns - column > radius_ ? column + radius_ : grid_.columns - 1;
    for (int32_t y = top; y <= bottom; ++y) {
      for (int32_t x = left; x <= right; ++x) {
        if (*grid_.cell(y, x, keypoint) > value) {
          return false;
        }
      }
    }
    return true;
  }

  const Grid<T>& grid_;
  int32_t channels_;
  T threshold_;
  int32_t radius_;
};

}  // namespace posecore::detail
