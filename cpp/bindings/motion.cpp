// Poses over time: filters and tracks.
#include "bindings.hpp"
#include "smooth.hpp"
#include "track.hpp"

namespace posecore::python {

void bind_motion(py::module_& module) {
  bind_smoothing(module);
  bind_tracking(module);
}

}  // namespace posecore::python
