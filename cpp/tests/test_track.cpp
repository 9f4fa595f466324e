// Poses to ids: memory, statuses, hostile values, and ids that stay.
#include "posecore/track.hpp"

#include <string.h>

#include "check.hpp"
#include "memory.hpp"
#include "tracking.hpp"

using posecore::BodyModel;
using posecore::Status;
using posecore::TrackCounts;
using posecore::TrackerOptions;
using posecore::TrackerPlan;
using posecore::TrackInfo;

namespace {

[[nodiscard]] Status plan_of(const BodyModel& body, const TrackerOptions& options) {
  const Memory<double> memory(64);
  TrackerPlan plan = {};
  return posecore::make_plan(body, options, memory.data(), memory.bytes(), &plan);
}

}  // namespace

TEST(a_tracker_plan_checks_body_and_options) {
  CHECK(plan_of(kPerson, {}) == Status::kOk);
  CHECK(plan_of({0}, {}) == Status::kBadSkeleton);
  CHECK(plan_of({1025}, {}) == Status::kBadSkeleton);
  const float sigmas[] = {0.1F, 0.0F};
  CHECK(plan_of({2, sigmas}, {}) == Status::kBadSkeleton);
  const int32_t no_mirror[] = {1, 1};
  const int32_t outside[] = {0, 2};
  CHECK(plan_of({2, nullptr, no_mirror}, {}) == Status::kBadSkeleton);
  CHECK(plan_of({2, nullptr, outside}, {}) == Status::kBadSkeleton);
  const posecore::Edge edge = {0, 2};
  CHECK(plan_of({2, nullptr, nullptr, &edge, 1}, {}) == Status::kBadSkeleton);
  TrackerOptions options[7];
  options[0].max_people = 0;
  options[1].max_people = posecore::kMaxTracked + 1;
  options[2].min_hits = 0;
  options[3].min_similarity = 0.0F;
  options[4].min_birth_score = 1.1F;
  options[5].max_gap_s = -1.0;
  options[6].max_gap_s = NAN;
  for (const TrackerOptions& each : options) {
    CHECK(plan_of(kPerson, each) == Status::kBadOptions);
  }
  const Memory<double> memory(64);
  TrackerPlan plan = {};
  CHECK(posecore::make_plan(kPerson, TrackerOptions{}, nullptr, 999, &plan) == Status::kNullPointer);
  CHECK(posecore::make_plan(kPerson, TrackerOptions{}, memory.data(), posecore::tracker_plan_bytes(kPerson) - 1,
                            &plan) == Status::kWorkspaceTooSmall);
  CHECK(posecore::make_plan(kPerson, TrackerOptions{}, reinterpret_cast<char*>(memory.data()) + 1, 400, &plan) ==
        Status::kMisaligned);
}

TEST(a_tracker_says_what_it_cannot_do) {
  TrackerOptions options;
  options.max_people = 2;
  const TestTracker tracker(options);
  StandingPeople crowd(3);
  crowd.add(100, 100);
  const posecore::FramePoses frame = crowd.frame(1.0);
  CHECK(posecore::update_tracks(tracker.plan, frame, nullptr, 9, crowd.ids()) == Status::kNullPointer);
  CHECK(posecore::update_tracks(tracker.plan, frame, tracker.workspace(), 9, crowd.ids()) ==
        Status::kWorkspaceTooSmall);
  CHECK(posecore::update_tracks(tracker.plan, frame, static_cast<char*>(tracker.workspace()) + 4, tracker.bytes(),
                                crowd.ids()) == Status::kMisaligned);
  CHECK(posecore::update_tracks(tracker.plan, frame, tracker.workspace(), tracker.bytes(), nullptr) ==
        Status::kNullPointer);
  CHECK(tracker.update(crowd, 1.0) == Status::kOk);
  constexpr float kBadTimes[] = {1.0F, 0.5F, NAN, INFINITY, -INFINITY, 1.1e10F};
  for (const float time_s : kBadTimes) {
    CHECK(tracker.update(crowd, static_cast<double>(time_s)) == Status::kNotLater);
  }
  crowd.add(300, 100);
  crowd.add(500, 100);
  CHECK(tracker.update(crowd, 2.0) == Status::kTooManyPeople);
  TrackCounts counts;
  int32_t count = 0;
  CHECK(posecore::list_tracks(tracker.plan, tracker.workspace(), tracker.bytes(), nullptr, &count, &counts) ==
        Status::kOk);
  CHECK(count == 1 && counts.births == 1 && counts.deaths == 0);
  memset(tracker.workspace(), 0, 8);
  CHECK(tracker.update(crowd, 3.0) == Status::kNotStarted);
  CHECK(posecore::list_tracks(tracker.plan, tracker.workspace(), tracker.bytes(), nullptr, &count, &counts) ==
        Status::kNotStarted);
}

TEST(people_who_walk_keep_their_ids_and_who_leaves_changes_nobody) {
  const TestTracker tracker({});
  StandingPeople crowd(20);
  for (int32_t frame = 0; frame < 90; ++frame) {
    crowd.clear();
    // The third leaves after a second; the second half comes after half a second.
    for (int32_t n = 0; n < 6; ++n) {
      const bool there = (n != 2 || frame < 30) && (n < 3 || frame >= 15);
      if (there) {
        crowd.add(static_cast<float>(200 * n + 4 * frame), static_cast<float>(10 * n));
      }
    }
    CHECK(tracker.update(crowd, frame / 30.0) == Status::kOk);
    int32_t at = 0;
    for (int32_t n = 0; n < 6; ++n) {
      const bool there = (n != 2 || frame < 30) && (n < 3 || frame >= 15);
      if (there) {
        CHECK(crowd.ids()[at++] == 1 + n);
      }
    }
  }
  TrackInfo infos[64];
  TrackCounts counts;
  int32_t count = 0;
  CHECK(posecore::list_tracks(tracker.plan, tracker.workspace(), tracker.bytes(), infos, &count, &counts) ==
        Status::kOk);
  CHECK(count == 5 && counts.births == 6 && counts.deaths == 1);
  CHECK(infos[0].id == 1 && infos[0].hits == 90);
  CHECK(infos[4].id == 6 && infos[4].hits == 75);
  CHECK_NEAR(infos[4].first_seen_s, 0.5, 1e-12);
  CHECK_NEAR(infos[4].last_seen_s, 89 / 30.0, 1e-12);
}

TEST(two_trackers_of_one_plan_know_nothing_of_each_other) {
  const TestTracker tracker({});
  const Memory<uint64_t> other(tracker.bytes() / sizeof(uint64_t));
  CHECK(posecore::start_tracks(tracker.plan, other.data(), other.bytes()) == Status::kOk);
  StandingPeople crowd(2);
  crowd.add(100, 100);
  crowd.add(400, 100);
  CHECK(tracker.update(crowd, 0.0) == Status::kOk);
  crowd.clear();
  crowd.add(400, 100);
  CHECK(posecore::update_tracks(tracker.plan, crowd.frame(0.1), other.data(), other.bytes(), crowd.ids()) ==
        Status::kOk);
  CHECK(crowd.ids()[0] == 1);
  CHECK(tracker.update(crowd, 0.1) == Status::kOk);
  CHECK(crowd.ids()[0] == 2);
}

TEST(whatever_the_poses_hold_ids_are_sane) {
  constexpr float kHostile[] = {NAN, INFINITY, -INFINITY, 3e38F, -3e38F, 1e-40F, 0.0F, 100.0F};
  Numbers numbers(7);
  TrackerOptions options;
  options.max_people = 4;
  const TestTracker tracker(options);
  StandingPeople crowd(4);
  double time_s = 0.0;
  int64_t most = 0;
  for (int32_t frame = 0; frame < 2000; ++frame) {
    crowd.clear();
    const int32_t people = numbers.below(5);
    for (int32_t n = 0; n < people; ++n) {
      crowd.add(numbers.between(0, 500), numbers.between(0, 500), numbers.between(0, 1));
    }
    for (int32_t i = 0; i < people * kBody && frame % 2 == 0; ++i) {
      crowd.xy()[2 * i + numbers.below(2)] = kHostile[numbers.below(8)];
      crowd.scores()[i] = kHostile[numbers.below(8)];
      crowd.visible()[i] = static_cast<uint8_t>(numbers.below(2));
    }
    time_s += numbers.below(4) == 0 ? 1e-9 : static_cast<double>(numbers.between(0.001F, 0.3F));
    CHECK(tracker.update(crowd, time_s) == Status::kOk);
    for (int32_t n = 0; n < people; ++n) {
      const int64_t id = crowd.ids()[n];
      CHECK(id == -1 || id >= 1);
      for (int32_t other = 0; other < n; ++other) {
        CHECK(id == -1 || id != crowd.ids()[other]);
      }
      CHECK(id <= most + people);
      most = id > most ? id : most;
    }
  }
}
