// A file of heads, as a network of 8 bits gives them for one frame after the other: what stands here for a camera and a
// network. The file: a line "posecore-heads ROWS COLUMNS STRIDE_PX FRAMES FPS", for each of the four tensors a line
// "SCALE ZERO_POINT", and then for each frame the tensors' bytes, (row, column, channel), without any padding.
#pragma once

#include <stdint.h>
#include <stdio.h>

#include <vector>

#include "posecore/decode.hpp"

class HeadsFile {
 public:
  explicit HeadsFile(const char* path) : file_(fopen(path, "rb")) {
    if (file_ == nullptr || !read_header()) {
      fail();
    }
  }
  ~HeadsFile() { fail(); }
  HeadsFile(const HeadsFile&) = delete;
  HeadsFile& operator=(const HeadsFile&) = delete;

  [[nodiscard]] bool good() const { return file_ != nullptr; }
  [[nodiscard]] int32_t frames() const { return frames_; }
  [[nodiscard]] float fps() const { return fps_; }
  [[nodiscard]] float stride_px() const { return stride_px_; }
  [[nodiscard]] const posecore::Heads& heads() const { return heads_; }

  // The next frame's heads are in `heads()`. They are overwritten by the one after.
  [[nodiscard]] bool next() { return good() && fread(memory_.data(), 1, memory_.size(), file_) == memory_.size(); }

 private:
  bool read_header() {
    int rows = 0;
    int columns = 0;
    int frames = 0;
    if (fscanf(file_, "posecore-heads %d %d %f %d %f", &rows, &columns, &stride_px_, &frames, &fps_) != 5 || rows < 1 ||
        rows > 4096 || columns < 1 || columns > 4096 || frames < 0) {
      return false;
    }
    frames_ = frames;
    posecore::TensorView* const views[] = {&heads_.heatmaps, &heads_.short_offsets, &heads_.displacement_fwd,
                                           &heads_.displacement_bwd};
    constexpr int32_t kChannels[] = {17, 34, 32, 32};
    memory_.resize(static_cast<size_t>(rows) * static_cast<size_t>(columns) * (17 + 34 + 32 + 32));
    const uint8_t* data = memory_.data();
    for (int i = 0; i < 4; ++i) {
      float scale = 0;
      int zero_point = 0;
      if (fscanf(file_, "%f %d", &scale, &zero_point) != 2) {
        return false;
      }
      *views[i] =
          posecore::hwc_view(data, posecore::ElementType::kUint8, rows, columns, kChannels[i], scale, zero_point);
      data += static_cast<size_t>(rows) * static_cast<size_t>(columns) * static_cast<size_t>(kChannels[i]);
    }
    return fgetc(file_) == '\n';
  }

  void fail() {
    if (file_ != nullptr) {
      fclose(file_);
      file_ = nullptr;
    }
  }

  FILE* file_;
  float stride_px_ = 16.0F;
  float fps_ = 30.0F;
  int32_t frames_ = 0;
  std::vector<uint8_t> memory_;
  posecore::Heads heads_;
};
