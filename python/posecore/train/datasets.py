"""Datasets: what `posecore.train` learns from, one `Sample` a picture or a person.

A dataset is anything with a skeleton, a length, and a sample for each number. Those of this package read files when
asked, without state, so that threads may share them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

import numpy as np

from posecore.arguments import listed, number, whole
from posecore.skeletons import Skeleton
from posecore.train.coco_set import coco_pictures, feet_pictures, folder_pictures
from posecore.train.joint_pictures import lsp_pictures, mpii_pictures
from posecore.train.other_skeleton import in_skeleton
from posecore.train.person_crops import PersonCrops, person_crops
from posecore.train.picture_set import People, PictureSet
from posecore.train.point_pictures import point_pictures
from posecore.train.samples import FURTHEST_PX, UNLABELLED, Labels, Sample

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = [
    "Dataset",
    "Mixture",
    "Part",
    "People",
    "PersonCrops",
    "PictureSet",
    "Unlabelled",
    "coco_pictures",
    "feet_pictures",
    "folder_pictures",
    "in_skeleton",
    "labels_for",
    "lsp_pictures",
    "mpii_pictures",
    "person_crops",
    "point_pictures",
    "sample_for",
]


_Labelled = TypeVar("_Labelled", Sample, Labels)
_MOST_SAMPLES = 1 << 27  # of a mixture: their order takes 1 GiB


@runtime_checkable
class Dataset(Protocol):
    """Numbered samples of one skeleton. Reading must depend on the number alone and be safe in threads."""

    @property
    def skeleton(self) -> Skeleton:
        """What the keypoints are."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Sample: ...


def sample_for(dataset: Dataset, index: int, size: tuple[float, float]) -> Sample:
    """Sample `index`, with no more pixels than an input of `size` (width, height) can show, where the dataset has a
    method `sample_for(index, size)` and so can save the work; else `dataset[index]`."""
    method = getattr(dataset, "sample_for", None)
    sample: Sample = dataset[index] if method is None else method(index, size)
    return sample


def labels_for(dataset: Dataset, index: int) -> Labels:
    """The labels of sample `index`, without reading its picture where the dataset has a method `labels(index)`: then
    in pixels of the file, else in those of the sample."""
    method = getattr(dataset, "labels", None)
    labels: Labels = dataset[index].labels if method is None else method(index)
    return labels


def want_sample(dataset: Dataset, index: int) -> None:
    """Raises what reading sample `index` would, as far as the dataset has a method `want(index)` that knows without."""
    method = getattr(dataset, "want", None)
    if method is not None:
        method(index)


@dataclass(frozen=True, eq=False)
class Part:
    """Some of a dataset's samples, in the order of `indices`.

    Attributes:
        dataset: where they are from.
        indices: numbers from 0 to len(dataset) - 1; one may be there twice.

    Raises:
        TypeError, ValueError: numbers that the dataset does not have.
    """

    dataset: Dataset
    indices: Sequence[int]

    def __post_init__(self) -> None:
        last = len(self.dataset) - 1
        indices = listed(self.indices, "indices", "wanted numbers of samples")
        object.__setattr__(self, "indices", tuple(whole(index, "indices", 0, last) for index in indices))

    @property
    def skeleton(self) -> Skeleton:
        """The dataset's."""
        return self.dataset.skeleton

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> Sample:
        return self.dataset[self.indices[index]]

    def sample_for(self, index: int, size: tuple[float, float], *frame: Any) -> Sample:
        """As the function of this name; a frame is passed on, as `PictureSet.sample_for` takes it."""
        if frame:
            sample: Sample = self.dataset.sample_for(self.indices[index], size, *frame)  # type: ignore[attr-defined]
            return sample
        return sample_for(self.dataset, self.indices[index], size)

    def labels(self, index: int) -> Labels:
        """As `labels_for`."""
        return labels_for(self.dataset, self.indices[index])

    def want(self, index: int) -> None:
        """As `want_sample`."""
        want_sample(self.dataset, self.indices[index])


@dataclass(frozen=True, eq=False)
class Unlabelled:
    """A dataset's pictures, of which nothing is said to be known: for a teacher to say what is in them.

    People keep their boxes, at which augmentation looks; their keypoints are not labelled, and the whole picture is an
    ignored region.

    Attributes:
        dataset: where the pictures are from.
    """

    dataset: Dataset

    @property
    def skeleton(self) -> Skeleton:
        """The dataset's."""
        return self.dataset.skeleton

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> Sample:
        return _unlabelled(self.dataset[index])

    def sample_for(self, index: int, size: tuple[float, float]) -> Sample:
        """As the function of this name."""
        return _unlabelled(sample_for(self.dataset, index, size))

    def labels(self, index: int) -> Labels:
        """As `labels_for`."""
        return _unlabelled(labels_for(self.dataset, index))

    def want(self, index: int) -> None:
        """As `want_sample`."""
        want_sample(self.dataset, index)


@dataclass(frozen=True, eq=False)
class Mixture:
    """Several datasets of one skeleton as one, in which each has its share.

    It is as long as it takes for every sample to be in it at least once; those of datasets that are small for their
    share are in it several times.

    Attributes:
        datasets: at least one, none of them empty.
        weights: the share of each, above 0; they need not add up to 1.

    Raises:
        TypeError, ValueError: other skeletons, an empty dataset, as many weights as datasets are wanted; weights so
            unlike that there would be more than 2^27 samples.
    """

    datasets: Sequence[Dataset]
    weights: Sequence[float]
    _ends: npt.NDArray[np.int64] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        datasets = listed(self.datasets, "datasets", "wanted datasets")
        weights = [number(w, "weights", 1e-6, 1e6) for w in listed(self.weights, "weights", "wanted numbers")]
        if not datasets or len(datasets) != len(weights):
            raise ValueError(
                f"weights: wanted one for each of {len(datasets)} datasets, at least one, got {len(weights)}"
            )
        first = datasets[0].skeleton
        for place, dataset in enumerate(datasets):
            if dataset.skeleton != first:
                raise ValueError(
                    f"datasets: wanted one skeleton, got {first.name} and, in number {place}, another: "
                    f"{dataset.skeleton.name}"
                )
            if not len(dataset):
                raise ValueError(f"datasets: wanted samples in each, got none in number {place}")
        share = np.array(weights) / sum(weights)
        lengths = np.array([len(dataset) for dataset in datasets])
        total = (lengths / share).max()
        counts = np.maximum(np.rint(total * share).astype(np.int64), lengths)
        if counts.sum() > _MOST_SAMPLES:
            raise ValueError(
                f"weights: wanted a mixture of at most {_MOST_SAMPLES} samples, got {counts.sum()} until each sample "
                "of the set with the least weight has come"
            )
        object.__setattr__(self, "datasets", datasets)
        object.__setattr__(self, "weights", tuple(weights))
        object.__setattr__(self, "_ends", np.cumsum(counts))

    @property
    def skeleton(self) -> Skeleton:
        """That of all the datasets."""
        return self.datasets[0].skeleton

    def __len__(self) -> int:
        return int(self._ends[-1])

    def __getitem__(self, index: int) -> Sample:
        dataset, within = self.place(index)
        return self.datasets[dataset][within]

    def sample_for(self, index: int, size: tuple[float, float]) -> Sample:
        """As the function of this name."""
        dataset, within = self.place(index)
        return sample_for(self.datasets[dataset], within, size)

    def labels(self, index: int) -> Labels:
        """As `labels_for`."""
        dataset, within = self.place(index)
        return labels_for(self.datasets[dataset], within)

    def place(self, index: int) -> tuple[int, int]:
        """Which dataset sample `index` is from, and its number there."""
        if not 0 <= index < len(self):
            raise IndexError(f"index: wanted 0 to {len(self) - 1}, got {index}")
        dataset = int(np.searchsorted(self._ends, index, side="right"))
        start = int(self._ends[dataset - 1]) if dataset else 0
        return dataset, (index - start) % len(self.datasets[dataset])


def _unlabelled(sample: _Labelled) -> _Labelled:
    corners = np.array([[(-1, -1), (1, -1), (1, 1), (-1, 1)]], np.float32) * np.float32(FURTHEST_PX)
    return replace(
        sample,
        xy=np.zeros_like(sample.xy),
        visibility=np.full_like(sample.visibility, UNLABELLED),
        ignored=corners,
    )
