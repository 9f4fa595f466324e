"""What --out may be, for every command that writes one file; refused before anything is read."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from predict_command import Command

from posecore.evaluation.whole_file import write_whole

POINTS = [float(n) for k in range(17) for n in (100 + 5 * k, 100 + 11 * k, 2)]
COMMANDS = {
    "eval": ("eval", "truth.json", "results.json", "--out"),
    "eval --metric": ("eval", "truth.json", "results.json", "--metric", "px", "--out"),
    "diagnose": ("diagnose", "truth.json", "results.json", "--out"),
    "merge-feet": ("merge-feet", "truth.json", "feet.json", "--out"),
    "inspect-data": ("inspect-data", "truth.json", "--out"),
    "inspect-data --write-clean": ("inspect-data", "truth.json", "--out", "none", "--write-clean"),
}
MAKE_FOLDERS = ("diagnose", "inspect-data", "inspect-data --write-clean")


@pytest.fixture(params=COMMANDS)
def words(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """A command up to its output, in a folder with what it reads."""
    monkeypatch.chdir(tmp_path)
    person = {"id": 1, "image_id": 1, "category_id": 1, "iscrowd": 0, "num_keypoints": 17}
    person |= {"area": 20000.0, "bbox": [100, 100, 85, 187], "keypoints": POINTS}
    image = {"id": 1, "width": 640, "height": 480, "file_name": "a.jpg"}
    truth = {"images": [image], "annotations": [person], "categories": [{"id": 1, "name": "person"}]}
    Path("truth.json").write_text(json.dumps(truth))
    result = {"image_id": 1, "category_id": 1, "keypoints": POINTS, "score": 0.9}
    Path("results.json").write_text(json.dumps([result]))
    feet = {"annotations": [{"id": 1, "image_id": 1, "keypoints": [5, 5, 2] * 6}]}
    Path("feet.json").write_text(json.dumps(feet))
    return COMMANDS[str(request.param)]


def option(words: tuple[str, ...]) -> str:
    return words[-1]


def test_what_is_read_is_never_overwritten(command: Command, words: tuple[str, ...]) -> None:
    before = {path: path.read_bytes() for path in Path().glob("*.json")}
    os.link("truth.json", "linked.json")
    for name in (*(word for word in words if word.endswith(".json")), "./truth.json", "linked.json"):
        code, out, err = command(*words, name, "--force")
        assert (code, out) == (2, "")
        assert f"{option(words)}: {name} is one of the files to read; choose another name" in err
    assert {path: path.read_bytes() for path in before} == before


def test_a_folder_or_a_device_is_no_file(command: Command, words: tuple[str, ...]) -> None:
    for name in (".", "new/"):
        code, _, err = command(*words, name, "--force")
        assert code == 2
        assert f"{option(words)}: wanted a file, got the folder {name}" in err
    code, _, err = command(*words, os.devnull, "--force")
    assert code == 2
    assert f"{option(words)}: wanted a file, got {os.devnull}, which is none" in err


def test_dash_is_no_file(command: Command, words: tuple[str, ...]) -> None:
    code, _, err = command(*words, "-")
    assert code == 2
    assert f"{option(words)}: wanted a file, got - for stdout" in err
    assert not Path("-").exists()


def test_a_folder_that_is_missing_is_found_before_the_files_are_read(
    command: Command, words: tuple[str, ...]
) -> None:
    Path("truth.json").write_text("no JSON")
    code, _, err = command(*words, "nowhere/x.out")
    if words in [COMMANDS[name] for name in MAKE_FOLDERS]:
        assert (code, "truth.json" in err) == (1, True)
    else:
        assert code == 2
        assert f"{option(words)}: wanted a file in a folder that is there, got nowhere/x.out" in err
    code, _, err = command(*words, "feet.json/x.out")
    assert code == 2
    assert (
        f"{option(words)}: wanted a file in a folder, got feet.json/x.out, and feet.json is no folder" in err
    )


def test_a_name_that_is_too_long_is_found_before_the_files_are_read(
    command: Command, words: tuple[str, ...]
) -> None:
    Path("truth.json").write_text("no JSON")
    code, _, err = command(*words, "x" * 254)
    assert code == 2
    assert f"{option(words)}: wanted another name, got xxx" in err


def test_a_file_that_is_there_needs_force(command: Command, words: tuple[str, ...]) -> None:
    Path("there").write_text("mine")
    code, _, err = command(*words, "there")
    assert code == 2
    assert f"{option(words)}: there is there already; add --force to overwrite" in err
    assert Path("there").read_text() == "mine"
    assert command(*words, "there", "--force")[0] == 0
    assert Path("there").read_text() != "mine"


def test_a_file_that_cannot_be_written_is_named_itself(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"nowhere/x\.json'$"):
        write_whole(tmp_path / "nowhere" / "x.json", b"")
