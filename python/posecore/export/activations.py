"""How large the tensors of a Keras model become, from its configuration alone: a few bytes of a file can ask for more
memory than there is, and what nobody's memory holds is refused before Keras builds or runs anything."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from posecore.errors import ModelError
from posecore.export.graphs.graph_builder import GraphBuilder
from posecore.export.graphs.keras_graph import add_keras
from posecore.export.graphs.model_graph import GraphTensor, ModelGraph, shown
from posecore.printable import printable

MOST_NUMBERS = 1 << 28
"""Of one tensor: 1 GiB of float32. PoseNet 0.75's largest has 2 million at 353x481 pixels, and 50 million at
2048x2048."""
MOST_ALIVE = 1 << 30
"""Of all tensors that are still to be read, at any step: 4 GiB of float32. ResNet 152 has 50 million at 1025x1025."""
MOST_IN_ALL = 1 << 35
"""Of all tensors, which are not there at once: a bound of the time. ResNet 152 makes 27 billion at 4096x4096."""
MOST_DILATION = 1024
"""Of a convolution: TensorFlow cuts a picture into as many squared."""
# (width, height) for a model that takes any: what strides divide, and what they divide but for one pixel.
_PROBES = ((256, 256), (257, 257))


def refuse_huge_model(config: Mapping[str, Any], name: str) -> None:
    """That a model whose configuration is somebody else's has tensors of a sane size: at its own input, or where that
    is free at a picture of 256x256 or 257x257.

    Args:
        config: the object of config.json in a .keras file.
        name: of the file, for sentences.

    Raises:
        ModelError: a tensor, those that are there at once, or all of them are larger than the constants above, or the
            size of one does not follow from the input's.
    """
    graph = _graph(config, name, None)
    graphs = [_graph(config, name, size) for size in _PROBES] if _is_free(graph) else [graph]
    graph = next((one for one in graphs if not list(_unknown(one))), graphs[0])
    for layer in _unknown(graph):
        raise ModelError(f"{name}: wanted layers whose sizes follow from the input's, got {printable(layer)}")
    said = _too_large(graph) or _too_dilated(graph)
    if said is not None:
        raise ModelError(f"{name}: {said}")


def refuse_huge_input(model: Any, size: tuple[int, int]) -> None:
    """That a built `keras.Model` has tensors of a sane size for a picture of `size`, (width, height) in pixels; layers
    whose sizes cannot be told do not count.

    Raises:
        ValueError: a tensor, those that are there at once, or all of them are larger than the constants above.
    """
    try:
        config = json.loads(model.to_json())
        graph = _graph(config, model.name, None)
        graph = _graph(config, model.name, size) if _is_free(graph) else graph
    except Exception:  # a layer of the user's own that cannot say what it is
        return
    said = _too_large(graph)
    if said is not None:
        width, height = size
        raise ValueError(f"size: {said} of {model.name} at {height}x{width} (height x width)")


def _graph(config: Mapping[str, Any], name: str, size: tuple[int, int] | None) -> ModelGraph:
    builder = GraphBuilder(name, "Keras", 0, size)
    return builder.build(add_keras(builder, config))


def _is_free(graph: ModelGraph) -> bool:
    shapes = [graph.tensors[number].shape for number in graph.inputs]
    return any(shape is not None and -1 in shape[1:] for shape in shapes)


def _unknown(graph: ModelGraph) -> Iterator[str]:
    for operator in graph.operators:
        for number in operator.outputs:
            if _numbers(graph.tensors[number]) is None:
                yield f"{operator.kind} {operator.name}"


def _numbers(tensor: GraphTensor) -> int | None:
    """Of one picture; None where they are not known."""
    if tensor.shape is None:
        return None
    sides = (max(tensor.shape[0], 1), *tensor.shape[1:]) if tensor.shape else ()
    return None if min(sides, default=1) < 0 else math.prod(sides)


def _too_dilated(graph: ModelGraph) -> str | None:
    for operator in graph.operators:
        rates = operator.options.get("dilation_rate", 1)
        each = rates if isinstance(rates, tuple) else (rates,)
        most = max([1, *(rate for rate in each if isinstance(rate, int))])
        if most > MOST_DILATION:
            return f"wanted convolutions that are dilated by at most {MOST_DILATION}, got {operator.name} with {most}"
    return None


def _too_large(graph: ModelGraph) -> str | None:
    counts = [_numbers(tensor) or 0 for tensor in graph.tensors]
    for tensor, count in zip(graph.tensors, counts, strict=True):
        if count > MOST_NUMBERS:
            return (
                f"wanted layers that make at most {MOST_NUMBERS:,} numbers, got {printable(tensor.name[:80])} of "
                f"{shown(tensor.shape)}"
            )
    alive = _most_alive(graph, counts)
    if alive > MOST_ALIVE:
        return f"wanted layers that make at most {MOST_ALIVE:,} numbers that are there at once, got {alive:,}"
    if sum(counts) > MOST_IN_ALL:
        return f"wanted layers that make at most {MOST_IN_ALL:,} numbers together, got {sum(counts):,}"
    return None


def _most_alive(graph: ModelGraph, counts: Sequence[int]) -> int:
    """Numbers that are there at once, at most: a tensor goes after its last reader, and outputs stay."""
    last = {number: step for step, operator in enumerate(graph.operators) for number in operator.inputs}
    last.update(dict.fromkeys(graph.outputs, len(graph.operators)))
    alive = most = sum(counts[number] for number in set(graph.inputs))
    for step, operator in enumerate(graph.operators):
        alive += sum(counts[number] for number in operator.outputs)
        most = max(most, alive)
        done = {number for number in (*operator.inputs, *operator.outputs) if last.get(number, step) == step}
        alive -= sum(counts[number] for number in done)
    return most
