"""`import posecore` brings numpy and nothing else that takes time."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

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
