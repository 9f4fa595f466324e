// Nothing allocates after the plan is made.
#include <stddef.h>
#include <stdlib.h>

#include "check.hpp"
#include "crowd.hpp"
#include "decoding.hpp"
#include "posecore/input.hpp"
#include "posecore/kalman.hpp"
#include "posecore/masks.hpp"
#include "posecore/one_euro.hpp"
#include "posecore/swaps.hpp"
#include "posecore/tfjs.hpp"
#include "synthetic.hpp"
#include "tracking.hpp"

#ifdef POSECORE_COUNT_ALLOCATIONS
namespace {
// Of this thread. volatile, since an optimiser knows that malloc changes nobody's variables.
thread_local volatile int32_t heap_calls = 0;
}  // namespace

// The linker sends every call to the heap here (--wrap).
extern "C" {
// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming)
void* __real_malloc(size_t bytes);
void* __real_calloc(size_t count, size_t bytes);
void* __real_realloc(void* memory, size_t bytes);
void __real_free(void* memory);
void* __wrap_malloc(size_t bytes) {
  heap_calls = heap_calls + 1;
  return __real_malloc(bytes);
}
void* __wrap_calloc(size_t count, size_t bytes) {
  heap_calls = heap_calls + 1;
  return __real_calloc(count, bytes);
}
void* __wrap_realloc(void* memory, size_t bytes) {
  heap_calls = heap_calls + 1;
  return __real_realloc(memory, bytes);
}
void __wrap_free(void* memory) {
  heap_calls = heap_calls + 1;
  __real_free(memory);
}
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)
}

TEST(the_counter_counts) {
  const int32_t before = heap_calls;
  void* volatile memory = malloc(8);
  free(memory);
  CHECK(heap_calls == before + 2);
}

TEST(tfjs_and_masks_do_not_touch_the_heap) {
  const Person people[] = {standing(70, 30, 5), standing(230, 40, 4)};
  const SyntheticHeads<uint8_t> synthetic(23, 31, people, 2);
  Multi multi(posecore::kCoco17, posecore::kTfjsOptions, 23, 31);
  Poses poses(5, 17);
  const Memory<uint64_t> room(posecore::tfjs_workspace_bytes(multi.plan(), 23, 31) / sizeof(uint64_t) + 1);
  const Memory<int32_t> owners(23 * 31);
  const posecore::Heads heads = synthetic.heads();
  const int32_t before = heap_calls;
  CHECK(posecore::decode_tfjs(multi.plan(), heads, room.data(), room.bytes(), &poses.sink) == posecore::Status::kOk);
  CHECK(poses.sink.count == 2);
  CHECK(posecore::instance_masks({heads.short_offsets, {}}, {poses.sink.xy, 2, {}}, {}, room.data(), room.bytes(),
                                 {owners.data(), 23, 31, nullptr}) == posecore::Status::kOk);
  CHECK(heap_calls == before);
}

TEST(decoding_does_not_touch_the_heap) {
  const Person people[] = {standing(70, 30, 5), standing(230, 40, 4)};
  const SyntheticHeads<float> real(23, 31, people, 2);
  const SyntheticHeads<uint8_t> bytes(23, 31, people, 2);
  const SyntheticHeads<int8_t> with_sign(23, 31, people, 2, Arrangement::kChw);
  Multi multi(posecore::kCoco17, {}, 23, 31);
  Poses poses(20, 17);
  const Memory<uint8_t> picture(300);
  const Memory<float> tensor(300);
  const posecore::Heads all[] = {real.heads(), bytes.heads(), with_sign.heads()};
  const int32_t before = heap_calls;
  for (const posecore::Heads& heads : all) {
    CHECK(multi.decode(heads, &poses) == posecore::Status::kOk);
    CHECK(poses.sink.count == 2);
    CHECK(posecore::decode_single(heads, kStride, &poses.sink) == posecore::Status::kOk);
    CHECK(posecore::decode_heatmaps(heads.heatmaps, heads.scores, {16.0F, posecore::Refinement::kTaylor, 2.0F},
                                    &poses.sink) == posecore::Status::kOk);
  }
  CHECK(posecore::write_input({picture.data(), 10, 10, 30}, {10, 10}, 1.0F, 0.0F, tensor.data()) ==
        posecore::Status::kOk);
  CHECK(heap_calls == before);
}

TEST(oks_does_not_touch_the_heap) {
  const Crowd<double> doubles(21, 9, 17, 4);
  const Crowd<float> floats(21, 9, 300, 4);
  const int32_t before = heap_calls;
  CHECK(doubles.run() == posecore::Status::kOk);
  CHECK(floats.run() == posecore::Status::kOk);
  CHECK(heap_calls == before);
}

namespace {

template <class Options, class Plan>
void check_smoothing(const Options& options, Plan plan) {
  const Memory<float> xy(340);
  for (ptrdiff_t i = 0; i < 340; ++i) {
    xy[i] = static_cast<float>(i % 97);
  }
  CHECK(make_plan(options, 17, &plan) == posecore::Status::kOk);
  const Memory<uint64_t> people(person_bytes(plan) / 4);
  const int32_t before = heap_calls;
  CHECK(make_plan(options, 17, &plan) == posecore::Status::kOk);
  CHECK(smooth_track(plan, {xy.data()}, 10, nullptr, people.data(), people.bytes(), {xy.data()}) ==
        posecore::Status::kOk);
  CHECK(smooth_people(plan, {xy.data()}, 2, nullptr, people.data(), 2, people.bytes(), nullptr, {xy.data()}) ==
        posecore::Status::kOk);
  CHECK(heap_calls == before);
}

}  // namespace

TEST(smoothing_does_not_touch_the_heap) {
  posecore::KalmanOptions options;
  check_smoothing(options, posecore::KalmanPlan{});
  options.arithmetic = posecore::Arithmetic::kFloat;
  check_smoothing(options, posecore::KalmanPlan{});
  check_smoothing(posecore::OneEuroOptions{}, posecore::OneEuroPlan{});
}

TEST(tracking_does_not_touch_the_heap) {
  const TestTracker tracker({});
  const Memory<double> plan_memory(posecore::swap_plan_bytes(kPerson) / sizeof(double) + 1);
  posecore::SwapPlan plan = {};
  CHECK(posecore::make_plan(kPerson, posecore::SwapOptions{}, plan_memory.data(), plan_memory.bytes(), &plan) ==
        posecore::Status::kOk);
  const Memory<uint64_t> workspace(posecore::workspace_bytes(plan) / sizeof(uint64_t) + 1);
  CHECK(posecore::start_swaps(plan, workspace.data(), workspace.bytes()) == posecore::Status::kOk);
  StandingPeople crowd(20);
  posecore::SwapCounts counts;
  const int32_t before = heap_calls;
  for (int32_t frame = 0; frame < 40; ++frame) {
    crowd.clear();
    for (int32_t n = frame % 3; n < 20; ++n) {
      crowd.add(static_cast<float>(60 * n + 5 * frame), 100);
    }
    CHECK(tracker.update(crowd, frame / 30.0) == posecore::Status::kOk);
    if (frame % 5 == 4) {
      crowd.exchange(0, 15, 16);
    }
    const posecore::IdentifiedPoses poses = {crowd.ids(),     crowd.xy(),    crowd.scores(),
                                             crowd.visible(), crowd.count(), frame / 30.0};
    CHECK(posecore::repair_swaps(plan, poses, workspace.data(), workspace.bytes(), &counts) == posecore::Status::kOk);
  }
  CHECK(counts.exchanged > 0);
  CHECK(heap_calls == before);
}
#endif
