// Our own exp and sigmoid against the C library's in double, and thresholds between score and logit.
#include "numeric.hpp"

#include "check.hpp"
#include "memory.hpp"
#include "posecore/decode.hpp"

using posecore::detail::exponential;
using posecore::detail::sigmoid;

TEST(exponential_is_right_to_two_in_ten_million) {
  for (int32_t i = -8600; i <= 8700; ++i) {
    const float x = static_cast<float>(i) * 0.01F;
    const double wanted = exp(static_cast<double>(x));
    CHECK_NEAR(exponential(x), wanted, 2.0e-7 * wanted);
  }
}

TEST(sigmoid_is_right_and_never_falls) {
  float before = 0.0F;
  for (int32_t i = -10000; i <= 10000; ++i) {
    const float x = static_cast<float>(i) * 0.01F;
    const float score = sigmoid(x);
    CHECK_NEAR(score, 1.0 / (1.0 + exp(-static_cast<double>(x))), 1.5e-7);
    CHECK(score >= before - 1.2e-7F && score >= 0.0F && score <= 1.0F);
    before = score;
  }
  CHECK(sigmoid(NAN) == 0.0F);
  CHECK(sigmoid(INFINITY) == 1.0F);
  CHECK(sigmoid(-INFINITY) == 0.0F);
  CHECK(sigmoid(0.0F) == 0.5F);
}

TEST(the_root_logit_is_the_least_that_reaches_the_threshold) {
  const Memory<uint64_t> memory(256);
  for (int32_t i = 1; i <= 100; ++i) {
    posecore::MultiPoseOptions options;
    options.root_threshold = static_cast<float>(i) * 0.01F;
    posecore::MultiPosePlan plan;
    CHECK(posecore::make_plan(posecore::kCoco17, options, memory.data(), memory.bytes(), &plan) ==
          posecore::Status::kOk);
    CHECK(sigmoid(plan.root_logit) >= options.root_threshold);
    CHECK(sigmoid(nextafterf(plan.root_logit, -INFINITY)) < options.root_threshold);
  }
}
