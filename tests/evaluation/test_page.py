"""The page holds all numbers, no name breaks it, and it asks nothing of the network."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from made_page import HOSTILE, content, run
from test_markup import Reader

from posecore import CROWDPOSE14
from posecore.evaluation.page import page_html, save_html
from posecore.evaluation.page_content import PageContent, Picture


def page(made: PageContent) -> str:
    return page_html(made).decode()


def data(text: str, name: str) -> Any:
    (block,) = re.findall(f'<script type="application/json" id="{name}">(.*?)</script>', text)
    return json.loads(block)


def cells(text: str, row: str) -> list[str]:
    """The cells of the first table row that begins with this text."""
    (found,) = re.findall(f'<tr><th scope="row">(?:<span>)?{re.escape(row)}[ <].*?</tr>', text)[:1]
    return [re.sub("<[^>]*>", "", cell) for cell in re.findall("<td>(.*?)</td>", found)]


def test_the_ten_numbers_stand_in_cocos_order() -> None:
    text = page(content())
    names = re.findall(r'<th scope="row"><span>(AP\w*|AR\w*) <small>', text)
    assert names == ["AP", "AP50", "AP75", "APM", "APL", "AR", "AR50", "AR75", "ARM", "ARL"]
    assert cells(text, "AP") == ["0.457"]
    assert cells(text, "APM") == ["–"]


def test_two_runs_stand_side_by_side_with_their_difference() -> None:
    text = page(content(2))
    assert cells(text, "AP") == ["0.457", "0.444", "−0.012"]
    assert cells(text, "ARM") == ["–", "–", "–"]
    assert text.count('<svg viewBox="-94 -48 188') == 2
    assert 'class="differs"><dt>results</dt>' in text
    assert "<div><dt>protocol</dt><dd><bdi>coco</bdi></dd></div>" in text


def test_there_is_a_curve_for_each_threshold_range_and_run() -> None:
    for runs in (1, 2):
        text = page(content(runs))
        assert text.count('class="curve"') == 10 * 3 * runs
        assert text.count('data-panel="curves"') == 3


def test_keypoints_that_were_put_at_the_origin_are_told() -> None:
    made = replace(run("model"), matched=100, at_origin=(18, 7))
    misses = 10 * (len(made.keypoints) - 1)
    said = (
        "18 of the 1,700 predicted keypoints of matched people (1.1 %) are exactly at (0, 0), where a file puts what "
        f"was not found; 7 of the {misses} misses are these."
    )
    assert said in page(replace(content(), runs=(made,)))
    few = replace(made, at_origin=(17, 7))
    assert "exactly at (0, 0)" not in page(replace(content(), runs=(few,)))


def test_keypoints_have_their_counts_beside_their_shares() -> None:
    text = page(content())
    assert cells(text, "left eye")[1:4] == ["84", "41 49 %", "30 36 %"]
    assert cells(text, "nose")[1:3] == ["0", "0 –"]
    assert "left eye: 84 labelled in matched people\ngood 41 (48.8 %)" in text


def test_the_waterfall_has_every_range_way_and_threshold() -> None:
    text = page(content(2))
    runs = data(text, "waterfall-data")
    assert len(runs) == 2
    assert [area["label"] for area in runs[0]] == ["all (from 1,024 px²)", "medium (1,024 to 9,216 px²)"]
    for way in runs[0][0]["modes"]:
        assert [step["name"] for step in way][:2] == ["baseline", "miss"]
        assert all(len(step["ap"]) == 10 for step in way)
    assert text.count("one after the other</caption>") == text.count("each alone</caption>") == 4


def test_slices_calibration_and_sigmas_have_counts_and_units() -> None:
    text = page(content(2))
    sizes = re.findall('<table class="numbers slices.*?</table>', text)[0]
    assert cells(sizes, "large")[0:3] == ["A", "1,234 / 1,237", ""]
    assert cells(text, "50 %") == ["0.25", "0.510", "0.800", "321"]
    assert cells(text, "99 %") == ["no score does", "–", "–", "0"]
    for label in ("recall", "precision", "score", "share of correct detections", "scale of all sigmas (log)"):
        assert re.search(f'class="label"[^>]*>{re.escape(label)}</text>', text)


def test_sections_without_content_are_left_out() -> None:
    bare = replace(run("model"), slices=(), calibration=None, sigma_scale=(), entries=(), waterfalls=())
    text = page(replace(content(), runs=(bare,)))
    for anchor in ("slices", "calibration", "sigmas", "gallery", "gains"):
        assert f'id="{anchor}"' not in text
        assert f'href="#{anchor}"' not in text
    assert 'id="keypoints"' in text


def test_links_lead_to_sections() -> None:
    text = page(content())
    links = re.findall('<a href="#([^"]*)"', text)
    assert len(links) == 9
    assert all(f'<section id="{link}"' in text for link in links)


def test_the_gallery_has_what_a_person_asks_about_an_entry() -> None:
    gallery = data(page(content()), "gallery-data")
    assert len(gallery["entries"]) == 12
    first, alarm, lost = gallery["entries"][0], gallery["entries"][3], gallery["entries"][4]
    assert (first["type"], first["oks"], first["score"], first["area"]) == ("matched", 0.1, 100.0, 500.0)
    assert first["kinds"][:2] == [2, 1]
    assert len(first["scores"]) == len(first["ks"]) == 17
    assert [entry["size"] for entry in gallery["entries"][:3]] == ["small", "small", "medium"]
    assert (alarm["type"], alarm["truth"], alarm["oks"]) == ("false positive", None, None)
    assert (lost["type"], lost["detection"], lost["score"]) == ("false negative", None, None)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_text(name: str) -> None:
    made = content(2, name=name, title=name, pictures=(Picture(name, 640, 480, (0.0, 0.0, 9.0, 9.0)),))
    clean = Reader(page(content(2)))
    read = Reader(page(made))
    assert [element for element, _ in read.elements] == [element for element, _ in clean.elements]
    assert [list(a) for _, a in read.elements] == [list(a) for _, a in clean.elements]
    assert "\u202e" not in page(made)


def test_nothing_is_fetched() -> None:
    text = page(content(2))
    outside = set(re.findall(r"\w+://[^\s\"'<]*", text))
    assert outside == {
        "http://www.w3.org/2000/svg"
    }  # the name of a kind of markup; nothing is fetched from it
    for word in ("fetch(", "XMLHttpRequest", "import(", "@import", "url(", "innerHTML", "eval(", " src="):
        assert word not in text, word


def test_the_policy_lets_only_the_pages_own_script_run() -> None:
    text = page(content())
    (policy,) = re.findall('Content-Security-Policy" content="([^"]*)"', text)
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    rules = dict(rule.strip().split(" ", 1) for rule in policy.replace("&#x27;", "'").split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == f"'sha256-{digest}'"
    assert rules["img-src"] == "data:"
    assert text.index("Content-Security-Policy") < text.index("<style>") < text.index("<script")


def test_the_same_content_gives_the_same_bytes() -> None:
    assert page_html(content(2)) == page_html(content(2))


def test_other_skeletons_have_figures_too() -> None:
    made = replace(content(), skeleton=CROWDPOSE14, runs=(run("m", entries=0, skeleton=CROWDPOSE14),))
    assert page(made).count('<g class="ring">') == 14


def test_a_file_that_is_there_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "new" / "page.html"
    assert save_html(path, content()) == path
    before = path.read_bytes()
    with pytest.raises(FileExistsError, match=r"page\.html"):
        save_html(path, content(2))
    assert path.read_bytes() == before
    save_html(path, content(2), force=True)
    assert path.read_bytes() == page_html(content(2))
    assert [file.name for file in path.parent.iterdir()] == ["page.html"]


def test_one_or_two_runs() -> None:
    with pytest.raises(ValueError, match="runs: wanted one or two, got 3"):
        replace(content(2), runs=content(2).runs + content().runs)
