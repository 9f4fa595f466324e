#include <string.h>

#include "check.hpp"
#include "posecore/build.hpp"
#include "processor.hpp"

TEST(build_names_a_compiler_and_its_version) {
  CHECK(strchr(posecore::compiler(), ' ') != nullptr);
  CHECK(posecore::compiler() == posecore::compiler());
}

TEST(build_says_the_path_that_the_kernels_take) {
#if defined(POSECORE_HAS_AVX2)
  const char* expected = posecore::detail::has_avx2() ? "avx2" : "portable";
#else
  const char* expected = "portable";
#endif
  CHECK(strcmp(posecore::simd_path(), expected) == 0);
}
