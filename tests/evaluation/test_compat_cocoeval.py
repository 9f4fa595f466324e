"""`posecore.compat` `COCOeval`: the arrays, dicts and lines of pycocotools under every setting, and the right answer
where pycocotools has none."""

from __future__ import annotations

import contextlib
import copy
import io
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import coco_peers
import numpy as np
import pytest
from edge_sets import ALL_FOUND, EDGE_SETS
from noisy_people import noisy_set

import posecore as pc
from posecore.compat import cocoeval as ours
from posecore.compat.cocoeval import COCO, COCOeval, Params

Setting = Callable[[Any], None]


@pytest.fixture(scope="module")
def theirs() -> Any:
    """pycocotools, with both of its classes in one place."""
    coco = pytest.importorskip("pycocotools.coco", reason="pycocotools is not installed")
    evaluation = pytest.importorskip("pycocotools.cocoeval", reason="pycocotools is not installed")
    return types.SimpleNamespace(COCO=coco.COCO, COCOeval=evaluation.COCOeval)


def evaluated(
    library: Any, people: Any, results: Any, setting: Setting | None = None
) -> tuple[Any, list[str]]:
    """An evaluation after all three steps, and the lines that it printed last."""
    with contextlib.redirect_stdout(io.StringIO()):
        coco = library.COCO()
        coco.dataset = copy.deepcopy(people)
        coco.createIndex()
        run = library.COCOeval(coco, coco.loadRes(copy.deepcopy(results)), "keypoints")
        if setting is not None:
            setting(run.params)
        run.evaluate()
        run.accumulate()
    with contextlib.redirect_stdout(io.StringIO()) as out:
        run.summarize()
    return run, out.getvalue().splitlines()


def set_all(**values: Any) -> Setting:
    return lambda params: params.__dict__.update(values)


SETTINGS = {
    "as it is": set_all(),
    "some images, twice and an unknown one": set_all(imgIds=[59, 3, 3, 27, 5000, 43]),
    "one category": set_all(catIds=[4]),
    "several maxDets": set_all(maxDets=[20, 3, 1]),
    "own thresholds, ranges and levels": set_all(
        iouThrs=np.array([0.75, 0.3, 1.0]),
        areaRng=[[0, 1e10], [500, 3000], [2000, 30000], [0, 50]],
        areaRngLbl=["all", "medium", "large", "tiny"],
        recThrs=np.linspace(0, 1, 11),
    ),
    "own sigmas": set_all(kpt_oks_sigmas=np.linspace(0.02, 0.2, 17)),
    "no images": set_all(imgIds=[]),
}


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_every_setting_gives_what_pycocotools_gives(theirs: Any, setting: Setting) -> None:
    people, results = noisy_set(6, categories=(4, 1))
    mine, my_lines = evaluated(ours, people, results, setting)
    other, lines = evaluated(theirs, people, results, setting)
    assert len(lines) == 10
    assert my_lines == lines
    assert mine.stats.tolist() == other.stats.tolist()
    assert mine.eval["counts"] == other.eval["counts"]
    for name in ("precision", "recall", "scores"):
        assert np.array_equal(mine.eval[name], other.eval[name])


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_image_results_are_those_of_pycocotools(theirs: Any, setting: Setting) -> None:
    people, results = noisy_set(7, categories=(4, 1))
    mine, other = (evaluated(library, people, results, setting)[0] for library in (ours, theirs))
    assert len(mine.evalImgs) == len(other.evalImgs)
    for my_result, result in zip(mine.evalImgs, other.evalImgs, strict=True):
        assert (my_result is None) == (result is None)
        for key in result or ():
            assert np.array_equal(np.asarray(my_result[key]), np.asarray(result[key])), key
    assert set(mine.ious) == set(other.ious)
    for pair, oks in other.ious.items():
        # The exponential function of NumPy and of the C library differ in the last digit.
        np.testing.assert_allclose(np.asarray(mine.ious[pair]), np.asarray(oks), rtol=0, atol=3e-16)


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
def test_image_results_that_come_back_accumulate_to_the_same(setting: Setting) -> None:
    run, lines = evaluated(ours, *noisy_set(8, categories=(4, 1)), setting)
    precision, recall, scores = (run.eval[name] for name in ("precision", "recall", "scores"))
    run.evalImgs = list(run.evalImgs)
    run.accumulate()
    assert np.array_equal(run.eval["precision"], precision)
    assert np.array_equal(run.eval["recall"], recall)
    assert np.array_equal(run.eval["scores"], scores)
    assert str(run).splitlines() == lines


def test_a_skeleton_of_six_keypoints(theirs: Any) -> None:
    people, results = noisy_set(9)
    for record in (*people["annotations"], *results):
        record["keypoints"] = record["keypoints"][:18]
    for annotation in people["annotations"]:
        annotation["num_keypoints"] = sum(v > 0 for v in annotation["keypoints"][2::3])
    setting = set_all(kpt_oks_sigmas=np.full(6, 0.08))
    mine, other = (evaluated(library, people, results, setting)[0] for library in (ours, theirs))
    assert mine.stats[0] > 0
    assert mine.stats.tolist() == other.stats.tolist()


def test_a_part_of_what_was_evaluated_can_be_accumulated() -> None:
    people, results = noisy_set(10, categories=(4, 1))
    run, _ = evaluated(ours, people, results, set_all(maxDets=[3, 20]))
    part = Params()
    part.imgIds, part.catIds, part.maxDets = run.params.imgIds[4:9], [4], [3]
    part.areaRng, part.areaRngLbl, part.iouThrs = part.areaRng[1:2], ["medium"], part.iouThrs[5:7]
    run.accumulate(part)
    alone, _ = evaluated(ours, people, results, lambda params: params.__dict__.update(part.__dict__))
    assert alone.eval["precision"].max() > 0
    assert run.eval["counts"] == [2, 101, 1, 1, 1]
    assert np.array_equal(run.eval["precision"], alone.eval["precision"])
    assert np.array_equal(run.eval["recall"], alone.eval["recall"])


def test_without_categories_everybody_is_of_one(theirs: Any) -> None:
    # pycocotools compares nobody with nobody here, and all numbers are 0; with one category it is right.
    people, results = noisy_set(11, categories=(1, 4))
    for n, one in enumerate(results):
        one["category_id"] = (1, 4)[n % 2]
    mine, lines = evaluated(ours, people, results, set_all(useCats=0))
    one_kind = {
        **people,
        "annotations": sorted(
            ({**a, "category_id": 1} for a in people["annotations"]),
            key=lambda a: {b["id"]: b["category_id"] for b in people["annotations"]}[a["id"]],
        ),
        "categories": people["categories"][:1],
    }
    in_order = sorted(results, key=lambda one: one["category_id"])
    other, expected = evaluated(theirs, one_kind, [{**r, "category_id": 1} for r in in_order])
    assert mine.stats[0] > 0
    assert lines == expected
    assert np.array_equal(mine.eval["precision"], other.eval["precision"])
    assert mine.params.catIds == [1, 4]
    assert set(mine.ious) == {(image, -1) for image in mine.params.imgIds}


def test_an_annotation_id_of_0_is_an_id(theirs: Any) -> None:
    case = EDGE_SETS["ann_id_zero"]
    run, _ = evaluated(ours, case.truth, case.results)
    assert tuple(run.stats) == ALL_FOUND
    run.evalImgs = list(run.evalImgs)  # where 0 stands for nobody too
    run.accumulate()
    assert run.eval["recall"][:, 0, 0].tolist() == [[1.0]] * 10
    assert evaluated(theirs, case.truth, case.results)[0].stats[0] == 0


def test_pictures_without_people_score_minus_one(theirs: Any) -> None:
    people = {"images": [{"id": 1}], "annotations": [], "categories": [{"id": 1, "name": "person"}]}
    result = {"image_id": 1, "category_id": 1, "score": 0.5, "keypoints": [float(n) for n in range(51)]}
    for library in (theirs, ours):
        run, _ = evaluated(library, people, [result])
        assert list(run.stats) == [-1.0] * 10


def test_no_results_score_0() -> None:
    case = EDGE_SETS["empty_results"]
    assert tuple(evaluated(ours, case.truth, [])[0].stats) == case.right


def test_numbers_are_for_20_detections_or_the_most_there_are() -> None:
    people, results = noisy_set(12)
    run, lines = evaluated(ours, people, results, set_all(maxDets=[1, 3]))
    assert all("| maxDets=  3 ]" in line for line in lines)
    assert run.stats[0] == evaluated(ours, people, results, set_all(maxDets=[3]))[0].stats[0] > 0


def test_the_objects_of_pycocotools_will_do(theirs: Any) -> None:
    people, results = noisy_set(13)
    mixed = types.SimpleNamespace(COCO=theirs.COCO, COCOeval=COCOeval)
    assert evaluated(mixed, people, results)[1] == evaluated(theirs, people, results)[1]


def test_crowdpose_as_xtcocotools_is_called(shared: Path) -> None:
    folder = shared / "data" / "eval" / "xtcocoapi"
    files = folder / "example_crowdpose_val.json", folder / "example_crowdpose_preds.json"
    coco = COCO(files[0])
    run = COCOeval(
        coco, coco.loadRes(files[1]), "keypoints_crowd", np.array(pc.CROWDPOSE14.sigmas), use_area=False
    )
    run.evaluate()
    run.accumulate()
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        run.summarize()
    assert run.stats.tolist() == pc.evaluate(*files).stats.tolist()
    assert out.getvalue().splitlines()[-1] == (
        " Average Precision  (AP) @[ IoU=0.50:0.95 | type=  hard | maxDets= 20 ] = 0.412"
    )


@pytest.mark.parametrize(
    ("kind", "sigmas"),
    [
        ("keypoints", pc.COCO17.sigmas),
        ("keypoints_foot", (0.068, 0.066, 0.066, 0.092, 0.094, 0.094)),
        ("keypoints_lefthand", tuple(np.linspace(0.02, 0.05, 21))),
        ("keypoints_wholebody", tuple(np.linspace(0.02, 0.1, 133))),
    ],
)
def test_wholebody_as_xtcocotools_is_called(shared: Path, kind: str, sigmas: tuple[float, ...]) -> None:
    folder = shared / "data" / "eval" / "xtcocoapi"
    files = folder / "example_wholebody_val.json", folder / "example_wholebody_preds.json"
    coco = COCO(files[0])
    run = COCOeval(coco, coco.loadRes(files[1]), kind, np.array(sigmas), use_area=True)
    run.evaluate()
    run.accumulate()
    with contextlib.redirect_stdout(io.StringIO()):
        run.summarize()
    assert run.stats[0] > 0.2
    other = coco_peers.xtcocotools(*files, kind, sigmas, use_area=True)
    assert np.array_equal(run.eval["precision"], other.precision)
    assert run.stats.tolist() == other.stats.tolist()


def test_boxes_and_masks_name_the_tool_for_them() -> None:
    with pytest.raises(
        NotImplementedError, match="evaluates keypoints; the tool that evaluates bbox is pycocotools"
    ):
        COCOeval(None, None, "bbox")
    with pytest.raises(NotImplementedError, match=r"computeIoU: .*pycocotools"):
        COCOeval().computeIoU(1, 1)


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        (set_all(kpt_oks_sigmas=np.full(14, 0.1)), "kpt_oks_sigmas: wanted 17, one a keypoint of .*, got 14"),
        (set_all(kpt_oks_sigmas=[0.1] * 16 + [-1]), "kpt_oks_sigmas: wanted a number from 1e-09 to 1e"),
        (set_all(iouThrs=[0.5, 1.5]), "iouThrs: wanted a number from 0 to 1, got 1.5"),
        (set_all(iouThrs=[]), "iouThrs: wanted at least one, got none"),
        (set_all(recThrs=[0.5, 0.1]), "recThrs: wanted ascending numbers from 0 to 1"),
        (set_all(areaRng=[[0, 5, 9]]), r"areaRng: wanted pairs of px², got \[0, 5, 9\]"),
        (set_all(areaRng=[[9, 5]]), r"areaRng: wanted pairs that ascend, got \[9, 5\]"),
        (set_all(maxDets=[0]), "maxDets: wanted a whole number from 1"),
        (set_all(maxDets=[]), "maxDets: wanted at least one, got none"),
    ],
)
def test_settings_that_cannot_be_get_a_sentence(setting: Setting, sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{sentence}"):
        evaluated(ours, *noisy_set(14), setting)


def test_calls_out_of_order_get_a_sentence() -> None:
    run = COCOeval()
    with pytest.raises(TypeError, match="cocoGt: wanted a COCO, got NoneType"):
        run.evaluate()
    with pytest.raises(RuntimeError, match=r"accumulate: wanted evaluate\(\) before"):
        run.accumulate()
    with pytest.raises(RuntimeError, match=r"summarize: wanted accumulate\(\) before"):
        run.summarize()
    assert run.evalImgs == []
    assert run.ious == {}
    with pytest.raises(
        ValueError, match=r"iouType: wanted one of keypoints, keypoints_crowd, .*, got 'boxes'"
    ):
        COCOeval(None, None, "boxes")


def test_what_was_not_evaluated_cannot_be_accumulated() -> None:
    run, _ = evaluated(ours, *noisy_set(15))
    for values, sentence in (
        ({"maxDets": [100]}, "maxDets: wanted at most 20, which were evaluated, got 100"),
        ({"iouThrs": [0.51]}, "iouThrs: wanted values that were evaluated, got 0.51"),
        ({"catIds": [9]}, "catIds: wanted values that were evaluated, got 9"),
    ):
        asked = copy.deepcopy(run.params)
        asked.__dict__.update(values)
        with pytest.raises(ValueError, match=f"^{sentence}"):
            run.accumulate(asked)
    run.evalImgs = run.evalImgs[1:]
    with pytest.raises(ValueError, match=r"evalImgs: wanted 36 entries, .* got 35"):
        run.accumulate()
    with pytest.raises(ValueError, match=r"aRng: wanted one of params.areaRng, got \[0, 5\]"):
        run.evaluateImg(3, 1, [0, 5], 20)


def test_parts_without_sigmas_of_their_own_ask_for_them() -> None:
    run = COCOeval(None, None, "keypoints_wholebody")
    with pytest.raises(
        ValueError, match=r"sigmas: keypoints_wholebody has none of its own.*COCOeval\(..., sigmas="
    ):
        run.params.protocol(use_area=True, skip_unscored=True)
