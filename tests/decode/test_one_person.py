"""`SingleDecoder` and `HeatmapDecoder` against their oracles."""

from __future__ import annotations

import numpy as np
import pytest
from arbitrary import cases, numbered_skeleton, repeatable
from hypothesis import given
from hypothesis import strategies as st

import posecore as pc
from oracle.heatmaps import decode_heatmaps
from oracle.single import decode_single


@repeatable
@given(cases(odd_scores=True), st.booleans())
def test_single(case, logits):
    heatmaps, short = case.arrays[:2]
    heads = pc.Heads(
        heatmaps, short, stride_px=case.stride_px, scores="logits" if logits else "probabilities"
    )
    poses = pc.SingleDecoder(case.skeleton, stride_px=case.stride_px)(heads)
    xy, scores = decode_single(heatmaps, short, stride_px=case.stride_px, logits=logits)
    np.testing.assert_allclose(poses.scores[0], scores, rtol=0, atol=1e-6)
    found = ~np.isnan(heatmaps).all(axis=(0, 1))
    np.testing.assert_allclose(poses.xy[0, found], xy[found], rtol=0, atol=1e-3)
    assert poses.pose_scores[0] == pytest.approx(scores.mean(), abs=1e-6)


def test_single_takes_the_offset_of_its_cell_although_the_next_has_none():
    heatmaps = np.zeros((2, 2, 1), np.float32)
    heatmaps[0, 0] = 1
    short = np.full((2, 2, 2), np.nan, np.float32)
    short[0, 0] = 3, 4
    heads = pc.Heads(heatmaps, short, stride_px=8, scores="logits")
    poses = pc.SingleDecoder(numbered_skeleton(()), stride_px=8)(heads)
    assert poses.xy.tolist() == [[[4, 3]]]


def test_single_does_not_clamp_to_the_picture():
    heatmaps = np.ones((1, 1, 1), np.float32)
    short = np.array([[[-30, 40]]], np.float32)
    heads = pc.Heads(heatmaps, short, stride_px=8, scores="logits")
    assert pc.SingleDecoder(numbered_skeleton(()), stride_px=8)(heads).xy.tolist() == [[[40, -30]]]


def test_a_map_of_nan_is_an_absent_keypoint():
    heatmaps = np.zeros((2, 3, 2), np.float32)
    heatmaps[:, :, 1] = np.nan
    heads = pc.Heads(heatmaps, np.ones((2, 3, 4), np.float32), stride_px=8, scores="logits")
    for decoder in (pc.SingleDecoder, pc.HeatmapDecoder):
        poses = decoder(numbered_skeleton(((0, 1),)), stride_px=8)(heads)
        assert poses.visible.tolist() == [[True, False]]
        assert poses.scores.tolist() == [[0.5, 0.0]]
        assert np.isfinite(poses.xy).all()
        assert poses.pose_scores.tolist() == [0.25]


def smooth_maps(seed: int, rows: int, columns: int, sigma: float, keypoints: int = 4) -> np.ndarray:
    """A hill in each map, on a little noise, in (0, 1)."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:rows, 0:columns]
    centre = random.uniform(0, [rows - 1, columns - 1], (keypoints, 2))
    squares = (y[..., None] - centre[:, 0]) ** 2 + (x[..., None] - centre[:, 1]) ** 2
    hills = 0.9 * np.exp(-squares / (2 * sigma**2))
    return (hills + 0.01 + 0.02 * random.random((rows, columns, keypoints))).astype(np.float32)


@pytest.mark.parametrize("scores", ["logits", "probabilities"])
@pytest.mark.parametrize(
    ("refine", "sigma"), [("none", 0.0), ("quarter", 0.0), ("taylor", 0.0), ("taylor", 0.8), ("taylor", 2.0)]
)
@pytest.mark.parametrize("grid", [(64, 48), (20, 33), (5, 5), (4, 9), (1, 1)])
def test_heatmaps(grid, refine, sigma, scores):
    skeleton = numbered_skeleton(((0, 1), (1, 2), (2, 3)))
    decoder = pc.HeatmapDecoder(skeleton, stride_px=4, refine=refine, blur_sigma_cells=sigma)
    for seed in range(10):
        maps = smooth_maps(seed, *grid, sigma=2.5)
        if scores == "logits":
            maps = np.log(maps / (1 - maps))
        poses = decoder(pc.Heads(maps, stride_px=4, scores=scores))
        xy, expected = decode_heatmaps(
            maps, stride_px=4, refine=refine, blur_sigma_cells=sigma, logits=scores == "logits"
        )
        np.testing.assert_allclose(poses.xy[0], xy, rtol=0, atol=2e-3)
        np.testing.assert_allclose(poses.scores[0], expected, rtol=0, atol=1e-6)


@repeatable
@given(cases(odd_scores=True), st.sampled_from(["none", "quarter"]), st.booleans())
def test_rough_heatmaps(case, refine, logits):
    heads = pc.Heads(case.arrays[0], stride_px=4, scores="logits" if logits else "probabilities")
    poses = pc.HeatmapDecoder(case.skeleton, stride_px=4, refine=refine)(heads)
    xy, scores = decode_heatmaps(case.arrays[0], stride_px=4, refine=refine, logits=logits)
    found = ~np.isnan(case.arrays[0]).all(axis=(0, 1))
    np.testing.assert_allclose(poses.xy[0, found], xy[found], rtol=0, atol=1e-4)
    np.testing.assert_allclose(poses.scores[0], scores, rtol=0, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
@pytest.mark.parametrize("refine", ["none", "quarter", "taylor"])
def test_quantised_heatmaps_are_their_real_numbers(dtype, refine):
    middle = 128 if dtype == np.uint8 else 0
    maps = smooth_maps(1, 30, 20, 3.0)
    stored = np.round(maps * 127 + middle).astype(dtype)
    real = ((stored.astype(np.float64) - middle) / 127).astype(np.float32)
    skeleton = numbered_skeleton(((0, 1), (1, 2), (2, 3)))
    decoder = pc.HeatmapDecoder(skeleton, stride_px=4, refine=refine)
    quantization = {"heatmaps": pc.Quantization(1 / 127, middle)}
    quantised = decoder(pc.Heads(stored, stride_px=4, scores="probabilities", quantization=quantization))
    plain = decoder(pc.Heads(real, stride_px=4, scores="probabilities"))
    np.testing.assert_allclose(quantised.xy, plain.xy, rtol=0, atol=1e-3)
    np.testing.assert_allclose(quantised.scores, plain.scores, rtol=0, atol=1e-6)


def test_a_tiny_blur_is_no_blur():
    heads = pc.Heads(smooth_maps(0, 20, 20, 2.5), stride_px=4, scores="probabilities")
    skeleton = numbered_skeleton(((0, 1), (1, 2), (2, 3)))
    none, tiny = (
        pc.HeatmapDecoder(skeleton, stride_px=4, refine="taylor", blur_sigma_cells=sigma)(heads).xy
        for sigma in (0, 1e-30)
    )
    assert np.array_equal(none, tiny)


def test_a_heatmap_decoder_reads_nothing_but_heatmaps():
    heatmaps = smooth_maps(0, 8, 8, 2.0)
    offsets = np.zeros((8, 8, 8), np.uint8)
    skeleton = numbered_skeleton(((0, 1), (1, 2), (2, 3)))
    with_offsets = pc.Heads(
        heatmaps, offsets[:, :, ::-1].astype(np.float32), stride_px=4, scores="probabilities"
    )
    alone = pc.Heads(heatmaps, stride_px=4, scores="probabilities")
    decoder = pc.HeatmapDecoder(skeleton, stride_px=4)
    assert np.array_equal(decoder(with_offsets).xy, decoder(alone).xy)


def test_a_heatmap_decoder_minds_no_quantised_offsets():
    heatmaps = smooth_maps(0, 8, 8, 2.0)
    heads = pc.Heads(
        heatmaps,
        np.zeros((8, 8, 8), np.uint8),
        stride_px=4,
        scores="probabilities",
        quantization={"short_offsets": pc.Quantization(1.0, 0)},
    )
    skeleton = numbered_skeleton(((0, 1), (1, 2), (2, 3)))
    assert len(pc.HeatmapDecoder(skeleton, stride_px=4)(heads)) == 1
