#include "group_oks.hpp"

#include <cmath>
#include <vector>

namespace posecore::host {
namespace {

double pairwise_sum(const double* x, int64_t n) {
  if (n < 8) {
    double s = 0;
    for (int64_t i = 0; i < n; ++i) s += x[i];
    return s;
  }
  if (n <= 128) {
    double r[8];
    for (int i = 0; i < 8; ++i) r[i] = x[i];
    int64_t i = 8;
    for (; i < n - n % 8; i += 8)
      for (int j = 0; j < 8; ++j) r[j] += x[i + j];
    double s = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
    for (; i < n; ++i) s += x[i];
    return s;
  }
  int64_t half = n / 2;
  half -= half % 8;
  return pairwise_sum(x, half) + pairwise_sum(x + half, n - half);
}

}  // namespace

void group_oks(const TruthPeople& truths, const DetectedPeople& detections, const int64_t* truth_rows,
               int64_t num_truths, const int64_t* detection_rows, int64_t num_detections, double* oks) {
  const int32_t K = truths.num_keypoints;
  std::vector<double> ks(static_cast<size_t>(K));
  for (int64_t t = 0; t < num_truths; ++t) {
    const int64_t row = truth_rows[t];
    const double* xy = truths.xy + row * K * 2;
    const uint8_t* v = truths.visibility + row * K;
    bool any = false;
    for (int32_t k = 0; k < K; ++k) any = any || v[k] > 0;
    const double* b = truths.boxes + row * 4;
    const double x0 = b[0] - b[2], x1 = b[0] + b[2] * 2, y0 = b[1] - b[3], y1 = b[1] + b[3] * 2;
    for (int64_t d = 0; d < num_detections; ++d) {
      const double* p = detections.xy + detection_rows[d] * K * 2;
      int64_t n = 0;
      for (int32_t k = 0; k < K; ++k) {
        double dx, dy;
        if (any) {
          if (v[k] == 0) continue;
          dx = p[2 * k] - xy[2 * k];
          dy = p[2 * k + 1] - xy[2 * k + 1];
        } else {
          dx = std::fmax(0.0, x0 - p[2 * k]) + std::fmax(0.0, p[2 * k] - x1);
          dy = std::fmax(0.0, y0 - p[2 * k + 1]) + std::fmax(0.0, p[2 * k + 1] - y1);
        }
        const double s2 = truths.sigmas[k] * 2;
        const double e = (dx * dx + dy * dy) / (s2 * s2) / (truths.areas_px2[row] + 2.220446049250313e-16) / 2;
        ks[static_cast<size_t>(n++)] = std::exp(-e);
      }
      oks[d * num_truths + t] = pairwise_sum(ks.data(), n) / static_cast<double>(n);
    }
  }
}

}  // namespace posecore::host
