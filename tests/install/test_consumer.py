"""Programs in C++ and in C find posecore in every way that there is, and print the same poses as Python."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from heads_file import printed, two_people, write

from cmake_project import build, c_compiler, compiler, run
from posecore import Heads

PROJECT = Path(__file__).parent / "consumer"
STRICT_C = ("-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror")

Programs = dict[str, Path]


def cmake_dir_of_the_package() -> str:
    result = subprocess.run(
        [sys.executable, "-m", "posecore", "--cmake-dir"], capture_output=True, text=True, check=True
    )
    return result.stdout.strip()


def by_cmake(folder: Path, **options: str | Path) -> Programs:
    """The project's programs. It is built somewhere else, so that nothing is found by being a neighbour."""
    source = shutil.copytree(PROJECT, folder / "consumer")
    built = build(source, folder / "build", **options)
    in_c = [] if "posecore_DIR" in options else ["consumer_c", "consumer_c_static"]
    names = in_c + ([] if "ONLY_C" in options else ["consumer"])
    return {name: built / name for name in names}


def by_pkg_config(prefix: Path, folder: Path) -> Programs:
    """The same programs by the compilers alone, with the words that pkg-config has for them."""
    if shutil.which("pkg-config") is None:
        pytest.skip("there is no pkg-config")
    (metadata,) = prefix.glob("lib*/pkgconfig")

    def words(package: str) -> list[str]:
        environment = {**os.environ, "PKG_CONFIG_PATH": str(metadata), "PKG_CONFIG_LIBDIR": str(metadata)}
        command = ["pkg-config", "--cflags", "--libs", package]
        said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
        return shlex.split(said)

    libraries = f"-Wl,-rpath,{metadata.parent}"
    run(compiler(), "-std=c++17", PROJECT / "main.cpp", *words("posecore"), "-o", folder / "consumer")
    for name, package in (("consumer_c_static", "posecore"), ("consumer_c", "posecore-c")):
        run(c_compiler(), *STRICT_C, PROJECT / "main.c", *words(package), libraries, "-o", folder / name)
    return {name: folder / name for name in ("consumer", "consumer_c", "consumer_c_static")}


def archive(repository: Path, folder: Path) -> Path:
    """The library's sources as somebody downloads them."""
    path = folder / "posecore.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for name in ("CMakeLists.txt", "cmake", "cpp"):
            tar.add(repository / name, f"posecore/{name}")
    return path


ROUTES: dict[str, Callable[[Path, Path, Path], Programs]] = {
    "find_package": lambda prefix, repository, folder: by_cmake(folder, CMAKE_PREFIX_PATH=prefix),
    "find_package in C": lambda prefix, repository, folder: by_cmake(
        folder, CMAKE_PREFIX_PATH=prefix, ONLY_C="ON"
    ),
    "Python package": lambda prefix, repository, folder: by_cmake(
        folder, posecore_DIR=cmake_dir_of_the_package()
    ),
    "pkg-config": lambda prefix, repository, folder: by_pkg_config(prefix, folder),
    "add_subdirectory": lambda prefix, repository, folder: by_cmake(folder, POSECORE_SOURCE=repository),
    "FetchContent, shared": lambda prefix, repository, folder: by_cmake(
        folder, POSECORE_ARCHIVE=archive(repository, folder), BUILD_SHARED_LIBS="ON"
    ),
}


@pytest.fixture(scope="module", params=list(ROUTES))
def programs(
    request: pytest.FixtureRequest, prefix: Path, repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> Programs:
    """The consumer's programs, built with posecore found in one of the ways."""
    return ROUTES[request.param](prefix, repository, tmp_path_factory.mktemp("project"))


def test_they_print_the_people_that_were_drawn(programs: Programs, tmp_path: Path) -> None:
    heads, people = two_people()
    write(heads, tmp_path / "heads")
    outputs = {name: run(program, tmp_path / "heads") for name, program in programs.items()}
    assert outputs == dict.fromkeys(programs, printed(heads))
    rows = [line.split()[1:] for line in printed(heads).splitlines()]
    xy = np.array([[[float(number) for number in point.split(",")[:2]] for point in row] for row in rows])
    assert xy.shape == (2, 17, 2)
    xy = xy[np.argsort(xy[:, 0, 0])]
    assert np.abs(xy - people).max() <= 0.25  # the quantum of the short offsets


def test_they_print_the_poses_of_real_heads(programs: Programs, shared: Path, tmp_path: Path) -> None:
    heads = Heads.load(shared / "data" / "decode" / "couple_353x481__B.npz")
    write(heads, tmp_path / "heads")
    outputs = {name: run(program, tmp_path / "heads") for name, program in programs.items()}
    assert outputs == dict.fromkeys(programs, printed(heads))
    assert len(printed(heads).splitlines()) == 2


def test_they_say_what_is_wrong_with_their_file(programs: Programs, tmp_path: Path) -> None:
    heads, _ = two_people()
    write(heads, tmp_path / "heads")
    (tmp_path / "short").write_bytes((tmp_path / "heads").read_bytes()[:-1])
    for program in programs.values():
        result = subprocess.run([program, tmp_path / "short"], capture_output=True, text=True, check=False)
        assert (result.returncode, result.stdout) == (1, "")
        assert result.stderr == "consumer: the file ends too early\n"
