"""`Feed`: batches for a network, made by threads while it learns, the same ones whatever the threads."""

from __future__ import annotations

import functools
import time
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from posecore.arguments import size as checked_size
from posecore.arguments import whole
from posecore.errors import require
from posecore.train.augmentation import Augmentation, augment, mosaic
from posecore.train.datasets import Dataset, sample_for
from posecore.train.samples import Sample
from posecore.train.warps import letterbox

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]
    Batch = tuple[Floats, dict[str, Floats]]

_ORDER, _SAMPLE = 0, 1  # what a stream of random numbers is for


class Targets(Protocol):
    """What a network shall give for one picture."""

    def encode(
        self, xy: Any, visibility: Any, boxes: Any, ignored: Any, /, *, size: tuple[int, int]
    ) -> Mapping[str, Any]:
        """Float32 arrays by the names of the network's outputs."""


class Feed:
    """Batches (x, y): x is (B, height, width, channels) float32, pixel / 127.5 - 1; y is what `targets.encode` gives,
    stacked, by name: {name: (B, ...) float32}.

    Every sample of the dataset comes once before any comes again, in an order that is new each time. Batch s depends
    on the dataset, the other arguments and (seed, s) alone: neither on the number of threads nor on where the feed
    began. Whoever goes on at `first_step` after a crash gets bit for bit the batches that were due.

    Memory: `threads` + 1 batches, besides what is being read; Keras' fit holds some more that it draws ahead. So
    `waited_s` is how long the feed was waited for, by a thread perhaps; `Waiting` says it of the steps.

    Args:
        dataset: not empty, and safe in threads.
        targets: of the dataset's skeleton.
        size: (width, height) of the network's input in pixels.
        batch_size: B, samples a batch.
        augmentation: ranges of chance; None: letterbox alone.
        seed: from 0 to 2^63 - 1.
        steps: of the whole training: batches `first_step` to `steps` - 1 come; None: without end.
        first_step: the number of the first batch that comes, from 0.
        threads: how many make batches at the same time, each its own.
        channels: 3, or 1 for grey.

    Raises:
        TypeError, ValueError: arguments that are not so. While it is read: whatever reading a sample raises, once.
    """

    def __init__(
        self,
        dataset: Dataset,
        targets: Targets,
        *,
        size: tuple[int, int],
        batch_size: int,
        augmentation: Augmentation | None = None,
        seed: int = 0,
        steps: int | None = None,
        first_step: int = 0,
        threads: int = 1,
        channels: int = 3,
    ) -> None:
        self.size = checked_size(size, "size")
        self.batch_size = whole(batch_size, "batch_size", 1, 1 << 16)
        self.seed = whole(seed, "seed", 0, 2**63 - 1)
        self.steps = None if steps is None else whole(steps, "steps", 0, 2**53)
        self.channels = whole(channels, "channels", 1, 3)
        if self.channels == 2:
            raise ValueError("channels: wanted 3 or 1, got 2")
        threads = whole(threads, "threads", 1, 256)
        if augmentation is not None and not isinstance(augmentation, Augmentation):
            raise TypeError(
                f"augmentation: wanted an Augmentation or None, got {type(augmentation).__name__}"
            )
        if not len(dataset):
            raise ValueError("dataset: wanted samples, got none")
        skeleton = getattr(targets, "skeleton", dataset.skeleton)
        if skeleton != dataset.skeleton:
            raise ValueError(
                f"targets: wanted the dataset's skeleton {dataset.skeleton.name}, got {skeleton.name}"
            )
        self.dataset, self.targets, self.augmentation = dataset, targets, augmentation
        self._next_step = whole(first_step, "first_step", 0, 2**53)
        self._order = functools.lru_cache(maxsize=4)(self._new_order)  # batches in work may lie in two epochs
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="posecore-feed")
        self._due: deque[Future[Batch]] = deque()
        self._room = threads + 1
        self._began: float | None = None
        self._ended = 0.0
        self.waited_s = 0.0
        self.batches = 0
        self._closed = False

    def __iter__(self) -> Iterator[Batch]:
        return self

    def __next__(self) -> Batch:
        """The next batch.

        Raises:
            StopIteration: batch `steps` - 1 was given, or the feed is closed.
        """
        if self._closed:
            raise StopIteration
        asked = time.perf_counter()
        self._order_batches()
        if not self._due:
            self.close()
            raise StopIteration
        try:
            batch = self._due.popleft().result()
        except BaseException:
            self.close()
            raise
        self._order_batches()
        self._ended = time.perf_counter()
        if self._began is None:
            self._began = self._ended  # nobody can have the first one ready
        else:
            self.waited_s += self._ended - asked
        self.batches += 1
        return batch

    def __enter__(self) -> Feed:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def waited_share(self) -> float:
        """The share of time, from the first batch to the last one given, that the caller waited for data: in [0, 1]."""
        spent = 0.0 if self._began is None else self._ended - self._began
        return self.waited_s / spent if spent > 0 else 0.0

    def close(self) -> None:
        """End the threads; batches that were due are thrown away. Closing twice is nothing new."""
        self._closed = True
        for future in self._due:
            future.cancel()
        self._due.clear()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def batch(self, step: int) -> Batch:
        """Batch number `step`, made here and now."""
        samples = self.samples(step)
        width, height = self.size
        x = np.empty((len(samples), height, width, self.channels), np.float32)
        encoded: list[dict[str, Floats]] = []
        for row, sample in enumerate(samples):
            np.multiply(pixels_of(sample, self.channels), np.float32(1 / 127.5), out=x[row], dtype=np.float32)
            encoded.append(self.encode(sample))
        x -= np.float32(1)
        return x, {name: np.stack([one[name] for one in encoded]) for name in encoded[0]}

    def samples(self, step: int) -> list[Sample]:
        """The B samples of batch number `step`, as they go into the network: augmented and of its size."""
        whole(step, "step", 0, 2**53)
        first = step * self.batch_size
        return [self._sample(number) for number in range(first, first + self.batch_size)]

    def encode(self, sample: Sample) -> dict[str, Floats]:
        """The targets of one sample of the feed's size."""
        encoded = self.targets.encode(
            sample.xy, sample.visibility, sample.boxes, sample.ignored, size=self.size
        )
        return {name: np.asarray(target, np.float32) for name, target in encoded.items()}

    def _order_batches(self) -> None:
        while len(self._due) < self._room and (self.steps is None or self._next_step < self.steps):
            self._due.append(self._pool.submit(self.batch, self._next_step))
            self._next_step += 1

    def _sample(self, number: int) -> Sample:
        """The sample that comes as number 0, 1, ... of all."""
        index = self._index(number)
        if self.augmentation is None:
            return letterbox(sample_for(self.dataset, index, self.size), self.size)
        chance = _chance(self.seed, _SAMPLE, number)
        zoom = self.augmentation.zoom[1]
        enough = self.size[0] * zoom, self.size[1] * zoom
        if chance.random() < self.augmentation.mosaic:
            others = chance.integers(len(self.dataset), size=3)
            four = [sample_for(self.dataset, int(i), enough) for i in (index, *others)]
            return mosaic(four, self.size, self.augmentation, chance)
        return augment(sample_for(self.dataset, index, enough), self.size, self.augmentation, chance)

    def _index(self, number: int) -> int:
        epoch, place = divmod(number, len(self.dataset))
        return int(self._order(epoch)[place])

    def _new_order(self, epoch: int) -> Any:
        return _chance(self.seed, _ORDER, epoch).permutation(len(self.dataset))


def _chance(seed: int, what: int, number: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence((seed, what, number))))


def pixels_of(sample: Sample, channels: int) -> Any:
    """(h, w, channels) uint8; grey ones, (h, w, 1), also where three are wanted: they broadcast."""
    if sample.image.shape[2] == channels or channels == 3:
        return sample.image  # one channel is written into three by broadcasting
    cv2: Any = require("cv2", extra="train", purpose="Making pictures grey")
    return cv2.cvtColor(sample.image, cv2.COLOR_RGB2GRAY)[:, :, None]
