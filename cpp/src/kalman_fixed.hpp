// The Kalman filter's arithmetic in integers: x Q16.16, v Q13.18, gain Q2.30, covariance by the unit Q23.40.
#pragma once

#include <stdint.h>

#include "fixed_point.hpp"
#include "kalman_memory.hpp"
#include "posecore/kalman.hpp"
#include "processor.hpp"

namespace posecore::detail {

inline constexpr uint32_t kMostVelocityGain = 0x7f800000U;  // 2 (1 - 2^-8), Q2.30

// What the keypoints of a frame have in common.
struct FixedFrame {
  uint64_t q00, q01, q11;
  uint64_t elapsed;        // Q16.16
  uint64_t size_noise;     // Q12.20
  uint64_t gate_mantissa;  // 0: no gate
  int32_t gate_exponent;   // the gate is (sum >> 24) * mantissa * 2^exponent
  uint64_t least_spike;
};

class FixedArithmetic {
 public:
  using Number = int32_t;
  using Factor = uint32_t;
  using Variance = uint64_t;
  using Distance = uint32_t;  // px, Q16.16
  static constexpr bool kGroups = true;
  struct Covariance {
    uint64_t c00;  // of the position, px^2 by the unit
    uint64_t c01;
    uint64_t c11;

    [[nodiscard]] bool operator==(const Covariance& other) const noexcept {
      return ((c00 ^ other.c00) | (c01 ^ other.c01) | (c11 ^ other.c11)) == 0;
    }
  };
  struct Gain {
    uint32_t position;
    uint32_t velocity;
    uint64_t gate;  // the most that the squared distance may be, px^2, Q24
    Covariance after;
    bool saturated;
  };
  // What the plain loops need to know before they may be used.
  struct Reach {
    bool plain;    // every number is small enough that nothing can overflow
    int32_t most;  // the largest of the distances on one axis between measured and expected, px, Q16.16
  };

  explicit FixedArithmetic(const KalmanPlan& plan) noexcept : plan_(plan) {}

  // For a frame `elapsed` after the last of a person of that size. True where it is another kind of frame than the last
  // one.
  bool begin(uint32_t elapsed, const Scale& scale) noexcept {
    if (elapsed == elapsed_ && scale.size == size_ && scale.size_noise == size_noise_ && scale.exponent == exponent_) {
      return false;
    }
    elapsed_ = elapsed;
    size_ = scale.size;
    size_noise_ = scale.size_noise;
    exponent_ = scale.exponent;
    const uint32_t size_noise = size_noise_;
    least_spike_ = spike_floor(plan_, size_, elapsed);
    if (plan_.options.motion == Motion::kConstantPosition) {
      q00_ = plan_.velocity_noise;
      q01_ = q11_ = start_velocity_ = 0;
      return true;
    }
    q11_ = scaled(scaled(plan_.velocity_noise, size_noise, 20), elapsed, 16);
    const uint64_t twice = scaled(q11_, elapsed, 16);
    q01_ = (twice + 1) / 2;
    q00_ = (scaled(twice, elapsed, 16) + 1) / 3;
    start_velocity_ = scaled(plan_.start_velocity, size_noise, 20);
    return true;
  }

  [[nodiscard]] Covariance start(uint32_t weakness) const noexcept {
    return {plan_.start_position != 0 ? plan_.start_position : static_cast<uint64_t>(noise(weakness)) << 20U, 0,
            start_velocity_};
  }

  // F C F' + Q.
  [[nodiscard]] Covariance expected(const Covariance& c) const noexcept {
    if (elapsed_ == kFrame && ((c.c00 | c.c01 | c.c11) >> 60U) == 0) {
      return {c.c00 + 2 * c.c01 + c.c11 + q00_, c.c01 + c.c11 + q01_, c.c11 + q11_};
    }
    const uint64_t turned = scaled(c.c11, elapsed_, 16);
    const uint64_t twice = capped_sum(capped_sum(c.c01, c.c01), turned);
    return {capped_sum(capped_sum(c.c00, scaled(twice, elapsed_, 16)), q00_),
            capped_sum(capped_sum(c.c01, turned), q01_), capped_sum(c.c11, q11_)};
  }

  [[nodiscard]] static bool in_range(const Covariance& c) noexcept {
    return c.c00 < kCovarianceLimit && c.c01 < kCovarianceLimit && c.c11 < kCovarianceLimit;
  }

  // With S = c00 + r, the gains are c00 / S and c01 / S. What is left is (r / S) c00 and (r / S) c01 where the gain is
  // small, and r K0 and r K1 where it is large: each loses least to the rounding of its factor.
  [[nodiscard]] Gain gain(const Covariance& c, uint32_t weakness) const noexcept {
    const uint64_t r = noise(weakness);
    const uint64_t sum = c.c00 + (r << 20U);
    // The noise is at least 1/4, so that the sum has more than 32 bits.
    const uint32_t shift = 32U - leading_zeros(sum);
    const uint64_t half = uint64_t{1} << (shift - 1U);
    const uint64_t inverse = reciprocal(sum >> shift);
    uint64_t position = (((c.c00 + half) >> shift) * inverse + (uint64_t{1} << 32U)) >> 33U;
    position = position < (1U << 30U) ? position : (1U << 30U);
    const bool saturated = c.c01 / 2 >= sum - sum / 256;
    const uint64_t velocity =
        saturated ? kMostVelocityGain : (((c.c01 + half) >> shift) * inverse + (uint64_t{1} << 32U)) >> 33U;
    Covariance after = {(r * position + 512) >> 10U, (r * velocity + 512) >> 10U, 0};
    if (position < (1U << 29U)) {
      const uint64_t left = ((((r << 20U) + half) >> shift) * inverse + (uint64_t{1} << 30U)) >> 31U;  // r / S, Q32
      const auto share = static_cast<uint32_t>(left < 0xffffffffU ? left : 0xffffffffU);
      after.c00 = scaled(c.c00, share, 32);
      after.c01 = scaled(c.c01, share, 32);
    }
    const uint64_t taken = scaled(c.c01, static_cast<uint32_t>(velocity), 30);
    after.c11 = c.c11 > taken ? c.c11 - taken : 0;
    return {static_cast<uint32_t>(position), static_cast<uint32_t>(velocity), gate(sum), after, saturated};
  }

  // The covariance by a unit that is 4^-halvings of the one before; false where it does not fit.
  [[nodiscard]] static bool rescale(Covariance* c, int32_t halvings) noexcept {
    const auto bits = static_cast<uint32_t>(2 * (halvings < 0 ? -halvings : halvings));
    uint64_t* const all[] = {&c->c00, &c->c01, &c->c11};
    for (uint64_t* each : all) {
      if (halvings < 0) {
        *each = bits > 62 ? 0 : (*each + (uint64_t{1} << (bits - 1))) >> bits;
      } else if (*each != 0 && (bits > 62 || (*each >> (63U - bits)) != 0)) {
        return false;
      } else {
        *each <<= bits;
      }
    }
    return true;
  }

  [[nodiscard]] bool gates() const noexcept { return plan_.gate_mantissa != 0; }

  [[nodiscard]] bool is_gated(const Gain& gain, const int32_t measured[2], const int32_t at[2]) const noexcept {
    const int64_t x = shifted(static_cast<int64_t>(measured[0]) - at[0], 4);
    const int64_t y = shifted(static_cast<int64_t>(measured[1]) - at[1], 4);
    return plan_.gate_mantissa != 0 && static_cast<uint64_t>(x * x + y * y) > gain.gate;
  }

  // Whether nothing within `most` on both axes can be gated.
  [[nodiscard]] bool is_open(const Gain& gain, int32_t most) const noexcept {
    return plan_.gate_mantissa == 0 || (static_cast<uint32_t>(most) >> 4U) + 1 < square_root_below(gain.gate / 2);
  }

  // Between the longer of the two sides and 12 % over the distance; sides beyond 8192 px count as that.
  [[nodiscard]] static Distance distance(const int32_t measured[2], const int32_t at[2]) noexcept {
    constexpr int64_t kMost = int64_t{8192} * kFrame;
    int64_t sides[2];
    for (int32_t axis = 0; axis < 2; ++axis) {
      const int64_t off = static_cast<int64_t>(measured[axis]) - at[axis];
      const int64_t side = off < 0 ? -off : off;
      sides[axis] = side < kMost ? side : kMost;
    }
    const bool wide = sides[0] > sides[1];
    return static_cast<uint32_t>(sides[wide ? 0 : 1] + sides[wide ? 1 : 0] / 2);
  }

  // What a keypoint that is measured for the first time is taken to be off.
  [[nodiscard]] Distance first_spread() const noexcept { return 2 * spike_floor(plan_, size_, 0); }

  // From here on it is a spike, `age` after the last measurement.
  [[nodiscard]] Distance spike_limit(Distance spread, uint32_t age) const noexcept {
    const uint32_t least = age == elapsed_ ? least_spike_ : spike_floor(plan_, size_, age);
    return spikes_from(spread, least);
  }

  // The mean over 8 frames, of which none counts for more than twice the others.
  [[nodiscard]] static Distance followed(Distance spread, Distance distance, Distance limit) noexcept {
    return spread - (spread >> 3U) + ((distance < limit / 2 ? distance : limit / 2) >> 3U);
  }

  // Whether every distance and its half add up in 32 bits.
  [[nodiscard]] static bool is_near(const Reach& reach) noexcept {
    return reach.plain && reach.most < int32_t{4096} * 65536;
  }

  // The distances of `count` keypoints that are near; true where one is a spike, all of them measured in the last
  // frame.
  [[nodiscard]] bool find_spikes(int32_t count, const int32_t* __restrict measured, const int32_t* __restrict at,
                                 const uint32_t* __restrict spread, uint32_t* __restrict distance) const noexcept {
    uint32_t spikes = 0;
    const uint32_t least = least_spike_;
    POSECORE_APART
    for (int32_t i = 0; i < count / kGroup * kGroup; ++i) {
      const int32_t x = measured[2 * i] - at[2 * i];
      const int32_t y = measured[2 * i + 1] - at[2 * i + 1];
      const int32_t across = x < 0 ? -x : x;
      const int32_t down = y < 0 ? -y : y;
      const int32_t longer = across > down ? across : down;
      const int32_t off = longer + shifted(across + down - longer, 1);
      distance[i] = static_cast<uint32_t>(off);
      spikes |= distance[i] > spikes_from(spread[i], least) ? 1U : 0U;
    }
    return spikes != 0;
  }

  void follow_all(int32_t count, const uint32_t* __restrict distance, uint32_t* __restrict spread) const noexcept {
    const uint32_t least = least_spike_;
    POSECORE_APART
    for (int32_t i = 0; i < count / kGroup * kGroup; ++i) {
      spread[i] = followed(spread[i], distance[i], spikes_from(spread[i], least));
    }
  }

  // Where `count` coordinates are expected. In 32 bits where `plain` comes back, for all of them; else nothing counts.
  [[nodiscard]] Reach expect(int32_t coordinates, const int32_t* __restrict position,
                             const int32_t* __restrict velocity, const int32_t* __restrict measured,
                             int32_t* __restrict at) const noexcept {
    constexpr uint32_t kSmall = 1U << 29U;  // 8192 px
    constexpr uint32_t kSlow = 1U << 30U;   // 4096 px / frame
    const int32_t count = coordinates / 4 * 4;
    int32_t most = 0;
    uint32_t spread = 0;  // its two highest bits are 0 where everything is small
    uint32_t fast = 0;    // its highest bit is 0 where everything is slow
    const auto look = [&](int32_t i) {
      const auto off = static_cast<int32_t>(static_cast<uint32_t>(measured[i]) - static_cast<uint32_t>(at[i]));
      const int32_t distance = off < 0 ? -1 - off : off;
      most = distance > most ? distance : most;
      spread |= (static_cast<uint32_t>(position[i]) + kSmall) | (static_cast<uint32_t>(measured[i]) + kSmall);
      fast |= static_cast<uint32_t>(velocity[i]) + kSlow;
    };
    if (elapsed_ == kFrame) {
      POSECORE_APART
      for (int32_t i = 0; i < count; ++i) {
        at[i] = wrapped_sum(position[i], shifted(shifted(velocity[i], 1) + 1, 1));
        look(i);
      }
    } else {
      const uint32_t frames = elapsed_ & 0x7ffffU;
      POSECORE_APART
      for (int32_t i = 0; i < count; ++i) {
        // Velocities from 0 up, so that the product has no sign.
        const uint32_t raised = static_cast<uint32_t>(velocity[i]) + kSlow;
        const uint64_t moved = static_cast<uint64_t>(raised) * frames + (uint64_t{1} << 17U);
        at[i] = wrapped_sum(position[i], static_cast<int32_t>(static_cast<uint32_t>(moved >> 18U) - (frames << 12U)));
        look(i);
      }
    }
    return {elapsed_ <= 4 * kFrame && (spread >> 30U) == 0 && (fast >> 31U) == 0, most};
  }

  // Whether `update` may be used for gains up to `velocity`.
  [[nodiscard]] static bool is_plain(const Reach& reach, uint32_t velocity) noexcept {
    return reach.plain &&
           (static_cast<uint64_t>(velocity) * static_cast<uint64_t>(reach.most + int64_t{1})) >> 58U == 0;
  }

  // The same one by one, in 64 bits. False where it leaves the range; it stays where it was.
  [[nodiscard]] bool expect_one(int32_t position, int32_t velocity, int32_t* at) const noexcept {
    const int64_t moved = position + rounded(static_cast<int64_t>(velocity) * elapsed_, 18);
    *at = fits32(moved) ? static_cast<int32_t>(moved) : position;
    return fits32(moved);
  }

  // position = at + K0 (measured - at), velocity += K1 (measured - at) for coordinates whose reach is plain.
  // Distances are taken from -2^31 up, so that the products have no sign; the low 32 bits are the same.
  static void update_all(int32_t coordinates, uint32_t position_gain, uint32_t velocity_gain,
                         const int32_t* __restrict measured, const int32_t* __restrict at, int32_t* __restrict position,
                         int32_t* __restrict velocity) noexcept {
    const int32_t count = coordinates / 4 * 4;
    POSECORE_APART
    for (int32_t i = 0; i < count; ++i) {
      update(position_gain, velocity_gain, measured[i], at[i], &position[i], &velocity[i]);
    }
  }
  static void update_all(int32_t coordinates, const uint32_t* __restrict position_gain,
                         const uint32_t* __restrict velocity_gain, const int32_t* __restrict measured,
                         const int32_t* __restrict at, int32_t* __restrict position,
                         int32_t* __restrict velocity) noexcept {
    const int32_t count = coordinates / 4 * 4;
    POSECORE_APART
    for (int32_t i = 0; i < count; ++i) {
      update(position_gain[i], velocity_gain[i], measured[i], at[i], &position[i], &velocity[i]);
    }
  }

  // The same for any coordinate; false where the velocity was clamped.
  [[nodiscard]] static bool update_one(uint32_t position_gain, uint32_t velocity_gain, int32_t measured, int32_t at,
                                       int32_t* position, int32_t* velocity) noexcept {
    const int64_t off = static_cast<int64_t>(measured) - at;
    // Between what was expected and what was measured, so inside of the range.
    *position = static_cast<int32_t>(at + rounded(static_cast<int64_t>(position_gain) * off, 30));
    const int64_t turned = *velocity + rounded(static_cast<int64_t>(velocity_gain) * off, 28);
    *velocity = fits32(turned) ? static_cast<int32_t>(turned) : (turned < 0 ? INT32_MIN : INT32_MAX);
    return fits32(turned);
  }

  // A held coordinate, rounded to nearest, halves away from 0.
  [[nodiscard]] static int32_t number(float pixels) noexcept {
    const float wide = pixels * 65536.0F;  // exact
    const uint32_t bits = bits_of(wide);
    // From 2^23 on there are no fractions, and a half would be rounded.
    const bool whole = static_cast<int32_t>(bits & 0x7fffffffU) >= 0x4b000000;
    return static_cast<int32_t>(wide + float_of(whole ? 0U : (bits & 0x80000000U) | 0x3f000000U));
  }
  [[nodiscard]] static float pixels(int32_t position) noexcept {
    return static_cast<float>(position) * (1.0F / 65536.0F);
  }

  [[nodiscard]] uint32_t elapsed() const noexcept { return elapsed_; }

  [[nodiscard]] FixedFrame frame() const noexcept {
    return {q00_, q01_, q11_, elapsed_, size_noise_, plan_.gate_mantissa, gate_exponent(), least_spike_};
  }

  // Whether update_groups has room for this frame's numbers.
  [[nodiscard]] bool fits_groups() const noexcept {
    return ((q00_ | q01_ | q11_) >> 51U) == 0 && elapsed_ <= 4 * kFrame &&
           (plan_.gate_mantissa == 0 || gate_exponent() <= 10);
  }

 private:
  // Distances are at most 12288 px, so that five times their mean fits.
  [[nodiscard]] static Distance spikes_from(Distance spread, Distance least) noexcept {
    return 5 * spread > least ? 5 * spread : least;
  }

  static void update(uint32_t position_gain, uint32_t velocity_gain, int32_t measured, int32_t at, int32_t* position,
                     int32_t* velocity) noexcept {
    const uint32_t raised = (static_cast<uint32_t>(measured) - static_cast<uint32_t>(at)) ^ 0x80000000U;
    const uint64_t moved = static_cast<uint64_t>(raised) * position_gain +
                           ((uint64_t{1} << 29U) - (static_cast<uint64_t>(position_gain) << 31U));
    const uint64_t turned = static_cast<uint64_t>(raised) * velocity_gain +
                            ((uint64_t{1} << 27U) - (static_cast<uint64_t>(velocity_gain) << 31U));
    *position = wrapped_sum(at, static_cast<int32_t>(static_cast<uint32_t>(moved >> 30U)));
    *velocity = wrapped_sum(*velocity, static_cast<int32_t>(static_cast<uint32_t>(turned >> 28U)));
  }

  [[nodiscard]] static constexpr int32_t wrapped_sum(int32_t a, int32_t b) noexcept {
    return static_cast<int32_t>(static_cast<uint32_t>(a) + static_cast<uint32_t>(b));
  }

  // r by the unit, Q12.20.
  [[nodiscard]] uint32_t noise(uint32_t weakness) const noexcept {
    return static_cast<uint32_t>((static_cast<uint64_t>(weakness) * size_noise_ + kOne20 / 2) >> 20U);
  }

  [[nodiscard]] int32_t gate_exponent() const noexcept { return plan_.gate_exponent + 2 * exponent_ + 8; }

  // sum * unit * gate_sigmas^2 in px^2, Q24.
  [[nodiscard]] uint64_t gate(uint64_t sum) const noexcept {
    const uint64_t product = (sum >> 24U) * plan_.gate_mantissa;
    const int32_t exponent = gate_exponent();
    const auto shift = static_cast<uint32_t>(exponent < 0 ? -exponent : exponent);
    if (exponent < 0) {
      return shift > 63 ? 0 : product >> shift;
    }
    return shift > 63 || (product >> (63U - shift)) != 0 ? UINT64_MAX : product << shift;
  }

  const KalmanPlan& plan_;
  uint32_t elapsed_ = UINT32_MAX;
  uint32_t size_ = 0;
  uint32_t size_noise_ = 0;
  uint32_t least_spike_ = 0;
  int32_t exponent_ = 0;
  uint64_t q00_ = 0;
  uint64_t q01_ = 0;
  uint64_t q11_ = 0;
  uint64_t start_velocity_ = 0;
};

}  // namespace posecore::detail
