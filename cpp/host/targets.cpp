#include "targets.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <vector>

namespace posecore::host {
namespace {

constexpr float kUnknown = std::numeric_limits<float>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();
// d^2 / (2 sigma^2) where the Gaussian is 2^-25: 25 ln 2.
constexpr double kNegligible = 17.328679513998632;
constexpr double kKnownSigmas = 3.0;

struct Span {
  int32_t first;
  int32_t end;
};

[[nodiscard]] double place(const CellGrid& grid, int32_t index) noexcept {
  return index * grid.stride_px + grid.shift_px;
}

// The indices below `count` with places in [from, to], and perhaps one more at either end: the caller looks itself, so
// that no rounding here decides who is in.
[[nodiscard]] Span near(const CellGrid& grid, double from, double to, int32_t count) noexcept {
  const double most = count;
  const double first = std::floor((from - grid.shift_px) / grid.stride_px);
  const double end = std::floor((to - grid.shift_px) / grid.stride_px) + 2.0;
  return {static_cast<int32_t>(std::clamp(first, 0.0, most)), static_cast<int32_t>(std::clamp(end, 0.0, most))};
}

struct Point {
  double x;
  double y;
};

// The corners of a region, one after another along its border.
struct Region {
  Point corners[4];
};

// What a region covers on the lines from `top` to `bottom`: from left to right; nothing where left > right. A region
// with dents is taken without them.
struct Extent {
  double left = kInfinity;
  double right = -kInfinity;

  Extent(const Region& region, double top, double bottom) noexcept {
    for (int32_t i = 0; i < 4; ++i) {
      const Point& a = region.corners[i];
      const Point& b = region.corners[(i + 1) % 4];
      const double from = std::max(std::min(a.y, b.y), top);
      const double to = std::min(std::max(a.y, b.y), bottom);
      if (from <= to) {
        take(crossing(a, b, from));
        take(crossing(a, b, to));
      }
    }
  }

 private:
  [[nodiscard]] static double crossing(const Point& a, const Point& b, double y) noexcept {
    if (y == a.y) {
      return a.x;
    }
    return y == b.y ? b.x : a.x + (y - a.y) / (b.y - a.y) * (b.x - a.x);
  }
  void take(double x) noexcept {
    left = std::min(left, x);
    right = std::max(right, x);
  }
};

// The map of one picture, and what is known of it.
class Heatmap {
 public:
  Heatmap(const CellGrid& grid, int32_t channels, float* values) noexcept
      : grid_(grid), channels_(channels), values_(values) {}

  void clear() noexcept { std::fill_n(values_, static_cast<int64_t>(grid_.rows) * grid_.columns * channels_, 0.0F); }

  // Nothing is known of these channels where the region is not further than `reach_px` on either axis.
  void forget(const Region& region, double reach_px, const std::vector<int32_t>& channels) noexcept {
    double top = kInfinity;
    double bottom = -kInfinity;
    for (const Point& corner : region.corners) {
      top = std::min(top, corner.y);
      bottom = std::max(bottom, corner.y);
    }
    const Span rows = near(grid_, top - reach_px, bottom + reach_px, grid_.rows);
    for (int32_t row = rows.first; row < rows.end; ++row) {
      const double y = place(grid_, row);
      const Extent extent(region, y - reach_px, y + reach_px);
      const double left = extent.left - reach_px;
      const double right = extent.right + reach_px;
      if (!(left <= right)) {
        continue;
      }
      const Span columns = near(grid_, left, right, grid_.columns);
      for (int32_t column = columns.first; column < columns.end; ++column) {
        const double x = place(grid_, column);
        if (x >= left && x <= right) {
          float* const cell = at(row, column);
          for (const int32_t channel : channels) {
            cell[channel] = kUnknown;
          }
        }
      }
    }
  }

  // What the labels leave open, for keypoints that are seen from `reach_px` away.
  void forget(const Labels& labels, double reach_px) {
    std::vector<int32_t> channels;
    for (int64_t person = 0; person < labels.count; ++person) {
      const uint8_t* const visibility = labels.visibility + person * labels.num_keypoints;
      channels.clear();
      for (int32_t k = 0; k < labels.num_keypoints; ++k) {
        if (visibility[k] == kUnlabelled) {
          channels.push_back(k);
        }
      }
      if (!channels.empty()) {
        forget_person(labels.boxes + person * 4, labels.box_margin, reach_px, channels);
      }
    }
    channels.resize(static_cast<size_t>(labels.num_keypoints));
    std::iota(channels.begin(), channels.end(), 0);
    for (int64_t i = 0; i < labels.num_ignored; ++i) {
      Region region{};
      for (int32_t corner = 0; corner < 4; ++corner) {
        const float* const xy = labels.ignored + (i * 4 + corner) * 2;
        region.corners[corner] = {static_cast<double>(xy[0]), static_cast<double>(xy[1])};
      }
      forget(region, reach_px, channels);
    }
  }

  // The last channel is 1 less the highest of the others, and as unknown as any of them. The bits of numbers from 0 to
  // 1 are in the order of the numbers, and those of NaN above them all: the highest bits say both.
  void write_background() noexcept {
    constexpr int32_t kOne = 0x3F800000;
    const int64_t cells = static_cast<int64_t>(grid_.rows) * grid_.columns;
    for (int64_t i = 0; i < cells; ++i) {
      float* const cell = values_ + i * channels_;
      int32_t highest = 0;
      for (int32_t k = 0; k + 1 < channels_; ++k) {
        int32_t bits = 0;
        std::memcpy(&bits, cell + k, sizeof(bits));
        highest = std::max(highest, bits);
      }
      float value = 0.0F;
      std::memcpy(&value, &highest, sizeof(value));
      cell[channels_ - 1] = highest > kOne ? kUnknown : 1.0F - value;
    }
  }

  [[nodiscard]] float* at(int32_t row, int32_t column) const noexcept {
    return values_ + (static_cast<int64_t>(row) * grid_.columns + column) * channels_;
  }

 private:
  void forget_person(const float* box, double margin, double reach_px, const std::vector<int32_t>& channels) noexcept {
    const double left = static_cast<double>(box[0]);
    const double top = static_cast<double>(box[1]);
    const double width = static_cast<double>(box[2]);
    const double height = static_cast<double>(box[3]);
    if (std::isnan(left) || std::isnan(top) || std::isnan(width) || std::isnan(height)) {
      forget({}, kInfinity, channels);
      return;
    }
    const double right = left + width;
    const double bottom = top + height;
    const Region region = {{{left, top}, {right, top}, {right, bottom}, {left, bottom}}};
    forget(region, reach_px + margin * std::max(width, height), channels);
  }

  CellGrid grid_;
  int32_t channels_;
  float* values_;
};

// From the disc of one keypoint to its person's keypoint `to`: channels `y` and `x` of `tensor`.
struct Way {
  float* tensor;
  int64_t channels;
  int32_t y;
  int32_t x;
  int32_t to;
  Point target = {};
};

class Discs {
 public:
  Discs(const Labels& labels, const CellGrid& grid, double radius_px, const DiscTargets& targets)
      : labels_(labels),
        grid_(grid),
        radius_px_(radius_px),
        targets_(targets),
        claims_(static_cast<size_t>(grid.rows) * static_cast<size_t>(grid.columns)) {}

  void draw() {
    for (int32_t k = 0; k < labels_.num_keypoints; ++k) {
      find_ways(k);
      for (int64_t person = 0; person < labels_.count; ++person) {
        if (is_located(labels_.visibility[person * labels_.num_keypoints + k])) {
          for (Way& way : ways_) {
            way.target = target(person, way.to);
          }
          draw(target(person, k), k);
        }
      }
    }
  }

 private:
  // The keypoint that a cell was claimed for last, and how far it is.
  struct Claim {
    double distance2;
    int32_t keypoint = -1;
  };

  void find_ways(int32_t k) {
    const int32_t edges = targets_.num_edges;
    ways_.clear();
    ways_.push_back(
        {targets_.short_offsets, 2 * static_cast<int64_t>(labels_.num_keypoints), k, labels_.num_keypoints + k, k});
    for (int32_t edge = 0; edge < edges; ++edge) {
      const int32_t parent = targets_.edges[2 * edge];
      const int32_t child = targets_.edges[2 * edge + 1];
      if (parent == k) {
        ways_.push_back({targets_.displacement_fwd, 2 * static_cast<int64_t>(edges), edge, edges + edge, child});
      }
      if (child == k) {
        ways_.push_back({targets_.displacement_bwd, 2 * static_cast<int64_t>(edges), edge, edges + edge, parent});
      }
    }
  }

  // NaN where it is not in the picture, or nobody knows where, and so is every way to it: decoders stay inside.
  [[nodiscard]] Point target(int64_t person, int32_t k) const noexcept {
    const int64_t index = person * labels_.num_keypoints + k;
    if (!is_located(labels_.visibility[index])) {
      return {static_cast<double>(kUnknown), static_cast<double>(kUnknown)};
    }
    return {static_cast<double>(labels_.xy[2 * index]), static_cast<double>(labels_.xy[2 * index + 1])};
  }

  void draw(const Point& centre, int32_t k) noexcept {
    const Span rows = near(grid_, centre.y - radius_px_, centre.y + radius_px_, grid_.rows);
    const Span columns = near(grid_, centre.x - radius_px_, centre.x + radius_px_, grid_.columns);
    const double radius2 = radius_px_ * radius_px_;
    for (int32_t row = rows.first; row < rows.end; ++row) {
      const double y = place(grid_, row);
      const double dy = centre.y - y;
      for (int32_t column = columns.first; column < columns.end; ++column) {
        const double x = place(grid_, column);
        const double dx = centre.x - x;
        const double distance2 = dx * dx + dy * dy;
        if (distance2 > radius2) {
          continue;
        }
        const int64_t cell = static_cast<int64_t>(row) * grid_.columns + column;
        Claim& claim = claims_[static_cast<size_t>(cell)];
        if (claim.keypoint == k && claim.distance2 <= distance2) {
          continue;
        }
        claim = {distance2, k};
        targets_.heatmap[cell * labels_.num_keypoints + k] = 1.0F;
        for (const Way& way : ways_) {
          float* const values = way.tensor + cell * way.channels;
          values[way.y] = static_cast<float>(way.target.y - y);
          values[way.x] = static_cast<float>(way.target.x - x);
        }
      }
    }
  }

  const Labels& labels_;
  CellGrid grid_;
  double radius_px_;
  const DiscTargets& targets_;
  std::vector<Claim> claims_;
  std::vector<Way> ways_;
};

// The Gaussians of all people, onto a map that holds 0 or NaN.
class Gaussians {
 public:
  Gaussians(const CellGrid& grid, double sigma_px, const Heatmap& heatmap)
      : grid_(grid),
        heatmap_(heatmap),
        twice_variance_(2.0 * sigma_px * sigma_px),
        seen2_(twice_variance_ * kNegligible),
        known2_(kKnownSigmas * sigma_px * (kKnownSigmas * sigma_px)),
        reach_px_(std::sqrt(seen2_)),
        across_(static_cast<size_t>(grid.columns)) {}

  void draw(const Point& centre, int32_t k) noexcept {
    const Span rows = near(grid_, centre.y - reach_px_, centre.y + reach_px_, grid_.rows);
    const Span columns = near(grid_, centre.x - reach_px_, centre.x + reach_px_, grid_.columns);
    // A Gaussian is the product of two: an exponential a row and a column, not one a cell.
    for (int32_t column = columns.first; column < columns.end; ++column) {
      const double dx = centre.x - place(grid_, column);
      across_[static_cast<size_t>(column)] = {dx * dx, std::exp(-(dx * dx) / twice_variance_)};
    }
    for (int32_t row = rows.first; row < rows.end; ++row) {
      const double dy = centre.y - place(grid_, row);
      const double dy2 = dy * dy;
      if (dy2 > seen2_) {
        continue;
      }
      const double down = std::exp(-dy2 / twice_variance_);
      for (int32_t column = columns.first; column < columns.end; ++column) {
        const Factor& factor = across_[static_cast<size_t>(column)];
        const double distance2 = factor.distance2 + dy2;
        if (distance2 > seen2_) {
          continue;
        }
        const auto value = static_cast<float>(factor.value * down);
        float* const cell = heatmap_.at(row, column) + k;
        if (value > *cell || (*cell != *cell && distance2 <= known2_)) {
          *cell = value;
        }
      }
    }
  }

 private:
  struct Factor {
    double distance2;
    double value;
  };

  CellGrid grid_;
  const Heatmap& heatmap_;
  double twice_variance_;
  double seen2_;
  double known2_;
  double reach_px_;
  std::vector<Factor> across_;
};

}  // namespace

void encode_discs(const Labels& labels, const CellGrid& grid, double radius_px, const DiscTargets& targets) {
  const int64_t cells = static_cast<int64_t>(grid.rows) * grid.columns;
  Heatmap heatmap(grid, labels.num_keypoints, targets.heatmap);
  heatmap.clear();
  heatmap.forget(labels, radius_px);
  std::fill_n(targets.short_offsets, cells * 2 * labels.num_keypoints, kUnknown);
  if (targets.num_edges > 0) {
    std::fill_n(targets.displacement_fwd, cells * 2 * targets.num_edges, kUnknown);
    std::fill_n(targets.displacement_bwd, cells * 2 * targets.num_edges, kUnknown);
  }
  Discs(labels, grid, radius_px, targets).draw();
}

void encode_gaussians(const Labels& labels, const CellGrid& grid, double sigma_px, bool background, float* heatmap) {
  Heatmap map(grid, labels.num_keypoints + (background ? 1 : 0), heatmap);
  map.clear();
  map.forget(labels, kKnownSigmas * sigma_px);
  Gaussians gaussians(grid, sigma_px, map);
  for (int64_t i = 0; i < labels.count * labels.num_keypoints; ++i) {
    if (is_located(labels.visibility[i])) {
      gaussians.draw({static_cast<double>(labels.xy[2 * i]), static_cast<double>(labels.xy[2 * i + 1])},
                     static_cast<int32_t>(i % labels.num_keypoints));
    }
  }
  if (background) {
    map.write_background();
  }
}

void encode_coordinates(const Labels& labels, int32_t width, int32_t height, float* shares) noexcept {
  for (int32_t k = 0; k < labels.num_keypoints; ++k) {
    shares[2 * k] = shares[2 * k + 1] = kUnknown;
    if (labels.count == 0 || !is_located(labels.visibility[k])) {
      continue;
    }
    const double x = (static_cast<double>(labels.xy[2 * k]) + 0.5) / width;
    const double y = (static_cast<double>(labels.xy[2 * k + 1]) + 0.5) / height;
    if (x >= 0.0 && x <= 1.0 && y >= 0.0 && y <= 1.0) {
      shares[2 * k] = static_cast<float>(x);
      shares[2 * k + 1] = static_cast<float>(y);
    }
  }
}

}  // namespace posecore::host
