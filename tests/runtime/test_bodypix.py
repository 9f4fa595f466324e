"""Masks of people from a picture: Coral's BodyPix, and networks that have none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from eye import read

import posecore as pc
from posecore.errors import ModelError
from posecore.runtime.estimator import Estimator
from posecore.runtime.steps import Detail

pytestmark = pytest.mark.usefixtures("cv2", "interpreter_library")
NAME = "bodypix_mobilenet_v1_075_512_512_16_quant_decoder"


@pytest.fixture(scope="module")
def coral(data: Path) -> Path:
    return data / "models/coral"


@pytest.fixture(scope="module")
def couple(coral: Path) -> Detail:
    return Estimator(coral / f"{NAME}.tflite", resize="stretch").detail(read(coral / "test_image.bmp"))


def test_the_masks_of_corals_own_test(coral: Path, couple: Detail) -> None:
    """google-coral/libcoral, bodypix_test.cc: fewer than 5 % of the cells of each mask are other than in its bitmap.
    Its decoder does not look at segments, so every cell is somebody's."""
    assert couple.heads is not None
    kept = {name: of for name, of in couple.heads.quantization.items() if name != "segments"}
    heads = replace(couple.heads, segments=None, quantization=kept)
    poses = pc.Decoder(pc.COCO17, stride_px=16)(heads)
    masks = pc.instance_masks(heads, poses)
    assert masks.shape == (2, 33, 33)
    assert masks.any(axis=0).all()
    for person in range(2):
        theirs = read(coral / f"mask{person}.bmp")[:, :, 0] > 127
        assert (masks[person] != theirs).mean() < 0.05
        assert (masks[person] & theirs).sum() / (masks[person] | theirs).sum() > 0.92


def test_masks_of_a_picture_lie_on_its_people(couple: Detail) -> None:
    masks = couple.masks()
    assert masks.shape == (2, 480, 640)
    assert not (masks[0] & masks[1]).any()
    for person in range(2):
        sure = couple.poses.xy[person][couple.poses.scores[person] > 0.7].round().astype(int)
        assert masks[person][sure[:, 1], sure[:, 0]].mean() > 0.9
        assert not masks[1 - person][sure[:, 1], sure[:, 0]].any()
    assert 0.08 < masks.any(axis=0).mean() < 0.14
    assert couple.masks(segment_threshold=0.9).sum() < masks.sum() < couple.masks(segment_threshold=0.1).sum()


def test_letterboxed_and_turned_pictures_have_masks_of_their_own_size(coral: Path, couple: Detail) -> None:
    image = read(coral / "test_image.bmp")
    estimator = Estimator(coral / f"{NAME}.tflite")
    there, portrait = estimator.detail(image), estimator.detail(image[:, 150:500])
    assert there.masks().shape == (2, 480, 640)
    assert portrait.masks().shape == (2, 480, 350)
    for masks in (there.masks()[:, :, 150:500], portrait.masks()):
        expected = couple.masks()[:, :, 150:500]
        order = [int((mask & expected[0]).sum() < (mask & expected[1]).sum()) for mask in masks]
        assert sorted(order) == [0, 1]
        for mask, other in zip(masks, order, strict=True):
            assert (mask & expected[other]).sum() / (mask | expected[other]).sum() > 0.75


def test_other_networks_have_none(estimator: Estimator, people: np.ndarray) -> None:
    with pytest.raises(ModelError, match="masks: wanted a network with long offsets, as BodyPix is, got one"):
        estimator.detail(people).masks()
