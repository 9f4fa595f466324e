"""`JsonFile`: what was in a file when it was read."""

from __future__ import annotations

import io
import json
import os
from dataclasses import dataclass
from typing import Any

from posecore.errors import SourceError
from posecore.evaluation.feeds import refuse_gzip


@dataclass(frozen=True)
class JsonFile:
    """A JSON file, read and not yet parsed.

    Attributes:
        name: its path, or the name of the stream.
        content: its bytes.
    """

    name: str
    content: bytes

    @classmethod
    def of_path(cls, path: Any, argument: str, wanted: str) -> JsonFile:
        """The file of this path; `SourceError` where it cannot be read, `TypeError` naming `argument` for no path."""
        try:
            name = os.fspath(path)
        except TypeError:
            raise TypeError(f"{argument}: wanted {wanted}, got {type(path).__name__}") from None
        try:
            with open(name, "rb") as file:
                return cls(os.fsdecode(name), file.read())
        except FileNotFoundError:
            raise SourceError(f"{name}: there is no such file") from None
        except OSError as error:
            raise SourceError(f"{name}: the file cannot be read ({error.strerror})") from None

    @classmethod
    def of_stream(cls, stream: Any) -> JsonFile:
        """What is left in a stream of text or bytes."""
        content = stream.read()
        name = getattr(stream, "name", None)
        return cls(
            name if isinstance(name, str) else "stream",
            content.encode() if isinstance(content, str) else content,
        )

    def stream(self) -> io.BytesIO:
        """The content as a stream that has the file's name."""
        named = _NamedBytes(self.content)
        named.name = self.name
        return named

    def parsed(self, kind: type, wanted: str) -> Any:
        """The content as Python objects; `SourceError` where it is no JSON or not of this kind."""
        refuse_gzip(self.name, self.content[:2])
        try:
            value = json.loads(self.content)
        except (ValueError, RecursionError) as error:
            raise SourceError(f"{self.name}: wanted JSON, got something else ({error})") from None
        if not isinstance(value, kind):
            raise SourceError(f"{self.name}: wanted {wanted}, got {type(value).__name__}")
        return value


class _NamedBytes(io.BytesIO):
    name: str
