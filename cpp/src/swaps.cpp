#include "posecore/swaps.hpp"

#include "body.hpp"
#include "memory.hpp"
#include "numeric.hpp"
#include "swap_state.hpp"

namespace posecore {
namespace {

using detail::Contradiction;
using detail::Place;
using detail::RememberedPoint;
using detail::squared;
using detail::SwapPerson;
using detail::SwapsState;

constexpr float kPlaceTime = 0.04F;   // seconds over which a place is forgotten
constexpr float kSpeedTime = 0.12F;   // ... a speed
constexpr float kBetterTime = 1.0F;   // ... that prediction did badly: longer than a step
constexpr float kWorseTime = 0.25F;   // ... that it did well
constexpr float kFirstSpread = 0.1F;  // standard deviation of what a first prediction misses, in sizes
constexpr float kNoise = 0.7F;        // of a keypoint that stands still, in its sigmas
// Gains are logarithms of odds, and those of one pair are not to settle it for all.
constexpr float kMostGain = 20.0F;
constexpr float kLeastGain = 8.0F;       // below it nothing is exchanged
constexpr float kPenalty = 1.0F;         // what a pair must gain to be taken along
constexpr float kPlausible = 9.0F;       // square of the deviations from its place in which a keypoint is at home
constexpr float kDoubleDistance = 0.5F;  // nearer than this share of what was expected, a pair is one keypoint
constexpr float kWhole = 0.8F;           // of all gains: above it the whole body is taken

[[nodiscard]] bool comparable(const SwapPlan& plan, const SwapPerson& person, int32_t k) noexcept {
  const auto gap_s = static_cast<float>(plan.options.max_gap_s);
  return person.visible[k] != 0 && person.points[k].unseen_s >= 0.0F && person.points[k].unseen_s <= gap_s + person.dt;
}

// Variance in px^2 of where a keypoint is about where it was expected.
[[nodiscard]] float variance_of(const SwapPlan& plan, const SwapPerson& person, int32_t k) noexcept {
  return kNoise * kNoise * plan.variances[k] * person.size_px * person.size_px + person.points[k].spread;
}

// How much nearer a pair is to its places when its sides are exchanged, in px^2, by one prediction; 0 where it is not
// near them then either, by the variance.
[[nodiscard]] float nearer_by(Place left, Place right, Place expected_left, Place expected_right,
                              float variance) noexcept {
  const float as_is = squared(left, expected_left) + squared(right, expected_right);
  const float exchanged = squared(right, expected_left) + squared(left, expected_right);
  return exchanged < as_is && exchanged > 2.0F * kPlausible * variance ? 0.0F : as_is - exchanged;
}

// How much more likely the pair is with its sides exchanged, as a logarithm of odds. Both predictions, that it went on
// and that it stood, have to ask for it: at a low frame rate legs that cross are where their opposites were.
[[nodiscard]] float gain_of(const SwapPlan& plan, const SwapPerson& person, const SwapPair& pair) noexcept {
  if (!comparable(plan, person, pair.left) || !comparable(plan, person, pair.right)) {
    return 0.0F;
  }
  const float variance = (variance_of(plan, person, pair.left) + variance_of(plan, person, pair.right)) / 2.0F;
  const Place left = person.seen(pair.left);
  const Place right = person.seen(pair.right);
  const float going = nearer_by(left, right, person.moved(pair.left), person.moved(pair.right), variance);
  const float standing = nearer_by(left, right, person.still(pair.left), person.still(pair.right), variance);
  const float gain = (going < standing ? going : standing) / (2.0F * variance);
  return gain > kMostGain ? kMostGain : gain < -kMostGain ? -kMostGain : gain;
}

// Chooses the set of pairs whose exchange gains most: all of them, or some that hang together. False where none gains
// enough. Pairs that were chosen before have gain 0.
[[nodiscard]] bool choose(const SwapPlan& plan, SwapsState* state) noexcept {
  float all = 0.0F;
  float for_it = 0.0F;
  for (int32_t p = 0; p < plan.num_pairs; ++p) {
    state->chosen[p] = 0;
    state->branches[p] = state->gains[p] - kPenalty;
    all += state->gains[p];
    for_it += state->gains[p] > 0.0F ? state->gains[p] : 0.0F;
  }
  if (for_it < kLeastGain) {
    return false;
  }
  if (all >= 2.0F * kLeastGain && all >= kWhole * for_it &&
      for_it >= kLeastGain * static_cast<float>(plan.num_pairs) / 2.0F) {
    for (int32_t p = 0; p < plan.num_pairs; ++p) {
      state->chosen[p] = 1;
    }
    return true;
  }
  for (int32_t p = plan.num_pairs - 1; p >= 0; --p) {
    const int32_t parent = plan.pairs[p].parent;
    if (parent >= 0 && state->branches[p] > 0.0F) {
      state->branches[parent] += state->branches[p];
    }
  }
  int32_t top = -1;
  for (int32_t p = 0; p < plan.num_pairs; ++p) {
    if (state->gains[p] >= 0.0F && state->branches[p] >= kLeastGain &&
        (top < 0 || state->branches[p] > state->branches[top])) {
      top = p;
    }
  }
  if (top < 0) {
    return false;
  }
  for (int32_t p = top; p < plan.num_pairs; ++p) {
    const int32_t parent = plan.pairs[p].parent;
    const bool below = parent >= 0 && state->chosen[parent] != 0 && state->branches[p] > 0.0F;
    state->chosen[p] = p == top || below ? 1 : 0;
  }
  return true;
}

template <class T>
void exchange(T* a, T* b) noexcept {
  const T kept = *a;
  *a = *b;
  *b = kept;
}

void exchange_sides(const SwapPerson& person, const SwapPair& pair) noexcept {
  exchange(person.xy + 2 * pair.left, person.xy + 2 * pair.right);
  exchange(person.xy + 2 * pair.left + 1, person.xy + 2 * pair.right + 1);
  exchange(person.scores + pair.left, person.scores + pair.right);
  exchange(person.visible + pair.left, person.visible + pair.right);
}

// What is seen counts from now on, whatever was remembered.
void forget(const SwapPerson& person, int32_t k) noexcept { person.points[k] = {0.0F, 0.0F, 0.0F, 0.0F, 0.0F, -1.0F}; }

// True where a contradiction that lasts from before is to be believed: after the patience, but never in its first
// frame.
[[nodiscard]] bool is_believed(const SwapPlan& plan, float lasts_s, int32_t frames) noexcept {
  return frames > 1 && lasts_s > static_cast<float>(plan.options.patience_s);
}

void repair_exchanges(const SwapPlan& plan, const SwapPerson& person, SwapsState* state, SwapCounts* counts) noexcept {
  for (int32_t p = 0; p < plan.num_pairs; ++p) {
    state->gains[p] = gain_of(plan, person, plan.pairs[p]);
    state->done[p] = 0;
  }
  for (int32_t round = 0; round < plan.num_pairs && choose(plan, state); ++round) {
    bool believed = false;
    for (int32_t p = 0; p < plan.num_pairs; ++p) {
      if (state->chosen[p] != 0) {
        Contradiction* held = person.contradictions + p;
        ++held->exchanged;
        held->exchanged_s += person.dt;
        believed = believed || is_believed(plan, held->exchanged_s, held->exchanged);
      }
    }
    for (int32_t p = 0; p < plan.num_pairs; ++p) {
      if (state->chosen[p] == 0) {
        continue;
      }
      state->gains[p] = 0.0F;
      state->done[p] = 1;
      const SwapPair& pair = plan.pairs[p];
      if (believed) {
        person.contradictions[p] = {};
        forget(person, pair.left);
        forget(person, pair.right);
      } else {
        exchange_sides(person, pair);
      }
    }
    counts->exchanged += believed ? 0 : 1;
  }
  for (int32_t p = 0; p < plan.num_pairs; ++p) {
    if (state->done[p] == 0) {
      person.contradictions[p].exchanged = 0;
      person.contradictions[p].exchanged_s = 0.0F;
    }
  }
}

// Whether keypoint `far`, by one prediction, is where `near` is at home and far from where it was itself.
[[nodiscard]] bool is_double(Place far, Place near, Place expected_far, Place expected_near, float variance) noexcept {
  const float apart = squared(expected_far, expected_near);
  return squared(far, near) < kDoubleDistance * kDoubleDistance * apart &&
         squared(far, expected_far) > 2.0F * kPlausible * variance &&
         squared(near, expected_near) < kPlausible * variance &&
         squared(far, expected_near) < kDoubleDistance * kDoubleDistance * apart;
}

void mark_doubles(const SwapPlan& plan, const SwapPerson& person, SwapCounts* counts) noexcept {
  for (int32_t p = 0; p < plan.num_pairs; ++p) {
    const SwapPair& pair = plan.pairs[p];
    Contradiction* held = person.contradictions + p;
    int32_t missing = -1;
    const float near_by =
        kDoubleDistance * kDoubleDistance * squared(person.still(pair.left), person.still(pair.right));
    if (squared(person.seen(pair.left), person.seen(pair.right)) < near_by && comparable(plan, person, pair.left) &&
        comparable(plan, person, pair.right)) {
      const float variance = (variance_of(plan, person, pair.left) + variance_of(plan, person, pair.right)) / 2.0F;
      const int32_t both[] = {pair.left, pair.right};
      for (int32_t side = 0; side < 2; ++side) {
        const int32_t far = both[side];
        const int32_t near = both[1 - side];
        if (is_double(person.seen(far), person.seen(near), person.moved(far), person.moved(near), variance) &&
            is_double(person.seen(far), person.seen(near), person.still(far), person.still(near), variance)) {
          missing = far;
        }
      }
    }
    if (missing < 0) {
      held->doubled = 0;
      held->doubled_s = 0.0F;
      continue;
    }
    ++held->doubled;
    held->doubled_s += person.dt;
    if (is_believed(plan, held->doubled_s, held->doubled)) {
      held->doubled = 0;
      held->doubled_s = 0.0F;
      forget(person, missing);
    } else {
      person.visible[missing] = 0;
      person.scores[missing] = 0.0F;
      ++counts->duplicates;
    }
  }
}

// What a keypoint that is seen `dt` seconds after it was seen before changes of what is remembered of it.
struct Shares {
  float dt, place, speed, worse, better;
};

[[nodiscard]] Shares shares_of(float dt) noexcept {
  return {dt, detail::share(dt, kPlaceTime), dt > 0.0F ? detail::share(dt, kSpeedTime) / dt : 0.0F,
          detail::share(dt, kWorseTime), detail::share(dt, kBetterTime)};
}

void remember(const SwapPlan& plan, const SwapPerson& person) noexcept {
  const float first = kFirstSpread * person.size_px;
  const auto gap_s = static_cast<float>(plan.options.max_gap_s);
  Shares shared = shares_of(person.dt);
  for (int32_t k = 0; k < plan.num_keypoints; ++k) {
    RememberedPoint* point = person.points + k;
    if (person.visible[k] == 0) {
      continue;
    }
    const Place at = person.seen(k);
    if (point->unseen_s < 0.0F || point->unseen_s > gap_s + person.dt) {
      *point = {at.x, at.y, 0.0F, 0.0F, first * first, 0.0F};
      continue;
    }
    const float dt = point->unseen_s;
    const Place expected = person.moved(k);
    const float dx = at.x - expected.x;
    const float dy = at.y - expected.y;
    if (dt != shared.dt) {
      shared = shares_of(dt);
    }
    float missed = (dx * dx + dy * dy) / 2.0F;
    missed = missed < 9.0F * first * first ? missed : 9.0F * first * first;
    const float spread = missed > point->spread ? shared.worse : shared.better;
    *point = {
        detail::within_reach(expected.x + shared.place * dx), detail::within_reach(expected.y + shared.place * dy),
        detail::within_reach(point->vx + shared.speed * dx),  detail::within_reach(point->vy + shared.speed * dy),
        point->spread + spread * (missed - point->spread),    0.0F};
  }
}

// The place of this person among those who are remembered: her own, or else a free one, or else that of who was not
// seen for longest.
[[nodiscard]] int32_t place_of(const SwapPlan& plan, const SwapsState& state, int64_t id, bool* is_new) noexcept {
  int32_t oldest = 0;
  for (int32_t i = 0; i < plan.options.max_people; ++i) {
    if (state.people[i].taken != 0 && state.people[i].id == id) {
      *is_new = false;
      return i;
    }
    const bool older = state.people[i].taken == 0 || state.people[i].last_seen_s < state.people[oldest].last_seen_s;
    if (state.people[oldest].taken != 0 && older) {
      oldest = i;
    }
  }
  *is_new = true;
  return oldest;
}

void repair_person(const SwapPlan& plan, const IdentifiedPoses& poses, int32_t n, SwapsState* state,
                   SwapCounts* counts) noexcept {
  bool is_new = false;
  const int32_t at = place_of(plan, *state, poses.ids[n], &is_new);
  detail::RememberedPerson* remembered = state->people + at;
  if (!is_new && !(poses.time_s > remembered->last_seen_s)) {
    return;
  }
  const ptrdiff_t row = static_cast<ptrdiff_t>(n) * plan.num_keypoints;
  SwapPerson person = {poses.xy + 2 * row,
                       poses.scores + row,
                       poses.visible + row,
                       state->points + static_cast<ptrdiff_t>(at) * plan.num_keypoints,
                       state->contradictions + static_cast<ptrdiff_t>(at) * plan.num_pairs,
                       1.0F,
                       is_new ? 0.0F : static_cast<float>(poses.time_s - remembered->last_seen_s)};
  detail::Box box;
  for (int32_t k = 0; k < plan.num_keypoints; ++k) {
    if (is_new) {
      forget(person, k);
    } else if (person.points[k].unseen_s >= 0.0F) {
      person.points[k].unseen_s += person.dt;
    }
    if (person.visible[k] != 0) {
      box.add(person.seen(k).x, person.seen(k).y);
    }
  }
  for (int32_t p = 0; is_new && p < plan.num_pairs; ++p) {
    person.contradictions[p] = {};
  }
  person.size_px = box.x0 <= box.x1 ? detail::size_of(box) : detail::kLeastSizePx;
  *remembered = {poses.ids[n], poses.time_s, 1};
  repair_exchanges(plan, person, state, counts);
  mark_doubles(plan, person, counts);
  remember(plan, person);
}

[[nodiscard]] Status parts_of(const SwapPlan& plan, void* workspace, size_t bytes, SwapsState* state) noexcept {
  const Status status = detail::check_memory(workspace, bytes, workspace_bytes(plan), alignof(uint64_t));
  if (status == Status::kOk) {
    detail::carve(plan, workspace, state);
  }
  return status;
}

}  // namespace

size_t workspace_bytes(const SwapPlan& plan) noexcept {
  SwapsState state = {};
  return detail::carve(plan, nullptr, &state);
}

Status start_swaps(const SwapPlan& plan, void* workspace, size_t bytes) noexcept {
  SwapsState state = {};
  const Status status = parts_of(plan, workspace, bytes, &state);
  if (status != Status::kOk) {
    return status;
  }
  *state.head = {detail::kSwapsMark, plan.num_keypoints, plan.options.max_people, 0.0, 0};
  for (int32_t i = 0; i < plan.options.max_people; ++i) {
    state.people[i] = {};
  }
  return Status::kOk;
}

Status repair_swaps(const SwapPlan& plan, const IdentifiedPoses& poses, void* workspace, size_t bytes,
                    SwapCounts* counts) noexcept {
  SwapsState state = {};
  const Status status = parts_of(plan, workspace, bytes, &state);
  if (status != Status::kOk) {
    return status;
  }
  if (state.head->mark != detail::kSwapsMark || state.head->num_keypoints != plan.num_keypoints ||
      state.head->max_people != plan.options.max_people) {
    return Status::kNotStarted;
  }
  if (counts == nullptr || (poses.count > 0 && (poses.ids == nullptr || poses.xy == nullptr ||
                                                poses.scores == nullptr || poses.visible == nullptr))) {
    return Status::kNullPointer;
  }
  if (!detail::is_time(poses.time_s) || (state.head->started != 0 && !(poses.time_s > state.head->last_time_s))) {
    return Status::kNotLater;
  }
  state.head->started = 1;
  state.head->last_time_s = poses.time_s;
  for (int32_t n = 0; n < poses.count; ++n) {
    if (poses.ids[n] >= 0) {
      repair_person(plan, poses, n, &state, counts);
    }
  }
  return Status::kOk;
}

}  // namespace posecore
