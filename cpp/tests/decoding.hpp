// A plan, its workspace and room for poses, in one place for tests.
#pragma once

#include "check.hpp"
#include "memory.hpp"
#include "posecore/decode.hpp"

class Poses {
 public:
  Poses(int32_t capacity, int32_t keypoints)
      : keypoints_(keypoints),
        xy_(static_cast<size_t>(capacity) * static_cast<size_t>(keypoints) * 2),
        scores_(static_cast<size_t>(capacity) * static_cast<size_t>(keypoints)),
        pose_scores_(static_cast<size_t>(capacity)) {
    sink.xy = xy_.data();
    sink.scores = scores_.data();
    sink.pose_scores = pose_scores_.data();
    sink.capacity = capacity;
  }

  [[nodiscard]] float x(int32_t pose, int32_t k) const { return xy_[2 * (pose * keypoints_ + k)]; }
  [[nodiscard]] float y(int32_t pose, int32_t k) const { return xy_[2 * (pose * keypoints_ + k) + 1]; }
  [[nodiscard]] float score(int32_t pose, int32_t k) const { return scores_[pose * keypoints_ + k]; }
  [[nodiscard]] float pose_score(int32_t pose) const { return pose_scores_[pose]; }

  // No NaN, no infinity, scores in [0, 1], whatever the heads held.
  void check_sane() const {
    for (int32_t pose = 0; pose < sink.count; ++pose) {
      CHECK(pose_score(pose) >= 0.0F && pose_score(pose) <= 1.0F);
      for (int32_t k = 0; k < keypoints_; ++k) {
        CHECK(isfinite(x(pose, k)) && isfinite(y(pose, k)));
        CHECK(score(pose, k) >= 0.0F && score(pose, k) <= 1.0F);
      }
    }
  }

  // The same bytes as another decoding.
  void check_same(const Poses& other) const {
    CHECK(sink.count == other.sink.count);
    for (int32_t pose = 0; pose < sink.count && pose < other.sink.count; ++pose) {
      CHECK(pose_score(pose) == other.pose_score(pose));
      for (int32_t k = 0; k < keypoints_; ++k) {
        CHECK(x(pose, k) == other.x(pose, k) && y(pose, k) == other.y(pose, k));
        CHECK(score(pose, k) == other.score(pose, k));
      }
    }
  }

  posecore::PoseSink sink;

 private:
  int32_t keypoints_;
  Memory<float> xy_;
  Memory<float> scores_;
  Memory<float> pose_scores_;
};

class Multi {
 public:
  Multi(const posecore::Skeleton& skeleton, const posecore::MultiPoseOptions& options, int32_t rows, int32_t columns)
      : plan_memory_(posecore::plan_bytes(skeleton) / sizeof(uint64_t) + 1) {
    status_ = posecore::make_plan(skeleton, options, plan_memory_.data(), plan_memory_.bytes(), &plan_);
    CHECK(status_ == posecore::Status::kOk);
    workspace_bytes_ = posecore::workspace_bytes(plan_, rows, columns);
    // Exactly what the plan says and not a byte more: the sanitizers see anything beyond it.
    workspace_ = malloc(workspace_bytes_);
    if (workspace_ == nullptr) {
      abort();
    }
  }
  ~Multi() { free(workspace_); }
  Multi(const Multi&) = delete;
  Multi& operator=(const Multi&) = delete;

  posecore::Status decode(const posecore::Heads& heads, Poses* poses) {
    return posecore::decode_multi(plan_, heads, workspace_, workspace_bytes_, &poses->sink);
  }
  [[nodiscard]] const posecore::MultiPosePlan& plan() const { return plan_; }
  [[nodiscard]] void* workspace() const { return workspace_; }
  [[nodiscard]] size_t workspace_bytes() const { return workspace_bytes_; }

 private:
  Memory<uint64_t> plan_memory_;
  posecore::MultiPosePlan plan_{};
  posecore::Status status_;
  void* workspace_;
  size_t workspace_bytes_;
};
