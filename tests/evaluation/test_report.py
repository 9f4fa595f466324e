"""The report: its card says what the numbers are of, and its tables add up."""

from __future__ import annotations

import json
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_people import annotations, found, keypoints, person

from posecore import COCO17, evaluate
from posecore.errors import SourceError
from posecore.evaluation.coco_files import read_detections, read_truths
from posecore.evaluation.keypoint_errors import KINDS
from posecore.evaluation.matching import accumulate, match
from posecore.evaluation.protocol import COCO
from posecore.evaluation.report import Report


@pytest.fixture
def report() -> Report:
    """Two pictures: in 1 a hit, a miss and a false alarm, in 2 a crowd that takes a detection."""
    far = keypoints(400, 100)
    crowd = person(3, 2, iscrowd=1, keypoints=[0] * 51, bbox=[300, 100, 200, 200])
    return evaluate(
        annotations(person(1), person(2, keypoints=far, bbox=[400, 100, 100, 200]), crowd),
        [found(score=0.9), found(score=0.5, points=keypoints(250, 250)), found(2, 0.4, keypoints(350, 100))],
    )


def test_the_card_says_what_the_numbers_are_of(report: Report) -> None:
    card = dict(report.card())
    assert card["protocol"] == "coco"
    assert card["area in OKS"] == "the annotation's area"
    assert card["images"] == "2, of which 2 have results"
    assert card["truths"] == "3, of which 2 count"
    assert card["detections per image"] == "the best 20"
    assert card["sigmas"].startswith("0.026 0.025 0.025 0.035")
    assert card["OKS thresholds"] == "0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95"
    assert str(report).startswith("protocol ")
    assert f"AP         {report['AP']: .4f}" in str(report)


def test_stats_are_found_by_name(report: Report) -> None:
    assert report["AR50"] == report.stats[6] == 0.5
    with pytest.raises(KeyError, match="stat: wanted one of AP, AP50"):
        report["mAP"]


def test_pycocotools_arrays_have_its_shapes(report: Report) -> None:
    assert report.precision.shape == (10, 101, 1, 3, 1)
    assert report.recall.shape == (10, 1, 3, 1)
    assert report.scores.shape == (10, 101, 1, 3, 1)


def test_pictures_count_hits_misses_and_false_alarms(report: Report) -> None:
    rows = report.per_image()
    assert rows.ids.tolist() == [1, 2]
    assert rows.truths.tolist() == [2, 0]
    assert rows.found.tolist() == [1, 0]
    assert rows.wrong.tolist() == [1, 0]
    assert rows.mean_oks[0] == 1.0
    assert np.isnan(rows.mean_oks[1])


def test_keypoints_are_those_of_people_that_were_found(report: Report) -> None:
    rows = report.per_keypoint()
    assert rows.names[0] == "nose"
    assert rows.labelled.tolist() == [2] * 17
    assert rows.compared.tolist() == [1] * 17
    assert rows.similarity.tolist() == [1.0] * 17
    assert rows.good.tolist() == [1.0] * 17


def test_one_displaced_keypoint_shows_in_its_own_row_only() -> None:
    points = keypoints()
    points[3 * 9] += 30  # the left wrist, 30 px to the right
    rows = evaluate(annotations(person(1)), [found(points=points)]).per_keypoint()
    assert rows.distance[9] == pytest.approx(30 / 9000**0.5)
    assert rows.similarity[9] == pytest.approx(np.exp(-(30**2) / (2 * 9000 * (2 * 0.062) ** 2)))
    assert np.delete(rows.similarity, 9).tolist() == [1.0] * 16


def test_thresholds_that_were_not_evaluated_are_refused(report: Report) -> None:
    with pytest.raises(ValueError, match=r"threshold: wanted one of 0\.5, 0\.55"):
        report.per_image(0.42)


def test_a_threshold_is_the_nearest_double(report: Report) -> None:
    assert report.protocol.thresholds[8] != 0.9
    assert report.per_image(0.9).found.tolist() == [1, 0]
    assert report.per_keypoint(0.9).compared.tolist() == [1] * 17
    with pytest.raises(TypeError, match=r"threshold: wanted one of 0\.5, .* got '0\.5'"):
        report.per_image("0.5")  # type: ignore[arg-type]


def test_numbers_at_a_threshold_have_its_name_whatever_its_last_bit() -> None:
    thresholds = (np.nextafter(0.5, 1), np.nextafter(0.75, 1))
    near = evaluate(annotations(person(1)), [found()], protocol=replace(COCO, thresholds=thresholds))
    assert near.stat_names == ("AP", "AP50", "AP75", "APM", "APL", "AR", "AR50", "AR75", "ARM", "ARL")


def test_json_holds_every_number_and_no_nan(report: Report, tmp_path: Path) -> None:
    report.save_json(tmp_path / "report.json")
    data = json.loads((tmp_path / "report.json").read_text())
    assert data["stats"]["AP"] == report["AP"]
    assert np.array(data["precision"]).shape == (10, 101, 1, 3)
    assert data["images"][1] == {
        "id": 2, "file": "2.jpg", "truths": 0, "found": 0, "missed": 0, "wrong": 0, "mean_oks": None,
    }  # fmt: skip
    assert data["keypoints"][0]["name"] == "nose"
    assert data["protocol"]["sigmas"] == list(COCO17.sigmas or ())
    assert data["counts"]["truths_that_count"] == 2
    assert data["truth"] == {"name": "dict", "sha256": None, "size_bytes": None}
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


def test_nobody_and_nothing_is_a_report_too() -> None:
    report = evaluate(annotations(person(1)), [])
    assert report.stats.tolist() == [0, 0, 0, 0, -1, 0, 0, 0, 0, -1]
    assert evaluate(annotations(), []).stats.tolist() == [-1] * 10


def test_what_is_beyond_all_numbers_is_none_in_json(tmp_path: Path) -> None:
    points = keypoints(v=0.8)
    points[0] = 1e300
    points[3:5] = 1.7e308, -1.7e308
    report = evaluate(annotations(person(1)), [found(points=points)])
    rows = report.per_keypoint()
    assert rows.similarity[:3].tolist() == [0, 0, 1]
    assert np.isinf(rows.distance[:2]).all()
    report.save_json(tmp_path / "report.json")
    data = json.loads((tmp_path / "report.json").read_text())
    assert [row["distance"] for row in data["keypoints"][:3]] == [None, None, 0]
    assert report.slices(by="aspect")[0].truths == 1
    assert json.dumps(report.calibrate().as_dict(), allow_nan=False)
    assert report.diagnose().errors[0].kinds[0, 0] == KINDS.index("miss")


def test_a_negative_side_of_a_box_is_no_warning() -> None:
    truth = annotations(person(1, bbox=[200, 300, -100, 200]), person(2, 2))
    report = evaluate(truth, [found(), found(2)], protocol=replace(COCO, area="box"))
    assert report.areas[0] < 0
    assert report.slices(by="size")[0].label == "under 16 px"
    report.per_keypoint()
    report.diagnose(ranges=[("all", 0, 1e10)])


def test_as_many_categories_as_pictures_cost_what_their_people_do() -> None:
    """20,000 of each: 400 million pairs of a category and a picture, of which 20,000 have somebody."""
    many = 20_000
    truths = read_truths(annotations(person(1)))
    rows = np.arange(many)
    images = replace(
        truths.images,
        ids=rows + 1,
        widths=np.zeros(many, np.int64),
        heights=np.zeros(many, np.int64),
        file_names=("",) * many,
        crowd_indices=np.full(many, np.nan),
    )
    first = np.zeros(many, np.int64)
    truths = replace(
        truths,
        images=images,
        ids=rows + 1,
        image_index=rows,
        category_ids=rows[::-1].copy(),
        xy=truths.xy[first],
        visibility=truths.visibility[first],
        stated_num_keypoints=truths.stated_num_keypoints[first],
        areas=truths.areas[first],
        boxes=truths.boxes[first],
        is_crowd=truths.is_crowd[first],
        category_names=dict.fromkeys(range(many), ""),
    )
    detections = read_detections(
        [found(5) | {"category_id": many - 5}, found(7) | {"category_id": 1}], truths
    )
    tracemalloc.start()
    matches = match(
        truths,
        detections,
        sigmas=COCO17.sigmas,
        areas=truths.areas,
        thresholds=(0.5,),
        ranges=COCO.area_ranges[:1],
        max_detections=20,
    )
    recall = accumulate(matches, detections.scores).recall
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 256 << 20
    assert np.flatnonzero(recall[0, :, 0]).tolist() == [many - 5]
    assert matches.order.tolist() == [1, 0]


def test_pictures_without_people_score_minus_one_whatever_is_found() -> None:
    """As of pycocotools: a set for false alarms, whose category need not name keypoints."""
    truth = annotations()
    del truth["categories"][0]["keypoints"]
    report = evaluate(truth, [found()], protocol="coco")
    assert report.stats.tolist() == [-1] * 10
    assert report.per_image().wrong.tolist() == [1, 0]
    assert evaluate(truth, [found()], skeleton=COCO17).stats.tolist() == [-1] * 10
    assert evaluate(truth, [found()], protocol="wholebody_body").stats.tolist() == [-1] * 10
    with pytest.raises(SourceError, match=r"keypoints: wanted 51 numbers"):
        evaluate(truth, [found(points=[1.0] * 6)], protocol="coco")
    with pytest.raises(
        ValueError, match=r"protocol: dict has neither people nor names .* wanted one of coco,"
    ):
        evaluate(truth, [found()])
    assert read_detections([found()], read_truths(truth)).xy.shape == (1, 17, 2)
