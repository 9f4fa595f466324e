"""What the filters over time take: checks of times, sizes and options, and the units that they are in."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, Any

import numpy as np

from posecore.arguments import number, whole
from posecore.poses import TIMES_S as TIMES_S
from posecore.skeletons import Skeleton

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float32]

NOMINAL_FPS = 30.0
FPS = (1.0, 1000.0)
PACE = (1 / 64, 2048.0)  # nominal frames from one frame to the next
HOLD_S = 1 / 30  # an acceleration of the model is drawn anew so often
LEAST_SCORE = 0.3  # lower scores count as this: on the shared clips they tremble no more
MAX_KEYPOINTS = 1024
REACH_PX = 32768.0  # coordinates are held within this

# By the variance of a measurement: the variance that a frame adds to a velocity, and that of an unknown velocity.
_VELOCITY_NOISE = (1e-9, 1e3)
_START_VELOCITY = (1e-6, 1e6)
_FOLLOWED_FPS = 5.5


def usual_acceleration(fps: float, noise: float = 0.02, unit_fps: float | None = None) -> float:
    """What the filters take where nobody says, in sizes / s^2: 10 from 30 fps on, and less below in proportion to the
    rate; from 5.5 fps down more again, up to 10.

    Physics would have it constant, and slow videos be given back as they came. With fps^1.5 the gain of a frame would
    be that of 30 fps, but people do not wait for slow cameras: at 5 fps somebody who squats, seen with a noise of
    0.6 % of her size, would come out 2.7 times as wrong as she went in, and 1.1 times as it is. Below that, where she
    will be in the next frame cannot be told, and what is measured is followed. `unit_fps` is that of a filter whose
    nominal frames are others.
    """
    slow = 10.0 * min(1.0, fps / NOMINAL_FPS)
    wanted = slow if fps >= _FOLLOWED_FPS else min(10.0, slow * math.pow(_FOLLOWED_FPS / fps, 3))
    # A frame later the variance of where she is must still be in the filters' range: 4e6 of the noise's.
    wanted = min(wanted, noise * math.sqrt(3 * 4e6 * fps**3 / HOLD_S))
    return possible_acceleration(wanted, unit_fps or fps, noise)


def possible_acceleration(wanted: float, fps: float, noise: float) -> float:
    """`wanted`, or the nearest that goes with this rate and noise."""
    least, most = (math.sqrt(end * fps**3 / HOLD_S) * noise for end in _VELOCITY_NOISE)
    return min(max(wanted, 1.01 * least), 0.9 * most)


class Pace:
    """How far apart frames are that come one by one, by their times alone: the lower median of the last 15 steps. It
    changes where that is another by more than a tenth, so that clocks may tremble.

    Attributes:
        step_s: seconds; 1/30 until there are two times.
    """

    def __init__(self) -> None:
        self._steps: deque[float] = deque(maxlen=15)
        self._last_s: float | None = None
        self.step_s = 1 / NOMINAL_FPS

    def changes(self, time_s: float) -> bool:
        """Whether the frame of this time, the next, changes the pace."""
        step = 0.0 if self._last_s is None else time_s - self._last_s
        self._last_s = time_s
        if step <= 0:
            return False
        first = not self._steps
        self._steps.append(step)
        usual = sorted(self._steps)[(len(self._steps) - 1) // 2]
        if not first and abs(usual - self.step_s) <= 0.1 * self.step_s:
            return False
        self.step_s = usual
        return True


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


def keypoints_of(skeleton: object) -> int:
    """How many a Skeleton, or a number, says."""
    if isinstance(skeleton, Skeleton):
        skeleton = skeleton.num_keypoints
    elif isinstance(skeleton, bool) or not isinstance(skeleton, (int, np.integer)):
        raise TypeError(
            f"skeleton: wanted a Skeleton, a number of keypoints or None, got {type(skeleton).__name__}"
        )
    return whole(skeleton, "skeleton", 1, MAX_KEYPOINTS)


def want_ids(ids: list[int]) -> None:
    """A `ValueError` where an id, or nobody's, is there twice."""
    twice = sorted({identity for identity in ids if ids.count(identity) > 1})
    if twice == [-1]:
        raise ValueError(
            f"poses: wanted track ids for {len(ids)} people, got none: a smoother has to know who is who"
        )
    if twice:
        raise ValueError(f"poses: wanted each track id once, got {twice[0]} twice")


def _first_bad(found: npt.NDArray[np.float64]) -> float:
    return float(found[~(np.abs(found) <= TIMES_S)][0])
