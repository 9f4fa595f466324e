"""What is inside of an `edgetpu-custom-op`: the package that its compiler made, as far as the format is published.

Format: `executable.fbs` of google-coral/libedgetpu, file identifier DWN1. The instructions themselves are Google's
secret and stay closed; which tensors go in and out, what is kept on the chip and what the compiler estimated are not.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Literal

from posecore.runtime.flatbuffer import Damaged, Flatbuffer, Table

_MOST_PROGRAMS = 64
_MOST_LAYERS = 256
_TYPES: tuple[Literal["stand-alone", "loads parameters", "runs"], ...] = (
    "stand-alone",
    "loads parameters",
    "runs",
)
# DataType of executable.fbs; 6 and 7 are not given there.
_DTYPES = {
    0: "uint8",
    1: "uint16",
    2: "int32",
    3: "bfloat16",
    4: "float16",
    5: "float32",
    8: "int8",
    9: "int16",
}


@dataclass(frozen=True, slots=True)
class Layer:
    """A tensor that goes into the chip or comes out of it.

    Attributes:
        name: of the tensor before compilation.
        shape: (height, width, channels).
        dtype: NumPy's name.
        scale, zero_point: real = (q - zero_point) * scale.
    """

    name: str
    shape: tuple[int, int, int]
    dtype: str
    scale: float
    zero_point: int


@dataclass(frozen=True, slots=True)
class Program:
    """One executable of a package.

    Attributes:
        type: "loads parameters" puts weights on the chip once; "runs" then needs no more than inputs and instructions;
            "stand-alone" does both each time.
        chip: that it was compiled for.
        instruction_bytes, parameter_bytes: sizes.
        estimated_cycles: the compiler's, 0 where it gave none.
        memory_bytes_per_tile: of the chip's memory that is in use, 0 where the file does not say.
        inputs, outputs: in the file's order.
    """

    type: str
    chip: str
    instruction_bytes: int
    parameter_bytes: int
    estimated_cycles: int
    memory_bytes_per_tile: int
    inputs: tuple[Layer, ...]
    outputs: tuple[Layer, ...]


@dataclass(frozen=True, slots=True)
class EdgeTpuPackage:
    """A compiled package.

    Attributes:
        min_runtime_version: of libedgetpu's runtime; 13 is that of release 13.
        compiler: the compiler's own version, where it is in the file.
        programs: its executables.
    """

    min_runtime_version: int
    compiler: str
    programs: tuple[Program, ...]

    @property
    def cached_bytes(self) -> int:
        """Weights that stay on the chip between runs."""
        return sum(each.parameter_bytes for each in self.programs if each.type == "loads parameters")

    @property
    def streamed_bytes(self) -> int:
        """Weights that go over the bus with every run."""
        return sum(each.parameter_bytes for each in self.programs if each.type != "loads parameters")


def read_package(data: memoryview) -> EdgeTpuPackage:
    """The package in the custom options of an `edgetpu-custom-op`.

    Raises `Damaged` where the bytes are no such package.
    """
    if bytes(data[4:8]) != b"DWN1":
        raise Damaged("its package is not of the published format (DWN1)")
    # Copies: alignment counts from the beginning of each flatbuffer.
    package = Flatbuffer(bytes(data)).root()
    executables = Flatbuffer(_bytes(package, 1)).root()
    found = executables.vector(0, 4) or (0, 0)
    first, count = found
    if count > _MOST_PROGRAMS:
        raise Damaged(f"its package has {count} programs")
    programs = []
    for index in range(count):
        buffer = executables.buffer
        start, size = buffer.vector_at(buffer.follow(first + 4 * index), 1)
        programs.append(_program(Flatbuffer(bytes(buffer.data[start : start + size])).root()))
    return EdgeTpuPackage(package.integer(0, "i"), package.text(4), tuple(programs))


def _bytes(table: Table, field: int) -> bytes:
    start, size = table.vector(field, 1) or (0, 0)
    return bytes(table.buffer.data[start : start + size])


def _program(table: Table) -> Program:
    kind = table.integer(13, "h")
    if not 0 <= kind < len(_TYPES):
        raise Damaged(f"a program of its package is of type {kind}")
    instructions = sum((chunk.vector(0, 1) or (0, 0))[1] for chunk in table.tables(5))
    return Program(
        type=_TYPES[kind],
        chip=table.text(10),
        instruction_bytes=instructions,
        parameter_bytes=(table.vector(6, 1) or (0, 0))[1],
        estimated_cycles=max(table.integer(16, "q"), table.integer(11, "i"), 0),
        memory_bytes_per_tile=max(table.integer(12, "i"), 0),
        inputs=_layers(table, 8),
        outputs=_layers(table, 9),
    )


def _layers(table: Table, field: int) -> tuple[Layer, ...]:
    layers = []
    for layer in table.tables(field)[:_MOST_LAYERS]:
        numerics = layer.table(5)
        at = None if numerics is None else numerics.where(1)
        scale = struct.unpack_from("<f", layer.buffer.data, at)[0] if at is not None else 0.0
        height, width, channels = (layer.integer(axis, "i") for axis in (2, 3, 4))
        layers.append(
            Layer(
                name=layer.text(0),
                shape=(height, width, channels),
                dtype=_DTYPES.get(layer.integer(6, "h"), "?"),
                scale=float(scale),
                zero_point=0 if numerics is None else numerics.integer(0, "i"),
            )
        )
    return tuple(layers)
