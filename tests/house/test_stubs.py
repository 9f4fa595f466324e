"""python/posecore/_core.pyi is what the extension says of itself."""

from __future__ import annotations

import pytest


def test_the_committed_stub_is_up_to_date() -> None:
    for package in ("pybind11_stubgen", "ruff"):
        pytest.importorskip(package, reason=f'{package} is not installed: pip install "posecore[dev]"')
    import build_stubs

    assert build_stubs.STUB.read_text(encoding="utf-8") == build_stubs.generated()
