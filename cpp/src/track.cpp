#include "posecore/track.hpp"

#include "assignment.hpp"
#include "body.hpp"
#include "memory.hpp"
#include "numeric.hpp"
#include "track_detections.hpp"
#include "track_motion.hpp"
#include "track_similarity.hpp"
#include "track_state.hpp"

namespace posecore {
namespace {

using detail::Detection;
using detail::DetectionPoints;
using detail::Track;
using detail::TrackerState;
using detail::TrackPoints;

[[nodiscard]] bool in_range(const TrackerOptions& options) noexcept {
  return options.max_people >= 1 && options.max_people <= kMaxTracked && options.min_hits >= 1 &&
         options.min_hits <= 1000 && options.min_similarity >= 0.001F && options.min_similarity <= 1.0F &&
         options.min_birth_score >= 0.0F && options.min_birth_score <= 1.0F && options.max_gap_s >= 0.0 &&
         options.max_gap_s <= 3600.0;
}

// Ends the track at this place of the order.
void end_track(TrackerState* state, int32_t place) noexcept {
  const int32_t slot = state->order[place];
  state->head->counts.deaths += state->tracks[slot].id > 0 ? 1 : 0;
  --state->head->count;
  for (int32_t i = place; i < state->head->count; ++i) {
    state->order[i] = state->order[i + 1];
  }
  state->order[state->head->count] = slot;
}

void end_lost_tracks(const TrackerPlan& plan, double time_s, TrackerState* state) noexcept {
  for (int32_t place = 0; place < state->head->count;) {
    // A thousandth of a microsecond more, so that times that are sums of 1 / fps end at the gap.
    if (time_s - state->tracks[state->order[place]].last_seen_s > plan.options.max_gap_s + 1e-9) {
      end_track(state, place);
    } else {
      ++place;
    }
  }
}

void fill_values(const TrackerPlan& plan, const FramePoses& poses, TrackerState* state) noexcept {
  for (int32_t i = 0; i < poses.count; ++i) {
    int32_t* row = state->values + static_cast<ptrdiff_t>(i) * plan.options.max_people;
    uint8_t* mirrored = state->mirrored + static_cast<ptrdiff_t>(i) * plan.options.max_people;
    const Detection& detection = state->detections[i];
    const float trust = 0.5F + 0.5F * detail::clamped(poses.pose_scores[state->rank[i]], 1.0F);
    for (int32_t j = 0; j < state->head->count; ++j) {
      const int32_t slot = state->order[j];
      const Track& track = state->tracks[slot];
      row[j] = 0;
      if (detection.copy != 0 || !detail::may_touch(track, detection)) {
        continue;
      }
      const detail::Similarity like =
          detail::similarity(plan, track, state->points_of(slot), state->seen_points_of(i), detection);
      mirrored[j] = like.mirrored ? 1 : 0;
      if (like.value >= plan.options.min_similarity) {
        row[j] =
            1 + static_cast<int32_t>(like.value * track.precision * trust * static_cast<float>(detail::kUnitValue - 1));
      }
    }
  }
}

// Takes the pose in as the track's of this frame.
void see(const TrackerPlan& plan, const DetectionPoints& pose, const Detection& detection, bool mirrored, double time_s,
         Track* track, const TrackPoints& points) noexcept {
  const auto dt = static_cast<float>(time_s - track->last_seen_s);
  float sum = 0.0F;
  float dx = 0.0F;
  float dy = 0.0F;
  for (int32_t k = 0; k < plan.num_keypoints; ++k) {
    const int32_t j = mirrored ? plan.flip[k] : k;
    const float weight = points.scores[k] * pose.weights[j];
    sum += weight;
    dx += weight * (pose.x[j] - points.predicted_x[k]);
    dy += weight * (pose.y[j] - points.predicted_y[k]);
  }
  dx = sum > 0.0F ? dx / sum : 0.0F;
  dy = sum > 0.0F ? dy / sum : 0.0F;
  const float place_gain = detail::correct(track, dx, dy);
  const float believed = mirrored ? 1.0F : detail::share(dt, detail::kShapeTime);
  for (int32_t k = 0; k < plan.num_keypoints; ++k) {
    const float x = detail::within_reach(points.predicted_x[k] + place_gain * dx);
    const float y = detail::within_reach(points.predicted_y[k] + place_gain * dy);
    const float weight = pose.weights[k];
    const float part = points.scores[k] > 0.0F ? believed : 1.0F;
    points.x[k] = weight > 0.0F ? x + part * (pose.x[k] - x) : x;
    points.y[k] = weight > 0.0F ? y + part * (pose.y[k] - y) : y;
    points.scores[k] = weight > 0.0F ? weight : points.scores[k];
  }
  track->size_px += detail::share(dt, detail::kSizeTime) * (detection.size_px - track->size_px);
  track->last_seen_s = time_s;
  track->seen_now = 1;
  ++track->hits;
}

void begin_track(const TrackerPlan& plan, const DetectionPoints& pose, const Detection& detection, double time_s,
                 Track* track, const TrackPoints& points) noexcept {
  *track = {};
  track->first_seen_s = time_s;
  track->last_seen_s = time_s;
  track->hits = 1;
  track->seen_now = 1;
  track->size_px = detection.size_px;
  track->var_place = detail::kPlaceNoise;
  track->var_speed = detail::kFirstSpeed;
  for (int32_t k = 0; k < plan.num_keypoints; ++k) {
    points.x[k] = pose.x[k];
    points.y[k] = pose.y[k];
    points.scores[k] = pose.weights[k];
  }
}

// A slot for a new track. Where all are taken, the track that was not seen for longest ends: since no frame has more
// poses than there are slots, one was not seen now.
[[nodiscard]] int32_t free_slot(const TrackerPlan& plan, TrackerState* state) noexcept {
  if (state->head->count == plan.options.max_people) {
    int32_t longest = detail::kNobody;
    for (int32_t place = 0; place < state->head->count; ++place) {
      const Track& track = state->tracks[state->order[place]];
      if (track.seen_now == 0 &&
          (longest < 0 || track.last_seen_s < state->tracks[state->order[longest]].last_seen_s)) {
        longest = place;
      }
    }
    end_track(state, longest);
  }
  return state->order[state->head->count++];
}

[[nodiscard]] Status parts_of(const TrackerPlan& plan, void* workspace, size_t bytes, TrackerState* state) noexcept {
  const Status status = detail::check_memory(workspace, bytes, workspace_bytes(plan), alignof(uint64_t));
  if (status == Status::kOk) {
    detail::carve(plan, workspace, state);
  }
  return status;
}

[[nodiscard]] bool is_started(const TrackerPlan& plan, const TrackerState& state) noexcept {
  return state.head->mark == detail::kTrackerMark && state.head->num_keypoints == plan.num_keypoints &&
         state.head->max_people == plan.options.max_people;
}

}  // namespace

size_t tracker_plan_bytes(const BodyModel& body) noexcept {
  if (body.num_keypoints < 1 || body.num_keypoints > kMaxKeypoints) {
    return 0;
  }
  return static_cast<size_t>(body.num_keypoints) * (sizeof(float) + sizeof(int32_t));
}

Status make_plan(const BodyModel& body, const TrackerOptions& options, void* memory, size_t bytes,
                 TrackerPlan* plan) noexcept {
  if (plan == nullptr || memory == nullptr) {
    return Status::kNullPointer;
  }
  if (!detail::in_range(body)) {
    return Status::kBadSkeleton;
  }
  if (!in_range(options)) {
    return Status::kBadOptions;
  }
  const Status lent = detail::check_memory(memory, bytes, tracker_plan_bytes(body), alignof(void*));
  if (lent != Status::kOk) {
    return lent;
  }
  auto* variances = static_cast<float*>(memory);
  auto* flip = reinterpret_cast<int32_t*>(variances + body.num_keypoints);
  for (int32_t k = 0; k < body.num_keypoints; ++k) {
    const float sigma = detail::sigma_of(body, k);
    variances[k] = 4.0F * sigma * sigma;
    flip[k] = body.flip == nullptr ? k : body.flip[k];
  }
  *plan = {options, body.num_keypoints, variances, flip};
  return Status::kOk;
}

size_t workspace_bytes(const TrackerPlan& plan) noexcept {
  TrackerState state = {};
  return detail::carve(plan, nullptr, &state);
}

Status start_tracks(const TrackerPlan& plan, void* workspace, size_t bytes) noexcept {
  TrackerState state = {};
  const Status status = parts_of(plan, workspace, bytes, &state);
  if (status != Status::kOk) {
    return status;
  }
  *state.head = {};
  state.head->mark = detail::kTrackerMark;
  state.head->num_keypoints = plan.num_keypoints;
  state.head->max_people = plan.options.max_people;
  for (int32_t i = 0; i < plan.options.max_people; ++i) {
    state.order[i] = i;
  }
  return Status::kOk;
}

Status update_tracks(const TrackerPlan& plan, const FramePoses& poses, void* workspace, size_t bytes,
                     int64_t* ids) noexcept {
  TrackerState state = {};
  const Status status = parts_of(plan, workspace, bytes, &state);
  if (status != Status::kOk) {
    return status;
  }
  if (!is_started(plan, state)) {
    return Status::kNotStarted;
  }
  if (poses.count < 0 || poses.count > plan.options.max_people) {
    return Status::kTooManyPeople;
  }
  if (poses.count > 0 &&
      (poses.xy == nullptr || poses.scores == nullptr || poses.pose_scores == nullptr || ids == nullptr)) {
    return Status::kNullPointer;
  }
  if (!detail::is_time(poses.time_s) || (state.head->started != 0 && !(poses.time_s > state.head->last_time_s))) {
    return Status::kNotLater;
  }
  state.head->started = 1;
  state.head->last_time_s = poses.time_s;
  end_lost_tracks(plan, poses.time_s, &state);
  for (int32_t place = 0; place < state.head->count; ++place) {
    const int32_t slot = state.order[place];
    Track* track = state.tracks + slot;
    track->seen_now = 0;
    detail::predict(plan, track, state.points_of(slot), static_cast<float>(poses.time_s - track->last_seen_s));
  }
  detail::read_frame(poses, &state);
  fill_values(plan, poses, &state);
  detail::assign_greatest(state.values, poses.count, state.head->count, plan.options.max_people, state.assignment,
                          state.track_of);
  for (int32_t i = 0; i < poses.count; ++i) {
    if (state.track_of[i] != detail::kNobody) {
      const ptrdiff_t pair = static_cast<ptrdiff_t>(i) * plan.options.max_people + state.track_of[i];
      const int32_t slot = state.order[state.track_of[i]];
      state.track_of[i] = slot;
      see(plan, state.seen_points_of(i), state.detections[i], state.mirrored[pair] != 0, poses.time_s,
          state.tracks + slot, state.points_of(slot));
    }
  }
  for (int32_t place = 0; place < state.head->count;) {
    const Track& track = state.tracks[state.order[place]];
    if (track.id == 0 && track.seen_now == 0) {
      end_track(&state, place);
    } else {
      ++place;
    }
  }
  for (int32_t i = 0; i < poses.count; ++i) {
    const int32_t pose = state.rank[i];
    if (state.track_of[i] == detail::kNobody && state.detections[i].weight > 0.0F && state.detections[i].mixed == 0 &&
        poses.pose_scores[pose] >= plan.options.min_birth_score) {
      const int32_t slot = free_slot(plan, &state);
      state.track_of[i] = slot;
      begin_track(plan, state.seen_points_of(i), state.detections[i], poses.time_s, state.tracks + slot,
                  state.points_of(slot));
    }
    ids[pose] = -1;
    if (state.track_of[i] != detail::kNobody) {
      Track* track = state.tracks + state.track_of[i];
      if (track->id == 0 && track->hits >= plan.options.min_hits) {
        track->id = ++state.head->last_id;
        ++state.head->counts.births;
      }
      ids[pose] = track->id > 0 ? track->id : -1;
    }
  }
  return Status::kOk;
}

Status list_tracks(const TrackerPlan& plan, const void* workspace, size_t bytes, TrackInfo* infos, int32_t* count,
                   TrackCounts* counts) noexcept {
  TrackerState state = {};
  // Nothing is written to it.
  const Status status = parts_of(plan, const_cast<void*>(workspace), bytes, &state);
  if (status != Status::kOk) {
    return status;
  }
  if (!is_started(plan, state)) {
    return Status::kNotStarted;
  }
  int32_t listed = 0;
  for (int32_t place = 0; place < state.head->count; ++place) {
    const Track& track = state.tracks[state.order[place]];
    if (track.id > 0) {
      if (infos != nullptr) {
        infos[listed] = {track.id, track.first_seen_s, track.last_seen_s, track.hits};
      }
      ++listed;
    }
  }
  if (count != nullptr) {
    *count = listed;
  }
  if (counts != nullptr) {
    *counts = state.head->counts;
  }
  return Status::kOk;
}

}  // namespace posecore
