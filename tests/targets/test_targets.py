"""What targets say of a labelled picture, and where they say that nobody knows."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from labelled import FIVE, NO_EDGES, ONE, encoded, labels, pictures

from oracle.targets import Labels
from posecore import COCO17
from posecore.train.samples import OUTSIDE, VISIBLE
from posecore.train.targets import CoordinateTargets, GaussianTargets, PersonLabTargets

DISCS = PersonLabTargets(FIVE, 16)
GAUSSIANS = GaussianTargets(FIVE, 16, sigma_px=16.0)
MAPS = pytest.mark.parametrize("targets", [DISCS, GAUSSIANS], ids=["discs", "gaussians"])
EVERY = pytest.mark.parametrize(
    "targets",
    [DISCS, GAUSSIANS, GaussianTargets(FIVE, 4, 7.0, background=True, shift_px=1.5), CoordinateTargets(FIVE)],
    ids=["discs", "gaussians", "background", "coordinates"],
)
SOMEBODY = np.array([[[100, 60], [120, 100], [80, 100], [110, 160], [90, 200]]])
NEAR, FAR = (6, 5), (14, 14)  # cells (row, column) in that person's box, and far from it
SIZE = (257, 241)


def heatmap(targets: Any, picture: Labels) -> np.ndarray:
    return next(iter(encoded(targets, picture).values()))


# --- What is there -------------------------------------------------------------------------------------------


def test_personlab_targets_are_named_as_the_networks_outputs() -> None:
    found = encoded(PersonLabTargets(COCO17, 16), labels(np.zeros((0, 17, 2)), size=(481, 353)))
    assert {name: array.shape for name, array in found.items()} == {
        "heatmap_2": (23, 31, 17),
        "offset_2": (23, 31, 34),
        "displacement_fwd_2": (23, 31, 32),
        "displacement_bwd_2": (23, 31, 32),
    }


def test_a_skeleton_without_edges_has_no_displacements() -> None:
    found = encoded(PersonLabTargets(NO_EDGES, 8), labels(np.zeros((1, 3, 2)), size=(17, 9)))
    assert {name: array.shape for name, array in found.items()} == {
        "heatmap_2": (2, 3, 3),
        "offset_2": (2, 3, 6),
    }


@pytest.mark.parametrize(
    ("side", "cells"), [(1, 1), (16, 1), (17, 2), (32, 2), (33, 3), (353, 23), (481, 31)]
)
def test_the_grid_is_that_of_the_network(side: int, cells: int) -> None:
    nobody = labels(np.zeros((0, 5, 2)), size=(side, 40))
    assert heatmap(DISCS, nobody).shape == (3, cells, 5)
    assert heatmap(GAUSSIANS, nobody).shape == (3, cells, 5)


def test_a_disc_says_the_way_to_its_keypoint_and_to_the_neighbours() -> None:
    found = encoded(DISCS, labels(SOMEBODY, size=SIZE))
    row, column, cell = 4, 6, np.array([64, 96])  # 4 px left of and below keypoint 0
    assert found["heatmap_2"][row, column].tolist() == [1, 0, 0, 0, 0]
    assert found["offset_2"][row, column, [0, 5]].tolist() == [60 - 64, 100 - 96]
    forward = found["displacement_fwd_2"][row, column]
    assert forward[[0, 4]].tolist() == (SOMEBODY[0, 1, ::-1] - cell).tolist()  # edge 0: 0 to 1
    assert np.isnan(np.delete(forward, [0, 4])).all()
    assert np.isnan(found["displacement_bwd_2"][row, column]).all()  # 0 is nobody's child
    assert np.isnan(np.delete(found["offset_2"][row, column], [0, 5])).all()


def test_discs_that_overlap_are_the_nearer_persons_limbs_and_all() -> None:
    both = np.stack([SOMEBODY[0], SOMEBODY[0] + np.array([24, 0])])
    for xy in (both, both[::-1]):
        found = encoded(DISCS, labels(xy, size=SIZE))
        owned = found["offset_2"][4, [6, 7, 8], 5] + np.array([96, 112, 128])
        assert owned.tolist() == [100, xy[0, 0, 0], 124]  # 112 is as near to both: the first has it
        walked = found["displacement_fwd_2"][4, [6, 7, 8], 4] + np.array([96, 112, 128])
        assert walked.tolist() == [120, xy[0, 1, 0], 144]


def test_a_gaussian_is_one_at_its_keypoint_and_the_highest_of_all_people_elsewhere() -> None:
    targets = GaussianTargets(ONE, 8, sigma_px=10.0, background=True)
    (found,) = encoded(targets, labels([[[32, 40]], [[64, 40]]], size=(129, 81))).values()
    assert found[5, 4].tolist() == [1, 0]
    d = np.array([[8, 24], [16, 16], [24, 8]])
    highest = np.exp(-(d.min(axis=1) ** 2) / 200)
    np.testing.assert_allclose(found[5, 5:8, 0], highest, rtol=1e-6)
    np.testing.assert_allclose(found[5, 5:8, 1], 1 - highest, rtol=1e-6)
    assert found[5, 16].tolist() == [0, 1]  # 64 px away: below what float32 feels beside 1


def test_a_shift_moves_the_cells() -> None:
    (found,) = encoded(
        GaussianTargets(ONE, 8, 4.0, shift_px=3.5), labels([[[19.5, 11.5]]], size=(64, 64))
    ).values()
    assert found[1, 2, 0] == 1


@given(picture=pictures(5), stride=st.sampled_from([8, 16, 32]))
def test_values_are_in_range_or_not_known(picture: Labels, stride: int) -> None:
    maps = heatmap(PersonLabTargets(FIVE, stride), picture)
    assert np.isin(maps[~np.isnan(maps)], [0, 1]).all()
    maps = heatmap(GaussianTargets(FIVE, stride, 9.0, background=True), picture)
    known = maps[~np.isnan(maps)]
    assert ((known >= 0) & (known <= 1)).all()


@MAPS
@given(picture=pictures(5))
def test_the_order_of_people_is_free_where_no_two_are_equally_near(targets: Any, picture: Labels) -> None:
    picture.xy += np.random.default_rng(0).uniform(0, 0.5, picture.xy.shape).astype(np.float32)
    turned = Labels(
        picture.xy[::-1], picture.visibility[::-1], picture.boxes[::-1], picture.ignored[::-1], picture.size
    )
    for one, other in zip(encoded(targets, picture).values(), encoded(targets, turned).values(), strict=True):
        np.testing.assert_array_equal(one, other)


# --- What nobody knows ---------------------------------------------------------------------------------------


@MAPS
@given(picture=pictures(5))
def test_an_unlabelled_keypoint_never_becomes_background(targets: Any, picture: Labels) -> None:
    """Wherever in their box it may be, its cells are not 0."""
    maps = heatmap(targets, picture)
    rows, columns = maps.shape[:2]
    for visibility, (x, y, width, height) in zip(picture.visibility, picture.boxes, strict=True):
        whole = bool(np.isnan([x, y, width, height]).any())
        for row, column in np.ndindex(rows, columns):
            inside = x <= column * 16 <= x + width and y <= row * 16 <= y + height
            if whole or inside:
                assert not (maps[row, column, visibility == 0] == 0).any()


@MAPS
def test_elsewhere_an_unlabelled_keypoint_is_background(targets: Any) -> None:
    maps = heatmap(targets, labels(SOMEBODY, size=SIZE, visibility=[[2, 2, 2, 2, 0]]))
    assert np.isnan(maps[NEAR]).tolist() == [False] * 4 + [True]
    assert maps[FAR][4] == 0


@MAPS
def test_the_margin_and_the_radius_are_added_to_the_box(targets: Any) -> None:
    box = [[96, 96, 40, 20]]
    picture = labels(SOMEBODY, size=SIZE, visibility=np.zeros((1, 5)), boxes=box)
    reach = (32 if targets is DISCS else 48) + 0.1 * 40
    rows, columns = np.indices((16, 17)) * 16
    inside = (abs(columns - 116) <= 20 + reach) & (abs(rows - 106) <= 10 + reach)
    np.testing.assert_array_equal(np.isnan(heatmap(targets, picture)[:, :, 2]), inside)


@MAPS
def test_a_person_without_a_box_may_be_anywhere(targets: Any) -> None:
    picture = labels(SOMEBODY, size=SIZE, visibility=[[2, 2, 2, 2, 0]], boxes=[[0, 0, np.nan, 10]])
    maps = heatmap(targets, picture)
    assert np.isnan(maps[:, :, 4]).all()
    assert not np.isnan(maps[:, :, :4]).any()


@MAPS
def test_ignored_regions_are_not_known_at_any_angle(targets: Any) -> None:
    diamond = [[[160, 100], [220, 160], [160, 220], [100, 160]]]
    maps = heatmap(targets, labels(np.zeros((0, 5, 2)), size=SIZE, ignored=diamond))
    assert np.isnan(maps[10, 10]).all()
    assert np.isnan(maps[10, 5]).all()  # 20 px from a corner: a keypoint there is seen from here
    assert (maps[1, 1] == 0).all()
    assert (maps[14, 3] == 0).all()  # in the square around it, not near the diamond


@MAPS
def test_what_is_labelled_is_known_wherever_it_is(targets: Any) -> None:
    everywhere = [[[-10, -10], [300, -10], [300, 300], [-10, 300]]]
    lost = np.full((1, 5, 2), np.nan)
    picture = labels(
        np.concatenate([SOMEBODY, lost]),
        size=SIZE,
        visibility=[[2, 1, 2, 2, 2], [0] * 5],
        boxes=[[80, 60, 40, 140], [np.nan] * 4],
        ignored=everywhere,
    )
    alone, among = (heatmap(targets, p) for p in (labels(SOMEBODY, size=SIZE), picture))
    certain = alone > (0.5 if targets is DISCS else np.exp(-4.5))
    np.testing.assert_array_equal(among[certain], alone[certain])
    assert np.isnan(among[~certain]).all()


def test_the_background_is_as_unknown_as_any_keypoint() -> None:
    targets = GaussianTargets(FIVE, 16, 8.0, background=True)
    (maps,) = encoded(targets, labels(SOMEBODY, size=SIZE, visibility=[[2, 2, 2, 2, 0]])).values()
    np.testing.assert_array_equal(np.isnan(maps[:, :, 5]), np.isnan(maps[:, :, 4]))
    assert maps[FAR][5] == 1


@EVERY
@given(picture=pictures(5))
def test_what_is_outside_of_the_picture_is_background_like_what_is_far_away(
    targets: Any, picture: Labels
) -> None:
    """No place of it is in sight, and nobody looks for it in its person's box."""
    outside = picture.visibility == OUTSIDE
    far = replace(
        picture,
        xy=np.where(outside[:, :, None], np.float32(9e5), picture.xy),
        visibility=np.where(outside, VISIBLE, picture.visibility).astype(np.uint8),
    )
    found, wanted = encoded(targets, picture), encoded(targets, far)
    for name, array in found.items():
        if name.startswith("displacement"):  # nor are ways to it known
            ways = np.abs(wanted[name]) > 5e5
            assert np.isnan(array[ways]).all()
            np.testing.assert_array_equal(array[~ways], wanted[name][~ways])
        else:
            np.testing.assert_array_equal(array, wanted[name])


@MAPS
def test_an_ankle_outside_is_nowhere_and_one_that_nobody_labelled_may_be_anywhere(targets: Any) -> None:
    unknown, outside = (
        heatmap(targets, labels(SOMEBODY, size=SIZE, visibility=[[2, 2, 2, 2, v]])) for v in (0, OUTSIDE)
    )
    assert np.isnan(unknown[NEAR][4])
    assert (outside[:, :, 4] == 0).all()
    np.testing.assert_array_equal(unknown[:, :, :4], outside[:, :, :4])


def test_the_background_is_known_where_a_keypoint_is_outside() -> None:
    targets = GaussianTargets(FIVE, 16, 8.0, background=True)
    (maps,) = encoded(targets, labels(SOMEBODY, size=SIZE, visibility=[[2, 2, 2, 2, OUTSIDE]])).values()
    np.testing.assert_array_equal(maps[:, :, 5], 1 - maps[:, :, :4].max(axis=2))


@pytest.mark.parametrize("unread", [0, OUTSIDE])
def test_ways_to_what_is_not_labelled_or_outside_are_not_known(unread: int) -> None:
    found = encoded(DISCS, labels(SOMEBODY, size=SIZE, visibility=[[2, unread, 2, 2, 2]]))
    cell = found["displacement_fwd_2"][4, 6]
    assert np.isnan(cell).all()
    assert found["offset_2"][4, 6, 0] == -4


@MAPS
def test_people_partly_out_of_the_picture_keep_what_is_in_it(targets: Any) -> None:
    picture = labels(SOMEBODY - np.array([100, 60]), size=SIZE)  # keypoint 0 in the corner, 2 and 4 outside
    maps = heatmap(targets, picture)
    assert maps[0, 0, 0] == 1
    assert maps[2, 0, 2] > 0.4  # a disc whose middle is 20 px outside
    far = labels(SOMEBODY - np.array([5000, 60]), size=SIZE)
    assert (heatmap(targets, far) == 0).all()


@EVERY
def test_a_picture_of_nobody_is_background(targets: Any) -> None:
    for name, array in encoded(targets, labels(np.zeros((0, 5, 2)), size=SIZE)).items():
        if name == "heatmap_2":
            assert (array == 0).all()
        elif name == "heatmap":
            assert (array[:, :, :5] == 0).all()
            assert (array[:, :, 5:] == 1).all()
        else:
            assert np.isnan(array).all()


def test_coordinates_are_shares_of_the_first_person() -> None:
    xy = [[[-0.5, -0.5], [9.5, 19.5], [4.5, 9.5], [10, 5], [3, 3]], [[1, 1]] * 5]
    picture = labels(xy, size=(10, 20), visibility=[[2, 2, 1, 2, 0], [2] * 5])
    shares = encoded(CoordinateTargets(FIVE), picture)["keypoints"]
    assert shares[:3].tolist() == [[0, 0], [1, 1], [0.5, 0.5]]
    assert np.isnan(shares[3:]).all()  # out of the picture, not labelled


# --- The classes ---------------------------------------------------------------------------------------------


@EVERY
def test_targets_are_values(targets: Any) -> None:
    picture = labels(SOMEBODY, size=SIZE)
    for twin in (pickle.loads(pickle.dumps(targets)), copy.deepcopy(targets)):
        assert twin == targets
        assert hash(twin) == hash(targets)
        assert repr(twin) == repr(targets)
        for one, other in zip(
            encoded(targets, picture).values(), encoded(twin, picture).values(), strict=True
        ):
            np.testing.assert_array_equal(one, other)
    with pytest.raises(AttributeError):
        targets.skeleton = ONE


def test_a_disc_holds_the_four_cells_around_its_keypoint() -> None:
    targets = PersonLabTargets(ONE, 32)
    assert targets.radius_px == 32
    assert targets.disc_radius_px == 48
    assert PersonLabTargets(ONE, 16).disc_radius_px == 32
    maps = heatmap(targets, labels([[[48, 48]]], size=(129, 129)))
    assert maps[1:3, 1:3, 0].tolist() == [[1, 1], [1, 1]]


@EVERY
def test_the_labels_are_left_alone_and_may_lie_anyhow(targets: Any) -> None:
    picture = labels(SOMEBODY, size=SIZE)
    before = copy.deepcopy(picture)
    spread = Labels(
        np.repeat(picture.xy, 2, axis=1)[:, ::2],
        np.asfortranarray(picture.visibility),
        np.repeat(picture.boxes, 3, axis=1)[:, ::3],
        picture.ignored,
        SIZE,
    )
    for one, other in zip(encoded(targets, picture).values(), encoded(targets, spread).values(), strict=True):
        np.testing.assert_array_equal(one, other)
        assert one.flags.c_contiguous
        assert one.flags.owndata
    np.testing.assert_array_equal(picture.xy, before.xy)
