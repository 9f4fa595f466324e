"""What posecore raises when a file, a model or an installation is not what it should be.

Mistakes in arguments (dtype, shape, range) are plain `TypeError` and `ValueError`.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType


class PosecoreError(Exception):
    """Base of the errors below; `str(error)` is one sentence for a person."""


class ModelError(PosecoreError, ValueError):
    """A model file, or what it gives, cannot be used."""


class SourceError(PosecoreError, ValueError):
    """A picture, video, camera or heads file cannot be used."""


class MissingExtra(PosecoreError, ImportError):
    """A package that an optional part needs is not installed.

    `extra` names the group of requirements that brings it.
    """

    def __init__(self, message: str, *, extra: str) -> None:
        super().__init__(message)
        self.extra = extra


def look_for(module: str, *, extra: str, purpose: str) -> None:
    """As `require`, for a package that takes seconds to import: it is looked for, and imported later."""
    import importlib.util

    try:
        is_there = importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):  # what somebody has put in its place has no origin
        is_there = module in sys.modules
    if not is_there:
        require(module, extra=extra, purpose=purpose)


def require(module: str, *, extra: str, purpose: str) -> ModuleType:
    """Import `module`, or raise `MissingExtra` with the line that installs it.

    `purpose` completes the sentence "<purpose> needs the package ...".
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != module.partition(".")[0]:
            raise
        raise MissingExtra(
            f'{purpose} needs the package {module}, which is not installed: pip install "posecore[{extra}]"',
            extra=extra,
        ) from error
    except ImportError as error:
        raise MissingExtra(
            f"{purpose} needs the package {module}, which is installed but cannot be imported "
            f'({" ".join(str(error).split())}): pip install "posecore[{extra}]" brings one that can',
            extra=extra,
        ) from error
