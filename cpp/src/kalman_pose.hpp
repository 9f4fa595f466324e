// One pose of one person through the Kalman filter, in either arithmetic: who is seen, who coasts, who begins again.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "kalman_fixed.hpp"
#include "kalman_group.hpp"
#include "kalman_memory.hpp"
#include "person.hpp"
#include "posecore/kalman.hpp"
#include "processor.hpp"

namespace posecore::detail {

// Wide: the machine has AVX2, and groups of keypoints go through it together.
template <class A, bool Wide>
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
    if (person->noise_size == 0) {
      scale_ = {0, person->exponent, kOne20};
    } else if (person->noise_size != scale_.size) {
      scale_ = scale_of(person->noise_size);
    }
    use_unit(person, m, scale_.exponent);
    if (arithmetic_.begin(elapsed, scale_)) {
      known_ = false;
    }
    const auto reach = expect(m, elapsed);
    if (person->steady != 0 && person->shared != 0 && seen.alike && elapsed <= longest(true) &&
        advance_together(m, reach)) {
      if (kinds != nullptr) {
        memset(kinds, static_cast<int>(KeypointKind::kMeasured), static_cast<size_t>(plan_.num_keypoints));
      }
      return;
    }
    for (int32_t i = 1; seen.alike && i < plan_.num_keypoints; ++i) {
      m.weakness[i] = m.weakness[0];
    }
    advance_each(person, m, reach, seen.alike, kinds);
  }

 private:
  [[nodiscard]] uint32_t longest(bool seen) const noexcept { return longest_age(plan_.coast_limit, plan_.pace, seen); }

  // The covariances by the unit of the size of now.
  void use_unit(Person* person, const Memory& m, int32_t exponent) noexcept {
    const int32_t halvings = person->exponent - exponent;
    person->exponent = exponent;
    if (halvings == 0) {
      return;
    }
    unshare(person, m);
    for (int32_t i = 0; i < plan_.num_keypoints; ++i) {
      Covariance covariance = m.covariance(i);
      if (m.phase[i] == Phase::kRunning && !A::rescale(&covariance, halvings)) {
        give_up(person, m, i);
      }
      m.set_covariance(i, covariance);
    }
  }

  POSECORE_SELDOM void unshare(Person* person, const Memory& m) noexcept {
    for (int32_t i = 1; person->shared != 0 && i < plan_.num_keypoints; ++i) {
      m.set_covariance(i, m.covariance(0));
    }
    person->shared = 0;
  }

  // Where everybody is expected, and whether somebody may be a spike.
  [[nodiscard]] typename A::Reach expect(const Memory& m, uint32_t elapsed) noexcept {
    if constexpr (Wide && A::kGroups) {
      if (elapsed == kFrame) {
        typename A::Reach reach = {};
        expect_groups(arithmetic_.frame(), m, &reach, &spikes_);
        return reach;
      }
    }
    const auto reach = arithmetic_.expect(m.coordinates, m.position, m.velocity, m.measured, m.at);
    spikes_ = arithmetic_.gates() && A::is_near(reach) &&
              arithmetic_.find_spikes(m.keypoints, m.measured, m.at, m.spread, m.distance);
    return reach;
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
    const Covariance& expected = expected_of(m.covariance(0));
    if (!A::in_range(expected)) {
      return false;
    }
    const Gain& gain = gain_of(m.weakness[0]);
    if (gain.saturated || !A::is_plain(reach, gain.velocity) || !A::is_near(reach)) {
      return false;
    }
    if (arithmetic_.gates()) {
      if (spikes_) {
        return false;
      }
      for (int32_t i = 0; !arithmetic_.is_open(gain, reach.most) && i < plan_.num_keypoints; ++i) {
        if (arithmetic_.is_gated(gain, m.measured + 2 * i, m.at + 2 * i)) {
          return false;
        }
      }
    }
    m.set_covariance(0, gain.after);
    if constexpr (Wide && A::kGroups) {
      if (arithmetic_.elapsed() == kFrame) {
        move_together(arithmetic_.frame(), m, gain.position, gain.velocity);
        return true;
      }
    }
    if (arithmetic_.gates()) {
      arithmetic_.follow_all(m.keypoints, m.distance, m.spread);
    }
    A::update_all(m.coordinates, gain.position, gain.velocity, m.measured, m.at, m.position, m.velocity);
    return true;
  }

  void advance_each(Person* person, const Memory& m, const typename A::Reach& reach, bool alike,
                    uint8_t* kinds) noexcept {
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
    steady_ = true;
    known_weakness_ = 0;
    if constexpr (Wide && A::kGroups) {
      if (A::is_near(reach) && arithmetic_.fits_groups() && arithmetic_.elapsed() <= longest(true)) {
        advance_groups(person, m, reach, kinds);
      } else {
        advance_some(person, m, reach, 0, keypoints, kinds);
      }
    } else {
      advance_some(person, m, reach, 0, keypoints, kinds);
    }
    person->steady = steady_ ? 1 : 0;
    person->shared = steady_ && alike && all_covariances_equal(m) ? 1 : 0;
  }

  // Groups of keypoints that are measured as in the last frame, and one by one those of the others.
  void advance_groups(Person* person, const Memory& m, const typename A::Reach& reach, uint8_t* kinds) noexcept {
    const int32_t keypoints = plan_.num_keypoints;
    fill_room(m);
    if (kinds != nullptr) {
      memset(kinds, static_cast<int>(KeypointKind::kMeasured), static_cast<size_t>(keypoints));
    }
    const auto frame = arithmetic_.frame();
    for (int32_t i = 0; i < keypoints; i += kGroup) {
      i = update_groups(frame, m, i, keypoints);
      if (i < keypoints) {
        advance_some(person, m, reach, i, i + kGroup < keypoints ? i + kGroup : keypoints, kinds);
      }
    }
  }

  // One by one.
  POSECORE_SELDOM void advance_some(Person* person, const Memory& m, const typename A::Reach& reach, int32_t first,
                                    int32_t end, uint8_t* kinds) noexcept {
    typename A::Factor most_gain = 0;
    // Locals, and not one object: what is stored in parts and read as a whole waits for the memory.
    Covariance before = {};
    Covariance expected = {};
    Gain gain = {};
    uint32_t known_weakness = 0;
    bool known = false;
    for (int32_t i = first; i < end; ++i) {
      const uint32_t weakness = m.weakness[i];
      if (m.phase[i] == Phase::kRunning) {
        const Covariance covariance = m.covariance(i);
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
      steady_ = steady_ && (measured || kind == KeypointKind::kRestarted);
      if (kinds != nullptr) {
        kinds[i] = static_cast<uint8_t>(kind);
      }
    }
    const int32_t at = 2 * first;
    // Coordinates of nobody up to a multiple of 4 have a gain of 0, or are never looked at.
    const int32_t coordinates = 2 * (end - first + (end - first) % 2);
    if (A::is_plain(reach, most_gain)) {
      A::update_all(coordinates, m.position_gain + at, m.velocity_gain + at, m.measured + at, m.at + at,
                    m.position + at, m.velocity + at);
      return;
    }
    for (int32_t i = at; i < 2 * end; ++i) {
      const bool fits =
          A::update_one(m.position_gain[i], m.velocity_gain[i], m.measured[i], m.at[i], &m.position[i], &m.velocity[i]);
      person->counters.saturations += fits ? 0 : 1;
    }
  }

  // Somebody who stands still, in the place of keypoints that are nobody's.
  void fill_room(const Memory& m) const noexcept {
    const int32_t room = Memory::room(plan_.num_keypoints);
    if (room == plan_.num_keypoints || m.phase[room - 1] == Phase::kRunning) {
      return;
    }
    for (int32_t i = plan_.num_keypoints; i < room; ++i) {
      m.phase[i] = Phase::kRunning;
      m.weakness[i] = kOne20;
      m.set_covariance(i, arithmetic_.start(kOne20));
      m.spread[i] = 0;
    }
  }

  [[nodiscard]] bool all_covariances_equal(const Memory& m) const noexcept {
    bool equal = true;
    for (int32_t i = 1; equal && i < plan_.num_keypoints; ++i) {
      equal = m.covariance(i) == m.covariance(0);
    }
    return equal;
  }

  KeypointKind begin_again(Person* person, const Memory& m, int32_t i) const noexcept {
    person->counters.restarts += m.phase[i] == Phase::kNever ? 0 : 1;
    m.phase[i] = Phase::kRunning;
    m.age[i] = 0;
    m.gated[i] = 0;
    m.set_covariance(i, arithmetic_.start(m.weakness[i]));
    m.spread[i] = arithmetic_.first_spread();
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
      m.set_covariance(i, expected);
      ++person->counters.coasted;
      return KeypointKind::kCoasted;
    }
    const bool far = arithmetic_.is_gated(gain, m.measured + 2 * i, m.at + 2 * i);
    if (far && m.gated[i] >= plan_.options.gated_before_restart) {
      return begin_again(person, m, i);
    }
    if (far || is_spike(m, i)) {
      // A spike says nothing, not even that less is known: else the next frame would count for more.
      m.set_covariance(i, far ? expected : m.covariance(i));
      ++m.gated[i];
      ++person->counters.gated;
      return KeypointKind::kGated;
    }
    person->counters.saturations += gain.saturated ? 1 : 0;
    m.set_covariance(i, gain.after);
    m.age[i] = 0;
    m.gated[i] = 0;
    return KeypointKind::kMeasured;
  }

  // Whether a calm keypoint is suddenly elsewhere, for the first frame; its spread follows what is seen.
  [[nodiscard]] bool is_spike(const Memory& m, int32_t i) const noexcept {
    if (!arithmetic_.gates()) {
      return false;
    }
    const auto distance = A::distance(m.measured + 2 * i, m.at + 2 * i);
    const auto limit = arithmetic_.spike_limit(m.spread[i], m.age[i]);
    m.spread[i] = A::followed(m.spread[i], distance, limit);
    if (distance <= limit) {
      return false;
    }
    if (m.gated[i] != 0) {
      m.spread[i] = distance > m.spread[i] ? distance : m.spread[i];  // it moves
    }
    return m.gated[i] == 0;
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
  Scale scale_ = {};
  bool steady_ = true;
  bool spikes_ = false;
  bool known_ = false;
  uint32_t known_weakness_ = 0;  // 0: the gain is not known
  Covariance before_ = {};
  Covariance expected_ = {};
  Gain gain_ = {};
};

}  // namespace posecore::detail
