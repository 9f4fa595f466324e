"""Slices: each truth is in the slice that it belongs to, and nothing outside of a slice counts in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_people import annotations, found, keypoints, person
from scenes import scene, without_people

from posecore import evaluate
from posecore.evaluation.boxes import crowding
from posecore.evaluation.slices import PROPERTIES, Slice, rank_pictures, slices

LYING = [v if i % 3 == 2 else (v - 100) * (2 if i % 3 == 0 else 0.5) + 100 for i, v in enumerate(keypoints())]
SMALL = [v if i % 3 == 2 else (v - 100) * 0.3 + 300 for i, v in enumerate(keypoints())]


def by_label(found_slices: tuple[Slice, ...]) -> dict[str, Slice]:
    return {each.label: each for each in found_slices}


def test_the_areas_are_those_of_the_report() -> None:
    report = evaluate(*scene(4))
    areas = by_label(slices(report, by=["area"]))
    assert [areas[label].ap for label in ("all", "medium", "large")] == [
        report[n] for n in ("AP", "APM", "APL")
    ]
    assert (areas["all"].ap50, areas["all"].ap75, areas["all"].ar) == (
        report["AP50"],
        report["AP75"],
        report["AR"],
    )


def test_sizes_double_and_a_wrong_detection_counts_where_its_size_is() -> None:
    truth = annotations(person(1), person(2, keypoints=SMALL, area=900.0, bbox=[300, 300, 30, 60]))
    results = [found(), found(score=0.5, points=SMALL), found(2, 0.95, [v * 0.3 for v in keypoints()])]
    sizes = by_label(slices(evaluate(truth, results), by=["size"]))
    assert [each.truths for each in sizes.values()] == [0, 1, 0, 1, 0, 0, 0]
    assert list(sizes)[:2] == ["under 16 px", "16 to 32 px"]
    assert sizes["64 to 128 px"].ap == pytest.approx(1)
    assert sizes["32 to 64 px"].detections == 1
    assert sizes["16 to 32 px"].detections == 1
    assert sizes["512 px and more"].ap == -1


def test_a_wrong_detection_is_as_large_as_its_keypoints_say() -> None:
    wrong = found(2, points=keypoints()) | {"bbox": [0, 0, 4, 4]}
    sizes = by_label(slices(evaluate(annotations(person(1)), [wrong]), by="size"))
    assert [label for label, each in sizes.items() if each.detections] == ["64 to 128 px"]


def test_one_property_may_be_a_word_and_none_is_all() -> None:
    report = evaluate(*scene(4))
    assert report.slices(by="aspect") == slices(report, by=["aspect"])
    assert {each.name for each in report.slices()} == set(PROPERTIES)


def test_a_size_is_in_one_slice_alone() -> None:
    truth = annotations(person(1, area=64.0**2))
    sizes = by_label(slices(evaluate(truth, [found()]), by=["size"]))
    assert sizes["32 to 64 px"].truths == 0
    assert sizes["64 to 128 px"].truths == 1


def test_people_are_sliced_by_how_many_keypoints_are_labelled() -> None:
    truth = annotations(
        person(1),
        person(2, 2, keypoints=keypoints(without=tuple(range(12)))),
        person(3, 2, keypoints=[0] * 51, iscrowd=1),
    )
    report = evaluate(truth, [found(), found(score=0.95, points=keypoints(400, 200)), found(2, 0.1)])
    labels = by_label(slices(report, by=["keypoints"]))
    assert {label: each.truths for label, each in labels.items()} == {
        "1 to 5": 1,
        "6 to 10": 0,
        "11 to 15": 0,
        "16 to 17": 1,
    }
    assert labels["1 to 5"].ap == pytest.approx(1)  # the wrong detection is in another picture
    assert labels["16 to 17"].ap == pytest.approx(0.5)


def test_crowding_is_the_greatest_overlap_with_another_person() -> None:
    beside = person(2, keypoints=keypoints(150, 100), bbox=[150, 100, 100, 200])
    touching = person(3, keypoints=keypoints(500, 100), bbox=[500, 100, 100, 200])
    crowd = person(4, iscrowd=1, keypoints=[0] * 51, bbox=[0, 0, 640, 480])
    elsewhere = person(5, 2)
    truth = annotations(person(1), beside, touching, crowd, elsewhere)
    report = evaluate(truth, [found()])
    np.testing.assert_allclose(crowding(report.truths), [1 / 3, 1 / 3, 0, 0, 0])
    labels = by_label(slices(report, by=["crowding"]))
    assert {label: each.truths for label, each in labels.items()} == {
        "touches no one": 2,
        "IoU under 0.1": 0,
        "IoU 0.1 to 0.3": 0,
        "IoU 0.3 to 0.5": 2,
        "IoU 0.5 and more": 0,
    }
    assert labels["IoU 0.3 to 0.5"].ar == 0.5


def test_without_a_box_the_labelled_keypoints_are_it() -> None:
    truth = annotations(person(1), person(2, keypoints=keypoints(150, 100)))
    for each in truth["annotations"]:
        del each["bbox"]
    report = evaluate(truth, [found()])
    x, width = 150 + 8 - 100, 84
    overlap = (width + 8 - x) / (2 * width - (width + 8 - x))
    np.testing.assert_allclose(crowding(report.truths), overlap)


def test_people_stand_or_lie() -> None:
    truth = annotations(person(1), person(2, 2, keypoints=LYING, bbox=[100, 100, 200, 100]))
    report = evaluate(truth, [found(), found(2, 0.9, LYING), found(2, 0.95, keypoints(400, 200))])
    labels = by_label(slices(report, by=["aspect"]))
    assert labels["landscape"].ap == pytest.approx(1)
    assert labels["portrait"].ap == pytest.approx(0.5)
    assert (labels["portrait"].truths, labels["landscape"].truths) == (1, 1)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", ["size", "keypoints", "crowding", "aspect"])
def test_every_truth_that_counts_is_in_one_slice(name: str, seed: int) -> None:
    report = evaluate(*scene(seed))
    parts = slices(report, by=[name])
    assert {each.name for each in parts} == {name}
    assert sum(each.truths for each in parts) == np.count_nonzero(~report.matches.truth_ignored[0])


def test_nothing_found_is_sliced_too() -> None:
    parts = slices(evaluate(annotations(person(1)), []))
    assert {each.name for each in parts} == set(PROPERTIES)
    assert {each.ap for each in parts} == {0.0, -1.0}


def test_no_one_to_find_is_sliced_too() -> None:
    report = without_people(evaluate(annotations(person(1)), [found(), found(2)]))
    assert {each.ap for each in slices(report)} == {-1.0}
    assert {each.truths for each in slices(report)} == {0}
    assert rank_pictures(report).wrong.tolist() == [1, 1]


def test_a_number_that_was_not_evaluated_is_none_in_plain_data() -> None:
    assert Slice("size", "x", 1, 1, 0.5, float("nan"), 0.5, 0.5).as_dict()["ap50"] is None


def test_pictures_are_ranked_from_the_worst() -> None:
    truth = annotations(person(1), person(2, keypoints=keypoints(400, 100)), person(3, 2), images=4)
    results = [found(), found(2, 0.5), found(3, 0.2), found(3, 0.1, keypoints(400, 100))]
    pictures = rank_pictures(evaluate(truth, results))
    assert pictures.rows.tolist() == [2, 0, 1]
    assert pictures.truths.tolist() == [0, 2, 1]
    assert pictures.missed.tolist() == [0, 1, 0]
    assert pictures.wrong.tolist() == [2, 0, 0]
    assert pictures.mean_oks.tolist() == [0, 0.5, 1]


def test_real_detections_are_sliced(shared: Path) -> None:
    """Upright people are found and people who lie are not, and few labels are hardly ever matched."""
    folder = shared / "data/eval"
    report = evaluate(folder / "coco_val250_gt.json", folder / "coco_val250_dt_lwop_ax.json")
    labels = by_label(slices(report))
    assert labels["portrait"].ap > 4 * labels["landscape"].ap
    assert labels["1 to 5"].ar < labels["6 to 10"].ar < labels["11 to 15"].ar < labels["16 to 17"].ar
    assert len(rank_pictures(report)) == 158


@pytest.mark.parametrize(
    ("by", "sentence"),
    [
        ("height", "by: wanted one of area, size, keypoints, crowding, aspect, got 'height'"),
        (3, "by: wanted some of area, size, keypoints, crowding, aspect, got 3"),
        (["height"], "by: wanted one of area, size, keypoints, crowding, aspect, got 'height'"),
    ],
)
def test_a_bad_property_gets_one_sentence(by: object, sentence: str) -> None:
    with pytest.raises((TypeError, ValueError), match=f"^{sentence}"):
        slices(evaluate(annotations(person(1)), [found()]), by=by)  # type: ignore[arg-type]


def test_what_is_sliced_is_a_report() -> None:
    for function in (slices, rank_pictures):
        with pytest.raises(TypeError, match="report: wanted a Report, got NoneType"):
            function(None)  # type: ignore[operator]
