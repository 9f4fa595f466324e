// Annotated and predicted people as columns: K keypoints a row.
#pragma once

#include <cstdint>

namespace posecore::host {

struct TruthPeople {
  int64_t count = 0;
  int32_t num_keypoints = 0;
  const double* sigmas = nullptr;       // (K,)
  const double* xy = nullptr;           // (count, K, 2) in pixels
  const uint8_t* visibility = nullptr;  // (count, K), 0: not labelled
  const double* areas_px2 = nullptr;    // (count,)
  const double* boxes = nullptr;        // (count, 4): x, y, width, height; used where no keypoint is labelled
  const uint8_t* crowd = nullptr;       // (count,)
  const uint8_t* ignored = nullptr;     // (count,) or nullptr: need not be found, on top of the rules
};

struct DetectedPeople {
  int64_t count = 0;
  int32_t num_keypoints = 0;
  const double* xy = nullptr;         // (count, K, 2) in pixels
  const double* areas_px2 = nullptr;  // (count,) or nullptr: width times height of what the K points span
  const uint8_t* ignored = nullptr;   // (count,) or nullptr: not wrong where it matches nothing, on top of the rules
};

}  // namespace posecore::host
