"""Heads and decoders on their way to another process, or copied: they decode as the first ones do."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import posecore as pc
from oracle.synthesise import synthesise
from posecore import COCO17
from posecore.layouts import DECODER_ROLES, TensorInfo, recognise

GRID, STRIDE_PX = (16, 20), 8.0
COPIES: dict[str, Callable[[Any], Any]] = {
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
    "pickle": lambda value: pickle.loads(pickle.dumps(value)),
}
copies = pytest.mark.parametrize("again", COPIES.values(), ids=COPIES)


def tensors() -> list[np.ndarray]:
    """Heads of two people."""
    people = np.random.default_rng(3).uniform(0, 120, (2, 17, 2))
    return list(synthesise(people, edges=COCO17.edges, grid=GRID, stride_px=STRIDE_PX))


def float_heads() -> pc.Heads:
    return pc.Heads(*tensors(), stride_px=STRIDE_PX, scores="logits")


def quantised_heads() -> pc.Heads:
    """int8, channels first: numbers that a copy must keep to decode at all."""
    arrays, quantization = [], {}
    for name, array in zip(float_heads().tensors(), tensors(), strict=True):
        scale = float(np.abs(array).max()) / 120
        arrays.append((np.rint(array / scale) + 5).astype(np.int8).transpose(2, 0, 1))
        quantization[name] = pc.Quantization(scale, 5)
    return pc.Heads(*arrays, stride_px=STRIDE_PX, scores="logits", layout="chw", quantization=quantization)


def recognised_heads() -> pc.Heads:
    """As an estimator gets them: mid offsets that are read as two halves of one array."""
    heatmaps, short, forward, backward = tensors()
    arrays = [array[None] for array in (heatmaps, short, np.concatenate([forward, backward], axis=2))]
    infos = [TensorInfo("", array.shape, "float32") for array in arrays]
    return recognise(infos, roles=DECODER_ROLES[:3], stride_px=STRIDE_PX).build(arrays)


HEADS = {"float": float_heads, "quantised": quantised_heads, "recognised": recognised_heads}
DECODERS = {
    "many": lambda: pc.Decoder(COCO17, stride_px=STRIDE_PX),
    "single": lambda: pc.SingleDecoder(COCO17, stride_px=STRIDE_PX),
    "heatmaps": lambda: pc.HeatmapDecoder(COCO17, stride_px=STRIDE_PX, refine="taylor", blur_sigma_cells=1.5),
}


@copies
@pytest.mark.parametrize("heads", HEADS.values(), ids=HEADS)
def test_copied_heads_decode_to_the_same_poses(heads, again):
    decoder = pc.Decoder(COCO17, stride_px=STRIDE_PX)
    poses = decoder(heads())
    assert len(poses) == 2
    assert decoder(again(heads())) == poses


@copies
@pytest.mark.parametrize("make", DECODERS.values(), ids=DECODERS)
def test_a_copied_decoder_finds_the_same_poses(make, again):
    decoder = make()
    before = again(decoder)
    poses = decoder(float_heads())
    assert len(poses) >= 1
    assert before(float_heads()) == poses
    after = again(decoder)
    assert after is not decoder
    assert after(float_heads()) == poses
    assert after.skeleton == COCO17


OPTIONS = {
    "max_poses": 1,
    "root_threshold": 1.0,
    "pose_threshold": 1.0,
    "nms_radius_px": 65536.0,
    "refine_steps": 0,
    "local_maximum_radius": 100,
}


@copies
@pytest.mark.parametrize("option", OPTIONS)
def test_a_copied_decoder_keeps_every_option(option, again):
    decoder = pc.Decoder(COCO17, stride_px=STRIDE_PX, **{option: OPTIONS[option]})
    random = np.random.default_rng(5)
    noise = [random.normal(0, 4, array.shape).astype(np.float32) for array in tensors()]
    poses = decoder(*noise)
    assert poses != pc.Decoder(COCO17, stride_px=STRIDE_PX)(*noise)
    copied = again(decoder)
    assert repr(copied) == repr(decoder)
    assert copied(*noise) == poses


@copies
def test_a_decoder_of_a_skeleton_of_ones_own(again):
    own = pc.Skeleton("arm", ("shoulder", "elbow", "wrist"), edges=((0, 1), (1, 2)))
    people = np.array([[[20, 20], [50, 60], [100, 90]]])
    heads = synthesise(people, edges=own.edges, grid=GRID, stride_px=STRIDE_PX)
    decoder = pc.Decoder(own, stride_px=STRIDE_PX)
    copied = again(decoder)
    assert copied.skeleton == own
    poses = copied(*heads)
    np.testing.assert_allclose(poses.xy, people, atol=0.1)
    assert poses == decoder(*heads)


def test_decoders_that_were_copied_work_side_by_side():
    """Each has working memory of its own: what one decodes does not show in the other's poses."""
    decoder = pc.Decoder(COCO17, stride_px=STRIDE_PX)
    copied = copy.deepcopy(decoder)
    poses = decoder(float_heads())
    nobody = copied(np.full((*GRID, 17), -9, np.float32), *tensors()[1:])
    assert len(nobody) == 0
    assert decoder(float_heads()) == poses
