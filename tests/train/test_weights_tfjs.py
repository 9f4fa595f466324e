"""Weights come out of a tfjs model, and any bytes give arrays or one sentence."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from posecore.errors import ModelError
from posecore.train.networks.weights_tfjs import read_tfjs

WANTED = frozenset({"net/weights", "net/biases"})
WEIGHTS = np.arange(6, dtype=np.float32).reshape(2, 3) - 2.5
BIASES = np.array([0.25, -8.0, 1e-9], np.float32)
STEP = np.array([7], np.int32)
BYTES = STEP.tobytes() + WEIGHTS.tobytes() + BIASES.tobytes()
ENTRIES = [
    {"name": "step", "shape": [1], "dtype": "int32"},
    {"name": "net/weights", "shape": [2, 3], "dtype": "float32"},
    {"name": "net/biases", "shape": [3], "dtype": "float32"},
]


def write(
    folder: Path, *, entries: Any = ENTRIES, shards: dict[str, bytes] | None = None, paths: Any = None
) -> Path:
    """A model of one group, in two shards that split an array where nothing is said."""
    shards = {"shard1.bin": BYTES[:17], "shard2.bin": BYTES[17:]} if shards is None else shards
    for name, content in shards.items():
        (folder / name).write_bytes(content)
    group = {"paths": list(shards) if paths is None else paths, "weights": entries}
    path = folder / "model.json"
    path.write_text(json.dumps({"modelTopology": {}, "weightsManifest": [group]}))
    return path


@pytest.mark.parametrize("as_folder", [False, True])
def test_wanted_weights_come_with_their_shapes(tmp_path: Path, as_folder: bool) -> None:
    path = write(tmp_path)
    found = read_tfjs(tmp_path if as_folder else path, WANTED)
    assert found.keys() == WANTED
    np.testing.assert_array_equal(found["net/weights"], WEIGHTS)
    np.testing.assert_array_equal(found["net/biases"], BIASES)
    assert {array.dtype for array in found.values()} == {np.dtype(np.float32)}


@pytest.mark.parametrize(("dtype", "stored"), [("uint8", np.uint8), ("uint16", np.uint16)])
def test_quantised_weights_are_real_again(tmp_path: Path, dtype: str, stored: Any) -> None:
    quantised = np.array([0, 3, 255], stored)
    entry = {"name": "net/biases", "shape": [3], "dtype": "float32"}
    entry["quantization"] = {"dtype": dtype, "scale": 0.5, "min": -10}
    path = write(tmp_path, entries=[entry], shards={"s": quantised.tobytes()})
    np.testing.assert_array_equal(read_tfjs(path, WANTED)["net/biases"], [-10, -8.5, 117.5])


def test_halves_are_real_again(tmp_path: Path) -> None:
    entry = {"name": "net/biases", "shape": [3], "dtype": "float32", "quantization": {"dtype": "float16"}}
    halves = BIASES.astype("<f2")
    path = write(tmp_path, entries=[entry], shards={"s": halves.tobytes()})
    np.testing.assert_array_equal(read_tfjs(path, WANTED)["net/biases"], halves.astype(np.float32))


def test_shards_of_groups_that_nobody_wants_are_not_read(tmp_path: Path) -> None:
    entry = {"name": "other", "shape": [3], "dtype": "float32"}
    assert read_tfjs(write(tmp_path, entries=[entry], shards={}, paths=["absent"]), WANTED) == {}


def entry(**changes: Any) -> list[dict[str, Any]]:
    return [{"name": "net/biases", "shape": [3], "dtype": "float32", **changes}]


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        ({"shards": {"s": BYTES[:-1]}}, ": wanted 40 bytes of shards, got 39"),
        (
            {"shards": {"s": BYTES, "t": b"x"}},
            ": the shard t has more than the 0 bytes that were wanted",
        ),
        ({"paths": ["absent"]}, ": the shard absent cannot be read: no file of this name"),
        ({"paths": ["../shard1.bin"]}, ": wanted shards in the same folder, got '../shard1.bin'"),
        ({"paths": [".."]}, ": wanted shards in the same folder, got '..'"),
        ({"paths": [1]}, ": wanted shards in the same folder, got 1"),
        ({"paths": "shard1.bin"}, ": wanted a list of paths in each group, got none"),
        ({"entries": "net"}, ": wanted a list of weights in each group, got none"),
        ({"entries": [3]}, ": wanted weights with names, got another entry"),
        (
            {"entries": entry(shape=[-3])},
            ": weight net/biases: wanted a shape of up to 8 whole numbers, got another",
        ),
        (
            {"entries": entry(shape=[True])},
            ": weight net/biases: wanted a shape of up to 8 whole numbers, got another",
        ),
        (
            {"entries": entry(dtype="string")},
            ": weight net/biases: wanted one of the dtypes float32, float16, int32, bool, complex64, got 'string'",
        ),
        (
            {"entries": entry(dtype="int32"), "shards": {"s": bytes(12)}},
            " have net/biases of dtype int32, wanted float32",
        ),
        (
            {"entries": entry(quantization={"dtype": "int4"})},
            ": weight net/biases: wanted a quantization to uint8, uint16, float16, got another",
        ),
        (
            {"entries": entry(quantization={"dtype": "uint8", "scale": "1", "min": 0})},
            ": weight net/biases: wanted a quantization with scale and min, got another",
        ),
        ({"entries": entry(shape=[1 << 30])}, " say more than 256 MiB of arrays"),
        ({"entries": entry() * 2, "shards": {"s": bytes(24)}}, " have net/biases more than once"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(tmp_path: Path, model: dict[str, Any], sentence: str) -> None:
    path = write(tmp_path, **model)
    with pytest.raises(ModelError, match=f"^{re.escape(f'weights {path}{sentence}')}$"):
        read_tfjs(path, WANTED)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "are not JSON"),
        (b"\xff\xfe", "are not JSON"),
        (b"[" * 200_000, "are not JSON"),
        (b"[]", "have no weightsManifest, which a tfjs model has"),
        (b'{"weightsManifest": [[]]}', "have no weightsManifest, which a tfjs model has"),
    ],
)
def test_what_is_no_tfjs_model_gets_one_sentence(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = tmp_path / "model.json"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=f"^{re.escape(f'weights {path} {sentence}')}$"):
        read_tfjs(path, WANTED)


def test_a_folder_wants_one_json_file(tmp_path: Path) -> None:
    for count in (0, 2):
        message = f"weights {tmp_path}: wanted a folder with one .json file, got {count} of them"
        with pytest.raises(ModelError, match=f"^{re.escape(message)}$"):
            read_tfjs(tmp_path, WANTED)
        for name in ("a.json", "b.json"):
            (tmp_path / name).write_bytes(b"{}")


def test_a_missing_file_gets_one_sentence(tmp_path: Path) -> None:
    message = f"weights {tmp_path / 'no.json'} cannot be read: no file of this name"
    with pytest.raises(ModelError, match=f"^{re.escape(message)}$"):
        read_tfjs(tmp_path / "no.json", WANTED)


@given(st.data())
def test_any_bytes_give_arrays_or_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.getbasetemp() / "fuzzed_tfjs"
    folder.mkdir(exist_ok=True)
    path = write(folder)
    model = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(model) - 1))
        new = data.draw(
            st.sampled_from([b"", b"9", b"-", b"[", b"}", b'"', b"1e999", b"NaN", b"\xff", b"\\u"])
        )
        model[at : at + data.draw(st.integers(0, 3))] = new
    path.write_bytes(model)
    found: dict[str, np.ndarray] = {}
    sentence = ""
    try:
        found = read_tfjs(path, WANTED)
    except ModelError as error:
        sentence = str(error)
    assert sentence.count("\n") == 0
    assert found.keys() <= WANTED
    assert {array.dtype for array in found.values()} <= {np.dtype(np.float32)}
