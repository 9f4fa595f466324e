"""What outputs are called, and what made them: the two facts that say which head is which."""

from __future__ import annotations

import pytest
from tiny_tflite import INT8, LOGISTIC, Model, Number

from posecore.layouts import TensorInfo, recognise
from posecore.runtime.tflite_file import TfliteFile

QUANTIZE, DEQUANTIZE = 114, 6
HEADS = {"displacement_bwd_2": 32, "offset_2": 34, "heatmap_2": 17, "displacement_fwd_2": 32}


def exported(names: list[str], *, channels: list[int]) -> Model:
    """As Keras exports it: the tensors' own names say nothing, the signature has the network's."""
    model = Model()
    picture = model.tensor([1, 4, 6, 3], name="serving_default_image:0")
    model.inputs = [picture]
    model.outputs = [
        model.convolution(picture, [1, 4, 6, count], name=f"StatefulPartitionedCall:{i}")
        for i, count in enumerate(channels)
    ]
    entries = [{0: name, 1: Number("I", tensor)} for name, tensor in zip(names, model.outputs, strict=True)]
    model.extra[7] = [{0: [{0: "image", 1: Number("I", picture)}], 1: entries, 2: "serving_default"}]
    return model


def outputs(model: Model) -> tuple[TensorInfo, ...]:
    return TfliteFile.read(bytes(model)).outputs


def test_the_names_of_the_signature_say_which_displacement_is_forward() -> None:
    model = exported(list(HEADS), channels=list(HEADS.values()))
    layout = recognise(outputs(model), input_size=(6, 4))
    assert layout.roles == ("displacement_bwd", "short_offsets", "heatmaps", "displacement_fwd")
    assert layout.scores == "logits"
    assert TfliteFile.read(bytes(model)).inputs[0].name == "image"


def test_a_signature_that_only_counts_does_not_hide_the_tensors_own_names() -> None:
    model = exported(["output_0"], channels=[17])
    assert [info.name for info in outputs(model)] == ["StatefulPartitionedCall:0"]


@pytest.mark.parametrize(
    "after", [(), (QUANTIZE,), (QUANTIZE, DEQUANTIZE)], ids=["plain", "int8", "and back"]
)
def test_a_sigmoid_inside_of_the_network_is_seen_through_quantisation(after: tuple[int, ...]) -> None:
    model = Model()
    picture = model.tensor([1, 4, 6, 3], name="image")
    last = model.convolution(picture, [1, 4, 6, 17], name="logits")
    made = model.tensor([1, 4, 6, 17], name="heatmaps")
    model.operator(LOGISTIC, [last], [made])
    for code in after:
        eight_bit = {"dtype": INT8, "scale": 1 / 256, "zero_point": -128} if code == QUANTIZE else {}
        last, made = made, model.tensor([1, 4, 6, 17], name="heatmaps", **eight_bit)
        model.operator(code, [last], [made])
    model.inputs, model.outputs = [picture], [made]
    (info,) = outputs(model)
    assert info.producer == "LOGISTIC"
    assert recognise([info], input_size=(6, 4)).scores == "probabilities"
