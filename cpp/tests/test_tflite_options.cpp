// The delegate's options: text that is given, and bytes in a model's file.
#include "check.hpp"
#include "tflite_host.hpp"

TEST(numbers_are_read_whatever_the_locale) {
  const auto made = [](const char* key, const char* value) {
    return host::Plugin({{key, value}}).delegate() != nullptr;
  };
  static constexpr const char* kRight[] = {
      "0.2", ".5", "1.", "1", "+1", "-0", "1e-3", "10E-1", "0.000000000000000000000000000001"};
  for (const char* right : kRight) {
    CHECK(made("score_threshold", right));
  }
  static constexpr const char* kWrong[] = {"",   "+",  ".",   "e1",   "1e",  "1e+",    "nan",   "inf", "0x1",
                                           " 1", "1 ", "0,5", "-0.1", "1.1", "1e9999", "1e999", "--1", "1.0.0"};
  for (const char* wrong : kWrong) {
    CHECK(!made("score_threshold", wrong));
  }
  CHECK(made("max_detections", "1e4") && made("max_detections", "20.0"));
  CHECK(!made("max_detections", "10001") && !made("max_detections", "1.5") && !made("max_detections", "0"));
}

TEST(wrong_options_say_what_was_wanted) {
  const host::Plugin range({{"stride", "0"}});
  CHECK(range.delegate() == nullptr);
  CHECK(host::says(host::Plugin::said(), "stride: wanted a whole number from 1 to 1024, got \"0\""));
  const host::Plugin key({{"quiet", "true"}, {"strides\n", "1"}});
  CHECK(key.delegate() == nullptr);
  CHECK(host::says(host::Plugin::said(), "options: wanted max_detections, score_threshold, nms_radius, stride, "));
  CHECK(host::says(host::Plugin::said(), "got \"strides?\""));
  const host::Plugin none({{"sampling", nullptr}});
  CHECK(none.delegate() == nullptr);
  CHECK(host::says(host::Plugin::said(), "options: wanted keys and values, got none at place 0"));
  CHECK(tflite_plugin_create_delegate(nullptr, nullptr, 3, nullptr) == nullptr);
  tflite_plugin_destroy_delegate(nullptr);
}

TEST(a_number_of_options_that_came_as_an_int_is_understood) {
  if constexpr (sizeof(void*) == 8) {
    const char* const keys[] = {"stride"};
    const char* const values[] = {"8"};
    const size_t rubbish = static_cast<size_t>(UINT64_C(0xABCDEF0100000001));
    TfLiteDelegate* const delegate = tflite_plugin_create_delegate(keys, values, rubbish, nullptr);
    CHECK(delegate != nullptr);
    tflite_plugin_destroy_delegate(delegate);
  }
}

TEST(no_bytes_of_options_lead_outside_of_themselves) {
  Numbers numbers(7);
  const Person nobody = standing(0, 0, -7);
  const SyntheticHeads<uint8_t> nothing(1, 1, &nobody, 1);
  int32_t accepted = 0;
  for (int32_t round = 0; round < 20000; ++round) {
    const auto size = static_cast<size_t>(numbers.below(4) == 0 ? numbers.below(sizeof host::kFileOptions) + 1
                                                                : static_cast<int32_t>(sizeof host::kFileOptions));
    // Of exactly this size, so that the sanitizers see anything beyond it.
    auto* const bytes = static_cast<uint8_t*>(malloc(size));
    if (bytes == nullptr) {
      abort();
    }
    memcpy(bytes, host::kFileOptions + sizeof host::kFileOptions - size, size);
    for (int32_t i = numbers.below(4); i > 0; --i) {
      bytes[numbers.below(static_cast<int32_t>(size))] = static_cast<uint8_t>(numbers.next());
    }
    const host::Plugin plugin;
    host::Interpreter<> interpreter;
    interpreter.node(1).custom_initial_data = bytes;
    interpreter.node(1).custom_initial_data_size = static_cast<int32_t>(size);
    interpreter.give<uint8_t>(nothing.heads());
    accepted += interpreter.take(plugin.delegate()) == posecore::tflite::kDone ? 1 : 0;
    free(bytes);
  }
  CHECK(accepted > 1000 && accepted < 19000);
}
