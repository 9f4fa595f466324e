"""`posecore predict` as a process of its own: signals, pipes, what libraries print."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from posecore.video import VideoReader

pytestmark = pytest.mark.usefixtures("cv2")


FAKE = str(Path(__file__).with_name("fake_estimator.py"))


def start(*words: Any, seconds: float, cwd: Path, **options: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, FAKE, str(seconds), *map(str, words)],
        cwd=cwd,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        **options,
    )


@pytest.mark.skipif(os.name == "nt", reason="signals are sent otherwise there")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_ctrl_c_leaves_valid_files(make_video: Any, tmp_path: Path, number: int, code: int) -> None:
    clip = make_video(frames=400)
    save = "json,jsonl,csv,coco,npz"
    process = start("predict", clip, "--save", save, "--out", "o", seconds=0.05, cwd=tmp_path)
    deadline = time.monotonic() + 60
    # The video's file beside its name appears with the first frame.
    while not list(tmp_path.glob("o/.clip*")) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    time.sleep(0.5)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == code, err
    assert "interrupted after " in err
    assert "Traceback" not in err
    folder = tmp_path / "o"
    frames = json.loads((folder / "poses.json").read_text())["frames"]
    assert 0 < len(frames) < 400
    assert f"{len(frames)} frames" in err or len(frames) == 1
    assert len((folder / "poses.jsonl").read_text().splitlines()) == len(frames)
    rows = csv.DictReader(io.StringIO((folder / "poses.csv").read_text()))
    assert len(list(rows)) == 17 * len(frames)
    assert len(json.loads((folder / "poses.coco.json").read_text())) == len(frames)
    with np.load(folder / "poses.npz") as data:
        assert len(data["frames"]) == len(frames)
    assert len(list(VideoReader(folder / "clip.mp4"))) == len(frames)
    assert not list(folder.glob(".*")), "nothing half-written is left"


@pytest.mark.skipif(os.name == "nt", reason="pipes close otherwise there")
def test_a_reader_that_goes_away_is_no_traceback(make_video: Any, tmp_path: Path) -> None:
    clip = make_video(frames=60)
    words = ("predict", clip, "--out", "-", "--save", "jsonl")
    process = start(*words, seconds=0.01, cwd=tmp_path, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    err = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=60) == 1
    assert "Traceback" not in err
    assert "Broken pipe" not in err


def test_what_libraries_print_does_not_reach_people(picture: Path, tmp_path: Path) -> None:
    data = picture.read_bytes()
    (tmp_path / "cut.png").write_bytes(data[: len(data) // 2])
    (tmp_path / "cut.mp4").write_bytes(b"\0\0\0\x20ftypisom" + bytes(100))
    process = start("predict", "cut.png", "cut.mp4", "--quiet", seconds=0, cwd=tmp_path)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert err.splitlines() == [
        "posecore: cut.png: wanted a picture, got a PNG file that is cut off, damaged or too large",
        "posecore: cut.mp4: wanted a video, got a file that is not one, is cut off, or has an unknown codec",
    ]
