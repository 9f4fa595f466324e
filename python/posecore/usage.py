"""How a command ends: its exit codes, and the error of options that are wrong."""

from __future__ import annotations

OK, FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130
EXIT_CODES = "exit codes: 0 done, 1 something failed, 2 wrong usage, 130 Ctrl-C"


class UsageError(Exception):
    """Options that are wrong or do not fit together; `str(error)` is one sentence."""
