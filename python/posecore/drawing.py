"""Drawings of what was found and how: poses, confidence maps, and the walk that found each keypoint.

Pictures are RGB uint8. OpenCV draws; it is imported when something is drawn, not before.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from posecore.arguments import number
from posecore.errors import require
from posecore.pen import Pen
from posecore.poses import Poses

if TYPE_CHECKING:
    import numpy.typing as npt

    from posecore.heads import Heads
    from posecore.skeletons import Skeleton

    Image = npt.NDArray[np.uint8]
    Color = tuple[int, int, int]

# Orange and blue stay apart for every common kind of colour blindness; white is neither.
SIDE_COLORS: dict[str, Color] = {"left": (255, 150, 20), "right": (40, 150, 255), "middle": (245, 245, 245)}
# Hues far apart, each as bright as a photograph needs; neighbours in number differ most.
TRACK_COLORS: tuple[Color, ...] = (
    (255, 214, 10), (191, 90, 242), (48, 209, 88), (255, 69, 100), (100, 230, 255), (255, 159, 120),
    (120, 130, 255), (190, 255, 60), (255, 120, 220), (0, 190, 160),
)  # fmt: skip
# Okabe and Ito's palette, brightened where a photograph would swallow it.
MAP_COLORS: tuple[Color, ...] = (
    (240, 228, 66), (230, 110, 0), (60, 170, 255), (255, 90, 170),
    (0, 200, 140), (190, 190, 255), (255, 200, 150),
)  # fmt: skip
_DISPLACEMENT: Color = (255, 225, 60)
_REFINEMENT: Color = (255, 60, 200)
_FAINT = 0.35
_DARK = 0.6
_COVER = 0.65
_PURPOSE = "drawing"


class Geometry(Protocol):
    """How the network's input pixels and the picture's pixels lie on each other."""

    def to_image(self, xy: Any, /) -> Any:
        """(..., 2) x and y in input pixels to picture pixels."""

    def to_input(self, xy: Any, /) -> Any:
        """(..., 2) x and y in picture pixels to input pixels."""


def draw(
    image: Image, poses: Poses, *, confidence: float = 0.25, names: bool = False, copy: bool = True
) -> Image:
    """The picture with its people drawn on it: left orange, right blue, middle white.

    Lines lie under points; both grow with the picture's height, and are finer on small people. Keypoints and
    limbs whose score is below `confidence` are faint, those that are not visible are left out. A tracked
    person carries its number, and has limbs of its own colour, by that number; points keep the colour of
    their side.

    Args:
        image: (H, W, 3) uint8, RGB.
        poses: in pixels of this picture.
        confidence: in [0, 1].
        names: write each confident keypoint's name beside it.
        copy: False draws into `image` itself, which then must be writeable and C-contiguous.

    Returns:
        (H, W, 3) uint8, RGB; `image` itself where `copy` is False.

    Raises:
        TypeError, ValueError: not such a picture, or a confidence outside [0, 1].
        MissingExtra: OpenCV is not installed.
    """
    if not isinstance(poses, Poses):
        raise TypeError(f"poses: wanted Poses, got {type(poses).__name__}")
    number(confidence, "confidence", 0, 1)
    canvas = _canvas(image, copy=copy)
    cv2 = require("cv2", extra="app", purpose=_PURPOSE)
    pens = [_pen_for(cv2, canvas, poses, person) for person in range(len(poses))]
    faint = [_parts(poses, person, confidence, below=True) for person in range(len(poses))]
    if any(limbs or points for limbs, points in faint):
        layer = canvas.copy()
        for pen, (limbs, points) in zip(pens, faint, strict=True):
            pen.limbs_and_points(layer, limbs, points)
        cv2.addWeighted(layer, _FAINT, canvas, 1 - _FAINT, 0, dst=canvas)
    # The best person comes last and so lies on top.
    for person in reversed(range(len(poses))):
        pens[person].limbs_and_points(canvas, *_parts(poses, person, confidence, below=False))
    for person in reversed(range(len(poses))):
        _label(pens[person], canvas, poses, person, confidence, names)
    return canvas


def draw_heatmaps(
    image: Image,
    heads: Heads,
    geometry: Geometry,
    keypoints: Sequence[int | str] | None = None,
    *,
    skeleton: Skeleton | None = None,
) -> Image:
    """A darkened picture under the confidence maps of a few keypoints, one colour each, with a legend.

    Args:
        image: (H, W, 3) uint8, RGB.
        heads: of this picture; logits become probabilities here.
        geometry: from the network's input to this picture; the cell (row, column) of a map is the input
            pixel (column * stride, row * stride).
        keypoints: channels, or names of `skeleton`; at most 7. Nose, wrists and ankles, or channels spread
            evenly, where nothing is said.
        skeleton: for the names in the legend.

    Returns:
        (H, W, 3) uint8, RGB, a new array.

    Raises:
        TypeError, ValueError: not such a picture, or no such keypoint.
        MissingExtra: OpenCV is not installed.
    """
    canvas = _canvas(image, copy=True)
    channels = _channels(heads.num_keypoints, keypoints, skeleton)
    cv2 = require("cv2", extra="app", purpose=_PURPOSE)
    maps = heads.dequantized("heatmaps")[:, :, channels]
    if heads.scores == "logits":
        maps = 1 / (1 + np.exp(-maps.clip(-30, 30)))
    maps = np.nan_to_num(maps).clip(0, 1).astype(np.float32)
    height, width = canvas.shape[:2]
    # Maps are coarse: they are mixed in a small picture, and only their cover and colour grow to full size.
    shrink = max(1.0, min(height, width) / 360)
    small = (math.ceil(width / shrink), math.ceil(height / shrink))
    to_small = np.array([small[0] / width, small[1] / height])
    cells_to_small = _affine(geometry, heads.stride_px) * to_small[:, None]
    cells_to_small[:, 2] += (to_small - 1) / 2
    cover = np.zeros(small[::-1], np.float32)
    paint = np.zeros((*small[::-1], 3), np.float32)
    for layer, color in zip(np.moveaxis(maps, 2, 0), MAP_COLORS, strict=False):
        seen = cv2.warpAffine(np.ascontiguousarray(layer), cells_to_small, small, flags=cv2.INTER_CUBIC).clip(
            0, 1
        )
        cover += seen
        paint += seen[:, :, None] * np.asarray(color, np.float32)
    # Where maps overlap their colours mix; a sure cell still lets the picture through.
    paint = np.rint(paint / np.maximum(cover, 1e-6)[:, :, None]).astype(np.uint8)
    cover = cv2.resize(_COVER * np.minimum(cover, 1), (width, height), interpolation=cv2.INTER_LINEAR)
    paint = cv2.resize(paint, (width, height), interpolation=cv2.INTER_LINEAR)
    dark = cv2.convertScaleAbs(canvas, alpha=_DARK)
    canvas = np.asarray(cv2.blendLinear(dark, paint, 1 - cover, cover), np.uint8)
    pen = Pen(cv2, height)
    names = [skeleton.keypoints[k].replace("_", " ") if skeleton else f"keypoint {k}" for k in channels]
    pen.legend(canvas, list(zip(names, MAP_COLORS, strict=False)))
    return canvas


def draw_offsets(
    image: Image,
    heads: Heads,
    geometry: Geometry,
    poses: Poses,
    *,
    refine_steps: int = 5,
    darken: bool = True,
) -> Image:
    """The walk that found each keypoint, drawn over a darkened picture.

    From a person's surest keypoint the displacement of each skeleton edge (yellow arrow) leads to the
    neighbour, and the short offsets (pink) pull the landing point onto the keypoint (its side's colour).
    Heads without displacements or offsets show only what they have.

    Args:
        image: (H, W, 3) uint8, RGB.
        heads: of this picture.
        geometry: from the network's input to this picture.
        poses: in pixels of this picture, decoded from `heads`.
        refine_steps: how often the short offsets are followed.
        darken: False where the picture is dark already, as `draw_heatmaps` leaves it.

    Returns:
        (H, W, 3) uint8, RGB, a new array.
    """
    canvas = _canvas(image, copy=True)
    cv2 = require("cv2", extra="app", purpose=_PURPOSE)
    if darken:
        canvas = cv2.convertScaleAbs(canvas, alpha=_DARK)
    tensors = {name: heads.dequantized(name) for name in heads.tensors() if name != "heatmaps"}
    for person in reversed(range(len(poses))):
        pen = _pen_for(cv2, canvas, poses, person)
        for start, landing, path in _walk(tensors, heads.stride_px, geometry, poses, person, refine_steps):
            pen.arrow(canvas, start, landing, _DISPLACEMENT)
            for a, b in pairwise(path):
                pen.line(canvas, a, b, _REFINEMENT, pen.thin, rim=False)
            pen.point(canvas, landing, _REFINEMENT, max(1.5, pen.radius * 0.45))
        for keypoint in np.flatnonzero(poses.visible[person]):
            color = SIDE_COLORS[poses.skeleton.side(int(keypoint))]
            pen.point(canvas, poses.xy[person, keypoint], color, max(2, pen.radius * 0.75))
    entries = [("displacement", _DISPLACEMENT), ("short offsets", _REFINEMENT)]
    Pen(cv2, canvas.shape[0]).legend(canvas, entries, right=True)
    return canvas


def blank(heads: Heads) -> Image:
    """A dark picture as large as the network's input, to draw heads on that came without their picture."""
    height, width = (round((cells - 1) * heads.stride_px) + 1 for cells in heads.grid)
    return np.full((height, width, 3), (26, 28, 34), np.uint8)


def _canvas(image: object, *, copy: bool) -> Image:
    if not isinstance(image, np.ndarray):
        raise TypeError(f"image: wanted a NumPy array uint8 of shape (H, W, 3), got {type(image).__name__}")
    if image.dtype != np.uint8:
        raise TypeError(f"image: wanted dtype uint8, got {image.dtype}")
    if image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise ValueError(f"image: wanted shape (H, W, 3), got {image.shape}")
    if copy:
        return np.array(image, order="C")
    if not (image.flags.c_contiguous and image.flags.writeable):
        raise ValueError(
            "image: wanted a writeable C-contiguous array to draw into, got another; pass copy=True"
        )
    return image


def _pen_for(cv2: Any, canvas: Image, poses: Poses, person: int) -> Pen:
    """The picture's pen, finer for a person who is smaller than a quarter of the picture's height."""
    points = poses.xy[person][poses.visible[person]].astype(np.float64)
    height = canvas.shape[0]
    extent = float(np.ptp(points, axis=0).max()) if len(points) else 0.0
    return Pen(cv2, height, fine=min(1.0, max(0.4, 4 * extent / height)))


def _parts(poses: Poses, person: int, confidence: float, *, below: bool) -> tuple[list[Any], list[Any]]:
    """Limbs and points of one person on one side of the confidence, each with its colour."""
    xy, scores, visible, skeleton = (
        poses.xy[person],
        poses.scores[person],
        poses.visible[person],
        poses.skeleton,
    )
    sides = [skeleton.side(k) for k in range(skeleton.num_keypoints)]
    own = _track_color(poses, person)
    limbs = []
    for a, b in skeleton.limbs:
        if visible[a] and visible[b] and (min(scores[a], scores[b]) < confidence) == below:
            # A limb across the body is in the middle; one from the middle outward belongs to its side.
            both = {sides[a], sides[b]} - {"middle"}
            limbs.append((xy[a], xy[b], own or SIDE_COLORS[both.pop() if len(both) == 1 else "middle"]))
    points = [
        (xy[k], SIDE_COLORS[sides[k]])
        for k in range(skeleton.num_keypoints)
        if visible[k] and (scores[k] < confidence) == below
    ]
    return limbs, points


def _label(pen: Pen, canvas: Image, poses: Poses, person: int, confidence: float, names: bool) -> None:
    sure = poses.visible[person] & (poses.scores[person] >= confidence)
    if names:
        for keypoint in np.flatnonzero(sure):
            side = poses.skeleton.side(int(keypoint))
            # Who faces the camera has the right on the picture's left, so names point away from the body.
            away, anchor = (-1.8, 1.0) if side == "right" else (1.8, 0.0)
            at = poses.xy[person, keypoint] + (pen.radius * away, pen.radius * 0.8)
            pen.text(canvas, poses.skeleton.keypoints[keypoint].replace("_", " "), at, pen.small, anchor)
    if poses.track_ids[person] >= 0 and sure.any():
        points = poses.xy[person][sure].astype(np.float64)
        top = points[:, 1].min() - 3 * pen.radius
        color = _track_color(poses, person) or (255, 255, 255)
        at = points[:, 0].mean(), top
        pen.text(canvas, f"#{poses.track_ids[person]}", at, pen.large, 0.5, color)


def _track_color(poses: Poses, person: int) -> Color | None:
    identity = int(poses.track_ids[person])
    return TRACK_COLORS[identity % len(TRACK_COLORS)] if identity >= 0 else None


def _channels(count: int, keypoints: Sequence[int | str] | None, skeleton: Skeleton | None) -> list[int]:
    if keypoints is None:
        chosen = ("nose", "left_wrist", "right_wrist", "left_ankle", "right_ankle")
        if skeleton is not None and set(chosen) <= set(skeleton.keypoints):
            return [skeleton.index(name) for name in chosen]
        return sorted({round(k) for k in np.linspace(0, count - 1, min(count, 5))})
    if not 1 <= len(keypoints) <= len(MAP_COLORS):
        raise ValueError(f"keypoints: wanted 1 to {len(MAP_COLORS)} keypoints, got {len(keypoints)}")
    channels = []
    for keypoint in keypoints:
        if isinstance(keypoint, str):
            if skeleton is None:
                raise ValueError(
                    f"keypoints: wanted channels where no skeleton is given, got the name {keypoint!r}"
                )
            keypoint = skeleton.index(keypoint)
        if not 0 <= keypoint < count:
            raise ValueError(f"keypoints: wanted channels 0..{count - 1}, got {keypoint}")
        channels.append(int(keypoint))
    return channels


def _affine(geometry: Geometry, stride_px: float) -> npt.NDArray[np.float64]:
    """(2, 3): cell (column, row) to picture pixel. The geometry is affine, so three points say it all."""
    corners = np.array([[0, 0], [stride_px, 0], [0, stride_px]], np.float64)
    origin, right, down = np.asarray(geometry.to_image(corners), np.float64)
    return np.stack([right - origin, down - origin, origin], axis=1)


def _walk(
    tensors: dict[str, Any],
    stride_px: float,
    geometry: Geometry,
    poses: Poses,
    person: int,
    refine_steps: int,
) -> list[tuple[Any, Any, Any]]:
    """(start, landing, path) in picture pixels of every edge that was walked, best keypoint first."""
    forward, backward = tensors.get("displacement_fwd"), tensors.get("displacement_bwd")
    skeleton, scores, visible = poses.skeleton, poses.scores[person], poses.visible[person]
    if forward is None or backward is None or not skeleton.edges or not visible.any():
        return []
    points = np.asarray(geometry.to_input(poses.xy[person].astype(np.float64)), np.float64)
    root = int(np.argmax(np.where(visible, scores, -1)))
    queue, seen, steps = [(-float(scores[root]), root)], {root}, []
    while queue:
        _, here = heapq.heappop(queue)
        for edge, (parent, child) in enumerate(skeleton.edges):
            if here not in (parent, child):
                continue
            there, field = (child, forward) if here == parent else (parent, backward)
            if there in seen or not visible[there]:
                continue
            seen.add(there)
            heapq.heappush(queue, (-float(scores[there]), there))
            landing = points[here] + _sample(field, edge, points[here], stride_px)
            path = [landing]
            for _ in range(refine_steps if "short_offsets" in tensors else 0):
                path.append(path[-1] + _sample(tensors["short_offsets"], there, path[-1], stride_px))
            steps.append(tuple(geometry.to_image(np.array(xy)) for xy in (points[here], landing, path)))
    return steps


def _sample(field: Any, channel: int, xy: Any, stride_px: float) -> Any:
    """The vector (dx, dy) in pixels of a field with all y channels before all x channels, bilinearly."""
    rows, columns, channels = field.shape
    x, y = np.clip(np.asarray(xy) / stride_px, 0, (columns - 1, rows - 1))
    x0, y0 = min(int(x), max(columns - 2, 0)), min(int(y), max(rows - 2, 0))
    x1, y1 = min(x0 + 1, columns - 1), min(y0 + 1, rows - 1)
    both = field[:, :, [channels // 2 + channel, channel]]
    upper = both[y0, x0] * (1 - (x - x0)) + both[y0, x1] * (x - x0)
    lower = both[y1, x0] * (1 - (x - x0)) + both[y1, x1] * (x - x0)
    return upper * (1 - (y - y0)) + lower * (y - y0)
