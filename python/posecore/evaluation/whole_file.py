"""Files that are there whole or not at all."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


def write_whole(path: str | os.PathLike[str], data: str | bytes) -> None:
    """Write text as UTF-8, or bytes, beside `path` and give it that name when it is complete.

    What was there is replaced.

    Raises:
        OSError: it cannot be written; the error names `path`.
    """
    target = Path(path)
    part = part_of(target)
    try:
        part.write_bytes(data.encode("utf-8") if isinstance(data, str) else data)
        part.replace(target)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(target)) from error
    finally:
        part.unlink(missing_ok=True)


def part_of(path: Path) -> Path:
    """The file beside `path` that `write_whole` writes to first; ValueError where `path` has no last part."""
    return path.with_name(f".{path.name}.{os.getpid()}.part")


def write_json(path: str | os.PathLike[str], data: Any) -> None:
    """Write `data` as JSON, in which NaN has no place."""
    write_whole(path, json.dumps(data, allow_nan=False) + "\n")
