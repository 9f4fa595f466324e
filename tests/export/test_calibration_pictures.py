"""Calibration shows a network what it will see: real pictures, letterboxed as prediction does it."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from posecore.errors import SourceError
from posecore.export.calibration import calibration_pictures, described, is_noise
from posecore.sources import Source, read_picture

pytestmark = pytest.mark.usefixtures("cv2")


def ramp(height: int = 40, width: int = 60, *, top: int = 255) -> np.ndarray:
    """A picture that gets brighter from left to right."""
    row = np.linspace(0, top, width).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(row[None, :, None], (height, width, 3)))


def noise(height: int = 40, width: int = 60) -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (height, width, 3), np.uint8)


@pytest.fixture
def folder(cv2: Any, tmp_path: Path) -> Path:
    """Ten pictures, each brighter than the one before, some in a subfolder, and a file that is none."""
    (tmp_path / "more").mkdir()
    for number in range(10):
        place = tmp_path / "more" if number > 6 else tmp_path
        picture = ramp(top=20 * number + 50)
        picture[:, :, 0] = 10 * number
        cv2.imwrite(str(place / f"{number}.png"), picture[:, :, ::-1])
    (tmp_path / "notes.txt").write_text("no picture")
    return tmp_path


def test_pictures_of_a_folder_come_in_the_order_of_their_names_as_rgb(folder: Path) -> None:
    pictures = calibration_pictures(folder, (60, 40))
    assert [int(picture[0, 0, 0]) for picture in pictures] == [10 * number for number in range(10)]
    assert {picture.shape for picture in pictures} == {(40, 60, 3)}


def test_of_many_files_every_so_manyth_is_taken(folder: Path) -> None:
    pictures = calibration_pictures(str(folder), (60, 40), count=3)
    assert [int(picture[0, 0, 0]) // 10 for picture in pictures] == [0, 3, 6]


def test_they_are_letterboxed_with_grey_around(folder: Path) -> None:
    (picture,) = calibration_pictures([ramp(40, 60)], (30, 40))
    assert picture.shape == (40, 30, 3)
    np.testing.assert_array_equal(picture[:10], 127)
    np.testing.assert_array_equal(picture[30:], 127)
    assert picture[20, -1, 0] > 240 > 10 > picture[20, 0, 0]


def exif_turned(jpeg: bytes, orientation: int) -> bytes:
    """The JPEG with EXIF's tag 0x0112 in front."""
    tiff = b"II*\0\x08\0\0\0\x01\0" + struct.pack("<HHIHH", 0x0112, 3, 1, orientation, 0) + bytes(4)
    segment = b"Exif\0\0" + tiff
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + jpeg[2:]


def test_files_have_the_pixels_that_prediction_reads_in_them(cv2: Any, tmp_path: Path) -> None:
    see_through = np.zeros((40, 60, 4), np.uint8)
    see_through[:, :, 0] = np.linspace(0, 250, 60)
    see_through[:, 20:, 3] = 255
    see_through[:, 20:30, 3] = 100
    cv2.imwrite(str(tmp_path / "alpha.png"), see_through)
    turned = exif_turned(cv2.imencode(".jpg", ramp(40, 60))[1].tobytes(), 6)
    (tmp_path / "turned.jpg").write_bytes(turned)
    for name, size in (("alpha.png", (60, 40)), ("turned.jpg", (40, 60))):
        seen = read_picture(Source("picture", name, tmp_path / name))
        (shown,) = calibration_pictures([tmp_path / name], size)
        np.testing.assert_array_equal(shown, seen)
        # White where nothing is; the dark left edge of the stored JPEG is the upper one.
        assert shown[0, 0].tolist() == ([255] * 3 if name == "alpha.png" else pytest.approx([0] * 3, abs=4))
        assert shown[-1, -1, 2] > 240


def test_arrays_and_files_may_be_mixed_and_endless(folder: Path) -> None:
    def forever() -> Any:
        while True:
            yield ramp()
            yield folder / "3.png"

    assert len(calibration_pictures(forever(), (33, 33), count=5)) == 5
    assert len(calibration_pictures(np.stack([ramp(), ramp()]), (33, 33))) == 2
    assert len(calibration_pictures(folder / "3.png", (33, 33))) == 1


@pytest.mark.parametrize("size", [(40, 40), (257, 257)])
def test_noise_is_refused_unless_it_is_insisted_on(size: tuple[int, int]) -> None:
    with pytest.raises(
        ValueError, match=r"calibration: wanted pictures like those .*, got noise in picture 1"
    ):
        calibration_pictures([ramp(), noise()], size)
    assert len(calibration_pictures([ramp(), noise()], size, random=True)) == 2


def test_no_pictures_are_refused_unless_noise_is_insisted_on() -> None:
    with pytest.raises(
        ValueError, match=r"calibration: wanted a folder of pictures .* got None; noise in their place"
    ):
        calibration_pictures(None, (20, 10))
    made = calibration_pictures(None, (20, 10), count=4, random=True)
    assert [picture.shape for picture in made] == [(10, 20, 3)] * 4
    np.testing.assert_array_equal(made, calibration_pictures(None, (20, 10), count=4, random=True))


def test_photographs_are_no_noise(photographs: Path, people: np.ndarray) -> None:
    assert not is_noise(people)
    assert len(calibration_pictures(photographs, (257, 257))) == 9


@pytest.mark.parametrize(
    "picture", [ramp(), ramp(top=0), np.full((1, 9, 3), 7, np.uint8), np.zeros((8, 8, 3), np.uint8)]
)
def test_plain_pictures_are_no_noise(picture: np.ndarray) -> None:
    assert not is_noise(picture)


@pytest.mark.parametrize(
    ("source", "error", "sentence"),
    [
        ([], ValueError, "calibration: wanted at least one picture, got none"),
        (3, TypeError, "calibration: wanted a folder, or pictures as uint8 arrays .*, got int"),
        ([ramp().astype(np.float32)], TypeError, "calibration: picture 0: image: wanted a uint8 NumPy array"),
        ([ramp()[:, :, 0]], ValueError, "calibration: picture 0: .* got shape"),
        (ramp(), ValueError, r"wanted pictures, uint8 of shape \(n, h, w, 3\), got shape \(40, 60, 3\)"),
    ],
)
def test_something_else_gets_a_sentence(source: Any, error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        calibration_pictures(source, (20, 20))


def test_folders_and_files_that_are_no_pictures_get_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="there is no such folder of pictures"):
        calibration_pictures(tmp_path / "nowhere", (20, 20))
    with pytest.raises(SourceError, match=r"wanted a folder with pictures .*, got one without"):
        calibration_pictures(tmp_path, (20, 20))
    for name, data, got in (
        ("empty.png", b"", "an empty file"),
        ("text.jpg", b"no picture at all", "a file that is not one"),
    ):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(SourceError, match=f"{name}: wanted a picture, got {got}"):
            calibration_pictures([tmp_path / name], (20, 20))


def test_the_description_depends_on_every_pixel_and_the_order() -> None:
    first, second = ramp(), ramp(top=99)
    known = described([first, second], random=False)
    assert known.pictures == 2
    assert known == described([first, second], random=False)
    other = first.copy()
    other[-1, -1, -1] ^= 1
    digests = {
        known.digest,
        described([second, first], random=False).digest,
        described([other, second], random=False).digest,
    }
    assert len(digests) == 3
