"""How long tracking takes, and whose ids stay: posecore beside others, in one interleaved run.

    python bench/bench_track.py --json track.json

The people are those of the tests: walkers seen from the side, who cross. `pip install --no-deps norfair filterpy
supervision==0.25.1 motpy` brings the others; what is not there is left out and said. Nothing here passes or fails.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import json
import os
import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter_ns
from typing import Any

import numpy as np

import posecore as pc

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "track"))
from walkers import found, walker

FPS, SECONDS, NOISE_PX, MISSED = 30, 10, 4.0, 0.2
GAP_S = 1.0

Frame = tuple[pc.Poses, list[int]]  # what was found, and who each is


@dataclass
class Contender:
    """`prepare` makes what one frame's `update` takes, outside of the time that is measured; `update` gives an id, or
    none, for each pose."""

    name: str
    start: Callable[[], Any]
    prepare: Callable[[pc.Poses], Any]
    update: Callable[[Any, Any], Any]
    ids: Callable[[Any, Any, pc.Poses], list[int | None]]


def scene(people: int, seed: int) -> list[Frame]:
    """Half of them go to the left and half to the right, in lanes that are closer than they are wide."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(FPS * SECONDS) / FPS
    walkers = []
    for n in range(people):
        speed = rng.uniform(80, 200) * (1 if n % 2 == 0 else -1)
        start = rng.uniform(0, 1200) - (speed * SECONDS if n % 2 else 0)
        body = walker(
            time_s, at_px=start, speed=speed, phase=rng.uniform(0, 6.28), height=rng.uniform(270, 330)
        )
        body[..., 1] += 30 * n
        walkers.append(body)
    return list(found(walkers, time_s, noise_px=NOISE_PX, missed=MISSED, seed=seed))


def ours(repair: bool) -> Contender:
    name = "posecore.Tracker" if repair else "posecore.Tracker, repair_swaps=False"
    return Contender(
        name,
        lambda: pc.Tracker(pc.COCO17, max_gap_s=GAP_S, repair_swaps=repair),
        lambda poses: poses,
        lambda tracker, poses: tracker(poses),
        lambda result, _, poses: [None if k < 0 else k for k in result.track_ids.tolist()],
    )


def norfair() -> Contender:
    module = importlib.import_module("norfair")

    def ids(result: Any, prepared: list[Any], _: pc.Poses) -> list[int | None]:
        of = {id(person.last_detection): person.id for person in result}
        return [of.get(id(detection)) for detection in prepared]

    return Contender(
        f"norfair {importlib.metadata.version('norfair')}, mean_euclidean",
        lambda: module.Tracker(
            "mean_euclidean", distance_threshold=60, hit_counter_max=int(GAP_S * FPS), initialization_delay=0
        ),
        lambda poses: [
            module.Detection(points=xy.astype(float), scores=s)
            for xy, s in zip(poses.xy, poses.scores, strict=True)
        ],
        lambda tracker, detections: tracker.update(detections),
        ids,
    )


def bytetrack() -> Contender:
    module = importlib.import_module("supervision")

    def ids(result: Any, _: Any, poses: pc.Poses) -> list[int | None]:
        of = dict(zip(result.data.get("row", ()), result.tracker_id, strict=True))
        return [int(of[row]) if row in of else None for row in range(len(poses))]

    return Contender(
        f"supervision {module.__version__}, ByteTrack",
        lambda: module.ByteTrack(lost_track_buffer=int(GAP_S * FPS), frame_rate=FPS),
        lambda poses: module.Detections(
            xyxy=poses.boxes(),
            confidence=poses.pose_scores.astype(float),
            class_id=np.zeros(len(poses), int),
            data={"row": np.arange(len(poses))},
        ),
        lambda tracker, detections: tracker.update_with_detections(detections),
        ids,
    )


def motpy() -> Contender:
    module = importlib.import_module("motpy")

    # Its tracks do not say which box was theirs: the nearest within a fifth of a person is.
    def ids(result: Any, _: Any, poses: pc.Poses) -> list[int | None]:
        if not result:
            return [None] * len(poses)
        boxes = np.array([track.box for track in result])
        gaps = np.abs(poses.boxes()[:, None] - boxes[None]).mean(axis=2)
        return [hash(result[j].id) if row[j] < 60 else None for row in gaps for j in [int(row.argmin())]]

    def update(tracker: Any, detections: Any) -> Any:
        tracker.step(detections)
        return tracker.active_tracks(min_steps_alive=0)

    return Contender(
        f"motpy {importlib.metadata.version('motpy')}",
        lambda: module.MultiObjectTracker(dt=1 / FPS, tracker_kwargs={"max_staleness": GAP_S * FPS}),
        lambda poses: [
            module.Detection(box=box, score=float(s))
            for box, s in zip(poses.boxes(), poses.pose_scores, strict=True)
        ],
        update,
        ids,
    )


def run(contender: Contender, frames: list[Frame]) -> tuple[float, int, int]:
    """Microseconds an update, how often a person's id changed, and poses without one."""
    tracker, spent, switches, without = contender.start(), 0, 0, 0
    last: dict[int, int] = {}
    for poses, who in frames:
        prepared = contender.prepare(poses)
        begin = perf_counter_ns()
        result = contender.update(tracker, prepared)
        spent += perf_counter_ns() - begin
        for person, track_id in zip(who, contender.ids(result, prepared, poses), strict=True):
            if track_id is None:
                without += 1
                continue
            switches += last.get(person, track_id) != track_id
            last[person] = track_id
    return spent / len(frames) / 1e3, switches, without


def contenders() -> list[Contender]:
    found_here = [ours(True), ours(False)]
    for make in (norfair, bytetrack, motpy):
        try:
            found_here.append(make())
        except Exception as error:
            print(f"left out: {make.__name__}: {error}", file=sys.stderr)
    return found_here


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=10, help="scenes of each size, one a round")
    parser.add_argument("--json", type=Path, help="write all figures here")
    arguments = parser.parse_args()
    all_of_them = contenders()
    results: list[dict[str, Any]] = []
    for people in (5, 20):
        figures: dict[str, list[tuple[float, int, int]]] = {each.name: [] for each in all_of_them}
        for seed in range(arguments.rounds):
            frames = scene(people, seed)
            for contender in all_of_them:
                figures[contender.name].append(run(contender, frames))
        first = [us for us, _, _ in figures[all_of_them[0].name]]
        poses = sum(len(who) for seed in range(arguments.rounds) for _, who in scene(people, seed))
        print(f"\n{people} people, {arguments.rounds} scenes of {SECONDS} s at {FPS} fps, {poses} poses")
        print(
            f"  {'':42}{'us an update':>14}{'ratio':>9}{'p10..p90':>16}{'id switches':>13}{'without id':>12}"
        )
        for name, values in figures.items():
            us = [each[0] for each in values]
            low, middle, high = np.percentile(np.array(us) / np.array(first), [10, 50, 90])
            switches, without = (sum(each[n] for each in values) for n in (1, 2))
            print(
                f"  {name:42}{np.median(us):14.1f}{middle:9.2f}{f'{low:.2f}..{high:.2f}':>16}"
                f"{switches:13}{without:12}"
            )
            results.append(
                {
                    "people": people,
                    "contender": name,
                    "us": us,
                    "ratio": {"p10": low, "median": middle, "p90": high},
                    "id_switches": switches,
                    "without_id": without,
                    "poses": poses,
                }
            )
    if arguments.json:
        environment = {
            "system": platform.platform(),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "numpy": np.__version__,
            "posecore": pc.__version__,
        }
        arguments.json.write_text(
            json.dumps({"environment": environment, "results": results}, indent=1) + "\n"
        )


if __name__ == "__main__":
    main()
