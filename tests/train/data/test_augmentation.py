"""Whatever chance does to a picture, it does to the labels."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from dotted import GREY, PAIR, dots, sample, spot, without_people
from hypothesis import given, settings
from hypothesis import strategies as st

from posecore.train.augmentation import STILL, Augmentation, augment, flipped, mosaic
from posecore.train.samples import OUTSIDE, Sample
from posecore.train.warps import letterbox

MOVES = replace(STILL, rotation_deg=180, shear_deg=25, zoom=(0.6, 2.5), shift=0.3, flip=0.5)
SIZES = st.sampled_from([(257, 257), (200, 300), (353, 241)])


def chance(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def same(a: Sample, b: Sample) -> bool:
    arrays = ("image", "xy", "visibility", "boxes", "ignored")
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in arrays)


@given(st.integers(0, 10**9), SIZES)
@settings(max_examples=60)
def test_the_dots_are_where_the_keypoints_are(seed: int, size: tuple[int, int]) -> None:
    one = augment(sample(), size, MOVES, chance(seed))
    assert one.size == size
    # Of dots that are wholly in sight and not on each other.
    for keypoint in np.flatnonzero(one.visibility[0]) if len(one) else ():
        x, y = one.xy[0, keypoint]
        if 22 < x < size[0] - 22 and 22 < y < size[1] - 22:
            np.testing.assert_allclose(spot(one.image, (x, y), 22), (x, y), atol=0.15)


@pytest.mark.parametrize(
    "ranges", [{"rotation_deg": 90.0}, {"shear_deg": 30.0}, {"zoom": (0.5, 0.9)}, {"shift": 0.2}]
)
def test_each_move_alone_moves_both(ranges: dict[str, Any]) -> None:
    still = letterbox(sample(), (257, 257))
    one = augment(sample(), (257, 257), replace(STILL, **ranges), chance(3))
    assert not np.allclose(one.xy, still.xy, atol=1)
    for point in one.xy[0][one.visibility[0] > 0]:
        np.testing.assert_allclose(spot(one.image, point, 10), point, atol=0.1)


def test_a_shift_has_both_directions() -> None:
    still = letterbox(sample(), (257, 257)).xy
    moves = np.array(
        [augment(sample(), (257, 257), replace(STILL, shift=0.1), chance(s)).xy - still for s in range(40)]
    )
    assert np.abs(moves).max() <= 25.7 + 1e-3
    assert (np.ptp(moves.reshape(40, -1, 2), axis=0) > 30).all()


def test_without_chance_it_is_the_letterbox() -> None:
    still = augment(sample(), (257, 257), STILL, chance(0))
    boxed = letterbox(sample(), (257, 257))
    np.testing.assert_allclose(still.xy, boxed.xy, atol=1e-4)
    assert np.abs(still.image.astype(int) - boxed.image).max() <= 8


def test_a_mirrored_left_hand_is_a_right_hand() -> None:
    points = np.array([(20.0, 30.0), (90.0, 35.0)])
    image = dots(points[:1], (120, 80))  # only the left hand is in the picture
    one = replace(sample(points, (120, 80), skeleton=PAIR), image=image)
    mirror = augment(one, (120, 80), replace(STILL, flip=1), chance(0))
    np.testing.assert_allclose(mirror.xy[0, 1], (119 - 20, 30), atol=1e-4)
    np.testing.assert_allclose(mirror.xy[0, 0], (119 - 90, 35), atol=1e-4)
    np.testing.assert_allclose(spot(mirror.image, (99, 30)), (99, 30), atol=0.05)


@given(st.integers(0, 10**9))
def test_mirroring_twice_is_the_identity(seed: int) -> None:
    rng = chance(seed)
    size = tuple(rng.integers(20, 200, 2).tolist())
    region = rng.uniform(0, 10, (1, 4, 2))
    points = rng.integers(0, 20, (4, 2))
    one = sample(points, size, visibility=rng.permutation([0, 1, 2, OUTSIDE]), ignored=region)
    one = replace(one, boxes=np.array([[2, 3, 15, 12]], np.float32), frame=(1.0, 2.0, 9.0, 8.0))
    once = flipped(one)
    twice = flipped(once)
    assert not np.array_equal(once.image, one.image)
    assert np.array_equal(twice.image, one.image)
    assert np.array_equal(twice.xy, one.xy)
    assert np.array_equal(twice.visibility, one.visibility)
    assert twice.frame == one.frame
    np.testing.assert_allclose(twice.boxes, one.boxes, atol=1e-4)
    np.testing.assert_allclose(twice.ignored, one.ignored, atol=1e-4)


@given(st.integers(0, 10**9))
@settings(max_examples=20)
def test_the_same_seed_gives_the_same_sample(seed: int) -> None:
    ranges = Augmentation(patches=3, grey=0.5, blur=0.5)
    first = augment(sample(), (129, 129), ranges, chance(seed))
    assert same(first, augment(sample(), (129, 129), ranges, chance(seed)))
    assert not same(first, augment(sample(), (129, 129), ranges, chance(seed + 1)))


def test_the_sample_that_came_in_is_as_it_was() -> None:
    one, before = sample(), sample()
    for array in (one.image, one.xy, one.visibility, one.boxes):
        array.flags.writeable = False
    augment(one, (257, 257), Augmentation(patches=5, blur=1, grey=1), chance(1))
    assert same(one, before)


@pytest.mark.parametrize(
    "ranges",
    [
        *({"brightness": 0.3}, {"contrast": 0.5}, {"saturation": 0.9}, {"hue_deg": 90.0}, {"grey": 1.0}),
        {"blur": 1.0, "blur_px": 5.0},
    ],
)
def test_each_colour_changes_the_picture_alone(ranges: dict[str, Any]) -> None:
    still = augment(sample(), (140, 170), STILL, chance(4))
    one = augment(sample(), (140, 170), replace(STILL, **ranges), chance(4))
    assert np.abs(one.image.astype(int) - still.image).max() > 5
    assert np.array_equal(one.xy, still.xy)
    assert np.array_equal(one.visibility, still.visibility)


def test_grey_has_no_colour_and_a_turn_of_hue_leaves_grey_alone() -> None:
    grey = augment(sample(), (140, 170), replace(STILL, grey=1), chance(0)).image.astype(int)
    assert np.ptp(grey, axis=2).max() <= 1
    turned = augment(sample(), (140, 170), replace(STILL, hue_deg=120), chance(0)).image
    assert (turned[:10, :10] == GREY).all()


def test_grey_pictures_stay_so() -> None:
    one = replace(sample(), image=sample().image[:, :, :1].copy())
    seen = augment(one, (129, 129), Augmentation(patches=2, blur=1), chance(2))
    assert seen.image.shape == (129, 129, 1)


def test_keypoints_under_a_patch_are_hidden_and_stay_labelled() -> None:
    ranges = replace(STILL, patches=3, patch=0.5)
    hidden = 0
    for seed in range(30):
        still = letterbox(sample(visibility=(2, 2, 0, 1)), (140, 170))
        one = augment(sample(visibility=(2, 2, 0, 1)), (140, 170), ranges, chance(seed))
        assert np.array_equal(one.xy, still.xy)
        assert one.visibility[0, 2] == 0
        assert one.visibility[0, 3] == 1
        for keypoint in (0, 1):
            x, y = np.rint(one.xy[0, keypoint]).astype(int)
            covered = (one.image[y, x] != still.image[y, x]).any()
            assert covered <= (one.visibility[0, keypoint] == 1)
            hidden += int(one.visibility[0, keypoint] == 1)
    assert hidden > 15


def test_four_samples_share_a_picture_and_keep_their_dots() -> None:
    # A region in the corner of each picture.
    four = [sample(ignored=[[(0, 0), (9, 0), (9, 9), (0, 9)]]) for _ in range(4)]
    for seed in range(5):
        one = mosaic(four, (400, 300), replace(STILL, flip=0.5), chance(seed))
        assert one.size == (400, 300)
        assert len(one) == len(one.ignored) == 4
        assert (one.visibility == 2).all()
        for person in one.xy:
            for point in person:
                np.testing.assert_allclose(spot(one.image, point, 7), point, atol=0.2)
        # In four different tiles.
        middles = one.boxes[:, :2] + one.boxes[:, 2:] / 2
        assert np.argsort(middles[:, 0]).tolist() != np.argsort(middles[:, 1]).tolist()
        assert middles[0, 0] < middles[1, 0]
        assert middles[0, 1] < middles[2, 1]


def test_a_tile_hides_what_reaches_over_its_border() -> None:
    zoomed = replace(STILL, zoom=(3, 3))
    one = mosaic([sample()] * 4, (300, 300), zoomed, chance(1))
    edges = one.boxes[:, :2] + one.boxes[:, 2:]
    assert (edges[0] <= edges[3]).all()
    assert (one.xy[one.visibility == OUTSIDE] == 0).all()
    assert (one.visibility == OUTSIDE).any()
    assert not (one.visibility == 0).any()


def test_a_picture_of_nobody_can_be_augmented() -> None:
    one = augment(without_people(sample()), (64, 64), Augmentation(patches=5), chance(0))
    assert one.xy.shape == (0, 4, 2)


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (3, 2)])
def test_inputs_of_a_few_pixels_do(size: tuple[int, int]) -> None:
    assert augment(sample(), size, Augmentation(), chance(0)).size == size
    assert mosaic([sample()] * 4, size, Augmentation(), chance(0)).size == size


@pytest.mark.parametrize(
    ("ranges", "message"),
    [
        ({"rotation_deg": 181}, "rotation_deg: wanted a number from 0 to 180, got 181"),
        ({"flip": 1.5}, "flip: wanted a number from 0 to 1, got 1.5"),
        ({"zoom": 2}, r"zoom: wanted \(least, most\), got 2"),
        ({"zoom": (2, 1)}, r"zoom: wanted \(least, most\), got \(2, 1\)"),
        ({"patches": 1.0}, "patches: wanted a whole number from 0 to 100, got float"),
        ({"mosaic": "often"}, "mosaic: wanted a number from 0 to 1, got str"),
    ],
)
def test_ranges_out_of_range_are_named(ranges: dict[str, Any], message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        Augmentation(**ranges)


def test_still_leaves_nothing_to_chance() -> None:
    zeros = {
        f.name: getattr(STILL, f.name) for f in fields(STILL) if f.name not in ("zoom", "patch", "blur_px")
    }
    assert set(zeros.values()) == {0}
    assert STILL.zoom == (1, 1)


def test_a_person_whose_box_nobody_knows_is_where_their_keypoints_are() -> None:
    one = sample()
    unknown = replace(one, boxes=np.full_like(one.boxes, np.nan))
    tight = np.array([[30, 40, 70, 90]], np.float32)
    for seed in range(10):
        ranges = replace(MOVES, patches=2)
        wanted = augment(replace(one, boxes=tight), (257, 257), ranges, chance(seed))
        moved = augment(unknown, (257, 257), ranges, chance(seed))
        np.testing.assert_array_equal(moved.xy, wanted.xy)
        assert moved.image.std() > 1
    nobody = replace(unknown, visibility=np.zeros_like(one.visibility))
    middle = augment(nobody, (257, 257), replace(STILL, zoom=(1.5, 1.5)), chance(0))
    assert middle.image.std() > 1
