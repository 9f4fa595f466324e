"""`posecore predict` with people over time: ids, smoothing and receipts between the network and what is written."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import threading
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_estimator import FakeDetail, FakeEstimator, red_square
from moving_people import MeanSmoother, RowTracker, our_threads
from predict_command import Command, written

from posecore import footage, predict
from posecore.poses import Poses
from posecore.rendering import Renderer
from posecore.track import MOST_PEOPLE
from posecore.video import VideoReader

pytestmark = pytest.mark.usefixtures("cv2")


class MiddleOfThree:
    """An offline smoother: each frame is the mean of itself and its neighbours."""

    def __init__(self) -> None:
        self.calls: list[int] = []
        self.counters = {"outliers_dropped": 7}

    def __call__(self, frames: list[Poses]) -> list[Poses]:
        self.calls.append(len(frames))
        self.counters["outliers_dropped"] += 2
        xy = np.stack([poses.xy for poses in frames])
        mean = xy.copy()
        mean[1:-1] = (xy[:-2] + xy[1:-1] + xy[2:]) / np.float32(3)
        return [poses.replace(xy=mean[n]) for n, poses in enumerate(frames)]


class Loaded:
    """The trackers and smoothers that the command loaded."""

    def __init__(self, monkeypatch: Any) -> None:
        self.trackers: list[RowTracker] = []
        self.smoothers: list[tuple[str, Any]] = []
        monkeypatch.setattr(predict, "load_tracker", self._tracker)
        monkeypatch.setattr(predict, "load_smoother", self._smoother)

    def _tracker(self, skeleton: Any, **options: Any) -> RowTracker:
        self.trackers.append(RowTracker(skeleton, **options))
        return self.trackers[-1]

    def _smoother(self, name: str, skeleton: Any, fps: float) -> Any:
        self.fps = fps
        self.smoothers.append((name, MiddleOfThree() if name == "lowess" else MeanSmoother()))
        return self.smoothers[-1][1]


@pytest.fixture
def loaded(monkeypatch: Any) -> Loaded:
    return Loaded(monkeypatch)


def noses(folder: str = "posecore-out") -> list[float]:
    frames = json.loads(Path(folder, "poses.json").read_text())["frames"]
    return [frame["people"][0]["keypoints"][0][0] for frame in frames]


def test_ids_are_in_every_format(command: Command, make_video: Any, loaded: Loaded) -> None:
    code, _, err = command("predict", make_video(), "--track", "--save", "json,jsonl,csv,npz")
    assert code == 0, err
    out = Path("posecore-out")
    frames = json.loads((out / "poses.json").read_text())["frames"]
    assert [frame["people"][0]["track_id"] for frame in frames] == [1] * 20
    lines = [json.loads(line) for line in (out / "poses.jsonl").read_text().splitlines()]
    assert [line["people"][0]["track_id"] for line in lines] == [1] * 20
    rows = list(csv.DictReader(io.StringIO((out / "poses.csv").read_text())))
    assert {row["track_id"] for row in rows} == {"1"}
    with np.load(out / "poses.npz") as data:
        assert data["track_ids"].tolist() == [1] * 20
    assert loaded.trackers[0].times_s == pytest.approx([n / 12.5 for n in range(20)], abs=1e-3)


def test_without_the_option_nobody_is_tracked(command: Command, make_video: Any, loaded: Loaded) -> None:
    assert command("predict", make_video(frames=3))[0] == 0
    assert (loaded.trackers, loaded.smoothers) == ([], [])
    assert (
        json.loads(Path("posecore-out/poses.json").read_text())["frames"][0]["people"][0]["track_id"] is None
    )


@pytest.mark.parametrize("name", ["kalman", "one-euro"])
def test_smoothing_brings_tracking_and_lies_between_the_network_and_all_outputs(
    command: Command, make_video: Any, loaded: Loaded, name: str
) -> None:
    clip = make_video()
    assert command("predict", clip, "--out", "raw")[0] == 0
    assert command("predict", clip, "--out", "smooth", "--smooth", name)[0] == 0
    raw, smooth = noses("raw"), noses("smooth")
    expected = [raw[0], *((a + b) / 2 for a, b in pairwise(raw))]
    assert smooth == pytest.approx(expected, abs=0.011)
    assert [smoother for smoother, _ in loaded.smoothers] == [name]
    assert len(loaded.trackers) == 1
    assert loaded.fps == pytest.approx(12.5)
    # The drawing moved with the poses.
    last = [list(VideoReader(f"{folder}/clip.mp4"))[-1][2].astype(int) for folder in ("raw", "smooth")]
    assert np.abs(last[0] - last[1]).max() > 60


def test_tracked_people_are_drawn_in_a_colour_of_their_own(
    command: Command, make_video: Any, loaded: Loaded
) -> None:
    from posecore.drawing import TRACK_COLORS

    def shares(folder: str) -> tuple[float, float]:
        """Of the last frame: how much is near the colour of track 1, and of a right limb."""
        image = list(VideoReader(f"{folder}/clip.mp4"))[-1][2].astype(int)
        return tuple(
            float((np.abs(image - color).max(axis=2) < 60).mean())
            for color in (TRACK_COLORS[1], (40, 150, 255))
        )

    clip = make_video(frames=10, size=(480, 360))
    assert command("predict", clip, "--out", "plain")[0] == 0
    assert command("predict", clip, "--out", "tracked", "--track")[0] == 0
    plain, tracked = shares("plain"), shares("tracked")
    assert plain[0] == 0 < tracked[0]
    assert tracked[1] < plain[1]


def test_each_video_has_a_tracker_of_its_own_and_pictures_have_none(
    command: Command, make_video: Any, picture: Path, loaded: Loaded
) -> None:
    words = (make_video("a.mp4", frames=4), picture, make_video("b.mp4", frames=5))
    code, out, err = command("predict", *words, "--track", "--max-gap", "0.5", "--json")
    assert code == 0, err
    assert [len(tracker.times_s) for tracker in loaded.trackers] == [4, 5]
    assert all(t.options == {"max_gap_s": 0.5, "max_people": MOST_PEOPLE} for t in loaded.trackers)
    receipts = [file["receipt"] for file in json.loads(out)["files"]]
    assert [receipt and receipt["frames"] for receipt in receipts] == [4, None, 5]


# The receipt


def test_a_run_ends_with_its_receipt(command: Command, make_video: Any, loaded: Loaded) -> None:
    code, out, err = command("predict", make_video(frames=40), "--smooth", "kalman", "--json")
    assert code == 0
    receipt = json.loads(out)["files"][0]["receipt"]
    assert receipt["frames"] == 40
    assert 0 < receipt["jitter_before_px"] < 1
    assert 0 < receipt["jitter_after_px"] < 1
    assert receipt["lag_frames"] == pytest.approx(0.5, abs=0.1)
    assert receipt["lag_ms"] == pytest.approx(40, abs=8)
    assert (receipt["ids_born"], receipt["id_switches_guessed"], receipt["gaps_filled"]) == (1, 0, 0)
    assert (receipt["swaps_repaired"], receipt["outliers_dropped"]) == (40, 0)
    assert "second difference" in receipt["convention"]
    lines = [line.partition("clip.mp4: ")[2] for line in err.splitlines() if "clip.mp4: " in line]
    assert any(line.startswith("jitter ") and "lag +0.5" in line for line in lines)
    assert any(line.startswith("40 left-right swaps repaired, 0 keypoints filled in") for line in lines)
    assert "\ntrack " in err


def test_a_run_without_tracking_has_no_receipt(command: Command, make_video: Any) -> None:
    _, out, err = command("predict", make_video(frames=3), "--json")
    report = json.loads(out)
    assert report["files"][0]["receipt"] is None
    assert "track" not in report["ms_per_frame"]
    assert "jitter" not in err


# Smoothing that needs all poses


def test_lowess_smooths_the_whole_and_then_reads_the_video_again_to_draw(
    command: Command, make_video: Any, loaded: Loaded
) -> None:
    clip = make_video(frames=30)
    assert command("predict", clip, "--out", "raw")[0] == 0
    code, out, err = command("predict", clip, "--out", "smooth", "--smooth", "lowess", "--json", "--mirror")
    assert code == 0, err
    raw = noses("raw")
    expected = [raw[0], *(np.convolve(raw, np.ones(3) / 3, "valid")), raw[-1]]
    assert noses("smooth") == pytest.approx([159 - x for x in expected], abs=0.011)
    assert loaded.smoothers[0][1].calls == [30]
    assert len(list(VideoReader("smooth/clip.mp4"))) == 30
    report = json.loads(out)["files"][0]
    assert (report["frames"], report["drawn"]) == (30, "smooth/clip.mp4")
    assert report["receipt"]["outliers_dropped"] == 2
    assert report["receipt"]["lag_frames"] == pytest.approx(0, abs=0.05)
    assert len(command.estimator.seen) == 60, "the network has seen each frame once in each run"


def test_lowess_with_every_and_without_drawings(command: Command, make_video: Any, loaded: Loaded) -> None:
    words = ("--smooth", "lowess", "--every", "3", "--draw", "none")
    assert command("predict", make_video(frames=30), *words)[0] == 0
    frames = json.loads(Path("posecore-out/poses.json").read_text())["frames"]
    assert [frame["frame"] for frame in frames] == list(range(0, 30, 3))
    assert written("posecore-out") == ["poses.json"]


def test_lowess_goes_to_stdout_too(command: Command, make_video: Any, loaded: Loaded) -> None:
    code, out, _ = command(
        "predict", make_video(frames=6), "--smooth", "lowess", "--out", "-", "--save", "jsonl"
    )
    assert code == 0
    assert [json.loads(line)["frame"] for line in out.splitlines()] == list(range(6))


class Interrupted(FakeEstimator):
    """In its sixth frame somebody presses Ctrl-C."""

    def detail(self, image: Any) -> FakeDetail:
        if len(self.seen) == 5:
            os.kill(os.getpid(), signal.SIGINT)
        return super().detail(image)


@pytest.mark.skipif(os.name == "nt", reason="signals are sent otherwise there")
@pytest.mark.parametrize("smooth", ["kalman", "lowess"])
def test_ctrl_c_leaves_the_frames_up_to_the_one_in_work_smoothed(
    command: Command, make_video: Any, loaded: Loaded, smooth: str
) -> None:
    command.estimator = Interrupted()
    code, _, err = command("predict", make_video(frames=30), "--smooth", smooth)
    assert code == 130
    assert "interrupted after 6 frames" in err
    assert len(noses()) == 6
    expected = ["poses.json"] if smooth == "lowess" else ["clip.mp4", "poses.json"]
    assert written("posecore-out") == expected
    assert our_threads() == []
    told = "clip.mp4: interrupted before drawing: posecore-out/clip.mp4 is not written, the poses of 6 frames are"
    assert (told in err) == (smooth == "lowess")


@pytest.mark.skipif(os.name == "nt", reason="signals are sent otherwise there")
def test_ctrl_c_while_lowess_draws_says_what_the_video_lacks(
    command: Command, make_video: Any, loaded: Loaded, monkeypatch: Any
) -> None:
    draw, drawn = Renderer.draw, []

    def interrupted(self: Renderer, *words: Any, **options: Any) -> Any:
        drawn.append(1)
        if len(drawn) == 4:
            os.kill(os.getpid(), signal.SIGINT)
        return draw(self, *words, **options)

    monkeypatch.setattr(Renderer, "draw", interrupted)
    code, _, err = command("predict", make_video(frames=30), "--smooth", "lowess")
    assert code == 130
    frames = len(list(VideoReader("posecore-out/clip.mp4")))
    assert 4 <= frames < 30
    assert (
        f"clip.mp4: interrupted while drawing: posecore-out/clip.mp4 has the first {frames} of 30 frames"
        in err
    )
    assert len(noses()) == 30


# What does not fit together


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--max-gap", "1"], "--max-gap: wanted --track or --smooth beside it, got neither"),
        (["--smooth", "lowess", "--draw", "poses,offsets"], "so wanted --draw of poses and names, got offsets"),
        (["--smooth", "lowess", "--show"], "--smooth lowess: smooths when all frames are read; leave it or --show out"),
        (["--smooth", "median"], "argument --smooth: invalid choice: 'median'"),
        (["--track", "--max-gap", "-1"], "wanted a number of seconds from 0 to 3600, got '-1'"),
        (["--track", "--max-gap", "nan"], "wanted a number of seconds from 0 to 3600, got 'nan'"),
    ],
)  # fmt: skip
def test_options_that_do_not_fit_together_are_wrong_usage(
    command: Command, make_video: Any, loaded: Loaded, words: list[str], sentence: str
) -> None:
    code, out, err = command("predict", make_video(frames=2), *words)
    assert (code, out) == (2, "")
    assert sentence in err
    assert not written()


def test_pictures_alone_are_not_tracked(command: Command, picture: Path, loaded: Loaded) -> None:
    for word in ("--track", "--smooth"):
        code, _, err = command("predict", picture, word, *(["kalman"] if word == "--smooth" else []))
        assert code == 2
        assert f"{word}: wanted a video or camera, got pictures or heads alone" in err


def test_a_camera_cannot_be_read_twice(command: Command, loaded: Loaded) -> None:
    code, _, err = command("predict", "0", "--smooth", "lowess")
    assert code == 2
    assert "--smooth lowess: reads a video a second time to draw it, which a camera cannot give" in err


# Stages at once


def test_reading_the_network_and_writing_are_at_work_at_once(
    command: Command, make_video: Any, monkeypatch: Any
) -> None:
    """Each waits in the middle of its work for the two others: one after the other they would wait for ever."""
    all_at_work = threading.Barrier(3)
    read, write = VideoReader._rgb, predict.Prediction.write
    calls = {"read": 0, "write": 0}

    def meet(stage: str, first: int, last: int) -> None:
        calls[stage] += 1
        if first <= calls[stage] <= last:
            all_at_work.wait(60)

    def reading(self: VideoReader, image: Any) -> Any:
        meet("read", 3, 12)
        return read(self, image)

    def writing(self: Any, name: str, frame: int, poses: Poses) -> None:
        meet("write", 1, 10)
        write(self, name, frame, poses)

    class Meeting(FakeEstimator):
        def detail(self, image: Any) -> FakeDetail:
            if 1 <= len(self.seen) <= 10:
                all_at_work.wait(60)
            return super().detail(image)

    monkeypatch.setattr(VideoReader, "_rgb", reading)
    monkeypatch.setattr(predict.Prediction, "write", writing)
    command.estimator = Meeting()
    code, _, err = command("predict", make_video(frames=20), "--draw", "none")
    assert code == 0, err
    assert len(noses()) == 20


class Camera:
    """Shows 12 frames, one each tenth of a second, while the network looks at its first one."""

    fps, live, frame_count, missing_frames = 10.0, True, None, 0
    all_shown: threading.Event

    def __init__(self, number: int, *, every: int, spare_core: bool) -> None:
        assert (number, every) == (3, 1)
        self.frames_read = 0

    def __iter__(self) -> Any:
        for number in range(12):
            self.frames_read += 1
            yield number, number / 10, red_square(160, 120, 10 + 4 * number, 40)
        self.all_shown.set()

    def close(self) -> None:
        pass


def test_a_camera_drops_what_is_late_says_so_and_its_video_keeps_the_time(
    command: Command, loaded: Loaded, monkeypatch: Any
) -> None:
    Camera.all_shown = threading.Event()

    class Waiting(FakeEstimator):
        def detail(self, image: Any) -> FakeDetail:
            assert Camera.all_shown.wait(60)
            return super().detail(image)

    monkeypatch.setattr(footage, "VideoReader", Camera)
    command.estimator = Waiting()
    code, out, err = command("predict", "3", "--track", "--json")
    assert code == 0, err
    frames = json.loads(Path("posecore-out/poses.json").read_text())["frames"]
    assert [frame["time_s"] for frame in frames] == [frame["frame"] / 10 for frame in frames]
    assert frames[-1]["frame"] == 11, "the newest is never dropped"
    assert len(frames) <= 3
    assert json.loads(out)["files"][0]["dropped"] == 12 - len(frames)
    assert f", {12 - len(frames)} dropped" in err
    assert len(list(VideoReader("posecore-out/camera-3.mp4"))) == 12


@pytest.mark.parametrize("stage", ["read", "network", "write"])
def test_an_error_of_any_stage_leaves_no_thread_and_nothing_half_written(
    command: Command, make_video: Any, monkeypatch: Any, stage: str
) -> None:
    clip = make_video(frames=20)

    def break_down(*_: Any) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(
        {"read": VideoReader, "network": FakeEstimator, "write": predict.Prediction}[stage],
        {"read": "_rgb", "network": "detail", "write": "write"}[stage],
        break_down,
    )
    code, _, err = command("predict", clip)
    assert code == 1
    assert "RuntimeError: broken" in err
    assert our_threads() == []
    assert written() == []


def test_a_tracker_has_room_for_as_many_people_as_it_can(
    command: Command, make_video: Any, loaded: Loaded
) -> None:
    assert command("predict", make_video(), "--track", "--save", "none", "--draw", "none")[0] == 0
    assert loaded.trackers[0].options["max_people"] == MOST_PEOPLE


def test_more_people_than_a_tracker_can_have_are_refused_before_the_video(
    command: Command, make_video: Any, loaded: Loaded
) -> None:
    code, _, err = command("predict", make_video(), "--track", "--max-poses", 257)
    assert code == 2
    assert "--max-poses: wanted at most 256 beside --track and --smooth, got 257" in err
