// Files of people, their matching, OKS, and training targets.
#include "bindings.hpp"
#include "coco_files.hpp"
#include "encode_targets.hpp"
#include "match.hpp"
#include "oks.hpp"

namespace posecore::python {

void bind_evaluation(py::module_& module) {
  bind_matching(module);
  bind_coco_files(module);
  bind_oks(module);
  bind_targets(module);
}

}  // namespace posecore::python
