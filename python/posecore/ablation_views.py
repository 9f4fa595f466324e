"""Heads of one picture that was looked at in another way, mirrored or at another size, brought onto one grid."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from posecore.heads import TENSORS, Heads

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from posecore.runtime.geometry import Geometry
    from posecore.skeletons import Skeleton

    Floats = npt.NDArray[np.float32]


def real(heads: Heads) -> Heads:
    """The same heads as float32 of shape (h, w, channels); themselves where they are that."""
    if heads.layout == "hwc" and not heads.quantization:
        return heads
    tensors: dict[str, Any] = {name: heads.dequantized(name) for name in heads.tensors()}
    return Heads(**tensors, stride_px=heads.stride_px, scores=heads.scores)


def flips(skeleton: Skeleton) -> bool:
    """Whether each edge of the skeleton is an edge again, in the same direction, when left and right change places."""
    flip = skeleton.flip_index
    return {(flip[a], flip[b]) for a, b in skeleton.edges} == set(skeleton.edges)


def onto(
    heads: Heads, seen: Geometry, like: Heads, base: Geometry, skeleton: Skeleton, *, mirrored: bool = False
) -> Heads:
    """Heads as they would be on another grid of the same picture.

    Each cell of `like` is a place in the picture; there the heads are read, between cells bilinearly, which for
    offsets to one point is exact. Offsets become pixels of the other input. Of a mirrored picture left and
    right channels change places and x changes its sign.

    Args:
        heads: float32 (h, w, channels), of the input that `seen` describes.
        seen: how the picture, or the mirrored picture, lies in that input.
        like: heads whose grid and stride are wanted.
        base: how the picture lies in their input.
        skeleton: one that `flips`, where `mirrored`.
        mirrored: whether the heads are those of the mirrored picture.
    """
    rows, columns = like.grid
    cells = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=2).astype(np.float64)
    places = base.to_image(cells * like.stride_px)
    if mirrored:
        places[..., 0] = base.image_size[0] - 1 - places[..., 0]
    wanted = seen.to_input(places) / heads.stride_px
    # Where the other input ends, its last cells are read, and their offsets start there.
    most = np.array(heads.grid[::-1], np.float64) - 1
    read = np.clip(wanted, 0, most)
    ahead = (read - wanted) * heads.stride_px
    sign = np.array([-1.0 if mirrored else 1.0, 1.0])
    to_base = sign * np.array(base.scale) / np.array(seen.scale)
    order = _channels(skeleton, mirrored)
    heatmaps = _sampled(heads.heatmaps[:, :, order["heatmaps"]], read)
    tensors: dict[str, Any] = {"heatmaps": heatmaps.astype(np.float32)}
    for name in TENSORS[1:]:
        array = getattr(heads, name)
        if array is not None:
            both = _sampled(array.reshape(*array.shape[:2], 2, -1)[:, :, :, order[name]], read)
            both = (both + ahead[:, :, ::-1, None]) * to_base[::-1, None]
            tensors[name] = both.reshape(rows, columns, -1).astype(np.float32)
    return replace(like, **tensors)


def mean(views: Sequence[Heads]) -> Heads:
    """The mean of heads of one grid, tensor by tensor; of heatmaps that are logits the mean logit."""
    tensors: dict[str, Any] = {
        name: np.mean([getattr(one, name) for one in views], axis=0, dtype=np.float32)
        for name in views[0].tensors()
    }
    return replace(views[0], **tensors)


def _channels(skeleton: Skeleton, mirrored: bool) -> dict[str, list[int]]:
    """For each tensor, the channel that has what channel c is about."""
    keypoints = list(skeleton.flip_index if mirrored else range(skeleton.num_keypoints))
    edges = [skeleton.edges.index((keypoints[a], keypoints[b])) for a, b in skeleton.edges]
    return dict(zip(TENSORS, (keypoints, keypoints, edges, edges), strict=True))


def _sampled(field: npt.NDArray[Any], at: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """`field` (h, w, ...) at places (x, y) in cells, (rows, columns, 2), inside of it: bilinear."""
    low = np.floor(at).astype(np.intp)
    high = np.minimum(low + 1, np.array(field.shape[1::-1]) - 1)
    share = at - low
    (x, y), (right, down) = np.moveaxis(low, 2, 0), np.moveaxis(high, 2, 0)
    across, under = (s.reshape(*s.shape, *(1,) * (field.ndim - 2)) for s in np.moveaxis(share, 2, 0))
    top = field[y, x] * (1 - across) + field[y, right] * across
    bottom = field[down, x] * (1 - across) + field[down, right] * across
    sampled: npt.NDArray[np.float64] = top * (1 - under) + bottom * under
    return sampled
