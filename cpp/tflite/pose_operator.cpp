#include "pose_operator.hpp"

#include <stdlib.h>
#include <string.h>

#include "layout.hpp"
#include "posecore/masks.hpp"
#include "posecore/skeleton.hpp"

namespace posecore::tflite {
namespace {

constexpr int32_t kKeypoints = 17;
constexpr int32_t kEdges = kKeypoints - 1;
constexpr int32_t kRank = 4;

struct Head {
  const char* name;
  int32_t channels;
};

constexpr Head kHeads[] = {
    {"heatmaps", kKeypoints},
    {"short offsets", 2 * kKeypoints},
    {"mid offsets", 4 * kEdges},
    {"long offsets", 2 * kKeypoints},
};
constexpr int32_t kPoseInputs = 3;
constexpr int32_t kPoseOutputs = 4;

[[nodiscard]] bool element_type(int32_t type, ElementType* element) noexcept {
  *element = type == kTypeUint8 ? ElementType::kUint8 : type == kTypeInt8 ? ElementType::kInt8 : ElementType::kFloat32;
  return type == kTypeUint8 || type == kTypeInt8 || type == kTypeFloat32;
}

[[nodiscard]] bool fits(const Tensor& tensor, const Head& head) noexcept {
  if (tensor.dims == nullptr || tensor.dims->size != kRank) {
    return false;
  }
  const int32_t* dims = items(tensor.dims);
  constexpr int32_t kMost = 16777216;  // cells a side, as in the core
  if (dims[0] != 1 || dims[1] < 1 || dims[2] < 1 || dims[1] > kMost || dims[2] > kMost || dims[3] != head.channels) {
    return false;
  }
  const uint64_t item = tensor.type == kTypeFloat32 ? sizeof(float) : 1;
  return tensor.bytes ==
         item * static_cast<uint64_t>(dims[1]) * static_cast<uint64_t>(dims[2]) * static_cast<uint64_t>(dims[3]);
}

[[nodiscard]] bool resize(Context* context, Tensor* tensor, int32_t rank, const int32_t* dims) noexcept {
#if defined(_WIN32)
  // Each library of Windows may have a heap of its own: what is copied need not come from the interpreter's.
  return context->resize_tensor_explicit(context, tensor, rank, dims) == kDone;
#else
  auto* const array = static_cast<IntArray*>(malloc(sizeof(int32_t) * (1 + static_cast<size_t>(rank))));
  if (array == nullptr) {
    return false;
  }
  array->size = rank;
  memcpy(array + 1, dims, sizeof(int32_t) * static_cast<size_t>(rank));
  return context->resize_tensor(context, tensor, array) == kDone;
#endif
}

}  // namespace

bool PoseOperator::open(const Context& context, const Node& node, const OptionValues& given, Sentence* wrong) noexcept {
  if (!sensible(context, node)) {
    return wrong->say("wanted an interpreter with TfLiteNode of %d bytes, got one with another layout",
                      static_cast<int>(sizeof(Node)));
  }
  const int32_t more = node.inputs->size - kPoseInputs;
  if (more < 0 || more > 1 || node.outputs->size != kPoseOutputs + more) {
    return wrong->say("wanted a %s of 3 inputs and 4 outputs, or of 4 and 5, got one of %d and %d", kOperatorName,
                      static_cast<int>(node.inputs->size), static_cast<int>(node.outputs->size));
  }
  masks_ = more == 1;
  memcpy(inputs_, items(node.inputs), sizeof(int32_t) * static_cast<size_t>(kPoseInputs + more));
  memcpy(outputs_, items(node.outputs), sizeof(int32_t) * static_cast<size_t>(kPoseOutputs + more));
  for (int32_t i = 0; i < kPoseInputs + more; ++i) {
    const int32_t input = inputs_[i];
    ElementType element = ElementType::kUint8;
    if (input < 0 || !element_type(context.tensors[input].type, &element)) {
      return wrong->say("wanted inputs of %s that are uint8, int8 or float32, got type %d", kOperatorName,
                        input < 0 ? 0 : static_cast<int>(context.tensors[input].type));
    }
  }
  for (int32_t i = 0; i < kPoseOutputs + more; ++i) {
    const int32_t output = outputs_[i];
    if (output < 0 || context.tensors[output].type != kTypeFloat32 ||
        context.tensors[output].allocation_type == kReadOnly) {
      return wrong->say("wanted outputs of %s that are float32 and no constants, got type %d", kOperatorName,
                        output < 0 ? 0 : static_cast<int>(context.tensors[output].type));
    }
  }
  OptionValues file;
  if (!read_file(static_cast<const uint8_t*>(node.custom_initial_data),
                 static_cast<size_t>(node.custom_initial_data_size), &file, wrong)) {
    return false;
  }
  const Status status = make_plan(kCoco17, decoder_options(file, given), plan_memory_, sizeof plan_memory_, &plan_);
  return status == Status::kOk || wrong->say("%s: %s", kOperatorName, message(status));
}

void PoseOperator::close() noexcept {
  free(workspace_);
  free(poses_);
  free(mask_memory_);
  workspace_ = nullptr;
  mask_memory_ = nullptr;
  poses_ = nullptr;
}

bool PoseOperator::prepare(Context* context, Sentence* wrong) noexcept {
  const int32_t inputs = kPoseInputs + (masks_ ? 1 : 0);
  bool known = true;
  for (int32_t i = 0; i < inputs; ++i) {
    known = known && context->tensors[inputs_[i]].allocation_type != kDynamic;
  }
  TensorView heads[kMostInputs];
  if (known && !(read_heads(*context, heads, wrong) && take_memory(heads[0].rows, heads[0].columns, wrong))) {
    return false;
  }
  if (masks_ && !known) {
    return wrong->say("wanted heads of %s whose size is known before they are, for masks of that size", kOperatorName);
  }
  const int32_t people = plan_.options.max_poses;
  const int32_t shapes[kMostOutputs][kRank] = {{1, people, kKeypoints, 2},
                                               {1, people, kKeypoints},
                                               {1, people},
                                               {1},
                                               {1, people, heads[0].rows, heads[0].columns}};
  const int32_t ranks[kMostOutputs] = {4, 3, 2, 1, 4};
  for (int32_t i = 0; i < kPoseOutputs + (masks_ ? 1 : 0); ++i) {
    if (!resize(context, &context->tensors[outputs_[i]], ranks[i], shapes[i])) {
      return wrong->say("wanted room for %d people in output %d of %s, got none from the interpreter",
                        static_cast<int>(people), static_cast<int>(i), kOperatorName);
    }
  }
  return true;
}

bool PoseOperator::invoke(const Context& context, Sentence* wrong) noexcept {
  TensorView views[kMostInputs];
  if (!read_heads(context, views, wrong) || !take_memory(views[0].rows, views[0].columns, wrong)) {
    return false;
  }
  for (int32_t i = 0; i < kPoseInputs + (masks_ ? 1 : 0); ++i) {
    if (views[i].data == nullptr) {
      return wrong->say("wanted %s in %s, got a tensor without memory", kHeads[i].name, kOperatorName);
    }
  }
  Heads heads;
  heads.heatmaps = views[0];
  heads.short_offsets = views[1];
  heads.displacement_fwd = views[2];
  heads.displacement_fwd.channels = 2 * kEdges;
  heads.displacement_bwd = heads.displacement_fwd;
  const size_t item = views[2].type == ElementType::kFloat32 ? sizeof(float) : 1;
  heads.displacement_bwd.data = static_cast<const uint8_t*>(views[2].data) + item * 2 * kEdges;
  const Status status = decode_multi(plan_, heads, workspace_, workspace_bytes_, &sink_);
  if (status != Status::kOk) {
    return wrong->say("%s: %s", kOperatorName, message(status));
  }
  write_poses(context);
  return !masks_ || write_masks(context, views[3], wrong);
}

// The heads where they lie, checked but for their memory.
bool PoseOperator::read_heads(const Context& context, TensorView* heads, Sentence* wrong) const noexcept {
  for (int32_t i = 0; i < kPoseInputs + (masks_ ? 1 : 0); ++i) {
    const Tensor& tensor = context.tensors[inputs_[i]];
    ElementType element = ElementType::kFloat32;
    if (!element_type(tensor.type, &element) || tensor.type != context.tensors[inputs_[0]].type) {
      return wrong->say("wanted heads of %s that are all uint8, all int8 or all float32, got types %d and %d",
                        kOperatorName, static_cast<int>(context.tensors[inputs_[0]].type),
                        static_cast<int>(tensor.type));
    }
    if (!fits(tensor, kHeads[i])) {
      return wrong->say("wanted %s of %s with shape (1, height, width, %d), got another", kHeads[i].name, kOperatorName,
                        static_cast<int>(kHeads[i].channels));
    }
    if (element != ElementType::kFloat32 && !(tensor.scale > 0.0F)) {
      return wrong->say("wanted %s of %s with one scale, got none or many", kHeads[i].name, kOperatorName);
    }
    const int32_t* dims = items(tensor.dims);
    heads[i] = hwc_view(tensor.data, element, dims[1], dims[2], dims[3], tensor.scale, tensor.zero_point);
    if (dims[1] != heads[0].rows || dims[2] != heads[0].columns) {
      return wrong->say("wanted heads of %s on one grid, got %dx%d and %dx%d", kOperatorName,
                        static_cast<int>(heads[0].rows), static_cast<int>(heads[0].columns), static_cast<int>(dims[1]),
                        static_cast<int>(dims[2]));
    }
  }
  return true;
}

bool PoseOperator::take_memory(int32_t rows, int32_t columns, Sentence* wrong) noexcept {
  const size_t bytes = workspace_bytes(plan_, rows, columns);
  if (bytes > workspace_bytes_) {
    free(workspace_);
    workspace_ = malloc(bytes);
    workspace_bytes_ = workspace_ == nullptr ? 0 : bytes;
  }
  const int32_t people = plan_.options.max_poses;
  if (poses_ == nullptr) {
    poses_ = static_cast<float*>(malloc(sizeof(float) * static_cast<size_t>(people) * (3 * kKeypoints + 1)));
    if (poses_ != nullptr) {
      sink_.xy = poses_;
      sink_.scores = sink_.xy + static_cast<ptrdiff_t>(people) * kKeypoints * 2;
      sink_.pose_scores = sink_.scores + static_cast<ptrdiff_t>(people) * kKeypoints;
      sink_.capacity = people;
    }
  }
  if (workspace_ == nullptr || poses_ == nullptr) {
    return wrong->say("wanted %zu bytes of memory for %s, got none", bytes, kOperatorName);
  }
  return !masks_ || take_mask_memory(rows, columns, wrong);
}

bool PoseOperator::take_mask_memory(int32_t rows, int32_t columns, Sentence* wrong) noexcept {
  const size_t cells = static_cast<size_t>(rows) * static_cast<size_t>(columns);
  const size_t bytes = cells * sizeof(int32_t) + mask_workspace_bytes(plan_.options.max_poses, rows, columns);
  if (bytes > mask_bytes_) {
    free(mask_memory_);
    mask_memory_ = malloc(bytes);
    mask_bytes_ = mask_memory_ == nullptr ? 0 : bytes;
  }
  return mask_memory_ != nullptr ||
         wrong->say("wanted %zu bytes of memory for masks of %s, got none", bytes, kOperatorName);
}

// An output that nothing reads has no memory, and is passed over.
void PoseOperator::write_poses(const Context& context) const noexcept {
  const auto people = static_cast<size_t>(plan_.options.max_poses);
  const auto found = static_cast<size_t>(sink_.count);
  const size_t rooms[kPoseOutputs] = {people * kKeypoints * 2, people * kKeypoints, people, 1};
  const size_t used[kPoseOutputs] = {found * kKeypoints * 2, found * kKeypoints, found, 1};
  const float count = static_cast<float>(sink_.count);
  const float* const sources[kPoseOutputs] = {sink_.xy, sink_.scores, sink_.pose_scores, &count};
  for (int32_t i = 0; i < kPoseOutputs; ++i) {
    const Tensor& tensor = context.tensors[outputs_[i]];
    if (tensor.data == nullptr || tensor.bytes < rooms[i] * sizeof(float)) {
      continue;
    }
    auto* const target = static_cast<float*>(tensor.data);
    memset(target, 0, rooms[i] * sizeof(float));
    if (i > 0) {
      memcpy(target, sources[i], used[i] * sizeof(float));
      continue;
    }
    for (size_t n = 0; n < used[0]; n += 2) {
      target[n] = sources[0][n + 1];
      target[n + 1] = sources[0][n];
    }
  }
}

// Every cell is somebody's: the operator has no segments to look at.
bool PoseOperator::write_masks(const Context& context, const TensorView& long_offsets, Sentence* wrong) noexcept {
  const size_t cells = static_cast<size_t>(long_offsets.rows) * static_cast<size_t>(long_offsets.columns);
  const size_t room = cells * static_cast<size_t>(plan_.options.max_poses);
  const Tensor& tensor = context.tensors[outputs_[kPoseOutputs]];
  if (tensor.data == nullptr || tensor.bytes < room * sizeof(float)) {
    return true;
  }
  auto* const masks = static_cast<float*>(tensor.data);
  memset(masks, 0, room * sizeof(float));
  MaskHeads heads;
  heads.long_offsets = long_offsets;
  const MaskPoses poses = {sink_.xy, sink_.count, {}};
  MaskOptions options;
  options.stride_px = plan_.options.stride_px;
  auto* const owners = static_cast<int32_t*>(mask_memory_);
  const MaskSink sink = {owners, long_offsets.rows, long_offsets.columns, nullptr};
  const Status status =
      instance_masks(heads, poses, options, owners + cells, mask_bytes_ - cells * sizeof(int32_t), sink);
  if (status != Status::kOk) {
    return wrong->say("masks of %s: %s", kOperatorName, message(status));
  }
  for (size_t cell = 0; cell < cells; ++cell) {
    if (owners[cell] >= 0) {
      masks[static_cast<size_t>(owners[cell]) * cells + cell] = 1.0F;
    }
  }
  return true;
}

}  // namespace posecore::tflite
