"""What is in small model files of each format: operators in order, shapes, parameters, multiplies."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_graphs as tiny

from posecore.errors import ModelError
from posecore.export.graphs.inspected_model import inspect_model
from posecore.export.graphs.model_file import model_graph, read_model_graph
from posecore.export.graphs.model_graph import ModelGraph, shown
from runtime import tiny_tflite

SIZE = (48, 64)


def made(graph: ModelGraph) -> list[tuple[str, str]]:
    """Kind of each operator and the shape of what it makes."""
    return [(each.kind, shown(graph.tensors[each.outputs[0]].shape)) for each in graph.operators]


def counts(graph: ModelGraph) -> list[tuple[int | None, int | None]]:
    return [(each.parameters, each.multiplies) for each in graph.operators]


def test_onnx_with_channels_first_and_no_shapes_inside() -> None:
    graph = model_graph(tiny.channels_first(), "net.onnx", size=SIZE)
    # The shapes that onnx.shape_inference 1.23 gives for this graph.
    assert made(graph) == [
        ("Conv", "1x16x32x24"),
        ("Relu", "1x16x32x24"),
        ("Pad", "1x16x34x26"),
        ("Conv", "1x16x32x24"),
        ("Resize", "1x16x64x48"),
        ("MaxPool", "1x16x32x24"),
        ("ConvTranspose", "1x17x64x48"),
        ("Sigmoid", "1x17x64x48"),
    ]
    pixels = 32 * 24
    assert counts(graph) == [
        (16 * 27 + 16, pixels * 16 * 27),
        (0, 0),
        (0, 0),
        (16 * 9, pixels * 16 * 9),
        (0, 0),  # its scales are no weights
        (0, 0),
        (16 * 17 * 16, pixels * 16 * 17 * 16),
        (0, 0),
    ]
    assert graph.facts == {"ONNX IR": "8", "made by": "by hand", "opset": "17"}
    assert graph.operators[0].version == 17


def test_a_free_size_stays_free_and_is_said_to_be() -> None:
    graph = model_graph(tiny.channels_first(), "net.onnx")
    assert made(graph)[-1] == ("Sigmoid", "?x17x?x?")
    assert graph.multiplies == 0
    assert graph.uncounted == (0, 3)


def test_a_free_batch_counts_as_one_picture() -> None:
    graph = model_graph(tiny.channels_first(64, 48), "net.onnx")
    assert made(graph)[-1] == ("Sigmoid", "?x17x64x48")
    assert graph.multiplies == model_graph(tiny.channels_first(), "net.onnx", size=SIZE).multiplies


def test_a_frozen_graph() -> None:
    graph = model_graph(tiny.frozen_graph(), "net.pb", size=SIZE)
    assert made(graph) == [
        ("Identity", "3x3x3x17"),
        ("Conv2D", "1x32x24x17"),
        ("BiasAdd", "1x32x24x17"),
        ("Relu6", "1x32x24x17"),
        ("Pad", "1x36x28x17"),
        ("DepthwiseConv2dNative", "1x32x24x17"),
        ("Sigmoid", "1x32x24x17"),
    ]
    assert graph.parameters == 27 * 17 + 17 + 9 * 17
    assert graph.multiplies == 32 * 24 * 17 * (27 + 9)


def test_what_only_unpacks_weights_is_told_apart_and_its_weights_go_to_who_uses_them() -> None:
    graph = model_graph(tiny.frozen_graph(), "net.pb", size=SIZE)
    assert [each.on_weights for each in graph.operators] == [True, *6 * [False]]
    assert [each.parameters for each in graph.operators[:2]] == [0, 27 * 17]


def test_a_tfjs_graph_model_knows_weights_by_their_manifest() -> None:
    graph = model_graph(json.dumps(tiny.tfjs_model()).encode(), "model.json", size=SIZE)
    assert graph.format == "tfjs graph model"
    assert made(graph) == [("Conv2D", "1x32x24x17"), ("BiasAdd", "1x32x24x17")]
    assert (graph.parameters, graph.multiplies) == (27 * 17 + 17, 32 * 24 * 17 * 27)
    assert graph.facts["weights beside it"] == f"2 arrays, {4 * 27 * 17 + 17:,} bytes"


def test_a_keras_file_by_its_configuration_alone() -> None:
    graph = model_graph(tiny.keras_archive(tiny.small_keras()), "net.keras")
    assert made(graph) == [
        ("Conv2D", "?x32x24x8"),
        ("BatchNormalization", "?x32x24x8"),
        ("Conv2D", "?x32x24x17"),
    ]
    assert counts(graph) == [(27 * 8 + 8, 32 * 24 * 8 * 27), (4 * 8, 0), (8 * 17, 32 * 24 * 17 * 8)]
    assert graph.facts == {"Keras": "3.15.1"}


def test_keras_layers_inside_of_models_and_layers_used_twice() -> None:
    inner = tiny.keras_config(
        [
            tiny.keras_layer("InputLayer", "x", [], batch_shape=[None, 32, 24, 8]),
            tiny.keras_layer("Conv2D", "one", ["x"], filters=8, kernel_size=[1, 1]),
        ],
        [["one", 0, 0]],
        [["x", 0, 0]],
    )
    twice = tiny.keras_layer("Functional", "part", ["bn"]) | {"config": inner["config"]}
    call = {
        "args": [{"class_name": "__keras_tensor__", "config": {"keras_history": ["part", 0, 0]}}],
        "kwargs": {},
    }
    twice["inbound_nodes"].append(call)
    model = tiny.small_keras(twice)
    model["config"]["output_layers"] = [["part", 1, 0]]
    graph = model_graph(tiny.keras_archive(model), "net.keras")
    assert [each.name for each in graph.operators].count("part/one") == 2
    assert graph.tensors[graph.outputs[0]].name == "part/one"
    # The second call shares the first one's weights and computes as much again.
    assert [(each.multiplies, each.name) for each in graph.operators][-1] == (32 * 24 * 64, "part/one")


def test_a_tfjs_layers_model_is_keras_of_old() -> None:
    """tfjs 1 to 4 write Keras 2's configuration: sources as lists of names, shapes as batch_input_shape."""

    def layer(kind: str, name: str, *sources: str, **config: Any) -> dict[str, Any]:
        nodes = [[[source, 0, 0, {}] for source in sources]] if sources else []
        return {"class_name": kind, "name": name, "config": {"name": name, **config}, "inbound_nodes": nodes}

    layers = [
        layer("InputLayer", "x", batch_input_shape=[None, 8, 8, 3]),
        layer("Conv2D", "a", "x", filters=4, kernel_size=3, padding="same"),
        layer("Conv2D", "b", "x", filters=4, kernel_size=[3, 3], padding="same"),
        layer("Concatenate", "c", "a", "b"),
    ]
    config = {"layers": layers, "input_layers": [["x", 0, 0]], "output_layers": [["c", 0, 0]]}
    model = {
        "format": "layers-model",
        "modelTopology": {"model_config": {"class_name": "Model", "config": config}},
    }
    graph = model_graph(json.dumps(model).encode(), "model.json")
    assert graph.format == "tfjs layers model"
    assert made(graph) == [("Conv2D", "?x8x8x4"), ("Conv2D", "?x8x8x4"), ("Concatenate", "?x8x8x8")]
    assert (graph.parameters, graph.multiplies) == (2 * (27 * 4 + 4), 2 * 64 * 4 * 27)


def test_a_sequential_model_with_and_without_an_input_layer() -> None:
    input_layer = {"class_name": "InputLayer", "config": {"name": "x", "batch_shape": [None, 8, 8, 3]}}
    dense = [
        {"class_name": "Flatten", "config": {"name": "flat"}},
        {"class_name": "Dense", "config": {"name": "dense", "units": 34, "use_bias": False}},
    ]
    first = {"class_name": "Flatten", "config": {"name": "flat", "batch_input_shape": [None, 8, 8, 3]}}
    for layers in ([input_layer, *dense], [first, dense[1]]):
        model = {"class_name": "Sequential", "config": {"layers": layers}}
        graph = model_graph(tiny.keras_archive(model), "net.keras")
        assert made(graph) == [("Flatten", "?x192"), ("Dense", "?x34")]
        assert (graph.parameters, graph.multiplies) == (192 * 34, 192 * 34)


def test_outputs_of_keras_models_have_the_names_of_their_dict() -> None:
    model = tiny.small_keras()
    model["config"]["output_layers"] = {"heat": ["heatmap", 0, 0], "features": ["bn", 0, 0]}
    graph = model_graph(tiny.keras_archive(model), "net.keras")
    assert [graph.tensors[number].name for number in graph.outputs] == ["heat", "features"]


def test_lambda_layers_and_strangers_layers_are_named_and_never_run() -> None:
    code = tiny.keras_layer("Lambda", "code", ["heatmap"], function={"code": "raise SystemExit"})
    own = tiny.keras_layer("Gate", "gate", ["code"]) | {"registered_name": "mine>Gate"}
    graph = model_graph(tiny.keras_archive(tiny.small_keras(code, own, last="gate")), "net.keras")
    lambda_, gate = graph.operators[-2:]
    assert (lambda_.is_custom, gate.is_custom) == (True, True)
    assert "does not run it" in lambda_.explained[0]
    assert gate.parameters is None
    assert graph.uncounted == (2, 2)


def test_a_kmodel() -> None:
    graph = model_graph(tiny.kmodel(), "net.kmodel")
    assert made(graph) == [("KPU conv2d", "1x8x3x4"), ("KPU conv2d", "1x17x3x4"), ("DEQUANTIZE", "1x17x3x4")]
    assert [each.unit for each in graph.operators] == ["KPU", "KPU", "CPU"]
    # The first layer halves: the KPU computes all of its 8 x 6 pixels.
    assert counts(graph)[:2] == [(27 * 8 + 8, 48 * 8 * 27), (8 * 17 + 17, 12 * 17 * 8)]
    heads = graph.tensors[graph.operators[2].inputs[0]]
    assert heads.quantization is not None
    assert (heads.quantization.scales, heads.quantization.zero_points) == ((0.25,), (128,))
    assert graph.facts["runs on nncase"] == "1.6, 1.7, 1.8, 1.9"


def test_a_kmodel_of_several_calls_is_listed_and_says_so() -> None:
    graph = model_graph(tiny.kmodel(calls=2), "net.kmodel")
    assert len(graph.operators) == 3
    assert any("several KPU calls" in note for note in graph.notes)


def test_tflite_with_quantisation() -> None:
    graph = model_graph(bytes(tiny_tflite.quantised(tiny_tflite.UINT8)), "net.tflite")
    assert [each.kind for each in graph.operators] == ["QUANTIZE", "CONV_2D", "QUANTIZE"]
    assert counts(graph)[1] == (17 * 3 + 17, 4 * 6 * 17 * 3)
    source, result = (graph.tensors[number] for number in (graph.inputs[0], graph.outputs[0]))
    assert source.quantization is not None
    assert (source.dtype, source.quantization.scales, source.quantization.zero_points) == (
        "uint8",
        (1 / 128,),
        (128,),
    )
    assert result.name == "heatmaps"
    weights = graph.tensors[graph.operators[1].inputs[1]]
    assert weights.quantization is not None
    assert len(weights.quantization.scales) == 17


def test_tflite_of_any_size() -> None:
    graph = model_graph(bytes(tiny_tflite.heatmaps_only(dynamic=True)), "net.tflite", size=(10, 20))
    assert made(graph) == [("CONV_2D", "1x20x10x17")]
    assert graph.multiplies == 200 * 17 * 3


@pytest.mark.parametrize(
    ("data", "name", "sentence"),
    [
        (b"", "net.onnx", "net.onnx is not a model: it is empty (0 bytes)"),
        (
            b"GIF89a..",
            "a.gif",
            "a.gif is not a model that is known: wanted .tflite, .onnx, .pb, .keras, .kmodel or",
        ),
        (b"\x89HDF\r\n\x1a\n", "a.h5", "a.h5 is an HDF5 file, Keras' old format: wanted .tflite"),
        (
            b"\x08\x01",
            "saved_model.pb",
            "saved_model.pb is a TensorFlow SavedModel, which keeps its network",
        ),
        (b"{", "model.json", "model.json is not JSON"),
        (b"[" * 100_000, "a.pb", "a.pb is not a whole frozen TensorFlow graph: a field of kind 3"),
        (b"{" + b'"a":{' * 100_000, "model.json", "model.json is not JSON"),
        (b"{}", "model.json", "model.json is not a tfjs model: it has no modelTopology"),
        (b"\x0a\x02", "a.pb", "a.pb is not a whole frozen TensorFlow graph: a field is cut off"),
        (b"\x22\x00", "a.pb", "a.pb is not a frozen TensorFlow graph: it has no nodes"),
        (b"\x08\x01", "a.onnx", "a.onnx is not an ONNX model: wanted one graph, got 0"),
        (b"PK\3\4", "a.keras", "a.keras is not a whole .keras file: its archive has no end"),
        (b"LDMK", "a.kmodel", "a.kmodel: wanted a .kmodel file of version 5, got 4 bytes"),
        (b"\0\0\0\0TFL3", "a.tflite", "a.tflite is not a usable TFLite model"),
    ],
)
def test_what_is_wrong_is_one_sentence(data: bytes, name: str, sentence: str) -> None:
    with pytest.raises(ModelError, match=f"^{re.escape(sentence)}") as caught:
        model_graph(data, name)
    assert "\n" not in str(caught.value)


def test_graphs_that_hang_together_badly_are_refused() -> None:
    cases: list[tuple[bytes, str, str]] = [
        (tiny.tf_node("a", "Relu", ["b"]) + tiny.tf_node("b", "Relu", ["a"]), "a.pb", "goes in circles"),
        (tiny.tf_node("a", "Relu") * 2, "a.pb", "two nodes of one name"),
        (tiny.tf_node("a", "Relu", ["nobody"]), "a.pb", "reads nobody, which is not there"),
        (
            tiny.onnx_model([tiny.onnx_node("Relu", ["y"], ["z"])], {"x": [1]}, ["z"], {}),
            "a.onnx",
            "reads y, which nothing has made",
        ),
        (tiny.onnx_model([], {"x": [1]}, ["z"], {}), "a.onnx", "its output z is made by no node"),
        (
            tiny.keras_archive(tiny.small_keras(last="nobody")),
            "a.keras",
            "its output nobody is made by no layer",
        ),
        (
            tiny.keras_archive(tiny.small_keras(tiny.keras_layer("ReLU", "r", ["nobody"]))),
            "a.keras",
            "reads nobody, which nothing makes",
        ),
        (tiny.keras_archive({"class_name": "MyModel", "config": {}}), "a.keras", "its class is MyModel"),
    ]
    for data, name, clause in cases:
        with pytest.raises(ModelError, match=re.escape(clause)):
            model_graph(data, name)


def test_a_keras_model_in_itself_ends() -> None:
    inner: dict[str, Any] = tiny.small_keras()
    for _ in range(12):
        part = {**inner, "name": "m", "inbound_nodes": [[["image", 0, 0, {}]]]}
        inner = tiny.keras_config([tiny.keras_layer("InputLayer", "image", []), part], [["m", 0, 0]])
    with pytest.raises(ModelError, match="models lie in models more than 8 deep"):
        model_graph(tiny.keras_archive(inner), "a.keras")


def test_archives_that_grow_are_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("posecore.export.graphs.keras_file.MOST_CONFIG_BYTES", 1 << 16)
    bomb = tiny.keras_archive({"class_name": "Functional", "config": {}, "pad": " " * (1 << 20)})
    assert len(bomb) < 1 << 13
    with pytest.raises(ModelError, match=r"config\.json has more than 0 MiB"):
        model_graph(bomb, "a.keras")


def test_a_size_that_does_not_fit_is_refused() -> None:
    with pytest.raises(
        ModelError,
        match=r"^a.keras: wanted an input that is free to be 20x10 \(height x width\), got \?x64x48x3$",
    ):
        model_graph(tiny.keras_archive(tiny.small_keras()), "a.keras", size=(10, 20))


def test_what_has_no_graph_is_told_what_makes_one(tmp_path: Path) -> None:
    run = tmp_path / "my run"
    run.mkdir()
    (run / "config.toml").write_text("")
    with pytest.raises(
        ModelError, match=r"is the folder of a training run.*`posecore convert '.*my run' model\.keras`"
    ):
        read_model_graph(run)
    np.savez(tmp_path / "net.npz", x=np.zeros(1))
    (tmp_path / "net").write_bytes((tmp_path / "net.npz").read_bytes())
    for name in ("net.npz", "net"):
        with pytest.raises(
            ModelError, match=rf"{name} holds arrays .*`posecore convert .*{name} model\.keras`"
        ):
            read_model_graph(tmp_path / name)


def test_a_tfjs_model_whose_shards_are_not_whole_says_so(tmp_path: Path) -> None:
    model = tiny.tfjs_model()
    (tmp_path / "model.json").write_text(json.dumps(model), encoding="utf-8")
    wanted = 3 * 3 * 3 * 17 * 4 + 17
    missing = inspect_model(tmp_path).graph
    assert missing.facts["weights beside it"].endswith(", without a.bin")
    assert "a.bin is not in the folder" in missing.notes[-1]
    (tmp_path / "a.bin").write_bytes(bytes(wanted - 1))
    short = inspect_model(tmp_path).graph
    assert f"{wanted:,} bytes, but the shards beside it have {wanted - 1:,}" in short.notes[-1]
    (tmp_path / "a.bin").write_bytes(bytes(wanted))
    whole = inspect_model(tmp_path).graph
    assert whole.notes == missing.notes[:-1]
    assert whole.facts["weights beside it"] == f"2 arrays, {wanted:,} bytes"
    assert whole.parameters == missing.parameters, "the manifest has them"


def test_shards_elsewhere_are_not_looked_for(tmp_path: Path) -> None:
    model = tiny.tfjs_model()
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "a.bin").write_bytes(bytes(3 * 3 * 3 * 17 * 4 + 17))
    for name in ("../a.bin", str(tmp_path / "a.bin"), 7, None, [], "\x00", "x" * 9999):
        model["weightsManifest"][0]["paths"] = [name]
        (folder / "model.json").write_text(json.dumps(model), encoding="utf-8")
        assert "not in the folder" in inspect_model(folder).graph.notes[-1]


def test_files_are_found_by_name_or_in_their_folder(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text(json.dumps(tiny.tfjs_model()), encoding="utf-8")
    assert read_model_graph(tmp_path).operators == read_model_graph(tmp_path / "model.json").operators
    for sidecar in ("pose.tflite.json", "pose.tflite.verify.json", "pose.keras.json"):
        (tmp_path / sidecar).write_text("{}", encoding="utf-8")
    assert read_model_graph(tmp_path).operators, "what lies beside other models is none"
    (tmp_path / "other.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ModelError, match=r"is a folder with 2 \.json files"):
        read_model_graph(tmp_path)
    with pytest.raises(ModelError, match=r"nothing\.onnx cannot be read: no file of this name"):
        read_model_graph(tmp_path / "nothing.onnx")
    with pytest.raises(ValueError, match="size: wanted a whole number from 1"):
        read_model_graph(tmp_path, size=(0, 5))
