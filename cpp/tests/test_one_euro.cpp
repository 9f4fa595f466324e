// The one-euro filter in C++: options, every Status, in place.
#include "posecore/one_euro.hpp"

#include <math.h>

#include "check.hpp"
#include "memory.hpp"

using posecore::OneEuroOptions;
using posecore::OneEuroPlan;
using posecore::Status;

namespace {

template <class T>
Status refused(T OneEuroOptions::* option, T value) {
  OneEuroOptions options;
  options.*option = value;
  OneEuroPlan plan = {};
  return make_plan(options, 1, &plan);
}

}  // namespace

TEST(one_euro_options_outside_of_their_range_are_refused) {
  OneEuroPlan plan = {};
  CHECK(make_plan(OneEuroOptions{}, 1, &plan) == Status::kOk);
  CHECK(make_plan(OneEuroOptions{}, 1, nullptr) == Status::kNullPointer);
  CHECK(make_plan(OneEuroOptions{}, 0, &plan) == Status::kBadOptions);
  CHECK(make_plan(OneEuroOptions{}, posecore::kMaxSmoothedKeypoints + 1, &plan) == Status::kBadOptions);
  const float bad[] = {-1.0F, 1e12F, NAN, INFINITY};
  for (const float value : bad) {
    CHECK(refused(&OneEuroOptions::fps, value) == Status::kBadOptions);
    CHECK(refused(&OneEuroOptions::min_cutoff_hz, value) == Status::kBadOptions);
    CHECK(refused(&OneEuroOptions::beta, value) == Status::kBadOptions);
    CHECK(refused(&OneEuroOptions::derivative_cutoff_hz, value) == Status::kBadOptions);
  }
  CHECK(refused(&OneEuroOptions::max_coast_frames, 241) == Status::kBadOptions);
  CHECK(refused(&OneEuroOptions::max_coast_frames, -1) == Status::kBadOptions);
}

TEST(one_euro_calls_say_what_is_wrong) {
  OneEuroPlan plan = {};
  CHECK(make_plan(OneEuroOptions{}, 2, &plan) == Status::kOk);
  const size_t bytes = person_bytes(plan);
  const Memory<uint64_t> person(bytes / 8);
  const Memory<float> xy(8);
  const double back[] = {1, 0};
  const auto run = [&](void* memory, size_t size, const double* times_s) {
    return smooth_track(plan, {xy.data()}, 2, times_s, memory, size, {xy.data()});
  };
  CHECK(run(nullptr, bytes, nullptr) == Status::kNullPointer);
  CHECK(run(person.data(), bytes - 8, nullptr) == Status::kWorkspaceTooSmall);
  CHECK(run(person.data(), bytes, back) == Status::kBadTimes);
  CHECK(run(reinterpret_cast<uint8_t*>(person.data()) + 4, bytes, nullptr) == Status::kMisaligned);
  CHECK(run(person.data(), bytes, nullptr) == Status::kOk);
  CHECK(smooth_people(plan, {xy.data()}, 2, nullptr, person.data(), 1, bytes, nullptr, {xy.data()}) ==
        Status::kWorkspaceTooSmall);
}

TEST(somebody_who_stands_still_trembles_less) {
  OneEuroPlan plan = {};
  CHECK(make_plan(OneEuroOptions{}, 1, &plan) == Status::kOk);
  const Memory<uint64_t> person(person_bytes(plan) / 8);
  Numbers numbers(1);
  double before = 0;
  double after = 0;
  const float size = 100.0F;
  for (int32_t t = 0; t < 300; ++t) {
    float xy[2] = {50.0F + numbers.between(-1, 1), 50.0F + numbers.between(-1, 1)};
    before += fabs(static_cast<double>(xy[0]) - 50.0);
    CHECK(smooth_track(plan, {xy, nullptr, nullptr, &size}, 1, nullptr, person.data(), person_bytes(plan), {xy}) ==
          Status::kOk);
    after += fabs(static_cast<double>(xy[0]) - 50.0);
  }
  CHECK(after < 0.6 * before);
}
