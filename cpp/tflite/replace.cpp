#include "replace.hpp"

namespace posecore::tflite {
namespace {

#if defined(__x86_64__) || defined(_M_X64) || defined(__aarch64__) || defined(_M_ARM64) || \
    (defined(__riscv) && __riscv_xlen == 64) || (defined(__loongarch__) && __loongarch_grlen == 64)
#define POSECORE_TFLITE_LONGER_IS_FINE 1
#else
#define POSECORE_TFLITE_LONGER_IS_FINE 0
#endif

// With fields that came later, all of them null for a kernel like ours.
template <int kWords>
struct Longer {
  Registration first;
  void* later[kWords];
};

// The fourth version ends in 64 bits, which also aligns it.
struct Fourth {
  Registration first;
  void* later[2];
  uint64_t inplace_operator;
};

template <class Passed>
[[nodiscard]] int32_t call(Context* context, const Passed& registration, const IntArray* nodes,
                           Delegate* delegate) noexcept {
  using Function = int32_t (*)(Context*, Passed, const IntArray*, Delegate*);
  return reinterpret_cast<Function>(reinterpret_cast<void (*)()>(context->replace_nodes))(context, registration, nodes,
                                                                                          delegate);
}

template <class Passed>
[[nodiscard]] constexpr ptrdiff_t bytes_of() noexcept {
  return static_cast<ptrdiff_t>(sizeof(Passed));
}

}  // namespace

bool replace_nodes(Context* context, const Layout& layout, const Registration& kernel, const IntArray* nodes,
                   Delegate* delegate, int32_t* result, Sentence* wrong) noexcept {
#if POSECORE_TFLITE_LONGER_IS_FINE
  using Longest = Longer<24>;
  static_assert(alignof(Longest) == alignof(void*));
  const ptrdiff_t bytes = layout.registration_bytes;
  if (bytes != 0 && (bytes < bytes_of<Registration>() || bytes > bytes_of<Longest>())) {
    return wrong->say("wanted an interpreter with TfLiteRegistration of %d to %d bytes, got %d",
                      static_cast<int>(sizeof(Registration)), static_cast<int>(sizeof(Longest)),
                      static_cast<int>(bytes));
  }
  *result = call(context, Longest{kernel, {}}, nodes, delegate);
  return true;
#else
  switch (layout.registration_bytes) {
    case bytes_of<Registration>():
      *result = call(context, kernel, nodes, delegate);
      return true;
    case bytes_of<Longer<1>>():
      *result = call(context, Longer<1>{kernel, {}}, nodes, delegate);
      return true;
    case bytes_of<Longer<2>>():
      *result = call(context, Longer<2>{kernel, {}}, nodes, delegate);
      return true;
    case bytes_of<Fourth>():
      *result = call(context, Fourth{kernel, {}, 0}, nodes, delegate);
      return true;
    case 0:
      return wrong->say("wanted a model with two operators at least, by which to measure the interpreter, got one");
    default:
      return wrong->say("wanted an interpreter with TfLiteRegistration of %d to %d bytes, got %d",
                        static_cast<int>(sizeof(Registration)), static_cast<int>(sizeof(Fourth)),
                        static_cast<int>(layout.registration_bytes));
  }
#endif
}

}  // namespace posecore::tflite
