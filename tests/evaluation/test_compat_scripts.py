"""Training scripts run with pycocotools and with `posecore.compat.cocoeval`: the same numbers, the same lines."""

from __future__ import annotations

import json
import types
from pathlib import Path
from typing import Any

import pytest
from noisy_people import noisy_set
from training_scripts import by_hand, distributed, top_down

from posecore.compat import cocoeval as ours

pytestmark = pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")


@pytest.fixture(scope="module")
def theirs() -> Any:
    """pycocotools, with both of its classes in one place."""
    coco = pytest.importorskip("pycocotools.coco", reason="pycocotools is not installed")
    evaluation = pytest.importorskip("pycocotools.cocoeval", reason="pycocotools is not installed")
    return types.SimpleNamespace(COCO=coco.COCO, COCOeval=evaluation.COCOeval)


def test_validation_of_a_pose_network(theirs: Any, tmp_path: Path) -> None:
    people, predictions = noisy_set(1)
    file = tmp_path / "person_keypoints.json"
    file.write_text(json.dumps(people))
    lines = top_down(ours, file, predictions, tmp_path)
    assert len(lines) == 20
    assert lines == top_down(theirs, file, predictions, tmp_path)


@pytest.mark.parametrize("batch", [1, 5])
def test_evaluation_in_several_processes(theirs: Any, batch: int) -> None:
    people, predictions = noisy_set(2, categories=(1, 4))
    lines = distributed(ours, people, predictions, batch)
    assert len(lines) == 20
    assert lines == distributed(theirs, people, predictions, batch)


def test_evaluation_image_by_image(theirs: Any) -> None:
    people, predictions = noisy_set(3, categories=(4, 1))
    lines = by_hand(ours, people, predictions)
    assert len(lines) == 20
    assert lines == by_hand(theirs, people, predictions)


def test_a_batch_in_which_nothing_is_found_and_nobody_is_there() -> None:
    people, _ = noisy_set(4)
    lines = distributed(ours, people, [], batch=3)
    assert lines[0] == " Average Precision  (AP) @[ IoU=0.50:0.95 | area=   all | maxDets= 20 ] = 0.000"
