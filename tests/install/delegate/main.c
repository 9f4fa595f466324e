/* A program in C that links the delegate: what precedes ModifyGraphWithDelegate, and what follows the interpreter. */
#include <stdio.h>

#include "posecore/tflite_plugin.h"

static void hear(const char* sentence) { printf("%s\n", sentence); }

int main(int argc, char** argv) {
  const char* const keys[] = {"max_detections"};
  const char* values[] = {"20"};
  struct TfLiteDelegate* delegate;
  if (argc == 2) {
    values[0] = argv[1];
  }
  delegate = tflite_plugin_create_delegate(keys, values, 1, hear);
  if (delegate == NULL) {
    return 1;
  }
  tflite_plugin_destroy_delegate(delegate);
  printf("made and destroyed\n");
  return 0;
}
