"""The picture of a verification: both models' skeletons on the picture that came out worst and on one in the middle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from posecore.arguments import number
from posecore.drawing import draw
from posecore.errors import require
from posecore.export.verify_people import SURE_SCORE, pair
from posecore.pen import Pen
from posecore.printable import printable

if TYPE_CHECKING:
    import numpy.typing as npt

    from posecore.export.verification import Example, Verification
    from posecore.poses import Poses

    Image = npt.NDArray[np.uint8]
    Color = tuple[int, int, int]

# Green and magenta: apart for every common kind of colour blindness, and neither is a side's colour.
FLOAT_COLOR: Color = (70, 235, 150)
EXPORTED_COLOR: Color = (255, 90, 215)
_GROUND: Color = (22, 24, 30)
_TEXT: Color = (225, 228, 235)
_FAINT: Color = (150, 156, 168)
_GAP = 14
_PANEL_HEIGHT = 440
_LEAST_WIDTH = 1000
_LINE = 26


def verification_picture(found: Verification) -> Image:
    """What was found, side by side: for each example a row of the float model's poses, the exported model's, and both
    on one another, where a line joins each sure keypoint with where it went.

    Green is the float model, magenta the exported one. Keypoints and limbs of a score below .3 are faint in the first
    two and left out of the third, as are people below .3 whom the other model has not either.

    Returns:
        uint8 (H, W, 3) RGB; a note alone where there was nobody to draw.

    Raises:
        MissingExtra: OpenCV is not installed.
    """
    cv2 = require("cv2", extra="app", purpose="drawing")
    rows = [_row(cv2, example, label) for example, label in zip(found.examples, _labels(found), strict=False)]
    width = max([_LEAST_WIDTH, *(row.shape[1] for row in rows)])
    parts = [_title(cv2, found, width), *(_wide(row, width) for row in rows)]
    return np.ascontiguousarray(np.concatenate(parts))


def as_png(image: Image) -> bytes:
    """A uint8 (H, W, 3) RGB picture as the bytes of a PNG file."""
    cv2 = require("cv2", extra="app", purpose="writing pictures")
    done, data = cv2.imencode(".png", np.ascontiguousarray(image[:, :, ::-1]))
    if not done:
        raise ValueError(f"image: wanted a picture that can be a PNG, got shape {image.shape}")
    return bytes(data.tobytes())


def _labels(found: Verification) -> list[str]:
    return ["worst", "middle"] if len(found.examples) > 1 else ["worst"]


def _row(cv2: Any, example: Example, label: str) -> Image:
    height = example.picture.shape[0]
    scale = max(_PANEL_HEIGHT / height, 0.25)
    size = (round(example.picture.shape[1] * scale), round(height * scale))
    picture = cv2.resize(
        example.picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    )
    reference, exported = (_scaled(poses, scale) for poses in (example.reference, example.exported))
    panels = [
        draw(picture, reference, confidence=SURE_SCORE),
        draw(picture, exported, confidence=SURE_SCORE),
        _both(cv2, picture, reference, exported),
    ]
    counted = [_people(poses) for poses in (example.reference, example.exported)]
    shift = "no keypoint in both" if np.isnan(example.shift_px) else f"{example.shift_px:.2f} px on average"
    astray = f", {example.astray} lost or invented" if example.astray else ""
    heads = [
        (f"float: {counted[0]}", FLOAT_COLOR),
        (f"exported: {counted[1]}", EXPORTED_COLOR),
        (f"both: {shift}{astray}", _TEXT),
    ]
    columns = [_headed(cv2, panel, text, color) for panel, (text, color) in zip(panels, heads, strict=True)]
    gap = np.full((columns[0].shape[0], _GAP, 3), _GROUND, np.uint8)
    joined = np.concatenate([gap, columns[0], gap, columns[1], gap, columns[2], gap], axis=1)
    name = _strip(cv2, joined.shape[1], [(f"{label}: {printable(example.name)}", _FAINT)])
    return np.concatenate([name, joined, np.full((_GAP, joined.shape[1], 3), _GROUND, np.uint8)])


def _people(poses: Poses) -> str:
    count = int((poses.pose_scores >= SURE_SCORE).sum())
    return "1 person" if count == 1 else f"{count} people"


def _scaled(poses: Poses, scale: float) -> Poses:
    """In pixels of a picture that was resized; centres of pixels stay centres."""
    number(scale, "scale", 1e-3, 1e3)
    return poses.replace(xy=((poses.xy + 0.5) * scale - 0.5).astype(np.float32))


def _both(cv2: Any, picture: Image, reference: Poses, exported: Poses) -> Image:
    canvas = cv2.convertScaleAbs(picture, alpha=0.5)
    single = len(reference) == len(exported) == 1
    pairing = pair(reference, exported, single=single)
    ours = {*(i for i, _ in pairing.pairs), *pairing.lost}
    theirs = {*(j for _, j in pairing.pairs), *pairing.invented}
    pen = Pen(cv2, canvas.shape[0])
    for poses, people, color, width in (
        (reference, ours, FLOAT_COLOR, pen.wide + 2),
        (exported, theirs, EXPORTED_COLOR, pen.wide),
    ):
        for person in people:
            sure = poses.scores[person] >= SURE_SCORE
            for a, b in poses.skeleton.limbs:
                if sure[a] and sure[b]:
                    pen.line(canvas, poses.xy[person, a], poses.xy[person, b], color, width, rim=False)
            for keypoint in np.flatnonzero(sure):
                pen.point(canvas, poses.xy[person, keypoint], color, pen.radius)
    for i, j in pairing.pairs:
        for keypoint in np.flatnonzero(reference.scores[i] >= SURE_SCORE):
            ends = reference.xy[i, keypoint], exported.xy[j, keypoint]
            if float(np.hypot(*(ends[0] - ends[1]))) > 2 * pen.radius:
                pen.line(canvas, *ends, (255, 255, 255), 1, rim=False)
    return np.asarray(canvas, np.uint8)


def _title(cv2: Any, found: Verification, width: int) -> Image:
    shift = "nobody to judge by"
    if found.shift_px is not None:
        median, p95, most = found.shift_px
        shift = f"keypoint shift: median {median:.2f} px, p95 {p95:.2f} px, max {most:.1f} px"
    verdict, color = ("good", (120, 220, 140)) if found.ok else ("bad", (255, 90, 90))
    if not found.ok and found.shift_px is None:
        verdict = "not judged"
    lines: list[tuple[str, Color]] = [
        (
            f"{printable(found.file)}: {verdict}" + (f" ({found.worst_head})" if found.worst_head else ""),
            color,
        ),
        (f"{shift}; of {found.input_size[1]}x{found.input_size[0]} input pixels (height x width)", _TEXT),
    ]
    return _strip(cv2, width, lines)


def _strip(cv2: Any, width: int, lines: list[tuple[str, Color]]) -> Image:
    strip = np.full((_LINE * len(lines) + _GAP // 2, width, 3), _GROUND, np.uint8)
    for place, (text, color) in enumerate(lines):
        _write(cv2, strip, text, _LINE * place + 20, color)
    return strip


def _headed(cv2: Any, panel: Image, text: str, color: Color) -> Image:
    head = np.full((_LINE, panel.shape[1], 3), _GROUND, np.uint8)
    _write(cv2, head, text, 19, color, left=0)
    return np.concatenate([head, panel])


def _write(cv2: Any, canvas: Image, text: str, base: int, color: Color, *, left: int = _GAP) -> None:
    # OpenCV's letters are ASCII's.
    shown = text.encode("ascii", "replace").decode("ascii")
    scale = 0.52
    (wide, _), _ = cv2.getTextSize(shown, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)
    scale *= min(1.0, (canvas.shape[1] - left) / max(wide, 1))
    cv2.putText(canvas, shown, (left, base), cv2.FONT_HERSHEY_SIMPLEX, scale, color, 1, cv2.LINE_AA)


def _wide(row: Image, width: int) -> Image:
    right = np.full((row.shape[0], width - row.shape[1], 3), _GROUND, np.uint8)
    return np.concatenate([row, right], axis=1)
