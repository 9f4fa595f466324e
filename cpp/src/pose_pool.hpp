// The people that are held while a picture is decoded: keypoint suppression and soft re-scoring.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "grid.hpp"

namespace posecore::detail {

// One pose: K points in cells and K scores.
struct PoseSlot {
  Point* points;
  float* scores;
};

// At most `capacity` people that survive each other. They are ranked by the mean of their keypoint scores
// (first found of equals first). A keypoint within the suppression radius of the same keypoint of a higher
// ranked person is occluded; a person whose other keypoints sum to less than the threshold is dropped. Without
// re-scoring nothing is occluded.
class PosePool {
 public:
  struct Storage {
    Point* points;      // capacity x K
    float* scores;      // capacity x K
    uint8_t* occluded;  // capacity x K
    float* means;       // capacity
    float* rescored;    // capacity
    int32_t* rank;      // capacity: slots, best first; free slots behind
  };

  PosePool(const Storage& storage, int32_t capacity, int32_t num_keypoints, float radius_cells, bool rescores,
           float threshold) noexcept
      : storage_(storage),
        capacity_(capacity),
        num_keypoints_(num_keypoints),
        radius_squared_(radius_cells * radius_cells),
        // No square is negative: nobody is near, at the same place either.
        occluding_squared_(rescores ? radius_squared_ : -1.0F),
        threshold_(threshold) {
    for (int32_t i = 0; i < capacity; ++i) {
      storage_.rank[i] = i;
    }
  }

  [[nodiscard]] bool full() const noexcept { return count_ == capacity_; }
  [[nodiscard]] int32_t count() const noexcept { return count_; }
  // Only where the pool is not full.
  [[nodiscard]] PoseSlot free_slot() const noexcept { return slot(storage_.rank[count_]); }
  [[nodiscard]] PoseSlot slot(int32_t index) const noexcept {
    const ptrdiff_t at = static_cast<ptrdiff_t>(index) * num_keypoints_;
    return {storage_.points + at, storage_.scores + at};
  }
  [[nodiscard]] int32_t ranked(int32_t rank) const noexcept { return storage_.rank[rank]; }
  [[nodiscard]] float rescored(int32_t index) const noexcept { return storage_.rescored[index]; }

  // True where some person already has this keypoint within the radius of `at`.
  [[nodiscard]] bool holds(Point at, int32_t keypoint) const noexcept {
    for (int32_t rank = 0; rank < count_; ++rank) {
      if (squared_distance(slot(storage_.rank[rank]).points[keypoint], at) <= radius_squared_) {
        return true;
      }
    }
    return false;
  }

  // Takes in the pose that was written to the free slot, if it survives those above it, and drops those
  // below that do not survive it.
  void take_free_slot() noexcept {
    const int32_t added = storage_.rank[count_];
    const float mean = mean_of(added);
    if (!(mean >= threshold_)) {
      return;
    }
    int32_t rank = count_;
    while (rank > 0 && storage_.means[storage_.rank[rank - 1]] < mean) {
      --rank;
    }
    storage_.means[added] = mean;
    if (!survives(added, rank)) {
      return;
    }
    for (int32_t i = count_; i > rank; --i) {
      storage_.rank[i] = storage_.rank[i - 1];
    }
    storage_.rank[rank] = added;
    ++count_;
    bool dropped = false;
    for (int32_t lower = rank + 1; lower < count_;) {
      const int32_t index = storage_.rank[lower];
      bool stays = true;
      if (dropped) {
        stays = survives(index, lower);
      } else {
        occlude(index, added);
        stays = rescore(index);
      }
      if (stays) {
        ++lower;
        continue;
      }
      dropped = true;
      for (int32_t i = lower; i + 1 < count_; ++i) {
        storage_.rank[i] = storage_.rank[i + 1];
      }
      storage_.rank[--count_] = index;
    }
  }

  // Ranks by the re-scored pose score; equals keep their order.
  void sort_by_rescored() noexcept {
    for (int32_t i = 1; i < count_; ++i) {
      const int32_t moved = storage_.rank[i];
      int32_t j = i;
      for (; j > 0 && storage_.rescored[storage_.rank[j - 1]] < storage_.rescored[moved]; --j) {
        storage_.rank[j] = storage_.rank[j - 1];
      }
      storage_.rank[j] = moved;
    }
  }

 private:
  [[nodiscard]] static float squared_distance(Point a, Point b) noexcept {
    const float dy = a.y - b.y;
    const float dx = a.x - b.x;
    return dy * dy + dx * dx;
  }

  [[nodiscard]] uint8_t* occluded(int32_t index) const noexcept {
    return storage_.occluded + static_cast<ptrdiff_t>(index) * num_keypoints_;
  }

  [[nodiscard]] float mean_of(int32_t index) const noexcept {
    const float* scores = slot(index).scores;
    float sum = 0.0F;
    for (int32_t k = 0; k < num_keypoints_; ++k) {
      sum += scores[k];
    }
    return sum / static_cast<float>(num_keypoints_);
  }

  void occlude(int32_t index, int32_t by) const noexcept {
    const Point* mine = slot(index).points;
    const Point* others = slot(by).points;
    uint8_t* mask = occluded(index);
    for (int32_t k = 0; k < num_keypoints_; ++k) {
      mask[k] = mask[k] != 0 || squared_distance(mine[k], others[k]) <= occluding_squared_ ? 1 : 0;
    }
  }

  [[nodiscard]] bool rescore(int32_t index) const noexcept {
    const float* scores = slot(index).scores;
    const uint8_t* mask = occluded(index);
    float sum = 0.0F;
    for (int32_t k = 0; k < num_keypoints_; ++k) {
      sum += mask[k] != 0 ? 0.0F : scores[k];
    }
    storage_.rescored[index] = sum / static_cast<float>(num_keypoints_);
    return storage_.rescored[index] >= threshold_;
  }

  // Anew against everybody of a higher rank.
  [[nodiscard]] bool survives(int32_t index, int32_t rank) const noexcept {
    memset(occluded(index), 0, static_cast<size_t>(num_keypoints_));
    for (int32_t higher = 0; higher < rank; ++higher) {
      occlude(index, storage_.rank[higher]);
    }
    return rescore(index);
  }

  Storage storage_;
  int32_t capacity_;
  int32_t num_keypoints_;
  float radius_squared_;
  float occluding_squared_;
  float threshold_;
  int32_t count_ = 0;
};

}  // namespace posecore::detail
