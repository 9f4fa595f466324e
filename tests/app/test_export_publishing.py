"""The last step of an export: all of its files get their places, or everything is as before."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path
from typing import Any

import pytest
from fake_export import artifact_of
from predict_command import written

from posecore import COCO17
from posecore.artifact import Artifact
from posecore.errors import ModelError
from posecore.export_files import ExportFiles

MODELS = ("x.tflite", "x_edgetpu.tflite")
OTHERS = ("x.h", "x.tflite.verify.json", "x.tflite.verify.png")
NEW = sorted([*MODELS, *OTHERS, *(f"{name}.json" for name in MODELS)])


def make(folder: Path, said: str) -> None:
    """The files of one export, whose models and descriptions belong together."""
    for name in MODELS:
        (folder / name).write_text(f"{said} {name}")
        artifact_of(folder / name, "coral", {"skeleton": COCO17, "size": (33, 33)}).save(folder / name)
    for name in OTHERS:
        (folder / name).write_text(said)


def contents(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in written(folder)}


class Moves:
    """os.replace, which looks at the folder after each step and stops at one of them."""

    def __init__(self, monkeypatch: Any, folder: Path, *, stop: int | None, error: BaseException) -> None:
        self.steps = 0
        really = os.replace

        def replace(source: Any, target: Any) -> None:
            if Path(source).parent.name != "old":
                if self.steps == stop:
                    raise error
                self.steps += 1
            really(source, target)
            self.look(folder)

        monkeypatch.setattr(os, "replace", replace)

    def look(self, folder: Path) -> None:
        """No model that is there is read by the description of another, or without one."""
        for name in MODELS:
            if (folder / name).exists():
                said = "it describes another file"
                try:
                    found = Artifact.read(folder / name)
                except ModelError as other:
                    said = str(other)
                else:
                    assert found is not None, f"{name} came before its description"
                assert "it describes another file" in said


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("stop", range(len(NEW)))
@pytest.mark.parametrize("there", [True, False])
def test_what_stops_between_two_files_leaves_what_was_there(
    tmp_path: Path, monkeypatch: Any, stop: int, there: bool, error: BaseException
) -> None:
    if there:
        make(tmp_path, "old")
    before = contents(tmp_path)
    files = ExportFiles(tmp_path / "x.tflite")
    with files:
        make(files.work, "new")
        moves = Moves(monkeypatch, tmp_path, stop=stop, error=error)
        with pytest.raises(type(error)):
            files.publish(force=True)
    assert moves.steps == stop
    assert contents(tmp_path) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(before), "nothing hidden is left"


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("links", [True, False])
def test_whole_exports_replace_the_old_one(
    tmp_path: Path, monkeypatch: Any, there: bool, links: bool
) -> None:
    if there:
        make(tmp_path, "old")
    if not links:

        def refuse(*_: Any, **__: Any) -> None:
            raise OSError(errno.EPERM, "this file system has no links")

        monkeypatch.setattr(os, "link", refuse)
    with ExportFiles(tmp_path / "x.tflite") as files:
        make(files.work, "new")
        moves = Moves(monkeypatch, tmp_path, stop=None, error=KeyboardInterrupt())
        places = files.publish(force=True)
    assert [path.name for path in places] == ["x.tflite", *(name for name in NEW if name != "x.tflite")]
    assert written(tmp_path) == NEW
    assert (tmp_path / "x.tflite").read_text() == "new x.tflite"
    assert all(Artifact.read(tmp_path / name) for name in MODELS)
    assert moves.steps == len(NEW)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EFBIG, errno.EROFS])
def test_a_full_disc_names_the_file_that_was_wanted(tmp_path: Path, number: int) -> None:
    files = ExportFiles(tmp_path / "x.tflite")
    with pytest.raises(OSError, match=re.escape(os.strerror(number))) as caught, files, files.telling():
        raise OSError(number, os.strerror(number))  # as writing to an open file has it
    assert caught.value.filename == str(tmp_path / "x.tflite")


def test_a_folder_that_cannot_be_made_names_the_file_that_was_wanted(
    tmp_path: Path, monkeypatch: Any
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise OSError(errno.EROFS, "Read-only file system", "anything")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(OSError, match="Read-only") as caught, ExportFiles(tmp_path / "x.tflite"):
        pass
    assert caught.value.filename == str(tmp_path / "x.tflite")
