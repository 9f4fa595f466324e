// The C API says what the C++ calls say, to the last bit.
#include <string.h>

#include "check.hpp"
#include "decoding.hpp"
#include "posecore.h"
#include "posecore/kalman.hpp"
#include "posecore/one_euro.hpp"
#include "posecore/swaps.hpp"
#include "synthetic.hpp"
#include "tracking.hpp"

namespace {

using posecore::Status;

posecore_tensor in_c(const posecore::TensorView& view) {
  return {view.data,          static_cast<int32_t>(view.type),
          view.rows,          view.columns,
          view.channels,      view.row_stride,
          view.column_stride, view.channel_stride,
          view.scale,         view.zero_point};
}

posecore_heads in_c(const posecore::Heads& heads) {
  return {in_c(heads.heatmaps), in_c(heads.short_offsets), in_c(heads.displacement_fwd), in_c(heads.displacement_bwd),
          POSECORE_LOGITS};
}

posecore_poses in_c(const posecore::PoseSink& sink) {
  return {sink.xy, sink.scores, sink.pose_scores, sink.capacity, -1, nullptr};
}

template <class T>
bool same_bits(const Memory<T>& a, const Memory<T>& b) {
  return a.count() == b.count() && memcmp(a.data(), b.data(), a.bytes()) == 0;
}

// Many people, one person and heatmaps, by both.
template <class T>
void check_decoding(Arrangement arrangement) {
  const Person people[] = {standing(60, 25, 5), standing(150, 30, 4)};
  const SyntheticHeads<T> synthetic(13, 13, people, 2, arrangement);
  const posecore::Heads heads = synthetic.heads();
  const posecore_heads c_heads = in_c(heads);

  Multi multi(posecore::kCoco17, {}, 13, 13);
  Poses wanted(20, 17);
  CHECK(multi.decode(heads, &wanted) == Status::kOk && wanted.sink.count == 2);
  const Memory<uint64_t> memory(POSECORE_MULTI_PLAN_BYTES(17) / 8);
  const posecore_multi_plan* plan = nullptr;
  CHECK(posecore_multi_plan_make(posecore_coco17(), nullptr, memory.data(), memory.bytes(), &plan) == POSECORE_OK);
  const size_t bytes = posecore_multi_workspace_bytes(plan, 13, 13);
  CHECK(bytes == multi.workspace_bytes());
  const Memory<uint64_t> workspace(bytes / 8 + 1);
  Poses got(20, 17);
  posecore_poses poses = in_c(got.sink);
  CHECK(posecore_decode_multi(plan, &c_heads, workspace.data(), bytes, &poses) == POSECORE_OK);
  got.sink.count = poses.count;
  got.check_same(wanted);

  wanted.sink.map = {2.0F, 3.0F, 4.0F, 5.0F};
  const posecore_pixel_map map = {2.0F, 3.0F, 4.0F, 5.0F};
  poses.map = &map;
  CHECK(posecore::decode_single(heads, 16.0F, &wanted.sink) == Status::kOk);
  CHECK(posecore_decode_single(&c_heads, 16.0F, &poses) == POSECORE_OK);
  got.sink.count = poses.count;
  got.check_same(wanted);

  posecore::HeatmapOptions options;
  options.refinement = posecore::Refinement::kTaylor;
  options.blur_sigma_cells = 1.0F;
  posecore_heatmap_options c_options;
  posecore_heatmap_options_init(&c_options);
  c_options.refinement = POSECORE_REFINE_TAYLOR;
  c_options.blur_sigma_cells = 1.0F;
  CHECK(posecore::decode_heatmaps(heads.heatmaps, heads.scores, options, &wanted.sink) == Status::kOk);
  CHECK(posecore_decode_heatmaps(&c_heads.heatmaps, POSECORE_LOGITS, &c_options, &poses) == POSECORE_OK);
  got.sink.count = poses.count;
  got.check_same(wanted);
}

// A person who walks, with keypoints that flicker.
struct Walk {
  static constexpr int32_t kFrames = 60;
  static constexpr int32_t kPoints = kFrames * kBody;
  Walk() : xy(2 * kPoints), scores(kPoints), seen(kPoints), times_s(kFrames) {
    Numbers numbers(7);
    for (int32_t t = 0; t < kFrames; ++t) {
      times_s[t] = t / 30.0;
      for (int32_t k = 0; k < kBody; ++k) {
        const int32_t at = t * kBody + k;
        xy[2 * at] = 100.0F + static_cast<float>(3 * t) + 300.0F * kStanding[k][0] + numbers.between(-2, 2);
        xy[2 * at + 1] = 100.0F + 300.0F * kStanding[k][1] + numbers.between(-2, 2);
        scores[at] = numbers.between(0.1F, 1.0F);
        seen[at] = numbers.below(8) != 0 ? 1 : 0;
      }
    }
  }
  [[nodiscard]] posecore::MeasuredPoses measured() const { return {xy.data(), scores.data(), seen.data(), nullptr}; }
  [[nodiscard]] posecore_measured_poses measured_in_c() const {
    return {xy.data(), scores.data(), seen.data(), nullptr};
  }
  Memory<float> xy;
  Memory<float> scores;
  Memory<uint8_t> seen;
  Memory<double> times_s;
};

struct Smoothed {
  Smoothed() : xy(2 * Walk::kPoints), kinds(Walk::kPoints), person(4096) {}
  [[nodiscard]] bool same(const Smoothed& other) const {
    return same_bits(xy, other.xy) && same_bits(kinds, other.kinds);
  }
  Memory<float> xy;
  Memory<uint8_t> kinds;
  Memory<uint64_t> person;
};

void check_counters(const posecore_filter_counters& got, const posecore::FilterCounters& wanted) {
  CHECK(got.saturations == wanted.saturations && got.gated == wanted.gated && got.coasted == wanted.coasted &&
        got.restarts == wanted.restarts);
  CHECK(got.coasted > 0);
}

}  // namespace

TEST(c_decoders_give_the_bits_of_the_cpp_calls) {
  for (const Arrangement arrangement : kArrangements) {
    check_decoding<float>(arrangement);
    check_decoding<uint8_t>(arrangement);
    check_decoding<int8_t>(arrangement);
  }
}

TEST(c_tensors_are_the_views_of_cpp) {
  const uint8_t data = 0;
  const auto same = [](const posecore_tensor& got, const posecore::TensorView& wanted) {
    const posecore_tensor expected = in_c(wanted);
    CHECK(got.data == expected.data && got.type == expected.type && got.rows == expected.rows &&
          got.columns == expected.columns && got.channels == expected.channels);
    CHECK(got.row_stride == expected.row_stride && got.column_stride == expected.column_stride &&
          got.channel_stride == expected.channel_stride && got.zero_point == expected.zero_point);
    CHECK_NEAR(got.scale, expected.scale, 0);
  };
  same(posecore_hwc_tensor(&data, POSECORE_INT8, 3, 5, 7, 0.5F, -3),
       posecore::hwc_view(&data, posecore::ElementType::kInt8, 3, 5, 7, 0.5F, -3));
  same(posecore_chw_tensor(&data, POSECORE_UINT8, 3, 5, 7, 0.25F, 9),
       posecore::chw_view(&data, posecore::ElementType::kUint8, 3, 5, 7, 0.25F, 9));
}

TEST(c_filters_give_the_bits_of_the_cpp_calls) {
  const Walk walk;
  const posecore_measured_poses measured = walk.measured_in_c();
  for (int32_t arithmetic = POSECORE_FIXED_POINT; arithmetic <= POSECORE_FLOAT; ++arithmetic) {
    for (int32_t motion = POSECORE_CONSTANT_VELOCITY; motion <= POSECORE_CONSTANT_POSITION; ++motion) {
      posecore::KalmanOptions options;
      options.noise = 0.03F;
      options.arithmetic = static_cast<posecore::Arithmetic>(arithmetic);
      options.motion = static_cast<posecore::Motion>(motion);
      posecore::KalmanPlan cpp_plan = {};
      CHECK(make_plan(options, kBody, &cpp_plan) == Status::kOk);
      posecore_kalman_options c_options;
      posecore_kalman_options_init(&c_options);
      c_options.noise = 0.03F;
      c_options.arithmetic = arithmetic;
      c_options.motion = motion;
      const Memory<uint64_t> memory(POSECORE_KALMAN_PLAN_BYTES / 8);
      const posecore_kalman_plan* plan = nullptr;
      CHECK(posecore_kalman_plan_make(&c_options, kBody, memory.data(), memory.bytes(), &plan) == POSECORE_OK);
      const size_t bytes = posecore_kalman_person_bytes(plan);
      CHECK(bytes == person_bytes(cpp_plan));

      const Smoothed wanted;
      const Smoothed got;
      const posecore_smoothed_poses out = {got.xy.data(), got.kinds.data()};
      CHECK(smooth_track(cpp_plan, walk.measured(), Walk::kFrames, walk.times_s.data(), wanted.person.data(), bytes,
                         {wanted.xy.data(), wanted.kinds.data()}) == Status::kOk);
      CHECK(posecore_kalman_smooth_track(plan, &measured, Walk::kFrames, walk.times_s.data(), got.person.data(), bytes,
                                         &out) == POSECORE_OK);
      CHECK(got.same(wanted));

      const int32_t slots[] = {1, 0};
      CHECK(smooth_people(cpp_plan, walk.measured(), 2, nullptr, wanted.person.data(), 2, 2 * bytes, slots,
                          {wanted.xy.data(), wanted.kinds.data()}) == Status::kOk);
      CHECK(posecore_kalman_smooth_people(plan, &measured, 2, nullptr, got.person.data(), 2, 2 * bytes, slots, &out) ==
            POSECORE_OK);
      CHECK(got.same(wanted));
      posecore_filter_counters counters;
      CHECK(posecore_kalman_counters(plan, got.person.data(), bytes, &counters) == POSECORE_OK);
      check_counters(counters, posecore::counters(cpp_plan, wanted.person.data()));
    }
  }
}

TEST(c_integers_are_smoothed_as_those_of_cpp) {
  posecore::KalmanPlan cpp_plan = {};
  CHECK(make_plan(posecore::KalmanOptions{}, kBody, &cpp_plan) == Status::kOk);
  const Memory<uint64_t> memory(POSECORE_KALMAN_PLAN_BYTES / 8);
  const posecore_kalman_plan* plan = nullptr;
  CHECK(posecore_kalman_plan_make(nullptr, kBody, memory.data(), memory.bytes(), &plan) == POSECORE_OK);
  const Smoothed wanted;
  const Smoothed got;
  Numbers numbers(3);
  for (int32_t t = 0; t < 20; ++t) {
    posecore::FixedMeasurement in[kBody];
    posecore_fixed_measurement c_in[kBody];
    posecore::FixedPoint out[kBody];
    posecore_fixed_point c_out[kBody];
    for (int32_t k = 0; k < kBody; ++k) {
      in[k] = {{65536 * (10 * t + numbers.below(5)), 65536 * k}, numbers.below(5) == 0 ? 0U : 1U << 20U};
      c_in[k] = {{in[k].at.x, in[k].at.y}, in[k].weakness};
    }
    CHECK(smooth_fixed(cpp_plan, in, 65536, 200 * 65536, wanted.person.data(), wanted.person.bytes(), out,
                       wanted.kinds.data()) == Status::kOk);
    CHECK(posecore_kalman_smooth_fixed(plan, c_in, 65536, 200 * 65536, got.person.data(), got.person.bytes(), c_out,
                                       got.kinds.data()) == POSECORE_OK);
    for (int32_t k = 0; k < kBody; ++k) {
      CHECK(c_out[k].x == out[k].x && c_out[k].y == out[k].y);
    }
    CHECK(t == 0 || c_out[0].x > 0);
  }
  CHECK(got.same(wanted));
}

TEST(c_one_euro_gives_the_bits_of_the_cpp_calls) {
  const Walk walk;
  posecore::OneEuroOptions options;
  options.beta = 10.0F;
  posecore::OneEuroPlan cpp_plan = {};
  CHECK(make_plan(options, kBody, &cpp_plan) == Status::kOk);
  posecore_one_euro_options c_options;
  posecore_one_euro_options_init(&c_options);
  c_options.beta = 10.0F;
  const Memory<uint64_t> memory(POSECORE_ONE_EURO_PLAN_BYTES / 8);
  const posecore_one_euro_plan* plan = nullptr;
  CHECK(posecore_one_euro_plan_make(&c_options, kBody, memory.data(), memory.bytes(), &plan) == POSECORE_OK);
  const size_t bytes = posecore_one_euro_person_bytes(plan);
  CHECK(bytes == person_bytes(cpp_plan));
  const Smoothed wanted;
  const Smoothed got;
  const posecore_measured_poses measured = walk.measured_in_c();
  const posecore_smoothed_poses out = {got.xy.data(), got.kinds.data()};
  CHECK(smooth_track(cpp_plan, walk.measured(), Walk::kFrames, nullptr, wanted.person.data(), bytes,
                     {wanted.xy.data(), wanted.kinds.data()}) == Status::kOk);
  CHECK(posecore_one_euro_smooth_track(plan, &measured, Walk::kFrames, nullptr, got.person.data(), bytes, &out) ==
        POSECORE_OK);
  CHECK(got.same(wanted));
  const double time_s = 100.0;
  CHECK(smooth_people(cpp_plan, walk.measured(), 2, &time_s, wanted.person.data(), 2, 2 * bytes, nullptr,
                      {wanted.xy.data(), wanted.kinds.data()}) == Status::kOk);
  CHECK(posecore_one_euro_smooth_people(plan, &measured, 2, &time_s, got.person.data(), 2, 2 * bytes, nullptr, &out) ==
        POSECORE_OK);
  CHECK(got.same(wanted));
  posecore_filter_counters counters;
  CHECK(posecore_one_euro_counters(plan, got.person.data(), bytes, &counters) == POSECORE_OK);
  check_counters(counters, posecore::counters(cpp_plan, wanted.person.data()));
}

TEST(a_c_tracker_gives_the_ids_of_the_cpp_one) {
  posecore::TrackerOptions options;
  options.min_hits = 2;
  options.max_people = 8;
  const TestTracker wanted(options);
  posecore_tracker_options c_options;
  posecore_tracker_options_init(&c_options);
  c_options.min_hits = 2;
  c_options.max_people = 8;
  const posecore_body body = {kBody, nullptr, kFlip, nullptr, 0};
  const Memory<uint64_t> memory(POSECORE_TRACKER_PLAN_BYTES(kBody) / 8);
  const posecore_tracker_plan* plan = nullptr;
  CHECK(posecore_tracker_plan_make(&body, &c_options, memory.data(), memory.bytes(), &plan) == POSECORE_OK);
  const size_t bytes = posecore_tracker_workspace_bytes(plan);
  const Memory<uint64_t> workspace(bytes / 8);
  CHECK(posecore_tracker_start(plan, workspace.data(), bytes) == POSECORE_OK);
  for (int32_t t = 0; t < 10; ++t) {
    StandingPeople people(3);
    people.add(100.0F + static_cast<float>(5 * t), 50);
    if (t < 5) {
      people.add(600.0F - static_cast<float>(5 * t), 60, 0.7F);
    }
    int64_t ids[3] = {};
    const posecore_frame_poses frame = {people.xy(),      people.scores(), people.frame(0).pose_scores,
                                        people.visible(), people.count(),  2.0 * t};
    CHECK(posecore_tracker_update(plan, &frame, workspace.data(), bytes, ids) == POSECORE_OK);
    CHECK(wanted.update(people, 2.0 * t) == Status::kOk);
    CHECK(memcmp(ids, people.ids(), sizeof(int64_t) * static_cast<size_t>(people.count())) == 0);
  }
  posecore::TrackInfo infos[8];
  posecore_track_info c_infos[8];
  posecore::TrackCounts counts;
  posecore_track_counts c_counts;
  int32_t count = 0;
  int32_t c_count = 0;
  CHECK(list_tracks(wanted.plan, wanted.workspace(), wanted.bytes(), infos, &count, &counts) == Status::kOk);
  CHECK(posecore_tracker_list(plan, workspace.data(), bytes, c_infos, &c_count, &c_counts) == POSECORE_OK);
  CHECK(c_count == count && c_counts.births == counts.births && c_counts.deaths == counts.deaths);
  for (int32_t i = 0; i < count; ++i) {
    CHECK(c_infos[i].id == infos[i].id && c_infos[i].hits == infos[i].hits);
    CHECK_NEAR(c_infos[i].first_seen_s, infos[i].first_seen_s, 0);
    CHECK_NEAR(c_infos[i].last_seen_s, infos[i].last_seen_s, 0);
  }
}

TEST(c_swaps_are_put_back_as_those_of_cpp) {
  posecore::SwapPlan cpp_plan = {};
  const Memory<double> cpp_memory(posecore::swap_plan_bytes(kPerson) / 8 + 1);
  CHECK(make_plan(kPerson, posecore::SwapOptions{}, cpp_memory.data(), cpp_memory.bytes(), &cpp_plan) == Status::kOk);
  const Memory<uint64_t> cpp_workspace(workspace_bytes(cpp_plan) / 8);
  CHECK(start_swaps(cpp_plan, cpp_workspace.data(), cpp_workspace.bytes()) == Status::kOk);
  posecore_body body = *posecore_coco17_body();
  body.sigmas = nullptr;
  const Memory<uint64_t> memory(POSECORE_SWAP_PLAN_BYTES(kBody) / 8);
  const posecore_swap_plan* plan = nullptr;
  CHECK(posecore_swap_plan_make(&body, nullptr, memory.data(), memory.bytes(), &plan) == POSECORE_OK);
  const Memory<uint64_t> workspace(posecore_swap_workspace_bytes(plan) / 8);
  CHECK(posecore_swap_start(plan, workspace.data(), workspace.bytes()) == POSECORE_OK);
  posecore::SwapCounts counts;
  posecore_swap_counts c_counts = {0, 0};
  for (int32_t t = 0; t < 12; ++t) {
    StandingPeople people(1);
    StandingPeople c_people(1);
    people.add(100.0F + static_cast<float>(2 * t), 50);
    c_people.add(100.0F + static_cast<float>(2 * t), 50);
    if (t == 8) {
      people.exchange(0, 13, 14);
      c_people.exchange(0, 13, 14);
    }
    CHECK(repair_swaps(cpp_plan, {people.ids(), people.xy(), people.scores(), people.visible(), 1, t / 30.0},
                       cpp_workspace.data(), cpp_workspace.bytes(), &counts) == Status::kOk);
    const posecore_identified_poses poses = {c_people.ids(), c_people.xy(), c_people.scores(), c_people.visible(), 1,
                                             t / 30.0};
    CHECK(posecore_swap_repair(plan, &poses, workspace.data(), workspace.bytes(), &c_counts) == POSECORE_OK);
    for (int32_t i = 0; i < 2 * kBody; ++i) {
      CHECK_NEAR(c_people.xy()[i], people.xy()[i], 0);
    }
  }
  CHECK(c_counts.exchanged == counts.exchanged && c_counts.duplicates == counts.duplicates);
  CHECK(counts.exchanged == 1);
}

TEST(plans_have_room_in_what_is_said_at_compile_time) {
  for (int32_t k = 1; k <= posecore::kMaxKeypoints; ++k) {
    const auto fits = [](size_t bytes, int32_t most) {
      CHECK(bytes > 0 && bytes <= static_cast<size_t>(most) && most % 8 == 0);
    };
    fits(posecore_multi_plan_bytes(k), POSECORE_MULTI_PLAN_BYTES(k));
    fits(posecore_tracker_plan_bytes(k), POSECORE_TRACKER_PLAN_BYTES(k));
    fits(posecore_swap_plan_bytes(k), POSECORE_SWAP_PLAN_BYTES(k));
  }
}
