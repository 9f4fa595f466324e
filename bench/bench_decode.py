"""How long decoding takes, and whether it is right: posecore beside others, in one interleaved run.

    POSECORE_SHARED=../shared python bench/bench_decode.py --json decode.json

Needs the captured heads of POSECORE_SHARED; `pip install scipy posenet==0.0.3` (the second with --no-deps)
brings the others, an interpreter (`pip install "posecore[app]"`) the network's own time. What is not there
is left out and said. Nothing here passes or fails.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import importlib.util
import json
import os
import platform
import subprocess
import sys
import types
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter_ns
from typing import Any

import numpy as np

import posecore as pc
from posecore import _core

REPOSITORY = Path(__file__).parents[1]
PICTURES = ("couple_353x481", "three_481x641", "couple_721x1281", "crowd12_353x481", "empty_353x481")
MAX_POSES, THRESHOLD, NMS_RADIUS_PX, STRIDE_PX = 20, 0.2, 10, 16
ROUND_NS = 20_000_000  # each contender works about this long in each round

Found = tuple[np.ndarray, np.ndarray]  # xy (N, 17, 2) in pixels, pose scores (N,)


@dataclass
class Capture:
    name: str
    heads: pc.Heads
    real: tuple[np.ndarray, ...]  # float32: heatmaps (logits), short offsets, forward, backward
    probabilities: np.ndarray
    golden_xy: np.ndarray  # libcoral with room for 200
    golden_scores: np.ndarray

    @classmethod
    def load(cls, path: Path) -> Capture:
        with np.load(path, allow_pickle=False) as file:
            logits, mid = file["heat"], file["mid_px"]
            real = (
                logits,
                file["short_px"],
                *(np.ascontiguousarray(half) for half in np.split(mid, 2, axis=2)),
            )
            probabilities = (1 / (1 + np.exp(-logits.astype(np.float64)))).astype(np.float32)
            golden = file["lc200_kp"][..., ::-1], file["lc200_ks"]
        return cls(path.stem, pc.Heads.load(path), real, probabilities, *golden)


@dataclass
class Contender:
    name: str
    prepare: Callable[[Capture], Callable[[], Found]]


def posecore_on(heads_of: Callable[[Capture], pc.Heads]) -> Callable[[Capture], Callable[[], Found]]:
    decoder = pc.Decoder(
        pc.COCO17,
        stride_px=STRIDE_PX,
        max_poses=MAX_POSES,
        root_threshold=THRESHOLD,
        pose_threshold=THRESHOLD,
        nms_radius_px=NMS_RADIUS_PX,
    )

    def prepare(capture: Capture) -> Callable[[], Found]:
        heads = heads_of(capture)

        def call() -> Found:
            poses = decoder(heads)
            return poses.xy, poses.pose_scores

        return call

    return prepare


def float_heads(capture: Capture) -> pc.Heads:
    return pc.Heads(*capture.real, stride_px=STRIDE_PX, scores="logits")


def posenet_python() -> Contender | str:
    """rwightman's NumPy decoder as PyPI has it. Its package imports TensorFlow, its decoder does not: the
    modules of the decoder are imported under an empty package."""
    spec = importlib.util.find_spec("posenet")
    if spec is None or importlib.util.find_spec("scipy") is None:
        return "posenet (PyPI): not installed: pip install scipy, pip install --no-deps posenet==0.0.3"
    package = types.ModuleType("posenet")
    package.__path__ = list(spec.submodule_search_locations or ())
    sys.modules["posenet"] = package
    decode = importlib.import_module("posenet.decode_multi").decode_multiple_poses

    def prepare(capture: Capture) -> Callable[[], Found]:
        heads = capture.probabilities, *capture.real[1:]

        def call() -> Found:
            scores, _, coordinates = decode(
                *heads,
                STRIDE_PX,
                max_pose_detections=MAX_POSES,
                score_threshold=THRESHOLD,
                nms_radius=NMS_RADIUS_PX,
                min_pose_score=THRESHOLD,
            )
            return coordinates[scores > 0][..., ::-1], scores[scores > 0]

        return call

    return Contender(f"posenet {importlib.metadata.version('posenet')}", prepare)


def scipy_decoder() -> Contender | str:
    if importlib.util.find_spec("scipy") is None:
        return "scipy: not installed: pip install scipy"
    maximum_filter = importlib.import_module("scipy.ndimage").maximum_filter

    def prepare(capture: Capture) -> Callable[[], Found]:
        return lambda: decode_with_scipy(maximum_filter, *capture.real)

    return Contender(f"scipy {importlib.metadata.version('scipy')} + numpy walk", prepare)


def decode_with_scipy(
    maximum_filter: Callable[..., np.ndarray],
    heatmaps: np.ndarray,
    short: np.ndarray,
    fwd: np.ndarray,
    bwd: np.ndarray,
) -> Found:
    """What one writes with SciPy: local maxima by a filter, then the same walk as posecore's with arrays."""
    rows, columns, keypoints = heatmaps.shape
    edges = len(pc.COCO17.edges)
    limit = np.array([rows - 1, columns - 1])
    neighbours: list[list[tuple[int, int, np.ndarray]]] = [[] for _ in range(keypoints)]
    for edge, (parent, child) in enumerate(pc.COCO17.edges):
        neighbours[parent].append((child, edge, fwd))
        neighbours[child].append((parent, edge, bwd))

    def sample(array: np.ndarray, point: np.ndarray, channels: Any) -> np.ndarray:
        top, left = int(point[0]), int(point[1])
        bottom, right = min(top + 1, rows - 1), min(left + 1, columns - 1)
        down, across = point[0] - top, point[1] - left
        upper = array[top, left, channels] * (1 - across) + array[top, right, channels] * across
        lower = array[bottom, left, channels] * (1 - across) + array[bottom, right, channels] * across
        between: np.ndarray = upper * (1 - down) + lower * down
        return between

    def move(array: np.ndarray, point: np.ndarray, channel: int, half: int) -> np.ndarray:
        vector = sample(array, point, [channel, half + channel])
        inside: np.ndarray = np.minimum(np.maximum(point + vector / STRIDE_PX, 0), limit)
        return inside

    peaks = heatmaps == maximum_filter(heatmaps, size=(3, 3, 1), mode="nearest")
    candidates = np.argwhere(peaks & (heatmaps >= np.log(THRESHOLD / (1 - THRESHOLD))))
    order = np.argsort(-heatmaps[tuple(candidates.T)], kind="stable")
    poses: list[np.ndarray] = []
    all_scores: list[np.ndarray] = []
    radius = NMS_RADIUS_PX / STRIDE_PX
    for row, column, root in candidates[order]:
        point = move(short, np.array([row, column], float), root, keypoints)
        if any(np.hypot(*(pose[root] - point)) <= radius for pose in poses):
            continue
        pose = np.full((keypoints, 2), np.nan)
        pose[root] = point
        waiting = [root]
        while waiting:
            here = waiting.pop()
            for end, edge, displacement in neighbours[here]:
                if np.isnan(pose[end, 0]):
                    there = move(displacement, pose[here], edge, edges)
                    for _ in range(5):
                        there = move(short, there, end, keypoints)
                    pose[end] = there
                    waiting.append(end)
        logits = np.array([sample(heatmaps, pose[k], k) for k in range(keypoints)])
        scores = 1 / (1 + np.exp(-logits))
        fresh = np.ones(keypoints, bool)
        for other in poses:
            fresh &= np.hypot(*(pose - other).T) > radius
        if (scores * fresh).mean() >= THRESHOLD:
            poses.append(pose)
            all_scores.append((scores * fresh).mean())
            if len(poses) == MAX_POSES:
                break
    return np.array(poses).reshape(-1, keypoints, 2)[..., ::-1] * STRIDE_PX, np.array(all_scores)


def correctness(found: Found, capture: Capture) -> dict[str, Any]:
    """People, and how far the sure keypoints are from libcoral's, each of its people with the nearest one."""
    xy = found[0]
    result: dict[str, Any] = {"people": len(xy), "people_libcoral": len(capture.golden_xy)}
    if len(xy) and len(capture.golden_xy):
        distance = np.linalg.norm(xy[:, None] - capture.golden_xy[None], axis=3)
        sure = capture.golden_scores > 0.5
        nearest = np.nanmedian(np.where(sure, distance, np.nan), axis=2).argmin(axis=0)
        px = distance[nearest, np.arange(len(nearest))][sure]
        result |= {"median_px": float(np.median(px)), "p95_px": float(np.percentile(px, 95))}
    return result


def spread(values: list[float]) -> dict[str, float]:
    low, middle, high = np.percentile(values, [10, 50, 90])
    return {"least": min(values), "p10": float(low), "median": float(middle), "p90": float(high)}


def run_rounds(calls: dict[str, Callable[[], Found]], rounds: int) -> dict[str, list[float]]:
    """Microseconds a call in each round; contenders take turns, so that noise meets all of them."""
    repeats = {}
    for name, call in calls.items():
        call()
        begin = perf_counter_ns()
        call()
        repeats[name] = max(1, ROUND_NS // max(1, perf_counter_ns() - begin))
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            begin = perf_counter_ns()
            for _ in range(repeats[name]):
                call()
            times[name].append((perf_counter_ns() - begin) / repeats[name] / 1e3)
    return times


class Network:
    """The default model, for its own time: one thread, any size."""

    def __init__(self) -> None:
        from posecore.runtime.interpreters import open_interpreter

        model = Path(pc.__file__).parent / "data" / "posenet_mobilenet_v1_075.tflite"
        self._interpreter = open_interpreter(model.read_bytes())
        self.name = f"{model.name}, {self._interpreter.library}, one thread"

    def milliseconds(self, height: int, width: int, rounds: int) -> dict[str, float]:
        self._interpreter.resize(height, width)
        self._interpreter.input_view()[:] = 0
        times = []
        for _ in range(rounds + 2):
            begin = perf_counter_ns()
            self._interpreter.invoke()
            times.append((perf_counter_ns() - begin) / 1e6)
        return spread(times[2:])


def network() -> Network | str:
    try:
        return Network()
    except (pc.PosecoreError, OSError, ImportError) as error:
        return f"network: {error}"


def environment() -> dict[str, Any]:
    cpu = platform.processor()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [
            line.partition(":")[2].strip() for line in info.read_text().splitlines() if "model name" in line
        ]
        cpu = names[0] if names else cpu
    binary = Path(_core.__file__).read_bytes()
    at = binary.find(b"GCC: (")
    compiler = binary[at : binary.index(b"\0", at)].decode() if at >= 0 else "unknown"
    return {
        "cpu": cpu,
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "posecore": pc.__version__,
        "compiler": compiler,
        "commit": _git("rev-parse", "HEAD"),
        "uncommitted_changes": bool(_git("status", "--porcelain", "--", "cpp", "python", "CMakeLists.txt")),
    }


def _git(*arguments: str) -> str:
    try:
        return subprocess.run(
            ["git", *arguments], cwd=REPOSITORY, capture_output=True, text=True, check=True
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def bench(capture: Capture, contenders: list[Contender], net: Network | str, rounds: int) -> dict[str, Any]:
    calls = {contender.name: contender.prepare(capture) for contender in contenders}
    right = {name: correctness(call(), capture) for name, call in calls.items()}
    times = run_rounds(calls, rounds)
    first = contenders[0].name
    result: dict[str, Any] = {"capture": capture.name, "grid": list(capture.heads.grid), "contenders": {}}
    for name in calls:
        ratios = [theirs / ours for theirs, ours in zip(times[name], times[first], strict=True)]
        result["contenders"][name] = {"us": spread(times[name]), "ratio": spread(ratios), **right[name]}
    if isinstance(net, Network):
        height, width = (1 + (cells - 1) * STRIDE_PX for cells in capture.heads.grid)
        result["network_ms"] = net.milliseconds(height, width, rounds)
        decode_ms = result["contenders"][first]["us"]["median"] / 1e3
        result["decode_share_of_network"] = decode_ms / result["network_ms"]["median"]
    return result


def show(result: dict[str, Any]) -> None:
    rows, columns = result["grid"]
    print(f"\n{result['capture']} ({rows}x{columns} cells, libcoral finds {_people(result)})")
    print(
        f"  {'':34}{'us a frame':>12}{'ratio':>9}{'p10..p90':>18}{'people':>8}{'median px':>11}{'p95 px':>8}"
    )
    for name, entry in result["contenders"].items():
        ratio = entry["ratio"]
        around = f"{ratio['p10']:.2f}..{ratio['p90']:.2f}"
        px = (
            f"{entry['median_px']:11.3f}{entry['p95_px']:8.2f}"
            if "median_px" in entry
            else f"{'-':>11}{'-':>8}"
        )
        us = f"{entry['us']['median']:12.1f}"
        print(f"  {name:34}{us}{ratio['median']:9.2f}{around:>18}{entry['people']:8d}{px}")
    if "network_ms" in result:
        share = 100 * result["decode_share_of_network"]
        print(f"  network {result['network_ms']['median']:.1f} ms; decoding adds {share:.2f} % of that")


def _people(result: dict[str, Any]) -> int:
    return int(next(iter(result["contenders"].values()))["people_libcoral"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything there too")
    parser.add_argument("--rounds", type=int, default=21, help="turns that each contender takes (default 21)")
    parser.add_argument(
        "--family", choices=["B", "C", "both"], default="both", help="captures of which model"
    )
    chosen = parser.parse_args()
    folder = Path(os.environ.get("POSECORE_SHARED", REPOSITORY.parent / "shared")) / "data" / "decode"
    if not folder.is_dir():
        sys.exit(f"no captured heads: {folder} is absent; POSECORE_SHARED names the folder above data/decode")
    contenders = [
        Contender("posecore, uint8", posecore_on(lambda capture: capture.heads)),
        Contender("posecore, float32", posecore_on(float_heads)),
    ]
    others = posenet_python(), scipy_decoder()
    net = network()
    contenders += [other for other in others if isinstance(other, Contender)]
    missing = [other for other in (*others, net) if isinstance(other, str)]
    report: dict[str, Any] = {"environment": environment(), "missing": missing, "results": []}
    report["options"] = {"max_poses": MAX_POSES, "thresholds": THRESHOLD, "nms_radius_px": NMS_RADIUS_PX}
    report["network"] = net.name if isinstance(net, Network) else None
    for key, value in report["environment"].items():
        print(f"{key}: {value}")
    for line in missing:
        print(line)
    print(
        "\nratio: time over that of posecore on the same uint8 heads, in the same round; "
        "every call is made from Python"
    )
    for picture in PICTURES:
        for family in "BC" if chosen.family == "both" else chosen.family:
            result = bench(Capture.load(folder / f"{picture}__{family}.npz"), contenders, net, chosen.rounds)
            report["results"].append(result)
            show(result)
    smallest = report["results"][0]
    us = smallest["contenders"][contenders[0].name]["us"]
    print(
        f"\ntwo people, 23x31 cells, uint8: {us['median']:.1f} us a frame (fastest round "
        f"{us['least']:.1f}), the call from Python included; "
        "0 allocations in the core after the plan is made (counted by cpp/tests/test_allocations.cpp)"
    )
    if chosen.json:
        beside = chosen.json.with_name(f".{chosen.json.name}.part")
        beside.write_text(json.dumps(report, indent=1) + "\n")
        os.replace(beside, chosen.json)


if __name__ == "__main__":
    main()
