"""`HeadSpec` and `InputSpec`: the tensors of an exported model, as its `Artifact` describes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from posecore.arguments import choice, listed, number, whole
from posecore.arguments import size as checked_size
from posecore.heads import Quantization
from posecore.layouts import Role
from posecore.printable import printable

AxisOrder = Literal["NHWC", "NCHW"]
Unit = Literal["logit", "probability", "px", "fraction"]

_MOST_TEXT = 1024
_MOST_SIDE = 1 << 24
_DTYPES = ("float32", "float16", "uint8", "int8")
_INTEGERS = ("uint8", "int8")


@dataclass(frozen=True, slots=True)
class HeadSpec:
    """One output of a model.

    Attributes:
        role: what it is; see `posecore.layouts`.
        name: as the model file calls it.
        shape: (1, h, w, channels) or (1, channels, h, w), by `layout`; (1, K, 2) for the role "keypoints". -1 where
            a side follows from the input's.
        dtype: "float32", "float16", "uint8" or "int8".
        layout: the order of its axes.
        unit: of the numbers, dequantised where they are quantised: "logit", "probability", "px" (of the input), or
            "fraction" of the input's width and height.
        quantization: scale and zero point of an integer tensor, None of a float one.
        clipped: share 0..1 of what calibration saw that lies beyond its codes; None where that was not looked at.

    Raises:
        TypeError, ValueError: a field that is something else.
    """

    role: Role
    name: str
    shape: tuple[int, ...]
    dtype: str
    layout: AxisOrder
    unit: Unit
    quantization: Quantization | None = None
    clipped: float | None = None

    def __post_init__(self) -> None:
        where = checked_text(self.name, "name")
        choice(self.role, f"{where}: role", get_args(Role))
        choice(self.dtype, f"{where}: dtype", _DTYPES)
        choice(self.layout, f"{where}: layout", get_args(AxisOrder))
        choice(self.unit, f"{where}: unit", get_args(Unit))
        sides = listed(self.shape, f"{where}: shape", "wanted whole numbers")
        shape = tuple(whole(side, f"{where}: shape", -1, _MOST_SIDE) for side in sides)
        object.__setattr__(self, "shape", shape)
        if self.clipped is not None:
            object.__setattr__(self, "clipped", number(self.clipped, f"{where}: clipped", 0, 1))
        rank = 3 if self.role == "keypoints" else 4
        if self.role not in ("poses", "other") and (len(shape) != rank or shape[0] != 1 or self.channels < 1):
            wanted = "(1, K, 2)" if rank == 3 else "(1, h, w, channels), or (1, channels, h, w)"
            raise ValueError(f"{where}: shape: wanted {wanted}, got {shape}")
        _check_quantization(self.quantization, self.dtype, where)

    @property
    def channels(self) -> int:
        """How many channels it has; of keypoints, K."""
        return self.shape[1] if self.layout == "NCHW" or self.role == "keypoints" else self.shape[-1]


@dataclass(frozen=True, slots=True)
class InputSpec:
    """The one input of a model, an RGB picture.

    Attributes:
        name: as the model file calls it.
        size: (width, height) in pixels, or None where any is taken.
        layout: the order of its axes.
        dtype: "float32", "float16", "uint8" or "int8".
        range: the values that stand for bytes 0 and 255, dequantised where they are quantised.
        quantization: scale and zero point of an integer tensor; None of a float one, and of a uint8 one that takes
            bytes as they are.

    Raises:
        TypeError, ValueError: a field that is something else.
    """

    name: str
    size: tuple[int, int] | None
    layout: AxisOrder
    dtype: str
    range: tuple[float, float] = (-1.0, 1.0)
    quantization: Quantization | None = None

    def __post_init__(self) -> None:
        checked_text(self.name, "input name")
        if self.size is not None:
            object.__setattr__(self, "size", checked_size(self.size, "input size"))
        choice(self.layout, "input layout", get_args(AxisOrder))
        choice(self.dtype, "input dtype", _DTYPES)
        ends = listed(self.range, "input range", "wanted two numbers")
        if len(ends) != 2 or not number(ends[0], "input range", -1e6, 1e6) < number(
            ends[1], "input range", -1e6, 1e6
        ):
            raise ValueError(f"input range: wanted two numbers (low, high) with low < high, got {ends}")
        object.__setattr__(self, "range", (float(ends[0]), float(ends[1])))
        if self.dtype != "uint8" or self.quantization is not None:
            _check_quantization(self.quantization, self.dtype, "input")


def checked_text(value: object, name: str) -> str:
    """`value` as text of 1 to 1024 characters; TypeError or ValueError otherwise."""
    if not isinstance(value, str):
        raise TypeError(f"{name}: wanted text, got {type(value).__name__}")
    if not 0 < len(value) <= _MOST_TEXT:
        raise ValueError(f"{name}: wanted 1 to {_MOST_TEXT} characters, got {len(value)}")
    return value


def checked_hash(value: object, name: str) -> None:
    """`value` is a SHA-256 in hex; TypeError or ValueError otherwise."""
    if len(checked_text(value, name)) != 64 or set(str(value)) - set("0123456789abcdef"):
        raise ValueError(f"{name}: wanted 64 hexadecimal digits, got {printable(value)!r:.70}")


def _check_quantization(quantization: object, dtype: str, where: str) -> None:
    if quantization is not None and not isinstance(quantization, Quantization):
        raise TypeError(f"{where}: quantization: wanted a Quantization, got {type(quantization).__name__}")
    if (dtype in _INTEGERS) != (quantization is not None):
        wanted = "a scale and zero point" if dtype in _INTEGERS else "none"
        raise ValueError(f"{where}: quantization: wanted {wanted} for {dtype}, got {quantization}")
