"""`posecore.stream`: frames with their poses, in order, of their time, a bounded number under way."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_estimator import red_centre, red_square
from moving_people import MeanSmoother, RowTracker, estimate, frames, number_of, numbered, walker

import posecore as pc
from posecore import frames as frames_module
from posecore.errors import SourceError

PATIENCE_S = 60.0


def nobody(frame: np.ndarray) -> pc.Poses:
    return pc.Poses.empty(pc.COCO17)


def test_frames_come_in_order_each_with_its_own_poses() -> None:
    seen = []
    for frame, poses in pc.stream(frames(50), estimate):
        seen.append(number_of(frame))
        assert np.array_equal(poses.xy, walker(seen[-1]).xy)
    assert seen == list(range(50))


def test_frames_belong_to_the_caller_although_the_source_has_one_buffer() -> None:
    kept = [frame for frame, _ in pc.stream(frames(20), nobody)]
    for number, frame in enumerate(kept):
        assert number_of(frame) == number
        frame[:] = 255
    assert all(frame.flags.owndata and frame.flags.writeable for frame in kept)


def test_a_stream_of_an_array_of_frames() -> None:
    clip = np.stack([numbered(n) for n in range(5)])
    assert [number_of(frame) for frame, _ in pc.stream(clip, nobody)] == [0, 1, 2, 3, 4]


def test_a_stream_that_has_ended_stays_ended() -> None:
    stream = pc.stream(frames(2), nobody)
    assert len(list(stream)) == 2
    assert list(stream) == []
    assert stream.index == 1


# Times


def test_frames_without_times_are_thirty_a_second_or_what_was_said() -> None:
    times = [poses.time_s for _, poses in pc.stream(frames(4), nobody)]
    assert times == pytest.approx([0, 1 / 30, 2 / 30, 3 / 30])
    stream = pc.stream(frames(4), nobody, fps=8)
    assert [poses.time_s for _, poses in stream] == [0, 0.125, 0.25, 0.375]
    assert stream.fps == 8


def test_frames_may_come_with_their_times() -> None:
    pairs = ((numbered(n), 100 + n * n) for n in range(4))
    assert [poses.time_s for _, poses in pc.stream(pairs, nobody)] == [100, 101, 104, 109]


@pytest.mark.usefixtures("cv2")
def test_a_video_has_the_times_of_its_container_or_what_was_said(make_video: Any) -> None:
    path = make_video(frames=10, fps=12.5)
    stream = pc.stream(path, nobody)
    assert stream.fps == pytest.approx(12.5)
    assert [poses.time_s for _, poses in stream] == pytest.approx([n / 12.5 for n in range(10)])
    slow = pc.stream(str(path), nobody, fps=100)
    assert [poses.time_s for _, poses in slow] == pytest.approx([n / 100 for n in range(10)])


# What is read


@pytest.mark.usefixtures("cv2")
def test_a_video_gives_the_pictures_of_its_frames(make_video: Any) -> None:
    path = make_video(frames=10)
    for number, (frame, _) in enumerate(pc.stream(path, nobody)):
        assert red_centre(frame) == pytest.approx((10 + 4 * number + 9.5, 49.5), abs=2)
    assert number == 9


def test_a_folder_gives_its_pictures_in_natural_order(tmp_path: Path, cv2: Any) -> None:
    for number in (10, 9, 2):
        cv2.imwrite(str(tmp_path / f"{number}.png"), red_square(320, 240, 10 * number, 40)[:, :, ::-1])
    (tmp_path / "notes.txt").write_text("no picture")
    found = [red_centre(frame) for frame, _ in pc.stream(tmp_path, nobody)]
    assert found == [(29.5, 49.5), (99.5, 49.5), (109.5, 49.5)]
    assert len(list(pc.stream(tmp_path / "9.png", nobody))) == 1
    assert [p.time_s for _, p in pc.stream(str(tmp_path / "*.png"), nobody, fps=4)] == [0, 0.25, 0.5]


# Threads


def test_reading_the_network_and_the_caller_are_at_work_at_once() -> None:
    """Each waits in the middle of its work for the two others: one after the other they would wait for ever."""
    all_at_work = threading.Barrier(3)

    def read() -> Iterator[np.ndarray]:
        for number in range(12):
            if number >= 2:
                all_at_work.wait(PATIENCE_S)
            yield numbered(number)

    def find(frame: np.ndarray) -> pc.Poses:
        if 1 <= number_of(frame) <= 10:
            all_at_work.wait(PATIENCE_S)
        return estimate(frame)

    seen = []
    for frame, _ in pc.stream(read(), find):
        seen.append(number_of(frame))
        if seen[-1] <= 9:
            all_at_work.wait(PATIENCE_S)
    assert seen == list(range(12))


@pytest.mark.parametrize("queue", [1, 3])
def test_a_bounded_number_of_frames_is_under_way(queue: int) -> None:
    taken = []

    def read() -> Iterator[np.ndarray]:
        for number in range(60):
            taken.append(number)
            yield numbered(number)

    most = 0
    for handed, _ in enumerate(pc.stream(read(), nobody, queue=queue)):
        most = max(most, len(taken) - handed)
        if handed == 5:
            # Until nobody moves any more.
            while len(taken) - handed < 2 * queue + 3:
                threading.Event().wait(0.001)
    assert most <= 2 * queue + 3
    assert len(taken) == 60


class Live:
    """A camera that shows so many frames, and says when it has."""

    fps, live, missing_frames = 30.0, True, 0

    def __init__(self, count: int) -> None:
        self._count = count
        self.all_shown = threading.Event()
        self.closed = 0

    def __iter__(self) -> Iterator[tuple[int, float, np.ndarray]]:
        for number in range(self._count):
            yield number, number / 10, numbered(number)
        self.all_shown.set()

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def live(monkeypatch: Any) -> Live:
    camera = Live(40)
    monkeypatch.setattr(frames_module, "VideoReader", lambda source: camera)
    return camera


def test_a_camera_drops_what_is_late_and_says_how_much(live: Live) -> None:
    def find(frame: np.ndarray) -> pc.Poses:
        assert live.all_shown.wait(PATIENCE_S)
        return estimate(frame)

    stream = pc.stream(0, find)
    got = [(number_of(frame), poses.time_s, stream.index) for frame, poses in stream]
    numbers = [number for number, _, _ in got]
    assert numbers == sorted(set(numbers))
    assert 1 <= len(numbers) <= 3
    assert numbers[-1] == 39, "the newest is never dropped"
    assert stream.dropped == 40 - len(numbers)
    assert all(time_s == number / 10 and index == number for number, time_s, index in got)
    assert live.closed == 1


def test_a_camera_queues_where_that_is_asked_for(live: Live) -> None:
    stream = pc.stream(0, estimate, late="queue")
    assert [number_of(frame) for frame, _ in stream] == list(range(40))
    assert stream.dropped == 0
    assert stream.live


def test_a_file_drops_where_that_is_asked_for() -> None:
    all_read = threading.Event()

    def read() -> Iterator[np.ndarray]:
        yield from frames(30)
        all_read.set()

    def find(frame: np.ndarray) -> pc.Poses:
        assert all_read.wait(PATIENCE_S)
        return estimate(frame)

    stream = pc.stream(read(), find, late="drop", queue=2)
    numbers = [number_of(frame) for frame, _ in stream]
    assert numbers[-2:] == [28, 29]
    assert len(numbers) + stream.dropped == 30


# Tracker, smoother, receipt


def test_tracker_and_smoother_see_each_frame_once_in_order_before_it_is_handed_over() -> None:
    tracker, smoother = RowTracker(), MeanSmoother()
    stream = pc.stream(frames(30), estimate, tracker, smoother, fps=10)
    for number, (_, poses) in enumerate(stream):
        assert tracker.times_s == pytest.approx([n / 10 for n in range(number + 1)])
        assert poses.track_ids.tolist() == [1]
        expected = walker(number).xy - (1.5 if number else 0) * np.array([1, 0], np.float32)
        assert np.allclose(poses.xy, expected)
    receipt = stream.receipt
    assert receipt is not None
    assert (receipt.frames, receipt.ids_born, receipt.swaps_repaired) == (30, 1, 30)
    assert receipt.lag_frames == pytest.approx(0.5)
    assert receipt.lag_ms == pytest.approx(50)


def test_there_is_no_receipt_where_nothing_is_tracked() -> None:
    stream = pc.stream(frames(3), estimate)
    assert len(list(stream)) == 3
    assert stream.receipt is None


# Mistakes


@pytest.mark.parametrize(
    ("arguments", "options", "kind", "sentence"),
    [
        ((None, nobody), {}, TypeError, "source: wanted a file, folder, camera number, network address, or frames"),
        ((True, nobody), {}, TypeError, "to iterate over, got bool"),
        ((b"clip.mp4", nobody), {}, TypeError, "to iterate over, got bytes"),
        ((-1, nobody), {}, ValueError, "source: wanted a camera's number from 0 to 9999, got -1"),
        (([], None), {}, TypeError, "estimator: wanted something to call with a frame, got NoneType"),
        (([], nobody, 3), {}, TypeError, "tracker: wanted something to call with Poses, got int"),
        (([], nobody, None, "kalman"), {}, TypeError, "smoother: wanted something to call with Poses, got str"),
        (([], nobody), {"queue": 0}, ValueError, "queue: wanted a whole number from 1 to 1000, got 0"),
        (([], nobody), {"late": "skip"}, ValueError, "late: wanted one of queue, drop, got 'skip'"),
        (([], nobody), {"fps": 0}, ValueError, "fps: wanted a number from 0.001 to 1e+06, got 0"),
        (("nowhere.mp4", nobody), {}, SourceError, "nowhere.mp4: there is no such file or folder"),
    ],
)  # fmt: skip
def test_an_argument_that_is_wrong_gets_a_sentence_at_once(
    arguments: tuple[Any, ...], options: dict[str, Any], kind: type[Exception], sentence: str
) -> None:
    with pytest.raises(kind) as error:
        pc.stream(*arguments, **options)
    assert sentence in str(error.value)


@pytest.mark.parametrize(
    ("bad", "kind", "sentence"),
    [
        ("text", TypeError, "source: wanted frames that are NumPy arrays uint8 of shape (H, W, 3), got str as frame 2"),
        (np.zeros((4, 4, 3)), TypeError, "of shape (H, W, 3), got float64 as frame 2"),
        (np.zeros((4, 4), np.uint8), ValueError, "got shape (4, 4) as frame 2"),
        (np.zeros((0, 4, 3), np.uint8), ValueError, "got shape (0, 4, 3) as frame 2"),
        ((numbered(2), 0.01), ValueError, "each time later than the one before, got 0.01 after 0.0333333 in frame 2"),
        ((numbered(2), float("nan")), ValueError, "from -1e+10 to 1e+10, got nan in frame 2"),
        ((numbered(2), 1.1e10), ValueError, "from -1e+10 to 1e+10, got 1.1e+10 in frame 2"),
        ((numbered(2), "late"), TypeError, "got str for the time of frame 2"),
        ((numbered(2), 1, 2), TypeError, "got tuple as frame 2"),
    ],
)  # fmt: skip
def test_a_frame_that_is_wrong_gets_a_sentence_after_those_before_it(
    bad: Any, kind: type[Exception], sentence: str
) -> None:
    stream = pc.stream([numbered(0), numbered(1), bad, numbered(3)], nobody)
    assert [number_of(next(stream)[0]) for _ in range(2)] == [0, 1]
    with pytest.raises(kind) as error:
        next(stream)
    assert sentence in str(error.value)
    assert list(stream) == []


def test_a_rate_for_what_has_times_is_refused(live: Live) -> None:
    with pytest.raises(ValueError, match="fps: wanted None, since the frames come with their times, got 25"):
        next(pc.stream([(numbered(0), 0.0)], nobody, fps=25))
    with pytest.raises(ValueError, match="fps: wanted None for a live source"):
        frames_module.open_frames(0, fps=25)


@pytest.mark.parametrize("who", ["estimator", "tracker", "smoother"])
def test_what_gives_no_poses_gets_a_sentence(who: str) -> None:
    steps: dict[str, Any] = {"estimator": estimate, who: lambda _: "nobody"}
    with pytest.raises(TypeError, match=rf"^{who}: wanted Poses from it, got str$"):
        next(pc.stream(frames(3), **steps))


def test_heads_and_several_videos_are_no_stream(tmp_path: Path) -> None:
    (tmp_path / "a.npz").write_bytes(b"x")
    with pytest.raises(SourceError, match=r"a\.npz: wanted one video, or pictures, got heads"):
        pc.stream(tmp_path / "a.npz", nobody)
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).write_bytes(b"x")
    with pytest.raises(SourceError, match=r"a\.mp4: wanted one video, or pictures, got a video among others"):
        pc.stream(str(tmp_path / "*.mp4"), nobody)


@pytest.mark.usefixtures("cv2")
def test_a_video_that_is_cut_off_gives_what_there_is_and_warns(make_video: Any, monkeypatch: Any) -> None:
    path = make_video(frames=30)
    monkeypatch.setattr(frames_module.VideoReader, "missing_frames", property(lambda self: 70))
    with pytest.warns(RuntimeWarning, match="cut off or damaged: its header promises 70 frames more"):
        found = list(pc.stream(path, nobody))
    assert len(found) == 30
