"""Whatever a file holds: the columns that Python's json gives, or a `SourceError`, and the same of both."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from arbitrary_json import (
    ANNOTATIONS,
    ANY,
    DOUBLES,
    MUTATIONS,
    RESULTS,
    VALID,
    VALID_RESULTS,
    mutated,
    spellings,
)
from hypothesis import example, given, settings
from hypothesis import strategies as st

from oracle import coco_json
from posecore.errors import SourceError
from posecore.evaluation.coco_files import read_detections, read_truths
from posecore.evaluation.truths import Detections, Truths

EMPTY_BOX = (
    '{"images": [{"id": 0}], "categories": [], "annotations": '
    '[{"id": 0, "image_id": 0, "category_id": 1, "keypoints": [1.0, 2.0, 2], "bbox": []}]}'
)


def same(column: Any, wanted: list[Any]) -> bool:
    found = np.asarray(column, np.float64)
    return np.array_equal(found, np.asarray(wanted, np.float64).reshape(found.shape), equal_nan=True)


def assert_same_truths(truths: Truths, wanted: dict[str, Any]) -> None:
    images = truths.images
    assert images.ids.tolist() == wanted["image_ids"]
    assert images.widths.tolist() == wanted["widths"]
    assert images.heights.tolist() == wanted["heights"]
    assert list(images.file_names) == wanted["file_names"]
    assert same(images.crowd_indices, wanted["crowd_indices"])
    assert truths.ids.tolist() == wanted["id"]
    assert truths.image_index.tolist() == wanted["image_index"]
    assert truths.category_ids.tolist() == wanted["category_id"]
    assert truths.is_crowd.tolist() == wanted["iscrowd"]
    assert truths.stated_num_keypoints.tolist() == wanted["num_keypoints"]
    assert truths.category_names == wanted["category_names"]
    assert same(truths.areas, wanted["area"])
    assert same(truths.boxes, wanted["bbox"])
    assert truths.num_keypoints == (len(wanted["keypoints"][0]) // 3 if len(truths) else truths.num_keypoints)
    points = np.array(wanted["keypoints"], np.float64).reshape(len(truths), truths.num_keypoints, 3)
    assert np.array_equal(truths.xy, points[:, :, :2])
    assert np.array_equal(truths.visibility, points[:, :, 2])


def assert_same_detections(detections: Detections, wanted: dict[str, Any]) -> None:
    assert detections.image_index.tolist() == wanted["image_index"]
    assert detections.category_ids.tolist() == wanted["category_id"]
    assert same(detections.scores, wanted["score"])
    points = np.array(wanted["keypoints"], np.float64).reshape(*detections.xy.shape[:2], 3)
    assert np.array_equal(detections.xy, points[:, :, :2])
    with np.errstate(over="ignore"):
        assert np.array_equal(detections.keypoint_scores, points[:, :, 2].astype(np.float32))


def compare_truths(data: bytes, fields: tuple[str, ...] = ("keypoints",)) -> bool:
    """Whether the file is taken, after both agree on that and on the columns."""
    try:
        wanted = coco_json.truths(data, fields)
    except coco_json.Refused:
        with pytest.raises(SourceError, match=r"^bytes: "):
            read_truths(data, fields=fields)
        return False
    assert_same_truths(read_truths(data, fields=fields), wanted)
    return True


def compare_results(data: bytes, truths: Truths) -> bool:
    only = next(iter(truths.category_names)) if len(truths.category_names) == 1 else None
    try:
        wanted = coco_json.results(data, truths.images.ids.tolist(), truths.num_keypoints, only)
    except coco_json.Refused:
        with pytest.raises(SourceError, match=r"^bytes: "):
            read_detections(data, truths)
        return False
    assert_same_detections(read_detections(data, truths), wanted)
    return True


@given(ANNOTATIONS)
@example(EMPTY_BOX)
@settings(max_examples=200)
def test_annotation_files_are_what_pythons_json_says(text: str) -> None:
    compare_truths(text.encode("utf-8", "surrogatepass"))


@given(RESULTS)
@settings(max_examples=150)
def test_result_files_are_what_pythons_json_says(text: str) -> None:
    compare_results(text.encode("utf-8", "surrogatepass"), read_truths(VALID))


@given(ANY)
def test_any_json_is_refused_or_read(text: str) -> None:
    data = text.encode("utf-8", "surrogatepass")
    compare_truths(data)
    compare_results(data, read_truths(VALID))


@given(MUTATIONS)
@settings(max_examples=300)
def test_a_mutated_file_is_refused_or_read(mutations: list[tuple[int, str, bytes]]) -> None:
    compare_truths(mutated(VALID, mutations))
    compare_results(mutated(VALID_RESULTS, mutations), read_truths(VALID))


def test_the_unchanged_file_is_read() -> None:
    assert compare_truths(VALID)
    assert compare_results(VALID_RESULTS, read_truths(VALID))


def test_every_truncation_is_refused() -> None:
    for end in range(len(VALID)):
        assert not compare_truths(VALID[:end])


@given(DOUBLES.flatmap(lambda value: st.tuples(st.just(value), spellings(value))))
@settings(max_examples=200)
@example((0.1, "0.1"))
@example((5e-324, "4.9406564584124654e-324"))
@example((2.2250738585072014e-308, "2.2250738585072011360574097967091319759348195463517e-308"))
@example((9007199254740992.0, "9007199254740993"))
def test_numbers_are_pythons_bit_for_bit(spelling: tuple[float, str]) -> None:
    value, text = spelling
    data = f'[{{"image_id": 1, "keypoints": [{text}, 0, 0, 0, {text} , 0], "score": {text}}}]'.encode()
    detections = read_detections(data, read_truths(VALID))
    assert float(text) == value
    assert [detections.xy[0, 0, 0], detections.xy[0, 1, 1], detections.scores[0]] == [value] * 3
    assert np.signbit(detections.scores[0]) == (text[0] == "-")


@given(
    st.text("0123456789", min_size=1, max_size=40),
    st.text("0123456789", max_size=900),
    st.integers(-340, 320),
)
def test_numbers_of_any_length_are_pythons_bit_for_bit(whole: str, fraction: str, exponent: int) -> None:
    text = (whole.lstrip("0") or "0") + (f".{fraction}" if fraction else "") + f"e{exponent}"
    data = f'[{{"image_id": 1, "keypoints": [0, 0, 0, 0, 0, 0], "score": {text}}}]'.encode()
    if math.isinf(float(text)):
        with pytest.raises(SourceError, match="score: wanted a finite number, got Infinity"):
            read_detections(data, read_truths(VALID))
    else:
        assert read_detections(data, read_truths(VALID)).scores.tolist() == [float(text)]


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'[{"keypoints":', b'{"annotations":['])
def test_depth_beyond_all_bounds_is_refused(opening: bytes) -> None:
    with pytest.raises(SourceError, match=r"^bytes: .*at most 512 levels"):
        read_truths(opening * 100_000)
    with pytest.raises(SourceError, match=r"^bytes: "):
        read_detections(opening * 100_000, read_truths(VALID))


def test_large_values_that_nobody_asked_for_are_passed_over() -> None:
    polygon = ",".join(["[[1.5, 2, 3e0], null]"] * 100_000)
    text = "x" * 3_000_000 + "\\u00e9" * 10_000 + "é" * 10_000
    large = VALID.replace(b'"info": ', f'"big": [{polygon}], "long": "{text}", "info": '.encode())
    assert len(large) > 5_000_000
    assert np.array_equal(read_truths(large).xy, read_truths(VALID).xy)
