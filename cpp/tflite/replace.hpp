// Calling `ReplaceNodeSubsetsWithDelegateKernels` of any interpreter.
//
// It takes a TfLiteRegistration by value, a structure that grew from version to version, and reads as many bytes as its
// own version has. Where a structure of this size is passed in memory of the caller, and no other argument's place
// depends on its size, a longer one with zeros behind is right for all: x86-64 (System V: copied to the bottom of the
// stack's arguments, the only one there; Windows: by address), 64-bit ARM, RISC-V and LoongArch (by address). Elsewhere
// (32-bit ARM and x86: the arguments behind it lie behind it) it has to have the interpreter's own size.
#pragma once

#include "abi.hpp"
#include "layout.hpp"
#include "sentence.hpp"

namespace posecore::tflite {

// Hands the nodes over to a kernel with these functions. False, with a sentence, where this interpreter cannot be
// called safely; else `*result` is what it says.
[[nodiscard]] bool replace_nodes(Context* context, const Layout& layout, const Registration& kernel,
                                 const IntArray* nodes, Delegate* delegate, int32_t* result, Sentence* wrong) noexcept;

}  // namespace posecore::tflite
