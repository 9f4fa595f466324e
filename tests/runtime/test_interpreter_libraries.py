"""Which of the TFLite interpreters is used, and what it prints."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
from importlib.machinery import ModuleSpec
from pathlib import Path

import numpy as np
import pytest
from tiny_tflite import (
    heatmaps_only,
)

from posecore.errors import MissingExtra
from posecore.runtime import tflite_libraries

needs_library = pytest.mark.usefixtures("interpreter_library")


@needs_library
def test_nothing_of_the_library_reaches_stderr() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.tflite"
        path.write_bytes(bytes(heatmaps_only()))
        program = (
            "from posecore.runtime.interpreters import open_interpreter\n"
            "from posecore.runtime.tflite_file import TfliteFile\n"
            f"open_interpreter(TfliteFile.read({str(path)!r})).invoke()\n"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")


def test_what_others_write_to_stderr_meanwhile_is_passed_on(capfd: pytest.CaptureFixture[str]) -> None:
    with tflite_libraries._quiet():
        os.write(2, b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\nERROR: something\n")
    assert capfd.readouterr().err == "ERROR: something\n"


def _only(monkeypatch: pytest.MonkeyPatch, *installed: str) -> None:
    def find_spec(name: str) -> ModuleSpec | None:
        return ModuleSpec(name, None) if name in installed else None

    monkeypatch.delenv("POSECORE_INTERPRETER", raising=False)
    monkeypatch.setattr(importlib.util, "find_spec", find_spec)


def test_with_no_interpreter_the_sentence_ends_in_the_line_that_installs_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _only(monkeypatch)
    with pytest.raises(MissingExtra, match=r'none is installed: pip install "posecore\[app\]"$') as error:
        tflite_libraries.library()
    assert error.value.extra == "app"


def test_tflite_runtime_with_numpy_2_is_refused_before_it_dies(monkeypatch: pytest.MonkeyPatch) -> None:
    _only(monkeypatch, "tflite_runtime")
    monkeypatch.setattr(np, "__version__", "2.1.0")
    with pytest.raises(
        MissingExtra, match=r"^tflite-runtime works with NumPy 1 .*, not with NumPy 2\.1\.0; "
    ):
        tflite_libraries.library()


def test_a_name_chooses_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        ValueError, match=r"^interpreter must be one of litert, tflite-runtime, tensorflow, not 'x'$"
    ):
        tflite_libraries.library("x")
    monkeypatch.setenv("POSECORE_INTERPRETER", "y")
    with pytest.raises(ValueError, match=r"^POSECORE_INTERPRETER must be one of .*, not 'y'$"):
        tflite_libraries.library()


def test_the_name_of_the_one_that_is_installed_chooses_it(interpreter_library: str) -> None:
    library = tflite_libraries.library(interpreter_library)
    assert tflite_libraries.library_name(library) == interpreter_library
