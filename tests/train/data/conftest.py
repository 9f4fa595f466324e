"""What is learnt from is read, moved and put into batches without Keras."""

from __future__ import annotations

import pytest

pytest.importorskip("cv2", reason='OpenCV is not installed: pip install "posecore[train]"')


@pytest.fixture(scope="session")
def keras() -> None:
    """In the place of the fixture that skips every other test of training where Keras is not installed."""
