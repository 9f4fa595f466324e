"""Models that end in a PosenetDecoderOp, and one of a stock interpreter with posecore's delegate to run it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
from tiny_tflite import CUSTOM, FLOAT32, INT8, UINT8, Model, flexbuffer

import posecore as pc
from install.heads_file import two_people
from posecore.runtime.tflite_libraries import construct

DTYPES = {"float32": FLOAT32, "uint8": UINT8, "int8": INT8}
SCALES = (0.0625, 0.25, 1.0)
CHANNELS = (17, 34, 64)
# What the file says; other than posecore's defaults.
IN_FILE = {"max_detections": 30, "nms_radius": 8.0, "score_threshold": 0.25, "stride": 16}


class Output(NamedTuple):
    """What the operator wrote: (1, N, 17, 2) as (y, x), (1, N, 17), (1, N), (1,)."""

    poses: np.ndarray
    scores: np.ndarray
    pose_scores: np.ndarray
    count: np.ndarray


def decoder_alone(dtype: str = "uint8", *, grid: tuple[int, int] = (13, 20), free: bool = False) -> bytes:
    """Heads in, people out, and nothing between; with `free`, on grids of any size."""
    model = Model()
    zero_point = 128 if dtype == "uint8" else 0
    for name, channels, scale in zip(("heat", "short", "mid"), CHANNELS, SCALES, strict=True):
        quantised = {} if dtype == "float32" else {"scale": scale, "zero_point": zero_point}
        signature = [1, -1, -1, channels] if free else None
        shape = [1, *grid, channels]
        model.inputs.append(
            model.tensor(shape, name=name, dtype=DTYPES[dtype], signature=signature, **quantised)
        )
    model.outputs = [model.tensor([], name=f"poses:{i}") for i in range(4)]
    options = flexbuffer(IN_FILE)
    model.operator(CUSTOM, model.inputs, model.outputs, custom="PosenetDecoderOp", custom_options=options)
    return bytes(model)


def as_inputs(heads: pc.Heads, dtype: str) -> list[np.ndarray]:
    """Heads as `decoder_alone` takes them, each (1, h, w, channels)."""
    stored = [
        heads.heatmaps,
        heads.short_offsets,
        np.concatenate([heads.displacement_fwd, heads.displacement_bwd], axis=2),
    ]
    arrays = []
    for array, scale in zip(stored, SCALES, strict=True):
        whole = array.astype(np.int32) - 128
        arrays.append(whole * np.float32(scale) if dtype == "float32" else whole + 128 * (dtype == "uint8"))
    return [array.astype(dtype)[None] for array in arrays]


def people() -> pc.Heads:
    """Quantised heads of two people who stand on a grid of 13 x 20."""
    return two_people()[0]


def noise() -> pc.Heads:
    """Quantised heads that look like nobody: every option of a decoder changes what is seen in them."""
    rng = np.random.default_rng(7)
    heads = people()
    spans = {"heatmaps": 60, "short_offsets": 40, "displacement_fwd": 30, "displacement_bwd": 30}
    made = {
        name: rng.integers(128 - spans[name], 128 + spans[name], array.shape, dtype=np.uint8)
        for name, array in heads.tensors().items()
    }
    return replace(heads, **made)


class Plugged:
    """An interpreter of `library` that runs a model with posecore's delegate."""

    def __init__(
        self,
        library: ModuleType,
        model: bytes,
        options: Mapping[str, object] | None = None,
        *,
        exact: bool = False,
    ) -> None:
        self.delegate = library.load_delegate(pc.tflite_plugin_path(), dict(options or {}))
        self.interpreter = construct(library, model, threads=1, exact=exact, delegates=[self.delegate])

    def __call__(self, *inputs: np.ndarray) -> Output:
        for details, array in zip(self.interpreter.get_input_details(), inputs, strict=True):
            self.interpreter.set_tensor(details["index"], array)
        self.interpreter.invoke()
        return Output(*self.tensors()[:4])

    def tensors(self) -> list[np.ndarray]:
        return [self.interpreter.get_tensor(d["index"]) for d in self.interpreter.get_output_details()]

    def input_size(self) -> Sequence[int]:
        size: Sequence[int] = self.interpreter.get_input_details()[0]["shape"][1:3]
        return size


def as_operator(poses: Any, room: int) -> Output:
    """posecore's poses as the operator writes them, zeros behind."""
    output = Output(*(np.zeros((1, room, *tail), np.float32) for tail in ((17, 2), (17,), ())), np.zeros(1))
    output.poses[0, : len(poses)] = poses.xy[:, :, ::-1]
    output.scores[0, : len(poses)] = poses.scores
    output.pose_scores[0, : len(poses)] = poses.pose_scores
    output.count[0] = len(poses)
    return output
