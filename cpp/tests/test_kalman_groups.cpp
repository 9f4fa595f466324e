// The Kalman filter with AVX2 beside the filter without: the same bits.
#include <math.h>
#include <string.h>

#include "check.hpp"
#include "kalman_step.hpp"
#include "memory.hpp"

#if defined(POSECORE_HAS_AVX2)

using posecore::KalmanOptions;
using posecore::KalmanPlan;
using posecore::KeypointKind;
using posecore::MeasuredPoses;
using posecore::SmoothedPoses;
using posecore::Status;
using posecore::detail::FixedArithmetic;
using posecore::detail::Person;
using posecore::detail::PoseStep;
using posecore::detail::WideStep;

namespace {

constexpr int32_t kFrames = 600;
constexpr uint32_t kNominal = posecore::detail::kFrame;

struct Scene {
  bool scores;
  bool sizes;
  bool even;
  float missing;  // share of keypoints
  float spikes;
  float leap_px;  // of a spike
  float gate_sigmas;
  float size_px;
};

struct Run {
  explicit Run(int32_t keypoints) : xy(2 * kFrames * keypoints), kinds(kFrames * keypoints) {}
  Memory<float> xy;
  Memory<uint8_t> kinds;
  posecore::FilterCounters counters = {};
};

template <class Step>
void smooth(const KalmanPlan& plan, const MeasuredPoses& measured, const uint32_t* elapsed, Run* run) {
  const SmoothedPoses smoothed = {run->xy.data(), run->kinds.data()};
  const Memory<uint64_t> memory(person_bytes(plan) / 8);
  auto* person = reinterpret_cast<Person*>(memory.data());
  Step step(plan, measured, smoothed);
  for (int32_t t = 0; t < kFrames; ++t) {
    step(person, t, elapsed[t]);
  }
  run->counters = person->counters;
}

// How many keypoints were of each kind, in a run that both filters agree on.
void agree_on(const Scene& scene, int32_t keypoints, uint32_t seed, int64_t* kinds) {
  Numbers numbers(seed);
  const int32_t points = kFrames * keypoints;
  const Memory<float> xy(2 * points);
  const Memory<float> scores(points);
  const Memory<uint8_t> seen(points);
  const Memory<float> sizes(kFrames);
  const Memory<uint32_t> elapsed(kFrames);
  for (int32_t t = 0; t < kFrames; ++t) {
    elapsed[t] = t == 0 ? 0 : (scene.even ? kNominal : numbers.next() % (3 * kNominal));
    sizes[t] = scene.size_px * (1.0F + 0.8F * static_cast<float>(sin(t / 40.0)));
    for (int32_t k = 0; k < keypoints; ++k) {
      const int32_t i = t * keypoints + k;
      const bool spike = numbers.between(0, 1) < scene.spikes;
      xy[2 * i] = static_cast<float>(500 + 200 * sin(t / 30.0) + 3 * k) + numbers.between(-3, 3) +
                  (spike ? numbers.between(-scene.leap_px, scene.leap_px) : 0.0F);
      xy[2 * i + 1] = static_cast<float>(400 + 100 * sin(t / 9.0 + k)) + numbers.between(-3, 3);
      scores[i] = numbers.between(0.05F, 1.0F);
      seen[i] = numbers.between(0, 1) < scene.missing ? 0 : 1;
    }
  }
  KalmanOptions options;
  options.gate_sigmas = scene.gate_sigmas;
  KalmanPlan plan = {};
  CHECK(make_plan(options, keypoints, &plan) == Status::kOk);
  const MeasuredPoses measured = {xy.data(), scene.scores ? scores.data() : nullptr, seen.data(),
                                  scene.sizes ? sizes.data() : nullptr};
  Run plain(keypoints);
  Run wide(keypoints);
  smooth<PoseStep<FixedArithmetic, false>>(plan, measured, elapsed.data(), &plain);
  smooth<WideStep>(plan, measured, elapsed.data(), &wide);
  for (ptrdiff_t i = 0; i < 2 * points; ++i) {
    CHECK(posecore::detail::bits_of(plain.xy[i]) == posecore::detail::bits_of(wide.xy[i]));
  }
  for (ptrdiff_t i = 0; i < points; ++i) {
    CHECK(plain.kinds[i] == wide.kinds[i]);
    ++kinds[plain.kinds[i]];
  }
  CHECK(memcmp(&plain.counters, &wide.counters, sizeof plain.counters) == 0);
}

}  // namespace

TEST(groups_of_keypoints_are_what_each_is_alone) {
  if (!posecore::detail::has_avx2()) {
    return;
  }
  int64_t kinds[5] = {};
  uint32_t seed = 1;
  const Scene scenes[] = {
      {false, true, true, 0.0F, 0.0F, 0.0F, 10.0F, 300.0F},
      {true, true, true, 0.0F, 0.0F, 0.0F, 10.0F, 300.0F},
      {true, false, true, 0.01F, 0.01F, 200.0F, 10.0F, 300.0F},
      {true, true, false, 0.01F, 0.01F, 900.0F, 6.0F, 100.0F},
      {false, false, true, 0.0F, 0.002F, 90.0F, 10.0F, 300.0F},
      {true, true, true, 0.3F, 0.0F, 0.0F, 0.0F, 2.0F},
      {true, true, true, 0.0F, 0.05F, 9000.0F, 1.0F, 20000.0F},
      {true, true, false, 0.0F, 0.05F, 60000.0F, 0.0F, 0.05F},
      {false, true, false, 0.0F, 0.01F, 5000.0F, 1000.0F, 50.0F},
      {true, true, true, 0.0F, 0.0F, 0.0F, 3.0F, 1e5F},
  };
  const int32_t counts[] = {1, 3, 4, 17, 18, 133};
  for (const Scene& scene : scenes) {
    for (const int32_t keypoints : counts) {
      agree_on(scene, keypoints, seed++, kinds);
    }
  }
  const KeypointKind wanted[] = {KeypointKind::kMeasured, KeypointKind::kCoasted, KeypointKind::kGated,
                                 KeypointKind::kRestarted};
  for (const KeypointKind kind : wanted) {
    CHECK(kinds[static_cast<uint8_t>(kind)] > 1000);
  }
}

namespace {

__attribute__((target("avx2"))) void four_reciprocals(const uint64_t* values, uint64_t* found) {
  const auto tops = posecore::detail::loaded<posecore::detail::Words>(values);
  posecore::detail::stored(posecore::detail::reciprocals(tops), found);
}

}  // namespace

TEST(four_reciprocals_are_the_quotients) {
  if (!posecore::detail::has_avx2()) {
    return;
  }
  Numbers numbers(6);
  for (int32_t i = 0; i < 100000; ++i) {
    uint64_t values[4] = {0x80000000U, 0x80000001U, 0xffffffffU, 0xfffffffeU};
    for (uint64_t& value : values) {
      value = i == 0 ? value : numbers.next() | 0x80000000U;
    }
    uint64_t found[4];
    four_reciprocals(values, found);
    for (int32_t lane = 0; lane < 4; ++lane) {
      CHECK(found[lane] == posecore::detail::reciprocal_by_steps(values[lane]));
    }
  }
  // Quotients next to whole numbers.
  for (uint64_t y = 0x80000000U; y < 0xffffffffU; y += 9973 * 64) {
    uint64_t values[4];
    for (uint64_t lane = 0; lane < 4; ++lane) {
      const uint64_t value = (uint64_t{1} << 63U) / y + lane - 1;
      values[lane] = value < 0x80000000U ? 0x80000000U : (value < 0xffffffffU ? value : 0xffffffffU);
    }
    uint64_t found[4];
    four_reciprocals(values, found);
    for (int32_t lane = 0; lane < 4; ++lane) {
      CHECK(found[lane] == posecore::detail::reciprocal_by_division(values[lane]));
    }
  }
}

#endif
