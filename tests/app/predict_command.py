"""`posecore predict` in this process, with an estimator that needs no model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fake_estimator import FakeEstimator

from posecore import cli, predict


class Command:
    """The command in this process; `estimator` and `options` are what it loaded last."""

    def __init__(self, capsys: Any, monkeypatch: Any) -> None:
        self._capsys = capsys
        self.estimator = FakeEstimator()
        self.options: dict[str, Any] = {}
        monkeypatch.setattr(predict, "load_estimator", self._load)

    def _load(self, **options: Any) -> FakeEstimator:
        self.options = options
        return self.estimator

    def __call__(self, *words: Any) -> tuple[int, str, str]:
        code = cli.main([str(word) for word in words])
        out, err = self._capsys.readouterr()
        assert "Traceback" not in err
        return code, out, err


def written(folder: str | Path = ".") -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in Path(folder).rglob("*") if path.is_file())
