"""`open_keras`: plain Keras models are opened, and nothing in a file gets to run."""

from __future__ import annotations

import io
import json
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from posecore.errors import ModelError
from posecore.export.keras_file import open_keras

Config = dict[str, Any]


@pytest.fixture(scope="module")
def small(keras: Any) -> Any:
    """One of each kind of layer that has weights of its own."""
    layers = keras.layers
    image = keras.Input((8, 8, 3), name="image")
    x = layers.Conv2D(4, 3, strides=2, padding="same", activation="relu")(image)
    x = layers.BatchNormalization()(x)
    x = layers.DepthwiseConv2D(3, padding="same")(x)
    x = layers.SeparableConv2D(4, 3, padding="same")(x)
    x = layers.PReLU(shared_axes=[1, 2])(x)
    x = layers.Conv2DTranspose(4, 4, strides=2, padding="same")(x)
    x = layers.Concatenate()([x, layers.ZeroPadding2D(1)(layers.Cropping2D(1)(x))])
    x = layers.Flatten()(x)
    return keras.Model(image, {"keypoints": layers.Reshape((17, 2))(layers.Dense(34)(x))})


@pytest.fixture(scope="module")
def file(small: Any, tmp_path_factory: Any) -> Path:
    path: Path = tmp_path_factory.mktemp("keras") / "small.keras"
    save(small, path)
    return path


def save(model: Any, path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Keras makes of NumPy is not the question
        model.save(path)


def sentence_of(path: Path) -> str:
    """What is said of a file; nothing where it opens."""
    try:
        open_keras(path)
    except ModelError as error:
        return str(error)
    return ""


def changed(path: Path, to: Path, change: Callable[[Config], None]) -> Path:
    """A copy of the file with another configuration."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    change(config)
    members["config.json"] = json.dumps(config).encode()
    return packed(to, members)


def packed(to: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(to, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return to


def layer(config: Config, name: str) -> Config:
    found: Config = next(one for one in config["config"]["layers"] if one["class_name"] == name)
    return found


def test_it_opens_what_keras_saved(small: Any, file: Path) -> None:
    picture = np.random.default_rng(0).uniform(-1, 1, (1, 8, 8, 3)).astype(np.float32)
    np.testing.assert_array_equal(open_keras(file)(picture)["keypoints"], small(picture)["keypoints"])


def test_losses_that_it_was_compiled_with_do_not_matter(keras: Any, small: Any, tmp_path: Path) -> None:
    class Mine(keras.losses.Loss):  # type: ignore[misc]
        def call(self, truth: Any, said: Any) -> Any:
            return said

    copy = keras.models.clone_model(small)
    copy.compile(loss=Mine())
    save(copy, tmp_path / "compiled.keras")
    assert not open_keras(tmp_path / "compiled.keras").compiled


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"class_name": "Lambda"},
            "got Lambda; a Lambda layer holds code, and code in a model file is never run",
        ),
        ({"class_name": "TFSMLayer"}, "got TFSMLayer; it is of keras.layers"),
        ({"class_name": "StringLookup"}, "got StringLookup"),
        ({"module": "os", "class_name": "system"}, "got system; it is of os"),
        ({"module": "builtins", "class_name": "function"}, "got function; it is of builtins"),
        ({"module": "keras.utils", "class_name": "get_file"}, "got get_file; it is of keras.utils"),
        ({"module": ["os"]}, "wanted plain Keras layers, got Flatten"),
        ({"class_name": 3}, "wanted plain Keras layers, got 3"),
        ({"registered_name": "mine>Own"}, "the registered name 'mine>Own', which is somebody's own class"),
    ],
)
def test_only_plain_layers_are_made(file: Path, tmp_path: Path, change: Config, sentence: str) -> None:
    def inside(config: Config) -> None:
        layer(config, "Flatten").update(change)

    with pytest.raises(ModelError, match=r"wanted plain Keras layers") as caught:
        open_keras(changed(file, tmp_path / "x.keras", inside))
    assert sentence in str(caught.value)

    def below(config: Config) -> None:
        layer(config, "Conv2D")["config"]["kernel_initializer"] = {
            "config": {},
            "module": "x",
            "class_name": "y",
        } | change

    with pytest.raises(ModelError, match=r"wanted plain Keras layers"):
        open_keras(changed(file, tmp_path / "y.keras", below))


def test_layers_have_no_more_weights_than_the_file(file: Path, tmp_path: Path) -> None:
    def huge(config: Config) -> None:
        layer(config, "Dense")["config"]["units"] = 1 << 24

    with pytest.raises(
        ModelError, match=r"wanted a file with the weights of its layers, got .* numbers for the"
    ):
        open_keras(changed(file, tmp_path / "x.keras", huge))

    def unsaid(config: Config) -> None:
        del layer(config, "Dense")["build_config"]

    with pytest.raises(
        ModelError, match="wanted layers with the shape that they were built for, got a Dense"
    ):
        open_keras(changed(file, tmp_path / "y.keras", unsaid))

    def negative(config: Config) -> None:
        layer(config, "Conv2D")["config"]["filters"] = -4

    with pytest.raises(ModelError, match="Conv2D: wanted whole numbers from 1, got -4"):
        open_keras(changed(file, tmp_path / "z.keras", negative))


def test_weights_lie_in_the_file_itself(file: Path, tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py", reason='h5py is not installed: pip install "posecore[export]"')
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}

    def with_weights(name: str, change: Callable[[Any], None]) -> Path:
        buffer = io.BytesIO(members["model.weights.h5"])
        with h5py.File(buffer, "r+") as weights:
            change(weights)
        return packed(tmp_path / name, {**members, "model.weights.h5": buffer.getvalue()})

    def link(weights: Any) -> None:
        weights["elsewhere"] = h5py.ExternalLink("/etc/passwd", "/")

    with pytest.raises(ModelError, match="wanted weights in the file itself, got a link to elsewhere"):
        open_keras(with_weights("a.keras", link))

    def external(weights: Any) -> None:
        weights.create_dataset("elsewhere", (4,), "f4", external=[("secret", 0, 16)])

    with pytest.raises(ModelError, match="wanted weights as plain arrays of numbers, got elsewhere"):
        open_keras(with_weights("b.keras", external))

    def bomb(weights: Any) -> None:
        weights.create_dataset("zeros", (1 << 30,), "f4")  # nothing is stored of it

    with pytest.raises(ModelError, match=r"wanted whole weights, got .* bytes for"):
        open_keras(with_weights("c.keras", bomb))


def test_what_is_no_keras_file_is_a_sentence(file: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="there is no such file"):
        open_keras(tmp_path / "nothing.keras")
    (tmp_path / "text.keras").write_text("not a model")
    with pytest.raises(ModelError, match=r"wanted a whole \.keras file"):
        open_keras(tmp_path / "text.keras")
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with pytest.raises(ModelError, match=r"once each, got .*assets/run.py"):
        open_keras(packed(tmp_path / "more.keras", {**members, "assets/run.py": b"import os"}))
    del members["model.weights.h5"]
    with pytest.raises(
        ModelError, match=r"model.weights.h5 in it, once each, got metadata.json, config.json"
    ):
        open_keras(packed(tmp_path / "less.keras", members))
    deep = packed(
        tmp_path / "deep.keras",
        {"metadata.json": b"{}", "config.json": b"[" * 100_000, "model.weights.h5": b""},
    )
    with pytest.raises(ModelError, match="wanted the configuration of a functional model"):
        open_keras(deep)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1, exclude_max=True), byte=st.integers(0, 255), cut=st.booleans())
def test_damaged_files_are_sentences(file: Path, tmp_path: Path, place: float, byte: int, cut: bool) -> None:
    data = bytearray(file.read_bytes())
    at = int(place * len(data))
    if cut:
        data = data[:at]
    else:
        data[at] = byte
    path = tmp_path / "damaged.keras"
    path.write_bytes(data)
    said = sentence_of(path)
    assert said == "" or said.startswith(str(path))


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_configurations_of_others_are_sentences(file: Path, tmp_path: Path, data: Any) -> None:
    anything = st.recursive(
        st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
        max_leaves=5,
    )

    def change(config: Config) -> None:
        places: list[tuple[Any, Any]] = []
        waiting: list[Any] = [config]
        while waiting:
            value = waiting.pop()
            pairs = (
                value.items()
                if isinstance(value, dict)
                else enumerate(value)
                if isinstance(value, list)
                else ()
            )
            for key, one in list(pairs):
                places.append((value, key))
                waiting.append(one)
        holder, key = places[data.draw(st.integers(0, len(places) - 1))]
        holder[key] = data.draw(anything)

    path = changed(file, tmp_path / "other.keras", change)
    said = sentence_of(path)
    assert said == "" or said.startswith(str(path))
