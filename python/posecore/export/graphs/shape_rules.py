"""How the shapes of what operators make follow from the shapes of what they read, for every format alike.

A rule takes the shapes of an operator's inputs and gives the shape of its (first) output; a size that is free stays -1,
and None is what nobody can tell. Sizes come from files, so a result that no tensor could have is None too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

from posecore.export.graphs.model_graph import Shape

Rule: TypeAlias = Callable[[Sequence[Shape]], Shape]
Padding: TypeAlias = "Literal['SAME', 'VALID'] | Sequence[tuple[int, int]]"

_LARGEST = 1 << 40
MOST_AXES = 16


def same(inputs: Sequence[Shape]) -> Shape:
    """The shape of the first input."""
    return inputs[0] if inputs else None


def fixed(shape: Shape) -> Rule:
    """What the file says."""
    return lambda inputs: shape


def broadcast(inputs: Sequence[Shape]) -> Shape:
    """NumPy's rule for element by element operators."""
    known = [shape for shape in inputs if shape is not None]
    if len(known) != len(inputs) or not known:
        return None
    axes = max(map(len, known))
    result = []
    for axis in range(axes):
        sizes = {shape[axis - axes + len(shape)] for shape in known if axis - axes + len(shape) >= 0} - {1}
        fixed_sizes = sizes - {-1}
        if len(fixed_sizes) > 1:
            return None
        result.append(next(iter(fixed_sizes)) if fixed_sizes else -1 if sizes else 1)
    return tuple(result)


def window(
    kernel: Sequence[int],
    strides: Sequence[int],
    padding: Padding,
    *,
    channels: int | None = None,
    dilations: Sequence[int] = (),
    channels_first: bool = False,
    round_up: bool = False,
) -> Rule:
    """Convolutions and pools: a window over all axes but batch and channels.

    Args:
        kernel, strides, dilations: one for each such axis.
        padding: TensorFlow's SAME or VALID, or (before, after) for each axis.
        channels: of the result; None for those of the input.
        channels_first: axes are batch, channels, ... rather than batch, ..., channels.
        round_up: whether a last window may hang over the edge (ONNX's ceil_mode).
    """
    steps = tuple(dilations) or (1,) * len(kernel)

    def rule(inputs: Sequence[Shape]) -> Shape:
        shape = inputs[0] if inputs else None
        if shape is None or len(shape) != len(kernel) + 2:
            return None
        if len(strides) != len(kernel) or len(steps) != len(kernel) or min((*strides, *steps, *kernel)) < 1:
            return None
        sizes = shape[2:] if channels_first else shape[1:-1]
        out = []
        for axis, size in enumerate(sizes):
            reach = (kernel[axis] - 1) * steps[axis] + 1
            if size < 0:
                out.append(-1)
                continue
            if padding == "SAME":
                covered = size
            elif isinstance(padding, str):
                covered = size - reach + 1
            else:
                if axis >= len(padding):
                    return None
                covered = size + sum(padding[axis]) - reach + 1
            floor = padding not in ("SAME", "VALID") and not round_up
            count = (covered - 1) // strides[axis] + 1 if floor else -(-covered // strides[axis])
            if not 0 < count < _LARGEST:
                return None
            out.append(count)
        depth = (shape[1] if channels_first else shape[-1]) if channels is None else channels
        return (shape[0], depth, *out) if channels_first else (shape[0], *out, depth)

    return rule


def transposed(
    kernel: Sequence[int],
    strides: Sequence[int],
    padding: Padding,
    *,
    channels: int,
    channels_first: bool = False,
    extra: Sequence[int] = (),
) -> Rule:
    """Transposed convolutions; `extra` is added to each axis (output_padding)."""

    def rule(inputs: Sequence[Shape]) -> Shape:
        shape = inputs[0] if inputs else None
        if shape is None or len(shape) != len(kernel) + 2 or len(strides) != len(kernel):
            return None
        sizes = shape[2:] if channels_first else shape[1:-1]
        more = tuple(extra) or (0,) * len(kernel)
        out = []
        for axis, size in enumerate(sizes):
            if padding == "SAME":
                count = size * strides[axis]
            elif padding == "VALID":
                count = size * strides[axis] + max(kernel[axis] - strides[axis], 0)
            else:
                count = (size - 1) * strides[axis] + kernel[axis] - sum(padding[axis]) + more[axis]
            out.append(-1 if size < 0 else count)
            if size >= 0 and not 0 < count < _LARGEST:
                return None
        return (shape[0], channels, *out) if channels_first else (shape[0], *out, channels)

    return rule


def concatenation(axis: int) -> Rule:
    """Inputs one after the other along an axis."""

    def rule(inputs: Sequence[Shape]) -> Shape:
        known = [shape for shape in inputs if shape is not None]
        if not known or len(known) != len(inputs) or len({len(shape) for shape in known}) != 1:
            return None
        axes = len(known[0])
        if not -axes <= axis < axes:
            return None
        at = axis % axes
        result = []
        for index in range(axes):
            sizes = [shape[index] for shape in known]
            if index == at:
                result.append(-1 if min(sizes) < 0 else sum(sizes))
            else:
                result.append(max(sizes))
        return tuple(result)

    return rule


def padded(pads: Sequence[tuple[int, int]]) -> Rule:
    """(before, after) is added to each axis."""

    def rule(inputs: Sequence[Shape]) -> Shape:
        shape = inputs[0] if inputs else None
        if shape is None or len(shape) != len(pads):
            return None
        sizes = tuple(
            size if size < 0 else size + before + after
            for size, (before, after) in zip(shape, pads, strict=True)
        )
        grown = all(0 <= new < _LARGEST for new, old in zip(sizes, shape, strict=True) if old >= 0)
        return sizes if grown else None

    return rule


def resized(*, size: Sequence[int] = (), scale: Sequence[float] = (), channels_first: bool = False) -> Rule:
    """Pictures scaled to a size, or by factors, along (height, width)."""

    def rule(inputs: Sequence[Shape]) -> Shape:
        shape = inputs[0] if inputs else None
        if shape is None or len(shape) != 4:
            return None
        sides = shape[2:] if channels_first else shape[1:3]
        if len(size) == 2:
            new = tuple(size)
        elif len(scale) == 2 and all(0 < factor < 1e6 for factor in scale):
            new = tuple(
                -1 if side < 0 else math.floor(side * factor)
                for side, factor in zip(sides, scale, strict=True)
            )
        else:
            new = (-1, -1)
        return (*shape[:2], *new) if channels_first else (shape[0], *new, shape[3])

    return rule


def reshaped(target: Sequence[int], *, zero_copies: bool = False) -> Rule:
    """Another view of the same numbers; -1 is what is left over, 0 the input's own size with `zero_copies` (ONNX)."""

    def rule(inputs: Sequence[Shape]) -> Shape:
        shape = inputs[0] if inputs else None
        new = [
            shape[i] if zero_copies and size == 0 and shape is not None and i < len(shape) else size
            for i, size in enumerate(target)
        ]
        if new.count(-1) != 1 or shape is None or any(size < 0 for size in shape):
            return tuple(new)
        rest = math.prod(size for size in new if size != -1)
        elements = math.prod(shape)
        if rest == 0 or elements % rest:
            return None
        new[new.index(-1)] = elements // rest
        return tuple(new)

    return rule


def transpose(order: Sequence[int]) -> Rule:
    """Axes in another order; none at all turns them round."""

    def rule(inputs: Sequence[Shape]) -> Shape:
        shape = inputs[0] if inputs else None
        if shape is None:
            return None
        axes = tuple(order) or tuple(reversed(range(len(shape))))
        if sorted(axes) != list(range(len(shape))):
            return None
        return tuple(shape[axis] for axis in axes)

    return rule


def reduced(axes: Sequence[int], *, keep: bool) -> Rule:
    """Sums, means and maxima along axes, which stay with size 1 where `keep`."""

    def rule(inputs: Sequence[Shape]) -> Shape:
        shape = inputs[0] if inputs else None
        if shape is None or any(not -len(shape) <= axis < len(shape) for axis in axes):
            return None
        gone = {axis % len(shape) for axis in axes} if shape else set()
        if keep:
            return tuple(1 if axis in gone else size for axis, size in enumerate(shape))
        return tuple(size for axis, size in enumerate(shape) if axis not in gone)

    return rule


def to_batches(blocks: Sequence[int], pads: Sequence[int]) -> Rule:
    """SpaceToBatchND: every block-th row and column into pictures of their own, after (before, after) padding."""

    def rule(inputs: Sequence[Shape]) -> Shape:
        shape = inputs[0] if inputs else None
        if (
            shape is None
            or len(shape) <= len(blocks)
            or len(pads) != 2 * len(blocks)
            or min(blocks, default=0) < 1
        ):
            return None
        sides = []
        for axis, block in enumerate(blocks):
            side = shape[axis + 1]
            grown = side + pads[2 * axis] + pads[2 * axis + 1]
            if side >= 0 and (grown % block or not 0 <= grown < _LARGEST):
                return None
            sides.append(-1 if side < 0 else grown // block)
        batch = -1 if shape[0] < 0 else shape[0] * math.prod(blocks)
        return (batch, *sides, *shape[len(blocks) + 1 :])

    return rule


def from_batches(blocks: Sequence[int], crops: Sequence[int]) -> Rule:
    """BatchToSpaceND: the way back, (before, after) cut off."""

    def rule(inputs: Sequence[Shape]) -> Shape:
        shape = inputs[0] if inputs else None
        if (
            shape is None
            or len(shape) <= len(blocks)
            or len(crops) != 2 * len(blocks)
            or min(blocks, default=0) < 1
        ):
            return None
        sides = []
        for axis, block in enumerate(blocks):
            side = shape[axis + 1]
            left = side * block - crops[2 * axis] - crops[2 * axis + 1]
            if side >= 0 and not 0 <= left < _LARGEST:
                return None
            sides.append(-1 if side < 0 else left)
        pictures = math.prod(blocks)
        if shape[0] >= 0 and shape[0] % pictures:
            return None
        return (-1 if shape[0] < 0 else shape[0] // pictures, *sides, *shape[len(blocks) + 1 :])

    return rule


def product(inputs: Sequence[Shape]) -> Shape:
    """The matrix product of two inputs, batches broadcast."""
    if len(inputs) < 2 or inputs[0] is None or inputs[1] is None:
        return None
    left, right = inputs[0], inputs[1]
    if len(left) < 2 or len(right) < 2:
        return None
    batches = broadcast([left[:-2], right[:-2]])
    return None if batches is None else (*batches, left[-2], right[-1])


def unknown(inputs: Sequence[Shape]) -> Shape:
    """Nobody can tell."""
    return None
