"""`Kmodel`: what is in a .kmodel file of version 5, which nncase 1.x makes for the K210.

Read from the bytes alone, which nobody vouches for: nothing is read outside them, every count is bounded, and
nothing in the file is run. The layout is that of nncase's runtime (github.com/kendryte/nncase, Apache-2.0), little
endian: a header, then modules, each with memory pools, functions and sections. A "stackvm" module is a program for
the CPU, a "k210" module one for the KPU.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from posecore.errors import ModelError
from posecore.export.kmodel_programs import CpuOp, CpuProgram, KpuStep, kpu_steps, read_cpu_program
from posecore.export.kmodel_programs import DamagedProgram as _DamagedProgram

MAX_BYTES = 256 << 20
_MAX_MODULES = 64
_MAX_POOLS = 16
_MAX_SECTIONS = 64
_MAX_FUNCTIONS = 256
_MAX_PORTS = 256
_MAX_DIMENSIONS = 8

_MAGIC = b"LDMK"
_MERGED_INTO_RDATA = 1
LOCATIONS = {0: "input", 1: "output", 2: "rdata", 3: "data", 4: "shared", 64: "kpu"}
DTYPES = {
    0: "int8",
    1: "int16",
    2: "int32",
    3: "int64",
    4: "uint8",
    5: "uint16",
    6: "uint32",
    7: "uint64",
    8: "float16",
    9: "float32",
    10: "float64",
    11: "bfloat16",
}


@dataclass(frozen=True, slots=True)
class KmodelPort:
    """One input or output of a function: `dtype` as NumPy calls it, `shape`, and `size_bytes` at `start` of the
    memory `location` ("input", "output", ...)."""

    dtype: str
    shape: tuple[int, ...]
    location: str
    start: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class KmodelFunction:
    """One function of a module: its ports, and where its program lies in the module's text."""

    inputs: tuple[KmodelPort, ...]
    outputs: tuple[KmodelPort, ...]
    entry: int
    text_bytes: int


@dataclass(frozen=True, slots=True)
class KmodelModule:
    """One module.

    Attributes:
        kind: "stackvm" (the CPU) or "k210" (the KPU), or whatever the file says.
        pools: bytes of memory by location; "kpu" is the whole memory of the KPU, whatever is used of it.
        sections: bytes by name (".rdata", ".text").
        functions: in the file's order.
        cpu: its program where it is one for the CPU, else None.
        kpu: the steps of its programs where it is one for the KPU, else ().
    """

    kind: str
    pools: dict[str, int]
    sections: dict[str, int]
    functions: tuple[KmodelFunction, ...]
    cpu: CpuProgram | None = None
    kpu: tuple[KpuStep, ...] = ()


@dataclass(frozen=True, slots=True)
class Kmodel:
    """A .kmodel file of version 5.

    Attributes:
        file_bytes: its size, all of which lies in main memory when it runs.
        modules: in the file's order.
        entry_module, entry_function: where a run starts.
    """

    file_bytes: int
    modules: tuple[KmodelModule, ...]
    entry_module: int
    entry_function: int

    @classmethod
    def read(cls, model: bytes | str | os.PathLike[str], *, name: str | None = None) -> Kmodel:
        """Read a file, or its bytes, which errors call `name`.

        Raises:
            ModelError: there is no such file, or it is not a kmodel of version 5, or it is damaged.
        """
        data, name = _bytes(model, name)
        try:
            return _read(data)
        except (_Damaged, _DamagedProgram) as error:
            raise ModelError(f"{name}: wanted a .kmodel file of version 5, got {error}") from None

    @property
    def inputs(self) -> tuple[KmodelPort, ...]:
        """What the model takes."""
        return self._entry.inputs

    @property
    def outputs(self) -> tuple[KmodelPort, ...]:
        """What the model gives; a kmodel does not keep their names."""
        return self._entry.outputs

    @property
    def kpu_calls(self) -> int:
        """How often a run hands over to the KPU."""
        return sum(op.name == "CALL" for op in self._cpu_program_ops)

    @property
    def cpu_ops(self) -> tuple[CpuOp, ...]:
        """What the CPU computes itself in one run, in order."""
        return tuple(op for op in self._cpu_program_ops if op.name != "CALL")

    @property
    def kpu_layers(self) -> tuple[KpuStep, ...]:
        """The convolutions that the KPU runs, over all its modules."""
        return tuple(step for module in self.modules for step in module.kpu if step.kind == "conv2d")

    @property
    def runtimes(self) -> tuple[str, ...]:
        """The releases of nncase whose runtime reads this file, such as ("1.6", "1.7", "1.8", "1.9").

        The file does not say: its version has been 5 all along, while the numbers of the CPU's operators changed.
        So these are the releases under whose numbers every CPU program of the file makes sense; () where there is
        none, or an operator is not known.
        """
        programs = [module.cpu for module in self.modules if module.cpu is not None]
        if not programs:
            return ()
        return tuple(
            release for release in programs[0].releases if all(release in one.releases for one in programs)
        )

    @property
    def memory(self) -> dict[str, int]:
        """Bytes of main memory for one run: "input", "output", "data" (what lies between operators), "model" (the
        file), and "total", which is what nncase counts. The KPU's own memory is not among them."""
        found = {
            "input": sum(port.size_bytes for port in self.inputs),
            "output": sum(port.size_bytes for port in self.outputs),
            "data": sum(module.pools.get("data", 0) for module in self.modules),
            "model": self.file_bytes,
        }
        return found | {"total": sum(found.values())}

    @property
    def _entry(self) -> KmodelFunction:
        return self.modules[self.entry_module].functions[self.entry_function]

    @property
    def _cpu_program_ops(self) -> tuple[CpuOp, ...]:
        return tuple(op for module in self.modules if module.cpu is not None for op in module.cpu.ops)


class _Damaged(ValueError):
    """`str(error)` completes "wanted a .kmodel file of version 5, got ..."."""


class _Cursor:
    """A position in bytes, and numbers from there on."""

    __slots__ = ("data", "position")

    def __init__(self, data: memoryview, position: int) -> None:
        self.data = data
        self.position = position

    def take(self, code: str) -> tuple[Any, ...]:
        """Little-endian values; `code` as in `struct`."""
        size = struct.calcsize("<" + code)
        if not 0 <= self.position <= len(self.data) - size:
            raise _Damaged(
                f"one that ends at byte {len(self.data)}, where byte {self.position + size} is wanted"
            )
        values = struct.unpack_from("<" + code, self.data, self.position)
        self.position += size
        return values

    def skip_to(self, position: int, what: str) -> None:
        if not self.position <= position <= len(self.data):
            raise _Damaged(f"one that is damaged: {what} ends at byte {position} of {len(self.data)}")
        self.position = position


def _bytes(model: bytes | str | os.PathLike[str], name: str | None) -> tuple[memoryview, str]:
    if isinstance(model, (bytes, bytearray, memoryview)):
        data = bytes(model)
        return memoryview(data), name or "the model"
    if not isinstance(model, (str, os.PathLike)):
        raise TypeError(f"model: wanted a path or the bytes of a .kmodel file, got {type(model).__name__}")
    path = Path(model)
    called = name or str(path)
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ModelError(
                f"{called}: wanted a .kmodel file of at most {MAX_BYTES >> 20} MiB, got {size} bytes"
            )
        return memoryview(path.read_bytes()), called
    except FileNotFoundError:
        raise ModelError(f"{called}: there is no such file") from None
    except OSError as error:
        raise ModelError(f"{called}: cannot be read ({error.strerror})") from None


def _read(data: memoryview) -> Kmodel:
    _check_version(data)
    if len(data) > MAX_BYTES:
        raise _Damaged(f"{len(data)} bytes, more than {MAX_BYTES >> 20} MiB")
    cursor = _Cursor(data, 4)
    _, header_size, _flags, _alignment, count, entry_module, entry_function = cursor.take("7I")
    _bounded(count, 1, _MAX_MODULES, "modules")
    if header_size < 32:
        raise _Damaged(f"a header of {header_size} bytes")
    cursor.skip_to(header_size, "its header")
    modules = tuple(_module(cursor, number) for number in range(count))
    if entry_module >= count or entry_function >= len(modules[entry_module].functions):
        raise _Damaged(
            f"one that starts in function {entry_function} of module {entry_module}, which is not there"
        )
    return Kmodel(len(data), modules, entry_module, entry_function)


def _check_version(data: memoryview) -> None:
    if len(data) < 32:
        raise _Damaged(f"{len(data)} bytes")
    number = int.from_bytes(data[4:8], "little")
    if bytes(data[:4]) == _MAGIC:
        if number == 4:
            raise _Damaged("one of version 4, which nncase 0.2 makes and MaixPy runs")
        if number != 5:
            raise _Damaged(f"one of version {number}")
    elif int.from_bytes(data[:4], "little") == 3:
        raise _Damaged("what may be one of version 3, which nncase 0.1 makes and MaixPy runs")
    else:
        raise _Damaged("a file of another kind")


def _module(cursor: _Cursor, number: int) -> KmodelModule:
    start, what = cursor.position, f"module {number}"
    raw, _, header_size, size, pools, shared, sections, functions, _ = cursor.take("16s8I")
    _bounded(pools, 0, _MAX_POOLS, f"memory pools in {what}")
    _bounded(shared, 0, _MAX_POOLS, f"shared memory pools in {what}")
    _bounded(sections, 0, _MAX_SECTIONS, f"sections in {what}")
    _bounded(functions, 0, _MAX_FUNCTIONS, f"functions in {what}")
    if header_size < 48 or size < header_size:
        raise _Damaged(f"one that is damaged: {what} has {size} bytes and a header of {header_size}")
    end = start + size
    if end > len(cursor.data):
        raise _Damaged(f"one that is cut off: {what} ends at byte {end} of {len(cursor.data)}")
    cursor.skip_to(start + header_size, f"the header of {what}")
    inside = _Cursor(cursor.data[:end], cursor.position)
    memory: dict[str, int] = {}
    for _ in range(pools):
        location, pool_bytes = inside.take("B3xI")
        name = LOCATIONS.get(location, f"location {location}")
        memory[name] = memory.get(name, 0) + pool_bytes
    for _ in range(shared):
        _, pool_bytes = inside.take("II")
        memory["shared"] = memory.get("shared", 0) + pool_bytes
    found = tuple(_function(inside, what) for _ in range(functions))
    bodies = _sections(inside, sections, what)
    cursor.position = end
    kind = raw.rstrip(b"\0").decode("ascii", "backslashreplace")
    text = bodies.get(".text", memoryview(b""))
    for function in found:
        if function.entry + function.text_bytes > len(text):
            raise _Damaged(
                f"one that is damaged: a function of {what} lies outside of its {len(text)} bytes of text"
            )
    sizes = {name: len(body) for name, body in bodies.items()}
    return KmodelModule(
        kind,
        memory,
        sizes,
        found,
        _cpu_program(found, text) if kind == "stackvm" else None,
        _kpu_program(found, text) if kind == "k210" else (),
    )


def _cpu_program(functions: tuple[KmodelFunction, ...], text: memoryview) -> CpuProgram:
    return read_cpu_program([text[one.entry : one.entry + one.text_bytes] for one in functions])


def _kpu_program(functions: tuple[KmodelFunction, ...], text: memoryview) -> tuple[KpuStep, ...]:
    return tuple(
        step for one in functions for step in kpu_steps(text[one.entry : one.entry + one.text_bytes])
    )


def _function(cursor: _Cursor, what: str) -> KmodelFunction:
    start = cursor.position
    header_size, size, _, _, inputs, outputs, entry, text_bytes = cursor.take("8I")
    _bounded(inputs, 0, _MAX_PORTS, f"inputs of a function in {what}")
    _bounded(outputs, 0, _MAX_PORTS, f"outputs of a function in {what}")
    if header_size < 32 or size < header_size:
        raise _Damaged(
            f"one that is damaged: a function of {what} has {size} bytes and a header of {header_size}"
        )
    cursor.skip_to(start + header_size, f"a function of {what}")
    taken, given = _ports(cursor, inputs), _ports(cursor, outputs)
    cursor.skip_to(start + size, f"a function of {what}")
    return KmodelFunction(taken, given, entry, text_bytes)


def _ports(cursor: _Cursor, count: int) -> tuple[KmodelPort, ...]:
    ranges = [cursor.take("BBHII") for _ in range(count)]
    shapes = []
    for _ in range(count):
        (rank,) = cursor.take("I")
        _bounded(rank, 0, _MAX_DIMENSIONS, "dimensions of a tensor")
        shapes.append(cursor.take(f"{rank}I"))
    return tuple(
        KmodelPort(
            DTYPES.get(dtype, f"type {dtype}"), shape, LOCATIONS.get(place, f"location {place}"), start, size
        )
        for (place, dtype, _, start, size), shape in zip(ranges, shapes, strict=True)
    )


def _sections(cursor: _Cursor, count: int, what: str) -> dict[str, memoryview]:
    """The bodies by name. Each lies behind its header, or inside .rdata where it was merged into it."""
    bodies: dict[str, memoryview] = {}
    merged: list[tuple[str, int, int]] = []
    for _ in range(count):
        raw, flags, start, size, _ = cursor.take("16s4I")
        name = raw.rstrip(b"\0").decode("ascii", "backslashreplace")
        if flags & _MERGED_INTO_RDATA:
            merged.append((name, start, size))
            continue
        first = cursor.position + start
        cursor.skip_to(first + size, f"section {name} of {what}")
        bodies[name] = cursor.data[first : first + size]
    for name, start, size in merged:
        rdata = bodies.get(".rdata", memoryview(b""))
        if start + size > len(rdata):
            raise _Damaged(f"one that is damaged: section {name} of {what} lies outside of .rdata")
        bodies[name] = rdata[start : start + size]
    return bodies


def _bounded(count: int, least: int, most: int, what: str) -> None:
    if not least <= count <= most:
        raise _Damaged(f"one that is damaged: {count} {what}")
