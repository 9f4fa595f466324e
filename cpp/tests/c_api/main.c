/* The C API from C99: `posecore_c_tests`. */
#include "check.h"

void test_version_and_messages(void);
void test_options_have_the_defaults(void);
void test_people_are_found_in_every_arrangement(void);
void test_one_person_is_found(void);
void test_a_network_without_offsets(void);
void test_statuses_of_decoding(void);
void test_null_pointers_of_decoding(void);
void test_masks(void);
void test_a_walk_is_decoded_tracked_repaired_and_smoothed(void);
void test_statuses_over_time(void);
void test_null_pointers_over_time(void);
void test_similarity(void);
void test_null_pointers_of_similarity(void);
void test_pictures_become_input(void);

int check_failures = 0;

static const struct {
  const char* name;
  void (*run)(void);
} kTests[] = {
    {"version and messages", test_version_and_messages},
    {"options have the defaults", test_options_have_the_defaults},
    {"people are found in every arrangement", test_people_are_found_in_every_arrangement},
    {"one person is found", test_one_person_is_found},
    {"a network without offsets", test_a_network_without_offsets},
    {"statuses of decoding", test_statuses_of_decoding},
    {"null pointers of decoding", test_null_pointers_of_decoding},
    {"masks", test_masks},
    {"a walk is decoded, tracked, repaired and smoothed", test_a_walk_is_decoded_tracked_repaired_and_smoothed},
    {"statuses over time", test_statuses_over_time},
    {"null pointers over time", test_null_pointers_over_time},
    {"similarity", test_similarity},
    {"null pointers of similarity", test_null_pointers_of_similarity},
    {"pictures become input", test_pictures_become_input},
};

int main(void) {
  int passed = 0;
  int failed = 0;
  for (unsigned i = 0; i < sizeof kTests / sizeof kTests[0]; ++i) {
    check_failures = 0;
    kTests[i].run();
    if (check_failures == 0) {
      ++passed;
    } else {
      ++failed;
      printf("FAILED %s\n", kTests[i].name);
    }
  }
  printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 ? 0 : 1;
}
