"""Captured heads of Coral's models: the people that libcoral and tfjs find in them.

libcoral takes candidates of equal score in the order of its heap, posecore by row, column and keypoint;
most candidates of quantised heads share their score with another one. What differs then is which cell of a
plateau a person is found from: hence median and 95th percentile, not every point.
"""

from __future__ import annotations

import numpy as np
import pytest
from arbitrary import as_bytes, assert_same

import posecore as pc
from oracle.heatmaps import decode_heatmaps
from oracle.multi import MultiDecoder
from oracle.single import decode_single
from posecore import COCO17

PICTURES = [
    "couple_353x481",
    "couple_721x1281",
    "crowd12_353x481",
    "empty_353x481",
    "squat_353x481",
    "three_353x481",
    "three_481x641",
]
PEOPLE = {"couple": 2, "crowd12": 12, "empty": 0, "squat": 1, "three": 3}
CAPTURES = [f"{picture}__{family}" for picture in PICTURES for family in "BC"]


class Capture:
    def __init__(self, path) -> None:
        with np.load(path, allow_pickle=False) as archive:
            self.arrays = {name: archive[name] for name in archive.files}
        self.heads = pc.Heads.load(path)
        mid = self.arrays["mid_px"]
        self.real = self.arrays["heat"], self.arrays["short_px"], mid[:, :, :32], mid[:, :, 32:]

    def golden(self, key: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """xy, scores and pose scores of a decoding; the files hold y before x."""
        return self.arrays[f"{key}_kp"][..., ::-1], self.arrays[f"{key}_ks"], self.arrays[f"{key}_ps"]

    def cap(self, key: str) -> int:
        return int(self.arrays["lc_params"][0]) if key == "lc" else int(key[2:])


@pytest.fixture(params=CAPTURES)
def name(request) -> str:
    return request.param


@pytest.fixture
def capture(decode_data, name) -> Capture:
    return Capture(decode_data / f"{name}.npz")


def nearest(xy: np.ndarray, golden_xy: np.ndarray, golden_scores: np.ndarray) -> np.ndarray:
    """For each golden person the one of `xy` whose sure keypoints lie nearest, by the median."""
    distance = np.linalg.norm(xy[:, None] - golden_xy[None], axis=3)
    distance = np.where(golden_scores > 0.5, distance, np.nan)
    return np.nanmedian(distance, axis=2).argmin(axis=0)


def assert_near(xy, pose_scores, golden) -> None:
    golden_xy, golden_scores, golden_pose_scores = golden
    distance = np.linalg.norm(xy - golden_xy, axis=2)[golden_scores > 0.5]
    assert np.median(distance) < 1
    assert np.percentile(distance, 95) < 5
    assert np.abs(pose_scores - golden_pose_scores).max() < 0.02


@pytest.mark.parametrize("key", ["lc", "lc20", "lc200"])
def test_the_people_of_libcoral(capture, name, key):
    golden = capture.golden(key)
    poses = pc.Decoder(COCO17, stride_px=16, max_poses=capture.cap(key))(capture.heads)
    assert len(poses) == len(golden[0]) == min(PEOPLE[name.partition("_")[0]], capture.cap(key))
    if len(poses) == 0:
        return
    if name == "crowd12_353x481__B" and key == "lc":
        # Twelve copies of one person with equal scores and room for ten: which ten is the order of ties.
        everyone = capture.golden("lc20")
        chosen = np.linalg.norm(poses.xy[:, None] - everyone[0][None], axis=3).mean(axis=2).argmin(axis=1)
        assert len(set(chosen)) == 10
        assert_near(poses.xy, poses.pose_scores, tuple(array[chosen] for array in everyone))
        return
    order = nearest(poses.xy, *golden[:2])
    assert sorted(order) == list(range(len(poses)))
    assert_near(poses.xy[order], poses.pose_scores[order], golden)


@pytest.mark.parametrize("family", "BC")
def test_twelve_people_with_room_for_twelve(decode_data, family):
    capture = Capture(decode_data / f"crowd12_353x481__{family}.npz")
    poses = pc.Decoder(COCO17, stride_px=16, max_poses=12)(capture.heads)
    golden = capture.golden("lc200")
    order = nearest(poses.xy, *golden[:2])
    assert sorted(order) == list(range(12))
    assert_near(poses.xy[order], poses.pose_scores[order], golden)


@pytest.mark.parametrize("picture", ["couple_353x481", "couple_721x1281", "squat_353x481", "three_353x481"])
@pytest.mark.parametrize("family", "BC")
def test_no_more_room_than_people(decode_data, picture, family):
    capture = Capture(decode_data / f"{picture}__{family}.npz")
    count = PEOPLE[picture.partition("_")[0]]
    decoder = pc.Decoder(COCO17, stride_px=16, max_poses=count)
    assert len(decoder(capture.heads)) == count


def test_the_oracle_finds_the_same(capture):
    assert_same(
        pc.Decoder(COCO17, stride_px=16)(capture.heads), MultiDecoder(COCO17.edges, 16.0)(*capture.real)
    )


def test_quantised_heads_are_their_real_numbers(capture):
    decoder = pc.Decoder(COCO17, stride_px=16)
    quantised = decoder(capture.heads)
    plain = decoder(*capture.real)
    assert len(quantised) == len(plain)
    np.testing.assert_allclose(quantised.xy, plain.xy, rtol=0, atol=1e-3)
    np.testing.assert_allclose(quantised.scores, plain.scores, rtol=0, atol=1e-5)
    heatmaps, short = capture.heads.dequantized("heatmaps"), capture.heads.dequantized("short_offsets")
    np.testing.assert_allclose(heatmaps, capture.real[0], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(short, capture.real[1], rtol=1e-6, atol=1e-5)


def test_channels_first_changes_no_bit(capture):
    heads, planes = capture.heads, {}
    for name, array in heads.tensors().items():
        planes[name] = np.ascontiguousarray(array.transpose(2, 0, 1))
    fields = {"stride_px": 16, "scores": "logits", "quantization": heads.quantization}
    decoder = pc.Decoder(COCO17, stride_px=16, max_poses=200)
    assert as_bytes(decoder(pc.Heads(**planes, layout="chw", **fields))) == as_bytes(decoder(heads))


@pytest.mark.parametrize("quantised", [True, False], ids=["uint8", "float32"])
def test_the_single_pose_of_tfjs(capture, quantised):
    heads = capture.heads if quantised else pc.Heads(*capture.real[:2], stride_px=16, scores="logits")
    poses = pc.SingleDecoder(COCO17, stride_px=16)(heads)
    xy, scores, pose_score = capture.golden("tjs")
    assert np.array_equal(poses.xy[0], xy)  # to the last bit
    np.testing.assert_allclose(poses.scores[0], scores, rtol=0, atol=1e-6)
    assert poses.pose_scores[0] == pytest.approx(pose_score, abs=1e-6)
    oracle_xy, oracle_scores = decode_single(*capture.real[:2], stride_px=16)
    np.testing.assert_allclose(oracle_xy, xy, rtol=0, atol=1e-4)
    np.testing.assert_allclose(oracle_scores, scores, rtol=0, atol=1e-6)


@pytest.mark.parametrize("refine", ["none", "quarter", "taylor"])
def test_heatmaps_alone(capture, refine):
    heads = pc.Heads(capture.real[0], stride_px=16, scores="logits")
    poses = pc.HeatmapDecoder(COCO17, stride_px=16, refine=refine)(heads)
    xy, scores = decode_heatmaps(capture.real[0], stride_px=16, refine=refine)
    np.testing.assert_allclose(poses.xy[0], xy, rtol=0, atol=5e-3)
    np.testing.assert_allclose(poses.scores[0], scores, rtol=0, atol=1e-6)
