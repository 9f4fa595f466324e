"""Protocols: which one fits which keypoints, and what is said where none does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_people import annotations, found, keypoints, person

from posecore import COCO17, CROWDPOSE14, MPII16, Skeleton, evaluate
from posecore.errors import SourceError
from posecore.evaluation import protocol as protocols
from posecore.evaluation.protocol import AreaRange, Protocol

DIAMOND = Skeleton("diamond", ("top", "left_side", "right_side", "bottom"), flip_pairs=((1, 2),))


def diamond_set() -> dict[str, object]:
    truth = annotations(person(1, keypoints=[50, 0, 2, 100, 50, 2, 0, 50, 2, 50, 100, 2]))
    truth["categories"][0]["keypoints"] = list(DIAMOND.keypoints)
    return truth


def test_auto_goes_by_keypoint_names() -> None:
    for skeleton, name in ((COCO17, "coco"), (CROWDPOSE14, "crowdpose")):
        assert protocols.for_keypoints(skeleton.keypoints, skeleton.num_keypoints, "x").name == name


def test_names_may_be_spelled_otherwise() -> None:
    spelled = [name.replace("_", " ").title() for name in COCO17.keypoints]
    assert protocols.for_keypoints(spelled, 17, "x").name == "coco"
    head = [*CROWDPOSE14.keypoints[:12], "head", "neck"]
    assert protocols.for_keypoints(head, 14, "x").name == "crowdpose"


def test_17_keypoints_of_other_names_are_not_taken_for_cocos() -> None:
    posetrack = ("nose", "head_bottom", "head_top", *COCO17.keypoints[3:])
    with pytest.raises(
        ValueError, match=r"posetrack\.json has 17 keypoints \(nose, head_bottom, head_top, left_ear"
    ):
        protocols.for_keypoints(posetrack, 17, "posetrack.json")


def test_a_set_without_names_goes_by_its_count() -> None:
    assert protocols.for_keypoints((), 17, "x").name == "coco"


def test_a_skeleton_without_sigmas_is_an_error_that_names_the_choices() -> None:
    with pytest.raises(
        ValueError,
        match=r"sigmas: skeleton mpii16 has none.*coco17, coco_feet23, crowdpose14",
    ):
        Protocol("mine", MPII16)


def test_any_skeleton_with_sigmas_can_be_scored() -> None:
    result = found(points=[50, 0, 1, 100, 50, 1, 0, 50, 1, 50, 100, 1])
    skeleton = replace(DIAMOND, sigmas=(0.05,) * 4)
    for report in (
        evaluate(diamond_set(), [result], skeleton=skeleton),
        evaluate(diamond_set(), [result], sigmas=[0.05] * 4),
        evaluate(diamond_set(), [result], protocol=Protocol("mine", skeleton)),
    ):
        assert report["AR"] == 1.0
    with pytest.raises(ValueError, match="OKS needs a sigma for each"):
        evaluate(diamond_set(), [result])


def test_a_protocol_of_other_keypoints_is_refused() -> None:
    with pytest.raises(ValueError, match="protocol: crowdpose has 14 keypoints, but those of dict are 17"):
        evaluate(annotations(person(1)), [found()], protocol="crowdpose")


def test_the_area_may_be_that_of_the_box() -> None:
    truth = annotations(person(1, area=1.0))
    moved = [found(points=keypoints(103, 104))]
    assert evaluate(truth, moved)["AP"] == 0
    by_box = evaluate(truth, moved, protocol=replace(protocols.COCO, area="box"))
    assert by_box["AP50"] == pytest.approx(1)
    assert by_box.areas.tolist() == [200 * 100 * 0.53]


def test_a_truth_without_area_says_what_could_be_done() -> None:
    truth = annotations(person(1))
    del truth["annotations"][0]["area"]
    with pytest.raises(SourceError, match=r"annotation 0 \(id 1\): wanted the field area.*crowdpose"):
        evaluate(truth, [found()])


def test_crowdpose_goes_by_the_stated_number_of_keypoints() -> None:
    points = [float(n) for k in range(14) for n in (100 + k, 100 + k, 2)]
    truth = annotations(person(1, keypoints=points, num_keypoints=0))
    truth["categories"][0]["keypoints"] = list(CROWDPOSE14.keypoints)
    truth["images"] = [image | {"crowdIndex": 0.5} for image in truth["images"]]
    report = evaluate(truth, [found(points=points)])
    assert report.protocol.name == "crowdpose"
    assert report.stats.tolist() == [-1] * 9
    assert dict(report.card())["ignored truths"] == "crowds, num_keypoints 0, area outside of the range"
    assert report.notes == ()
    assert report.stat_names == (
        "AP", "AP50", "AP75", "AR", "AR50", "AR75", "AP_easy", "AP_medium", "AP_hard",
    )  # fmt: skip


def test_crowdpose_counts_pictures_by_their_crowd_index() -> None:
    points = [float(n) for k in range(14) for n in (100 + k, 100 + 3 * k, 2)]
    truth = annotations(*(person(i, i, keypoints=points) for i in (1, 2, 3)), images=3)
    truth["categories"][0]["keypoints"] = list(CROWDPOSE14.keypoints)
    for image, index in zip(truth["images"], (0.1, 0.2, 0.8), strict=True):
        image["crowdIndex"] = index
    report = evaluate(truth, [found(2, points=points)])
    assert report["AP_easy"] == 0
    assert report["AP_medium"] == pytest.approx(1)
    assert report["AP_hard"] == 0


def test_crowdpose_without_crowd_indices_says_so() -> None:
    points = [float(n) for k in range(14) for n in (100 + k, 100 + 3 * k, 2)]
    truth = annotations(person(1, keypoints=points), images=3)
    truth["categories"][0]["keypoints"] = list(CROWDPOSE14.keypoints)
    truth["images"][2]["crowdIndex"] = 0.5
    report = evaluate(truth, [found(points=points)])
    note = "2 of 3 images have no crowdIndex and are in none of AP_easy, AP_medium, AP_hard"
    assert note in report.notes
    truth["images"] = [image | {"crowdIndex": 0.5} for image in truth["images"]]
    assert evaluate(truth, [found(points=points)]).notes == ()


def test_wholebody_leaves_out_results_without_any_score() -> None:
    blank = found(points=keypoints(v=0))
    report = evaluate(annotations(person(1)), [blank], protocol="wholebody_body")
    assert report["AR"] == 0
    assert "1 result has no keypoint score above 0 and is left out" in report.notes
    assert evaluate(annotations(person(1)), [blank])["AR"] == 1


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"thresholds": ()}, "thresholds: wanted at least one"),
        ({"thresholds": (0.5, 0.75, 0.6)}, r"thresholds: wanted ascending .* got 0\.5, 0\.75, 0\.6"),
        ({"thresholds": (0.5, 0.5)}, "thresholds: wanted ascending"),
        (
            {"area_ranges": (protocols.ALL, protocols.ALL)},
            "area_ranges: wanted each label once, got all, all",
        ),
        ({"area_ranges": ()}, "area_ranges: wanted at least one"),
        ({"area_ranges": (AreaRange("odd", 5, 4),)}, "area_ranges: wanted least <= most for 'odd'"),
        ({"max_detections": 0}, "max_detections: wanted a whole number from 1"),
        ({"area": "bbox"}, "area: wanted one of annotation, box"),
    ],
)
def test_protocols_that_make_no_sense_are_refused(changed: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        replace(protocols.COCO, **changed)


def test_unknown_names_list_the_choices() -> None:
    with pytest.raises(ValueError, match="protocol: wanted one of coco, coco_feet, crowdpose"):
        evaluate(annotations(person(1)), [], protocol="coco17")
    with pytest.raises(TypeError, match="protocol: wanted a Protocol or a name, got int"):
        evaluate(annotations(person(1)), [], protocol=3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"skeleton": "coco17"}, "skeleton: wanted a Skeleton, such as posecore.COCO17, got str"),
        ({"sigmas": 0.05}, r"sigmas: wanted a list of numbers, one a keypoint, got 0\.05"),
        ({"sigmas": "0.05"}, "sigmas: wanted a list of numbers, one a keypoint, got '0.05'"),
        ({"sigmas": [None] * 17}, "sigmas: wanted a number from 1e-09 to 1e"),
        ({"sigmas": [0.05] * 3}, "sigmas: "),
    ],
)
def test_arguments_of_another_kind_are_named(options: dict[str, object], sentence: str) -> None:
    with pytest.raises((TypeError, ValueError), match=f"^{sentence}"):
        evaluate(annotations(person(1)), [found()], **options)  # type: ignore[arg-type]


def test_thresholds_are_those_of_numpys_linspace() -> None:
    assert protocols.COCO.thresholds == tuple(np.linspace(0.5, 0.95, 10))
