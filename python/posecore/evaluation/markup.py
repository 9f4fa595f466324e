"""HTML and SVG that no name can break out of: escaping, elements, number formats, the colours of error kinds.

Everything is escaped unless it is `Markup` already, so what was forgotten is ugly rather than dangerous.
"""

from __future__ import annotations

import html
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

NONE = "–"
"""What stands where there is no number."""
_MINUS = "\N{MINUS SIGN}"

# Control characters, lone surrogates, and marks that would turn the direction of the text around them.
_UNSHOWN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_VOID = frozenset({"br", "col", "hr", "img", "input", "link", "meta"})


class Markup(str):
    """Text that is HTML already: it is not escaped again."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Colour:
    """One colour by its meaning.

    Attributes:
        name: the CSS variable, without the two hyphens.
        light: on white paper, as #rrggbb.
        dark: on a dark screen and on photographs, as #rrggbb.
    """

    name: str
    light: str
    dark: str


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of keypoint: what the diagnosis calls it and how it is drawn, apart from its colour too.

    Attributes:
        name: "good" or the error's name.
        letter: its initial in tight places, different for each.
        colour: told apart from the others by people who are colour-blind.
        meaning: one sentence, with the numbers of Ronchi & Perona, ICCV 2017.
    """

    name: str
    letter: str
    colour: Colour
    meaning: str


KINDS = (
    Kind(
        "good",
        "G",
        Colour("good", "#0f4f94", "#4789e9"),
        "On its truth: keypoint similarity of at least 0.85.",
    ),
    Kind(
        "jitter",
        "J",
        Colour("jitter", "#46b1e1", "#c4ecfb"),
        "Near its truth: keypoint similarity from 0.5 to 0.85.",
    ),
    Kind(
        "inversion",
        "I",
        Colour("inversion", "#e08e08", "#fed645"),
        "On the same person's keypoint of the other side.",
    ),
    Kind("swap", "S", Colour("swap", "#a2587f", "#b56aa2"), "On a keypoint of another person."),
    Kind("miss", "M", Colour("miss", "#a02c08", "#f0764c"), "On no keypoint: similarity below 0.5."),
)
"""The kinds in the order of their codes in `Diagnosis`, where 1 is good; 0 is a keypoint without label."""

STEP_COLOURS = (
    Colour("baseline", "#3b4450", "#c4cbd4"),
    Colour("score", "#6b7684", "#98a3b0"),
    Colour("background_fp", "#8c97a5", "#74808e"),
    Colour("fn", "#b3bcc7", "#505b68"),
)
"""The steps of the gain waterfall that are not a kind of keypoint error."""


def palette_css() -> str:
    """CSS that gives every colour its variable, in light and in dark; paper is light."""
    colours = [kind.colour for kind in KINDS] + list(STEP_COLOURS)
    light = "".join(f"--{colour.name}:{colour.light};" for colour in colours)
    dark = "".join(f"--{colour.name}:{colour.dark};" for colour in colours)
    on_photo = "".join(f"--photo-{colour.name}:{colour.dark};" for colour in colours)
    return f":root{{{light}{on_photo}}}\n@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}\n"


def plain(value: object, most: int = 200) -> str:
    """Text from outside as one that can be shown.

    What cannot be seen or turns its neighbours around becomes U+FFFD; what is longer than `most` characters
    loses its middle, because names differ at both ends.
    """
    shown = _UNSHOWN.sub("\N{REPLACEMENT CHARACTER}", str(value))
    if len(shown) <= most:
        return shown
    tail = (most - 1) // 2
    return f"{shown[: most - 1 - tail]}…{shown[-tail:]}"


def escape(value: object) -> Markup:
    """`value` as text of HTML, of SVG, or of a quoted attribute; `Markup` stays what it is."""
    if isinstance(value, Markup):
        return value
    return Markup(html.escape(_UNSHOWN.sub("\N{REPLACEMENT CHARACTER}", str(value)), quote=True))


def join(children: object) -> Markup:
    """Children one after the other: text is escaped, None is nothing, sequences are walked."""
    if children is None:
        return Markup("")
    if isinstance(children, str):
        return escape(children)
    if isinstance(children, Iterable):
        return Markup("".join(join(child) for child in children))
    return escape(children)


def tag(name: str, /, *children: object, **attributes: object) -> Markup:
    """One element of HTML or SVG.

    Args:
        name: of the element.
        children: as in `join`.
        attributes: None and False are left out, True has no value, numbers are rounded to 0.01. A trailing
            underscore is dropped and others become hyphens: class_, stroke_width, data_key.
    """
    opened = [name]
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        attribute = key.rstrip("_").replace("_", "-")
        if value is True:
            opened.append(attribute)
        else:
            shown = coordinate(value) if isinstance(value, float) else value
            opened.append(f'{attribute}="{escape(shown)}"')
    start = f"<{' '.join(opened)}>"
    return Markup(start if name in _VOID else f"{start}{join(children)}</{name}>")


def json_block(element_id: str, value: object) -> Markup:
    """Data for scripts inside of a page: nothing in it can end the element that holds it.

    Raises:
        ValueError: a number that is not finite.
    """
    # ASCII alone: U+2028, U+2029 and lone surrogates are escapes too.
    text = json.dumps(value, allow_nan=False, ensure_ascii=True, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(f'<script type="application/json" id="{escape(element_id)}">{text}</script>')


def coordinate(value: float) -> str:
    """A length or position for SVG and CSS, to 0.01, without zeros at the end."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def polyline(points: Sequence[tuple[float, float]]) -> str:
    """The `d` of a path through these points."""
    return "M" + "L".join(f"{coordinate(x)} {coordinate(y)}" for x, y in points)


def fixed(value: float | None, digits: int = 3) -> str:
    """0.215; a dash for None and for what is not finite."""
    if value is None or not math.isfinite(value):
        return NONE
    text = f"{value:.{digits}f}"
    return text[1:] if float(text) == 0 and text[0] == "-" else text.replace("-", _MINUS)


def tight(value: float | None, digits: int = 3) -> str:
    """.215 for narrow columns."""
    text = fixed(value, digits)
    return text[1:] if text.startswith("0.") else text


def signed(value: float | None, digits: int = 3) -> str:
    """+0.012, −0.003, and 0.000 where nothing is left after rounding."""
    text = fixed(value, digits)
    return f"+{text}" if value is not None and text != NONE and float(f"{value:.{digits}f}") > 0 else text


def difference(a: float | None, b: float | None) -> float | None:
    """b - a, or None where one of them is None."""
    return None if a is None or b is None else b - a


def percent(part: float, whole: float, digits: int = 1) -> str:
    """46.1 %; a dash where the whole is 0."""
    return f"{fixed(100 * part / whole, digits)} %" if whole else NONE


def count(number: int) -> str:
    """11,767"""
    return f"{number:,}"


def table(
    head: Sequence[object],
    rows: Iterable[Sequence[object]],
    *,
    caption: object = None,
    class_: str = "numbers",
) -> Markup:
    """A table whose first column names the row.

    Args:
        head: one cell a column.
        rows: cells; the first is the row's header.
        caption: what the table shows.
        class_: of the element.
    """
    body = [tag("tr", tag("th", row[0], scope="row"), *(tag("td", cell) for cell in row[1:])) for row in rows]
    return tag(
        "table",
        tag("caption", caption) if caption is not None else None,
        tag("thead", tag("tr", *(tag("th", cell, scope="col") for cell in head))),
        tag("tbody", body),
        class_=class_,
    )


def style(properties: Mapping[str, float | str]) -> str:
    """The value of a style attribute; numbers are rounded to 0.01."""
    return ";".join(
        f"{name}:{coordinate(value) if isinstance(value, float) else value}"
        for name, value in properties.items()
    )
