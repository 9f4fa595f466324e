"""`posecore train`: train a network as a configuration says, go on where a run was interrupted, or check it before."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

import posecore
from posecore.errors import require
from posecore.interruption import Interruption
from posecore.option_values import whole
from posecore.outputs import write_file
from posecore.printable import printable
from posecore.progress import Progress, Task
from posecore.train.watch import Watcher
from posecore.usage import FAILED, OK, UsageError

if TYPE_CHECKING:
    from posecore.train.check import Check
    from posecore.train.config import TrainConfig

NAME = "train"
SUMMARY = "train a network as a configuration file says"
DETAILS = """\
CONFIG is a .toml file with the sections data, network, input, augmentation, loss, optimizer and run; paths in it are
relative to it. Everything goes into the folder run.out: config.toml (what was done, to the last default), log.csv and
log.svg (one row an epoch, and its curves), last.npz (the checkpoint), best.npz and final.npz (weights). A run that was
interrupted, killed or cut off goes on when the same command is given again, and its weights come out the same.
--check trains nothing: it counts labels, draws a batch, looks at the first loss, gradients and activations, and lets
the network learn 11 pictures by heart; its pictures and check.json go into the folder check in run.out.
example: posecore train run.toml --check && posecore train run.toml"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("config", metavar="CONFIG", help="the configuration, .toml or .json")
    add(
        "--check",
        action="store_true",
        help="look at data, network and losses before a long run; trains nothing",
    )
    add(
        "--check-steps",
        type=whole(0, 100_000),
        metavar="N",
        help="steps in which 11 pictures are learnt by heart; 0 leaves it out (default 400)",
    )
    add("--resume", action="store_true", help="go on from the checkpoint, and fail where there is none")
    add("--out", metavar="DIR", help="the run's folder, in place of run.out")
    add("--force", action="store_true", help="begin anew, and overwrite what the folder has")
    add("--json", action="store_true", help="print the result for programs on stdout")
    add("--quiet", action="store_true", help="say nothing but errors")


def run(args: argparse.Namespace) -> int:
    from posecore.train.config import read_config

    if args.check_steps is not None and not args.check:
        raise UsageError("--check-steps: wanted --check with it, got none")
    for option in ("resume", "force"):
        if args.check and getattr(args, option):
            raise UsageError(f"--check: trains nothing; leave it or --{option} out")
    if args.resume and args.force:
        raise UsageError("--resume: goes on with what is there; leave it or --force out")
    config = read_config(args.config)
    if args.out is not None:
        config = _with_out(config, args.out)
    progress = Progress(quiet=args.quiet)
    return _check(args, config, progress) if args.check else _train(args, config, progress)


def _train(args: argparse.Namespace, config: TrainConfig, progress: Progress) -> int:
    from posecore.train.fitting import fit
    from posecore.train.run_folder import RunFolder

    folder = RunFolder(config)
    if args.resume and not folder.has_checkpoint:
        raise UsageError(f"--resume: wanted a checkpoint in {folder.path}, got none")
    with Interruption() as interruption, Shown(progress, interruption) as shown, _quiet_keras():
        fit(config, watcher=shown, restart=args.force)
    came = interruption.came is not None
    code = interruption.exit_code if came else OK
    if came:
        kept = folder.has_checkpoint
        progress.line("interrupted; " + ("the same command goes on" if kept else "no epoch was done"))
    else:
        progress.line(f"written: {printable(folder.path)}")
    if args.json:
        about = {
            "posecore": posecore.__version__,
            "out": str(folder.path),
            "interrupted": came,
            "rows": folder.rows(),
            "exit_code": code,
        }
        print(json.dumps(about, allow_nan=False))
    return code


def _check(args: argparse.Namespace, config: TrainConfig, progress: Progress) -> int:
    from posecore.train.check import check
    from posecore.train.check_pictures import pictures_of

    steps = 400 if args.check_steps is None else args.check_steps
    with Interruption() as interruption, Shown(progress, interruption) as shown, _quiet_keras():
        found = check(config, steps=steps, watcher=shown)
    folder = config.run.out / "check"
    report = {"posecore": posecore.__version__, **_plain(found)}
    write_file(folder / "check.json", (json.dumps(report, allow_nan=False) + "\n").encode())
    write_file(folder / "check.txt", ("\n".join(found.lines()) + "\n").encode())
    cv2: Any = require("cv2", extra="train", purpose="Writing pictures")
    for name, image in pictures_of(found).items():
        done, data = cv2.imencode(".png", image[:, :, ::-1])
        if done:
            write_file(folder / f"{name}.png", data.tobytes())
    for line in found.lines():
        progress.line(printable(line))
    progress.line(f"written: {printable(folder)}")
    code = interruption.exit_code if interruption.came is not None else OK if found.good else FAILED
    if args.json:
        print(json.dumps(report | {"exit_code": code}, allow_nan=False))
    return code


class Shown(Watcher):
    """Shows a run on stderr, and stops it at Ctrl-C."""

    def __init__(self, progress: Progress, interruption: Interruption) -> None:
        self._progress, self._interruption = progress, interruption
        self._stack = ExitStack()
        self._task: Task | None = None

    def __enter__(self) -> Shown:
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def begin(self, step: int, steps: int) -> None:
        if step:
            self._progress.line(f"going on at step {step} of {steps}")
        self._stack.close()
        self._task = self._stack.enter_context(self._progress.task("training", steps - step, "step"))

    def step(self) -> None:
        if self._task is not None:
            self._task.advance()

    def line(self, text: str) -> None:
        self._progress.line(text)

    def stop_wanted(self) -> bool:
        return self._interruption.came is not None


@contextmanager
def _quiet_keras() -> Iterator[None]:
    """What Keras prints on stdout goes to stderr: stdout is for data."""
    with redirect_stdout(sys.stderr):
        yield


def _with_out(config: TrainConfig, out: str) -> TrainConfig:
    from dataclasses import replace

    return replace(config, run=replace(config.run, out=Path(out)))


def _plain(found: Check) -> dict[str, Any]:
    """The report without what JSON cannot hold."""

    def finite(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: finite(one) for name, one in value.items()}
        if isinstance(value, list):
            return [finite(one) for one in value]
        return None if isinstance(value, float) and not math.isfinite(value) else value

    plain: dict[str, Any] = finite(found.report())
    return plain
