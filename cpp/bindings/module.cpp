// posecore._core: the C++ core under Python. The classes and functions that people call are in the Python
// modules above it; this edge takes arrays in and gives arrays out.
#include <pybind11/pybind11.h>

#include "bindings.hpp"
#include "posecore/build.hpp"
#include "posecore/version.hpp"

namespace py = pybind11;

PYBIND11_MODULE(_core, module, py::mod_gil_not_used()) {
  module.doc() = "The C++ core of posecore.";
  module.attr("__version__") = POSECORE_VERSION;
  module.def("compiler", &posecore::compiler);
  module.def("simd_path", &posecore::simd_path);

  posecore::python::bind_decoding(module);
  posecore::python::bind_evaluation(module);
  posecore::python::bind_motion(module);
}
