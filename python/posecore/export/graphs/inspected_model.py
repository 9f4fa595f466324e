"""`inspect_model`: a model file opened, its graph read, and what it is for."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

from posecore.artifact import Artifact
from posecore.errors import ModelError
from posecore.export.graphs.keras_file import parse_json
from posecore.export.graphs.model_file import model_graph, read_model
from posecore.export.graphs.model_graph import ModelGraph
from posecore.export.graphs.purpose import Purpose, purpose_of
from posecore.export.graphs.tfjs_graph import WEIGHTS_FACT, weights_beside

# Where the stride is read off a network that takes any size: 16 n + 1, which every stride up to 16 divides.
_PROBE = (257, 257)


@dataclass(frozen=True)
class InspectedModel:
    """A model file, read and understood as far as it goes.

    Attributes:
        graph: what is in it.
        purpose: what it is for.
        artifact: what posecore's export wrote beside it, or None.
    """

    graph: ModelGraph
    purpose: Purpose
    artifact: Artifact | None = None

    @property
    def is_free(self) -> bool:
        """Whether an input leaves its size free."""
        shapes = [self.graph.tensors[number].shape for number in self.graph.inputs]
        return any(shape is not None and len(shape) == 4 and -1 in shape[1:] for shape in shapes)

    def as_dict(self) -> dict[str, object]:
        """Everything, as JSON can hold it."""
        found = self.graph.as_dict()
        return {
            **{key: value for key, value in found.items() if key != "operators"},
            "purpose": self.purpose.as_dict(),
            "exported": None if self.artifact is None else self.artifact.as_dict(),
            "operators": found["operators"],
        }


def inspect_model(path: str | os.PathLike[str], *, size: tuple[int, int] | None = None) -> InspectedModel:
    """What is in a model file of any known format, and what it is for. Nothing in the file is run.

    Args:
        path: see `posecore.export.graphs.model_file.read_model`.
        size: (width, height) in pixels for a model that leaves the size of its input free.

    Raises:
        ModelError: no such file, none of the formats, damaged, or it does not take this size. A description beside the
            file that is not its own is only a note of the graph.
    """
    file, data = read_model(path, size=size)
    name = os.fspath(file)
    graph = model_graph(data, name, size=size)
    if graph.format.startswith("tfjs"):
        graph = _with_shards(graph, data, file)
    artifact = None
    try:
        # What `posecore convert` writes beside a Keras model is of another format.
        artifact = None if Path(file).suffix.lower() == ".keras" else Artifact.read(file, data)
    except ModelError as error:
        graph = replace(graph, notes=(*graph.notes, f"{error}."))
    plain = InspectedModel(graph, purpose_of(graph, artifact=artifact), artifact)
    if artifact is not None or size is not None or not plain.is_free:
        return plain
    try:
        probe = model_graph(data, name, size=_PROBE)
    except ModelError:
        return plain
    return replace(plain, purpose=purpose_of(graph, probe=probe))


def _with_shards(graph: ModelGraph, data: bytes, file: Path) -> ModelGraph:
    """The graph, with a note where the weights beside it are not whole."""
    words, sentence = weights_beside(parse_json(data, graph.file), file.parent)
    if not words:
        return graph
    there = graph.facts.get(WEIGHTS_FACT, "none")
    return replace(
        graph, facts={**graph.facts, WEIGHTS_FACT: f"{there}, {words}"}, notes=(*graph.notes, sentence)
    )
