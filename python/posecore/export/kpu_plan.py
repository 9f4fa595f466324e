"""`plan_kpu`: which bytes of the KPU's memory each layer will have, known before any compiler runs.

K210's KPU has 2 MiB of its own, 32,768 rows of 64 bytes, and every tensor between two of its layers lies there whole.
A line of a tensor takes whole rows: wide ones ceil(width / 64) a channel, narrow ones share a row between 2 channels
(up to 32 cells) or 4 (up to 16). nncase places each tensor into the first gap that holds it, and frees it behind its
last reader: the rows here are those in its files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from posecore import arguments
from posecore.export.contract import contract
from posecore.export.kpu_network import KpuNetwork, kpu_network
from posecore.skeletons import Skeleton

Size = tuple[int, int]

ROW_BYTES = 64
KPU_BYTES = 2 << 20
_ROWS = KPU_BYTES // ROW_BYTES
_PICTURE_CHANNELS = 3
# Cells; outside of them nncase gives a layer to the CPU.
_LEAST_SIDE, MOST_WIDTH, MOST_HEIGHT = 4, 512, 256


@dataclass(frozen=True, slots=True)
class KpuPlacement:
    """One tensor in the KPU's memory.

    Attributes:
        layer: the layer that makes it; "image" is the picture.
        size: (width, height, channels) in cells.
        first_row: of 64 bytes, None where there is no gap for it.
        rows: how many.
    """

    layer: str
    size: tuple[int, int, int]
    first_row: int | None
    rows: int


@dataclass(frozen=True, slots=True)
class KpuPlan:
    """Whether a network fits into the KPU at one size of its input.

    Attributes:
        network: its layers.
        size: (width, height) of the input in pixels.
        placements: the picture's and each layer's tensor, up to the first that does not fit.
        peak_bytes: the end of the highest tensor, or what the first one that does not fit would need.
        sizes: (width, height) of the largest inputs that fit, largest area first; none of them is inside another.
        inside: those that fit inside of `size`, likewise.
    """

    network: KpuNetwork
    size: Size
    placements: tuple[KpuPlacement, ...]
    peak_bytes: int
    sizes: tuple[Size, ...]
    inside: tuple[Size, ...]

    @property
    def fits(self) -> bool:
        """Whether every tensor has its place."""
        return self.misfit is None

    @property
    def misfit(self) -> KpuPlacement | None:
        """The first tensor that there is no place for."""
        last = self.placements[-1]
        return last if last.first_row is None else None

    def sentence(self) -> str:
        """One sentence for a person."""
        width, height = self.size
        what = f"{self.network.name} at {height}x{width} (height x width)"
        misfit = self.misfit
        if misfit is None:
            return f"{what} fits into the KPU: {self.peak_bytes:,} of {KPU_BYTES:,} bytes"
        return (
            f"{what} does not fit into the KPU: with {misfit.layer} {misfit.size[1]}x{misfit.size[0]}x{misfit.size[2]} "
            f"it would take {self.peak_bytes:,} of {KPU_BYTES:,} bytes; inside of it {_listed(self.inside)} would fit, "
            f"and the largest of all that fit are {_listed(self.sizes)}"
        )

    def as_dict(self) -> dict[str, Any]:
        """What is known, for JSON."""
        return {
            "size": list(self.size),
            "fits": self.fits,
            "peak_bytes": self.peak_bytes,
            "kpu_bytes": KPU_BYTES,
            "misfit": None if self.misfit is None else self.misfit.layer,
            "sizes": [list(size) for size in self.sizes],
            "inside": [list(size) for size in self.inside],
        }


def plan_kpu(model: Any, size: Size, *, skeleton: Skeleton | None = None) -> KpuPlan:
    """Place every tensor of a Keras model into the KPU's memory.

    Args:
        model: one of posecore's networks as a `keras.Model`.
        size: (width, height) of the input in pixels.
        skeleton: what its keypoints are; None is COCO's for a model of 17.

    Raises:
        TypeError, ValueError: no model, or a size that the KPU cannot take.
        ModelError: a model with layers that the KPU cannot run.
    """
    return plan_network(kpu_network(contract(model, skeleton=skeleton)), size)


def plan_network(network: KpuNetwork, size: Size) -> KpuPlan:
    """As `plan_kpu`, for the layers that `kpu_network` gave."""
    size = _checked(network, size)
    placements, peak = _placed(network, size)
    whole = _largest(network, (MOST_WIDTH, MOST_HEIGHT))
    return KpuPlan(network, size, placements, peak * ROW_BYTES, whole, _largest(network, size))


def rows_of(width: int, height: int, channels: int) -> int:
    """Rows of 64 bytes that a tensor takes."""
    if width <= ROW_BYTES // 4:
        return -(-channels // 4) * height
    if width <= ROW_BYTES // 2:
        return -(-channels // 2) * height
    return -(-width // ROW_BYTES) * height * channels


def _checked(network: KpuNetwork, size: Size) -> Size:
    width, height = arguments.size(size, "size")
    step = network.stride_px
    if width % step or height % step:
        near = [f"{max(round(side / step), 1) * step}" for side in (height, width)]
        raise ValueError(
            f"size: wanted a height and a width that {step} divides, since the KPU halves even sizes, got "
            f"{height}x{width} (height x width); {'x'.join(near)} is near"
        )
    least = _LEAST_SIDE * step
    if not (least <= width <= MOST_WIDTH and least <= height <= MOST_HEIGHT):
        raise ValueError(
            f"size: wanted a height of {least} to {MOST_HEIGHT} and a width of {least} to {MOST_WIDTH} pixels, which "
            f"the KPU takes, got {height}x{width} (height x width)"
        )
    return width, height


def _placed(network: KpuNetwork, size: Size) -> tuple[tuple[KpuPlacement, ...], int]:
    """The placements, and the row behind the highest of them."""
    shapes = _shapes(network, size)
    last_reader = {layer.source: number for number, layer in enumerate(network.layers)}
    image = KpuPlacement("image", (*size, _PICTURE_CHANNELS), 0, rows_of(*size, _PICTURE_CHANNELS))
    placements = [image]
    live = {-1: image}
    peak = image.rows
    for number, layer in enumerate(network.layers):
        rows = rows_of(*shapes[number])
        first, end = _first_gap(list(live.values()), rows)
        placements.append(KpuPlacement(layer.name, shapes[number], first, rows))
        peak = max(peak, end)
        if first is None:
            break
        if number in last_reader:  # an output goes to main memory at once
            live[number] = placements[-1]
        if last_reader[layer.source] == number:
            del live[layer.source]
    return tuple(placements), peak


def _shapes(network: KpuNetwork, size: Size) -> list[tuple[int, int, int]]:
    """(width, height, channels) of what each layer leaves in memory. The stride of a depthwise convolution is that of
    the 1x1 convolution behind it: the KPU drops cells where it pools, and it does not pool behind depthwise ones."""
    found: list[tuple[int, int, int]] = []
    for layer in network.layers:
        width, height, _ = found[layer.source] if layer.source >= 0 else (*size, 0)
        before = network.layers[layer.source] if layer.source >= 0 else None
        inherited = before is not None and before.depthwise and before.stride == 2
        step = 2 if inherited or (layer.stride == 2 and not layer.depthwise) else 1
        found.append((width // step, height // step, layer.channels))
    return found


def _first_gap(live: Sequence[KpuPlacement], rows: int) -> tuple[int | None, int]:
    """The row that the lowest gap of so many rows starts with, None where there is none; and the row behind it."""
    start = 0
    for one in sorted(live, key=lambda one: one.first_row or 0):
        first = one.first_row or 0
        if first - start >= rows:
            break
        start = max(start, first + one.rows)
    return (start if start + rows <= _ROWS else None), start + rows


def _largest(network: KpuNetwork, within: Size) -> tuple[Size, ...]:
    """The largest sizes that fit, none of them inside another."""
    step = network.stride_px
    least = _LEAST_SIDE * step
    largest: list[Size] = []
    most = least - step
    for width in range(within[0] // step * step, least - 1, -step):
        for height in range(within[1] // step * step, most, -step):
            if _placed(network, (width, height))[0][-1].first_row is not None:
                largest.append((width, height))
                most = height
                break
    return tuple(sorted(largest, key=lambda size: (-size[0] * size[1], size)))


def _listed(sizes: Sequence[Size]) -> str:
    return ", ".join(f"{height}x{width}" for width, height in sizes) or "none"
