#include "c_tensor.hpp"

namespace posecore {
namespace {

static_assert(POSECORE_FLOAT32 == static_cast<int32_t>(ElementType::kFloat32));
static_assert(POSECORE_UINT8 == static_cast<int32_t>(ElementType::kUint8));
static_assert(POSECORE_INT8 == static_cast<int32_t>(ElementType::kInt8));

[[nodiscard]] ElementType type_of(int32_t type) noexcept {
  return static_cast<ElementType>(type >= 0 && type < UINT8_MAX ? type : UINT8_MAX);
}

const posecore_skeleton kCoco17InC = {kCoco17.num_keypoints, &kCoco17Edges[0].parent};
const posecore_body kCoco17BodyInC = {kCoco17.num_keypoints, kCoco17Sigmas, kCoco17Flip, &kCoco17Edges[0].parent,
                                      kCoco17.num_keypoints - 1};

}  // namespace
}  // namespace posecore

posecore_tensor posecore_hwc_tensor(const void* data, int32_t type, int32_t rows, int32_t columns, int32_t channels,
                                    float scale, int32_t zero_point) {
  return posecore::c::tensor_of(
      posecore::hwc_view(data, posecore::type_of(type), rows, columns, channels, scale, zero_point));
}

posecore_tensor posecore_chw_tensor(const void* data, int32_t type, int32_t rows, int32_t columns, int32_t channels,
                                    float scale, int32_t zero_point) {
  return posecore::c::tensor_of(
      posecore::chw_view(data, posecore::type_of(type), rows, columns, channels, scale, zero_point));
}

const posecore_skeleton* posecore_coco17(void) { return &posecore::kCoco17InC; }

const posecore_body* posecore_coco17_body(void) { return &posecore::kCoco17BodyInC; }
