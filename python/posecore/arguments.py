"""What an argument must be: each check gives the value back in the type that is used, or a sentence that says
which argument, what was wanted, what came. Nothing is cast that would change its value."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np


def number(value: object, name: str, least: float, most: float) -> float:
    """`value` as a float in [least, most]."""
    wanted = f"{name}: wanted a number from {least:g} to {most:g}"
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise TypeError(f"{wanted}, got {type(value).__name__}")
    try:
        real = float(value)
    except OverflowError:
        real = math.inf
    if not least <= real <= most:
        raise ValueError(f"{wanted}, got {value if len(repr(value)) < 40 else 'one beyond that'}")
    return real


def whole(value: object, name: str, least: int, most: int) -> int:
    """`value` as an int in [least, most]."""
    wanted = f"{name}: wanted a whole number from {least} to {most}"
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{wanted}, got {type(value).__name__}")
    if not least <= value <= most:
        raise ValueError(f"{wanted}, got {value if len(repr(value)) < 40 else 'one beyond that'}")
    return int(value)


def yes_or_no(value: object, name: str) -> bool:
    """`value` as a bool; 0, 1 and None are none."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name}: wanted True or False, got {type(value).__name__}")
    return bool(value)


def choice(value: object, name: str, choices: tuple[str, ...]) -> None:
    """`value` is one of these words."""
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{name}: wanted one of {', '.join(choices)}, got {value!r}")


def size(value: object, name: str) -> tuple[int, int]:
    """`value` as (width, height) in pixels."""
    sides = tuple(value) if isinstance(value, (tuple, list)) else ()
    if len(sides) != 2:
        raise TypeError(f"{name}: wanted (width, height) in pixels, got {value!r}")
    width, height = (whole(side, name, 1, 2**31 - 1) for side in sides)
    return width, height


def pairs(value: object, name: str, where: str) -> tuple[tuple[int, int], ...]:
    """`value` as pairs of keypoint numbers; `where` says of what."""
    found = []
    for pair in listed(value, name, f"{where} wants pairs of keypoint numbers"):
        ends = tuple(pair) if isinstance(pair, (tuple, list)) else ()
        if len(ends) != 2 or any(
            isinstance(end, (bool, np.bool_)) or not isinstance(end, (int, np.integer)) for end in ends
        ):
            raise TypeError(f"{name}: {where} wants pairs of keypoint numbers, got {pair!r}")
        found.append((int(ends[0]), int(ends[1])))
    return tuple(found)


def listed(value: object, name: str, wants: str) -> tuple[Any, ...]:
    """`value` as a tuple, where it is a sequence and not text."""
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        raise TypeError(f"{name}: {wants}, got {value!r}")
    return tuple(value)
