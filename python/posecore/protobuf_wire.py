"""A bounded reader of protobuf's wire format, for bytes that nobody vouches for.

A message is a row of fields: a number, a kind, a value. What the numbers mean is the caller's schema, which gives the
depth too; how many fields are read in all is capped, so that a hostile file costs at most seconds. Nothing is copied.
Format: protobuf.dev, "Encoding".
"""

from __future__ import annotations

from collections.abc import Iterator

VARINT, EIGHT_BYTES, BYTES, FOUR_BYTES = 0, 1, 2, 5
"""The kinds of fields. Groups (3 and 4) are older than any model file and refused."""


class NotAMessageError(Exception):
    """Bytes that are no protobuf message; `str(error)` is a clause, not a sentence."""


class WireReader:
    """Reads messages out of one file, and counts what it reads.

    Args:
        most_fields: of all messages together.
    """

    def __init__(self, most_fields: int) -> None:
        self._most_fields = most_fields
        self._fields_left = most_fields

    def fields(self, message: memoryview) -> Iterator[tuple[int, int, int | memoryview]]:
        """Number, kind and value of each field of a message: an unsigned int for VARINT, else the bytes.

        Raises `NotAMessageError`, when it comes to what is wrong.
        """
        at = 0
        while at < len(message):
            self._fields_left -= 1
            if self._fields_left < 0:
                raise NotAMessageError(f"more than {self._most_fields} fields")
            key, at = _varint(message, at)
            number, kind = key >> 3, key & 7
            if kind == VARINT:
                value, at = _varint(message, at)
                yield number, kind, value
                continue
            if kind == BYTES:
                size, at = _varint(message, at)
            elif kind in (EIGHT_BYTES, FOUR_BYTES):
                size = 8 if kind == EIGHT_BYTES else 4
            else:
                raise NotAMessageError(f"a field of kind {kind}")
            if size > len(message) - at:
                raise NotAMessageError("a field is cut off")
            yield number, kind, message[at : at + size]
            at += size

    def messages(self, message: memoryview, wanted: int) -> Iterator[memoryview]:
        """The bytes of each field with this number; `NotAMessageError` where one is a number."""
        for number, _, value in self.fields(message):
            if number == wanted:
                if isinstance(value, int):
                    raise NotAMessageError(f"field {number} is a number")
                yield value

    def text(self, message: memoryview, wanted: int) -> str:
        """The last field of this number, as protobuf has it, up to 1024 bytes; empty where there is none."""
        found = b""
        for content in self.messages(message, wanted):
            found = bytes(content[:1024])
        return found.decode("utf-8", "replace")

    def packed(self, content: memoryview) -> Iterator[int]:
        """The numbers of a packed repeated field of varints; each counts as a field."""
        at = 0
        while at < len(content):
            self._fields_left -= 1
            if self._fields_left < 0:
                raise NotAMessageError(f"more than {self._most_fields} fields")
            number, at = _varint(content, at)
            yield number


def signed(number: int) -> int:
    """A varint of 64 bits as the signed number that int32, int64 and enum fields mean by it."""
    return number - (1 << 64) if number >> 63 else number


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """The number at `at`, seven bits a byte, and where it ends."""
    number = 0
    for shift in range(0, 70, 7):
        if at >= len(message):
            raise NotAMessageError("a number is cut off")
        byte = message[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number & 0xFFFF_FFFF_FFFF_FFFF, at
    raise NotAMessageError("a number of more than ten bytes")
