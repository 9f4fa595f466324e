"""What smoothing costs and what it is worth: posecore beside others, on somebody who walks, in one interleaved run.

    python bench/bench_smooth.py --json smooth.json

Truth is known: a person of 337 px (9 px a frame) and one of 1500 px in 4K, 30 fps, with a noise of 0.6 % of the height.
`pip install filterpy OneEuroFilter norfair opencv-python-headless` brings the others; what is not there is left out and
said. Nothing here passes or fails.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import importlib.util
import json
import logging
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter_ns
from typing import Any

import numpy as np

import posecore as pc
from posecore.smooth import KalmanSmoother, OneEuroSmoother
from posecore.two_pass import smooth_two_pass

REPOSITORY = Path(__file__).parents[1]
sys.path[:0] = [str(REPOSITORY / "tests"), str(REPOSITORY / "bench")]

from bench_decode import environment, spread  # noqa: E402

from smooth.walking import jitter_px, lag_frames, rmse_px, seen, walk  # noqa: E402

FPS, FRAMES, KEYPOINTS = 30.0, 600, 17
HEIGHTS_PX = {"337 px": 337.0, "1500 px in 4K": 1500.0}
NOISE = 0.006
ROUND_NS = 50_000_000

Run = Callable[[np.ndarray], np.ndarray]  # (T, 17, 2) float32 to the same


@dataclass
class Contender:
    name: str
    run: Run
    times_over: int = (
        1  # the walk is repeated so often for the clock, so that what a call costs besides is shared
    )


def raw(xy: np.ndarray) -> np.ndarray:
    return xy


def a_frame_at_a_time(xy: np.ndarray) -> np.ndarray:
    smoother = KalmanSmoother(fps=FPS)
    scores = np.ones((1, KEYPOINTS), np.float32)
    frames = [pc.Poses(xy[t : t + 1], scores, skeleton=pc.COCO17) for t in range(len(xy))]
    return np.stack([smoother(poses).xy[0] for poses in frames])


def ours() -> list[Contender]:
    return [
        Contender("none", raw),
        Contender("posecore, fixed point", lambda xy: KalmanSmoother(fps=FPS).track(xy), 20),
        Contender(
            "posecore, fixed point, size given",
            lambda xy: KalmanSmoother(fps=FPS).track(xy, size_px=float(np.ptp(xy[0, :, 1]))),
            20,
        ),
        Contender("posecore, float32", lambda xy: KalmanSmoother(fps=FPS, arithmetic="float").track(xy), 20),
        Contender("posecore, Poses by Poses", a_frame_at_a_time),
        Contender("posecore, one-euro", lambda xy: OneEuroSmoother(fps=FPS).track(xy), 20),
        Contender(
            "posecore, the recipe",
            lambda xy: KalmanSmoother(fps=FPS, preset="constant_position").track(xy),
            20,
        ),
        Contender("posecore, two passes", lambda xy: smooth_two_pass(xy, fps=FPS)),
    ]


def constant_velocity() -> tuple[np.ndarray, np.ndarray]:
    """F and Q of 34 positions and 34 velocities, pixels and frames, an acceleration of 2 px/frame^2."""
    n = 2 * KEYPOINTS
    eye, zero = np.eye(n), np.zeros((n, n))
    noise = 4 * np.array([[1 / 3, 1 / 2], [1 / 2, 1]])
    return np.block([[eye, eye], [zero, eye]]), np.kron(noise, eye)


def filterpy() -> list[Contender] | str:
    if importlib.util.find_spec("filterpy") is None:
        return "filterpy: not installed: pip install filterpy"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kalman = importlib.import_module("filterpy.kalman").KalmanFilter
    n = 2 * KEYPOINTS

    def filtered(made: Any, xy: np.ndarray) -> np.ndarray:
        out = np.empty_like(xy)
        for t, z in enumerate(xy.reshape(len(xy), n, 1).astype(np.float64)):
            made.predict()
            made.update(z)
            out[t] = made.x[:n].reshape(KEYPOINTS, 2)
        return out

    def recipe(xy: np.ndarray) -> np.ndarray:
        made = kalman(dim_x=n, dim_z=n)
        made.F = made.H = np.eye(n)
        made.P, made.R, made.Q = np.eye(n), 0.1 * np.eye(n), 0.01 * np.eye(n)
        made.x = xy[0].reshape(n, 1).astype(np.float64)
        return filtered(made, xy)

    def velocity(xy: np.ndarray) -> np.ndarray:
        made = kalman(dim_x=2 * n, dim_z=n)
        made.F, made.Q = constant_velocity()
        made.H = np.eye(n, 2 * n)
        made.R, made.P = 4 * np.eye(n), 100 * np.eye(2 * n)
        made.x = np.concatenate([xy[0].reshape(n), np.zeros(n)])[:, None].astype(np.float64)
        return filtered(made, xy)

    name = f"filterpy {importlib.metadata.version('filterpy')}"
    return [Contender(f"{name}, the recipe", recipe), Contender(f"{name}, constant velocity", velocity)]


def opencv() -> list[Contender] | str:
    if importlib.util.find_spec("cv2") is None:
        return "cv2: not installed: pip install opencv-python-headless"
    cv2 = importlib.import_module("cv2")
    n = 2 * KEYPOINTS

    def filtered(states: int, f: np.ndarray, q: np.ndarray, r: float, p: float, xy: np.ndarray) -> np.ndarray:
        made = cv2.KalmanFilter(states, n)
        made.transitionMatrix, made.processNoiseCov = f.astype(np.float32), q.astype(np.float32)
        made.measurementMatrix = np.eye(n, states, dtype=np.float32)
        made.measurementNoiseCov = r * np.eye(n, dtype=np.float32)
        made.errorCovPost = p * np.eye(states, dtype=np.float32)
        state = np.zeros((states, 1), np.float32)
        state[:n, 0] = xy[0].reshape(n)
        made.statePost = state
        out = np.empty_like(xy)
        for t, z in enumerate(xy.reshape(len(xy), n, 1)):
            made.predict()
            out[t] = made.correct(z)[:n].reshape(KEYPOINTS, 2)
        return out

    name = f"cv2 {cv2.__version__}"
    return [
        Contender(f"{name}, the recipe", lambda xy: filtered(n, np.eye(n), 0.01 * np.eye(n), 0.1, 1.0, xy)),
        Contender(
            f"{name}, constant velocity", lambda xy: filtered(2 * n, *constant_velocity(), 4.0, 100.0, xy)
        ),
    ]


def one_euro() -> list[Contender] | str:
    if importlib.util.find_spec("OneEuroFilter") is None:
        return "OneEuroFilter: not installed: pip install OneEuroFilter"
    kind = importlib.import_module("OneEuroFilter").OneEuroFilter

    def run(xy: np.ndarray) -> np.ndarray:
        filters = [kind(freq=FPS, mincutoff=1.0, beta=0.007, dcutoff=1.0) for _ in range(2 * KEYPOINTS)]
        out = np.empty_like(xy)
        for t, row in enumerate(xy.reshape(len(xy), -1)):
            out[t] = np.reshape(
                [each(float(value), t / FPS) for each, value in zip(filters, row, strict=True)],
                (KEYPOINTS, 2),
            )
        return out

    return [Contender(f"OneEuroFilter {importlib.metadata.version('OneEuroFilter')}", run)]


def norfair() -> list[Contender] | str:
    logging.disable(logging.WARNING)  # it warns of its distances at every tracker
    try:
        norfair = importlib.import_module("norfair")
        filters = importlib.import_module("norfair.filter")
    except ImportError as error:
        return f"norfair: {error}"

    def run_with(factory: Any) -> Run:
        def run(xy: np.ndarray) -> np.ndarray:
            tracker = norfair.Tracker(
                distance_function="mean_euclidean",
                distance_threshold=1e9,
                initialization_delay=0,
                filter_factory=factory(),
            )
            out = np.array(xy)
            for t, points in enumerate(xy):
                found = tracker.update(detections=[norfair.Detection(points.astype(np.float64))])
                if found:
                    out[t] = found[0].estimate
            return out

        return run

    name = f"norfair {importlib.metadata.version('norfair')}"
    return [
        Contender(f"{name}, {factory}", run_with(getattr(filters, factory)))
        for factory in ("FilterPyKalmanFilterFactory", "OptimizedKalmanFilterFactory")
        if hasattr(filters, factory)
    ]


def rounds_of(contenders: list[Contender], xy: np.ndarray, rounds: int) -> dict[str, list[float]]:
    """Microseconds a pose in each round; contenders take turns, so that noise meets all of them."""
    repeats = {}
    tracks = {contender.name: np.tile(xy, (contender.times_over, 1, 1)) for contender in contenders}
    for contender in contenders:
        begin = perf_counter_ns()
        contender.run(tracks[contender.name])
        repeats[contender.name] = max(1, min(2000, ROUND_NS // max(1, perf_counter_ns() - begin)))
    times: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    for _ in range(rounds):
        for contender in contenders:
            track = tracks[contender.name]
            begin = perf_counter_ns()
            for _ in range(repeats[contender.name]):
                contender.run(track)
            spent = perf_counter_ns() - begin
            times[contender.name].append(spent / repeats[contender.name] / len(track) / 1e3)
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything there too")
    parser.add_argument("--rounds", type=int, default=7, help="turns that each contender takes (default 7)")
    chosen = parser.parse_args()
    found = [filterpy(), opencv(), one_euro(), norfair()]
    contenders = ours() + [each for group in found if not isinstance(group, str) for each in group]
    missing = [each for each in found if isinstance(each, str)]
    report: dict[str, Any] = {"environment": environment(), "missing": missing, "results": {}}
    for line in missing:
        print(f"left out: {line}")
    for scene, height in HEIGHTS_PX.items():
        truth = walk(FRAMES, FPS, height, turn_at_m=3.0)
        xy = seen(truth, NOISE * height)
        times = rounds_of(contenders, xy, chosen.rounds)
        print(f"\n{scene}, noise {NOISE * height:.1f} px; the walk's own jitter is {jitter_px(truth):.2f} px")
        print(f"  {'':44}{'us a pose':>10}{'least':>9}{'RMSE px':>9}{'jitter':>8}{'lag, frames':>12}")
        results = report["results"][scene] = {}
        for contender in contenders:
            out = contender.run(xy)
            us = spread(times[contender.name])
            entry = {
                "us": us,
                "rmse_px": rmse_px(out, truth),
                "jitter_px": jitter_px(out),
                "lag_frames": lag_frames(out, truth),
            }
            results[contender.name] = entry
            print(
                f"  {contender.name:44}{us['median']:10.3f}{us['least']:9.3f}{entry['rmse_px']:9.2f}"
                f"{entry['jitter_px']:8.2f}{entry['lag_frames']:12.2f}"
            )
    if chosen.json:
        chosen.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
