"""Whatever bytes a model file has, what comes is a graph or one sentence. `fuzz_graphs.py` does the same for longer."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
import tiny_graphs as tiny
from fuzz_graphs import damaged, look
from hypothesis import given
from hypothesis import strategies as st

from posecore.errors import ModelError
from posecore.export.graphs.inspected_model import InspectedModel
from posecore.export.graphs.model_file import model_graph
from posecore.export.graphs.purpose import purpose_of
from runtime import tiny_tflite

FILES = {
    "a.tflite": bytes(tiny_tflite.with_decoder(segments=True)),
    "a.onnx": tiny.channels_first(),
    "a.pb": tiny.frozen_graph(),
    "model.json": json.dumps(tiny.tfjs_model()).encode(),
    "a.keras": tiny.keras_archive(tiny.small_keras()),
    "a.kmodel": tiny.kmodel(),
}


@pytest.mark.parametrize("name", FILES)
@given(seed=st.integers(0, 2**32))
def test_damaged_files_give_a_graph_or_a_sentence(name: str, seed: int) -> None:
    rng = random.Random(seed)
    graph = model_graph(FILES[name], name)
    original = InspectedModel(graph, purpose_of(graph))
    sentence = ""
    try:
        look(damaged(FILES[name], rng), name, original, rng)
    except ModelError as error:
        sentence = str(error)
    assert sentence.count("\n") == 0


@pytest.mark.parametrize(
    "shape", [{"list": {"s": ["MQ==", "MQ=="]}}, {"list": {"i": ["1", "1e9", str(1 << 60)]}}]
)
def test_a_list_in_the_place_of_a_shape_is_none(shape: dict[str, Any]) -> None:
    model = tiny.tfjs_model()
    model["modelTopology"]["node"][0]["attr"]["shape"] = shape
    graph = model_graph(json.dumps(model).encode(), "model.json")
    assert graph.tensors[graph.inputs[0]].shape is None


@given(st.binary(max_size=300), st.sampled_from(sorted(FILES)))
def test_any_bytes_give_a_graph_or_a_sentence(data: bytes, name: str) -> None:
    start = FILES[name][:8]
    for candidate in (data, start + data):
        sentence = ""
        try:
            model_graph(candidate, name)
        except ModelError as error:
            sentence = str(error)
        assert sentence.count("\n") == 0
