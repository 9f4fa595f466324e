"""A small .kmodel of version 5, put together from its parts: what PoseNet's are, without their megabyte of weights."""

from __future__ import annotations

import struct
from collections.abc import Sequence

FLOAT32, UINT8 = 9, 4
INPUT, OUTPUT, DATA, KPU = 0, 1, 3, 64

Port = tuple[int, int, int, int, tuple[int, ...]]  # location, type, start, bytes, shape


def port(location: int, kind: int, start: int, shape: tuple[int, ...]) -> Port:
    size = 4 if kind == FLOAT32 else 1
    for side in shape:
        size *= side
    return location, kind, start, size, shape


def address(location: int, start: int) -> bytes:
    return struct.pack("<BBBI", 0x17, location, 0, start)


def tensor(function: int, arguments: bytes) -> bytes:
    return struct.pack("<BH", 0x5E, function) + arguments


def call(outputs: int) -> bytes:
    return address(INPUT, 0) + tensor(0x03, struct.pack("<IHBB", 0, 1, 1, outputs))


def dequantize(function: int, scale: float, bias: float, start: int) -> bytes:
    constants = b"".join(struct.pack("<Bf", 0x05, value) for value in (scale, bias))
    return address(DATA, 0) + address(OUTPUT, start) + constants + tensor(function, bytes(5))


def convolution(taken: tuple[int, int, int], given: tuple[int, int, int], rows: tuple[int, int]) -> bytes:
    """3 x 3 with stride 2, as the KPU has it: every second cell is dropped where it pools."""
    registers = [0] * 12
    registers[1] = rows[0] | rows[1] << 32
    registers[2] = taken[2] - 1 | (given[2] - 1) << 32
    registers[3] = taken[0] - 1 | (taken[1] - 1) << 10 | (given[0] - 1) << 32 | (given[1] - 1) << 42
    registers[4] = 1 | 5 << 4
    return bytes([2, 0, 0, 0]) + bytes(52) + struct.pack("<12Q", *registers)


def module(
    kind: bytes, pools: Sequence[tuple[int, int]], ports: Sequence[Sequence[Port]], text: bytes
) -> bytes:
    lists = b""
    for one in ports:
        lists += b"".join(
            struct.pack("<BBHII", place, dtype, 0, start, size) for place, dtype, start, size, _ in one
        )
        lists += b"".join(struct.pack(f"<{1 + len(shape)}I", len(shape), *shape) for *_, shape in one)
    counts = [len(one) for one in ports]
    function = struct.pack("<8I", 32, 32 + len(lists), 0, 0, *counts, 0, len(text)) + lists
    body = b"".join(struct.pack("<B3xI", *pool) for pool in pools) + function
    body += struct.pack("<16s4I", b".rdata", 0, 0, 8, 0) + bytes(8)
    body += struct.pack("<16s4I", b".text", 0, 0, len(text), 0) + text
    return struct.pack("<16s8I", kind, 1, 48, 48 + len(body), len(pools), 0, 2, 1, 0) + body


def kmodel(*, dequantize_function: int = 0x0B, program: bytes | None = None, version: int = 5) -> bytes:
    """An input of 8 x 8 pixels and one output (1, 17, 4, 4); `program` is the CPU's, in place of its own."""
    taken, given = port(INPUT, UINT8, 0, (1, 3, 8, 8)), port(OUTPUT, FLOAT32, 0, (1, 17, 4, 4))
    own = call(1) + dequantize(dequantize_function, 0.5, -60.0, 0)
    cpu = module(b"stackvm", [(DATA, 272)], [[taken], [given]], own if program is None else program)
    steps = bytes(44) + convolution((8, 8, 3), (4, 4, 17), (0, 24)) + bytes([1]) + bytes(43)
    kpu = module(
        b"k210",
        [(DATA, 0), (KPU, 2 << 20)],
        [[taken], [port(OUTPUT, UINT8, 0, (1, 17, 4, 4))]],
        steps,
    )
    return b"LDMK" + struct.pack("<7I", version, 32, 0, 8, 2, 0, 0) + cpu + kpu
