// What all who compare poses ask of a body.
#pragma once

#include <math.h>
#include <stdint.h>

#include "posecore/body.hpp"

namespace posecore::detail {

// Coordinates and velocities are clamped to it, so that no square overflows.
inline constexpr float kFarPx = 16777216.0F;

[[nodiscard]] inline float within_reach(float value) noexcept {
  if (!(value > -kFarPx)) {
    return -kFarPx;
  }
  return value < kFarPx ? value : kFarPx;
}

struct Box {
  float x0 = kFarPx;
  float y0 = kFarPx;
  float x1 = -kFarPx;
  float y1 = -kFarPx;

  void add(float x, float y) noexcept {
    x0 = x < x0 ? x : x0;
    y0 = y < y0 ? y : y0;
    x1 = x > x1 ? x : x1;
    y1 = y > y1 ? y : y1;
  }
};

inline constexpr float kLeastSizePx = 10.0F;

// A person's size from the box of her keypoints: the square root of the area in OKS. The area is .53 of the box, as
// where nobody has outlined the person, and somebody seen from the side is not thin: the shorter side counts as a third
// of the longer at least. At least 1 px.
[[nodiscard]] inline float size_of(const Box& box) noexcept {
  float wide = box.x1 - box.x0;
  float high = box.y1 - box.y0;
  wide = wide > high / 3.0F ? wide : high / 3.0F;
  high = high > wide / 3.0F ? high : wide / 3.0F;
  const float size = sqrtf(0.53F * wide * high);
  return size > kLeastSizePx ? size : kLeastSizePx;
}

[[nodiscard]] inline bool in_range(const BodyModel& body) noexcept {
  if (body.num_keypoints < 1 || body.num_keypoints > kMaxKeypoints || body.num_edges < 0) {
    return false;
  }
  for (int32_t k = 0; k < body.num_keypoints; ++k) {
    if (body.sigmas != nullptr && !(body.sigmas[k] > 0.0F && body.sigmas[k] <= 1e9F)) {
      return false;
    }
    if (body.flip != nullptr &&
        (body.flip[k] < 0 || body.flip[k] >= body.num_keypoints || body.flip[body.flip[k]] != k)) {
      return false;
    }
  }
  for (int32_t e = 0; e < body.num_edges && body.edges != nullptr; ++e) {
    const Edge edge = body.edges[e];
    if (edge.parent < 0 || edge.parent >= body.num_keypoints || edge.child < 0 || edge.child >= body.num_keypoints) {
      return false;
    }
  }
  return true;
}

[[nodiscard]] inline float sigma_of(const BodyModel& body, int32_t k) noexcept {
  return body.sigmas == nullptr ? kDefaultSigma : body.sigmas[k];
}

// Takes parts from memory, one behind the other; from null it counts.
class Carver {
 public:
  explicit Carver(void* memory) noexcept : memory_(static_cast<uint8_t*>(memory)) {}

  template <class T>
  void take(T** part, size_t count) noexcept {
    if (memory_ != nullptr) {
      *part = reinterpret_cast<T*>(memory_ + taken_);
    }
    taken_ += (count * sizeof(T) + 7) / 8 * 8;
  }
  [[nodiscard]] size_t taken() const noexcept { return taken_; }

 private:
  uint8_t* memory_;
  size_t taken_ = 0;
};

}  // namespace posecore::detail
