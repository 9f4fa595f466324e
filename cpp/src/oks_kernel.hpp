// The two kernels of OKS, on lanes: many detections at once, and one detection, many keypoints at once. What each does
// to one keypoint, and the order in which a person's keypoints are summed, is the same.
#pragma once

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#include "exponential.hpp"
#include "posecore/oks.hpp"

namespace posecore::detail {

inline constexpr int32_t kLeaf = 128;            // terms that are summed without halving, as NumPy does
inline constexpr int32_t kBlockKeypoints = 256;  // a block of detections with more would take too much of the stack

template <class T>
struct OksProblem {
  const double* sigmas;
  int32_t num_keypoints;
  const OksDetections<T>* detections;
  const OksTruths<T>* truths;
  T* oks;
  ptrdiff_t row_stride;
};

[[nodiscard]] inline int64_t row_at(const int64_t* rows, int64_t place) noexcept {
  return rows == nullptr ? place : rows[place];
}

template <class T>
POSECORE_INLINE T variance_of(double sigma) noexcept {
  return static_cast<T>((sigma * 2) * (sigma * 2));
}

// One truth, looked at once for a block of detections.
template <class T>
struct OksTruth {
  const T* xy;
  const uint8_t* visibility;
  int32_t terms;  // labelled keypoints; all of them where the box stands for them
  bool by_box;
  T area;  // with eps; NaN where it makes no sense, which gives 0
  T left, right, top, bottom;
};

template <class T>
POSECORE_INLINE bool is_finite(T value) noexcept {
  return value - value == 0;
}

// False where the truth needs a box and there are none.
template <class T>
POSECORE_INLINE bool look_at(const OksProblem<T>& problem, int64_t place, OksTruth<T>* truth) noexcept {
  constexpr T kEps = static_cast<T>(2.220446049250313e-16);  // what pycocotools adds: the spacing of doubles at 1
  const OksTruths<T>& truths = *problem.truths;
  const int64_t row = row_at(truths.rows, place);
  truth->xy = truths.keypoints.xy + row * truths.keypoints.row_stride;
  truth->visibility = truths.visibility + row * truths.visibility_stride;
  const T area = truths.areas_px2[row];
  truth->area = area >= 0 && is_finite(area) ? area + kEps : static_cast<T>(NAN);
  int32_t labelled = 0;
  for (int32_t k = 0; k < problem.num_keypoints; ++k) {
    labelled += truth->visibility[k] != 0 ? 1 : 0;
  }
  truth->by_box = labelled == 0;
  truth->terms = labelled;
  truth->left = truth->right = truth->top = truth->bottom = 0;
  if (labelled > 0) {
    return true;
  }
  if (truths.boxes == nullptr) {
    return false;
  }
  const T* box = truths.boxes + row * 4;
  truth->terms = problem.num_keypoints;
  truth->left = box[0] - box[2];
  truth->right = box[0] + box[2] * 2;
  truth->top = box[1] - box[3];
  truth->bottom = box[1] + box[3] * 2;
  if (!is_finite(truth->left) || !is_finite(truth->right) || !is_finite(truth->top) || !is_finite(truth->bottom)) {
    truth->area = static_cast<T>(NAN);
  }
  return true;
}

// The next `count` terms of the truth from keypoint *k on.
template <class T>
POSECORE_INLINE void list_terms(const OksTruth<T>& truth, int32_t* k, int32_t count, int32_t* terms) noexcept {
  for (int32_t found = 0; found < count; ++*k) {
    terms[found] = *k;
    found += truth.by_box || truth.visibility[*k] != 0 ? 1 : 0;
  }
}

// -(dx^2 + dy^2) / variance / area / 2, whose exponential is the similarity of one keypoint.
template <class L>
POSECORE_INLINE typename L::Real exponent_of(const typename L::Real& dx, const typename L::Real& dy,
                                             const typename L::Real& variance, const typename L::Real& area) noexcept {
  return (dx * dx + dy * dy) / variance / area * static_cast<typename L::Number>(-0.5);
}

// How far `at` is outside of [low, high].
template <class L>
POSECORE_INLINE typename L::Real outside(const typename L::Real& at, typename L::Number low,
                                         typename L::Number high) noexcept {
  const typename L::Real none = L::all(0);
  const typename L::Real below = L::all(low) - at;
  const typename L::Real above = at - L::all(high);
  // The other way round NaN would be 0.
  return (below <= none ? none : below) + (above <= none ? none : above);
}

// NumPy's pairwise sum of up to 128 terms; `Real` is one number, or lanes that are summed each alone.
template <class Real>
POSECORE_INLINE Real leaf_sum(const Real* terms, int32_t count) noexcept {
  Real sum = terms[0];
  int32_t i = 1;
  if (count >= 8) {
    Real s[8] = {terms[0], terms[1], terms[2], terms[3], terms[4], terms[5], terms[6], terms[7]};
    for (i = 8; i + 8 <= count; i += 8) {
      for (int32_t j = 0; j < 8; ++j) {
        s[j] = s[j] + terms[i + j];
      }
    }
    sum = ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]));
  }
  for (; i < count; ++i) {
    sum = sum + terms[i];
  }
  return sum;
}

[[nodiscard]] POSECORE_INLINE int32_t first_half(int32_t count) noexcept { return count / 2 - count / 2 % 8; }

// The same of up to 256 terms: halves of at most 135, of which the second may be halved again.
template <int32_t Halvings, class Real>
POSECORE_INLINE Real pairwise_sum(const Real* terms, int32_t count) noexcept {
  if constexpr (Halvings > 0) {
    if (count > kLeaf) {
      const int32_t half = first_half(count);
      const Real first = pairwise_sum<Halvings - 1>(terms, half);
      return first + pairwise_sum<Halvings - 1>(terms + half, count - half);
    }
  }
  return leaf_sum(terms, count);
}

// OKS of `people` detections, at most as many as there are lanes, from place `first` on, with all truths. At most
// kBlockKeypoints keypoints. The detections lie side by side, keypoint by keypoint, while the truths go by.
template <class L>
POSECORE_INLINE bool oks_of_block(const OksProblem<typename L::Number>& problem, int64_t first,
                                  int32_t people) noexcept {
  using T = typename L::Number;
  using Real = typename L::Real;
  alignas(64) T x[kBlockKeypoints * L::kCount];
  alignas(64) T y[kBlockKeypoints * L::kCount];
  Real terms[kBlockKeypoints];
  T variances[kBlockKeypoints];
  int32_t listed[kBlockKeypoints + 1];
  const KeypointView<T>& view = problem.detections->keypoints;
  for (int32_t lane = 0; lane < L::kCount; ++lane) {
    // Lanes that are left over repeat the last person.
    const int64_t place = first + (lane < people ? lane : people - 1);
    const T* from = view.xy + row_at(problem.detections->rows, place) * view.row_stride;
    for (int32_t k = 0; k < problem.num_keypoints; ++k) {
      x[k * L::kCount + lane] = from[k * view.keypoint_stride];
      y[k * L::kCount + lane] = from[k * view.keypoint_stride + view.axis_stride];
    }
  }
  for (int32_t k = 0; k < problem.num_keypoints; ++k) {
    variances[k] = variance_of<T>(problem.sigmas[k]);
  }
  const KeypointView<T>& truth_view = problem.truths->keypoints;
  for (int64_t t = 0; t < problem.truths->count; ++t) {
    OksTruth<T> truth;
    if (!look_at(problem, t, &truth)) {
      return false;
    }
    const Real area = L::all(truth.area);
    if (truth.by_box) {
      for (int32_t k = 0; k < truth.terms; ++k) {
        terms[k] =
            exponent_of<L>(outside<L>(load<L>(x + k * L::kCount), truth.left, truth.right),
                           outside<L>(load<L>(y + k * L::kCount), truth.top, truth.bottom), L::all(variances[k]), area);
      }
    } else {
      int32_t k = 0;
      list_terms(truth, &k, truth.terms, listed);
      for (int32_t i = 0; i < truth.terms; ++i) {
        k = listed[i];
        const T* at = truth.xy + k * truth_view.keypoint_stride;
        terms[i] =
            exponent_of<L>(load<L>(x + k * L::kCount) - L::all(at[0]),
                           load<L>(y + k * L::kCount) - L::all(at[truth_view.axis_stride]), L::all(variances[k]), area);
      }
    }
    exponentials_of<L>(terms, truth.terms);
    const Real mean = pairwise_sum<2>(terms, truth.terms) / L::all(static_cast<T>(truth.terms));
    T means[L::kCount];
    store<L>(mean, means);
    for (int32_t lane = 0; lane < people; ++lane) {
      problem.oks[(first + lane) * problem.row_stride + t] = means[lane];
    }
  }
  return true;
}

// The sum over up to 128 listed terms for one detection, whose keypoints begin at `xy`.
template <class L>
POSECORE_INLINE typename L::Number sum_of_leaf(const OksProblem<typename L::Number>& problem,
                                               const typename L::Number* xy, const OksTruth<typename L::Number>& truth,
                                               const int32_t* listed, int32_t count) noexcept {
  using T = typename L::Number;
  const KeypointView<T>& view = problem.detections->keypoints;
  const KeypointView<T>& truth_view = problem.truths->keypoints;
  alignas(64) T dx[kLeaf];
  alignas(64) T dy[kLeaf];
  alignas(64) T variances[kLeaf];
  typename L::Real terms[kLeaf / L::kCount];
  alignas(64) T sums[kLeaf];
  for (int32_t i = 0; i < count; ++i) {
    const T* at = xy + listed[i] * view.keypoint_stride;
    if (truth.by_box) {
      dx[i] = outside<Lanes<T, 1>>(at[0], truth.left, truth.right);
      dy[i] = outside<Lanes<T, 1>>(at[view.axis_stride], truth.top, truth.bottom);
    } else {
      const T* wanted = truth.xy + listed[i] * truth_view.keypoint_stride;
      dx[i] = at[0] - wanted[0];
      dy[i] = at[view.axis_stride] - wanted[truth_view.axis_stride];
    }
    variances[i] = variance_of<T>(problem.sigmas[listed[i]]);
  }
  for (int32_t i = count; i % L::kCount != 0; ++i) {
    dx[i] = dy[i] = 0;
    variances[i] = 1;
  }
  const int32_t groups = (count + L::kCount - 1) / L::kCount;
  for (int32_t i = 0; i < groups; ++i) {
    const int32_t at = i * L::kCount;
    terms[i] = exponent_of<L>(load<L>(dx + at), load<L>(dy + at), load<L>(variances + at), L::all(truth.area));
  }
  exponentials_of<L>(terms, groups);
  memcpy(sums, terms, static_cast<size_t>(count) * sizeof(T));
  return leaf_sum(sums, count);
}

// The kernels as compiled for one set of instructions.
template <class T>
struct OksKernels {
  int32_t lanes;
  bool (*block)(const OksProblem<T>& problem, int64_t first, int32_t people) noexcept;
  T (*leaf)(const OksProblem<T>& problem, const T* xy, const OksTruth<T>& truth, const int32_t* listed,
            int32_t count) noexcept;
};

// With the instructions that every machine of this kind has; one lane is the plain language.
template <class L>
[[nodiscard]] constexpr OksKernels<typename L::Number> plain_kernels() noexcept {
  using T = typename L::Number;
  return {L::kCount,
          [](const OksProblem<T>& problem, int64_t first, int32_t people) noexcept {
            return oks_of_block<L>(problem, first, people);
          },
          [](const OksProblem<T>& problem, const T* xy, const OksTruth<T>& truth, const int32_t* listed,
             int32_t count) noexcept { return sum_of_leaf<L>(problem, xy, truth, listed, count); }};
}

// The sum over `count` terms from keypoint *k on, for one detection.
template <class T>
[[nodiscard]] T sum_of_one(const OksKernels<T>& kernels, const OksProblem<T>& problem, const T* xy,
                           const OksTruth<T>& truth, int32_t* k, int32_t count) noexcept {
  if (count > kLeaf) {
    const int32_t half = first_half(count);
    const T first = sum_of_one(kernels, problem, xy, truth, k, half);
    return first + sum_of_one(kernels, problem, xy, truth, k, count - half);
  }
  int32_t listed[kLeaf + 1];
  list_terms(truth, k, count, listed);
  return kernels.leaf(problem, xy, truth, listed, count);
}

// OKS of one detection and one truth, by their places.
template <class T>
[[nodiscard]] bool oks_of_one(const OksKernels<T>& kernels, const OksProblem<T>& problem, int64_t detection,
                              int64_t place, T* oks) noexcept {
  OksTruth<T> truth;
  if (!look_at(problem, place, &truth)) {
    return false;
  }
  const KeypointView<T>& view = problem.detections->keypoints;
  const T* xy = view.xy + row_at(problem.detections->rows, detection) * view.row_stride;
  int32_t k = 0;
  *oks = sum_of_one(kernels, problem, xy, truth, &k, truth.terms) / static_cast<T>(truth.terms);
  return true;
}

// All detections with all truths; false where a truth needs a box and there are none.
template <class T>
[[nodiscard]] bool oks_of_all(const OksKernels<T>& kernels, const OksProblem<T>& problem) noexcept {
  const int64_t count = problem.detections->count;
  int64_t first = 0;
  while (first < count) {
    const int64_t left = count - first;
    // Lanes that stand idle cost as much as those that work: where few would work, one person at a time is faster.
    if (problem.num_keypoints > kBlockKeypoints || left * 3 <= kernels.lanes) {
      for (int64_t t = 0; t < problem.truths->count; ++t) {
        if (!oks_of_one(kernels, problem, first, t, problem.oks + first * problem.row_stride + t)) {
          return false;
        }
      }
      ++first;
      continue;
    }
    const int32_t people = left < kernels.lanes ? static_cast<int32_t>(left) : kernels.lanes;
    if (!kernels.block(problem, first, people)) {
      return false;
    }
    first += people;
  }
  return true;
}

}  // namespace posecore::detail
