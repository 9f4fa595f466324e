"""Distance metrics from file to number, as `posecore eval --metric` takes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from made_people import annotations, found, keypoints, person

from posecore.errors import SourceError
from posecore.evaluation.joint_metrics import score_joints


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """Two people; of the first the left wrist is 30 px off, of the second there is no result."""
    points = keypoints()
    points[3 * 9] += 30
    far = person(2, keypoints=keypoints(400, 100), bbox=[400, 100, 100, 200])
    truth, results = tmp_path / "truth.json", tmp_path / "results.json"
    truth.write_text(json.dumps(annotations(person(1), far)))
    results.write_text(json.dumps([found(points=points)]))
    return truth, results


def by_name(score: Any) -> dict[str, float]:
    return dict(zip(score.names, score.values, strict=True))


def test_a_person_without_result_is_missed_with_all_keypoints(files: tuple[Path, Path]) -> None:
    score = score_joints("px", *files).score
    assert by_name(score)["nose"] == 50.0
    assert score.counts.tolist() == [2] * 17


@pytest.mark.parametrize(
    ("metric", "options", "wrist"),
    [
        ("px", {"threshold": 29}, 0.0),
        ("px", {"threshold": 30}, 50.0),
        ("px", {"threshold": 30, "comparison": "<"}, 0.0),
        ("pck", {"normaliser": "box", "threshold": 0.15}, 50.0),
        ("pck", {"normaliser": "box", "threshold": 0.14}, 0.0),
        ("pdj", {"threshold": 0.5}, 50.0),
        ("px", {"threshold": 29.5, "offset_px": -1.0}, 50.0),
    ],
)
def test_the_wrist_counts_from_its_distance_on(
    files: tuple[Path, Path], metric: str, options: dict[str, Any], wrist: float
) -> None:
    assert by_name(score_joints(metric, *files, **options).score)["left_wrist"] == wrist


def test_every_number_says_its_convention(files: tuple[Path, Path]) -> None:
    said = str(score_joints("pck", *files))
    assert "0.2 x the true torso, left shoulder to right hip" in said
    assert "COCO's matching gives at OKS 0.1" in said
    assert str(files[0]) in said
    assert json.loads(json.dumps(score_joints("pdj", *files).as_dict(), allow_nan=False))["pairing"] in said


def test_what_a_file_lacks_is_a_sentence(files: tuple[Path, Path]) -> None:
    with pytest.raises(SourceError, match=r"truth\.json: wanted head boxes, which PCKh measures by"):
        score_joints("pckh", *files)
    with pytest.raises(ValueError, match="normaliser: wanted it for pck alone, got it for px"):
        score_joints("px", *files, normaliser="box")
    with pytest.raises(ValueError, match="metric: wanted one of pckh, pck"):
        score_joints("oks", *files)


def test_published_numbers(shared: Path) -> None:
    data = shared / "data" / "eval"
    mpii = (data / "mpii" / "detections_our_format.mat", data / "mpii" / "pred_bearpaw-hg_s8_b1.mat")
    assert score_joints("pckh", *mpii).score.mean == 89.09185532136352
    lsp = (data / "lsp" / "lsp-joints-OC.mat", data / "lsp" / "pred_keypoints_lsp_oc.mat")
    assert round(score_joints("pcp", *lsp).score.mean, 2) == 81.13
    assert round(score_joints("pck", *lsp).score.mean, 2) == 81.50
    sticks = (lsp[0], data / "lsp" / "pred_sticks_lsp_oc.mat")
    assert round(score_joints("pcp", *sticks).score.mean, 2) == 81.13
    with pytest.raises(SourceError, match="wanted keypoints for pck, got sticks, which only pcp takes"):
        score_joints("pck", *sticks)
