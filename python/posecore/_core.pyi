"""
The C++ core of posecore.
"""

from __future__ import annotations

import collections.abc
import typing

import numpy
import numpy.typing

__all__: list[str] = [
    "MultiPoseDecoder",
    "decode_heatmaps",
    "decode_single",
    "write_input",
    "write_input_table",
]

class MultiPoseDecoder:
    def __init__(
        self,
        *,
        num_keypoints: int,
        edges: collections.abc.Sequence[tuple[int, int]],
        stride_px: float,
        max_poses: int,
        root_threshold: float,
        pose_threshold: float,
        nms_radius_px: float,
        refine_steps: int,
        local_maximum_radius: int,
    ) -> None: ...
    def decode(
        self,
        heatmaps: typing.Any,
        short_offsets: typing.Any,
        displacement_fwd: typing.Any,
        displacement_bwd: typing.Any,
        logits: bool,
        channels_first: bool,
        quantization: typing.Any,
        pixel_map: typing.Any = None,
    ) -> tuple[typing.Any, ...]:
        """
        Arrays xy (n, K, 2), scores (n, K), pose_scores (n,), visible (n, K) and track_ids (n,).
        """

def decode_heatmaps(
    heatmaps: typing.Any,
    stride_px: float,
    refinement: int,
    blur_sigma_cells: float,
    logits: bool,
    channels_first: bool,
    quantization: typing.Any,
    pixel_map: typing.Any = None,
) -> tuple[typing.Any, ...]: ...
def decode_single(
    heatmaps: typing.Any,
    short_offsets: typing.Any,
    stride_px: float,
    logits: bool,
    channels_first: bool,
    quantization: typing.Any,
    pixel_map: typing.Any = None,
) -> tuple[typing.Any, ...]: ...
def write_input(
    image: numpy.typing.NDArray[numpy.uint8],
    tensor: numpy.typing.NDArray[numpy.float32],
    left: int,
    top: int,
    scale: float,
    offset: float,
    pad: int,
    swap_red_blue: bool,
) -> None: ...
def write_input_table(
    image: numpy.typing.NDArray[numpy.uint8],
    tensor: numpy.typing.NDArray[numpy.uint8],
    left: int,
    top: int,
    table: numpy.typing.NDArray[numpy.uint8],
    pad: int,
    swap_red_blue: bool,
) -> None: ...

__version__: str
