"""Pictures are read as they were labelled, or a sentence says why not."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from dotted import dots, sample, spot, write

from posecore.errors import SourceError
from posecore.train.picture_reading import read_pixels

POINTS = np.array([(200.0, 120.0), (420.0, 300.0)])


@pytest.fixture
def photograph(tmp_path: Path) -> Path:
    """A JPEG of 641x483 with spots at POINTS."""
    return write(tmp_path / "photograph.jpg", dots(POINTS, (641, 483), sigma_px=12))


def turned(path: Path, orientation: int) -> Path:
    """The same file with an orientation mark."""
    image = pytest.importorskip("PIL.Image")
    mark = image.Exif()
    mark[0x0112] = orientation
    file = io.BytesIO()
    with image.open(path) as picture:
        picture.save(file, "JPEG", exif=mark, quality=95)
    path.write_bytes(file.getvalue())
    return path


def test_pixels_are_red_green_blue(tmp_path: Path) -> None:
    image = np.zeros((3, 5, 3), np.uint8)
    image[:, :, 0], image[:, :, 2] = 200, 7
    pixels, factor = read_pixels(write(tmp_path / "red.png", image))
    assert factor == 1
    np.testing.assert_array_equal(pixels, image)
    grey, _ = read_pixels(tmp_path / "red.png", grey=True)
    assert grey.shape == (3, 5, 1)


def test_an_orientation_mark_is_not_followed(photograph: Path) -> None:
    plain, _ = read_pixels(photograph)
    marked, _ = read_pixels(turned(photograph, 6), stated=(641, 483))
    assert marked.shape == plain.shape == (483, 641, 3)
    np.testing.assert_allclose(spot(marked, POINTS[0], 50), POINTS[0], atol=0.2)


def test_labels_that_state_the_turned_size_were_made_on_the_turned_picture(photograph: Path) -> None:
    pixels, _ = read_pixels(turned(photograph, 6), stated=(483, 641))
    assert pixels.shape == (641, 483, 3)
    # A quarter to the right: (x, y) goes to (height - 1 - y, x).
    np.testing.assert_allclose(spot(pixels, (482 - 120, 200), 50), (482 - 120, 200), atol=0.2)


@pytest.mark.parametrize("factor", [2, 4, 8])
def test_large_photographs_are_decoded_small_and_spots_stay_where_they_are(
    photograph: Path, factor: int
) -> None:
    pixels, reduced = read_pixels(photograph, into=(641 / factor, 483 / factor))
    assert reduced == factor
    assert pixels.shape[:2] == (-(-483 // factor), -(-641 // factor))
    for point in POINTS:
        small = (point + 0.5) / factor - 0.5
        np.testing.assert_allclose(spot(pixels, small, 50 / factor), small, atol=0.1)


def test_no_pixel_that_an_input_can_show_is_lost(photograph: Path) -> None:
    assert read_pixels(photograph, into=(321, 242))[1] == 1
    assert read_pixels(photograph, into=(320, 241))[1] == 2
    # Of a frame fewer are enough, or more.
    assert read_pixels(photograph, into=(320, 241), frame=(0, 0, 100, 100))[1] == 1
    assert read_pixels(photograph, into=(80, 80), frame=(0, 0, 320, 320))[1] == 4


def test_files_that_are_no_pictures_are_named(tmp_path: Path) -> None:
    wrong = {
        "missing.jpg": "wanted a picture file, got nothing of that name",
        "folder.jpg": "wanted a picture file, got a folder",
        "empty.jpg": "wanted a picture, got an empty file",
        "text.jpg": "wanted a picture, got a file that is not one",
        "damaged.png": "wanted a picture, got a file that is damaged",
    }
    (tmp_path / "folder.jpg").mkdir()
    (tmp_path / "empty.jpg").write_bytes(b"")
    (tmp_path / "text.jpg").write_bytes(b"no picture at all")
    write(tmp_path / "damaged.png", sample().image)
    data = (tmp_path / "damaged.png").read_bytes()
    (tmp_path / "damaged.png").write_bytes(data[:40])
    for name, sentence in wrong.items():
        with pytest.raises(SourceError, match=sentence) as caught:
            read_pixels(tmp_path / name)
        assert str(tmp_path / name) in str(caught.value)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.99])
def test_a_jpeg_that_is_cut_off_is_not_filled_up_with_grey(photograph: Path, share: float) -> None:
    data = photograph.read_bytes()
    photograph.write_bytes(data[: int(share * len(data))])
    with pytest.raises(
        SourceError, match=r"photograph\.jpg: wanted a whole picture, got a JPEG file that is cut off"
    ):
        read_pixels(photograph)


def test_a_picture_that_says_it_is_gigabytes_is_not_decoded(tmp_path: Path) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    bomb = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"\0" * 99))
        + chunk(b"IEND", b"")
    )
    (tmp_path / "bomb.png").write_bytes(bomb)
    with pytest.raises(
        SourceError, match=r"bomb\.png: wanted a picture of at most 100 megapixels, got 60000x60000"
    ):
        read_pixels(tmp_path / "bomb.png")


def test_another_picture_under_the_right_name_is_found_out(photograph: Path) -> None:
    with pytest.raises(SourceError, match="wanted 640x480 pixels, as its labels say, got 641x483"):
        read_pixels(photograph, stated=(640, 480))
