// The filters over time, as Python sees them: whole tracks, or the people of one frame.
#pragma once

#include <pybind11/stl.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "arrays.hpp"
#include "busy.hpp"
#include "decoders.hpp"
#include "posecore/kalman.hpp"
#include "posecore/one_euro.hpp"

namespace posecore::python {

using Coordinates = py::array_t<float, py::array::c_style>;
using SeenBytes = py::array_t<uint8_t, py::array::c_style>;
using Times = py::array_t<double, py::array::c_style>;
using Slots = py::array_t<int32_t, py::array::c_style>;

[[nodiscard]] inline KalmanPlan planned(const KalmanOptions& options, int32_t keypoints) {
  KalmanPlan plan{};
  check(make_plan(options, keypoints, &plan));
  return plan;
}

[[nodiscard]] inline OneEuroPlan planned(const OneEuroOptions& options, int32_t keypoints) {
  OneEuroPlan plan{};
  check(make_plan(options, keypoints, &plan));
  return plan;
}

// A plan, and people in its slots. One thread at a time.
template <class Plan>
class Smoother {
 public:
  template <class Options>
  Smoother(const Options& options, int32_t keypoints) : plan_(planned(options, keypoints)) {}

  // `out` is (T, K, 2) float32 and may be `xy`; `kinds` is (T, K). The track begins with a person never seen.
  // (saturations, gated, coasted, restarts)
  [[nodiscard]] py::tuple track(const Coordinates& xy, const std::optional<Coordinates>& scores,
                                const std::optional<SeenBytes>& seen, const std::optional<Coordinates>& sizes,
                                const std::optional<Times>& times, Coordinates& out, SeenBytes& kinds) {
    const Alone alone(&busy_, kBusy);
    const MeasuredPoses measured = measured_poses(xy, scores, seen, sizes);
    const SmoothedPoses smoothed = smoothed_poses(xy, out, kinds);
    const auto frames = static_cast<int32_t>(xy.shape(0));
    if (times && times->size() != xy.shape(0)) {
      throw py::value_error("time_s: wanted one time a frame");
    }
    const double* times_s = times ? times->data() : nullptr;
    std::vector<int64_t> person(words());
    Status status = Status::kOk;
    {
      const py::gil_scoped_release release;
      status = smooth_track(plan_, measured, frames, times_s, person.data(), person.size() * sizeof(int64_t), smoothed);
    }
    check(status);
    return counted(counters(plan_, person.data()));
  }

  // One frame of people in slots, each slot once; as `track`.
  void people(const Coordinates& xy, const std::optional<Coordinates>& scores, const std::optional<SeenBytes>& seen,
              const std::optional<Coordinates>& sizes, std::optional<double> time_s, const Slots& slots,
              Coordinates& out, SeenBytes& kinds) {
    const Alone alone(&busy_, kBusy);
    const MeasuredPoses measured = measured_poses(xy, scores, seen, sizes);
    const SmoothedPoses smoothed = smoothed_poses(xy, out, kinds);
    if (slots.size() != xy.shape(0)) {
      throw py::value_error("slots: wanted one a person");
    }
    for (py::ssize_t n = 0; n < slots.size(); ++n) {
      if (slots.data()[n] < 0 || slots.data()[n] > 65535) {
        throw py::value_error("slots: wanted 0 to 65535");
      }
      if (static_cast<size_t>(slots.data()[n]) >= room_) {
        room_ = static_cast<size_t>(slots.data()[n]) + 1;
      }
    }
    states_.resize(room_ * words());
    const double* time = time_s ? &*time_s : nullptr;
    Status status = Status::kOk;
    {
      const py::gil_scoped_release release;
      status = smooth_people(plan_, measured, static_cast<int32_t>(xy.shape(0)), time, states_.data(),
                             static_cast<int32_t>(room_), states_.size() * sizeof(int64_t), slots.data(), smoothed);
    }
    check(status);
  }

  // The person in a slot is forgotten; its counters come back.
  [[nodiscard]] py::tuple forget(int32_t slot) {
    const Alone alone(&busy_, kBusy);
    const py::tuple last = count_of(slot);
    if (slot >= 0 && static_cast<size_t>(slot) < room_) {
      std::fill_n(&states_[static_cast<size_t>(slot) * words()], words(), 0);
    }
    return last;
  }

  [[nodiscard]] py::tuple count(int32_t slot) {
    const Alone alone(&busy_, kBusy);
    return count_of(slot);
  }

  // People go on at another pace (nominal frames from one frame to the next).
  void go_at(float pace, [[maybe_unused]] float acceleration) {
    const Alone alone(&busy_, kBusy);
    auto options = plan_.options;
    options.pace = pace;
    if constexpr (std::is_same_v<Plan, KalmanPlan>) {
      options.acceleration = acceleration;
    }
    plan_ = planned(options, plan_.num_keypoints);
  }

  [[nodiscard]] const Plan& plan() const { return plan_; }

 private:
  static constexpr const char* kBusy = "this smoother is at work in another thread: make one a thread";

  // Of a person.
  [[nodiscard]] size_t words() const { return person_bytes(plan_) / sizeof(int64_t); }

  [[nodiscard]] py::tuple count_of(int32_t slot) const {
    if (slot < 0 || static_cast<size_t>(slot) >= room_) {
      return counted({});
    }
    return counted(counters(plan_, &states_[static_cast<size_t>(slot) * words()]));
  }

  [[nodiscard]] static py::tuple counted(const FilterCounters& c) {
    return py::make_tuple(c.saturations, c.gated, c.coasted, c.restarts);
  }

  [[nodiscard]] MeasuredPoses measured_poses(const Coordinates& xy, const std::optional<Coordinates>& scores,
                                             const std::optional<SeenBytes>& seen,
                                             const std::optional<Coordinates>& sizes) const {
    const py::ssize_t keypoints = plan_.num_keypoints;
    if (xy.ndim() != 3 || xy.shape(1) != keypoints || xy.shape(2) != 2 || xy.shape(0) > INT32_MAX) {
      throw py::value_error("xy: wanted shape (n, " + std::to_string(keypoints) + ", 2), got " + shape_of(xy));
    }
    if ((scores && scores->size() * 2 != xy.size()) || (seen && seen->size() * 2 != xy.size()) ||
        (sizes && sizes->size() != xy.shape(0))) {
      throw py::value_error("scores: wanted scores, visible and sizes of as many keypoints as xy");
    }
    return {xy.data(), scores ? scores->data() : nullptr, seen ? seen->data() : nullptr,
            sizes ? sizes->data() : nullptr};
  }

  [[nodiscard]] static SmoothedPoses smoothed_poses(const Coordinates& xy, Coordinates& out, SeenBytes& kinds) {
    if (out.size() != xy.size() || kinds.size() * 2 != xy.size()) {
      throw py::value_error("out: wanted as many keypoints as xy");
    }
    return {out.mutable_data(), kinds.mutable_data()};
  }

  Plan plan_;
  std::vector<int64_t> states_;
  size_t room_ = 0;
  std::atomic<bool> busy_{false};
};

// Integers in, integers out: xy (T, K, 2) int32 Q16.16, weakness (T, K) uint32 Q12.20, frames (T,) uint32 Q16.16, size
// Q16.16 px.
[[nodiscard]] inline Slots smooth_integers(const Smoother<KalmanPlan>& smoother, const Slots& xy,
                                           const py::array_t<uint32_t, py::array::c_style>& weakness,
                                           const py::array_t<uint32_t, py::array::c_style>& frames, uint32_t size) {
  const KalmanPlan& plan = smoother.plan();
  const py::ssize_t keypoints = plan.num_keypoints;
  if (xy.ndim() != 3 || xy.shape(1) != keypoints || xy.shape(2) != 2 || weakness.size() * 2 != xy.size() ||
      frames.size() != xy.shape(0)) {
    throw py::value_error("xy: wanted shape (T, K, 2), with weakness (T, K) and frames (T,), got " + shape_of(xy));
  }
  Slots out({xy.shape(0), keypoints, py::ssize_t{2}});
  std::vector<int64_t> person(person_bytes(plan) / sizeof(int64_t));
  std::vector<FixedMeasurement> measured(static_cast<size_t>(keypoints));
  std::vector<FixedPoint> smoothed(static_cast<size_t>(keypoints));
  for (py::ssize_t t = 0; t < xy.shape(0); ++t) {
    for (py::ssize_t k = 0; k < keypoints; ++k) {
      const py::ssize_t at = t * keypoints + k;
      measured[static_cast<size_t>(k)] = {{xy.data()[2 * at], xy.data()[2 * at + 1]}, weakness.data()[at]};
    }
    check(smooth_fixed(plan, measured.data(), frames.data()[t], size, person.data(), person.size() * sizeof(int64_t),
                       smoothed.data(), nullptr));
    for (py::ssize_t k = 0; k < keypoints; ++k) {
      out.mutable_data()[2 * (t * keypoints + k)] = smoothed[static_cast<size_t>(k)].x;
      out.mutable_data()[2 * (t * keypoints + k) + 1] = smoothed[static_cast<size_t>(k)].y;
    }
  }
  return out;
}

template <class Plan>
void bind_smoother(py::class_<Smoother<Plan>>& type) {
  using namespace py::literals;
  type.def("track", &Smoother<Plan>::track, py::arg("xy").noconvert(), py::arg("scores").noconvert(),
           py::arg("seen").noconvert(), py::arg("sizes").noconvert(), py::arg("times").noconvert(),
           py::arg("out").noconvert(), py::arg("kinds").noconvert())
      .def("people", &Smoother<Plan>::people, py::arg("xy").noconvert(), py::arg("scores").noconvert(),
           py::arg("seen").noconvert(), py::arg("sizes").noconvert(), "time_s"_a, py::arg("slots").noconvert(),
           py::arg("out").noconvert(), py::arg("kinds").noconvert())
      .def("go_at", &Smoother<Plan>::go_at, "pace"_a, "acceleration"_a)
      .def("forget", &Smoother<Plan>::forget, "slot"_a)
      .def("count", &Smoother<Plan>::count, "slot"_a, "(saturations, gated, coasted, restarts) of a slot.");
}

inline void bind_smoothing(py::module_& module) {
  using namespace py::literals;
  py::class_<Smoother<KalmanPlan>> kalman(module, "KalmanFilter");
  kalman.def(py::init([](int32_t num_keypoints, float fps, float noise, float least_score, float acceleration,
                         float hold_s, float speed, float gate_sigmas, int32_t gated_before_restart,
                         int32_t max_coast_frames, bool constant_position, bool floats) {
               KalmanOptions options;
               options.fps = fps;
               options.noise = noise;
               options.least_score = least_score;
               options.acceleration = acceleration;
               options.hold_s = hold_s;
               options.speed = speed;
               options.gate_sigmas = gate_sigmas;
               options.gated_before_restart = gated_before_restart;
               options.max_coast_frames = max_coast_frames;
               options.motion = constant_position ? Motion::kConstantPosition : Motion::kConstantVelocity;
               options.arithmetic = floats ? Arithmetic::kFloat : Arithmetic::kFixed;
               return std::make_unique<Smoother<KalmanPlan>>(options, num_keypoints);
             }),
             py::kw_only(), "num_keypoints"_a, "fps"_a, "noise"_a, "least_score"_a, "acceleration"_a, "hold_s"_a,
             "speed"_a, "gate_sigmas"_a, "gated_before_restart"_a, "max_coast_frames"_a, "constant_position"_a,
             "floats"_a);
  bind_smoother(kalman);
  kalman.def("track_integers", &smooth_integers, py::arg("xy").noconvert(), py::arg("weakness").noconvert(),
             py::arg("frames").noconvert(), "size"_a);
  py::class_<Smoother<OneEuroPlan>> one_euro(module, "OneEuroFilter");
  one_euro.def(py::init([](int32_t num_keypoints, float fps, float min_cutoff_hz, float beta,
                           float derivative_cutoff_hz, int32_t max_coast_frames) {
                 OneEuroOptions options;
                 options.fps = fps;
                 options.min_cutoff_hz = min_cutoff_hz;
                 options.beta = beta;
                 options.derivative_cutoff_hz = derivative_cutoff_hz;
                 options.max_coast_frames = max_coast_frames;
                 return std::make_unique<Smoother<OneEuroPlan>>(options, num_keypoints);
               }),
               py::kw_only(), "num_keypoints"_a, "fps"_a, "min_cutoff_hz"_a, "beta"_a, "derivative_cutoff_hz"_a,
               "max_coast_frames"_a);
  bind_smoother(one_euro);
}

}  // namespace posecore::python
