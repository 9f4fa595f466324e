"""The page in a browser: no errors, nothing asked of the network, it sorts, filters and fits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import chromium
import numpy as np
import pytest
from made_page import HOSTILE, content

from posecore.evaluation.page import save_html
from posecore.evaluation.page_content import Picture

pytestmark = pytest.mark.skipif(chromium.find() is None, reason="there is no Chromium on this machine")

SET = """(name, value) => {{
  const field = document.getElementById("filters").elements[name];
  field.value = value;
  field.dispatchEvent(new Event("input", {{ bubbles: true }}));
  return [...document.querySelectorAll(".entry .top > span:last-child")].map((id) => id.textContent);
}}""".replace("{{", "{").replace("}}", "}")


@pytest.fixture(scope="module")
def browser() -> Iterator[chromium.Browser]:
    with chromium.Browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Pages of one run and of two."""
    folder = tmp_path_factory.mktemp("pages")
    return {runs: save_html(folder / f"{runs}.html", content(runs)) for runs in (1, 2)}


def choose(browser: chromium.Browser, name: str, value: str) -> Any:
    """Set one of the gallery's controls; gives who is shown, in order."""
    return browser.run(f'({SET})("{name}", "{value}")')


def radio(browser: chromium.Browser, name: str, index: int) -> None:
    browser.run(f"document.querySelectorAll('input[name=\"{name}\"]')[{index}].click()")


def is_quiet(browser: chromium.Browser) -> bool:
    return browser.messages == [] and browser.requests == []


TOO_WIDE = """[...document.querySelectorAll("table, figure, .card, .tiles, form, .chart, .fall")]
  .filter((e) => e.offsetParent)
  .filter((e) => e.getBoundingClientRect().right > e.parentElement.getBoundingClientRect().right + 0.5)
  .map((e) => `${e.className || e.tagName} ${e.parentElement.querySelector("h3, caption")?.textContent}`)"""


@pytest.mark.parametrize("runs", [1, 2])
@pytest.mark.parametrize("width", [390, 700, 1000, 1100, 1280, 1920])
def test_nothing_is_wider_than_its_column(
    browser: chromium.Browser, pages: dict[int, Path], runs: int, width: int
) -> None:
    browser.open(pages[runs], width=width)
    browser.run("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    assert browser.run("document.documentElement.scrollWidth") == width
    assert browser.run(TOO_WIDE) == []


@pytest.mark.parametrize("runs", [1, 2])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_opens_quietly_in_light_and_dark(
    browser: chromium.Browser, pages: dict[int, Path], runs: int, scheme: str
) -> None:
    browser.open(pages[runs], scheme=scheme)
    assert is_quiet(browser), browser.messages
    dark = browser.run("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
    assert dark == (scheme == "dark")


def test_words_do_not_lie_on_each_other(browser: chromium.Browser, pages: dict[int, Path]) -> None:
    browser.open(pages[2])
    overlapping = """[...document.querySelectorAll(".chart")].flatMap((chart) => {
      const boxes = [...chart.querySelectorAll("text")].map((t) => [t.textContent, t.getBoundingClientRect()]);
      return boxes.flatMap(([a, p], i) => boxes.slice(i + 1)
        .filter(([, q]) => p.width && q.width && p.left < q.right && q.left < p.right)
        .filter(([, q]) => p.top < q.bottom && q.top < p.bottom)
        .map(([b]) => `${a} / ${b}`));
    })"""
    assert browser.run(overlapping) == []


def test_it_sorts(browser: chromium.Browser, pages: dict[int, Path]) -> None:
    browser.open(pages[1])
    people = [f"person {k}" if k % 6 != 3 else f"detection {k}" for k in range(12)]
    assert choose(browser, "order", "worst") == people
    matched = [people[k] for k in range(12) if k % 6 not in (3, 4)]
    rest = [people[k] for k in range(12) if k % 6 in (3, 4)]
    assert choose(browser, "order", "oks-up") == matched + rest
    assert choose(browser, "order", "oks-down") == matched[::-1] + rest
    assert choose(browser, "order", "area-down") == people[::-1]
    scored = sorted((k for k in range(12) if k % 6 != 4), key=lambda k: -(100 - 7 * k % 50))
    assert choose(browser, "order", "score-down")[:10] == [people[k] for k in scored]
    assert is_quiet(browser)


def test_it_filters(browser: chromium.Browser, pages: dict[int, Path]) -> None:
    browser.open(pages[1])
    assert choose(browser, "type", "false positive") == ["detection 3", "detection 9"]
    assert browser.run("document.getElementById('shown').textContent").startswith("2 of 12 people shown")
    assert choose(browser, "type", "false negative") == ["person 4", "person 10"]
    choose(browser, "type", "")
    assert choose(browser, "kind", "miss") == ["person 7", "person 11"]
    assert choose(browser, "keypoint", "7") == ["person 7"]
    assert choose(browser, "kind", "") == ["person 7"]
    choose(browser, "keypoint", "")
    assert choose(browser, "size", "small") == ["person 0", "person 1"]
    choose(browser, "size", "")
    assert choose(browser, "search", "nowhere") == []
    assert len(choose(browser, "search", "0001.JPG")) == 12
    browser.run("document.querySelector('button[type=reset]').click()")
    assert (
        browser.run(
            "new Promise((done) => setTimeout(() => done(document.querySelectorAll('.entry').length)))"
        )
        == 12
    )
    assert is_quiet(browser)


def test_two_runs_share_a_card(browser: chromium.Browser, pages: dict[int, Path]) -> None:
    browser.open(pages[2])
    halves = "[...document.querySelector('.entry').querySelectorAll('.what')].map((e) => e.textContent)"
    assert browser.run(halves) == ["A OKS 0.100", "B OKS 0.100"]
    assert choose(browser, "order", "change-down")
    assert len(choose(browser, "run", "1")) == 12


def test_a_person_opens_and_the_keyboard_goes_on(browser: chromium.Browser, pages: dict[int, Path]) -> None:
    browser.open(pages[1])
    browser.run("document.querySelector('.open').focus()")
    browser.press("Enter")
    title = "document.getElementById('detail-title').textContent"
    assert browser.run("document.getElementById('detail').open") is True
    assert browser.run(title) == "1 of 12: 000000000001.jpg"
    rows = "[...document.querySelectorAll('#detail-body tbody tr')].map((r) => r.innerText.split('\\t'))"
    assert browser.run(rows)[0] == ["nose", " jitter", "0.0", "0.900", "0.50"]
    browser.press("ArrowRight")
    assert browser.run(title).startswith("2 of 12")
    browser.press("ArrowLeft")
    browser.press("ArrowLeft")
    assert browser.run(title).startswith("12 of 12")
    browser.press("Escape")
    assert browser.run("document.getElementById('detail').open") is False
    assert is_quiet(browser)


def test_the_waterfall_shows_what_is_chosen(browser: chromium.Browser, pages: dict[int, Path]) -> None:
    browser.open(pages[2])
    gains = "[...document.querySelectorAll('.fall')[0].querySelectorAll('.gain')].map((e) => e.textContent)"
    values = "[...document.querySelectorAll('.fall')[0].querySelectorAll('.value')].map((e) => e.textContent)"
    assert browser.run(values)[:3] == ["0.205", "0.305", "0.405"]
    assert browser.run(gains)[:3] == ["", "+0.100", "+0.100"]
    radio(browser, "fall-mode", 1)
    assert browser.run(gains)[:3] == ["", "+0.050", "+0.050"]
    radio(browser, "fall-area", 1)
    browser.run(
        "(() => { const s = document.querySelector('select[name=fall-threshold]'); s.value = '0';"
        " s.dispatchEvent(new Event('change')); })()"
    )
    assert browser.run(values)[:2] == ["0.150", "0.200"]
    said = browser.run("document.getElementById('fall-caption').textContent")
    assert said == "Shown: medium (1,024 to 9,216 px²), each correction alone, OKS 0.50."
    assert is_quiet(browser)


def test_curves_are_chosen_by_area_and_lit_by_threshold(
    browser: chromium.Browser, pages: dict[int, Path]
) -> None:
    browser.open(pages[2])
    shown = "[...document.querySelectorAll('[data-panel=curves]')].map((p) => !p.hidden)"
    assert browser.run(shown) == [True, False, False]
    radio(browser, "curves", 2)
    assert browser.run(shown) == [False, False, True]
    browser.run("document.querySelectorAll('.panel')[2].querySelectorAll('.curve-key')[3].click()")
    lit = "[...document.querySelectorAll('.curve.on')].map((c) => c.dataset.curve)"
    assert browser.run(lit) == ["3", "3"]


def test_hostile_names_are_shown_and_do_nothing(browser: chromium.Browser, tmp_path: Path) -> None:
    for number, name in enumerate(HOSTILE):
        made = content(2, name=name, title=name, pictures=(Picture(name, 640, 480, (0.0, 0.0, 9.0, 9.0)),))
        browser.open(save_html(tmp_path / f"{number}.html", made))
        assert browser.run("document.querySelectorAll('script').length") == 3
        assert browser.run("document.querySelectorAll('img, [onerror], [onmouseover]').length") == 0
        browser.run("document.querySelector('.open').click()")
        assert is_quiet(browser), browser.messages
    assert browser.run("document.querySelector('.entry .name').textContent") == "a\ufffdgpj.exe\ufffd\ufffd"


def test_pictures_are_drawn_from_the_file(browser: chromium.Browser, tmp_path: Path) -> None:
    cv2: Any = pytest.importorskip("cv2", reason='OpenCV is not installed: pip install "posecore[app]"')
    _, jpeg = cv2.imencode(".jpg", np.full((240, 140, 3), (40, 200, 90), np.uint8))
    picture = replace(content().pictures[0], jpeg=jpeg.tobytes())
    browser.open(save_html(tmp_path / "page.html", content(pictures=(picture,))))
    href = browser.run("document.querySelector('.scene image').getAttribute('href')")
    loaded = (
        f"new Promise((ok) => {{ const i = new Image(); i.onload = () => ok(i.width); i.src = '{href}'; }})"
    )
    assert browser.run(loaded) == 140
    assert is_quiet(browser)
