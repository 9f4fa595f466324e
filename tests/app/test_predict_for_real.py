"""The command with the default model: people are where they are."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from posecore import cli
from posecore.video import VideoReader

INTERPRETERS = ("ai_edge_litert", "tflite_runtime", "tensorflow")

pytestmark = [
    pytest.mark.usefixtures("cv2"),
    pytest.mark.skipif(
        not any(importlib.util.find_spec(name) for name in INTERPRETERS),
        reason='no interpreter is installed: pip install "posecore[app]"',
    ),
]


def predict(capsys: Any, *words: Any) -> dict[str, Any]:
    assert cli.main(["predict", "--json", *map(str, words)]) == 0
    report: dict[str, Any] = json.loads(capsys.readouterr().out)
    return report


def test_the_default_picture_has_five_people_side_by_side(
    capsys: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    report = predict(capsys)
    assert report["poses"] == 5
    frame = json.loads((tmp_path / "posecore-out" / "poses.json").read_text())["frames"][0]
    boxes = np.array(sorted(person["box"] for person in frame["people"]))
    assert np.all(np.diff(boxes[:, 0]) > 0.1 * frame["width"])
    assert np.all(boxes[:, 3] - boxes[:, 1] > 0.5 * frame["height"])


def test_a_group_that_exercises_is_five_people(capsys: Any, tmp_path: Path, shared: Path) -> None:
    video = shared / "data" / "video" / "pexels_group_exercise_720p.mp4"
    predict(capsys, video, "--every", "20", "--out", tmp_path)
    reader = VideoReader(tmp_path / video.name)
    frames = json.loads((tmp_path / "poses.json").read_text())["frames"]
    sizes = {image.shape for _, _, image in reader}
    assert (reader.frames_read, sizes, reader.fps) == (len(frames), {(720, 1280, 3)}, pytest.approx(25 / 20))
    sure = [sum(person["score"] > 0.4 for person in frame["people"]) for frame in frames]
    assert np.median(sure) == 5
