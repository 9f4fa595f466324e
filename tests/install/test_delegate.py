"""The library of the TensorFlow Lite delegate, as programs in C and interpreters find it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import posecore
from cmake_project import build, install, run

PROJECT = Path(__file__).parent / "delegate"

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="looked at with binutils of Linux"
)


@pytest.fixture(scope="module")
def prefix_with_delegate(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The C++ library with its delegate, as `cmake --install` leaves it."""
    folder = build(repository, tmp_path_factory.mktemp("library"), POSECORE_BUILD_TFLITE_PLUGIN="ON")
    return install(folder, tmp_path_factory.mktemp("prefix"))


@pytest.fixture(scope="module", params=["installed prefix", "Python package"])
def programs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of two C programs: one links the delegate, the other loads it."""
    if shutil.which("cc") is None:
        pytest.skip("there is no C compiler")
    source = shutil.copytree(PROJECT, tmp_path_factory.mktemp("project") / "delegate")
    if request.param == "installed prefix":
        found = {"CMAKE_PREFIX_PATH": request.getfixturevalue("prefix_with_delegate")}
    else:
        found = {"posecore_DIR": Path(posecore.cmake_dir())}
    return build(source, source.parent / "build", **found)


def test_a_c_program_links_it(programs: Path) -> None:
    assert run(programs / "delegate") == "made and destroyed\n"
    refused = subprocess.run([programs / "delegate", "0"], capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert refused.stdout == 'max_detections: wanted a whole number from 1 to 10000, got "0"\n'


def test_a_c_program_loads_it(programs: Path) -> None:
    assert run(programs / "loads", posecore.tflite_plugin_path()) == "made and destroyed\n"


def binutil(name: str, *arguments: str) -> str:
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    return run(name, *arguments, posecore.tflite_plugin_path())


def test_it_shows_two_functions_and_nothing_else() -> None:
    shown = re.findall(r" [A-TV-Z] (\S+)", binutil("nm", "-D", "--defined-only"))
    assert shown == ["tflite_plugin_create_delegate", "tflite_plugin_destroy_delegate"]


def test_it_needs_the_c_library_alone_and_an_old_one() -> None:
    needed = re.findall(r"NEEDED.*\[(.+?)\.so", binutil("readelf", "-d"))
    assert {name for name in needed if name not in ("ld-linux-x86-64", "ld-linux-aarch64")} <= {
        "libc",
        "libm",
    }
    versions = re.findall(r"GLIBC_(\d+)\.(\d+)", binutil("readelf", "-V"))
    assert versions
    assert max((int(major), int(minor)) for major, minor in versions) <= (2, 17)


def test_it_is_small_and_carries_no_symbols() -> None:
    assert Path(posecore.tflite_plugin_path()).stat().st_size < 100_000
    assert ".symtab" not in binutil("readelf", "-S")
