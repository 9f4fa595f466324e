// Sides that changed places: memory, statuses, hostile values, and what is put back.
#include "posecore/swaps.hpp"

#include "check.hpp"
#include "memory.hpp"
#include "tracking.hpp"

using posecore::BodyModel;
using posecore::IdentifiedPoses;
using posecore::Status;
using posecore::SwapCounts;
using posecore::SwapOptions;
using posecore::SwapPlan;

namespace {

class Repair {
 public:
  explicit Repair(const SwapOptions& options, const BodyModel& body = kPerson)
      : plan_memory_(posecore::swap_plan_bytes(body) / sizeof(double) + 1), workspace_(made(body, options)) {
    CHECK(posecore::start_swaps(plan, workspace_.data(), workspace_.bytes()) == Status::kOk);
  }

  [[nodiscard]] Status of(const StandingPeople& crowd, double time_s) {
    const IdentifiedPoses poses = {crowd.ids(), crowd.xy(), crowd.scores(), crowd.visible(), crowd.count(), time_s};
    return posecore::repair_swaps(plan, poses, workspace_.data(), workspace_.bytes(), &counts);
  }
  [[nodiscard]] const Memory<uint64_t>& workspace() const { return workspace_; }

  SwapPlan plan = {};
  SwapCounts counts;

 private:
  [[nodiscard]] size_t made(const BodyModel& body, const SwapOptions& options) {
    CHECK(posecore::make_plan(body, options, plan_memory_.data(), plan_memory_.bytes(), &plan) == Status::kOk);
    return posecore::workspace_bytes(plan) / sizeof(uint64_t) + 1;
  }

  Memory<double> plan_memory_;
  Memory<uint64_t> workspace_;
};

}  // namespace

TEST(pairs_hang_together_as_edges_say) {
  const Repair repair({});
  CHECK(repair.plan.num_pairs == 8);
  int32_t roots = 0;
  for (int32_t p = 0; p < 8; ++p) {
    const posecore::SwapPair& pair = repair.plan.pairs[p];
    CHECK(pair.right == pair.left + 1);
    CHECK(pair.parent < p);
    roots += pair.parent < 0 ? 1 : 0;
    // An ankle on a knee, a knee on a hip.
    if (pair.left == 15 || pair.left == 13) {
      CHECK(pair.parent >= 0 && repair.plan.pairs[pair.parent].left == pair.left - 2);
    }
  }
  CHECK(roots == 2);
  const Repair plain({}, {kBody, nullptr, kFlip});
  for (int32_t p = 0; p < 8; ++p) {
    CHECK(plain.plan.pairs[p].parent == -1);
  }
}

TEST(swap_repair_says_what_it_cannot_do) {
  const Memory<double> memory(64);
  SwapPlan plan = {};
  SwapOptions options[4];
  options[0].max_people = 0;
  options[1].max_people = 257;
  options[2].patience_s = -1.0;
  options[3].max_gap_s = NAN;
  for (const SwapOptions& each : options) {
    CHECK(posecore::make_plan(kPerson, each, memory.data(), memory.bytes(), &plan) == Status::kBadOptions);
  }
  CHECK(posecore::make_plan({0}, SwapOptions{}, memory.data(), memory.bytes(), &plan) == Status::kBadSkeleton);
  CHECK(posecore::make_plan(kPerson, SwapOptions{}, memory.data(), 9, &plan) == Status::kWorkspaceTooSmall);
  CHECK(posecore::make_plan(kPerson, SwapOptions{}, nullptr, 999, &plan) == Status::kNullPointer);
  CHECK(posecore::make_plan(kPerson, SwapOptions{}, reinterpret_cast<char*>(memory.data()) + 1, 500, &plan) ==
        Status::kMisaligned);
  Repair repair({});
  StandingPeople crowd(1);
  crowd.add(100, 100);
  CHECK(repair.of(crowd, 1.0) == Status::kOk);
  CHECK(repair.of(crowd, 1.0) == Status::kNotLater);
  CHECK(repair.of(crowd, NAN) == Status::kNotLater);
  CHECK(repair.of(crowd, 1.1e10) == Status::kNotLater);
  IdentifiedPoses poses = {crowd.ids(), crowd.xy(), crowd.scores(), nullptr, 1, 2.0};
  void* workspace = repair.workspace().data();
  const size_t bytes = repair.workspace().bytes();
  CHECK(posecore::repair_swaps(repair.plan, poses, workspace, bytes, &repair.counts) == Status::kNullPointer);
  poses.visible = crowd.visible();
  CHECK(posecore::repair_swaps(repair.plan, poses, workspace, bytes, nullptr) == Status::kNullPointer);
  CHECK(posecore::repair_swaps(repair.plan, poses, workspace, 8, &repair.counts) == Status::kWorkspaceTooSmall);
  repair.workspace()[0] = 0;
  CHECK(repair.of(crowd, 3.0) == Status::kNotStarted);
}

TEST(a_leg_on_the_wrong_side_is_put_back) {
  Repair repair({});
  StandingPeople crowd(2);
  for (int32_t frame = 0; frame < 60; ++frame) {
    crowd.clear();
    crowd.add(static_cast<float>(100 + 3 * frame), 100);
    crowd.add(600, 100);
    const bool wrong = frame == 40 || frame == 41;
    if (wrong) {
      crowd.exchange(0, 13, 14);
      crowd.exchange(0, 15, 16);
    }
    CHECK(repair.of(crowd, frame / 30.0) == Status::kOk);
    CHECK(crowd.xy()[2 * 13] > crowd.xy()[2 * 14]);
    CHECK(crowd.xy()[2 * 15] > crowd.xy()[2 * 16]);
    CHECK(crowd.xy()[2 * 11] > crowd.xy()[2 * 12]);
  }
  CHECK(repair.counts.exchanged == 2 && repair.counts.duplicates == 0);
}

TEST(an_ankle_on_the_other_foot_is_marked_missing_until_it_is_believed) {
  Repair repair({});
  StandingPeople crowd(1);
  for (int32_t frame = 0; frame < 60; ++frame) {
    crowd.clear();
    crowd.add(100, 100);
    if (frame >= 30) {
      crowd.xy()[2 * 15] = crowd.xy()[2 * 16] + 2.0F;
    }
    CHECK(repair.of(crowd, frame / 30.0) == Status::kOk);
    const bool missing = crowd.visible()[15] == 0;
    CHECK(missing == (crowd.scores()[15] == 0.0F));
    CHECK(crowd.visible()[16] == 1);
    if (frame < 30 || frame > 41) {
      CHECK(!missing);
    }
  }
  CHECK(repair.counts.exchanged == 0);
  CHECK(repair.counts.duplicates >= 8 && repair.counts.duplicates <= 10);
}

TEST(whatever_the_poses_hold_swap_repair_moves_nothing_but_sides) {
  constexpr float kHostile[] = {NAN, INFINITY, -INFINITY, 3e38F, -3e38F, 1e-40F, 0.0F, 100.0F};
  Numbers numbers(11);
  SwapOptions options;
  options.max_people = 2;
  Repair repair(options);
  StandingPeople crowd(4);
  double time_s = 0.0;
  for (int32_t frame = 0; frame < 2000; ++frame) {
    crowd.clear();
    const int32_t people = numbers.below(5);
    for (int32_t n = 0; n < people; ++n) {
      crowd.add(numbers.between(0, 500), 100);
      crowd.ids()[n] = numbers.below(5) - 1;
    }
    for (int32_t i = 0; i < 2 * people * kBody && frame % 2 == 0; ++i) {
      crowd.xy()[i] = kHostile[numbers.below(8)];
    }
    // The sum over all keypoints, as far as it is a number, says that none came or went.
    double before = 0.0;
    double after = 0.0;
    for (int32_t i = 0; i < 2 * people * kBody; ++i) {
      before += isfinite(crowd.xy()[i]) ? static_cast<double>(crowd.xy()[i]) : 1.0;
    }
    time_s += numbers.below(4) == 0 ? 1e-9 : static_cast<double>(numbers.between(0.001F, 0.3F));
    CHECK(repair.of(crowd, time_s) == Status::kOk);
    for (int32_t i = 0; i < 2 * people * kBody; ++i) {
      after += isfinite(crowd.xy()[i]) ? static_cast<double>(crowd.xy()[i]) : 1.0;
    }
    CHECK_NEAR(after, before, fabs(before) * 1e-9 + 1e25);
    for (int32_t i = 0; i < people * kBody; ++i) {
      CHECK(crowd.visible()[i] == 1 || crowd.scores()[i] == 0.0F);
    }
  }
}
