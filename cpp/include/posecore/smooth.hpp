// Poses over time: what every filter takes and gives. kalman.hpp and one_euro.hpp are the filters.
//
// A plan is validated once, const, and shared by threads. What a filter remembers of one person is a plain block of
// the caller's memory, as many bytes as the plan says, aligned as for a 64-bit integer; all zeros is a person that was
// never seen. Nothing allocates. Whatever comes in (NaN, infinities, any bits), what comes out is finite.
#pragma once

#include <stdint.h>

namespace posecore {

// n poses of K keypoints: n frames of one person, or n people of one frame.
struct MeasuredPoses {
  const float* xy = nullptr;        // (n, K, 2), x first, in pixels
  const float* scores = nullptr;    // (n, K), over 0 to 1; null: all 1
  const uint8_t* seen = nullptr;    // (n, K), 0 where a keypoint is missing; null: all are seen
  const float* sizes_px = nullptr;  // (n), how large the person is; null: from the keypoints that are seen
};
// A keypoint whose x or y is not finite, or whose score is not over 0, is missing too.

// What became of a keypoint in one frame.
enum class KeypointKind : uint8_t {
  kAbsent,     // never seen, or missing for longer than the filter coasts; its xy is where it was last, or (0, 0)
  kMeasured,   // filtered
  kCoasted,    // missing; its xy is what the filter expects
  kGated,      // too far from what was expected, and taken for missing
  kRestarted,  // the filter began from this measurement
};

struct SmoothedPoses {
  float* xy = nullptr;       // (n, K, 2); may be the memory of the measured xy
  uint8_t* kinds = nullptr;  // (n, K) of KeypointKind; null: not asked for
};

// Events since the person was reset. They only grow.
struct FilterCounters {
  int64_t saturations;  // a number that left its range, by what the number is in kalman.hpp
  int64_t gated;        // measurements that were taken for outliers
  int64_t coasted;      // keypoints that were missing and expected
  int64_t restarts;     // begun again from a measurement, the first time not counted
};

inline constexpr int32_t kMaxSmoothedKeypoints = 1024;

// Sizes are held inside of these, in pixels. From keypoints it is the longer side of the box around those that are
// seen, at least kLeastPersonPx, through a low pass of kSizeLagS seconds.
inline constexpr float kLeastSizePx = 1.0F / 64;
inline constexpr float kMostSizePx = 32768.0F;
inline constexpr float kLeastPersonPx = 8.0F;
inline constexpr float kSizeLagS = 0.5F;

}  // namespace posecore
