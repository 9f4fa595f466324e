// Checking the Kalman filter's options once, and turning them into pixels, frames and units.
#include "numeric.hpp"
#include "person.hpp"
#include "posecore/kalman.hpp"

namespace posecore {
namespace {

// The recipe's matrices, by R: P = 10, Q = 0.1, R = 1.
constexpr double kRecipeQ = 0.1;
constexpr double kRecipeStart = 10.0;
constexpr double kOne40 = 1099511627776.0;  // 1, Q23.40

constexpr double kSpikeNoises = 5.0;
constexpr double kSpikeStart = 3000.0;  // noises / s^2: 60 sizes, about what begins a stroke of half a size in 0.2 s
constexpr double kMostSpike = 4000.0;   // sizes

[[nodiscard]] bool in_range(const KalmanOptions& options) noexcept {
  return options.fps >= 1.0F && options.fps <= 1000.0F && options.noise >= 1e-4F && options.noise <= 1e3F &&
         options.least_score >= 0.05F && options.least_score <= 1.0F && options.acceleration > 0.0F &&
         options.acceleration <= 1e9F && options.hold_s >= 1e-3F && options.hold_s <= 1.0F && options.speed > 0.0F &&
         options.speed <= 1e9F &&
         (options.gate_sigmas == 0.0F || (options.gate_sigmas >= 1.0F && options.gate_sigmas <= 1000.0F)) &&
         options.gated_before_restart >= 0 && options.gated_before_restart <= 100 && options.max_coast_frames >= 0 &&
         options.max_coast_frames <= 240 && options.pace >= 1.0F / 64 && options.pace <= 2048.0F &&
         options.motion <= Motion::kConstantPosition && options.arithmetic <= Arithmetic::kFloat;
}

[[nodiscard]] uint64_t covariance(double value) noexcept {
  const double raised = value * kOne40 + 0.5;
  return static_cast<uint64_t>(raised);
}

// Sizes, Q12.20.
[[nodiscard]] uint32_t sizes(double value) noexcept {
  const double raised = (value < kMostSpike ? value : kMostSpike) * 1048576.0 + 0.5;
  return static_cast<uint32_t>(raised);
}

}  // namespace

Status make_plan(const KalmanOptions& options, int32_t num_keypoints, KalmanPlan* plan) noexcept {
  if (plan == nullptr) {
    return Status::kNullPointer;
  }
  if (!in_range(options) || num_keypoints < 1 || num_keypoints > kMaxSmoothedKeypoints) {
    return Status::kBadOptions;
  }
  KalmanPlan made = {};
  made.options = options;
  made.num_keypoints = num_keypoints;
  made.pace = detail::paces(1, options.pace);
  made.coast_limit = detail::paces(options.max_coast_frames, options.pace);
  const auto fps = static_cast<double>(options.fps);
  made.size_lag = static_cast<uint32_t>(static_cast<double>(kSizeLagS) * fps * static_cast<double>(detail::kFrame));
  if (options.motion == Motion::kConstantPosition) {
    made.velocity_noise = covariance(kRecipeQ);
    made.start_position = covariance((kRecipeStart + kRecipeQ) / (kRecipeStart + kRecipeQ + 1.0));
    *plan = made;
    return Status::kOk;
  }
  const auto noise = static_cast<double>(options.noise);
  const auto acceleration = static_cast<double>(options.acceleration);
  const double velocity_noise =
      acceleration * acceleration * static_cast<double>(options.hold_s) / (fps * fps * fps * noise * noise);
  const double start = static_cast<double>(options.speed) / (fps * noise);
  if (!(velocity_noise >= 1e-9 && velocity_noise <= 1e3 && start * start >= 1e-6 && start * start <= 1e6)) {
    return Status::kBadOptions;
  }
  made.velocity_noise = covariance(velocity_noise);
  made.start_velocity = covariance(start * start);
  const double gate = static_cast<double>(options.gate_sigmas) * noise;
  made.gate = static_cast<float>(gate * gate);
  if (made.gate > 0.0F) {
    const uint32_t bits = detail::bits_of(made.gate);  // a normal number: 1e-8 or more
    made.gate_mantissa = (bits & 0x7fffffU) | 0x800000U;
    made.gate_exponent = static_cast<int32_t>(bits >> 23U) - 127 - 23;
    made.spike_noise = sizes(kSpikeNoises * noise);
    made.spike_start = sizes(kSpikeStart * noise / (fps * fps));
  }
  *plan = made;
  return Status::kOk;
}

}  // namespace posecore
