// Memory that callers lend.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "posecore/status.hpp"

namespace posecore::detail {

[[nodiscard]] inline bool is_aligned(const void* memory, size_t alignment) noexcept {
  return reinterpret_cast<uintptr_t>(memory) % alignment == 0;
}

// Whether `memory` is there, of `wanted` bytes at least, and aligned.
[[nodiscard]] inline Status check_memory(const void* memory, size_t bytes, size_t wanted, size_t alignment) noexcept {
  if (memory == nullptr) {
    return Status::kNullPointer;
  }
  if (bytes < wanted) {
    return Status::kWorkspaceTooSmall;
  }
  return is_aligned(memory, alignment) ? Status::kOk : Status::kMisaligned;
}

}  // namespace posecore::detail
