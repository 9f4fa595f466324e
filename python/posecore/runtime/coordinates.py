"""The output of networks that give coordinates themselves (DeepPose, arXiv 1312.4659), as one person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from posecore.poses import Poses

if TYPE_CHECKING:
    import numpy.typing as npt

    from posecore.heads import Quantization
    from posecore.runtime.geometry import Geometry
    from posecore.skeletons import Skeleton


def in_pixels(fractions: npt.NDArray[np.float32], input_size: tuple[int, int]) -> npt.NDArray[np.float32]:
    """Fractions (K, 2) of an input of `input_size` (width, height) as its pixels, float32 (K, 2): x and y from -0.5 to
    width - 0.5 and height - 0.5. What is not finite counts as `CoordinatesReader` says."""
    # A network that was made elsewhere may give anything.
    inside = np.clip(np.nan_to_num(fractions, nan=0.0, posinf=1.0, neginf=0.0), 0, 1)
    return np.asarray(inside * np.array(input_size, np.float32) - np.float32(0.5), np.float32)


@dataclass(frozen=True, slots=True)
class CoordinatesReader:
    """Reads one picture's output (1, K, 2): x and y as fractions of the input's width and height, where 0 is its left
    or upper edge and 1 its right or lower one: the fraction v of an input S wide is the pixel v * S - 0.5.

    There is always one person, and nothing says how sure the network is: scores are 1. NaN and what lies before the
    edge at 0 count as that edge, what lies beyond the one at 1 as that one.

    Attributes:
        skeleton: K keypoints.
        quantization: of an integer output, which is dequantised; None of a float32 one.
    """

    skeleton: Skeleton
    quantization: Quantization | None

    def __call__(self, output: npt.NDArray[Any], geometry: Geometry) -> Poses:
        """`Poses` of one person in pixels of the picture that `geometry` put into the input."""
        fractions = output.reshape(self.skeleton.num_keypoints, 2).astype(np.float32)
        if self.quantization is not None:
            scale, zero_point = self.quantization.scale, self.quantization.zero_point
            fractions = (fractions - np.float32(zero_point)) * np.float32(scale)
        xy = in_pixels(fractions, geometry.input_size)
        return Poses(
            np.ascontiguousarray(geometry.to_image(xy)[None], np.float32),
            np.ones((1, self.skeleton.num_keypoints), np.float32),
            np.ones(1, np.float32),
            skeleton=self.skeleton,
            image_size=geometry.image_size,
        )
