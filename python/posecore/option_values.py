"""What an option's text must be: each function gives the value, or says what was wanted and what came."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Callable


def network_size(text: str) -> int | tuple[int, int]:
    """A long side such as 353, or height x width such as 353x481."""
    match = re.fullmatch(r"(\d{1,5})(?:x(\d{1,5}))?", text)
    if not match or "0" in (match[1].lstrip("0") or "0", (match[2] or "1").lstrip("0") or "0"):
        raise argparse.ArgumentTypeError(
            f"wanted a long side such as 353 or height x width such as 353x481, got {text!r}"
        )
    return (int(match[1]), int(match[2])) if match[2] else int(match[1])


def whole(low: int, high: int) -> Callable[[str], int]:
    """A whole number from `low` to `high`."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"\d{1,12}", text) or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"wanted a whole number from {low} to {high}, got {text!r}")
        return int(text)

    return parse


def share(text: str) -> float:
    """A number from 0 to 1."""
    return _number(text, 1.0, "a number from 0 to 1")


def radius(text: str) -> float:
    """A number of pixels from 0."""
    return _number(text, 65536.0, "a number of pixels from 0")


def stride(text: str) -> float:
    """A number of pixels."""
    return _number(text, 65536.0, "a number of pixels")


def seconds(text: str) -> float:
    """A number of seconds up to an hour."""
    return _number(text, 3600.0, "a number of seconds from 0 to 3600")


def _number(text: str, high: float, wanted: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= high:
        raise argparse.ArgumentTypeError(f"wanted {wanted}, got {text!r}")
    return value


def names(known: tuple[str, ...]) -> Callable[[str], list[str]]:
    """Some of these names, with commas between them, or none."""

    def parse(text: str) -> list[str]:
        if text == "none":
            return []
        chosen = [name.strip() for name in text.split(",")]
        for name in chosen:
            if name not in known:
                raise argparse.ArgumentTypeError(f"wanted some of {','.join(known)}, or none, got {name!r}")
        return list(dict.fromkeys(chosen))

    return parse
