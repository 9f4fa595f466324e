"""The two kinds of program in a .kmodel file: CPU operators in a stack machine's code, and steps of the KPU.

The numbers below are those of nncase's releases on PyPI, found by compiling one model per operator with each of
them and comparing the bytes with the operators that the compiler lists; operators of which no release makes an
example that can be read are left out, and a program with one of them is read up to there.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass

_MAX_OPERATORS = 100_000

# Bytes of the stack machine's instructions that nncase writes beside TENSOR: constants, addresses, shapes, paddings.
# It has others, but under the numbers of a wrong release it is them that the bytes seem to hold.
_LENGTHS = {0x02: 5, 0x03: 1, 0x04: 1, 0x05: 5, 0x16: 6, 0x17: 7, 0x31: 3, 0x32: 3}
_LOAD_FLOAT, _BUFFER, _TENSOR = 0x05, 0x17, 0x5E
_OUTPUT = 1

# Name and bytes of arguments of each TENSOR function. CALL is the KPU's.
_FIRST = {0x00: ("BATCH_TO_SPACE", 6), 0x02: ("BROADCAST", 5), 0x03: ("CALL", 8)}
_OLD = _FIRST | {0x05: ("CONV2D", 25), 0x07: ("CONVERT", 5), 0x08: ("COPY", 4), 0x0A: ("DEQUANTIZE", 5)}
_OLDEST = _OLD | {
    0x01: ("BINARY", 15),
    0x0B: ("GATHER", 7),
    0x0C: ("GATHER_ND", 7),
    0x11: ("ONEHOT", 6),
    0x12: ("PAD", 6),
    0x13: ("QUANTIZE", 5),
}
_MIDDLE = {
    0x0C: ("GATHER", 7),
    0x0D: ("GATHER_ND", 7),
    0x12: ("ONEHOT", 6),
    0x13: ("PAD", 6),
    0x14: ("QUANTIZE", 5),
    0x17: ("REDUCE", 7),
    0x18: ("REDUCE_ARG", 9),
    0x1A: ("REDUCE_WINDOW2D", 25),
    0x1B: ("RESIZE_IMAGE", 7),
    0x1E: ("SLICE", 7),
    0x24: ("TRANSPOSE", 5),
    0x26: ("UNARY", 5),
}
_TABLES: tuple[tuple[tuple[str, ...], dict[int, tuple[str, int]]], ...] = (
    (
        ("1.6", "1.7", "1.8", "1.9"),
        _FIRST
        | _MIDDLE
        | {
            0x01: ("BINARY", 16),
            0x04: ("COMPARE", 8),
            0x06: ("CONV2D", 25),
            0x08: ("CONVERT", 5),
            0x09: ("COPY", 4),
            0x0B: ("DEQUANTIZE", 5),
            0x19: ("REDUCE_PROD", 6),
            0x1F: ("SOFTMAX", 12),
            0x20: ("SPACE_TO_BATCH", 6),
        },
    ),
    (("1.4", "1.5"), _OLD | _MIDDLE | {0x01: ("BINARY", 16)}),
    (("1.3",), _OLD | _MIDDLE | {0x01: ("BINARY", 15)}),
    (
        ("1.1",),
        _OLDEST
        | {
            0x16: ("REDUCE", 7),
            0x17: ("REDUCE_ARG", 9),
            0x19: ("REDUCE_WINDOW2D", 25),
            0x1A: ("RESIZE_IMAGE", 7),
            0x1B: ("SLICE", 7),
            0x20: ("TRANSPOSE", 5),
            0x21: ("UNARY", 5),
        },
    ),
    (
        ("1.0",),
        _OLDEST
        | {
            0x14: ("REDUCE", 7),
            0x15: ("REDUCE_ARG", 9),
            0x16: ("REDUCE_WINDOW2D", 25),
            0x17: ("RESIZE_IMAGE", 7),
            0x18: ("SLICE", 7),
            0x1C: ("TRANSPOSE", 5),
            0x1D: ("UNARY", 5),
        },
    ),
)
RELEASES = tuple(sorted(release for releases, _ in _TABLES for release in releases))
"""The releases of nncase whose programs can be read."""

_KPU_STEPS = {0: ("upload", 44), 1: ("download", 44), 2: ("conv2d", 152), 3: ("copy", 76)}
_POOLS: tuple[str, ...] = ("", "max 2x2", "mean 2x2", "max 4x4", "mean 4x4", "left top 2x2", "right top 2x2")
_POOLS += ("left top 4x4", "mean 2x2 stride 1", "max 2x2 stride 1")


class DamagedProgram(ValueError):
    """`str(error)` completes "wanted a .kmodel file of version 5, got ..."."""


@dataclass(frozen=True, slots=True)
class CpuOp:
    """One operator of the CPU: its name, or "FUNCTION_0x.." where that is not known.

    `scale` and `bias` are those of a DEQUANTIZE, real = stored * scale + bias, and `output_start` is where it
    writes in the outputs' memory; None where they do not apply.
    """

    name: str
    scale: float | None = None
    bias: float | None = None
    output_start: int | None = None


@dataclass(frozen=True, slots=True)
class CpuProgram:
    """The operators of one module in order, and the releases of nncase under whose numbers they make sense.

    `complete` is False where an operator is not known, which is then the last one: what follows it cannot be read.
    """

    ops: tuple[CpuOp, ...]
    releases: tuple[str, ...]
    complete: bool


@dataclass(frozen=True, slots=True)
class KpuStep:
    """One step of the KPU: "upload", "download" or "copy", or "conv2d" with what it does.

    Sizes are (width, height, channels) in cells; `kernel` is 1 or 3; `pool` is "" or what follows the convolution;
    `input_row` and `output_row` are where the tensors lie in the KPU's memory, in rows of 64 bytes.
    """

    kind: str
    input_size: tuple[int, int, int] | None = None
    output_size: tuple[int, int, int] | None = None
    kernel: int = 0
    depthwise: bool = False
    pool: str = ""
    input_row: int = 0
    output_row: int = 0


def read_cpu_program(texts: Sequence[memoryview]) -> CpuProgram:
    """The operators of these functions. Raises DamagedProgram for more than 100,000 of them."""
    read = [(releases, [_walk(text, table) for text in texts]) for releases, table in _TABLES]
    whole = [(releases, walks) for releases, walks in read if all(complete for _, complete in walks)]
    # The newest numbering that fits gives the names; where none fits, the one that gets furthest.
    _, walks = whole[0] if whole else max(read, key=lambda one: sum(len(ops) for ops, _ in one[1]))
    fitting = tuple(sorted(release for releases, _ in whole for release in releases))
    return CpuProgram(tuple(op for ops, _ in walks for op in ops), fitting, bool(whole))


def _walk(text: memoryview, table: dict[int, tuple[str, int]]) -> tuple[list[CpuOp], bool]:
    """The operators under these numbers, and whether the last byte of the last one ends the text."""
    ops: list[CpuOp] = []
    floats: list[float] = []
    output_start: int | None = None
    position = 0
    while position < len(text):
        code = text[position]
        if code != _TENSOR:
            following = position + _LENGTHS.get(code, len(text))
            if following > len(text):
                return ops, False
            if code == _LOAD_FLOAT:
                floats.append(struct.unpack_from("<f", text, position + 1)[0])
            elif code == _BUFFER and text[position + 1] == _OUTPUT:
                output_start = struct.unpack_from("<I", text, position + 3)[0]
            position = following
            continue
        if position + 3 > len(text):
            return ops, False
        (function,) = struct.unpack_from("<H", text, position + 1)
        name, size = table.get(function, ("", 0))
        if len(ops) == _MAX_OPERATORS:
            raise DamagedProgram(f"more than {_MAX_OPERATORS} operators")
        if not name or position + 3 + size > len(text):
            ops.append(CpuOp(f"FUNCTION_0x{function:02X}"))
            return ops, False
        if name == "DEQUANTIZE" and len(floats) >= 2:
            ops.append(CpuOp(name, floats[-2], floats[-1], output_start))
        else:
            ops.append(CpuOp(name))
        floats, output_start = [], None
        position += 3 + size
    return ops, True


def kpu_steps(text: memoryview) -> tuple[KpuStep, ...]:
    """The steps of one function of a k210 module. Raises DamagedProgram for bytes that are none."""
    steps: list[KpuStep] = []
    position = 0
    while position < len(text):
        kind, size = _KPU_STEPS.get(text[position], ("", 0))
        if not kind or position + size > len(text):
            raise DamagedProgram(f"one that is damaged: no step of the KPU at byte {position} of its program")
        if len(steps) == _MAX_OPERATORS:
            raise DamagedProgram(f"more than {_MAX_OPERATORS} steps of the KPU")
        steps.append(_convolution(text, position) if kind == "conv2d" else KpuStep(kind))
        position += size
    return tuple(steps)


def _convolution(text: memoryview, position: int) -> KpuStep:
    """The registers of one layer, as the K210's KPU has them: they follow 4 memory ranges and the batch."""
    registers = struct.unpack_from("<12Q", text, position + 56)
    flags, places, channels, sizes, kernel = registers[:5]

    def field(register: int, first: int, bits: int) -> int:
        return register >> first & (1 << bits) - 1

    pool = field(kernel, 4, 4)
    return KpuStep(
        "conv2d",
        (field(sizes, 0, 10) + 1, field(sizes, 10, 9) + 1, field(channels, 0, 10) + 1),
        (field(sizes, 32, 10) + 1, field(sizes, 42, 9) + 1, field(channels, 32, 10) + 1),
        3 if field(kernel, 0, 3) else 1,
        bool(field(flags, 3, 1)),
        _POOLS[pool] if pool < len(_POOLS) else f"kind {pool}",
        field(places, 0, 15),
        field(places, 32, 15),
    )
