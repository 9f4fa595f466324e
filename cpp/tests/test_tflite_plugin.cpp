// The delegate in interpreters of all versions, with models that are right and wrong.
#include "check.hpp"
#include "decoding.hpp"
#include "layout.hpp"
#include "posecore/masks.hpp"
#include "tflite_host.hpp"

namespace {

using posecore::Status;

constexpr int32_t kRows = 23;
constexpr int32_t kColumns = 31;
constexpr int32_t kBytesOfAddress = sizeof(void*);

struct Two {
  Person people[2] = {standing(70, 30, 5), standing(230, 40, 4)};
};

// Somebody whom no threshold sees.
const Person kNobody = standing(0, 0, -7);

template <class T>
[[nodiscard]] const SyntheticHeads<T>& two_people() {
  static const SyntheticHeads<T> heads(kRows, kColumns, Two().people, 2);
  return heads;
}

// What the delegate wrote is what the decoder gives, y before x, and zeros behind.
template <class Host>
void check_output(Host* interpreter, const posecore::Heads& heads, const posecore::MultiPoseOptions& options,
                  int32_t wanted, int32_t decoder = 0) {
  Multi multi(posecore::kCoco17, options, heads.heatmaps.rows, heads.heatmaps.columns);
  Poses poses(options.max_poses, 17);
  CHECK(multi.decode(heads, &poses) == Status::kOk);
  CHECK_NEAR(poses.sink.count, wanted, 0.0);
  CHECK_NEAR(interpreter->output(3, decoder)[0], poses.sink.count, 0.0);
  for (int32_t n = 0; n < options.max_poses; ++n) {
    const bool there = n < poses.sink.count;
    CHECK(interpreter->output(2, decoder)[n] == (there ? poses.pose_score(n) : 0.0F));
    for (int32_t k = 0; k < 17; ++k) {
      CHECK(interpreter->output(1, decoder)[n * 17 + k] == (there ? poses.score(n, k) : 0.0F));
      CHECK(interpreter->output(0, decoder)[(n * 17 + k) * 2] == (there ? poses.y(n, k) : 0.0F));
      CHECK(interpreter->output(0, decoder)[(n * 17 + k) * 2 + 1] == (there ? poses.x(n, k) : 0.0F));
    }
  }
}

template <class T, class Host>
void check_run(Host* interpreter) {
  const host::Plugin plugin;
  interpreter->template give<T>(two_people<T>().heads());
  CHECK(interpreter->run(plugin.delegate()));
  check_output(interpreter, two_people<T>().heads(), {}, 2);
  CHECK(interpreter->said()[0] == '\0');
}

template <class Host>
void check_refused(Host* interpreter, const char* sentence) {
  const host::Plugin plugin;
  interpreter->template give<uint8_t>(two_people<uint8_t>().heads());
  CHECK(interpreter->take(plugin.delegate()) != posecore::tflite::kDone);
  CHECK(!interpreter->handed_over());
  CHECK(host::says(interpreter->said(), sentence));
}

}  // namespace

TEST(every_version_of_the_registration_is_served) {
  host::Interpreter<host::First> first;
  host::Interpreter<host::Second> second;
  host::Interpreter<host::Third> third;
  host::Interpreter<host::Fourth> fourth;
  check_run<uint8_t>(&first);
  check_run<uint8_t>(&second);
  check_run<uint8_t>(&third);
  check_run<uint8_t>(&fourth);
}

TEST(a_longer_registration_is_served_where_its_length_moves_nothing) {
  host::Interpreter<host::Fifth> fifth;
  if constexpr (kBytesOfAddress == 8) {
    check_run<uint8_t>(&fifth);
  } else {
    check_refused(&fifth, "wanted an interpreter with TfLiteRegistration of 32 to 48 bytes");
  }
}

TEST(a_registration_longer_than_all_that_is_passed_is_refused) {
  struct Huge {
    host::First first;
    void* unheard_of[100];
  };
  host::Interpreter<Huge> huge;
  check_refused(&huge, "wanted an interpreter with TfLiteRegistration of");
}

TEST(a_model_of_one_operator_is_served_where_nothing_has_to_be_measured) {
  host::Interpreter<> interpreter;
  interpreter.shorten_plan();
  if constexpr (kBytesOfAddress == 8) {
    check_run<uint8_t>(&interpreter);
  } else {
    check_refused(&interpreter, "wanted a model with two operators at least");
  }
}

TEST(a_plan_that_goes_backwards_is_measured) {
  host::Interpreter<host::Second> interpreter(2);
  interpreter.turn_plan();
  posecore::tflite::Layout layout;
  posecore::tflite::Sentence wrong;
  CHECK(posecore::tflite::measure(interpreter.context(), *interpreter.plan(), &layout, &wrong));
  CHECK(layout.registration_bytes == static_cast<ptrdiff_t>(sizeof(host::Second)));
}

TEST(an_operator_that_is_lost_on_the_way_is_named) {
  const host::Plugin plugin;
  host::Interpreter<> interpreter;
  interpreter.give<uint8_t>(two_people<uint8_t>().heads());
  interpreter.lose_nodes();
  CHECK(!interpreter.run(plugin.delegate()));
  CHECK(host::says(interpreter.said(), "posecore: wanted operator 1 of the model, got none from the interpreter. "));
}

TEST(nodes_may_end_earlier_or_later) {
  struct Early {
    const void* lists[4];
    void* data[2];
    const void* custom_initial_data;
    int32_t custom_initial_data_size;
    void* delegate;
  };
  struct Late {
    posecore::tflite::Node node;
    void* unheard_of;
  };
  host::Interpreter<host::First, Early> early;
  host::Interpreter<host::Fourth, Late> late;
  check_run<uint8_t>(&early);
  check_run<uint8_t>(&late);
}

TEST(a_node_with_a_field_in_its_middle_is_refused) {
  struct Middle {
    const void* lists[3];
    void* unheard_of;
    const void* temporaries;
    void* data[2];
    const void* custom_initial_data;
    int32_t custom_initial_data_size;
    void* delegate;
    uint8_t might_have_side_effect;
  };
  host::Interpreter<host::Fourth, Middle> interpreter;
  Middle& node = interpreter.host_node(1);
  node.custom_initial_data = host::kFileOptions;
  node.custom_initial_data_size = sizeof host::kFileOptions;
  // Where the node's own delegate was, its options' number of bytes is now.
  check_refused(&interpreter, "wanted an interpreter with TfLiteNode of");
}

TEST(tensors_of_another_size_are_refused) {
  struct Longer {
    posecore::tflite::Tensor tensor;
    void* unheard_of;
  };
  host::Interpreter<host::Fourth, posecore::tflite::Node, Longer> interpreter;
  // As many a tensor has it: an address, at which our second tensor would have its type.
  for (int32_t i = 0; i < host::Interpreter<>::kTensors; ++i) {
    reinterpret_cast<Longer*>(&interpreter.tensor(0))[i].unheard_of = &interpreter;
  }
  const host::Plugin plugin;
  CHECK(interpreter.take(plugin.delegate()) != posecore::tflite::kDone);
  CHECK(host::says(interpreter.said(), "posecore: wanted an interpreter with TfLiteTensor of"));
}

TEST(heads_of_every_type_are_read_in_place) {
  host::Interpreter<> real;
  host::Interpreter<> with_sign;
  check_run<float>(&real);
  check_run<int8_t>(&with_sign);
}

TEST(an_empty_frame_leaves_zeros) {
  const host::Plugin plugin;
  host::Interpreter<> interpreter;
  const SyntheticHeads<uint8_t> nobody(kRows, kColumns, &kNobody, 1);
  interpreter.give<uint8_t>(two_people<uint8_t>().heads());
  CHECK(interpreter.run(plugin.delegate()));
  interpreter.give<uint8_t>(nobody.heads());
  CHECK(interpreter.invoke() == posecore::tflite::kDone);
  check_output(&interpreter, nobody.heads(), {}, 0);
}

TEST(a_grid_of_another_size_is_taken_at_any_time) {
  const host::Plugin plugin;
  host::Interpreter<> interpreter;
  const SyntheticHeads<uint8_t> larger(46, 81, Two().people, 2);
  interpreter.give<uint8_t>(two_people<uint8_t>().heads());
  CHECK(interpreter.run(plugin.delegate()));
  interpreter.give<uint8_t>(larger.heads());
  CHECK(interpreter.invoke() == posecore::tflite::kDone);
  check_output(&interpreter, larger.heads(), {}, 2);
  interpreter.give<uint8_t>(two_people<uint8_t>().heads());
  CHECK(interpreter.allocate() == posecore::tflite::kDone && interpreter.invoke() == posecore::tflite::kDone);
  check_output(&interpreter, two_people<uint8_t>().heads(), {}, 2);
}

TEST(two_decoders_of_one_model_both_run) {
  const host::Plugin plugin;
  host::Interpreter<> interpreter(2);
  interpreter.give<uint8_t>(two_people<uint8_t>().heads());
  CHECK(interpreter.run(plugin.delegate()));
  check_output(&interpreter, two_people<uint8_t>().heads(), {}, 2, 0);
  check_output(&interpreter, two_people<uint8_t>().heads(), {}, 2, 1);
}

TEST(an_output_without_memory_is_passed_over) {
  const host::Plugin plugin;
  host::Interpreter<> interpreter;
  interpreter.give<uint8_t>(two_people<uint8_t>().heads());
  CHECK(interpreter.take(plugin.delegate()) == posecore::tflite::kDone);
  CHECK(interpreter.allocate() == posecore::tflite::kDone);
  interpreter.tensor(5).data = nullptr;
  CHECK(interpreter.invoke() == posecore::tflite::kDone);
  CHECK_NEAR(interpreter.output(3)[0], 2.0, 0.0);
}

TEST(masks_are_ones_in_the_cells_of_their_person) {
  const host::Plugin plugin({{"max_detections", "5"}});
  host::Interpreter<> interpreter;
  const posecore::Heads heads = two_people<uint8_t>().heads();
  interpreter.give<uint8_t>(heads);
  interpreter.ask_for_masks();
  CHECK(interpreter.run(plugin.delegate()));
  posecore::MultiPoseOptions options;
  options.max_poses = 5;
  check_output(&interpreter, heads, options, 2);
  Multi multi(posecore::kCoco17, options, kRows, kColumns);
  Poses poses(5, 17);
  CHECK(multi.decode(heads, &poses) == Status::kOk);
  posecore::MaskHeads of;
  of.long_offsets = heads.short_offsets;
  const Memory<int32_t> owners(kRows * kColumns);
  const Memory<float> workspace(posecore::mask_workspace_bytes(2, kRows, kColumns) / sizeof(float));
  CHECK(posecore::instance_masks(of, {poses.sink.xy, 2, {}}, {}, workspace.data(), workspace.bytes(),
                                 {owners.data(), kRows, kColumns, nullptr}) == Status::kOk);
  int32_t cells[5] = {};
  for (int32_t pose = 0; pose < 5; ++pose) {
    for (int32_t cell = 0; cell < kRows * kColumns; ++cell) {
      const float mask = interpreter.output(4)[pose * kRows * kColumns + cell];
      CHECK(mask == (owners[cell] == pose ? 1.0F : 0.0F));
      cells[pose] += mask > 0.0F ? 1 : 0;
    }
  }
  CHECK(cells[0] > 50 && cells[1] > 50 && cells[0] + cells[1] == kRows * kColumns);
}

TEST(masks_of_a_grid_that_nobody_knows_yet_are_refused) {
  const host::Plugin plugin;
  host::Interpreter<> interpreter;
  interpreter.give<uint8_t>(two_people<uint8_t>().heads());
  interpreter.ask_for_masks();
  interpreter.tensor(1).allocation_type = posecore::tflite::kDynamic;
  CHECK(interpreter.take(plugin.delegate()) == posecore::tflite::kDone);
  CHECK(interpreter.allocate() != posecore::tflite::kDone);
  CHECK(host::says(interpreter.said(), "wanted heads of PosenetDecoderOp whose size is known before they are"));
}

TEST(options_of_the_file_are_followed_and_given_ones_win) {
  posecore::MultiPoseOptions options;
  options.max_poses = 3;
  options.nms_radius_px = 8.0F;
  options.root_threshold = options.pose_threshold = 0.25F;
  const auto check = [&](const host::Plugin& plugin, int32_t wanted) {
    host::Interpreter<> interpreter;
    interpreter.node(1).custom_initial_data = host::kFileOptions;
    interpreter.node(1).custom_initial_data_size = sizeof host::kFileOptions;
    interpreter.give<uint8_t>(two_people<uint8_t>().heads());
    CHECK(interpreter.run(plugin.delegate()));
    check_output(&interpreter, two_people<uint8_t>().heads(), options, wanted);
  };
  check(host::Plugin(), 2);
  options.max_poses = 1;
  check(host::Plugin({{"max_detections", "1"}}), 1);
  options.max_poses = 40;
  options.stride_px = 8.0F;
  options.nms_radius_px = 0.5F;
  options.refine_steps = 0;
  options.local_maximum_radius = 3;
  options.sampling = posecore::Sampling::kNearest;
  options.rescore = false;
  options.root_threshold = 0.5F;
  check(host::Plugin({{"max_detections", "40"},
                      {"stride", "8"},
                      {"nms_radius", "5e-1"},
                      {"root_threshold", "0.5"},
                      {"refine_steps", "0"},
                      {"local_maximum_radius", "3"},
                      {"sampling", "nearest"},
                      {"rescore", "False"}}),
        10);
}

TEST(models_that_do_not_fit_are_refused_with_a_sentence) {
  const host::List<5> five = {5, {4, 5, 6, 7, 8}};
  host::Interpreter<> masks;
  masks.node(1).outputs = host::as_array(five);
  check_refused(&masks, "wanted a PosenetDecoderOp of 3 inputs and 4 outputs, or of 4 and 5, got one of 3 and 5");
  host::Interpreter<> many;
  many.node(1).inputs = host::as_array(five);
  check_refused(&many, "wanted a PosenetDecoderOp of 3 inputs and 4 outputs, or of 4 and 5, got one of 5 and 4");
  host::Interpreter<> constant;
  constant.tensor(6).allocation_type = posecore::tflite::kReadOnly;
  check_refused(&constant, "wanted outputs of PosenetDecoderOp that are float32 and no constants");
  host::Interpreter<> damaged;
  damaged.node(1).custom_initial_data = host::kFileOptions;
  damaged.node(1).custom_initial_data_size = sizeof host::kFileOptions - 1;
  check_refused(&damaged, "wanted a map of options in the model's PosenetDecoderOp, got 106 other bytes");
}

TEST(heads_that_do_not_fit_are_refused_with_a_sentence) {
  const auto check = [](auto spoil, const char* sentence) {
    const host::Plugin plugin;
    host::Interpreter<> interpreter;
    interpreter.give<uint8_t>(two_people<uint8_t>().heads());
    CHECK(interpreter.take(plugin.delegate()) == posecore::tflite::kDone);
    CHECK(interpreter.allocate() == posecore::tflite::kDone);
    spoil(&interpreter);
    CHECK(interpreter.invoke() != posecore::tflite::kDone);
    CHECK(host::says(interpreter.said(), sentence));
  };
  using Host = host::Interpreter<>*;
  check([](Host it) { it->shape(0).items[3] = 18; }, "wanted heatmaps of PosenetDecoderOp with shape (1, height, wid");
  check([](Host it) { it->shape(1).items[1] = 0; }, "wanted short offsets of PosenetDecoderOp with shape");
  check([](Host it) { it->shape(2).size = 3; }, "wanted mid offsets of PosenetDecoderOp with shape");
  check([](Host it) { it->tensor(3).dims = nullptr; }, "wanted mid offsets of PosenetDecoderOp with shape");
  check([](Host it) { it->tensor(2).bytes -= 1; }, "wanted short offsets of PosenetDecoderOp with shape");
  check([](Host it) { it->tensor(2).type = posecore::tflite::kTypeInt8; }, "all uint8, all int8 or all float32");
  check([](Host it) { it->tensor(1).type = 7; }, "all uint8, all int8 or all float32, got types 7 and 7");
  check([](Host it) { it->tensor(1).scale = 0; }, "wanted heatmaps of PosenetDecoderOp with one scale");
  check([](Host it) { it->tensor(1).data = nullptr; }, "wanted heatmaps in PosenetDecoderOp, got a tensor without");
  check([](Host it) { it->tensor(1).scale = INFINITY; }, "PosenetDecoderOp: ");
}

TEST(a_quiet_delegate_says_nothing) {
  const host::Plugin plugin({{"quiet", "True"}});
  host::Interpreter<> interpreter;
  interpreter.tensor(4).type = 2;
  CHECK(interpreter.take(plugin.delegate()) != posecore::tflite::kDone);
  CHECK(interpreter.said()[0] == '\0');
}

TEST(a_model_without_our_operator_is_left_alone) {
  const host::Plugin plugin;
  host::Interpreter<> interpreter(0);
  CHECK(interpreter.take(plugin.delegate()) == posecore::tflite::kDone);
  CHECK(!interpreter.handed_over());
}
