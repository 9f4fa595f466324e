// How a person moves: constant velocity as a whole, with limbs that move about it.
#pragma once

#include <math.h>
#include <stdint.h>

#include "body.hpp"
#include "numeric.hpp"
#include "track_state.hpp"

namespace posecore::detail {

// All in sizes (the square root of OKS's area, about 0.8 m of a person who stands) and seconds.
inline constexpr float kPlaceNoise = 0.0016F;     // variance of the place that one pose says: 0.04 sizes
inline constexpr float kFirstSpeed = 4.0F;        // variance of the speed of somebody who was seen once
inline constexpr float kAcceleration = 1.0F;      // spectral density of the person's acceleration
inline constexpr float kLimbSpeed = 0.6F;         // a limb's own motion, as tolerance a second ...
inline constexpr float kMostLimbVariance = .04F;  // ... but no more than 0.2 sizes
inline constexpr float kShapeTime = 0.05F;        // seconds in which limbs are believed
inline constexpr float kSizeTime = 0.5F;          // seconds in which a size is believed

// Predicts the track to `dt` seconds after it was last seen.
inline void predict(const TrackerPlan& plan, Track* track, const TrackPoints& points, float dt) noexcept {
  const float dt2 = dt * dt;
  track->predicted_speed = track->var_speed + kAcceleration * dt;
  track->predicted_both = track->var_both + track->var_speed * dt + kAcceleration * dt2 / 2.0F;
  track->predicted_place =
      track->var_place + 2.0F * dt * track->var_both + dt2 * track->var_speed + kAcceleration * dt2 * dt / 3.0F;
  float limbs = kLimbSpeed * kLimbSpeed * dt2;
  limbs = limbs < kMostLimbVariance ? limbs : kMostLimbVariance;
  const float added = track->predicted_place + limbs;
  const float typical = 4.0F * kDefaultSigma * kDefaultSigma;
  track->precision = sqrtf(typical / (typical + added));
  const float dx = track->vx * dt;
  const float dy = track->vy * dt;
  float widest = 0.0F;
  Box box;
  for (int32_t k = 0; k < plan.num_keypoints; ++k) {
    const float variance = plan.variances[k] + added;
    points.falloff[k] = 0.5F / variance;
    widest = variance > widest ? variance : widest;
    const float x = within_reach(points.x[k] + dx);
    const float y = within_reach(points.y[k] + dy);
    points.predicted_x[k] = x;
    points.predicted_y[k] = y;
    if (points.scores[k] > 0.0F) {
      box.add(x, y);
    }
  }
  track->box = box;
  // exp(-d^2 / 2 v) < m where d > sqrt(2 v ln(1 / m)); for m = 0.001, ln(1 / m) = 6.91.
  track->reach = sqrtf(2.0F * widest * 6.91F);
}

// Takes in that the person is (dx, dy) px from where she was predicted, and says what share of it is believed.
inline float correct(Track* track, float dx, float dy) noexcept {
  const float sum = track->predicted_place + kPlaceNoise;
  const float place_gain = track->predicted_place / sum;
  const float speed_gain = track->predicted_both / sum;
  track->var_place = (1.0F - place_gain) * track->predicted_place;
  track->var_both = (1.0F - place_gain) * track->predicted_both;
  track->var_speed = track->predicted_speed - speed_gain * track->predicted_both;
  track->vx = within_reach(track->vx + speed_gain * dx);
  track->vy = within_reach(track->vy + speed_gain * dy);
  return place_gain;
}

}  // namespace posecore::detail
