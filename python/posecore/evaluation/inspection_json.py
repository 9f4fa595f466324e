"""Where the values of a JSON text stand, so that a few can be cut out and all others keep their bytes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

Span = tuple[int, int]
"""Where a value begins and ends in the text."""

_SPACE = re.compile(r"[ \t\n\r\ufeff]*")
_decode = json.JSONDecoder().raw_decode


def value_at(text: str, start: int) -> tuple[Any, int]:
    """The value that begins at `start`, and where it ends.

    Raises:
        ValueError: the text is no JSON there, or nested too deeply.
    """
    try:
        return _decode(text, start)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def members(text: str, start: int) -> Iterator[tuple[str, Span]]:
    """Keys of the object that begins at `start`, and the spans of their values, one after the other.

    Raises:
        ValueError: no object is there.
    """
    at = _expect(text, _space(text, start), "{")
    if text[at : at + 1] == "}":
        return
    while True:
        if text[at : at + 1] != '"':
            raise ValueError(f"wanted a key at character {at}, got {text[at : at + 1]!r}")
        key, at = value_at(text, at)
        at = _expect(text, _space(text, at), ":")
        end = value_at(text, at)[1]
        yield key, (at, end)
        at = _space(text, end)
        if text[at : at + 1] == "}":
            return
        at = _expect(text, at, ",")


def elements(text: str, start: int) -> Iterator[tuple[Any, Span]]:
    """Values of the array that begins at `start`, and their spans.

    Raises:
        ValueError: no array is there.
    """
    at = _expect(text, _space(text, start), "[")
    if text[at : at + 1] == "]":
        return
    while True:
        value, end = value_at(text, at)
        yield value, (at, end)
        at = _space(text, end)
        if text[at : at + 1] == "]":
            return
        at = _expect(text, at, ",")


def member(text: str, start: int, name: str) -> Span | None:
    """The span of the value that the object has under this key; of the last where it comes twice, as parsers
    take it; None where it does not come."""
    found = None
    for key, span in members(text, start):
        if key == name:
            found = span
    return found


def edited(text: str, edits: list[tuple[Span, str]]) -> str:
    """The text with these spans, which do not overlap, replaced."""
    parts, done = [], 0
    for (start, end), new in sorted(edits):
        parts += [text[done:start], new]
        done = end
    return "".join([*parts, text[done:]])


def _space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _expect(text: str, at: int, character: str) -> int:
    if text[at : at + 1] != character:
        raise ValueError(f"wanted {character} at character {at}, got {text[at : at + 1]!r}")
    return _space(text, at + 1)
