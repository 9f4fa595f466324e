"""What a model is for, in words: its heads, its stride, what its heatmaps hold, and who can run it."""

from __future__ import annotations

import dataclasses
import struct
from pathlib import Path
from typing import Any

import pytest
import tiny_graphs as tiny

import posecore
from posecore.artifact import Artifact, HeadSpec, InputSpec, sha256_of
from posecore.export.graphs.custom_operators import explain
from posecore.export.graphs.edge_tpu_package import read_package
from posecore.export.graphs.inspected_model import inspect_model
from posecore.runtime.flatbuffer import Damaged
from posecore.runtime.tflite_operators import Operator
from runtime import tiny_tflite


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "net"


def purpose(path: Path, data: bytes, suffix: str, **options: Any) -> Any:
    file = path.with_suffix(suffix)
    file.write_bytes(data)
    return inspect_model(file, **options).purpose


def test_heatmaps_behind_a_sigmoid_are_probabilities(path: Path) -> None:
    found = purpose(path, tiny.frozen_graph(), ".pb")
    assert (found.kind, found.scores, found.stride_px, found.num_keypoints) == (
        "heatmaps",
        "probabilities",
        2.0,
        17,
    )


def test_pictures_with_channels_first_are_turned_round(path: Path) -> None:
    found = purpose(path, tiny.channels_first(64, 48), ".onnx")
    assert (found.kind, found.num_keypoints, found.stride_px) == ("heatmaps", 17, 1.0)
    assert "onnxruntime runs it" in found.sentences[-1]


def test_the_last_stage_of_cpm_counts(path: Path) -> None:
    model = tiny.small_keras(tiny.keras_layer("Conv2D", "more", ["heatmap"], filters=17, kernel_size=[1, 1]))
    model["config"]["output_layers"] = {"stage1": ["heatmap", 0, 0], "stage2": ["more", 0, 0]}
    found = purpose(path, tiny.keras_archive(model), ".keras")
    assert [(head.name, head.role) for head in found.heads] == [("stage2", "heatmaps")]
    assert "posecore export takes it" in found.sentences[-1]


def test_keypoints_are_a_regressors(path: Path) -> None:
    layers = [
        tiny.keras_layer("Flatten", "flat", ["heatmap"]),
        tiny.keras_layer("Dense", "dense", ["flat"], units=34),
        tiny.keras_layer("Reshape", "shape", ["dense"], target_shape=[17, 2]),
    ]
    model = tiny.small_keras(*layers)
    model["config"]["output_layers"] = {"keypoints": ["shape", 0, 0]}
    found = purpose(path, tiny.keras_archive(model), ".keras")
    assert (found.kind, found.num_keypoints, found.stride_px, found.scores) == ("coordinates", 17, 0.0, None)


def test_what_is_no_pose_model_is_said_with_what_it_gives(path: Path) -> None:
    data = tiny.onnx_model([tiny.onnx_node("Relu", ["x"], ["y"])], {"x": [1, 1000]}, ["y"], {})
    found = purpose(path, data, ".onnx")
    assert (found.kind, found.heads) == (None, ())
    assert found.sentences[0].startswith("No pose model that posecore knows: ")
    assert "y float32" not in found.sentences[0].partition(":")[0]


def test_a_strangers_operator_is_named(path: Path) -> None:
    model = tiny_tflite.heatmaps_only()
    output = model.tensor([1, 4, 6, 17], name="gated")
    options = tiny_tflite.flexbuffer({"k": 3})
    model.operator(tiny_tflite.CUSTOM, model.outputs, [output], custom="Gate", custom_options=options)
    model.outputs = [output]
    path.with_suffix(".tflite").write_bytes(bytes(model))
    found = inspect_model(path.with_suffix(".tflite"))
    assert "no interpreter that it uses has Gate" in found.purpose.sentences[-1]
    assert found.graph.operators[-1].options == {"k": 3}
    assert "not an operator of TFLite's own" in found.graph.operators[-1].explained[0]


def test_what_export_wrote_beside_a_file_is_believed(path: Path, artifact: Artifact) -> None:
    file = path.with_suffix(".kmodel")
    file.write_bytes(tiny.kmodel())
    said = dataclasses.replace(
        artifact, file=file.name, sha256=sha256_of(file), target="k210", precision="uint8"
    )
    said.save(file)
    found = inspect_model(file)
    assert found.artifact == said
    assert (found.purpose.kind, found.purpose.num_keypoints) == ("heatmaps", 17)
    assert "Exported by posecore for k210 as uint8" in " ".join(found.purpose.sentences)
    # Of another file it is no description, which is a note and no failure.
    file.write_bytes(tiny.kmodel(calls=2))
    other = inspect_model(file)
    assert other.artifact is None
    assert any("it describes another file" in note for note in other.graph.notes)


@pytest.fixture
def artifact() -> Artifact:
    return Artifact(
        file="net.kmodel",
        sha256="0" * 64,
        target="k210",
        precision="uint8",
        kind="heatmaps",
        skeleton=posecore.COCO17,
        input=InputSpec("image", (8, 6), "NCHW", "uint8"),
        heads=(HeadSpec("heatmaps", "heatmap", (1, 17, 3, 4), "float32", "NCHW", "logit"),),
        stride_px=2.0,
        scores="logits",
    )


def operator(name: str, options: bytes) -> Operator:
    return Operator(name, True, (0,), (1,), 0, None, memoryview(options), True)


def test_packages_that_cannot_be_read_are_sentences() -> None:
    options, sentences, unit = explain(operator("edgetpu-custom-op", b"\1\2\3"))
    assert (options, unit) == ({}, "Edge TPU")
    assert "no package that could be read" in sentences[-1]
    for damaged in (b"", b"\0\0\0\0DWN1", struct.pack("<I4sI", 1 << 30, b"DWN1", 0)):
        with pytest.raises(Damaged):
            read_package(memoryview(damaged))


def test_a_decoder_whose_options_are_wrong_is_one_sentence() -> None:
    data = tiny_tflite.flexbuffer({"max_detections": -3})
    options, sentences, unit = explain(operator("PosenetDecoderOp", data))
    assert (options, unit) == ({"max_detections": -3}, "CPU")
    assert sentences == (
        "A decoder of poses whose options are wrong: the option max_detections of its PosenetDecoderOp is -3, where a "
        "whole number from 1 to 10000 was expected.",
    )
