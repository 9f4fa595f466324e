#include "posecore/input.hpp"

#include "c_plan.hpp"
#include "posecore/c/input.h"

namespace posecore {
namespace {

[[nodiscard]] PictureView view_of(const posecore_picture& picture) noexcept {
  return {picture.data, picture.rows, picture.columns, picture.row_stride};
}

[[nodiscard]] Placement placement_of(const posecore_placement& placement) noexcept {
  return {placement.rows, placement.columns, placement.top,
          placement.left, placement.pad,     placement.swap_red_blue != 0};
}

}  // namespace
}  // namespace posecore

posecore_status posecore_write_input_float(const posecore_picture* picture, const posecore_placement* placement,
                                           float scale, float offset, float* tensor) {
  if (picture == nullptr || placement == nullptr) {
    return POSECORE_NULL_POINTER;
  }
  return posecore::c::status_of(
      posecore::write_input(posecore::view_of(*picture), posecore::placement_of(*placement), scale, offset, tensor));
}

posecore_status posecore_write_input_bytes(const posecore_picture* picture, const posecore_placement* placement,
                                           const uint8_t* table, uint8_t* tensor) {
  if (picture == nullptr || placement == nullptr) {
    return POSECORE_NULL_POINTER;
  }
  return posecore::c::status_of(
      posecore::write_input(posecore::view_of(*picture), posecore::placement_of(*placement), table, tensor));
}
