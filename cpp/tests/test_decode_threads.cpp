// Frames decoded by several threads.
#include "decode_threads.hpp"

#include "check.hpp"
#include "decoding.hpp"
#include "synthetic.hpp"

using posecore::host::decode_by_threads;
using posecore::host::FoundPeople;

namespace {

bool never() { return false; }

void check_same(FoundPeople* found, const Poses& alone) {
  CHECK(found->status == posecore::Status::kOk);
  CHECK(found->count == alone.sink.count);
  const posecore::PoseSink sink = found->as_sink();
  for (int32_t pose = 0; pose < found->count; ++pose) {
    CHECK(sink.pose_scores[pose] == alone.pose_score(pose));
    for (int32_t k = 0; k < 17; ++k) {
      CHECK(sink.xy[2 * (pose * 17 + k)] == alone.x(pose, k));
      CHECK(sink.scores[pose * 17 + k] == alone.score(pose, k));
    }
  }
}

}  // namespace

TEST(every_number_of_threads_finds_the_same_people_in_the_same_frames) {
  const Person people[] = {standing(70, 30, 5), standing(230, 40, 4)};
  const SyntheticHeads<float> two(23, 31, people, 2);
  const SyntheticHeads<uint8_t> one(12, 31, people, 1);
  Multi multi(posecore::kCoco17, {}, 23, 31);
  Poses of_two(20, 17);
  Poses of_one(20, 17);
  CHECK(multi.decode(two.heads(), &of_two) == posecore::Status::kOk);
  CHECK(multi.decode(one.heads(), &of_one) == posecore::Status::kOk);
  CHECK(of_two.sink.count == 2 && of_one.sink.count == 1);
  std::vector<posecore::Heads> frames;
  frames.reserve(40);
  for (int32_t i = 0; i < 40; ++i) {
    frames.push_back(i % 3 == 0 ? one.heads() : two.heads());
  }
  for (const int32_t threads : {-1, 1, 2, 7, 64}) {
    std::vector<FoundPeople> found(frames.size());
    CHECK(decode_by_threads(multi.plan(), posecore::host::kCoralDecoder, frames, threads, &found, never));
    for (size_t i = 0; i < frames.size(); ++i) {
      check_same(&found[i], i % 3 == 0 ? of_one : of_two);
    }
  }
}

TEST(a_frame_that_cannot_be_decoded_says_so_and_the_others_are_decoded) {
  const Person people[] = {standing(70, 30, 5)};
  const SyntheticHeads<float> good(23, 31, people, 1);
  posecore::Heads bad = good.heads();
  bad.short_offsets.channels = 3;
  Multi multi(posecore::kCoco17, {}, 23, 31);
  std::vector<FoundPeople> found(3);
  CHECK(decode_by_threads(multi.plan(), posecore::host::kCoralDecoder, {good.heads(), bad, good.heads()}, 2, &found,
                          never));
  CHECK(found[0].count == 1 && found[2].count == 1);
  CHECK(found[1].status != posecore::Status::kOk && found[1].count == 0);
}

TEST(no_frames_are_done_at_once) {
  Multi multi(posecore::kCoco17, {}, 23, 31);
  std::vector<FoundPeople> found;
  CHECK(decode_by_threads(multi.plan(), posecore::host::kCoralDecoder, {}, 4, &found, never));
}

TEST(once_it_shall_stop_nobody_begins_another_frame) {
  const Person people[] = {standing(70, 30, 5)};
  const SyntheticHeads<float> one(46, 81, people, 1);
  Multi multi(posecore::kCoco17, {}, 46, 81);
  // Far more than is decoded before the first question.
  const std::vector<posecore::Heads> frames(200000, one.heads());
  std::vector<FoundPeople> found(frames.size());
  CHECK(!decode_by_threads(multi.plan(), posecore::host::kCoralDecoder, frames, 2, &found, [] { return true; }));
  CHECK(found.front().count == 1);
  CHECK(found.back().count == 0);
}
