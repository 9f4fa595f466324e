// What each file of bindings adds to posecore._core.
#pragma once

#include <pybind11/pybind11.h>

namespace posecore::python {

void bind_decoding(pybind11::module_& module);
void bind_evaluation(pybind11::module_& module);
void bind_motion(pybind11::module_& module);

}  // namespace posecore::python
