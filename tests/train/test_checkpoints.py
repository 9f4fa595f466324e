"""A checkpoint is whole or it is refused, and then nothing has changed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from posecore.errors import ModelError
from posecore.train.checkpoints import load_checkpoint, read_state, save_checkpoint


@pytest.fixture
def make(keras: Any) -> Any:
    def made(units: int = 3, *, seed: int = 0) -> Any:
        keras.utils.set_random_seed(seed)
        layers = keras.layers
        model = keras.Sequential(
            [
                keras.Input((4,)),
                layers.Dense(units),
                layers.Dropout(0.5),
                layers.BatchNormalization(),
                layers.Dense(1),
            ]
        )
        model.compile(optimizer=keras.optimizers.AdamW(0.01), loss="mse")
        model.optimizer.build(model.trainable_variables)
        return model

    return made


def step(model: Any, seed: int) -> None:
    rng = np.random.default_rng(seed)
    model.train_on_batch(rng.random((8, 4), np.float32), rng.random((8, 1), np.float32))


def everything(model: Any) -> list[np.ndarray]:
    return [np.asarray(v).copy() for v in (*model.variables, *model.optimizer.variables)]


def test_another_process_model_goes_on_from_it_bit_for_bit(make: Any, tmp_path: Path) -> None:
    first = make()
    step(first, 1)
    save_checkpoint(tmp_path / "last.npz", first, {"epoch": 1, "name": "ü"})
    second = make(seed=5)
    assert load_checkpoint(tmp_path / "last.npz", second) == {"epoch": 1, "name": "ü"}
    assert read_state(tmp_path / "last.npz") == {"epoch": 1, "name": "ü"}
    for model in (first, second):
        step(model, 2)
    for a, b in zip(everything(first), everything(second), strict=True):
        np.testing.assert_array_equal(a, b)
    assert [path.name for path in tmp_path.iterdir()] == ["last.npz"]


def test_what_cannot_be_written_leaves_what_was_there(make: Any, tmp_path: Path, monkeypatch: Any) -> None:
    path, model = tmp_path / "last.npz", make()
    save_checkpoint(path, model, {"epoch": 1})
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        save_checkpoint(path, model, {"epoch": 2})
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["last.npz"]


def test_a_file_that_is_cut_off_anywhere_is_refused_and_changes_nothing(make: Any, tmp_path: Path) -> None:
    path, model = tmp_path / "last.npz", make()
    save_checkpoint(path, model, {"epoch": 1})
    whole = path.read_bytes()
    other = make(seed=9)
    before = everything(other)
    for length in (0, 1, 30, len(whole) // 3, len(whole) // 2, len(whole) - 30, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(ModelError, match=r"wanted a whole \.npz file"):
            load_checkpoint(path, other)
    for a, b in zip(before, everything(other), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_checkpoint_of_another_network_is_refused_and_changes_nothing(make: Any, tmp_path: Path) -> None:
    path = tmp_path / "last.npz"
    save_checkpoint(path, make(5), {"epoch": 1})
    model = make(3)
    before = everything(model)
    with pytest.raises(
        ModelError, match=r"has weights/00000:kernel of shape \(4, 5\) and float32, wanted \(4, 3\)"
    ):
        load_checkpoint(path, model)
    np.savez(path, **{"weights/00000:kernel": np.zeros((4, 3), np.float32)})
    with pytest.raises(ModelError, match="has no state"):
        load_checkpoint(path, model)
    with pytest.raises(ModelError, match="there is no such file"):
        load_checkpoint(tmp_path / "none.npz", model)
    for a, b in zip(before, everything(model), strict=True):
        np.testing.assert_array_equal(a, b)
