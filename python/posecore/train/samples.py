"""`Sample`: one picture with everything that is known about the people in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from posecore.skeletons import Skeleton

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]
    Bytes = npt.NDArray[np.uint8]

PAD_BYTE = 127
"""Grey where there is no picture, as in prediction; PoseNet's input maps it to 0."""

FURTHEST_PX = 1e6
"""How far from a picture's corner targets take coordinates; a region that reaches so far is everywhere."""

UNLABELLED, HIDDEN, VISIBLE, OUTSIDE = range(4)
"""What is known of a keypoint: nothing; where it is, behind something; where it is; that it is not in this picture."""


def located(visibility: Bytes) -> npt.NDArray[np.bool_]:
    """Which keypoints have a place in the picture: HIDDEN or VISIBLE; bool of the same shape."""
    found: npt.NDArray[np.bool_] = (visibility == HIDDEN) | (visibility == VISIBLE)
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """What a picture's labels say about N people of K keypoints. Pixels count from the centre of the top-left one.

    Attributes:
        xy: (N, K, 2) float32, x and y in pixels; (0, 0) for keypoints that are not labelled or not in the picture.
        visibility: (N, K) uint8: 0 not labelled (UNLABELLED), so that it may be anywhere in its person's box; 1
            labelled and hidden (HIDDEN); 2 visible (VISIBLE); 3 labelled, but outside of this picture (OUTSIDE): no
            pixel shows it, and so it is background.
        boxes: (N, 4) float32: x, y, width, height in pixels.
        ignored: (M, 4, 2) float32, the corners of regions about which the labels say nothing: crowds, and people
            without labelled keypoints.
    """

    xy: Floats
    visibility: Bytes
    boxes: Floats
    ignored: Floats

    def __post_init__(self) -> None:
        _check(self)

    def __len__(self) -> int:
        return len(self.xy)


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One picture, ready to be moved, and its labels.

    Attributes:
        image: (h, w, C) uint8 with 3 channels (RGB) or 1 (grey).
        xy, visibility, boxes, ignored: as in `Labels`, in pixels of `image`.
        name: what the picture is called in messages.
        skeleton: what the K keypoints are.
        frame: x, y, width, height in pixels of `image`: the part that is fitted into a network's input, a person with
            some room around. What lies around it is seen too where there is room. None: the whole picture.

    Raises:
        TypeError, ValueError: an array of another dtype or shape, named in the message.
    """

    image: Bytes
    xy: Floats
    visibility: Bytes
    boxes: Floats
    ignored: Floats
    name: str
    skeleton: Skeleton
    frame: tuple[float, float, float, float] | None = None

    def __post_init__(self) -> None:
        image = self.image
        if not isinstance(image, np.ndarray) or image.dtype != np.uint8:
            got = getattr(image, "dtype", type(image).__name__)
            raise TypeError(f"image: wanted a uint8 array of shape (h, w, 3) or (h, w, 1), got {got}")
        if image.ndim != 3 or image.shape[2] not in (1, 3) or 0 in image.shape:
            raise ValueError(f"image: wanted shape (h, w, 3) or (h, w, 1), got {image.shape}")
        _check(self)
        if self.xy.shape[1] != self.skeleton.num_keypoints:
            raise ValueError(
                f"xy: wanted {self.skeleton.num_keypoints} keypoints, as {self.skeleton.name} has, "
                f"got {self.xy.shape[1]}"
            )

    def __len__(self) -> int:
        """N, the number of people with labels."""
        return len(self.xy)

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the picture in pixels."""
        return self.image.shape[1], self.image.shape[0]

    @property
    def labels(self) -> Labels:
        """Everything but the picture."""
        return Labels(self.xy, self.visibility, self.boxes, self.ignored)


def box_of(labels: Labels | Sample, person: int) -> npt.NDArray[np.float64]:
    """(4,) x, y, width, height in pixels of a person's box; where nobody knows it, of what their labelled keypoints
    span; NaN where none has a place."""
    box: npt.NDArray[np.float64] = labels.boxes[person].astype(np.float64)
    points = labels.xy[person][located(labels.visibility[person])].astype(np.float64)
    if np.isfinite(box).all():
        return box
    if not len(points):
        return np.full(4, np.nan)
    low = points.min(axis=0)
    return np.concatenate([low, points.max(axis=0) - low])


def sample_of(
    image: Bytes,
    labels: Labels,
    *,
    name: str,
    skeleton: Skeleton,
    frame: tuple[float, float, float, float] | None = None,
) -> Sample:
    """A picture, (h, w, C) uint8, and its labels in pixels of it as one `Sample`."""
    return Sample(
        image=image,
        xy=labels.xy,
        visibility=labels.visibility,
        boxes=labels.boxes,
        ignored=labels.ignored,
        name=name,
        skeleton=skeleton,
        frame=frame,
    )


def _check(labels: Any) -> None:
    xy = labels.xy
    if not isinstance(xy, np.ndarray) or xy.dtype != np.float32:
        raise TypeError(
            f"xy: wanted a float32 array (N, K, 2), got {getattr(xy, 'dtype', type(xy).__name__)}"
        )
    if xy.ndim != 3 or xy.shape[2] != 2:
        raise ValueError(f"xy: wanted shape (N, K, 2), got {xy.shape}")
    people, keypoints, _ = xy.shape
    ignored = labels.ignored
    regions = len(ignored) if isinstance(ignored, np.ndarray) and ignored.ndim else 0
    for name, value, dtype, shape in (
        ("visibility", labels.visibility, np.uint8, (people, keypoints)),
        ("boxes", labels.boxes, np.float32, (people, 4)),
        ("ignored", ignored, np.float32, (regions, 4, 2)),
    ):
        if not isinstance(value, np.ndarray) or value.dtype != dtype:
            got = getattr(value, "dtype", type(value).__name__)
            raise TypeError(f"{name}: wanted a {np.dtype(dtype).name} array of shape {shape}, got {got}")
        if value.shape != shape:
            raise ValueError(f"{name}: wanted shape {shape}, got {value.shape}")
