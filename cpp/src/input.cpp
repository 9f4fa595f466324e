#include "posecore/input.hpp"

#include <string.h>

namespace posecore {
namespace {

[[nodiscard]] Status check(const PictureView& picture, const Placement& placement, const void* tensor) noexcept {
  if (picture.data == nullptr || tensor == nullptr) {
    return Status::kNullPointer;
  }
  if (picture.rows < 1 || picture.columns < 1 || placement.top < 0 || placement.left < 0 ||
      static_cast<int64_t>(placement.top) + picture.rows > placement.rows ||
      static_cast<int64_t>(placement.left) + picture.columns > placement.columns) {
    return Status::kBadTensor;
  }
  return Status::kOk;
}

template <class Out, class Fill, class Convert>
void place(const PictureView& picture, const Placement& placement, Out* tensor, Fill fill, Convert convert) noexcept {
  const ptrdiff_t row = static_cast<ptrdiff_t>(placement.columns) * 3;
  const ptrdiff_t before = static_cast<ptrdiff_t>(placement.left) * 3;
  const ptrdiff_t inside = static_cast<ptrdiff_t>(picture.columns) * 3;
  fill(tensor, placement.top * row);
  Out* out = tensor + placement.top * row;
  for (int32_t y = 0; y < picture.rows; ++y, out += row) {
    fill(out, before);
    convert(picture.data + y * picture.row_stride, out + before, inside);
    fill(out + before + inside, row - before - inside);
  }
  fill(out, (placement.rows - placement.top - picture.rows) * row);
}

template <class Out, class Map>
void swapped(const uint8_t* in, Out* out, ptrdiff_t count, Map map) noexcept {
  for (ptrdiff_t i = 0; i < count; i += 3) {
    out[i] = map(in[i + 2]);
    out[i + 1] = map(in[i + 1]);
    out[i + 2] = map(in[i]);
  }
}

}  // namespace

Status write_input(const PictureView& picture, const Placement& placement, float scale, float offset,
                   float* tensor) noexcept {
  const Status status = check(picture, placement, tensor);
  if (status != Status::kOk) {
    return status;
  }
  const auto map = [scale, offset](uint8_t byte) { return static_cast<float>(byte) * scale + offset; };
  const float margin = map(placement.pad);
  const auto fill = [margin](float* out, ptrdiff_t count) {
    for (ptrdiff_t i = 0; i < count; ++i) {
      out[i] = margin;
    }
  };
  if (placement.swap_red_blue) {
    place(picture, placement, tensor, fill,
          [&](const uint8_t* in, float* out, ptrdiff_t count) { swapped(in, out, count, map); });
  } else {
    place(picture, placement, tensor, fill, [&](const uint8_t* in, float* out, ptrdiff_t count) {
      for (ptrdiff_t i = 0; i < count; ++i) {
        out[i] = map(in[i]);
      }
    });
  }
  return Status::kOk;
}

Status write_input(const PictureView& picture, const Placement& placement, const uint8_t table[256],
                   uint8_t* tensor) noexcept {
  const Status status = check(picture, placement, tensor);
  if (status != Status::kOk) {
    return status;
  }
  if (table == nullptr) {
    return Status::kNullPointer;
  }
  const auto map = [table](uint8_t byte) { return table[byte]; };
  const uint8_t margin = map(placement.pad);
  const auto fill = [margin](uint8_t* out, ptrdiff_t count) { memset(out, margin, static_cast<size_t>(count)); };
  bool same = !placement.swap_red_blue;
  for (int32_t byte = 0; byte < 256 && same; ++byte) {
    same = table[byte] == byte;
  }
  if (same) {
    place(picture, placement, tensor, fill,
          [](const uint8_t* in, uint8_t* out, ptrdiff_t count) { memcpy(out, in, static_cast<size_t>(count)); });
  } else if (placement.swap_red_blue) {
    place(picture, placement, tensor, fill,
          [&](const uint8_t* in, uint8_t* out, ptrdiff_t count) { swapped(in, out, count, map); });
  } else {
    place(picture, placement, tensor, fill, [&](const uint8_t* in, uint8_t* out, ptrdiff_t count) {
      for (ptrdiff_t i = 0; i < count; ++i) {
        out[i] = map(in[i]);
      }
    });
  }
  return Status::kOk;
}

}  // namespace posecore
