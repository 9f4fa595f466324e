"""`person_crops`: one sample a person instead of one a picture, for networks that look at one person at a time."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from posecore.arguments import number, whole
from posecore.skeletons import Skeleton
from posecore.train.samples import Labels, Sample, box_of, located
from posecore.train.warps import cut_out

if TYPE_CHECKING:
    import numpy.typing as npt

_ROOM = 1.0  # of the frame's longer side, on each side: what rotation, shift and zoom may bring into sight


class LabelledPictures(Protocol):
    """A dataset that tells its labels without reading pictures, as `PictureSet` does."""

    @property
    def skeleton(self) -> Skeleton:
        """What the keypoints are."""

    def __len__(self) -> int: ...

    def labels(self, index: int, /) -> Labels:
        """In pixels of the file."""

    def sample_for(self, index: int, size: Any, frame: Any = None, /) -> Sample:
        """The picture, in no more pixels than needed."""


def person_crops(
    dataset: LabelledPictures,
    *,
    context: float = 1.25,
    aspect: float | None = None,
    least_keypoints: int = 1,
    others: bool = False,
) -> PersonCrops:
    """One sample a person: the picture around the person's box.

    The sample's `frame` is the box with its context; letterbox and augmentation fit that into the network's input in
    one resampling, and show what lies around it where there is room. The same picture in unequal sizes comes as the
    input's size wants it.

    Args:
        dataset: such as `coco_pictures`, or a `Part` of it.
        context: how many times the box's sides the frame is large, 1 to 10.
        aspect: width / height that the frame is widened to, that of the network's input; None: the box's own.
        least_keypoints: people with fewer labelled keypoints are left out.
        others: the other people of the picture come behind the person in the sample, for networks of several people.
            Else they are part of the picture and not labelled: a network of one person has to tell them from it.

    Raises:
        TypeError, ValueError: numbers out of their range, or a dataset without `labels` and `sample_for`.
    """
    whole_pictures = all(hasattr(dataset, name) for name in ("labels", "sample_for", "skeleton"))
    if not whole_pictures or hasattr(
        dataset, "place"
    ):  # people that are cut out, and mixtures, take no frame
        raise TypeError(
            f"dataset: wanted one with labels and sample_for, as PictureSet, got {type(dataset).__name__}"
        )
    number(context, "context", 1, 10)
    if aspect is not None:
        number(aspect, "aspect", 0.05, 20)
    whole(least_keypoints, "least_keypoints", 1, dataset.skeleton.num_keypoints)
    return PersonCrops(dataset, float(context), aspect, least_keypoints, bool(others))


@dataclass(frozen=True, eq=False)
class PersonCrops:
    """What `person_crops` gives; its attributes are its arguments."""

    dataset: LabelledPictures
    context: float
    aspect: float | None
    least_keypoints: int
    others: bool
    _place: npt.NDArray[np.int64] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        place = [
            (picture, person)
            for picture in range(len(self.dataset))
            for person in np.flatnonzero(self._enough(self.dataset.labels(picture))).tolist()
        ]
        object.__setattr__(self, "_place", np.array(place, np.int64).reshape(-1, 2))

    @property
    def skeleton(self) -> Skeleton:
        """The dataset's."""
        return self.dataset.skeleton

    def __len__(self) -> int:
        return len(self._place)

    def __getitem__(self, index: int) -> Sample:
        return self.sample_for(index, None)

    def place(self, index: int) -> tuple[int, int]:
        """The picture that sample `index` is of, and which of its people."""
        if not 0 <= index < len(self):
            raise IndexError(f"index: wanted 0 to {len(self) - 1}, got {index}")
        picture, person = self._place[index].tolist()
        return picture, person

    def sample_for(self, index: int, size: tuple[float, float] | None) -> Sample:
        """As `datasets.sample_for`."""
        picture, person = self.place(index)
        frame = self._frame(box_of(self.dataset.labels(picture), person))
        sample = self.dataset.sample_for(picture, size, frame)
        rows = self._rows(person, len(sample))
        one = replace(
            sample,
            **{name: getattr(sample, name)[rows] for name in ("xy", "visibility", "boxes")},
            name=f"{sample.name} person {person}",
        )
        return cut_out(one, _ROOM)

    def labels(self, index: int) -> Labels:
        """Of the person, and with `others` of everybody in the picture, in pixels of the file, which is not read."""
        picture, person = self.place(index)
        labels = self.dataset.labels(picture)
        rows = self._rows(person, len(labels))
        return replace(
            labels, **{name: getattr(labels, name)[rows] for name in ("xy", "visibility", "boxes")}
        )

    def want(self, index: int) -> None:
        """As `datasets.want_sample`."""
        method = getattr(self.dataset, "want", None)
        if method is not None:
            method(self.place(index)[0])

    def _rows(self, person: int, people: int) -> list[int]:
        others = [row for row in range(people) if row != person]
        return [person, *others] if self.others else [person]

    def _enough(self, labels: Labels) -> npt.NDArray[np.bool_]:
        enough: npt.NDArray[np.bool_] = located(labels.visibility).sum(axis=1) >= self.least_keypoints
        return enough

    def _frame(self, box: npt.NDArray[np.float64]) -> tuple[float, float, float, float]:
        x, y, width, height = box.tolist()
        middle_x, middle_y = x + width / 2, y + height / 2
        width, height = max(width, 1.0) * self.context, max(height, 1.0) * self.context
        if self.aspect is not None:
            width, height = max(width, height * self.aspect), max(height, width / self.aspect)
        return middle_x - width / 2, middle_y - height / 2, width, height
