"""The model that comes with the package is what the tool makes of Google's weights, and they are Google's."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import build_default_model as tool
import numpy as np
import pytest

from posecore.train.networks import load_posenet_weights, posenet


@pytest.fixture(scope="module", autouse=True)
def published(shared: Path) -> Path:
    """The folder of Google's files; the tool looks for it where the tests do."""
    assert shared / "data" == tool.SHARED
    return tool.SHARED


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    pytest.importorskip("cv2", reason='OpenCV is not installed: pip install "posecore[app]"')
    return tool.network_input(tool.PICTURE)


@pytest.fixture(scope="module")
def rebuilt(picture: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What the tool writes here and now."""
    path = tmp_path_factory.mktemp("rebuilt") / "model.tflite"
    done = subprocess.run(
        [sys.executable, tool.__file__, "--out", path],
        env={**os.environ, "POSECORE_SHARED": str(tool.SHARED.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(f"wrote {path}\n")
    assert [entry.name for entry in path.parent.iterdir()] == ["model.tflite"]
    return path.read_bytes()


def constants(tflite: bytes) -> list[tuple[Any, ...]]:
    """Type, shape and bytes of every weight tensor, in an order of their own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from tensorflow.lite.tools import flatbuffer_utils
    model = flatbuffer_utils.convert_bytearray_to_object(bytearray(tflite))
    found = []
    for tensor in model.subgraphs[0].tensors:
        data = model.buffers[tensor.buffer].data
        if data is not None and len(data) > 0:
            found.append((tensor.type, tuple(tensor.shape), np.asarray(data, np.uint8).tobytes()))
    return sorted(found)


def test_the_float32_graph_gives_what_googles_own_graph_gives(picture: np.ndarray) -> None:
    """Keras with the extracted weights against the tfjs graph with its own shards, on the same kernels: absolute,
    1e-4 of a logit and of a pixel."""
    model = posenet("mobilenet_v1_075")
    load_posenet_weights(model, tool.WEIGHTS)
    heads, original = tool.run_keras(model, picture), tool.run_tfjs(tool.TFJS_FOLDER, picture)
    assert set(heads) == set(original) == set(tool.HEAD_NAMES)
    assert max(np.abs(head).max() for head in original.values()) > 100, "people as large as the picture"
    for name, reference in original.items():
        np.testing.assert_allclose(heads[name], reference, rtol=0, atol=1e-4, err_msg=name)


def test_the_tool_makes_the_model_that_is_in_the_package(rebuilt: bytes, picture: np.ndarray) -> None:
    import tensorflow as tf

    committed = tool.OUT.read_bytes()
    # The converter writes its version into the file. Another one may arrange the same network otherwise.
    if tf.__version__.encode() in committed:
        assert rebuilt == committed
    assert len(constants(committed)) > 50
    assert constants(rebuilt) == constants(committed)
    new, old = tool.run_tflite(rebuilt, picture), tool.run_tflite(committed, picture)
    assert list(new) == list(old) == list(tool.HEAD_NAMES)
    for name in tool.HEAD_NAMES:
        np.testing.assert_allclose(new[name], old[name], rtol=0, atol=1e-4, err_msg=name)
