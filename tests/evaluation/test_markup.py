"""What comes from files can be shown and nothing more; numbers look the same everywhere."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_page import HOSTILE

from posecore.evaluation.markup import (
    KINDS,
    Markup,
    coordinate,
    count,
    escape,
    fixed,
    json_block,
    percent,
    plain,
    signed,
    table,
    tag,
)

texts = st.text(alphabet=st.characters(exclude_categories=()))  # lone surrogates too


class Reader(HTMLParser):
    """Collects elements, attributes and text."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, name: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append((name, dict(attributes)))

    def handle_data(self, data: str) -> None:
        self.text += data


@given(texts, texts)
def test_text_and_attributes_stay_what_they_are(text: str, attribute: str) -> None:
    made = tag("p", text, title=attribute)
    made.encode()
    read = Reader(made)
    assert read.elements == [("p", {"title": str(Reader(escape(attribute)).text)})]
    assert "<" not in escape(text)
    assert '"' not in escape(text)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_end_nothing(name: str) -> None:
    assert [element for element, _ in Reader(tag("p", name, title=name)).elements] == ["p"]
    block = json_block("data", {"name": name, name: 1})
    assert [element for element, _ in Reader(block).elements] == ["script"]
    assert block.count("</script") == 1
    inside = block.partition(">")[2].rpartition("<")[0]
    assert not set(inside) & set("<>&\u2028\u2029")
    assert json.loads(inside) == {"name": name, name: 1}


def test_markup_is_escaped_once() -> None:
    assert tag("b", tag("i", "a & b"), "<") == "<b><i>a &amp; b</i>&lt;</b>"
    assert escape(Markup("<i>")) == "<i>"


def test_what_cannot_be_seen_is_replaced() -> None:
    assert plain("a\u202egpj.exe\x00\ud800") == "a\ufffdgpj.exe\ufffd\ufffd"
    assert plain("tab\tand\nline") == "tab\tand\nline"


def test_long_names_keep_both_ends() -> None:
    shown = plain("start" + "x" * 5000 + "end.jpg", 40)
    assert len(shown) == 40
    assert shown.startswith("start")
    assert shown.endswith("end.jpg")


def test_attributes_are_spelled_as_html_has_them() -> None:
    made = tag("path", class_="a", stroke_width=1.5, viewBox="0 0 1 1", hidden=True, href=None, open=False)
    assert made == '<path class="a" stroke-width="1.5" viewBox="0 0 1 1" hidden></path>'
    assert tag("br") == "<br>"


def test_data_that_json_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_block("data", [float("nan")])


@pytest.mark.parametrize(
    ("made", "wanted"),
    [
        (fixed(0.21535592895458897), "0.215"),
        (fixed(-0.0001), "0.000"),
        (fixed(-1.5, 1), "−1.5"),
        (fixed(None), "–"),
        (fixed(float("nan")), "–"),
        (signed(0.0123), "+0.012"),
        (signed(-0.0123), "−0.012"),
        (signed(0.0001), "0.000"),
        (signed(None), "–"),
        (percent(1195, 2680), "44.6 %"),
        (percent(0, 0), "–"),
        (count(11767), "11,767"),
        (coordinate(-0.001), "0"),
        (coordinate(12.50), "12.5"),
    ],
)
def test_numbers(made: str, wanted: str) -> None:
    assert made == wanted


def test_tables_have_headers_both_ways() -> None:
    made = table(("name", "AP"), [("<a>", "0.1")], caption="numbers")
    assert made.count('scope="col"') == 2
    assert '<th scope="row">&lt;a&gt;</th><td>0.1</td>' in made


def test_kinds_differ_in_more_than_colour() -> None:
    assert len({kind.letter for kind in KINDS}) == len(KINDS)
    assert [kind.name for kind in KINDS] == ["good", "jitter", "inversion", "swap", "miss"]


# Machado, Oliveira & Fernandes 2009, severity 1, for linear RGB.
BLINDNESS = {
    "none": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}


def lab(colour: str, seen: np.ndarray) -> np.ndarray:
    """CIE L*a*b* (D65) of #rrggbb as these eyes see it."""
    rgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    linear = (seen @ linear).clip(0, 1)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    ratio = to_xyz @ linear / np.array([0.95047, 1.0, 1.08883])
    f = np.where(ratio > 216 / 24389, np.cbrt(ratio), (24389 / 27 * ratio + 16) / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("eyes", BLINDNESS)
def test_colours_of_kinds_are_told_apart(eyes: str, scheme: str) -> None:
    seen = {kind.name: lab(getattr(kind.colour, scheme), BLINDNESS[eyes]) for kind in KINDS}
    apart = {(a, b): float(np.linalg.norm(seen[a] - seen[b])) for a, b in combinations(seen, 2)}
    assert {pair: gap for pair, gap in apart.items() if gap < 25} == {}


def test_colours_are_valid() -> None:
    for kind in KINDS:
        assert re.fullmatch("#[0-9a-f]{6}", kind.colour.light)
        assert re.fullmatch("#[0-9a-f]{6}", kind.colour.dark)
