"""What a frame of a run looks like: mirrored where that was asked for, with the drawings that were asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from posecore.errors import ModelError

if TYPE_CHECKING:
    import numpy.typing as npt

    from posecore.heads import Heads
    from posecore.poses import Poses

    Image = npt.NDArray[np.uint8]

OF_HEADS = ("heatmaps", "offsets")
"""Drawings of the network's tensors."""


class Renderer:
    """The same drawings on one frame after the other.

    Args:
        drawings: of "poses", "heatmaps", "offsets", "names".
        faint_below: score below which drawing is faint.
        mirror: mirror the picture after its people were found.
        model: the network's name, for what is said about it.
    """

    def __init__(self, drawings: tuple[str, ...], *, faint_below: float, mirror: bool, model: str) -> None:
        self._drawings, self._faint_below = drawings, faint_below
        self._mirror, self._model = mirror, model

    @property
    def needs_heads(self) -> bool:
        """Whether something of the network's tensors is drawn."""
        return bool(set(OF_HEADS) & set(self._drawings))

    def placed(self, poses: Poses, width: int) -> Poses:
        """The poses where they are in the picture as it is shown; it is `width` pixels wide."""
        # The network has seen the picture as it is: so left stays the person's own left.
        return poses.replace(xy=_flipped(poses.xy, width)) if self._mirror else poses

    def draw(
        self, image: Image, poses: Poses, *, heads: Heads | None, geometry: Any, decoded: Poses | None = None
    ) -> Image:
        """The picture as it is shown.

        Args:
            image: RGB uint8 (H, W, 3), as the network has seen it.
            poses: in its pixels, not yet placed.
            heads: of this picture; None where there are none.
            geometry: from the network's input to this picture.
            decoded: the poses as they came out of `heads`; None where `poses` are.

        Raises:
            ModelError: a drawing of heads, where there are none.
        """
        from posecore.drawing import draw, draw_heatmaps, draw_offsets

        wanted, width = self._drawings, image.shape[1]
        of_heads = [name for name in wanted if name in OF_HEADS]
        if of_heads and heads is None:
            raise ModelError(
                f"--draw {','.join(of_heads)}: wanted a model that gives heads, got {self._model}"
            )
        if self._mirror:
            image, geometry = np.ascontiguousarray(image[:, ::-1]), _Mirrored(geometry, width)
        canvas, poses, decoded = image, self.placed(poses, width), self.placed(decoded or poses, width)
        if "heatmaps" in wanted and heads is not None:
            canvas = draw_heatmaps(canvas, heads, geometry, skeleton=poses.skeleton)
        if "offsets" in wanted and heads is not None:
            canvas = draw_offsets(canvas, heads, geometry, decoded, darken="heatmaps" not in wanted)
        if "poses" in wanted or "names" in wanted:
            canvas = draw(canvas, poses, confidence=self._faint_below, names="names" in wanted)
        return canvas


class _Mirrored:
    """A geometry whose picture, `width` pixels wide, was mirrored afterwards."""

    def __init__(self, geometry: Any, width: int) -> None:
        self._geometry, self._width = geometry, width

    def to_image(self, xy: Any) -> Any:
        return _flipped(self._geometry.to_image(xy), self._width)

    def to_input(self, xy: Any) -> Any:
        return self._geometry.to_input(_flipped(xy, self._width))


def _flipped(xy: Any, width: int) -> Any:
    xy = np.array(xy)
    xy[..., 0] = width - 1 - xy[..., 0]
    return xy
