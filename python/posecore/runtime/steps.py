"""What passes between the three steps of an estimator: a picture made ready, the network's outputs, the poses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from posecore.errors import ModelError
from posecore.masks import instance_masks

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from posecore.heads import Heads
    from posecore.poses import Poses
    from posecore.runtime.geometry import Geometry


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A picture as the input of one estimator's network; made by `Estimator.prepare`.

    Attributes:
        tensor: (h, w, 3) of the network's dtype, in its coding.
        geometry: how picture pixels became input pixels.
        seconds: how long it took.
        owner: the estimator that it is for.
    """

    tensor: npt.NDArray[Any]
    geometry: Geometry
    seconds: float
    owner: object


@dataclass(frozen=True, slots=True, eq=False)
class Outputs:
    """What the network made of one picture; given by `Estimator.run`.

    Attributes:
        tensors: the output tensors, copied, in the model's order.
        geometry: how picture pixels became input pixels.
        times: seconds for "resize" (picture to input tensor) and "network".
        owner: the estimator whose network it was.
    """

    tensors: tuple[npt.NDArray[Any], ...]
    geometry: Geometry
    times: dict[str, float]
    owner: object


@dataclass(frozen=True)
class Detail:
    """Everything about one picture.

    Attributes:
        poses: what calling the estimator gives.
        heads: the network's output tensors, copied; None for MoveNet and coordinates, which have none.
        geometry: how picture pixels became input pixels.
        times: seconds for "resize" (picture to input tensor), "network" and "decode" (heads to `Poses`).
    """

    poses: Poses
    heads: Heads | None
    geometry: Geometry
    times: dict[str, float]

    def masks(self, *, segment_threshold: float = 0.5) -> npt.NDArray[np.bool_]:
        """Each person's mask, (N, H, W) bool of the picture, from a network with long offsets (BodyPix).

        Args:
            segment_threshold: score in [0, 1] of the network's segments from which a pixel is somebody's.

        Raises:
            ModelError: the network has no long offsets.
            ValueError: a threshold out of its range.
        """
        if self.heads is None or self.heads.long_offsets is None:
            raise ModelError("masks: wanted a network with long offsets, as BodyPix is, got one without")
        return instance_masks(self.heads, self.poses, self.geometry.onto, segment_threshold=segment_threshold)
