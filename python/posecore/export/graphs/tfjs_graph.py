"""TensorFlow.js models (model.json) as `ModelGraph`; weights are known by the file's manifest, shards stay unread."""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from posecore.errors import ModelError
from posecore.export.graphs.graph_builder import GraphBuilder
from posecore.export.graphs.keras_graph import add_keras
from posecore.export.graphs.model_graph import ModelGraph, Shape
from posecore.export.graphs.tensorflow_graph import Node, add_nodes, said_shape
from posecore.printable import printable
from posecore.tfjs_folder import is_shard_name

MOST_NODES = 100_000
WEIGHTS_FACT = "weights beside it"
_MOST_AXES = 16
_MOST_ITEMS = 64
_MOST_TEXT = 400
_MOST_NAMED = 3
_DTYPES = {"float": "float32", "double": "float64", "half": "float16", "quint8": "uint8", "qint8": "int8"}


def tfjs_graph(
    model: Mapping[str, Any], name: str, bytes_: int, *, size: tuple[int, int] | None = None
) -> ModelGraph:
    """The graph of a tfjs graph model or layers model.

    Args:
        model: the JSON of the file.
        name: for people and errors.
        bytes_: of the file.
        size: (width, height) in pixels for an input that leaves it free.

    Raises:
        ModelError: not such a model, or a size that does not fit.
    """
    topology = model.get("modelTopology")
    if not isinstance(topology, dict):
        raise ModelError(f"{name} is not a tfjs model: it has no modelTopology")
    layers = "model_config" in topology or model.get("format") == "layers-model"
    builder = GraphBuilder(name, "tfjs layers model" if layers else "tfjs graph model", bytes_, size)
    for key, shown in (("generatedBy", "made by"), ("convertedBy", "converted by")):
        if isinstance(model.get(key), str):
            builder.facts[shown] = printable(model[key][:_MOST_TEXT])
    weights = _manifest(model, name)
    stored = sum(_bytes(entry) for entry in weights.values())
    if weights:
        builder.facts[WEIGHTS_FACT] = f"{len(weights)} arrays, {stored:,} bytes"
    if layers:
        config = topology.get("model_config", topology)
        return builder.build(add_keras(builder, config))
    nodes = topology.get("node")
    if not isinstance(nodes, list) or not nodes or not all(isinstance(node, dict) for node in nodes):
        raise ModelError(f"{name} is not a tfjs graph model: wanted a list of nodes, got none")
    if len(nodes) > MOST_NODES:
        raise ModelError(f"{name} has more than {MOST_NODES} nodes, the most that are read")
    return builder.build(add_nodes(builder, [_node(node, weights, name) for node in nodes]))


def weights_beside(model: Mapping[str, Any], folder: Path) -> tuple[str, str]:
    """What is wrong with the shards of a tfjs model's weights: in a few words, and as a sentence; "" where all of them
    are there with all of their bytes.

    Args:
        model: the JSON of the file.
        folder: of the file.
    """
    groups = model.get("weightsManifest")
    missing: list[str] = []
    wanted = there = 0
    for group in groups if isinstance(groups, list) else ():
        paths, entries = group.get("paths"), group.get("weights")
        for shard in paths if isinstance(paths, list) else ():
            found = _size_of(folder, shard)
            there += found or 0
            if found is None:
                missing.append(printable(str(shard)[:80]))
        for entry in entries if isinstance(entries, list) else ():
            wanted += _bytes(entry) if isinstance(entry, dict) else 0
    if missing:
        first = ", ".join(missing[:_MOST_NAMED])
        more = f" and {len(missing) - _MOST_NAMED} more" if len(missing) > _MOST_NAMED else ""
        are, they = ("is", "it") if len(missing) == 1 else ("are", "them")
        return (
            f"without {first}{more}",
            f"Weights are counted as the manifest has them, but {first}{more} {are} not in the folder: nothing can be "
            f"made of this model without {they}.",
        )
    if there != wanted:
        return (
            f"{there:,} bytes there",
            f"Weights are counted as the manifest has them, {wanted:,} bytes, but the shards beside it have {there:,}: "
            "they are cut off, or of another model.",
        )
    return "", ""


def _size_of(folder: Path, shard: object) -> int | None:
    if not isinstance(shard, str) or not is_shard_name(shard):
        return None
    try:
        return (folder / shard).stat().st_size
    except OSError:  # not there, or a name that no file can have
        return None


def _manifest(model: Mapping[str, Any], name: str) -> dict[str, Mapping[str, Any]]:
    groups = model.get("weightsManifest", [])
    if not isinstance(groups, list):
        raise ModelError(f"{name}: wanted a list as weightsManifest, got {type(groups).__name__}")
    found: dict[str, Mapping[str, Any]] = {}
    for group in groups:
        entries = group.get("weights") if isinstance(group, dict) else None
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, dict) and isinstance(entry.get("name"), str):
                found[entry["name"]] = entry
    return found


def _bytes(entry: Mapping[str, Any]) -> int:
    shape = _sizes(entry.get("shape"))
    if shape is None or min(shape, default=0) < 0:
        return 0
    quantised = entry.get("quantization")
    said = quantised.get("dtype") if isinstance(quantised, dict) else entry.get("dtype")
    item = {"uint8": 1, "bool": 1, "uint16": 2, "float16": 2}.get(said if isinstance(said, str) else "", 4)
    return min(math.prod(shape) * item, 1 << 62)


def _node(node: Mapping[str, Any], weights: Mapping[str, Mapping[str, Any]], file: str) -> Node:
    name, op, inputs = node.get("name"), node.get("op"), node.get("input", [])
    if not isinstance(name, str) or not isinstance(op, str) or not isinstance(inputs, list):
        raise ModelError(f"{file} has a node without a name, an op or a list of inputs")
    if not all(isinstance(each, str) for each in inputs):
        raise ModelError(f"{file}: node {printable(name[:80])} has an input that is no name")
    attributes: dict[str, object] = {}
    given = node.get("attr", {})
    shape: Shape = None
    dtype = ""
    for key, value in given.items() if isinstance(given, dict) else ():
        if key == "value" and isinstance(value, dict) and isinstance(value.get("tensor"), dict):
            tensor = value["tensor"]
            shape, dtype = _shape(tensor.get("tensorShape")), _dtype(tensor.get("dtype"))
        else:
            found = _attribute(value)
            if found is not None:
                attributes[str(key)[:_MOST_TEXT]] = found
    if op in ("Placeholder", "PlaceholderV2"):
        shape = said_shape(attributes)
        dtype = str(attributes.get("dtype", ""))
    elif op == "Const" and name in weights:
        shape = _sizes(weights[name].get("shape"))
        dtype = printable(str(weights[name].get("dtype", ""))[:20])
    return Node(name, op, tuple(inputs), attributes, shape, dtype)


def _attribute(value: object) -> object:
    """An attribute as protobuf's JSON writes it: {"s": base64}, {"i": "1"}, {"list": {"i": [...]}}, ..."""
    if not isinstance(value, dict):
        return None
    if isinstance(value.get("list"), dict):
        items = [item for each in value["list"].values() if isinstance(each, list) for item in each]
        keys = list(value["list"])
        key = keys[0] if keys else "i"
        return tuple(_scalar(key, item) for item in items[: _MOST_ITEMS + 1])
    if "shape" in value:
        return _shape(value["shape"])
    for key in ("s", "i", "f", "b", "type"):
        if key in value:
            return _scalar(key, value[key])
    return None


def _scalar(key: str, value: object) -> object:
    if key == "s" and isinstance(value, str):
        try:
            return base64.b64decode(value[:_MOST_TEXT], validate=True).decode("utf-8", "replace")
        except (binascii.Error, ValueError):
            return value[:_MOST_TEXT]
    if key == "i":
        return _integer(value)
    if key == "type":
        return _dtype(value)
    return value if isinstance(value, (bool, int, float)) else None


def _integer(value: object) -> int:
    """64-bit numbers are text in protobuf's JSON. What is none is 0, which no rule takes for a size."""
    if isinstance(value, int):
        return int(value)
    if isinstance(value, str) and len(value) < 20:
        try:
            return int(value)
        except ValueError:
            return 0
    return 0


def _dtype(value: object) -> str:
    word = value.removeprefix("DT_").lower() if isinstance(value, str) else ""
    return printable(_DTYPES.get(word, word)[:20])


def _shape(value: object) -> Shape:
    if not isinstance(value, dict) or value.get("unknownRank"):
        return None
    dims = value.get("dim", [])
    if not isinstance(dims, list) or len(dims) > _MOST_AXES:
        return None
    return _sizes([_integer(dim.get("size")) if isinstance(dim, dict) else -1 for dim in dims])


def _sizes(value: object) -> Shape:
    if not isinstance(value, list) or len(value) > _MOST_AXES:
        return None
    if not all(
        isinstance(side, int) and not isinstance(side, bool) and -1 <= side < 1 << 31 for side in value
    ):
        return None
    return tuple(value)
