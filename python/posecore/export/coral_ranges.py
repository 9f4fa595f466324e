"""Whether the 8 bits of a head reach the values that the network gives: what lies beyond is clipped, in silence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from posecore.errors import ModelError
from posecore.export.contract import INPUT_RANGE, Head
from posecore.layouts import TensorInfo

if TYPE_CHECKING:
    import numpy.typing as npt

MOST_CLIPPED = 0.001
"""The share of a head's values that may be clipped. The short offsets of one family of Coral's files, which stop at 10
pixels, lose far more, and every other keypoint with them."""
_CODES = {"uint8": (0, 255), "int8": (-128, 127)}


@dataclass(frozen=True, slots=True)
class HeadRange:
    """Of one head: the values that the float network gave, and those that its codes stand for, both in its unit.

    Attributes:
        name, unit: of the head.
        seen: least and largest value over all calibration pictures.
        reached: values of the least and the largest code.
        step: from one code to the next.
        clipped: the share of values more than half a step beyond `reached`, 0..1.
    """

    name: str
    unit: str
    seen: tuple[float, float]
    reached: tuple[float, float]
    step: float
    clipped: float

    def __str__(self) -> str:
        return (
            f"{self.name[:24]:<24} seen {self.seen[0]:8.2f} .. {self.seen[1]:7.2f}  codes "
            f"{self.reached[0]:8.2f} .. {self.reached[1]:7.2f} by {self.step:.3f} {self.unit:<5} "
            f"clipped {self.clipped:.2%}"
        )


def head_ranges(
    graph: Any,
    heads: Sequence[Head],
    pictures: Sequence[npt.NDArray[np.uint8]],
    outputs: Sequence[TensorInfo],
) -> tuple[HeadRange, ...]:
    """Run the float network on pictures, and compare what it gives with what quantised outputs can hold.

    Args:
        graph: as `Contract.graph` gives it.
        heads: its outputs in the order of `outputs`.
        pictures: uint8 (height, width, 3) of the input's size, RGB; at least one.
        outputs: the quantised model's, uint8 or int8.

    Raises:
        ModelError: an output without quantisation.
    """
    low, high = INPUT_RANGE
    limits = [_limits(output) for output in outputs]
    seen = [(np.inf, -np.inf)] * len(heads)
    clipped, values = [0] * len(heads), [0] * len(heads)
    for picture in pictures:
        given = graph(picture[None].astype(np.float32) * np.float32((high - low) / 255) + np.float32(low))
        for i, head in enumerate(heads):
            array = np.asarray(given[head.name])
            least, most, step = limits[i]
            seen[i] = min(seen[i][0], float(array.min())), max(seen[i][1], float(array.max()))
            clipped[i] += int(((array < least - step / 2) | (array > most + step / 2)).sum())
            values[i] += array.size
    return tuple(
        HeadRange(head.name, head.unit, seen[i], limits[i][:2], limits[i][2], clipped[i] / max(values[i], 1))
        for i, head in enumerate(heads)
    )


def refuse_clipping(name: str, ranges: Sequence[HeadRange]) -> None:
    """ModelError where a head of the model `name` loses more than `MOST_CLIPPED` of its values."""
    for one in ranges:
        if one.clipped > MOST_CLIPPED:
            raise ModelError(
                f"{name}: the 8 bits of {one.name} reach from {one.reached[0]:.3g} to {one.reached[1]:.3g} {one.unit}, "
                f"but calibration saw {one.seen[0]:.3g} to {one.seen[1]:.3g}: {one.clipped:.1%} of its values are "
                "clipped"
            )


def _limits(output: TensorInfo) -> tuple[float, float, float]:
    if output.quantization is None or output.dtype not in _CODES:
        raise ModelError(f"{output.name}: wanted a quantised output, got {output.dtype}")
    scale, zero = output.quantization.scale, output.quantization.zero_point
    low, high = _CODES[output.dtype]
    return (low - zero) * scale, (high - zero) * scale, scale
