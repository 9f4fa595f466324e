"""What a model is for and what posecore can do with it, in words: heads by `posecore.layouts`, never by values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from posecore.artifact import Artifact
from posecore.errors import ModelError
from posecore.export.graphs.model_graph import GraphOperator, GraphTensor, ModelGraph, Shape
from posecore.heads import Quantization, Scores
from posecore.layouts import HeadsLayout, Kind, Role, TensorInfo, decoder_roles, recognise
from posecore.printable import printable
from posecore.runtime.decoder_options import DECODER

_ROLE_WORDS: dict[Role, str] = {
    "heatmaps": "heatmaps",
    "short_offsets": "short offsets",
    "displacement_fwd": "displacements parent to child",
    "displacement_bwd": "displacements child to parent",
    "mid_offsets": "displacements both ways",
    "long_offsets": "long offsets, for masks of people",
    "segments": "segments, for masks of people",
    "poses": "poses",
    "keypoints": "x and y of each keypoint",
    "other": "nothing that posecore reads",
}
_KIND_WORDS: dict[Kind, str] = {
    "posenet": "PoseNet: people of any number, by heatmaps, offsets and displacements",
    "heatmaps": "heatmaps of one person",
    "coordinates": "a regressor: x and y of one person's keypoints",
    "movenet-single": "MoveNet for one person",
    "movenet-multi": "MoveNet for up to six people",
}
_STORES_ANEW = frozenset({"quantise", "dequantise", "reshape", "cast", "identity", "bias"})
_CHANNELS_FIRST = ("ONNX", "kmodel")


@dataclass(frozen=True, slots=True)
class Head:
    """One output that posecore reads: its name, what is in it, and which tensor of the graph it is (-1: not told)."""

    name: str
    role: Role
    tensor: int = -1


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a model is for.

    Attributes:
        kind: as `posecore.layouts` has it; None where it is no pose model that is known.
        heads: outputs and what they are; before a decoder operator, its inputs.
        num_keypoints: 0 where that is not known.
        stride_px: input pixels from cell to cell; 0 where there are no cells or the input's size is free.
        scores: what heatmaps hold; None where there are none.
        sentences: what it is and what posecore can do with it, for people.
    """

    kind: Kind | None
    heads: tuple[Head, ...]
    num_keypoints: int
    stride_px: float
    scores: Scores | None
    sentences: tuple[str, ...]

    def as_dict(self) -> dict[str, object]:
        """Everything, as JSON can hold it."""
        return {
            "kind": self.kind,
            "heads": [{"name": head.name, "role": head.role} for head in self.heads],
            "num_keypoints": self.num_keypoints,
            "stride_px": self.stride_px,
            "scores": self.scores,
            "sentences": list(self.sentences),
        }


def purpose_of(
    graph: ModelGraph, *, probe: ModelGraph | None = None, artifact: Artifact | None = None
) -> Purpose:
    """What a graph is for.

    Args:
        graph: of the model.
        probe: the same model for some input size, where its own leaves that free: the stride is read off it.
        artifact: what posecore's export wrote beside the file; it knows better than names and shapes.
    """
    if artifact is not None:
        return _as_exported(graph, artifact)
    try:
        numbers, roles, stride = _outputs(graph)
        outputs = [_info(graph, number) for number in numbers]
        layout = _layout(graph, outputs, roles, stride, probe)
    except ModelError as error:
        reason = str(error).rstrip(".")
        return Purpose(
            None,
            (),
            0,
            0.0,
            None,
            (_unrecognised(graph, reason), *_uses(graph, None)),
        )
    heads = tuple(
        Head(output.name, role, number)
        for output, role, number in zip(outputs, layout.roles, numbers, strict=True)
    )
    cells = layout.kind in ("posenet", "heatmaps")
    known = layout.stride_px if probe is not None or _input_size(graph) is not None or stride else 0.0
    return Purpose(
        layout.kind,
        heads,
        layout.num_keypoints,
        known if cells else 0.0,
        layout.scores if cells else None,
        (*_described(layout, known if cells else 0.0), *_uses(graph, layout)),
    )


def _unrecognised(graph: ModelGraph, reason: str) -> str:
    if graph.format == "kmodel":
        return f"What its outputs are cannot be told from the file alone: {reason}."
    return f"No pose model that posecore knows: {reason}."


def _as_exported(graph: ModelGraph, artifact: Artifact) -> Purpose:
    cells = artifact.kind in ("posenet", "heatmaps")
    quantization = tuple(head.quantization for head in artifact.heads)
    roles = tuple(head.role for head in artifact.heads)
    keypoints = artifact.skeleton.num_keypoints
    layout = HeadsLayout(artifact.kind, roles, keypoints, artifact.stride_px, artifact.scores, quantization)
    said = (
        f"Exported by posecore for {artifact.target} as {artifact.precision}, with the skeleton "
        f"{printable(artifact.skeleton.name)}: {Artifact.path_beside(graph.file).name} says so."
    )
    return Purpose(
        artifact.kind,
        tuple(Head(head.name, head.role) for head in artifact.heads),
        keypoints,
        artifact.stride_px,
        artifact.scores if cells else None,
        (*_described(layout, artifact.stride_px), said, *_uses(graph, layout)),
    )


def _layout(
    graph: ModelGraph,
    outputs: Sequence[TensorInfo],
    roles: Sequence[Role] | None,
    stride: float | None,
    probe: ModelGraph | None,
) -> HeadsLayout:
    size = _input_size(graph)
    scores: Scores | None = None
    if graph.format == "Keras" and [output.name for output in outputs] == ["heatmap"]:
        scores = "logits"  # as posecore's own networks of heatmaps are trained
    if size is None and probe is not None and stride is None:
        numbers, roles, stride = _outputs(probe)
        outputs = [_info(probe, number) for number in numbers]
        size = _input_size(probe)
    if size is None and stride is None:
        stride = 1.0  # nothing but the stride depends on the size
    return recognise(outputs, input_size=size, roles=roles, stride_px=stride, scores=scores)


def _outputs(graph: ModelGraph) -> tuple[list[int], list[Role] | None, float | None]:
    """Tensors that may be heads, with their roles and stride where a decoder operator, whose inputs they are, says."""
    decoder = next((each for each in graph.operators if each.kind == DECODER and each.is_custom), None)
    if decoder is not None:
        numbers = [number for number in decoder.inputs if number >= 0]
        numbers += [n for n in graph.outputs if n not in decoder.outputs and n not in numbers]
        roles = list(decoder_roles([graph.tensors[number].name for number in numbers]))
        stride = decoder.options.get("stride")
        said = (
            float(stride) if isinstance(stride, int) and not isinstance(stride, bool) and stride > 0 else None
        )
        return numbers, roles, said
    numbers = list(graph.outputs)
    names = [graph.tensors[number].name for number in numbers]
    if len(names) > 1 and all(re.fullmatch(r"stage\d+", name) for name in names):
        # CPM: each stage has heatmaps, and the last one's are the best.
        return [numbers[-1]], ["heatmaps"], None
    return numbers, None, None


def _info(graph: ModelGraph, number: int) -> TensorInfo:
    tensor = graph.tensors[number]
    quantization = None
    if tensor.quantization is not None and len(tensor.quantization.scales) == 1 and "int" in tensor.dtype:
        try:
            quantization = Quantization(tensor.quantization.scales[0], tensor.quantization.zero_points[0])
        except ValueError as error:
            raise ModelError(f"{tensor.name} has a quantisation that is none ({error})") from None
    shape = channels_last(graph, tensor.shape)
    return TensorInfo(tensor.name, shape or (), tensor.dtype, quantization, _producer(graph, number))


def channels_last(graph: ModelGraph, shape: Shape) -> Shape:
    """The shape as (n, h, w, c), where the model's pictures are (n, c, h, w)."""
    if shape is None or len(shape) != 4 or graph.format not in _CHANNELS_FIRST:
        return shape
    first = graph.tensors[graph.inputs[0]].shape if graph.inputs else None
    if first is not None and len(first) == 4 and first[1] in (1, 3) and first[3] not in (1, 3):
        return (shape[0], *shape[2:], shape[1])
    return shape


def _input_size(graph: ModelGraph) -> tuple[int, int] | None:
    for number in graph.inputs[:1]:
        shape = channels_last(graph, graph.tensors[number].shape)
        if shape is not None and len(shape) == 4 and min(shape[1:3]) > 0:
            return shape[2], shape[1]
    return None


def _producer(graph: ModelGraph, number: int) -> str:
    """The operator that computes an output, as `recognise` wants it; those that only store it anew are passed over."""
    makers: dict[int, GraphOperator] = {made: each for each in graph.operators for made in each.outputs}
    for _ in range(len(graph.operators)):
        maker = makers.get(number)
        if maker is None:
            return ""
        if maker.family == "sigmoid" or maker.options.get("activation") == "sigmoid":
            return "LOGISTIC"
        if maker.family not in _STORES_ANEW or not maker.inputs:
            return maker.kind
        number = maker.inputs[0]
    return ""


def _described(layout: HeadsLayout, stride: float) -> list[str]:
    said = f"{_KIND_WORDS[layout.kind]}; {layout.num_keypoints} keypoints"
    if stride:
        said += f", a cell every {stride:g} px"
    if layout.kind in ("posenet", "heatmaps"):
        held = (
            "logits (the sigmoid is still to come)" if layout.scores == "logits" else "scores as they stand"
        )
        said += f", heatmaps hold {held}"
    return [said + "."]


def role_words(role: Role) -> str:
    """A role for people, such as "short offsets"."""
    return _ROLE_WORDS[role]


def _uses(graph: ModelGraph, layout: HeadsLayout | None) -> list[str]:
    custom = sorted({each.kind for each in graph.operators if each.is_custom})
    if graph.format == "TFLite":
        return _tflite_uses(graph, layout, custom)
    if graph.format == "kmodel":
        return [
            "The K210 runs it. The format keeps no names of outputs: the .json that posecore export writes beside it "
            "says what they are."
        ]
    if layout is None:
        return []
    if graph.format in ("TensorFlow graph", "tfjs graph model"):
        if layout.kind == "posenet":
            return [
                "posecore convert makes a Keras model of the official PoseNets, which posecore export takes to any "
                "target; posecore predict runs the .tflite of it."
            ]
        return ["posecore does not run this format: convert it to .tflite first."]
    if graph.format in ("Keras", "tfjs layers model"):
        if custom:
            return [f"posecore cannot open it: {', '.join(custom)} would be code from the file."]
        if graph.format == "tfjs layers model":
            return ["posecore does not open this format: tensorflowjs_converter makes a Keras model of it."]
        return ["posecore export takes it to TFLite, the Edge TPU, the K210 and ONNX."]
    if graph.format == "ONNX":
        return [
            "onnxruntime runs it, and posecore.Decoder decodes its heads; posecore predict itself runs .tflite files."
        ]
    return [
        "The K210 runs it; outputs have no names in this format, so keep the .json that posecore export wrote."
    ]


def _tflite_uses(graph: ModelGraph, layout: HeadsLayout | None, custom: Sequence[str]) -> list[str]:
    if any(each.unit == "Edge TPU" for each in graph.operators):
        return [
            "It runs on an Edge TPU alone: posecore predict --device coral; on a CPU use the file that it was compiled "
            "from (the same name without _edgetpu)."
        ]
    strange = [kind for kind in custom if kind != DECODER]
    if strange:
        return [f"posecore cannot run it: no interpreter that it uses has {', '.join(strange)}."]
    if layout is None:
        return []
    if DECODER in custom:
        return [
            f"posecore predict --model runs it on any TFLite interpreter: it cuts {DECODER} off and decodes by itself."
        ]
    return ["posecore predict --model runs it on any TFLite interpreter."]


def tensor_line(tensor: GraphTensor) -> str:
    """dtype and quantisation of a tensor in words."""
    quantization = tensor.quantization
    if quantization is None:
        return tensor.dtype or "?"
    if len(quantization.scales) == 1:
        zero = quantization.zero_points[0] if quantization.zero_points else 0
        shift = f"q - {zero}" if zero >= 0 else f"q + {-zero}"
        return f"{tensor.dtype}, real = ({shift}) * {quantization.scales[0]:.7g}"
    return f"{tensor.dtype}, {len(quantization.scales)} scales along axis {quantization.axis}"
