"""The clean file: without what rules are against, and otherwise the same bytes."""

from __future__ import annotations

import json
import random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from posed_people import exchange, fly_away, people, rows

from posecore.errors import SourceError
from posecore.evaluation.coco_files import read_truths
from posecore.evaluation.inspection import Inspection, inspect
from posecore.evaluation.inspection_clean import Omission, clean_text, omission_data, omissions_of
from posecore.evaluation.inspection_json import edited, elements, member, members


@pytest.fixture(scope="module")
def planted() -> dict[str, Any]:
    data, _ = fly_away(people(300), [3, 50, 299], np.random.default_rng(1))
    twin = dict(data["annotations"][10], id=77, keypoints=list(data["annotations"][10]["keypoints"]))
    data["annotations"].append(twin)
    data["annotations"][0]["note"] = 'ü \u2028 </script> \\ " 1.50'
    return data


@pytest.fixture(scope="module")
def inspection(planted: dict[str, Any]) -> Inspection:
    return inspect(read_truths(planted))


def test_wrong_keypoints_become_0_0_0_as_coco_has_it_and_twins_go(
    planted: dict[str, Any], inspection: Inspection
) -> None:
    omissions = omissions_of(inspection)
    text = json.dumps(planted)
    clean = json.loads(clean_text(text, "gt.json", inspection, omissions))
    kept = {a["id"]: a for a in clean["annotations"]}
    hidden = {one.person: one for one in omissions if not one.whole}
    assert 77 not in kept
    assert {3, 50, 299} <= set(hidden)
    for person, annotation in enumerate(planted["annotations"][:-1]):
        now = kept[annotation["id"]]
        if person not in hidden:
            assert now == annotation
            continue
        gone = [k for k in hidden[person].keypoints if annotation["keypoints"][3 * k + 2] > 0]
        assert now["num_keypoints"] == annotation["num_keypoints"] - len(gone)
        wanted = list(annotation["keypoints"])
        for k in gone:
            wanted[3 * k : 3 * k + 3] = [0, 0, 0]
        assert now == annotation | {"keypoints": wanted, "num_keypoints": now["num_keypoints"]}
    for key in ("info", "images", "categories"):
        assert clean[key] == planted[key]


def test_all_other_bytes_stay(planted: dict[str, Any], inspection: Inspection) -> None:
    text = json.dumps(planted, indent=3, ensure_ascii=False).replace("0.0", "0.000").replace('": ', '" :\t')
    assert clean_text(text, "gt.json", inspection, ()) == text
    without_last = clean_text(text, "gt.json", inspection, [Omission(300, (), ())])
    at = text.rindex("{", 0, text.index('"id" :\t77'))
    assert without_last.startswith(text[:at].rstrip().removesuffix(",").rstrip())
    assert "0.000" in without_last


@given(st.sets(st.integers(0, 6)), st.sampled_from([None, 0, 2]))
def test_any_people_can_go(out: set[int], indent: int | None) -> None:
    data = people(7)
    inspection = inspect(read_truths(data))
    text = json.dumps(data, indent=indent)
    clean = clean_text(text, "gt.json", inspection, [Omission(person, (), ()) for person in out])
    wanted = [a for n, a in enumerate(data["annotations"]) if n not in out]
    assert json.loads(clean) == data | {"annotations": wanted}


def test_the_threshold_decides_and_people_can_go_whole(inspection: Inspection) -> None:
    counts = [len(omissions_of(inspection, threshold=t)) for t in (1, 2, 4, 1000)]
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] == 0
    assert all(one.whole for one in omissions_of(inspection, whole=True))
    (twin,) = [one for one in omissions_of(inspection) if one.person == 300]
    told = omission_data(inspection, twin)
    assert (told["annotation_id"], told["left_out"], told["reasons"][0]["kind"]) == (77, "person", "twin")


def test_a_clean_file_follows_no_rule_that_takes_unusual_poses_for_mistakes(inspection: Inspection) -> None:
    with_sides = exchange(people(300), list(range(0, 60, 4)), ((11, 12), (13, 14), (15, 16)))
    found = inspect(read_truths(with_sides))
    listed = [one.person for one in found.findings if one.kind == "sides"]
    assert len(listed) >= 8
    kinds = {why.kind for one in omissions_of(found, threshold=1) for why in one.reasons}
    assert kinds <= {"flown", "picture", "twin"}
    asked = omissions_of(found, threshold=1, rules=("sides",))
    assert [one.person for one in asked] == sorted(listed)
    for kind in ("rare", "limb", "box", "no such rule"):
        with pytest.raises(
            ValueError, match=rf"rules: wanted some of flown, sides, picture, twin, got '{kind}'"
        ):
            omissions_of(inspection, rules=(kind,))


def test_several_fields_are_cleaned_where_each_keypoint_stands() -> None:
    data = people(2)
    for annotation in data["annotations"]:
        annotation["foot_kpts"] = [5, 6, 2] * 6
    truths = read_truths(data, fields=("keypoints", "foot_kpts"))
    from posecore import COCO_FEET23

    inspection = inspect(truths, skeleton=COCO_FEET23)
    labelled = int(np.flatnonzero(rows(data)[1, :, 2] > 0)[0])
    omissions = [Omission(1, (labelled, 18), ())]
    clean = json.loads(
        clean_text(json.dumps(data), "gt.json", inspection, omissions, fields=("keypoints", "foot_kpts"))
    )
    annotation = clean["annotations"][1]
    assert annotation["foot_kpts"] == [5, 6, 2, 0, 0, 0] + [5, 6, 2] * 4
    assert annotation["keypoints"][3 * labelled : 3 * labelled + 3] == [0, 0, 0]
    assert annotation["num_keypoints"] == data["annotations"][1]["num_keypoints"] - 1


def test_a_file_that_changed_in_between_is_refused(planted: dict[str, Any], inspection: Inspection) -> None:
    other = json.dumps(planted | {"annotations": planted["annotations"][1:]})
    with pytest.raises(
        SourceError, match=r"gt.json: wanted the 301 annotations that were inspected, got others"
    ):
        clean_text(other, "gt.json", inspection, ())
    for text in ("", "[]", "{", '{"annotations": [1,', '{"annotations": {}}', "[" * 100_000):
        with pytest.raises(SourceError, match=r"gt\.json: wanted"):
            clean_text(text, "gt.json", inspection, ())


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), json_values, max_size=6), st.sampled_from([None, 1]), st.booleans())
def test_spans_are_those_of_the_values(value: dict[str, Any], indent: int | None, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    spans = dict(members(text, 0))
    assert {key: json.loads(text[a:b]) for key, (a, b) in spans.items()} == value
    assert edited(text, [(span, text[slice(*span)]) for span in spans.values()]) == text
    array = json.dumps(list(value.values()), indent=indent)
    assert [v for v, _ in elements(array, 0)] == list(value.values())


def test_of_a_key_that_comes_twice_the_last_counts_as_for_parsers() -> None:
    text = '{"a": 1, "b": 2, "a": 3}'
    span = member(text, 0, "a")
    assert span is not None
    assert text[slice(*span)] == "3" == str(json.loads(text)["a"])


def test_a_cut_of_hundreds_keeps_the_rest_in_order() -> None:
    data = people(120)
    inspection = inspect(read_truths(data))
    out = set(random.Random(0).sample(range(120), 60))
    clean = clean_text(json.dumps(data, indent=1), "x", inspection, [Omission(p, (), ()) for p in out])
    assert [a["id"] for a in json.loads(clean)["annotations"]] == [
        1000 + n for n in range(120) if n not in out
    ]
