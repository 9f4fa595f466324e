"""A sample that is not what it says it is does not come into being."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from dotted import sample


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("image", np.zeros((4, 4, 3)), r"image: wanted a uint8 array .*, got float64"),
        (
            "image",
            np.zeros((4, 4), np.uint8),
            r"image: wanted shape \(h, w, 3\) or \(h, w, 1\), got \(4, 4\)",
        ),
        ("image", np.zeros((0, 4, 3), np.uint8), r"image: wanted shape .*, got \(0, 4, 3\)"),
        ("xy", np.zeros((1, 4, 2)), r"xy: wanted a float32 array \(N, K, 2\), got float64"),
        ("xy", np.zeros((1, 4, 3), np.float32), r"xy: wanted shape \(N, K, 2\), got \(1, 4, 3\)"),
        ("visibility", np.zeros((2, 4), np.uint8), r"visibility: wanted shape \(1, 4\), got \(2, 4\)"),
        ("boxes", np.zeros((1, 4)), r"boxes: wanted a float32 array of shape \(1, 4\), got float64"),
        ("boxes", np.zeros((1, 2), np.float32), r"boxes: wanted shape \(1, 4\), got \(1, 2\)"),
        ("ignored", np.zeros((3, 4), np.float32), r"ignored: wanted shape \(3, 4, 2\), got \(3, 4\)"),
    ],
)
def test_wrong_arrays_are_named(field: str, value: Any, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        replace(sample(), **{field: value})


def test_keypoints_are_as_many_as_the_skeleton_has() -> None:
    one = sample()
    with pytest.raises(ValueError, match="xy: wanted 4 keypoints, as four has, got 3"):
        replace(one, xy=one.xy[:, :3], visibility=one.visibility[:, :3])


def test_a_size_is_width_and_height() -> None:
    assert sample(size=(140, 170)).size == (140, 170)
    assert len(sample()) == 1
