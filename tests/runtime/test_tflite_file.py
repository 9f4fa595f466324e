"""Our reader of .tflite files: what it tells."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_tflite import (
    CONV_2D,
    CUSTOM,
    DEPTHWISE_CONV_2D,
    INT8,
    LOGISTIC,
    RESHAPE,
    Model,
    Number,
    heatmaps_only,
    read,
)

from posecore.heads import Quantization
from posecore.runtime.decoder_options import DecoderOptions
from posecore.runtime.tflite_file import TfliteFile


def test_inputs_outputs_and_operators_are_told() -> None:
    file = read(heatmaps_only())
    (picture,), (heatmaps,) = file.inputs, file.outputs
    assert (picture.name, picture.shape, picture.dtype, picture.producer) == (
        "image",
        (1, 4, 6, 3),
        "float32",
        "",
    )
    assert (heatmaps.name, heatmaps.shape, heatmaps.producer) == ("heatmaps", (1, 4, 6, 17), "CONV_2D")
    assert file.operators == ("CONV_2D",)
    assert (file.decoder, file.needs_edge_tpu, file.unknown_custom_ops, file.unproven) == (
        None,
        False,
        (),
        (),
    )


def test_a_free_size_is_minus_one() -> None:
    file = read(heatmaps_only(dynamic=True))
    assert file.inputs[0].shape == (1, -1, -1, 3)
    assert file.outputs[0].shape == (1, -1, -1, 17)


def test_the_quantisation_of_an_output_is_told() -> None:
    model = Model()
    source = model.tensor([1, 2, 2, 17], dtype=INT8, scale=0.5, zero_point=-3)
    target = model.tensor([1, 2, 2, 17], dtype=INT8, scale=1 / 256, zero_point=-128)
    model.operator(LOGISTIC, [source], [target])
    model.inputs, model.outputs = [source], [target]
    (output,) = read(model).outputs
    assert output.quantization == Quantization(scale=1 / 256, zero_point=-128)
    assert (output.dtype, output.producer) == ("int8", "LOGISTIC")


def test_an_operator_that_is_not_checked_is_named_as_unproven() -> None:
    model = heatmaps_only()
    flat = model.tensor([1, 17 * 24])
    model.operator(RESHAPE, [model.outputs[0]], [flat])
    model.outputs = [flat]
    assert read(model).unproven == ("RESHAPE",)


def test_a_depthwise_convolution_without_a_bias_is_not_proven_since_it_crashes_xnnpack() -> None:
    model = Model()
    picture = model.tensor([1, 4, 6, 3])
    weights = model.tensor([1, 1, 1, 3], data=bytes(12))
    model.inputs, model.outputs = [picture], [model.tensor([1, 4, 6, 3])]
    options = {1: Number("i", 1), 2: Number("i", 1), 3: Number("i", 1)}
    model.operator(DEPTHWISE_CONV_2D, [picture, weights], model.outputs, kind=2, options=options)
    assert read(model).unproven == ("a DEPTHWISE_CONV_2D with unusual arguments",)


def test_custom_operators_are_told_apart() -> None:
    model = heatmaps_only()
    for custom in ("edgetpu-custom-op", "SomeOp", "OtherOp"):
        target = model.tensor([1, 4, 6, 17])
        model.operator(CUSTOM, [model.outputs[0]], [target], custom=custom)
        model.outputs = [target]
    file = read(model)
    assert file.needs_edge_tpu
    assert file.unknown_custom_ops == ("OtherOp", "SomeOp")
    assert file.operators == ("CONV_2D", "edgetpu-custom-op", "SomeOp", "OtherOp")


def test_a_path_and_its_bytes_read_the_same(tmp_path: Path) -> None:
    path = tmp_path / "heatmaps.tflite"
    path.write_bytes(bytes(heatmaps_only()))
    assert TfliteFile.read(path).outputs == read(heatmaps_only()).outputs
    assert TfliteFile.read(path).name == str(path)


@pytest.mark.parametrize(
    ("path", "decoder", "cut_outputs"),
    [
        ("posenet_mobilenet_v1_075_353_481_quant_decoder", DecoderOptions(10, 0.2, 10.0, 16), [17, 34, 64]),
        (
            "posenet_mobilenet_v1_075_353_481_quant_decoder_edgetpu",
            DecoderOptions(10, 0.2, 10.0, 16),
            [17, 34, 64],
        ),
        (
            "posenet_mobilenet_v1_075_353_481_16_quant_decoder",
            DecoderOptions(20, 0.2, 10.0, 16),
            [17, 34, 64],
        ),
        (
            "bodypix_mobilenet_v1_075_512_512_16_quant_decoder",
            DecoderOptions(20, 0.2, 10.0, 16),
            [17, 34, 64, 34, 1, 24],
        ),
        ("posenet_mobilenet_v1_075_353_481_quant", None, [17, 34, 64]),
    ],
)
def test_corals_models(data: Path, path: str, decoder: DecoderOptions | None, cut_outputs: list[int]) -> None:
    file = TfliteFile.read(data / "models" / "coral" / f"{path}.tflite")
    assert file.decoder == decoder
    assert file.needs_edge_tpu == path.endswith("_edgetpu")
    assert file.inputs[0].dtype == "uint8"
    assert file.inputs[0].quantization == Quantization(scale=1 / 128, zero_point=128)
    cut = TfliteFile.read(file.without_decoder()) if decoder else file
    assert [output.shape[3] for output in cut.outputs] == cut_outputs
    assert all(output.quantization is not None for output in cut.outputs)
    assert cut.unproven == ()


def test_the_movenets(data: Path) -> None:
    single = TfliteFile.read(data / "models" / "movenet_single_pose_lightning_ptq.tflite")
    assert (single.inputs[0].shape, single.outputs[0].shape) == ((1, 192, 192, 3), (1, 1, 17, 3))
    multi = TfliteFile.read(data / "models" / "movenet_multipose_lightning_f16.tflite")
    assert (multi.inputs[0].shape, multi.outputs[0].shape) == ((1, -1, -1, 3), (1, 6, 56))
    assert "TOPK_V2" in multi.unproven


def test_an_unused_code_is_no_operator() -> None:
    model = heatmaps_only()
    model.codes.append({0: Number("b", CONV_2D)})
    assert read(model).operators == ("CONV_2D",)
