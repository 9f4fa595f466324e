"""The programs of examples/cpp are built as a project of somebody else's, and do what they say."""

from __future__ import annotations

import csv
import shutil
import subprocess
from pathlib import Path

import build_example_heads
import numpy as np
import pytest

from cmake_project import build, run
from posecore import COCO17


@pytest.fixture(scope="module")
def examples(prefix: Path, repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the built programs."""
    folder = tmp_path_factory.mktemp("examples")
    source = shutil.copytree(repository / "examples" / "cpp", folder / "cpp")
    return build(source, folder / "build", CMAKE_PREFIX_PATH=prefix)


def test_the_heads_are_what_their_tool_writes() -> None:
    assert build_example_heads.FILE.read_bytes() == build_example_heads.content()


def test_one_person_is_found_in_five_lines(examples: Path) -> None:
    # The highest cell, a quarter of a cell towards the higher neighbour, at 4 px a cell.
    assert run(examples / "one_person") == "ok: (13.0, 9.0) with score 0.90\n"


def test_both_people_of_the_first_frame_are_found(examples: Path) -> None:
    lines = run(examples / "people", build_example_heads.FILE).splitlines()
    noses = sorted(tuple(map(float, line.split("(")[1].rstrip(")").split(","))) for line in lines)
    np.testing.assert_allclose(noses, build_example_heads.people(0)[:, 0], atol=4)  # they tremble


def test_the_pipeline_follows_repairs_and_smooths(examples: Path) -> None:
    rows = list(csv.DictReader(run(examples / "pipeline", build_example_heads.FILE).splitlines()))
    frames, keypoints = build_example_heads.FRAMES, COCO17.num_keypoints
    assert len(rows) == frames * 2 * keypoints
    xy = np.zeros((frames, 2, keypoints, 2))
    for row in rows:
        frame = round(float(row["time_s"]) * build_example_heads.FPS)
        xy[frame, int(row["id"]) - 1, int(row["keypoint"])] = float(row["x_px"]), float(row["y_px"])
    xy = xy[:, np.argsort(xy[0, :, 0, 0])]
    truth = np.stack([build_example_heads.people(frame) for frame in range(frames)])
    # Knees that were not put back would be 18 px off.
    off = np.abs(xy - truth)
    assert off.max() < 6
    assert off.mean() < 1.2


@pytest.mark.parametrize("program", ["people", "pipeline"])
def test_a_file_that_is_none_is_refused_in_a_sentence(examples: Path, tmp_path: Path, program: str) -> None:
    (tmp_path / "not heads").write_bytes(b"posecore-heads 0 0 0 0 0\n")
    for argument in (tmp_path / "not heads", tmp_path / "not there"):
        result = subprocess.run([examples / program, argument], capture_output=True, text=True, check=False)
        assert (result.returncode, result.stderr) == (1, f"{program}: wanted a file of heads\n")


def test_a_file_that_ends_early_is_refused_in_a_sentence(examples: Path, tmp_path: Path) -> None:
    (tmp_path / "short").write_bytes(build_example_heads.FILE.read_bytes()[:-1])
    result = subprocess.run(
        [examples / "pipeline", tmp_path / "short"], capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stderr) == (1, "pipeline: the file ends after 9 of 10 frames\n")
