"""A C++ project finds posecore in three ways, and prints the same poses as Python."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from heads_file import printed, two_people, write

from cmake_project import build, run
from posecore import Heads

PROJECT = Path(__file__).parent / "consumer"


def cmake_dir_of_the_package() -> str:
    result = subprocess.run(
        [sys.executable, "-m", "posecore", "--cmake-dir"], capture_output=True, text=True, check=True
    )
    return result.stdout.strip()


@pytest.fixture(scope="module", params=["installed prefix", "Python package", "add_subdirectory"])
def consumer(
    request: pytest.FixtureRequest, repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The consumer program, built with posecore found in one of the three ways."""
    # Somewhere else, so that nothing is found by being a neighbour.
    source = shutil.copytree(PROJECT, tmp_path_factory.mktemp("project") / "consumer")
    folder = source.parent / "build"
    if request.param == "installed prefix":
        build(source, folder, CMAKE_PREFIX_PATH=request.getfixturevalue("prefix"))
    elif request.param == "Python package":
        build(source, folder, posecore_DIR=cmake_dir_of_the_package())
    else:
        build(source, folder, POSECORE_SOURCE=repository)
    return folder / "consumer"


def test_it_prints_the_people_that_were_drawn(consumer: Path, tmp_path: Path) -> None:
    heads, people = two_people()
    write(heads, tmp_path / "heads")
    output = run(consumer, tmp_path / "heads")
    assert output == printed(heads)
    rows = [line.split()[1:] for line in output.splitlines()]
    xy = np.array([[[float(number) for number in point.split(",")[:2]] for point in row] for row in rows])
    assert xy.shape == (2, 17, 2)
    xy = xy[np.argsort(xy[:, 0, 0])]
    assert np.abs(xy - people).max() <= 0.25  # the quantum of the short offsets


def test_it_prints_the_poses_of_real_heads(consumer: Path, shared: Path, tmp_path: Path) -> None:
    heads = Heads.load(shared / "data" / "decode" / "couple_353x481__B.npz")
    write(heads, tmp_path / "heads")
    output = run(consumer, tmp_path / "heads")
    assert output == printed(heads)
    assert len(output.splitlines()) == 2


def test_it_says_what_is_wrong_with_its_file(consumer: Path, tmp_path: Path) -> None:
    heads, _ = two_people()
    write(heads, tmp_path / "heads")
    (tmp_path / "short").write_bytes((tmp_path / "heads").read_bytes()[:-1])
    result = subprocess.run([consumer, tmp_path / "short"], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == "consumer: the file ends too early\n"
