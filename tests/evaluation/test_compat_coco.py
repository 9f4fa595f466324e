"""`posecore.compat` `COCO`: what pycocotools' calls return, and no dicts before somebody asks for them."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from noisy_people import noisy_set

import posecore as pc
from posecore.compat import json_file
from posecore.compat.cocoeval import COCO, COCOeval

PEOPLE, RESULTS = noisy_set(5, categories=(4, 1))
IMAGES = [image["id"] for image in PEOPLE["images"]]


@pytest.fixture
def annotation_file(tmp_path: Path) -> Path:
    file = tmp_path / "people.json"
    file.write_text(json.dumps(PEOPLE))
    return file


@pytest.fixture
def result_file(tmp_path: Path) -> Path:
    file = tmp_path / "results.json"
    file.write_text(json.dumps(RESULTS))
    return file


@pytest.fixture
def both(annotation_file: Path) -> tuple[Any, Any]:
    """The same file in pycocotools and here."""
    theirs = pytest.importorskip("pycocotools.coco", reason="pycocotools is not installed")
    with contextlib.redirect_stdout(io.StringIO()):
        return theirs.COCO(str(annotation_file)), COCO(annotation_file)


@pytest.mark.parametrize("name", ["dataset", "anns", "cats", "imgs", "imgToAnns", "catToImgs"])
def test_the_dicts_are_those_of_pycocotools(both: tuple[Any, Any], name: str) -> None:
    theirs, ours = (getattr(coco, name) for coco in both)
    assert theirs
    assert ours == theirs
    assert list(ours) == list(theirs)


@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        ("getAnnIds", {}),
        ("getAnnIds", {"imgIds": IMAGES[2]}),
        ("getAnnIds", {"imgIds": IMAGES[:3], "catIds": [4]}),
        ("getAnnIds", {"imgIds": np.array(IMAGES[3:6]), "iscrowd": False}),
        ("getAnnIds", {"catIds": 1, "areaRng": [1024, 9216]}),
        ("getAnnIds", {"imgIds": [1000], "iscrowd": True}),
        ("getCatIds", {}),
        ("getCatIds", {"catNms": ["kind 4", "kind 9"]}),
        ("getCatIds", {"supNms": ["odd"], "catIds": [1, 4]}),
        ("getImgIds", {}),
        ("getImgIds", {"imgIds": IMAGES[:4], "catIds": [1]}),
        ("getImgIds", {"catIds": [1, 4]}),
        ("loadImgs", {"ids": IMAGES[::-1]}),
        ("loadImgs", {"ids": IMAGES[0]}),
        ("loadCats", {"ids": [4, 1]}),
        ("loadAnns", {"ids": [900, 893]}),
        ("loadAnns", {"ids": 900}),
    ],
)
def test_calls_return_what_pycocotools_returns(
    both: tuple[Any, Any], call: str, arguments: dict[str, Any]
) -> None:
    theirs, ours = (getattr(coco, call)(**arguments) for coco in both)
    assert ours == theirs


def test_one_name_is_a_name_and_one_id_of_any_integer_type_an_id(annotation_file: Path) -> None:
    # pycocotools looks for every name inside of the given one, and returns None for NumPy's integers.
    coco = COCO(annotation_file)
    assert coco.getCatIds(catNms="kind 4 and more") == []
    assert coco.getCatIds(catNms="kind 4") == [4]
    assert coco.loadImgs(np.int64(IMAGES[0])) == [PEOPLE["images"][0]]


def test_results_have_the_ids_areas_and_boxes_of_pycocotools(
    both: tuple[Any, Any], result_file: Path
) -> None:
    with contextlib.redirect_stdout(io.StringIO()):
        theirs = both[0].loadRes(str(result_file))
    ours = both[1].loadRes(result_file)
    assert ours.anns == theirs.anns
    assert ours.dataset == theirs.dataset
    assert ours.getImgIds() == theirs.getImgIds()


def test_results_of_boxes_have_the_areas_of_the_boxes(annotation_file: Path) -> None:
    boxed = [{**RESULTS[0], "bbox": [1, 2, 30, 40]}]
    loaded = COCO(annotation_file).loadRes(boxed)
    assert loaded.anns[1]["area"] == 1200
    assert boxed == [{**RESULTS[0], "bbox": [1, 2, 30, 40]}]  # the caller's dicts are left alone


def test_info_is_printed(annotation_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    COCO(annotation_file).info()
    assert capsys.readouterr().out == "description: noisy people\nyear: 2026\n"


def test_nothing_else_is_printed(
    annotation_file: Path, result_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    coco = COCO(annotation_file)
    evaluation = COCOeval(coco, coco.loadRes(result_file))
    evaluation.evaluate()
    evaluation.accumulate()
    assert capsys.readouterr() == ("", "")


def test_evaluation_makes_no_dicts(
    annotation_file: Path, result_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def parsed(*_: Any) -> Any:
        raise AssertionError("a file was turned into dicts")

    monkeypatch.setattr(json_file.JsonFile, "parsed", parsed)
    coco = COCO(annotation_file)
    evaluation = COCOeval(coco, coco.loadRes(result_file))
    evaluation.evaluate()
    evaluation.accumulate()
    assert evaluation.eval["precision"].max() > 0
    with pytest.raises(AssertionError, match="turned into dicts"):
        coco.getImgIds()


def test_a_file_is_read_when_the_object_is_made(annotation_file: Path, result_file: Path) -> None:
    coco = COCO(annotation_file)
    results = coco.loadRes(result_file)
    annotation_file.unlink()
    result_file.write_text("[]")
    assert coco.getImgIds() == IMAGES
    assert len(results.anns) == len(RESULTS)


@pytest.mark.parametrize("form", ["path", "text", "list", "stream", "bytes stream"])
def test_results_in_every_form_score_the_same(annotation_file: Path, result_file: Path, form: str) -> None:
    coco = COCO(annotation_file)
    results = {
        "path": result_file,
        "text": str(result_file),
        "list": RESULTS,
        "stream": io.StringIO(result_file.read_text()),
        "bytes stream": io.BytesIO(result_file.read_bytes()),
    }[form]
    evaluation = COCOeval(coco, coco.loadRes(results))
    evaluation.evaluate()
    evaluation.accumulate()
    assert np.array_equal(evaluation.eval["precision"], pc.evaluate(annotation_file, result_file).precision)


def test_changed_dicts_are_what_is_evaluated(annotation_file: Path, result_file: Path) -> None:
    coco = COCO(annotation_file)
    results = coco.loadRes(result_file)
    evaluation = COCOeval(coco, results)
    evaluation.evaluate()
    evaluation.accumulate()
    before = evaluation.eval["recall"].copy()
    for annotation in coco.loadAnns(coco.getAnnIds()):
        annotation["iscrowd"] = 1
    evaluation.evaluate()
    evaluation.accumulate()
    assert before.max() > 0
    assert (evaluation.eval["recall"] == -1).all()


def test_a_dataset_may_be_given(annotation_file: Path) -> None:
    coco = COCO()
    assert coco.dataset == {}
    coco.dataset = {"images": PEOPLE["images"], "annotations": [], "categories": PEOPLE["categories"]}
    coco.createIndex()
    assert coco.getAnnIds() == []
    coco.dataset["annotations"] += PEOPLE["annotations"]
    coco.createIndex()
    assert coco.anns == COCO(annotation_file).anns


@pytest.mark.parametrize(
    ("call", "arguments", "tool"),
    [
        ("annToMask", ({},), "makes masks"),
        ("annToRLE", ({},), "makes masks"),
        ("download", (), "downloads images"),
        ("showAnns", ([],), "draws with Matplotlib"),
        ("loadRes", (np.zeros((3, 7)),), "reads arrays of boxes"),
    ],
)
def test_what_has_nothing_to_do_with_keypoints_names_the_tool_for_it(
    annotation_file: Path, call: str, arguments: tuple[Any, ...], tool: str
) -> None:
    with pytest.raises(NotImplementedError, match=f"^{call}: .*{tool} is pycocotools"):
        getattr(COCO(annotation_file), call)(*arguments)


def test_mistakes_get_a_sentence(annotation_file: Path, tmp_path: Path) -> None:
    with pytest.raises(pc.SourceError, match=r"none\.json: there is no such file"):
        COCO(tmp_path / "none.json")
    with pytest.raises(TypeError, match="annotation_file: wanted a path, got dict"):
        COCO(PEOPLE)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="resFile: wanted a path, a list of dicts or a stream, got int"):
        COCO(annotation_file).loadRes(3)
    with pytest.raises(KeyError, match="wanted ids of the file, got 7, which no image has"):
        COCO(annotation_file).loadImgs([7])
    broken = tmp_path / "broken.json"
    broken.write_text('{"images": [{"id": 1}, {"width": 3}]')
    with pytest.raises(pc.SourceError, match=r"broken\.json: wanted JSON, got something else"):
        COCO(broken).getImgIds()
    broken.write_text('{"images": [{"id": 1}, {"width": 3}]}')
    with pytest.raises(pc.SourceError, match="images: wanted the field id in record 1, got none"):
        COCO(broken).getImgIds()
    broken.write_text("[]")
    with pytest.raises(
        pc.SourceError, match="wanted an object with images, annotations and categories, got list"
    ):
        COCO(broken).getImgIds()
