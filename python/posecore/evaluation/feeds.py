"""Where the bytes of a JSON file come from: a path, a stream, memory, or records that are already in Python."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from posecore.errors import SourceError
from posecore.evaluation.truths import Origin

_MOST_NAME = 200  # characters of a path in a sentence
_READ_AT_ONCE = 1 << 18  # bytes or characters
_RECORDS_AT_ONCE = 256


def refuse_gzip(name: str, first: bytes) -> None:
    """`SourceError` where a file begins as gzip's do (RFC 1952)."""
    if first[:2] == b"\x1f\x8b":
        raise SourceError(f"{name}: wanted JSON, got gzip; gzip.open(path) gives a stream that can be read")


class Feed:
    """Bytes, piece by piece.

    Attributes:
        name: what sentences call it.
    """

    def __init__(self, name: str, pieces: Iterable[bytes]) -> None:
        self.name = name
        self._pieces = iter(pieces)
        self._rest = memoryview(b"")
        self._begins = True

    def fill(self, view: memoryview) -> int:
        """Put the next bytes into `view`, and say how many; 0 at the end."""
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            if self._begins and piece:
                self._begins = False
                refuse_gzip(self.name, piece)
            self._rest = memoryview(piece)
        count = min(len(view), len(self._rest))
        view[:count], self._rest = self._rest[:count], self._rest[count:]
        return count

    def origin(self, notes: tuple[str, ...]) -> Origin:
        """Where the bytes came from, once all of them have."""
        return Origin(self.name, notes=notes)

    def close(self) -> None:
        """Nothing more is read."""


class FileFeed(Feed):
    """The bytes of a file, which are hashed while they pass.

    Raises:
        SourceError: the file cannot be opened or read.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        name = os.fspath(path)
        super().__init__(name if len(name) <= _MOST_NAME else f"{name[:_MOST_NAME]}...", ())
        self._path, self._size, self._hash = name, 0, hashlib.sha256()
        with self._sentences():
            self._file = open(path, "rb", buffering=0)  # noqa: SIM115

    def fill(self, view: memoryview) -> int:
        with self._sentences():
            count = self._file.readinto(view) or 0
        if not self._size:
            refuse_gzip(self.name, bytes(view[: min(count, 2)]))
        self._hash.update(view[:count])
        self._size += count
        return count

    def origin(self, notes: tuple[str, ...]) -> Origin:
        return Origin(self._path, self._hash.hexdigest(), self._size, notes)

    def close(self) -> None:
        self._file.close()

    @contextlib.contextmanager
    def _sentences(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise SourceError(f"{self.name}: there is no such file") from None
        except IsADirectoryError:
            raise SourceError(f"{self.name}: wanted a file, got a folder") from None
        except OSError as error:
            raise SourceError(f"{self.name}: the file cannot be read ({error.strerror})") from None
        except ValueError:
            raise SourceError(f"{self.name!r}: wanted a path, got one with a NUL character") from None


def of_stream(stream: Any) -> Feed:
    """The bytes or the text that `stream.read(size)` gives."""

    def pieces() -> Iterator[bytes]:
        while True:
            try:
                piece = stream.read(_READ_AT_ONCE)
            except (OSError, EOFError, zlib.error) as error:
                raise SourceError(f"stream: cannot be read ({error})") from None
            if isinstance(piece, str):
                # What is no UTF-8 then is found where it stands.
                piece = piece.encode("utf-8", "surrogatepass")
            if not isinstance(piece, (bytes, bytearray, memoryview)):
                raise SourceError(f"stream: wanted bytes or text from read, got {type(piece).__name__}")
            if not len(piece):
                return
            yield bytes(piece)

    name = getattr(stream, "name", None)
    return Feed(name if isinstance(name, str) else "stream", pieces())


def of_records(name: str, data: Any, fields: Mapping[str, tuple[str, ...]]) -> Feed:
    """JSON of records that are in Python.

    Args:
        data: an object whose lists of records are named in `fields`, or the only list of these.
        fields: what is wanted of each record, by list; nothing else is looked at, so that it may be anything.
    """
    if isinstance(data, Mapping):
        return Feed(name, _object(name, data, fields))
    (only,) = fields
    return Feed(name, _list(name, only, data, fields[only]))


def _object(name: str, data: Mapping[str, Any], fields: Mapping[str, tuple[str, ...]]) -> Iterator[bytes]:
    yield b"{"
    separator = b""
    for key, wanted in fields.items():
        if key in data:
            yield separator + json.dumps(key).encode() + b":"
            separator = b","
            records = data[key].tolist() if hasattr(data[key], "tolist") else data[key]
            if isinstance(records, Iterable) and not isinstance(records, (str, bytes, Mapping)):
                yield from _list(name, key, records, wanted)
            else:
                yield _dumps(name, key, records)
    yield b"}"


def _list(name: str, key: str, records: Iterable[Any], wanted: tuple[str, ...]) -> Iterator[bytes]:
    rest = iter(records)
    row = 0
    yield b"["
    while some := [_chosen(record, wanted) for record in islice(rest, _RECORDS_AT_ONCE)]:
        try:
            text = json.dumps(some, default=_plain, separators=(",", ":"))[1:-1]
        except (TypeError, ValueError, RecursionError):
            for i, record in enumerate(some):
                for field, value in record.items() if isinstance(record, dict) else [("", record)]:
                    _dumps(name, f"{key}[{row + i}]" + (f": {field}" if field else ""), value)
            raise
        yield (b"," if row else b"") + text.encode()
        row += len(some)
    yield b"]"


def _chosen(record: Any, wanted: tuple[str, ...]) -> Any:
    if not isinstance(record, Mapping):
        return record
    return {field: record[field] for field in wanted if field in record}


def _dumps(name: str, where: str, value: Any) -> bytes:
    try:
        return json.dumps(value, default=_plain).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise SourceError(
            f"{name}: {where}: wanted a value that JSON has, got {type(value).__name__} ({error})"
        ) from None


def _plain(value: Any) -> Any:
    """What NumPy and those like it have, as numbers and lists."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is none")
