from __future__ import annotations

from pathlib import Path

import pytest

from cmake_project import build, install


@pytest.fixture(scope="session")
def prefix(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The C++ library as `cmake --install` leaves it."""
    folder = build(repository, tmp_path_factory.mktemp("library"))
    return install(folder, tmp_path_factory.mktemp("prefix"))
