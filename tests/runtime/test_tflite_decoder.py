"""The decoder at the end of a .tflite file: its options, and the file without it."""

from __future__ import annotations

import contextlib
import random

import pytest
from tiny_tflite import (
    CUSTOM,
    LOGISTIC,
    Number,
    flexbuffer,
    heatmaps_only,
    read,
    with_decoder,
)

from posecore.errors import ModelError
from posecore.runtime.decoder_options import DecoderOptions
from posecore.runtime.flatbuffer import Damaged, flexbuffer_map
from posecore.runtime.tflite_file import TfliteFile


def test_the_options_of_the_decoder_are_told() -> None:
    assert read(with_decoder()).decoder == DecoderOptions(
        max_detections=7, score_threshold=0.25, nms_radius_px=8.0, stride_px=32
    )


def test_options_that_are_left_out_are_corals_defaults() -> None:
    assert read(with_decoder(flexbuffer({"stride": 8}))).decoder == DecoderOptions(20, 0.2, 10.0, 8)
    assert read(with_decoder(b"")).decoder == DecoderOptions(20, 0.2, 10.0, 16)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            {"stride": 0},
            "the option stride of its PosenetDecoderOp is 0, where a whole number from 1 to 1024",
        ),
        ({"stride": 16.5}, "the option stride of its PosenetDecoderOp is 16.5, where a whole number"),
        (
            {"max_detections": -1},
            "max_detections of its PosenetDecoderOp is -1, where a whole number from 1 to 10000",
        ),
        ({"max_detections": True}, "max_detections of its PosenetDecoderOp is True"),
        (
            {"nms_radius": float("nan")},
            "nms_radius of its PosenetDecoderOp is nan, where a number from 0 to 10000",
        ),
        (
            {"score_threshold": 1.5},
            "score_threshold of its PosenetDecoderOp is 1.5, where a number from 0 to 1",
        ),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, float], sentence: str) -> None:
    with pytest.raises(ModelError, match=sentence.replace(".", r"\.")):
        read(with_decoder(flexbuffer(options)))


def test_a_damaged_map_of_options_is_refused_and_never_anything_else() -> None:
    whole = flexbuffer({"max_detections": 7, "nms_radius": 8.0, "on": True})
    assert flexbuffer_map(whole) == {"max_detections": 7, "nms_radius": 8.0, "on": True}
    rng = random.Random(1)
    for _ in range(3000):
        damaged = bytearray(whole[: rng.randrange(len(whole) + 1)] if rng.random() < 0.2 else whole)
        for _ in range(rng.randrange(1, 4)):
            if damaged:
                damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        with contextlib.suppress(Damaged):
            flexbuffer_map(damaged)


@pytest.mark.parametrize("segments", [False, True])
def test_without_its_decoder_a_model_ends_in_the_decoders_inputs(segments: bool) -> None:
    file = read(with_decoder(segments=segments))
    cut = TfliteFile.read(file.without_decoder())
    assert [o.name for o in cut.outputs] == [
        "heatmaps",
        "short_offsets",
        "mid_offsets",
        *["segments"] * segments,
    ]
    assert [o.shape[3] for o in cut.outputs] == [17, 34, 64, *[1] * segments]
    assert cut.decoder is None
    assert cut.operators == ("CONV_2D",) * (3 + segments)
    assert cut.inputs == file.inputs
    assert cut.unproven == ()


def test_the_operators_after_the_decoder_stay() -> None:
    model = with_decoder()
    late = model.convolution(model.inputs[0], [1, 4, 6, 5], name="late")
    model.outputs.append(late)
    cut = TfliteFile.read(read(model).without_decoder())
    assert cut.operators == ("CONV_2D",) * 4
    assert [(o.name, o.producer) for o in cut.outputs][-1] == ("late", "CONV_2D")


def test_the_model_itself_stays_as_it_is() -> None:
    file = read(with_decoder())
    before = bytes(file.data)
    file.without_decoder()
    assert file.data == before


def test_signatures_that_name_the_decoders_outputs_are_dropped() -> None:
    model = with_decoder()
    entry = {0: "poses", 1: Number("I", model.outputs[0])}
    model.extra = {7: [{0: [{0: "image", 1: Number("I", 0)}], 1: [entry], 2: "serving_default"}]}
    assert TfliteFile.read(read(model).without_decoder()).operators == ("CONV_2D",) * 3


def test_a_decoder_whose_output_is_used_cannot_be_taken_out() -> None:
    model = with_decoder()
    target = model.tensor([])
    model.operator(LOGISTIC, [model.outputs[0]], [target])
    model.outputs = [target]
    with pytest.raises(ModelError, match=r"x\.tflite goes on after its PosenetDecoderOp"):
        read(model).without_decoder()


def test_a_model_without_a_decoder_says_so() -> None:
    with pytest.raises(ModelError, match=r"x\.tflite has no PosenetDecoderOp to take out"):
        read(heatmaps_only()).without_decoder()


def test_two_decoders_are_refused() -> None:
    model = with_decoder()
    model.operator(CUSTOM, [1], [model.tensor([])], custom="PosenetDecoderOp")
    with pytest.raises(ModelError, match="has 2 decoders of poses, where one was expected"):
        read(model)
