"""What the filters over time take: checks of times, sizes and options, and the units that they are in."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from posecore.arguments import number
from posecore.poses import TIMES_S as TIMES_S

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float32]

NOMINAL_FPS = 30.0
FPS = (1.0, 1000.0)
HOLD_S = 1 / 30  # an acceleration of the model is drawn anew so often
LEAST_SCORE = 0.1  # lower scores count as this
MAX_KEYPOINTS = 1024
REACH_PX = 32768.0  # coordinates are held within this

# By the variance of a measurement: the variance that a frame adds to a velocity, and that of an unknown velocity.
_VELOCITY_NOISE = (1e-9, 1e3)
_START_VELOCITY = (1e-6, 1e6)


def usual_acceleration(fps: float) -> float:
    """What the filters take where nobody says, in sizes / s^2. Below 30 fps what a frame adds to a velocity stays what
    it is at 30, so that the gain of a frame does: else slow videos would be given back as they came."""
    return 10.0 * math.pow(min(1.0, fps / NOMINAL_FPS), 1.5)


def velocity_noise(acceleration: float, noise: float, fps: float) -> float:
    """The variance that one nominal frame adds to a velocity, (sizes / frame)^2 by noise^2."""
    return acceleration**2 * HOLD_S / (fps**3 * noise**2)


def want_motion(acceleration: float, noise: float, speed: float, fps: float) -> None:
    """A `ValueError` where these do not go together: the filter would follow every trembling, or nothing."""
    for name, value, ratio, (least, most) in (
        ("acceleration", acceleration, velocity_noise(acceleration, noise, fps), _VELOCITY_NOISE),
        ("speed", speed, (speed / (fps * noise)) ** 2, _START_VELOCITY),
    ):
        if not least <= ratio <= most:
            low, high = (value * (end / ratio) ** 0.5 for end in (least, most))
            raise ValueError(
                f"{name}: wanted {low:.3g} to {high:.3g} for noise {noise:g} at {fps:g} fps, got {value:g}"
            )


def gate(value: object, name: str = "gate_sigmas") -> float:
    """`value` as a float in [1, 1000], or 0."""
    sigmas = number(value, name, 0, 1000)
    if 0 < sigmas < 1:
        raise ValueError(f"{name}: wanted 0 for no gate, or a number from 1 to 1000, got {sigmas:g}")
    return sigmas


def times(time_s: object, frames: int) -> npt.NDArray[np.float64]:
    """`time_s` as (T,) float64 seconds that do not go back."""
    want_array(time_s, "time_s", np.float64, (frames,))
    found: npt.NDArray[np.float64] = np.ascontiguousarray(time_s)
    if not (np.abs(found) <= TIMES_S).all():
        raise ValueError(
            f"time_s: wanted finite seconds from {-TIMES_S:g} to {TIMES_S:g}, got {_first_bad(found)}"
        )
    back = np.flatnonzero(np.diff(found) < 0)
    if back.size:
        at = int(back[0])
        raise ValueError(
            f"time_s: wanted times that do not go back, got {found[at]:g} and then {found[at + 1]:g} at {at + 1}"
        )
    return found


def nominal_fps(fps: float | None, time_s: npt.NDArray[np.float64] | None) -> float:
    """`fps`, or that of the median step of the times (of those that go on), or 30."""
    if fps is not None or time_s is None or len(time_s) < 2:
        return fps or NOMINAL_FPS
    steps = np.diff(time_s)
    steps = steps[steps > 0]
    return min(max(1 / float(np.median(steps)), FPS[0]), FPS[1]) if len(steps) else NOMINAL_FPS


def sizes(size_px: object, frames: int) -> FloatArray | None:
    """`size_px` as (T,) float32 pixels, or None for sizes from keypoints."""
    if size_px is None:
        return None
    if not isinstance(size_px, np.ndarray):
        return np.full(frames, number(size_px, "size_px", 1 / 64, 32768), np.float32)
    want_array(size_px, "size_px", np.float32, (frames,))
    if size_px.size and not (size_px.min() >= 1 / 64 and size_px.max() <= 32768):
        raise ValueError(
            f"size_px: wanted pixels from 1/64 to 32768, got {size_px.min():g} to {size_px.max():g}"
        )
    return np.ascontiguousarray(size_px)


def want_array(array: object, name: str, dtype: Any, shape: tuple[int | None, ...]) -> None:
    """A sentence where `array` is not a NumPy array of this dtype and shape; None is any length."""
    names = iter("TK")
    wanted = ", ".join(next(names, "n") if side is None else str(side) for side in shape)
    wanted = f"{np.dtype(dtype).name} of shape ({wanted}{',' if len(shape) == 1 else ''})"
    if not isinstance(array, np.ndarray):
        raise TypeError(f"{name}: wanted a NumPy array {wanted}, got {type(array).__name__}")
    if array.dtype != dtype:
        raise TypeError(f"{name}: wanted dtype {np.dtype(dtype).name}, got {array.dtype}")
    if array.ndim != len(shape) or any(
        side is not None and side != got for side, got in zip(shape, array.shape, strict=True)
    ):
        raise ValueError(f"{name}: wanted {wanted}, got {array.shape}")


def _first_bad(found: npt.NDArray[np.float64]) -> float:
    return float(found[~(np.abs(found) <= TIMES_S)][0])
