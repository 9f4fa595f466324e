"""What `pip install .` puts on a machine."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

import pytest
from check_wheel import complaints

BY_THE_INSTALLER = ("INSTALLER", "REQUESTED", "direct_url.json")


@pytest.fixture(scope="module")
def installed() -> set[str]:
    """The files of the installed distribution, without what the installer adds."""
    names = {path.as_posix() for path in importlib.metadata.files("posecore") or ()}
    if any(name.startswith("_editable") for name in names) or "posecore/__init__.py" not in names:
        pytest.skip("an editable installation keeps its files elsewhere")
    return {
        name
        for name in names
        if "__pycache__" not in name and not name.startswith("..") and not name.endswith(BY_THE_INSTALLER)
    }


def test_everything_is_there_and_nothing_else(installed: set[str], repository: Path) -> None:
    assert complaints(installed, repository) == []


def test_missing_and_surplus_files_are_seen(repository: Path) -> None:
    found = complaints({"posecore/__init__.py", "posecore/tests/test_x.py"}, repository)
    assert "missing: posecore/py.typed" in found
    assert "missing: posecore/_core.pyi" in found
    assert "missing: posecore/include/posecore/decode.hpp" in found
    assert "too much: posecore/tests/test_x.py" in found
    assert len([line for line in found if "licenses" in line]) == 2


def test_only_numpy_is_required() -> None:
    required = importlib.metadata.requires("posecore") or []
    assert [line for line in required if "extra ==" not in line] == ["numpy>=1.26"]
