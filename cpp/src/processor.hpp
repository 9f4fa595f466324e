// What the machine can do beyond what every machine of its kind can.
#pragma once

#if defined(__GNUC__) && defined(__x86_64__) && !defined(_MSC_VER)
#define POSECORE_HAS_AVX2
#endif

// What is seldom done, and long: one copy of it is enough.
#if defined(__GNUC__)
#define POSECORE_SELDOM __attribute__((noinline))
#else
#define POSECORE_SELDOM
#endif

// Before a loop whose pointers are all __restrict: what is inlined forgets that.
#if defined(__GNUC__) && !defined(__clang__) && defined(__OPTIMIZE__)
#define POSECORE_APART _Pragma("GCC ivdep")
#else
#define POSECORE_APART
#endif

namespace posecore::detail {

#if defined(POSECORE_HAS_AVX2)
[[nodiscard]] inline bool has_avx2() noexcept {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx2") != 0;
}
#endif

}  // namespace posecore::detail
