from __future__ import annotations

from pathlib import Path

import pytest

from cmake_project import build, install


@pytest.fixture(scope="session")
def prefix(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The libraries, static and shared, as `cmake --install` leaves them, moved to another folder."""
    folder = build(repository, tmp_path_factory.mktemp("library"), POSECORE_SHARED="ON")
    installed = install(folder, tmp_path_factory.mktemp("installed"))
    return installed.rename(installed.with_name("moved prefix"))
