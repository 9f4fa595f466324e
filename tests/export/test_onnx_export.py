"""ONNX files: the same numbers as Keras, under the same names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from posecore.artifact import Artifact
from posecore.errors import ModelError
from posecore.export.comparison import verify
from posecore.export.onnx_export import IR_VERSION, OPSET, to_onnx
from posecore.export.runners import KerasRunner, open_runner
from posecore.skeletons import COCO17, MPII16
from posecore.train import networks

onnx = pytest.importorskip("onnx", reason='onnx is not installed: pip install "posecore[onnx]"')
pytest.importorskip("onnxruntime", reason='onnxruntime is not installed: pip install "posecore[onnx]"')


def lively(model: Any) -> Any:
    """Random weights that say something, statistics of batch normalisation among them."""
    rng = np.random.default_rng(0)
    for weight in model.weights:
        name = weight.path.rpartition("/")[2]
        if name == "moving_variance":
            weight.assign(rng.uniform(0.5, 2, weight.shape))
        elif name in ("moving_mean", "beta", "bias"):
            weight.assign(rng.normal(0, 0.1, weight.shape))
        elif name == "gamma":
            weight.assign(rng.uniform(0.2, 0.5, weight.shape))
        else:
            fan_in = max(np.prod(weight.shape[:-1]), 1) if "depthwise" not in weight.path else 9
            weight.assign(rng.normal(0, 1.4 / fan_in**0.5, weight.shape))
    return model


def furthest(model: Any, path: Path, size: tuple[int, int], skeleton: Any) -> dict[str, float]:
    """Of each head, the largest difference from Keras as a share of its largest value."""
    picture = np.random.default_rng(1).integers(0, 256, (size[1], size[0], 3), np.uint8)
    right = KerasRunner(model, size=size, skeleton=skeleton).heads(picture)
    said = open_runner(path, size=size).heads(picture)
    assert set(said.tensors()) == set(right.tensors())
    shares = {}
    for name in right.tensors():
        one, other = right.dequantized(name), said.dequantized(name)
        assert one.shape == other.shape
        assert np.ptp(one) > 0, "a head that says nothing proves nothing"
        shares[name] = float(np.abs(one - other).max() / np.abs(one).max())
    return shares


NETWORKS: dict[str, tuple[Any, tuple[int, int], Any]] = {
    "posenet 0.50": (lambda: networks.posenet("mobilenet_v1_050"), (97, 65), COCO17),
    "posenet 0.75": (lambda: networks.posenet("mobilenet_v1_075"), (65, 97), COCO17),
    "posenet on even sides": (lambda: networks.posenet("mobilenet_v1_050"), (96, 64), COCO17),
    "posenet with padding of its own": (
        lambda: networks.posenet("mobilenet_v1_050", padding="explicit"),
        (96, 64),
        COCO17,
    ),
    "posenet of stride 8": (lambda: networks.posenet("mobilenet_v1_050", output_stride=8), (65, 49), COCO17),
    "posenet with batch normalisation": (
        lambda: networks.posenet("mobilenet_v1_050", batch_norm=True),
        (65, 65),
        COCO17,
    ),
    "cpm": (
        lambda: networks.cpm(stages=2, width=0.0625, refinement_size=5, background=True, batch_norm=True),
        (64, 48),
        MPII16,
    ),
    "simple baseline": (
        lambda: networks.simple_baseline(input_size=(32, 64), deconvolution_filters=8),
        (32, 64),
        COCO17,
    ),
    "four_conv": (lambda: networks.four_conv(width=0.25, batch_norm=True), (128, 128), COCO17),
    "five_conv": (lambda: networks.five_conv(width=0.0625), (220, 220), COCO17),
    "vgg16": (lambda: networks.vgg16(input_size=(64, 64), width=0.0625, dense_units=32), (64, 64), COCO17),
}


@pytest.mark.parametrize("network", NETWORKS)
def test_heads_are_those_of_keras(network: str, keras: Any, tmp_path: Path) -> None:
    build, size, skeleton = NETWORKS[network]
    model = lively(build())
    artifact = to_onnx(model, tmp_path / "m.onnx", size=size, skeleton=skeleton)
    assert artifact.input.size == size
    shares = furthest(model, tmp_path / "m.onnx", size, skeleton)
    assert max(shares.values()) < 1e-4, shares


@pytest.mark.parametrize("network", ["posenet 0.50", "cpm", "four_conv"])
def test_channels_first_gives_the_same(network: str, keras: Any, tmp_path: Path) -> None:
    build, size, skeleton = NETWORKS[network]
    model = lively(build())
    artifact = to_onnx(model, tmp_path / "m.onnx", size=size, skeleton=skeleton, layout="NCHW")
    assert artifact.input.layout == "NCHW"
    picture = onnx.load(tmp_path / "m.onnx").graph.input[0].type.tensor_type.shape.dim
    assert [side.dim_value for side in picture] == [1, 3, size[1], size[0]]
    assert max(furthest(model, tmp_path / "m.onnx", size, skeleton).values()) < 1e-4


def test_one_file_takes_any_size(tiny_posenet: Any, tmp_path: Path) -> None:
    path = tmp_path / "any.onnx"
    artifact = to_onnx(tiny_posenet, path)
    assert artifact.input.size is None
    assert artifact.heads[0].shape == (1, -1, -1, 17)
    dims = onnx.load(path).graph.output[0].type.tensor_type.shape.dim
    assert [side.dim_param or side.dim_value for side in dims] == [1, "rows", "columns", 17]
    for size in ((65, 97), (81, 65), (49, 33)):
        assert max(furthest(tiny_posenet, path, size, COCO17).values()) < 1e-4


def test_the_file_is_pinned_checked_and_named_after_layers(tiny_posenet: Any, tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    artifact = to_onnx(tiny_posenet, path, size=(97, 65))
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    assert (model.opset_import[0].version, len(model.opset_import), model.ir_version) == (
        OPSET,
        1,
        IR_VERSION,
    )
    assert (
        [one.name for one in model.graph.output]
        == [head.name for head in artifact.heads]
        == [
            "heatmap_2",
            "offset_2",
            "displacement_fwd_2",
            "displacement_bwd_2",
        ]
    )
    names = [node.name for node in model.graph.node]
    assert len(set(names)) == len(names)
    assert {"conv2d_0", "conv2d_3_relu6"} <= set(names)
    inferred = {one.name for one in model.graph.value_info} | {one.name for one in model.graph.output}
    assert inferred >= {output for node in model.graph.node for output in node.output}
    assert Artifact.read(path) == artifact
    assert artifact.tools["opset"] == "17"


def test_the_same_model_gives_the_same_bytes(tiny_posenet: Any, tmp_path: Path) -> None:
    for name in ("a", "b"):
        to_onnx(tiny_posenet, tmp_path / f"{name}.onnx", size=(65, 65))
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()


def test_a_layer_that_nobody_knows_is_named(keras: Any, tmp_path: Path) -> None:
    image = keras.Input((32, 32, 3), name="image")
    x = keras.layers.Conv2D(8, 3, strides=16, padding="same", name="first")(image)
    x = keras.layers.GaussianNoise(0.1, name="noise")(x)
    channels = {"heatmap_2": 17, "offset_2": 34, "displacement_fwd_2": 32, "displacement_bwd_2": 32}
    heads = {name: keras.layers.Conv2D(count, 1, name=name)(x) for name, count in channels.items()}
    with pytest.raises(
        ModelError, match=r"ONNX: wanted layers of Conv2D, .*, got noise, which is a GaussianNoise"
    ):
        to_onnx(keras.Model(image, heads), tmp_path / "m.onnx")
    assert list(tmp_path.iterdir()) == []


def test_a_layer_that_is_used_twice_is_refused(keras: Any, tmp_path: Path) -> None:
    image = keras.Input((32, 32, 3), name="image")
    again = keras.layers.Conv2D(3, 3, padding="same", name="again")
    x = keras.layers.MaxPooling2D(8, name="pool")(again(again(image)))
    heatmap = keras.layers.Conv2D(17, 1, name="heatmap")(x)
    with pytest.raises(ModelError, match="ONNX: wanted layers that are used once, got again twice"):
        to_onnx(keras.Model(image, {"heatmap": heatmap}), tmp_path / "m.onnx")


def test_where_it_cannot_be_written_nothing_is_left(tiny_posenet: Any, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        to_onnx(tiny_posenet, tmp_path / "no" / "m.onnx", size=(65, 65))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("layout", ["nhwc", "HWC", None])
def test_layouts_are_two(tiny_posenet: Any, layout: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="layout: wanted one of NHWC, NCHW, got"):
        to_onnx(tiny_posenet, tmp_path / "m.onnx", size=(65, 65), layout=layout)


def test_a_file_that_onnxruntime_refuses_is_a_sentence(tiny_posenet: Any, tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    artifact = to_onnx(tiny_posenet, path, size=(65, 65))
    from posecore.export.model_file import write_model

    write_model(path, path.read_bytes()[:5000], artifact)
    with pytest.raises(ModelError, match=r"m\.onnx: onnxruntime refuses it"):
        open_runner(path)


def test_the_official_network_passes_verification(
    posenet_050: Any, photographs: Path, cv2: Any, tmp_path: Path
) -> None:
    path = tmp_path / "posenet.onnx"
    to_onnx(posenet_050, path)
    pictures = {one.name: cv2.imread(str(one))[:, :, ::-1] for one in sorted(photographs.iterdir())}
    found = verify(posenet_050, path, pictures=pictures)
    assert found.ok
    assert found.shift_px is not None
    assert found.shift_px[2] < 0.1
    assert found.crowd.people >= 9
    assert found.exported_cost.operators["CPU"] == 63
