// A TensorFlow Lite interpreter in small: tensors, and a model of a convolution, which nobody runs, and
// PosenetDecoderOps. Its structures are those of a version: `Passed` is what it takes by value, `HostNode` and
// `HostTensor` what it keeps.
#pragma once

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi.hpp"
#include "posecore/tflite_plugin.h"
#include "synthetic.hpp"

namespace host {

namespace tflite = posecore::tflite;

// A FlexBuffer: max_detections 3, nms_radius 8.0, score_threshold 0.25, stride 16.
inline constexpr uint8_t kFileOptions[] = {
    109, 97,  120, 95,  100, 101, 116, 101, 99,  116, 105, 111, 110, 115, 0,   110, 109, 115, 95,  114, 97,  100,
    105, 117, 115, 0,   115, 99,  111, 114, 101, 95,  116, 104, 114, 101, 115, 104, 111, 108, 100, 0,   115, 116,
    114, 105, 100, 101, 0,   0,   0,   0,   4,   0,   0,   0,   56,  0,   0,   0,   45,  0,   0,   0,   38,  0,
    0,   0,   26,  0,   0,   0,   16,  0,   0,   0,   4,   0,   0,   0,   4,   0,   0,   0,   3,   0,   0,   0,
    0,   0,   0,   65,  0,   0,   128, 62,  16,  0,   0,   0,   6,   14,  14,  6,   20,  38,  1};

[[nodiscard]] inline bool says(const char* said, const char* wanted) {
  const bool found = strstr(said, wanted) != nullptr;
  if (!found) {
    printf("wanted \"%s\", got \"%s\"\n", wanted, said);
  }
  return found;
}

// TfLiteRegistration in TensorFlow 2.7, 2.11, between that and 2.14, since 2.14, and in a time to come.
using First = tflite::Registration;
struct Second {
  First first;
  void* registration_external;
};
struct Third {
  First first;
  void* registration_external;
  void* async_kernel;
};
struct Fourth {
  First first;
  void* registration_external;
  void* async_kernel;
  uint64_t inplace_operator;
};
struct Fifth {
  First first;
  void* registration_external;
  void* async_kernel;
  uint64_t inplace_operator;
  void* unheard_of[3];
};

template <int kSize>
struct List {
  int32_t size = kSize;
  int32_t items[kSize] = {};
};

template <class T>
[[nodiscard]] const tflite::IntArray* as_array(const T& list) {
  return reinterpret_cast<const tflite::IntArray*>(&list);
}

template <class Passed = Fourth, class HostNode = tflite::Node, class HostTensor = tflite::Tensor>
class Interpreter {
 public:
  static constexpr int32_t kHeads = 3;
  static constexpr int32_t kTensors = 16;
  static constexpr int32_t kMostDecoders = 2;
  static constexpr int32_t kLongOffsets = 14;

  explicit Interpreter(int32_t decoders = 1) {
    memset(static_cast<void*>(tensors_), 0, sizeof tensors_);
    memset(static_cast<void*>(pairs_), 0, sizeof pairs_);
    context_ = {};
    context_.tensors_size = kTensors;
    context_.get_execution_plan = [](tflite::Context* context, tflite::IntArray** plan) {
      *plan = reinterpret_cast<tflite::IntArray*>(&of(context).plan_);
      return tflite::kDone;
    };
    context_.tensors = reinterpret_cast<tflite::Tensor*>(tensors_);
    context_.impl = this;
    context_.resize_tensor = resize;
    context_.report_error = say;
    context_.get_node_and_registration = [](tflite::Context* context, int32_t index, tflite::Node** node,
                                            tflite::Registration** registration) {
      *node = reinterpret_cast<tflite::Node*>(&of(context).pairs_[index].node);
      *registration = reinterpret_cast<tflite::Registration*>(&of(context).pairs_[index].passed);
      return of(context).lost_ ? tflite::kFailed : tflite::kDone;
    };
    context_.replace_nodes = reinterpret_cast<int32_t (*)(tflite::Context*)>(reinterpret_cast<void (*)()>(replace));
    plan_.size = 1 + decoders;
    reinterpret_cast<First&>(pairs_[0].passed).builtin_code = 3;  // CONV_2D
    node(0).inputs = node(0).outputs = as_array(none_);
    for (int32_t d = 0; d < decoders; ++d) {
      plan_.items[1 + d] = 1 + d;
      First& registration = reinterpret_cast<First&>(pairs_[1 + d].passed);
      registration.builtin_code = tflite::kCustomOperator;
      registration.custom_name = "PosenetDecoderOp";
      inputs_[d] = {kHeads, {1, 2, 3}};
      outputs_[d] = {4, {4 + 5 * d, 5 + 5 * d, 6 + 5 * d, 7 + 5 * d}};
      node(1 + d).inputs = as_array(inputs_[d]);
      node(1 + d).outputs = as_array(outputs_[d]);
      for (const int32_t output : outputs_[d].items) {
        tensor(output).type = tflite::kTypeFloat32;
        tensor(output).allocation_type = 2;
      }
    }
  }
  ~Interpreter() {
    if (kernel_.free != nullptr) {
      kernel_.free(&context_, kernel_node_.user_data);
    }
    for (int32_t i = 0; i < kTensors; ++i) {
      free(owned_dims_[i]);
      free(owned_data_[i]);
    }
  }
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;

  // Heads as a network would leave them; the two displacements become one tensor of mid offsets.
  template <class T>
  void give(const posecore::Heads& heads) {
    const int32_t cells = heads.heatmaps.rows * heads.heatmaps.columns;
    const auto type = sizeof(T) == sizeof(float)  ? tflite::kTypeFloat32
                      : static_cast<T>(-1) < T(0) ? tflite::kTypeInt8
                                                  : tflite::kTypeUint8;
    const posecore::TensorView* views[] = {&heads.heatmaps, &heads.short_offsets, &heads.displacement_fwd};
    const int32_t channels[] = {17, 34, 64};
    for (int32_t i = 0; i < kHeads; ++i) {
      auto* data = static_cast<T*>(own(1 + i, sizeof(T) * static_cast<size_t>(cells * channels[i])));
      for (int32_t cell = 0; cell < cells; ++cell) {
        const ptrdiff_t from = static_cast<ptrdiff_t>(cell) * views[i]->channels;
        const size_t bytes = sizeof(T) * static_cast<size_t>(views[i]->channels);
        memcpy(data + cell * channels[i], static_cast<const T*>(views[i]->data) + from, bytes);
        if (i == 2) {
          memcpy(data + cell * 64 + 32, static_cast<const T*>(heads.displacement_bwd.data) + from, bytes);
        }
      }
      shapes_[i] = {4, {1, heads.heatmaps.rows, heads.heatmaps.columns, channels[i]}};
      tflite::Tensor& head = tensor(1 + i);
      head.type = type;
      head.dims = as_array(shapes_[i]);
      head.scale = views[i]->scale;
      head.zero_point = views[i]->zero_point;
      head.allocation_type = 2;
    }
  }

  // Makes the decoder one of BodyPix, whose long offsets are the bytes of its short ones.
  void ask_for_masks() {
    node(1).inputs = as_array(mask_inputs_);
    node(1).outputs = as_array(mask_outputs_);
    tensor(kLongOffsets) = tensor(2);
    tensor(8).type = tflite::kTypeFloat32;
    tensor(8).allocation_type = 2;
  }

  [[nodiscard]] int32_t take(TfLiteDelegate* delegate) {
    given_ = reinterpret_cast<tflite::Delegate*>(delegate);
    return given_->prepare(&context_, given_);
  }
  [[nodiscard]] int32_t allocate() { return kernel_.prepare(&context_, &kernel_node_); }
  [[nodiscard]] int32_t invoke() { return kernel_.invoke(&context_, &kernel_node_); }
  [[nodiscard]] bool run(TfLiteDelegate* delegate) {
    return take(delegate) == tflite::kDone && allocate() == tflite::kDone && invoke() == tflite::kDone;
  }

  [[nodiscard]] bool handed_over() const { return kernel_.init != nullptr; }
  [[nodiscard]] const char* said() const { return said_; }
  // The numbers of an output of a decoder: 0 poses, 1 keypoint scores, 2 pose scores, 3 the number of poses, 4 masks.
  [[nodiscard]] const float* output(int32_t number, int32_t decoder = 0) {
    return static_cast<const float*>(tensor(4 + 5 * decoder + number).data);
  }
  [[nodiscard]] tflite::Tensor& tensor(int32_t number) { return reinterpret_cast<tflite::Tensor&>(tensors_[number]); }
  [[nodiscard]] tflite::Node& node(int32_t number) { return reinterpret_cast<tflite::Node&>(pairs_[number].node); }
  [[nodiscard]] HostNode& host_node(int32_t number) { return pairs_[number].node; }
  void shorten_plan() { plan_ = {1, {1}}; }
  // As after another delegate, which took the convolution.
  void turn_plan() { plan_ = {2, {2, 1}}; }
  // Once they are handed over, nodes are not to be had.
  void lose_nodes() { loses_ = true; }
  [[nodiscard]] tflite::Context* context() { return &context_; }
  [[nodiscard]] const tflite::IntArray* plan() const { return as_array(plan_); }
  List<4>& shape(int32_t head) { return shapes_[head]; }

 private:
  struct Pair {
    HostNode node;
    Passed passed;
  };

  static Interpreter& of(tflite::Context* context) { return *static_cast<Interpreter*>(context->impl); }

  void* own(int32_t number, size_t bytes) {
    free(owned_data_[number]);
    owned_data_[number] = malloc(bytes);
    if (owned_data_[number] == nullptr) {
      abort();
    }
    tensor(number).data = owned_data_[number];
    tensor(number).bytes = bytes;
    return owned_data_[number];
  }

  static int32_t resize(tflite::Context* context, tflite::Tensor* tensor, tflite::IntArray* dims) {
    Interpreter& self = of(context);
    const auto number = static_cast<int32_t>(tensor - context->tensors);
    free(self.owned_dims_[number]);
    self.owned_dims_[number] = dims;
    size_t bytes = sizeof(float);
    for (int32_t i = 0; i < dims->size; ++i) {
      bytes *= static_cast<size_t>(tflite::items(dims)[i]);
    }
    tensor->dims = dims;
    // As memory that something else was in.
    memset(self.own(number, bytes), 0x7F, bytes);
    return tflite::kDone;
  }

  static void say(tflite::Context* context, const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(of(context).said_, sizeof of(context).said_, format, arguments);
    va_end(arguments);
  }

  // By value, as the interpreter of this version would.
  static int32_t replace(tflite::Context* context, Passed passed, const tflite::IntArray* nodes,
                         tflite::Delegate* delegate) {
    Interpreter& self = of(context);
    const Passed zeros = {};
    constexpr size_t kFirst = sizeof(First);
    const bool clean = memcmp(reinterpret_cast<const uint8_t*>(&passed) + kFirst,
                              reinterpret_cast<const uint8_t*>(&zeros) + kFirst, sizeof(Passed) - kFirst) == 0;
    if (!clean || delegate != self.given_) {
      return tflite::kFailed;
    }
    memcpy(&self.kernel_, &passed, kFirst);
    self.lost_ = self.loses_;
    const tflite::DelegateParams params = {delegate, nodes, as_array(self.none_), as_array(self.none_)};
    self.kernel_node_.user_data = self.kernel_.init(context, reinterpret_cast<const char*>(&params), 0);
    return tflite::kDone;
  }

  tflite::Context context_;
  tflite::Delegate* given_ = nullptr;
  First kernel_ = {};
  tflite::Node kernel_node_ = {};
  List<1> none_ = {0, {}};
  List<1 + kMostDecoders> plan_;
  List<kHeads> inputs_[kMostDecoders];
  List<4> outputs_[kMostDecoders];
  List<4> mask_inputs_ = {4, {1, 2, 3, kLongOffsets}};
  List<5> mask_outputs_ = {5, {4, 5, 6, 7, 8}};
  List<4> shapes_[kHeads];
  Pair pairs_[1 + kMostDecoders];
  HostTensor tensors_[kTensors];
  void* owned_dims_[kTensors] = {};
  void* owned_data_[kTensors] = {};
  char said_[1024] = {};
  bool loses_ = false;
  bool lost_ = false;
};

// A delegate with options, as pairs of text; said() is what is wrong with them.
class Plugin {
 public:
  template <int kPairs>
  explicit Plugin(const char* const (&pairs)[kPairs][2]) {
    const char* keys[kPairs];
    const char* values[kPairs];
    for (int32_t i = 0; i < kPairs; ++i) {
      keys[i] = pairs[i][0];
      values[i] = pairs[i][1];
    }
    words()[0] = '\0';
    delegate_ = tflite_plugin_create_delegate(keys, values, kPairs, hear);
  }
  Plugin() : delegate_(tflite_plugin_create_delegate(nullptr, nullptr, 0, hear)) {}
  ~Plugin() { tflite_plugin_destroy_delegate(delegate_); }
  Plugin(const Plugin&) = delete;
  Plugin& operator=(const Plugin&) = delete;

  [[nodiscard]] TfLiteDelegate* delegate() const { return delegate_; }
  [[nodiscard]] static const char* said() { return words(); }

 private:
  static char* words() {
    static char text[1024];
    return text;
  }
  static void hear(const char* sentence) { snprintf(words(), 1024, "%s", sentence); }

  TfLiteDelegate* delegate_;
};

}  // namespace host
