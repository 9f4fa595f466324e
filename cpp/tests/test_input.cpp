// A picture into a tensor: placement, margins, conversion, colour order.
#include "check.hpp"
#include "memory.hpp"
#include "posecore/input.hpp"

using posecore::PictureView;
using posecore::Placement;
using posecore::Status;
using posecore::write_input;

namespace {

struct Picture {
  Picture(int32_t rows, int32_t columns, int32_t padding)
      : memory(static_cast<size_t>(rows) * static_cast<size_t>(columns * 3 + padding)),
        view{memory.data(), rows, columns, static_cast<ptrdiff_t>(columns) * 3 + padding} {
    Numbers numbers(9);
    for (size_t i = 0; i < memory.count(); ++i) {
      memory.data()[i] = static_cast<uint8_t>(numbers.below(256));
    }
  }
  [[nodiscard]] uint8_t at(int32_t y, int32_t x, int32_t c) const { return view.data[y * view.row_stride + x * 3 + c]; }

  Memory<uint8_t> memory;
  PictureView view;
};

// What byte belongs at (y, x, c) of the tensor.
uint8_t wanted(const Picture& picture, const Placement& placement, int32_t y, int32_t x, int32_t c) {
  const int32_t py = y - placement.top;
  const int32_t px = x - placement.left;
  if (py < 0 || px < 0 || py >= picture.view.rows || px >= picture.view.columns) {
    return placement.pad;
  }
  return picture.at(py, px, placement.swap_red_blue ? 2 - c : c);
}

void check_placement(const Picture& picture, const Placement& placement) {
  const auto cells = static_cast<size_t>(placement.rows) * static_cast<size_t>(placement.columns) * 3;
  const Memory<float> reals(cells);
  const Memory<uint8_t> bytes(cells);
  const Memory<uint8_t> same(cells);
  uint8_t table[256];
  uint8_t identity[256];
  for (int32_t i = 0; i < 256; ++i) {
    table[i] = static_cast<uint8_t>(255 - i);
    identity[i] = static_cast<uint8_t>(i);
  }
  CHECK(write_input(picture.view, placement, 2.0F / 255.0F, -1.0F, reals.data()) == Status::kOk);
  CHECK(write_input(picture.view, placement, table, bytes.data()) == Status::kOk);
  CHECK(write_input(picture.view, placement, identity, same.data()) == Status::kOk);
  ptrdiff_t i = 0;
  for (int32_t y = 0; y < placement.rows; ++y) {
    for (int32_t x = 0; x < placement.columns; ++x) {
      for (int32_t c = 0; c < 3; ++c, ++i) {
        const uint8_t byte = wanted(picture, placement, y, x, c);
        CHECK_NEAR(reals[i], byte * 2.0 / 255.0 - 1.0, 2e-7);
        CHECK(bytes[i] == 255 - byte);
        CHECK(same[i] == byte);
      }
    }
  }
}

}  // namespace

TEST(pictures_are_placed_with_margins_on_every_side) {
  const Picture picture(4, 5, 0);
  const Picture padded(4, 5, 2);
  constexpr bool kSwaps[] = {false, true};
  const Picture* const pictures[] = {&picture, &padded};
  for (const bool swap : kSwaps) {
    for (const Picture* each : pictures) {
      check_placement(*each, {4, 5, 0, 0, 128, swap});
      check_placement(*each, {9, 5, 2, 0, 7, swap});
      check_placement(*each, {4, 11, 0, 3, 128, swap});
      check_placement(*each, {7, 8, 3, 3, 0, swap});
    }
  }
}

TEST(a_picture_that_does_not_fit_is_refused) {
  const Picture picture(4, 5, 0);
  const Memory<float> tensor(300);
  const auto placed = [&](const Placement& placement) {
    return write_input(picture.view, placement, 1.0F, 0.0F, tensor.data());
  };
  CHECK(placed({4, 5, 0, 0}) == Status::kOk);
  CHECK(placed({3, 5, 0, 0}) == Status::kBadTensor);
  CHECK(placed({4, 4, 0, 0}) == Status::kBadTensor);
  CHECK(placed({4, 5, 1, 0}) == Status::kBadTensor);
  CHECK(placed({4, 5, 0, 1}) == Status::kBadTensor);
  CHECK(placed({6, 6, -1, 0}) == Status::kBadTensor);
  CHECK(placed({6, 6, 0, -1}) == Status::kBadTensor);
  CHECK(placed({INT32_MIN, 5, 0, 0}) == Status::kBadTensor);
  CHECK(placed({4, INT32_MIN, 0, 0}) == Status::kBadTensor);
  CHECK(placed({INT32_MAX, INT32_MAX, INT32_MAX, 0}) == Status::kBadTensor);
  CHECK(write_input({}, {4, 5, 0, 0}, 1.0F, 0.0F, tensor.data()) == Status::kNullPointer);
  CHECK(write_input(picture.view, {4, 5, 0, 0}, 1.0F, 0.0F, nullptr) == Status::kNullPointer);
  Memory<uint8_t> bytes(60);
  CHECK(write_input(picture.view, {4, 5, 0, 0}, nullptr, bytes.data()) == Status::kNullPointer);
}
