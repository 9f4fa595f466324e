"""`evaluate` beside pycocotools, faster-coco-eval and xtcocotools: the same numbers to the last bit.

`POSECORE_SLOW=1` compares the set of 5000 images with the peers too, not only with their pinned numbers.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import coco_peers
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from random_sets import coco_sets

import posecore as pc
from posecore.evaluation.protocol import get

# facts of COCO's and CrowdPose's files as pycocotools 2.0.11 and xtcocotools 1.14.3 score them.
PINNED = {
    "val250": (
        *(
            0.21535592895458897,
            0.43069394770916203,
            0.19051917887785377,
            0.16414954134682197,
            0.288609201518606,
        ),
        *(
            0.24559270516717327,
            0.46200607902735563,
            0.22796352583586627,
            0.1732620320855615,
            0.34084507042253526,
        ),
    ),
    "example_coco": (
        *(0.8608896054440609, 0.993145468392993, 0.9108910891089109, 0.7755775577557756, 0.9372524752475248),
        *(0.875, 1.0, 0.9166666666666666, 0.78, 0.9428571428571428),
    ),
    "scale_5000": (
        *(
            0.2339551817683302,
            0.5345262144168343,
            0.17720142837491604,
            0.27135983004095804,
            0.18893048769906362,
        ),
        *(0.4017846058348852, 0.7855369335816264, 0.33178150217256364, 0.404363814660456, 0.3973361522198732),
    ),
    "crowdpose": (
        *(0.7877215935879303, 0.9881188118811886, 0.7314356435643564),
        *(0.8222222222222223, 1.0, 0.7777777777777778),
    ),
    "body": (
        *(0.853921820753504, 1.0, 0.9352310231023103, 0.7765442972868715, 0.9227740905958729),
        *(0.8958333333333334, 1.0, 0.9583333333333334, 0.8272727272727272, 0.953846153846154),
    ),
    "foot": (
        *(0.9571054164239954, 1.0, 0.9854397204426324, 0.9237623762376238, 0.9790664780763791),
        *(0.975, 1.0, 1.0, 0.9571428571428571, 0.9888888888888889),
    ),
}
Set = tuple[Path, Path]
Peer = Callable[[Any, Any], coco_peers.Evaluated]


def scale_set(shared: Path, folder: Path, images: int, seed: int) -> Set:
    """The annotations and results of the shared generator, 20 results an image."""
    generator = shared / "data" / "eval" / "make_scale_set.py"
    command = [sys.executable, str(generator), str(folder), str(images), "20", str(seed)]
    subprocess.run(command, check=True, capture_output=True)
    return folder / f"gt_{images}.json", folder / f"dt_{images}.json"


@pytest.fixture(scope="module")
def scale_300(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Set:
    return scale_set(shared, tmp_path_factory.mktemp("scale_300"), 300, 7)


@pytest.fixture(scope="module")
def scale_5000(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Set:
    return scale_set(shared, tmp_path_factory.mktemp("scale_5000"), 5000, 20170)


@pytest.fixture(params=["val250", "val250_top20", "example_coco", "scale_300"])
def some_set(request: pytest.FixtureRequest, shared: Path) -> Set:
    """The shared sets of COCO's 17 keypoints, one after the other."""
    folder = shared / "data" / "eval"
    if request.param == "scale_300":
        return request.getfixturevalue("scale_300")
    return {
        "val250": (folder / "coco_val250_gt.json", folder / "coco_val250_dt_lwop_ax.json"),
        "val250_top20": (folder / "coco_val250_gt.json", folder / "coco_val250_dt_lwop_ax_top20.json"),
        "example_coco": (
            folder / "xtcocoapi" / "example_coco_val.json",
            folder / "xtcocoapi" / "example_coco_preds.json",
        ),
    }[request.param]


def assert_equal(report: pc.evaluation.report.Report, theirs: coco_peers.Evaluated, stats: int = 10) -> None:
    """All arrays and the first `stats` numbers are the same to the last bit."""
    assert np.array_equal(report.precision, theirs.precision)
    assert np.array_equal(report.recall, theirs.recall)
    assert np.array_equal(report.scores, theirs.scores)
    assert report.stats[:stats].tolist() == theirs.stats[:stats].tolist()


def assert_equal_but_for_the_first_point(
    report: pc.evaluation.report.Report, theirs: coco_peers.Evaluated
) -> None:
    """All is the same to the last bit, but a precision of one out of one.

    pycocotools divides by 1 + 2.2e-16 there, which is .9999999999999998, and for larger counts the 2.2e-16 is lost;
    faster-coco-eval divides by the count, and its means are those of its own precisions. It leaves out categories
    that no annotation has.
    """
    used = np.isin(report.matches.categories, report.truths.category_ids)
    precision = report.precision[:, :, used]
    one_of_one = precision == 1 / (1 + np.spacing(1))
    assert np.array_equal(np.where(one_of_one, 1, precision), theirs.precision)
    assert np.array_equal(report.recall[:, used], theirs.recall)
    assert np.array_equal(report.scores[:, :, used], theirs.scores)
    assert report.stats[5:].tolist() == theirs.stats[5:10].tolist()
    if one_of_one.any():
        np.testing.assert_allclose(report.stats[:5], theirs.stats[:5], rtol=0, atol=2 * np.spacing(1))
    else:
        assert report.stats[:5].tolist() == theirs.stats[:5].tolist()


def test_shared_sets_are_as_in_pycocotools(some_set: Set) -> None:
    assert_equal(pc.evaluate(*some_set), coco_peers.pycocotools(*some_set))


def test_shared_sets_are_as_in_faster_coco_eval(some_set: Set) -> None:
    assert_equal_but_for_the_first_point(pc.evaluate(*some_set), coco_peers.faster_coco_eval(*some_set))


@given(coco_sets())
@settings(max_examples=500, suppress_health_check=list(HealthCheck))
def test_random_sets_are_as_in_the_peers(drawn: tuple[dict[str, Any], list[Any]]) -> None:
    report = pc.evaluate(*drawn)
    assert_equal(report, coco_peers.pycocotools(*drawn))
    assert_equal_but_for_the_first_point(report, coco_peers.faster_coco_eval(*drawn))


def test_results_with_boxes_are_measured_by_them() -> None:
    """COCO's loader takes a result's area from its box where the first result has one, and so does `evaluate`."""
    from standing_people import annotation, result, truth

    people = truth(annotation(1, 1), annotation(2, 2))
    # Nobody is there, and its keypoints span a medium area; its box is large.
    astray = result(0.95, box=(400, 100, 60, 125), bbox=[0, 0, 100, 100])
    results = [astray, result(0.9, 1, bbox=[0, 0, 100, 100]), result(0.8, 2, bbox=[0, 0, 100, 100])]
    report = pc.evaluate(people, results)
    assert report["APM"] == 1.0
    assert pc.evaluate(people, [{k: v for k, v in r.items() if k != "bbox"} for r in results])["APM"] < 0.7
    assert_equal(report, coco_peers.pycocotools(people, results))


@pytest.mark.parametrize(
    ("pinned", "truth", "results"),
    [
        ("val250", "coco_val250_gt.json", "coco_val250_dt_lwop_ax.json"),
        ("example_coco", "xtcocoapi/example_coco_val.json", "xtcocoapi/example_coco_preds.json"),
    ],
)
def test_pinned_numbers(shared: Path, pinned: str, truth: str, results: str) -> None:
    folder = shared / "data" / "eval"
    assert tuple(pc.evaluate(folder / truth, folder / results).stats) == PINNED[pinned]


def test_pinned_numbers_of_5000_images(scale_5000: Set) -> None:
    assert tuple(pc.evaluate(*scale_5000).stats) == PINNED["scale_5000"]


@pytest.mark.skipif(os.environ.get("POSECORE_SLOW") != "1", reason="POSECORE_SLOW=1 runs it: half a minute")
def test_5000_images_are_as_in_the_peers(scale_5000: Set) -> None:
    report = pc.evaluate(*scale_5000)
    assert_equal(report, coco_peers.pycocotools(*scale_5000))
    assert_equal_but_for_the_first_point(report, coco_peers.faster_coco_eval(*scale_5000))


def test_crowdpose_is_as_in_xtcocotools(shared: Path) -> None:
    folder = shared / "data" / "eval" / "xtcocoapi"
    files = folder / "example_crowdpose_val.json", folder / "example_crowdpose_preds.json"
    report = pc.evaluate(*files)
    assert tuple(report.stats[:6]) == PINNED["crowdpose"]
    # xtcocotools rounds these three.
    assert report.stats[6:].round(4).tolist() == [1.0, 0.9802, 0.4116]
    theirs = coco_peers.xtcocotools(*files, "keypoints_crowd", pc.CROWDPOSE14.sigmas or (), use_area=False)
    assert np.array_equal(report.precision[:, :, :, 0], theirs.precision[:, :, :, 0])
    assert report.stats[:6].tolist() == theirs.stats[:6].tolist()
    assert report.stats[6:].round(4).tolist() == theirs.stats[6:].tolist()


@pytest.mark.parametrize(("part", "kind"), [("body", "keypoints"), ("foot", "keypoints_foot")])
def test_wholebody_is_as_in_xtcocotools(shared: Path, part: str, kind: str) -> None:
    folder = shared / "data" / "eval" / "xtcocoapi"
    files = folder / "example_wholebody_val.json", folder / "example_wholebody_preds.json"
    protocol = get(f"wholebody_{part}")
    report = pc.evaluate(*files, protocol=protocol)
    assert tuple(report.stats) == PINNED[part]
    assert_equal(report, coco_peers.xtcocotools(*files, kind, protocol.skeleton.sigmas or (), use_area=True))
