"""Published models: what is in them, what they cost, what they are for, and the CUSTOM operators of Coral's files."""

from __future__ import annotations

from pathlib import Path

import pytest

from posecore.export.graphs.differences import differences
from posecore.export.graphs.inspected_model import inspect_model
from posecore.export.graphs.model_graph import ModelGraph, shown

# 0.75 and 0.50 of PoseNet on MobileNetV1 have so many learnt numbers: tests/train pins them, too.
PARAMETERS_075, PARAMETERS_050 = 1_258_195, 577_459
CORAL = "coral/posenet_mobilenet_v1_075_353_481"
TFJS = "posenet_mobilenet_v1_075_tfjs/model-stride16.json"


@pytest.fixture(scope="module")
def models(shared: Path) -> Path:
    return shared / "data" / "models"


def graph_of(path: Path, size: tuple[int, int] | None = None) -> ModelGraph:
    return inspect_model(path, size=size).graph


def test_every_model_is_read_to_its_last_multiply(models: Path) -> None:
    files = [path for path in models.rglob("*") if path.suffix in (".tflite", ".pb", ".json")]
    assert len(files) >= 10
    for path in files:
        found = inspect_model(path)
        graph = inspect_model(path, size=(257, 257)).graph if found.is_free else found.graph
        edge_tpu = any(each.unit == "Edge TPU" for each in graph.operators)
        assert graph.uncounted == ((1, 1) if edge_tpu else (0, 0)), path
        assert found.purpose.kind is not None, path
        assert found.purpose.num_keypoints == 17, path


def test_one_network_costs_the_same_in_every_format(models: Path) -> None:
    for size, name, operators in (
        ((481, 353), f"{CORAL}_quant.tflite", 32),
        ((337, 337), "posenet_mobilenet_v1_075_337_float.tflite", 31),
    ):
        tflite, tfjs = graph_of(models / name), graph_of(models / TFJS, size)
        assert len(tflite.operators) == operators
        assert tflite.parameters == tfjs.parameters == PARAMETERS_075
        assert tflite.multiplies == tfjs.multiplies
    # By TensorFlow's profiler: half of 467,500,531 - 3,679,283 float operations, of which it counts two a multiply.
    frozen = graph_of(models / "posenet-python_mobilenet_v1_050.pb", (257, 257))
    assert (frozen.parameters, frozen.multiplies) == (PARAMETERS_050, 231_910_624)


def test_movenets_are_followed_through_their_float16_weights(models: Path) -> None:
    graph = graph_of(models / "movenet_multipose_lightning_f16.tflite", (256, 256))
    assert graph.multiplies == 971_272_192
    assert sum(each.on_weights for each in graph.operators) == 165
    assert {each.kind for each in graph.operators if each.on_weights} == {"DEQUANTIZE"}
    assert not any(each.parameters for each in graph.operators if each.on_weights)
    assert graph_of(models / "movenet_single_pose_lightning_ptq.tflite").multiplies == 270_549_504


def test_the_edge_tpus_operator_is_explained(models: Path) -> None:
    found = inspect_model(models / f"{CORAL}_quant_decoder_edgetpu.tflite")
    compiled, decoder = found.graph.operators
    assert (compiled.kind, compiled.unit) == ("edgetpu-custom-op", "Edge TPU")
    assert compiled.options == {
        "version": 0,
        "chip": "beagle",
        "preference": -1,
        "package_bytes": 1_544_192,
        "min_runtime_version": 10,
        "parameter_bytes_on_chip": 1_386_432,
        "parameter_bytes_each_run": 0,
        "programs": ("runs", "loads parameters"),
        "estimated_cycles": 1_428_960,
        "memory_bytes_per_tile": 147_648,
    }
    said = " ".join(compiled.explained)
    assert "1,544,192 bytes for the chip beagle" in said
    # The scales of family B, which its heads have before they were compiled.
    assert "MobilenetV1/heatmap_2/BiasAdd 23x31x17 uint8, real = (q - 128) * 0.04705882" in said
    assert decoder.kind == "PosenetDecoderOp"
    assert "posecore predict --device coral" in " ".join(found.purpose.sentences)


@pytest.mark.parametrize(
    ("name", "detections", "inputs"),
    [
        (f"{CORAL}_quant_decoder.tflite", 10, 3),
        (f"{CORAL}_16_quant_decoder.tflite", 20, 3),
        ("coral/bodypix_mobilenet_v1_075_512_512_16_quant_decoder.tflite", 20, 4),
    ],
)
def test_the_decoder_is_explained(models: Path, name: str, detections: int, inputs: int) -> None:
    found = inspect_model(models / name)
    decoder = found.graph.operators[-1]
    assert len(decoder.inputs) == inputs
    assert decoder.options == {
        "_output_quantized": True,
        "_support_output_type_float_in_quantized_op": True,
        "max_detections": detections,
        "nms_radius": 10.0,
        "score_threshold": 0.2,
        "stride": 16,
    }
    said = " ".join(decoder.explained)
    assert f"At most {detections} people, scores from 0.2" in said
    assert ("long offsets" in said) == (inputs == 4)
    assert [head.role for head in found.purpose.heads][:3] == ["heatmaps", "short_offsets", "mid_offsets"]
    assert (found.purpose.kind, found.purpose.stride_px, found.purpose.scores) == ("posenet", 16.0, "logits")


def test_heads_of_other_formats_are_recognised(models: Path) -> None:
    tfjs, frozen = (
        inspect_model(models / name).purpose for name in (TFJS, "posenet-python_mobilenet_v1_050.pb")
    )
    # The stride of a model of any size is read off it at some size.
    assert (tfjs.kind, tfjs.stride_px, tfjs.scores) == ("posenet", 16.0, "logits")
    # This one has the sigmoid inside.
    assert (frozen.kind, frozen.stride_px, frozen.scores) == ("posenet", 16.0, "probabilities")
    assert "posecore convert" in " ".join(frozen.sentences)


def test_two_files_differ_in_what_makes_one_of_them_clip(models: Path) -> None:
    decoded, parts = (graph_of(models / f"{CORAL}_{name}.tflite") for name in ("quant_decoder", "quant"))
    found = differences(decoded, parts)
    assert found.counts == {"same": 30, "changed": 2, "removed": 1, "added": 0}
    differing = [pair for pair in found.pairs if pair.differences]
    changed = [(pair.first, [(each.what, each.second) for each in pair.differences]) for pair in differing]
    clips = ("type", "uint8, real = (q - 128) * 0.07843138")
    assert changed == [(27, [clips]), (28, [clips])]
    assert [each.kind for each in decoded.operators if each.is_custom] == ["PosenetDecoderOp"]


def test_two_formats_of_one_network_stand_side_by_side(models: Path) -> None:
    tfjs = graph_of(models / TFJS, (337, 337))
    found = differences(tfjs, graph_of(models / "posenet_mobilenet_v1_075_337_float.tflite"))
    # Every convolution finds its own; what TFLite fuses stands alone.
    pairs = [pair for pair in found.pairs if pair.first is not None and pair.second is not None]
    assert len(pairs) == 31
    assert {each.what for pair in pairs for each in pair.differences} == {"parameters"}
    alone = {
        tfjs.operators[pair.first].kind
        for pair in found.pairs
        if pair.second is None and pair.first is not None
    }
    assert alone == {"BiasAdd", "Relu6"}
    assert {each.what for each in found.ends} >= {"input 0: name", "output 0 and 1: name"}


def test_shapes_that_are_worked_out_are_those_of_the_file(models: Path) -> None:
    """TFLite files give the shapes inside; a tfjs model of the same network does not."""
    tflite = graph_of(models / "posenet_mobilenet_v1_075_337_float.tflite")
    tfjs = graph_of(models / TFJS, (337, 337))
    convolutions = [
        [
            shown(graph.tensors[each.outputs[0]].shape)
            for each in graph.operators
            if "conv" in each.kind.lower()
        ]
        for graph in (tflite, tfjs)
    ]
    assert sorted(convolutions[0]) == sorted(convolutions[1])
    assert convolutions[0][:27] == convolutions[1][:27]
