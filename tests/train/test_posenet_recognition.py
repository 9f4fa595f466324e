"""Which PoseNet a file of weights is for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from posecore.errors import ModelError
from posecore.skeletons import COCO17, MPII16, Skeleton
from posecore.train.checkpoints import save_weights
from posecore.train.networks import five_conv, posenet, recognise_posenet

MODELS = "data/models"


@pytest.mark.parametrize(
    ("file", "backbone", "stride"),
    [
        ("posenet_mobilenet_v1_050_weights_f16.npz", "mobilenet_v1_050", None),
        ("posenet_mobilenet_v1_075_weights_f32.npz", "mobilenet_v1_075", None),
        ("posenet_mobilenet_v1_100_from_int8_weights_f16.npz", "mobilenet_v1_100", None),
        ("posenet-python_mobilenet_v1_050.pb", "mobilenet_v1_050", 16),
        ("posenet_mobilenet_v1_075_tfjs", "mobilenet_v1_075", 16),
        ("posenet_mobilenet_v1_075_tfjs/model-stride16.json", "mobilenet_v1_075", 16),
    ],
)
def test_the_official_files(shared: Path, file: str, backbone: str, stride: int | None) -> None:
    found = recognise_posenet(shared / MODELS / file)
    assert (found.backbone, found.output_stride) == (backbone, stride)
    assert (found.keypoints, found.edges, found.channels, found.batch_norm) == (17, 16, 3, False)


@pytest.mark.parametrize(
    ("backbone", "skeleton", "batch_norm", "channels"),
    [
        ("mobilenet_v1_050", MPII16, True, 3),
        ("mobilenet_v1_075", Skeleton("two", ("a", "b")), False, 3),
        ("mobilenet_v1_100", COCO17, False, 1),
        ("resnet_50", COCO17, False, 3),
        ("resnet_101", COCO17, False, 3),
    ],
)
def test_weights_of_our_own_training(
    tmp_path: Path, skeleton: Skeleton, backbone: str, batch_norm: bool, channels: int
) -> None:
    model = posenet(backbone, skeleton=skeleton, batch_norm=batch_norm, channels=channels)
    save_weights(tmp_path / "best.npz", model)
    found = recognise_posenet(tmp_path / "best.npz")
    assert (found.backbone, found.batch_norm, found.channels) == (backbone, batch_norm, channels)
    assert (found.keypoints, found.edges) == (skeleton.num_keypoints, len(skeleton.edges))


def test_a_graphs_stride_is_the_product_of_its_convolutions(shared: Path, tmp_path: Path) -> None:
    text = (shared / MODELS / "posenet_mobilenet_v1_075_tfjs/model-stride16.json").read_text()
    model = json.loads(text)
    convolutions = [node for node in model["modelTopology"]["node"] if "onv" in node["op"]]

    def with_stride(node: Any, stride: int) -> Path:
        node["attr"]["strides"]["list"]["i"] = ["1", str(stride), str(stride), "1"]
        path = tmp_path / "model.json"
        path.write_text(json.dumps(model))
        return path

    for shard in (shared / MODELS / "posenet_mobilenet_v1_075_tfjs").glob("*.bin"):
        (tmp_path / shard.name).write_bytes(shard.read_bytes())
    strided = [node for node in convolutions if node["attr"]["strides"]["list"]["i"][1] == "2"]
    assert len(strided) == 4
    assert recognise_posenet(with_stride(strided[-1], 1)).output_stride == 8
    assert recognise_posenet(with_stride(strided[-1], 4)).output_stride == 32
    with pytest.raises(ModelError, match="wanted a graph of output stride 8, 16, 32, got 64"):
        recognise_posenet(with_stride(strided[-1], 8))


def test_other_networks_and_other_files_are_sentences(tmp_path: Path) -> None:
    save_weights(tmp_path / "five.npz", five_conv(input_size=(64, 64)))
    with pytest.raises(ModelError, match="wanted PoseNet's, with layers heatmap_2 and offset_2, got conv1"):
        recognise_posenet(tmp_path / "five.npz")
    heads = {"heatmap_2/kernel": np.zeros((1, 1, 8, 17)), "offset_2/kernel": np.zeros((1, 1, 8, 34))}
    np.savez(tmp_path / "odd.npz", **heads, **{"conv2d_0/kernel": np.zeros((3, 3, 3, 20))})
    with pytest.raises(
        ModelError, match=r"16, 24 or 32 filters in conv2d_0\) or ResNet, got conv2d_0 of shape \(3, 3"
    ):
        recognise_posenet(tmp_path / "odd.npz")
    (tmp_path / "broken.npz").write_bytes(b"PK\3\4 and no more")
    with pytest.raises(ModelError, match=r"are not a whole \.npz file"):
        recognise_posenet(tmp_path / "broken.npz")
    (tmp_path / "empty.pb").write_bytes(b"")
    with pytest.raises(ModelError, match="wanted PoseNet's"):
        recognise_posenet(tmp_path / "empty.pb")
    with pytest.raises(ModelError, match=r"cannot be read: No such file"):
        recognise_posenet(tmp_path / "nothing.npz")
    with pytest.raises(ModelError, match=r"wanted \.npz, \.pb"):
        recognise_posenet(tmp_path / "weights.bin")
