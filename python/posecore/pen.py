"""`Pen`: the strokes of a drawing, in widths that suit the picture's height."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Image = npt.NDArray[np.uint8]
    Color = tuple[int, int, int]

_RIM: Color = (20, 20, 24)
_SHIFT = 4
_CIRCLE = np.stack([np.cos(np.arange(24) * np.pi / 12), np.sin(np.arange(24) * np.pi / 12)], axis=1)


class Pen:
    """Widths for a picture of this height, and the strokes made with them."""

    def __init__(self, cv2: Any, height: int, *, fine: float = 1.0) -> None:
        self.cv2 = cv2
        self.wide = max(2 if fine == 1 else 1, round(fine * height / 260))
        self.thin = max(1, round(fine * height / 500))
        self.radius = max(2.0 if fine == 1 else 1.5, fine * height / 170)
        self.small = max(0.3, height / 1700)
        self.large = max(0.45, height / 900)

    def limbs_and_points(self, canvas: Image, limbs: Sequence[Any], points: Sequence[Any]) -> None:
        for a, b, color in limbs:
            self.line(canvas, a, b, color, self.wide)
        for at, color in points:
            self.point(canvas, at, color, self.radius)

    def line(self, canvas: Image, a: Any, b: Any, color: Color, width: int, *, rim: bool = True) -> None:
        clipped = _clip(a, b, canvas.shape[1], canvas.shape[0], 4.0 * width + 8)
        if clipped is None:
            return
        start, end = (tuple(round(float(v) * (1 << _SHIFT)) for v in point) for point in clipped)
        if rim:
            self.cv2.line(canvas, start, end, _RIM, width + max(2, width // 3), self.cv2.LINE_AA, _SHIFT)
        self.cv2.line(canvas, start, end, color, width, self.cv2.LINE_AA, _SHIFT)

    def point(self, canvas: Image, at: Any, color: Color, radius: float) -> None:
        x, y = float(at[0]), float(at[1])
        if not (
            -2 * radius < x < canvas.shape[1] + 2 * radius and -2 * radius < y < canvas.shape[0] + 2 * radius
        ):
            return
        rim = max(1.0, radius * 0.25)
        for size, shade in ((radius + rim / 2, _RIM), (radius - rim / 2, color)):
            # OpenCV's own small circles are diamonds.
            ring = np.rint((_CIRCLE * size + (x, y)) * (1 << _SHIFT)).astype(np.int32)
            self.cv2.fillConvexPoly(canvas, ring, shade, self.cv2.LINE_AA, _SHIFT)

    def arrow(self, canvas: Image, a: Any, b: Any, color: Color) -> None:
        self.line(canvas, a, b, color, self.thin, rim=False)
        along = np.asarray(a, np.float64) - np.asarray(b, np.float64)
        length = float(np.hypot(*along))
        if length < 1:
            return
        head = along / length * min(3.0 * self.radius, 0.4 * length)
        across = np.array([-head[1], head[0]]) * 0.45
        for wing in (head + across, head - across):
            self.line(canvas, np.asarray(b) + wing, b, color, self.thin, rim=False)

    def text(
        self,
        canvas: Image,
        text: str,
        at: Any,
        scale: float,
        anchor: float,
        color: Color = (255, 255, 255),
    ) -> None:
        """Text with a dark rim; `anchor` is the share of its width that lies left of `at`."""
        cv2, font = self.cv2, self.cv2.FONT_HERSHEY_SIMPLEX
        stroke = max(1, round(scale * 1.6))
        (width, height), _ = cv2.getTextSize(text, font, scale, stroke)
        # Text that belongs to a point outside of the picture is kept inside of it.
        x = round(min(max(float(at[0]) - width * anchor, 2), max(canvas.shape[1] - width - 2, 2)))
        y = round(min(max(float(at[1]), height + 2), max(canvas.shape[0] - 3, height + 2)))
        rim = max(1, round(scale * 2))
        for dx, dy in (
            (-rim, 0),
            (rim, 0),
            (0, -rim),
            (0, rim),
            (-rim, -rim),
            (rim, rim),
            (-rim, rim),
            (rim, -rim),
        ):
            cv2.putText(canvas, text, (x + dx, y + dy), font, scale, _RIM, stroke, cv2.LINE_AA)
        cv2.putText(canvas, text, (x, y), font, scale, color, stroke, cv2.LINE_AA)

    def legend(self, canvas: Image, entries: Sequence[tuple[str, Color]], *, right: bool = False) -> None:
        cv2, font = self.cv2, self.cv2.FONT_HERSHEY_SIMPLEX
        scale = max(0.32, min(canvas.shape[0] / 1300, canvas.shape[1] / 1000))
        stroke = max(1, round(scale * 1.6))
        sizes = [cv2.getTextSize(name, font, scale, stroke)[0] for name, _ in entries]
        row, pad = round(max(height for _, height in sizes) * 1.9), round(10 * scale + 3)
        width = min(max(width for width, _ in sizes) + row + 3 * pad, canvas.shape[1])
        height = min(row * len(entries) + 2 * pad, canvas.shape[0])
        left = canvas.shape[1] - width if right else 0
        box = canvas[:height, left : left + width]
        box[:] = (box * 0.35).astype(np.uint8)
        for place, (name, color) in enumerate(entries):
            top = pad + place * row
            cv2.rectangle(
                canvas,
                (left + pad, top + row // 5),
                (left + pad + row * 3 // 5, top + row * 4 // 5),
                color,
                -1,
            )
            base = (left + 2 * pad + row * 3 // 5, top + row // 2 + sizes[place][1] // 2)
            cv2.putText(canvas, name, base, font, scale, (255, 255, 255), stroke, cv2.LINE_AA)


def _clip(a: Any, b: Any, width: int, height: int, margin: float) -> tuple[Any, Any] | None:
    """The part of the segment within the picture and a margin around it, or None (Liang and Barsky)."""
    start, step = np.asarray(a, np.float64), np.asarray(b, np.float64) - np.asarray(a, np.float64)
    enter, leave = 0.0, 1.0
    for axis, size in ((0, width), (1, height)):
        for low, gap in ((True, start[axis] + margin), (False, size - 1 + margin - start[axis])):
            speed = -step[axis] if low else step[axis]
            if speed == 0:
                if gap < 0:
                    return None
            elif speed > 0:
                leave = min(leave, gap / speed)
            else:
                enter = max(enter, gap / speed)
    if enter > leave:
        return None
    return start + enter * step, start + leave * step
