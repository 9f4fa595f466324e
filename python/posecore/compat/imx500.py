"""People in what Raspberry Pi's AI Camera (Sony IMX500) sends when it runs PoseNet: Picamera2 has no decoder for it.

```python
from posecore.compat.imx500 import decode

metadata = camera.capture_metadata()
poses = decode(metadata["CnnOutputTensor"], scaler_crop=metadata["ScalerCrop"], main_size=(1280, 960))
```

The options have the names and the values of rpicam-apps' stage "imx500_posenet"; what decodes is `posecore.Decoder`,
so that a duplicate never takes a person's place.
"""

from __future__ import annotations

import array
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from posecore.arguments import number, size, whole
from posecore.decode import Decoder, Onto
from posecore.heads import Heads
from posecore.poses import Poses
from posecore.skeletons import COCO17

__all__ = ["decode"]

Rectangle = tuple[int, int, int, int]

SENSOR_SIZE = (4056, 3040)
"""(width, height) of the IMX500 in pixels, which ScalerCrop counts."""
_INPUT_SIZE = (481, 353)
_STRIDE_PX = 16
_GRID = (23, 31)
_CHANNELS = (17, 34, 64)
_CELLS = _GRID[0] * _GRID[1]
_NUMBERS = sum(_CHANNELS) * _CELLS
# Of memoryviews, by the letters of `struct`: float32 as the camera's processor has it, or bytes that hold it.
_FORMATS = ("<f", "B", "b", "c", *(("f", "@f", "=f") if sys.byteorder == "little" else ()))


def decode(
    buffer: Any,
    *,
    scaler_crop: Sequence[int] | None = None,
    main_size: tuple[int, int] | None = None,
    inference_roi: Sequence[int] | None = None,
    max_detections: int = 5,
    threshold: float = 0.4,
    offset_refinement_steps: int = 5,
    nms_radius: float = 10.0,
) -> Poses:
    """The people of one frame, best first, in pixels of the main stream.

    Args:
        buffer: the frame's output tensor: `metadata["CnnOutputTensor"]`, or the same 81,995 numbers as a float32 array
            or bytes, or a memoryview of either (three blocks, each [channel][x][y]: 17 heatmaps of logits, 34 short and
            64 mid offsets in pixels of the network's input, on 31 x 23 cells), or the three arrays (23, 31, channels)
            that Picamera2's `IMX500.get_outputs` makes of it, with an axis for the batch or without.
        scaler_crop: `metadata["ScalerCrop"]`, what the main stream shows: x, y, width, height in pixels of the sensor.
            None is all of it.
        main_size: (width, height) of the main stream; None is the size of `scaler_crop`.
        inference_roi: what the network sees, as `IMX500.set_inference_roi_abs` was told: x, y, width, height in pixels
            of the sensor. None is all of it, as the camera starts.
        max_detections: at most so many people, 1..65536.
        threshold: score in [0, 1] from which a keypoint starts a person, and below which a person is dropped.
        offset_refinement_steps: short-offset corrections after each displacement, 0..100.
        nms_radius: two keypoints of one kind within this many pixels of the network's input are one, 0 or more.

    Points may lie outside of the main stream, where the network sees more than it. The network's input, 481 x 353
    pixels, is `inference_roi` stretched, and pixels have their centres at whole numbers in all of the three pictures;
    rpicam-apps rounds three times on this way and takes the centres of the outer pixels for the edges, which is up to
    half a pixel of the network's input.

    Raises:
        TypeError: another type; a buffer of another dtype, or a memoryview of another format.
        ValueError: another number of values; an option out of range.
    """
    crop = _rectangle(scaler_crop, "scaler_crop")
    roi = _rectangle(inference_roi, "inference_roi")
    main = crop[2:] if main_size is None else size(main_size, "main_size")
    least = number(threshold, "threshold", 0, 1)
    decoder = Decoder(
        COCO17,
        stride_px=_STRIDE_PX,
        max_poses=whole(max_detections, "max_detections", 1, 65536),
        root_threshold=least,
        pose_threshold=least,
        nms_radius_px=number(nms_radius, "nms_radius", 0, 65536),
        refine_steps=whole(offset_refinement_steps, "offset_refinement_steps", 0, 100),
    )
    heatmaps, short, mid = _blocks(buffer)
    half = mid.shape[2] // 2
    heads = Heads(heatmaps, short, mid[:, :, :half], mid[:, :, half:], stride_px=_STRIDE_PX, scores="logits")
    return decoder.decode(heads, _onto(crop, roi, main))


def _onto(crop: Rectangle, roi: Rectangle, main: tuple[int, int]) -> Onto:
    """The way from the network's input over the sensor to the main stream."""
    scales, shifts = [], []
    for axis in (0, 1):
        to_sensor, to_main = roi[2 + axis] / _INPUT_SIZE[axis], main[axis] / crop[2 + axis]
        scales.append(to_sensor * to_main)
        shifts.append((roi[axis] + 0.5 * to_sensor - crop[axis]) * to_main - 0.5)
    return Onto((scales[0], scales[1], shifts[0], shifts[1]), main)


def _blocks(buffer: Any) -> tuple[npt.NDArray[Any], ...]:
    """Heatmaps, short and mid offsets as (23, 31, channels), in place where that is possible."""
    if isinstance(buffer, (list, tuple)) and len(buffer) == len(_CHANNELS):
        return tuple(_tensor(tensor, channels) for tensor, channels in zip(buffer, _CHANNELS, strict=True))
    values = _numbers(buffer)
    ends = np.cumsum([channels * _CELLS for channels in _CHANNELS])[:-1]
    blocks = zip(np.split(values, ends), _CHANNELS, strict=True)
    return tuple(block.reshape(channels, _GRID[1], _GRID[0]).transpose(2, 1, 0) for block, channels in blocks)


def _tensor(tensor: Any, channels: int) -> npt.NDArray[Any]:
    wanted = f"buffer: wanted float32 of shape ({_GRID[0]}, {_GRID[1]}, {channels})"
    if not isinstance(tensor, np.ndarray):
        raise TypeError(f"{wanted}, got {type(tensor).__name__}")
    if tensor.dtype != np.float32:
        raise TypeError(f"{wanted}, got {tensor.dtype}")
    one = tensor[0] if tensor.ndim == 4 and len(tensor) == 1 else tensor
    if one.shape != (*_GRID, channels):
        raise ValueError(f"{wanted}, got {tensor.shape}")
    return one


def _numbers(buffer: Any) -> npt.NDArray[Any]:
    wanted = f"buffer: wanted {_NUMBERS} float32 numbers, PoseNet's output of one frame"
    if isinstance(buffer, np.ndarray):
        if buffer.dtype != np.float32:
            raise TypeError(f"{wanted}, got {buffer.dtype}")
        values = buffer
    elif isinstance(buffer, (bytes, bytearray, memoryview)):
        if memoryview(buffer).format not in _FORMATS:
            raise TypeError(f"{wanted}, got a memoryview of format {memoryview(buffer).format!r}")
        if memoryview(buffer).nbytes != 4 * _NUMBERS:
            raise ValueError(f"{wanted}, got {memoryview(buffer).nbytes} bytes")
        values = np.frombuffer(bytes(buffer), "<f4").astype(np.float32, copy=False)
    elif isinstance(buffer, (list, tuple)):
        if len(buffer) != _NUMBERS:
            raise ValueError(f"{wanted}, got {len(buffer)}")
        try:
            # Unlike numpy.array it takes numbers only; what is beyond float32 becomes infinite, as the decoder expects.
            values = np.frombuffer(array.array("f", buffer), np.float32)
        except (TypeError, OverflowError):
            raise TypeError(f"{wanted}, got something else among them") from None
    else:
        raise TypeError(f"{wanted}, got {type(buffer).__name__}")
    if values.shape != (_NUMBERS,):
        raise ValueError(f"{wanted}, got shape {values.shape}")
    return values


def _rectangle(value: object, name: str) -> Rectangle:
    """x, y, width, height in pixels of the sensor."""
    if value is None:
        return 0, 0, *SENSOR_SIZE
    sides = tuple(value) if isinstance(value, (tuple, list)) else ()
    if len(sides) != 4:
        raise TypeError(f"{name}: wanted x, y, width, height in pixels of the sensor, got {value!r}")
    x, y = (whole(side, name, 0, 65535) for side in sides[:2])
    width, height = (whole(side, name, 1, 65536) for side in sides[2:])
    return x, y, width, height
