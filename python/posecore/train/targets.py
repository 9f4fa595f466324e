"""Targets: what a network is to say about a labelled picture, for every kind of head.

One rule for all: NaN in a target means that nothing is known there, and that no loss is taken. So a keypoint
that nobody labelled never becomes background. The arithmetic is the C++ core's (`cpp/host/targets.hpp`).

Labels are those of a `Sample`, in pixels of the network's input, where (0, 0) is the centre of the top-left
pixel: sample_xy (N, K, 2) float32, x and y; visibility (N, K) uint8, 0 not labelled, 1 hidden, 2 visible, 3
outside of the picture; boxes (N, 4) float32, x, y, width, height, or NaN for a box that nobody knows; ignored
(M, 4, 2) float32, the corners of regions about which the labels say nothing.

A keypoint of visibility 3 is known not to be in the picture: it is background, in its person's box too. Its place is
not read. Nothing is asked about the way to it, as a decoder stays in the picture; and no coordinates, as values
outside of [0, 1] would teach a regressor to see what the picture does not show.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from posecore import _core
from posecore.arguments import number, size, whole
from posecore.skeletons import Skeleton

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float32]
    Bytes = npt.NDArray[np.uint8]

_MOST_KEYPOINTS = 1024
_MOST_PX = 65536
_LEAST_DISC_CELLS = 1.5
_BOX_MARGIN = 0.1


class Targets(Protocol):
    """What a feed asks of targets: arrays by the name of the network's output."""

    @property
    def skeleton(self) -> Skeleton:
        """The keypoints that are labelled, in channel order."""

    def encode(
        self, sample_xy: Floats, visibility: Bytes, boxes: Floats, ignored: Floats, *, size: tuple[int, int]
    ) -> dict[str, Floats]:
        """The targets of one picture of `size` (width, height) in pixels."""


@dataclass(frozen=True, slots=True)
class PersonLabTargets:
    """Discs, short offsets and displacements: the targets of PoseNet (PersonLab, arXiv 1803.08225, sections 3.1
    and 3.2), under the names of its outputs.

    Attributes:
        skeleton: K keypoints, 1024 at most; E edges, or none where displacements are not wanted.
        stride_px: input pixels from cell to cell, whole, 1 to 65536.
        radius_px: of the discs, up to 65536. Discs of less than one and a half cells are made that large: the
            four cells around a keypoint, between which decoders interpolate, have to be inside.
        box_margin: how far an unlabelled keypoint may be outside of its person's box, as a share of the
            longer side, 0 to 10.

    Raises:
        TypeError, ValueError: an attribute of another type or out of its range.
    """

    skeleton: Skeleton
    stride_px: int
    radius_px: float = 32.0
    box_margin: float = _BOX_MARGIN
    _edges: npt.NDArray[np.int32] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _want_skeleton(self.skeleton)
        object.__setattr__(self, "stride_px", whole(self.stride_px, "stride_px", 1, _MOST_PX))
        object.__setattr__(self, "radius_px", number(self.radius_px, "radius_px", 0, _MOST_PX))
        object.__setattr__(self, "box_margin", number(self.box_margin, "box_margin", 0, 10))
        edges = np.array(self.skeleton.edges, np.int32).reshape(-1, 2)
        object.__setattr__(self, "_edges", edges)

    @property
    def disc_radius_px(self) -> float:
        """The radius that is drawn: `radius_px`, and at least one and a half cells."""
        return max(self.radius_px, _LEAST_DISC_CELLS * self.stride_px)

    def encode(
        self, sample_xy: Floats, visibility: Bytes, boxes: Floats, ignored: Floats, *, size: tuple[int, int]
    ) -> dict[str, Floats]:
        """Targets of one picture of `size` (width, height), on a grid of (side - 1) // stride_px + 1 cells a side;
        cell (row, column) stands for pixel (column * stride_px, row * stride_px).

        - `heatmap_2` (rows, columns, K): 1 in the discs of labelled keypoints, hidden ones too; elsewhere
          NaN where an unlabelled keypoint of a person may be (their box, the margin and the disc's radius
          around it; the whole picture where the box is NaN) and within a radius of ignored regions; else 0.
          Probabilities: `Heads(..., scores="probabilities")`.
        - `offset_2` (rows, columns, 2K): in a disc, the way from the cell to the nearest labelled keypoint of
          its kind, in input pixels, all y before all x; NaN outside.
        - `displacement_fwd_2`, `displacement_bwd_2` (rows, columns, 2E): in a disc of the edge's parent (bwd: its
          child), the way from the cell to the child (bwd: the parent) of the person who is nearest, likewise; NaN
          outside, and where that keypoint is not labelled or not in the picture. Left out where the skeleton has no
          edges.

        Of equally near people the first has the cell. Places of labelled keypoints may be outside of the grid.

        Raises:
            TypeError: something else than an array, or another dtype; nothing is cast.
            ValueError: shapes that do not fit, numbers that are not finite or beyond 1e6 px, a visibility
                over 3, more than 65536 people, arrays of more than 1 GiB.
        """
        width, height = _checked_size(size)
        arrays = _core.disc_targets(
            sample_xy,
            visibility,
            boxes,
            ignored,
            width,
            height,
            len(self.skeleton.keypoints),
            self._edges,
            self.stride_px,
            self.disc_radius_px,
            self.box_margin,
        )
        return dict(zip(_PERSONLAB_OUTPUTS, arrays, strict=False))


@dataclass(frozen=True, slots=True)
class OpenBackground:
    """PersonLab's targets for pictures in which not everybody is labelled: cells far from all labelled people are NaN,
    not background, for a teacher to say what is there.

    Attributes:
        targets: their radius and margin say how far from a person's box is far.
    """

    targets: PersonLabTargets
    _boxes: PersonLabTargets = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        somebody = Skeleton("somebody", ("somewhere",))
        object.__setattr__(self, "_boxes", replace(self.targets, skeleton=somebody))

    @property
    def skeleton(self) -> Skeleton:
        """That of the targets."""
        return self.targets.skeleton

    def encode(
        self, sample_xy: Floats, visibility: Bytes, boxes: Floats, ignored: Floats, *, size: tuple[int, int]
    ) -> dict[str, Floats]:
        """As `PersonLabTargets.encode`; `heatmap_2` is NaN instead of 0 in cells from which no unlabelled keypoint of a
        labelled person could be seen."""
        found = self.targets.encode(sample_xy, visibility, boxes, ignored, size=size)
        nobody = np.zeros_like(visibility[:, :1])
        near = self._boxes.encode(sample_xy[:, :1], nobody, boxes, ignored, size=size)["heatmap_2"]
        heatmap = found["heatmap_2"]
        found["heatmap_2"] = np.where((heatmap == 0) & ~np.isnan(near), np.float32(np.nan), heatmap)
        return found


_PERSONLAB_OUTPUTS = ("heatmap_2", "offset_2", "displacement_fwd_2", "displacement_bwd_2")


@dataclass(frozen=True, slots=True)
class GaussianTargets:
    """Confidence maps, as Convolutional Pose Machines (arXiv 1602.00134, section 3.2), SimpleBaseline
    (arXiv 1804.06208) and OpenPose learn them.

    Attributes:
        skeleton: K keypoints, 1024 at most.
        stride_px: input pixels from cell to cell, whole, 1 to 65536.
        sigma_px: standard deviation in input pixels, 0.001 to 65536. From 0.45 cells on
            `HeatmapDecoder(refine="taylor")` finds the keypoint again.
        background: whether a last channel has what no keypoint has.
        shift_px: cell (row, column) stands for input pixel (column * stride_px + shift_px,
            row * stride_px + shift_px); 0 for networks that pad as TensorFlow's "same" does with sizes of
            n * stride + 1, (stride_px - 1) / 2 where cells are averages of their pixels.
        box_margin: how far an unlabelled keypoint may be outside of its person's box, as a share of the
            longer side, 0 to 10.

    Raises:
        TypeError, ValueError: an attribute of another type or out of its range.
    """

    skeleton: Skeleton
    stride_px: int
    sigma_px: float
    background: bool = False
    shift_px: float = 0.0
    box_margin: float = _BOX_MARGIN

    def __post_init__(self) -> None:
        _want_skeleton(self.skeleton)
        object.__setattr__(self, "stride_px", whole(self.stride_px, "stride_px", 1, _MOST_PX))
        object.__setattr__(self, "sigma_px", number(self.sigma_px, "sigma_px", 0.001, _MOST_PX))
        if not isinstance(self.background, bool):
            raise TypeError(f"background: wanted True or False, got {type(self.background).__name__}")
        object.__setattr__(self, "shift_px", number(self.shift_px, "shift_px", -_MOST_PX, _MOST_PX))
        object.__setattr__(self, "box_margin", number(self.box_margin, "box_margin", 0, 10))

    def encode(
        self, sample_xy: Floats, visibility: Bytes, boxes: Floats, ignored: Floats, *, size: tuple[int, int]
    ) -> dict[str, Floats]:
        """`heatmap` (rows, columns, K), of one picture of `size` (width, height), on a grid of
        (side - 1) // stride_px + 1 cells a side: the highest exp(-d² / (2 sigma_px²)) of all people, d the distance
        in pixels to a labelled keypoint, 0 where that is below 2**-25. With `background` (rows, columns, K + 1):
        the last is 1 less the highest of the others.

        NaN where an unlabelled keypoint of a person may be (their box, the margin and 3 sigma around it; the
        whole picture where the box is NaN) and within 3 sigma of ignored regions, but not within 3 sigma of a
        labelled keypoint of that kind; the background where any keypoint is NaN. Values are right to one
        spacing of float32.

        Raises:
            TypeError, ValueError: as `PersonLabTargets.encode`.
        """
        width, height = _checked_size(size)
        heatmap = _core.gaussian_targets(
            sample_xy,
            visibility,
            boxes,
            ignored,
            width,
            height,
            len(self.skeleton.keypoints),
            self.stride_px,
            self.sigma_px,
            self.shift_px,
            self.background,
            self.box_margin,
        )
        return {"heatmap": heatmap}


@dataclass(frozen=True, slots=True)
class CoordinateTargets:
    """The places of one person's keypoints, as networks that end in coordinates learn them (DeepPose,
    arXiv 1312.4659).

    Attributes:
        skeleton: K keypoints, 1024 at most.

    Raises:
        TypeError, ValueError: something else than a skeleton, or one of more keypoints.
    """

    skeleton: Skeleton

    def __post_init__(self) -> None:
        _want_skeleton(self.skeleton)

    def encode(
        self, sample_xy: Floats, visibility: Bytes, boxes: Floats, ignored: Floats, *, size: tuple[int, int]
    ) -> dict[str, Floats]:
        """`keypoints` (K, 2), x and y of the first person in [0, 1]: 0 is the picture's left or upper edge, 1 its right
        or lower one, so that (v + 0.5) / side is what pixel v becomes, whatever the picture is scaled to.
        NaN where a keypoint is not labelled or outside of the picture, and where there is nobody. `ignored` is not
        asked.

        Raises:
            TypeError, ValueError: as `PersonLabTargets.encode`.
        """
        sides = _checked_size(size)
        keypoints = _core.coordinate_targets(
            sample_xy, visibility, boxes, ignored, *sides, len(self.skeleton.keypoints)
        )
        return {"keypoints": keypoints}

    @staticmethod
    def pixels(keypoints: Floats, *, size: tuple[int, int]) -> Floats:
        """What a network said, (..., 2) float32 in [0, 1], in pixels of an input of `size` (width, height): the way
        back from `encode`, of any shape.

        Raises:
            TypeError: something else than an array, or another dtype.
            ValueError: another shape, a size out of range.
        """
        if not isinstance(keypoints, np.ndarray) or keypoints.dtype != np.float32:
            got = keypoints.dtype if isinstance(keypoints, np.ndarray) else type(keypoints).__name__
            raise TypeError(f"keypoints: wanted a NumPy array of shape (..., 2), float32, got {got}")
        if keypoints.shape[-1:] != (2,):
            raise ValueError(f"keypoints: wanted shape (..., 2), got {keypoints.shape}")
        sides = np.array(_checked_size(size), np.float32)
        return np.asarray(keypoints * sides - np.float32(0.5), np.float32)


def _want_skeleton(skeleton: object) -> None:
    if not isinstance(skeleton, Skeleton):
        raise TypeError(
            f"skeleton: wanted a Skeleton, such as posecore.COCO17, got {type(skeleton).__name__}"
        )
    if skeleton.num_keypoints > _MOST_KEYPOINTS:
        raise ValueError(
            f"skeleton: wanted at most {_MOST_KEYPOINTS} keypoints, got {skeleton.num_keypoints} of {skeleton.name}"
        )


def _checked_size(value: object) -> tuple[int, int]:
    sides = size(value, "size")
    if max(sides) > _MOST_PX:
        raise ValueError(f"size: wanted sides of at most {_MOST_PX} px, got {value!r}")
    return sides
