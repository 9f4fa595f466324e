"""What `posecore predict` draws, and in which colours and which way round it sees."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_estimator import FakeEstimator, red_square
from predict_command import Command, written

pytestmark = pytest.mark.usefixtures("cv2")


def test_each_drawing_looks_different(command: Command, picture: Path, cv2: Any) -> None:
    looks = set()
    for drawing in ("poses", "heatmaps", "offsets", "names", "poses,heatmaps"):
        assert command("predict", picture, "--out", drawing, "--draw", drawing)[0] == 0
        looks.add(cv2.imread(f"{drawing}/one.png").tobytes())
    assert len(looks) == 5


def test_heatmaps_of_a_model_that_gives_none_get_a_sentence(command: Command, picture: Path) -> None:
    command.estimator = FakeEstimator(heads=False)
    code, _, err = command("predict", picture, "--draw", "heatmaps")
    assert code == 1
    assert err.endswith("posecore: --draw heatmaps: wanted a model that gives heads, got fake\n")
    assert not written()


def test_a_mirrored_picture_keeps_the_persons_own_left_and_right(
    command: Command, picture: Path, cv2: Any
) -> None:
    command("predict", picture, "--out", "plain", "--draw", "heatmaps,offsets,poses")
    command("predict", picture, "--out", "mirrored", "--mirror", "--draw", "heatmaps,offsets,poses")
    plain, mirrored = (
        np.array(json.loads(Path(folder, "poses.json").read_text())["frames"][0]["people"][0]["keypoints"])
        for folder in ("plain", "mirrored")
    )
    assert np.allclose(mirrored[:, 0], 319 - plain[:, 0], atol=0.011)
    assert np.array_equal(mirrored[:, 1:], plain[:, 1:])
    # The two drawings are each other's mirror picture, apart from the legends and from rounding.
    one, two = cv2.imread("plain/one.png"), cv2.imread("mirrored/one.png")[:, ::-1]
    same = np.abs(one.astype(int) - two).max(axis=2) < 40
    assert same[100:].mean() > 0.98


def test_exchanged_colours_are_put_right_before_anything_sees_them(
    command: Command, tmp_path: Path, cv2: Any
) -> None:
    path = tmp_path / "blue.png"
    cv2.imwrite(str(path), red_square(320, 240, 60, 100))
    command("predict", path, "--color", "rgb")
    assert command.estimator.seen[-1][110, 70].tolist() == [20, 20, 230]
    command("predict", path, "--color", "bgr")
    assert command.estimator.seen[-1][110, 70].tolist() == [230, 20, 20]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems always have a display")
def test_a_window_where_there_is_no_display_gets_a_sentence(
    command: Command, picture: Path, monkeypatch: Any
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    code, _, err = command("predict", picture, "--show")
    assert (code, err) == (
        1,
        "posecore: --show: there is no display here (neither DISPLAY nor WAYLAND_DISPLAY is set)\n",
    )


def test_an_opencv_without_windows_gets_a_sentence(
    command: Command, picture: Path, monkeypatch: Any, cv2: Any
) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(cv2, "getBuildInformation", lambda: "  GUI:                           NONE\n")
    code, _, err = command("predict", picture, "--show")
    assert code == 1
    assert "install opencv-python in place of opencv-python-headless" in err
