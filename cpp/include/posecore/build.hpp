// How this library was built, and what it uses of the machine that it runs on.
#pragma once

namespace posecore {

// The compiler and its version, such as "GCC 12.2.0". Static text.
[[nodiscard]] const char* compiler() noexcept;

// What the kernels that have more than one path (OKS, smoothing) take on this processor: "avx2", or "portable" where
// the processor or the compiler has no AVX2. The numbers are the same. Static text.
[[nodiscard]] const char* simd_path() noexcept;

}  // namespace posecore
