// A plan of the C API in the caller's memory: the C++ plan first, and behind it what it points to.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "memory.hpp"
#include "posecore/c/status.h"
#include "posecore/status.hpp"

namespace posecore::c {

[[nodiscard]] inline posecore_status status_of(Status status) noexcept { return static_cast<posecore_status>(status); }

// Whether `value` is a choice of the enumeration, whose last is `last`: then it is in `chosen`.
template <class Enumeration>
[[nodiscard]] bool choose(int32_t value, Enumeration last, Enumeration* chosen) noexcept {
  const bool known = value >= 0 && value <= static_cast<int32_t>(last);
  *chosen = known ? static_cast<Enumeration>(value) : last;
  return known;
}

// Makes a plan in `memory`, whose address goes to `plan`. `make(behind, bytes, made)` fills the C++ plan, with `behind`
// for what it points to.
template <class Plan, class Make>
[[nodiscard]] posecore_status make_plan_in(void* memory, size_t bytes, size_t wanted, const Plan** plan,
                                           const Make& make) noexcept {
  const Status lent = detail::check_memory(memory, bytes, wanted, alignof(uint64_t));
  if (lent != Status::kOk) {
    return status_of(lent);
  }
  auto* made = static_cast<Plan*>(memory);
  const Status status = make(static_cast<uint8_t*>(memory) + sizeof(Plan), bytes - sizeof(Plan), &made->plan);
  *plan = status == Status::kOk ? made : nullptr;
  return status_of(status);
}

}  // namespace posecore::c
