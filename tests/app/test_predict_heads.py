"""`posecore predict` on files of heads, which need no model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_estimator import FakeGeometry, made_heads, person_at
from predict_command import Command, written

pytestmark = pytest.mark.usefixtures("cv2")


def heads_file(folder: Path) -> Path:
    poses = person_at((200, 200), size=100, image_size=(400, 400))
    path = folder / "heads.npz"
    made_heads(poses, FakeGeometry(1.0), (400, 400)).save(path)
    return path


@pytest.mark.parametrize("draw", ["poses", "heatmaps,offsets,poses"])
def test_heads_need_no_model(command: Command, tmp_path: Path, cv2: Any, draw: str) -> None:
    code, _, err = command("predict", heads_file(tmp_path), "--draw", draw)
    assert code == 0, err
    assert command.options == {}
    assert written("posecore-out") == ["heads.png", "poses.json"]
    frame = json.loads(Path("posecore-out/poses.json").read_text())["frames"][0]
    assert (frame["width"], frame["height"]) == (401, 401)
    expected = person_at((200, 200), size=100, image_size=(400, 400)).xy[0]
    assert np.allclose([point[:2] for point in frame["people"][0]["keypoints"]], expected, atol=0.1)
    assert cv2.imread("posecore-out/heads.png").shape == (401, 401, 3)


def test_decoding_options_hold_for_heads(command: Command, tmp_path: Path) -> None:
    command("predict", heads_file(tmp_path), "--conf", "1", "--out", "o")
    assert json.loads(Path("o/poses.json").read_text())["frames"][0]["people"] == []


def test_an_npz_that_holds_no_heads_gets_a_sentence(command: Command, tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    (tmp_path / "broken.npz").write_bytes(b"PK\x03\x04 nothing")
    for name in ("other", "broken"):
        code, _, err = command("predict", tmp_path / f"{name}.npz")
        assert code == 1
        assert f"posecore: {tmp_path / name}.npz: " in err
    assert not written()
