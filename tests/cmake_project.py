"""Configuring, building and running CMake projects, with CMake and Ninja from PyPI or from the machine."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest


def tool(name: str, folder_attribute: str) -> str:
    """The path of cmake or ninja; the test is skipped where there is none."""
    try:
        folder = getattr(importlib.import_module(name), folder_attribute)
        return str(Path(folder) / name)
    except ImportError:
        path = shutil.which(name)
    if path is None:
        pytest.skip(f'{name} is not installed: pip install "posecore[test]"')
    return path


def compiler() -> str:
    """The C++ compiler's path; the test is skipped where there is none."""
    path = shutil.which(os.environ.get("CXX", "c++")) or shutil.which("g++") or shutil.which("clang++")
    if path is None:
        pytest.skip("there is no C++ compiler")
    return path


def c_compiler() -> str:
    """The C compiler's path; the test is skipped where there is none."""
    path = shutil.which(os.environ.get("CC", "cc")) or shutil.which("gcc") or shutil.which("clang")
    if path is None:
        pytest.skip("there is no C compiler")
    return path


def run(*command: str | Path | int) -> str:
    """What the command prints; the test fails with all of it where the command fails."""
    result = subprocess.run(
        [str(word) for word in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        pytest.fail(f"{Path(command[0]).name} ended with {result.returncode}:\n{result.stdout}")
    return result.stdout


def build(source: Path, folder: Path, **options: str | Path) -> Path:
    """Configures and builds `source` in `folder`, with options as -D; returns `folder`."""
    cmake, ninja = tool("cmake", "CMAKE_BIN_DIR"), tool("ninja", "BIN_DIR")
    definitions = [f"-D{name}={value}" for name, value in {"CMAKE_BUILD_TYPE": "Release", **options}.items()]
    run(
        *(cmake, "-G", "Ninja", "-S", source, "-B", folder, f"-DCMAKE_MAKE_PROGRAM={ninja}"),
        *(f"-DCMAKE_C_COMPILER={c_compiler()}", f"-DCMAKE_CXX_COMPILER={compiler()}", *definitions),
    )
    run(cmake, "--build", folder, "--parallel", "2")
    return folder


def install(folder: Path, prefix: Path) -> Path:
    """Installs what was built in `folder` under `prefix`; returns `prefix`."""
    run(tool("cmake", "CMAKE_BIN_DIR"), "--install", folder, "--prefix", prefix)
    return prefix
