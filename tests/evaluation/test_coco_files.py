"""COCO files into columns: what is taken, and the sentence for what is not."""

from __future__ import annotations

import hashlib
import io
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_people import annotations, found, keypoints, person

from posecore.errors import SourceError
from posecore.evaluation.coco_files import read_detections, read_truths


def written(folder: Path, data: Any) -> Path:
    path = folder / "file.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    return path


def changed(where: str, value: Any = None, *, drop: bool = False) -> dict[str, Any]:
    """A set of two people; of the second, the field `where` is `value` or is not there."""
    second = person(9, image=2) | {where: value}
    if drop:
        del second[where]
    return annotations(person(7), second)


def test_columns_are_the_files(tmp_path: Path) -> None:
    points = [v + 0.25 for v in keypoints(without=(3,))]
    points[2::3] = keypoints(without=(3,))[2::3]
    data = annotations(person(0, 2, iscrowd=1), person(2**53 + 1, 1, keypoints=points, bbox=[1, 2.5, 3, 4]))
    truths = read_truths(written(tmp_path, data))
    assert truths.ids.tolist() == [0, 2**53 + 1]
    assert truths.images.ids.tolist() == [1, 2]
    assert truths.image_index.tolist() == [1, 0]
    assert truths.images.file_names == ("1.jpg", "2.jpg")
    assert truths.images.widths.tolist() == [640, 640]
    assert truths.images.heights.tolist() == [480, 480]
    assert np.isnan(truths.images.crowd_indices).all()
    assert truths.xy.shape == (2, 17, 2)
    assert np.array_equal(truths.xy[1].ravel(), np.delete(points, slice(2, None, 3)))
    assert truths.num_labelled.tolist() == [17, 16]
    assert truths.visibility[1, 3] == 0
    assert truths.areas.tolist() == [9000, 9000]
    assert truths.boxes[1].tolist() == [1, 2.5, 3, 4]
    assert truths.is_crowd.tolist() == [True, False]
    assert truths.stated_num_keypoints.tolist() == [17, 16]
    assert len(truths.keypoint_names) == 17
    assert truths.category_names == {1: "person"}
    assert truths.origin.notes == ()


def test_results_are_the_files(tmp_path: Path) -> None:
    truths = read_truths(annotations(person(1)))
    results = [found(2, 15.25), found(1, -1), found(1, 0.5)]
    detections = read_detections(written(tmp_path, results), truths)
    assert detections.image_index.tolist() == [1, 0, 0]
    assert detections.scores.tolist() == [15.25, -1, 0.5]
    assert detections.category_ids.tolist() == [1, 1, 1]
    assert detections.keypoint_scores.tolist() == np.full((3, 17), 0.8, np.float32).tolist()
    assert np.array_equal(detections.xy[0], truths.xy[0])


def test_a_file_is_named_with_its_hash_and_size(tmp_path: Path) -> None:
    path = written(tmp_path, annotations(person(1)))
    data = path.read_bytes()
    for truth in (path, str(path)):
        origin = read_truths(truth).origin
        assert (origin.name, origin.size_bytes) == (str(path), len(data))
        assert origin.sha256 == hashlib.sha256(data).hexdigest()
    assert read_truths(data).origin.sha256 is None


def as_path(data: Any, folder: Path) -> Any:
    return written(folder, data)


def as_bytes(data: Any, folder: Path) -> Any:
    return b"\xef\xbb\xbf" + json.dumps(data, indent=1).encode()


def as_binary_stream(data: Any, folder: Path) -> Any:
    return io.BytesIO(json.dumps(data).encode())


def as_text_stream(data: Any, folder: Path) -> Any:
    return io.StringIO(json.dumps(data, ensure_ascii=False))


def as_objects(data: Any, folder: Path) -> Any:
    return data


def with_arrays(data: Any, folder: Path) -> Any:
    """NumPy's numbers and arrays, and what JSON could not hold in a field that nobody reads."""

    def numpy_of(record: dict[str, Any]) -> dict[str, Any]:
        changed = {
            key: np.array(value)
            if isinstance(value, list) and key != "keypoints"
            else np.int32(value)
            if isinstance(value, int)
            else value
            for key, value in record.items()
        }
        points = np.array(record["keypoints"], np.float64)
        return changed | {"keypoints": points, "segmentation": {"counts": b"\xff\x00"}}

    if isinstance(data, list):
        return [numpy_of(record) for record in data]
    return data | {"annotations": [numpy_of(record) for record in data["annotations"]]}


FORMS = (as_path, as_bytes, as_binary_stream, as_text_stream, as_objects, with_arrays)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_columns(form: Callable[[Any, Path], Any], tmp_path: Path) -> None:
    names = [{"id": 4, "file_name": "é\ud83d\x00.jpg"}, {"id": 3, "crowdIndex": 0.75}]
    data = annotations(person(7), person(9, image=2)) | {"images": [*annotations()["images"], *names]}
    if form is as_text_stream:
        names[0]["file_name"] = "é\x00.jpg"  # half a surrogate pair is no UTF-8 outside of an escape
    truths = read_truths(form(data, tmp_path))
    assert truths.images.file_names == ("1.jpg", "2.jpg", "", names[0]["file_name"])
    assert truths.images.crowd_indices[2] == 0.75
    assert np.array_equal(truths.xy, read_truths(data).xy)
    results = [found(2, 0.5), found(1, 1 / 3)]
    for wrapped in (results, {"annotations": results}):
        if form is with_arrays and isinstance(wrapped, dict):
            continue
        detections = read_detections(form(wrapped, tmp_path), truths)
        assert detections.scores.tolist() == [0.5, 1 / 3]
        assert detections.image_index.tolist() == [1, 0]


def test_results_may_come_one_by_one() -> None:
    truths = read_truths(annotations(person(1)))
    many = (found(1 + i % 2, i / 1000) for i in range(1000))
    assert read_detections(many, truths).scores.tolist() == [i / 1000 for i in range(1000)]


def test_several_fields_stand_one_behind_the_other() -> None:
    feet = [float(v) for v in range(18)]
    feet[2::3] = [0, 1, 2, 0, 1, 2]
    data = annotations(person(1, foot_kpts=feet, num_keypoints=17))
    truths = read_truths(data, fields=("keypoints", "foot_kpts"))
    assert truths.num_keypoints == 23
    assert truths.xy[0, 17:].ravel().tolist() == np.delete(feet, slice(2, None, 3)).tolist()
    assert truths.origin.notes == ()  # num_keypoints is about the field "keypoints"
    assert read_truths(data, fields=("foot_kpts",)).xy[0].tolist() == truths.xy[0, 17:].tolist()
    result = [found() | {"foot_kpts": feet}]
    assert read_detections(result, truths, fields=("keypoints", "foot_kpts")).xy.shape == (1, 23, 2)
    with pytest.raises(SourceError, match=r"keypoints: wanted 69 numbers .* got 51"):
        read_detections([found()], truths)
    with pytest.raises(
        SourceError, match=r"annotations\[0\] \(id 1\): hand: .* got nothing: the field is missing"
    ):
        read_truths(data, fields=("keypoints", "hand"))


def test_what_is_missing_has_a_meaning() -> None:
    bare = {"id": 5, "image_id": 2, "keypoints": keypoints()}
    truths = read_truths(annotations(person(1), bare))
    assert math.isnan(truths.areas[1])
    assert np.isnan(truths.boxes[1]).all()
    assert not truths.is_crowd[1]
    assert truths.stated_num_keypoints.tolist() == [17, -1]
    assert truths.category_ids.tolist() == [1, 1]
    assert truths.origin.notes == (
        "category_id is missing in 1 of 2 annotations and 1 is taken; the first is annotations[1]",
    )
    result = found()
    del result["category_id"]
    assert read_detections([result], truths).category_ids.tolist() == [1]
    null = person(1) | {"area": None, "bbox": None, "iscrowd": None, "num_keypoints": None}
    assert math.isnan(read_truths(annotations(null)).areas[0])


def test_a_lying_num_keypoints_is_noted_once() -> None:
    people = [person(1), person(2, num_keypoints=0), person(3, num_keypoints=12)]
    truths = read_truths(annotations(*people))
    assert truths.num_labelled.tolist() == [17, 17, 17]
    (note,) = truths.origin.notes
    assert note.startswith("num_keypoints is not the number of keypoints with v > 0 in 2 of 3 annotations")
    assert note.endswith("the first is annotations[1] (id 2), which says 0 and has 17")


def test_nobody_is_columns_of_no_rows() -> None:
    truths = read_truths(annotations())
    assert truths.xy.shape == (0, 17, 2)
    assert truths.boxes.shape == (0, 4)
    assert read_detections([], truths).xy.shape == (0, 17, 2)
    assert len(read_detections({}, truths)) == 0


def test_results_of_other_categories_are_kept_and_noted() -> None:
    truths = read_truths(annotations(person(1), person(2, category_id=5)))
    assert "category_id is none that the file lists in 1 of 2 annotations" in truths.origin.notes[0]
    detections = read_detections([found(), found() | {"category_id": 3}], truths)
    assert detections.category_ids.tolist() == [1, 3]
    assert detections.origin.notes[0].endswith("the first is results[1] with 3")


def test_without_a_list_of_categories_those_of_the_people_are_taken() -> None:
    data = annotations(person(1, category_id=4), person(2, category_id=2))
    del data["categories"]
    truths = read_truths(data)
    assert truths.category_names == {2: "", 4: ""}
    with pytest.raises(SourceError, match="category_id: wanted one of the truth's 2 categories"):
        read_detections([{"image_id": 1, "score": 1, "keypoints": keypoints()}], truths)


NAN, INFINITY = float("nan"), float("inf")
SHORT, ODD = keypoints()[:48], keypoints()[:-1]
FRACTION = [*keypoints()[:-1], -0.5]

REFUSED_TRUTHS = {
    "id": ((None, "missing"), ("7", "wanted a whole number, got text"), (1.5, "got 1.5"), (7, "all different"),
           (True, "got true"), (2**63, "at most 64 bits"), (NAN, "got NaN")),
    "image_id": ((None, "missing"), (99, "wanted an image that the file lists, got 99"), ([1], "got a list")),
    "category_id": (("1", "got text"),),
    "iscrowd": ((2, "wanted 0 or 1, got 2"), (0.5, "got 0.5"), ("no", "got text")),
    "num_keypoints": ((-1, "at least 0, got -1"), ("17", "got text")),
    "area": ((-1, "at least 0, got -1"), (NAN, "wanted a finite number, got NaN"), (INFINITY, "got Infinity")),
    "bbox": (([1, 2, 3], "four numbers"), ([1, 2, 3, NAN], "got NaN in place 3"), ([1, 2, 3, 4, 5], "at most 4"),
             ("box", "got text"), ([1, None, 3, 4], "got null in place 1")),
    "keypoints": ((None, "missing"), ([], "got 0"), (SHORT, "wanted 51 numbers (x, y, v of 17 keypoints) as in "
                  "annotations[0], got 48"), (ODD, "got 50"), (FRACTION, "for v of keypoint 16, got -0.5"),
                  ([*keypoints()[:-1], 256], "from 0 to 255"), ([*keypoints()[:-1], -1], "got -1"),
                  ([NAN, *keypoints()[1:]], "got NaN for x of keypoint 0"),
                  ([*keypoints()[:4], -INFINITY, *keypoints()[5:]], "got -Infinity for y of keypoint 1"),
                  ([[1, 2, 2]] * 17, "got a list in place 0"), ({"a": 1}, "got an object")),
}  # fmt: skip


@pytest.mark.parametrize(
    ("field", "value", "words"), [(f, v, w) for f, cases in REFUSED_TRUTHS.items() for v, w in cases]
)
def test_a_wrong_annotation_is_named(field: str, value: Any, words: str, tmp_path: Path) -> None:
    path = written(tmp_path, changed(field, value))
    which = "annotations[1]" if field == "id" else "annotations[1] (id 9)"
    with pytest.raises(SourceError) as error:
        read_truths(path)
    sentence = str(error.value)
    assert sentence.startswith(f"{path}: {which}: {field}: wanted ")
    assert words in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize("field", ["id", "image_id", "keypoints"])
def test_a_missing_field_of_an_annotation_is_named(field: str) -> None:
    with pytest.raises(SourceError, match=rf"^dict: annotations\[1\].*: {field}: .*the field is missing$"):
        read_truths(changed(field, drop=True))


REFUSED_RESULTS = {
    "image_id": ((None, "missing"), (99, "wanted an image of the truth, got 99"), (1.5, "got 1.5")),
    "score": ((None, "missing"), ("1", "wanted a number, got text"), (NAN, "got NaN"), (-INFINITY, "got -Infinity")),
    "keypoints": ((None, "missing"), (SHORT, "wanted 51 numbers"), ([NAN] * 51, "got NaN for x of keypoint 0"),
                  ([1, 1, NAN] * 17, "got NaN for score of keypoint 0")),
    "category_id": (("1", "got text"), (10**30, "at most 64 bits")),
}  # fmt: skip


@pytest.mark.parametrize(
    ("field", "value", "words"), [(f, v, w) for f, cases in REFUSED_RESULTS.items() for v, w in cases]
)
def test_a_wrong_result_is_named(field: str, value: Any, words: str) -> None:
    truths = read_truths(annotations(person(1)))
    for name, results in (("results", [found(), found() | {field: value}]),):
        with pytest.raises(
            SourceError, match=rf"^list: {name}\[1\]( \(image_id 1\))?: {field}: wanted "
        ) as error:
            read_detections(results, truths)
        assert words in str(error.value)
    with pytest.raises(SourceError, match=rf"^dict: annotations\[0\].*: {field}: "):
        read_detections({"annotations": [found() | {field: value}]}, truths)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"images": None}, "dict: images: wanted a list, got null"),
        ({"annotations": {"a": 1}}, "dict: annotations: wanted a list, got an object"),
        ({"annotations": [3]}, "dict: annotations[0]: wanted an object, got a number"),
        ({"images": [{"id": 1}, {"id": 2}, {"id": 1}]}, "dict: images[2]: id: wanted ids that are all different, got 1 "
         "as in images[0]"),
        ({"images": [{"id": 1, "file_name": 3}]}, "dict: images[0] (id 1): file_name: wanted text, got a number"),
        ({"images": [{"id": 1, "width": -3}]}, "dict: images[0] (id 1): width: wanted a whole number of at least 0, "
         "got -3"),
        ({"categories": [{"name": "x"}]}, "dict: categories[0]: id: wanted a whole number, got nothing: the field is "
         "missing"),
        ({"annotations": [person(1) | {"area": {1, 2}}]}, "dict: annotations[0]: area: wanted a value that JSON has, "
         "got set (set is none)"),
    ],
)  # fmt: skip
def test_a_wrong_list_is_named(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SourceError) as error:
        read_truths(annotations(person(1)) | change)
    assert str(error.value) == sentence


def test_a_file_that_is_no_set_says_what_it_is(tmp_path: Path) -> None:
    truths = read_truths(annotations(person(1)))
    for data, words in ((b"[]", "got a list, as result files are"), (b"{}", "got one without annotations"),
                        (b'{"annotations": []}', "got one without images"), (b"3", "got a number"),
                        (b"", "got the end of the file after 0 bytes, where a value belongs"),
                        (b'{"images": [}', "got '}' at byte 12, where a value belongs"),
                        (b"\xff\xfe[\x00", "got 0xFF at byte 0")):  # fmt: skip
        with pytest.raises(SourceError, match=r"^bytes: wanted ") as error:
            read_truths(data)
        assert words in str(error.value)
    with pytest.raises(SourceError, match="got an object without annotations"):
        read_detections(b"{}", truths)
    with pytest.raises(SourceError, match=r"nothing\.json: there is no such file"):
        read_truths(tmp_path / "nothing.json")
    with pytest.raises(SourceError, match="wanted a file, got a folder"):
        read_detections(tmp_path, truths)
    with pytest.raises(SourceError, match="NUL"):
        read_truths("a\0b")


def test_other_things_are_refused_by_name() -> None:
    truths = read_truths(annotations(person(1)))
    with pytest.raises(TypeError, match=r"^truth: wanted a path, a dict, .* got int$"):
        read_truths(3)
    with pytest.raises(TypeError, match=r"^truth: .* got list$"):
        read_truths([person(1)])
    with pytest.raises(TypeError, match=r"^results: .* got NoneType$"):
        read_detections(None, truths)
    with pytest.raises(TypeError, match=r"^truths: wanted Truths"):
        read_detections([], annotations())  # type: ignore[arg-type]
    for fields in ("keypoints", [3], None):
        with pytest.raises(TypeError, match=r"^fields: "):
            read_truths(annotations(), fields=fields)  # type: ignore[arg-type]
    for names in ((), ("",), ("a", "a"), ("x" * 65,), ("id",), ("a\n",), tuple("abcdefghi")):
        with pytest.raises(ValueError, match=r"^fields: "):
            read_truths(annotations(), fields=names)


def test_an_empty_box_of_a_person_is_none() -> None:
    truths = read_truths(annotations(person(1, bbox=[]), person(2)))
    assert np.isnan(truths.boxes[0]).all()
    assert truths.boxes[1].tolist() == [100, 100, 100, 200]


def test_real_files_are_pythons_json(shared: Path) -> None:
    folder = shared / "data" / "eval"
    truths = read_truths(folder / "coco_val250_gt.json")
    people = json.loads((folder / "coco_val250_gt.json").read_text())["annotations"]
    points = np.array([p["keypoints"] for p in people], np.float64).reshape(-1, 17, 3)
    assert np.array_equal(truths.xy, points[:, :, :2])
    assert np.array_equal(truths.visibility, points[:, :, 2])
    assert truths.areas.tolist() == [p["area"] for p in people]
    assert truths.origin.notes == ()
    detections = read_detections(folder / "coco_val250_dt_lwop_ax.json", truths)
    results = json.loads((folder / "coco_val250_dt_lwop_ax.json").read_text())
    assert detections.scores.tolist() == [d["score"] for d in results]


def test_every_edge_case_is_read_or_has_its_sentence(shared: Path) -> None:
    cases = json.loads((shared / "data" / "eval" / "edge_cases.json").read_text())
    sentences = {
        "dt_unknown_image": "list: results[0]: image_id: wanted an image of the truth, got 99",
        "nan_keypoint_in_dt": "list: results[0] (image_id 1): keypoints: wanted finite numbers, got NaN for x of "
        "keypoint 3",
    }
    assert len(cases) == 27
    for name, case in cases.items():
        truths = read_truths(case["gt"])
        assert len(truths) == len(case["gt"]["annotations"])
        if name in sentences:
            with pytest.raises(SourceError) as error:
                read_detections(case["dt"], truths)
            assert str(error.value) == sentences[name]
        else:
            assert len(read_detections(case["dt"], truths)) == len(case["dt"])
