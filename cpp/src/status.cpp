#include "posecore/status.hpp"

namespace posecore {

const char* message(Status status) noexcept {
  switch (status) {
    case Status::kOk:
      return "ok";
    case Status::kNullPointer:
      return "memory that is needed was not given";
    case Status::kBadSkeleton:
      return "a skeleton wants 1 to 1024 keypoints and edges that form one tree over all of them";
    case Status::kBadOptions:
      return "an option is outside of its range";
    case Status::kBadTensor:
      return "a tensor wants rows, columns, channels, a known element type and a positive scale";
    case Status::kMixedTensors:
      return "the tensors of one picture want one grid and one element type";
    case Status::kBadChannels:
      return "the tensors' channels do not fit the skeleton";
    case Status::kTooLarge:
      return "the tensors have more than 2^24 rows or columns, or more cells than 32 bits can count";
    case Status::kWorkspaceTooSmall:
      return "the plan or workspace memory is smaller than was asked for";
    case Status::kMisaligned:
      return "the plan memory wants the alignment of a pointer, the workspace that of a 64-bit integer";
    case Status::kSinkTooSmall:
      return "the sink has less room than max_poses";
    case Status::kBadTimes:
      return "times want finite seconds from -1e10 to 1e10 that do not go back";
    case Status::kNotStarted:
      return "the workspace was not started for this plan";
    case Status::kTooManyPeople:
      return "a frame has more poses than max_people";
    case Status::kNotLater:
      return "a frame wants a time from -1e10 to 1e10 after that of the frame before";
  }
  return "unknown status";
}

}  // namespace posecore
