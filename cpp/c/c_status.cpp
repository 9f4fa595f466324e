#include "posecore/status.hpp"

#include "posecore/build.hpp"
#include "posecore/c/status.h"
#include "posecore/version.hpp"

namespace posecore {
namespace {

[[nodiscard]] constexpr bool same(int32_t in_c, Status in_cpp) noexcept { return in_c == static_cast<int32_t>(in_cpp); }

static_assert(same(POSECORE_OK, Status::kOk));
static_assert(same(POSECORE_NULL_POINTER, Status::kNullPointer));
static_assert(same(POSECORE_BAD_SKELETON, Status::kBadSkeleton));
static_assert(same(POSECORE_BAD_OPTIONS, Status::kBadOptions));
static_assert(same(POSECORE_BAD_TENSOR, Status::kBadTensor));
static_assert(same(POSECORE_MIXED_TENSORS, Status::kMixedTensors));
static_assert(same(POSECORE_BAD_CHANNELS, Status::kBadChannels));
static_assert(same(POSECORE_TOO_LARGE, Status::kTooLarge));
static_assert(same(POSECORE_WORKSPACE_TOO_SMALL, Status::kWorkspaceTooSmall));
static_assert(same(POSECORE_MISALIGNED, Status::kMisaligned));
static_assert(same(POSECORE_SINK_TOO_SMALL, Status::kSinkTooSmall));
static_assert(same(POSECORE_BAD_TIMES, Status::kBadTimes));
static_assert(same(POSECORE_NOT_STARTED, Status::kNotStarted));
static_assert(same(POSECORE_TOO_MANY_PEOPLE, Status::kTooManyPeople));
static_assert(same(POSECORE_NOT_LATER, Status::kNotLater));

}  // namespace
}  // namespace posecore

const char* posecore_message(posecore_status status) { return message(static_cast<posecore::Status>(status)); }

const char* posecore_version(void) { return POSECORE_VERSION; }

int32_t posecore_abi_version(void) { return POSECORE_ABI_VERSION; }

const char* posecore_compiler(void) { return posecore::compiler(); }

const char* posecore_simd_path(void) { return posecore::simd_path(); }
