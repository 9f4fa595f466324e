"""Files that a command writes: refused with a sentence before any work, where they cannot or must not be written."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from posecore.evaluation.whole_file import part_of
from posecore.usage import UsageError

Name = str | os.PathLike[str]


def result_file(
    option: str, name: Name, *, inputs: Iterable[Name | None], force: bool, makes_folder: bool = False
) -> Path:
    """The path of an option, after all that can be known about it has been looked at; nothing is written.

    Args:
        option: such as "--out", for the sentence.
        name: as it was typed.
        inputs: what the command reads, which is never overwritten; None and - (stdin) are no files.
        force: whether a file that is there may be replaced.
        makes_folder: whether the command makes a folder that is missing.

    Raises:
        UsageError: the name of a folder, of a device, of an input, in no folder, or of a file that is there
            while `force` is False.
    """
    text = os.fspath(name)
    path = Path(text)
    if text in ("", "-"):
        raise UsageError(f"{option}: wanted a file, got {'- for stdout' if text else 'no name'}")
    if path.is_dir() or text.endswith(("/", os.sep)):
        raise UsageError(f"{option}: wanted a file, got the folder {text}")
    if any(_is_same(path, one) for one in inputs):
        raise UsageError(f"{option}: {text} is one of the files to read; choose another name")
    if path.exists() and not path.is_file():
        raise UsageError(f"{option}: wanted a file, got {text}, which is none")
    if os.path.lexists(path) and not force:
        raise already_there(option, name)
    _look_at_folder(option, path, makes_folder)
    return path


def already_there(option: str, name: Name) -> UsageError:
    """The sentence for a file that would be overwritten."""
    return UsageError(
        f"{option}: {os.fspath(name)} is there already; add --force to overwrite, or choose another name"
    )


def _look_at_folder(option: str, path: Path, makes_folder: bool) -> None:
    folder = path.parent
    if makes_folder:
        while not os.path.lexists(folder) and folder != folder.parent:
            folder = folder.parent
    if not os.path.lexists(folder):
        raise UsageError(f"{option}: wanted a file in a folder that is there, got {path}")
    if not folder.is_dir():
        raise UsageError(f"{option}: wanted a file in a folder, got {path}, and {folder} is no folder")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UsageError(f"{option}: wanted a folder that may be written to, got {folder}")
    if folder == path.parent:
        try:
            part_of(path).lstat()
        except FileNotFoundError:
            pass
        except OSError as error:  # a name that is too long for the file system
            raise UsageError(f"{option}: wanted another name, got {path} ({error.strerror})") from None


def _is_same(path: Path, other: Name | None) -> bool:
    if other is None or os.fspath(other) == "-":
        return False
    try:
        return os.path.realpath(path) == os.path.realpath(other) or os.path.samefile(path, other)
    except OSError:
        return False
