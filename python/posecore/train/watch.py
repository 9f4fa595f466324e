"""`Watcher`: who is told how a run goes, and may ask it to stop."""

from __future__ import annotations


class Watcher:
    """Hears what happens and says nothing; a command overrides what it wants to show."""

    def begin(self, step: int, steps: int) -> None:
        """Training begins at batch `step` of `steps`: 0, or more after a resume."""

    def step(self) -> None:
        """One more batch is done."""

    def line(self, text: str) -> None:
        """A sentence about an epoch."""

    def stop_wanted(self) -> bool:
        """Whether to stop after this batch. The last checkpoint stands; work since then is done again on resume."""
        return False
