"""The diagnosis: each kind of error is recognised, taken out, and counted."""

from __future__ import annotations

import dataclasses
import json
import tracemalloc

import numpy as np
import pytest
from made_people import annotations, found, keypoints, person
from scenes import scene, without_people

from posecore import COCO17, evaluate
from posecore.evaluation import rescoring
from posecore.evaluation.diagnosis import RANGES, Diagnosis, diagnose
from posecore.evaluation.keypoint_errors import KINDS
from posecore.evaluation.rescoring import nearest_oks, suppress

LEFT_WRIST, RIGHT_WRIST, NOSE = 9, 10, 0
FAR = keypoints(400, 100, v=0.8)


def moved(points: list[float], keypoint: int, dx: float, dy: float = 0) -> list[float]:
    """The same person with one keypoint elsewhere."""
    changed = list(points)
    changed[3 * keypoint] += dx
    changed[3 * keypoint + 1] += dy
    return changed


def exchanged(points: list[float], one: int, other: int) -> list[float]:
    """The same person with two keypoints in each other's place."""
    changed = list(points)
    changed[3 * one : 3 * one + 2], changed[3 * other : 3 * other + 2] = (
        points[3 * other : 3 * other + 2],
        points[3 * one : 3 * one + 2],
    )
    return changed


def kinds_of(diagnosis: Diagnosis, row: int = 0) -> list[str]:
    return [KINDS[kind] for kind in diagnosis.errors[0].kinds[row]]


def distance_px(keypoint: int, similarity: float, area: float = 9000.0) -> float:
    """How far from the truth a keypoint has this similarity."""
    return float(np.sqrt(-2 * np.log(similarity) * area) * 2 * COCO17.sigmas[keypoint])


def test_a_perfect_result_has_only_good_keypoints() -> None:
    diagnosis = evaluate(annotations(person(1)), [found()]).diagnose()
    assert kinds_of(diagnosis) == ["good"] * 17
    np.testing.assert_array_equal(diagnosis.errors[0].corrected_xy[0], diagnosis.report.detections.xy[0])
    np.testing.assert_allclose(diagnosis.progressive_ap[0], 1.0, atol=1e-15)
    np.testing.assert_allclose(diagnosis.alone_ap[0], 1.0, atol=1e-15)
    assert diagnosis.max_oks[0, 0] == diagnosis.optimal_scores[0, 0] == 1.0
    assert diagnosis.suboptimal_images.tolist() == []


@pytest.mark.parametrize(
    ("similarity", "kind"),
    [(0.99, "good"), (0.86, "good"), (0.84, "jitter"), (0.51, "jitter"), (0.49, "miss")],
)
def test_how_near_a_keypoint_is_says_what_it_is(similarity: float, kind: str) -> None:
    points = moved(keypoints(), NOSE, 0, -distance_px(NOSE, similarity))
    diagnosis = evaluate(annotations(person(1)), [found(points=points)]).diagnose()
    assert kinds_of(diagnosis) == [kind] + ["good"] * 16


def test_a_keypoint_at_the_other_side_is_an_inversion() -> None:
    points = exchanged(keypoints(), LEFT_WRIST, RIGHT_WRIST)
    diagnosis = evaluate(annotations(person(1)), [found(points=points)]).diagnose()
    assert [k for k, kind in enumerate(kinds_of(diagnosis)) if kind == "inversion"] == [
        LEFT_WRIST,
        RIGHT_WRIST,
    ]
    assert diagnosis.errors[0].counts[LEFT_WRIST].tolist() == [0, 0, 0, 1, 0, 0]


def test_without_flip_pairs_there_is_no_inversion() -> None:
    points = exchanged(keypoints(), LEFT_WRIST, RIGHT_WRIST)
    skeleton = dataclasses.replace(COCO17, name="sideless", flip_pairs=())
    diagnosis = evaluate(annotations(person(1)), [found(points=points)], skeleton=skeleton).diagnose()
    assert kinds_of(diagnosis)[LEFT_WRIST] == kinds_of(diagnosis)[RIGHT_WRIST] == "miss"


@pytest.mark.parametrize("of_other", [LEFT_WRIST, RIGHT_WRIST])
def test_a_keypoint_at_another_person_is_a_swap_on_whichever_side(of_other: int) -> None:
    points = keypoints()
    points[3 * LEFT_WRIST : 3 * LEFT_WRIST + 2] = FAR[3 * of_other : 3 * of_other + 2]
    both = annotations(person(1), person(2, keypoints=keypoints(400, 100), bbox=[400, 100, 100, 200]))
    assert kinds_of(evaluate(both, [found(points=points)]).diagnose())[LEFT_WRIST] == "swap"
    alone = annotations(person(1))
    assert kinds_of(evaluate(alone, [found(points=points)]).diagnose())[LEFT_WRIST] == "miss"


def test_what_has_no_label_has_no_error() -> None:
    truth = annotations(person(1, keypoints=keypoints(without=(NOSE,))))
    diagnosis = evaluate(truth, [found(points=moved(keypoints(), NOSE, 300))]).diagnose()
    assert kinds_of(diagnosis) == ["unlabelled"] + ["good"] * 16
    assert (
        diagnosis.errors[0].corrected_xy[0, NOSE].tolist() == diagnosis.report.detections.xy[0, NOSE].tolist()
    )


@pytest.mark.parametrize(("true_sigma", "power"), [(True, 1.0), (False, 0.25)])
def test_a_corrected_keypoint_has_the_similarity_that_was_asked_for(true_sigma: bool, power: float) -> None:
    points = moved(keypoints(), NOSE, 0, distance_px(NOSE, 0.7))  # jitter
    points = moved(points, LEFT_WRIST, 0, 300)  # miss
    diagnosis = evaluate(annotations(person(1)), [found(points=points)]).diagnose(true_sigma=true_sigma)
    delta = diagnosis.errors[0].corrected_xy[0] - diagnosis.report.truths.xy[0]
    assert delta[[NOSE, LEFT_WRIST], 1].tolist() == [0, 0]
    similarity = np.exp(-(delta[:, 0] ** 2) / (2 * 9000 * (2 * np.array(COCO17.sigmas)) ** 2))
    assert similarity[NOSE] == pytest.approx(0.85**power)
    assert similarity[LEFT_WRIST] == pytest.approx(0.5**power)


def test_the_true_sigma_gains_no_more() -> None:
    for seed in range(5):
        report = evaluate(*scene(seed))
        published, true = report.diagnose(), report.diagnose(true_sigma=True)
        assert (true.errors[0].kinds == published.errors[0].kinds).all()
        assert true.progressive_ap[0, 4].mean() <= published.progressive_ap[0, 4].mean() + 1e-12


def test_a_correction_takes_out_its_own_errors_alone() -> None:
    points = exchanged(moved(keypoints(), NOSE, 300), LEFT_WRIST, RIGHT_WRIST)
    diagnosis = evaluate(annotations(person(1)), [found(points=points)]).diagnose()
    baseline, miss, swap, inversion, jitter = diagnosis.alone_recall[0, :5].sum(axis=1)
    assert miss > baseline
    assert inversion > baseline
    assert swap == jitter == baseline
    assert (np.diff(diagnosis.progressive_recall[0, :5].sum(axis=1)) == [miss - baseline, 0, 2, 0]).all()


def test_scores_are_the_nearest_oks_and_less_for_the_second_on_a_person() -> None:
    worse = found(score=0.9, points=moved(keypoints(), NOSE, 300))
    diagnosis = evaluate(
        annotations(person(1)), [worse, found(score=0.2), found(score=0.5, points=FAR)]
    ).diagnose()
    assert diagnosis.alone_max_oks[0, :2] == pytest.approx([16 / 17, 1])
    scores = diagnosis.alone_optimal_scores[0]
    assert scores[1] == 1
    assert scores[0] < 0.25
    assert scores[2] < 1e-6
    assert diagnosis.suboptimal_images.tolist() == [0]
    before, after = diagnosis.alone_ap[0, 0], diagnosis.alone_ap[0, diagnosis.steps.index("score")]
    assert (after >= before).all()
    assert after[-1] == pytest.approx(1)
    assert before[-1] == pytest.approx(1 / 3)


def test_the_box_of_a_result_does_not_change_what_its_score_should_be() -> None:
    truth = annotations(person(1), person(2, keypoints=keypoints(130, 100), bbox=[130, 100, 100, 200]))
    results = [found(score=s, points=keypoints(x, 100)) for s, x in ((0.9, 106), (0.8, 112), (0.7, 124))]
    boxed = [result | {"bbox": [0, 0, 1, 1]} for result in results]
    plain, other = (evaluate(truth, given).diagnose() for given in (results, boxed))
    np.testing.assert_array_equal(plain.optimal_scores, other.optimal_scores)
    np.testing.assert_array_equal(plain.alone_optimal_scores, other.alone_optimal_scores)


def test_a_picture_of_many_detections_is_bounded_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """With little room the nearest person and the suppression are counted in parts, to the same bits."""
    random = np.random.default_rng(5)
    points = np.array(keypoints()).reshape(17, 3)

    def somewhere(spread: float) -> list[float]:
        shift = random.normal(0, spread, 2)
        return (points + np.append(shift, 0)).ravel().tolist()

    people = [person(n, 1, keypoints=somewhere(400)) for n in range(300)]
    results = [found(score=float(score), points=somewhere(400)) for score in random.random(600)]
    report = evaluate(annotations(*people), results, max_detections=2000)
    sigmas, detections = report.protocol.skeleton.sigmas, report.detections
    rows = np.arange(len(results))
    counted = np.ones(300, bool)

    def of_all() -> tuple[np.ndarray, np.ndarray]:
        return (
            nearest_oks(report.truths, detections, counted, rows, sigmas=sigmas, areas=report.areas),
            suppress(detections, detections.scores, sigmas=sigmas),
        )

    wanted = of_all()
    monkeypatch.setattr(rescoring, "_CELLS_AT_ONCE", 1 << 12)
    tracemalloc.start()
    in_parts = of_all()
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 2 << 20
    np.testing.assert_array_equal(in_parts[0], wanted[0])
    np.testing.assert_array_equal(in_parts[1], wanted[1])


def test_background_and_missed_people_are_named() -> None:
    truth = annotations(person(1), person(2, keypoints=keypoints(400, 100), bbox=[400, 100, 100, 200]))
    results = [found(score=0.4), found(score=0.9, points=keypoints(100, 250)), found(2, 0.8)]
    diagnosis = evaluate(truth, results).diagnose()
    assert [rows.tolist() for rows in diagnosis.false_positives[0]] == [[1, 2]] * 10
    assert [rows.tolist() for rows in diagnosis.false_negatives[0]] == [[1]] * 10
    ap = dict(zip(diagnosis.steps, diagnosis.alone_ap[0, :, 0], strict=True))
    assert ap["background_fp"] == pytest.approx(51 / 101)
    assert ap["fn"] == pytest.approx(1 / 3)
    assert diagnosis.progressive_ap[0, -1].tolist() == pytest.approx([1] * 10)


def test_what_does_not_count_is_no_false_positive_or_negative() -> None:
    crowd = person(2, iscrowd=1, keypoints=[0] * 51, bbox=[400, 100, 100, 200])
    small = keypoints(200, 300)
    small = [50 + v / 20 if i % 3 < 2 else v for i, v in enumerate(small)]  # under 32² px
    diagnosis = evaluate(annotations(person(1), crowd), [found(), found(points=small)]).diagnose()
    assert [rows.tolist() for rows in diagnosis.false_positives[0]] == [[]] * 10
    assert [rows.tolist() for rows in diagnosis.false_negatives[0]] == [[]] * 10


def test_detections_beyond_the_most_are_left_out_of_everything() -> None:
    results = [found(score=0.9, points=keypoints(300, 100)), found(score=0.1)]
    diagnosis = evaluate(annotations(person(1)), results, max_detections=1).diagnose()
    assert np.isnan(diagnosis.max_oks[0]).tolist() == [False, True]
    assert np.isnan(diagnosis.optimal_scores[0]).tolist() == [False, True]
    assert len(diagnosis.errors[0]) == 0
    assert diagnosis.progressive_recall[0, 5].tolist() == [0] * 10


def test_nothing_found_is_a_diagnosis_too() -> None:
    diagnosis = evaluate(annotations(person(1)), []).diagnose()
    assert diagnosis.progressive_ap[0, :7].tolist() == [[0] * 10] * 7
    assert diagnosis.progressive_ap[0, 7].tolist() == [-1] * 10
    assert "nose" in diagnosis.table()


def test_people_beyond_all_pictures_are_diagnosed() -> None:
    far = keypoints()
    far[0], far[1] = 1e200, -1e200
    diagnosis = evaluate(
        annotations(person(1)), [found(points=far), found(score=0.5), found(points=far)]
    ).diagnose()
    assert kinds_of(diagnosis) == ["miss"] + ["good"] * 16
    assert diagnosis.alone_max_oks[0].tolist() == pytest.approx([16 / 17, 1, 16 / 17])
    assert np.isfinite(diagnosis.alone_optimal_scores).all()


def test_a_set_without_people_is_diagnosed() -> None:
    report = without_people(evaluate(annotations(person(1)), [found()]))
    diagnosis = report.diagnose()
    assert set(diagnosis.progressive_ap.ravel().tolist()) == {-1.0}
    assert diagnosis.max_oks[0].tolist() == [0.0]
    assert len(diagnosis.errors[0]) == 0
    assert "-" in diagnosis.table()


@pytest.mark.parametrize("seed", range(4))
def test_a_mirrored_set_has_mirrored_errors(seed: int) -> None:
    truth, results = scene(seed)
    report = evaluate(truth, results)
    flip = list(COCO17.flip_index)
    truths, detections = report.truths, report.detections
    mirrored_truths = dataclasses.replace(
        truths,
        xy=np.ascontiguousarray(truths.xy[:, flip] * [-1, 1]),
        visibility=np.ascontiguousarray(truths.visibility[:, flip]),
        boxes=truths.boxes * [-1, 1, 1, 1] - truths.boxes[:, 2:3] * [1, 0, 0, 0],
    )
    mirrored = dataclasses.replace(detections, xy=np.ascontiguousarray(detections.xy[:, flip] * [-1, 1]))
    errors, others = (r.diagnose().errors[0] for r in (report, evaluate(mirrored_truths, mirrored)))
    assert len(errors) > 0
    np.testing.assert_array_equal(errors.detection_rows, others.detection_rows)
    np.testing.assert_array_equal(errors.kinds[:, flip], others.kinds)


def test_ranges_and_thresholds_are_chosen() -> None:
    report = evaluate(*scene(1))
    every = report.diagnose()
    one = diagnose(report, ranges=[("all", 1024, 1e10)], thresholds=[0.5, 0.75])
    assert every.ranges == RANGES
    assert one.progressive_ap.shape == one.alone_recall.shape == (1, 8, 2)
    np.testing.assert_array_equal(one.progressive_ap[0], every.progressive_ap[0][:, [0, 5]])


def test_small_people_with_keypoints_are_not_left_out_unasked() -> None:
    truth = annotations(person(1, area=500.0))
    diagnosis = evaluate(truth, [found()]).diagnose()
    assert diagnosis.ranges == diagnosis.report.protocol.area_ranges
    assert diagnosis.progressive_ap[0, 0, 0] == pytest.approx(1)


def test_other_bodies_have_the_ranges_of_their_protocol() -> None:
    animal = dataclasses.replace(COCO17, name="animal", keypoints=tuple(f"k{k}" for k in range(17)))
    diagnosis = evaluate(annotations(person(1)), [found()], skeleton=animal).diagnose()
    assert diagnosis.ranges == diagnosis.report.protocol.area_ranges != RANGES


def test_a_diagnosis_is_text_and_plain_data() -> None:
    diagnosis = evaluate(*scene(2)).diagnose()
    assert str(diagnosis) == diagnosis.table()
    assert all(len(line) <= 100 for line in diagnosis.table().splitlines())
    data = json.loads(json.dumps(diagnosis.as_dict(), allow_nan=False))
    assert data["steps"] == list(diagnosis.steps)
    assert data["ranges"][0]["progressive_ap"] == diagnosis.progressive_ap[0].tolist()
    assert sum(data["ranges"][0]["keypoints"]["nose"].values()) == data["ranges"][0]["matched"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"true_sigma": 1}, "true_sigma: wanted True or False, got 1"),
        ({"ranges": "all"}, r"ranges: wanted \(label, least, most\) of areas in px², got 'all'"),
        (
            {"ranges": [("all", 0)]},
            r"ranges: wanted \(label, least, most\) of areas in px², got \('all', 0\)",
        ),
        ({"ranges": [("all", 9, 1)]}, "ranges: wanted .* with least <= most, got .'all', 9, 1."),
        ({"ranges": [("a", 0, -1)]}, "ranges: 'a': wanted a number from 0 to 1e.300, got -1"),
        ({"ranges": []}, "ranges: wanted .* at least one and each label once, got "),
        ({"thresholds": [0.5, 0.5]}, r"thresholds: wanted numbers in \(0, 1\], ascending, got \[0.5, 0.5\]"),
        ({"thresholds": [0]}, r"thresholds: wanted numbers in \(0, 1\], ascending, got \[0\]"),
        ({"thresholds": ["x"]}, "thresholds: wanted a number from 0 to 1, got str"),
    ],
)
def test_a_bad_argument_gets_one_sentence(options: dict, sentence: str) -> None:
    report = evaluate(annotations(person(1)), [found()])
    with pytest.raises((TypeError, ValueError), match=f"^{sentence}"):
        report.diagnose(**options)


def test_what_is_diagnosed_is_a_report() -> None:
    with pytest.raises(TypeError, match=r"^report: wanted a Report, got dict$"):
        diagnose({})  # type: ignore[arg-type]
