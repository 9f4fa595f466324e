"""`posecore predict` on files of heads, which need no model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_estimator import FakeGeometry, made_heads, person_at
from predict_command import Command, written

from posecore import skeletons
from posecore.heads import Heads

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


def plain_heatmaps(folder: Path, keypoints: int) -> Path:
    """One person without offsets: each map has its peak, of .5, in a cell of its own."""
    heatmaps = np.zeros((20, 30, keypoints), np.float32)
    for k in range(keypoints):
        heatmaps[1 + k, 5, k] = 0.5
    path = folder / "plain.npz"
    Heads(heatmaps, stride_px=16, scores="probabilities").save(path)
    return path


def people(folder: str) -> list[Any]:
    found: list[Any] = json.loads(Path(folder, "poses.json").read_text())["frames"][0]["people"]
    return found


@pytest.mark.parametrize(("confidence", "count"), [("0.45", 1), ("0.55", 0)])
def test_the_confidence_holds_for_plain_heatmaps_too(
    command: Command, tmp_path: Path, confidence: str, count: int
) -> None:
    heads = plain_heatmaps(tmp_path, 17)
    assert command("predict", heads, "--conf", confidence, "--out", "o", "--draw", "none")[0] == 0
    assert len(people("o")) == count


def test_the_refinement_holds_for_plain_heatmaps(command: Command, tmp_path: Path) -> None:
    heatmaps = np.zeros((20, 30, 17), np.float32)
    heatmaps[4, 5], heatmaps[4, 6] = 0.5, 0.25
    Heads(heatmaps, stride_px=16, scores="probabilities").save(tmp_path / "plain.npz")
    for refine, x in (("none", 80.0), ("quarter", 84.0)):
        command("predict", tmp_path / "plain.npz", "--refine", refine, "--out", refine, "--draw", "none")
        assert people(refine)[0]["keypoints"][0][:2] == [x, 64.0]


@pytest.mark.parametrize("name", ["mpii16", "crowdpose14", "coco17"])
def test_a_skeleton_holds_for_heads(command: Command, tmp_path: Path, name: str) -> None:
    skeleton = skeletons.get(name)
    heads = plain_heatmaps(tmp_path, skeleton.num_keypoints)
    code, out, err = command("predict", heads, "--skeleton", name, "--json")
    assert code == 0, err
    assert json.loads(out)["skeleton"] == name
    assert json.loads(Path("posecore-out/poses.json").read_text())["keypoints"] == list(skeleton.keypoints)


def test_a_skeleton_of_other_keypoints_than_the_heads_gets_a_sentence(
    command: Command, tmp_path: Path
) -> None:
    heads = plain_heatmaps(tmp_path, 17)
    code, _, err = command("predict", heads, "--skeleton", "mpii16")
    assert code == 1
    assert f"posecore: {heads}: wanted heads of 16 keypoints, got 17\n" in err
    assert not written()


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--model", "m.tflite"),
        ("--size", "353"),
        ("--device", "coral"),
        ("--input-range", "0 1"),
        ("--scores", "logits"),
        ("--stride", "16"),
        ("--resize", "stretch"),
    ],
)
def test_what_is_said_of_a_network_is_refused_where_there_is_none(
    command: Command, tmp_path: Path, picture: Path, option: str, value: str
) -> None:
    heads = heads_file(tmp_path)
    code, out, err = command("predict", heads, option, *value.split())
    assert (code, out) == (2, "")
    assert f"posecore: {option}: wanted a picture or video to run a network on, got heads alone" in err
    assert not written()
    # One picture among them is what the network is for.
    assert command("predict", heads, picture, option, *value.split())[0] == 0


def test_an_npz_that_holds_no_heads_gets_a_sentence(command: Command, tmp_path: Path) -> None:
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    (tmp_path / "broken.npz").write_bytes(b"PK\x03\x04 nothing")
    for name in ("other", "broken"):
        code, _, err = command("predict", tmp_path / f"{name}.npz")
        assert code == 1
        assert f"posecore: {tmp_path / name}.npz: " in err
    assert not written()
