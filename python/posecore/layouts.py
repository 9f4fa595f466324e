"""Recognising heads: which of a model's output tensors is what, by names, shapes and how they were made.

Known are PoseNet with two displacement tensors (the .pb, tfjs and Keras layout) or one of mid offsets
(Coral's and Google's TFLite files), MoveNet single and multi pose, plain heatmaps, and coordinates. Anything else
is refused with a sentence; values are never looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from posecore.errors import ModelError
from posecore.heads import MASK_TENSORS, Heads, Quantization, Scores, number_from, quantization_from_pair

if TYPE_CHECKING:
    import numpy.typing as npt

Kind = Literal["posenet", "heatmaps", "coordinates", "movenet-single", "movenet-multi"]
Role = Literal[
    "heatmaps",
    "short_offsets",
    "displacement_fwd",
    "displacement_bwd",
    "mid_offsets",
    "long_offsets",
    "segments",
    "keypoints",
    "poses",
    "other",
]

# A decoder operator takes its inputs in this order, and may have long offsets after them.
DECODER_ROLES: tuple[Role, ...] = ("heatmaps", "short_offsets", "mid_offsets")

_OTHER_NAMES = ("part_heatmap", "part_offset")
_ROLE_NAMES: tuple[tuple[str, Role], ...] = (
    ("displacement_fwd", "displacement_fwd"),
    ("displacement_bwd", "displacement_bwd"),
    ("mid_offset", "mid_offsets"),
    ("long_offset", "long_offsets"),
    ("segment", "segments"),
    ("short_offset", "short_offsets"),
    ("heatmap", "heatmaps"),
    ("offset", "short_offsets"),
)


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """One tensor of a model: its name, shape (-1 where it is free), dtype, quantisation, and the operator
    that makes it ("" where that is not known)."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    quantization: Quantization | None = None
    producer: str = ""


@dataclass(frozen=True)
class HeadsLayout:
    """What a model's outputs are, and how to read them.

    Attributes:
        kind: "posenet" and "heatmaps" give `Heads`; "coordinates" and the two MoveNets give poses themselves.
        roles: what each output is, in the model's order.
        num_keypoints: K.
        stride_px: input pixels from cell to cell; 0 where there are none.
        scores: what the heatmaps hold.
    """

    kind: Kind
    roles: tuple[Role, ...]
    num_keypoints: int
    stride_px: float
    scores: Scores
    quantization: tuple[Quantization | None, ...]

    def build(self, arrays: Sequence[npt.NDArray[Any]]) -> Heads:
        """`Heads` over the model's output arrays of shape (1, h, w, c), in the model's order, in place."""
        if self.kind not in ("posenet", "heatmaps"):
            raise ModelError(f"wanted a network that gives heads, got {self.kind}, which gives poses")
        if [array.ndim == 4 and array.shape[0] == 1 for array in arrays] != [True] * len(self.roles):
            shapes = ", ".join(str(array.shape) for array in arrays)
            raise ModelError(f"wanted {len(self.roles)} arrays of shape (1, h, w, channels), got {shapes}")
        found: dict[str, npt.NDArray[Any]] = {}
        for role, array in zip(self.roles, arrays, strict=True):
            found |= split(role, array[0])
        return Heads._trusted(found, self.stride_px, self.scores, self.named_quantization)

    @cached_property
    def named_quantization(self) -> Mapping[str, Quantization]:
        """Scale and zero point by the names that the tensors have in `Heads`."""
        named: dict[str, Quantization] = {}
        for role, quantized in zip(self.roles, self.quantization, strict=True):
            if quantized is not None:
                named |= dict.fromkeys(tensors_of(role), quantized)
        return MappingProxyType(named)


def decoder_roles(names: Sequence[str]) -> tuple[Role, ...]:
    """What a decoder operator's inputs are, and the outputs that a model has besides it, by name: the first three by
    their order, the others where their name says that masks are made of them."""
    named = (_role_by_name(name) for name in names[len(DECODER_ROLES) :])
    rest: tuple[Role, ...] = tuple(role if role in MASK_TENSORS else "other" for role in named)
    return (*DECODER_ROLES[: len(names)], *rest)


def tensors_of(role: str) -> tuple[str, ...]:
    """The tensors of `Heads`, or `keypoints`, that an output of this role holds: none, one, or of `mid_offsets` two,
    forward before backward."""
    if role == "mid_offsets":
        return "displacement_fwd", "displacement_bwd"
    return () if role in ("other", "poses") else (role,)


def split(role: str, array: npt.NDArray[Any]) -> dict[str, npt.NDArray[Any]]:
    """Those tensors of an output (h, w, channels), or (K, 2), by name, in place: of two, each has half of the
    channels."""
    tensors = tensors_of(role)
    if len(tensors) < 2:
        return dict.fromkeys(tensors, array)
    half = array.shape[-1] // 2
    return {tensors[0]: array[..., :half], tensors[1]: array[..., half:]}


def recognise(
    outputs: Sequence[TensorInfo],
    *,
    input_size: tuple[int, int] | None = None,
    roles: Sequence[Role] | None = None,
    stride_px: float | None = None,
    scores: Scores | None = None,
) -> HeadsLayout:
    """What these outputs are.

    Args:
        outputs: the model's outputs, in its order.
        input_size: (width, height) in pixels of the model's input, from which the stride follows.
        roles: what each output is, where the model's own decoder operator has said so.
        stride_px: input pixels from cell to cell, where the model says so.
        scores: "logits" or "probabilities", where the caller knows better than the layout. Without it,
            heatmaps that come out of a sigmoid (LOGISTIC) are probabilities; other PoseNet heatmaps are
            logits; other heatmap-only ones are taken as scores as they stand, as CPM and HRNet regress them.

    Raises:
        ModelError: none of the known layouts; the sentence lists what the model gives.
    """
    if not outputs:
        raise ModelError("wanted a pose model's outputs, got none")
    poses = _movenet(outputs) or _coordinates(outputs, roles)
    if poses is not None:
        return poses
    found = _with_fitting_masks(tuple(roles) if roles is not None else _roles(outputs), outputs)
    if found.count("heatmaps") != 1 or any(found.count(role) > 1 for role in set(found) - {"other"}):
        raise ModelError(
            f"no known pose heads: wanted one tensor each of heatmaps and offsets, got {_listed(outputs)}"
        )
    heat = outputs[found.index("heatmaps")]
    keypoints = _channels(heat)
    kind = _kind(found, outputs, keypoints)
    _check_grids(found, outputs)
    if scores is None:
        scores = "logits" if kind == "posenet" and heat.producer != "LOGISTIC" else "probabilities"
    if stride_px is None:
        stride_px = stride_from(input_size, _grid(heat))
    quantization = tuple(output.quantization for output in outputs)
    return HeadsLayout(kind, found, keypoints, stride_px, scores, quantization)


def _movenet(outputs: Sequence[TensorInfo]) -> HeadsLayout | None:
    if len(outputs) != 1 or outputs[0].dtype != "float32":
        return None
    # Its two shapes to the letter: boxes of detectors come close to both.
    kinds: dict[tuple[int, ...], Kind] = {(1, 1, 17, 3): "movenet-single", (1, 6, 56): "movenet-multi"}
    kind = kinds.get(outputs[0].shape)
    return kind and HeadsLayout(kind, ("poses",), 17, 0.0, "probabilities", (None,))


def _coordinates(outputs: Sequence[TensorInfo], roles: Sequence[Role] | None) -> HeadsLayout | None:
    """A regressor's x and y of one person; its one output says `keypoints`, or somebody who knows does."""
    said = roles is not None and tuple(roles) == ("keypoints",)
    if len(outputs) != 1 or not (said or (roles is None and "keypoints" in outputs[0].name.lower())):
        return None
    only = outputs[0]
    if len(only.shape) != 3 or only.shape[0] not in (1, -1) or only.shape[1] < 1 or only.shape[2] != 2:
        if not said:
            return None
        raise ModelError(f"{only.name}: wanted keypoints of shape (1, K, 2), got {only.shape}")
    _check_dtype(only)
    return HeadsLayout(
        "coordinates", ("keypoints",), only.shape[1], 0.0, "probabilities", (only.quantization,)
    )


def _roles(outputs: Sequence[TensorInfo]) -> tuple[Role, ...]:
    named = tuple(_role_by_name(output.name) for output in outputs)
    companions = {"mid_offsets", "displacement_fwd", "short_offsets"}
    if "heatmaps" in named and (len(outputs) == 1 or companions & set(named)):
        return named
    return _roles_by_shape(outputs)


def _role_by_name(name: str) -> Role:
    # The last component with a word of ours decides: heatmap_net/offset_2/BiasAdd are offsets.
    for component in reversed(name.lower().split("/")):
        if any(other in component for other in _OTHER_NAMES):
            return "other"
        for word, role in _ROLE_NAMES:
            if word in component:
                return role
    return "other"


def _roles_by_shape(outputs: Sequence[TensorInfo]) -> tuple[Role, ...]:
    grids = [output for output in outputs if len(output.shape) == 4]
    if len(grids) != len(outputs):
        raise ModelError(
            f"no known pose heads: wanted tensors of shape (1, h, w, channels), got {_listed(outputs)}"
        )
    channels = [_channels(output) for output in outputs]
    if len(outputs) == 1:
        return ("heatmaps",)
    for keypoints in sorted(set(channels)):
        if len(outputs) == 3 and sorted(channels) == sorted((keypoints, 2 * keypoints, 4 * (keypoints - 1))):
            roles: dict[int, Role] = {keypoints: "heatmaps", 2 * keypoints: "short_offsets"}
            if len(set(channels)) == 3:
                return tuple(roles.get(count, "mid_offsets") for count in channels)
        if len(outputs) == 4 and sorted(channels) == sorted(
            (keypoints, 2 * keypoints, *[2 * (keypoints - 1)] * 2)
        ):
            raise ModelError(
                "the two displacement tensors have the same shape and their names do not say which is forward: "
                f"wanted displacement_fwd and displacement_bwd in the names, got {_listed(outputs)}"
            )
    raise ModelError(
        "no known pose heads: wanted PoseNet (K heatmaps, 2K short offsets, 4(K-1) mid offsets or two tensors of "
        f"2(K-1) displacements), MoveNet or one tensor of heatmaps, got {_listed(outputs)}"
    )


def _with_fitting_masks(roles: tuple[Role, ...], outputs: Sequence[TensorInfo]) -> tuple[Role, ...]:
    """The roles, those of masks only where each is there once and lies on the heatmaps' grid: poses are found without
    them, whatever bears their names."""
    heat = outputs[roles.index("heatmaps")].shape if "heatmaps" in roles else ()
    *grid, keypoints = heat or (0,)

    def fits(role: Role, output: TensorInfo) -> bool:
        wanted = (*grid, 2 * keypoints if role == "long_offsets" else 1)
        is_float = output.dtype == "float32"
        readable = is_float or output.dtype in ("uint8", "int8")
        return output.shape == wanted and readable and is_float == (output.quantization is None)

    return tuple(
        role if role not in MASK_TENSORS or (roles.count(role) == 1 and fits(role, output)) else "other"
        for role, output in zip(roles, outputs, strict=True)
    )


def _kind(roles: Sequence[Role], outputs: Sequence[TensorInfo], keypoints: int) -> Kind:
    read = [pair for pair in zip(roles, outputs, strict=True) if pair[0] not in (*MASK_TENSORS, "other")]
    counts = {role: _channels(output) for role, output in read}
    pair = "displacement_fwd" in counts and "displacement_bwd" in counts
    if not pair and "mid_offsets" not in counts:
        if set(counts) == {"heatmaps"}:
            return "heatmaps"
        raise ModelError(
            f"no known pose heads: displacements or mid offsets are missing among {_listed(outputs)}"
        )
    wanted = {"heatmaps": keypoints, "short_offsets": 2 * keypoints}
    wanted |= (
        {"displacement_fwd": 2 * (keypoints - 1), "displacement_bwd": 2 * (keypoints - 1)}
        if pair
        else {"mid_offsets": 4 * (keypoints - 1)}
    )
    if counts != wanted:
        raise ModelError(f"channels do not fit {keypoints} keypoints: wanted {wanted}, got {counts}")
    return "posenet"


def _check_grids(roles: Sequence[Role], outputs: Sequence[TensorInfo]) -> None:
    used = [output for role, output in zip(roles, outputs, strict=True) if role != "other"]
    if len({_grid(output) for output in used}) != 1:
        raise ModelError(f"pose heads want one grid, got {_listed(used)}")
    for output in used:
        _check_dtype(output)


def _check_dtype(output: TensorInfo) -> None:
    if output.dtype not in ("float32", "uint8", "int8"):
        raise ModelError(f"{output.name}: wanted float32, uint8 or int8 heads, got {output.dtype}")
    if (output.dtype == "float32") != (output.quantization is None):
        wanted = (
            "no quantisation for float32"
            if output.dtype == "float32"
            else f"a scale and zero point for {output.dtype}"
        )
        raise ModelError(f"{output.name}: wanted {wanted} heads, got {output.quantization}")


def stride_from(input_size: tuple[int, int] | None, grid: tuple[int, int]) -> float:
    """Input pixels from cell to cell: the power of two for which SAME-padded convolutions give this grid
    of (rows, columns) from an input of (width, height); else what spans the input from edge to edge.

    Raises:
        ModelError: no one stride explains both axes, or nobody said the input's size.
    """
    rows, columns = grid
    if input_size is None:
        raise ModelError("the stride does not follow from heads alone: wanted stride_px, got none")
    width, height = input_size
    if min(rows, columns, width, height) < 1:
        raise ModelError(
            f"wanted a size for input and grid, got input {height}x{width} and grid {rows}x{columns} (height x width)"
        )
    for stride in (1, 2, 4, 8, 16, 32, 64):
        if -(-width // stride) == columns and -(-height // stride) == rows:
            return float(stride)
    axes = ((width, columns), (height, rows))
    for step in {round((size - 1) / (cells - 1)) for size, cells in axes if cells > 1}:
        if step > 0 and all(abs((cells - 1) * step - (size - 1)) <= step for size, cells in axes):
            return float(step)
    raise ModelError(
        f"no one stride leads from an input of {height}x{width} to a grid of {rows}x{columns} (height x width)"
    )


def heads_from_named_arrays(arrays: Mapping[str, npt.NDArray[Any]]) -> Heads:
    """Heads from arrays under a model's own tensor names, as tools that dump tensors write them.

    Names decide what the heatmaps hold: `heatmap` (the frozen graph of posenet-python, sigmoid inside) are
    probabilities, every other PoseNet name logits; an entry `scores` overrules both.

    Raises:
        ValueError: not such arrays.
    """
    if {"heat_u8", "short_u8", "mid_u8", "qparams"} <= set(arrays):
        return _from_capture(arrays)
    infos, values = [], []
    for name, array in arrays.items():
        if array.ndim in (3, 4) and array.dtype.kind in "iuf":
            values.append(array[None] if array.ndim == 3 else array)
            shape = tuple(int(size) for size in values[-1].shape)
            infos.append(TensorInfo(name, shape, array.dtype.name))
    if not any(_role_by_name(info.name) == "heatmaps" for info in infos):
        raise ValueError(
            f"wanted heads, as Heads.save writes them or with heatmap in a name, got {', '.join(sorted(arrays)[:8])}"
        )
    stride = number_from(arrays["stride_px"], "stride_px") if "stride_px" in arrays else None
    said = str(arrays["scores"]) if "scores" in arrays else None
    if said is None and any(info.name.partition(":")[0] == "heatmap" for info in infos):
        said = "probabilities"
    return recognise(infos, stride_px=stride, scores=said).build(values)  # type: ignore[arg-type]


def _from_capture(arrays: Mapping[str, npt.NDArray[Any]]) -> Heads:
    pairs = arrays["qparams"]
    if pairs.shape != (3, 2):
        raise ValueError(
            f"qparams: wanted shape (3, 2), scale and zero point of three tensors, got {pairs.shape}"
        )
    heat, short, mid = (quantization_from_pair(pair, "qparams") for pair in pairs)
    offsets = arrays["mid_u8"]
    if offsets.ndim != 3:
        raise ValueError(f"mid_u8: wanted shape (h, w, channels), got {offsets.shape}")
    half = offsets.shape[2] // 2
    return Heads(
        arrays["heat_u8"],
        arrays["short_u8"],
        offsets[:, :, :half],
        offsets[:, :, half:],
        stride_px=number_from(arrays.get("stride", np.array(16)), "stride"),
        scores="logits",
        quantization={
            "heatmaps": heat,
            "short_offsets": short,
            "displacement_fwd": mid,
            "displacement_bwd": mid,
        },
    )


def _channels(tensor: TensorInfo) -> int:
    if len(tensor.shape) != 4 or tensor.shape[3] < 1 or tensor.shape[0] not in (1, -1):
        raise ModelError(f"{tensor.name}: wanted a tensor of shape (1, h, w, channels), got {tensor.shape}")
    return tensor.shape[3]


def _grid(tensor: TensorInfo) -> tuple[int, int]:
    return tensor.shape[1], tensor.shape[2]


def _listed(outputs: Sequence[TensorInfo]) -> str:
    shown = ", ".join(f"{o.name} {o.dtype} {list(o.shape)}" for o in outputs[:8])
    return shown + (f" and {len(outputs) - 8} more" if len(outputs) > 8 else "")
