/* OKS, and pictures as input. */
#include <math.h>
#include <string.h>

#include "check.h"
#include "posecore.h"

static const double kSigmas[2] = {0.05, 0.1};
static const float kFoundXy[4] = {1, 1, 5, 6};
static const float kTruthXy[4] = {1, 1, 5, 5};
static const uint8_t kLabelled[2] = {2, 1};
static const float kArea[1] = {100};

static posecore_oks_detections detections(void) {
  posecore_oks_detections found = {NULL, 0, 0, 0, NULL, 1};
  found.xy = kFoundXy;
  return found;
}

static posecore_oks_truths truths(void) {
  posecore_oks_truths wanted = {NULL, 0, 0, 0, NULL, 0, NULL, NULL, NULL, 1};
  wanted.xy = kTruthXy;
  wanted.visibility = kLabelled;
  wanted.areas_px2 = kArea;
  return wanted;
}

void test_similarity(void) {
  const posecore_oks_detections found = detections();
  const posecore_oks_truths wanted = truths();
  float oks = -1;
  CHECK_STATUS(POSECORE_OK, posecore_oks(kSigmas, 2, &found, &wanted, &oks, 1));
  /* One keypoint is right, the other 1 px off: d^2 / (2 area (2 sigma)^2) = 1 / 8. */
  CHECK(fabs((double)oks - (1 + exp(-0.125)) / 2) < 1e-6);
  float pair = -1;
  CHECK_STATUS(POSECORE_OK, posecore_oks_of_pairs(kSigmas, 2, &found, &wanted, &pair));
  CHECK(pair == oks);

  const double found_xy[4] = {1, 1, 5, 6};
  const double xy[4] = {1, 1, 5, 5};
  const double area = 100;
  posecore_oks_detections_double precise = {NULL, 0, 0, 0, NULL, 1};
  precise.xy = found_xy;
  posecore_oks_truths_double precise_truths = {NULL, 0, 0, 0, NULL, 0, NULL, NULL, NULL, 1};
  precise_truths.xy = xy;
  precise_truths.visibility = kLabelled;
  precise_truths.areas_px2 = &area;
  double precise_oks = -1;
  CHECK_STATUS(POSECORE_OK, posecore_oks_double(kSigmas, 2, &precise, &precise_truths, &precise_oks, 1));
  CHECK(fabs(precise_oks - (1 + exp(-0.125)) / 2) < 1e-12);
  double precise_pair = -1;
  CHECK_STATUS(POSECORE_OK, posecore_oks_of_pairs_double(kSigmas, 2, &precise, &precise_truths, &precise_pair));
  CHECK(precise_pair == precise_oks);

  posecore_oks_detections less = found;
  less.count = 0;
  CHECK_STATUS(POSECORE_BAD_OPTIONS, posecore_oks_of_pairs(kSigmas, 2, &less, &wanted, &pair));
  less.count = -1;
  CHECK_STATUS(POSECORE_BAD_OPTIONS, posecore_oks(kSigmas, 2, &less, &wanted, &oks, 1));
  CHECK_STATUS(POSECORE_BAD_SKELETON, posecore_oks(kSigmas, 0, &found, &wanted, &oks, 1));
  const double negative[2] = {0.05, -0.1};
  CHECK_STATUS(POSECORE_BAD_OPTIONS, posecore_oks(negative, 2, &found, &wanted, &oks, 1));
}

void test_null_pointers_of_similarity(void) {
  posecore_oks_detections found = detections();
  posecore_oks_truths wanted = truths();
  float oks = 0;
  CHECK_STATUS(POSECORE_NULL_POINTER, posecore_oks(NULL, 2, &found, &wanted, &oks, 1));
  CHECK_STATUS(POSECORE_NULL_POINTER, posecore_oks(kSigmas, 2, NULL, &wanted, &oks, 1));
  CHECK_STATUS(POSECORE_NULL_POINTER, posecore_oks(kSigmas, 2, &found, NULL, &oks, 1));
  CHECK_STATUS(POSECORE_NULL_POINTER, posecore_oks(kSigmas, 2, &found, &wanted, NULL, 1));
  CHECK_STATUS(POSECORE_NULL_POINTER, posecore_oks_of_pairs(kSigmas, 2, NULL, &wanted, &oks));
  CHECK_STATUS(POSECORE_NULL_POINTER, posecore_oks_of_pairs(kSigmas, 2, &found, &wanted, NULL));
  CHECK_STATUS(POSECORE_NULL_POINTER, posecore_oks_double(kSigmas, 2, NULL, NULL, NULL, 1));
  CHECK_STATUS(POSECORE_NULL_POINTER, posecore_oks_of_pairs_double(kSigmas, 2, NULL, NULL, NULL));
  found.xy = NULL;
  CHECK_STATUS(POSECORE_NULL_POINTER, posecore_oks(kSigmas, 2, &found, &wanted, &oks, 1));
  found = detections();
  wanted.visibility = NULL;
  CHECK_STATUS(POSECORE_NULL_POINTER, posecore_oks(kSigmas, 2, &found, &wanted, &oks, 1));
  wanted = truths();
  wanted.areas_px2 = NULL;
  CHECK_STATUS(POSECORE_NULL_POINTER, posecore_oks(kSigmas, 2, &found, &wanted, &oks, 1));
  static const uint8_t kUnlabelled[2] = {0, 0};
  wanted = truths();
  wanted.visibility = kUnlabelled; /* and no box */
  CHECK_STATUS(POSECORE_NULL_POINTER, posecore_oks(kSigmas, 2, &found, &wanted, &oks, 1));
  found.count = 0;
  CHECK_STATUS(POSECORE_OK, posecore_oks(kSigmas, 2, &found, &wanted, NULL, 1));
}

void test_pictures_become_input(void) {
  /* Two rows of one pixel, from the bottom up, a byte of padding behind each. */
  static const uint8_t kPixels[8] = {1, 2, 3, 99, 4, 5, 6, 99};
  const posecore_picture picture = {kPixels + 4, 2, 1, -4};
  const posecore_placement placement = {2, 2, 0, 1, 10, 1};
  float reals[12];
  CHECK_STATUS(POSECORE_OK, posecore_write_input_float(&picture, &placement, 0.5F, -1.0F, reals));
  static const float kReals[12] = {4, 4, 4, 2, 1.5F, 1, 4, 4, 4, 0.5F, 0, -0.5F};
  CHECK(memcmp(reals, kReals, sizeof reals) == 0);
  uint8_t table[256];
  for (int i = 0; i < 256; ++i) {
    table[i] = (uint8_t)(255 - i);
  }
  uint8_t bytes[12];
  CHECK_STATUS(POSECORE_OK, posecore_write_input_bytes(&picture, &placement, table, bytes));
  static const uint8_t kBytes[12] = {245, 245, 245, 249, 250, 251, 245, 245, 245, 252, 253, 254};
  CHECK(memcmp(bytes, kBytes, sizeof bytes) == 0);

  const posecore_placement outside = {2, 2, 1, 1, 10, 0};
  CHECK_STATUS(POSECORE_BAD_TENSOR, posecore_write_input_float(&picture, &outside, 1, 0, reals));
  const posecore_picture nothing = {NULL, 2, 1, -4};
  CHECK_STATUS(POSECORE_NULL_POINTER, posecore_write_input_float(NULL, &placement, 1, 0, reals));
  CHECK_STATUS(POSECORE_NULL_POINTER, posecore_write_input_float(&nothing, &placement, 1, 0, reals));
  CHECK_STATUS(POSECORE_NULL_POINTER, posecore_write_input_float(&picture, NULL, 1, 0, reals));
  CHECK_STATUS(POSECORE_NULL_POINTER, posecore_write_input_float(&picture, &placement, 1, 0, NULL));
  CHECK_STATUS(POSECORE_NULL_POINTER, posecore_write_input_bytes(NULL, &placement, table, bytes));
  CHECK_STATUS(POSECORE_NULL_POINTER, posecore_write_input_bytes(&picture, NULL, table, bytes));
  CHECK_STATUS(POSECORE_NULL_POINTER, posecore_write_input_bytes(&picture, &placement, NULL, bytes));
  CHECK_STATUS(POSECORE_NULL_POINTER, posecore_write_input_bytes(&picture, &placement, table, NULL));
}
