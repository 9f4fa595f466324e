"""`write_model`: an exported model and its description beside it, both whole or neither."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from posecore.artifact import Artifact, sha256_of


def write_model(path: str | os.PathLike[str], data: bytes, artifact: Artifact) -> Artifact:
    """Write a model's bytes and what it is; gives the artifact with the file's name and hash.

    Both are written beside their places and then renamed; what was there is replaced. Where the description cannot be
    written the model goes again.

    Raises:
        OSError: one of them cannot be written; the error names it.
    """
    target = Path(path)
    artifact = replace(artifact, file=target.name, sha256=sha256_of(target, data))
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        part.write_bytes(data)
        os.replace(part, target)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(target)) from error
    finally:
        part.unlink(missing_ok=True)
    try:
        artifact.save(target)
    except OSError:
        target.unlink(missing_ok=True)
        raise
    return artifact
