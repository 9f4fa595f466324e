// What a delegate sees of a TensorFlow Lite interpreter, as memory: the structures of its C interface from TensorFlow
// 2.7 to 2.21 and LiteRT 1.0 to 2.3. Only as much of each as is used here; the rest follows behind it.
//
// Fields were only ever added at the ends, and `layout.hpp` looks at the interpreter in hand before it is believed.
#pragma once

#include <stddef.h>
#include <stdint.h>

namespace posecore::tflite {

struct Context;
struct Delegate;
struct Node;

// TfLiteStatus
inline constexpr int32_t kDone = 0;
inline constexpr int32_t kFailed = 1;

// TfLiteType
inline constexpr int32_t kTypeFloat32 = 1;
inline constexpr int32_t kTypeUint8 = 3;
inline constexpr int32_t kTypeInt8 = 9;

// TfLiteAllocationType
inline constexpr int32_t kReadOnly = 1;
inline constexpr int32_t kDynamic = 4;

// BuiltinOperator: an operator with a name of its own
inline constexpr int32_t kCustomOperator = 32;

// TfLiteDelegateFlags: sizes may change, and the kernel is then only prepared again
inline constexpr int64_t kAllowDynamicTensors = 1;

// TfLiteIntArray: `size` numbers follow.
struct IntArray {
  int32_t size;
};

[[nodiscard]] inline const int32_t* items(const IntArray* array) noexcept {
  return reinterpret_cast<const int32_t*>(array) + 1;
}

// TfLiteTensor. real = (q - zero_point) * scale; a scale of 0 is a tensor without one, or with many.
struct Tensor {
  int32_t type;
  void* data;
  const IntArray* dims;
  float scale;
  int32_t zero_point;
  int32_t allocation_type;
  size_t bytes;
  const void* allocation;
  const char* name;
  Delegate* delegate;
  int32_t buffer_handle;
  uint8_t data_is_stale;
  uint8_t is_variable;
  int32_t quantization_type;
  void* quantization;
  void* sparsity;
  const IntArray* dims_signature;
};

// TfLiteNode: tensors are numbers of the context's.
struct Node {
  const IntArray* inputs;
  const IntArray* outputs;
  const IntArray* intermediates;
  const IntArray* temporaries;
  void* user_data;
  void* builtin_data;
  const void* custom_initial_data;
  int32_t custom_initial_data_size;
  Delegate* delegate;
  uint8_t might_have_side_effect;  // nodes ended before it once
};

// TfLiteRegistration as it was first. Interpreters take it by value, in the size that they were built with.
struct Registration {
  void* (*init)(Context*, const char* buffer, size_t length);
  void (*free)(Context*, void* user_data);
  int32_t (*prepare)(Context*, Node*);
  int32_t (*invoke)(Context*, Node*);
  const char* (*profiling_string)(const Context*, const Node*);
  int32_t builtin_code;
  const char* custom_name;
  int32_t version;
};

// TfLiteContext
struct Context {
  size_t tensors_size;
  int32_t (*get_execution_plan)(Context*, IntArray** plan);
  Tensor* tensors;
  void* impl;
  int32_t (*resize_tensor)(Context*, Tensor*, IntArray* dims);  // frees `dims`, which came from malloc
  void (*report_error)(Context*, const char* format, ...);
  int32_t (*add_tensors)(Context*, int32_t count, int32_t* first);
  int32_t (*get_node_and_registration)(Context*, int32_t index, Node**, Registration**);
  int32_t (*replace_nodes)(Context*);  // and by value a registration; then the nodes, the delegate: see replace.hpp
  int32_t recommended_num_threads;
  void* (*get_external_context)(Context*, int32_t);
  void (*set_external_context)(Context*, int32_t, void*);
  uint8_t allow_fp32_relax_to_fp16;
  void* profiler;
  void* (*allocate_persistent_buffer)(Context*, size_t);
  int32_t (*allocate_buffer_for_eval)(Context*, size_t, void**);
  int32_t (*request_scratch_buffer_in_arena)(Context*, size_t, int32_t*);
  void* (*get_scratch_buffer)(Context*, int32_t);
  int32_t (*resize_tensor_explicit)(Context*, Tensor*, int32_t rank, const int32_t* dims);  // copies `dims`
};

// TfLiteDelegateParams: what the kernel's `init` is given
struct DelegateParams {
  Delegate* delegate;
  const IntArray* nodes_to_replace;
  const IntArray* input_tensors;
  const IntArray* output_tensors;
};

// TfLiteDelegate. Interpreters read further than they once did: zeros for what may come.
struct Delegate {
  void* data;
  int32_t (*prepare)(Context*, Delegate*);
  void (*copy_from_buffer_handle)();
  void (*copy_to_buffer_handle)();
  void (*free_buffer_handle)();
  int64_t flags;
  void* later[24];
};

#if UINTPTR_MAX == UINT64_MAX
static_assert(sizeof(Tensor) == 112 && offsetof(Tensor, bytes) == 40 && offsetof(Tensor, data_is_stale) == 76);
static_assert(sizeof(Node) == 80 && offsetof(Node, custom_initial_data) == 48 && offsetof(Node, delegate) == 64);
static_assert(sizeof(Registration) == 64 && offsetof(Registration, custom_name) == 48);
static_assert(offsetof(Context, replace_nodes) == 64 && offsetof(Context, resize_tensor_explicit) == 144);
static_assert(offsetof(Delegate, flags) == 40);
#endif

}  // namespace posecore::tflite
