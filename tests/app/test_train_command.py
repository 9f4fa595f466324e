"""`posecore train`: what it refuses, before anything heavy is imported."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from predict_command import Command

CONFIG = """
[[data.train]]
annotations = "labels.json"
pictures = "pictures"
[network]
name = "four_conv"
[input]
width = 32
height = 32
[run]
out = "run"
steps = 5
"""


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "run.toml"
    path.write_text(CONFIG, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--check-steps", "5"), "--check-steps: wanted --check with it, got none"),
        (("--check", "--force"), "--check: trains nothing; leave it or --force out"),
        (("--resume", "--force"), "--resume: goes on with what is there; leave it or --force out"),
    ],
)
def test_options_that_do_not_fit_together_get_one_sentence(
    command: Command, config: str, options: tuple[str, ...], sentence: str
) -> None:
    code, out, err = command("train", config, *options)
    assert code == 2
    assert sentence in err
    assert out == ""


def test_resume_wants_a_checkpoint(command: Command, config: str, tmp_path: Path) -> None:
    code, _, err = command("train", config, "--resume")
    assert code == 2
    assert f"--resume: wanted a checkpoint in {tmp_path / 'run'}, got none" in err
    code, _out, err = command("train", config, "--resume", "--out", "elsewhere")
    assert "wanted a checkpoint in elsewhere" in err


def test_a_slip_in_the_file_is_a_failure_with_its_sentence(command: Command, config: str) -> None:
    Path(config).write_text(CONFIG.replace("steps = 5", "step = 5"), encoding="utf-8")
    code, _out, err = command("train", config)
    assert code == 1
    assert "[run] wanted one of out, steps" in err
    assert "did you mean steps?" in err


def test_without_keras_it_says_what_to_install(command: Command, config: str, monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "keras", None)
    code, _out, err = command("train", config)
    assert code == 1
    assert 'pip install "posecore[train]"' in err
