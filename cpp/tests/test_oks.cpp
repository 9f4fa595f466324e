// OKS: the order of its operations, every set of instructions, every arrangement of memory, every Status.
#include "posecore/oks.hpp"

#include <string.h>

#include "check.hpp"
#include "crowd.hpp"
#include "oks_paths.hpp"

using posecore::Status;
using posecore::detail::OksKernels;
using posecore::detail::OksProblem;

namespace {

// The pairwise sum as NumPy does it, written down again.
template <class T>
T numpy_sum(const T* terms, int32_t count) {
  if (count < 8) {
    T sum = 0;
    for (int32_t i = 0; i < count; ++i) {
      sum += terms[i];
    }
    return sum;
  }
  if (count > 128) {
    const int32_t half = count / 2 / 8 * 8;
    return numpy_sum(terms, half) + numpy_sum(terms + half, count - half);
  }
  T s[8] = {};
  const int32_t whole = count / 8 * 8;
  for (int32_t i = 0; i < whole; ++i) {
    s[i % 8] = i < 8 ? terms[i] : s[i % 8] + terms[i];
  }
  T sum = ((s[0] + s[1]) + (s[2] + s[3])) + ((s[4] + s[5]) + (s[6] + s[7]));
  for (int32_t i = whole; i < count; ++i) {
    sum += terms[i];
  }
  return sum;
}

// OKS of one pair in the plain language; only exp is the kernel's.
template <class T>
T plain_oks(const Crowd<T>& crowd, int32_t d, int32_t t) {
  const int32_t keypoints = crowd.num_keypoints;
  const T* detected = crowd.detected.keypoints.xy + d * crowd.detected.keypoints.row_stride;
  const T* truth = crowd.annotated.keypoints.xy + t * crowd.annotated.keypoints.row_stride;
  const uint8_t* visible = crowd.visibility.data() + static_cast<ptrdiff_t>(t) * keypoints;
  const T* box = crowd.boxes.data() + static_cast<ptrdiff_t>(t) * 4;
  bool labelled = false;
  for (int32_t k = 0; k < keypoints; ++k) {
    labelled = labelled || visible[k] != 0;
  }
  const Memory<T> terms(static_cast<size_t>(keypoints));
  int32_t count = 0;
  for (int32_t k = 0; k < keypoints; ++k) {
    if (labelled && visible[k] == 0) {
      continue;
    }
    const T* at = detected + k * crowd.detected.keypoints.keypoint_stride;
    T d_xy[2];
    for (int32_t axis = 0; axis < 2; ++axis) {
      const T low = box[axis] - box[2 + axis];
      const T high = box[axis] + 2 * box[2 + axis];
      const T outside = (at[axis] < low ? low - at[axis] : 0) + (at[axis] > high ? at[axis] - high : 0);
      d_xy[axis] = labelled ? at[axis] - truth[k * crowd.annotated.keypoints.keypoint_stride + axis] : outside;
    }
    const auto variance = static_cast<T>((crowd.sigmas[k] * 2) * (crowd.sigmas[k] * 2));
    const T area = crowd.areas[t] + static_cast<T>(2.220446049250313e-16);
    T term = -((d_xy[0] * d_xy[0] + d_xy[1] * d_xy[1]) / variance / area / 2);
    posecore::detail::exponentials_of<posecore::detail::Lanes<T, 1>>(&term, 1);
    terms[count++] = term;
  }
  return numpy_sum(terms.data(), count) / static_cast<T>(count);
}

template <class T>
bool is_plain(const Crowd<T>& crowd) {
  bool same = true;
  for (int32_t d = 0; d < crowd.detected.count; ++d) {
    for (int32_t t = 0; t < crowd.annotated.count; ++t) {
      same = same && plain_oks(crowd, d, t) == crowd.oks.data()[d * crowd.annotated.count + t];
    }
  }
  return same;
}

template <class T>
void check_kernels(const OksKernels<T>& kernels) {
  constexpr int32_t kKeypoints[] = {1, 5, 7, 8, 14, 17, 133, 200, 256, 257, 300};
  for (const int32_t keypoints : kKeypoints) {
    for (int32_t detections = 0; detections <= 9; ++detections) {
      const Crowd<T> crowd(detections, 6, keypoints, static_cast<uint32_t>(keypoints * 10 + detections));
      const OksProblem<T> problem = {crowd.sigmas.data(), keypoints,        &crowd.detected,
                                     &crowd.annotated,    crowd.oks.data(), 6};
      CHECK(posecore::detail::oks_of_all(kernels, problem));
      CHECK(is_plain(crowd));
    }
  }
}

template <class T>
void check_all_kernels() {
  static constexpr OksKernels<T> kScalar = posecore::detail::plain_kernels<posecore::detail::Lanes<T, 1>>();
  check_kernels(kScalar);
  check_kernels(posecore::detail::kPlainOks<T>);
#if defined(POSECORE_HAS_AVX2)
  if (posecore::detail::has_avx2()) {
    check_kernels(posecore::detail::kAvx2Oks<T>);
  }
#endif
}

}  // namespace

TEST(every_kernel_gives_the_bits_of_the_plain_language) {
  check_all_kernels<double>();
  check_all_kernels<float>();
}

// An area of 1e4 and a sigma of .026: distances at which a keypoint counts .5 and .85.
TEST(one_keypoint_counts_half_where_the_formula_says) {
  const Crowd<double> crowd(1, 1, 1, 1);
  crowd.sigmas[0] = 0.026;
  crowd.areas[0] = 1e4;
  crowd.visibility[0] = 1;
  crowd.truth_xy[0] = crowd.truth_xy[1] = crowd.detected_xy[1] = 0;
  constexpr double kExamples[][2] = {{6.1225321170804685, 0.49999999999999994}, {2.9646287638150697, 0.85}, {0, 1}};
  for (const auto& [distance, wanted] : kExamples) {
    crowd.detected_xy[0] = distance;
    CHECK(crowd.run() == Status::kOk);
    CHECK_NEAR(crowd.oks[0], wanted, 1.2e-16);
  }
}

TEST(a_box_counts_as_itself_thrice_as_wide_and_high) {
  const Crowd<double> crowd(4, 1, 1, 1);
  crowd.visibility[0] = 0;
  const double box[] = {10, 100, 4, 50};
  const double at[][2] = {{6, 50}, {18, 200}, {3, 125}, {12, 204}};
  memcpy(crowd.boxes.data(), box, sizeof box);
  memcpy(crowd.detected_xy.data(), at, sizeof at);
  crowd.sigmas[0] = 0.5;
  crowd.areas[0] = 8;
  CHECK(crowd.run() == Status::kOk);
  CHECK(crowd.oks[0] == 1 && crowd.oks[1] == 1);
  CHECK_NEAR(crowd.oks[2], exp(-9.0 / 16), 1e-15);
  CHECK_NEAR(crowd.oks[3], exp(-16.0 / 16), 1e-15);
}

TEST(rows_may_come_in_any_order_and_more_than_once) {
  const Crowd<double> all(6, 7, 17, 3);
  CHECK(all.run() == Status::kOk);
  const int64_t detection_rows[] = {5, 0, 0, 3, 2};
  const int64_t truth_rows[] = {6, 4, 1, 1};
  Crowd<double> some(6, 7, 17, 3);
  some.detected.rows = detection_rows;
  some.detected.count = 5;
  some.annotated.rows = truth_rows;
  some.annotated.count = 4;
  CHECK(some.run() == Status::kOk);
  for (int32_t d = 0; d < 5; ++d) {
    for (int32_t t = 0; t < 4; ++t) {
      CHECK(some.oks[d * 4 + t] == all.oks.data()[detection_rows[d] * 7 + truth_rows[t]]);
    }
  }
}

TEST(pairs_are_what_they_are_in_the_matrix) {
  Crowd<float> crowd(6, 7, 200, 3);
  CHECK(crowd.run() == Status::kOk);
  const Memory<float> matrix(42);
  memcpy(matrix.data(), crowd.oks.data(), matrix.bytes());
  const int64_t detection_rows[] = {5, 0, 0, 3, 2};
  const int64_t truth_rows[] = {6, 4, 1, 1, 0};
  crowd.detected.rows = detection_rows;
  crowd.annotated.rows = truth_rows;
  crowd.detected.count = crowd.annotated.count = 5;
  CHECK(crowd.run_pairs() == Status::kOk);
  for (int32_t pair = 0; pair < 5; ++pair) {
    CHECK(crowd.oks[pair] == matrix.data()[detection_rows[pair] * 7 + truth_rows[pair]]);
  }
}

TEST(strides_are_those_of_the_caller) {
  const Crowd<double> wide(5, 5, 14, 8, 3);
  CHECK(wide.run() == Status::kOk && is_plain(wide));
  // x and y in planes of their own, and the matrix in every second column of every third row.
  const Crowd<double> dense(5, 5, 14, 8, 2);
  CHECK(dense.run() == Status::kOk);
  Crowd<double> planes(5, 5, 14, 8, 2);
  for (int32_t i = 0; i < 5 * 14; ++i) {
    planes.detected_xy[i] = dense.detected_xy[2 * static_cast<ptrdiff_t>(i)];
    planes.detected_xy[70 + i] = dense.detected_xy[2 * static_cast<ptrdiff_t>(i) + 1];
  }
  planes.detected.keypoints = {planes.detected_xy.data(), 14, 1, 70};
  const Memory<double> apart(5 * 15);
  CHECK(posecore::oks(planes.sigmas.data(), 14, planes.detected, planes.annotated, apart.data(), 15) == Status::kOk);
  for (int32_t d = 0; d < 5; ++d) {
    for (int32_t t = 0; t < 5; ++t) {
      CHECK(apart[d * 15 + t] == dense.oks[d * 5 + t]);
    }
    CHECK(apart[d * 15 + 5] == 0 && apart[d * 15 + 14] == 0);
  }
}

TEST(what_makes_no_sense_is_never_alike) {
  constexpr double kWrong[] = {HUGE_VAL, -HUGE_VAL, static_cast<double>(NAN), 1e308, -1e308};
  for (const double wrong : kWrong) {
    for (int32_t detections = 1; detections <= 4; ++detections) {
      const Crowd<double> crowd(detections, 5, 1, 2);
      memset(crowd.visibility.data(), 1, 4);
      crowd.areas[0] = wrong > 0 ? HUGE_VAL : wrong;  // 1e308 px² are many, but an area
      crowd.truth_xy[2] = wrong;
      crowd.truth_xy[5] = wrong;
      crowd.boxes[4 * 4 + 2] = wrong;  // too wide for numbers, or inside out
      for (int32_t d = 0; d < detections; ++d) {
        crowd.detected_xy[2 * static_cast<ptrdiff_t>(d)] = 500;
      }
      crowd.detected_xy[0] = wrong;
      CHECK(crowd.run() == Status::kOk);
      for (int32_t d = 0; d < detections; ++d) {
        for (int32_t t = 0; t < 3; ++t) {
          CHECK(crowd.oks[d * 5 + t] == 0 || (d == 0 && t == 1));
        }
        CHECK(crowd.oks[d * 5 + 4] == 0);
      }
    }
  }
}

TEST(nobody_is_no_work) {
  CHECK((Crowd<double>(0, 3, 17, 1).run() == Status::kOk));
  CHECK((Crowd<double>(3, 0, 17, 1).run() == Status::kOk));
  const posecore::OksDetections<float> nobody;
  const posecore::OksTruths<float> none;
  const double sigma = 0.1;
  float* const nowhere = nullptr;
  CHECK(posecore::oks(&sigma, 1, nobody, none, nowhere, 0) == Status::kOk);
  CHECK(posecore::oks_of_pairs(&sigma, 1, nobody, none, nowhere) == Status::kOk);
}

TEST(each_thing_that_is_missing_is_refused) {
  const auto with = [](auto change) {
    Crowd<double> crowd(3, 5, 17, 1);
    change(crowd);
    const Status pairs = crowd.run_pairs();
    const Status matrix = crowd.run();
    CHECK(pairs == matrix || (pairs == Status::kBadOptions && crowd.detected.count != crowd.annotated.count));
    return matrix;
  };
  CHECK(with([](auto&) {}) == Status::kOk);
  CHECK(with([](auto& crowd) { crowd.num_keypoints = 0; }) == Status::kBadSkeleton);
  CHECK(with([](auto& crowd) { crowd.detected.count = -1; }) == Status::kBadOptions);
  CHECK(with([](auto& crowd) { crowd.annotated.count = -1; }) == Status::kBadOptions);
  CHECK(with([](auto& crowd) { crowd.sigmas[16] = 0; }) == Status::kBadOptions);
  CHECK(with([](auto& crowd) { crowd.sigmas[0] = -0.1; }) == Status::kBadOptions);
  CHECK(with([](auto& crowd) { crowd.sigmas[0] = static_cast<double>(NAN); }) == Status::kBadOptions);
  CHECK(with([](auto& crowd) { crowd.sigmas[0] = HUGE_VAL; }) == Status::kBadOptions);
  CHECK(with([](auto& crowd) { crowd.detected.keypoints.xy = nullptr; }) == Status::kNullPointer);
  CHECK(with([](auto& crowd) { crowd.annotated.keypoints.xy = nullptr; }) == Status::kNullPointer);
  CHECK(with([](auto& crowd) { crowd.annotated.visibility = nullptr; }) == Status::kNullPointer);
  CHECK(with([](auto& crowd) { crowd.annotated.areas_px2 = nullptr; }) == Status::kNullPointer);
  CHECK(with([](auto& crowd) { crowd.annotated.boxes = nullptr; }) == Status::kNullPointer);
  Crowd<double> crowd(3, 4, 17, 1);  // whose truths have labelled keypoints
  crowd.annotated.boxes = nullptr;
  CHECK(crowd.run() == Status::kOk);
  CHECK(crowd.run_pairs() == Status::kBadOptions);
  double* const nowhere = nullptr;
  CHECK(posecore::oks(crowd.sigmas.data(), 17, crowd.detected, crowd.annotated, nowhere, 4) == Status::kNullPointer);
  CHECK(posecore::oks(nullptr, 17, crowd.detected, crowd.annotated, crowd.oks.data(), 4) == Status::kNullPointer);
}
