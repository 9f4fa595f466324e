/* COCO-17 heads made from known people, so that a decoder must give the people back. */
#pragma once

#include "posecore.h"

enum {
  MADE_ROWS = 13,
  MADE_COLUMNS = 20,
  MADE_CELLS = MADE_ROWS * MADE_COLUMNS,
  MADE_CHANNELS = 17 + 34 + 32 + 32,
  MADE_STRIDE = 16
};

/* A standing person with her nose at (x, y). */
typedef struct made_person {
  float x;
  float y;
} made_person;

/* Room for the four tensors one behind the other, whatever their type. */
typedef struct made_heads {
  union {
    float real[MADE_CELLS * MADE_CHANNELS];
    uint8_t bytes[MADE_CELLS * MADE_CHANNELS];
    int8_t signed_bytes[MADE_CELLS * MADE_CHANNELS];
  } data;
  posecore_heads heads;
} made_heads;

/* Where keypoint k of the person is. */
void made_keypoint(const made_person* person, int32_t k, float xy[2]);

/* Fills `made` with heads of these people; `chw`: as the K210's KPU writes them. */
void make_heads(const made_person* people, int32_t count, int32_t type, int chw, made_heads* made);
