"""`Waiting`: how long the steps of a network stood still because there was no batch for them."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable


class Waiting:
    """Compares when batches were there with when steps could begin.

    Keras draws batches ahead of the steps, in a thread of its own where it likes. That the feed was waited for says
    nothing then: the network may have been at work at that time. A step has waited for as long as the network was done
    with the step before and its batch was not there.

    Args:
        clock: the time in seconds, from any beginning.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._given: deque[float] = deque()  # of batches that no step has used; safe in threads
        self._free: float | None = None  # since when the network has nothing to do
        self._first = True
        self.waited_s = 0.0

    def batch_is_there(self) -> None:
        """The next batch is made."""
        self._given.append(self._clock())

    def epoch_begins(self) -> None:
        """The network is free; what came before was no step."""
        self._free = self._clock()

    def step_ends(self) -> None:
        """The network is done with the oldest batch. The very first one of a run nobody can have ready."""
        given = self._given.popleft() if self._given else None
        if given is not None and self._free is not None and not self._first:
            self.waited_s += max(given - self._free, 0.0)
        self._first = False
        self._free = self._clock()
