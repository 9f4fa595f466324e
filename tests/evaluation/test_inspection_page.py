"""The page: complete in itself, and no name in the file gets out of its place."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from posed_people import fly_away, people

from posecore.evaluation.coco_files import read_truths
from posecore.evaluation.inspection import Inspection, inspect
from posecore.evaluation.inspection_clean import omissions_of
from posecore.evaluation.inspection_findings import RULES
from posecore.evaluation.inspection_page import page
from posecore.evaluation.inspection_pictures import crops_of, view_of
from posecore.evaluation.markup import escape, json_block, plain, tag

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&\u2028\u202e\ud800.jpg"


def planted(name: str = "000001.jpg") -> dict[str, Any]:
    data, _ = fly_away(people(200), list(range(0, 40, 2)), np.random.default_rng(3))
    for image in data["images"]:
        image["file_name"] = name
    return data


@pytest.fixture(scope="module")
def inspection() -> Inspection:
    return inspect(read_truths(planted()))


def of(inspection: Inspection, **more: Any) -> str:
    return page(inspection, people=list(inspection.by_person()), **more).decode()


def gallery(text: str) -> Any:
    (block,) = re.findall(
        r'<script type="application/json" id="gallery-data">(.*?)</script>', text, re.DOTALL
    )
    return json.loads(block)


def test_the_page_asks_for_nothing_from_elsewhere(inspection: Inspection) -> None:
    text = of(inspection)
    assert not re.search(r"""(?:src|href)=["'](?!#|data:)""", text)
    assert "@import" not in text
    assert "url(" not in text
    assert "default-src 'none'" in text.replace("&#x27;", "'")


def test_hostile_names_stay_text() -> None:
    data = planted(HOSTILE)
    data["categories"][0]["name"] = HOSTILE
    data["categories"][0]["keypoints"][4] = "right_ear" + HOSTILE
    inspection = inspect(read_truths(data))
    text = of(inspection, omissions=omissions_of(inspection), cleaned=HOSTILE)
    assert text.count("<script") == 2
    assert "<img" not in text
    assert "\u2028" not in gallery_source(text)
    assert "\u202e" not in text
    assert "<script>alert(1)" in gallery(text)["entries"][0]["name"]


def test_sides_and_limbs_are_explained_only_where_they_are_drawn(inspection: Inspection) -> None:
    text = of(inspection)
    assert "Blue is the person" in text
    assert 'class="key left"' in text
    assert "No limbs are drawn" not in text
    data = planted()
    for category in data["categories"]:
        del category["keypoints"], category["skeleton"]
    for person in data["annotations"]:
        person["keypoints"] = person["keypoints"][:-3]
    nameless = of(inspect(read_truths(data)))
    assert len(gallery(nameless)["entries"]) >= 10
    assert "No limbs are drawn, since none are known." in nameless
    for phrase in ("Blue is the person", 'class="key left"', "Left and right are the person", "Dashed green"):
        assert phrase not in nameless


def test_where_a_rule_begins_is_said_in_words(inspection: Inspection) -> None:
    text = of(inspection)
    for rule in RULES.values():
        assert rule.begins.replace("'", "&#x27;") in text
    assert RULES["flown"].begins == "one chance in 10^5"
    assert RULES["sides"].begins == "148 times likelier exchanged"
    assert RULES["picture"].begins == "1 % of the person's size"
    lines = list(inspection.lines())
    assert any(line.endswith("one chance in 10^5") for line in lines)
    (head,) = [line for line in lines if line.startswith("keypoint ") and "v = 0" in line]
    assert head.endswith(" out of box  out of picture")
    row = lines[lines.index(head) + 1]
    assert len(row) == len(head)


def gallery_source(text: str) -> str:
    start = text.index('id="gallery-data"')
    return text[start : text.index("</script>", start)]


def test_the_gallery_holds_the_people_in_order_of_suspicion(inspection: Inspection) -> None:
    entries = gallery(of(inspection))["entries"]
    suspicions = [entry["suspicion"] for entry in entries]
    assert len(entries) >= 20
    assert suspicions == sorted(suspicions, reverse=True)
    assert all(entry["reasons"] for entry in entries)
    for entry in entries:
        for point in filter(None, entry["points"]):
            assert 0 <= point[0] <= entry["view"][0] + 0.1
            assert 0 <= point[1] <= entry["view"][1] + 0.1


def test_the_same_content_gives_the_same_bytes(inspection: Inspection) -> None:
    assert page(inspection) == page(inspection)


@pytest.mark.parametrize("count", [1, 2])
def test_few_people_give_a_page_too(count: int) -> None:
    text = of(inspect(read_truths(people(count))))
    assert "No rule lists anybody." in text
    assert gallery(text)["entries"] == []


def test_what_was_left_out_is_listed_with_its_reasons(inspection: Inspection) -> None:
    omissions = omissions_of(inspection)
    text = of(inspection, omissions=omissions, cleaned="clean.json")
    assert len(omissions) >= 15
    assert "Every other byte is as it was." in text
    assert text.count("keypoint flies away (") >= len([one for one in omissions if one.keypoints])


def test_pictures_are_cropped_and_what_is_missing_is_counted(inspection: Inspection, tmp_path: Path) -> None:
    cv2 = pytest.importorskip("cv2", reason='OpenCV is not installed: pip install "posecore[eval]"')
    data = planted()
    names = [
        "good.png",
        "half.jpg",
        "broken.jpg",
        "other.png",
        "../outside.png",
        "/etc/hostname",
        "gone.jpg",
        "",
        "a\0b",
    ]
    for n, image in enumerate(data["images"][: len(names)]):
        image["file_name"] = names[n]
    picture = np.full((960, 1280, 3), 200, np.uint8)
    folder = tmp_path / "pictures"
    folder.mkdir()
    cv2.imwrite(str(folder / "good.png"), picture)
    cv2.imwrite(str(folder / "half.jpg"), picture[::2, ::2])
    cv2.imwrite(str(folder / "other.png"), picture[:, :700])
    cv2.imwrite(str(tmp_path / "outside.png"), picture)
    (folder / "broken.jpg").write_bytes(b"no picture")
    truths = read_truths(data)
    crops = crops_of(truths, [0, 2, 4, 6, 8, 10, 12, 14, 16], folder)
    assert set(crops.jpegs) == {0, 2}
    assert crops.broken == ["broken.jpg"]
    assert crops.other_size == ["other.png"]
    assert crops.missing == ["../outside.png", "/etc/hostname", "gone.jpg", "", "a\0b"]
    for person, (jpeg, x, y, width, height) in crops.jpegs.items():
        shown = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
        assert max(shown.shape[:2]) <= 241
        view = view_of(truths, person)
        assert -1 <= x <= view.width * view.scale
        assert -1 <= y <= view.height * view.scale
        assert x + width <= view.width * view.scale + 2
        assert y + height <= view.height * view.scale + 2
    text = of(inspect(truths), crops=crops)
    assert "1 pictures are no picture that can be read: broken.jpg." in text


def test_escaping_says_what_it_is() -> None:
    assert escape("<&\"'>") == "&lt;&amp;&quot;&#x27;&gt;"
    assert tag("p", "<b>", tag("b", "x"), class_="a", hidden=False) == '<p class="a">&lt;b&gt;<b>x</b></p>'
    assert (
        "<"
        not in json_block("a", {"x": "</script><!--"})[len('<script type="application/json" id="a">') : -9]
    )
    assert plain("x" * 500, 21) == "x" * 10 + "…" + "x" * 10
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_block("a", float("nan"))


def test_ids_reach_the_page_to_the_last_digit() -> None:
    data = planted()
    for person in data["annotations"]:
        person["id"] += 2**53
    text = of(inspect(read_truths(data)))
    ids = [entry["id"] for entry in gallery(text)["entries"]]
    assert set(ids) <= {str(person["id"]) for person in data["annotations"]}
    assert len(set(ids)) == len(ids)
