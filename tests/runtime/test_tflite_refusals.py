"""Files that our reader of .tflite files refuses, each with a sentence and never with anything else."""

from __future__ import annotations

import contextlib
import math
import random
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tiny_tflite import (
    INT8,
    LOGISTIC,
    UINT8,
    Model,
    Number,
    Numbers,
    heatmaps_only,
    quantised,
    read,
    with_decoder,
)

from posecore.errors import ModelError
from posecore.runtime.tflite_file import TfliteFile


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


@pytest.mark.parametrize("dtype", [INT8, UINT8], ids=["int8", "uint8"])
@pytest.mark.parametrize("tensor", ["image", "heatmaps"])
@pytest.mark.parametrize(
    ("scale", "zero_point"),
    [
        *[(1.0, 2**31), (1.0, -(2**31) - 1), (1.0, 2**63 - 1), (1.0, -(2**63))],
        *[(scale, 0) for scale in (0.0, -0.0, -1.0, 1e-40, 1e-45, math.nan, math.inf, -math.inf)],
    ],
)
def test_a_quantisation_that_is_none_is_refused_where_it_is_read(
    dtype: int, tensor: str, scale: float, zero_point: int
) -> None:
    model = quantised(dtype)
    (number,) = (i for i in (*model.inputs, *model.outputs) if model.tensors[i][3] == tensor)
    model.tensors[number][4] = {2: Numbers("f", [scale]), 3: Numbers("q", [zero_point])}
    with pytest.raises(
        ModelError,
        match=rf"^x.tflite is not a usable TFLite model: tensor '{tensor}' has (a|the) (scale|quant)",
    ):
        read(model)


@pytest.mark.parametrize("dtype", [INT8, UINT8], ids=["int8", "uint8"])
@pytest.mark.parametrize("tensor", ["weights", "bias"])
@pytest.mark.parametrize("scale", [-1.0, math.nan, math.inf, -math.inf])
def test_a_channel_of_weights_without_a_scale_is_refused(dtype: int, tensor: str, scale: float) -> None:
    model = quantised(dtype)
    (record,) = (table[4] for table in model.tensors if table[3] == tensor)
    record[2] = Numbers("f", [*record[2].values[:5], scale, *record[2].values[6:]])
    with pytest.raises(ModelError, match=f"tensor '{tensor}' has a scale that is not a positive number"):
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
@pytest.mark.parametrize(
    "make", [lambda: with_decoder(segments=True), lambda: quantised(INT8), lambda: quantised(UINT8)]
)
def test_no_damage_makes_the_reader_raise_anything_but_a_model_error(
    make: Callable[[], Model], seed: int
) -> None:
    rng = random.Random(seed)
    whole = bytes(make())
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
