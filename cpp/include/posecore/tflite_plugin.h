/* The TensorFlow Lite delegate of libposecore_tflite: it runs PosenetDecoderOp, the operator at the end of Coral's pose
 * models, in interpreters that do not know it. C and C++.
 *
 * These are the two functions that TensorFlow Lite looks for in a library of an external delegate, so that a program
 * either gives the library's path to its interpreter, or links it and calls them. TfLiteDelegate is TensorFlow Lite's;
 * nothing else of TensorFlow is needed here.
 */
#pragma once

#include <stddef.h>

#if defined(_WIN32) && defined(POSECORE_TFLITE_BUILDING)
#define POSECORE_TFLITE_API __declspec(dllexport)
#elif defined(_WIN32)
#define POSECORE_TFLITE_API __declspec(dllimport)
#else
#define POSECORE_TFLITE_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

struct TfLiteDelegate;

/* A delegate, for `ModifyGraphWithDelegate`; to be destroyed after the interpreters that have it.
 *
 * The operator's options, as the model's file has them, are replaced by those given here: `num_options` keys and
 * values, as text. Keys of the operator: max_detections (1 to 10000), score_threshold (0 to 1), nms_radius (0 to 10000
 * input pixels), stride (1 to 1024 input pixels). Further ones of posecore's decoder: root_threshold and pose_threshold
 * (0 to 1; each before score_threshold), refine_steps (0 to 100), local_maximum_radius (0 to 100 cells), sampling
 * ("bilinear", "nearest"), rescore ("true", "false"). And quiet ("true", "false"): say nothing, even where something is
 * wrong.
 *
 * Null where an option is wrong; `report_error`, where it is not null, is then called once with a sentence. */
POSECORE_TFLITE_API struct TfLiteDelegate* tflite_plugin_create_delegate(const char* const* options_keys,
                                                                         const char* const* options_values,
                                                                         size_t num_options,
                                                                         void (*report_error)(const char*));

/* Frees a delegate of `tflite_plugin_create_delegate`; null is none. */
POSECORE_TFLITE_API void tflite_plugin_destroy_delegate(struct TfLiteDelegate* delegate);

#ifdef __cplusplus
}
#endif
