"""What smoothing costs and what it is worth: posecore beside others, on the same people, in one interleaved run.

    python bench/bench_smooth.py --json smooth.json

Truth is known of a person of 337 px (9 px a frame) and one of 1500 px in 4K, 30 fps, with a noise of 0.6 % of the
height; of one who is hidden and mistaken while others cross, of one whose legs are hidden, and of one who squats at
5 fps. Of the clips of `POSECORE_SHARED` the truth is BlazePose's, or none, and the lag is that behind what was
measured. Where a keypoint is not seen, the others are given what they expect, and RMSE counts it too.
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
from dataclasses import dataclass, replace
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
from smooth_scenes import Scene, clips, synthetic  # noqa: E402

from smooth.walking import jitter_px, lag_frames, rmse_px  # noqa: E402

KEYPOINTS = 17
ROUND_NS = 50_000_000

Run = Callable[[Scene], np.ndarray]  # to (T, 17, 2) float32


@dataclass
class Contender:
    name: str
    run: Run
    times_over: int = 1  # the scene is repeated for the clock, so that what a call costs besides is shared


def raw(scene: Scene) -> np.ndarray:
    return scene.xy


def a_frame_at_a_time(scene: Scene) -> np.ndarray:
    smoother = KalmanSmoother(fps=scene.fps)
    frames = [
        pc.Poses(xy[None], scores[None], skeleton=pc.COCO17, visible=visible[None])
        for xy, scores, visible in zip(scene.xy, scene.scores, scene.visible, strict=True)
    ]
    return np.stack([smoother(poses).xy[0] for poses in frames])


def tracks(**options: Any) -> Run:
    return lambda scene: KalmanSmoother(fps=scene.fps, **options).track(scene.xy, scene.scores, scene.visible)


def with_size(scene: Scene) -> np.ndarray:
    """Equal scores, and the size of the first frame: what costs least."""
    return KalmanSmoother(fps=scene.fps).track(
        scene.xy, None, scene.visible, size_px=float(np.ptp(scene.xy[0], axis=0).max())
    )


def other_scores(scene: Scene) -> np.ndarray:
    """Every keypoint has a score of its own: what costs most."""
    scores = np.resize(_SCORES, scene.scores.shape)
    return KalmanSmoother(fps=scene.fps).track(scene.xy, scores, scene.visible)


_SCORES = np.random.default_rng(0).uniform(0.6, 1, 10007).astype(np.float32)


def ours() -> list[Contender]:
    return [
        Contender("none", raw),
        Contender("posecore, fixed point", tracks(), 20),
        Contender("posecore, fixed point, size given", with_size, 20),
        Contender("posecore, fixed point, other scores", other_scores, 20),
        Contender("posecore, float32", tracks(arithmetic="float"), 20),
        Contender("posecore, Poses by Poses", a_frame_at_a_time),
        Contender(
            "posecore, one-euro",
            lambda scene: OneEuroSmoother(fps=scene.fps).track(scene.xy, scene.scores, scene.visible),
            20,
        ),
        Contender("posecore, the recipe", tracks(preset="constant_position"), 20),
        Contender(
            "posecore, two passes",
            lambda scene: smooth_two_pass(scene.xy, scene.scores, scene.visible, fps=scene.fps),
        ),
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

    def filtered(made: Any, scene: Scene) -> np.ndarray:
        out = np.empty_like(scene.xy)
        both = np.repeat(scene.visible, 2, axis=1)[..., None]
        for t, z in enumerate(scene.xy.reshape(len(out), n, 1).astype(np.float64)):
            made.predict()
            made.update(np.where(both[t], z, made.x[:n]))
            out[t] = made.x[:n].reshape(KEYPOINTS, 2)
        return out

    def recipe(scene: Scene) -> np.ndarray:
        xy = scene.xy
        made = kalman(dim_x=n, dim_z=n)
        made.F = made.H = np.eye(n)
        made.P, made.R, made.Q = np.eye(n), 0.1 * np.eye(n), 0.01 * np.eye(n)
        made.x = xy[0].reshape(n, 1).astype(np.float64)
        return filtered(made, scene)

    def velocity(scene: Scene) -> np.ndarray:
        xy = scene.xy
        made = kalman(dim_x=2 * n, dim_z=n)
        made.F, made.Q = constant_velocity()
        made.H = np.eye(n, 2 * n)
        made.R, made.P = 4 * np.eye(n), 100 * np.eye(2 * n)
        made.x = np.concatenate([xy[0].reshape(n), np.zeros(n)])[:, None].astype(np.float64)
        return filtered(made, scene)

    name = f"filterpy {importlib.metadata.version('filterpy')}"
    return [Contender(f"{name}, the recipe", recipe), Contender(f"{name}, constant velocity", velocity)]


def opencv() -> list[Contender] | str:
    if importlib.util.find_spec("cv2") is None:
        return "cv2: not installed: pip install opencv-python-headless"
    cv2 = importlib.import_module("cv2")
    n = 2 * KEYPOINTS

    def filtered(states: int, f: np.ndarray, q: np.ndarray, r: float, p: float, scene: Scene) -> np.ndarray:
        xy = scene.xy
        made = cv2.KalmanFilter(states, n)
        made.transitionMatrix, made.processNoiseCov = f.astype(np.float32), q.astype(np.float32)
        made.measurementMatrix = np.eye(n, states, dtype=np.float32)
        made.measurementNoiseCov = r * np.eye(n, dtype=np.float32)
        made.errorCovPost = p * np.eye(states, dtype=np.float32)
        state = np.zeros((states, 1), np.float32)
        state[:n, 0] = xy[0].reshape(n)
        made.statePost = state
        out = np.empty_like(xy)
        both = np.repeat(scene.visible, 2, axis=1)[..., None]
        for t, z in enumerate(xy.reshape(len(xy), n, 1)):
            expected = made.predict()[:n]
            out[t] = made.correct(np.where(both[t], z, expected))[:n].reshape(KEYPOINTS, 2)
        return out

    name = f"cv2 {cv2.__version__}"
    return [
        Contender(
            f"{name}, the recipe",
            lambda scene: filtered(n, np.eye(n), 0.01 * np.eye(n), 0.1, 1.0, scene),
        ),
        Contender(
            f"{name}, constant velocity",
            lambda scene: filtered(2 * n, *constant_velocity(), 4.0, 100.0, scene),
        ),
    ]


def one_euro() -> list[Contender] | str:
    if importlib.util.find_spec("OneEuroFilter") is None:
        return "OneEuroFilter: not installed: pip install OneEuroFilter"
    kind = importlib.import_module("OneEuroFilter").OneEuroFilter

    def run(scene: Scene) -> np.ndarray:
        xy, fps = scene.xy, scene.fps
        filters = [kind(freq=fps, mincutoff=1.0, beta=0.007, dcutoff=1.0) for _ in range(2 * KEYPOINTS)]
        out = np.empty_like(xy)
        for t, row in enumerate(xy.reshape(len(xy), -1)):
            out[t] = np.reshape(
                [each(float(value), t / fps) for each, value in zip(filters, row, strict=True)],
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
        def run(scene: Scene) -> np.ndarray:
            xy = scene.xy
            tracker = norfair.Tracker(
                distance_function="mean_euclidean",
                distance_threshold=1e9,
                initialization_delay=0,
                detection_threshold=0.05,
                filter_factory=factory(),
            )
            out = np.array(xy)
            for t, points in enumerate(xy):
                detection = norfair.Detection(points.astype(np.float64), scores=scene.scores[t].astype(float))
                found = tracker.update(detections=[detection])
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


def repeated(scene: Scene, times_over: int) -> Scene:
    arrays = {
        name: np.concatenate([getattr(scene, name)] * times_over) for name in ("xy", "scores", "visible")
    }
    return replace(scene, **arrays)


def rounds_of(contenders: list[Contender], scene: Scene, rounds: int) -> dict[str, list[float]]:
    """Microseconds a pose in each round; contenders take turns, so that noise meets all of them."""
    repeats = {}
    scenes = {contender.name: repeated(scene, contender.times_over) for contender in contenders}
    for contender in contenders:
        begin = perf_counter_ns()
        contender.run(scenes[contender.name])
        repeats[contender.name] = max(1, min(2000, ROUND_NS // max(1, perf_counter_ns() - begin)))
    times: dict[str, list[float]] = {contender.name: [] for contender in contenders}
    for _ in range(rounds):
        for contender in contenders:
            whole = scenes[contender.name]
            begin = perf_counter_ns()
            for _ in range(repeats[contender.name]):
                contender.run(whole)
            spent = perf_counter_ns() - begin
            times[contender.name].append(spent / repeats[contender.name] / len(whole.xy) / 1e3)
    return times


def measure(scene: Scene, contenders: list[Contender], rounds: int) -> dict[str, Any]:
    """Prints the scene's table, and gives it."""
    times = rounds_of(contenders, scene, rounds)
    reference = scene.xy if scene.truth is None or scene.truth_is != "known" else scene.truth
    own = (
        ""
        if scene.truth is None
        else f"; truth ({scene.truth_is}) has a jitter of {jitter_px(scene.truth):.2f} px"
    )
    print(f"\n{scene.name}, {scene.fps:.4g} fps, {len(scene.xy)} frames{own}")
    print(f"  {'':44}{'us a pose':>10}{'least':>9}{'RMSE px':>9}{'jitter':>8}{'lag, frames':>12}")
    results: dict[str, Any] = {}
    for contender in contenders:
        out = contender.run(scene)
        us = spread(times[contender.name])
        entry = results[contender.name] = {
            "us": us,
            "rmse_px": None if scene.truth is None else rmse_px(out, scene.truth),
            "jitter_px": jitter_px(out),
            "lag_frames": lag_frames(out, reference),
        }
        rmse = "-" if entry["rmse_px"] is None else f"{entry['rmse_px']:.2f}"
        print(
            f"  {contender.name:44}{us['median']:10.3f}{us['least']:9.3f}{rmse:>9}"
            f"{entry['jitter_px']:8.2f}{entry['lag_frames']:12.2f}"
        )
    return results


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
    real = clips()
    for line in [each for each in real if isinstance(each, str)]:
        missing.append(line)
        print(f"left out: {line}")
    for scene in [*synthetic(), *(each for each in real if not isinstance(each, str))]:
        report["results"][scene.name] = measure(scene, contenders, chosen.rounds)
    if chosen.json:
        chosen.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
