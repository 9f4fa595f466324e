"""Pictures of what goes into a network just before it does: what a person should look at before a long run.

Each picture has its labels on it: left orange, right blue, middle white; hidden keypoints are rings, boxes are thin,
ignored regions are hatched. Target maps are drawn over the picture, and are violet where they are NaN, so that
nothing is learnt there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from posecore.arguments import whole
from posecore.errors import require
from posecore.train.samples import VISIBLE, Sample, located

if TYPE_CHECKING:
    import numpy.typing as npt

    from posecore.train.feed import Feed

    Bytes = npt.NDArray[np.uint8]
    Color = tuple[int, int, int]

# Orange and blue stay apart for every common kind of colour blindness; white is neither.
_SIDES: dict[str, Color] = {"left": (255, 150, 20), "right": (40, 150, 255), "middle": (245, 245, 245)}
_RIM, _BOX, _IGNORED, _UNKNOWN, _MAP = (
    (20, 20, 24),
    (150, 230, 150),
    (255, 80, 80),
    (150, 60, 220),
    (255, 225, 60),
)
_SHIFT = 4  # OpenCV draws in sixteenths of a pixel


def draw_labels(sample: Sample, *, side_px: int = 360) -> Bytes:
    """A sample with its labels.

    Args:
        side_px: the longer side of the drawing in pixels, 32 to 4096: a network's input is small to look at.

    Returns:
        (H, W, 3) uint8, RGB.

    Raises:
        MissingExtra: OpenCV is not installed.
    """
    canvas, scale = _canvas(sample, side_px)
    _labels(canvas, sample, scale)
    return canvas


def draw_map(
    sample: Sample, target: npt.NDArray[np.float32], *, side_px: int = 360, title: str = ""
) -> Bytes:
    """A sample under one target map: yellow is 1, violet is NaN, where nothing is known and nothing is learnt.

    Args:
        target: (rows, columns) or (rows, columns, channels) float32 of values from 0 to 1: of several channels the
            highest counts, and a cell is violet as far as channels are NaN in it. Cells are spread over the picture.
        side_px: as for `draw_labels`.
        title: what is written into the corner.

    Returns:
        (H, W, 3) uint8, RGB.

    Raises:
        ValueError: a target of another shape.
        MissingExtra: OpenCV is not installed.
    """
    cv2: Any = _opencv()
    if target.ndim not in (2, 3) or 0 in target.shape:
        raise ValueError(
            f"target: wanted shape (rows, columns) or (rows, columns, channels), got {target.shape}"
        )
    maps = target.reshape(*target.shape[:2], -1)
    unknown = np.isnan(maps)
    strength = np.where(unknown, 0, maps).clip(0, 1).max(axis=2).astype(np.float32)
    share = unknown.mean(axis=2, dtype=np.float32)
    canvas, _ = _canvas(sample, side_px)
    height, width = canvas.shape[:2]
    size, rows, columns = sample.size, *target.shape[:2]
    # Cell (row, column) lies at (column, row) times a whole stride, and there are (side - 1) // stride + 1 of them.
    stride = max(1, (size[0] - 1) // max(columns - 1, 1)), max(1, (size[1] - 1) // max(rows - 1, 1))
    scale = width / size[0]
    place = np.array([[stride[0] * scale, 0, 0.5 * scale - 0.5], [0, stride[1] * scale, 0.5 * scale - 0.5]])
    shown = canvas.astype(np.float32) * 0.55
    for cover, color in ((share, _UNKNOWN), (strength, _MAP)):
        large = cv2.warpAffine(
            cover, place, (width, height), flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE
        )[:, :, None]
        shown = shown * (1 - 0.6 * large) + np.array(color, np.float32) * (0.6 * large)
    canvas = shown.clip(0, 255).astype(np.uint8)
    if title:
        _title(cv2, canvas, title)
    return canvas


def sheet(
    samples: Sequence[Sample],
    targets: Sequence[Mapping[str, npt.NDArray[np.float32]]] | None = None,
    *,
    columns: int = 4,
    side_px: int = 320,
    maps: tuple[str, ...] = ("heatmap_2", "heatmap"),
) -> Bytes:
    """A contact sheet: the samples with their labels, and beside each its confidence map where there are targets.

    Args:
        samples: such as `Feed.samples(step)`, at most 400.
        targets: what was encoded for each of them, or None.
        columns: samples a row, 1 to 32.
        side_px: the longer side of each picture in pixels, 32 to 4096.
        maps: names of targets that are confidence maps; the first that is there is drawn.

    Returns:
        (H, W, 3) uint8, RGB.

    Raises:
        TypeError, ValueError: no samples, too many, or not a target for each.
        MissingExtra: OpenCV is not installed.
    """
    whole(columns, "columns", 1, 32)
    if not 0 < len(samples) <= 400:
        raise ValueError(f"samples: wanted 1 to 400, got {len(samples)}")
    if targets is not None and len(targets) != len(samples):
        raise ValueError(f"targets: wanted {len(samples)}, one for each sample, got {len(targets)}")
    cv2: Any = _opencv()
    tiles = []
    for row, sample in enumerate(samples):
        tile = draw_labels(sample, side_px=side_px)
        _title(cv2, tile, sample.name)
        encoded = targets[row] if targets is not None else {}
        name = next((name for name in maps if name in encoded), None)
        if name is not None:
            count = sample.skeleton.num_keypoints
            beside = draw_map(sample, encoded[name][:, :, :count], side_px=side_px, title=name)
            tile = np.concatenate([tile, beside], axis=1)
        tiles.append(tile)
    gap = 6
    height = max(tile.shape[0] for tile in tiles) + gap
    width = max(tile.shape[1] for tile in tiles) + gap
    columns = min(columns, len(tiles))
    page = np.full((-(-len(tiles) // columns) * height + gap, columns * width + gap, 3), 30, np.uint8)
    for place, tile in enumerate(tiles):
        top, left = place // columns * height + gap, place % columns * width + gap
        page[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
    return page


def feed_sheet(feed: Feed, step: int = 0, **options: Any) -> Bytes:
    """The contact sheet of batch number `step` of a feed, as the network gets it, with its targets.

    Args:
        feed: it is not advanced.
        step: from 0.
        options: those of `sheet`.

    Returns:
        (H, W, 3) uint8, RGB.
    """
    samples = feed.samples(step)
    return sheet(samples, [feed.encode(sample) for sample in samples], **options)


def channel_sheet(
    sample: Sample, target: npt.NDArray[np.float32], *, columns: int = 6, side_px: int = 240
) -> Bytes:
    """One sample under each channel of a confidence map, with the keypoints' names.

    Args:
        target: (rows, columns, K) or (rows, columns, K + 1) float32, the last one then being the background.
        columns, side_px: as for `sheet`.

    Returns:
        (H, W, 3) uint8, RGB.
    """
    whole(columns, "columns", 1, 32)
    names = (*sample.skeleton.keypoints, "background")
    tiles = [
        draw_map(sample, target[:, :, channel], side_px=side_px, title=names[channel])
        for channel in range(min(target.shape[2], len(names)))
    ]
    height, width = tiles[0].shape[:2]
    page = np.full((-(-len(tiles) // columns) * (height + 4), columns * (width + 4), 3), 30, np.uint8)
    for place, tile in enumerate(tiles):
        top, left = place // columns * (height + 4), place % columns * (width + 4)
        page[top : top + height, left : left + width] = tile
    return page


def _opencv() -> Any:
    return require("cv2", extra="train", purpose="Drawing what is learnt from")


def _canvas(sample: Sample, side_px: int) -> tuple[Bytes, float]:
    """The picture in colours at the size of the drawing, and drawing pixels per sample pixel."""
    whole(side_px, "side_px", 32, 4096)
    scale = side_px / max(sample.size)
    width, height = (max(1, round(side * scale)) for side in sample.size)
    image = np.broadcast_to(sample.image, (*sample.image.shape[:2], 3))
    cv2: Any = _opencv()
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return cv2.resize(np.ascontiguousarray(image), (width, height), interpolation=method), scale


def _labels(canvas: Bytes, sample: Sample, scale: float) -> None:
    cv2: Any = _opencv()

    def at(xy: Any) -> Any:
        drawn = (np.asarray(xy, np.float64) + 0.5) * scale - 0.5
        return np.rint(np.clip(drawn, -1e4, 1e4) * (1 << _SHIFT)).astype(np.int32)

    for region in sample.ignored:
        _hatch(cv2, canvas, at(region))
    for x, y, width, height in sample.boxes.tolist():
        ends = at([(x, y), (x + width, y + height)])
        cv2.rectangle(canvas, ends[0].tolist(), ends[1].tolist(), _BOX, 1, cv2.LINE_AA, _SHIFT)
    for xy, visibility in zip(sample.xy, sample.visibility, strict=True):
        places, seen = at(xy), located(visibility)
        for a, b in sample.skeleton.limbs:
            if seen[a] and seen[b]:
                for color, wide in ((_RIM, 3), (_side(sample, b), 1)):
                    cv2.line(canvas, places[a].tolist(), places[b].tolist(), color, wide, cv2.LINE_AA, _SHIFT)
        for keypoint in np.flatnonzero(seen).tolist():
            _point(cv2, canvas, places[keypoint], _side(sample, keypoint), visibility[keypoint])


def _side(sample: Sample, keypoint: int) -> Color:
    return _SIDES[sample.skeleton.side(keypoint)]


def _point(cv2: Any, canvas: Bytes, place: Any, color: Color, visibility: int) -> None:
    turns = np.arange(16) * (np.pi / 8)
    around = np.stack([np.cos(turns), np.sin(turns)], axis=1) * (1 << _SHIFT)
    for radius, shade in ((4.5, _RIM), (3.2, color), (1.8, _RIM)):
        if radius < 2 and visibility == VISIBLE:
            continue
        ring = np.rint(around * radius + place).astype(np.int32)
        cv2.fillConvexPoly(canvas, ring, shade, cv2.LINE_AA, _SHIFT)


def _hatch(cv2: Any, canvas: Bytes, corners: Any) -> None:
    height, width = canvas.shape[:2]
    inside = np.zeros((height, width), np.uint8)
    cv2.fillConvexPoly(inside, corners, 1, cv2.LINE_8, _SHIFT)
    stripes = (np.arange(height)[:, None] + np.arange(width)) % 8 < 2
    canvas[(inside == 1) & stripes] = _IGNORED
    cv2.polylines(canvas, [corners], True, _IGNORED, 1, cv2.LINE_AA, _SHIFT)


def _title(cv2: Any, canvas: Bytes, text: str) -> None:
    """Text in the top-left corner; OpenCV's letters are ASCII."""
    plain = text.encode("ascii", "replace").decode()[-max(8, canvas.shape[1] // 7) :]
    plain = "".join(letter if letter.isprintable() else "?" for letter in plain)
    canvas[:19] = (canvas[:19] * 0.35).astype(np.uint8)
    cv2.putText(canvas, plain, (5, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (255, 255, 255), 1, cv2.LINE_AA)
