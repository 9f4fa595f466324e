"""How much of what the network alone allows `posecore predict` and `posecore.stream` give, in frames a second.

    python bench/bench_stream.py [--rounds 7] [--json FILE] [VIDEO ...]

The default model, one thread of the interpreter, tracking and smoothing on, drawing off. Each round takes each video
through, one after the other in an order that turns: the network alone (`Estimator.detail` of frames that were read
before), the command (its own clock of the video: opening, reading, network, tracking, smoothing, writing, closing),
the stream, and the stages one after the other as a loop without threads has them. The share is the median of the
rounds' quotients, since a machine that others use changes from round to round; rounds in which other processes took
more than a twentieth of it are left out where there are quieter ones ("others %": the most in the rounds that count).
A core that others hold is one that reading cannot have. "read ms" is how long reading a frame takes by itself.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from bench_estimator import machine, table

import posecore as pc
from posecore import cli, predict
from posecore.video import VideoReader

HERE = Path(__file__).resolve().parent
SHARED = Path(os.environ.get("POSECORE_SHARED", HERE.parents[1] / "shared")) / "data/video"
_MOST_HELD = 60
_QUIET = 0.05


def movement(estimator: pc.Estimator, fps: float) -> Any:
    return predict._movement(estimator.skeleton, "kalman", None, fps)


class Others:
    """The share of the machine that other processes take; 0 where the system does not say it."""

    def __init__(self) -> None:
        self._begun = self._now()

    def share(self) -> float:
        """Since this object was made."""
        busy, whole, own = (now - then for now, then in zip(self._now(), self._begun, strict=True))
        return max(0.0, (busy - own) / whole) if whole > 0 else 0.0

    @staticmethod
    def _now() -> tuple[float, float, float]:
        try:
            ticks = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
        except OSError:
            return 0.0, 0.0, 0.0
        own = sum(os.times()[:2]) * os.sysconf("SC_CLK_TCK")
        return sum(ticks) - ticks[3] - ticks[4], sum(ticks), own


class Ways:
    """The ways of taking one video through one estimator; each gives frames a second."""

    def __init__(self, video: Path, estimator: pc.Estimator) -> None:
        self.video, self.estimator = video, estimator
        self.held: list[np.ndarray] = []
        with VideoReader(video) as reader:
            begun = time.perf_counter()
            for index, _, image in reader:
                if index < _MOST_HELD:
                    self.held.append(image)
            self.frames, self.fps = reader.frames_read, reader.fps
            self.read_ms = 1e3 * (time.perf_counter() - begun) / self.frames

    def network(self) -> float:
        begun = time.perf_counter()
        for index in range(self.frames):
            self.estimator.detail(self.held[index % len(self.held)])
        return self.frames / (time.perf_counter() - begun)

    def command(self) -> float:
        out, err = io.StringIO(), io.StringIO()
        words = ["predict", str(self.video), "--smooth", "kalman", "--draw", "none", "--json", "--quiet"]
        silent = contextlib.redirect_stdout(out), contextlib.redirect_stderr(err)
        with tempfile.TemporaryDirectory() as folder, silent[0], silent[1]:
            code = cli.main([*words, "--out", str(Path(folder, "out"))])
        if code != 0:
            raise SystemExit(f"posecore predict {self.video}: exit code {code}: {err.getvalue()}")
        (told,) = json.loads(out.getvalue())["files"]
        return 1e3 * told["frames"] / told["elapsed_ms"]

    def stream(self) -> float:
        move = movement(self.estimator, self.fps)
        begun = time.perf_counter()
        for _, poses in pc.stream(self.video, self.estimator):
            move(poses)
        return self.frames / (time.perf_counter() - begun)

    def in_turn(self) -> float:
        move = movement(self.estimator, self.fps)
        begun = time.perf_counter()
        with VideoReader(self.video) as reader:
            for _, time_s, image in reader:
                move(self.estimator(image).replace(time_s=time_s))
        return self.frames / (time.perf_counter() - begun)


def measured(video: Path, estimator: pc.Estimator, rounds: int) -> dict[str, Any]:
    ways = Ways(video, estimator)
    calls: dict[str, Callable[[], float]] = {
        "network": ways.network,
        "command": ways.command,
        "stream": ways.stream,
        "in turn": ways.in_turn,
    }
    fps: dict[str, list[float]] = {name: [] for name in calls}
    ways.network()
    names = list(calls)
    others = []
    for turn in range(rounds):
        watch = Others()
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            fps[name].append(calls[name]())
        others.append(watch.share())
    quiet = [turn for turn in range(rounds) if others[turn] <= max(_QUIET, min(others))]
    fps = {name: [values[turn] for turn in quiet] for name, values in fps.items()}
    row: dict[str, Any] = {"video": video.name, "frames": ways.frames, "read ms": ways.read_ms}
    row |= {f"{name} fps": statistics.median(values) for name, values in fps.items()}
    for name in names[1:]:
        shares = [100 * one / alone for one, alone in zip(fps[name], fps["network"], strict=True)]
        row[f"{name} %"] = statistics.median(shares)
    row |= {"rounds": len(quiet), "others %": 100 * max(others[turn] for turn in quiet)}
    return row


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("videos", nargs="*", type=Path, metavar="VIDEO")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=Path, help="write the figures here")
    args = parser.parse_args()
    videos = args.videos or sorted(SHARED.glob("*.mp4"))
    if not videos:
        raise SystemExit(f"{SHARED}: wanted videos, got none; name some")
    about = machine() | {"cores": str(os.cpu_count()), "load": f"{os.getloadavg()[0]:.1f}"}
    print(", ".join(f"{key} {value}" for key, value in about.items()))
    estimator = pc.Estimator(threads=1)
    # The command takes the same one: two interpreters would not share the processor's cache.
    predict.load_estimator = lambda **_: estimator  # type: ignore[assignment]
    rows = table(
        "frames a second, and shares of the network alone",
        (measured(video, estimator, args.rounds) for video in videos),
    )
    if args.json:
        args.json.write_text(json.dumps({"machine": about, "videos": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
