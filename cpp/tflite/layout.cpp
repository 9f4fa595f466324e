#include "layout.hpp"

namespace posecore::tflite {
namespace {

constexpr size_t kMostTensors = 1U << 24U;
// The newest interpreters know a good dozen types and nine ways of allocation.
constexpr int32_t kMostKinds = 64;
constexpr int32_t kMostInputs = 1024;
constexpr int32_t kMostOptionBytes = 1048576;
// A size that a structure may have grown to, beyond which two addresses are no neighbours.
constexpr ptrdiff_t kFarthest = 1024;

constexpr auto kNodeBytes = static_cast<ptrdiff_t>(sizeof(Node));
// Before `might_have_side_effect`.
constexpr auto kLeastNodeBytes = static_cast<ptrdiff_t>(offsetof(Node, might_have_side_effect));

[[nodiscard]] ptrdiff_t distance(const void* from, const void* to) noexcept {
  return static_cast<ptrdiff_t>(reinterpret_cast<intptr_t>(to) - reinterpret_cast<intptr_t>(from));
}

[[nodiscard]] bool is_aligned(const void* pointer) noexcept {
  return reinterpret_cast<uintptr_t>(pointer) % alignof(int32_t) == 0;
}

// With another size of TfLiteTensor, all but the first of these numbers would be parts of addresses.
[[nodiscard]] bool tensors_are_tensors(const Context& context) noexcept {
  for (size_t i = 0; i < context.tensors_size; ++i) {
    const Tensor& tensor = context.tensors[i];
    if (tensor.type < 0 || tensor.type >= kMostKinds || tensor.allocation_type < 0 ||
        tensor.allocation_type >= kMostKinds || tensor.data_is_stale > 1 || tensor.is_variable > 1 ||
        !is_aligned(tensor.dims)) {
      return false;
    }
  }
  return true;
}

[[nodiscard]] bool are_tensors(const Context& context, const IntArray* list) noexcept {
  if (list == nullptr || !is_aligned(list) || list->size < 0 || list->size > kMostInputs) {
    return false;
  }
  for (int32_t i = 0; i < list->size; ++i) {
    // -1 is an input that is left out.
    if (items(list)[i] < -1 || items(list)[i] >= static_cast<int64_t>(context.tensors_size)) {
      return false;
    }
  }
  return true;
}

}  // namespace

bool measure(Context* context, const IntArray& plan, Layout* layout, Sentence* wrong) noexcept {
  if (context->tensors == nullptr || context->tensors_size == 0 || context->tensors_size > kMostTensors ||
      !tensors_are_tensors(*context)) {
    return wrong->say("wanted an interpreter with TfLiteTensor of %d bytes, got one with another layout",
                      static_cast<int>(sizeof(Tensor)));
  }
  const Node* last = nullptr;
  int32_t last_index = 0;
  for (int32_t i = 0; i < plan.size; ++i) {
    const int32_t index = items(&plan)[i];
    Node* node = nullptr;
    Registration* registration = nullptr;
    if (context->get_node_and_registration(context, index, &node, &registration) != kDone || node == nullptr ||
        registration == nullptr) {
      return wrong->say("wanted operator %d of the model, got none from the interpreter", static_cast<int>(index));
    }
    const ptrdiff_t node_bytes = distance(node, registration);
    // Longer by whole words is a field more at the end; `sensible` looks whether it is elsewhere.
    const bool known = node_bytes >= kLeastNodeBytes && node_bytes <= 2 * kNodeBytes &&
                       node_bytes % static_cast<ptrdiff_t>(sizeof(void*)) == 0;
    if (!known) {
      return wrong->say("wanted an interpreter with TfLiteNode of %d bytes, got one with another layout",
                        static_cast<int>(sizeof(Node)));
    }
    if (last != nullptr && index != last_index && layout->registration_bytes == 0) {
      // Plans leave nodes out, and go backwards, once another delegate has taken some.
      const ptrdiff_t pairs = static_cast<ptrdiff_t>(index) - last_index;
      const ptrdiff_t away = distance(last, node);
      const ptrdiff_t bytes = away % pairs == 0 ? away / pairs - node_bytes : 0;
      layout->registration_bytes = bytes > 0 && bytes < kFarthest ? bytes : 0;
    }
    last = node;
    last_index = index;
  }
  return true;
}

bool sensible(const Context& context, const Node& node) noexcept {
  return are_tensors(context, node.inputs) && are_tensors(context, node.outputs) &&
         node.custom_initial_data_size >= 0 && node.custom_initial_data_size <= kMostOptionBytes &&
         (node.custom_initial_data != nullptr || node.custom_initial_data_size == 0) && node.delegate == nullptr;
}

}  // namespace posecore::tflite
