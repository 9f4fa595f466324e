"""The folder of a run: its configuration, where it is, and what came out.

config.toml (what the run does), last.npz (the checkpoint), best.npz and final.npz (weights), log.csv and its curves
log.svg; at each of several workers before.npz (the checkpoint before the last one).
"""

from __future__ import annotations

import os
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from posecore.errors import ModelError, SourceError
from posecore.evaluation.whole_file import write_whole
from posecore.train import networks
from posecore.train.checkpoints import load_checkpoint, read_state, save_checkpoint, save_weights
from posecore.train.config import TrainConfig
from posecore.train.run_log import Row, RunLog

# Where a run lies, how many threads read for it and who looks on changes nothing in what comes out.
_FREE = {"input": ("threads",), "run": ("out", "tensorboard")}
_OWN = ("config.toml", "last.npz", "before.npz", "best.npz", "final.npz", "log.csv", "log.svg")


@dataclass
class RunState:
    """Where a run is.

    Attributes:
        epochs_done: whole epochs that are behind it.
        best: the best value of the metric so far, None before the first.
        best_epoch: the epoch, from 1, that had it.
        without_better: evaluations since then.
        ended: training is over: all epochs done, or ended early.
        interrupted: somebody asked to stop; not kept in checkpoints.
        rows: of the log.
    """

    epochs_done: int = 0
    best: float | None = None
    best_epoch: int = 0
    without_better: int = 0
    ended: bool = False
    interrupted: bool = False
    rows: list[Row] = field(default_factory=list)


class RunFolder:
    """The files of one run."""

    def __init__(self, config: TrainConfig) -> None:
        self.path = config.run.out
        self._config = config.table()
        self._keeps_two = config.run.devices == "workers"
        self.log = RunLog(self.path / "log.csv")

    @classmethod
    def open(cls, config: TrainConfig, *, restart: bool) -> RunFolder:
        """The folder, made where it is not there; with the configuration in it.

        Args:
            restart: files of a run that are there are taken away first.

        Raises:
            SourceError: it holds the checkpoint of another configuration, or it is a file.
            ModelError: its checkpoint is damaged.
        """
        folder = cls(config)
        if folder.path.exists() and not folder.path.is_dir():
            raise SourceError(f"{folder.path}: wanted a folder for the run, got a file")
        if restart:
            for name in _OWN:
                (folder.path / name).unlink(missing_ok=True)
            for events in (folder.path / "tensorboard").glob("events.out.tfevents.*"):
                events.unlink()
        elif folder.has_checkpoint:
            folder._refuse_others()
        folder.path.mkdir(parents=True, exist_ok=True)
        write_whole(folder.path / "config.toml", config.toml())
        return folder

    @property
    def checkpoint(self) -> Path:
        """The file from which the run goes on."""
        return self.path / "last.npz"

    @property
    def has_checkpoint(self) -> bool:
        """Whether there is something to go on from."""
        return self.checkpoint.is_file()

    def rows(self) -> list[Row]:
        """The log's rows as the checkpoint has them; none where there is no checkpoint."""
        if not self.has_checkpoint:
            return []
        found: list[Row] = read_state(self.checkpoint).get("run", {}).get("rows", [])
        return found

    def kept_epochs(self) -> list[int]:
        """How many epochs are behind each checkpoint that is there, the last one first; as `resume`, it may raise."""
        return [_state_in(read_state(path), path).epochs_done for path in self._checkpoints()]

    def resume(self, model: Any, epochs: int | None = None) -> RunState:
        """Set the model and its optimizer to a checkpoint; where the run is.

        Args:
            epochs: one of `kept_epochs`, or 0 for the beginning; None: the last checkpoint, where there is one.

        Raises:
            ModelError: it is damaged.
        """
        path = self.checkpoint
        if epochs is not None:
            kept = dict(zip(self.kept_epochs(), self._checkpoints(), strict=True))
            path = kept.get(epochs, self.path / "nothing")
            if epochs < max(kept, default=0):  # what is done again is written again
                (self.path / "final.npz").unlink(missing_ok=True)
        if not path.is_file():
            return RunState()
        found = _state_in(load_checkpoint(path, model), path)
        self.log = RunLog(self.log.path, found.rows)
        return found

    def save(self, model: Any, state: RunState) -> None:
        """The checkpoint of this moment, whole or not at all."""
        if self._keeps_two and self.has_checkpoint:
            beside = self.path / f".before.npz.{os.getpid()}.part"
            shutil.copyfile(self.checkpoint, beside)
            os.replace(beside, self.path / "before.npz")
        kept = {name: value for name, value in asdict(state).items() if name != "interrupted"}
        save_checkpoint(self.checkpoint, model, {"config": self._config, "run": kept})

    def save_best(self, model: Any) -> None:
        """The weights as the best ones."""
        save_weights(self.path / "best.npz", model)

    def finish(self, model: Any, state: RunState) -> None:
        """Write the last weights, where the run is over and they are not there."""
        if state.ended and not state.interrupted and not (self.path / "final.npz").is_file():
            save_weights(self.path / "final.npz", model)

    def best(self, model: Any, state: RunState) -> Any:
        """The model with the best weights where the run is over, the last ones where no evaluation chose."""
        if state.ended and not state.interrupted:
            name = "final.npz" if state.best is None else "best.npz"
            networks.load_posenet_weights(model, self.path / name)
        return model

    def _checkpoints(self) -> list[Path]:
        paths = (self.checkpoint, self.path / "before.npz")
        return [path for path in paths if path.is_file()]

    def _refuse_others(self) -> None:
        before = read_state(self.checkpoint).get("config")
        where = "another configuration"
        if isinstance(before, dict):
            where = difference(_binding(before), _binding(self._config))
        if not where:
            return
        raise SourceError(
            f"{self.path}: wanted the run of this configuration, got one with {where}; choose another folder, or begin "
            "anew with --force (restart=True)"
        )


def _state_in(state: dict[str, Any], path: Path) -> RunState:
    try:
        found = RunState(**state["run"])
        is_one = isinstance(found.epochs_done, int) and isinstance(found.rows, list)
    except (KeyError, TypeError):
        is_one = False
    if not is_one:
        raise ModelError(f"checkpoint {path} does not say where its run is")
    return found


def _binding(table: dict[str, Any]) -> dict[str, Any]:
    """The table without the keys with which a run may go on differently."""
    return {
        name: {key: value for key, value in one.items() if key not in _FREE.get(name, ())}
        if isinstance(one, dict)
        else one
        for name, one in table.items()
    }


def difference(before: dict[str, Any], now: dict[str, Any], where: str = "") -> str:
    """The first key in which two tables differ, as a sentence's part; "" where they are the same."""
    for key in dict.fromkeys((*before, *now)):
        a, b = before.get(key), now.get(key)
        if isinstance(a, dict) and isinstance(b, dict):
            inner = difference(a, b, f"{where}{key}.")
            if inner:
                return inner
        elif a != b:
            return f"{where}{key} {_shown(a)}, not {_shown(b)}"
    return ""


def _shown(value: Any) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:60]}..."
