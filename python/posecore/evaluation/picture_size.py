"""How large a picture becomes when it is decoded, from the first bytes of its file.

A few kilobytes of PNG or JPEG can say that they are gigabytes of pixels; OpenCV believes them.
"""

from __future__ import annotations

import struct

MOST_PIXELS = 100_000_000
"""The largest picture that is decoded for a page: 0.3 GB as three bytes a pixel."""


def may_be_decoded(data: bytes) -> bool:
    """Whether a file is a picture of at most `MOST_PIXELS` pixels, as far as its head says."""
    size = picture_size(data)
    return size is not None and 0 < size[0] * size[1] <= MOST_PIXELS


def picture_size(data: bytes) -> tuple[int, int] | None:
    """Width and height that a JPEG, PNG, WebP, BMP, TIFF or GIF declares, before any turning; None for others."""
    try:
        if data.startswith(b"\xff\xd8"):
            return _jpeg(data)
        if data.startswith(b"\x89PNG\r\n\x1a\n") and data[12:16] == b"IHDR":
            return _unpacked(">II", data, 16)
        if data.startswith(b"BM"):
            (head,) = struct.unpack_from("<I", data, 14)
            width, height = _unpacked("<HH" if head == 12 else "<ii", data, 18)
            return abs(width), abs(height)
        if data.startswith(b"GIF8"):
            return _unpacked("<HH", data, 6)
        if data.startswith((b"II*\0", b"MM\0*")):
            return _tiff(data)
        if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
            return _webp(data)
    except struct.error:  # cut off
        pass
    return None


def _unpacked(form: str, data: bytes, at: int) -> tuple[int, int]:
    """Two whole numbers at a place."""
    first, second = struct.unpack_from(form, data, at)
    return int(first), int(second)


def _jpeg(data: bytes) -> tuple[int, int] | None:
    """Of the first frame header, ISO/IEC 10918-1, B.2.2; bytes between segments are skipped as libjpeg skips them."""
    at = 2
    while True:
        at = data.find(b"\xff", at)
        while 0 <= at < len(data) and data[at] == 0xFF:
            at += 1
        if not 0 < at < len(data):
            return None
        marker = data[at]
        at += 1
        if marker == 0 or marker == 0x01 or 0xD0 <= marker <= 0xD8:
            continue
        if marker in (0xD9, 0xDA):  # its end, or its scan
            return None
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = _unpacked(">HH", data, at + 3)
            return width, height
        at += max(2, struct.unpack_from(">H", data, at)[0])


def _tiff(data: bytes) -> tuple[int, int] | None:
    """Of the first directory, TIFF 6.0: tags 256 and 257, SHORT or LONG."""
    order = "<" if data.startswith(b"II") else ">"
    (start,) = struct.unpack_from(order + "I", data, 4)
    (count,) = struct.unpack_from(order + "H", data, start)
    sides: dict[int, int] = {}
    for place in range(count):
        at = start + 2 + 12 * place
        tag, kind = _unpacked(order + "HH", data, at)
        if tag in (256, 257) and kind in (3, 4):
            (sides[tag],) = struct.unpack_from(order + ("H" if kind == 3 else "I"), data, at + 8)
    return (sides[256], sides[257]) if len(sides) == 2 else None


def _webp(data: bytes) -> tuple[int, int] | None:
    """RFC 9649: the canvas of an extended file, or the frame of a simple one."""
    kind = data[12:16]
    if kind == b"VP8X" and len(data) >= 30:
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 ":
        width, height = _unpacked("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    return None
