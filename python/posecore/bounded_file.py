"""`read_bounded`: all bytes of a file from anywhere, or a sentence."""

from __future__ import annotations

from pathlib import Path

from posecore.errors import ModelError


def read_bounded(path: Path, most: int, what: str, *, too_many: str) -> bytes:
    """The bytes of a file of at most `most` of them.

    Raises:
        ModelError: it is not there or cannot be read, or is longer: the sentence is `what`, a space and `too_many`.
    """
    try:
        if not path.is_file():
            raise ModelError(f"{what} cannot be read: no file of this name")
        with path.open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise ModelError(f"{what} cannot be read: {error.strerror}") from error
    if len(data) > most:
        raise ModelError(f"{what} {too_many}")
    return data
