#include "options.hpp"

#include <string.h>

#include "flexbuffer.hpp"

namespace posecore::tflite {
namespace {

enum class Kind : uint8_t { kWhole, kReal, kTruth, kSampling };

struct Option {
  const char* key;
  Kind kind;
  double low;
  double high;
  const char* wanted;
};

constexpr size_t kMostPairs = 64;
constexpr Option kOptions[kOptionNames] = {
    {"max_detections", Kind::kWhole, 1, 10000, "a whole number from 1 to 10000"},
    {"score_threshold", Kind::kReal, 0, 1, "a number from 0 to 1"},
    {"nms_radius", Kind::kReal, 0, 10000, "a number from 0 to 10000"},
    {"stride", Kind::kWhole, 1, 1024, "a whole number from 1 to 1024"},
    {"root_threshold", Kind::kReal, 0, 1, "a number from 0 to 1"},
    {"pose_threshold", Kind::kReal, 0, 1, "a number from 0 to 1"},
    {"refine_steps", Kind::kWhole, 0, 100, "a whole number from 0 to 100"},
    {"local_maximum_radius", Kind::kWhole, 0, 100, "a whole number from 0 to 100"},
    {"sampling", Kind::kSampling, 0, 1, "bilinear or nearest"},
    {"rescore", Kind::kTruth, 0, 1, "true or false"},
    {"quiet", Kind::kTruth, 0, 1, "true or false"},
};

[[nodiscard]] const Option* option_of(const char* key) noexcept {
  for (const Option& option : kOptions) {
    if (strcmp(option.key, key) == 0) {
      return &option;
    }
  }
  return nullptr;
}

[[nodiscard]] bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

// A decimal number, whatever the locale. More digits than a double has count as zeros.
[[nodiscard]] bool parse_number(const char* text, double* value) noexcept {
  const bool negative = *text == '-';
  text += negative || *text == '+' ? 1 : 0;
  double digits = 0.0;
  int32_t exponent = 0;
  int32_t count = 0;
  bool fraction = false;
  for (; is_digit(*text) || (*text == '.' && !fraction); ++text) {
    if (*text == '.') {
      fraction = true;
      continue;
    }
    const bool kept = digits < 1e15;
    digits = kept ? digits * 10.0 + (*text - '0') : digits;
    exponent += (fraction ? -1 : 0) + (kept ? 0 : 1);
    if (++count > 300) {
      return false;
    }
  }
  if (count > 0 && (*text == 'e' || *text == 'E')) {
    ++text;
    const int32_t sign = *text == '-' ? -1 : 1;
    text += *text == '-' || *text == '+' ? 1 : 0;
    int32_t power = 0;
    count = 0;
    for (; is_digit(*text) && count < 3; ++text, ++count) {
      power = power * 10 + (*text - '0');
    }
    exponent += sign * power;
  }
  if (count == 0 || *text != '\0') {
    return false;
  }
  double scale = 1.0;
  for (int32_t i = exponent < 0 ? -exponent : exponent; i > 0 && scale < 1e300; --i) {
    scale *= 10.0;
  }
  digits = exponent < 0 ? digits / scale : digits * scale;
  *value = negative ? -digits : digits;
  return true;
}

[[nodiscard]] bool parse_word(const char* text, const char* const* words, double* value) noexcept {
  for (int32_t i = 0; words[i] != nullptr; ++i) {
    if (strcmp(text, words[i]) == 0) {
      *value = i % 2;
      return true;
    }
  }
  return false;
}

[[nodiscard]] bool parse(Kind kind, const char* text, double* value) noexcept {
  // Every other word is yes. Python's str(True) is "True".
  static constexpr const char* kTruths[] = {"false", "true", "False", "True", "0", "1", nullptr};
  static constexpr const char* kSamplings[] = {"bilinear", "nearest", nullptr};
  switch (kind) {
    case Kind::kTruth:
      return parse_word(text, kTruths, value);
    case Kind::kSampling:
      return parse_word(text, kSamplings, value);
    default:
      return parse_number(text, value);
  }
}

[[nodiscard]] bool in_range(const Option& option, double value) noexcept {
  if (!(value >= option.low && value <= option.high)) {
    return false;
  }
  return option.kind != Kind::kWhole || value == static_cast<double>(static_cast<int32_t>(value));
}

}  // namespace

bool read_pairs(const char* const* keys, const char* const* values, size_t count, OptionValues* options,
                Sentence* wrong) noexcept {
  if (count > kMostPairs || (count > 0 && (keys == nullptr || values == nullptr))) {
    return wrong->say("options: wanted at most %d keys and as many values", static_cast<int>(kMostPairs));
  }
  for (size_t i = 0; i < count; ++i) {
    if (keys[i] == nullptr || values[i] == nullptr) {
      return wrong->say("options: wanted keys and values, got none at place %d", static_cast<int>(i));
    }
    const Option* const option = option_of(keys[i]);
    if (option == nullptr) {
      return wrong->say(
          "options: wanted max_detections, score_threshold, nms_radius, stride, root_threshold, pose_threshold, "
          "refine_steps, local_maximum_radius, sampling, rescore or quiet, got \"%s\"",
          Quoted(keys[i]).text());
    }
    double value = 0.0;
    if (!parse(option->kind, values[i], &value) || !in_range(*option, value)) {
      return wrong->say("%s: wanted %s, got \"%s\"", option->key, option->wanted, Quoted(values[i]).text());
    }
    options->given[option - kOptions] = true;
    options->value[option - kOptions] = value;
  }
  return true;
}

bool read_file(const uint8_t* data, size_t size, OptionValues* options, Sentence* wrong) noexcept {
  if (size == 0) {
    return true;
  }
  FlexMap map;
  if (!map.open(data, size)) {
    return wrong->say("wanted a map of options in the model's PosenetDecoderOp, got %d other bytes",
                      static_cast<int>(size));
  }
  for (int32_t i = 0; i < map.count(); ++i) {
    const char* key = nullptr;
    FlexValue value;
    if (!map.entry(i, &key, &value)) {
      return wrong->say("wanted a map of options in the model's PosenetDecoderOp, got a damaged one");
    }
    const Option* const option = option_of(key);
    if (option == nullptr || option - kOptions >= kFileOptions || value.kind == FlexValue::Kind::kOther) {
      continue;
    }
    if (value.kind != FlexValue::Kind::kNumber || !in_range(*option, value.number)) {
      return wrong->say("%s of the model's PosenetDecoderOp: wanted %s, got %g%s", option->key, option->wanted,
                        value.number, value.kind == FlexValue::Kind::kBool ? " as a truth value" : "");
    }
    options->given[option - kOptions] = true;
    options->value[option - kOptions] = value.number;
  }
  return true;
}

MultiPoseOptions decoder_options(const OptionValues& file, const OptionValues& given) noexcept {
  MultiPoseOptions made;
  const auto real = [&](OptionName name, float otherwise) {
    const OptionValues& first = given.given[name] ? given : file;
    return first.given[name] ? static_cast<float>(first.value[name]) : otherwise;
  };
  const auto whole = [&](OptionName name, int32_t otherwise) {
    return static_cast<int32_t>(real(name, static_cast<float>(otherwise)));
  };
  const float threshold = real(kScoreThreshold, made.root_threshold);
  made.max_poses = whole(kMaxDetections, made.max_poses);
  made.root_threshold = real(kRootThreshold, threshold);
  made.pose_threshold = real(kPoseThreshold, threshold);
  made.nms_radius_px = real(kNmsRadius, made.nms_radius_px);
  made.stride_px = real(kStride, made.stride_px);
  made.refine_steps = whole(kRefineSteps, made.refine_steps);
  made.local_maximum_radius = whole(kLocalMaximumRadius, made.local_maximum_radius);
  made.sampling = real(kSampling, 0.0F) > 0.0F ? Sampling::kNearest : Sampling::kBilinear;
  made.rescore = real(kRescore, 1.0F) > 0.0F;
  return made;
}

}  // namespace posecore::tflite
