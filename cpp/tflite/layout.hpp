// Looking at an interpreter before it is believed: are its structures those of `abi.hpp`?
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "abi.hpp"
#include "sentence.hpp"

namespace posecore::tflite {

// The bytes of the interpreter's own TfLiteRegistration, measured; 0 where they could not be.
struct Layout {
  ptrdiff_t registration_bytes = 0;
};

// False, with a sentence, where sizes, tensors or nodes of the interpreter are not what they would be. An interpreter
// keeps pairs of a node and its registration in one array, so that the distances of their addresses are sizes: the
// first to the second of a pair is a node's, one pair to another is both, times the pairs between.
[[nodiscard]] bool measure(Context* context, const IntArray& plan, Layout* layout, Sentence* wrong) noexcept;

// Whether a node's lists are lists of tensors, and its options bytes: what `measure` cannot see from outside.
[[nodiscard]] bool sensible(const Context& context, const Node& node) noexcept;

}  // namespace posecore::tflite
