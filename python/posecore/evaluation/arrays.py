"""Arrays that come as arguments: the wanted dtype and shape, or a sentence. Nothing is cast."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]
    BoolArray = npt.NDArray[np.bool_]

MOST_PX = 1e9  # no picture is as large; squares of such distances are far from overflow


def checked(value: object, name: str, dtype: Any, shape: tuple[int | str, ...]) -> npt.NDArray[Any]:
    """`value` itself, where it is an array of this dtype and shape; a letter in `shape` stands for any size.

    Raises:
        TypeError: no array, or another dtype.
        ValueError: another shape.
    """
    wanted = "(" + ", ".join(str(size) for size in shape) + ("," if len(shape) == 1 else "") + ")"
    kind = np.dtype(dtype).name
    if not isinstance(value, np.ndarray):
        raise TypeError(f"{name}: wanted a NumPy array {kind} of shape {wanted}, got {type(value).__name__}")
    if value.dtype != dtype:
        raise TypeError(f"{name}: wanted dtype {kind}, got {value.dtype}")
    if value.ndim != len(shape) or any(
        isinstance(size, int) and size != got for size, got in zip(shape, value.shape, strict=True)
    ):
        raise ValueError(f"{name}: wanted shape {wanted}, got {value.shape}")
    return value


def checked_points(value: object, name: str, shape: tuple[int | str, ...], needed: BoolArray) -> FloatArray:
    """`value` itself, where it is float64 of this shape (the last axis is x, y) and finite where `needed`.

    Args:
        needed: bool of the shape without its last axis: the points whose coordinates are read.

    Raises:
        TypeError, ValueError: as `checked`, and coordinates that are not finite or beyond 1e9 px.
    """
    points: FloatArray = checked(value, name, np.float64, shape)
    bad = needed & ~(np.abs(points) <= MOST_PX).all(axis=-1)
    if bad.any():
        place = tuple(int(i) for i in np.argwhere(bad)[0])
        x, y = points[place]
        raise ValueError(
            f"{name}: wanted finite pixels within 1e9 wherever they are read, got ({x:g}, {y:g}) at {place}"
        )
    return points


def sealed(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The array, from now on read-only."""
    array.flags.writeable = False
    return array
