"""What can be typed as a source, what a picture file becomes, and the sentence for everything else."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from posecore.errors import SourceError
from posecore.sources import Source, find_sources, read_picture


def names(typed: list[str]) -> list[str]:
    return [Path(source.name).name for source in find_sources(typed)]


def touch(folder: Path, *files: str) -> None:
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(b"x")


def test_nothing_is_the_default_picture() -> None:
    assert find_sources([]) == [Source("picture", "people.jpg")]


def test_a_word_is_known_by_its_ending(tmp_path: Path) -> None:
    touch(tmp_path, "a.JPG", "b.mp4", "c.npz", "d.gif", "e")
    kinds = [
        find_sources([str(tmp_path / name)])[0].kind for name in ("a.JPG", "b.mp4", "c.npz", "d.gif", "e")
    ]
    assert kinds == ["picture", "video", "heads", "video", "picture"]


def test_a_number_is_a_camera_unless_a_file_has_that_name(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_sources(["2"]) == [Source("camera", "camera 2", camera=2)]
    touch(tmp_path, "2")
    assert find_sources(["2"])[0].kind == "picture"


def test_a_folder_gives_its_pictures_in_the_order_that_people_count(tmp_path: Path) -> None:
    touch(
        tmp_path,
        "img10.png",
        "img2.png",
        "IMG1.jpg",
        "b.mp4",
        "notes.txt",
        ".hidden.png",
        "sub.png/inner.png",
    )
    assert names([str(tmp_path)]) == ["IMG1.jpg", "img2.png", "img10.png"]


def test_a_glob_gives_whatever_it_matches(tmp_path: Path) -> None:
    touch(tmp_path, "a/2.png", "a/10.png", "a/1.mp4", "a/3.npz", "a/4.txt")
    assert names([str(tmp_path / "**" / "*")]) == ["1.mp4", "2.png", "3.npz", "10.png"]


def test_a_file_whose_name_looks_like_a_glob_is_that_file(tmp_path: Path) -> None:
    touch(tmp_path, "a[1].png")
    assert names([str(tmp_path / "a[1].png")]) == ["a[1].png"]


def test_words_come_in_the_order_they_were_typed(tmp_path: Path) -> None:
    touch(tmp_path, "b.png", "a.png")
    assert names([str(tmp_path / "b.png"), str(tmp_path / "a.png")]) == ["b.png", "a.png"]


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("net.onnx", "net.onnx: wanted a picture, video or heads, got a model (.onnx); --model names one"),
        ("missing.jpg", "missing.jpg: there is no such file or folder"),
        ("*.png", "*.png: wanted a glob that matches pictures, videos or .npz heads, got no match"),
        ("*.txt", "*.txt: wanted a glob that matches pictures, videos or .npz heads, got 1 other file"),
        ("empty", "empty: wanted a folder with pictures, got one with none"),
        (
            "films",
            "films: wanted a folder with pictures, got one with none; for its videos, use a glob such as "
            f"films{os.sep}*",
        ),
        (
            "rtsp://host/x",
            "rtsp://host/x: wanted a file, folder, glob or camera number, got a network address",
        ),
        (
            "rtsp://me:secret@host/x",
            "rtsp://host/x: wanted a file, folder, glob or camera number, got a network address",
        ),
        ("", ": there is no such file or folder"),
    ],
)
def test_a_word_that_is_no_source_gets_a_sentence(
    tmp_path: Path, monkeypatch: Any, word: str, sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    touch(tmp_path, "films/a.mp4", "notes.txt", "net.onnx")
    with pytest.raises(SourceError) as error:
        find_sources([word])
    assert str(error.value) == sentence


def test_a_nul_in_a_path_gets_a_sentence() -> None:
    with pytest.raises(SourceError, match="wanted a path, got one with a NUL character"):
        find_sources(["a\0b"])


# Pictures


@pytest.fixture
def save(tmp_path: Path, cv2: Any) -> Any:
    def save(name: str, image: np.ndarray) -> Source:
        path = tmp_path / name
        assert cv2.imwrite(str(path), image)
        return Source("picture", name, path=path)

    return save


def test_a_colour_picture_is_rgb(save: Any) -> None:
    bgr = np.zeros((5, 7, 3), np.uint8)
    bgr[:] = (10, 20, 200)
    image = read_picture(save("a.png", bgr))
    assert image.shape == (5, 7, 3)
    assert image.dtype == np.uint8
    assert image[0, 0].tolist() == [200, 20, 10]


def test_grey_becomes_three_equal_channels(save: Any) -> None:
    assert read_picture(save("a.png", np.full((4, 6), 77, np.uint8)))[2, 3].tolist() == [77, 77, 77]


def test_sixteen_bits_become_eight(save: Any) -> None:
    assert read_picture(save("a.png", np.full((4, 6), 77 * 257, np.uint16)))[2, 3].tolist() == [77, 77, 77]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_what_is_transparent_is_white(save: Any, dtype: Any) -> None:
    top = np.iinfo(dtype).max
    bgra = np.zeros((4, 6, 4), dtype)
    bgra[:, :3, 3] = top
    bgra[:, 3, 3] = top // 2
    image = read_picture(save("a.png", bgra))
    assert image[0, 0].tolist() == [0, 0, 0]
    assert image[0, 5].tolist() == [255, 255, 255]
    assert abs(int(image[0, 3, 0]) - 128) <= 1


def exif_turned(jpeg: bytes, orientation: int) -> bytes:
    tiff = b"II*\0\x08\0\0\0\x01\0" + struct.pack("<HHIHH", 0x0112, 3, 1, orientation, 0) + b"\0\0\0\0"
    segment = b"Exif\0\0" + tiff
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + jpeg[2:]


def test_the_turn_that_a_telephone_notes_is_applied(tmp_path: Path, cv2: Any) -> None:
    bgr = np.zeros((32, 64, 3), np.uint8)
    bgr[:, :16] = 255
    data = exif_turned(cv2.imencode(".jpg", bgr)[1].tobytes(), 6)
    (tmp_path / "a.jpg").write_bytes(data)
    image = read_picture(Source("picture", "a.jpg", path=tmp_path / "a.jpg"))
    assert image.shape == (64, 32, 3)
    # The left edge of the stored picture is the upper edge of the turned one.
    assert image[:12].mean() > 240
    assert image[-12:].mean() < 15


def png_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "x.jpg: wanted a picture, got an empty file"),
        (
            b"hello",
            "x.jpg: wanted a picture, got a file that is not one, or of a kind that OpenCV does not read",
        ),
        (
            b"\xff\xd8\xff\xe0 and no more",
            "x.jpg: wanted a picture, got a JPEG file that is cut off, damaged or too large",
        ),
    ],
)
def test_what_is_no_picture_gets_a_sentence(tmp_path: Path, cv2: Any, data: bytes, sentence: str) -> None:
    (tmp_path / "x.jpg").write_bytes(data)
    with pytest.raises(SourceError) as error:
        read_picture(Source("picture", "x.jpg", path=tmp_path / "x.jpg"))
    assert str(error.value) == sentence


def test_a_picture_that_is_a_folder_or_gone_gets_a_sentence(tmp_path: Path, cv2: Any) -> None:
    for path, what in ((tmp_path, "a folder"), (tmp_path / "x", "nothing of that name")):
        with pytest.raises(SourceError, match=f"^p: wanted a picture file, got {what}$"):
            read_picture(Source("picture", "p", path=path))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_picture_that_may_not_be_read_gets_a_sentence(save: Any) -> None:
    source = save("a.png", np.zeros((4, 4, 3), np.uint8))
    source.path.chmod(0)
    with pytest.raises(SourceError, match=r"^a.png: the file cannot be read \(Permission denied\)$"):
        read_picture(source)


@pytest.mark.parametrize("size", [(60_000, 60_000), (20_000, 20_000)])
def test_a_small_file_that_unpacks_to_gigabytes_is_refused(
    tmp_path: Path, cv2: Any, size: tuple[int, int]
) -> None:
    """In a process of its own: OpenCV reads its limit when it is imported."""
    bomb = tmp_path / "bomb.png"
    bomb.write_bytes(png_header(*size))
    done = subprocess.run(
        [
            sys.executable,
            Path(__file__).with_name("fake_estimator.py"),
            "0",
            "predict",
            bomb,
            "--save",
            "none",
        ],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=120,
    )
    assert done.returncode == 1
    assert f"posecore: {bomb}: wanted a picture of at most 178 megapixels, got a larger one\n" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == [bomb]
