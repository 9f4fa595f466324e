"""`Scene`: one labelled picture while it is worked on, and what the network says about it, seen in several ways."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from posecore.ablation_truth import People, perfect
from posecore.ablation_views import onto, real
from posecore.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from posecore.heads import Heads
    from posecore.runtime.geometry import Geometry
    from posecore.skeletons import Skeleton

    Image = npt.NDArray[np.uint8]
    Seen = tuple[Heads, Geometry]

_BOX_MARGIN = 0.125
SCALES = {"smaller": 2 / 3, "larger": 1.5}
"""The other sizes of a picture, as shares of its longer side in the network's input."""


class Networks:
    """The network at every size that is asked for; each is loaded when it is first needed.

    Args:
        load: gives an estimator for `size` and `resize`, with what else was chosen.
        size: as `Estimator` takes it.

    Attributes:
        base: the estimator of the full pipeline.
        fixed: whether all pictures go into one input size.
        stride_px: of the heads, once there were some.

    Raises:
        ModelError: the network is no PoseNet.
    """

    def __init__(self, load: Callable[..., Any], size: int | tuple[int, int] | None) -> None:
        self._load = load
        self._others: dict[str, Any] = {}
        self.base = load(size=size, resize="letterbox")
        self.fixed: bool = self.base.long_side is None
        self.stride_px = 1.0

    @property
    def skeleton(self) -> Skeleton:
        """What the keypoints are."""
        skeleton: Skeleton = self.base.skeleton
        return skeleton

    @property
    def square_px(self) -> int:
        """The side of the square that any picture of the longer side fits into: n strides and a pixel."""
        stride = max(round(self.stride_px), 1)
        side: int = -(-(self.base.long_side - 1) // stride) * stride + 1
        return side

    def see(self, image: Image, view: str = "base") -> Seen:
        """Heads as float32 (h, w, channels), and how the picture lies in the input.

        Args:
            view: "base"; "smaller", "larger" (not `fixed`); "square", the picture with its aspect in a square input
                (not `fixed`); "stretched", on the whole of a square or fixed input; "coral", likewise with the
                nearest pixels; "person", for crops of one.
        """
        if view == "person":
            # A person who fills the whole size is larger than people are in training pictures.
            view = "base" if self.fixed else "smaller"
        detail = (self.base if view == "base" else self._other(view)).detail(image)
        heads = detail.heads
        if heads is None or heads.short_offsets is None or heads.displacement_fwd is None:
            raise ModelError(
                f"{self.base.name}: wanted a PoseNet, whose heads can be taken apart, got another network"
            )
        self.stride_px = heads.stride_px
        return real(heads), detail.geometry

    def _other(self, view: str) -> Any:
        if view not in self._others:
            if view in SCALES:
                size: Any = round(self.base.long_side * SCALES[view])
            else:
                size = self.base.input_size[::-1] if self.fixed else (self.square_px, self.square_px)
            resize = {"stretched": "stretch", "coral": "coral"}.get(view, "letterbox")
            self._others[view] = self._load(size=size, resize=resize)
        return self._others[view]


class Scene:
    """One picture; what was asked for once is kept as long as the scene is.

    Args:
        image: uint8 (H, W, 3), RGB.
        people: who is annotated in it.
    """

    def __init__(self, networks: Networks, image: Image, people: People) -> None:
        self.networks, self.image, self.people = networks, image, people
        self._views: dict[str, Seen] = {}
        self._brought: dict[str, Heads] = {}
        self._truth: dict[str, Any] | None = None

    @property
    def heads(self) -> Heads:
        """What the full pipeline decodes."""
        return self.seen("base")[0]

    @property
    def geometry(self) -> Geometry:
        """How the picture lies in the full pipeline's input."""
        return self.seen("base")[1]

    def seen(self, view: str) -> Seen:
        """Heads and geometry of a view; see `Networks.see`."""
        if view not in self._views:
            self._views[view] = self.networks.see(self.image, view)
        return self._views[view]

    def brought(self, view: str, *, mirrored: bool = False) -> Heads:
        """The heads of a view on the grid of the full pipeline."""
        key = f"{view} mirrored" if mirrored else view
        if key not in self._brought:
            image = np.ascontiguousarray(self.image[:, ::-1]) if mirrored else self.image
            heads, geometry = self.networks.see(image, view) if mirrored else self.seen(view)
            self._brought[key] = onto(
                heads, geometry, self.heads, self.geometry, self.networks.skeleton, mirrored=mirrored
            )
        return self._brought[key]

    @property
    def truth(self) -> dict[str, Any]:
        """What the labels say of each tensor; see `perfect`."""
        if self._truth is None:
            self._truth = perfect(self.heads, self.people, self.geometry, self.networks.skeleton)
        return self._truth

    def crops(self) -> list[tuple[Image, tuple[int, int]]]:
        """The pixels of each person's box, an eighth larger on each side, and its top-left pixel."""
        height, width = self.image.shape[:2]
        found = []
        for x, y, w, h in self.people.boxed.tolist():
            left, top = int(max(x - _BOX_MARGIN * w, 0)), int(max(y - _BOX_MARGIN * h, 0))
            right = int(min(np.ceil(x + (1 + _BOX_MARGIN) * w), width))
            bottom = int(min(np.ceil(y + (1 + _BOX_MARGIN) * h), height))
            if left < right and top < bottom:
                found.append((np.ascontiguousarray(self.image[top:bottom, left:right]), (left, top)))
        return found
