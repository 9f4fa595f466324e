"""Runs that are stopped and killed, and what they leave."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from posecore.train.watch import Watcher

PROGRAM = """
import sys
from posecore.train.config import read_config
from posecore.train.fitting import fit
fit(read_config(sys.argv[1]))
"""


class Stopping(Watcher):
    """Asks to stop after so many batches."""

    def __init__(self, after: int | None = None) -> None:
        self.after, self.done, self.began, self.lines = after, 0, [], []

    def begin(self, step: int, steps: int) -> None:
        self.began.append((step, steps))

    def step(self) -> None:
        self.done += 1

    def line(self, text: str) -> None:
        self.lines.append(text)

    def stop_wanted(self) -> bool:
        return self.after is not None and self.done >= self.after


def arrays(path: Path) -> dict[str, np.ndarray]:
    with np.load(path) as archive:
        return {name: archive[name] for name in archive.files}


def assert_same(a: Path, b: Path) -> None:
    first, second = arrays(a), arrays(b)
    assert first.keys() == second.keys()
    for name, array in first.items():
        np.testing.assert_array_equal(array, second[name], err_msg=name)


def killed_at(config: Path, when: Callable[[], bool]) -> bool:
    """Start the run in a process of its own, and kill it there as soon as `when`; whether it had to be killed."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(config)], env=environment, stderr=subprocess.DEVNULL
    )
    try:
        while process.poll() is None and not when():
            time.sleep(0.002)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            process.wait()
            return True
        assert process.returncode == 0
        return False
    finally:
        process.kill()
        process.wait()
