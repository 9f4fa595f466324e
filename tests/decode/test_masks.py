"""Masks of people: whose cell is whose, on grids of any shape and in pictures of any size."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from arbitrary import numbered_skeleton, repeatable, sprinkle
from hypothesis import given
from hypothesis import strategies as st

import posecore as pc
from oracle.masks import MaskDecoder
from posecore import _core as posecore_core
from posecore.decode import Onto

STRIDE_PX = 16.0


def poses_of(xy: np.ndarray, image_size: tuple[int, int] | None = None) -> pc.Poses:
    count, keypoints, _ = xy.shape
    skeleton = numbered_skeleton(tuple((i, i + 1) for i in range(keypoints - 1)))
    return pc.Poses(
        xy.astype(np.float32),
        np.ones((count, keypoints), np.float32),
        skeleton=skeleton,
        image_size=image_size,
    )


def owners_of(masks: np.ndarray) -> np.ndarray:
    """One number a point: the masks never overlap."""
    assert masks.dtype == np.bool_
    assert (masks.sum(axis=0) <= 1).all()
    return np.where(masks.any(axis=0), masks.argmax(axis=0) if len(masks) else 0, -1)


def heads_of(long_offsets: np.ndarray, segments: np.ndarray | None = None, **fields: Any) -> pc.Heads:
    rows, columns, channels = long_offsets.shape
    heatmaps = np.zeros((rows, columns, channels // 2), np.float32)
    fields = {"stride_px": STRIDE_PX, "scores": "logits"} | fields
    return pc.Heads(heatmaps, long_offsets=long_offsets, segments=segments, **fields)


def standing(grid: tuple[int, int], people: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Long offsets, segments and keypoints (N, 4, 2) of people side by side along the longer side of the grid: each
    cell means the person whose strip it lies in, a cell inside from the strip's edge is on that person."""
    random = np.random.default_rng(seed)
    rows, columns = grid
    along = 0 if columns >= rows else 1
    cells = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=2)
    width = max(grid) / people
    strip = np.minimum((cells[:, :, along] / width).astype(int), people - 1)
    middle = (np.arange(people) + 0.5) * width * STRIDE_PX
    across = (min(grid) - 1) / 2 * STRIDE_PX
    centre = np.stack([middle, np.full(people, across)][:: 1 if along == 0 else -1], axis=1)
    xy = centre[:, None] + random.uniform(-16, 16, (people, 4, 2))
    vectors = xy[strip] - cells[:, :, None] * STRIDE_PX  # (rows, columns, 4, 2)
    long_offsets = np.concatenate([vectors[..., 1], vectors[..., 0]], axis=2)
    inside = np.abs(cells[:, :, along] - (strip + 0.5) * width) < width / 2 - 1
    return long_offsets.astype(np.float32), np.where(inside, 4, -4)[:, :, None].astype(np.float32), xy


def strips_of(grid: tuple[int, int], people: int) -> np.ndarray:
    strip = np.minimum((np.arange(max(grid)) / (max(grid) / people)).astype(int), people - 1)
    return np.broadcast_to(strip if grid[1] >= grid[0] else strip[:, None], grid)


@pytest.mark.parametrize("grid", [(23, 31), (31, 23), (9, 40), (40, 9), (12, 12)], ids=str)
@pytest.mark.parametrize("people", [1, 2, 3])
def test_each_person_has_the_cells_that_mean_it(grid, people):
    long_offsets, segments, xy = standing(grid, people)
    everywhere = owners_of(pc.instance_masks(heads_of(long_offsets), poses_of(xy)))
    assert np.array_equal(everywhere, strips_of(grid, people))
    on_people = owners_of(pc.instance_masks(heads_of(long_offsets, segments), poses_of(xy)))
    assert np.array_equal(on_people, np.where(segments[:, :, 0] > 0, strips_of(grid, people), -1))


@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
@pytest.mark.parametrize("layout", ["hwc", "chw"])
def test_quantised_and_channels_first_are_the_same(dtype, layout):
    long_offsets, segments, xy = standing((31, 23), 2)
    zero = 128 if dtype == np.uint8 else 0
    quantization = {"long_offsets": pc.Quantization(4.0, zero), "segments": pc.Quantization(0.125, zero)}
    arrays = {}
    for name, real in (("long_offsets", long_offsets), ("segments", segments)):
        levels = np.round(real / quantization[name].scale) + zero
        arrays[name] = np.clip(levels, np.iinfo(dtype).min, np.iinfo(dtype).max).astype(dtype)
    heatmaps = np.zeros((31, 23, 4), np.float32)
    heads = pc.Heads(heatmaps, **arrays, stride_px=STRIDE_PX, scores="logits", quantization=quantization)
    expected = owners_of(pc.instance_masks(heads, poses_of(xy)))
    assert np.array_equal(expected, np.where(segments[:, :, 0] > 0, strips_of((31, 23), 2), -1))
    if layout == "chw":
        planes = {
            name: np.ascontiguousarray(array.transpose(2, 0, 1)) for name, array in heads.tensors().items()
        }
        heads = pc.Heads(
            **planes, stride_px=STRIDE_PX, scores="logits", layout="chw", quantization=quantization
        )
    assert np.array_equal(owners_of(pc.instance_masks(heads, poses_of(xy))), expected)


@st.composite
def scenes(draw: Any, *, odd: bool = False) -> dict[str, Any]:
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rows, columns = draw(st.integers(1, 7)), draw(st.integers(1, 7))
    keypoints, people = draw(st.integers(1, 4)), draw(st.integers(0, 4))
    reach = draw(st.sampled_from([0.0, 8.0, 60.0]))
    long_offsets = random.normal(0, reach, (rows, columns, 2 * keypoints)).astype(np.float32)
    segments = random.normal(0, 3, (rows, columns, 1)).astype(np.float32)
    if odd:
        sprinkle(random, long_offsets, [np.nan, np.inf, -np.inf, 1e12, 3e38, -0.0])
        sprinkle(random, segments, [np.nan, np.inf, -np.inf, 3e38, -3e38])
    return {
        "long_offsets": long_offsets,
        "segments": segments if draw(st.booleans()) else None,
        "xy": random.uniform(-20, 120, (people, keypoints, 2)).astype(np.float32),
        "refine_steps": draw(st.integers(0, 3)),
        "segment_threshold": draw(st.sampled_from([0.0, 0.3, 0.5, 1.0])),
    }


@repeatable
@given(scenes(), st.booleans())
def test_the_oracle_finds_the_same(scene, probabilities):
    heads = heads_of(
        scene["long_offsets"], scene["segments"], scores="probabilities" if probabilities else "logits"
    )
    options = {name: scene[name] for name in ("refine_steps", "segment_threshold")}
    found = owners_of(pc.instance_masks(heads, poses_of(scene["xy"]), **options))
    oracle = MaskDecoder(STRIDE_PX, logits=not probabilities, **options)
    wanted = oracle(scene["long_offsets"], scene["segments"], scene["xy"])
    clear = wanted.doubt > 1e-4
    assert np.array_equal(found[clear], wanted.owners[clear])


@repeatable
@given(scenes(), st.tuples(st.integers(1, 40), st.integers(1, 40)), st.sampled_from([0.3, 1.0, 2.5]))
def test_the_oracle_finds_the_same_in_a_picture(scene, size, scale):
    """Points between cells, and beyond the grid."""
    shift = 3.25, -7.5
    onto = Onto((scale, scale * 1.5, *shift), size)
    scales = np.array([scale, scale * 1.5])
    xy = scene["xy"] * scales + shift
    heads = heads_of(scene["long_offsets"], scene["segments"])
    found = owners_of(pc.instance_masks(heads, poses_of(xy, size), onto, refine_steps=scene["refine_steps"]))
    assert found.shape == (size[1], size[0])
    at = (np.stack(np.meshgrid(np.arange(size[0]), np.arange(size[1])), axis=2) - shift) / scales
    oracle = MaskDecoder(STRIDE_PX, refine_steps=scene["refine_steps"])
    wanted = oracle(scene["long_offsets"], scene["segments"], scene["xy"], at)
    clear = wanted.doubt > 1e-3
    assert np.array_equal(found[clear], wanted.owners[clear])


@repeatable
@given(scenes())
def test_a_portrait_grid_is_a_landscape_one_turned_over(scene):
    def turned(array: np.ndarray) -> np.ndarray:
        y, x = np.split(array.transpose(1, 0, 2), 2, axis=2)
        return np.ascontiguousarray(np.concatenate([x, y], axis=2))

    segments = scene["segments"]
    there = pc.instance_masks(heads_of(scene["long_offsets"], segments), poses_of(scene["xy"]))
    heads = heads_of(
        turned(scene["long_offsets"]), None if segments is None else segments.transpose(1, 0, 2).copy()
    )
    back = pc.instance_masks(heads, poses_of(scene["xy"][:, :, ::-1]))
    assert np.array_equal(there, back.transpose(0, 2, 1))


@repeatable
@given(scenes(odd=True))
def test_nothing_is_two_peoples_whatever_the_heads_hold(scene):
    heads, poses = heads_of(scene["long_offsets"], scene["segments"]), poses_of(scene["xy"])
    first = owners_of(pc.instance_masks(heads, poses, segment_threshold=0.3))
    assert np.array_equal(owners_of(pc.instance_masks(heads, poses, segment_threshold=0.3)), first)
    if scene["segments"] is not None:
        unknown = np.isnan(scene["segments"][:, :, 0])
        assert (first[unknown] == -1).all()
    elif len(poses):
        assert (first >= 0).all()


def test_borders_lie_between_cells():
    """Two people, the border half a cell from a cell; in the picture it is there, and segments end half-way too."""
    long_offsets, segments, xy = standing((5, 8), 2)
    onto = Onto((1.0, 1.0, 0.0, 0.0), (120, 70))
    masks = pc.instance_masks(heads_of(long_offsets), poses_of(xy, (120, 70)), onto)
    assert masks[0, :, :56].all()
    assert masks[1, :, 57:].all()
    segments[:, :, 0] = -4
    segments[:, 1:3, 0] = 4
    masks = pc.instance_masks(heads_of(long_offsets, segments), poses_of(xy, (120, 70)), onto)
    assert np.flatnonzero(masks[0].any(axis=0)).tolist() == list(range(8, 41))


def test_nobody_and_somebody_far_away():
    long_offsets, segments, xy = standing((6, 9), 2)
    heads = heads_of(long_offsets, segments)
    assert pc.instance_masks(heads, poses_of(xy[:0])).shape == (0, 6, 9)
    assert pc.instance_masks(heads, poses_of(xy[:0], (30, 20)), Onto((1, 1, 0, 0), (30, 20))).shape == (
        0,
        20,
        30,
    )
    far = np.concatenate([np.full((1, 4, 2), 3e38), xy])
    assert not pc.instance_masks(heads, poses_of(far))[0].any()
    assert np.array_equal(pc.instance_masks(heads, poses_of(far))[1:], pc.instance_masks(heads, poses_of(xy)))
    assert not pc.instance_masks(heads, poses_of(far[:1])).any()


def test_of_equals_the_first_has_it():
    long_offsets, _, xy = standing((6, 9), 1)
    masks = pc.instance_masks(heads_of(long_offsets), poses_of(np.concatenate([xy, xy])))
    assert masks[0].all()
    assert not masks[1].any()


def test_poses_in_any_order_and_stride():
    long_offsets, _, xy = standing((6, 9), 3)
    poses = poses_of(xy)
    masks = pc.instance_masks(heads_of(long_offsets), poses)
    assert np.array_equal(pc.instance_masks(heads_of(long_offsets), poses[::-1]), masks[::-1])


class TestSentences:
    long_offsets, segments, xy = standing((6, 9), 2)
    heads = heads_of(long_offsets, segments)

    def check(self, kind: type[Exception], sentence: str, *arguments: Any, **options: Any) -> None:
        with pytest.raises(kind, match=f"^{re.escape(sentence)}"):
            pc.instance_masks(*arguments, **options)

    def test_of_wrong_arguments(self):
        poses = poses_of(self.xy)
        self.check(TypeError, "heads: wanted Heads, got ndarray", self.long_offsets, poses)
        self.check(TypeError, "poses: wanted Poses, got ndarray", self.heads, self.xy)
        plain = replace(self.heads, long_offsets=None)
        sentence = "heads: wanted long_offsets, as BodyPix has them, got heatmaps, segments only"
        self.check(ValueError, sentence, plain, poses)
        sentence = "segment_threshold: wanted a number from 0 to 1, got 1.5"
        self.check(ValueError, sentence, self.heads, poses, segment_threshold=1.5)
        sentence = "refine_steps: wanted a whole number from 0 to 100, got float"
        self.check(TypeError, sentence, self.heads, poses, refine_steps=2.0)
        sentence = "poses: wanted 4 keypoints, as long_offsets has, got xy of shape (2, 3, 2)"
        self.check(ValueError, sentence, self.heads, poses_of(self.xy[:, :3]))

    def test_of_other_pixels(self):
        onto = Onto((1, 1, 0, 0), (30, 20))
        sentence = "poses: wanted poses in input pixels, as onto says, got them in a picture of 30x20"
        self.check(ValueError, sentence, self.heads, poses_of(self.xy, (30, 20)))
        sentence = "poses: wanted poses in a picture of 30x20, as onto says, got them in input pixels"
        self.check(ValueError, sentence, self.heads, poses_of(self.xy), onto)

    def test_of_tensors_that_do_not_fit(self):
        two = np.repeat(self.segments, 2, axis=2)
        poses = poses_of(self.xy)
        self.check(ValueError, "segments: wanted 1 channel, got 2", heads_of(self.long_offsets, two), poses)
        narrow = self.segments.astype(np.int8)
        quantization = {"segments": pc.Quantization(1.0, 0)}
        mixed = heads_of(self.long_offsets, narrow, quantization=quantization)
        self.check(TypeError, "segments: wanted the dtype of long_offsets, float32, got int8", mixed, poses)


def test_heads_that_are_too_large_are_refused_before_memory_is_asked_for():
    long_offsets = np.broadcast_to(np.float32(0), (2**20, 2**20, 34))
    with pytest.raises(ValueError, match=r"^the tensors have more than 2\^24 rows or columns"):
        posecore_core.mask_owners(
            long_offsets, None, np.zeros((1, 17, 2), np.float32), 16, 2, 0.5, True, False, None, None, 3, 3
        )
