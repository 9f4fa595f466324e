// The options of PosenetDecoderOp: those in a model's file, and those that a delegate is created with, which win.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "posecore/decode.hpp"
#include "sentence.hpp"

namespace posecore::tflite {

enum OptionName : int32_t {
  // These four are the operator's own, and the only ones that are read from files.
  kMaxDetections,
  kScoreThreshold,
  kNmsRadius,
  kStride,
  kFileOptions,
  kRootThreshold = kFileOptions,
  kPoseThreshold,
  kRefineSteps,
  kLocalMaximumRadius,
  kSampling,
  kRescore,
  kQuiet,
  kOptionNames,
};

struct OptionValues {
  bool given[kOptionNames] = {};
  double value[kOptionNames] = {};
};

// Options as text. False, with a sentence, for an unknown key or a value that is out of its range.
[[nodiscard]] bool read_pairs(const char* const* keys, const char* const* values, size_t count, OptionValues* options,
                              Sentence* wrong) noexcept;

// The FlexBuffer that the operator has in a model's file; no bytes are no options. False, with a sentence, where it is
// damaged or a value is out of its range. Keys of others are passed over.
[[nodiscard]] bool read_file(const uint8_t* data, size_t size, OptionValues* options, Sentence* wrong) noexcept;

// What the decoder is told: `given`, else what the file says, else Coral's defaults, which are posecore's.
[[nodiscard]] MultiPoseOptions decoder_options(const OptionValues& file, const OptionValues& given) noexcept;

}  // namespace posecore::tflite
