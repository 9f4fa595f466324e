"""Files that would crash an interpreter never crash us."""

from __future__ import annotations

import contextlib
import os
import random
import stat
import sys
from pathlib import Path

import pytest
from fuzz_tflite import misquantise, mutate, quantisation_of, structure_of
from tiny_tflite import (
    DEPTHWISE_CONV_2D,
    INT8,
    UINT8,
    Model,
    Number,
    heatmaps_only,
    quantised,
    reshaped,
    with_decoder,
)

from posecore.errors import ModelError
from posecore.runtime import trial
from posecore.runtime.interpreters import open_interpreter
from posecore.runtime.tflite_file import TfliteFile

needs_library = pytest.mark.usefixtures("interpreter_library")


posix_only = pytest.mark.skipif(os.name != "posix", reason="stands in for Python with a shell script")


@posix_only
def test_a_model_that_kills_its_trial_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\ncat > /dev/null\nkill -SEGV $$\n")
    python.chmod(stat.S_IRWXU)
    monkeypatch.setattr(sys, "executable", str(python))
    with pytest.raises(
        ModelError, match=r"^x\.tflite cannot be used: the interpreter crashed on it \(exit status -11\)"
    ):
        trial.try_out("litert", b"model", exact=False, size=None, name="x.tflite")


@posix_only
def test_a_model_that_hangs_its_trial_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nexec sleep 600\n")
    python.chmod(stat.S_IRWXU)
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.setattr(trial, "TIMEOUT_S", 0.05)
    with pytest.raises(ModelError, match=r"^x\.tflite cannot be used: one run .* took more than"):
        trial.try_out("litert", b"model", exact=False, size=None, name="x.tflite")


@needs_library
def test_only_what_is_unproven_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []
    monkeypatch.setattr("posecore.runtime.interpreters._tried", set())
    monkeypatch.setattr("posecore.runtime.interpreters.try_out", lambda *_, name, **__: tried.append(name))
    open_interpreter(bytes(heatmaps_only()), name="proven")
    assert tried == []
    open_interpreter(bytes(reshaped()), name="unproven")
    open_interpreter(bytes(reshaped()), name="the same again")
    assert tried == ["unproven"]


@needs_library
def test_a_file_that_crashes_xnnpack_does_not_crash_us() -> None:
    model = Model()
    picture = model.tensor([1, 4, 6, 3])
    weights = model.tensor([1, 1, 1, 3], data=bytes(12))
    model.inputs, model.outputs = [picture], [model.tensor([1, 4, 6, 3])]
    options = {1: Number("i", 1), 2: Number("i", 1), 3: Number("i", 1)}
    model.operator(DEPTHWISE_CONV_2D, [picture, weights], model.outputs, kind=2, options=options)
    with contextlib.suppress(ModelError):
        open_interpreter(bytes(model)).invoke()


@needs_library
def test_damaged_files_run_or_are_refused() -> None:
    rng = random.Random(5)
    whole = TfliteFile.read(bytes(with_decoder(segments=True))).without_decoder()
    structure = structure_of(whole)
    ran = 0
    for _ in range(400):
        damaged = mutate(whole, structure, rng)
        with contextlib.suppress(ModelError):
            file = TfliteFile.read(damaged)
            if not file.unproven:  # a trial for each would take long; fuzz_tflite.py runs those
                open_interpreter(file).invoke()
                ran += 1
    assert ran > 20


@needs_library
@pytest.mark.parametrize("dtype", [INT8, UINT8], ids=["int8", "uint8"])
def test_damaged_quantised_files_run_or_are_refused(dtype: int) -> None:
    rng = random.Random(6)
    whole = bytes(quantised(dtype))
    structure, places = structure_of(whole), quantisation_of(whole)
    assert len(places) == 2 * (2 + 2 * 17 + (2 if dtype == UINT8 else 0))
    ran = refused = 0
    for number in range(600):
        damaged = misquantise(whole, places, rng) if number % 2 else mutate(whole, structure, rng)
        try:
            file = TfliteFile.read(damaged)
            if not file.unproven:
                open_interpreter(file).invoke()
                ran += 1
        except ModelError:
            refused += 1
    assert ran > 20
    assert refused > 100
