"""
The C++ core of posecore.
"""

from __future__ import annotations

import collections.abc
import typing

import numpy
import numpy.typing

__all__: list[str] = [
    "KalmanFilter",
    "MultiPoseDecoder",
    "OneEuroFilter",
    "PoseTracker",
    "PosesMaker",
    "SwapRepairer",
    "accumulate_matches",
    "compiler",
    "coordinate_targets",
    "decode_heatmaps",
    "decode_single",
    "disc_targets",
    "gaussian_targets",
    "mask_owners",
    "match_people",
    "oks",
    "oks_of_pairs",
    "read_coco_results",
    "read_coco_truths",
    "simd_path",
    "write_input",
    "write_input_table",
]

class PosesMaker:
    def __call__(self, fields: tuple[typing.Any, ...]) -> typing.Any:
        """
        An object of the type with these fields.
        """
    def __init__(self, type: type, slots: tuple[typing.Any, ...]) -> None: ...

class MultiPoseDecoder:
    def __init__(
        self,
        maker: PosesMaker,
        skeleton: typing.Any,
        heads_type: type,
        onto_type: type,
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
        sampling: int,
        rescore: bool,
        tfjs: bool,
    ) -> None: ...
    def decode(self, heads: typing.Any, onto: typing.Any) -> typing.Any:
        """
        The Poses of one Heads.
        """
    def decode_arrays(
        self,
        heatmaps: typing.Any,
        short_offsets: typing.Any,
        displacement_fwd: typing.Any,
        displacement_bwd: typing.Any,
    ) -> typing.Any:
        """
        The Poses of four float32 arrays (h, w, channels).
        """
    def decode_batch(self, frames: tuple[typing.Any, ...], threads: int) -> list[typing.Any]:
        """
        A list of Poses, one a Heads.
        """

class KalmanFilter:
    def __init__(
        self,
        *,
        num_keypoints: int,
        fps: float,
        noise: float,
        least_score: float,
        acceleration: float,
        hold_s: float,
        speed: float,
        gate_sigmas: float,
        gated_before_restart: int,
        max_coast_frames: int,
        constant_position: bool,
        floats: bool,
    ) -> None: ...
    def count(self, slot: int) -> tuple[typing.Any, ...]:
        """
        (saturations, gated, coasted, restarts) of a slot.
        """
    def forget(self, slot: int) -> tuple[typing.Any, ...]: ...
    def go_at(self, pace: float, acceleration: float) -> None: ...
    def people(
        self,
        xy: numpy.typing.NDArray[numpy.float32],
        scores: numpy.typing.NDArray[numpy.float32] | None,
        seen: numpy.typing.NDArray[numpy.uint8] | None,
        sizes: numpy.typing.NDArray[numpy.float32] | None,
        time_s: float | None,
        slots: numpy.typing.NDArray[numpy.int32],
        out: numpy.typing.NDArray[numpy.float32],
        kinds: numpy.typing.NDArray[numpy.uint8],
    ) -> None: ...
    def track(
        self,
        xy: numpy.typing.NDArray[numpy.float32],
        scores: numpy.typing.NDArray[numpy.float32] | None,
        seen: numpy.typing.NDArray[numpy.uint8] | None,
        sizes: numpy.typing.NDArray[numpy.float32] | None,
        times: numpy.typing.NDArray[numpy.float64] | None,
        out: numpy.typing.NDArray[numpy.float32],
        kinds: numpy.typing.NDArray[numpy.uint8],
    ) -> tuple[typing.Any, ...]: ...
    def track_integers(
        self,
        xy: numpy.typing.NDArray[numpy.int32],
        weakness: numpy.typing.NDArray[numpy.uint32],
        frames: numpy.typing.NDArray[numpy.uint32],
        size: int,
    ) -> numpy.typing.NDArray[numpy.int32]: ...

class OneEuroFilter:
    def __init__(
        self,
        *,
        num_keypoints: int,
        fps: float,
        min_cutoff_hz: float,
        beta: float,
        derivative_cutoff_hz: float,
        max_coast_frames: int,
    ) -> None: ...
    def count(self, slot: int) -> tuple[typing.Any, ...]:
        """
        (saturations, gated, coasted, restarts) of a slot.
        """
    def forget(self, slot: int) -> tuple[typing.Any, ...]: ...
    def go_at(self, pace: float, acceleration: float) -> None: ...
    def people(
        self,
        xy: numpy.typing.NDArray[numpy.float32],
        scores: numpy.typing.NDArray[numpy.float32] | None,
        seen: numpy.typing.NDArray[numpy.uint8] | None,
        sizes: numpy.typing.NDArray[numpy.float32] | None,
        time_s: float | None,
        slots: numpy.typing.NDArray[numpy.int32],
        out: numpy.typing.NDArray[numpy.float32],
        kinds: numpy.typing.NDArray[numpy.uint8],
    ) -> None: ...
    def track(
        self,
        xy: numpy.typing.NDArray[numpy.float32],
        scores: numpy.typing.NDArray[numpy.float32] | None,
        seen: numpy.typing.NDArray[numpy.uint8] | None,
        sizes: numpy.typing.NDArray[numpy.float32] | None,
        times: numpy.typing.NDArray[numpy.float64] | None,
        out: numpy.typing.NDArray[numpy.float32],
        kinds: numpy.typing.NDArray[numpy.uint8],
    ) -> tuple[typing.Any, ...]: ...

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

def compiler() -> str: ...
def coordinate_targets(
    sample_xy: typing.Any,
    visibility: typing.Any,
    boxes: typing.Any,
    ignored: typing.Any,
    width: int,
    height: int,
    num_keypoints: int,
) -> numpy.typing.NDArray[numpy.float32]:
    """
    The array (K, 2).
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
def disc_targets(
    sample_xy: typing.Any,
    visibility: typing.Any,
    boxes: typing.Any,
    ignored: typing.Any,
    width: int,
    height: int,
    num_keypoints: int,
    edges: numpy.typing.NDArray[numpy.int32],
    stride_px: int,
    radius_px: float,
    box_margin: float,
) -> tuple[typing.Any, ...]:
    """
    Arrays heatmap (h, w, K), short offsets (h, w, 2K), displacements forward and backward (h, w, 2E).
    """

def gaussian_targets(
    sample_xy: typing.Any,
    visibility: typing.Any,
    boxes: typing.Any,
    ignored: typing.Any,
    width: int,
    height: int,
    num_keypoints: int,
    stride_px: int,
    sigma_px: float,
    shift_px: float,
    background: bool,
    box_margin: float,
) -> numpy.typing.NDArray[numpy.float32]:
    """
    The array (h, w, K), or (h, w, K + 1) with the background last.
    """

def mask_owners(
    long_offsets: typing.Any,
    segments: typing.Any,
    xy: numpy.typing.NDArray[numpy.float32],
    stride_px: float,
    refine_steps: int,
    segment_threshold: float,
    logits: bool,
    channels_first: bool,
    quantization: typing.Any,
    pixel_map: typing.Any,
    rows: int,
    columns: int,
) -> numpy.typing.NDArray[numpy.int32]: ...
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

def oks(
    detections: numpy.ndarray,
    truths: numpy.ndarray,
    areas: typing.Any,
    boxes: typing.Any,
    sigmas: collections.abc.Sequence[float],
    threads: int,
) -> numpy.ndarray:
    """
    (D, T) of detections (D, K, 2) and truths (T, K, 3) of one dtype.
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

def read_coco_results(
    fill: collections.abc.Callable[[memoryview], int],
    fields: collections.abc.Sequence[str],
    num_keypoints: int,
    part_score: str = "",
) -> tuple[typing.Any, ...]:
    """
    The list's name, image ids, category ids, whether there is one, xy, keypoint scores, scores,
    areas (NaN: those of xy). `part_score` is taken instead of score where there is one.
    """

def read_coco_truths(
    fill: collections.abc.Callable[[memoryview], int], fields: collections.abc.Sequence[str]
) -> tuple[typing.Any, ...]:
    """
    `fill` puts the next bytes and says how many, 0 at the end. Tuples of columns: images, categories, people.
    """

def simd_path() -> str: ...
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
