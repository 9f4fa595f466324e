"""`Epochs`: what happens between the epochs of a run: evaluation, the log, the best weights, the checkpoint."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np

from posecore.errors import ModelError
from posecore.train.config import TrainConfig
from posecore.train.mixed_weights import mix
from posecore.train.recipes import Recipe
from posecore.train.run_folder import RunFolder, RunState
from posecore.train.schedules import learning_rate
from posecore.train.tensorboard import TensorBoard
from posecore.train.validation import Validation
from posecore.train.waiting import Waiting
from posecore.train.watch import Watcher


class Epochs:
    """The part of a run that Keras' fit calls.

    Order at the end of an epoch: evaluate with the weights that would be kept (`kept`), keep them where they are the
    best, write the log, and write the checkpoint last: whatever is lost is done again.
    """

    def __init__(
        self,
        config: TrainConfig,
        recipe: Recipe,
        model: Any,
        validations: list[Validation],
        folder: RunFolder,
        state: RunState,
        waiting: Waiting,
        watcher: Watcher,
        board: TensorBoard | None = None,
        start: Sequence[Any] | None = None,
    ) -> None:
        self.config, self.recipe, self.model, self.validations = config, recipe, model, validations
        self.folder, self.state, self.waiting, self.watcher = folder, state, waiting, watcher
        self.board, self.start = board, start
        self._began, self._waited_s = time.perf_counter(), 0.0

    def callback(self, keras: ModuleType) -> Any:
        """The Keras callback that does it."""
        epochs = self
        base: Any = keras.callbacks.Callback

        class Between(base):  # type: ignore[misc]
            def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
                epochs.begin()

            def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
                epochs.waiting.step_ends()
                epochs.watcher.step()
                if epochs.watcher.stop_wanted():
                    epochs.state.interrupted = True
                    self.model.stop_training = True

            def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
                epochs.model = self.model  # on JAX, asking Keras for it brings its weights up to date
                if not epochs.state.interrupted:
                    epochs.end(epoch, logs or {})
                    self.model.stop_training = epochs.state.ended

        return Between()

    def begin(self) -> None:
        """An epoch begins."""
        self._began, self._waited_s = time.perf_counter(), self.waiting.waited_s
        self.waiting.epoch_begins()

    def end(self, epoch: int, logs: Mapping[str, Any]) -> None:
        """Epoch number `epoch`, from 0, is done; `logs` are Keras' means over it.

        Raises:
            ModelError: training went astray; nothing was written, so that the last checkpoint is whole.
        """
        took_s = time.perf_counter() - self._began
        self._refuse_nan(epoch + 1, float(logs["loss"]))
        run, state = self.config.run, self.state
        done = (epoch + 1) * run.epoch_steps
        row: dict[str, Any] = {
            "epoch": epoch + 1,
            "step": done,
            "learning_rate": learning_rate(self.config.optimizer, done - 1, run.epochs * run.epoch_steps),
            **{name: float(value) for name, value in logs.items()},
            "steps_per_s": run.epoch_steps / max(took_s, 1e-9),
            "waited": min((self.waiting.waited_s - self._waited_s) / max(took_s, 1e-9), 1.0),
        }
        last = epoch + 1 >= run.epochs
        state.epochs_done = epoch + 1
        if self._is_due(epoch, last=last):
            with self.kept():
                row |= self.evaluate()
                self._keep_if_better(row)
        state.ended = last or (run.patience is not None and state.without_better >= run.patience)
        if self.board is not None:
            self.board.write(row, self.model)
        self.folder.log.add(row)
        state.rows = self.folder.log.rows
        self.folder.save(self.model, state)
        self.watcher.line(_sentence(row, run.epochs, better=state.best_epoch == epoch + 1))

    def evaluate(self) -> dict[str, float]:
        """The numbers of all validation sets; those of the second and later ones are called AP_2 and so on."""
        found: dict[str, float] = {}
        for number, validation in enumerate(self.validations, start=1):
            ending = f"_{number}" if number > 1 else ""
            found |= {f"{name}{ending}": value for name, value in validation(self.model).items()}
        return found

    @contextmanager
    def kept(self) -> Iterator[None]:
        """While the block runs the model has the weights that are evaluated and kept: their averages, where the
        optimizer keeps some, mixed with those at the start, where `run.mix` says so."""
        averaged = self.config.optimizer.ema is not None
        if not averaged and self.start is None:
            yield
            return
        weights = self.model.weights
        before = [np.asarray(weight).copy() for weight in weights]
        try:
            if averaged:
                self.model.optimizer.finalize_variable_values(self.model.trainable_variables)
            if self.start is not None:
                mix(self.model, self.start, self.config.run.mix)
            yield
        finally:
            for weight, value in zip(weights, before, strict=True):
                weight.assign(value)

    def _is_due(self, epoch: int, *, last: bool) -> bool:
        if not self.validations and self.config.run.metric != "loss":
            return False
        return last or (epoch + 1) % self.config.run.validate_every == 0

    def _refuse_nan(self, epoch: int, loss: float) -> None:
        # In float16 a step that overflows is left out, and its loss alone is not finite.
        may_overflow = self.config.optimizer.precision == "mixed_float16"
        whole = all(np.isfinite(np.asarray(weight)).all() for weight in self.model.weights)
        if whole and (math.isfinite(loss) or may_overflow):
            return
        what = f"a finite loss, got {loss}" if whole else "finite weights, got some that are not"
        kept = f"the checkpoint of epoch {epoch - 1} stands" if epoch > 1 else "there is no checkpoint yet"
        raise ModelError(
            f"{self.folder.path}: epoch {epoch}: wanted {what}; {kept}; begin anew with a lower "
            "optimizer.learning_rate or with optimizer.clip_norm"
        )

    def _keep_if_better(self, row: Mapping[str, Any]) -> None:
        state, metric = self.state, self.config.run.metric
        value = row.get(metric, math.nan)
        higher = -value if metric == "loss" else value
        known = None if state.best is None else (-state.best if metric == "loss" else state.best)
        if math.isfinite(value) and (known is None or higher > known):
            state.best, state.best_epoch, state.without_better = value, state.epochs_done, 0
            self.folder.save_best(self.model)
        else:
            state.without_better += 1


def _sentence(row: Mapping[str, Any], epochs: int, *, better: bool) -> str:
    text = f"epoch {row['epoch']} of {epochs}: loss {row['loss']:.4g}"
    for name in ("AP", "PCK", "PDJ", "PCP"):
        if name in row and math.isfinite(row[name]):
            text += f", {name} {row[name]:.3f}"
    text += f"; {row['steps_per_s']:.1f} steps/s, waited for data {100 * row['waited']:.0f} %"
    return f"{text} (best so far)" if better else text
