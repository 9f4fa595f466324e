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
    "PoseTracker",
    "SwapRepairer",
    "accumulate_matches",
    "decode_heatmaps",
    "decode_single",
    "match_people",
    "oks_of_pairs",
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

class PoseTracker:
    def __init__(
        self,
        *,
        num_keypoints: int,
        sigmas: collections.abc.Sequence[float] | None,
        flip: collections.abc.Sequence[int],
        max_people: int,
        min_hits: int,
        min_similarity: float,
        min_birth_score: float,
        max_gap_s: float,
    ) -> None: ...
    def counts(self) -> tuple[int, int]:
        """
        Births and deaths.
        """
    def reset(self) -> None: ...
    def tracks(self) -> list[tuple[int, float, float, int]]:
        """
        (id, first_seen_s, last_seen_s, hits) of each track, oldest first.
        """
    def update(
        self,
        xy: numpy.typing.NDArray[numpy.float32],
        scores: numpy.typing.NDArray[numpy.float32],
        pose_scores: numpy.typing.NDArray[numpy.float32],
        visible: numpy.typing.NDArray[numpy.bool],
        time_s: float,
    ) -> numpy.typing.NDArray[numpy.int64]:
        """
        The id of each pose, -1 for one that is nobody's.
        """

class SwapRepairer:
    def __init__(
        self,
        *,
        num_keypoints: int,
        sigmas: collections.abc.Sequence[float] | None,
        flip: collections.abc.Sequence[int],
        edges: collections.abc.Sequence[tuple[int, int]],
        max_people: int,
        patience_s: float,
        max_gap_s: float,
    ) -> None: ...
    def repair(
        self,
        ids: numpy.typing.NDArray[numpy.int64],
        xy: numpy.typing.NDArray[numpy.float32],
        scores: numpy.typing.NDArray[numpy.float32],
        visible: numpy.typing.NDArray[numpy.bool],
        time_s: float,
    ) -> tuple[typing.Any, ...]:
        """
        Arrays xy, scores and visible, and how many exchanges and duplicates there were.
        """
    def reset(self) -> None: ...

def accumulate_matches(
    ranking: numpy.typing.NDArray[numpy.int64],
    ranked_scores: numpy.typing.NDArray[numpy.float64],
    truth: numpy.typing.NDArray[numpy.int32],
    ignored: numpy.typing.NDArray[numpy.uint8],
    positives: int,
    recall_levels: numpy.typing.NDArray[numpy.float64],
) -> tuple[typing.Any, ...]:
    """
    Arrays precision (R,), scores (R,), and the recall of all detections.
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
def match_people(
    *,
    truth_xy: numpy.typing.NDArray[numpy.float64],
    visibility: numpy.typing.NDArray[numpy.uint8],
    truth_areas: numpy.typing.NDArray[numpy.float64],
    boxes: numpy.typing.NDArray[numpy.float64],
    crowd: numpy.typing.NDArray[numpy.uint8],
    sigmas: numpy.typing.NDArray[numpy.float64],
    truth_ignored: numpy.typing.NDArray[numpy.uint8] | None,
    truth_rows: numpy.typing.NDArray[numpy.int64],
    truth_offsets: numpy.typing.NDArray[numpy.int64],
    detection_xy: numpy.typing.NDArray[numpy.float64],
    detection_areas: numpy.typing.NDArray[numpy.float64] | None,
    detection_ignored: numpy.typing.NDArray[numpy.uint8] | None,
    detection_rows: numpy.typing.NDArray[numpy.int64],
    detection_offsets: numpy.typing.NDArray[numpy.int64],
    thresholds: collections.abc.Sequence[float],
    ranges: collections.abc.Sequence[tuple[float, float]],
) -> tuple[typing.Any, ...]:
    """
    Arrays truth (A, T, E), ignored (A, T, E), detection_of_truth (A, T, G) and truth_ignored (A, G).
    """

def oks_of_pairs(
    *,
    truth_xy: numpy.typing.NDArray[numpy.float64],
    visibility: numpy.typing.NDArray[numpy.uint8],
    truth_areas: numpy.typing.NDArray[numpy.float64],
    boxes: numpy.typing.NDArray[numpy.float64],
    sigmas: numpy.typing.NDArray[numpy.float64],
    detection_xy: numpy.typing.NDArray[numpy.float64],
    truth_rows: numpy.typing.NDArray[numpy.int64],
    detection_rows: numpy.typing.NDArray[numpy.int64],
) -> numpy.typing.NDArray[numpy.float64]:
    """
    (P,) OKS of pairs of rows.
    """

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
