"""What every network takes: a picture, float32, pixel / 127.5 - 1."""

from __future__ import annotations

from typing import Any

from posecore import arguments
from posecore.errors import require
from posecore.skeletons import Skeleton

MOST_CHANNELS = 16


def image_input(input_size: object, channels: object, *, multiple_of: int = 1) -> Any:
    """The input `image` of a network: float32 (n, height, width, channels), a `keras.KerasTensor`.

    `input_size`: (width, height) in pixels, both multiples of `multiple_of`, or None for any size.
    `channels`: 3 for RGB, 1 for grey, up to 16.
    Raises TypeError or ValueError for an argument out of its range, MissingExtra without Keras.
    """
    count = arguments.whole(channels, "channels", 1, MOST_CHANNELS)
    width: int | None = None
    height: int | None = None
    if input_size is not None:
        width, height = arguments.size(input_size, "input_size")
        if width % multiple_of or height % multiple_of:
            raise ValueError(
                f"input_size: wanted a width and a height that {multiple_of} divides, got {(width, height)}"
            )
    keras = require("keras", extra="train", purpose="Building a network")
    return keras.Input(shape=(height, width, count), name="image")


def checked_skeleton(value: object) -> Skeleton:
    """`value` where it is a `Skeleton`; TypeError otherwise."""
    if not isinstance(value, Skeleton):
        raise TypeError(f"skeleton: wanted a Skeleton, got {type(value).__name__}")
    return value
