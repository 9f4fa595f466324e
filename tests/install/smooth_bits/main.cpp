// The filters over a long made-up run; a line a filter with a hash of every bit that came out, and its counters. The
// same lines are wanted from every machine, and from Python: tests/install/test_smooth_bits.py makes the same run.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "posecore/kalman.hpp"
#include "posecore/one_euro.hpp"

namespace {

constexpr int32_t kFrames = 4000;
constexpr int32_t kKeypoints = 17;
constexpr int32_t kPoints = kFrames * kKeypoints;

float xy[2 * kPoints];
float scores[kPoints];
uint8_t seen[kPoints];
double times_s[kFrames];
float smoothed[2 * kPoints];
uint8_t kinds[kPoints];
uint64_t person[1024];

uint32_t mixed(uint32_t value) {
  value = (value ^ (value >> 16U)) * 0x85ebca6bU;
  value = (value ^ (value >> 13U)) * 0xc2b2ae35U;
  return value ^ (value >> 16U);
}

// Every number here is exact in float32 and in double.
void make_run() {
  for (uint32_t t = 0; t < kFrames; ++t) {
    times_s[t] = (static_cast<double>(t) + static_cast<double>(mixed(t) & 3U) / 8.0) / 32.0;
    for (uint32_t k = 0; k < kKeypoints; ++k) {
      const uint32_t i = t * kKeypoints + k;
      for (uint32_t axis = 0; axis < 2; ++axis) {
        const uint32_t path = (t * (3 + k + axis)) % 1500U;
        xy[2 * i + axis] = static_cast<float>(path) + static_cast<float>(mixed(2 * i + axis) >> 23U) / 64.0F;
      }
      scores[i] = static_cast<float>(mixed(i ^ 0x9e3779b9U) >> 24U) / 256.0F;
      seen[i] = (mixed((t >> 4U) * 31U + k) & 7U) != 0 ? 1 : 0;
    }
  }
}

// Words times powers of an odd number.
struct Hash {
  void add(uint32_t word) {
    power *= 0x9e3779b97f4a7c15U;
    sum += power * (static_cast<uint64_t>(word) + 1);
  }
  uint64_t sum = 0;
  uint64_t power = 1;
};

template <class Options, class Plan>
void run(const char* name, const Options& options, Plan plan) {
  memset(person, 0, sizeof person);
  if (make_plan(options, kKeypoints, &plan) != posecore::Status::kOk || person_bytes(plan) > sizeof person ||
      smooth_track(plan, {xy, scores, seen, nullptr}, kFrames, times_s, person, sizeof person, {smoothed, kinds}) !=
          posecore::Status::kOk) {
    exit(1);
  }
  Hash hash;
  for (const float& value : smoothed) {
    uint32_t word = 0;
    memcpy(&word, &value, sizeof word);
    hash.add(word);
  }
  for (const uint8_t kind : kinds) {
    hash.add(kind);
  }
  const posecore::FilterCounters n = counters(plan, person);
  printf("%s %016llx %lld %lld %lld %lld\n", name, static_cast<unsigned long long>(hash.sum),
         static_cast<long long>(n.saturations), static_cast<long long>(n.gated), static_cast<long long>(n.coasted),
         static_cast<long long>(n.restarts));
}

}  // namespace

int main() {
  make_run();
  posecore::KalmanOptions options;
  options.gate_sigmas = 6;  // narrow, so that gates and restarts are among the bits
  options.fps = 32.0F;
  run("fixed", options, posecore::KalmanPlan{});
  options.arithmetic = posecore::Arithmetic::kFloat;
  run("float", options, posecore::KalmanPlan{});
  options.motion = posecore::Motion::kConstantPosition;
  run("float-constant-position", options, posecore::KalmanPlan{});
  options.arithmetic = posecore::Arithmetic::kFixed;
  run("fixed-constant-position", options, posecore::KalmanPlan{});
  posecore::OneEuroOptions one_euro;
  one_euro.fps = 32.0F;
  run("one-euro", one_euro, posecore::OneEuroPlan{});
  return 0;
}
