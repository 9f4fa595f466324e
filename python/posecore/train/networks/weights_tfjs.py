"""Float weights out of a TensorFlow.js model: the JSON and the shards beside it.

The format is that of tfjs-converter's `weightsManifest`: groups of shards whose bytes, one after another, are the
group's arrays, one after another. Written for files from anywhere: sizes are bounded, shards lie in the folder of the
JSON, and whatever the bytes are, what comes is arrays or a `ModelError`.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from posecore.bounded_file import read_bounded
from posecore.errors import ModelError
from posecore.printable import printable
from posecore.tfjs_folder import is_shard_name, tfjs_descriptions

MOST_JSON_BYTES = 1 << 24  # PoseNet's takes 1/300
MOST_BYTES = 1 << 28  # of all shards; PoseNet on ResNet-50 is a third of it
_MOST_DIMENSIONS = 8
_BYTES = {"float32": 4, "float16": 2, "int32": 4, "bool": 1, "complex64": 8}
_CONVOLUTIONS = (
    "Conv2D",
    "DepthwiseConv2dNative",
    "FusedConv2D",
    "_FusedConv2D",
    "FusedDepthwiseConv2dNative",
)
# Beside a model file of such an ending posecore writes its description and verification.
_QUANTISED = {"uint8": "u1", "uint16": "<u2", "float16": "<f2"}


def read_tfjs(path: Path, wanted: frozenset[str]) -> dict[str, NDArray[np.float32]]:
    """Those of the `wanted` weights, by name, that a tfjs model has; float32, their own shapes.

    `path`: the model's JSON file, or a folder with one such file, as `tfjs_descriptions` finds them. Weights quantised
    to uint8, uint16 or float16 are made real again.
    Raises ModelError, with a sentence that names the file and the weight, for what cannot be read, is not of this
    format, is over 256 MiB, or has one of these weights twice, not float32, or cut off.
    """
    description = _json_file(path)
    found: dict[str, NDArray[np.float32]] = {}
    bytes_left = MOST_BYTES
    for group in _manifest(description):
        entries = [_Entry.of(weight, description) for weight in _list(group, "weights", description)]
        size = sum(entry.num_bytes for entry in entries)
        if size > bytes_left:
            raise ModelError(f"weights {description} say more than {MOST_BYTES >> 20} MiB of arrays")
        bytes_left -= size
        if not any(entry.name in wanted for entry in entries):
            continue
        data = _shards(description, _list(group, "paths", description), size)
        at = 0
        for entry in entries:
            if entry.name in found:
                raise ModelError(f"weights {description} have {printable(entry.name)} more than once")
            if entry.name in wanted:
                found[entry.name] = entry.array(data[at : at + entry.num_bytes], description)
            at += entry.num_bytes
    return found


def read_tfjs_strides(path: Path) -> list[int]:
    """The strides of all convolutions of a tfjs graph model, in its order; their product is the output stride of a
    chain.

    `path` as for `read_tfjs`. Raises ModelError for what cannot be read or has no graph; a convolution without
    strides is passed over.
    """
    description = _json_file(path)
    topology = _model(description).get("modelTopology")
    nodes = topology.get("node") if isinstance(topology, dict) else None
    if not isinstance(nodes, list):
        raise ModelError(
            f"weights {description} have no modelTopology with nodes, which a tfjs graph model has"
        )
    found = []
    for node in nodes:
        if isinstance(node, dict) and node.get("op") in _CONVOLUTIONS:
            value = node.get("attr")
            for key in ("strides", "list", "i"):
                value = value.get(key) if isinstance(value, dict) else None
            # Batch, rows, columns, channels; protobuf's JSON writes whole numbers as text.
            text = str(value[1])[:4] if isinstance(value, list) and len(value) == 4 else ""
            if text.isdecimal():
                found.append(int(text))
    return found


def tfjs_files(path: Path) -> tuple[Path, ...]:
    """The files of a tfjs model, the JSON first: of the shards that it names those that are there.

    `path` as for `read_tfjs`. Raises ModelError for what cannot be read or is not of this format.
    """
    description = _json_file(path)
    names = [name for group in _manifest(description) for name in _list(group, "paths", description)]
    shards = [description.with_name(name) for name in names if is_shard_name(name)]
    return (description, *(shard for shard in shards if shard.is_file()))


def _json_file(path: Path) -> Path:
    if not path.is_dir():
        return path
    files = tfjs_descriptions(path)
    if len(files) != 1:
        raise ModelError(f"weights {path}: wanted a folder with one .json file, got {len(files)} of them")
    return files[0]


def _model(description: Path) -> dict[str, Any]:
    data = _bytes_of(description, MOST_JSON_BYTES, description)
    try:
        model = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"weights {description} are not JSON") from error
    return model if isinstance(model, dict) else {}


def _manifest(description: Path) -> list[dict[str, Any]]:
    groups = _model(description).get("weightsManifest")
    if not isinstance(groups, list) or not all(isinstance(group, dict) for group in groups):
        raise ModelError(f"weights {description} have no weightsManifest, which a tfjs model has")
    return groups


def _list(group: dict[str, Any], key: str, description: Path) -> list[Any]:
    value = group.get(key)
    if not isinstance(value, list):
        raise ModelError(f"weights {description}: wanted a list of {key} in each group, got none")
    return value


def _shards(description: Path, names: list[Any], size: int) -> bytes:
    """The bytes of all shards of a group, which are as many as its arrays take."""
    parts: list[bytes] = []
    left = size
    for name in names:
        if not is_shard_name(name):
            raise ModelError(
                f"weights {description}: wanted shards in the same folder, got {printable(repr(name)[:80])}"
            )
        parts.append(_bytes_of(description.with_name(name), left, description))
        left -= len(parts[-1])
    if left:
        raise ModelError(f"weights {description}: wanted {size} bytes of shards, got {size - left}")
    return b"".join(parts)


def _bytes_of(path: Path, most: int, description: Path) -> bytes:
    what = f"weights {path}" if path == description else f"weights {description}: the shard {path.name}"
    return read_bounded(path, most, what, too_many=f"has more than the {most} bytes that were wanted")


@dataclass(frozen=True)
class _Entry:
    """One array of the manifest."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    quantisation: tuple[str, float, float] | None  # dtype, scale, least

    @property
    def count(self) -> int:
        return math.prod(self.shape)

    @property
    def num_bytes(self) -> int:
        if self.quantisation is not None:
            return self.count * np.dtype(_QUANTISED[self.quantisation[0]]).itemsize
        return self.count * _BYTES[self.dtype]

    @classmethod
    def of(cls, weight: Any, description: Path) -> _Entry:
        if not isinstance(weight, dict) or not isinstance(weight.get("name"), str):
            raise ModelError(f"weights {description}: wanted weights with names, got another entry")
        name, shape, dtype = weight["name"], weight.get("shape"), weight.get("dtype")
        where = f"weights {description}: weight {printable(name[:80])}"
        if (
            not isinstance(shape, list)
            or len(shape) > _MOST_DIMENSIONS
            or not all(type(side) is int and 0 <= side < 1 << 31 for side in shape)
        ):
            raise ModelError(
                f"{where}: wanted a shape of up to {_MOST_DIMENSIONS} whole numbers, got another"
            )
        if not isinstance(dtype, str) or dtype not in _BYTES:
            raise ModelError(
                f"{where}: wanted one of the dtypes {', '.join(_BYTES)}, got {printable(repr(dtype)[:40])}"
            )
        quantisation = weight.get("quantization")
        return cls(
            name,
            tuple(shape),
            dtype,
            None if quantisation is None else _quantisation(quantisation, where),
        )

    def array(self, data: bytes, description: Path) -> NDArray[np.float32]:
        if self.dtype != "float32":
            raise ModelError(
                f"weights {description} have {printable(self.name)} of dtype {self.dtype}, wanted float32"
            )
        if self.quantisation is None:
            values = np.frombuffer(data, "<f4")
        else:
            dtype, scale, least = self.quantisation
            values = np.frombuffer(data, _QUANTISED[dtype]).astype(np.float64) * scale + least
        return values.astype(np.float32).reshape(self.shape)


def _quantisation(value: Any, where: str) -> tuple[str, float, float]:
    dtype = value.get("dtype") if isinstance(value, dict) else None
    if not isinstance(dtype, str) or dtype not in _QUANTISED:
        raise ModelError(f"{where}: wanted a quantization to {', '.join(_QUANTISED)}, got another")
    if dtype == "float16":  # halves as they are
        return dtype, 1.0, 0.0
    numbers = []
    for key in ("scale", "min"):
        number = value.get(key)
        if isinstance(number, bool) or not isinstance(number, (int, float)) or not abs(number) <= 1e30:
            raise ModelError(f"{where}: wanted a quantization with scale and min, got another")
        numbers.append(float(number))
    return dtype, numbers[0], numbers[1]
