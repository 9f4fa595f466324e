"""`Geometry`: where each point of a picture lies in the network's input, and back again.

One rule for pixels everywhere: the centre of the top-left pixel is (0, 0), so a picture of width w reaches
from -0.5 to w - 0.5, and a resize maps x to (x + 0.5) * scale - 0.5 ("half-pixel centres").
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from posecore.decode import Onto
from posecore.errors import require

if TYPE_CHECKING:
    import numpy.typing as npt

    Pair = npt.NDArray[np.float64]

Sampling = Literal["smooth", "nearest"]
Size = tuple[int, int]

_CHEAP_PIXELS = 500_000


@dataclass(frozen=True, slots=True)
class Geometry:
    """A picture is resized to `resized_size`, which lies at `offset` in an input of `input_size`.

    Attributes:
        image_size: (width, height) of the picture in pixels.
        input_size: (width, height) of the network's input in pixels.
        resized_size: (width, height) of the picture inside the input.
        offset: (left, top), the input pixel that the resized picture's top-left pixel lies on.
        sampling: "smooth" is bilinear, in steps where bilinear alone would skip too many pixels;
            "nearest" takes the pixel that PIL's NEAREST takes.

    Raises:
        ValueError: sizes that are not positive, a resized picture that reaches out of the input.
    """

    image_size: Size
    input_size: Size
    resized_size: Size
    offset: tuple[int, int] = (0, 0)
    sampling: Sampling = "smooth"
    _back: tuple[Pair, Pair] = field(init=False, repr=False, compare=False)
    _steps: tuple[Size, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name in ("image_size", "input_size", "resized_size"):
            width, height = getattr(self, name)
            if width < 1 or height < 1:
                raise ValueError(f"{name}: wanted a positive width and height, got {_by((width, height))}")
        for start, inside, whole in zip(self.offset, self.resized_size, self.input_size, strict=True):
            if start < 0 or start + inside > whole:
                raise ValueError(
                    f"resized_size: wanted a picture inside the input of {_by(self.input_size)}, "
                    f"got {_by(self.resized_size)} at {self.offset}"
                )
        if self.sampling not in ("smooth", "nearest"):
            raise ValueError(f'sampling: wanted "smooth" or "nearest", got {self.sampling!r}')
        # Worked out here, since every frame needs them, when the network has just emptied the caches.
        scale = 1 / np.array(self.scale)
        object.__setattr__(self, "_back", (scale, (0.5 - np.array(self.offset)) * scale - 0.5))
        object.__setattr__(self, "_steps", self._plan_steps())

    @classmethod
    def letterbox(cls, image_size: Size, input_size: Size) -> Geometry:
        """The picture with its own aspect, as large as fits into the input, in the middle.

        The middle, so that the input of a mirrored picture is the mirrored input. AP does not tell top-left,
        middle and bottom-right, or black, grey and white margins apart (bench/bench_estimator.py).
        """
        (width, height), (input_width, input_height) = image_size, input_size
        _positive(image_size)
        scale = min(input_width / width, input_height / height)
        resized = (
            min(max(round(width * scale), 1), input_width),
            min(max(round(height * scale), 1), input_height),
        )
        offset = (input_width - resized[0]) // 2, (input_height - resized[1]) // 2
        return cls(image_size, input_size, resized, offset)

    @classmethod
    def stretch(cls, image_size: Size, input_size: Size, *, sampling: Sampling = "smooth") -> Geometry:
        """The picture on the whole input, whatever that does to its aspect."""
        return cls(image_size, input_size, input_size, sampling=sampling)

    @classmethod
    def long_side(cls, image_size: Size, size: int, *, multiple: int, plus: int) -> Geometry:
        """The picture's longer side scaled to `size`, in the smallest input whose sides are a multiple of
        `multiple` plus `plus`: for a stride of 16, 16 n + 1 gives a grid whose corner cells lie on corners.
        """
        width, height = image_size
        _positive(image_size)
        scale = size / max(width, height)
        resized = max(round(width * scale), 1), max(round(height * scale), 1)
        padded = tuple(max(-(-(side - plus) // multiple) * multiple + plus, 1) for side in resized)
        offset = (padded[0] - resized[0]) // 2, (padded[1] - resized[1]) // 2
        return cls(image_size, (padded[0], padded[1]), resized, offset)

    @property
    def scale(self) -> tuple[float, float]:
        """(x, y): input pixels per picture pixel. The two differ a little where a size was rounded."""
        return self.resized_size[0] / self.image_size[0], self.resized_size[1] / self.image_size[1]

    @property
    def onto(self) -> Onto:
        """The picture for decoders, which give its pixels themselves: as `to_image`, in single precision."""
        (scale_x, scale_y), (left, top) = self.scale, self.offset
        return Onto(
            (1 / scale_x, 1 / scale_y, (0.5 - left) / scale_x - 0.5, (0.5 - top) / scale_y - 0.5),
            self.image_size,
        )

    def to_input(self, xy: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.floating[Any]]:
        """(..., 2) picture pixels as input pixels, in the same floating dtype."""
        scale = np.array(self.scale)
        return _mapped(xy, scale, 0.5 * scale - 0.5 + np.array(self.offset))

    def to_image(self, xy: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.floating[Any]]:
        """(..., 2) input pixels as picture pixels, in the same floating dtype: the inverse of `to_input`."""
        return _mapped(xy, *self._back)

    def resample(self, image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """The picture, uint8 (H, W, 3) with contiguous rows, as uint8 of `resized_size`; itself where it
        has that size already.

        Raises:
            MissingExtra: OpenCV is not installed, and there is something to resize.
        """
        if self.resized_size == self.image_size:
            return image
        if self.sampling == "nearest":
            # OpenCV's own rule differs from release to release.
            columns, rows = map(_nearest, self.image_size, self.resized_size)
            return image.take(rows, axis=0).take(columns, axis=1)
        cv2 = _opencv()
        # OpenCV's bilinear halving of an even size is its mean of four.
        cheap = self.image_size[0] * self.image_size[1] <= _CHEAP_PIXELS
        for size in self._steps:
            image = cv2.resize(image, size, interpolation=cv2.INTER_AREA if cheap else cv2.INTER_LINEAR)
        return np.asarray(cv2.resize(image, self.resized_size, interpolation=cv2.INTER_LINEAR))

    def _plan_steps(self) -> tuple[Size, ...]:
        # Bilinear sampling reads two pixels a side: beyond a factor of two it skips some, and points jitter
        # by a tenth more when the picture moves by a pixel. Halving first reads all, as an area average
        # does, but of a picture of two megapixels that alone takes 4 % of the network's time: up to a factor
        # of four, two of four pixels a side have to do. AP does not tell the difference (bench_estimator.py).
        # Beyond it they do not do: twice the size first, then the mean of four, costs the same for any
        # picture, and points stay half as far from those of an area average.
        # Resizes with half-pixel centres compose: the product of the scales is exactly `scale`.
        (width, height), (small_width, small_height) = self.image_size, self.resized_size
        if width * height > _CHEAP_PIXELS:
            if width <= 4 * small_width and height <= 4 * small_height:
                return ()
            return ((min(width, 2 * small_width), min(height, 2 * small_height)),)
        steps: list[Size] = []
        while width > 2 * small_width or height > 2 * small_height:
            width = (width + 1) // 2 if width > 2 * small_width else width
            height = (height + 1) // 2 if height > 2 * small_height else height
            steps.append((width, height))
        return tuple(steps)


@functools.cache
def _opencv() -> ModuleType:
    return require("cv2", extra="app", purpose="Resizing pictures")


def _nearest(large: int, small: int) -> npt.NDArray[np.intp]:
    # PIL adds steps up instead of multiplying, which decides where a centre falls on an edge.
    steps = np.full(small, large / small)
    steps[0] /= 2
    return np.minimum(np.cumsum(steps).astype(np.intp), large - 1)


def _positive(image_size: Size) -> None:
    if min(image_size) < 1:
        raise ValueError(f"image_size: wanted a positive width and height, got {_by(image_size)}")


def _by(size: Size) -> str:
    return f"{size[0]}x{size[1]}"


def _mapped(
    xy: npt.NDArray[np.floating[Any]], scale: npt.NDArray[np.float64], shift: npt.NDArray[np.float64]
) -> npt.NDArray[np.floating[Any]]:
    if not isinstance(xy, np.ndarray) or xy.dtype.kind != "f":
        got = xy.dtype if isinstance(xy, np.ndarray) else type(xy).__name__
        raise TypeError(f"xy: wanted a floating-point NumPy array of shape (..., 2), got {got}")
    if xy.ndim < 1 or xy.shape[-1] != 2:
        raise ValueError(f"xy: wanted shape (..., 2), got {xy.shape}")
    # In double precision, since a picture can be wide enough for float32 to lose a hundredth of a pixel.
    mapped: npt.NDArray[np.floating[Any]] = (xy * scale + shift).astype(xy.dtype)
    return mapped
