// Detected and annotated people that look random, as columns for OKS.
#pragma once

#include "memory.hpp"
#include "posecore/oks.hpp"

template <class T>
class Crowd {
 public:
  // Every fifth truth has no labelled keypoint. Keypoints have `channels` numbers: x, y, and what is not read.
  Crowd(int32_t detections, int32_t truths, int32_t keypoints, uint32_t seed, int32_t channels = 2)
      : num_keypoints(keypoints),
        sigmas(static_cast<size_t>(keypoints)),
        detected_xy(static_cast<size_t>(detections) * static_cast<size_t>(keypoints * channels)),
        truth_xy(static_cast<size_t>(truths) * static_cast<size_t>(keypoints * channels)),
        visibility(static_cast<size_t>(truths) * static_cast<size_t>(keypoints)),
        areas(static_cast<size_t>(truths)),
        boxes(static_cast<size_t>(truths) * 4),
        oks(static_cast<size_t>(detections) * static_cast<size_t>(truths)) {
    Numbers numbers(seed);
    fill(sigmas, numbers, 0.02F, 0.12F);
    fill(detected_xy, numbers, -20.0F, 120.0F);
    fill(truth_xy, numbers, 0.0F, 100.0F);
    fill(areas, numbers, 500.0F, 9000.0F);
    fill(boxes, numbers, 5.0F, 30.0F);
    for (int32_t i = 0; i < truths * keypoints; ++i) {
      visibility[i] = i / keypoints % 5 == 4 ? uint8_t{0} : static_cast<uint8_t>(numbers.below(4) != 0 ? 2 : 0);
    }
    detected.keypoints = {detected_xy.data(), static_cast<ptrdiff_t>(keypoints) * channels, channels, 1};
    detected.count = detections;
    annotated.keypoints = {truth_xy.data(), static_cast<ptrdiff_t>(keypoints) * channels, channels, 1};
    annotated.visibility = visibility.data();
    annotated.visibility_stride = keypoints;
    annotated.areas_px2 = areas.data();
    annotated.boxes = boxes.data();
    annotated.count = truths;
  }

  [[nodiscard]] posecore::Status run() const {
    return posecore::oks(sigmas.data(), num_keypoints, detected, annotated, oks.data(), annotated.count);
  }
  [[nodiscard]] posecore::Status run_pairs() const {
    return posecore::oks_of_pairs(sigmas.data(), num_keypoints, detected, annotated, oks.data());
  }

  int32_t num_keypoints;
  Memory<double> sigmas;
  Memory<T> detected_xy;
  Memory<T> truth_xy;
  Memory<uint8_t> visibility;
  Memory<T> areas;
  Memory<T> boxes;
  Memory<T> oks;
  posecore::OksDetections<T> detected;
  posecore::OksTruths<T> annotated;

 private:
  template <class N>
  static void fill(const Memory<N>& memory, Numbers& numbers, float low, float high) {
    for (size_t i = 0; i < memory.count(); ++i) {
      memory.data()[i] = static_cast<N>(numbers.between(low, high));
    }
  }
};
