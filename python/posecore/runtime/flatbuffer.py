"""A bounded reader of flatbuffers and of FlexBuffer maps, for bytes that nobody vouches for.

Nothing is read outside the bytes, nothing loops (the caller's schema gives the depth), and the number of
objects is capped, so a hostile file costs at most a fraction of a second. Formats: flatbuffers.dev,
"Internals" and "FlexBuffers".
"""

from __future__ import annotations

import struct
from typing import TypeAlias

Bytes: TypeAlias = "bytes | bytearray | memoryview"

_MAX_OBJECTS = 200_000
_MAX_ELEMENTS = 4_000_000


class Damaged(ValueError):
    """The bytes are not what their format says; `str(error)` is a clause, not a sentence."""


class Flatbuffer:
    """The bytes, and what may still be read out of them."""

    __slots__ = ("_elements_left", "_objects_left", "data")

    def __init__(self, data: Bytes) -> None:
        self.data = memoryview(data).cast("B").toreadonly()
        self._objects_left = _MAX_OBJECTS
        self._elements_left = _MAX_ELEMENTS

    def unpack(self, code: str, position: int) -> int | float:
        """One little-endian number (`code` as in `struct`) at an aligned position."""
        size = struct.calcsize("<" + code)
        if position < 0 or position + size > len(self.data):
            raise Damaged(f"it points outside itself (byte {position} of {len(self.data)})")
        if position % size:
            raise Damaged(f"a number at byte {position} is not aligned to its size of {size}")
        value: int | float = struct.unpack_from("<" + code, self.data, position)[0]
        return value

    def integer(self, code: str, position: int) -> int:
        return int(self.unpack(code, position))

    def follow(self, position: int) -> int:
        """Where the 32-bit offset at `position` points to."""
        offset = self.integer("I", position)
        if offset == 0 or position + offset >= len(self.data):
            raise Damaged(f"it points outside itself (from byte {position})")
        return position + offset

    def root(self) -> Table:
        return self.table_at(self.follow(0))

    def table_at(self, position: int) -> Table:
        self._objects_left -= 1
        if self._objects_left < 0:
            raise Damaged(f"it has more than {_MAX_OBJECTS} parts")
        return Table(self, position)

    def vector_at(self, position: int, size: int) -> tuple[int, int]:
        """First byte and number of elements of the vector at `position` whose elements have `size` bytes."""
        count = self.integer("I", position)
        first = position + 4
        if first + count * size > len(self.data):
            raise Damaged(f"a list at byte {position} runs past its end")
        if size > 1:
            if first % size and count:
                raise Damaged(f"a list at byte {position} is not aligned to its elements")
            self._elements_left -= count
            if self._elements_left < 0:
                raise Damaged(f"its lists have more than {_MAX_ELEMENTS} elements")
        return first, count


class Table:
    """One table: a struct whose fields may be absent. Fields are named by their number in the schema."""

    __slots__ = ("_fields", "_size", "buffer", "position")

    def __init__(self, buffer: Flatbuffer, position: int) -> None:
        vtable = position - buffer.integer("i", position)
        vtable_size = buffer.integer("H", vtable)
        self._size = buffer.integer("H", vtable + 2)
        if vtable_size < 4 or vtable_size % 2 or vtable + vtable_size > len(buffer.data):
            raise Damaged(f"the table at byte {position} is malformed")
        if self._size < 4 or position + self._size > len(buffer.data):
            raise Damaged(f"the table at byte {position} runs past its end")
        self._fields: tuple[int, ...] = struct.unpack_from(
            f"<{vtable_size // 2 - 2}H", buffer.data, vtable + 4
        )
        self.buffer = buffer
        self.position = position

    def where(self, field: int, size: int = 4) -> int | None:
        """The byte at which a field lies, or None where it is absent."""
        if field >= len(self._fields) or self._fields[field] == 0:
            return None
        if self._fields[field] < 4 or self._fields[field] + size > self._size:
            raise Damaged(f"a field of the table at byte {self.position} lies outside it")
        return self.position + self._fields[field]

    def fields(self) -> tuple[int, ...]:
        """The numbers of the fields that are present."""
        return tuple(number for number, offset in enumerate(self._fields) if offset)

    def integer(self, field: int, code: str, default: int = 0) -> int:
        position = self.where(field, struct.calcsize("<" + code))
        return default if position is None else self.buffer.integer(code, position)

    def table(self, field: int) -> Table | None:
        position = self.where(field)
        return None if position is None else self.buffer.table_at(self.buffer.follow(position))

    def vector(self, field: int, size: int) -> tuple[int, int] | None:
        """First byte and number of elements, or None where the field is absent."""
        position = self.where(field)
        return None if position is None else self.buffer.vector_at(self.buffer.follow(position), size)

    def numbers(self, field: int, code: str) -> tuple[int, ...] | None:
        found = self.vector(field, struct.calcsize("<" + code))
        if found is None:
            return None
        return struct.unpack_from(f"<{found[1]}{code}", self.buffer.data, found[0])

    def floats(self, field: int) -> tuple[float, ...] | None:
        found = self.vector(field, 4)
        return None if found is None else struct.unpack_from(f"<{found[1]}f", self.buffer.data, found[0])

    def tables(self, field: int) -> tuple[Table, ...]:
        found = self.vector(field, 4)
        if found is None:
            return ()
        first, count = found
        return tuple(self.buffer.table_at(self.buffer.follow(first + 4 * i)) for i in range(count))

    def text(self, field: int) -> str:
        """A string; "" where the field is absent."""
        found = self.vector(field, 1)
        if found is None:
            return ""
        first, count = found
        if first + count >= len(self.buffer.data) or self.buffer.data[first + count] != 0:
            raise Damaged(f"a string at byte {first} has no end")
        if count > 4096:
            raise Damaged(f"a string at byte {first} has {count} bytes")
        try:
            return bytes(self.buffer.data[first : first + count]).decode()
        except UnicodeDecodeError:
            raise Damaged(f"a string at byte {first} is not UTF-8") from None


# FlexBuffer types that a map of options uses; anything else is skipped over.
_INT, _UINT, _FLOAT, _MAP, _INDIRECT_INT, _INDIRECT_UINT, _INDIRECT_FLOAT, _BOOL = 1, 2, 3, 9, 6, 7, 8, 26
_STRING, _BLOB = 5, 25
_MAX_ENTRIES = 64


def flexbuffer_map(data: Bytes) -> dict[str, bool | int | float]:
    """The numbers and truth values of a FlexBuffer whose root is a map; entries of other types are left out.

    Raises `Damaged` where the bytes are not such a map, and for more than 64 entries.
    """
    return {
        key: value for key, value in flexbuffer_entries(data).items() if not isinstance(value, memoryview)
    }


def flexbuffer_entries(data: Bytes) -> dict[str, bool | int | float | memoryview]:
    """As `flexbuffer_map`, and the bytes of strings and blobs, which lie in `data`."""
    view = memoryview(data).cast("B")

    def number(kind: str, position: int, width: int) -> int | float:
        codes = {"u": "BHIQ", "i": "bhiq", "f": "?efd"}[kind]
        if (
            width not in (1, 2, 4, 8)
            or (kind == "f" and width == 1)
            or not 0 <= position <= len(view) - width
        ):
            raise Damaged("its options are damaged")
        value: int | float = struct.unpack_from("<" + codes[width.bit_length() - 1], view, position)[0]
        return value

    def unsigned(position: int, width: int) -> int:
        return int(number("u", position, width))

    def scalar(position: int, parent_width: int, packed: int) -> bool | int | float | memoryview | None:
        kind, width = packed >> 2, 1 << (packed & 3)
        if kind in (_STRING, _BLOB):
            start = position - unsigned(position, parent_width)
            size = unsigned(start - width, width)
            if size > len(view) - start:
                raise Damaged("its options are damaged")
            return view[start : start + size]
        if kind in (_INDIRECT_INT, _INDIRECT_UINT, _INDIRECT_FLOAT):
            position -= unsigned(position, parent_width)
            kind -= _INDIRECT_INT - _INT
        else:
            width = parent_width
        if kind == _BOOL:
            return unsigned(position, width) != 0
        if kind in (_INT, _UINT, _FLOAT):
            return number({_INT: "i", _UINT: "u", _FLOAT: "f"}[kind], position, width)
        return None

    if len(view) < 3:
        raise Damaged("its options are damaged")
    root_width, root_type = view[-1], view[-2]
    if root_type >> 2 != _MAP:
        raise Damaged("its options are not a map")
    root = len(view) - 2 - root_width
    values = root - unsigned(root, root_width)
    width = 1 << (root_type & 3)
    count = unsigned(values - width, width)
    if count > _MAX_ENTRIES:
        raise Damaged(f"its options have {count} entries")
    keys_at = values - 3 * width
    keys = keys_at - unsigned(keys_at, width)
    key_width = unsigned(values - 2 * width, width)
    options: dict[str, bool | int | float | memoryview] = {}
    for i in range(count):
        key_at = keys + i * key_width
        start = key_at - unsigned(key_at, key_width)
        end = next((p for p in range(max(start, 0), min(start + 256, len(view))) if view[p] == 0), None)
        if start < 0 or end is None:
            raise Damaged("its options are damaged")
        key = bytes(view[start:end]).decode("utf-8", "backslashreplace")
        packed_at = values + count * width + i
        value = scalar(values + i * width, width, int(number("u", packed_at, 1)))
        if value is not None:
            options[key] = value
    return options
