"""Our reader of .tflite files: what it tells, what it refuses, and the decoder it takes out."""

from __future__ import annotations

import contextlib
import os
import random
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tiny_tflite import (
    CONV_2D,
    CUSTOM,
    DEPTHWISE_CONV_2D,
    INT8,
    LOGISTIC,
    RESHAPE,
    UINT8,
    Model,
    Number,
    Numbers,
    flexbuffer,
    heatmaps_only,
    with_decoder,
)

from posecore.errors import ModelError
from posecore.heads import Quantization
from posecore.runtime.flatbuffer import Damaged, flexbuffer_map
from posecore.runtime.tflite_file import DecoderOptions, TfliteFile

SHARED = (
    Path(os.environ.get("POSECORE_SHARED", Path(__file__).resolve().parents[3] / "shared"))
    / "data"
    / "models"
)
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason=f"no published models at {SHARED}")


def read(model: Model) -> TfliteFile:
    return TfliteFile.read(bytes(model), name="x.tflite")


# What it tells


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


# The decoder's options


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


# The decoder is taken out


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


# What it refuses


def test_what_is_not_there_or_not_a_model_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no\.tflite does not exist$"):
        TfliteFile.read(tmp_path / "no.tflite")
    with pytest.raises(ModelError, match=r"is a folder, where a \.tflite file was wanted"):
        TfliteFile.read(tmp_path)
    empty = tmp_path / "empty.tflite"
    empty.write_bytes(b"")
    with pytest.raises(ModelError, match=r"empty\.tflite is not a TFLite model: it is empty \(0 bytes\)"):
        TfliteFile.read(empty)
    with pytest.raises(
        ModelError, match=r"is not a TFLite model: bytes 4 to 7 are b'JFIF' instead of b\"TFL3\""
    ):
        TfliteFile.read(b"\xff\xd8\xff\xe0JFIF")
    with pytest.raises(ModelError, match=r"cannot be read: "):
        TfliteFile.read("a\0b.tflite")
    with pytest.raises(TypeError, match="source must be a path or bytes, not int"):
        TfliteFile.read(3)  # type: ignore[arg-type]


def test_a_file_of_more_than_a_gibibyte_is_refused_without_reading_it(tmp_path: Path) -> None:
    large = tmp_path / "large.tflite"
    with large.open("wb") as file:
        file.truncate((1 << 30) + 1)
    with pytest.raises(ModelError, match="is too large for a model: 1073741825 bytes, at most 1073741824"):
        TfliteFile.read(large)


def test_every_truncation_is_refused() -> None:
    whole = bytes(heatmaps_only())
    for size in range(len(whole)):
        with pytest.raises(ModelError):
            TfliteFile.read(whole[:size])


def _set_tensor(number: int, field: int, value: Any) -> Callable[[Model], None]:
    def change(model: Model) -> None:
        model.tensors[number][field] = value

    return change


def _set_operator(field: int, value: Any) -> Callable[[Model], None]:
    def change(model: Model) -> None:
        model.operators[0][field] = value

    return change


def _set_graph(**fields: list[int]) -> Callable[[Model], None]:
    def change(model: Model) -> None:
        for name, value in fields.items():
            setattr(model, name, value)

    return change


# Of `heatmaps_only`: tensor 0 the picture, 1 the weights (17, 1, 1, 3), 2 the bias, 3 the heatmaps.
@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (_set_tensor(0, 0, Numbers("i", [1, -4, 6, 3])), "the shape of tensor 'image' is 1x-4x6x3"),
        (_set_tensor(0, 0, Numbers("i", [1] * 9)), "the shape of tensor 'image' is 1x1x1x1x1x1x1x1x1"),
        (_set_tensor(0, 0, Numbers("i", [1, 2**30, 2**30, 3])), "is larger than 1 GiB"),
        (_set_tensor(0, 3, b"\xff\xfe\0"), "a string at byte [0-9]+ is not UTF-8"),
        (_set_tensor(0, 1, Number("b", 99)), "tensor 'image' has the unknown type 99"),
        (_set_tensor(0, 2, Number("I", 77)), "a tensor has the buffer 77 of 5"),
        (_set_tensor(0, 7, Numbers("i", [1, 4, 6])), "is 1x4x6x3 and 1x4x6 at once"),
        (
            _set_tensor(1, 0, Numbers("i", [17, 1, 1, 4])),
            "of shape 17x1x1x4 and type float32 needs 272 bytes, but has",
        ),
        (
            _set_tensor(3, 4, {2: Numbers("f", [1.0, 2.0]), 3: Numbers("q", [0])}),
            "has 2 scales but 1 zero points",
        ),
        (
            _set_tensor(3, 4, {2: Numbers("f", [1.0] * 2), 3: Numbers("q", [0] * 2)}),
            "2 scales .* do not fit its shape",
        ),
        (
            _set_tensor(3, 4, {2: Numbers("f", [-1.0]), 3: Numbers("q", [0])}),
            "a scale that is not a positive number",
        ),
        (_set_operator(0, Number("I", 5)), "an operator has the kind 5 of 1"),
        (_set_operator(1, Numbers("i", [0, 1, 9])), "an input of a CONV_2D is tensor 9 of 4"),
        (_set_operator(1, Numbers("i", [0, 1, -2])), "an input of a CONV_2D is tensor -2 of 4"),
        (_set_operator(1, Numbers("i", [3, 1, 2])), "a CONV_2D reads a tensor that nothing has written"),
        (_set_operator(2, Numbers("i", [-1])), "an output of a CONV_2D is tensor -1 of 4"),
        (_set_operator(2, Numbers("i", [1])), "a CONV_2D writes a tensor that is written elsewhere"),
        (
            _set_operator(4, Model.conv_options(stride=0)),
            "the strides or dilations of a CONV_2D are not positive",
        ),
        (
            _set_operator(4, Model.conv_options(dilation=-1)),
            "the strides or dilations of a CONV_2D are not positive",
        ),
        (_set_graph(inputs=[4]), "an input is tensor 4 of 4"),
        (_set_graph(inputs=[0, 0]), "one of its inputs is a constant or is listed twice"),
        (_set_graph(inputs=[0, 1]), "one of its inputs is a constant or is listed twice"),
        (_set_graph(outputs=[-1]), "an output is tensor -1 of 4"),
        (_set_graph(outputs=[]), "its network has no inputs or no outputs"),
        (_set_graph(operators=[]), "one of its outputs is a tensor that nothing has written"),
        (_set_graph(buffers=[]), "it has no list of buffers"),
    ],
)
def test_what_cannot_be_right_is_refused_with_a_sentence(
    change: Callable[[Model], None], sentence: str
) -> None:
    model = heatmaps_only()
    change(model)
    with pytest.raises(ModelError, match=f"^x.tflite is not a usable TFLite model: .*{sentence}"):
        read(model)


def test_a_scale_for_each_channel_of_an_output_is_refused() -> None:
    model = Model()
    source = model.tensor([1, 2, 2, 2], dtype=UINT8, scale=0.5)
    target = model.tensor([1, 2, 2, 2], dtype=UINT8)
    per_channel = {2: Numbers("f", [1.0, 2.0]), 3: Numbers("q", [0, 0]), 6: Number("i", 3)}
    model.tensors[target][4] = per_channel
    model.operator(LOGISTIC, [source], [target])
    model.inputs, model.outputs = [source], [target]
    with pytest.raises(ModelError, match=r"'tensor1' has the scales \[1\.0, 2\.0\], where one was expected"):
        read(model)


def test_a_list_that_repeats_one_table_very_often_is_refused_soon() -> None:
    file = bytearray(bytes(heatmaps_only()))
    buffers = 300_000
    root = struct.unpack_from("<I", file, 0)[0]
    vtable = root - struct.unpack_from("<i", file, root)[0]
    field = root + struct.unpack_from("<H", file, vtable + 4 + 2 * 4)[0]
    file += bytes(-len(file) % 4)
    at = len(file)
    struct.pack_into("<I", file, field, at - field)
    table = at + 4 + 4 * buffers + 4
    file += struct.pack("<I", buffers)
    file += b"".join(struct.pack("<I", table - (at + 4 + 4 * i)) for i in range(buffers))
    file += struct.pack("<HHi", 4, 4, 4)
    with pytest.raises(ModelError, match="more than 200000 parts"):
        TfliteFile.read(bytes(file))


@pytest.mark.parametrize("seed", range(4))
def test_no_damage_makes_the_reader_raise_anything_but_a_model_error(seed: int) -> None:
    rng = random.Random(seed)
    whole = bytes(with_decoder(segments=True))
    accepted = 0
    for _ in range(800):
        damaged = bytearray(whole)
        for _ in range(rng.randrange(1, 4)):
            at = rng.randrange(len(damaged) - 4)
            if rng.random() < 0.5:
                damaged[at] ^= 1 << rng.randrange(8)
            else:
                value = rng.choice((0, 1, 2, 4, 8, 255, 2**31, 2**32 - 1, 2**32 - 4, rng.randrange(2**32)))
                struct.pack_into("<I", damaged, at // 4 * 4, value)
        # Anything but a ModelError ends the test.
        with contextlib.suppress(ModelError):
            file = TfliteFile.read(bytes(damaged))
            accepted += 1
            if file.decoder is not None:
                TfliteFile.read(file.without_decoder())
    assert 0 < accepted < 800


# The published models


@needs_shared
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
def test_corals_models(path: str, decoder: DecoderOptions | None, cut_outputs: list[int]) -> None:
    file = TfliteFile.read(SHARED / "coral" / f"{path}.tflite")
    assert file.decoder == decoder
    assert file.needs_edge_tpu == path.endswith("_edgetpu")
    assert file.inputs[0].dtype == "uint8"
    assert file.inputs[0].quantization == Quantization(scale=1 / 128, zero_point=128)
    cut = TfliteFile.read(file.without_decoder()) if decoder else file
    assert [output.shape[3] for output in cut.outputs] == cut_outputs
    assert all(output.quantization is not None for output in cut.outputs)
    assert cut.unproven == ()


@needs_shared
def test_the_movenets() -> None:
    single = TfliteFile.read(SHARED / "movenet_single_pose_lightning_ptq.tflite")
    assert (single.inputs[0].shape, single.outputs[0].shape) == ((1, 192, 192, 3), (1, 1, 17, 3))
    multi = TfliteFile.read(SHARED / "movenet_multipose_lightning_f16.tflite")
    assert (multi.inputs[0].shape, multi.outputs[0].shape) == ((1, -1, -1, 3), (1, 6, 56))
    assert "TOPK_V2" in multi.unproven


def test_an_unused_code_is_no_operator() -> None:
    model = heatmaps_only()
    model.codes.append({0: Number("b", CONV_2D)})
    assert read(model).operators == ("CONV_2D",)
