"""Batches come in order, the same ones whatever the threads, and what goes wrong in a thread is told."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import wait
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from dotted import FOUR, PAIR, sample

from posecore.errors import SourceError
from posecore.skeletons import Skeleton
from posecore.train.augmentation import Augmentation
from posecore.train.feed import Feed
from posecore.train.samples import Sample

RANGES = Augmentation(mosaic=0.3, patches=2, blur=0.5)


class Numbered:
    """Pictures with one person each, of different sizes, that say how often they are read."""

    skeleton = FOUR

    def __init__(self, count: int = 10) -> None:
        self.count, self.read = count, []

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Sample:
        self.read.append(index)
        return replace(sample(size=(140 + 3 * index, 170)), name=str(index))


@dataclass(frozen=True)
class Places:
    skeleton: Skeleton = FOUR

    def encode(self, xy: Any, visibility: Any, boxes: Any, ignored: Any, *, size: Any) -> dict[str, Any]:
        count = np.float32(len(xy))
        first = xy[0] if len(xy) else np.zeros((4, 2), np.float32)
        return {"places": np.where(visibility[:1].T > 0, first, np.nan).astype(np.float32), "people": count}


@pytest.fixture
def feeds() -> Iterator[Any]:
    made: list[Feed] = []

    def make(dataset: Any = None, **changed: Any) -> Feed:
        options = {"size": (96, 64), "batch_size": 4, "augmentation": RANGES, "seed": 7, "steps": 9}
        made.append(Feed(dataset or Numbered(), Places(), **(options | changed)))
        return made[-1]

    yield make
    for feed in made:
        feed.close()


def equal(a: Any, b: Any) -> bool:
    (x, y), (other_x, other_y) = a, b
    return np.array_equal(x, other_x) and all(
        np.array_equal(y[name], other_y[name], equal_nan=True) for name in ("places", "people")
    )


def test_a_batch_is_pixels_from_minus_one_to_one_and_stacked_targets(feeds: Any) -> None:
    feed = feeds()
    x, y = next(feed)
    assert x.shape == (4, 64, 96, 3)
    assert x.dtype == y["places"].dtype == y["people"].dtype == np.float32
    assert -1 <= x.min() < -0.1 < 0.1 < x.max() <= 1
    assert y["places"].shape == (4, 4, 2)
    assert y["people"].shape == (4,)
    expected = np.stack([s.image for s in feed.samples(0)]) / 127.5 - 1
    np.testing.assert_allclose(x, expected, atol=1e-6)


def test_threads_and_the_first_step_change_nothing(feeds: Any) -> None:
    whole = list(feeds())
    assert len(whole) == 9
    for threads, first in ((3, 0), (1, 4), (3, 5), (2, 8)):
        part = list(feeds(threads=threads, first_step=first))
        assert len(part) == 9 - first
        assert all(equal(a, b) for a, b in zip(part, whole[first:], strict=True))
    assert list(feeds(first_step=9)) == []
    assert not equal(whole[0], next(feeds(seed=8)))
    assert not equal(whole[0], whole[1])


def test_batch_s_can_be_had_alone(feeds: Any) -> None:
    feed = feeds(steps=None)
    third = [next(feed) for _ in range(4)][3]
    assert equal(third, feeds().batch(3))


def test_every_sample_comes_once_before_any_comes_again(feeds: Any) -> None:
    feed = feeds(augmentation=None, steps=None)
    names = [s.name for step in range(15) for s in feed.samples(step)]
    rounds = [names[start : start + 10] for start in range(0, 60, 10)]
    assert all(sorted(r, key=int) == [str(i) for i in range(10)] for r in rounds)
    assert len({tuple(r) for r in rounds}) == 6  # in another order each time


def test_the_same_picture_is_another_one_each_time(feeds: Any) -> None:
    feed = feeds(Numbered(1), augmentation=replace(RANGES, mosaic=0))
    places = [s.xy.tobytes() for step in range(3) for s in feed.samples(step)]
    assert len(set(places)) == 12


def test_without_augmentation_it_is_the_letterbox(feeds: Any) -> None:
    for one in feeds(augmentation=None).samples(0):
        assert one.size == (96, 64)
        assert (one.visibility == 2).all()


def test_grey_networks_get_one_channel(feeds: Any) -> None:
    colours, _ = next(feeds(augmentation=None))
    grey, _ = next(feeds(augmentation=None, channels=1))
    assert grey.shape == (4, 64, 96, 1)
    np.testing.assert_allclose(grey[..., 0], colours @ np.float32([0.299, 0.587, 0.114]), atol=0.01)


def test_grey_pictures_come_in_three_channels_where_the_network_has_three(feeds: Any) -> None:
    dataset = Numbered()
    plain = dataset.__class__.__getitem__

    class Grey(Numbered):
        def __getitem__(self, index: int) -> Sample:
            one = plain(self, index)
            return replace(one, image=one.image[:, :, :1].copy())

    x, _ = next(feeds(Grey()))
    assert (x[..., 0] == x[..., 1]).all()
    assert x.shape[3] == 3


def test_what_goes_wrong_in_a_thread_reaches_the_caller(feeds: Any) -> None:
    class Damaged(Numbered):
        def __getitem__(self, index: int) -> Sample:
            if index == 3:
                raise SourceError("3.jpg: wanted a picture, got a file that is damaged")
            return super().__getitem__(index)

    for threads in (1, 3):
        feed = feeds(Damaged(), threads=threads, augmentation=None, steps=None)
        with pytest.raises(SourceError, match=r"3\.jpg: wanted a picture"):
            list(feed)
        with pytest.raises(StopIteration):  # after that, nothing
            next(feed)


def test_closing_ends_the_threads(feeds: Any) -> None:
    before = threading.active_count()
    with feeds(threads=3, steps=None) as feed:
        next(feed)
        assert threading.active_count() > before
    assert threading.active_count() == before
    assert list(feed) == []
    feed.close()


def test_only_a_few_batches_are_made_ahead(feeds: Any) -> None:
    dataset = Numbered(1000)
    feed = feeds(dataset, threads=2, steps=None, augmentation=None)
    for _ in range(5):
        next(feed)
    wait(feed._due)  # of what may be made ahead, all is made
    assert len(dataset.read) == (5 + 3) * 4


def test_waiting_is_counted(feeds: Any) -> None:
    feed = feeds()
    assert feed.waited_share == 0
    list(feed)
    assert feed.batches == 9
    assert 0 < feed.waited_share <= 1


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"batch_size": 0}, "batch_size: wanted a whole number from 1"),
        ({"seed": -1}, "seed: wanted a whole number from 0"),
        ({"size": 257}, r"size: wanted \(width, height\) in pixels, got 257"),
        ({"channels": 2}, "channels: wanted 3 or 1, got 2"),
        ({"threads": 0}, "threads: wanted a whole number from 1 to 256, got 0"),
        ({"augmentation": 0.5}, "augmentation: wanted an Augmentation or None, got float"),
        ({"dataset": Numbered(0)}, "dataset: wanted samples, got none"),
        ({"targets": Places(PAIR)}, "targets: wanted the dataset's skeleton four, got pair"),
    ],
)
def test_arguments_that_are_not_so_are_named(changed: dict[str, Any], message: str) -> None:
    options = {"dataset": Numbered(), "targets": Places(), "size": (96, 64), "batch_size": 4} | changed
    dataset, targets = options.pop("dataset"), options.pop("targets")
    with pytest.raises((TypeError, ValueError), match=message):
        Feed(dataset, targets, **options)
