// Tensors and bodies of the C API as those of the core.
#pragma once

#include <stdint.h>

#include "posecore/body.hpp"
#include "posecore/c/decode.h"
#include "posecore/c/tensor.h"
#include "posecore/decode.hpp"
#include "posecore/skeleton.hpp"
#include "posecore/tensor.hpp"

namespace posecore::c {

// Pairs of numbers side by side are edges.
static_assert(sizeof(Edge) == 2 * sizeof(int32_t) && alignof(Edge) == alignof(int32_t));

[[nodiscard]] inline const Edge* edges_of(const int32_t* pairs) noexcept {
  return reinterpret_cast<const Edge*>(pairs);
}

// One of an unknown type has a type that the core refuses.
[[nodiscard]] inline TensorView view_of(const posecore_tensor& tensor) noexcept {
  const bool known = tensor.type >= POSECORE_FLOAT32 && tensor.type <= POSECORE_INT8;
  return {tensor.data,          static_cast<ElementType>(known ? tensor.type : UINT8_MAX),
          tensor.rows,          tensor.columns,
          tensor.channels,      tensor.row_stride,
          tensor.column_stride, tensor.channel_stride,
          tensor.scale,         tensor.zero_point};
}

[[nodiscard]] inline posecore_tensor tensor_of(const TensorView& view) noexcept {
  return {view.data,          static_cast<int32_t>(view.type),
          view.rows,          view.columns,
          view.channels,      view.row_stride,
          view.column_stride, view.channel_stride,
          view.scale,         view.zero_point};
}

[[nodiscard]] inline PixelMap map_of(const posecore_pixel_map* map) noexcept {
  return map == nullptr ? PixelMap{} : PixelMap{map->scale_x, map->scale_y, map->shift_x, map->shift_y};
}

[[nodiscard]] inline BodyModel model_of(const posecore_body& body) noexcept {
  return {body.num_keypoints, body.sigmas, body.flip, edges_of(body.edges), body.num_edges};
}

}  // namespace posecore::c
