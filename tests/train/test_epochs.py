"""What happens between epochs: a run gone astray, evaluations, patience, and what a step has waited for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from posecore.errors import ModelError
from posecore.train.config import TrainConfig
from posecore.train.epochs import Epochs
from posecore.train.fitting import fit
from posecore.train.tensorboard import TensorBoard
from posecore.train.validation import Validation
from posecore.train.waiting import Waiting
from train.dotted_people import small_config
from train.killed_runs import Stopping, arrays

pytest.importorskip("cv2", reason='OpenCV is not installed: pip install "posecore[app]"')


def short(tmp_path: Path, **run: Any) -> TrainConfig:
    config = small_config(tmp_path)
    return replace(config, run=replace(config.run, **{"steps": 4, "epoch_steps": 1, **run}))


def test_a_run_whose_loss_is_nan_ends_and_keeps_the_last_whole_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = short(tmp_path)
    end = Epochs.end

    def astray(self: Epochs, epoch: int, logs: Mapping[str, Any]) -> None:
        end(self, epoch, {**logs, "loss": math.nan} if epoch == 2 else logs)

    monkeypatch.setattr(Epochs, "end", astray)
    with pytest.raises(ModelError) as caught:
        fit(config)
    assert str(caught.value) == (
        f"{config.run.out}: epoch 3: wanted a finite loss, got nan; the checkpoint of epoch 2 stands; begin anew with "
        "a lower optimizer.learning_rate or with optimizer.clip_norm"
    )
    kept = arrays(config.run.out / "last.npz")
    assert '"epochs_done": 2' in str(kept["state"])


def test_a_run_whose_weights_are_nan_ends_before_it_writes_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = short(tmp_path)
    end = Epochs.end

    def astray(self: Epochs, epoch: int, logs: Mapping[str, Any]) -> None:
        if epoch == 1:  # by the last step of the epoch: no loss has seen it
            weight = self.model.trainable_weights[0]
            weight.assign(np.full(weight.shape, np.nan))
        end(self, epoch, logs)

    monkeypatch.setattr(Epochs, "end", astray)
    with pytest.raises(
        ModelError, match=r"epoch 2: wanted finite weights, .*; the checkpoint of epoch 1 stands;"
    ):
        fit(config)
    kept = arrays(config.run.out / "last.npz")
    assert all(np.isfinite(array).all() for name, array in kept.items() if name.startswith("weights/"))


def test_evaluations_that_give_nan_count_as_no_better(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Validation, "__call__", lambda *_: {"PCK": math.nan})
    watcher = Stopping()
    fit(short(tmp_path, patience=2), watcher=watcher)
    assert watcher.done == 2


def test_evaluations_come_as_often_as_they_are_wanted_whatever_the_metric(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = []
    monkeypatch.setattr(Validation, "__call__", lambda *_: times.append(1) or {"PCK": 0.5})
    fit(short(tmp_path, metric="loss", validate_every=3))
    assert len(times) == 2, "after epoch 3, and after the last one"


def test_a_run_that_begins_anew_leaves_no_logs_of_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = []
    close = TensorBoard.close
    monkeypatch.setattr(TensorBoard, "close", lambda self: (closed.append(1), close(self)))
    config = short(tmp_path, tensorboard=True, steps=1)
    for _ in range(2):
        fit(config, restart=True)
    assert len(list((config.run.out / "tensorboard").iterdir())) == 1
    assert len(closed) == 2


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_step_has_waited_only_while_the_network_had_nothing_to_do() -> None:
    clock = Clock()
    waiting = Waiting(clock)

    def at(now: float, event: Any) -> None:
        clock.now = now
        event()

    at(0, waiting.epoch_begins)
    at(5, waiting.batch_is_there)
    at(6, waiting.batch_is_there)  # drawn ahead, while the network works
    at(8, waiting.step_ends)
    assert waiting.waited_s == 0, "nobody can have the first batch ready"
    at(10, waiting.step_ends)
    assert waiting.waited_s == 0
    at(13, waiting.batch_is_there)
    at(15, waiting.step_ends)
    assert waiting.waited_s == 3
    at(16, waiting.batch_is_there)
    at(50, waiting.epoch_begins)  # an evaluation is no step
    at(52, waiting.step_ends)
    assert waiting.waited_s == 3
