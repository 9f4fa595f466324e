"""Fields of protobuf messages from anywhere: read as they are, or refused, and never without end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posecore.protobuf_wire import BYTES, VARINT, NotAMessageError, WireReader, signed

# Field 1 is 150, field 2 "testing", field 3 a message with field 1 = 150: the examples of protobuf.dev's "Encoding".
MESSAGE = bytes.fromhex("089601 120774657374696e67 1a03089601")


def test_fields_come_with_number_kind_and_value() -> None:
    fields = list(WireReader(10).fields(memoryview(MESSAGE)))
    assert [(number, kind) for number, kind, _ in fields] == [(1, VARINT), (2, BYTES), (3, BYTES)]
    assert fields[0][2] == 150
    assert bytes(fields[1][2]) == b"testing"  # type: ignore[arg-type]


def test_texts_and_messages_are_asked_for_by_number() -> None:
    reader = WireReader(100)
    assert reader.text(memoryview(MESSAGE), 2) == "testing"
    assert reader.text(memoryview(MESSAGE), 9) == ""
    (inner,) = reader.messages(memoryview(MESSAGE), 3)
    assert list(reader.fields(inner)) == [(1, VARINT, 150)]


def test_packed_numbers_and_negative_ones() -> None:
    content = bytes([3, 0x8E, 2]) + b"\xff" * 9 + b"\x01"
    numbers = list(WireReader(10).packed(memoryview(content)))
    assert [signed(number) for number in numbers] == [3, 270, -1]


@pytest.mark.parametrize(
    ("data", "clause"),
    [
        (b"\x08", "a number is cut off"),
        (b"\x08" + b"\xff" * 10, "a number of more than ten bytes"),
        (b"\x12\x05ab", "a field is cut off"),
        (b"\x0b", "a field of kind 3"),
        (b"\x08\x01" * 11, "more than 10 fields"),
    ],
)
def test_what_is_no_message_is_said(data: bytes, clause: str) -> None:
    with pytest.raises(NotAMessageError, match=f"^{clause}$"):
        list(WireReader(10).fields(memoryview(data)))


def test_packed_numbers_count_as_fields() -> None:
    with pytest.raises(NotAMessageError, match="more than 10 fields"):
        list(WireReader(10).packed(memoryview(bytes(11))))


@given(st.binary(max_size=200))
def test_any_bytes_are_fields_within_them_or_none(data: bytes) -> None:
    seen, clause = 0, ""
    try:
        for _, _, value in WireReader(1000).fields(memoryview(data)):
            seen += 1 + (0 if isinstance(value, int) else len(value))
    except NotAMessageError as error:
        clause = str(error)
    assert "\n" not in clause
    assert seen <= len(data)
