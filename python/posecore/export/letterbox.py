"""The letterbox of calibration and verification: a picture in the network's input, as prediction does it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from posecore.runtime.geometry import Geometry
from posecore.runtime.network_input import PAD_BYTE, checked_image

if TYPE_CHECKING:
    import numpy.typing as npt

    Image = npt.NDArray[np.uint8]


def letterboxed(picture: Image, size: tuple[int, int], name: str) -> Image:
    """The picture as networks see it: uint8 (height, width, 3) of `size` (width, height), grey around it.

    Raises:
        TypeError, ValueError: not a uint8 (H, W, 3) array; `name` says which.
    """
    try:
        image = np.ascontiguousarray(checked_image(picture))
    except (TypeError, ValueError) as error:
        raise type(error)(f"{name}: {str(error).removeprefix('image: ')}") from None
    geometry = Geometry.letterbox((image.shape[1], image.shape[0]), size)
    canvas = np.full((size[1], size[0], 3), PAD_BYTE, np.uint8)
    (left, top), (width, height) = geometry.offset, geometry.resized_size
    canvas[top : top + height, left : left + width] = geometry.resample(image)
    return canvas
