"""A new beginning for a .tflite file: lists and tables that change are written in front of the file's own bytes.

Offsets in a flatbuffer only point forwards, so what is new can point into what was there, which keeps every byte, its
alignment, and what this code does not know. No other package is needed. Formats: flatbuffers.dev, "Internals" and
"FlexBuffers"; TensorFlow's `schema.fbs`, version 3.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from posecore.errors import ModelError
from posecore.runtime.flatbuffer import Flatbuffer, Table

# Buffers of weights are aligned to 16 bytes in a file; kernels profit from a whole cache line.
_ALIGNMENT = 64
_KNOWN_MODEL_FIELDS, _KNOWN_SUBGRAPH_FIELDS, _KNOWN_TENSOR_FIELDS = 8, 6, 11


@dataclass(frozen=True, slots=True)
class Number:
    """A number in a table; `code` as in `struct`."""

    code: str
    value: int


@dataclass(frozen=True, slots=True)
class Old:
    """A table, list or text at this byte of the old file."""

    position: int


@dataclass(frozen=True, slots=True)
class Indices:
    """A list of int32."""

    values: Sequence[int]


Node: TypeAlias = "Mapping[int, Node | Number] | Old | Indices | Sequence[Node] | str | bytes"
Fields: TypeAlias = "dict[int, Node | Number]"


def fronted(data: bytes, root: Fields) -> bytes:
    """`data` with a new root table in front of it; `Old` positions in `root` are positions in `data`."""
    front = _Front()
    front.out += struct.pack("<I4s", 0, b"TFL3")
    front.point(0, root)
    front.out += bytes(-len(front.out) % _ALIGNMENT)
    for at, position in front.links:
        struct.pack_into("<I", front.out, at, len(front.out) + position - at)
    return bytes(front.out) + data


def model_fields(model: Table) -> Fields:
    """The fields of a file's root table, to be changed and written anew; the names of its signatures are left out."""
    _refuse_newer(model, _KNOWN_MODEL_FIELDS)
    fields: Fields = {0: Number("I", model.integer(0, "I"))}
    for field in (1, 2, 4):
        fields[field] = tables(model, field)
    for field in (3, 5, 6):
        _keep(fields, model, field)
    return fields


def subgraph_fields(graph: Table) -> Fields:
    """The fields of a network, to be changed and written anew."""
    _refuse_newer(graph, _KNOWN_SUBGRAPH_FIELDS)
    fields: Fields = {0: tables(graph, 0), 3: tables(graph, 3)}
    for field in (1, 2, 4):
        _keep(fields, graph, field)
    if graph.where(5) is not None:
        fields[5] = Number("i", graph.integer(5, "i"))
    return fields


def tensor_fields(tensor: Table) -> Fields:
    """The fields of a tensor, to be changed and written anew."""
    _refuse_newer(tensor, _KNOWN_TENSOR_FIELDS)
    fields: Fields = {}
    for field in (0, 3, 4, 6, 7, 9):
        _keep(fields, tensor, field)
    for field, code in ((1, "b"), (2, "I"), (5, "B"), (8, "B"), (10, "I")):
        if tensor.where(field, struct.calcsize(code)) is not None:
            fields[field] = Number(code, tensor.integer(field, code))
    return fields


def tables(table: Table, field: int) -> list[Node]:
    """The tables of a list, as they are."""
    return [Old(found.position) for found in table.tables(field)]


def root_of(data: bytes) -> Table:
    """The root table of a file that `TfliteFile.read` has accepted."""
    return Flatbuffer(data).root()


def _keep(fields: Fields, table: Table, field: int) -> None:
    at = table.where(field)
    if at is not None:
        fields[field] = Old(table.buffer.follow(at))


def _refuse_newer(table: Table, known: int) -> None:
    if any(field >= known for field in table.fields()):
        raise ModelError("the model is of a newer format than this version can change")


class _Front:
    """The bytes so far, and where in them an offset is to lead to which byte of the old file."""

    def __init__(self) -> None:
        self.out = bytearray()
        self.links: list[tuple[int, int]] = []

    def point(self, at: int, node: Node) -> None:
        """Write `node` at the end and its offset at byte `at`."""
        if isinstance(node, Old):
            self.links.append((at, node.position))
            return
        place = self._table(node) if isinstance(node, Mapping) else self._list(node)
        struct.pack_into("<I", self.out, at, place - at)

    def _align(self, size: int, ahead: int = 0) -> None:
        """Fill up so that what begins `ahead` bytes from here begins at a multiple of `size`."""
        self.out += bytes(-(len(self.out) + ahead) % size)

    def _table(self, table: Mapping[int, Node | Number]) -> int:
        # Every field takes 8 bytes, so that each is aligned whatever its type.
        count = max(table, default=-1) + 1
        places = {field: 4 + 8 * i for i, field in enumerate(sorted(table))}
        size = 4 + 8 * len(table)
        self._align(2)
        vtable = len(self.out)
        listed = (places.get(field, 0) for field in range(count))
        self.out += struct.pack(f"<{2 + count}H", 4 + 2 * count, size, *listed)
        self._align(8, ahead=4)
        start = len(self.out)
        self.out += struct.pack("<i", start - vtable) + bytes(size - 4)
        for field, value in table.items():
            if isinstance(value, Number):
                struct.pack_into("<" + value.code, self.out, start + places[field], value.value)
            else:
                self.point(start + places[field], value)
        return start

    def _list(self, node: Indices | Sequence[Node] | str | bytes) -> int:
        if isinstance(node, (str, bytes)):
            text = node.encode() if isinstance(node, str) else node
            self._align(4 if isinstance(node, str) else 16, ahead=4)
            start = len(self.out)
            self.out += struct.pack("<I", len(text)) + text + (b"\0" if isinstance(node, str) else b"")
            return start
        self._align(4)
        start = len(self.out)
        if isinstance(node, Indices):
            self.out += struct.pack(f"<I{len(node.values)}i", len(node.values), *node.values)
            return start
        self.out += struct.pack("<I", len(node)) + bytes(4 * len(node))
        for i, item in enumerate(node):
            self.point(start + 4 + 4 * i, item)
        return start
