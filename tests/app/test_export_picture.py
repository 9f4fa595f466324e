"""The picture of a verification."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from export.known_people import TWO, KnownRunner, heads_of
from posecore.export.comparison import verify
from posecore.export_picture import EXPORTED_COLOR, FLOAT_COLOR, verification_picture

pytest.importorskip("cv2", reason='OpenCV is not installed: pip install "posecore[app]"')
GREY = {"a.png": np.full((193, 257, 3), 90, np.uint8), "b.png": np.full((193, 257, 3), 70, np.uint8)}


def picture_of(exported: Any, reference: Any = TWO) -> np.ndarray:
    found = verify(KnownRunner(heads_of(*reference)), KnownRunner(heads_of(*exported)), pictures=GREY)
    drawn: np.ndarray = verification_picture(found)
    return drawn


def pixels(picture: np.ndarray, color: tuple[int, int, int]) -> int:
    return int((picture == np.array(color, np.uint8)).all(axis=2).sum())


def test_both_models_are_in_it_in_their_own_colours() -> None:
    drawn = picture_of([person + 12 for person in TWO])
    assert drawn.ndim == 3
    assert drawn.shape[1] >= 1000
    assert pixels(drawn, FLOAT_COLOR) > 500
    assert pixels(drawn, EXPORTED_COLOR) > 500


def test_who_is_lost_is_still_in_it() -> None:
    fewer = pixels(picture_of([TWO[0]]), FLOAT_COLOR)
    assert fewer > 0.9 * pixels(picture_of(TWO), FLOAT_COLOR)


def test_without_anybody_it_says_so() -> None:
    drawn = picture_of([], [])
    assert drawn.shape[0] < 100
    assert drawn.max() > 200
