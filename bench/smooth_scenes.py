"""What bench_smooth.py smooths: people whose truth is known, and the main people of the shared clips."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import posecore as pc

REPOSITORY = Path(__file__).parents[1]
sys.path[:0] = [str(REPOSITORY / "tests")]

from smooth.walking import seen, squat, walk  # noqa: E402

FRAMES = 600
NOISE = 0.006
# BlazePose's keypoints that COCO-17 has, in its order.
_BLAZEPOSE = [0, 2, 5, 7, 8, 11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28]


@dataclass
class Scene:
    """One person.

    Attributes:
        xy: (T, 17, 2) float32, what was measured; where it is not seen, what was seen last.
        scores: (T, 17) float32.
        visible: (T, 17) bool.
        truth: (T, 17, 2), or None.
        truth_is: how it is known.
    """

    name: str
    fps: float
    xy: np.ndarray
    scores: np.ndarray
    visible: np.ndarray
    truth: np.ndarray | None
    truth_is: str = "known"


def scene(name: str, truth: np.ndarray, xy: np.ndarray, visible: np.ndarray, fps: float = 30.0) -> Scene:
    held = xy.copy()
    for t in range(1, len(xy)):
        held[t][~visible[t]] = held[t - 1][~visible[t]]
    return Scene(name, fps, held, np.where(visible, np.float32(1), np.float32(0)), visible, truth)


def walking(height_px: float, name: str) -> Scene:
    truth = walk(FRAMES, 30, height_px, turn_at_m=3.0)
    return scene(name, truth, seen(truth, NOISE * height_px), np.ones((FRAMES, 17), bool))


def crossing() -> Scene:
    """Every 2 s somebody comes between for 0.3 s: what she hides of the person is not seen, or found on her."""
    truth = walk(FRAMES, 30, 337.0, turn_at_m=3.0)
    xy, visible = seen(truth, NOISE * 337), np.ones((FRAMES, 17), bool)
    rng = np.random.default_rng(3)
    for start in range(60, FRAMES - 10, 60):
        for t in range(start, start + 9):
            hidden = rng.random(17) < 0.5
            wrong = hidden & (rng.random(17) < 0.3)
            visible[t, hidden & ~wrong] = False
            xy[t, wrong, 0] += 15 * (t - start - 4)
            xy[t, wrong] += rng.normal(0, 15, (int(wrong.sum()), 2))
    return scene("crossing", truth, xy, visible)


def occlusion() -> Scene:
    """Every 3 s the legs are behind something for half a second; 1 % of keypoints are elsewhere for a frame."""
    truth = walk(FRAMES, 30, 337.0, turn_at_m=3.0)
    xy, visible = seen(truth, NOISE * 337), np.ones((FRAMES, 17), bool)
    rng = np.random.default_rng(4)
    for start in range(60, FRAMES - 20, 90):
        visible[start : start + 15, 13:] = False
    lost = rng.random((FRAMES, 17)) < 0.01
    xy[lost] += rng.uniform(-100, 100, (int(lost.sum()), 2))
    return scene("occlusion and spikes", truth, xy.astype(np.float32), visible)


def slow_squats() -> Scene:
    truth = squat(200, 5, 700.0)
    return scene("squats at 5 fps", truth, seen(truth, NOISE * 700), np.ones((200, 17), bool), fps=5.0)


def clips() -> list[Scene | str]:
    """The person who is in view for longest of two shared clips, as estimator and tracker see her."""
    shared = Path(os.environ.get("POSECORE_SHARED", REPOSITORY.parent / "shared")) / "data" / "video"
    if not shared.is_dir():
        return [f"clips: {shared} is not there; POSECORE_SHARED names the folder of shared data"]
    if importlib.util.find_spec("cv2") is None:
        return ['clips: OpenCV is not installed: pip install "posecore[app]"']
    from posecore.errors import MissingExtra
    from posecore.video import VideoReader

    found: list[Scene | str] = []
    for name in ("pose_squats", "sports2d_walk_demo"):
        try:
            estimator = pc.Estimator()
        except MissingExtra as missing:
            return [f"clips: {missing}"]
        tracker = pc.Tracker(pc.COCO17)
        rows: dict[int, dict[int, tuple[np.ndarray, ...]]] = {}
        times = []
        for t, (_, time_s, image) in enumerate(VideoReader(shared / f"{name}.mp4")):
            poses = tracker(estimator(image).replace(time_s=time_s))
            times.append(time_s)
            for n, identity in enumerate(poses.track_ids.tolist()):
                rows.setdefault(identity, {})[t] = (poses.xy[n], poses.scores[n], poses.visible[n])
        rows.pop(-1, None)
        identity = max(rows, key=lambda key: len(rows[key]))
        frames = sorted(rows[identity])
        first = frames[0]
        whole = [
            rows[identity][t] for t in range(first, first + len(frames)) if t in rows[identity]
        ]  # without what comes after a gap
        xy, scores, visible = (np.stack([row[part] for row in whole]) for part in range(3))
        truth, how = None, "none"
        if name == "pose_squats":
            points = np.array(json.loads((shared / f"{name}.full.json").read_text("utf-8")))
            truth, how = points[:, _BLAZEPOSE, :2][first : first + len(whole)], "BlazePose's"
        fps = 1 / float(np.median(np.diff(times)))
        found.append(Scene(f"{name}.mp4", fps, xy, scores, visible, truth, how))
    return found


def synthetic() -> list[Scene]:
    return [
        walking(337.0, "walking, 337 px"),
        walking(1500.0, "walking, 1500 px in 4K"),
        crossing(),
        occlusion(),
        slow_squats(),
    ]
