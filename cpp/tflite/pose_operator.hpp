// One PosenetDecoderOp of a model: what it reads and writes, and posecore's decoder between.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "abi.hpp"
#include "options.hpp"
#include "posecore/decode.hpp"
#include "sentence.hpp"

namespace posecore::tflite {

inline constexpr char kOperatorName[] = "PosenetDecoderOp";

// Inputs: heatmaps (1, h, w, 17), short offsets (1, h, w, 34), mid offsets (1, h, w, 64: forward, backward), all uint8,
// all int8 or all float32. Outputs, float32: poses (1, N, 17, 2) as (y, x) in input pixels, keypoint scores (1, N, 17),
// pose scores (1, N), the number of poses (1). Rows beyond that number are zeros.
// BodyPix has a fourth input, long offsets (1, h, w, 34), and a fifth output, masks (1, N, h, w): 1 in the cells that
// are this person's, else 0.
//
// It holds pointers into itself: it stays where it was opened.
class PoseOperator {
 public:
  // False, with a sentence, where this node cannot be decoded. Nothing has to be closed then.
  [[nodiscard]] bool open(const Context& context, const Node& node, const OptionValues& given,
                          Sentence* wrong) noexcept;
  void close() noexcept;
  // Gives the outputs their shapes, and takes the memory for a grid that is known by now.
  [[nodiscard]] bool prepare(Context* context, Sentence* wrong) noexcept;
  [[nodiscard]] bool invoke(const Context& context, Sentence* wrong) noexcept;

 private:
  static constexpr int32_t kMostInputs = 4;
  static constexpr int32_t kMostOutputs = 5;

  [[nodiscard]] bool read_heads(const Context& context, TensorView* heads, Sentence* wrong) const noexcept;
  [[nodiscard]] bool take_memory(int32_t rows, int32_t columns, Sentence* wrong) noexcept;
  [[nodiscard]] bool take_mask_memory(int32_t rows, int32_t columns, Sentence* wrong) noexcept;
  void write_poses(const Context& context) const noexcept;
  [[nodiscard]] bool write_masks(const Context& context, const TensorView& long_offsets, Sentence* wrong) noexcept;

  bool masks_ = false;
  int32_t inputs_[kMostInputs] = {};
  int32_t outputs_[kMostOutputs] = {};
  MultiPosePlan plan_ = {};
  uint64_t plan_memory_[128] = {};
  void* workspace_ = nullptr;
  size_t workspace_bytes_ = 0;
  void* mask_memory_ = nullptr;  // whom each cell belongs to, then the workspace of masks
  size_t mask_bytes_ = 0;
  float* poses_ = nullptr;  // the sink's three arrays
  PoseSink sink_ = {};
};

}  // namespace posecore::tflite
