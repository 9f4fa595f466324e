// Heads made from known people, so that a decoder must give the people back.
#pragma once

#include <math.h>
#include <string.h>

#include "memory.hpp"
#include "posecore/decode.hpp"

// How the elements of a tensor lie in memory. All of them hold the same numbers.
enum class Arrangement : uint8_t { kHwc, kChw, kPadded, kBackwards };
inline constexpr Arrangement kArrangements[] = {Arrangement::kHwc, Arrangement::kChw, Arrangement::kPadded,
                                                Arrangement::kBackwards};

template <class T>
struct ElementOf;
template <>
struct ElementOf<float> {
  static constexpr posecore::ElementType kType = posecore::ElementType::kFloat32;
};
template <>
struct ElementOf<uint8_t> {
  static constexpr posecore::ElementType kType = posecore::ElementType::kUint8;
};
template <>
struct ElementOf<int8_t> {
  static constexpr posecore::ElementType kType = posecore::ElementType::kInt8;
};

template <class T>
[[nodiscard]] inline T quantized(float real, float scale, int32_t zero_point) {
  if constexpr (sizeof(T) == sizeof(float)) {
    return real;
  } else {
    const int32_t low = static_cast<T>(-1) < 0 ? -128 : 0;
    const auto q = static_cast<int32_t>(floorf(real / scale + 0.5F)) + zero_point;
    return static_cast<T>(q < low ? low : (q > low + 255 ? low + 255 : q));
  }
}

// A (rows, columns, channels) tensor of type T, arranged as asked.
template <class T>
class Tensor {
 public:
  Tensor(int32_t rows, int32_t columns, int32_t channels, Arrangement arrangement, float scale, int32_t zero_point)
      : memory_(room(rows, columns, channels)) {
    view_ = {memory_.data(), ElementOf<T>::kType, rows, columns, channels, 0, 0, 0, scale, zero_point};
    switch (arrangement) {
      case Arrangement::kHwc:
        view_ = posecore::hwc_view(memory_.data(), ElementOf<T>::kType, rows, columns, channels, scale, zero_point);
        break;
      case Arrangement::kChw:
        view_ = posecore::chw_view(memory_.data(), ElementOf<T>::kType, rows, columns, channels, scale, zero_point);
        break;
      case Arrangement::kPadded:
        view_.channel_stride = 1;
        view_.column_stride = channels + 3;
        view_.row_stride = static_cast<ptrdiff_t>(channels + 3) * columns + 7;
        break;
      case Arrangement::kBackwards:
        view_.channel_stride = -1;
        view_.column_stride = -channels;
        view_.row_stride = -static_cast<ptrdiff_t>(channels) * columns;
        view_.data = memory_.data() + static_cast<ptrdiff_t>(rows) * columns * channels - 1;
        break;
    }
  }

  void set(int32_t row, int32_t column, int32_t channel, float real) {
    at(row, column, channel) = quantized<T>(real, view_.scale, view_.zero_point);
  }
  T& at(int32_t row, int32_t column, int32_t channel) {
    // The view is const for those who read; the memory is ours.
    T* data = const_cast<T*>(static_cast<const T*>(view_.data));
    return data[row * view_.row_stride + column * view_.column_stride + channel * view_.channel_stride];
  }
  void fill(float real) {
    for (int32_t row = 0; row < view_.rows; ++row) {
      for (int32_t column = 0; column < view_.columns; ++column) {
        for (int32_t channel = 0; channel < view_.channels; ++channel) {
          set(row, column, channel, real);
        }
      }
    }
  }
  [[nodiscard]] const posecore::TensorView& view() const { return view_; }

 private:
  static size_t room(int32_t rows, int32_t columns, int32_t channels) {
    return static_cast<size_t>(rows) * (static_cast<size_t>(columns) * static_cast<size_t>(channels + 3) + 7);
  }
  Memory<T> memory_;
  posecore::TensorView view_;
};

// What a person's keypoint is at: x = xy[2 k], y = xy[2 k + 1], in input pixels.
struct Person {
  float xy[2 * 17];
  float logit;
};

inline constexpr float kStride = 16.0F;

// A standing person of COCO-17 whose nose is at (x, y).
[[nodiscard]] inline Person standing(float x, float y, float logit) {
  constexpr float kShape[17][2] = {{0, 0},    {5, -5},   {-5, -5},   {12, -2},  {-12, -2}, {22, 24},
                                   {-22, 24}, {31, 50},  {-31, 50},  {33, 76},  {-33, 76}, {15, 80},
                                   {-15, 80}, {16, 115}, {-16, 115}, {17, 150}, {-17, 150}};
  Person person = {};
  for (int32_t k = 0; k < 17; ++k) {
    person.xy[2 * k] = x + kShape[k][0];
    person.xy[2 * k + 1] = y + kShape[k][1];
  }
  person.logit = logit;
  return person;
}

// COCO-17 heads: each cell speaks for the person whose keypoint is nearest.
template <class T>
class SyntheticHeads {
 public:
  SyntheticHeads(int32_t rows, int32_t columns, const Person* people, int32_t count,
                 Arrangement arrangement = Arrangement::kHwc)
      : heatmaps_(rows, columns, 17, arrangement, 0.0625F, kZero),
        short_offsets_(rows, columns, 34, arrangement, 0.25F, kZero),
        forward_(rows, columns, 32, arrangement, 1.0F, kZero),
        backward_(rows, columns, 32, arrangement, 1.0F, kZero) {
    for (int32_t row = 0; row < rows; ++row) {
      for (int32_t column = 0; column < columns; ++column) {
        set_cell(row, column, people, count);
      }
    }
  }

  [[nodiscard]] posecore::Heads heads() const {
    return {heatmaps_.view(), short_offsets_.view(), forward_.view(), backward_.view(), posecore::ScoreKind::kLogits};
  }
  Tensor<T>& heatmaps() { return heatmaps_; }
  Tensor<T>& short_offsets() { return short_offsets_; }
  Tensor<T>& forward() { return forward_; }
  Tensor<T>& backward() { return backward_; }

 private:
  static constexpr int32_t kZero = sizeof(T) == 4 || static_cast<T>(-1) < 0 ? 0 : 128;

  static const Person& nearest(const Person* people, int32_t count, int32_t k, float x, float y, float* squared) {
    int32_t best = 0;
    *squared = 1.0e30F;
    for (int32_t i = 0; i < count; ++i) {
      const float dx = people[i].xy[2 * k] - x;
      const float dy = people[i].xy[2 * k + 1] - y;
      if (dx * dx + dy * dy < *squared) {
        *squared = dx * dx + dy * dy;
        best = i;
      }
    }
    return people[best];
  }

  void set_cell(int32_t row, int32_t column, const Person* people, int32_t count) {
    const float x = static_cast<float>(column) * kStride;
    const float y = static_cast<float>(row) * kStride;
    float squared = 0;
    for (int32_t k = 0; k < 17; ++k) {
      const Person& person = nearest(people, count, k, x, y, &squared);
      const float logit = person.logit - 3.0F * squared / (kStride * kStride);
      heatmaps_.set(row, column, k, logit > -7.0F ? logit : -7.0F);
      const bool near = squared < 31.0F * 31.0F;
      short_offsets_.set(row, column, k, near ? person.xy[2 * k + 1] - y : 0.0F);
      short_offsets_.set(row, column, 17 + k, near ? person.xy[2 * k] - x : 0.0F);
    }
    for (int32_t e = 0; e < 16; ++e) {
      const posecore::Edge edge = posecore::kCoco17Edges[e];
      const Person& parent = nearest(people, count, edge.parent, x, y, &squared);
      forward_.set(row, column, e, parent.xy[2 * edge.child + 1] - y);
      forward_.set(row, column, 16 + e, parent.xy[2 * edge.child] - x);
      const Person& child = nearest(people, count, edge.child, x, y, &squared);
      backward_.set(row, column, e, child.xy[2 * edge.parent + 1] - y);
      backward_.set(row, column, 16 + e, child.xy[2 * edge.parent] - x);
    }
  }

  Tensor<T> heatmaps_;
  Tensor<T> short_offsets_;
  Tensor<T> forward_;
  Tensor<T> backward_;
};
