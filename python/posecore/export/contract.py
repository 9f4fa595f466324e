"""`Contract`: what the outputs of a Keras model are, and the graph that is exported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from posecore import arguments, skeletons
from posecore.artifact import Unit
from posecore.errors import ModelError, PosecoreError, require
from posecore.export.activations import refuse_huge_input
from posecore.export.alignment import keeps_grid, pads_on_all_sides
from posecore.heads import Scores
from posecore.layouts import Kind, Role, stride_from
from posecore.printable import printable
from posecore.skeletons import Skeleton

INPUT_RANGE = (-1.0, 1.0)
"""Of all of posecore's networks: pixel / 127.5 - 1."""
MID_OFFSETS = "mid_offset_2"
MOST_SIDE = 8192
"""Pixels of an input's side, at most."""
# Where the stride of a network that takes any size is read off.
_PROBE_PX = {"posenet": 257, "heatmaps": 256}
_POSENET: dict[str, tuple[Role, Unit]] = {
    "heatmap_2": ("heatmaps", "logit"),
    "offset_2": ("short_offsets", "px"),
    "displacement_fwd_2": ("displacement_fwd", "px"),
    "displacement_bwd_2": ("displacement_bwd", "px"),
}


@dataclass(frozen=True, slots=True)
class Head:
    """One output of an exported graph.

    Attributes:
        name: what the exported file calls it.
        source: what the Keras model calls it.
        role: what it is.
        channels: how many it has; of keypoints, K.
        unit: of its numbers.
    """

    name: str
    source: str
    role: Role
    channels: int
    unit: Unit


@dataclass(frozen=True, slots=True, eq=False)
class Contract:
    """What a Keras model's outputs are; made by `contract`.

    Attributes:
        model: the model itself.
        kind: "posenet", "heatmaps" or "coordinates".
        skeleton: what the keypoints are.
        heads: the outputs that are exported, in their order.
        stride_px: input pixels from cell to cell; 0 for coordinates.
        scores: what heatmaps hold.
        input_size: (width, height) that the model was built for, None where it takes any.
    """

    model: Any
    kind: Kind
    skeleton: Skeleton
    heads: tuple[Head, ...]
    stride_px: float
    scores: Scores
    input_size: tuple[int, int] | None

    @property
    def fixed(self) -> bool:
        """Whether its weights fit one size of the input only: dense layers."""
        return self.kind == "coordinates"

    @property
    def size_step(self) -> tuple[int, int]:
        """(multiple, plus): the sides of its inputs are best a multiple of the one plus the other."""
        return (max(round(self.stride_px), 1), 1) if self.kind == "posenet" else (32, 0)

    def with_mid_offsets(self) -> tuple[Head, ...]:
        """The heads of a PoseNet as PosenetDecoderOp takes them: forward and backward displacements are one tensor,
        one after the other.

        Raises:
            ValueError: it is no PoseNet.
        """
        if self.kind != "posenet":
            raise ValueError(f"decoder: wanted a PoseNet, which PosenetDecoderOp reads, got {self.kind}")
        mid = Head(MID_OFFSETS, "", "mid_offsets", 4 * len(self.skeleton.edges), "px")
        return (*self.heads[:2], mid)

    def graph(self, size: tuple[int, int] | None, *, mid_offsets: bool = False) -> Any:
        """The `keras.Model` that is exported: input `image` float32 (1, height, width, 3) as pixel / 127.5 - 1, outputs
        a dict of `heads` (of `with_mid_offsets` where that is wanted) in their order; weights are the model's own.

        Of a CPM that is the last stage, and without the map of the background where there is one.

        Args:
            size: (width, height); None leaves it free.

        Raises:
            ValueError: a size that the network cannot take, or at which its layers make more than memory holds.
            ModelError: the model cannot be built anew for this size.
        """
        keras = require("keras", extra="export", purpose="Exporting a model")
        try:
            return self._graph(keras, size, mid_offsets=mid_offsets)
        except (ValueError, TypeError, MemoryError, PosecoreError):
            raise
        except Exception as error:  # whatever the layers of somebody's file raise
            raise ModelError(
                f"{self.model.name}: Keras cannot build it ({printable(' '.join(str(error).split())[:200])})"
            ) from error

    def _graph(self, keras: Any, size: tuple[int, int] | None, *, mid_offsets: bool) -> Any:
        model = self._resized(keras, size)
        if size is not None:
            refuse_huge_input(model, size)
        heads = self.with_mid_offsets() if mid_offsets else self.heads
        outputs = outputs_by_name(model)
        kept = {head.name: self._narrowed(keras, model, outputs, head) for head in heads}
        image = keras.Input(_picture_shape(size), batch_size=1, name="image")
        # Named, since the names that Keras gives out count up, and go into files.
        body = keras.Model(model.inputs, kept, name="body")
        return keras.Model(image, body(image), name=model.name)

    def _resized(self, keras: Any, size: tuple[int, int] | None) -> Any:
        """The model with an input of this size; itself where it has it."""
        if size is not None:
            size = arguments.size(size, "size")
            if max(size) > MOST_SIDE:
                raise ValueError(f"size: wanted sides of at most {MOST_SIDE} pixels, got {_typed(size)}")
        if size == self.input_size:
            return self.model
        if self.fixed:
            width, height = self.input_size or (0, 0)
            got = "any size" if size is None else _typed(size)
            raise ValueError(
                f"size: wanted {height}x{width}, the only one that the dense layers of {self.model.name} fit, got {got}"
            )
        if size is not None and not keeps_grid(self.model, size, self.input_size, self.stride_px):
            return self._padded(size)
        if self.input_size is None:
            return self.model
        if size is None and not keeps_grid(self.model, (1, 1), self.input_size, self.stride_px):
            width, height = self.input_size
            raise ValueError(
                f"size: wanted one, since {self.model.name} was trained at {height}x{width} (height x width) and its "
                "padding moves its grid on others than like it, got None for any"
            )
        try:
            picture = keras.Input(_picture_shape(size), name="image")
            model = keras.models.clone_model(self.model, input_tensors=picture)
            model.set_weights(self.model.get_weights())
        except (ValueError, TypeError) as error:
            raise ModelError(
                f"{self.model.name}: wanted a network that can be built for another size than "
                f"{_typed(self.input_size)}, got one that cannot ({' '.join(str(error).split())[:200]})"
            ) from error
        return model

    def _padded(self, size: tuple[int, int]) -> Any:
        """The model with zeros on all sides, which keeps the grid of one that was trained at sides of a multiple of the
        stride plus 1."""
        step = max(round(self.stride_px), 1)
        trained = self.input_size or (1, 1)
        made = None
        if all(side % step == 1 % step for side in trained):
            made = pads_on_all_sides(self.model, _picture_shape(size))
        if made is None:
            plus = " and ".join(f"{step} n + {side % step}" for side in dict.fromkeys(trained))
            raise ValueError(
                f"size: wanted sides of {plus} pixels for {self.model.name}, whose padding moves its grid on others, "
                f"got {_typed(size)}"
            )
        return made

    def _narrowed(self, keras: Any, model: Any, outputs: dict[str, Any], head: Head) -> Any:
        if head.role == "mid_offsets":
            return _joined(keras, model, outputs)
        tensor = outputs[head.source]
        if self.kind == "coordinates" or int(tensor.shape[-1]) == head.channels:
            return tensor
        # A convolution with fewer filters, since boards and accelerators run no slice after it.
        layer = model.get_layer(head.source)
        kernel, *biases = layer.get_weights()
        config = layer.get_config() | {"filters": head.channels, "name": f"{head.source}_parts"}
        narrow = type(layer).from_config(config)
        narrowed = narrow(layer.input)
        narrow.set_weights([kernel[..., : head.channels], *(bias[: head.channels] for bias in biases)])
        return narrowed


def contract(model: Any, *, skeleton: Skeleton | None = None) -> Contract:
    """What the outputs of a Keras model are, by their names, as posecore's networks have them:

    - PoseNet: `heatmap_2`, `offset_2`, `displacement_fwd_2`, `displacement_bwd_2`;
    - Convolutional Pose Machines: `stage1` .. `stageN`, of which the last is the answer;
    - SimpleBaseline: `heatmap`, logits of one person;
    - regressors: `keypoints` (n, K, 2), x and y as fractions of the input's width and height.

    Args:
        model: a built `keras.Model` with one input, an RGB picture float32 (n, height, width, 3).
        skeleton: what the keypoints are; None is COCO's for a model of 17.

    Raises:
        TypeError: no Keras model, or no Skeleton.
        ValueError: a skeleton of other keypoints or edges than the model's.
        ModelError: other inputs or outputs than these.
    """
    keras = require("keras", extra="export", purpose="Exporting a model")
    if not isinstance(model, keras.Model) or not getattr(model, "inputs", None):
        raise TypeError(f"model: wanted a built keras.Model, got {type(model).__name__}")
    if skeleton is not None and not isinstance(skeleton, Skeleton):
        raise TypeError(f"skeleton: wanted a Skeleton, got {type(skeleton).__name__}")
    size = _picture_size(model)
    outputs = outputs_by_name(model)
    kind, heads, scores = _known(model, outputs)
    chosen = _skeleton(model, heads, skeleton, spare="stage" in heads[-1].source)
    heads = _for_skeleton(model, kind, heads, chosen)
    return Contract(model, kind, chosen, heads, _stride(keras, model, kind, heads, size), scores, size)


def outputs_by_name(model: Any) -> dict[str, Any]:
    """The symbolic outputs of a Keras model by name: the keys of its dict, or of a list the names of their layers."""
    named = getattr(model, "_outputs_struct", None)
    if isinstance(named, dict):
        return dict(named)
    return dict(zip(model.output_names, model.outputs, strict=True))


def _typed(size: tuple[int, int]) -> str:
    """A size as people type it, who have the height first."""
    return f"{size[1]}x{size[0]} (height x width)"


def _picture_shape(size: tuple[int, int] | None) -> tuple[int | None, int | None, int]:
    return (None, None, 3) if size is None else (size[1], size[0], 3)


def _picture_size(model: Any) -> tuple[int, int] | None:
    if len(model.inputs) != 1:
        listed = ", ".join(tensor.name for tensor in model.inputs)
        raise ModelError(f"{model.name}: wanted one input, the picture, got {len(model.inputs)}: {listed}")
    shape = tuple(model.inputs[0].shape)
    if len(shape) != 4 or shape[3] != 3:
        raise ModelError(f"{model.name}: wanted an input of RGB pictures (n, height, width, 3), got {shape}")
    if (shape[1] is None) != (shape[2] is None):
        raise ModelError(f"{model.name}: wanted an input with both sides fixed or both free, got {shape}")
    return None if shape[1] is None else (int(shape[2]), int(shape[1]))


def _known(model: Any, outputs: dict[str, Any]) -> tuple[Kind, tuple[Head, ...], Scores]:
    def head(name: str, source: str, role: Role, unit: Unit) -> Head:
        channels = outputs[source].shape[1 if role == "keypoints" else -1]
        return Head(name, source, role, int(channels or 0), unit)

    names = set(outputs)
    if names == set(_POSENET):
        return "posenet", tuple(head(name, name, *what) for name, what in _POSENET.items()), "logits"
    stages = [f"stage{number}" for number in range(1, len(names) + 1)]
    if names == set(stages):
        return "heatmaps", (head("heatmap", stages[-1], "heatmaps", "probability"),), "probabilities"
    if names == {"heatmap"}:
        return "heatmaps", (head("heatmap", "heatmap", "heatmaps", "logit"),), "logits"
    if names == {"keypoints"}:
        return "coordinates", (head("keypoints", "keypoints", "keypoints", "fraction"),), "probabilities"
    hint = ""
    if names == {"heatmap_2", "offset_2"}:
        hint = ": a PoseNet whose skeleton has no edges cannot be decoded into people"
    listed = ", ".join(f"{name} {tuple(tensor.shape)}" for name, tensor in list(outputs.items())[:8])
    raise ModelError(
        f"{model.name}: wanted the outputs of a PoseNet ({', '.join(_POSENET)}), a CPM (stage1, stage2, ...), a "
        f"SimpleBaseline (heatmap) or a regressor (keypoints), got {listed}{hint}"
    )


def _skeleton(model: Any, heads: tuple[Head, ...], skeleton: Skeleton | None, *, spare: bool) -> Skeleton:
    """`spare`: whether one more map than keypoints may be there, the background's."""
    count = heads[0].channels
    wanted = f"{count} or {count - 1}" if spare else f"{count}"
    if skeleton is None:
        # 17 maps of a CPM are as well 16 keypoints and the background.
        if spare or count != skeletons.COCO17.num_keypoints:
            raise ValueError(
                f"skeleton: wanted the Skeleton of {wanted} keypoints that {model.name} was trained for, got None"
            )
        return skeletons.COCO17
    if count - skeleton.num_keypoints not in ((0, 1) if spare else (0,)):
        raise ValueError(
            f"skeleton: wanted {wanted} keypoints, as {model.name} gives them, got {skeleton.name} with "
            f"{skeleton.num_keypoints}"
        )
    return skeleton


def _for_skeleton(model: Any, kind: Kind, heads: tuple[Head, ...], skeleton: Skeleton) -> tuple[Head, ...]:
    keypoints, edges = skeleton.num_keypoints, len(skeleton.edges)
    if kind != "posenet":
        (only,) = heads
        return (Head(only.name, only.source, only.role, keypoints, only.unit),)
    wanted = dict(zip(_POSENET, (keypoints, 2 * keypoints, 2 * edges, 2 * edges), strict=True))
    got = {head.name: head.channels for head in heads}
    if got != wanted:
        raise ValueError(
            f"skeleton: wanted one of {got} channels, as {model.name} has them, got {skeleton.name} with {wanted}"
        )
    return heads


def _stride(
    keras: Any, model: Any, kind: Kind, heads: tuple[Head, ...], size: tuple[int, int] | None
) -> float:
    if kind == "coordinates":
        return 0.0
    shapes = {name: tuple(tensor.shape) for name, tensor in outputs_by_name(model).items()}
    if size is None:
        side = _PROBE_PX[kind]
        size = side, side
        try:
            probed = keras.Model(model.inputs, outputs_by_name(model)).compute_output_shape(
                (1, side, side, 3)
            )
        except Exception as error:  # whatever the layers of somebody's file raise
            said = printable(" ".join(str(error).split())[:200])
            raise ModelError(
                f"{model.name}: Keras cannot tell its grid at {side}x{side} pixels ({said})"
            ) from error
        shapes = {name: tuple(shape) for name, shape in probed.items()}
    grids = {shapes[head.source][1:3] for head in heads}
    if len(grids) != 1:
        raise ModelError(f"{model.name}: wanted heads of one grid, got {sorted(grids)}")
    rows, columns = grids.pop()
    return stride_from(size, (int(rows), int(columns)))


def _joined(keras: Any, model: Any, outputs: dict[str, Any]) -> Any:
    """Forward and backward displacements as one tensor: of one convolution, where both are made of the same."""
    pair = [model.get_layer(name) for name in ("displacement_fwd_2", "displacement_bwd_2")]
    forward, backward = pair
    alike = all(isinstance(layer, keras.layers.Conv2D) and layer.use_bias for layer in pair)
    configs = [{**layer.get_config(), "name": ""} for layer in pair]
    if alike and forward.input is backward.input and configs[0] == configs[1]:
        kernels, biases = zip(*(layer.get_weights() for layer in pair), strict=True)
        config = forward.get_config() | {"filters": 2 * forward.filters, "name": MID_OFFSETS}
        both = type(forward).from_config(config)
        joined = both(forward.input)
        both.set_weights([keras.ops.concatenate(kernels, axis=-1), keras.ops.concatenate(biases, axis=-1)])
        return joined
    return keras.layers.Concatenate(name=MID_OFFSETS)([outputs[layer.name] for layer in pair])
