"""Multiplies and parameters against published figures, Keras' own count, and TensorFlow's profiler."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tiny_graphs import keras_archive

from posecore.export.graphs.model_file import read_model_graph
from posecore.export.graphs.model_graph import ModelGraph


def graph_of(keras: Any, model: Any, path: Path) -> ModelGraph:
    """Of the file that Keras writes, but for the weights: they are not read."""
    path.write_bytes(keras_archive(keras.saving.serialize_keras_object(model)))
    return read_model_graph(path)


@pytest.mark.parametrize(
    ("alpha", "mult_adds", "parameters"),
    # Howard et al. (arXiv 1704.04861), table 6: 569 and 41 million Mult-Adds, 4.2 and 0.5 million parameters.
    [(1.0, 569e6, 4.2e6), (0.25, 41e6, 0.5e6)],
)
def test_mobilenets_cost_what_their_paper_says(
    keras: Any, tmp_path: Path, alpha: float, mult_adds: float, parameters: float
) -> None:
    model = keras.applications.MobileNet(alpha=alpha, weights=None)
    graph = graph_of(keras, model, tmp_path / "net.keras")
    assert graph.parameters == model.count_params()
    assert graph.parameters == pytest.approx(parameters, rel=0.06)
    assert graph.multiplies == pytest.approx(mult_adds, rel=0.012)
    assert graph.uncounted == (0, 0)


def test_networks_of_ours_have_the_parameters_that_keras_counts(keras: Any, tmp_path: Path) -> None:
    from posecore.train.networks import cpm, five_conv, four_conv, posenet, simple_baseline

    networks = {
        "posenet": posenet("mobilenet_v1_050"),
        "resnet": posenet("resnet_50"),
        "cpm": cpm(stages=2),
        "baseline": simple_baseline(),
        "five": five_conv(width=0.25),
        "four": four_conv(),
    }
    for name, model in networks.items():
        graph = graph_of(keras, model, tmp_path / f"{name}.keras")
        assert graph.parameters == model.count_params(), name
        assert {graph.tensors[number].name for number in graph.outputs} == set(model.output_names), name


def test_a_frozen_graph_has_the_multiplies_that_the_profiler_counts(keras: Any, tmp_path: Path) -> None:
    tf = pytest.importorskip(
        "tensorflow", reason='TensorFlow is not installed: pip install "posecore[export]"'
    )
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    from posecore.train.networks import posenet

    # With stride 16 its last blocks are dilated, which TensorFlow does by batches of every other row and column.
    model = posenet("mobilenet_v1_100")
    function = tf.function(lambda picture: model(picture))
    frozen = convert_variables_to_constants_v2(
        function.get_concrete_function(tf.TensorSpec((1, 129, 161, 3), tf.float32))
    )
    path = tmp_path / "frozen.pb"
    path.write_bytes(frozen.graph.as_graph_def().SerializeToString())
    graph = read_model_graph(path)
    assert graph.parameters == model.count_params() == 3_313_907
    profile = tf.compat.v1.profiler
    with tf.Graph().as_default() as again:
        tf.import_graph_def(frozen.graph.as_graph_def(), name="")
        options = profile.ProfileOptionBuilder(
            profile.ProfileOptionBuilder.float_operation()
        ).with_empty_output()
        found = profile.profile(again, cmd="op", options=options.build())
    operations: dict[str, int] = {}
    stack = [found]
    while stack:
        node = stack.pop()
        operations[node.name] = node.float_ops
        stack.extend(node.children)
    assert 2 * graph.multiplies == operations["Conv2D"] + operations["DepthwiseConv2dNative"]
