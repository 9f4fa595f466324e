"""Any bytes whatever as heads: what comes out is finite and inside of its range."""

from __future__ import annotations

import numpy as np
import pytest
from arbitrary import numbered_skeleton, options, repeatable, skeletons
from hypothesis import given, settings
from hypothesis import strategies as st

import posecore as pc


@st.composite
def heads_of_any_bytes(draw):
    skeleton = draw(skeletons(5))
    keypoints, edges = skeleton.num_keypoints, len(skeleton.edges)
    rows, columns = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    dtype = np.dtype(draw(st.sampled_from([np.float32, np.uint8, np.int8])))
    layout = draw(st.sampled_from(["hwc", "chw"]))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    arrays, quantization = [], {}
    for name, channels in zip(
        pc.heads.TENSORS, (keypoints, 2 * keypoints, 2 * edges, 2 * edges), strict=True
    ):
        if channels == 0:
            continue
        shape = (rows, columns, channels) if layout == "hwc" else (channels, rows, columns)
        size = int(np.prod(shape)) * dtype.itemsize
        arrays.append(np.frombuffer(random.bytes(size), dtype).reshape(shape))
        if dtype != np.float32:
            scale = draw(st.sampled_from([1e-30, 1e-3, 0.1, 5.0, 1e30, 3e38]))
            zero_point = draw(st.sampled_from([-128, 0, 100, 255, 2**31 - 1, -(2**31)]))
            quantization[name] = pc.Quantization(scale, zero_point)
    stride_px = draw(st.sampled_from([1e-3, 1.0, 16.0, 65536.0]))
    scores = draw(st.sampled_from(["logits", "probabilities"]))
    heads = pc.Heads(*arrays, stride_px=stride_px, scores=scores, layout=layout, quantization=quantization)
    return skeleton, heads, draw(options(stride_px))


def assert_sane(poses: pc.Poses) -> None:
    assert np.isfinite(poses.xy).all()
    for scores in (poses.scores, poses.pose_scores):
        assert ((scores >= 0) & (scores <= 1)).all()
    assert np.array_equal(poses.visible, poses.scores > 0)
    poses.replace()  # what the constructor refuses is not there


@settings(repeatable, max_examples=400)
@given(heads_of_any_bytes())
def test_any_bytes(example):
    skeleton, heads, chosen = example
    chosen["nms_radius_px"] = min(chosen["nms_radius_px"], 65536.0)
    poses = pc.Decoder(skeleton, stride_px=heads.stride_px, **chosen)(heads)
    assert_sane(poses)
    assert len(poses) <= chosen["max_poses"]
    rows, columns = heads.grid
    furthest = np.float32([columns - 1, rows - 1]) * np.float32(heads.stride_px)
    assert (poses.xy >= 0).all()
    assert (poses.xy <= furthest).all()
    order = poses.pose_scores
    assert (order[:-1] >= order[1:]).all()
    assert (order >= np.float32(chosen["pose_threshold"])).all()
    assert_sane(pc.SingleDecoder(skeleton, stride_px=heads.stride_px)(heads))
    for refine, sigma in (("none", 0), ("quarter", 0), ("taylor", 0), ("taylor", 0.7), ("taylor", 5)):
        decoder = pc.HeatmapDecoder(
            skeleton, stride_px=heads.stride_px, refine=refine, blur_sigma_cells=sigma
        )
        assert_sane(decoder(heads))


@pytest.mark.parametrize("huge", [3e38, -3e38, 1e20, 1e9, 1e8])
def test_offsets_from_one_end_of_the_numbers_to_the_other(huge):
    heatmaps = np.full((4, 4, 2), 3, np.float32)
    signs = np.where(np.indices((4, 4, 4)).sum(axis=0) % 2, 1, -1).astype(np.float32)
    short, fwd = signs * np.float32(huge), signs[:, :, :2] * np.float32(huge)
    poses = pc.Decoder(numbered_skeleton(((0, 1),)), stride_px=16, pose_threshold=0)(
        heatmaps, short, fwd, -fwd
    )
    assert_sane(poses)
    assert poses.xy.min() >= 0
    assert poses.xy.max() <= 48


@pytest.mark.parametrize("shape", [(1, 2**24 + 4), (2**24 + 4, 1)], ids=["columns", "rows"])
def test_more_cells_than_a_float_can_count_are_refused(shape):
    arrays = [np.broadcast_to(np.uint8(0), (*shape, channels)) for channels in (1, 2)]
    quantization = {name: pc.Quantization(1.0, 100) for name in ("heatmaps", "short_offsets")}
    heads = pc.Heads(*arrays, stride_px=1, scores="logits", quantization=quantization)
    with pytest.raises(ValueError, match=r"cells|large|grid"):
        pc.Decoder(numbered_skeleton(()), stride_px=1)(heads)
