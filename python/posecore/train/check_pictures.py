"""What a check saw, as pictures: the batch, losses, layers, and what was decoded from pictures learnt by heart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from posecore.errors import require
from posecore.train.check import SMALL, Check
from posecore.train.check_layers import Layer
from posecore.train.views import draw_labels, sheet

if TYPE_CHECKING:
    import numpy.typing as npt

    Bytes = npt.NDArray[np.uint8]

_PAPER, _INK, _GRID = (250, 250, 247), (40, 42, 48), (222, 222, 216)
_LINE, _BAR, _WRONG = (25, 90, 170), (70, 140, 190), (205, 70, 40)
_ROW_PX, _NAME_PX, _BAR_PX, _NUMBER_PX = 18, 250, 260, 90
_FOUND = (240, 60, 220)


def pictures_of(check: Check) -> dict[str, Bytes]:
    """(H, W, 3) uint8 RGB drawings by name: `batch`, `layers`, and where pictures were learnt `loss` and `decoded`.

    Raises:
        MissingExtra: OpenCV is not installed.
    """
    found = {"batch": sheet(check.batch, check.targets, columns=2, maps=("heatmap_2", "stage1", "heatmap"))}
    found["layers"] = layer_chart(check.layers)
    if check.overfit is not None:
        found["loss"] = loss_chart(check.overfit.losses, check.overfit.start)
        found["decoded"] = decoded_sheet(check)
    return found


def loss_chart(losses: Sequence[float], without_knowledge: float) -> Bytes:
    """The loss over steps, on a logarithmic scale, with the loss of a network that knows nothing as a line."""
    width, height, left, right, top, bottom = 900, 460, 80, 20, 40, 50
    canvas = np.full((height, width, 3), _PAPER, np.uint8)
    cv2 = _opencv()
    values = np.array([value if math.isfinite(value) and value > 0 else np.nan for value in losses])
    known = values[np.isfinite(values)]
    low = math.floor(math.log10(known.min())) if len(known) else -1
    high = math.ceil(math.log10(max(known.max() if len(known) else 1.0, without_knowledge, 1e-12)))
    high = max(high, low + 1)

    def up(value: float) -> int:
        return round(top + (high - math.log10(value)) / (high - low) * (height - top - bottom))

    def across(step: float) -> int:
        return round(left + step / max(len(losses) - 1, 1) * (width - left - right))

    for power in range(low, high + 1):
        y = up(10.0**power)
        cv2.line(canvas, (left, y), (width - right, y), _GRID, 1)
        _text(canvas, f"{10.0**power:g}", (8, y + 5))
    for share in (0, 0.25, 0.5, 0.75, 1):
        step = share * max(len(losses) - 1, 1)
        cv2.line(canvas, (across(step), top), (across(step), height - bottom), _GRID, 1)
        _text(canvas, f"{step + 1:.0f}", (across(step) - 12, height - bottom + 20))
    if without_knowledge > 0:
        for goal, text in (
            (without_knowledge, "without knowledge"),
            (without_knowledge / 100, "a hundredth of it"),
        ):
            if low <= math.log10(goal) <= high:
                cv2.line(canvas, (left, up(goal)), (width - right, up(goal)), _WRONG, 1, cv2.LINE_AA)
                _text(canvas, text, (width - right - 170, up(goal) - 6), _WRONG)
    points = [(across(i), up(value)) for i, value in enumerate(values) if math.isfinite(value)]
    if points:
        cv2.polylines(canvas, [np.array(points, np.int32)], False, _LINE, 2, cv2.LINE_AA)
    _text(canvas, "loss over steps, learning pictures by heart", (left, 24))
    return canvas


def layer_chart(layers: Sequence[Layer]) -> Bytes:
    """One row a layer: the norm of its gradient on a logarithmic scale, and the share of small activations."""
    cv2 = _opencv()
    norms = [layer.gradient for layer in layers if layer.gradient]
    low, high = (math.log10(min(norms)), math.log10(max(norms))) if norms else (0.0, 1.0)
    width = _NAME_PX + 2 * (_BAR_PX + _NUMBER_PX)
    canvas = np.full((_ROW_PX * (len(layers) + 3), width, 3), _PAPER, np.uint8)
    second = _NAME_PX + _BAR_PX + _NUMBER_PX
    _text(canvas, "gradient (log scale)", (_NAME_PX, 24))
    _text(canvas, f"share of |a| < {SMALL:g}", (second, 24))
    for row, layer in enumerate(layers, start=2):
        y = row * _ROW_PX + _ROW_PX // 2
        _text(canvas, layer.name[:34], (6, y + 5))
        for start, value, share, shown, wrong in (
            (
                _NAME_PX,
                layer.gradient,
                0.05 + 0.95 * (math.log10(layer.gradient) - low) / max(high - low, 1e-9)
                if layer.gradient
                else 0.0,
                f"{layer.gradient:.1e}" if layer.gradient is not None else "",
                layer.gradient == 0,
            ),
            (
                second,
                layer.small,
                layer.small or 0.0,
                f"{100 * layer.small:.1f} %" if layer.small is not None else "",
                (layer.small or 0) > 0.99,
            ),
        ):
            if value is None:
                continue
            end = (start + max(1, round(share * _BAR_PX)), y + 5)
            cv2.rectangle(canvas, (start, y - 5), end, _WRONG if wrong else _BAR, -1)
            _text(canvas, shown, (start + _BAR_PX + 8, y + 5), _WRONG if wrong else _INK)
    return canvas


def decoded_sheet(check: Check) -> Bytes:
    """The pictures that were learnt by heart, with their labels, and beside each what was decoded in pink."""
    assert check.overfit is not None
    tiles = []
    for sample, poses in zip(check.overfit.samples, check.overfit.poses, strict=True):
        truth = draw_labels(sample)
        found = _found(sample, poses)
        tiles.append(np.concatenate([truth, found], axis=1))
    height, width = max(tile.shape[0] for tile in tiles), max(tile.shape[1] for tile in tiles)
    columns = 2
    rows = -(-len(tiles) // columns)
    page = np.full((rows * (height + 6) + 6, columns * (width + 6) + 6, 3), 30, np.uint8)
    for place, tile in enumerate(tiles):
        top, left = place // columns * (height + 6) + 6, place % columns * (width + 6) + 6
        page[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
    return page


def _found(sample: Any, poses: Any) -> Bytes:
    cv2 = _opencv()
    side = 360
    scale = side / max(sample.size)
    size = tuple(max(1, round(length * scale)) for length in sample.size)
    image = np.broadcast_to(sample.image, (*sample.image.shape[:2], 3))
    canvas = cv2.resize(np.ascontiguousarray(image), size, interpolation=cv2.INTER_AREA)
    for xy, visible, score in zip(poses.xy, poses.visible, poses.pose_scores, strict=True):
        if score < 0.2:
            continue
        drawn = np.rint((xy.astype(np.float64) + 0.5) * scale - 0.5).clip(-1e4, 1e4).astype(int)
        for a, b in sample.skeleton.limbs:
            if visible[a] and visible[b]:
                cv2.line(canvas, drawn[a].tolist(), drawn[b].tolist(), _FOUND, 2, cv2.LINE_AA)
        for place, is_there in zip(drawn.tolist(), visible, strict=True):
            if is_there:
                cv2.circle(canvas, place, 3, _FOUND, -1, cv2.LINE_AA)
    return np.asarray(canvas, np.uint8)


def _text(canvas: Bytes, text: str, at: tuple[int, int], color: tuple[int, int, int] = _INK) -> None:
    cv2 = _opencv()
    cv2.putText(canvas, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.45, color, 1, cv2.LINE_AA)


def _opencv() -> Any:
    return require("cv2", extra="train", purpose="Drawing a check")
