"""`instance_masks`: which person each point of a picture belongs to, from BodyPix's long offsets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from posecore import _core
from posecore.arguments import number, whole
from posecore.heads import MASK_TENSORS, Heads
from posecore.poses import Poses

if TYPE_CHECKING:
    import numpy.typing as npt

    from posecore.decode import Onto


def instance_masks(
    heads: Heads,
    poses: Poses,
    onto: Onto | None = None,
    *,
    segment_threshold: float = 0.5,
    refine_steps: int = 2,
) -> npt.NDArray[np.bool_]:
    """A mask of each person, in the order of `poses`; no point is two people's.

    Each cell follows its long offset of each keypoint, then the long offset where that leads, to where it expects its
    person's keypoints, and belongs to the pose with the least sum of squared distances from them (PersonLab,
    arXiv 1803.08225, as Coral's decoder does it). Between cells these sums, and the segments, are mixed bilinearly.

    Args:
        heads: with `long_offsets`, and `segments` where the network has them; without, every point is somebody's, as
            in Coral's masks.
        poses: the people of these heads: in input pixels, or in those of the picture that `onto` describes.
        onto: how the input's pixels lie in a picture: `Geometry.onto`. The masks are then of that picture's size;
            without it they have one element a cell.
        segment_threshold: score in [0, 1] of the segments from which a point is somebody's.
        refine_steps: long offsets that are followed after the first, 0..100.

    Returns:
        (N, h, w) bool: of the heads' grid, or of the picture. (0, h, w) where nobody was found.

    Raises:
        TypeError: neither `Heads` nor `Poses`.
        ValueError: heads without long offsets, an option out of its range, poses of other keypoints or in other
            pixels.
    """
    if not isinstance(heads, Heads):
        raise TypeError(f"heads: wanted Heads, got {type(heads).__name__}")
    if not isinstance(poses, Poses):
        raise TypeError(f"poses: wanted Poses, got {type(poses).__name__}")
    if heads.long_offsets is None:
        raise ValueError(
            f"heads: wanted long_offsets, as BodyPix has them, got {', '.join(heads.tensors())} only"
        )
    if heads.segments is not None:
        _check_segments(heads.segments, heads, heads.long_offsets.dtype)
    size = None if onto is None else onto.image_size
    if poses.image_size != size:
        named = [
            "input pixels" if each is None else f"a picture of {each[0]}x{each[1]}"
            for each in (size, poses.image_size)
        ]
        raise ValueError(f"poses: wanted poses in {named[0]}, as onto says, got them in {named[1]}")
    names = [name for name in MASK_TENSORS if getattr(heads, name) is not None]
    quantization = [heads.quantization[name] for name in names if name in heads.quantization]
    rows, columns = heads.grid if size is None else (size[1], size[0])
    owners = _core.mask_owners(
        heads.long_offsets,
        heads.segments,
        np.ascontiguousarray(poses.xy),
        stride_px=heads.stride_px,
        refine_steps=whole(refine_steps, "refine_steps", 0, 100),
        segment_threshold=number(segment_threshold, "segment_threshold", 0, 1),
        logits=heads.scores == "logits",
        channels_first=heads.layout == "chw",
        quantization=tuple(value for each in quantization for value in (each.scale, each.zero_point)) or None,
        pixel_map=None if onto is None else onto.pixel_map,
        rows=rows,
        columns=columns,
    )
    return np.asarray(owners == np.arange(len(poses), dtype=np.int32)[:, None, None])


def _check_segments(segments: npt.NDArray[Any], heads: Heads, dtype: np.dtype[Any]) -> None:
    channels = segments.shape[2 if heads.layout == "hwc" else 0]
    if channels != 1:
        raise ValueError(f"segments: wanted 1 channel, got {channels}")
    if segments.dtype != dtype:
        raise TypeError(f"segments: wanted the dtype of long_offsets, {dtype}, got {segments.dtype}")
