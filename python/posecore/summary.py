"""What a run of `posecore predict` says at its end: lines for people, a report for programs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from posecore.sources import Source

if TYPE_CHECKING:
    from posecore.receipt import Receipt

STAGES = ("read", "resize", "network", "decode", "track", "draw", "write")


class Stopwatch:
    """Seconds spent in each stage.

    Args:
        tracked: whether there is a stage "track".
    """

    def __init__(self, *, tracked: bool = False) -> None:
        self.seconds = {stage: 0.0 for stage in STAGES if tracked or stage != "track"}

    def stage(self, name: str) -> _Lap:
        """A block whose time counts for this stage."""
        return _Lap(self.seconds, name)

    @property
    def total(self) -> float:
        """Seconds of all stages."""
        return sum(self.seconds.values())


class _Lap:
    def __init__(self, seconds: dict[str, float], stage: str) -> None:
        self._seconds, self._stage = seconds, stage

    def __enter__(self) -> None:
        self._begun = perf_counter()

    def __exit__(self, *_: object) -> None:
        self._seconds[self._stage] += perf_counter() - self._begun


@dataclass
class Tally:
    """What became of one source.

    Attributes:
        most: people in one frame.
        seconds: of all stages; those of a video are at work at once.
        elapsed_s: from its first to its last moment; 0 of pictures.
        dropped: frames of a camera that came faster than they were used.
    """

    source: Source
    frames: int = 0
    people: int = 0
    most: int = 0
    seconds: float = 0.0
    elapsed_s: float = 0.0
    dropped: int = 0
    drawn: Path | None = None
    receipt: Receipt | None = None
    error: str | None = None

    def count(self, people: int) -> None:
        """One more frame."""
        self.frames += 1
        self.people += people
        self.most = max(self.most, people)

    def line(self) -> str:
        """One line for people; there was a frame."""
        milliseconds = 1e3 * self.seconds / self.frames
        if self.source.kind in ("picture", "heads"):
            text = f"{self.source.name}: {_people(self.people)}, {milliseconds:.0f} ms"
        else:
            text = (
                f"{self.source.name}: {_plural(self.frames, 'frame')}, "
                f"{self.people / self.frames:.1f} people a frame, "
                f"at most {self.most}, {milliseconds:.0f} ms a frame"
            )
            if self.elapsed_s > 0:
                text += f", {self.frames / self.elapsed_s:.1f} frames/s"
            if self.dropped:
                text += f", {self.dropped} dropped"
        return text + (f" -> {self.drawn}" if self.drawn else "")


@dataclass
class Summary:
    """Of all sources of a run."""

    tallies: list[Tally] = field(default_factory=list)
    stopwatch: Stopwatch = field(default_factory=Stopwatch)
    saved: list[Path] = field(default_factory=list)
    interrupted: bool = False
    started: float = field(default_factory=perf_counter)

    @property
    def failed(self) -> bool:
        """Whether a source could not be used, or not wholly."""
        return any(tally.error for tally in self.tallies)

    def lines(self) -> Iterator[str]:
        """For people: a table of milliseconds, then one sentence."""
        frames, poses = self._count()
        if frames:
            stages = {stage: 1e3 * seconds / frames for stage, seconds in self.stopwatch.seconds.items()}
            whole = sum(stages.values())
            yield f"{'stage':<8} {'ms/frame':>9} {'share':>6}"
            for stage, milliseconds in stages.items():
                yield f"{stage:<8} {milliseconds:9.2f} {100 * milliseconds / max(whole, 1e-9):4.0f} %"
            yield f"{'sum':<8} {whole:9.2f}"
            elapsed_s = sum(tally.elapsed_s for tally in self.tallies)
            if elapsed_s > 0:
                moving = sum(tally.frames for tally in self.tallies if tally.elapsed_s > 0)
                yield f"{'elapsed':<8} {1e3 * elapsed_s / max(moving, 1):9.2f} of videos, whose stages overlap"
        for tally in self.tallies:
            if tally.receipt is not None:
                yield from (f"{tally.source.name}: {line}" for line in tally.receipt.lines())
        text = f"{_plural(frames, 'frame')}, {_plural(poses, 'pose')}, {perf_counter() - self.started:.1f} s"
        failures = sum(tally.error is not None for tally in self.tallies)
        if failures:
            text += f", {_plural(failures, 'source')} failed"
        if self.saved:
            text += f"; written: {', '.join(str(path) for path in self.saved)}"
        yield ("interrupted after " if self.interrupted else "") + text

    def report(self) -> dict[str, Any]:
        """For programs: plain data."""
        frames, poses = self._count()
        return {
            "files": [
                {
                    "source": tally.source.name,
                    "kind": tally.source.kind,
                    "frames": tally.frames,
                    "poses": tally.people,
                    "most_people": tally.most,
                    "ms": round(1e3 * tally.seconds, 3),
                    "elapsed_ms": round(1e3 * tally.elapsed_s, 3),
                    "dropped": tally.dropped,
                    "receipt": tally.receipt.as_dict() if tally.receipt is not None else None,
                    "drawn": str(tally.drawn) if tally.drawn else None,
                    "error": tally.error,
                }
                for tally in self.tallies
            ],
            "frames": frames,
            "poses": poses,
            "ms_per_frame": {
                stage: round(1e3 * seconds / max(frames, 1), 3)
                for stage, seconds in self.stopwatch.seconds.items()
            },
            "saved": [str(path) for path in self.saved],
            "interrupted": self.interrupted,
        }

    def _count(self) -> tuple[int, int]:
        return sum(tally.frames for tally in self.tallies), sum(tally.people for tally in self.tallies)


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _people(count: int) -> str:
    return "1 person" if count == 1 else f"{count} people"
