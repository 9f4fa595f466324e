// What a call says when it cannot do what was asked. Nothing in the core throws, prints or aborts.
#pragma once

#include <stdint.h>

namespace posecore {

enum class Status : int32_t {
  kOk = 0,
  kNullPointer,        // memory that is needed was not given
  kBadSkeleton,        // no keypoints, or edges that are not one tree over all of them
  kBadOptions,         // an option outside of its range
  kBadTensor,          // no rows, columns or channels, an unknown type, or a scale that is not positive
  kMixedTensors,       // heads of different grids or element types
  kBadChannels,        // channel counts that do not fit the skeleton
  kTooLarge,           // more than 2^24 rows or columns, or more cells than 32 bits can count
  kWorkspaceTooSmall,  // less workspace or plan memory than asked for
  kMisaligned,         // workspace or plan memory that is not aligned as it says
  kSinkTooSmall,       // less room for poses than max_poses
  kBadTimes,           // times that are not finite, or go back
  kNotStarted,         // a workspace that was not started for this plan
  kTooManyPeople,      // more poses in a frame than the plan's max_people
  kNotLater,           // a time that is not in [-1e10, 1e10], or not after that of the frame before
};

// One sentence in English, for people; never null.
[[nodiscard]] const char* message(Status status) noexcept;

}  // namespace posecore
