"""People who walk, as true keypoints and as a network would find them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np

import posecore as pc

K = 17
HEIGHT_PX = 300.0
GROUND_PX = 500.0


def walker(
    time_s: np.ndarray,
    *,
    at_px: float,
    speed: float,
    phase: float = 0.0,
    height: float = HEIGHT_PX,
    view: Literal["side", "front"] = "side",
) -> np.ndarray:
    """(T, 17, 2) pixels of a person who is at `at_px` at time 0 and takes one double step a second: limbs are
    pendulums, knees bend while a leg swings, and seen from the side left and right pass each other."""
    swing = 2 * np.pi * time_s + phase
    facing = -1.0 if speed < 0 else 1.0
    shoulder, hip, eye = (0.02, 0.015, 0.0) if view == "side" else (0.12, 0.07, 0.02)
    depth = 1.0 if view == "side" else 0.12
    nose, ear = (0.06, 0.0) if view == "side" else (0.0, 0.04)
    xy = np.zeros((len(time_s), K, 2))

    def put(keypoint: int, ahead: np.ndarray | float, up: np.ndarray | float) -> None:
        xy[:, keypoint, 0] = at_px + speed * time_s + facing * height * np.asarray(ahead)
        xy[:, keypoint, 1] = GROUND_PX - height * (np.asarray(up) + 0.01 * np.cos(2 * swing))

    put(0, nose, 0.93)
    for left, sign in ((0, 1.0), (1, -1.0)):
        put(1 + left, nose * 0.6 + sign * eye, 0.95)
        put(3 + left, sign * ear, 0.94)
        arm, leg = -0.45 * sign * np.sin(swing), 0.5 * sign * np.sin(swing)
        bend = np.maximum(0, 0.9 * sign * np.cos(swing))
        put(5 + left, sign * shoulder, 0.82)
        elbow = depth * 0.18 * np.sin(arm), 0.82 - 0.18 * np.cos(arm)
        put(7 + left, sign * shoulder + elbow[0], elbow[1])
        put(
            9 + left,
            sign * shoulder + elbow[0] + depth * 0.16 * np.sin(arm + 0.3),
            elbow[1] - 0.16 * np.cos(arm + 0.3),
        )
        put(11 + left, sign * hip, 0.52)
        knee = depth * 0.25 * np.sin(leg), 0.52 - 0.25 * np.cos(leg)
        put(13 + left, sign * hip + knee[0], knee[1])
        put(
            15 + left,
            sign * hip + knee[0] + depth * 0.25 * np.sin(leg - bend),
            knee[1] - 0.25 * np.cos(leg - bend),
        )
    return xy


def crossing(seed: int, time_s: np.ndarray) -> list[np.ndarray]:
    """Two people who meet in the middle of the time and walk on."""
    rng = np.random.default_rng(seed)
    middle = float(time_s[0] + time_s[-1]) / 2
    people = []
    for direction in (1, -1):
        speed = direction * rng.uniform(120, 220)
        people.append(
            walker(
                time_s,
                at_px=640 - speed * middle,
                speed=speed,
                phase=rng.uniform(0, 2 * np.pi),
                height=HEIGHT_PX * rng.uniform(0.9, 1.1),
            )
        )
        people[-1][..., 1] += rng.uniform(-15, 15)
    return people


def found(
    people: Sequence[np.ndarray],
    time_s: np.ndarray,
    *,
    noise_px: float,
    missed: float = 0.0,
    hidden_px: float = 0.0,
    seed: int = 0,
) -> Iterator[tuple[pc.Poses, list[int]]]:
    """Each frame's poses in any order, and who each is. Of each person a share of the frames is missed; the
    second is not found where her middle is nearer to the first's than `hidden_px`."""
    rng = np.random.default_rng(seed)
    for frame, now in enumerate(time_s):
        who = []
        for n, person in enumerate(people):
            gap = abs(person[frame, :, 0].mean() - people[0][frame, :, 0].mean())
            if rng.random() >= missed and not (n > 0 and gap < hidden_px):
                who.append(n)
        rng.shuffle(who)
        xy = np.array([people[n][frame] for n in who]).reshape(-1, K, 2)
        xy = (xy + rng.normal(0, noise_px, xy.shape)).astype(np.float32)
        scores = rng.uniform(0.5, 1, xy.shape[:2]).astype(np.float32)
        yield pc.Poses(xy, scores, skeleton=pc.COCO17, time_s=float(now)), who


def one(xy: np.ndarray, time_s: float, track_id: int = 1, score: float = 0.8) -> pc.Poses:
    """One pose with an id."""
    xy = np.asarray(xy, np.float32).reshape(1, K, 2)
    ids = np.array([track_id], np.int64)
    return pc.Poses(xy, np.full((1, K), score, np.float32), skeleton=pc.COCO17, time_s=time_s, track_ids=ids)


def crowd(positions: Sequence[tuple[float, float]], time_s: float, scores: Sequence[float] = ()) -> pc.Poses:
    """People who stand still, the same but for their places and the scores of their keypoints."""
    body = walker(np.zeros(1), at_px=0, speed=0, view="front")[0]
    xy = np.array([body + place for place in positions], np.float32).reshape(-1, K, 2)
    each = np.array(list(scores) or [0.8] * len(positions), np.float32)
    return pc.Poses(xy, np.repeat(each[:, None], K, axis=1), skeleton=pc.COCO17, time_s=time_s)
