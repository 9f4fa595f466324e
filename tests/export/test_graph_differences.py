"""Two models side by side: what stands for what, and what differs."""

from __future__ import annotations

import json

import pytest
import tiny_graphs as tiny
from hypothesis import given
from hypothesis import strategies as st

from posecore.export.graphs.differences import differences
from posecore.export.graphs.model_file import model_graph
from posecore.export.graphs.model_graph import ModelGraph
from runtime import tiny_tflite


def keras(*kinds: str, filters: int = 8) -> ModelGraph:
    """A chain of these layers."""
    names = [f"{kind.lower()}_{number}" for number, kind in enumerate(kinds)]
    settings = {"Conv2D": {"filters": filters, "kernel_size": [1, 1]}}
    layers = [tiny.keras_layer("InputLayer", "image", [], batch_shape=[None, 16, 16, 3])]
    for kind, name, source in zip(kinds, names, ["image", *names], strict=False):
        layers.append(tiny.keras_layer(kind, name, [source], **settings.get(kind, {})))
    return model_graph(tiny.keras_archive(tiny.keras_config(layers, [names[-1], 0, 0])), "net.keras")


def test_a_model_does_not_differ_from_itself() -> None:
    for data, name in (
        (tiny.channels_first(64, 48), "a.onnx"),
        (tiny.frozen_graph(), "a.pb"),
        (bytes(tiny_tflite.with_decoder()), "a.tflite"),
    ):
        graph = model_graph(data, name)
        found = differences(graph, graph)
        assert (found.whole, found.ends) == ((), ())
        assert {word: count for word, count in found.counts.items() if count} == {
            "same": sum(not each.on_weights for each in graph.operators)
        }


def test_what_was_put_in_and_taken_out_is_found_in_its_place() -> None:
    found = differences(keras("Conv2D", "ReLU", "Conv2D"), keras("Conv2D", "Conv2D", "Softmax"))
    assert [(pair.first, pair.second) for pair in found.pairs] == [(0, 0), (1, None), (2, 1), (None, 2)]
    assert found.counts == {"same": 2, "changed": 0, "removed": 1, "added": 1}


def test_what_changed_is_named() -> None:
    found = differences(keras("Conv2D", filters=8), keras("Conv2D", filters=16))
    (pair,) = found.pairs
    assert {(each.what, each.first, each.second) for each in pair.differences} == {
        ("filters", "8", "16"),
        ("makes", "16x16x8", "16x16x16"),
        ("parameters", "32", "64"),
        ("multiplies", "6,144", "12,288"),
    }
    assert ("parameters", "32", "64") in {(each.what, each.first, each.second) for each in found.whole}


def test_quantisation_of_the_ends_is_compared() -> None:
    signed, unsigned = (
        model_graph(bytes(tiny_tflite.quantised(dtype)), "a.tflite")
        for dtype in (tiny_tflite.INT8, tiny_tflite.UINT8)
    )
    found = {each.what: (each.first, each.second) for each in differences(signed, unsigned).ends}
    assert found["input image: type"] == (
        "int8, real = (q - 0) * 0.0078125",
        "uint8, real = (q - 128) * 0.0078125",
    )


def test_files_of_channels_first_and_last_are_compared_the_same_way_round() -> None:
    onnx = model_graph(tiny.channels_first(64, 48), "a.onnx")
    found = differences(onnx, model_graph(tiny.frozen_graph(), "a.pb", size=(48, 64)))
    same = [pair for pair in found.pairs if pair.first == 0]
    assert [each.what for each in same[0].differences] == ["makes", "parameters", "multiplies"]
    assert (same[0].differences[0].first, same[0].differences[0].second) == ("32x24x16", "32x24x17")


@given(
    st.lists(st.sampled_from(("Conv2D", "ReLU", "Softmax")), min_size=1, max_size=8),
    st.lists(st.sampled_from(("Conv2D", "ReLU", "Softmax")), min_size=1, max_size=8),
)
def test_every_operator_is_there_once_and_in_order(first: list[str], second: list[str]) -> None:
    found = differences(keras(*first), keras(*second))
    assert [pair.first for pair in found.pairs if pair.first is not None] == list(range(len(first)))
    assert [pair.second for pair in found.pairs if pair.second is not None] == list(range(len(second)))
    both = [pair for pair in found.pairs if pair.first is not None and pair.second is not None]
    assert all(first[pair.first] == second[pair.second] for pair in both)  # type: ignore[index]
    assert len(both) == longest_common(first, second)
    json.dumps(found.as_dict(), allow_nan=False)


def longest_common(first: list[str], second: list[str]) -> int:
    """The length of the longest common subsequence, by the definition."""
    if not first or not second:
        return 0
    if first[-1] == second[-1]:
        return longest_common(first[:-1], second[:-1]) + 1
    return max(longest_common(first[:-1], second), longest_common(first, second[:-1]))


def test_more_operators_than_can_be_compared_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("posecore.export.graphs.differences.MOST_COMPARED", 2)
    found = differences(keras("Conv2D", "ReLU", "ReLU"), keras("Conv2D"))
    assert found.pairs == ()
    assert "not compared one by one" in found.notes[0]
    assert ("ReLU", "2", "0") in {(each.what, each.first, each.second) for each in found.whole}


def test_heads_in_another_order_find_their_own() -> None:
    """Two convolutions of one tensor are written the other way round; neither of them has changed."""

    def heads(*filters: int) -> ModelGraph:
        layers = [tiny.keras_layer("InputLayer", "image", [], batch_shape=[None, 16, 16, 3])]
        layers += [
            tiny.keras_layer("Conv2D", f"head{count}", ["image"], filters=count, kernel_size=[1, 1])
            for count in filters
        ]
        config = tiny.keras_config(layers, {str(count): [f"head{count}", 0, 0] for count in filters})
        return model_graph(tiny.keras_archive(config), "net.keras")

    found = differences(heads(17, 34, 8), heads(34, 17, 8))
    assert found.counts == {"same": 3, "changed": 0, "removed": 0, "added": 0}
    assert [(pair.first, pair.second) for pair in found.pairs] == [(0, 1), (1, 0), (2, 2)]
    assert {each.what for each in found.ends} == {"output 17: place", "output 34: place"}
