"""The contact sheet: one small picture for each reading, with the poses that it gives."""

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

_TILE_PX = 300
_CAPTION_PX = 26
_GAP_PX = 8
_PAPER, _INK, _BEST, _PALE = (250, 250, 248), (30, 32, 38), (20, 130, 70), (120, 122, 128)
_COLUMNS = 6


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
    """All readings, best first: (H, W, 3) uint8, RGB. The picture is shown with the colours that the network took for
    what they are; poses lie where the reading puts them, faint where it is not sure.

    Raises:
        MissingExtra: OpenCV is not installed.
    """
    cv2 = require("cv2", extra="app", purpose="drawing")
    image = diagnosis.trials.image
    tiles = [_tile(cv2, image, diagnosis, place) for place in range(len(diagnosis.ranked))]
    columns = min(_COLUMNS, len(tiles))
    height, width = tiles[0].shape[:2]
    rows = -(-len(tiles) // columns)
    paper = np.full(
        (_GAP_PX + rows * (height + _GAP_PX), _GAP_PX + columns * (width + _GAP_PX), 3), _PAPER, np.uint8
    )
    for place, tile in enumerate(tiles):
        row, column = divmod(place, columns)
        top, left = _GAP_PX + row * (height + _GAP_PX), _GAP_PX + column * (width + _GAP_PX)
        paper[top : top + height, left : left + width] = tile
    return paper


def _tile(cv2: Any, image: Image, diagnosis: Diagnosis, place: int) -> Image:
    one = diagnosis.ranked[place]
    # What a network that wants red first makes of the picture when blue comes first.
    seen = image if one.reading.color == "rgb" else np.ascontiguousarray(image[:, :, ::-1])
    drawn = draw(seen, one.poses, confidence=0.25)
    scale = _TILE_PX / max(image.shape[:2])
    size = max(round(image.shape[1] * scale), 1), max(round(image.shape[0] * scale), 1)
    small = cv2.resize(drawn, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    tile = np.full((_CAPTION_PX + size[1], max(size[0], _TILE_PX), 3), _PAPER, np.uint8)
    left = (tile.shape[1] - size[0]) // 2
    tile[_CAPTION_PX:, left : left + size[0]] = small
    best = place == 0 and not diagnosis.doubt
    color = _BEST if best else _INK if one.sense.mean() >= 0.005 else _PALE
    text, font = caption(one), cv2.FONT_HERSHEY_SIMPLEX
    wide = cv2.getTextSize(text, font, 0.45, 1)[0][0]
    cv2.putText(tile, text, (2, 18), font, 0.45 * min(1.0, (tile.shape[1] - 4) / wide), color, 1, cv2.LINE_AA)
    if best:
        cv2.rectangle(tile, (0, _CAPTION_PX), (tile.shape[1] - 1, tile.shape[0] - 1), _BEST, 3)
    return tile
