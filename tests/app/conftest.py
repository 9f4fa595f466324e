from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fake_estimator import red_square
from predict_command import Command


@pytest.fixture(scope="session")
def cv2() -> Any:
    return pytest.importorskip("cv2", reason='OpenCV is not installed: pip install "posecore[app]"')


@pytest.fixture
def picture(tmp_path: Path, cv2: Any) -> Path:
    path = tmp_path / "in" / "one.png"
    path.parent.mkdir()
    cv2.imwrite(str(path), red_square(320, 240, 60, 100)[:, :, ::-1])
    return path


@pytest.fixture
def make_video(tmp_path: Path, cv2: Any) -> Any:
    def make(
        name: str = "clip.mp4", *, frames: int = 20, size: tuple[int, int] = (160, 120), fps: float = 12.5
    ) -> Path:
        path = tmp_path / "in" / name
        path.parent.mkdir(exist_ok=True)
        code = {".mp4": "mp4v", ".avi": "MJPG"}[path.suffix]
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*code), fps, size)
        assert writer.isOpened()
        for k in range(frames):
            writer.write(red_square(*size, 10 + 4 * k, 40)[:, :, ::-1])
        writer.release()
        return path

    return make


@pytest.fixture
def command(capsys: Any, monkeypatch: Any, tmp_path: Path) -> Command:
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return Command(capsys, monkeypatch)
