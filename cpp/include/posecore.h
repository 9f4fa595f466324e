/**
 * @file posecore.h
 * The C API of posecore: from the tensors of a pose network to people with names, in plain C99.
 *
 * Memory. Nothing here allocates, prints, throws or ends the program. A *plan* holds checked options and lies in memory
 * of the caller's, as many bytes as `..._plan_bytes` says; it stays where it was made, and is const from then on. A
 * *workspace* is memory that a call borrows, or in which a tracker or filter remembers people. Memory is aligned as for
 * a 64-bit integer; what malloc gives is. Whatever is pointed to stays the caller's, and options are copied. On a board
 * without a heap, POSECORE_..._PLAN_BYTES says at compile time how many bytes are enough:
 *
 *     static uint64_t memory[POSECORE_MULTI_PLAN_BYTES(17) / 8];
 *
 * Threads. There is no global state. Any number of threads may use one plan at once, each with a workspace, filter
 * state and sink of its own.
 *
 * Statuses. What can fail returns a posecore_status, POSECORE_OK (0) where it did not. A null pointer where memory is
 * needed is POSECORE_NULL_POINTER and never a crash; pointers that may be null say so. `posecore_message` has a
 * sentence for each status. Where a call says no, what it would have written is as it was unless it says otherwise;
 * pointers to plans become null.
 *
 * Numbers. Coordinates are (x, y) in pixels, and the centre of the top-left pixel is (0, 0); only the channels of
 * tensors have all y before all x. Whatever tensors hold (NaN, infinities, any bytes), what comes out is finite and in
 * its range. The bits are the same on every machine where the library is compiled with -ffp-contract=off.
 *
 * Options. `..._options_init` writes the defaults, and a null pointer in place of options stands for them. Choices are
 * int32_t and not enumerations, whose size depends on compiler flags.
 *
 * In a program that links the static library of a C++ project, the same functions are in posecore/decode.hpp,
 * masks.hpp, oks.hpp, kalman.hpp, one_euro.hpp, track.hpp, swaps.hpp and input.hpp, as C++17.
 */
#pragma once

#include "posecore/c/decode.h"
#include "posecore/c/input.h"
#include "posecore/c/kalman.h"
#include "posecore/c/masks.h"
#include "posecore/c/oks.h"
#include "posecore/c/one_euro.h"
#include "posecore/c/status.h"
#include "posecore/c/swaps.h"
#include "posecore/c/tensor.h"
#include "posecore/c/track.h"
