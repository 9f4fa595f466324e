"""`to_onnx`: a Keras model as an ONNX file for onnxruntime, written layer by layer.

The walk is our own, over the few kinds of layers that pose networks have: Keras' own way (`model.export`, through
tf2onnx) needs TensorFlow, names operators after its graph functions and leaves transposes to an optimizer.
"""

from __future__ import annotations

import os
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from posecore import arguments
from posecore.artifact import Artifact, AxisOrder, HeadSpec, InputSpec, sha256_of
from posecore.errors import ModelError, require
from posecore.export.contract import INPUT_RANGE, Contract, contract
from posecore.export.model_file import write_model
from posecore.export.onnx_layers import OnnxNodes, convert_layer

if TYPE_CHECKING:
    from posecore.skeletons import Skeleton

OPSET = 17
"""The operator set that is written: onnxruntime 1.12 and later run it, and nncase reads it."""
IR_VERSION = 8
"""The file format's version of the time of operator set 17; newer ones are refused by older runtimes."""
_LAYOUTS = ("NHWC", "NCHW")
_MOST_BYTES = (1 << 31) - 1
_PICTURE = "image"
_SIDES = ("height", "width")
_CELLS = ("rows", "columns")


def to_onnx(
    model: Any,
    path: str | os.PathLike[str],
    *,
    size: tuple[int, int] | None = None,
    layout: AxisOrder = "NHWC",
    skeleton: Skeleton | None = None,
) -> Artifact:
    """Write a Keras model as ONNX, and what it is beside it (`Artifact`).

    One input, `image`, float32 (1, height, width, 3) RGB as pixel / 127.5 - 1, and the heads under the names that the
    Keras model has for them (of a CPM the last stage, as `heatmap`), with all shapes inferred. Operators are named
    after layers. Inside it is channels first, as ONNX has convolutions. The file is checked by `onnx.checker`.

    Args:
        model: a `keras.Model` that `contract` knows.
        path: of the file; it is there whole or not at all, and what was there is replaced.
        size: (width, height) of the input. None is the model's own; where it has none, any size is taken, and sides
            are called height, width, rows and columns.
        layout: "NHWC" keeps the axes as Keras has them, so that the same arrays go in and come out: it costs a
            transpose of the picture and one a head. "NCHW" is (1, 3, height, width), as PyTorch's exports have it.
        skeleton: what the keypoints are; None is COCO's for a model of 17.

    Raises:
        TypeError, ValueError: arguments, as `contract` has them.
        ModelError: other outputs than a pose network's, a layer that is not known, or more than 2 GiB.
        MissingExtra: Keras or onnx is not installed.
        OSError: the file cannot be written.
    """
    arguments.choice(layout, "layout", _LAYOUTS)
    target = Path(path)
    onnx = require("onnx", extra="onnx", purpose="Exporting to ONNX")
    said = contract(model, skeleton=skeleton)
    size = size or said.input_size
    graph = said.graph(size)
    proto = _checked(onnx, _model(onnx, graph, said, layout), said.model.name)
    data = proto.SerializeToString(deterministic=True)
    artifact = Artifact(
        file=target.name,
        sha256=sha256_of(target, data),
        target="onnx",
        precision="float32",
        kind=said.kind,
        skeleton=said.skeleton,
        input=InputSpec(_PICTURE, size, layout, "float32", INPUT_RANGE),
        heads=tuple(
            HeadSpec(head.role, head.name, _shape(output), "float32", _axes(output, layout), head.unit)
            for head, output in zip(said.heads, proto.graph.output, strict=True)
        ),
        stride_px=said.stride_px,
        scores=said.scores,
        tools={"onnx": onnx.__version__, "opset": str(OPSET), **_versions("keras", "tensorflow")},
    )
    return write_model(target, data, artifact)


def _model(onnx: Any, graph: Any, said: Contract, layout: AxisOrder) -> Any:
    helper, single = onnx.helper, onnx.TensorProto.FLOAT
    nodes = OnnxNodes(onnx)
    (picture,) = graph.inputs
    height, width, channels = picture.shape[1:]
    sides = [side or name for side, name in zip((height, width), _SIDES, strict=True)]
    shape = [1, *sides, channels] if layout == "NHWC" else [1, channels, *sides]
    name = _PICTURE
    if layout == "NHWC":
        name = nodes.add("Transpose", [_PICTURE], f"{_PICTURE}/channels_first", perm=[0, 3, 1, 2])
    made = _Walk(nodes).run(graph, {id(picture): name})
    outputs = []
    named = graph.output
    for head in said.heads:
        tensor = named[head.name]
        rank4 = len(tensor.shape) == 4
        last = made[id(tensor)]
        if rank4 and layout == "NHWC":
            if last == head.name:
                last = _rename(nodes, made, last, f"{last}/channels_first")
            nodes.add("Transpose", [last], f"{head.name}/channels_last", perm=[0, 2, 3, 1])
            last = f"{head.name}/channels_last"
        _rename(nodes, made, last, head.name)
        outputs.append(helper.make_tensor_value_info(head.name, single, _axes_of(tensor, layout)))
    described = helper.make_graph(
        nodes.nodes,
        said.model.name,
        [helper.make_tensor_value_info(_PICTURE, single, shape)],
        outputs,
        initializer=nodes.constants,
    )
    return helper.make_model(
        described,
        producer_name="posecore",
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )


class _Walk:
    """From a model's outputs back to its inputs, each layer where all that it needs has been written."""

    def __init__(self, nodes: OnnxNodes) -> None:
        self._nodes = nodes

    def run(self, model: Any, given: dict[int, str]) -> dict[int, str]:
        """Write a model; names of its tensors by the identity of the symbolic tensor.

        Args:
            given: names of its inputs.
        """
        made = dict(given)
        waiting = [tensor for tensor in model.outputs if id(tensor) not in made]
        while waiting:
            tensor = waiting[-1]
            if id(tensor) in made:
                waiting.pop()
                continue
            history = tensor._keras_history
            step = history.operation._inbound_nodes[history.node_index]
            needed = [one for one in step.input_tensors if id(one) not in made]
            if needed:
                waiting += needed
            elif not step.input_tensors:
                raise ModelError(
                    f"ONNX: wanted one input, the picture, got {history.operation.name} beside it"
                )
            else:
                waiting.pop()
                self._write(history.operation, step, made)
        return made

    def _write(self, layer: Any, step: Any, made: dict[int, str]) -> None:
        names = [made[id(tensor)] for tensor in step.input_tensors]
        if type(layer).__name__ in ("Functional", "Sequential"):
            inner = self.run(layer, dict(zip(map(id, layer.inputs), names, strict=True)))
            inside = [inner[id(tensor)] for tensor in layer.outputs]
            made.update(zip(map(id, step.output_tensors), inside, strict=True))
            return
        (output,) = step.output_tensors
        made[id(output)] = convert_layer(self._nodes, layer, names, list(step.input_tensors))


def _rename(nodes: OnnxNodes, made: dict[int, str], old: str, new: str) -> str:
    """Call a tensor, and the operator that makes it, by another name; gives that."""
    for node in nodes.nodes:
        for names in (node.input, node.output):
            for place, name in enumerate(names):
                if name == old:
                    names[place] = new
        if node.name == old:
            node.name = new
    made.update({key: new for key, value in made.items() if value == old})
    return new


def _axes_of(tensor: Any, layout: AxisOrder) -> list[int | str]:
    if len(tensor.shape) != 4:
        return [1, *tensor.shape[1:]]
    rows, columns = (side or name for side, name in zip(tensor.shape[1:3], _CELLS, strict=True))
    channels = tensor.shape[3]
    return [1, rows, columns, channels] if layout == "NHWC" else [1, channels, rows, columns]


def _checked(onnx: Any, proto: Any, name: str) -> Any:
    """With all shapes inferred, and right by the package's own measure."""
    size = proto.ByteSize()
    if size > _MOST_BYTES:
        raise ModelError(
            f"{name}: wanted a network of at most 2 GiB, as one ONNX file holds it, got {size / (1 << 30):.1f} GiB"
        )
    inferred = onnx.shape_inference.infer_shapes(proto, check_type=True, strict_mode=True, data_prop=True)
    onnx.checker.check_model(inferred, full_check=True)
    return inferred


def _shape(output: Any) -> tuple[int, ...]:
    return tuple(side.dim_value or -1 for side in output.type.tensor_type.shape.dim)


def _axes(output: Any, layout: AxisOrder) -> AxisOrder:
    return layout if len(_shape(output)) == 4 else "NHWC"


def _versions(*distributions: str) -> dict[str, str]:
    found = {}
    for name in distributions:
        for distribution in (name, f"{name}-cpu"):
            try:
                found[name] = version(distribution)
            except PackageNotFoundError:
                continue
            break
    return found
