"""What the command line alone makes wrong is said before TensorFlow, which takes seconds, is loaded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

WRONG = [
    ("export net.npz --target onnx --quantize int8", 2, "--quantize: wanted float32"),
    ("export net.npz --target coral --quantize float32 --random-calibration", 2, "--quantize: wanted none"),
    ("export net.npz --target k210", 2, "--calibration: wanted a folder of pictures"),
    ("export net.npz --target k210 --size 240x640 --random-calibration", 2, "--size: wanted even sides"),
    ("export net.npz --target tflite --size 9000", 2, "--size: wanted sides of at most 8192 pixels"),
    ("export net.npz --target tflite --size 12x", 2, "--size: wanted a long side"),
    ("export net.npz --target tflite --out there.tflite", 2, "--out: there.tflite is there already"),
    ("export net.npz --target tflite", 2, "net_257x257_float32.tflite.json is there already"),
    ("export net.npz --target tflite --quantize uint8 --calibration nowhere", 1, "nowhere"),
    ("export run --target tflite", 2, "run_65x33_float32.tflite is there already"),
    ("export run --target tflite --weights best --out new.tflite", 1, "wanted a run with weights"),
    ("export nowhere --target tflite", 1, "nowhere: there is no such file or folder"),
    ("export net.npz --target tflite --out new.tflite", 1, "wanted PoseNet's"),
    ("export bad.keras --target tflite --out new.tflite", 1, "wanted a whole .keras file"),
    ("export net.npz --target tflite --weights last --force", 2, "--weights: wanted a run folder"),
    ("export net.npz --target k210 --setup", 2, "--setup: wanted it without MODEL"),
    ("convert net.npz there.tflite", 2, "OUT: there.tflite is there already"),
    ("convert net.npz there.keras", 2, "OUT: there.keras is there already"),
    ("convert net.npz new.keras", 1, "wanted PoseNet's"),
]
PROGRAM = """
import contextlib, io, json, sys
from posecore import export_needs
from posecore.cli import main
export_needs._PACKAGES = dict.fromkeys(export_needs._PACKAGES, ())  # whatever is installed here
found = []
for line in sys.argv[1:]:
    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        code = main(line.split())
    found.append((code, said.getvalue(), [one for one in ("tensorflow", "keras") if one in sys.modules]))
print(json.dumps(found))
"""


def test_mistakes_of_the_command_line_wait_for_nothing(tmp_path: Path) -> None:
    if find_spec("keras") is None:
        pytest.skip('keras is not installed: pip install "posecore[export]"')
    for name in (
        "there.tflite",
        "there.keras",
        "run_65x33_float32.tflite",
        "net_257x257_float32.tflite.json",
    ):
        (tmp_path / name).write_text("mine")
    np.savez(tmp_path / "net.npz", x=np.zeros(1, np.float32))
    (tmp_path / "bad.keras").write_text("nothing")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.toml").write_text(
        '[[data.train]]\nannotations = "a.json"\npictures = "p"\n[network]\nname = "posenet"\n'
        '[input]\nwidth = 33\nheight = 65\n[run]\nout = "run"\nsteps = 3\n'
    )
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *(line for line, _, _ in WRONG)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    for (line, code, sentence), (got, said, loaded) in zip(WRONG, json.loads(done.stdout), strict=True):
        assert got == code, (line, said)
        assert sentence in said, line
        assert loaded == [], line
