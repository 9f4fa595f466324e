"""How long OKS takes for a pair of people, and whether it is right: posecore beside others, in one interleaved run.

    python bench/bench_oks.py --json oks.json

`pip install pycocotools` brings COCO's own; without it, it is left out and said. Nothing here passes or fails.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import importlib.util
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter_ns, process_time_ns
from typing import Any

import numpy as np
from bench_decode import environment, spread

import posecore as pc

ROUND_NS = 40_000_000  # each contender works about this long in each round
SHAPES = ((20, 14, 17, 1.0), (20, 14, 17, 0.6), (20, 2, 17, 0.6), (20, 14, 133, 0.8), (1000, 1000, 17, 0.6))


@dataclass
class Scene:
    """People of a picture of 640 x 480: every third detection is a truth with noise, the others are anywhere."""

    detections: np.ndarray  # (D, K, 2) float64
    truths: np.ndarray  # (T, K, 3) float64
    areas: np.ndarray
    boxes: np.ndarray
    skeleton: pc.Skeleton

    @classmethod
    def make(cls, detections: int, truths: int, keypoints: int, labelled: float) -> Scene:
        random = np.random.default_rng(detections + 1000 * truths + keypoints)
        corner = random.uniform(0, 400, (truths, 1, 2))
        side = random.uniform(40, 240, (truths, 1, 1))
        xy = corner + random.uniform(0, 1, (truths, keypoints, 2)) * side
        v = (random.uniform(0, 1, (truths, keypoints, 1)) < labelled) * 2.0
        v[:, 0] = 2
        far = random.uniform(0, 640, (detections, keypoints, 2))
        for d in range(0, detections, 3):
            far[d] = xy[d % truths] + random.normal(0, 4, (keypoints, 2))
        sigmas = pc.COCO17.sigmas if keypoints == 17 else tuple(random.uniform(0.02, 0.1, keypoints).tolist())
        skeleton = pc.Skeleton(f"made{keypoints}", tuple(f"k{k}" for k in range(keypoints)), sigmas=sigmas)
        boxes = np.concatenate([corner[:, 0], side[:, 0], side[:, 0]], axis=1)
        return cls(far, np.concatenate([xy, v], axis=2), 0.5 * side[:, 0, 0] ** 2, boxes, skeleton)

    @property
    def pairs(self) -> int:
        return len(self.detections) * len(self.truths)


Call = Callable[[], np.ndarray]


@dataclass
class Contender:
    name: str
    prepare: Callable[[Scene], Call]


def posecore_with(dtype: type, threads: int = 1) -> Callable[[Scene], Call]:
    def prepare(scene: Scene) -> Call:
        arrays = [a.astype(dtype) for a in (scene.detections, scene.truths, scene.areas)]
        return lambda: pc.oks(*arrays, scene.skeleton, threads=threads)

    return prepare


def broadcast(scene: Scene) -> Call:
    """What one writes with NumPy: all pairs at once."""
    variances = (2 * np.array(scene.skeleton.sigmas)) ** 2

    def call() -> np.ndarray:
        labelled = scene.truths[:, :, 2] > 0
        d = scene.detections[:, None] - scene.truths[None, :, :, :2]
        e = (d**2).sum(axis=3) / variances / (scene.areas + np.spacing(1))[:, None] / 2
        sums: np.ndarray = (np.exp(-e) * labelled).sum(axis=2) / labelled.sum(axis=1)
        return sums

    return call


def pycocotools() -> Contender | str:
    if importlib.util.find_spec("pycocotools") is None:
        return "pycocotools: not installed: pip install pycocotools"
    module = importlib.import_module("pycocotools.cocoeval")

    def prepare(scene: Scene) -> Call:
        evaluation = module.COCOeval(iouType="keypoints")
        evaluation.params.kpt_oks_sigmas = np.array(scene.skeleton.sigmas)
        evaluation.params.maxDets = [len(scene.detections)]
        columns = zip(scene.truths, scene.boxes.tolist(), scene.areas.tolist(), strict=True)
        evaluation._gts = {
            (1, 1): [{"keypoints": t.ravel().tolist(), "bbox": b, "area": a} for t, b, a in columns]
        }
        detections = np.insert(scene.detections, 2, 1.0, axis=2)
        evaluation._dts = {(1, 1): [{"keypoints": d.ravel().tolist(), "score": 1.0} for d in detections]}
        return lambda: evaluation.computeOks(1, 1)

    return Contender(f"pycocotools {importlib.metadata.version('pycocotools')}", prepare)


Times = tuple[
    list[float], list[float]
]  # nanoseconds a call in each round: of the processor, and of the clock


def run_rounds(calls: dict[str, Call], rounds: int) -> dict[str, Times]:
    """Contenders take turns, so that noise meets all of them."""
    repeats = {}
    for name, call in calls.items():
        call()
        begin = process_time_ns()
        call()
        repeats[name] = max(1, ROUND_NS // max(1, process_time_ns() - begin))
    times: dict[str, Times] = {name: ([], []) for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            begin = process_time_ns(), perf_counter_ns()
            for _ in range(repeats[name]):
                call()
            end = process_time_ns(), perf_counter_ns()
            for into, first, last in zip(times[name], begin, end, strict=True):
                into.append((last - first) / repeats[name])
    return times


def bench(shape: tuple[int, int, int, float], contenders: list[Contender], rounds: int) -> dict[str, Any]:
    scene = Scene.make(*shape)
    # A million pairs are a minute of pycocotools and gigabytes of NumPy's, and few are nothing for two threads.
    large = scene.pairs > 10_000
    taking_part = [c for c in contenders if ("posecore" in c.name if large else "threads" not in c.name)]
    calls = {contender.name: contender.prepare(scene) for contender in taking_part}
    found = {name: call() for name, call in calls.items()}
    peers = [name for name in found if "posecore" not in name]
    wanted = found[peers[0]] if peers else found[taking_part[0].name]
    times = run_rounds(calls, rounds)
    first = taking_part[0].name
    result: dict[str, Any] = {"shape": shape, "compared_with": peers[0] if peers else first, "contenders": {}}
    for name, matrix in found.items():
        ratios = [theirs / ours for theirs, ours in zip(times[name][0], times[first][0], strict=True)]
        result["contenders"][name] = {
            "ns_a_pair": spread([time / scene.pairs for time in times[name][0]]),
            "wall_ns_a_pair": spread([time / scene.pairs for time in times[name][1]]),
            "ratio": spread(ratios),
            "largest_difference": float(np.abs(matrix - wanted).max()),
            "same_bits": float(np.mean(matrix == wanted)),
        }
    return result


def show(result: dict[str, Any]) -> None:
    detections, truths, keypoints, labelled = result["shape"]
    print(f"\n{detections} detections x {truths} truths x {keypoints} keypoints, {labelled:.0%} labelled")
    columns = ("ns a pair", "least", "by the clock", "ratio", "p10..p90", "max difference", "same bits")
    print(f"  {'':22}" + "".join(f"{column:>15}" for column in columns))
    for name, entry in result["contenders"].items():
        ns, ratio, wall = entry["ns_a_pair"], entry["ratio"], entry["wall_ns_a_pair"]
        around = f"{ratio['p10']:.2f}..{ratio['p90']:.2f}"
        print(
            f"  {name:22}{ns['median']:15.1f}{ns['least']:15.1f}{wall['least']:15.1f}{ratio['median']:15.2f}"
            f"{around:>15}{entry['largest_difference']:15.1e}{entry['same_bits']:15.1%}"
        )
    print(f"  compared with {result['compared_with']}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything there too")
    parser.add_argument("--rounds", type=int, default=15, help="turns that each contender takes (default 15)")
    chosen = parser.parse_args()
    coco = pycocotools()
    contenders = [
        Contender("posecore, float64", posecore_with(np.float64)),
        Contender("posecore, float32", posecore_with(np.float32)),
        Contender("posecore, two threads", posecore_with(np.float64, threads=2)),
        *([coco] if isinstance(coco, Contender) else []),
        Contender("numpy broadcast", broadcast),
    ]
    report: dict[str, Any] = {"environment": environment(), "results": []}
    report["missing"] = [coco] if isinstance(coco, str) else []
    for key, value in report["environment"].items():
        print(f"{key}: {value}")
    for line in report["missing"]:
        print(line)
    print(
        "\nns a pair: of the processor, median and least round; by the clock: least round; "
        "ratio: processor time over that of the first, in the same round; every call is made from Python"
    )
    for shape in SHAPES:
        report["results"].append(bench(shape, contenders, chosen.rounds))
        show(report["results"][-1])
    if chosen.json:
        beside = chosen.json.with_name(f".{chosen.json.name}.part")
        beside.write_text(json.dumps(report, indent=1) + "\n")
        os.replace(beside, chosen.json)


if __name__ == "__main__":
    main()
