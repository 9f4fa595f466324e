// The delegate: it finds the PosenetDecoderOps of a model, and runs them; all else stays with the interpreter.
#include <stdlib.h>
#include <string.h>

#include "abi.hpp"
#include "layout.hpp"
#include "options.hpp"
#include "pose_operator.hpp"
#include "posecore/tflite_plugin.h"
#include "replace.hpp"
#include "sentence.hpp"

namespace posecore::tflite {
namespace {

// What an interpreter holds of us; first in it what the interpreter reads.
struct PosecoreDelegate {
  Delegate face;
  OptionValues given;
};

// The operators of one partition. Interpreters hand all that nothing else runs between over at once.
struct Kernel {
  int32_t count;
  bool quiet;
  bool usable;
  PoseOperator operators[1];  // `count` of them
};

// Python's binding joins all that is reported into one line: a full stop ends it.
int32_t report(Context* context, bool quiet, const Sentence& wrong) noexcept {
  if (!quiet && context->report_error != nullptr) {
    context->report_error(context, "posecore: %s. ", wrong.text());
  }
  return kFailed;
}

[[nodiscard]] bool is_quiet(const OptionValues& given) noexcept { return given.value[kQuiet] != 0.0; }

[[nodiscard]] Node* node_at(Context* context, int32_t index, Registration** registration) noexcept {
  Node* node = nullptr;
  return context->get_node_and_registration(context, index, &node, registration) == kDone ? node : nullptr;
}

void release(Context* /*context*/, void* user_data) noexcept {
  auto* const kernel = static_cast<Kernel*>(user_data);
  for (int32_t i = 0; kernel != nullptr && i < kernel->count; ++i) {
    kernel->operators[i].close();
  }
  free(kernel);
}

void* init(Context* context, const char* buffer, size_t /*length*/) noexcept {
  const auto* const params = reinterpret_cast<const DelegateParams*>(buffer);
  const OptionValues& given = static_cast<const PosecoreDelegate*>(params->delegate->data)->given;
  const int32_t count = params->nodes_to_replace->size;
  auto* const kernel = static_cast<Kernel*>(malloc(sizeof(Kernel) + sizeof(PoseOperator) * static_cast<size_t>(count)));
  if (kernel == nullptr) {
    return nullptr;
  }
  kernel->count = 0;
  kernel->quiet = is_quiet(given);
  kernel->usable = true;
  Sentence wrong;
  for (int32_t i = 0; i < count && kernel->usable; ++i) {
    Registration* registration = nullptr;
    const int32_t index = items(params->nodes_to_replace)[i];
    const Node* const node = node_at(context, index, &registration);
    kernel->operators[i] = PoseOperator();
    kernel->usable = node != nullptr ? kernel->operators[i].open(*context, *node, given, &wrong)
                                     : wrong.say("wanted operator %d of the model, got none from the interpreter",
                                                 static_cast<int>(index));
    kernel->count += kernel->usable ? 1 : 0;
  }
  if (!kernel->usable) {
    report(context, kernel->quiet, wrong);
  }
  return kernel;
}

int32_t prepare(Context* context, Node* node) noexcept {
  auto* const kernel = static_cast<Kernel*>(node->user_data);
  if (kernel == nullptr || !kernel->usable) {
    return kFailed;
  }
  Sentence wrong;
  for (int32_t i = 0; i < kernel->count; ++i) {
    if (!kernel->operators[i].prepare(context, &wrong)) {
      return report(context, kernel->quiet, wrong);
    }
  }
  return kDone;
}

int32_t invoke(Context* context, Node* node) noexcept {
  auto* const kernel = static_cast<Kernel*>(node->user_data);
  Sentence wrong;
  for (int32_t i = 0; i < kernel->count; ++i) {
    if (!kernel->operators[i].invoke(*context, &wrong)) {
      return report(context, kernel->quiet, wrong);
    }
  }
  return kDone;
}

constexpr Registration kKernel = {init, release, prepare, invoke, nullptr, 0, "PosecoreDecoder", 1};

[[nodiscard]] bool is_ours(const Registration& registration) noexcept {
  return registration.builtin_code == kCustomOperator && registration.custom_name != nullptr &&
         strcmp(registration.custom_name, kOperatorName) == 0;
}

// Lists our operators behind their number; false, with a sentence, where one of them cannot be decoded.
[[nodiscard]] bool choose(Context* context, const IntArray& plan, const OptionValues& given, IntArray* ours,
                          Sentence* wrong) noexcept {
  for (int32_t i = 0; i < plan.size; ++i) {
    Registration* registration = nullptr;
    const int32_t index = items(&plan)[i];
    const Node* const node = node_at(context, index, &registration);
    if (node == nullptr || !is_ours(*registration)) {
      continue;
    }
    PoseOperator trial;
    if (!trial.open(*context, *node, given, wrong)) {
      return false;
    }
    reinterpret_cast<int32_t*>(ours)[++ours->size] = index;
  }
  return true;
}

// What TensorFlow Lite calls when the delegate is given to an interpreter.
int32_t adopt(Context* context, Delegate* delegate) noexcept {
  const OptionValues& given = static_cast<const PosecoreDelegate*>(delegate->data)->given;
  const bool quiet = is_quiet(given);
  Sentence wrong;
  IntArray* plan = nullptr;
  if (context->get_execution_plan(context, &plan) != kDone || plan == nullptr || plan->size < 0) {
    wrong.say("wanted the operators of the model, got none from the interpreter");
    return report(context, quiet, wrong);
  }
  Layout layout;
  if (!measure(context, *plan, &layout, &wrong)) {
    return report(context, quiet, wrong);
  }
  auto* const ours = static_cast<IntArray*>(malloc(sizeof(int32_t) * (1 + static_cast<size_t>(plan->size))));
  if (ours == nullptr) {
    wrong.say("wanted memory for the numbers of %d operators, got none", static_cast<int>(plan->size));
    return report(context, quiet, wrong);
  }
  ours->size = 0;
  int32_t result = kDone;
  const bool well = choose(context, *plan, given, ours, &wrong) &&
                    (ours->size == 0 || replace_nodes(context, layout, kKernel, ours, delegate, &result, &wrong));
  free(ours);
  return well ? result : report(context, quiet, wrong);
}

}  // namespace
}  // namespace posecore::tflite

using posecore::tflite::OptionValues;
using posecore::tflite::PosecoreDelegate;
using posecore::tflite::Sentence;

TfLiteDelegate* tflite_plugin_create_delegate(const char* const* options_keys, const char* const* options_values,
                                              size_t num_options, void (*report_error)(const char*)) {
  Sentence wrong;
  OptionValues given;
  // Python's binding declares an int here: the upper half of the register is nobody's.
  const auto count = static_cast<uint32_t>(num_options);
  auto* made = static_cast<PosecoreDelegate*>(calloc(1, sizeof(PosecoreDelegate)));
  if (made == nullptr) {
    wrong.say("wanted memory for a delegate, got none");
  } else if (!posecore::tflite::read_pairs(options_keys, options_values, count, &given, &wrong)) {
    free(made);
    made = nullptr;
  } else {
    made->face.data = made;
    made->face.prepare = posecore::tflite::adopt;
    made->face.flags = posecore::tflite::kAllowDynamicTensors;
    made->given = given;
  }
  if (made == nullptr && report_error != nullptr) {
    report_error(wrong.text());
  }
  return reinterpret_cast<TfLiteDelegate*>(made);
}

void tflite_plugin_destroy_delegate(TfLiteDelegate* delegate) { free(delegate); }
