"""What every test may ask for: the repository, and the data that is kept beside it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# A slow machine is no failure.
settings.register_profile("posecore", deadline=None)
settings.load_profile("posecore")

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the source tree."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared() -> Path:
    """Real models, heads and pictures, which are not part of the repository; tests skip without them."""
    folder = Path(os.environ.get("POSECORE_SHARED", REPOSITORY.parent / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip("the shared data is not here: set POSECORE_SHARED to its folder")
    return folder
