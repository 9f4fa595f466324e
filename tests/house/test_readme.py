"""The README's Python runs as it stands there."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

README = Path(__file__).resolve().parents[2] / "README.md"
SNIPPETS = re.findall(r"^```python\n(.*?)^```", README.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def test_there_are_snippets() -> None:
    assert len(SNIPPETS) >= 2


@pytest.mark.parametrize("snippet", SNIPPETS, ids=range(len(SNIPPETS)))
def test_a_snippet_runs_from_the_repositorys_root(snippet: str, tmp_path: Path) -> None:
    if "cv2" in snippet or "Estimator" in snippet:
        pytest.importorskip("cv2", reason='OpenCV is not installed: pip install "posecore[app]"')
        pytest.importorskip("ai_edge_litert", reason='no interpreter: pip install "posecore[app]"')
    picture = Path("python/posecore/data/people.jpg")
    (tmp_path / picture).parent.mkdir(parents=True)
    (tmp_path / picture).write_bytes((README.parent / picture).read_bytes())
    (tmp_path / "snippet.py").write_text(textwrap.dedent(snippet), encoding="utf-8")
    result = subprocess.run(
        [sys.executable, "snippet.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
