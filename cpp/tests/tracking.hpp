// A tracker with its memory, and people who stand, in one place for tests.
#pragma once

#include "check.hpp"
#include "memory.hpp"
#include "posecore/track.hpp"

inline constexpr int32_t kBody = 17;
inline constexpr int32_t kFlip[kBody] = {0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15};
inline constexpr posecore::BodyModel kPerson = {kBody, nullptr, kFlip, posecore::kCoco17Edges, 16};

// Where the keypoints of somebody who stands are, in heights from the middle of the head.
inline constexpr float kStanding[kBody][2] = {
    {0, 0},        {.02F, -.02F}, {-.02F, -.02F}, {.04F, -.01F}, {-.04F, -.01F}, {.12F, .13F},
    {-.12F, .13F}, {.14F, .31F},  {-.14F, .31F},  {.15F, .45F},  {-.15F, .45F},  {.07F, .43F},
    {-.07F, .43F}, {.08F, .68F},  {-.08F, .68F},  {.09F, .92F},  {-.09F, .92F}};

// Room for the people of a frame.
class StandingPeople {
 public:
  explicit StandingPeople(int32_t capacity)
      : xy_(static_cast<size_t>(capacity * kBody) * 2),
        scores_(static_cast<size_t>(capacity * kBody)),
        pose_scores_(static_cast<size_t>(capacity)),
        visible_(static_cast<size_t>(capacity * kBody)),
        ids_(static_cast<size_t>(capacity)) {}

  void clear() { count_ = 0; }
  // Somebody 300 px high with her head at (x, y).
  void add(float x, float y, float score = 0.8F) {
    for (int32_t k = 0; k < kBody; ++k) {
      xy_[2 * (count_ * kBody + k)] = x + 300.0F * kStanding[k][0];
      xy_[2 * (count_ * kBody + k) + 1] = y + 300.0F * kStanding[k][1];
      scores_[count_ * kBody + k] = score;
      visible_[count_ * kBody + k] = 1;
    }
    pose_scores_[count_] = score;
    ids_[count_] = 1 + count_;
    ++count_;
  }
  void exchange(int32_t person, int32_t left, int32_t right) const {
    for (int32_t axis = 0; axis < 2; ++axis) {
      float* a = &xy_[2 * (person * kBody + left) + axis];
      float* b = &xy_[2 * (person * kBody + right) + axis];
      const float kept = *a;
      *a = *b;
      *b = kept;
    }
  }

  [[nodiscard]] posecore::FramePoses frame(double time_s) const {
    return {xy_.data(), scores_.data(), pose_scores_.data(), visible_.data(), count_, time_s};
  }
  [[nodiscard]] float* xy() const { return xy_.data(); }
  [[nodiscard]] float* scores() const { return scores_.data(); }
  [[nodiscard]] uint8_t* visible() const { return visible_.data(); }
  [[nodiscard]] int64_t* ids() const { return ids_.data(); }
  [[nodiscard]] int32_t count() const { return count_; }

 private:
  Memory<float> xy_;
  Memory<float> scores_;
  Memory<float> pose_scores_;
  Memory<uint8_t> visible_;
  Memory<int64_t> ids_;
  int32_t count_ = 0;
};

class TestTracker {
 public:
  explicit TestTracker(const posecore::TrackerOptions& options)
      : plan_memory_(posecore::tracker_plan_bytes(kPerson) / sizeof(double) + 1), workspace_(made(options)) {
    CHECK(posecore::start_tracks(plan, workspace(), bytes()) == posecore::Status::kOk);
  }

  // The ids are in `crowd.ids()`.
  [[nodiscard]] posecore::Status update(const StandingPeople& crowd, double time_s) const {
    return posecore::update_tracks(plan, crowd.frame(time_s), workspace(), bytes(), crowd.ids());
  }
  [[nodiscard]] void* workspace() const { return workspace_.data(); }
  [[nodiscard]] size_t bytes() const { return workspace_.bytes(); }

  posecore::TrackerPlan plan = {};

 private:
  [[nodiscard]] size_t made(const posecore::TrackerOptions& options) {
    CHECK(posecore::make_plan(kPerson, options, plan_memory_.data(), plan_memory_.bytes(), &plan) ==
          posecore::Status::kOk);
    return posecore::workspace_bytes(plan) / sizeof(uint64_t) + 1;
  }

  Memory<double> plan_memory_;
  Memory<uint64_t> workspace_;
};
