"""Poses over time without their trembling: `KalmanSmoother`, and the one-euro filter beside it.

The arithmetic is the C++ core's; here people get their memory by track id, and options their names.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from posecore import _core
from posecore.arguments import choice, number, whole
from posecore.motion import (
    FPS,
    HOLD_S,
    LEAST_SCORE,
    MAX_KEYPOINTS,
    NOMINAL_FPS,
    PACE,
    TIMES_S,
    Pace,
    gate,
    keypoints_of,
    nominal_fps,
    sizes,
    times,
    usual_acceleration,
    want_array,
    want_ids,
    want_motion,
)
from posecore.poses import Poses
from posecore.skeletons import Skeleton

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float32]

FADING = 0.9  # a keypoint that is expected and not seen keeps so much of its score from frame to frame

_MAX_PEOPLE = 65536
_ABSENT, _MEASURED, _RESTARTED = 0, 1, 4


class Counters(NamedTuple):
    """What happened to keypoints so far.

    Attributes:
        saturations: numbers that left the range of the filter's arithmetic.
        gated: measurements taken for outliers, and not used.
        coasted: keypoints that were missing, and given where they were expected.
        restarts: keypoints begun again from a measurement, after an absence or several outliers.
    """

    saturations: int
    gated: int
    coasted: int
    restarts: int


class _Smoother:
    """What both filters share: people by track id, whole tracks, counters."""

    def __init__(self, skeleton: Skeleton | int | None, fps: float | None, max_coast_frames: int) -> None:
        self._wanted_keypoints = None if skeleton is None else keypoints_of(skeleton)
        self._fps = None if fps is None else number(fps, "fps", *FPS)
        self._max_coast_frames = whole(max_coast_frames, "max_coast_frames", 0, 240)
        self._lock = threading.Lock()
        self._past = np.zeros(4, np.int64)
        self._core: Any = None
        self._keypoints: int | None
        self._now_s: float | None
        self._forget_everybody()

    def _made(self, keypoints: int, fps: float) -> Any:
        raise NotImplementedError

    def _acceleration_at(self, fps: float, unit_fps: float) -> float:
        """Of frames that come so often, in a filter of other nominal frames."""
        return 0.0

    @property
    def saturations(self) -> int:
        """Numbers that left the range of the filter's arithmetic, and were held at its ends or given up."""
        return self.counters.saturations

    @property
    def gated(self) -> int:
        """Measurements taken for outliers, and not used."""
        return self.counters.gated

    @property
    def coasted(self) -> int:
        """Keypoints that were missing, and given where they were expected."""
        return self.counters.coasted

    @property
    def restarts(self) -> int:
        """Keypoints begun again from a measurement, after an absence or several outliers."""
        return self.counters.restarts

    @property
    def counters(self) -> Counters:
        """All four, of every call so far."""
        total = self._past.copy()
        for slot in list(self._slots.values()):
            total += self._core.count(slot)
        return Counters(*(int(value) for value in total))

    def reset(self) -> None:
        """Forgets everybody, and sets the counters to 0."""
        with self._lock:
            self._past[:] = 0
            self._core = None
            self._forget_everybody()

    def __call__(self, poses: Poses) -> Poses:
        """The people of one frame, smoothed: one call a frame, in the order of time.

        A person is known by its track id; somebody who is not tracked (-1) may be there once, and is taken for
        the same person every time. Ids that were not there for longer than keypoints coast are forgotten. The
        time is `poses.time_s`, or one frame after the last call where that is None and `fps` was given. Where `fps`
        is None, a frame is as long as most of the last 15 steps between times were, from the second frame on.

        A keypoint that is missing or an outlier is given where it is expected, visible, with 0.9 times the score
        that it had in the frame before. One that was missing for too long is not visible and has score 0.

        Returns:
            `Poses` with the same people in the same order; pose scores and ids are as they were.

        Raises:
            TypeError: not `Poses`.
            ValueError: another number of keypoints than before, an id twice, or a time that is missing or before
                the last one.
            RuntimeError: this smoother is at work in another thread.
        """
        if not isinstance(poses, Poses):
            raise TypeError(f"poses: wanted Poses, got {type(poses).__name__}")
        if not self._lock.acquire(blocking=False):
            raise RuntimeError("this smoother is at work in another thread: make one a thread")
        try:
            return self._smoothed(poses)
        finally:
            self._lock.release()

    def track(
        self,
        xy: FloatArray,
        scores: FloatArray | None = None,
        visible: npt.NDArray[np.bool_] | None = None,
        time_s: npt.NDArray[np.float64] | None = None,
        *,
        size_px: float | FloatArray | None = None,
        out: FloatArray | None = None,
    ) -> FloatArray:
        """One person's whole track, smoothed forwards in time. What calls remember is neither used nor changed.

        Args:
            xy: (T, K, 2) float32 in pixels. A keypoint that is not finite is missing.
            scores: (T, K) float32; one that is not over 0 is missing. All 1 where it is left out.
            visible: (T, K) bool, False where a keypoint is missing.
            time_s: (T,) float64 seconds that do not go back; frames of `fps` (30 where that is None) where it is
                left out. Where `fps` is None, the median step is the nominal frame.
            size_px: the person's size, one number or (T,) float32; 1 makes sizes of the options pixels. The longer
                side of the box around the keypoints, through a low pass, where it is left out.
            out: (T, K, 2) float32, contiguous, for the result; may be `xy`.

        Returns:
            (T, K, 2) float32, always finite. A keypoint not yet seen is at (0, 0), one given up where it was.

        Raises:
            TypeError: an array of another dtype; nothing is cast.
            ValueError: shapes that do not fit together, or times that are not finite or go back.
        """
        want_array(xy, "xy", np.float32, (None, self._keypoints, 2))
        frames, keypoints = xy.shape[:2]
        if not 1 <= keypoints <= MAX_KEYPOINTS:
            raise ValueError(f"xy: wanted 1 to {MAX_KEYPOINTS} keypoints, got {keypoints}")
        if scores is not None:
            want_array(scores, "scores", np.float32, (frames, keypoints))
        if visible is not None:
            want_array(visible, "visible", np.bool_, (frames, keypoints))
        if time_s is not None:
            time_s = times(time_s, frames)
        if out is None:
            out = np.empty((frames, keypoints, 2), np.float32)
        else:
            want_array(out, "out", np.float32, (frames, keypoints, 2))
            if not out.flags.c_contiguous or not out.flags.writeable:
                raise ValueError("out: wanted contiguous memory that can be written to")
        kinds = np.empty((frames, keypoints), np.uint8)
        counted = self._made(keypoints, nominal_fps(self._fps, time_s)).track(
            np.ascontiguousarray(xy),
            None if scores is None else np.ascontiguousarray(scores),
            None if visible is None else np.ascontiguousarray(visible).view(np.uint8),
            sizes(size_px, frames),
            time_s,
            out,
            kinds,
        )
        self._past += counted
        return out

    def _smoothed(self, poses: Poses) -> Poses:
        keypoints = poses.skeleton.num_keypoints
        if self._keypoints not in (None, keypoints):
            raise ValueError(
                f"poses: wanted {self._keypoints} keypoints, got {keypoints} of {poses.skeleton.name}"
            )
        if not 1 <= keypoints <= MAX_KEYPOINTS:
            raise ValueError(f"poses: wanted 1 to {MAX_KEYPOINTS} keypoints, got {keypoints}")
        if len(poses) > _MAX_PEOPLE:
            raise ValueError(f"poses: wanted at most {_MAX_PEOPLE} people, got {len(poses)}")
        ids = poses.track_ids.tolist()
        want_ids(ids)
        now = self._time_of(poses)
        if self._core is None:
            self._core = self._made(keypoints, self._fps or NOMINAL_FPS)
            self._keypoints = keypoints
            self._scores = np.zeros((0, keypoints), np.float32)
        self._now_s = now
        if self._fps is None and self._pace.changes(now):
            step_s = self._pace.step_s
            pace = min(max(step_s * NOMINAL_FPS, PACE[0]), PACE[1])
            self._core.go_at(pace, self._acceleration_at(1 / step_s, NOMINAL_FPS))
        self._forget_the_gone(now)
        slots = np.array([self._slot_of(identity) for identity in ids], np.int32)
        for identity in ids:
            self._last_s[identity] = now
        xy = np.empty((len(ids), keypoints, 2), np.float32)
        kinds = np.empty((len(ids), keypoints), np.uint8)
        seen = np.ascontiguousarray(poses.visible).view(np.uint8)
        contiguous = np.ascontiguousarray(poses.xy), np.ascontiguousarray(poses.scores)
        self._core.people(*contiguous, seen, None, now, slots, xy, kinds)
        measured = (kinds == _MEASURED) | (kinds == _RESTARTED)
        scores = np.where(measured, poses.scores, np.float32(FADING) * self._scores[slots])
        scores[kinds == _ABSENT] = 0
        self._scores[slots] = scores
        visible = kinds != _ABSENT
        for array in (xy, scores, visible):
            array.flags.writeable = False
        unchanged = poses.track_ids, poses.skeleton, poses.image_size, poses.time_s
        return Poses._trusted(xy, scores, poses.pose_scores, visible, *unchanged)

    def _time_of(self, poses: Poses) -> float:
        last = self._now_s
        if poses.time_s is None:
            if self._fps is None:
                raise ValueError("poses: wanted time_s in the poses or fps in the smoother, got neither")
            return 0.0 if last is None else last + 1 / self._fps
        if abs(poses.time_s) > TIMES_S:
            raise ValueError(f"poses: wanted time_s from {-TIMES_S:g} to {TIMES_S:g}, got {poses.time_s:g}")
        if last is not None and poses.time_s < last:
            raise ValueError(
                f"poses: wanted time_s not before the last frame's {last:g}, got {poses.time_s:g}; reset() begins anew"
            )
        return poses.time_s

    def _slot_of(self, identity: int) -> int:
        slot = self._slots.get(identity)
        if slot is None:
            slot = self._slots[identity] = self._free.pop() if self._free else len(self._slots)
            if slot >= len(self._scores):
                more = np.zeros((max(slot + 1, 2 * len(self._scores)), self._scores.shape[1]), np.float32)
                more[: len(self._scores)] = self._scores
                self._scores = more
            self._scores[slot] = 0
        return slot

    def _forget_the_gone(self, now: float) -> None:
        longest = (self._max_coast_frames + 2) * (1 / self._fps if self._fps else self._pace.step_s)
        for identity in [each for each, last in self._last_s.items() if now - last > longest]:
            slot = self._slots.pop(identity)
            self._past += self._core.forget(slot)
            self._free.append(slot)
            del self._last_s[identity]

    def _forget_everybody(self) -> None:
        self._slots: dict[int, int] = {}
        self._last_s: dict[int, float] = {}
        self._free: list[int] = []
        self._keypoints = self._wanted_keypoints
        self._scores = np.zeros((0, 0), np.float32)
        self._now_s = None
        self._pace = Pace()


class KalmanSmoother(_Smoother):
    """Keypoints through a Kalman filter of constant velocity, for people of any size at any frame rate.

    Each keypoint has a position and a velocity that white noise changes (Bar-Shalom, Li and Kirubarajan 2001,
    sec. 6.2.2), for the time that passed between frames. How far a measurement may be off follows from the person's
    size and the keypoint's score. Missing keypoints coast along; outliers are gated.

    Args:
        skeleton: a Skeleton, or the number of keypoints; None takes the first that comes.
        fps: frames a second, 1..1000. None: the times of the poses say it.
        acceleration: how fast motion changes, in sizes of the person per s^2: the standard deviation of an
            acceleration drawn anew every 1/30 s. Less is smoother, and later. None: 10 from 30 fps on; below, less
            in proportion to the rate; below 5.5 fps more again, since nobody waits for the next frame.
        noise: standard deviation of a keypoint of score 1 on each axis, in sizes, 1e-4..1000. That of score s is
            noise / max(s, 0.3).
        speed: standard deviation of velocities not yet known, sizes per s.
        arithmetic: "fixed", integers that give the same bits on every machine, or "float", float32.
        max_coast_frames: a missing keypoint is expected for so many frames, 0..240, and then begins again.
        gate_sigmas: a measurement further than this from the expected one is an outlier, 1..1000; 0: none is.
            Beside that gate, which is wide, a calm keypoint is not believed in the first frame in which it is
            suddenly elsewhere: further off than 5 times what it was in the last 8 frames, than 5 noise, and than
            3000 noise t^2 after t seconds, since so fast a stroke begins. With 2 % of keypoints 0.1 to 0.3 sizes off
            for a frame, walks come out with 1.1 times their other noise at 30 fps and 0.8 at 60, and not 2.9 and
            1.8. Below 20 fps a limb may truly be so far off in the next frame, and this gate is as wide as the other.
        gated_before_restart: so many outliers in a row, and the next one is believed, 0..100.
        preset: "constant_velocity"; or "constant_position", the recipe that is often copied (F = H = P = I,
            R = 0.1 I, Q = 0.01 I): an exponential average of gain 0.2702 that lags 2.70 frames behind, worse than no
            filter on somebody who walks. It reads none of the options from acceleration to speed, nor gates.

    Sizes are those of the person in the picture: the longer side of the box around its keypoints, through a low pass.
    The same options hold from 240p to 4K and from 15 to 120 fps.

    A smoother remembers people: one a thread.

    Raises:
        TypeError: an option of another type.
        ValueError: an option out of range, or noise, acceleration, speed and fps that do not go together.
    """

    def __init__(
        self,
        skeleton: Skeleton | int | None = None,
        *,
        fps: float | None = None,
        acceleration: float | None = None,
        noise: float = 0.02,
        speed: float = 2.0,
        arithmetic: Literal["fixed", "float"] = "fixed",
        max_coast_frames: int = 30,
        gate_sigmas: float = 10.0,
        gated_before_restart: int = 3,
        preset: Literal["constant_velocity", "constant_position"] = "constant_velocity",
    ) -> None:
        choice(arithmetic, "arithmetic", ("fixed", "float"))
        choice(preset, "preset", ("constant_velocity", "constant_position"))
        super().__init__(skeleton, fps, max_coast_frames)
        self._options: dict[str, Any] = {
            "acceleration": None if acceleration is None else number(acceleration, "acceleration", 1e-9, 1e9),
            "noise": number(noise, "noise", 1e-4, 1e3),
            "speed": number(speed, "speed", 1e-9, 1e9),
            "gate_sigmas": gate(gate_sigmas),
            "gated_before_restart": whole(gated_before_restart, "gated_before_restart", 0, 100),
            "max_coast_frames": self._max_coast_frames,
            "constant_position": preset == "constant_position",
            "floats": arithmetic == "float",
            "least_score": LEAST_SCORE,
            "hold_s": HOLD_S,
        }
        self._options_at(self._fps or NOMINAL_FPS)

    def _acceleration_at(self, fps: float, unit_fps: float) -> float:
        given = self._options["acceleration"]
        return usual_acceleration(fps, self._options["noise"], unit_fps) if given is None else float(given)

    def _options_at(self, fps: float) -> dict[str, Any]:
        options = self._options | {"acceleration": self._acceleration_at(fps, fps)}
        if not options["constant_position"]:
            want_motion(options["acceleration"], options["noise"], options["speed"], fps)
        return options

    def _made(self, keypoints: int, fps: float) -> Any:
        return _core.KalmanFilter(num_keypoints=keypoints, fps=fps, **self._options_at(fps))


class OneEuroSmoother(_Smoother):
    """Keypoints through the one-euro filter (Casiez, Roussel and Vogel, CHI 2012), with speeds in sizes of the person.

    An exponential average whose cutoff rises with speed: the baseline beside `KalmanSmoother`. It knows no scores and
    no outliers; missing keypoints stay where they are.

    Args:
        skeleton: a Skeleton, or the number of keypoints; None takes the first that comes.
        fps: frames a second, 1..1000. None: the times of the poses say it.
        min_cutoff_hz: cutoff of somebody who stands still, 0.001..1000. Less trembles less.
        beta: cutoff that a speed of one size a second adds, in Hz, 0..1000. More lags less.
        derivative_cutoff_hz: cutoff of the speed, 0.001..1000.
        max_coast_frames: a missing keypoint is kept for so many frames, 0..240, and then begins again.

    Raises:
        TypeError: an option of another type.
        ValueError: an option out of range.
    """

    def __init__(
        self,
        skeleton: Skeleton | int | None = None,
        *,
        fps: float | None = None,
        min_cutoff_hz: float = 1.0,
        beta: float = 20.0,
        derivative_cutoff_hz: float = 1.0,
        max_coast_frames: int = 30,
    ) -> None:
        super().__init__(skeleton, fps, max_coast_frames)
        self._options: dict[str, Any] = {
            "min_cutoff_hz": number(min_cutoff_hz, "min_cutoff_hz", 1e-3, 1e3),
            "beta": number(beta, "beta", 0, 1e3),
            "derivative_cutoff_hz": number(derivative_cutoff_hz, "derivative_cutoff_hz", 1e-3, 1e3),
            "max_coast_frames": self._max_coast_frames,
        }

    def _made(self, keypoints: int, fps: float) -> Any:
        return _core.OneEuroFilter(num_keypoints=keypoints, fps=fps, **self._options)
