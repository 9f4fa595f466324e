"""The files of one export: made in a folder beside their places, and moved there together when all are whole."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from posecore.errors import PosecoreError
from posecore.printable import printable
from posecore.result_file import result_file
from posecore.usage import UsageError

VERIFICATION, PICTURE = ".verify.json", ".verify.png"
_BESIDE = (".json", VERIFICATION, PICTURE)
_LOG = ".log"
_OLD = "old"
_FULL = (errno.ENOSPC, errno.EFBIG, errno.EROFS, errno.EIO, getattr(errno, "EDQUOT", errno.ENOSPC))


class ExportFiles:
    """While the block runs `work` is a folder for a model and all that lies beside it, under the names that they are to
    have. `publish` moves them to where they belong; without it they go, but for logs of other programs, which replace
    those of the last time.

    Attributes:
        model: where the model goes.
        work: the folder, there while the block runs.
    """

    def __init__(self, model: Path, option: str = "--out") -> None:
        self.model = model
        self._option = option
        self.work = model.with_name(f".{model.name}.{os.getpid()}.part")

    @classmethod
    def planned(
        cls,
        option: str,
        name: str,
        *,
        inputs: Iterable[Path],
        force: bool,
        companions: Callable[[Path], Iterable[Path]] = lambda model: (),
    ) -> ExportFiles:
        """For a model file of this name, after all names have been looked at.

        Args:
            option: that names it, for sentences.
            name: of the model file.
            inputs: what is read.
            force: whether files that are there may be replaced.
            companions: gives further files that may be written beside a model file.

        Raises:
            UsageError: the file, or one beside it, is there while `force` is False, or cannot be written.
        """
        read = tuple(inputs)
        model = result_file(option, name, inputs=read, force=force, makes_folder=True)
        for path in (*(Path(f"{model}{ending}") for ending in _BESIDE), *companions(model)):
            may_replace = force or path.suffix == _LOG  # a run that failed has left one
            result_file(option, path, inputs=read, force=may_replace, makes_folder=True)
        return cls(model, option)

    @property
    def work_model(self) -> Path:
        """The model in the folder."""
        return self.work / self.model.name

    def beside(self, ending: str) -> Path:
        """A file beside the model, in the folder."""
        return self.work / f"{self.model.name}{ending}"

    def __enter__(self) -> ExportFiles:
        try:
            self.model.parent.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(self.work, ignore_errors=True)
            self.work.mkdir()
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self.model)) from error
        return self

    def __exit__(self, *_: object) -> None:
        for log in sorted(self.work.glob(f"*{_LOG}")):
            if log != self.work_model:
                with suppress(OSError):
                    os.replace(log, self.model.with_name(log.name))
        shutil.rmtree(self.work, ignore_errors=True)

    def told(self, text: str) -> str:
        """A text in which files of the folder are called by the places that they go to."""
        return text.replace(f"{self.work}{os.sep}", f"{self.model.parent}{os.sep}".removeprefix(f".{os.sep}"))

    @contextmanager
    def telling(self) -> Iterator[None]:
        """What the block raises calls files by the places that they go to."""
        try:
            yield
        except (PosecoreError, UsageError) as error:
            error.args = tuple(self.told(one) if isinstance(one, str) else one for one in error.args)
            if isinstance(error, ImportError):  # its text is not in its arguments alone
                error.msg = self.told(error.msg)
            raise
        except OSError as error:
            if isinstance(error.filename, (str, os.PathLike)):
                error.filename = self.told(os.fspath(error.filename))
            elif error.errno in _FULL:  # what writes says no name
                error.filename = str(self.model)
            raise

    def publish(self, *, force: bool) -> list[Path]:
        """Move all files to their places; gives their paths, the model first.

        A model comes after its description, so that one that is there has it beside it, and old files stay until the
        new ones are in their places: where one cannot be moved, all is as before. What is ended by force between two
        of these steps leaves a model whose description has the hash of another, which nobody reads for its own.

        Raises:
            UsageError: something that the exporter wrote too is there already, while `force` is False, or is a folder.
            OSError: one of them cannot be moved.
        """
        made = sorted(self.work.iterdir(), key=lambda path: (path.name != self.model.name, path.name))
        places = [self.model.with_name(path.name) for path in made]
        there = [place for place in places if os.path.lexists(place) and place.suffix != _LOG]
        if there and not force:
            raise UsageError(
                f"{self._option}: {printable(there[0])} is there already; add --force to overwrite"
            )
        for place in there:  # a link to a folder is a file that can be replaced
            if place.is_dir() and not place.is_symlink():
                raise UsageError(
                    f"{self._option}: wanted a file or nothing at {printable(place)}, got a folder"
                )
        old = self.work / _OLD
        old.mkdir()
        moved: list[Path] = []
        try:
            for place in there:
                _keep(place, old / place.name)
            # The model itself last, and of the others those that have descriptions.
            names = {path.name for path in made}
            for path in sorted(made, key=lambda one: (one == self.work_model, f"{one.name}.json" in names)):
                moved.append(self.model.with_name(path.name))
                os.replace(path, moved[-1])
        except BaseException:
            for place in reversed(moved):
                _put_back(old / place.name, place)
            raise
        return places


def _keep(place: Path, kept: Path) -> None:
    """A second name for a file, or a copy of it where the file system has no such names."""
    try:
        os.link(place, kept, follow_symlinks=False)
    except (OSError, NotImplementedError):
        shutil.copy2(place, kept, follow_symlinks=False)


def _put_back(kept: Path, place: Path) -> None:
    with suppress(OSError):  # what stopped it is what is told
        if os.path.lexists(kept):
            os.replace(kept, place)
        elif place.suffix != _LOG:
            place.unlink(missing_ok=True)
