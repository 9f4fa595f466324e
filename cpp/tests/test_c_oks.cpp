// OKS of the C API says what the C++ calls say, to the last bit.
#include "check.hpp"
#include "memory.hpp"
#include "posecore.h"
#include "posecore/oks.hpp"

namespace {

using posecore::Status;

constexpr int32_t kBody = 17;

posecore_status oks_in_c(const double* sigmas, const posecore_oks_detections& found, const posecore_oks_truths& truths,
                         float* oks) {
  return posecore_oks(sigmas, kBody, &found, &truths, oks, 3);
}
posecore_status oks_in_c(const double* sigmas, const posecore_oks_detections_double& found,
                         const posecore_oks_truths_double& truths, double* oks) {
  return posecore_oks_double(sigmas, kBody, &found, &truths, oks, 3);
}
posecore_status pairs_in_c(const double* sigmas, const posecore_oks_detections& found,
                           const posecore_oks_truths& truths, float* oks) {
  return posecore_oks_of_pairs(sigmas, kBody, &found, &truths, oks);
}
posecore_status pairs_in_c(const double* sigmas, const posecore_oks_detections_double& found,
                           const posecore_oks_truths_double& truths, double* oks) {
  return posecore_oks_of_pairs_double(sigmas, kBody, &found, &truths, oks);
}

// Three people each, the last one of the truths without labels.
template <class T, class CDetections, class CTruths>
void check_oks() {
  Numbers numbers(11);
  double sigmas[kBody];
  Memory<T> found_xy(2 * 3 * kBody);
  Memory<T> xy(2 * 3 * kBody);
  Memory<uint8_t> visibility(3 * kBody);
  for (int32_t i = 0; i < 3 * kBody; ++i) {
    sigmas[i % kBody] = 0.05;
    visibility[i] = i < 2 * kBody && numbers.below(4) != 0 ? 2 : 0;
    for (int32_t axis = 0; axis < 2; ++axis) {
      xy[2 * i + axis] = static_cast<T>(numbers.between(0, 100));
      found_xy[2 * i + axis] = xy[2 * i + axis] + static_cast<T>(numbers.between(-5, 5));
    }
  }
  const T areas[] = {4000, 5000, 6000};
  const T boxes[] = {0, 0, 100, 100, 0, 0, 100, 100, 20, 20, 30, 30};
  const int64_t rows[] = {2, 0, 1};
  posecore::OksDetections<T> detections;
  detections.keypoints = {found_xy.data(), 2 * kBody, 2, 1};
  detections.rows = rows;
  detections.count = 3;
  posecore::OksTruths<T> truths;
  truths.keypoints = {xy.data(), 2 * kBody, 2, 1};
  truths.visibility = visibility.data();
  truths.visibility_stride = kBody;
  truths.areas_px2 = areas;
  truths.boxes = boxes;
  truths.count = 3;
  const CDetections c_detections = {found_xy.data(), 0, 0, 0, rows, 3};
  const CTruths c_truths = {xy.data(), 0, 0, 0, visibility.data(), 0, areas, boxes, nullptr, 3};
  const Memory<T> wanted(12);
  const Memory<T> got(12);
  CHECK(posecore::oks(sigmas, kBody, detections, truths, wanted.data(), 3) == Status::kOk);
  CHECK(posecore::oks_of_pairs(sigmas, kBody, detections, truths, wanted.data() + 9) == Status::kOk);
  CHECK(oks_in_c(sigmas, c_detections, c_truths, got.data()) == POSECORE_OK);
  CHECK(pairs_in_c(sigmas, c_detections, c_truths, got.data() + 9) == POSECORE_OK);
  const auto check_same = [&] {
    for (int32_t i = 0; i < 12; ++i) {
      CHECK_NEAR(got[i], wanted[i], 0);
    }
  };
  check_same();
  CHECK(wanted[1 * 3 + 0] > static_cast<T>(0.1));  // row 0 of both

  const CDetections strided = {found_xy.data(), 2 * kBody, 2, 1, rows, 3};
  const CTruths strided_truths = {xy.data(), 2 * kBody, 2, 1, visibility.data(), kBody, areas, boxes, nullptr, 3};
  CHECK(oks_in_c(sigmas, strided, strided_truths, got.data()) == POSECORE_OK);
  check_same();
}

}  // namespace

TEST(c_oks_gives_the_bits_of_the_cpp_calls) {
  check_oks<float, posecore_oks_detections, posecore_oks_truths>();
  check_oks<double, posecore_oks_detections_double, posecore_oks_truths_double>();
}
