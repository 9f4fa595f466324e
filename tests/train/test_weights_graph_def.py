"""Constants come out of a frozen graph without TensorFlow, and any bytes give arrays or one sentence."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from posecore.errors import ModelError
from posecore.train.networks.weights_graph_def import read_graph_def

WANTED = frozenset({"net/weights", "net/biases"})


def varint(number: int) -> bytes:
    parts = []
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*parts, number])


def field(number: int, content: bytes | int) -> bytes:
    if isinstance(content, int):
        return varint(number << 3) + varint(content)
    return varint(number << 3 | 2) + varint(len(content)) + content


def tensor(shape: tuple[int, ...], values: bytes, *, dtype: int = 1) -> bytes:
    dims = b"".join(field(2, field(1, side)) for side in shape)
    return field(1, dtype) + field(2, dims) + values


def node(name: str, value: bytes | None, *, op: str = "Const") -> bytes:
    attributes = field(5, field(1, b"dtype") + field(2, field(6, 1)))
    if value is not None:
        attributes += field(5, field(1, b"value") + field(2, field(8, value)))
    return field(1, field(1, name.encode()) + field(2, op.encode()) + attributes)


def floats(array: np.ndarray) -> bytes:
    return array.astype("<f4").tobytes()


WEIGHTS = np.arange(6, dtype=np.float32).reshape(2, 3) - 2.5
BIASES = np.array([0.25, -8.0, 1e-9], np.float32)
GRAPH = (
    node("image", None, op="Placeholder")
    + node("net/weights", tensor((2, 3), field(4, floats(WEIGHTS))))
    + node("net/biases", tensor((3,), field(5, floats(BIASES))))
    + node("other", tensor((1,), field(4, b"\0\0\0\0")))
    + field(4, field(1, 1081))  # the version
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "frozen.pb"


def test_wanted_constants_come_with_their_shapes(path: Path) -> None:
    path.write_bytes(GRAPH)
    found = read_graph_def(path, WANTED)
    assert found.keys() == WANTED
    np.testing.assert_array_equal(found["net/weights"], WEIGHTS)
    np.testing.assert_array_equal(found["net/biases"], BIASES)
    assert {array.dtype for array in found.values()} == {np.dtype(np.float32)}


def test_it_agrees_with_tensorflow(path: Path) -> None:
    import tensorflow as tf

    graph = tf.compat.v1.GraphDef()
    scalar = np.float32(2.5)
    for name, array in (("net/weights", WEIGHTS), ("net/biases", scalar)):
        made = graph.node.add(name=name, op="Const")
        made.attr["dtype"].type = tf.float32.as_datatype_enum
        made.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(array))
    path.write_bytes(graph.SerializeToString())
    found = read_graph_def(path, WANTED)
    np.testing.assert_array_equal(found["net/weights"], WEIGHTS)
    assert found["net/biases"].shape == ()
    assert found["net/biases"] == scalar


def test_values_one_by_one_and_one_value_for_all(path: Path) -> None:
    single = b"".join(varint(5 << 3 | 5) + struct.pack("<f", value) for value in BIASES)
    path.write_bytes(
        node("net/biases", tensor((3,), single))
        + node("net/weights", tensor((2, 3), field(5, struct.pack("<2f", 1.5, 7))))
    )
    found = read_graph_def(path, WANTED)
    np.testing.assert_array_equal(found["net/biases"], BIASES)
    np.testing.assert_array_equal(found["net/weights"], [[1.5, 7, 7], [7, 7, 7]])


@pytest.mark.parametrize(
    ("graph", "sentence"),
    [
        (GRAPH[:-20], "are not a whole frozen graph: a field is cut off"),
        (b"\x0b", "are not a whole frozen graph: a field of kind 3"),
        (b"\xff" * 12, "are not a whole frozen graph: a number of more than ten bytes"),
        (b"\x80", "are not a whole frozen graph: a number is cut off"),
        (field(1, 7), "are not a whole frozen graph: field 1 is a number"),
        (
            node("net/biases", tensor((3,), field(4, b"\0" * 12))) * 2,
            "have the constant net/biases more than once",
        ),
        (node("net/biases", None), "have the constant net/biases without a value"),
        (
            node("net/biases", tensor((3,), field(4, b"\0" * 24), dtype=2)),
            "have net/biases of TensorFlow's type 2, wanted float32 (1)",
        ),
        (
            node("net/biases", tensor((3,), field(4, b"\0" * 8))),
            "have net/biases with 2 values, wanted 3, as its shape (3,) says",
        ),
        (
            node("net/biases", tensor((3,), field(4, b"\0" * 11))),
            "have net/biases in 11 bytes, wanted float32 in four each",
        ),
        (
            node("net/biases", tensor((3,), b"")),
            "have net/biases with 0 values, wanted 3, as its shape (3,) says",
        ),
        (
            node("net/biases", tensor((1 << 20, 1 << 20), field(5, b"\0" * 4))),
            "have net/biases of shape (1048576, 1048576), wanted at most 33554432 values",
        ),
        (
            node("net/biases", tensor((1 << 40,), field(5, b"\0" * 4))),
            "have net/biases of another shape than 8 sides below 2^31",
        ),
        (
            node("net/biases", tensor((1,) * 9, field(5, b"\0" * 4))),
            "have net/biases of another shape than 8 sides below 2^31",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(path: Path, graph: bytes, sentence: str) -> None:
    path.write_bytes(graph)
    with pytest.raises(ModelError, match=f"^{re.escape(f'weights {path} {sentence}')}$"):
        read_graph_def(path, WANTED)


def test_a_file_of_endless_small_fields_is_not_read_to_its_end(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("posecore.train.networks.weights_graph_def.MOST_FIELDS", 1000)
    path.write_bytes(field(1, b"") * 1001)
    with pytest.raises(ModelError, match=r"are not a whole frozen graph: more than 1000 fields$"):
        read_graph_def(path, WANTED)


def test_a_missing_file_and_a_folder_get_one_sentence(path: Path) -> None:
    for wrong in (path, path.parent):
        message = f"weights {wrong} cannot be read: no file of this name"
        with pytest.raises(ModelError, match=f"^{re.escape(message)}$"):
            read_graph_def(wrong, WANTED)


@given(st.data())
def test_any_bytes_give_arrays_or_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    graph = bytearray(GRAPH)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(graph) - 1))
        graph[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    path = tmp_path_factory.getbasetemp() / "fuzzed.pb"
    path.write_bytes(graph)
    found: dict[str, np.ndarray] = {}
    sentence = ""
    try:
        found = read_graph_def(path, WANTED)
    except ModelError as error:
        sentence = str(error)
    assert sentence.count("\n") == 0
    assert found.keys() <= WANTED
    assert {array.dtype for array in found.values()} <= {np.dtype(np.float32)}


def test_one_stored_number_does_not_fill_the_memory(path: Path) -> None:
    """Of tensor.proto, one number may stand for a whole constant: sizes count, not bytes."""
    names = [f"n{number}" for number in range(4)]
    graph = b"".join(node(name, tensor((1 << 20, 1 << 5), field(5, b"\0\0\0\0"))) for name in names)
    path.write_bytes(graph)
    with pytest.raises(ModelError, match="constants of more than 67108864 values in all"):
        read_graph_def(path, frozenset(names))
