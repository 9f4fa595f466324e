// What happens where the system has no memory for one thing, and has it again for the next.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <new>
#include <vector>

#include "check.hpp"
#include "crowd.hpp"
#include "decode_threads.hpp"
#include "decoding.hpp"
#include "oks_threads.hpp"
#include "posecore/masks.hpp"
#include "synthetic.hpp"

namespace {

// Of this thread: how many allocations succeed before one fails; below 0, all do.
thread_local int32_t before_failure = -1;

// Calls `work` again and again, with its first allocation failing, then its second, until none is left to fail. How
// often it came to its end although one had failed.
template <class Work>
[[nodiscard]] int32_t times_survived(Work work) {
  int32_t survived = 0;
  for (int32_t nth = 0; nth < 1000; ++nth) {
    before_failure = nth;
    try {
      work();
      if (before_failure >= 0) {
        before_failure = -1;
        return survived;
      }
      ++survived;
    } catch (const std::bad_alloc&) {
      CHECK(before_failure < 0);
    }
  }
  before_failure = -1;
  CHECK(false);
  return survived;
}

}  // namespace

void* operator new(size_t bytes) {
  void* const memory = before_failure-- == 0 ? nullptr : malloc(bytes > 0 ? bytes : 1);
  before_failure = before_failure < -1 ? -1 : before_failure;
  if (memory == nullptr) {
    throw std::bad_alloc();
  }
  return memory;
}
void operator delete(void* memory) noexcept { free(memory); }
void operator delete(void* memory, size_t /*bytes*/) noexcept { free(memory); }

TEST(without_memory_for_a_thread_the_others_decode) {
  const Person people[] = {standing(70, 30, 5)};
  const SyntheticHeads<float> one(12, 31, people, 1);
  Multi multi(posecore::kCoco17, {}, 12, 31);
  const std::vector<posecore::Heads> frames(20, one.heads());
  const auto decode = [&] {
    std::vector<posecore::host::FoundPeople> found(frames.size());
    CHECK(posecore::host::decode_by_threads(multi.plan(), posecore::host::kCoralDecoder, frames, 4, &found,
                                            [] { return false; }));
    for (const posecore::host::FoundPeople& each : found) {
      CHECK(each.count == 1);
    }
  };
  CHECK(times_survived(decode) > 0);
}

TEST(without_memory_for_a_thread_the_others_measure) {
  const Crowd<float> alone(64, 9, 17, 4);
  const Crowd<float> helped(64, 9, 17, 4);
  CHECK(alone.run() == posecore::Status::kOk);
  const auto measure = [&] {
    CHECK(posecore::host::oks_by_threads(helped.sigmas.data(), 17, helped.detected, helped.annotated, helped.oks.data(),
                                         9, 4) == posecore::Status::kOk);
    for (ptrdiff_t i = 0; i < ptrdiff_t{64} * 9; ++i) {
      CHECK(helped.oks[i] == alone.oks[i]);
    }
  };
  CHECK(times_survived(measure) > 0);
}

TEST(without_memory_for_a_frame_it_is_said_how_much_was_wanted) {
  const Person people[] = {standing(70, 30, 5)};
  const SyntheticHeads<float> one(23, 31, people, 1);
  Multi multi(posecore::kCoco17, {}, 23, 31);
  posecore::host::DecodingRoom room(multi.plan());
  posecore::PoseSink sink = room.sink();
  char wanted[128];
  snprintf(wanted, sizeof wanted, "wanted %llu bytes of working memory for heads of 23x31, got none",
           static_cast<unsigned long long>(posecore::tfjs_workspace_bytes(multi.plan(), 23, 31)));
  bool said = false;
  before_failure = 0;
  try {
    CHECK(room.decode(multi.plan(), posecore::host::kTfjsDecoder, one.heads(), &sink) != posecore::Status::kOk);
  } catch (const std::bad_alloc& error) {
    said = strcmp(error.what(), wanted) == 0;
  }
  before_failure = -1;
  CHECK(said);
  CHECK(room.decode(multi.plan(), posecore::host::kTfjsDecoder, one.heads(), &sink) == posecore::Status::kOk);
  CHECK(sink.count == 1);
}

TEST(heads_that_are_too_large_get_no_memory) {
  const float zero = 0.0F;
  const auto wide = [&](int32_t channels) {
    posecore::TensorView view;
    view.data = &zero;
    view.rows = view.columns = 1048576;
    view.channels = channels;
    view.row_stride = view.column_stride = view.channel_stride = 0;
    return view;
  };
  posecore::Heads heads;
  heads.heatmaps = wide(17);
  heads.short_offsets = wide(34);
  heads.displacement_fwd = heads.displacement_bwd = wide(32);
  Multi multi(posecore::kCoco17, {}, 23, 31);
  posecore::host::DecodingRoom room(multi.plan());
  posecore::PoseSink sink = room.sink();
  for (const posecore::host::FrameDecoder& decoder : {posecore::host::kCoralDecoder, posecore::host::kTfjsDecoder}) {
    CHECK(room.decode(multi.plan(), decoder, heads, &sink) == posecore::Status::kTooLarge);
  }
}

TEST(workspaces_that_cannot_be_counted_are_the_largest_number) {
  Multi multi(posecore::kCoco17, {}, 23, 31);
  CHECK(posecore::mask_workspace_bytes(INT32_MAX, INT32_MAX, INT32_MAX) == SIZE_MAX);
  CHECK(posecore::tfjs_workspace_bytes(multi.plan(), INT32_MAX, INT32_MAX) == SIZE_MAX);
  CHECK(posecore::mask_workspace_bytes(3, 5, 7) == 3 * 5 * 7 * sizeof(float));
}
