"""What a person sees of the data: each label has its mark, and what nobody knows is violet."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from dotted import FOUR, GREY, sample, without_people

from posecore.train import views
from posecore.train.augmentation import Augmentation
from posecore.train.feed import Feed
from posecore.train.samples import OUTSIDE, Sample


def is_violet(pixels: np.ndarray) -> np.ndarray:
    red, green, blue = (pixels[..., channel].astype(int) for channel in range(3))
    return (blue > red + 20) & (red > green + 20)


def test_each_keypoint_has_a_mark_in_the_colour_of_its_side() -> None:
    canvas = views.draw_labels(replace(sample(), image=np.full((170, 140, 3), GREY, np.uint8)), side_px=340)
    assert canvas.shape == (340, 280, 3)
    nose, left, right = (canvas[round(2 * y), round(2 * x)].astype(int) for x, y in sample().xy[0, :3])
    assert nose.min() > 200
    assert left[0] > left[2] + 100
    assert right[2] > right[0] + 100


def test_a_hidden_keypoint_is_a_ring_and_a_missing_one_is_nothing() -> None:
    blank = replace(sample(visibility=(1, 0, 2, 2)), image=np.full((170, 140, 3), GREY, np.uint8))
    canvas = views.draw_labels(blank, side_px=340)
    assert canvas[81, 121].max() < 60  # the ring's middle
    assert (canvas[170:192, 50:70] == GREY).all()  # around (30, 90)


def test_a_keypoint_outside_of_the_picture_is_nowhere_and_nor_are_limbs_to_it() -> None:
    blank = replace(sample(visibility=(2, 2, 2, OUTSIDE)), image=np.full((170, 140, 3), GREY, np.uint8))
    without = replace(blank, visibility=np.array([[2, 2, 2, 0]], np.uint8))
    assert np.array_equal(views.draw_labels(blank), views.draw_labels(without))


def test_ignored_regions_are_hatched() -> None:
    region = [(100, 100), (130, 100), (130, 160), (100, 160)]
    plain, hatched = (
        views.draw_labels(sample(ignored=corners), side_px=170).astype(int) for corners in ((), region)
    )
    changed = (plain != hatched).any(axis=2)
    assert 0.15 < changed[105:155, 105:125].mean() < 0.6
    assert not changed[:90].any()


def test_a_map_is_yellow_where_it_is_one_and_violet_where_nothing_is_known() -> None:
    target = np.zeros((11, 9, 2), np.float32)
    target[2, 3] = 1
    target[8, 6] = np.nan
    canvas = views.draw_map(
        replace(sample(size=(129, 161)), image=np.zeros((161, 129, 3), np.uint8)), target, side_px=322
    )
    # Cell (row, column) is at (column, row) * 16 px, and the drawing is twice as large.
    row, column = 2 * 16 * 2, 3 * 16 * 2
    assert canvas[row, column, 0] > canvas[row, column, 2] + 50
    assert is_violet(canvas[8 * 32, 6 * 32])
    assert not is_violet(canvas).mean() > 0.05
    assert canvas[5 * 32, 1 * 32].max() == 0


def test_a_sheet_has_a_place_for_each_sample_and_its_map() -> None:
    samples = [sample(), without_people(sample()), replace(sample(), image=sample().image[:, :, :1].copy())]
    alone = views.sheet(samples, columns=2, side_px=100)
    assert alone.dtype == np.uint8
    assert alone.shape == (2 * 106 + 6, 2 * (82 + 6) + 6, 3)
    targets = [{"heatmap": np.zeros((11, 9, 4), np.float32)}] * 3
    assert views.sheet(samples, targets, columns=2, side_px=100).shape[1] == 2 * (2 * 82 + 6) + 6
    assert views.channel_sheet(samples[0], targets[0]["heatmap"], columns=3, side_px=80).ndim == 3


def test_a_batch_of_a_feed_is_drawn_as_the_network_gets_it() -> None:
    with Feed(Dots(), Maps(), size=(96, 64), batch_size=3, augmentation=Augmentation(), seed=1) as feed:
        samples = feed.samples(2)
        expected = views.sheet(samples, [feed.encode(one) for one in samples], side_px=90, columns=2)
        assert np.array_equal(views.feed_sheet(feed, 2, side_px=90, columns=2), expected)
        assert feed.batches == 0


class Dots:
    skeleton = FOUR

    def __len__(self) -> int:
        return 5

    def __getitem__(self, index: int) -> Sample:
        return sample()


class Maps:
    def encode(self, xy: Any, visibility: Any, boxes: Any, ignored: Any, *, size: Any) -> dict[str, Any]:
        return {"heatmap": np.full((4, 6, 4), len(xy) / 4, np.float32)}


def test_what_cannot_be_drawn_is_named() -> None:
    with pytest.raises(ValueError, match="samples: wanted 1 to 400, got 0"):
        views.sheet([])
    with pytest.raises(ValueError, match="targets: wanted 1, one for each sample, got 0"):
        views.sheet([sample()], [])
    with pytest.raises(ValueError, match=r"target: wanted shape \(rows, columns\) or .*, got \(3,\)"):
        views.draw_map(sample(), np.zeros(3, np.float32))
