// One pose of one person through the Kalman filter, in either arithmetic: who is seen, who coasts, who begins again.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kalman_fixed.hpp"
#include "person.hpp"
#include "posecore/kalman.hpp"

namespace posecore::detail {

// A person's memory after its head. Keypoint i has the coordinates 2 i and 2 i + 1; where their number is odd, one
// keypoint of zeros comes after them, so that loops over coordinates go by four.
template <class A>
struct KalmanMemory {
  using Number = typename A::Number;
  using Factor = typename A::Factor;
  using Covariance = typename A::Covariance;

  static constexpr size_t kBytesEach =
      sizeof(Covariance) + 8 * sizeof(Number) + 4 * sizeof(Factor) + 2 * sizeof(uint32_t) + 2;

  [[nodiscard]] static size_t bytes(int32_t keypoints) noexcept {
    return (sizeof(Person) + static_cast<size_t>(keypoints + keypoints % 2) * kBytesEach + 7) / 8 * 8;
  }

  KalmanMemory(Person* person, int32_t num_keypoints) noexcept {
    const int32_t keypoints = num_keypoints + num_keypoints % 2;
    coordinates = 2 * keypoints;
    covariance = reinterpret_cast<Covariance*>(person + 1);
    position = reinterpret_cast<Number*>(covariance + keypoints);
    velocity = position + 2 * keypoints;
    measured = velocity + 2 * keypoints;
    at = measured + 2 * keypoints;
    position_gain = reinterpret_cast<Factor*>(at + 2 * keypoints);
    velocity_gain = position_gain + 2 * keypoints;
    weakness = reinterpret_cast<uint32_t*>(velocity_gain + 2 * keypoints);
    age = weakness + keypoints;
    phase = reinterpret_cast<Phase*>(age + keypoints);
    gated = reinterpret_cast<uint8_t*>(phase + keypoints);
  }

  int32_t coordinates;  // a multiple of 4
  Covariance* covariance;
  Number* position;  // 0 velocity where the keypoint is not running
  Number* velocity;
  uint32_t* age;  // frames since the last measurement, Q16.16
  Phase* phase;
  uint8_t* gated;  // in a row

  // Of the frame.
  Number* measured;
  uint32_t* weakness;  // variance by that of score 1, Q12.20; 0: missing
  Number* at;          // where the coordinate is expected
  Factor* position_gain;
  Factor* velocity_gain;
};

struct Seen {
  bool all;    // no keypoint is missing
  bool alike;  // and all have the weakness of the first, which alone is written
};

template <class A>
class PoseFilter {
 public:
  using Covariance = typename A::Covariance;
  using Gain = typename A::Gain;
  using Memory = KalmanMemory<A>;

  explicit PoseFilter(const KalmanPlan& plan) noexcept : plan_(plan), arithmetic_(plan) {}

  [[nodiscard]] const KalmanPlan& plan() const noexcept { return plan_; }

  // One frame of a person, `elapsed` after the last. `kinds` may be null.
  void advance(Person* person, const Memory& m, uint32_t elapsed, Seen seen, uint8_t* kinds) noexcept {
    // Sizes that differ by less than a sixteenth are one: their arithmetic need not be done anew.
    const uint32_t low = person->size < person->noise_size ? person->size : person->noise_size;
    const uint32_t high = person->size < person->noise_size ? person->noise_size : person->size;
    if (high - low > person->noise_size / 16) {
      person->noise_size = person->size;
    }
    const Scale scale = person->noise_size == 0 ? Scale{person->exponent, kOne20} : scale_of(person->noise_size);
    use_unit(person, m, scale.exponent);
    if (arithmetic_.begin(elapsed, scale.size_noise, scale.exponent)) {
      known_ = false;
    }
    const auto reach = arithmetic_.expect(m.coordinates, m.position, m.velocity, m.measured, m.at);
    if (person->steady != 0 && person->shared != 0 && seen.alike && elapsed <= longest(true) &&
        advance_together(m, reach)) {
      for (int32_t i = 0; kinds != nullptr && i < plan_.num_keypoints; ++i) {
        kinds[i] = static_cast<uint8_t>(KeypointKind::kMeasured);
      }
      return;
    }
    for (int32_t i = 1; seen.alike && i < plan_.num_keypoints; ++i) {
      m.weakness[i] = m.weakness[0];
    }
    advance_each(person, m, reach, kinds);
  }

 private:
  struct Scale {
    int32_t exponent;
    uint32_t size_noise;
  };

  // The least e with size <= 2^e px, and m = (size / 2^e)^2, Q12.20.
  [[nodiscard]] static Scale scale_of(uint32_t size) noexcept {
    const uint32_t bits = size > 1 ? 64U - leading_zeros(static_cast<uint64_t>(size) - 1) : 0U;
    const uint64_t ratio = static_cast<uint64_t>(size) << (31U - bits);  // Q31, over 1/2 to 1
    return {static_cast<int32_t>(bits) - 16, static_cast<uint32_t>((ratio * ratio + (uint64_t{1} << 41U)) >> 42U)};
  }

  // The age that ends a keypoint. Half a frame is for times that are not quite even.
  [[nodiscard]] uint32_t longest(bool seen) const noexcept {
    return plan_.coast_limit + kFrame / 2 + (seen ? kFrame : 0);
  }

  // The covariances by the unit of the size of now.
  void use_unit(Person* person, const Memory& m, int32_t exponent) noexcept {
    const int32_t halvings = person->exponent - exponent;
    person->exponent = exponent;
    if (halvings == 0) {
      return;
    }
    unshare(person, m);
    for (int32_t i = 0; i < plan_.num_keypoints; ++i) {
      if (m.phase[i] == Phase::kRunning && !A::rescale(&m.covariance[i], halvings)) {
        give_up(person, m, i);
      }
    }
  }

  void unshare(Person* person, const Memory& m) noexcept {
    for (int32_t i = 1; person->shared != 0 && i < plan_.num_keypoints; ++i) {
      m.covariance[i] = m.covariance[0];
    }
    person->shared = 0;
  }

  // A number of keypoint i left its range.
  static void give_up(Person* person, const Memory& m, int32_t i) noexcept {
    ++person->counters.saturations;
    person->steady = 0;
    lose(m, i);
  }

  static void lose(const Memory& m, int32_t i) noexcept {
    m.phase[i] = Phase::kLost;
    for (int32_t axis = 2 * i; axis < 2 * i + 2; ++axis) {
      m.velocity[axis] = 0;
      m.at[axis] = m.position[axis];
    }
  }

  // Every keypoint was measured in the last frame, is measured in this one with one noise, and has one covariance:
  // one gain is the gain of all. False, and nothing has changed, where somebody needs to be looked at alone.
  [[nodiscard]] bool advance_together(const Memory& m, const typename A::Reach& reach) noexcept {
    const Covariance& expected = expected_of(m.covariance[0]);
    if (!A::in_range(expected)) {
      return false;
    }
    const Gain& gain = gain_of(m.weakness[0]);
    if (gain.saturated || !A::is_plain(reach, gain.velocity)) {
      return false;
    }
    const int32_t keypoints = plan_.num_keypoints;
    if (!arithmetic_.is_open(gain, reach.most)) {
      for (int32_t i = 0; i < keypoints; ++i) {
        if (arithmetic_.is_gated(gain, m.measured + 2 * i, m.at + 2 * i)) {
          return false;
        }
      }
    }
    A::update_all(m.coordinates, gain.position, gain.velocity, m.measured, m.at, m.position, m.velocity);
    m.covariance[0] = gain.after;
    return true;
  }

  void advance_each(Person* person, const Memory& m, const typename A::Reach& reach, uint8_t* kinds) noexcept {
    const int32_t keypoints = plan_.num_keypoints;
    unshare(person, m);
    if (!reach.plain) {
      for (int32_t i = 0; i < keypoints; ++i) {
        const bool x = arithmetic_.expect_one(m.position[2 * i], m.velocity[2 * i], &m.at[2 * i]);
        const bool y = arithmetic_.expect_one(m.position[2 * i + 1], m.velocity[2 * i + 1], &m.at[2 * i + 1]);
        if (!x || !y) {
          give_up(person, m, i);
        }
      }
    }
    typename A::Factor most_gain = 0;
    bool steady = true;
    bool shared = true;
    // Locals, and not one object: what is stored in parts and read as a whole waits for the memory.
    Covariance before = {};
    Covariance expected = {};
    Gain gain = {};
    uint32_t known_weakness = 0;
    bool known = false;
    for (int32_t i = 0; i < keypoints; ++i) {
      const uint32_t weakness = m.weakness[i];
      if (m.phase[i] == Phase::kRunning) {
        const Covariance& covariance = m.covariance[i];
        if (!known || !(covariance == before)) {
          before = covariance;
          expected = arithmetic_.expected(covariance);
          known = true;
          known_weakness = 0;
        }
        if (weakness != 0 && weakness != known_weakness) {
          gain = arithmetic_.gain(expected, weakness);
          known_weakness = weakness;
        }
      }
      const KeypointKind kind = decide(person, m, i, expected, gain);
      const bool measured = kind == KeypointKind::kMeasured;
      m.position_gain[2 * i] = m.position_gain[2 * i + 1] = measured ? gain.position : 0;
      m.velocity_gain[2 * i] = m.velocity_gain[2 * i + 1] = measured ? gain.velocity : 0;
      most_gain = measured && gain.velocity > most_gain ? gain.velocity : most_gain;
      steady = steady && (measured || kind == KeypointKind::kRestarted);
      shared = shared && m.covariance[i] == m.covariance[0];
      if (kinds != nullptr) {
        kinds[i] = static_cast<uint8_t>(kind);
      }
    }
    person->steady = steady ? 1 : 0;
    person->shared = steady && shared ? 1 : 0;
    if (A::is_plain(reach, most_gain)) {
      A::update_all(m.coordinates, m.position_gain, m.velocity_gain, m.measured, m.at, m.position, m.velocity);
      return;
    }
    for (int32_t i = 0; i < 2 * keypoints; ++i) {
      const bool fits =
          A::update_one(m.position_gain[i], m.velocity_gain[i], m.measured[i], m.at[i], &m.position[i], &m.velocity[i]);
      person->counters.saturations += fits ? 0 : 1;
    }
  }

  KeypointKind begin_again(Person* person, const Memory& m, int32_t i) const noexcept {
    person->counters.restarts += m.phase[i] == Phase::kNever ? 0 : 1;
    m.phase[i] = Phase::kRunning;
    m.age[i] = 0;
    m.gated[i] = 0;
    m.covariance[i] = arithmetic_.start(m.weakness[i]);
    for (int32_t axis = 2 * i; axis < 2 * i + 2; ++axis) {
      m.at[axis] = m.measured[axis];
      m.velocity[axis] = 0;
    }
    return KeypointKind::kRestarted;
  }

  // What becomes of keypoint i, its covariance and its age. `expected` and `gain` are its own where it is running.
  KeypointKind decide(Person* person, const Memory& m, int32_t i, const Covariance& expected,
                      const Gain& gain) const noexcept {
    const bool seen = m.weakness[i] != 0;
    if (m.phase[i] == Phase::kRunning) {
      m.age[i] += arithmetic_.elapsed();
      if (m.age[i] > longest(seen)) {
        lose(m, i);
      } else if (!A::in_range(expected)) {
        give_up(person, m, i);
      }
    }
    if (m.phase[i] != Phase::kRunning) {
      return seen ? begin_again(person, m, i) : KeypointKind::kAbsent;
    }
    if (!seen) {
      m.covariance[i] = expected;
      ++person->counters.coasted;
      return KeypointKind::kCoasted;
    }
    if (arithmetic_.is_gated(gain, m.measured + 2 * i, m.at + 2 * i)) {
      if (m.gated[i] >= plan_.options.gated_before_restart) {
        return begin_again(person, m, i);
      }
      m.covariance[i] = expected;
      ++m.gated[i];
      ++person->counters.gated;
      return KeypointKind::kGated;
    }
    person->counters.saturations += gain.saturated ? 1 : 0;
    m.covariance[i] = gain.after;
    m.age[i] = 0;
    m.gated[i] = 0;
    return KeypointKind::kMeasured;
  }

  // Keypoints that were seen alike have one covariance, to the last bit, and its arithmetic is done once.
  const Covariance& expected_of(const Covariance& covariance) noexcept {
    if (!known_ || !(covariance == before_)) {
      before_ = covariance;
      expected_ = arithmetic_.expected(covariance);
      known_ = true;
      known_weakness_ = 0;
    }
    return expected_;
  }

  const Gain& gain_of(uint32_t weakness) noexcept {
    if (weakness != known_weakness_) {
      known_weakness_ = weakness;
      gain_ = arithmetic_.gain(expected_, weakness);
    }
    return gain_;
  }

  const KalmanPlan& plan_;
  A arithmetic_;
  bool known_ = false;
  uint32_t known_weakness_ = 0;  // 0: the gain is not known
  Covariance before_ = {};
  Covariance expected_ = {};
  Gain gain_ = {};
};

}  // namespace posecore::detail
