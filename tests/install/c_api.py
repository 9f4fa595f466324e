"""posecore.h as ctypes sees it: the structures by hand, as somebody in another language writes them."""

from __future__ import annotations

import ctypes
import re
from ctypes import (
    POINTER,
    c_char_p,
    c_double,
    c_float,
    c_int32,
    c_int64,
    c_size_t,
    c_ssize_t,
    c_void_p,
)
from pathlib import Path
from typing import Any

ABI_VERSION = 1
OK, NULL_POINTER, BAD_SKELETON, BAD_OPTIONS = range(4)
FLOAT32, UINT8, INT8 = range(3)


class Structure(ctypes.Structure):
    """Made by name: `Tensor(rows=2)`."""


def structure(name: str, **fields: Any) -> Any:
    return type(name, (Structure,), {"_fields_": list(fields.items())})


Tensor = structure(
    "Tensor",
    data=c_void_p,
    type=c_int32,
    rows=c_int32,
    columns=c_int32,
    channels=c_int32,
    row_stride=c_ssize_t,
    column_stride=c_ssize_t,
    channel_stride=c_ssize_t,
    scale=c_float,
    zero_point=c_int32,
)
Heads = structure(
    "Heads",
    heatmaps=Tensor,
    short_offsets=Tensor,
    displacement_fwd=Tensor,
    displacement_bwd=Tensor,
    scores=c_int32,
)
Poses = structure(
    "Poses",
    xy=c_void_p,
    scores=c_void_p,
    pose_scores=c_void_p,
    capacity=c_int32,
    count=c_int32,
    map=c_void_p,
)
MultiOptions = structure(
    "MultiOptions",
    stride_px=c_float,
    max_poses=c_int32,
    root_threshold=c_float,
    pose_threshold=c_float,
    nms_radius_px=c_float,
    refine_steps=c_int32,
    local_maximum_radius=c_int32,
    sampling=c_int32,
    rescore=c_int32,
)
FramePoses = structure(
    "FramePoses",
    xy=c_void_p,
    scores=c_void_p,
    pose_scores=c_void_p,
    visible=c_void_p,
    count=c_int32,
    time_s=c_double,
)
MeasuredPoses = structure("MeasuredPoses", xy=c_void_p, scores=c_void_p, seen=c_void_p, sizes_px=c_void_p)
SmoothedPoses = structure("SmoothedPoses", xy=c_void_p, kinds=c_void_p)
OksDetections = structure(
    "OksDetections",
    xy=c_void_p,
    row_stride=c_ssize_t,
    keypoint_stride=c_ssize_t,
    axis_stride=c_ssize_t,
    rows=c_void_p,
    count=c_int64,
)
OksTruths = structure(
    "OksTruths",
    xy=c_void_p,
    row_stride=c_ssize_t,
    keypoint_stride=c_ssize_t,
    axis_stride=c_ssize_t,
    visibility=c_void_p,
    visibility_stride=c_ssize_t,
    areas_px2=c_void_p,
    boxes=c_void_p,
    rows=c_void_p,
    count=c_int64,
)

# What the functions give back and take, for those that the tests call.
FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "message": (c_char_p, [c_int32]),
    "version": (c_char_p, []),
    "abi_version": (c_int32, []),
    "coco17": (c_void_p, []),
    "coco17_body": (c_void_p, []),
    "hwc_tensor": (Tensor, [c_void_p, c_int32, c_int32, c_int32, c_int32, c_float, c_int32]),
    "chw_tensor": (Tensor, [c_void_p, c_int32, c_int32, c_int32, c_int32, c_float, c_int32]),
    "multi_options_init": (None, [POINTER(MultiOptions)]),
    "multi_plan_bytes": (c_size_t, [c_int32]),
    "multi_plan_make": (c_int32, [c_void_p, POINTER(MultiOptions), c_void_p, c_size_t, POINTER(c_void_p)]),
    "multi_workspace_bytes": (c_size_t, [c_void_p, c_int32, c_int32]),
    "decode_multi": (c_int32, [c_void_p, POINTER(Heads), c_void_p, c_size_t, POINTER(Poses)]),
    "decode_single": (c_int32, [POINTER(Heads), c_float, POINTER(Poses)]),
    "kalman_plan_bytes": (c_size_t, []),
    "kalman_plan_make": (c_int32, [c_void_p, c_int32, c_void_p, c_size_t, POINTER(c_void_p)]),
    "kalman_person_bytes": (c_size_t, [c_void_p]),
    "kalman_smooth_track": (
        c_int32,
        [c_void_p, POINTER(MeasuredPoses), c_int32, c_void_p, c_void_p, c_size_t, POINTER(SmoothedPoses)],
    ),
    "tracker_plan_bytes": (c_size_t, [c_int32]),
    "tracker_plan_make": (c_int32, [c_void_p, c_void_p, c_void_p, c_size_t, POINTER(c_void_p)]),
    "tracker_workspace_bytes": (c_size_t, [c_void_p]),
    "tracker_start": (c_int32, [c_void_p, c_void_p, c_size_t]),
    "tracker_update": (c_int32, [c_void_p, POINTER(FramePoses), c_void_p, c_size_t, c_void_p]),
    "oks_double": (
        c_int32,
        [c_void_p, c_int32, POINTER(OksDetections), POINTER(OksTruths), c_void_p, c_ssize_t],
    ),
}


class Library:
    """The shared library: `library.decode_multi(...)` is posecore_decode_multi."""

    def __init__(self, path: Path) -> None:
        self.loaded = ctypes.CDLL(str(path))

    def __getattr__(self, name: str) -> Any:
        function = getattr(self.loaded, f"posecore_{name}")
        function.restype, function.argtypes = FUNCTIONS[name]
        return function


def declared(repository: Path) -> set[str]:
    """The functions of the C headers."""
    headers = sorted((repository / "cpp" / "include" / "posecore" / "c").glob("*.h"))
    text = "".join(path.read_text(encoding="utf-8") for path in headers)
    return set(re.findall(r"^POSECORE_API [\w ]+?\*? ?\b(posecore_\w+)\(", text, re.MULTILINE))
