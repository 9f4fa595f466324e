"""How large a picture says it is, before it is decoded."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_people import annotations, found, keypoints, person

from posecore import evaluate
from posecore.evaluation.inspection_pictures import crops_of
from posecore.evaluation.page_content import Picture
from posecore.evaluation.page_pictures import with_pictures
from posecore.evaluation.picture_size import may_be_decoded, picture_size


def png(width: int, height: int) -> bytes:
    """A grey PNG with one byte of pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


@pytest.fixture
def cv2() -> Any:
    return pytest.importorskip("cv2", reason='OpenCV is not installed: pip install "posecore[app]"')


@pytest.mark.parametrize("ending", [".jpg", ".png", ".bmp", ".webp", ".tiff"])
@pytest.mark.parametrize(("width", "height"), [(321, 7), (40, 300)])
def test_the_size_is_that_of_the_decoded_picture(cv2: Any, ending: str, width: int, height: int) -> None:
    done, data = cv2.imencode(ending, np.full((height, width, 3), 90, np.uint8))
    assert done
    assert picture_size(data.tobytes()) == (width, height)
    assert may_be_decoded(data.tobytes())


def test_a_lossless_webp_has_its_size_elsewhere(cv2: Any) -> None:
    _, data = cv2.imencode(".webp", np.zeros((5, 300, 3), np.uint8), [cv2.IMWRITE_WEBP_QUALITY, 101])
    assert data.tobytes()[12:16] == b"VP8L"
    assert picture_size(data.tobytes()) == (300, 5)


def test_a_thumbnail_inside_of_a_jpeg_is_not_its_size(cv2: Any) -> None:
    small, large = (cv2.imencode(".jpg", np.zeros((n, n, 3), np.uint8))[1].tobytes() for n in (8, 64))
    segment = b"\xff\xe1" + struct.pack(">H", 2 + len(small)) + small
    assert picture_size(large[:2] + segment + b"\xff\xff" + large[3:]) == (64, 64)


def test_a_picture_may_have_a_hundred_megapixels() -> None:
    assert may_be_decoded(png(10_000, 10_000))
    assert not may_be_decoded(png(10_000, 10_001))
    assert not may_be_decoded(png(0, 5))


@given(
    st.sampled_from([b"\xff\xd8", b"\x89PNG\r\n\x1a\n", b"BM", b"GIF89a", b"II*\0", b"MM\0*", b"RIFF"]),
    st.binary(max_size=60),
)
def test_any_bytes_have_a_size_or_none(start: bytes, rest: bytes) -> None:
    size = picture_size(start + rest)
    assert size is None or min(size) >= 0


def test_pages_do_not_decode_what_is_too_large(
    tmp_path: Path, cv2: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "1.jpg").write_bytes(png(20_000, 20_000))

    def never(*_: object) -> None:
        raise AssertionError("it was decoded")

    monkeypatch.setattr(cv2, "imdecode", never)
    (picture,), notes = with_pictures([Picture("1.jpg", 640, 480, (0, 0, 64, 48))], tmp_path)
    assert picture.jpeg is None
    assert notes == ("1 picture could not be read from the folder of pictures (such as 1.jpg)",)
    truths = evaluate(annotations(person(1)), [found(points=keypoints())]).truths
    crops = crops_of(truths, [0], tmp_path)
    assert (crops.jpegs, crops.broken) == ({}, ["1.jpg"])


def test_a_picture_that_may_not_be_read_is_missing(
    tmp_path: Path, cv2: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("1.jpg", "2.jpg"):
        assert cv2.imwrite(str(tmp_path / name), np.full((480, 640, 3), 90, np.uint8))
    read_bytes = Path.read_bytes

    def refused(path: Path) -> bytes:
        if path.name == "1.jpg":
            raise PermissionError(13, "Permission denied", str(path))
        return read_bytes(path)

    def refused_by_numpy(path: Path, *_: object) -> Any:
        return np.frombuffer(refused(path), np.uint8)

    monkeypatch.setattr(Path, "read_bytes", refused)
    monkeypatch.setattr(np, "fromfile", refused_by_numpy)
    pictures = [Picture(name, 640, 480, (0, 0, 64, 48)) for name in ("1.jpg", "2.jpg")]
    shown, notes = with_pictures(pictures, tmp_path)
    assert [picture.jpeg is None for picture in shown] == [True, False]
    assert notes == ("1 picture could not be read from the folder of pictures (such as 1.jpg)",)
    truths = evaluate(annotations(person(1), person(2, 2)), [found()]).truths
    crops = crops_of(truths, [0, 1], tmp_path)
    assert (list(crops.jpegs), crops.missing) == ([1], ["1.jpg"])
