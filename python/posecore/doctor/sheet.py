"""The contact sheet: a small picture for each reading that makes any sense, with the poses that it gives."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from posecore.doctor.diagnosis import Diagnosis, caption
from posecore.drawing import draw
from posecore.errors import require
from posecore.outputs import write_file

if TYPE_CHECKING:
    import numpy.typing as npt

    Image = npt.NDArray[np.uint8]

_TILE_PX = 420
_LEAST_WIDTH_PX = 320
_FONT_SCALE = 0.45
_LEAST_SENSE, _LEAST_TILES, _MOST_TILES = 0.005, 6, 24
_CAPTION_PX = 26
_GAP_PX = 8
_PAPER, _INK, _BEST, _PALE = (250, 250, 248), (30, 32, 38), (20, 130, 70), (120, 122, 128)
_COLUMNS = 4


def save_sheet(diagnosis: Diagnosis, path: Path) -> None:
    """Write the sheet as the kind of picture that the name's ending says, .png or .jpg; whole or not at all.

    Raises:
        MissingExtra: OpenCV is not installed.
        OSError: it cannot be written.
    """
    cv2 = require("cv2", extra="app", purpose="drawing")
    _, data = cv2.imencode(path.suffix.lower(), sheet(diagnosis)[:, :, ::-1])
    write_file(path, data.tobytes())


def sheet(diagnosis: Diagnosis) -> Image:
    """The readings that make any sense, best first, six at least and 24 at most: (H, W, 3) uint8, RGB.

    All on the picture in its own colours; keypoints that a reading is not sure of are faint.

    Raises:
        MissingExtra: OpenCV is not installed.
    """
    cv2 = require("cv2", extra="app", purpose="drawing")
    ranked = diagnosis.ranked
    shown = sum(float(one.sense.mean()) >= _LEAST_SENSE for one in ranked)
    shown = min(max(shown, _LEAST_TILES), _MOST_TILES, len(ranked))
    tiles = [_tile(cv2, diagnosis, place) for place in range(shown)]
    columns = min(_COLUMNS, shown)
    height, width = tiles[0].shape[:2]
    rows, left_out = -(-shown // columns), len(ranked) - shown
    foot = _CAPTION_PX if left_out else 0
    size = (_GAP_PX + rows * (height + _GAP_PX) + foot, _GAP_PX + columns * (width + _GAP_PX), 3)
    paper = np.full(size, _PAPER, np.uint8)
    for place, tile in enumerate(tiles):
        row, column = divmod(place, columns)
        top, left = _GAP_PX + row * (height + _GAP_PX), _GAP_PX + column * (width + _GAP_PX)
        paper[top : top + height, left : left + width] = tile
    if left_out:
        text = f"left out: {left_out} readings that make less sense"
        at, font = (_GAP_PX, paper.shape[0] - _GAP_PX), cv2.FONT_HERSHEY_SIMPLEX
        cv2.putText(paper, text, at, font, _FONT_SCALE, _PALE, 1, cv2.LINE_AA)
    return paper


def _tile(cv2: Any, diagnosis: Diagnosis, place: int) -> Image:
    one, image = diagnosis.ranked[place], diagnosis.trials.image
    drawn = draw(image, one.poses, confidence=0.25)
    scale = _TILE_PX / max(image.shape[:2])
    size = max(round(image.shape[1] * scale), 1), max(round(image.shape[0] * scale), 1)
    small = cv2.resize(drawn, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    tile = np.full((_CAPTION_PX + size[1], max(size[0], _LEAST_WIDTH_PX), 3), _PAPER, np.uint8)
    left = (tile.shape[1] - size[0]) // 2
    tile[_CAPTION_PX:, left : left + size[0]] = small
    best = place == 0 and not diagnosis.doubt
    color = _BEST if best else _INK if one.sense.mean() >= _LEAST_SENSE else _PALE
    text, font = caption(one), cv2.FONT_HERSHEY_SIMPLEX
    wide = cv2.getTextSize(text, font, _FONT_SCALE, 1)[0][0]
    fitting = _FONT_SCALE * min(1.0, (tile.shape[1] - 4) / wide)
    cv2.putText(tile, text, (2, 18), font, fitting, color, 1, cv2.LINE_AA)
    if best:
        cv2.rectangle(tile, (left, _CAPTION_PX), (left + size[0] - 1, tile.shape[0] - 1), _BEST, 3)
    return tile
