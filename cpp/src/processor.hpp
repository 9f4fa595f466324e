// What the machine can do beyond what every machine of its kind can.
#pragma once

#if defined(__GNUC__) && defined(__x86_64__) && !defined(_MSC_VER)
#define POSECORE_HAS_AVX2
#endif

namespace posecore::detail {

#if defined(POSECORE_HAS_AVX2)
[[nodiscard]] inline bool has_avx2() noexcept {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx2") != 0;
}
#endif

}  // namespace posecore::detail
