// Which kernels of OKS this machine has.
#pragma once

#include "oks_kernel.hpp"
#include "processor.hpp"

namespace posecore::detail {

// 16 bytes of numbers at once: SSE2, NEON, or what the compiler makes of them.
#if defined(__GNUC__)
template <class T>
inline constexpr OksKernels<T> kPlainOks = plain_kernels<Lanes<T, 16 / sizeof(T)>>();
#else
template <class T>
inline constexpr OksKernels<T> kPlainOks = plain_kernels<Lanes<T, 1>>();
#endif

#if defined(POSECORE_HAS_AVX2)
template <class T>
[[nodiscard]]
__attribute__((target("avx2"))) bool avx2_block(const OksProblem<T>& problem, int64_t first, int32_t people) noexcept {
  return oks_of_block<Lanes<T, 32 / sizeof(T)>>(problem, first, people);
}

template <class T>
[[nodiscard]] __attribute__((target("avx2"))) T avx2_leaf(const OksProblem<T>& problem, const T* xy,
                                                          const OksTruth<T>& truth, const int32_t* listed,
                                                          int32_t count) noexcept {
  return sum_of_leaf<Lanes<T, 32 / sizeof(T)>>(problem, xy, truth, listed, count);
}

template <class T>
inline constexpr OksKernels<T> kAvx2Oks = {32 / sizeof(T), avx2_block<T>, avx2_leaf<T>};
#endif

// The fastest that work here.
template <class T>
[[nodiscard]] inline const OksKernels<T>& best_kernels() noexcept {
#if defined(POSECORE_HAS_AVX2)
  if (has_avx2()) {
    return kAvx2Oks<T>;
  }
#endif
  return kPlainOks<T>;
}

}  // namespace posecore::detail
