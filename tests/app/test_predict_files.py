"""Which files `posecore predict` writes, under which names, and which it never touches."""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_estimator import person_at
from predict_command import Command, written

from posecore.skeletons import COCO17

pytestmark = pytest.mark.usefixtures("cv2")


def test_a_picture_gives_an_annotated_picture_and_its_poses(
    command: Command, picture: Path, cv2: Any
) -> None:
    code, out, err = command("predict", picture)
    assert (code, out) == (0, "")
    assert written() == ["posecore-out/one.png", "posecore-out/poses.json"]
    assert f"{picture}: 1 person, " in err
    assert f"-> {Path('posecore-out') / 'one.png'}\n" in err
    frame = json.loads(Path("posecore-out/poses.json").read_text())["frames"][0]
    assert (frame["file"], frame["width"], frame["height"]) == (str(picture), 320, 240)
    expected = person_at((69.5, 109.5), size=60, image_size=(320, 240))
    assert np.allclose([p[:2] for p in frame["people"][0]["keypoints"]], expected.xy[0], atol=0.006)
    drawn = cv2.imread("posecore-out/one.png")[:, :, ::-1]
    assert drawn.shape == (240, 320, 3)
    x, y = np.rint(expected.xy[0, COCO17.index("left_ankle")]).astype(int)
    assert drawn[y, x].tolist() == [255, 150, 20]


def test_nothing_else_is_the_default_picture(command: Command) -> None:
    code, _, err = command("predict")
    assert code == 0
    assert written() == ["posecore-out/people.jpg", "posecore-out/poses.json"]
    assert "people.jpg: " in err


def test_running_twice_overwrites_nothing(command: Command, picture: Path) -> None:
    for _ in range(3):
        assert command("predict", picture)[0] == 0
    assert sorted(path.name for path in Path().iterdir()) == [
        "posecore-out",
        "posecore-out-2",
        "posecore-out-3",
    ]


def test_what_is_there_is_overwritten_only_with_force(command: Command, picture: Path) -> None:
    assert command("predict", picture, "--out", "o")[0] == 0
    Path("o/poses.json").write_text("precious")
    command.options = {}
    code, _, err = command("predict", picture, "--out", "o")
    assert code == 2
    assert "o/one.png and 1 more are there already; add --force to overwrite" in err.replace(os.sep, "/")
    assert Path("o/poses.json").read_text() == "precious"
    assert command.options == {}, "it was refused before any work"
    assert command("predict", picture, "--out", "o", "--force")[0] == 0
    assert json.loads(Path("o/poses.json").read_text())["frames"]


def test_a_source_is_never_overwritten(command: Command, picture: Path) -> None:
    before = picture.read_bytes()
    code, _, err = command("predict", picture, "--out", picture.parent, "--force")
    assert code == 2
    assert "is one of the sources; choose another folder" in err
    assert picture.read_bytes() == before


def test_a_name_for_the_picture_names_the_poses_too(command: Command, picture: Path) -> None:
    assert command("predict", picture, "--out", "here/result.jpg", "--save", "json,csv")[0] == 0
    assert written() == ["here/result.csv", "here/result.jpg", "here/result.json"]


def test_every_format_and_drawing_at_once(command: Command, picture: Path) -> None:
    code, _, _ = command(
        "predict",
        picture,
        "--out",
        "o",
        "--save",
        "json,csv,jsonl,coco,npz",
        "--draw",
        "poses,heatmaps,offsets,names",
    )
    assert code == 0
    assert written("o") == [
        "one.png", "poses.coco.json", "poses.coco_images.json", "poses.csv",
        "poses.json", "poses.jsonl", "poses.npz",
    ]  # fmt: skip


def test_nothing_drawn_and_nothing_saved_writes_nothing(command: Command, picture: Path) -> None:
    assert command("predict", picture, "--draw", "none", "--save", "none")[0] == 0
    assert not written()


def test_pictures_of_one_name_do_not_overwrite_each_other(
    command: Command, picture: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other" / "one.png"
    other.parent.mkdir()
    other.write_bytes(picture.read_bytes())
    assert command("predict", picture, other)[0] == 0
    assert written("posecore-out") == ["one-2.png", "one.png", "poses.json"]


def test_nobody_in_the_picture_is_a_result(command: Command, tmp_path: Path, cv2: Any) -> None:
    path = tmp_path / "empty.png"
    cv2.imwrite(str(path), np.full((60, 80, 3), 110, np.uint8))
    code, _, err = command("predict", path)
    assert code == 0
    assert f"{path}: 0 people" in err
    assert json.loads(Path("posecore-out/poses.json").read_text())["frames"][0]["people"] == []


def test_poses_can_go_to_stdout(command: Command, picture: Path) -> None:
    code, out, _ = command("predict", picture, "--out", "-", "--save", "csv")
    assert code == 0
    assert len(list(csv.DictReader(io.StringIO(out)))) == 17
    assert not written()


def test_a_folder_with_a_pictures_ending_is_still_a_folder(command: Command, picture: Path) -> None:
    assert command("predict", picture, "--out", f"o.png{os.sep}")[0] == 0
    assert written() == [str(Path("o.png/one.png")), str(Path("o.png/poses.json"))]


def test_what_fails_while_files_are_finished_leaves_none(
    command: Command, picture: Path, monkeypatch: Any
) -> None:
    def full(path: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("posecore.outputs.write_file", full)
    code, _, err = command("predict", picture, "--draw", "none", "--save", "npz,json", "--out", "o")
    assert code == 1
    assert err.splitlines()[-1] == f"posecore: {Path('o/poses.npz')}: No space left on device"
    assert not written()


def test_a_folder_where_nothing_may_be_written_gets_a_sentence(command: Command, picture: Path) -> None:
    Path("file").write_text("")
    code, _, err = command("predict", picture, "--out", "file/o")
    assert code == 1
    assert err.splitlines()[-1].startswith("posecore: file")


def test_a_source_that_is_not_there_does_not_keep_the_others_from_being_done(
    command: Command, picture: Path
) -> None:
    code, out, err = command("predict", "nothere.jpg", picture, "--json")
    assert code == 1
    assert "posecore: nothere.jpg: there is no such file or folder\n" in err
    assert written() == ["posecore-out/one.png", "posecore-out/poses.json"]
    assert json.loads(out)["exit_code"] == 1


@pytest.mark.parametrize("name", ["poses.json", "x.csv", "y.JSONL", "z.npz", "a.txt", "b.gif"])
def test_a_file_name_that_can_be_no_drawing_is_not_taken_for_a_folder(
    command: Command, picture: Path, name: str
) -> None:
    code, _, err = command("predict", picture, "--out", name)
    assert code == 2
    assert f"--out: wanted a folder, or the name of a picture or video, got {name}" in err
    assert written() == []
