"""Keras' own files (.keras) as `ModelGraph`: the configuration in the archive is read, the weights stay unread."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from typing import Any

from posecore.errors import ModelError
from posecore.export.graphs.graph_builder import GraphBuilder
from posecore.export.graphs.keras_graph import add_keras
from posecore.export.graphs.model_graph import ModelGraph
from posecore.printable import printable

MOST_CONFIG_BYTES = 1 << 24
_MOST_DIRECTORY_BYTES = 1 << 20
_CONFIG, _METADATA = "config.json", "metadata.json"
_PLAIN = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def keras_file(data: bytes, name: str, *, size: tuple[int, int] | None = None) -> ModelGraph:
    """The graph of a .keras file. Nothing in it is built, imported or run.

    Args:
        data: the bytes of the file.
        name: for people and errors.
        size: (width, height) in pixels for an input that leaves it free.

    Raises:
        ModelError: no such archive, no functional or sequential model, or a size that does not fit.
    """
    builder = GraphBuilder(name, "Keras", len(data), size)
    config, metadata = _archive(data, name)
    version = metadata.get("keras_version")
    if isinstance(version, str):
        builder.facts["Keras"] = printable(version[:40])
    return builder.build(add_keras(builder, config))


def _archive(data: bytes, name: str) -> tuple[Any, dict[str, Any]]:
    # The directory of an archive is read as a whole by zipfile: its size is looked at first.
    end = data.rfind(b"PK\5\6", max(len(data) - 65557, 0))
    if end < 0 or end + 22 > len(data):
        raise ModelError(f"{name} is not a whole .keras file: its archive has no end")
    directory = struct.unpack_from("<I", data, end + 12)[0]
    if directory > _MOST_DIRECTORY_BYTES:
        raise ModelError(
            f"{name} is not a .keras file: the directory of its archive has {directory} bytes, wanted at most "
            f"{_MOST_DIRECTORY_BYTES}"
        )
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            config = _json(archive, _CONFIG, name)
            there = _METADATA in archive.namelist()
            metadata = _json(archive, _METADATA, name) if there else {}
    except KeyError:
        raise ModelError(f"{name} is not a .keras file: its archive has no {_CONFIG}") from None
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        OSError,
        RuntimeError,
        NotImplementedError,
        ValueError,
    ) as error:
        if isinstance(error, ModelError):
            raise
        raise ModelError(f"{name} is not a whole .keras file: {printable(str(error)[:120])}") from None
    return config, metadata if isinstance(metadata, dict) else {}


def _json(archive: zipfile.ZipFile, entry: str, name: str) -> Any:
    info = archive.getinfo(entry)
    if info.compress_type not in _PLAIN or info.flag_bits & 1:
        raise ModelError(
            f"{name} is not a .keras file: its {entry} is encrypted or compressed in another way"
        )
    with archive.open(info) as file:
        text = file.read(MOST_CONFIG_BYTES + 1)
    if len(text) > MOST_CONFIG_BYTES:
        raise ModelError(f"{name}: its {entry} has more than {MOST_CONFIG_BYTES >> 20} MiB")
    return parse_json(text, f"{name}: its {entry}")


def parse_json(text: bytes, what: str) -> Any:
    """JSON from a file of anywhere; `ModelError` begins with `what`."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise ModelError(f"{what} is not JSON") from None
