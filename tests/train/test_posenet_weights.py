"""The published weights of PoseNet arrive, from every form in which they go round, or a sentence says why not."""

from __future__ import annotations

import os
import re
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from posecore import Skeleton
from posecore.errors import ModelError
from posecore.train.networks import load_posenet_weights, posenet
from posecore.train.networks.weights_npz import read_npz

SHARED = Path(os.environ.get("POSECORE_SHARED", Path(__file__).resolve().parents[3] / "shared")) / "data"
MODELS = SHARED / "models"
WEIGHTS_075 = MODELS / "posenet_mobilenet_v1_075_weights_f32.npz"
TFJS_075 = MODELS / "posenet_mobilenet_v1_075_tfjs"
GRAPH_050 = MODELS / "posenet-python_mobilenet_v1_050.pb"
FLOAT_TFLITE = MODELS / "posenet_mobilenet_v1_075_337_float.tflite"
BUNDLED_TFLITE = Path(__file__).resolve().parents[2] / "python/posecore/data/posenet_mobilenet_v1_075.tflite"

FIVE = Skeleton("five", ("a", "b", "c", "d", "e"), ((0, 1), (1, 2), (1, 3), (3, 4)))

needs_shared = pytest.mark.skipif(not MODELS.is_dir(), reason=f"no published models at {MODELS}")


def weights_of(model: Any) -> dict[str, np.ndarray]:
    return {f"{layer.name}/{w.name}": w.numpy() for layer in model.layers for w in layer.weights}


@pytest.fixture
def small_model() -> Any:
    return posenet("mobilenet_v1_050", skeleton=FIVE)


@pytest.fixture
def small_weights(small_model: Any) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {name: rng.random(w.shape, dtype=np.float32) for name, w in weights_of(small_model).items()}


# --- The published weights -------------------------------------------------------------------------------


@needs_shared
@pytest.mark.parametrize(
    ("backbone", "file"),
    [
        ("mobilenet_v1_050", "posenet_mobilenet_v1_050_weights_f16.npz"),
        ("mobilenet_v1_075", "posenet_mobilenet_v1_075_weights_f32.npz"),
        ("mobilenet_v1_100", "posenet_mobilenet_v1_100_from_int8_weights_f16.npz"),
    ],
)
def test_every_published_array_arrives(backbone: str, file: str) -> None:
    model = posenet(backbone)
    load_posenet_weights(model, MODELS / file)
    with np.load(MODELS / file, allow_pickle=False) as published:
        arrived = weights_of(model)
        assert arrived.keys() == set(published.files)
        for name in published.files:
            np.testing.assert_array_equal(arrived[name], published[name].astype(np.float32), err_msg=name)


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    cv2 = pytest.importorskip("cv2", reason="OpenCV is not installed")
    bgr = cv2.imread(str(SHARED / "pictures" / "coral_couple.jpg"))
    square = cv2.resize(bgr, (337, 337), interpolation=cv2.INTER_AREA)
    return (square[None, :, :, ::-1] / np.float32(127.5) - np.float32(1)).astype(np.float32)


def run_tflite(path: Path, image: np.ndarray) -> dict[str, np.ndarray]:
    import tensorflow as tf

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its interpreter announces that it moves to another package
        interpreter = tf.lite.Interpreter(str(path))
    source = interpreter.get_input_details()[0]["index"]
    interpreter.resize_tensor_input(source, image.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(source, image)
    interpreter.invoke()
    return {d["name"]: interpreter.get_tensor(d["index"]) for d in interpreter.get_output_details()}


@needs_shared
@pytest.mark.parametrize(
    "file", [WEIGHTS_075, TFJS_075, TFJS_075 / "model-stride16.json"], ids=lambda p: p.name
)
def test_it_gives_what_another_projects_float_model_gives(picture: np.ndarray, file: Path) -> None:
    model = posenet()
    load_posenet_weights(model, file)
    heads, published = model(picture), run_tflite(FLOAT_TFLITE, picture)
    assert heads.keys() == published.keys()
    for name, reference in published.items():
        # Relative, unlike what Google's own weights are held to in test_default_model.py: this file runs other
        # kernels, which sum float32 in another order, and values reach 124 px, where 1e-4 would be a few of
        # float32's own steps (8e-6).
        np.testing.assert_allclose(
            np.asarray(heads[name]), reference, rtol=0, atol=1e-4 * np.abs(reference).max(), err_msg=name
        )


@needs_shared
def test_the_tfjs_model_has_the_weights_of_the_npz() -> None:
    model, other = posenet(), posenet()
    load_posenet_weights(model, TFJS_075)
    load_posenet_weights(other, WEIGHTS_075)
    wanted = weights_of(other)
    for name, weight in weights_of(model).items():
        np.testing.assert_array_equal(weight, wanted[name], err_msg=name)


@needs_shared
def test_the_frozen_graph_has_the_weights_of_which_the_npz_has_the_halves() -> None:
    model = posenet("mobilenet_v1_050")
    load_posenet_weights(model, GRAPH_050)
    with np.load(MODELS / "posenet_mobilenet_v1_050_weights_f16.npz") as halves:
        for name, weight in weights_of(model).items():
            step = np.spacing(np.abs(halves[name])).astype(np.float32)
            assert (np.abs(weight - halves[name].astype(np.float32)) <= 0.51 * step).all(), name


@needs_shared
def test_the_frozen_graphs_weights_give_what_tensorflow_makes_of_the_graph(picture: np.ndarray) -> None:
    """Absolute, 1e-4 px and 1e-4 of a score: its heatmaps are probabilities, those here are logits."""
    import tensorflow as tf

    graph = tf.compat.v1.GraphDef()
    graph.ParseFromString(GRAPH_050.read_bytes())
    names = ["heatmap:0", "offset_2:0", "displacement_fwd_2:0", "displacement_bwd_2:0"]
    function = tf.compat.v1.wrap_function(
        lambda image: tf.graph_util.import_graph_def(
            graph, input_map={"image:0": image}, return_elements=names
        ),
        [tf.TensorSpec(picture.shape, tf.float32)],
    )
    wanted = [np.asarray(head) for head in function(tf.constant(picture))]
    model = posenet("mobilenet_v1_050")
    load_posenet_weights(model, GRAPH_050)
    heads = {name: np.asarray(head) for name, head in model(picture).items()}
    assert np.abs(heads["heatmap_2"]).max() > 5, "logits"
    heads["heatmap_2"] = 1 / (1 + np.exp(-heads["heatmap_2"]))
    for head, reference in zip(heads.values(), wanted, strict=True):
        np.testing.assert_allclose(head, reference, rtol=0, atol=1e-4)


@needs_shared
def test_the_bundled_model_finds_the_keypoints_where_float32_finds_them(picture: np.ndarray) -> None:
    model = posenet()
    load_posenet_weights(model, WEIGHTS_075)
    exact = {name: np.asarray(head)[0] for name, head in model(picture).items()}
    bundled = {name: head[0] for name, head in run_tflite(BUNDLED_TFLITE, picture).items()}
    assert list(bundled) == ["heatmap_2", "offset_2", "displacement_fwd_2", "displacement_bwd_2"]

    best = exact["heatmap_2"].reshape(-1, 17).argmax(axis=0)
    np.testing.assert_array_equal(bundled["heatmap_2"].reshape(-1, 17).argmax(axis=0), best)
    row, column = np.unravel_index(best, exact["heatmap_2"].shape[:2])
    for name in ("offset_2", "displacement_fwd_2", "displacement_bwd_2"):
        shift_px = np.abs(bundled[name][row, column] - exact[name][row, column])
        assert shift_px.max() < 0.5, name


@needs_shared
def test_stride_8_sees_the_same_as_stride_16_on_every_second_cell() -> None:
    """Atrous convolution only adds cells between: on the shared ones the network computes the same sums."""
    coarse, fine = posenet(output_stride=16), posenet(output_stride=8)
    load_posenet_weights(coarse, WEIGHTS_075)
    load_posenet_weights(fine, WEIGHTS_075)
    image = np.random.default_rng(0).uniform(-1, 1, (1, 225, 321, 3)).astype(np.float32)
    at_16, at_8 = coarse(image), fine(image)
    for name, reference in at_16.items():
        reference = np.asarray(reference)
        np.testing.assert_allclose(
            np.asarray(at_8[name])[:, ::2, ::2], reference, rtol=0, atol=1e-4 * np.abs(reference).max()
        )


# --- Files that are not those weights --------------------------------------------------------------------


def test_float16_weights_arrive_as_float32(
    small_model: Any, small_weights: dict[str, np.ndarray], tmp_path: Path
) -> None:
    halves = {name: w.astype(np.float16) for name, w in small_weights.items()}
    np.savez(tmp_path / "halves.npz", **halves)
    load_posenet_weights(small_model, tmp_path / "halves.npz")
    for name, weight in weights_of(small_model).items():
        assert weight.dtype == np.float32
        np.testing.assert_array_equal(weight, halves[name].astype(np.float32))


def wrong(weights: dict[str, np.ndarray], name: str, array: np.ndarray | None) -> dict[str, np.ndarray]:
    rest = {key: weight for key, weight in weights.items() if key != name}
    return rest if array is None else {**rest, name: array}


@pytest.mark.parametrize(
    ("name", "array", "sentence"),
    [
        ("offset_2/bias", None, "have no array offset_2/bias, which posenet_mobilenet_v1_050 needs"),
        (
            "conv2d_14_pointwise/bias",
            np.zeros(3, np.float32),
            "have an array 'conv2d_14_pointwise/bias', for which posenet_mobilenet_v1_050 has no layer",
        ),
        (
            "heatmap_2/kernel",
            np.zeros((1, 1, 256, 17), np.float32),
            "have heatmap_2/kernel of shape (1, 1, 256, 17), the model needs (1, 1, 256, 5)",
        ),
        (
            "heatmap_2/bias",
            np.zeros(5, np.float64),
            "have heatmap_2/bias of dtype float64, wanted float32 or float16",
        ),
        (
            "heatmap_2/bias",
            np.array([0, 0, np.nan, 0, 0], np.float32),
            "have a value that is not finite in heatmap_2/bias",
        ),
        (
            "heatmap_2/bias",
            np.array([None] * 5),
            "have heatmap_2/bias of dtype object, wanted float32 or float16",
        ),
    ],
)
def test_wrong_weights_get_one_sentence_and_change_nothing(
    small_model: Any,
    small_weights: dict[str, np.ndarray],
    tmp_path: Path,
    name: str,
    array: np.ndarray | None,
    sentence: str,
) -> None:
    path = tmp_path / "w.npz"
    np.savez(path, **wrong(small_weights, name, array))
    before = weights_of(small_model)
    with pytest.raises(ModelError, match=f"^{re.escape(f'weights {path} {sentence}')}$"):
        load_posenet_weights(small_model, path)
    for key, weight in weights_of(small_model).items():
        np.testing.assert_array_equal(weight, before[key])


def test_what_is_unpacked_is_what_was_judged(tmp_path: Path) -> None:
    """A member without the ending .npy, which NumPy takes first, does not come in its place."""
    path = tmp_path / "weights.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, array in (("conv/kernel.npy", np.ones((2, 3), np.float32)), ("conv/kernel", np.zeros(9))):
            with archive.open(member, "w") as file:
                np.lib.format.write_array(file, array)
    read = read_npz(path, {"conv/kernel": (2, 3)}, "a network")
    np.testing.assert_array_equal(read["conv/kernel"], np.ones((2, 3), np.float32))


def test_a_missing_file_gets_one_sentence(small_model: Any, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"w\.npz cannot be read: No such file or directory$"):
        load_posenet_weights(small_model, tmp_path / "w.npz")


def test_a_single_array_gets_one_sentence(small_model: Any, tmp_path: Path) -> None:
    with (tmp_path / "w.npz").open("wb") as file:
        np.save(file, np.zeros(3))
    with pytest.raises(ModelError, match=r"must be an \.npz file of named arrays, got a single \.npy array$"):
        load_posenet_weights(small_model, tmp_path / "w.npz")


@pytest.mark.parametrize("name", ["w.npy", "w.h5", "w"])
def test_a_file_of_no_known_form_gets_one_sentence(small_model: Any, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"")
    wanted = f"weights {tmp_path / name}: wanted .npz, .pb, or the .json or folder of a tfjs model"
    with pytest.raises(ModelError, match=f"^{re.escape(wanted)}$"):
        load_posenet_weights(small_model, tmp_path / name)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"not weights at all"])
def test_a_file_of_another_kind_gets_one_sentence(small_model: Any, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "w.npz").write_bytes(content)
    with pytest.raises(ModelError, match=r"w\.npz are not a whole \.npz file$"):
        load_posenet_weights(small_model, tmp_path / "w.npz")


def test_damaged_weights_are_an_error_or_exactly_what_was_saved(
    small_model: Any, small_weights: dict[str, np.ndarray], tmp_path: Path
) -> None:
    """Bytes overwritten anywhere: a ModelError, never another exception, never other numbers unnoticed."""
    np.savez_compressed(tmp_path / "whole.npz", **small_weights)
    whole = (tmp_path / "whole.npz").read_bytes()
    rng = np.random.default_rng(1)
    refused = 0
    for _ in range(40):
        damaged = bytearray(whole)
        at = int(rng.choice([rng.integers(len(whole)), len(whole) - 1 - rng.integers(6000)]))
        damaged[at : at + 4] = rng.bytes(4)
        (tmp_path / "w.npz").write_bytes(damaged[: rng.integers(len(whole)) if rng.random() < 0.2 else None])
        try:
            load_posenet_weights(small_model, tmp_path / "w.npz")
        except ModelError:
            refused += 1
        else:
            for name, weight in weights_of(small_model).items():
                np.testing.assert_array_equal(weight, small_weights[name])
    assert refused > 10
