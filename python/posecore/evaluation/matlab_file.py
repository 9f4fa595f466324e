"""Numbers, and rows of words, out of MATLAB files of version 5 to 7.

Written for files from anywhere: nothing is unpickled or run, sizes are bounded before memory is taken, and whatever the
bytes are, what comes is arrays or a `SourceError`. Structs, objects, sparse and complex arrays are not read.
Source of the format: MathWorks, "MAT-File Format".
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from posecore.errors import SourceError
from posecore.printable import printable

if TYPE_CHECKING:
    import numpy.typing as npt

MOST_BYTES = 1 << 28  # of one variable; the largest known set takes 1/100
MOST_WORDS = 4096

_HEADER_BYTES = 128
_MATRIX, _COMPRESSED = 14, 15
# The numbers of the format.
_STORED = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_TEXT = {1: "utf-8", 2: "utf-8", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}
_CELL, _CHAR = 1, 4
_CLASSES = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8", 15: "u8"}
_OTHER_CLASSES = {2: "a struct", 3: "an object", 5: "a sparse array", 16: "a function", 17: "an object"}
_COMPLEX = 0x0800


def read_matlab(
    data: bytes, name: str, wanted: tuple[str, ...]
) -> dict[str, npt.NDArray[Any] | tuple[str, ...]]:
    """Those of the `wanted` variables that a file has.

    Args:
        data: all bytes of the file.
        name: of the file, for messages.

    Returns:
        Arrays of the dtype and shape that MATLAB gave them, and cells of words as tuples in column order. Other
        variables are not looked into.

    Raises:
        SourceError: names the file, and the variable where there is one: bytes that are not what the format says, a
            wanted variable of another kind, complex, or of more than 256 MiB.
    """
    if len(data) < _HEADER_BYTES or data[126:128] not in (b"IM", b"MI"):
        raise SourceError(f"{name}: wanted a MATLAB file of version 5 to 7, got another beginning")
    order = "<" if data[126:128] == b"IM" else ">"
    found: dict[str, npt.NDArray[Any] | tuple[str, ...]] = {}
    for body in _top_matrices(data, name, order):
        matrix = _Matrix(body, name, order)
        if matrix.variable in wanted and matrix.variable not in found:
            found[matrix.variable] = matrix.value()
    return found


def _top_matrices(data: bytes, name: str, order: str) -> Iterator[memoryview]:
    rest = memoryview(data)[_HEADER_BYTES:]
    while len(rest):
        if len(rest) < 8:
            raise SourceError(f"{name}: wanted whole variables, got a file that is cut off")
        kind, size = struct.unpack_from(f"{order}II", rest)
        if len(rest) - 8 < size:
            raise SourceError(f"{name}: wanted whole variables, got a file that is cut off")
        body = rest[8 : 8 + size]
        rest = rest[8 + size :]
        if kind == _COMPRESSED:
            kind, body = _inflated(body, name, order)
        if kind == _MATRIX and len(body):
            yield body


def _inflated(body: memoryview, name: str, order: str) -> tuple[int, memoryview]:
    try:
        stream = zlib.decompressobj()
        tag = stream.decompress(body, 8)
        if len(tag) < 8:
            raise SourceError(f"{name}: wanted a variable in the compressed part, got {len(tag)} bytes")
        kind, size = struct.unpack(f"{order}II", tag)
        if size > MOST_BYTES:
            raise SourceError(f"{name}: wanted variables of at most {MOST_BYTES >> 20} MiB, got {size} bytes")
        content = stream.decompress(stream.unconsumed_tail, size) if size else b""
    except zlib.error as error:
        raise SourceError(f"{name}: wanted compressed variables that can be unpacked, got {error}") from None
    if len(content) < size:
        raise SourceError(f"{name}: wanted a compressed variable of {size} bytes, got {len(content)}")
    return kind, memoryview(content)


class _Matrix:
    """One variable, of which the head is read."""

    def __init__(self, body: memoryview, file: str, order: str) -> None:
        self.file, self.order, self.variable = file, order, "?"
        self._rest = body
        flags = self._numbers("flags", ("u4",))
        dims = self._numbers("size", ("i4",))
        text = self._numbers("name", ("i1", "u1"))
        if len(flags) < 2 or len(dims) < 2 or len(dims) > 8 or (dims < 0).any():
            raise self._no("flags and at least two sides", "others")
        self.variable = text.tobytes().decode("ascii", "replace").rstrip("\0")
        self.kind = int(flags[0]) & 0xFF
        self.is_complex = bool(int(flags[0]) & _COMPLEX)
        self.shape = tuple(int(side) for side in dims)
        self.count = 1
        for side in self.shape:
            self.count *= side  # Python's: does not overflow

    def value(self) -> npt.NDArray[Any] | tuple[str, ...]:
        """The array, or the words of a cell."""
        if self.kind == _CELL:
            return self._words()
        if self.kind not in _CLASSES:
            raise self._no("an array of numbers", _OTHER_CLASSES.get(self.kind, "text or something unknown"))
        if self.is_complex:
            raise self._no("real numbers", "complex ones")
        dtype = np.dtype(_CLASSES[self.kind])
        if self.count * dtype.itemsize > MOST_BYTES:
            raise self._no(f"at most {MOST_BYTES >> 20} MiB", f"the shape {self.shape}")
        stored = self._numbers("numbers", tuple(_STORED.values()))
        if len(stored) != self.count:
            raise self._no(f"{self.count} numbers, as its shape {self.shape} says", f"{len(stored)}")
        # MATLAB stores whole numbers in less where they fit: as the class, they are the same numbers.
        if not np.can_cast(stored.dtype, dtype) and dtype.kind != "f":
            limits = np.iinfo(dtype)
            fits = stored.dtype.kind != "f" and (
                not len(stored) or limits.min <= stored.min() <= stored.max() <= limits.max
            )
            if not fits:
                raise self._no(f"numbers that {dtype.name} holds", f"others, stored as {stored.dtype.name}")
        return stored.astype(dtype).reshape(self.shape, order="F")

    def _words(self) -> tuple[str, ...]:
        if self.count > MOST_WORDS:
            raise self._no(f"a cell of at most {MOST_WORDS} words", f"{self.count}")
        words = []
        for _ in range(self.count):
            kind, body = self._element("words")
            child = _Matrix(body, self.file, self.order) if kind == _MATRIX and len(body) else None
            if child is None or child.kind != _CHAR:
                raise self._no("a cell of words", "a cell of something else")
            stored, content = child._element("text")
            encoding = _TEXT.get(stored)
            if encoding is None:
                raise self._no("text", f"characters of kind {stored}")
            if encoding != "utf-8":
                encoding += "-le" if self.order == "<" else "-be"
            words.append(bytes(content).decode(encoding, "replace"))
        return tuple(words)

    def _numbers(self, part: str, kinds: tuple[str, ...]) -> npt.NDArray[Any]:
        kind, content = self._element(part)
        stored = _STORED.get(kind)
        if stored is None or stored not in kinds:
            raise self._no(f"its {part} as numbers", f"kind {kind}")
        dtype = np.dtype(self.order + stored)
        if len(content) % dtype.itemsize:
            raise self._no(f"whole numbers of {dtype.itemsize} bytes as its {part}", f"{len(content)} bytes")
        return np.frombuffer(content, dtype)

    def _element(self, part: str) -> tuple[int, memoryview]:
        """The kind and content of the next element; small ones share their first eight bytes with their head."""
        rest = self._rest
        if len(rest) < 8:
            raise self._no(f"its {part}", "an end")
        (first,) = struct.unpack_from(f"{self.order}I", rest)
        if first >> 16:
            kind, size = first & 0xFFFF, first >> 16
            if size > 4:
                raise self._no(f"its {part} in 4 bytes", f"{size}")
            self._rest = rest[8:]
            return kind, rest[4 : 4 + size]
        (size,) = struct.unpack_from(f"{self.order}I", rest, 4)
        if len(rest) - 8 < size:
            raise self._no(f"its {part} in {size} bytes", f"{len(rest) - 8}")
        self._rest = rest[8 + (size + 7) // 8 * 8 :]
        return first, rest[8 : 8 + size]

    def _no(self, wanted: str, got: str) -> SourceError:
        name = printable(self.variable[:64])
        return SourceError(f"{self.file}: variable {name}: wanted {wanted}, got {got}")
