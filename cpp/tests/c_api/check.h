/* The C tests' own check header. The program prints every check that fails and, last, "N passed, N failed" tests. */
#pragma once

#include <stdio.h>

extern int check_failures; /* of the test that runs */

#define CHECK(condition)                                            \
  do {                                                              \
    if (!(condition)) {                                             \
      ++check_failures;                                             \
      printf("%s:%d: wanted %s\n", __FILE__, __LINE__, #condition); \
    }                                                               \
  } while (0)

#define CHECK_STATUS(wanted, call)                                                                   \
  do {                                                                                               \
    const posecore_status got_ = (call);                                                             \
    if (got_ != (wanted)) {                                                                          \
      ++check_failures;                                                                              \
      printf("%s:%d: wanted %s of %s, got %d (%s)\n", __FILE__, __LINE__, #wanted, #call, (int)got_, \
             posecore_message(got_));                                                                \
    }                                                                                                \
  } while (0)
