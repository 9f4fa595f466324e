// The Kalman filter in C++: options, every Status, one interface for both arithmetics, integers, ranges.
#include "posecore/kalman.hpp"

#include <math.h>

#include "check.hpp"
#include "kalman_fixed.hpp"
#include "memory.hpp"

using posecore::Arithmetic;
using posecore::FixedMeasurement;
using posecore::FixedPoint;
using posecore::KalmanOptions;
using posecore::KalmanPlan;
using posecore::KeypointKind;
using posecore::MeasuredPoses;
using posecore::Motion;
using posecore::SmoothedPoses;
using posecore::Status;

namespace {

constexpr int32_t kFrames = 200;
constexpr int32_t kKeypoints = 5;
constexpr int32_t kPoints = kFrames * kKeypoints;
constexpr Arithmetic kBoth[] = {Arithmetic::kFixed, Arithmetic::kFloat};

KalmanPlan plan_of(const KalmanOptions& options = {}, int32_t keypoints = kKeypoints) {
  KalmanPlan plan = {};
  CHECK(make_plan(options, keypoints, &plan) == Status::kOk);
  return plan;
}

KalmanOptions with(Arithmetic arithmetic) {
  KalmanOptions options;
  options.arithmetic = arithmetic;
  return options;
}

// Somebody who moves in circles; keypoints with noise of about a pixel.
struct Track {
  explicit Track(uint32_t seed) : xy(2 * kPoints) {
    Numbers numbers(seed);
    for (int32_t t = 0; t < kFrames; ++t) {
      for (int32_t k = 0; k < kKeypoints; ++k) {
        const double turn = t / 30.0 + seed;
        const ptrdiff_t at = 2 * (t * kKeypoints + k);
        xy[at] = static_cast<float>(300 + 20 * k + 100 * cos(turn)) + numbers.between(-1, 1);
        xy[at + 1] = static_cast<float>(300 + 40 * k + 100 * sin(turn)) + numbers.between(-1, 1);
      }
    }
  }
  Memory<float> xy;
};

Status refused(KalmanOptions options, int32_t keypoints = kKeypoints) {
  KalmanPlan plan = {};
  return make_plan(options, keypoints, &plan);
}

template <class T>
Status refused_with(T KalmanOptions::* option, T value) {
  KalmanOptions options;
  options.*option = value;
  return refused(options);
}

}  // namespace

TEST(kalman_options_outside_of_their_range_are_refused) {
  CHECK(refused({}) == Status::kOk);
  CHECK(make_plan(KalmanOptions{}, kKeypoints, nullptr) == Status::kNullPointer);
  CHECK(refused({}, 0) == Status::kBadOptions);
  CHECK(refused({}, posecore::kMaxSmoothedKeypoints + 1) == Status::kBadOptions);
  const float bad[] = {-1.0F, 0.0F, 1e12F, NAN, INFINITY};
  for (const float value : bad) {
    CHECK(refused_with(&KalmanOptions::fps, value) == Status::kBadOptions);
    CHECK(refused_with(&KalmanOptions::noise, value) == Status::kBadOptions);
    CHECK(refused_with(&KalmanOptions::least_score, value) == Status::kBadOptions);
    CHECK(refused_with(&KalmanOptions::acceleration, value) == Status::kBadOptions);
    CHECK(refused_with(&KalmanOptions::hold_s, value) == Status::kBadOptions);
    CHECK(refused_with(&KalmanOptions::speed, value) == Status::kBadOptions);
    CHECK((refused_with(&KalmanOptions::gate_sigmas, value) == Status::kBadOptions) == (value != 0.0F));
  }
  CHECK(refused_with(&KalmanOptions::gate_sigmas, 0.5F) == Status::kBadOptions);
  CHECK(refused_with(&KalmanOptions::gated_before_restart, -1) == Status::kBadOptions);
  CHECK(refused_with(&KalmanOptions::gated_before_restart, 101) == Status::kBadOptions);
  CHECK(refused_with(&KalmanOptions::max_coast_frames, -1) == Status::kBadOptions);
  CHECK(refused_with(&KalmanOptions::max_coast_frames, 241) == Status::kBadOptions);
  CHECK(refused_with(&KalmanOptions::motion, static_cast<Motion>(2)) == Status::kBadOptions);
  CHECK(refused_with(&KalmanOptions::arithmetic, static_cast<Arithmetic>(2)) == Status::kBadOptions);
  // Each in its range, and not together.
  CHECK(refused_with(&KalmanOptions::acceleration, 1e4F) == Status::kBadOptions);
  CHECK(refused_with(&KalmanOptions::acceleration, 1e-4F) == Status::kBadOptions);
  CHECK(refused_with(&KalmanOptions::speed, 1e4F) == Status::kBadOptions);
  CHECK(refused_with(&KalmanOptions::speed, 1e-5F) == Status::kBadOptions);
}

TEST(kalman_calls_say_what_is_wrong_and_change_nothing) {
  const Track track(1);
  const Memory<float> out(2 * kPoints);
  for (const Arithmetic arithmetic : kBoth) {
    const KalmanPlan plan = plan_of(with(arithmetic));
    const size_t bytes = person_bytes(plan);
    const Memory<uint64_t> person(bytes / 8);
    const MeasuredPoses measured = {track.xy.data(), nullptr, nullptr, nullptr};
    const SmoothedPoses smoothed = {out.data(), nullptr};
    const auto run = [&](int32_t frames, const double* times_s) {
      return smooth_track(plan, measured, frames, times_s, person.data(), bytes, smoothed);
    };
    CHECK(bytes % 8 == 0);
    CHECK(smooth_track(plan, {}, 1, nullptr, person.data(), bytes, smoothed) == Status::kNullPointer);
    CHECK(smooth_track(plan, measured, 1, nullptr, nullptr, bytes, smoothed) == Status::kNullPointer);
    CHECK(smooth_track(plan, measured, 1, nullptr, person.data(), bytes, {}) == Status::kNullPointer);
    CHECK(smooth_track(plan, measured, 1, nullptr, person.data(), bytes - 1, smoothed) == Status::kWorkspaceTooSmall);
    auto* odd = reinterpret_cast<uint8_t*>(person.data()) + 1;
    CHECK(smooth_track(plan, measured, 1, nullptr, odd, bytes, smoothed) == Status::kMisaligned);
    CHECK(run(-1, nullptr) == Status::kBadOptions);
    const double bad_times[][3] = {{0, 2, 1}, {0, NAN, 1}, {0, 1, INFINITY}, {-2e10, 0, 1}};
    for (const auto& times_s : bad_times) {
      CHECK(run(3, times_s) == Status::kBadTimes);
    }
    for (size_t i = 0; i < person.count(); ++i) {
      CHECK(person.data()[i] == 0);
    }
    const double now = 5;
    const double before = 4;
    CHECK(run(1, &now) == Status::kOk);
    CHECK(run(1, &before) == Status::kBadTimes);
    CHECK(run(1, nullptr) == Status::kOk);
    CHECK(run(0, nullptr) == Status::kOk);
    const auto people = [&](int32_t count, const double* time_s, int32_t room, const int32_t* slots) {
      return smooth_people(plan, measured, count, time_s, person.data(), room, bytes, slots, smoothed);
    };
    const int32_t outside[] = {1};
    const int32_t negative[] = {-1};
    const double never = NAN;
    CHECK(people(1, &before, 1, nullptr) == Status::kBadTimes);
    CHECK(people(1, &never, 1, nullptr) == Status::kBadTimes);
    CHECK(people(1, nullptr, 2, nullptr) == Status::kWorkspaceTooSmall);
    CHECK(people(2, nullptr, 1, nullptr) == Status::kWorkspaceTooSmall);
    CHECK(people(1, nullptr, 1, outside) == Status::kWorkspaceTooSmall);
    CHECK(people(1, nullptr, 1, negative) == Status::kWorkspaceTooSmall);
    CHECK(people(1, nullptr, 1, nullptr) == Status::kOk);
  }
}

TEST(integers_say_what_is_wrong) {
  const KalmanPlan plan = plan_of();
  const size_t bytes = person_bytes(plan);
  const Memory<uint64_t> person(bytes / 8);
  const Memory<FixedMeasurement> measured(kKeypoints);
  const Memory<FixedPoint> out(kKeypoints);
  const auto run = [&](const KalmanPlan& with_plan, const FixedMeasurement* in, void* memory, size_t size,
                       FixedPoint* to) { return smooth_fixed(with_plan, in, 65536, 0, memory, size, to, nullptr); };
  CHECK(run(plan, measured.data(), person.data(), bytes, out.data()) == Status::kOk);
  CHECK(run(plan, nullptr, person.data(), bytes, out.data()) == Status::kNullPointer);
  CHECK(run(plan, measured.data(), nullptr, bytes, out.data()) == Status::kNullPointer);
  CHECK(run(plan, measured.data(), person.data(), bytes, nullptr) == Status::kNullPointer);
  CHECK(run(plan, measured.data(), person.data(), bytes - 8, out.data()) == Status::kWorkspaceTooSmall);
  CHECK(run(plan, measured.data(), reinterpret_cast<uint8_t*>(person.data()) + 4, bytes, out.data()) ==
        Status::kMisaligned);
  CHECK(run(plan_of(with(Arithmetic::kFloat)), measured.data(), person.data(), bytes, out.data()) ==
        Status::kBadOptions);
}

TEST(a_track_in_parts_is_the_track) {
  const Track track(2);
  for (const Arithmetic arithmetic : kBoth) {
    const KalmanPlan plan = plan_of(with(arithmetic));
    const size_t bytes = person_bytes(plan);
    const Memory<uint64_t> whole(bytes / 8);
    const Memory<uint64_t> parts(bytes / 8);
    const Memory<float> wanted(2 * kPoints);
    const Memory<float> found(2 * kPoints);
    CHECK(smooth_track(plan, {track.xy.data()}, kFrames, nullptr, whole.data(), bytes, {wanted.data()}) == Status::kOk);
    for (int32_t t = 0; t < kFrames; t += 50) {
      const ptrdiff_t at = 2 * t * kKeypoints;
      CHECK(smooth_track(plan, {track.xy.data() + at}, 50, nullptr, parts.data(), bytes, {found.data() + at}) ==
            Status::kOk);
    }
    for (ptrdiff_t i = 0; i < 2 * kPoints; ++i) {
      CHECK(found[i] == wanted[i]);
    }
  }
}

TEST(fixed_point_and_floats_agree) {
  const Track track(3);
  const Memory<float> out[2] = {Memory<float>(2 * kPoints), Memory<float>(2 * kPoints)};
  for (int32_t i = 0; i < 2; ++i) {
    const KalmanPlan plan = plan_of(with(kBoth[i]));
    const Memory<uint64_t> person(person_bytes(plan) / 8);
    CHECK(smooth_track(plan, {track.xy.data()}, kFrames, nullptr, person.data(), person_bytes(plan), {out[i].data()}) ==
          Status::kOk);
    const posecore::FilterCounters n = counters(plan, person.data());
    CHECK(n.saturations == 0 && n.gated == 0 && n.coasted == 0 && n.restarts == 0);
  }
  for (ptrdiff_t i = 0; i < 2 * kPoints; ++i) {
    CHECK_NEAR(out[0][i], out[1][i], 1e-3);
  }
}

TEST(frames_that_are_not_even_may_be_of_any_length) {
  const Track track(4);
  const KalmanPlan plan = plan_of();
  const Memory<uint64_t> person(person_bytes(plan) / 8);
  const Memory<FixedMeasurement> measured(kKeypoints);
  const Memory<FixedPoint> out(kKeypoints);
  const Memory<uint8_t> kinds(kKeypoints);
  const uint32_t lengths[] = {0, 1, 65535, 65536, 262144, 262145, 65536 * 31, 65536 * 40, UINT32_MAX, 65536};
  int32_t restarted = 0;
  for (int32_t t = 0; t < 10; ++t) {
    for (int32_t k = 0; k < kKeypoints; ++k) {
      const float* at = track.xy.data() + 2 * (t * kKeypoints + k);
      measured[k] = {{static_cast<int32_t>(at[0] * 65536.0F), static_cast<int32_t>(at[1] * 65536.0F)}, 1U << 20U};
    }
    CHECK(smooth_fixed(plan, measured.data(), lengths[t], 200U << 16U, person.data(), person_bytes(plan), out.data(),
                       kinds.data()) == Status::kOk);
    restarted += kinds[0] == static_cast<uint8_t>(KeypointKind::kRestarted) ? 1 : 0;
    CHECK(t < 7 || t == 9 || kinds[0] == static_cast<uint8_t>(KeypointKind::kRestarted));
  }
  CHECK(restarted == 3);
}

TEST(integers_of_any_value_are_taken) {
  Numbers numbers(5);
  KalmanOptions options;
  const float gates[] = {0.0F, 6.0F};
  for (const float gate : gates) {
    options.gate_sigmas = gate;
    const KalmanPlan plan = plan_of(options);
    const Memory<uint64_t> person(person_bytes(plan) / 8);
    const Memory<FixedMeasurement> measured(kKeypoints);
    const Memory<FixedPoint> out(kKeypoints);
    const Memory<uint8_t> kinds(kKeypoints);
    for (int32_t t = 0; t < 3000; ++t) {
      for (int32_t k = 0; k < kKeypoints; ++k) {
        const auto x = static_cast<int32_t>(numbers.next());
        const uint32_t extreme = numbers.next() % 4;
        measured[k].at = {extreme == 0 ? INT32_MAX : (extreme == 1 ? INT32_MIN : x),
                          static_cast<int32_t>(numbers.next())};
        measured[k].weakness = numbers.next() % 3 == 0 ? 0 : numbers.next();
      }
      CHECK(smooth_fixed(plan, measured.data(), numbers.next() >> (numbers.next() % 32U), numbers.next(), person.data(),
                         person_bytes(plan), out.data(), kinds.data()) == Status::kOk);
      for (int32_t k = 0; k < kKeypoints; ++k) {
        CHECK(kinds[k] <= static_cast<uint8_t>(KeypointKind::kRestarted));
        CHECK((kinds[k] == static_cast<uint8_t>(KeypointKind::kMeasured) ||
               kinds[k] == static_cast<uint8_t>(KeypointKind::kRestarted)) <= (measured[k].weakness != 0));
      }
    }
    CHECK(counters(plan, person.data()).saturations > 0);
  }
}

TEST(both_reciprocals_are_the_quotient) {
  Numbers numbers(6);
  constexpr uint64_t kTop = uint64_t{1} << 63U;
  for (int32_t i = 0; i < 200000; ++i) {
    const uint64_t edges[] = {0x80000000U, 0x80000001U, 0xffffffffU, 0xfffffffeU};
    const uint64_t value = i < 4 ? edges[i] : (numbers.next() | 0x80000000U);
    const uint64_t quotient = kTop / value;
    const uint64_t wanted = quotient < 0xffffffffU ? quotient : 0xffffffffU;
    CHECK(posecore::detail::reciprocal_by_division(value) == wanted);
    CHECK(posecore::detail::reciprocal_by_steps(value) == wanted);
  }
}

TEST(roots_from_chords_are_below_and_near) {
  Numbers numbers(7);
  for (int32_t i = 0; i < 20000; ++i) {
    const uint64_t value = ((static_cast<uint64_t>(numbers.next()) << 32U) | numbers.next()) >> (numbers.next() % 64U);
    const uint64_t held = value < (uint64_t{1} << 60U) ? value : (uint64_t{1} << 60U);
    const uint64_t root = posecore::detail::square_root_below(value);
    CHECK(root * root <= held);
    CHECK((root + 2) * (root + 2) * 9 >= held * 8);
  }
  CHECK(posecore::detail::square_root_below(0) == 0);
}

TEST(scaling_holds_at_the_limit) {
  using posecore::detail::kCovarianceLimit;
  using posecore::detail::scaled;
  CHECK(scaled(7, 3, 1) == 11);
  CHECK(scaled(uint64_t{1} << 40U, 1U << 16U, 16) == uint64_t{1} << 40U);
  CHECK(scaled(kCovarianceLimit, 1U << 31U, 32) == (uint64_t{1} << 62U));
  CHECK(scaled(kCovarianceLimit, 0xffffffffU, 1) == kCovarianceLimit);
  CHECK(scaled(kCovarianceLimit, 65537, 16) == kCovarianceLimit);
  CHECK(scaled(0, 0xffffffffU, 20) == 0);
}
