// Many frames decoded by several threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <new>
#include <vector>

#include "posecore/decode.hpp"
#include "posecore/tfjs.hpp"

namespace posecore::host {

// One of the core's decoders of a plan.
struct FrameDecoder {
  Status (*decode)(const MultiPosePlan&, const Heads&, void*, size_t, PoseSink*) noexcept;
  size_t (*workspace_bytes)(const MultiPosePlan&, int32_t, int32_t) noexcept;
};

inline constexpr FrameDecoder kCoralDecoder = {&decode_multi, &workspace_bytes};
inline constexpr FrameDecoder kTfjsDecoder = {&decode_tfjs, &tfjs_workspace_bytes};

// The system does not have the memory that heads of this grid need.
class NoWorkspace : public std::bad_alloc {
 public:
  NoWorkspace(size_t bytes, int32_t rows, int32_t columns) noexcept;
  [[nodiscard]] const char* what() const noexcept override { return text_; }

 private:
  char text_[128];
};

// What one thread needs to decode: a workspace, and room for the poses of one frame.
class DecodingRoom {
 public:
  DecodingRoom() = default;
  explicit DecodingRoom(const MultiPosePlan& plan);

  // One frame. The workspace becomes as large as the heads need it, once they have been found to be sound, and never
  // shrinks. Throws NoWorkspace.
  [[nodiscard]] Status decode(const MultiPosePlan& plan, const FrameDecoder& decoder, const Heads& heads,
                              PoseSink* sink);

  [[nodiscard]] PoseSink sink() { return {xy_.data(), scores_.data(), pose_scores_.data(), capacity_, 0, {}}; }

 private:
  int32_t capacity_ = 0;
  std::vector<uint64_t> workspace_;
  std::vector<float> xy_;
  std::vector<float> scores_;
  std::vector<float> pose_scores_;
};

// The people of one frame, laid out as in a sink.
struct FoundPeople {
  Status status = Status::kOk;
  int32_t count = 0;
  std::vector<float> xy;
  std::vector<float> scores;
  std::vector<float> pose_scores;

  // To be read only.
  [[nodiscard]] PoseSink as_sink() { return {xy.data(), scores.data(), pose_scores.data(), count, count, {}}; }
};

// `decoder` on every frame, by up to `threads` threads, this one among them: found[i] is frame i's, and what one thread
// would make of it. Threads take the next frame that nobody has, since crowds take longer than empty pictures. Where
// the system gives no more threads, those that there are do the work.
//
// `stop` is asked by this thread alone, some fifty times a second; once it says true nobody begins another frame, and
// the result is false. Throws std::bad_alloc, from whichever thread.
[[nodiscard]] bool decode_by_threads(const MultiPosePlan& plan, const FrameDecoder& decoder,
                                     const std::vector<Heads>& frames, int32_t threads, std::vector<FoundPeople>* found,
                                     const std::function<bool()>& stop);

}  // namespace posecore::host
