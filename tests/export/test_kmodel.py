"""Reading .kmodel files: what is in them, and that bytes from anywhere do no harm."""

from __future__ import annotations

import contextlib
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kmodel_bytes import address, kmodel, tensor

from posecore.errors import ModelError
from posecore.export.kmodel import Kmodel, KmodelPort


def everything(model: Kmodel) -> tuple[object, ...]:
    """All that can be asked of one."""
    return (
        model.inputs,
        model.outputs,
        model.memory,
        model.runtimes,
        model.cpu_ops,
        model.kpu_calls,
        model.kpu_layers,
    )


def test_ports_operators_and_memory_are_read() -> None:
    data = kmodel()
    model = Kmodel.read(data)
    assert model.inputs == (KmodelPort("uint8", (1, 3, 8, 8), "input", 0, 192),)
    assert model.outputs == (KmodelPort("float32", (1, 17, 4, 4), "output", 0, 1088),)
    assert model.kpu_calls == 1
    (op,) = model.cpu_ops
    assert (op.name, op.scale, op.bias, op.output_start) == ("DEQUANTIZE", 0.5, -60.0, 0)
    assert model.memory == {
        "input": 192,
        "output": 1088,
        "data": 272,
        "model": len(data),
        "total": 192 + 1088 + 272 + len(data),
    }
    assert [module.kind for module in model.modules] == ["stackvm", "k210"]
    assert model.modules[1].pools == {"data": 0, "kpu": 2 << 20}


def test_the_kpu_s_registers_become_layers() -> None:
    model = Kmodel.read(kmodel())
    assert [step.kind for step in model.modules[1].kpu] == ["upload", "conv2d", "download"]
    (layer,) = model.kpu_layers
    assert (layer.input_size, layer.output_size) == ((8, 8, 3), (4, 4, 17))
    assert (layer.kernel, layer.depthwise, layer.pool) == (3, False, "left top 2x2")
    assert (layer.input_row, layer.output_row) == (0, 24)


@pytest.mark.parametrize(
    ("function", "runtimes"),
    [(0x0B, ("1.6", "1.7", "1.8", "1.9")), (0x0A, ("1.0", "1.1", "1.3", "1.4", "1.5"))],
)
def test_the_numbers_of_the_operators_say_which_runtimes_read_it(
    function: int, runtimes: tuple[str, ...]
) -> None:
    model = Kmodel.read(kmodel(dequantize_function=function))
    assert model.runtimes == runtimes
    assert [op.name for op in model.cpu_ops] == ["DEQUANTIZE"]


def test_an_operator_of_no_release_ends_the_reading_of_the_program() -> None:
    model = Kmodel.read(kmodel(program=address(0, 0) + tensor(0x7777, bytes(5))))
    assert [op.name for op in model.cpu_ops] == ["FUNCTION_0x7777"]
    assert model.runtimes == ()
    assert model.modules[0].cpu is not None
    assert not model.modules[0].cpu.complete


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "got 0 bytes"),
        (b"TFL3" + bytes(60), "got a file of another kind"),
        (kmodel(version=4), "got one of version 4, which nncase 0.2 makes and MaixPy runs"),
        (kmodel(version=6), "got one of version 6"),
        (
            b"\x03\0\0\0" + bytes(60),
            "got what may be one of version 3, which nncase 0.1 makes and MaixPy runs",
        ),
        (kmodel()[:-20], "got one that is cut off: module 1 ends at byte"),
    ],
)
def test_other_files_are_a_sentence(data: bytes, sentence: str) -> None:
    with pytest.raises(ModelError, match=r"pose: wanted a \.kmodel file of version 5, ") as error:
        Kmodel.read(data, name="pose")
    assert sentence in str(error.value)


def test_a_file_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="there is no such file"):
        Kmodel.read(tmp_path / "none.kmodel")
    with pytest.raises(TypeError, match=r"model: wanted a path or the bytes of a \.kmodel file, got int"):
        Kmodel.read(5)  # type: ignore[arg-type]


def test_every_file_that_is_cut_off_is_refused() -> None:
    data = kmodel()
    for length in range(len(data)):
        with pytest.raises(ModelError):
            Kmodel.read(data[:length])


@given(st.integers(0, 2**32))
@settings(max_examples=300)
def test_damage_anywhere_is_a_model_error_or_another_file(seed: int) -> None:
    choose = random.Random(seed)
    data = bytearray(kmodel())
    for _ in range(choose.randint(1, 6)):
        place = choose.randrange(len(data))
        word = choose.choice(
            (b"\xff\xff\xff\xff", b"\0\0\0\x80", b"\0\0\0\0", choose.randbytes(4), choose.randbytes(1))
        )
        data[place : place + len(word)] = word
    with contextlib.suppress(ModelError):
        everything(Kmodel.read(bytes(data)))
