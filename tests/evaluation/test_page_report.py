"""What the page shows is what the report and its diagnosis say."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_people import annotations, found, keypoints, person
from scenes import scene, without_people

from posecore import COCO17, Skeleton, evaluate
from posecore.evaluation.diagnosis import Diagnosis
from posecore.evaluation.page import page_html
from posecore.evaluation.page_content import PageContent
from posecore.evaluation.page_gallery_entries import shares
from posecore.evaluation.page_report import mean_pose, page_of


@pytest.fixture(scope="module")
def diagnosis() -> Diagnosis:
    """Twenty pictures full of errors."""
    return evaluate(*scene(5, images=20)).diagnose()


@pytest.fixture(scope="module")
def shown(diagnosis: Diagnosis) -> PageContent:
    return page_of(diagnosis)


def test_numbers_are_the_reports(diagnosis: Diagnosis, shown: PageContent) -> None:
    run = shown.runs[0]
    assert [name for name, _ in run.stats] == list(diagnosis.report.stat_names)
    assert [-1 if v is None else v for _, v in run.stats] == diagnosis.report.stats.tolist()
    whole = [curve.ap for curve in run.areas[0].curves]
    assert np.mean([ap for ap in whole if ap is not None]) == pytest.approx(diagnosis.report["AP"], abs=1e-12)
    assert run.areas[0].curves[0].recall == pytest.approx(diagnosis.report["AR50"])
    assert run.areas[0].truths == int((~diagnosis.report.matches.truth_ignored[0]).sum())


def test_counts_are_the_diagnosis(diagnosis: Diagnosis, shown: PageContent) -> None:
    run = shown.runs[0]
    assert [row.counts for row in run.keypoints] == [
        tuple(c) for c in diagnosis.errors[0].counts[:, 1:].tolist()
    ]
    for fall, together, alone in zip(
        run.waterfalls, diagnosis.progressive_ap, diagnosis.alone_ap, strict=True
    ):
        assert [list(step.ap) for step in fall.progressive] == np.where(together < 0, None, together).tolist()
        assert [list(step.ap) for step in fall.alone] == np.where(alone < 0, None, alone).tolist()
        assert tuple(step.name for step in fall.progressive) == diagnosis.steps


def test_the_gallery_has_the_worst(diagnosis: Diagnosis, shown: PageContent) -> None:
    entries, errors = shown.runs[0].entries, diagnosis.errors[0]
    pairs = [entry for entry in entries if entry.type == "matched"]
    wrong = np.sort(errors.oks[(errors.kinds > 1).any(axis=1)])
    assert [entry.oks for entry in pairs] == wrong[: len(pairs)].tolist()
    for entry in pairs:
        (place,) = np.flatnonzero(errors.detection_rows == entry.detection)
        assert entry.kinds == tuple(errors.kinds[place].tolist())
        assert [s is None for s in entry.similarities] == [kind == 0 for kind in entry.kinds]
        known = [s for s in entry.similarities if s is not None]
        assert np.mean(known) == pytest.approx(entry.oks)
    alarms = [entry.score for entry in entries if entry.is_false_positive]
    assert alarms
    assert alarms == sorted(alarms, key=lambda score: -(score or 0))
    lost = [entry.area_px2 for entry in entries if entry.is_false_negative]
    assert lost
    assert lost == sorted(lost, key=lambda area: -(area or 0))
    assert [entry.rank for entry in entries] == list(range(len(entries)))


def test_the_worst_pictures_are_those_of_the_report(diagnosis: Diagnosis, shown: PageContent) -> None:
    every = diagnosis.report.per_image()
    mistakes = every.truths - every.found + every.wrong
    order = np.lexsort([every.ids, -mistakes])[: len(shown.runs[0].worst_pictures)]
    rows = shown.runs[0].worst_pictures
    assert [row.missed + row.wrong for row in rows] == mistakes[order].tolist()
    assert [row.truths for row in rows] == every.truths[order].tolist()
    means = [np.nan if row.mean_oks is None else row.mean_oks for row in rows]
    assert means == pytest.approx(every.mean_oks[order].tolist(), nan_ok=True)


def test_nobody_found_has_no_mean_oks() -> None:
    truth = annotations(person(1), images=1)
    (row,) = page_of(evaluate(truth, []).diagnose()).runs[0].worst_pictures
    assert (row.truths, row.missed, row.wrong, row.mean_oks) == (1, 1, 0, None)


def test_crops_hold_what_is_drawn(shown: PageContent) -> None:
    for entry in shown.runs[0].entries:
        picture = shown.pictures[entry.picture]
        x, y, width, height = picture.crop
        labelled = [xy for xy, v in zip(entry.truth_xy, entry.visibility, strict=True) if v]
        for px, py in (*labelled, *(xy for xy in entry.predicted_xy if xy != (0.0, 0.0))):
            inside = (min(max(px, 0), picture.width), min(max(py, 0), picture.height))
            assert x <= inside[0] <= x + width
            assert y <= inside[1] <= y + height


@given(st.integers(0, 60), st.tuples(*[st.integers(0, 60)] * 3))
def test_shares_fill_the_gallery(most: int, there: tuple[int, int, int]) -> None:
    taken = shares(most, there)
    assert sum(taken) == min(most, sum(there))
    assert all(0 <= a <= b for a, b in zip(taken, there, strict=True))


def test_of_a_person_among_the_worst_of_one_run_the_other_is_shown(diagnosis: Diagnosis) -> None:
    truth, _ = scene(5, images=20)
    better = evaluate(truth, [found(p["image_id"], 0.9, p["keypoints"]) for p in truth["annotations"]])
    shown = page_of([diagnosis, better.diagnose()])
    first, second = shown.runs
    crowds = {p["id"] for p in truth["annotations"] if p["iscrowd"]}
    people = [entry for entry in first.entries if entry.truth_id not in {None, *crowds}]
    wanted = {entry.key for entry in people if entry.rank is not None}
    there = {entry.key: entry for entry in second.entries}
    assert wanted <= set(there)
    assert all(there[key].rank is None or there[key].type == "false negative" for key in wanted)
    assert {there[key].type for key in wanted} >= {"matched"}
    assert page_html(shown) == page_html(page_of([diagnosis, better.diagnose()]))


def crowd_of_three() -> tuple[dict[str, Any], list[list[dict[str, Any]]]]:
    """A crowd that three detections of the first results match and one of the second."""
    truth = annotations(person(2**53 + 1, iscrowd=1), images=1)
    wrong = [keypoints(106 + 2 * k, 100, 0.5) for k in range(3)]
    return truth, [
        [found(score=0.9 - 0.1 * k, points=xy) for k, xy in enumerate(wrong)],
        [found(points=wrong[1])],
    ]


def test_every_detection_of_a_crowd_has_its_card() -> None:
    truth, runs = crowd_of_three()
    first, second = (evaluate(truth, results).diagnose() for results in runs)
    shown = page_of(first)
    assert sorted(entry.detection or 0 for entry in shown.runs[0].entries) == [0, 1, 2]
    assert len({entry.key for entry in shown.runs[0].entries}) == 3
    assert shown.gallery_note.startswith("3 matched pairs")
    both = page_of([first, second])
    keys = [entry.key for run in both.runs for entry in run.entries]
    assert len(keys) == len(set(keys)) == 4


def test_ids_of_annotations_are_shown_to_the_last_digit() -> None:
    truth, (results, _) = crowd_of_three()
    page = page_html(page_of(evaluate(truth, results).diagnose()))
    assert page.count(b'"truth":"9007199254740993"') == 3


def test_two_runs_are_of_the_same_people(diagnosis: Diagnosis) -> None:
    other = evaluate(*scene(6, images=20)).diagnose()
    with pytest.raises(ValueError, match="diagnoses: wanted two of the same people"):
        page_of([diagnosis, other])
    with pytest.raises(ValueError, match="diagnoses: wanted one or two, got 3"):
        page_of([diagnosis] * 3)
    with pytest.raises(ValueError, match="worst: wanted a whole number from 0 to 1000"):
        page_of(diagnosis, worst=5000)


def test_nobody_and_nothing_have_pages_too(diagnosis: Diagnosis) -> None:
    for report in (
        without_people(diagnosis.report),
        evaluate(scene(5)[0], []),
    ):
        made = page_of(report.diagnose())
        assert page_html(made)
        assert dict(made.runs[0].stats)["AP"] in (None, 0.0)


def test_the_worst_may_be_none(diagnosis: Diagnosis) -> None:
    made = page_of(diagnosis, worst=0)
    assert made.runs[0].entries == ()
    assert b'id="gallery"' not in page_html(made)


def test_names_of_runs_are_told_apart(diagnosis: Diagnosis, tmp_path: Path) -> None:
    runs = []
    for name in ("a/results.json", "b/results.json"):
        origin = dataclasses.replace(diagnosis.report.detections.origin, name=name)
        detections = dataclasses.replace(diagnosis.report.detections, origin=origin)
        runs.append(
            dataclasses.replace(
                diagnosis, report=dataclasses.replace(diagnosis.report, detections=detections)
            )
        )
    assert [run.name for run in page_of(runs).runs] == ["a/results.json", "b/results.json"]
    assert page_of(runs[0]).runs[0].name == "results.json"


def test_an_unknown_skeleton_gets_the_mean_pose_as_its_figure() -> None:
    skeleton = Skeleton(
        "other",
        tuple(f"p{k}" for k in range(17)),
        COCO17.edges,
        COCO17.limbs,
        COCO17.flip_pairs,
        COCO17.sigmas,
    )
    truth, results = scene(5)
    report = evaluate(truth, results, skeleton=skeleton)
    layout = page_of(report.diagnose()).layout
    assert layout == mean_pose(report.truths)
    assert layout is not None
    nose, left_ankle, right_ankle = layout[0], layout[15], layout[16]
    assert nose[1] < left_ankle[1]
    assert right_ankle[0] < left_ankle[0]


def test_points_of_one_place_are_no_division_by_zero() -> None:
    points = [300.0, 200.0, 2] * 17
    report = evaluate(annotations(person(1, keypoints=points)), [found(points=points)])
    assert page_html(page_of(report.diagnose()))


def test_five_thousand_pictures_stay_below_fifteen_megabytes(tmp_path: Path) -> None:
    cv2 = pytest.importorskip("cv2", reason='OpenCV is not installed: pip install "posecore[app]"')
    noise = np.random.default_rng(1).integers(0, 256, (480, 640, 3), np.uint8)
    assert cv2.imwrite(str(tmp_path / "noise.png"), noise)
    people = [person(k, 1 + k, keypoints=keypoints(100 + k % 300, 100)) for k in range(5000)]
    truth = annotations(*people, images=5000)
    for image in truth["images"]:
        image["file_name"] = "noise.png"
    runs = [
        [found(1 + k, 0.5, keypoints(100 + k % 300 + shift * (k % 40), 100, 0.5)) for k in range(5000)]
        for shift in (1, -1)
    ]
    shown = page_of([evaluate(truth, results).diagnose() for results in runs], images=tmp_path)
    assert all(len(run.entries) >= 100 for run in shown.runs)
    assert all(picture.jpeg for picture in shown.pictures)
    assert 1_000_000 < len(page_html(shown)) < 15_000_000
