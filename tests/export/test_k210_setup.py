"""Where nncase is looked for, and how an environment for it is made; no test uses the network."""

from __future__ import annotations

import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from posecore.errors import MissingExtra, ModelError
from posecore.export import k210_setup
from posecore.export.k210_setup import candidates, environment_folder, find_nncase, set_up

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the fake interpreters are shell scripts")

HAS_NNCASE = 'echo \'{"nncase": "1.9.0.20230322", "python": "3.10.1"}\' > "$3/answer.json"'
HAS_NONE = 'echo \'{"error": "ModuleNotFoundError: No module named nncase"}\' > "$3/answer.json"; exit 1'

Place = Callable[..., Path]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A computer without any Python of its own, and a function that puts one (a shell script) somewhere."""
    monkeypatch.setattr(k210_setup, "_found", {})
    monkeypatch.setattr(sys, "executable", "")
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.delenv(k210_setup.VARIABLE, raising=False)
    monkeypatch.setenv("POSECORE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    # The scripts' own tools stay; python3.10 and its like there do not count.
    which = k210_setup.shutil.which
    monkeypatch.setattr(
        k210_setup.shutil,
        "which",
        lambda name: which(name, path=str(tmp_path / "path")) if "." in name else which(name),
    )

    def put(name: str, script: str = HAS_NNCASE) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    return put


def test_without_any_the_sentence_says_how_to_get_one(place: Place) -> None:
    with pytest.raises(MissingExtra) as error:
        find_nncase()
    assert "posecore export --target k210 --setup installs it" in str(error.value)
    assert 'python3.10 -m pip install "nncase==1.9.0.20230322" "numpy<2"' in str(error.value)
    assert error.value.extra == "export"


def test_the_order_is_environment_then_path_then_pyenv_newest_first(place: Place) -> None:
    made = [
        place(f"cache/nncase-{k210_setup.RELEASE}/bin/python"),
        place("path/python3.10"),
        place("pyenv/versions/3.10.13/bin/python"),
        place("pyenv/versions/3.10.2/bin/python"),
        place("path/python3.8"),
        place("pyenv/versions/3.7.1/bin/python"),
    ]
    place("path/python3.11")
    place("pyenv/versions/3.12.1/bin/python")
    assert list(candidates()) == [str(path) for path in made]


def test_the_first_that_has_it_is_taken(place: Place) -> None:
    place("path/python3.10", HAS_NONE)
    place("path/python3.9", "kill -SEGV $$")
    wanted = place("path/python3.8")
    found = find_nncase()
    assert (found.python, found.release, found.python_version) == (str(wanted), "1.9.0.20230322", "3.10.1")


def test_pyenv_s_shims_are_passed_over(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    shim = place("shims/python3.10", "exit 127")
    monkeypatch.setattr(k210_setup.shutil, "which", lambda name: str(shim))
    assert list(candidates()) == []


def test_the_named_one_is_taken_before_all_others(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place("path/python3.10")
    named, other = place("named/python"), place("argued/python")
    monkeypatch.setenv(k210_setup.VARIABLE, str(named))
    assert find_nncase().python == str(named)
    assert find_nncase(other).python == str(other)


def test_a_named_one_without_nncase_is_a_sentence_and_no_other_is_taken(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place("path/python3.10")
    without = place("named/python", HAS_NONE)
    monkeypatch.setenv(k210_setup.VARIABLE, str(without))
    with pytest.raises(
        ModelError, match=r"POSECORE_NNCASE_PYTHON: wanted a Python with nncase 1\.x: .*No module"
    ):
        find_nncase()
    with pytest.raises(ModelError, match=r"python: wanted a Python with nncase 1\.x: .*does not start"):
        find_nncase("/no/such/python")


# `-m venv FOLDER` puts the script that stands beside it into the folder; anything else is not its business.
MAKES_ENVIRONMENT = 'mkdir -p "$3/bin"; cp "$(dirname "$0")/../made/python" "$3/bin/python"'


def test_set_up_makes_an_environment_that_is_found_then(place: Place) -> None:
    base = place("path/python3.10", MAKES_ENVIRONMENT)
    place("made/python", f'if [ "$1" = -m ]; then echo "$@" > "$(dirname "$0")/pip"; else {HAS_NNCASE}; fi')
    said: list[str] = []
    python = set_up(said.append)
    assert python == str(environment_folder() / "bin/python")
    asked = (environment_folder() / "bin/pip").read_text()
    assert asked == (
        "-m pip install --disable-pip-version-check --only-binary=:all: nncase==1.9.0.20230322 numpy<2\n"
    )
    assert said[0] == f"making {environment_folder()} with {base}"
    assert find_nncase().python == python
    said.clear()
    assert set_up(said.append) == python
    assert said == [f"nncase 1.9.0.20230322 is already in {environment_folder()}"]


def test_an_installation_that_fails_leaves_nothing_and_tells_pip_s_last_words(place: Place) -> None:
    place("path/python3.10", MAKES_ENVIRONMENT)
    place("made/python", "echo Collecting nncase; echo 'ERROR: No matching distribution'; exit 1")
    with pytest.raises(
        ModelError, match=r"failed with status 1: Collecting nncase \| ERROR: No matching distribution"
    ):
        set_up(lambda line: None)
    assert not environment_folder().exists()


def test_half_an_environment_is_made_anew(place: Place) -> None:
    place(f"cache/nncase-{k210_setup.RELEASE}/bin/python", HAS_NONE)
    place("path/python3.10", MAKES_ENVIRONMENT)
    place("made/python", f'[ "$1" = -m ] || {HAS_NNCASE}')
    said: list[str] = []
    set_up(said.append)
    assert said[0].endswith("is half made and is made anew")


def test_without_a_python_or_on_another_processor_it_says_so(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ModelError, match=r"wanted an interpreter of Python 3\.10, 3\.9, 3\.8 or 3\.7"):
        set_up(lambda line: None)
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    with pytest.raises(ModelError, match="wheels for x86-64 alone, and this is aarch64"):
        set_up(lambda line: None)
