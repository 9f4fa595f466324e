"""What is encoded, decoders find again within 0.1 px: for every head, stride and skeleton, wide and tall."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labelled import FIVE, NO_EDGES, ONE, encoded, labels

from posecore import (
    COCO17,
    COCO_FEET23,
    CROWDPOSE14,
    MPII16,
    Decoder,
    Heads,
    HeatmapDecoder,
    SingleDecoder,
    Skeleton,
)
from posecore.decode import Onto
from posecore.train.samples import OUTSIDE, UNLABELLED
from posecore.train.targets import CoordinateTargets, GaussianTargets, PersonLabTargets

WALKED = pytest.mark.parametrize(
    "skeleton", [COCO17, COCO_FEET23, MPII16, CROWDPOSE14, FIVE], ids=lambda s: s.name
)
EVERY = pytest.mark.parametrize(
    "skeleton", [COCO17, COCO_FEET23, MPII16, CROWDPOSE14, FIVE, NO_EDGES, ONE], ids=lambda s: s.name
)
SHAPES = pytest.mark.parametrize("grid", [(60, 28), (28, 60)], ids=["wide", "tall"])
FEW = settings(max_examples=10)  # of each of hundreds


def size_of(grid: tuple[int, int], stride_px: int) -> tuple[int, int]:
    """n * stride + 1: the last cell is the last pixel."""
    return grid[0] * stride_px + 1, grid[1] * stride_px + 1


def heads_of(targets: dict[str, np.ndarray], stride_px: int) -> Heads:
    return Heads(*targets.values(), stride_px=stride_px, scores="probabilities")


def people(
    data: st.DataObject, keypoints: int, size: tuple[int, int], count: int, apart_px: float
) -> np.ndarray:
    """(count, K, 2): one person a stripe across the picture, each anywhere in it; cells and borders more often."""
    along = int(size[1] > size[0])  # stripes lie along the longer side
    length, width = size[along], size[1 - along]
    stripe = (length - 1 + apart_px) / count
    place = st.one_of(st.floats(0, 1), st.integers(0, 8).map(lambda eighth: eighth / 8))
    shares = data.draw(st.lists(place, min_size=count * keypoints * 2, max_size=count * keypoints * 2))
    xy = np.array(shares).reshape(count, keypoints, 2)
    xy[:, :, along] = xy[:, :, along] * (stripe - apart_px) + np.arange(count)[:, None] * stripe
    xy[:, :, 1 - along] *= width - 1
    return xy.astype(np.float32)


def furthest(found: np.ndarray, wanted: np.ndarray) -> float:
    """The largest distance in px of a keypoint from where it should be, people in whatever order."""
    distances = np.hypot(*np.moveaxis(found[:, None] - wanted[None], -1, 0)).max(axis=2)
    assert sorted(distances.argmin(axis=1)) == list(range(len(wanted)))
    return float(distances.min(axis=1).max())


@WALKED
@SHAPES
@pytest.mark.parametrize("stride_px", [8, 16, 32])
@given(data=st.data())
@FEW
def test_everybody_is_found_again(
    skeleton: Skeleton, grid: tuple[int, int], stride_px: int, data: st.DataObject
) -> None:
    size = size_of(grid, stride_px)
    # Two people's keypoints of a kind are so far apart that the four cells around each are its own.
    xy = people(data, skeleton.num_keypoints, size, data.draw(st.integers(1, 3)), apart_px=3 * stride_px)
    targets = PersonLabTargets(skeleton, stride_px)
    poses = Decoder(skeleton, stride_px=stride_px)(
        heads_of(encoded(targets, labels(xy, size=size)), stride_px)
    )
    assert len(poses) == len(xy)
    assert furthest(poses.xy, xy) < 0.1
    assert poses.scores.min() > 0.999


@EVERY
@SHAPES
@pytest.mark.parametrize("stride_px", [8, 16, 32])
@given(data=st.data())
@FEW
def test_one_person_is_found_again_without_the_displacements(
    skeleton: Skeleton, grid: tuple[int, int], stride_px: int, data: st.DataObject
) -> None:
    size = size_of(grid, stride_px)
    xy = people(data, skeleton.num_keypoints, size, 1, apart_px=0)
    heads = heads_of(encoded(PersonLabTargets(skeleton, stride_px), labels(xy, size=size)), stride_px)
    assert furthest(SingleDecoder(skeleton, stride_px=stride_px)(heads).xy, xy) < 0.1


@EVERY
@SHAPES
@pytest.mark.parametrize("stride_px", [2, 4, 8, 16, 32])
@pytest.mark.parametrize("sigma_cells", [0.45, 1.0, 2.5])
@given(data=st.data())
@FEW
def test_one_person_is_found_again_in_confidence_maps(
    skeleton: Skeleton, grid: tuple[int, int], stride_px: int, sigma_cells: float, data: st.DataObject
) -> None:
    # Two cells from the border: there the decoder's expansion has all its neighbours.
    size = size_of(grid, stride_px)
    inner = size_of((grid[0] - 4, grid[1] - 4), stride_px)
    shift = data.draw(st.sampled_from([0.0, (stride_px - 1) / 2]))
    background = data.draw(st.booleans())
    xy = people(data, skeleton.num_keypoints, inner, 1, apart_px=0) + np.float32(2 * stride_px + shift)
    targets = GaussianTargets(skeleton, stride_px, sigma_cells * stride_px, background, shift)
    (maps,) = encoded(targets, labels(xy, size=size)).values()
    heads = Heads(maps[:, :, : skeleton.num_keypoints], stride_px=stride_px, scores="probabilities")
    decoder = HeatmapDecoder(skeleton, stride_px=stride_px, refine="taylor")
    assert furthest(decoder.decode(heads, Onto((1, 1, shift, shift), size)).xy, xy) < 0.1


@EVERY
@given(data=st.data())
@settings(max_examples=30)
def test_coordinates_are_found_again(skeleton: Skeleton, data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 2000)), data.draw(st.integers(1, 2000))
    xy = people(data, skeleton.num_keypoints, size, 1, apart_px=0)
    targets = CoordinateTargets(skeleton)
    shares = encoded(targets, labels(xy, size=size))["keypoints"]
    assert shares.min() >= 0
    assert shares.max() <= 1
    assert furthest(targets.pixels(shares[None], size=size), xy) < 0.1


@pytest.mark.parametrize("leaf", [UNLABELLED, OUTSIDE])
def test_people_who_are_labelled_in_part_are_found_as_far_as_they_are(leaf: int) -> None:
    xy = np.array([[[40, 40], [90, 80], [200, 60], [150, 150], [60, 190]]])
    picture = labels(xy, size=(257, 257), visibility=[[2, 1, 2, 2, leaf]])
    heads = heads_of(encoded(PersonLabTargets(FIVE, 16), picture), 16)
    poses = Decoder(FIVE, stride_px=16)(heads)
    np.testing.assert_allclose(poses.xy[0, :4], xy[0, :4], atol=0.1)
    np.testing.assert_allclose(poses.scores[0], [1, 1, 1, 1, 0])


@pytest.mark.parametrize("apart_px", [12, 20, 40])
def test_people_in_each_others_discs_keep_their_own_limbs(apart_px: int) -> None:
    """Discs of 32 px overlap, and the nearer person has each cell."""
    one = np.array([[64, 64], [100, 120], [180, 64], [128, 180], [70, 220]])
    xy = np.stack([one, one + np.array([apart_px, 0])])
    heads = heads_of(encoded(PersonLabTargets(FIVE, 4), labels(xy, size=(257, 257))), 4)
    poses = Decoder(FIVE, stride_px=4)(heads)
    assert len(poses) == 2
    assert furthest(poses.xy, xy) < 0.1


# --- Where a decoder and the targets do not agree ------------------------------------------------------------


def test_beyond_the_last_cell_the_offsets_are_right_and_the_walk_stops_at_the_cell() -> None:
    """A picture of 64 px has its last cell of 16 px at pixel 48. As Coral's decoder, `Decoder` keeps to the grid;
    `SingleDecoder` does not. Sizes of n * stride + 1 have no such border."""
    xy = np.array([[[60, 30], [20, 20], [10, 40], [30, 50], [40, 10]]])
    heads = heads_of(encoded(PersonLabTargets(FIVE, 16), labels(xy, size=(64, 64))), 16)
    np.testing.assert_allclose(SingleDecoder(FIVE, stride_px=16)(heads).xy, xy, atol=0.1)
    walked = Decoder(FIVE, stride_px=16)(heads).xy
    np.testing.assert_allclose(walked[0, 0], [48, 30], atol=0.1)
    np.testing.assert_allclose(walked[:, [1, 2, 4]], xy[:, [1, 2, 4]], atol=0.1)


def test_a_picture_of_one_cell_has_its_keypoints_in_the_offsets() -> None:
    xy = np.array([[[3.25, 7], [0, 0], [9, 9.5], [5, 5], [1, 8]]])
    heads = heads_of(encoded(PersonLabTargets(FIVE, 16), labels(xy, size=(11, 10))), 16)
    assert heads.grid == (1, 1)
    np.testing.assert_allclose(SingleDecoder(FIVE, stride_px=16)(heads).xy, xy, atol=0.1)


@given(x=st.floats(0, 5.9), y=st.floats(0, 48, width=32))
def test_at_the_border_confidence_maps_are_right_to_half_a_cell(x: float, y: float) -> None:
    """DARK's expansion wants two cells on every side; nearer to the border the cell is the answer."""
    (maps,) = encoded(GaussianTargets(ONE, 4, 8.0), labels([[[x, y]]], size=(65, 49))).values()
    heads = Heads(maps, stride_px=4, scores="probabilities")
    found = HeatmapDecoder(ONE, stride_px=4, refine="taylor")(heads).xy[0, 0]
    assert np.abs(found - [x, y]).max() <= 2.001
