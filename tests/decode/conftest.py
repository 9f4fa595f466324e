from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def decode_data(shared: Path) -> Path:
    """The folder of captured heads with the decodings of libcoral and tfjs."""
    return shared / "data" / "decode"
