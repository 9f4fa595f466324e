"""What is said while work goes on: a bar with the time left on a terminal, now and then a line in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from shutil import get_terminal_size
from typing import Any, Protocol

from posecore.printable import printable

_LOG_EVERY_S = 10.0
_BAR_EVERY_S = 0.1
_BAR_CELLS = 24


class Task(Protocol):
    """A piece of work under way."""

    def advance(self) -> None:
        """One more unit is done."""


class Progress:
    """Progress of one task at a time, on stderr.

    Args:
        quiet: say nothing.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._bar: _RichBar | _LineBar | None = None

    def line(self, text: str) -> None:
        """A line of its own, above the bar where there is one; what would steer a terminal becomes question marks."""
        if not self._quiet:
            self.error(text)

    def error(self, text: str) -> None:
        """A line that is said even where quiet was asked for."""
        text = printable(text)
        if self._bar is not None:
            self._bar.line(text)
        else:
            print(text, file=sys.stderr, flush=True)

    @contextmanager
    def task(self, label: str, total: int | None, unit: str) -> Iterator[Task]:
        """Show how far `label` is while the block runs; `total` None where nobody knows."""
        if self._quiet:
            yield _Silent()
            return
        terminal, label = sys.stderr.isatty(), printable(label)
        bar = (
            _RichBar(label, total, unit)
            if terminal and find_spec("rich")
            else _LineBar(label, total, unit, terminal)
        )
        self._bar = bar
        try:
            yield bar
        finally:
            self._bar = None
            bar.stop()


class _Silent:
    def advance(self) -> None:
        pass


class _LineBar:
    """A line that is written over itself, or on no terminal a new one every ten seconds."""

    def __init__(self, label: str, total: int | None, unit: str, terminal: bool) -> None:
        self._label, self._total, self._unit, self._terminal = label, total, unit, terminal
        self._done, self._width = 0, 0
        self._started = self._said = time.monotonic()

    def advance(self) -> None:
        self._done += 1
        now = time.monotonic()
        if now - self._said >= (_BAR_EVERY_S if self._terminal else _LOG_EVERY_S):
            self._said = now
            self._say(now)

    def line(self, text: str) -> None:
        self._wipe()
        print(text, file=sys.stderr, flush=True)

    def stop(self) -> None:
        self._wipe()

    def _say(self, now: float) -> None:
        rate = self._done / max(now - self._started, 1e-9)
        text = f"{self._label}: {self._unit} {self._done}"
        if self._total:
            share = min(self._done / self._total, 1)
            cells = round(share * _BAR_CELLS)
            bar = f" [{'#' * cells}{'.' * (_BAR_CELLS - cells)}]" if self._terminal else ""
            left = clock((self._total - self._done) / rate)
            text = f"{text} of {self._total}{bar} {100 * share:.0f} %, {rate:.1f}/s, {left} left"
        else:
            text = f"{text}, {rate:.1f}/s"
        if self._terminal:
            self._wipe()
            # A longer line would wrap, and could not be written over.
            text = text[: max(get_terminal_size().columns - 1, 20)]
            self._width = len(text)
            print("\r" + text, end="", file=sys.stderr, flush=True)
        else:
            print(text, file=sys.stderr, flush=True)

    def _wipe(self) -> None:
        if self._width:
            print("\r" + " " * self._width + "\r", end="", file=sys.stderr, flush=True)
            self._width = 0


class _RichBar:
    """rich's bar, where rich is installed."""

    def __init__(self, label: str, total: int | None, unit: str) -> None:
        rich: Any = import_module("rich.progress")
        columns = [
            rich.TextColumn("{task.description}", markup=False),
            rich.BarColumn(),
            rich.MofNCompleteColumn(),
            rich.TextColumn("{task.fields[rate]:.1f} " + unit + "s/s"),
            rich.TimeRemainingColumn(),
        ]
        console = import_module("rich.console").Console(stderr=True)
        self._bar = rich.Progress(*columns, console=console, transient=True, refresh_per_second=5)
        self._task = self._bar.add_task(label, total=total, rate=0.0)
        self._done, self._started = 0, time.monotonic()
        self._bar.start()

    def advance(self) -> None:
        self._done += 1
        rate = self._done / max(time.monotonic() - self._started, 1e-9)
        self._bar.update(self._task, advance=1, rate=rate)

    def line(self, text: str) -> None:
        self._bar.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def stop(self) -> None:
        self._bar.stop()


def clock(seconds: float) -> str:
    """Seconds as 0:06, 12:34 or 1:02:03."""
    minutes, second = divmod(max(round(seconds), 0), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"
