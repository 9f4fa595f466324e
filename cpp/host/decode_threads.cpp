#include "decode_threads.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <exception>
#include <thread>

namespace posecore::host {
namespace {

constexpr std::chrono::milliseconds kBetweenQuestions{20};

[[nodiscard]] FoundPeople people_of(const PoseSink& sink, Status status, size_t keypoints) {
  FoundPeople found;
  found.status = status;
  if (status == Status::kOk && sink.count > 0) {
    const auto people = static_cast<size_t>(sink.count);
    found.count = sink.count;
    found.xy.assign(sink.xy, sink.xy + 2 * people * keypoints);
    found.scores.assign(sink.scores, sink.scores + people * keypoints);
    found.pose_scores.assign(sink.pose_scores, sink.pose_scores + people);
  }
  return found;
}

// One batch at work; several threads are in it.
class Batch {
 public:
  Batch(const MultiPosePlan& plan, const FrameDecoder& decoder, const std::vector<Heads>& frames,
        std::vector<FoundPeople>* found)
      : plan_(plan), decoder_(decoder), frames_(frames), found_(found) {}

  // Until no frame is left, or somebody stops. `stop` is empty for helpers.
  void work(const std::function<bool()>& stop) noexcept {
    try {
      DecodingRoom room(plan_);
      auto asked = std::chrono::steady_clock::now();
      for (size_t i = next_++; i < frames_.size() && !stopped_; i = next_++) {
        PoseSink sink = room.sink();
        const Status status = room.decode(plan_, decoder_, frames_[i], &sink);
        (*found_)[i] = people_of(sink, status, static_cast<size_t>(plan_.num_keypoints));
        if (stop && std::chrono::steady_clock::now() - asked > kBetweenQuestions) {
          stopped_ = stopped_ || stop();
          asked = std::chrono::steady_clock::now();
        }
      }
    } catch (...) {
      // The first thread that fails says why.
      if (!failed_.exchange(true)) {
        failure_ = std::current_exception();
      }
      stopped_ = true;
    }
  }

  // Once all threads are back.
  [[nodiscard]] bool finished() const {
    if (failure_) {
      std::rethrow_exception(failure_);
    }
    return !stopped_;
  }

 private:
  const MultiPosePlan& plan_;
  const FrameDecoder& decoder_;
  const std::vector<Heads>& frames_;
  std::vector<FoundPeople>* found_;
  std::atomic<size_t> next_{0};
  std::atomic<bool> stopped_{false};
  std::atomic<bool> failed_{false};
  std::exception_ptr failure_;
};

}  // namespace

NoWorkspace::NoWorkspace(size_t bytes, int32_t rows, int32_t columns) noexcept {
  snprintf(text_, sizeof text_, "wanted %llu bytes of working memory for heads of %dx%d, got none",
           static_cast<unsigned long long>(bytes), static_cast<int>(rows), static_cast<int>(columns));
}

DecodingRoom::DecodingRoom(const MultiPosePlan& plan)
    : capacity_(plan.options.max_poses), workspace_(1), pose_scores_(static_cast<size_t>(plan.options.max_poses)) {
  const size_t points = pose_scores_.size() * static_cast<size_t>(plan.num_keypoints);
  xy_.resize(2 * points);
  scores_.resize(points);
}

Status DecodingRoom::decode(const MultiPosePlan& plan, const FrameDecoder& decoder, const Heads& heads,
                            PoseSink* sink) {
  const auto run = [&] {
    return decoder.decode(plan, heads, workspace_.data(), workspace_.size() * sizeof(uint64_t), sink);
  };
  const Status status = run();
  if (status != Status::kWorkspaceTooSmall) {
    return status;
  }
  const int32_t rows = heads.heatmaps.rows;
  const int32_t columns = heads.heatmaps.columns;
  const size_t bytes = decoder.workspace_bytes(plan, rows, columns);
  try {
    workspace_.resize(bytes / sizeof(uint64_t) + 1);
  } catch (const std::exception&) {
    throw NoWorkspace(bytes, rows, columns);
  }
  return run();
}

bool decode_by_threads(const MultiPosePlan& plan, const FrameDecoder& decoder, const std::vector<Heads>& frames,
                       int32_t threads, std::vector<FoundPeople>* found, const std::function<bool()>& stop) {
  Batch batch(plan, decoder, frames, found);
  const size_t hands = std::min(static_cast<size_t>(std::max(threads, 1)), frames.size());
  std::vector<std::thread> helpers;
  helpers.reserve(hands);
  bool more = true;
  while (more && helpers.size() + 1 < hands) {
    try {
      helpers.emplace_back([&batch] { batch.work({}); });
    } catch (const std::exception&) {  // no thread, or no memory for one
      more = false;
    }
  }
  batch.work(stop);
  for (std::thread& helper : helpers) {
    helper.join();
  }
  return batch.finished();
}

}  // namespace posecore::host
