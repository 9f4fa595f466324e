"""Pictures and labels go through one map together, and the letterbox is that of prediction."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from dotted import FOUR, GREY, dots, sample, spot
from hypothesis import given
from hypothesis import strategies as st

from posecore.runtime.geometry import Geometry
from posecore.train.samples import FURTHEST_PX, OUTSIDE, PAD_BYTE
from posecore.train.targets import GaussianTargets
from posecore.train.warps import cut_out, letterbox, letterbox_map, warped

SIDES = st.integers(1, 700)


@given(st.tuples(SIDES, SIDES), st.tuples(st.integers(1, 400), st.integers(1, 400)))
def test_the_letterbox_is_where_prediction_has_it(picture: tuple[int, int], size: tuple[int, int]) -> None:
    blank = replace(sample(), image=np.zeros((picture[1], picture[0], 3), np.uint8))
    matrix = letterbox_map(blank, size)
    points = np.array([[0.0, 0.0], [picture[0] - 1, picture[1] - 1], [12.5, -3.0]])
    expected = Geometry.letterbox(picture, size).to_input(points)
    np.testing.assert_allclose(points @ matrix[:, :2].T + matrix[:, 2], expected, atol=1e-9)


@pytest.mark.parametrize("picture", [(97, 61), (257, 257), (640, 480), (481, 1023), (1200, 900), (33, 20)])
@pytest.mark.parametrize("size", [(257, 257), (481, 353), (128, 160)])
def test_training_sees_the_bytes_that_prediction_sees(
    picture: tuple[int, int], size: tuple[int, int]
) -> None:
    image = np.random.default_rng(5).integers(256, size=(picture[1], picture[0], 3), dtype=np.uint8)
    geometry = Geometry.letterbox(picture, size)
    expected = np.full((size[1], size[0], 3), PAD_BYTE, np.uint8)
    (left, top), (width, height) = geometry.offset, geometry.resized_size
    expected[top : top + height, left : left + width] = geometry.resample(image)
    np.testing.assert_array_equal(letterbox(replace(sample(), image=image), size).image, expected)


@pytest.mark.parametrize("size", [(257, 257), (100, 60), (60, 200), (450, 300)])
def test_letterboxed_dots_are_where_the_keypoints_are(size: tuple[int, int]) -> None:
    one = letterbox(sample(), size)
    assert one.size == size
    for point in one.xy[0]:
        np.testing.assert_allclose(spot(one.image, point), point, atol=0.1)


def test_a_frame_is_fitted_as_a_picture_cut_there_would_be() -> None:
    one = sample()
    whole = replace(one, frame=(0.0, 0.0, *map(float, one.size)))
    np.testing.assert_allclose(letterbox_map(whole, (280, 340)), letterbox_map(one, (280, 340)), atol=1e-9)
    framed = letterbox(replace(one, frame=(20.0, 30.0, 60.0, 60.0)), (120, 120))
    # x = 20 - 0.5, the frame's left border, becomes -0.5, that of the input.
    np.testing.assert_allclose(framed.xy[0, 0], (2 * (60 - 20 + 0.5) - 0.5, 2 * (40 - 30 + 0.5) - 0.5))
    np.testing.assert_allclose(spot(framed.image, framed.xy[0, 0], 20), framed.xy[0, 0], atol=0.1)


def test_around_a_frame_the_picture_goes_on() -> None:
    one = replace(sample(), frame=(40.0, 20.0, 40.0, 120.0))
    seen = letterbox(one, (200, 200))  # wider than the frame: both hands come into sight
    assert seen.visibility.tolist() == [[2, 2, 2, 2]]
    np.testing.assert_allclose(spot(seen.image, seen.xy[0, 1]), seen.xy[0, 1], atol=0.1)


def test_a_labelled_keypoint_that_leaves_the_picture_is_known_to_be_outside() -> None:
    right, left = (np.array([[1.0, 0, x], [0, 1, 0]]) for x in (60, -60))
    moved = warped(sample(visibility=(0, 2, 2, 1)), right, (140, 170))
    assert moved.visibility.tolist() == [[0, 2, OUTSIDE, 1]]
    assert moved.xy[0, 2].tolist() == [0, 0]
    # It does not come back, since its pixels do not.
    back = warped(moved, left, (140, 170))
    assert back.visibility.tolist() == [[0, 2, OUTSIDE, 1]]
    assert (back.image[70:90, 90:110] == GREY).all()


def test_who_has_nothing_left_but_their_box_is_known_to_be_outside() -> None:
    one = replace(sample(), boxes=np.array([[0, 0, 139, 169]], np.float32))
    low = warped(one, np.array([[1.0, 0, 0], [0, 1, -140]]), (140, 170))
    assert low.visibility.tolist() == [[OUTSIDE] * 4]
    assert low.boxes.tolist() == [[0, -0.5, 139, 29.5]]


def test_what_nobody_labelled_stays_nowhere() -> None:
    moved = warped(sample(visibility=(2, 0, 1, 2)), np.array([[1.0, 0, 7], [0, 1, 9]]), (140, 170))
    assert moved.visibility.tolist() == [[2, 0, 1, 2]]
    assert moved.xy[0, 1].tolist() == [0, 0]


def test_boxes_and_regions_move_along_and_end_at_the_border() -> None:
    region = [(10, 10), (30, 10), (30, 20), (10, 20)]
    far = [(-40, 10), (-20, 10), (-20, 20), (-40, 20)]
    one = sample(ignored=[region, far])
    moved = warped(one, np.array([[2.0, 0, -20], [0, 2, 0]]), (140, 170))
    assert moved.ignored.tolist() == [[[0, 20], [40, 20], [40, 40], [0, 40]]]
    # The box was (25, 35) to (105, 135), twice that less 20 px is (30, 70) to (190, 270).
    assert moved.boxes.tolist() == [[30, 70, 109.5, 99.5]]


@pytest.mark.parametrize("degrees", [0, 45, 130])
def test_a_region_that_is_everywhere_stays_so_whatever_the_map(degrees: int) -> None:
    everywhere = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * FURTHEST_PX
    angle = np.deg2rad(degrees)
    turn = 20 * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved = warped(sample(ignored=everywhere), np.hstack([turn, [[300], [-500]]]), (140, 170))
    labels = moved.xy, moved.visibility, moved.boxes, moved.ignored
    (maps,) = GaussianTargets(FOUR, 8, 4.0).encode(*labels, size=moved.size).values()
    assert (np.isnan(maps) | (maps > 0.01)).all()


def test_a_person_who_leaves_the_picture_leaves_the_sample() -> None:
    gone = warped(sample(), np.array([[1.0, 0, 200], [0, 1, 0]]), (140, 170))
    assert len(gone) == 0
    assert gone.xy.shape == (0, 4, 2)
    assert (gone.image == GREY).all()


def test_a_turned_box_is_around_its_corners() -> None:
    quarter = np.array([[0.0, -1, 169], [1, 0, 0]])  # (x, y) to (169 - y, x): a quarter to the right
    moved = warped(sample(), quarter, (170, 140))
    x, y, width, height = sample().boxes[0]
    assert moved.boxes[0].tolist() == [169 - y - height, x, height, width]
    assert moved.visibility.tolist() == [[2, 2, 2, 2]]
    for point in moved.xy[0]:
        np.testing.assert_allclose(spot(moved.image, point), point, atol=0.1)


def test_shrinking_averages_pixels_that_bilinear_sampling_would_skip() -> None:
    columns = np.arange(800) % 8 < 4
    stripes = np.where(columns[None, :, None], 255, 0).astype(np.uint8)
    one = replace(sample(), image=np.broadcast_to(stripes, (800, 800, 3)).copy())
    small = warped(one, np.array([[0.0625, 0, 0], [0, 0.0625, 0]]), (50, 50))
    assert np.ptp(small.image[2:-2, 2:-2].astype(int)) <= 12


def test_shrinking_keeps_places() -> None:
    points = np.array([(300, 200), (150, 450), (500, 400), (350, 650)]) + 0.25
    one = replace(sample(points, (700, 850)), image=dots(points, (700, 850), sigma_px=12))
    small = warped(one, np.array([[0.2, 0.02, 3.3], [-0.02, 0.2, 4.1]]), (160, 190))
    for point in small.xy[0]:
        np.testing.assert_allclose(spot(small.image, point), point, atol=0.1)


def test_cutting_out_changes_nothing_that_is_seen() -> None:
    one = replace(sample(), frame=(50.0, 60.0, 30.0, 30.0))
    cut = cut_out(one, room=1.0)
    assert cut.size == (91, 91)
    assert np.shares_memory(cut.image, one.image)
    ours, theirs = letterbox(cut, (90, 90)), letterbox(one, (90, 90))
    np.testing.assert_array_equal(ours.image, theirs.image)
    np.testing.assert_allclose(ours.xy[ours.visibility > 0], theirs.xy[theirs.visibility > 0], atol=1e-4)
    assert ours.skeleton is FOUR
