// The Kalman filter's arithmetic in float32: the rules and ranges of kalman_fixed.hpp.
#pragma once

#include <stdint.h>

#include "kalman_memory.hpp"
#include "posecore/kalman.hpp"
#include "processor.hpp"

namespace posecore::detail {

class FloatArithmetic {
 public:
  using Number = float;
  using Factor = float;
  using Variance = float;
  using Distance = float;  // px
  static constexpr bool kGroups = false;
  struct Covariance {
    float c00;  // of the position, px^2 by the unit
    float c01;
    float c11;

    [[nodiscard]] bool operator==(const Covariance& other) const noexcept {
      return c00 == other.c00 && c01 == other.c01 && c11 == other.c11;
    }
  };
  struct Gain {
    float position;
    float velocity;
    float gate;  // the most that the squared distance may be, px^2
    Covariance after;
    bool saturated;
  };
  struct Reach {
    bool plain;
    float most;
  };

  explicit FloatArithmetic(const KalmanPlan& plan) noexcept : plan_(plan) {}

  bool begin(uint32_t elapsed, const Scale& scale) noexcept {
    if (elapsed == elapsed_ && scale.size == size_ && scale.size_noise == size_noise_bits_ &&
        scale.exponent == exponent_) {
      return false;
    }
    elapsed_ = elapsed;
    size_ = scale.size;
    size_noise_bits_ = scale.size_noise;
    exponent_ = scale.exponent;
    least_spike_ = px(spike_floor(plan_, size_, elapsed));
    const bool constant = plan_.options.motion == Motion::kConstantPosition;
    frames_ = static_cast<float>(elapsed) / static_cast<float>(kFrame);
    size_noise_ = static_cast<float>(size_noise_bits_) / kOne20Float;
    const float q = static_cast<float>(plan_.velocity_noise) / kOne40Float * size_noise_;
    q11_ = constant ? 0.0F : q * frames_;
    q01_ = constant ? 0.0F : q11_ * frames_ * 0.5F;
    q00_ = constant ? q : q11_ * frames_ * frames_ / 3.0F;
    start_velocity_ = static_cast<float>(plan_.start_velocity) / kOne40Float * size_noise_;
    gate_ = plan_.gate * power_of_four(exponent_);
    return true;
  }

  [[nodiscard]] Covariance start(uint32_t weakness) const noexcept {
    return {plan_.start_position != 0 ? static_cast<float>(plan_.start_position) / kOne40Float : noise(weakness), 0.0F,
            start_velocity_};
  }

  [[nodiscard]] Covariance expected(const Covariance& c) const noexcept {
    const float turned = frames_ * c.c11;
    return {c.c00 + frames_ * (2.0F * c.c01 + turned) + q00_, c.c01 + turned + q01_, c.c11 + q11_};
  }

  [[nodiscard]] static bool in_range(const Covariance& c) noexcept {
    return c.c00 < kLimit && c.c01 < kLimit && c.c11 < kLimit;
  }

  [[nodiscard]] Gain gain(const Covariance& c, uint32_t weakness) const noexcept {
    const float r = noise(weakness);
    const float sum = c.c00 + r;
    const float inverse = 1.0F / sum;
    const float position = c.c00 * inverse;
    const float wanted = c.c01 * inverse;
    const bool saturated = wanted >= kMostVelocityGainFloat;
    const float velocity = saturated ? kMostVelocityGainFloat : wanted;
    const float left = c.c11 - velocity * c.c01;
    return {position, velocity, gate_ * sum, {r * position, r * velocity, left > 0.0F ? left : 0.0F}, saturated};
  }

  [[nodiscard]] static bool rescale(Covariance* c, int32_t halvings) noexcept {
    const float factor = power_of_four(halvings);
    *c = {c->c00 * factor, c->c01 * factor, c->c11 * factor};
    return in_range(*c);
  }

  [[nodiscard]] bool gates() const noexcept { return plan_.gate > 0.0F; }

  [[nodiscard]] bool is_gated(const Gain& gain, const float measured[2], const float at[2]) const noexcept {
    const float x = measured[0] - at[0];
    const float y = measured[1] - at[1];
    return gate_ > 0.0F && x * x + y * y > gain.gate;
  }

  [[nodiscard]] bool is_open(const Gain& gain, float most) const noexcept {
    return gate_ == 0.0F || most * most * 2.0F <= gain.gate * 0.999F;
  }

  [[nodiscard]] static Distance distance(const float measured[2], const float at[2]) noexcept {
    constexpr float kMost = 8192.0F;
    const float x = magnitude(measured[0] - at[0]);
    const float y = magnitude(measured[1] - at[1]);
    const float across = x < kMost ? x : kMost;
    const float down = y < kMost ? y : kMost;
    return across > down ? across + down * 0.5F : down + across * 0.5F;
  }

  [[nodiscard]] Distance first_spread() const noexcept { return 2.0F * px(spike_floor(plan_, size_, 0)); }

  [[nodiscard]] Distance spike_limit(Distance spread, uint32_t age) const noexcept {
    const float least = age == elapsed_ ? least_spike_ : px(spike_floor(plan_, size_, age));
    return spikes_from(spread, least);
  }

  [[nodiscard]] static Distance followed(Distance spread, Distance distance, Distance limit) noexcept {
    return spread - spread * 0.125F + (distance < limit * 0.5F ? distance : limit * 0.5F) * 0.125F;
  }

  [[nodiscard]] static bool is_near(const Reach& reach) noexcept { return reach.plain && reach.most < 4096.0F; }

  [[nodiscard]] bool find_spikes(int32_t count, const float* __restrict measured, const float* __restrict at,
                                 const float* __restrict spread, float* __restrict distance) const noexcept {
    uint32_t spikes = 0;
    const float least = least_spike_;
    POSECORE_APART
    for (int32_t i = 0; i < count / kGroup * kGroup; ++i) {
      const float across = magnitude(measured[2 * i] - at[2 * i]);
      const float down = magnitude(measured[2 * i + 1] - at[2 * i + 1]);
      distance[i] = across > down ? across + down * 0.5F : down + across * 0.5F;
      spikes |= distance[i] > spikes_from(spread[i], least) ? 1U : 0U;
    }
    return spikes != 0;
  }

  void follow_all(int32_t count, const float* __restrict distance, float* __restrict spread) const noexcept {
    const float least = least_spike_;
    POSECORE_APART
    for (int32_t i = 0; i < count / kGroup * kGroup; ++i) {
      spread[i] = followed(spread[i], distance[i], spikes_from(spread[i], least));
    }
  }

  [[nodiscard]] Reach expect(int32_t coordinates, const float* __restrict position, const float* __restrict velocity,
                             const float* __restrict measured, float* __restrict at) const noexcept {
    // Magnitudes in the order of their bits.
    uint32_t most = 0;
    uint32_t furthest = 0;
    uint32_t fastest = 0;
    const int32_t count = coordinates / 4 * 4;
    POSECORE_APART
    for (int32_t i = 0; i < count; ++i) {
      at[i] = position[i] + frames_ * velocity[i];
      const uint32_t distance = bits_of(measured[i] - at[i]) & 0x7fffffffU;
      const uint32_t far = bits_of(at[i]) & 0x7fffffffU;
      const uint32_t fast = bits_of(velocity[i]) & 0x7fffffffU;
      most = distance > most ? distance : most;
      furthest = far > furthest ? far : furthest;
      fastest = fast > fastest ? fast : fastest;
    }
    return {float_of(furthest) < kCoordinateLimit && float_of(fastest) < kVelocityLimit / 2, float_of(most)};
  }

  [[nodiscard]] static bool is_plain(const Reach& reach, float velocity) noexcept {
    return reach.plain && reach.most * velocity < kVelocityLimit / 2;
  }

  [[nodiscard]] bool expect_one(float position, float velocity, float* at) const noexcept {
    const float moved = position + frames_ * velocity;
    const bool fits = moved >= -kCoordinateLimit && moved < kCoordinateLimit;
    *at = fits ? moved : position;
    return fits;
  }

  static void update_all(int32_t coordinates, float position_gain, float velocity_gain,
                         const float* __restrict measured, const float* __restrict at, float* __restrict position,
                         float* __restrict velocity) noexcept {
    const int32_t count = coordinates / 4 * 4;
    POSECORE_APART
    for (int32_t i = 0; i < count; ++i) {
      update(position_gain, velocity_gain, measured[i], at[i], &position[i], &velocity[i]);
    }
  }
  static void update_all(int32_t coordinates, const float* __restrict position_gain,
                         const float* __restrict velocity_gain, const float* __restrict measured,
                         const float* __restrict at, float* __restrict position, float* __restrict velocity) noexcept {
    const int32_t count = coordinates / 4 * 4;
    POSECORE_APART
    for (int32_t i = 0; i < count; ++i) {
      update(position_gain[i], velocity_gain[i], measured[i], at[i], &position[i], &velocity[i]);
    }
  }

  [[nodiscard]] static bool update_one(float position_gain, float velocity_gain, float measured, float at,
                                       float* position, float* velocity) noexcept {
    update(position_gain, velocity_gain, measured, at, position, velocity);
    const bool fits = *velocity > -kVelocityLimit && *velocity < kVelocityLimit;
    *velocity = fits ? *velocity : (*velocity < 0.0F ? -kVelocityLimit : kVelocityLimit);
    return fits;
  }

  [[nodiscard]] static float number(float pixels) noexcept { return pixels; }
  [[nodiscard]] static float pixels(float position) noexcept { return position; }

  [[nodiscard]] uint32_t elapsed() const noexcept { return elapsed_; }

 private:
  [[nodiscard]] static Distance spikes_from(Distance spread, Distance least) noexcept {
    return 5.0F * spread > least ? 5.0F * spread : least;
  }

  static void update(float position_gain, float velocity_gain, float measured, float at, float* position,
                     float* velocity) noexcept {
    const float off = measured - at;
    *position = at + position_gain * off;
    *velocity += velocity_gain * off;
  }

  static constexpr float kLimit = 8388608.0F;       // 2^23
  static constexpr float kVelocityLimit = 8192.0F;  // px / frame
  static constexpr float kMostVelocityGainFloat = 1.9921875F;
  static constexpr float kOne20Float = 1048576.0F;
  static constexpr float kOne40Float = 1099511627776.0F;

  [[nodiscard]] static float px(uint32_t fixed) noexcept { return static_cast<float>(fixed) * (1.0F / 65536.0F); }

  [[nodiscard]] static float magnitude(float value) noexcept { return float_of(bits_of(value) & 0x7fffffffU); }

  // 4^exponent for exponents of sizes and their differences, -32 to 32.
  [[nodiscard]] static float power_of_four(int32_t exponent) noexcept {
    return float_of(static_cast<uint32_t>(127 + 2 * exponent) << 23U);
  }

  [[nodiscard]] float noise(uint32_t weakness) const noexcept {
    return static_cast<float>(weakness) / kOne20Float * size_noise_;
  }

  const KalmanPlan& plan_;
  uint32_t elapsed_ = UINT32_MAX;
  uint32_t size_ = 0;
  uint32_t size_noise_bits_ = 0;
  float least_spike_ = 0.0F;
  int32_t exponent_ = 0;
  float frames_ = 0.0F;
  float size_noise_ = 1.0F;
  float q00_ = 0.0F;
  float q01_ = 0.0F;
  float q11_ = 0.0F;
  float start_velocity_ = 0.0F;
  float gate_ = 0.0F;
};

}  // namespace posecore::detail
