"""Videos in and out: times, every N-th frame, rotation, files that end too early."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_estimator import red_centre

from posecore.errors import SourceError
from posecore.video import VideoReader, VideoWriter

pytestmark = pytest.mark.usefixtures("cv2")


def test_a_video_gives_its_frames_with_their_times(make_video: Any) -> None:
    with VideoReader(make_video(frames=20, fps=12.5)) as reader:
        assert reader.fps == pytest.approx(12.5)
        assert reader.frame_count == 20
        frames = list(reader)
    assert [index for index, _, _ in frames] == list(range(20))
    assert [time_s for _, time_s, _ in frames] == pytest.approx([k / 12.5 for k in range(20)])
    assert reader.missing_frames == 0
    image = frames[7][2]
    assert image.shape == (120, 160, 3)
    assert image.dtype == np.uint8
    assert red_centre(image) == pytest.approx((10 + 4 * 7 + 9.5, 49.5), abs=2)


def test_every_third_frame_is_the_same_frame_as_without_leaving_out(make_video: Any) -> None:
    path = make_video(frames=20)
    whole = {index: (time_s, image) for index, time_s, image in VideoReader(path)}
    some = list(VideoReader(path, every=3))
    assert [index for index, _, _ in some] == [0, 3, 6, 9, 12, 15, 18]
    for index, time_s, image in some:
        assert time_s == whole[index][0]
        assert np.array_equal(image, whole[index][1])


@pytest.mark.parametrize("name", ["clip.mp4", "clip.avi"])
@pytest.mark.parametrize("cores", [1, 2, 8])
def test_a_core_can_be_spared_without_another_picture(
    make_video: Any, monkeypatch: Any, name: str, cores: int
) -> None:
    path = make_video(name, frames=20)
    whole = list(VideoReader(path))
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    sparing = list(VideoReader(path, spare_core=True))
    assert [frame[:2] for frame in sparing] == [frame[:2] for frame in whole]
    assert all(np.array_equal(one[2], other[2]) for one, other in zip(sparing, whole, strict=True))


def test_a_telephones_rotation_is_applied(make_video: Any, cv2: Any) -> None:
    path = make_video(frames=5, size=(160, 120))
    data = bytearray(path.read_bytes())
    track = data.index(b"tkhd") + 4
    assert data[track] == 0, "a track header of version 0"
    quarter_turn = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
    data[track + 40 : track + 76] = quarter_turn
    path.write_bytes(data)
    with VideoReader(path) as reader:
        _, _, image = next(iter(reader))
    assert image.shape == (160, 120, 3)
    # The square was 40 px below the upper edge, which a clockwise quarter turn makes the right edge.
    assert red_centre(image) == pytest.approx((119 - 49.5, 19.5), abs=2)


def test_a_video_that_ends_too_early_says_how_many_frames_are_missing(make_video: Any) -> None:
    path = make_video("clip.avi", frames=60)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with VideoReader(path) as reader:
        frames = list(reader)
    assert 5 < len(frames) < 55
    # An .avi's index stands at its end, so the header alone says how many there should be.
    assert reader.frames_read == len(frames)
    assert reader.missing_frames == (0 if reader.frame_count is None else reader.frame_count - len(frames))


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "wanted a video, got an empty file"),
        (b"hello " * 100, "wanted a video, got a file that is not one, is cut off, or has an unknown codec"),
        (None, "wanted a video file, got nothing of that name"),
    ],
)
def test_what_is_no_video_gets_a_sentence(tmp_path: Path, data: bytes | None, sentence: str) -> None:
    path = tmp_path / "x.mp4"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(SourceError) as error:
        list(VideoReader(path))
    assert str(error.value) == f"{path}: {sentence}"


def test_a_camera_that_is_not_there_gets_a_sentence() -> None:
    with pytest.raises(
        SourceError, match=r"^camera 87: there is no such camera, or another program holds it$"
    ):
        VideoReader(87)


def test_every_must_be_positive(make_video: Any) -> None:
    with pytest.raises(ValueError, match="every: wanted a number from 1, got 0"):
        VideoReader(make_video(), every=0)


# Writing


@pytest.mark.parametrize("name", ["a.mp4", "a.avi", "a.webm", "a.mkv", "a.mov"])
@pytest.mark.parametrize("size", [(160, 120), (121, 161)])
def test_what_was_written_can_be_read(tmp_path: Path, name: str, size: tuple[int, int]) -> None:
    path = tmp_path / name
    image = np.zeros((size[1], size[0], 3), np.uint8)
    image[20:50, 30:60] = (220, 30, 30)
    with VideoWriter(path, fps=12.5) as writer:
        for _ in range(9):
            writer.write(image)
        assert not path.exists(), "the name appears only with the whole file"
    with VideoReader(path) as reader:
        frames = list(reader)
        assert reader.fps == pytest.approx(12.5)
    assert len(frames) == writer.frames_written == 9
    height, width = frames[0][2].shape[:2]
    assert (width, height) == (size[0] + size[0] % 2, size[1] + size[1] % 2)
    assert red_centre(frames[4][2]) == pytest.approx((44.5, 34.5), abs=2)
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(("error", "frames"), [(RuntimeError, None), (KeyboardInterrupt, 1)])
def test_a_failure_leaves_no_file_and_ctrl_c_a_whole_one(
    tmp_path: Path, error: type[BaseException], frames: int | None
) -> None:
    def write_one() -> None:
        with VideoWriter(tmp_path / "a.mp4", fps=5) as writer:
            writer.write(np.zeros((48, 64, 3), np.uint8))
            raise error

    with pytest.raises(error):
        write_one()
    assert len(list(tmp_path.iterdir())) == (0 if frames is None else 1)
    if frames is not None:
        assert len(list(VideoReader(tmp_path / "a.mp4"))) == frames


def test_no_frame_is_no_file(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "a.mp4", fps=5):
        pass
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"path: wanted a file ending in .mp4, .* got a.txt"):
        VideoWriter(tmp_path / "a.txt", fps=5)
    with pytest.raises(ValueError, match="fps: wanted a positive number of frames per second, got 0"):
        VideoWriter(tmp_path / "a.mp4", fps=0)
    with VideoWriter(tmp_path / "a.mp4", fps=5) as writer:
        with pytest.raises(TypeError, match="got float64"):
            writer.write(np.zeros((4, 4, 3)))  # type: ignore[arg-type]
        writer.write(np.zeros((48, 64, 3), np.uint8))
        with pytest.raises(
            ValueError, match=r"image: wanted \(64, 48\) as the first frame had, got \(48, 64\)"
        ):
            writer.write(np.zeros((64, 48, 3), np.uint8))


CUT = """
import resource, signal, sys
import numpy as np
from posecore.errors import SourceError
from posecore.video import VideoWriter

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
noise = np.random.default_rng(0)
try:
    with VideoWriter(sys.argv[1], fps=12.5) as writer:
        for _ in range(100):
            writer.write(noise.integers(0, 256, (48, 64, 3), dtype=np.uint8))
except SourceError as error:
    print(error)
"""


@pytest.mark.skipif(os.name == "nt", reason="files have no such limit there")
@pytest.mark.parametrize(
    ("name", "limit_bytes"),
    [(f"a.{ending}", limit) for ending in ("mp4", "mov", "avi", "webm", "mkv") for limit in (3000, 20_000)],
)
def test_a_video_that_a_full_disk_cut_off_is_an_error_and_no_file(
    tmp_path: Path, name: str, limit_bytes: int
) -> None:
    """In a process of its own, whose files may have so many bytes: OpenCV is as silent about that."""
    (tmp_path / name).write_bytes(b"what was there before")
    done = subprocess.run(
        [sys.executable, "-c", CUT, tmp_path / name, str(limit_bytes)],
        capture_output=True,
        text=True,
        errors="replace",  # what FFmpeg prints of a damaged file is not always text
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{tmp_path / name}: the video could not be written whole"), done.stdout
    assert [entry.name for entry in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_bytes() == b"what was there before"


@pytest.mark.parametrize("name", ["a.mp4", "a.avi", "a.webm", "a.mkv", "a.mov"])
@pytest.mark.parametrize("frames", [1, 2, 60])
def test_a_whole_video_of_any_length_is_not_mistaken_for_a_cut_one(
    tmp_path: Path, name: str, frames: int
) -> None:
    with VideoWriter(tmp_path / name, fps=23.976) as writer:
        for k in range(frames):
            writer.write(np.full((48, 64, 3), 4 * k, np.uint8))
    assert len(list(VideoReader(tmp_path / name))) == frames
