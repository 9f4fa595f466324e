"""HTML and SVG for the inspection page: what comes from a file is escaped, whatever it is."""

from __future__ import annotations

import html
import json
import math
import re
from collections.abc import Iterable

# Control characters, lone surrogates, and marks that turn the text around them.
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_EMPTY = frozenset({"br", "hr", "img", "input", "link", "meta"})


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def escape(value: object) -> Markup:
    """`value` as text of HTML, SVG or a quoted attribute; `Markup` stays what it is."""
    if isinstance(value, Markup):
        return value
    return Markup(html.escape(_UNSEEN.sub("\N{REPLACEMENT CHARACTER}", str(value)), quote=True))


def plain(value: object, most: int = 120) -> str:
    """Text from a file for showing: what cannot be seen becomes U+FFFD, and the middle of long text goes."""
    text = _UNSEEN.sub("\N{REPLACEMENT CHARACTER}", str(value))
    half = (most - 1) // 2
    return text if len(text) <= most else f"{text[: most - 1 - half]}…{text[-half:]}"


def label(name: str, most: int = 40) -> str:
    """A keypoint's name for people: left_big_toe is left big toe."""
    return plain(name.replace("_", " "), most)


def tag(name: str, /, *children: object, **attributes: object) -> Markup:
    """One element. Children are escaped unless they are `Markup`; None is nothing, sequences are walked.

    Attributes that are None or False are left out, True has no value, floats are rounded to 0.01. A trailing
    underscore is dropped and others become hyphens: class_, stroke_width.
    """
    opened = name
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        key = key.rstrip("_").replace("_", "-")
        shown = coordinate(value) if isinstance(value, float) else value
        opened += f" {key}" if value is True else f' {key}="{escape(shown)}"'
    return Markup(f"<{opened}>" if name in _EMPTY else f"<{opened}>{_inside(children)}</{name}>")


def json_block(element_id: str, value: object) -> Markup:
    """Data for the page's script; nothing in it can end the element that holds it.

    Raises:
        ValueError: a number that is not finite.
    """
    # ASCII alone: U+2028, U+2029 and lone surrogates are escapes as well.
    text = json.dumps(value, allow_nan=False, ensure_ascii=True, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(f'<script type="application/json" id="{escape(element_id)}">{text}</script>')


def coordinate(value: float) -> str:
    """A length or position to 0.01, without zeros at its end."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("", "-0") else text


def path(points: Iterable[tuple[float, float]]) -> str:
    """The `d` of a path through these points."""
    return "M" + "L".join(f"{coordinate(x)} {coordinate(y)}" for x, y in points)


def count(number: int) -> str:
    """11,767."""
    return f"{number:,}"


def percent(part: int, whole: int) -> str:
    """46.1 %; a dash where the whole is 0."""
    return f"{100 * part / whole:.1f} %" if whole else "–"


def fixed(value: float, digits: int = 2) -> str:
    """0.25; a dash where the number is not finite."""
    return f"{value:.{digits}f}".replace("-", "\N{MINUS SIGN}") if math.isfinite(value) else "–"


def table(head: Iterable[object], rows: Iterable[Iterable[object]], *, class_: str = "") -> Markup:
    """A table whose first column names the row."""
    body = []
    for row in rows:
        first, *rest = row
        body.append(tag("tr", tag("th", first, scope="row"), [tag("td", cell) for cell in rest]))
    header = tag("thead", tag("tr", [tag("th", cell, scope="col") for cell in head]))
    return tag("div", tag("table", header, tag("tbody", body), class_=class_ or None), class_="wide")


def _inside(children: object) -> str:
    if children is None:
        return ""
    if isinstance(children, str) or not isinstance(children, Iterable):
        return escape(children)
    return "".join(_inside(child) for child in children)
