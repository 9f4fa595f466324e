"""`posecore predict` on videos: sizes, rates, and what is damaged."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from predict_command import Command, written

from posecore.video import VideoReader

pytestmark = pytest.mark.usefixtures("cv2")


def test_a_video_keeps_its_size_and_rate(command: Command, make_video: Any) -> None:
    code, _, err = command("predict", make_video(frames=20, fps=12.5), "--save", "csv,jsonl")
    assert code == 0
    assert "20 frames, 1.0 people a frame, at most 1" in err
    reader = VideoReader("posecore-out/clip.mp4")
    frames = list(reader)
    assert (len(frames), frames[0][2].shape, reader.fps) == (20, (120, 160, 3), pytest.approx(12.5))
    lines = [json.loads(line) for line in Path("posecore-out/poses.jsonl").read_text().splitlines()]
    assert [line["frame"] for line in lines] == list(range(20))
    assert [line["time_s"] for line in lines] == pytest.approx([k / 12.5 for k in range(20)], abs=1e-3)
    nose = [line["people"][0]["keypoints"][0][0] for line in lines]
    assert np.allclose(np.diff(nose), 4, atol=2)
    rows = list(csv.DictReader(io.StringIO(Path("posecore-out/poses.csv").read_text())))
    assert len(rows) == 20 * 17


def test_every_fourth_frame_plays_at_the_same_speed(command: Command, make_video: Any) -> None:
    assert command("predict", make_video(frames=21, fps=20), "--every", "4")[0] == 0
    reader = VideoReader("posecore-out/clip.mp4")
    assert len(list(reader)) == 6
    assert reader.fps == pytest.approx(5)
    frames = json.loads(Path("posecore-out/poses.json").read_text())["frames"]
    assert [frame["frame"] for frame in frames] == [0, 4, 8, 12, 16, 20]
    assert [frame["time_s"] for frame in frames] == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1.0], abs=1e-3)


def test_of_a_video_that_is_cut_off_what_came_is_kept_and_said(
    command: Command, make_video: Any, monkeypatch: Any
) -> None:
    path = make_video(frames=30)
    # A header that promises more frames than there are.
    monkeypatch.setattr(VideoReader, "missing_frames", property(lambda self: 70))
    code, _, err = command("predict", path)
    assert code == 1
    assert f"posecore: {path}: the video is cut off or damaged: 30 of 30 frames could be read" in err
    assert len(list(VideoReader("posecore-out/clip.mp4"))) == 30
    assert len(json.loads(Path("posecore-out/poses.json").read_text())["frames"]) == 30


def test_one_bad_file_does_not_stop_the_others(command: Command, picture: Path, make_video: Any) -> None:
    make_video(frames=3)
    (picture.parent / "bad.png").write_bytes(b"no picture")
    (picture.parent / "bad.mp4").write_bytes(b"")
    code, out, err = command("predict", str(picture.parent / "*"), "--json")
    assert code == 1
    assert "posecore: " in err
    report = json.loads(out)
    errors = {Path(file["source"]).name: file["error"] for file in report["files"]}
    assert {name for name, error in errors.items() if error} == {"bad.png", "bad.mp4"}
    assert written("posecore-out") == ["clip.mp4", "one.png", "poses.json"]
