"""A keypoint that was calm and is suddenly elsewhere: not believed for a frame, and believed in the next."""

from __future__ import annotations

import numpy as np
import pytest

from oracle.kalman import Lanes
from posecore.smooth import KalmanSmoother
from smooth.settings import Setting, track
from smooth.walking import rmse_px, seen, walk

MEASURED, GATED = 1, 3
SETTING = Setting(30.0, 300.0, 4.0)
ARITHMETIC = pytest.mark.parametrize("floats", [False, True], ids=["fixed", "float"])


def calm(frames: int, keypoints: int = 1, seed: int = 1) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, 2, (frames, keypoints, 2))
    return (300 + 100 * np.arange(keypoints)[:, None] + noise).astype(np.float32)


@ARITHMETIC
def test_they_are_the_oracles(floats: bool) -> None:
    """Spikes of all sizes, some of them two frames long, gaps, and other scores; to the last one."""
    rng = np.random.default_rng(2)
    xy = calm(3000, 3)
    hit = rng.random((3000, 3)) < 0.03
    hit[1:] |= hit[:-1] & (rng.random((2999, 3)) < 0.3)
    xy[hit] += rng.uniform(-120, 120, (int(hit.sum()), 2)).astype(np.float32)
    scores = rng.uniform(0.3, 1, (3000, 3)).astype(np.float32)
    visible = rng.random((3000, 3)) > 0.02
    kernel = SETTING.kernel(3, floats=floats, gate_sigmas=10.0)
    found, kinds, counted = track(kernel, xy, visible, scores)
    oracle = Lanes(
        q=np.full(3, SETTING.q),
        start_velocity=np.full(3, SETTING.start_velocity),
        unit=np.full(3, SETTING.variance),
        gate_sigmas=10.0,
    )
    for t in range(3000):
        variance = SETTING.variance / np.clip(scores[t].astype(float), 0.1, 1) ** 2
        wanted = oracle.step(xy[t], np.where(visible[t], variance, 0.0))
        assert np.abs(wanted - found[t]).max() < 0.01, t
    assert counted[1] == oracle.gated.sum() > 100
    assert (kinds == GATED).sum() == counted[1]


@ARITHMETIC
def test_one_frame_is_gated_and_leaves_nothing_behind(floats: bool) -> None:
    """0.2 of a person of 300 px: a fifth of what the wide gate lets through."""
    xy = calm(200, 17)
    size = np.full(200, 300, np.float32)
    wrong = xy.copy()
    wrong[100, 4] += 42
    options = {
        "noise": 0.02,
        "acceleration": 10.0,
        "speed": 2.0,
        "hold_s": 1 / 30,
        "gate_sigmas": 10.0,
        "floats": floats,
    }
    clean, _, none = track(SETTING.kernel(17, **options), xy, sizes=size)
    found, kinds, counted = track(SETTING.kernel(17, **options), wrong, sizes=size)
    assert none[1] == 0
    assert counted == (0, 1, 0, 0)
    assert kinds[100, 4] == GATED
    assert kinds[101, 4] == MEASURED
    assert np.abs(found - clean).max() < 8, "that frame's own noise, and what its velocity had"
    assert np.abs(found - clean)[105:].max() < 2
    open_, _, _ = track(SETTING.kernel(17, **(options | {"gate_sigmas": 0.0})), wrong, sizes=size)
    assert np.abs(open_ - clean).max() > 15


def test_who_moves_on_is_believed_in_the_next_frame() -> None:
    xy = calm(200)
    xy[100:] += 60
    size = np.full(200, 300, np.float32)
    options = {"noise": 0.02, "acceleration": 10.0, "speed": 2.0, "hold_s": 1 / 30, "gate_sigmas": 10.0}
    _, kinds, counted = track(SETTING.kernel(1, **options), xy, sizes=size)
    assert np.flatnonzero(kinds[:, 0] == GATED).tolist() == [100]
    assert counted[3] == 0


# Of an error of 1 that goes in: what comes out of clean walks, and of those with 2 % of spikes of 0.1 to 0.3 sizes.
@pytest.mark.parametrize(
    ("fps", "clean", "spiky"), [(24, 1.0, 2.2), (30, 0.9, 1.4), (60, 0.75, 0.95), (120, 0.65, 0.75)]
)
def test_spikes_hardly_matter_and_walks_lose_nothing(fps: int, clean: float, spiky: float) -> None:
    truth = walk(20 * fps, fps, 337)
    rng = np.random.default_rng(2)
    for seed in range(3):
        xy = seen(truth, 0.006 * 337, seed)
        raw = rmse_px(xy, truth)
        smoother = KalmanSmoother(fps=fps)
        open_ = KalmanSmoother(fps=fps, gate_sigmas=0).track(xy)
        found = smoother.track(xy)
        assert rmse_px(found, truth) < clean * raw
        assert rmse_px(found, truth) < 1.01 * rmse_px(open_, truth)
        hit = rng.random(xy.shape[:2]) < 0.02
        hit[:3] = False
        turn = rng.uniform(0, 2 * np.pi, xy.shape[:2])
        leap = 337 * rng.uniform(0.1, 0.3, xy.shape[:2]) * hit
        wrong = xy + (np.stack([np.cos(turn), np.sin(turn)], axis=-1) * leap[..., None]).astype(np.float32)
        gated = rmse_px(KalmanSmoother(fps=fps).track(wrong), truth)
        assert gated < spiky * raw
        assert rmse_px(KalmanSmoother(fps=fps, gate_sigmas=0).track(wrong), truth) > 1.2 * gated


@pytest.mark.parametrize(("fps", "most"), [(10, 1.02), (15, 1.02), (30, 1.15), (60, 1.02), (120, 1.02)])
def test_a_stroke_of_half_a_body_in_a_third_of_a_second_is_followed(fps: int, most: float) -> None:
    """Beside the filter without gates."""
    t = np.arange(20 * fps) / fps

    def stroke(begin: float) -> np.ndarray:
        turns = np.clip((t % 2.03 - begin) / 0.3, 0, 1)
        return turns - np.sin(2 * np.pi * turns) / (2 * np.pi)

    truth = np.zeros((len(t), 17, 2))
    truth[..., 1] = np.linspace(0, 337, 17)
    truth[:, :8, 0] = (stroke(0.5) - stroke(1.3))[:, None] * 337 / 2
    xy = seen(truth, 0.006 * 337)
    found = rmse_px(KalmanSmoother(fps=fps).track(xy)[:, :8], truth[:, :8])
    assert found < most * rmse_px(KalmanSmoother(fps=fps, gate_sigmas=0).track(xy)[:, :8], truth[:, :8])
