"""Writes python/posecore/_core.pyi from the installed extension: `python tools/build_stubs.py [--check]`.

Needs pybind11-stubgen and ruff: pip install "posecore[dev]".
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

# How pybind11 spells numbers changes from version to version, and here only plain ones are passed.
# mypy wants to be told what is in a tuple, if only that it is not known.
PLAINER = (
    (r"typing\.SupportsInt( \| typing\.SupportsIndex)?", "int"),
    (r"typing\.SupportsFloat( \| typing\.SupportsIndex)?", "float"),
    (r"-> tuple:", "-> tuple[typing.Any, ...]:"),
    (r"__version__: str = .*", "__version__: str"),
)

REPOSITORY = Path(__file__).resolve().parent.parent
STUB = REPOSITORY / "python" / "posecore" / "_core.pyi"


def generated() -> str:
    """The stub of `posecore._core` as it is installed, in this repository's format."""
    with tempfile.TemporaryDirectory() as folder:
        stubgen = [sys.executable, "-m", "pybind11_stubgen", "posecore._core", "--output-dir", folder]
        subprocess.run([*stubgen, "--exit-code"], check=True, cwd=folder, capture_output=True, text=True)
        source = (Path(folder) / "posecore" / "_core.pyi").read_text(encoding="utf-8")
    for pattern, plain in PLAINER:
        source = re.sub(pattern, plain, source)
    for command in (["check", "--select", "I,UP,F401", "--fix", "--quiet"], ["format", "--quiet"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--stdin-filename", str(STUB), "-"]
        source = subprocess.run(
            ruff, check=True, input=source, capture_output=True, text=True, cwd=REPOSITORY
        ).stdout
    return source


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 where the stub is not up to date"
    )
    check = parser.parse_args().check
    source = generated()
    if check:
        same = STUB.is_file() and STUB.read_text(encoding="utf-8") == source
        state = "up to date" if same else "out of date: run tools/build_stubs.py"
        print(f"{STUB.relative_to(REPOSITORY)} is {state}")
        return 0 if same else 1
    beside = STUB.with_suffix(".pyi.new")
    beside.write_text(source, encoding="utf-8")
    os.replace(beside, STUB)
    print(f"wrote {STUB.relative_to(REPOSITORY)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
