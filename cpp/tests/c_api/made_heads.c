#include "made_heads.h"

/* In pixels from the nose, in COCO's order. */
static const float kStanding[17][2] = {{0, 0},    {5, -5},   {-5, -5},   {12, -2},  {-12, -2}, {22, 24},
                                       {-22, 24}, {31, 50},  {-31, 50},  {33, 76},  {-33, 76}, {15, 80},
                                       {-15, 80}, {16, 115}, {-16, 115}, {17, 150}, {-17, 150}};

void made_keypoint(const made_person* person, int32_t k, float xy[2]) {
  xy[0] = person->x + kStanding[k][0];
  xy[1] = person->y + kStanding[k][1];
}

static void set(const posecore_tensor* tensor, int32_t row, int32_t column, int32_t channel, float real) {
  const ptrdiff_t at = row * tensor->row_stride + column * tensor->column_stride + channel * tensor->channel_stride;
  const float scaled = real / tensor->scale;
  int32_t q = (int32_t)(scaled + (scaled < 0 ? -0.5F : 0.5F)) + tensor->zero_point;
  const int32_t low = tensor->type == POSECORE_INT8 ? -128 : 0;
  q = q < low ? low : (q > low + 255 ? low + 255 : q);
  /* The views are const for those who read. */
  if (tensor->type == POSECORE_FLOAT32) {
    ((float*)(uintptr_t)tensor->data)[at] = real;
  } else if (tensor->type == POSECORE_UINT8) {
    ((uint8_t*)(uintptr_t)tensor->data)[at] = (uint8_t)q;
  } else {
    ((int8_t*)(uintptr_t)tensor->data)[at] = (int8_t)q;
  }
}

static float squared(float a, float b) { return a * a + b * b; }

/* The person whose keypoint k is nearest to the cell. */
static const made_person* nearest(const made_person* people, int32_t count, int32_t k, float x, float y,
                                  float* distance) {
  const made_person* best = people;
  *distance = 1e9F;
  for (int32_t i = 0; i < count; ++i) {
    float xy[2];
    made_keypoint(people + i, k, xy);
    if (squared(xy[0] - x, xy[1] - y) < *distance) {
      *distance = squared(xy[0] - x, xy[1] - y);
      best = people + i;
    }
  }
  return best;
}

static void set_cell(const made_person* people, int32_t count, int32_t row, int32_t column, posecore_heads* heads) {
  const posecore_skeleton* coco = posecore_coco17();
  const float x = (float)(column * MADE_STRIDE);
  const float y = (float)(row * MADE_STRIDE);
  for (int32_t k = 0; k < 17; ++k) {
    float distance;
    float xy[2];
    made_keypoint(nearest(people, count, k, x, y, &distance), k, xy);
    set(&heads->heatmaps, row, column, k, count > 0 ? 5.0F - distance / 64.0F : -5.0F);
    set(&heads->short_offsets, row, column, k, count > 0 ? xy[1] - y : 0.0F);
    set(&heads->short_offsets, row, column, 17 + k, count > 0 ? xy[0] - x : 0.0F);
  }
  for (int32_t e = 0; e < 16; ++e) {
    const int32_t ends[2] = {coco->edges[2 * e], coco->edges[2 * e + 1]};
    const posecore_tensor* tensors[2] = {&heads->displacement_fwd, &heads->displacement_bwd};
    for (int32_t way = 0; way < 2; ++way) {
      float distance;
      float from[2];
      float to[2];
      const made_person* person = nearest(people, count, ends[way], x, y, &distance);
      made_keypoint(person, ends[way], from);
      made_keypoint(person, ends[1 - way], to);
      set(tensors[way], row, column, e, count > 0 ? to[1] - from[1] : 0.0F);
      set(tensors[way], row, column, 16 + e, count > 0 ? to[0] - from[0] : 0.0F);
    }
  }
}

void make_heads(const made_person* people, int32_t count, int32_t type, int chw, made_heads* made) {
  static const made_person kNobody = {0, 0};
  static const int32_t kChannels[4] = {17, 34, 32, 32};
  static const float kScales[4] = {0.0625F, 0.25F, 1.0F, 1.0F};
  posecore_tensor* const tensors[4] = {&made->heads.heatmaps, &made->heads.short_offsets, &made->heads.displacement_fwd,
                                       &made->heads.displacement_bwd};
  size_t at = 0;
  for (int32_t i = 0; i < 4; ++i) {
    const void* data =
        type == POSECORE_FLOAT32 ? (const void*)(made->data.real + at) : (const void*)(made->data.bytes + at);
    const int32_t zero_point = type == POSECORE_UINT8 ? 128 : 0;
    *tensors[i] = chw ? posecore_chw_tensor(data, type, MADE_ROWS, MADE_COLUMNS, kChannels[i], kScales[i], zero_point)
                      : posecore_hwc_tensor(data, type, MADE_ROWS, MADE_COLUMNS, kChannels[i], kScales[i], zero_point);
    at += (size_t)(MADE_CELLS * kChannels[i]);
  }
  made->heads.scores = POSECORE_LOGITS;
  for (int32_t row = 0; row < MADE_ROWS; ++row) {
    for (int32_t column = 0; column < MADE_COLUMNS; ++column) {
      set_cell(count > 0 ? people : &kNobody, count, row, column, &made->heads);
    }
  }
}
