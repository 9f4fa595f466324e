/* The same by the library's path, as interpreters load it. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

typedef void* (*create_delegate)(const char* const*, const char* const*, size_t, void (*)(const char*));
typedef void (*destroy_delegate)(void*);

static void* function(void* library, const char* name) {
  void* const found = dlsym(library, name);
  if (found == NULL) {
    printf("there is no %s\n", name);
  }
  return found;
}

int main(int argc, char** argv) {
  create_delegate create;
  destroy_delegate destroy;
  void *library, *delegate, *address;
  if (argc != 2 || (library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL)) == NULL) {
    printf("%s\n", argc == 2 ? dlerror() : "wanted the library's path");
    return 1;
  }
  address = function(library, "tflite_plugin_create_delegate");
  memcpy(&create, &address, sizeof create);
  address = function(library, "tflite_plugin_destroy_delegate");
  memcpy(&destroy, &address, sizeof destroy);
  if (create == NULL || destroy == NULL || (delegate = create(NULL, NULL, 0, NULL)) == NULL) {
    return 1;
  }
  destroy(delegate);
  printf("made and destroyed\n");
  return dlclose(library);
}
