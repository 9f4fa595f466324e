from __future__ import annotations

import warnings
from typing import Any

import pytest


@pytest.fixture(scope="session", autouse=True)
def keras() -> Any:
    """Keras on TensorFlow; every test here skips without them."""
    # Their imports warn about themselves; what they do when posecore calls them is not excused.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip("tensorflow", reason='TensorFlow is not installed: pip install "posecore[train]"')
        return pytest.importorskip("keras", reason='Keras is not installed: pip install "posecore[train]"')
