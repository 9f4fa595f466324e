// A whole program without a camera: heads of one frame after the other are decoded; people get ids; left and right that
// changed places for a moment are put back; keypoints are smoothed; and a table comes out, one line a keypoint.
// `pipeline walk.heads > walk.csv`
#include <stdlib.h>
#include <string.h>

#include "heads_file.hpp"
#include "posecore/body.hpp"
#include "posecore/kalman.hpp"
#include "posecore/swaps.hpp"
#include "posecore/track.hpp"

namespace {

constexpr int32_t kMostPeople = 10;
constexpr int32_t kKeypoints = posecore::kCoco17.num_keypoints;

using Memory = std::vector<uint64_t>;

Memory memory_of(size_t bytes) { return Memory(bytes / sizeof(uint64_t) + 1); }
size_t bytes_of(const Memory& memory) { return memory.size() * sizeof(uint64_t); }

// Ends the program with the core's sentence where a call said no.
void want(posecore::Status status) {
  if (status != posecore::Status::kOk) {
    fprintf(stderr, "pipeline: %s\n", message(status));
    exit(1);
  }
}

class Pipeline {
 public:
  Pipeline(const posecore::Heads& heads, float stride_px, float fps)
      : decoder_memory_(memory_of(posecore::plan_bytes(posecore::kCoco17))),
        tracker_memory_(memory_of(posecore::tracker_plan_bytes(posecore::kCoco17Body))),
        swap_memory_(memory_of(posecore::swap_plan_bytes(posecore::kCoco17Body))) {
    posecore::MultiPoseOptions decoding;
    decoding.stride_px = stride_px;
    decoding.max_poses = kMostPeople;
    want(make_plan(posecore::kCoco17, decoding, decoder_memory_.data(), bytes_of(decoder_memory_), &decoder_));
    posecore::TrackerOptions tracking;
    tracking.max_people = kMostPeople;
    want(make_plan(posecore::kCoco17Body, tracking, tracker_memory_.data(), bytes_of(tracker_memory_), &tracker_));
    posecore::SwapOptions repairing;
    repairing.max_people = kMostPeople;
    want(make_plan(posecore::kCoco17Body, repairing, swap_memory_.data(), bytes_of(swap_memory_), &repair_));
    posecore::KalmanOptions smoothing;
    smoothing.fps = fps;
    want(make_plan(smoothing, kKeypoints, &filter_));

    workspace_ = memory_of(workspace_bytes(decoder_, heads.heatmaps.rows, heads.heatmaps.columns));
    tracks_ = memory_of(workspace_bytes(tracker_));
    sides_ = memory_of(workspace_bytes(repair_));
    filters_ = memory_of(kMostPeople * person_bytes(filter_));
    want(start_tracks(tracker_, tracks_.data(), bytes_of(tracks_)));
    want(start_swaps(repair_, sides_.data(), bytes_of(sides_)));
  }

  void run(const posecore::Heads& heads, double time_s) {
    posecore::PoseSink sink = {xy_, scores_, pose_scores_, kMostPeople};
    want(decode_multi(decoder_, heads, workspace_.data(), bytes_of(workspace_), &sink));
    for (int32_t i = 0; i < sink.count * kKeypoints; ++i) {
      visible_[i] = scores_[i] > 0 ? 1 : 0;
    }
    const posecore::FramePoses frame = {xy_, scores_, pose_scores_, visible_, sink.count, time_s};
    want(update_tracks(tracker_, frame, tracks_.data(), bytes_of(tracks_), ids_));
    posecore::SwapCounts counts;
    const posecore::IdentifiedPoses known = {ids_, xy_, scores_, visible_, sink.count, time_s};
    want(repair_swaps(repair_, known, sides_.data(), bytes_of(sides_), &counts));
    for (int32_t n = 0; n < sink.count; ++n) {
      if (ids_[n] >= 0) {
        smooth(n, time_s);
        print(n, time_s);
      }
    }
  }

 private:
  // Each id has a filter of its own. Where there are more people than filters, the one that was used longest ago begins
  // anew.
  void smooth(int32_t n, double time_s) {
    int32_t slot = 0;
    for (int32_t i = 0; i < kMostPeople; ++i) {
      if (owners_[i] == ids_[n]) {
        slot = i;
        break;
      }
      slot = used_s_[i] < used_s_[slot] ? i : slot;
    }
    const size_t bytes = person_bytes(filter_);
    uint64_t* person = filters_.data() + static_cast<size_t>(slot) * bytes / sizeof(uint64_t);
    if (owners_[slot] != ids_[n]) {
      memset(person, 0, bytes);
    }
    owners_[slot] = ids_[n];
    used_s_[slot] = time_s + 1.0;  // 0: never
    const int32_t first = n * kKeypoints;
    const posecore::MeasuredPoses measured = {xy_ + 2 * first, scores_ + first, visible_ + first};
    want(smooth_people(filter_, measured, 1, &time_s, person, 1, bytes, nullptr, {xy_ + 2 * first, kinds_}));
  }

  void print(int32_t n, double time_s) const {
    for (int32_t k = 0; k < kKeypoints; ++k) {
      const int32_t at = n * kKeypoints + k;
      if (kinds_[k] != static_cast<uint8_t>(posecore::KeypointKind::kAbsent)) {
        printf("%.3f,%lld,%d,%.2f,%.2f,%.3f\n", time_s, static_cast<long long>(ids_[n]), k, double{xy_[2 * at]},
               double{xy_[2 * at + 1]}, double{scores_[at]});
      }
    }
  }

  Memory decoder_memory_, tracker_memory_, swap_memory_;
  Memory workspace_, tracks_, sides_, filters_;
  posecore::MultiPosePlan decoder_ = {};
  posecore::TrackerPlan tracker_ = {};
  posecore::SwapPlan repair_ = {};
  posecore::KalmanPlan filter_ = {};
  float xy_[kMostPeople * kKeypoints * 2] = {};
  float scores_[kMostPeople * kKeypoints] = {};
  float pose_scores_[kMostPeople] = {};
  uint8_t visible_[kMostPeople * kKeypoints] = {};
  uint8_t kinds_[kKeypoints] = {};
  int64_t ids_[kMostPeople] = {};
  int64_t owners_[kMostPeople] = {};
  double used_s_[kMostPeople] = {};
};

}  // namespace

int main(int argc, char** argv) {
  HeadsFile file(argc == 2 ? argv[1] : "");
  if (!file.good()) {
    fprintf(stderr, "pipeline: wanted a file of heads\n");
    return 1;
  }
  Pipeline pipeline(file.heads(), file.stride_px(), file.fps());
  printf("time_s,id,keypoint,x_px,y_px,score\n");
  for (int32_t frame = 0; frame < file.frames(); ++frame) {
    if (!file.next()) {
      fprintf(stderr, "pipeline: the file ends after %d of %d frames\n", frame, file.frames());
      return 1;
    }
    pipeline.run(file.heads(), static_cast<double>(frame) / static_cast<double>(file.fps()));
  }
  return 0;
}
