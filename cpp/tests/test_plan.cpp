// Every Status, and what brings it about.
#include "check.hpp"
#include "decoding.hpp"
#include "synthetic.hpp"

#include <string.h>

using posecore::Edge;
using posecore::Heads;
using posecore::kCoco17;
using posecore::make_plan;
using posecore::MultiPoseOptions;
using posecore::MultiPosePlan;
using posecore::Skeleton;
using posecore::Status;

namespace {

Status plan_of(const Skeleton& skeleton, const MultiPoseOptions& options = {}) {
  const Memory<uint64_t> memory(4096);
  MultiPosePlan plan;
  return make_plan(skeleton, options, memory.data(), memory.bytes(), &plan);
}

template <class T>
Status plan_with(T MultiPoseOptions::* option, T value) {
  MultiPoseOptions options;
  options.*option = value;
  return plan_of(kCoco17, options);
}

template <class T, size_t kCount>
void check_refused(T MultiPoseOptions::* option, const T (&values)[kCount]) {
  for (const T value : values) {
    CHECK(plan_with(option, value) == Status::kBadOptions);
  }
}

// What decoding says of good heads that `spoil` has changed.
template <class Spoil>
Status decoding_of(Spoil spoil) {
  const Person person = standing(60, 25, 5);
  const SyntheticHeads<uint8_t> synthetic(13, 9, &person, 1);
  Heads heads = synthetic.heads();
  Poses poses(20, 17);
  Multi multi(kCoco17, {}, 13, 9);
  spoil(&heads, &poses.sink);
  return multi.decode(heads, &poses);
}

}  // namespace

TEST(good_skeletons_have_a_plan) {
  CHECK(plan_of(kCoco17) == Status::kOk);
  CHECK(plan_of({1, nullptr}) == Status::kOk);
  const Edge child_before_parent[] = {{2, 1}, {0, 2}};
  CHECK(plan_of({3, child_before_parent}) == Status::kOk);
}

TEST(edges_that_are_no_tree_are_a_bad_skeleton) {
  const Edge same_twice[] = {{0, 1}, {0, 1}};
  const Edge to_itself[] = {{0, 1}, {2, 2}};
  const Edge circle_beside[] = {{0, 1}, {2, 3}, {3, 2}};
  const Edge outside[] = {{0, 1}, {0, 3}};
  const Edge negative[] = {{0, 1}, {-1, 2}};
  CHECK(plan_of({3, same_twice}) == Status::kBadSkeleton);
  CHECK(plan_of({3, to_itself}) == Status::kBadSkeleton);
  CHECK(plan_of({4, circle_beside}) == Status::kBadSkeleton);
  CHECK(plan_of({3, outside}) == Status::kBadSkeleton);
  CHECK(plan_of({3, negative}) == Status::kBadSkeleton);
  CHECK(plan_of({0, kCoco17.edges}) == Status::kBadSkeleton);
  CHECK(plan_of({-5, kCoco17.edges}) == Status::kBadSkeleton);
  CHECK(plan_of({posecore::kMaxKeypoints + 1, kCoco17.edges}) == Status::kBadSkeleton);
  CHECK(posecore::plan_bytes({-5, nullptr}) == 0);
}

TEST(options_out_of_range_are_bad_options) {
  check_refused(&MultiPoseOptions::stride_px, {0.0F, -1.0F, 65537.0F, NAN, INFINITY});
  check_refused(&MultiPoseOptions::root_threshold, {-0.1F, 1.1F, NAN});
  check_refused(&MultiPoseOptions::pose_threshold, {-0.1F, 1.1F, NAN});
  check_refused(&MultiPoseOptions::nms_radius_px, {-0.1F, 65537.0F, NAN});
  check_refused(&MultiPoseOptions::max_poses, {0, -1, 65537});
  check_refused(&MultiPoseOptions::refine_steps, {-1, 101});
  check_refused(&MultiPoseOptions::local_maximum_radius, {-1, 101});
  check_refused(&MultiPoseOptions::sampling, {static_cast<posecore::Sampling>(2)});
}

TEST(options_at_their_ends_are_good) {
  CHECK(plan_with(&MultiPoseOptions::max_poses, 1) == Status::kOk);
  CHECK(plan_with(&MultiPoseOptions::max_poses, 65536) == Status::kOk);
  CHECK(plan_with(&MultiPoseOptions::root_threshold, 0.0F) == Status::kOk);
  CHECK(plan_with(&MultiPoseOptions::root_threshold, 1.0F) == Status::kOk);
  CHECK(plan_with(&MultiPoseOptions::nms_radius_px, 0.0F) == Status::kOk);
  CHECK(plan_with(&MultiPoseOptions::refine_steps, 0) == Status::kOk);
  CHECK(plan_with(&MultiPoseOptions::local_maximum_radius, 0) == Status::kOk);
}

TEST(memory_that_was_not_given_is_a_null_pointer) {
  const Memory<uint64_t> memory(4096);
  MultiPosePlan plan;
  CHECK(make_plan(kCoco17, {}, nullptr, memory.bytes(), &plan) == Status::kNullPointer);
  CHECK(make_plan(kCoco17, {}, memory.data(), memory.bytes(), nullptr) == Status::kNullPointer);
  CHECK(make_plan({17, nullptr}, {}, memory.data(), memory.bytes(), &plan) == Status::kNullPointer);
  CHECK(decoding_of([](Heads* heads, posecore::PoseSink*) { heads->heatmaps.data = nullptr; }) == Status::kNullPointer);
  CHECK(decoding_of([](Heads* heads, posecore::PoseSink*) { heads->displacement_bwd.data = nullptr; }) ==
        Status::kNullPointer);
  CHECK(decoding_of([](Heads*, posecore::PoseSink* sink) { sink->xy = nullptr; }) == Status::kNullPointer);
}

TEST(a_plan_keeps_to_the_bytes_it_asked_for) {
  const size_t bytes = posecore::plan_bytes(kCoco17);
  Memory<uint8_t> memory(bytes + 8);
  MultiPosePlan plan;
  memset(memory.data(), 0xa5, memory.bytes());
  CHECK(make_plan(kCoco17, {}, memory.data(), bytes - 1, &plan) == Status::kWorkspaceTooSmall);
  CHECK(make_plan(kCoco17, {}, memory.data(), bytes, &plan) == Status::kOk);
  for (size_t i = 0; i < 8; ++i) {
    CHECK(memory.data()[bytes + i] == 0xa5);
  }
}

TEST(tensors_that_do_not_fit_are_named) {
  CHECK(decoding_of([](Heads*, posecore::PoseSink*) {}) == Status::kOk);
  CHECK(decoding_of([](Heads* heads, posecore::PoseSink*) { heads->heatmaps.rows = 0; }) == Status::kBadTensor);
  CHECK(decoding_of([](Heads* heads, posecore::PoseSink*) { heads->heatmaps.scale = 0.0F; }) == Status::kBadTensor);
  CHECK(decoding_of([](Heads* heads, posecore::PoseSink*) { heads->short_offsets.scale = NAN; }) == Status::kBadTensor);
  CHECK(decoding_of([](Heads* heads, posecore::PoseSink*) { heads->short_offsets.scale = INFINITY; }) ==
        Status::kBadTensor);
  CHECK(decoding_of([](Heads* heads, posecore::PoseSink*) {
          heads->heatmaps.type = static_cast<posecore::ElementType>(9);
        }) == Status::kBadTensor);
  CHECK(decoding_of([](Heads* heads, posecore::PoseSink*) { heads->displacement_fwd.columns = 8; }) ==
        Status::kMixedTensors);
  CHECK(decoding_of([](Heads* heads, posecore::PoseSink*) {
          heads->short_offsets.type = posecore::ElementType::kInt8;
        }) == Status::kMixedTensors);
  CHECK(decoding_of([](Heads* heads, posecore::PoseSink*) { heads->heatmaps.channels = 16; }) == Status::kBadChannels);
  CHECK(decoding_of([](Heads* heads, posecore::PoseSink*) { heads->displacement_bwd.channels = 34; }) ==
        Status::kBadChannels);
  CHECK(decoding_of([](Heads* heads, posecore::PoseSink*) { heads->heatmaps.rows = 1073741824; }) == Status::kTooLarge);
}

TEST(room_that_is_too_small_is_refused) {
  CHECK(decoding_of([](Heads*, posecore::PoseSink* sink) { sink->capacity = 19; }) == Status::kSinkTooSmall);
  const Person person = standing(60, 25, 5);
  const SyntheticHeads<float> synthetic(13, 9, &person, 1);
  const Multi multi(kCoco17, {}, 13, 9);
  Poses poses(20, 17);
  CHECK(posecore::decode_multi(multi.plan(), synthetic.heads(), multi.workspace(), multi.workspace_bytes() - 1,
                               &poses.sink) == Status::kWorkspaceTooSmall);
}

TEST(memory_that_is_not_aligned_is_refused) {
  const Memory<uint64_t> memory(1024);
  auto* const odd = reinterpret_cast<uint8_t*>(memory.data()) + 4;
  MultiPosePlan plan;
  CHECK(make_plan(kCoco17, {}, odd - 3, memory.bytes() - 8, &plan) == Status::kMisaligned);
  const Person person = standing(60, 25, 5);
  const SyntheticHeads<float> synthetic(13, 9, &person, 1);
  const Multi multi(kCoco17, {}, 13, 9);
  const Memory<uint64_t> workspace(multi.workspace_bytes() / sizeof(uint64_t) + 2);
  Poses poses(20, 17);
  CHECK(posecore::decode_multi(multi.plan(), synthetic.heads(), reinterpret_cast<uint8_t*>(workspace.data()) + 4,
                               multi.workspace_bytes(), &poses.sink) == Status::kMisaligned);
}

TEST(every_status_has_its_sentence) {
  constexpr auto kLast = static_cast<int32_t>(Status::kSinkTooSmall);
  for (int32_t i = 0; i <= kLast + 1; ++i) {  // the last one is unknown
    const char* const sentence = posecore::message(static_cast<Status>(i));
    for (int32_t j = 0; j < i; ++j) {
      CHECK(strcmp(sentence, posecore::message(static_cast<Status>(j))) != 0);
    }
  }
}
