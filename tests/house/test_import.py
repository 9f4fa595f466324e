"""`import posecore` brings numpy and nothing else that takes time."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module

import pytest

from posecore import cli

HEAVY = (
    *(
        "cv2",
        "tensorflow",
        "keras",
        "ai_edge_litert",
        "tflite_runtime",
        "rich",
        "scipy",
        "pycocotools",
        "PIL",
    ),
    *(
        "pandas",
        "matplotlib",
        "argparse",
        "asyncio",
        "multiprocessing",
        "unittest",
        "http",
        "email",
        "urllib.request",
    ),
)


def modules_after(statement: str) -> set[str]:
    """The modules that a new interpreter has after the statement."""
    program = f"import sys, json\n{statement}\nprint(json.dumps(sorted(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(json.loads(result.stdout))


@pytest.fixture(scope="module")
def brought() -> set[str]:
    """What `import posecore` adds to numpy's own imports."""
    return modules_after("import numpy; import posecore") - modules_after("import numpy")


def test_nothing_heavy_is_imported(brought: set[str]) -> None:
    assert [name for name in HEAVY if name in brought] == []


def test_other_peoples_packages_are_not_imported(brought: set[str]) -> None:
    others = {name.partition(".")[0] for name in brought} - set(sys.stdlib_module_names)
    assert others == {"posecore"}


def test_few_modules_are_imported(brought: set[str]) -> None:
    # Each takes about a millisecond. The budget for `import posecore` is a tenth of a second over numpy.
    assert len(brought) <= 40, sorted(brought)


def test_the_command_starts_without_pictures_and_interpreters() -> None:
    brought = modules_after("import posecore.cli")
    assert [
        name for name in ("cv2", "tensorflow", "keras", "ai_edge_litert", "rich") if name in brought
    ] == []


def own_modules_after(*argv: str) -> set[str]:
    """The modules of posecore that the command imports beyond those of `import posecore`."""
    run = (
        "import contextlib, io, posecore.cli\nwith contextlib.redirect_stdout(io.StringIO()):\n"
        f" posecore.cli.main({list(argv)!r})"
    )
    brought = modules_after(run) - modules_after("import posecore")
    return {name for name in brought if name.partition(".")[0] == "posecore"}


@pytest.mark.parametrize("option", ["--version", "--cmake-dir", "--include-dir"])
def test_what_has_no_command_imports_none(option: str) -> None:
    assert own_modules_after(option) == {"posecore.cli", "posecore.printable", "posecore.usage"}


def test_a_command_imports_no_other() -> None:
    brought = own_modules_after("ablate", "--help")
    commands = {f"posecore.{module}" for module in cli._MODULES.values()}
    assert brought & commands == {"posecore.ablate"}
    # Pages take longest of all.
    assert not [name for name in brought if name.startswith("posecore.evaluation.page")]


def test_a_command_is_called_as_its_module_says() -> None:
    for name, module in cli._MODULES.items():
        assert name == import_module(f"posecore.{module}").NAME


@pytest.mark.parametrize("argv", [["--help"], ["evall"]])
def test_whoever_names_no_command_is_told_of_all(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(argv)
    said = "".join(capsys.readouterr())
    assert all(name in said for name in cli._MODULES)
