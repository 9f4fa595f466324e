"""A map that is all plateau, which nobody's network gives and anybody's file may hold, is not decoded forever."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from cmake_project import build, compiler, run

PROJECT = Path(__file__).parent / "plateau"
COUNTING = ("-finstrument-functions", "-fno-inline")


@pytest.fixture(scope="module")
def plateau(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program that decodes a plateau and counts the calls that it takes."""
    folder = tmp_path_factory.mktemp("plateau")
    (folder / "empty.cpp").write_text("int main() { return 0; }\n", encoding="utf-8")
    trial = [compiler(), *COUNTING, "-c", folder / "empty.cpp", "-o", folder / "empty.o"]
    if subprocess.run(trial, capture_output=True, check=False).returncode != 0:
        pytest.skip("this compiler does not count calls")
    return build(PROJECT, folder / "build", POSECORE_SOURCE=repository) / "plateau"


def calls_per_cell(program: Path, side: int) -> float:
    calls, people = map(int, run(program, side).split())
    assert people == 1
    return calls / side**2


def test_the_work_for_each_cell_stays_bounded_where_every_cell_is_a_candidate(plateau: Path) -> None:
    """400 x 400 are far more candidates than have room at once, so that the map is passed over again and again:
    a bounded number of times, not once for every two thousand of them."""
    one_pass = calls_per_cell(plateau, 40)
    assert calls_per_cell(plateau, 400) < 8 * one_pass
    assert calls_per_cell(plateau, 800) < 8 * one_pass
