"""Crops for the gallery: from the folder alone, of the right place, and small together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from posecore.evaluation.page_content import Picture
from posecore.evaluation.page_pictures import LONGEST_PX, crop_around, with_pictures

cv2: Any = pytest.importorskip("cv2", reason='OpenCV is not installed: pip install "posecore[app]"')


def write(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), pixels)


def halves(width: int = 640, height: int = 480) -> np.ndarray:
    """Left half black, right half white."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, width // 2 :] = 255
    return pixels


def decoded(picture: Picture) -> np.ndarray:
    assert picture.jpeg is not None
    return np.asarray(cv2.imdecode(np.frombuffer(picture.jpeg, np.uint8), cv2.IMREAD_COLOR))


def test_a_crop_holds_its_points_and_stays_in_the_picture() -> None:
    assert crop_around([(100, 100), (200, 300)], 640, 480) == (68, 68, 164, 264)
    assert crop_around([(5, 5), (5000, -3)], 640, 480) == (0, 0, 640, 107)
    x, y, width, height = crop_around([(50, 50)], 0, 0)
    assert (width, height) == (48, 48)
    assert (x, y) == (26, 26)


def test_the_crop_is_cut_from_its_place(tmp_path: Path) -> None:
    write(tmp_path / "a.png", halves())
    crops = [(330.0, 10.0, 200.0, 100.0), (10.0, 10.0, 200.0, 100.0), (0.0, 0.0, 640.0, 480.0)]
    (white, black, both), notes = with_pictures(
        [Picture("a.png", 640, 480, crop) for crop in crops], tmp_path
    )
    assert notes == ()
    assert decoded(white).min() > 250
    assert decoded(black).max() < 5
    assert decoded(both).shape == (270, LONGEST_PX, 3)
    assert decoded(white).shape == (100, 200, 3)


def test_a_smaller_copy_is_scaled_and_another_shape_is_left_out(tmp_path: Path) -> None:
    write(tmp_path / "small.png", halves(320, 240))
    write(tmp_path / "other.png", halves(300, 300))
    crop = (330.0, 10.0, 200.0, 100.0)
    made, notes = with_pictures([Picture(f"{n}.png", 640, 480, crop) for n in ("small", "other")], tmp_path)
    assert decoded(made[0]).shape == (50, 100, 3)
    assert decoded(made[0]).min() > 250
    assert made[1].jpeg is None
    assert notes == (
        "1 picture have another shape than the truth says and are not shown (such as other.png)",
    )


def test_names_lead_nowhere_else(tmp_path: Path) -> None:
    write(tmp_path / "secret.png", halves())
    folder = tmp_path / "images"
    folder.mkdir()
    names = (
        "../secret.png",
        str(tmp_path / "secret.png"),
        "..\\secret.png",
        "a/../../secret.png",
        "",
        "a\0b",
    )
    made, notes = with_pictures([Picture(name, 640, 480, (0.0, 0.0, 9.0, 9.0)) for name in names], folder)
    assert [picture.jpeg for picture in made] == [None] * len(names)
    assert notes[0].startswith("6 pictures could not be read")


def test_names_with_folders_are_found_in_flat_ones(tmp_path: Path) -> None:
    write(tmp_path / "b.png", halves())
    write(tmp_path / "val" / "c.png", halves())
    names = ("val2017/b.png", "val/c.png")
    made, _ = with_pictures([Picture(name, 640, 480, (0.0, 0.0, 99.0, 99.0)) for name in names], tmp_path)
    assert all(picture.jpeg for picture in made)


def test_a_file_that_is_no_picture_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8\xff not a picture")
    (tmp_path / "b.jpg").write_bytes(b"")
    made, notes = with_pictures(
        [Picture(name, 640, 480, (0.0, 0.0, 9.0, 9.0)) for name in ("a.jpg", "b.jpg")], tmp_path
    )
    assert [picture.jpeg for picture in made] == [None, None]
    assert notes == ("2 pictures could not be read from the folder of pictures (such as a.jpg)",)


def test_pictures_that_hardly_compress_fit_together(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (480, 640, 3), np.uint8)
    write(tmp_path / "noise.png", noise)
    crops = [(float(k), 0.0, 400.0, 400.0) for k in range(200)]
    made, _ = with_pictures([Picture("noise.png", 640, 480, crop) for crop in crops], tmp_path)
    sizes = [len(picture.jpeg or b"") for picture in made]
    assert min(sizes) > 5_000
    assert sum(sizes) <= 7_000_000
