// The tests' own check header: C headers only, no exceptions, no heap, so that the same tests run on boards.
//
//   TEST(empty_map_has_no_poses) {
//     CHECK(sink.count == 0);
//     CHECK_NEAR(sink.xy[0], 12.5, 1e-3);
//   }
//
// The program prints every check that fails and, last, "N passed, N failed" tests; it returns 0 where none failed.
#pragma once

#include <math.h>
#include <stdint.h>
#include <stdio.h>

namespace check {

struct Test {
  const char* name;
  void (*run)();
  const Test* next;
};

inline const Test* first_test = nullptr;
inline int32_t failures_of_test = 0;

struct Registered {
  explicit Registered(Test* test) noexcept {
    test->next = first_test;
    first_test = test;
  }
};

inline void that(bool holds, const char* text, const char* file, int line) {
  if (!holds) {
    ++failures_of_test;
    printf("%s:%d: wanted %s\n", file, line, text);
  }
}

inline void near(double value, double wanted, double tolerance, const char* text, const char* file, int line) {
  if (!(fabs(value - wanted) <= tolerance)) {
    ++failures_of_test;
    printf("%s:%d: wanted %s = %.9g within %.3g, got %.9g\n", file, line, text, wanted, tolerance, value);
  }
}

inline int run_all() {
  int32_t passed = 0;
  int32_t failed = 0;
  for (const Test* test = first_test; test != nullptr; test = test->next) {
    failures_of_test = 0;
    test->run();
    if (failures_of_test == 0) {
      ++passed;
    } else {
      ++failed;
      printf("FAILED %s\n", test->name);
    }
  }
  printf("%d passed, %d failed\n", static_cast<int>(passed), static_cast<int>(failed));
  return failed == 0 && passed > 0 ? 0 : 1;
}

}  // namespace check

#define TEST(name)                                                  \
  static void name();                                               \
  static check::Test name##_test = {#name, name, nullptr};          \
  static const check::Registered name##_registered{&(name##_test)}; \
  static void name()

#define CHECK(condition) check::that((condition), #condition, __FILE__, __LINE__)
#define CHECK_NEAR(value, wanted, tolerance)                                                                   \
  check::near(static_cast<double>(value), static_cast<double>(wanted), static_cast<double>(tolerance), #value, \
              __FILE__, __LINE__)
