"""`Receipt`: what tracking and smoothing did to the poses, measured while they pass, in memory that does not grow.

Jitter and lag are those of `posecore.evaluation`, taken over all people of all frames: the reference of the lag is
the track before smoothing, whose noise the smoothed track shares, which pulls the lag of somebody who hardly moves
towards 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from posecore.poses import Poses

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64]
    BoolArray = npt.NDArray[np.bool_]

MOST_LAG_FRAMES = 10
"""Lags from minus to plus this are told."""
SWITCH_WITHIN_S = 1.0
SWITCH_WITHIN_SIZES = 0.5
SWITCH_SIZE_RATIO = 1.5
_WINDOW = 2 * MOST_LAG_FRAMES + 1
_MOST_GONE = 1000
_LEAST_PX = 0.005  # what is told as 0.00
_COUNTERS = {"swaps_repaired": ("swaps_repaired",), "outliers_dropped": ("outliers_dropped", "gated")}

CONVENTION = (
    "jitter: root mean square length of the second difference of three consecutive frames, over all tracked keypoints "
    "visible in them before and after. lag: the shift within "
    f"±{MOST_LAG_FRAMES} frames with the least mean squared distance from the smoothed to the unsmoothed keypoints, "
    f"of those visible {_WINDOW} frames long, refined by a parabola. gaps: keypoints that were missing and filled in. "
    f"A switch is guessed where an id begins within {SWITCH_WITHIN_S:g} s of the end of another, within "
    f"{SWITCH_WITHIN_SIZES:g} of the person's size from there, at up to {SWITCH_SIZE_RATIO:g} times the size."
)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of the poses of one source.

    Attributes:
        frames: how many.
        jitter_before_px, jitter_after_px: before and after smoothing, in pixels; None where nobody was tracked for
            three frames.
        lag_frames, lag_ms: how far the smoothed tracks come behind; None where it cannot be told: nobody moves, or
            is there long enough.
        swaps_repaired: left and right put back; None where nobody counts them.
        gaps_filled: keypoints that were not found, and filled in.
        outliers_dropped: measurements that were taken for wrong; None where nobody counts them.
        ids_born: different track ids.
        id_switches_guessed: how often an id looks like the continuation of another.
        poses_without_id: people of frames whom the tracker gave no id: they pass as they came, and nothing of the
            above is about them.
        moved_px: root mean square distance from each keypoint as it was found to what became of it, of those visible
            before and after, outliers among them; None where there are none.
        convention: how all this is measured.
    """

    frames: int
    jitter_before_px: float | None
    jitter_after_px: float | None
    lag_frames: float | None
    lag_ms: float | None
    swaps_repaired: int | None
    gaps_filled: int
    outliers_dropped: int | None
    ids_born: int
    id_switches_guessed: int
    poses_without_id: int = 0
    moved_px: float | None = None
    convention: str = CONVENTION

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers and text for JSON."""
        return asdict(self)

    def lines(self) -> Iterator[str]:
        """For people."""
        if self.jitter_before_px is not None and self.jitter_after_px is not None:
            lag = "lag cannot be told"
            if self.lag_frames is not None:
                lag = lag_told(self.lag_frames, self.lag_ms)
            if max(self.jitter_before_px, self.jitter_after_px) < _LEAST_PX:
                yield "jitter 0.00 px, nothing to smooth"
            elif self.jitter_before_px == self.jitter_after_px:
                yield f"jitter {self.jitter_before_px:.2f} px, not smoothed"
            else:
                yield f"jitter {self.jitter_before_px:.2f} px before, {self.jitter_after_px:.2f} px after; {lag}"
        counts = [
            (self.swaps_repaired, "left-right swap", "repaired"),
            (self.gaps_filled, "keypoint", "filled in"),
            (self.outliers_dropped, "outlier", "dropped"),
            (self.ids_born, "id", "given"),
            (self.id_switches_guessed, "id switch", "guessed"),
        ]
        told = [
            f"{count} {noun}{_ending(noun, count)} {what}"
            for count, noun, what in counts
            if count is not None
        ]
        if not self.ids_born:
            told = ["nobody was tracked"]
        if self.poses_without_id:
            told.append(
                f"{self.poses_without_id} pose{_ending('pose', self.poses_without_id)} without an id left alone"
            )
        yield ", ".join(told)

    def __str__(self) -> str:
        return "\n".join((*self.lines(), self.convention))


def lag_told(frames: float, ms: float | None) -> str:
    """A lag for people; what rounds to 0 has no sign."""
    told = f"lag {_signed(frames, 2)} frames"
    return told if ms is None else f"{told}, {_signed(ms, 0)} ms"


class Ledger:
    """Measures frame after frame.

    Args:
        steps: a tracker and a smoother, or None. What they count is read from them, or from their `counters`,
            where there is such a thing: `swaps_repaired`, and `outliers_dropped` or `gated`.
    """

    def __init__(self, *steps: object) -> None:
        self._steps = [step for step in steps if step is not None]
        self._counted_before = {name: self._counted(name) for name in _COUNTERS}
        self._frames = self._gaps = self._without_id = 0
        self._first_s: float | None = None
        self._last_s = 0.0
        self._slots: dict[int, int] = {}
        self._free: list[int] = []
        self._tracks: _Tracks | None = None
        self._ids = _Ids()

    def add(self, raw: Poses, smoothed: Poses, *, without_id: int = 0) -> None:
        """One more frame: with track ids before smoothing, and after it. People are paired by their ids; those
        without are not measured, and `without_id` of them passed as they came."""
        self._frames += 1
        self._without_id += without_id
        if raw.time_s is not None:
            self._first_s = raw.time_s if self._first_s is None else self._first_s
            self._last_s = raw.time_s
        before, after = _rows(raw), _rows(smoothed)
        self._ids.add(smoothed, after, self._last_s)
        both = [identity for identity in after if identity in before]
        self._gaps += sum(int(smoothed.visible[after[i]].sum()) for i in after.keys() - before.keys())
        for identity in self._slots.keys() - set(both):
            self._free.append(self._slots.pop(identity))
        if self._tracks is None:
            self._tracks = _Tracks(raw.skeleton.num_keypoints)
        fresh = []
        for identity in both:
            if identity not in self._slots:
                slot = self._free.pop() if self._free else len(self._slots)
                self._slots[identity] = slot
                fresh.append(slot)
        slots = np.array([self._slots[identity] for identity in both], np.intp)
        rows_before = [before[identity] for identity in both]
        rows_after = [after[identity] for identity in both]
        seen, kept = raw.visible[rows_before], smoothed.visible[rows_after]
        self._gaps += int((kept & ~seen).sum())
        self._tracks.add(slots, fresh, raw.xy[rows_before], seen, smoothed.xy[rows_after], kept)

    def receipt(self) -> Receipt:
        """Of the frames so far."""
        tracks = self._tracks or _Tracks(0)
        before, after = tracks.jitter_px()
        lag = tracks.lag_frames()
        step_s = (
            (self._last_s - self._first_s) / (self._frames - 1)
            if self._first_s is not None and self._frames > 1
            else None
        )
        return Receipt(
            frames=self._frames,
            jitter_before_px=before,
            jitter_after_px=after,
            lag_frames=lag,
            lag_ms=None if lag is None or step_s is None else 1e3 * lag * step_s,
            swaps_repaired=self._since("swaps_repaired"),
            gaps_filled=self._gaps,
            outliers_dropped=self._since("outliers_dropped"),
            ids_born=self._ids.born,
            id_switches_guessed=self._ids.switches,
            poses_without_id=self._without_id,
            moved_px=tracks.moved_px(),
        )

    def _counted(self, name: str) -> int | None:
        found = []
        for step in self._steps:
            counters = getattr(step, "counters", None)
            told = dict(counters) if isinstance(counters, Mapping) else {}
            for spelt in _COUNTERS[name]:
                value = told.get(spelt, getattr(counters, spelt, getattr(step, spelt, None)))
                if isinstance(value, (int, np.integer)):
                    found.append(int(value))
        return sum(found) if found else None

    def _since(self, name: str) -> int | None:
        now = self._counted(name)
        return None if now is None else now - (self._counted_before[name] or 0)


class _Tracks:
    """The last frames of everybody who is there, and the sums over all who were.

    Each person has a slot in rings of `_WINDOW` frames; a person who was missing begins anew.
    """

    def __init__(self, keypoints: int) -> None:
        self._head = -1
        self._xy: FloatArray = np.zeros((2, 0, _WINDOW, keypoints, 2))
        self._seen: BoolArray = np.zeros((2, 0, _WINDOW, keypoints), np.bool_)
        self._run = np.zeros(0, np.int64)
        self._second_squares = np.zeros(2)
        self._seconds = 0
        self._moved_squares = 0.0
        self._moved = 0
        self._lag_squares = np.zeros(_WINDOW)
        self._lags = 0

    def add(
        self,
        slots: npt.NDArray[np.intp],
        fresh: list[int],
        raw: npt.NDArray[np.float32],
        raw_seen: BoolArray,
        smoothed: npt.NDArray[np.float32],
        smoothed_seen: BoolArray,
    ) -> None:
        self._head = (self._head + 1) % _WINDOW
        if not len(slots):
            return
        missing = int(slots.max()) + 1 - len(self._run)
        if missing > 0:
            room = ((0, 0), (0, missing), (0, 0), (0, 0))
            self._xy, self._seen = np.pad(self._xy, (*room, (0, 0))), np.pad(self._seen, room)
            self._run = np.pad(self._run, (0, missing))
        self._run[fresh] = 0
        self._run[slots] += 1
        self._xy[0, slots, self._head], self._xy[1, slots, self._head] = raw, smoothed
        self._seen[0, slots, self._head], self._seen[1, slots, self._head] = raw_seen, smoothed_seen
        both = raw_seen & smoothed_seen
        self._moved_squares += float(((smoothed[both].astype(np.float64) - raw[both]) ** 2).sum())
        self._moved += int(both.sum())
        three = slots[self._run[slots] >= 3]
        if len(three):
            self._measure_jitter(three)
        whole = slots[self._run[slots] >= _WINDOW]
        if len(whole):
            self._measure_lag(whole)

    def _measure_jitter(self, slots: npt.NDArray[np.intp]) -> None:
        now, last, first = (self._head - np.arange(3)) % _WINDOW
        xy, seen = self._xy, self._seen
        second = xy[:, slots, now] - 2 * xy[:, slots, last] + xy[:, slots, first]
        # Both on the same triples, so that a gap that was filled changes neither.
        whole = (seen[:, slots, now] & seen[:, slots, last] & seen[:, slots, first]).all(axis=0)
        self._second_squares += np.where(whole, (second**2).sum(axis=-1), 0.0).sum(axis=(1, 2))
        self._seconds += int(whole.sum())

    def _measure_lag(self, slots: npt.NDArray[np.intp]) -> None:
        middle = (self._head - MOST_LAG_FRAMES) % _WINDOW
        order = (self._head + 1 + np.arange(_WINDOW)) % _WINDOW
        reference = self._xy[0, slots, middle]
        compared = self._seen[0, slots, middle] & self._seen[1, slots].all(axis=1)
        gap = self._xy[1, slots][:, order] - reference[:, None]
        squares = (gap**2).sum(axis=-1)
        self._lag_squares += (squares * compared[:, None]).sum(axis=(0, 2))
        self._lags += int(compared.sum())

    def jitter_px(self) -> tuple[float | None, float | None]:
        if not self._seconds:
            return None, None
        before, after = np.sqrt(self._second_squares / self._seconds)
        return float(before), float(after)

    def moved_px(self) -> float | None:
        return math.sqrt(self._moved_squares / self._moved) if self._moved else None

    def lag_frames(self) -> float | None:
        if not self._lags:
            return None
        costs = self._lag_squares / self._lags
        best = int(np.argmin(costs))
        if not 0 < best < _WINDOW - 1:
            return None
        before, at, after = (float(cost) for cost in costs[best - 1 : best + 2])
        curvature = before - 2 * at + after
        if curvature <= 0:
            return None
        return best - MOST_LAG_FRAMES + (before - after) / (2 * curvature)


class _Ids:
    """Which ids are there and which were, and which look like the same person under another number."""

    def __init__(self) -> None:
        self.born = self.switches = 0
        # id: (time_s, x, y, size_px) of its last frame; the oldest of those who went are forgotten.
        self._here: dict[int, tuple[float, float, float, float]] = {}
        self._gone: dict[int, tuple[float, float, float, float]] = {}

    def add(self, poses: Poses, rows: dict[int, int], time_s: float) -> None:
        seen = poses.visible[:, :, None]
        low = np.where(seen, poses.xy, np.inf).min(axis=1).tolist()
        high = np.where(seen, poses.xy, -np.inf).max(axis=1).tolist()
        now = {}
        for identity, row in rows.items():
            (x0, y0), (x1, y1) = low[row], high[row]
            now[identity] = (time_s, (x0 + x1) / 2, (y0 + y1) / 2, max(x1 - x0, y1 - y0))
        for identity in self._here.keys() - now.keys():
            self._gone[identity] = self._here[identity]
        for identity in sorted(now.keys() - self._here.keys()):
            if self._gone.pop(identity, None) is None:
                self.born += 1
                other = self._same_person(now[identity])
                if other is not None:
                    self.switches += 1
                    # Nobody is the continuation of one who was continued; the number may still come back.
                    self._gone[other] = (*self._gone[other][:3], math.nan)
        while len(self._gone) > _MOST_GONE:
            del self._gone[next(iter(self._gone))]
        self._here = now

    def _same_person(self, person: tuple[float, float, float, float]) -> int | None:
        time_s, x, y, size_px = person
        near: list[tuple[float, int]] = []
        for identity, (then_s, then_x, then_y, then_px) in reversed(self._gone.items()):
            if time_s - then_s > SWITCH_WITHIN_S:
                break
            distance, larger_px = math.hypot(x - then_x, y - then_y), max(size_px, then_px)
            alike = larger_px <= SWITCH_SIZE_RATIO * size_px and larger_px <= SWITCH_SIZE_RATIO * then_px
            if alike and distance <= SWITCH_WITHIN_SIZES * larger_px:
                near.append((distance, identity))
        return min(near)[1] if near else None


def _rows(poses: Poses) -> dict[int, int]:
    """The row of each tracked person."""
    return {identity: row for row, identity in enumerate(poses.track_ids.tolist()) if identity >= 0}


def _signed(value: float, digits: int) -> str:
    rounded = round(value, digits)
    return f"{rounded:+.{digits}f}" if rounded else f"{0:.{digits}f}"


def _ending(noun: str, count: int) -> str:
    return "" if count == 1 else "es" if noun.endswith("switch") else "s"
