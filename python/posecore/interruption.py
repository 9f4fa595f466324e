"""Ctrl-C that lets the frame in work be finished, so that files end where a frame ends."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any

_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class Interruption:
    """While the block runs, the first Ctrl-C (or SIGTERM, or SIGHUP) only sets `came`; the second one
    interrupts at once, as it always did. Outside of the main thread nothing changes."""

    def __init__(self) -> None:
        self.came: int | None = None
        """The signal's number, or None."""
        self._before: dict[int, Any] = {}

    @property
    def exit_code(self) -> int:
        """What a shell expects of a program that this signal ended: 130 for Ctrl-C."""
        return 128 + (self.came or signal.SIGINT)

    def __enter__(self) -> Interruption:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._note) for number in _SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.came is not None:
            raise KeyboardInterrupt
        self.came = number
