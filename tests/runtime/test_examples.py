"""What is in examples/ runs as it stands."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import posecore as pc

BUNDLED = Path(pc.__file__).parent / "data"

# A camera that sends captured heads three times, with a frame without any, and is then interrupted.
PICAMERA2 = """
import numpy as np

class IMX500:
    camera_num = 1
    def __init__(self, network):
        assert network == "/usr/share/imx500-models/imx500_network_posenet.rpk"

class Picamera2:
    def __init__(self, camera_num):
        assert camera_num == 1
        output = tuple(np.load({heads!r}).tolist())
        plain = {{"ScalerCrop": (0, 0, 4056, 3040)}}
        self.frames = iter([plain, *[plain | {{"CnnOutputTensor": output}}] * 3])
    def create_preview_configuration(self, main, buffer_count):
        return main
    def start(self, configuration):
        assert configuration == {{"size": (1280, 960)}}
    def capture_metadata(self):
        for metadata in self.frames:
            return metadata
        raise KeyboardInterrupt
"""


def run(repository: Path, example: str, *arguments: object, path: Path | None = None) -> str:
    command = [sys.executable, repository / "examples" / example, *arguments]
    environment = None if path is None else {"PYTHONPATH": str(path)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0 or "KeyboardInterrupt" in done.stderr, done.stderr
    return done.stdout


def people_in(output: str) -> list[float]:
    assert re.match(r"Inference time: \d+ ms\n", output)
    assert output.count("NOSE ") == output.count("RIGHT_ANKLE ") == output.count("Pose score:")
    return [float(score) for score in re.findall(r"Pose score: (\S+)", output)]


@pytest.mark.usefixtures("interpreter_library", "cv2")
class TestSimplePose:
    @pytest.fixture(autouse=True)
    def pillow(self) -> None:
        pytest.importorskip("PIL.Image", reason='Pillow is not installed: pip install "posecore[test]"')

    def test_on_what_comes_with_the_package(self, repository: Path) -> None:
        model = BUNDLED / "posenet_mobilenet_v1_075.tflite"
        assert len(people_in(run(repository, "simple_pose.py", model, BUNDLED / "people.jpg"))) > 2

    def test_on_corals_model_and_picture(self, repository: Path, data: Path) -> None:
        model = data / "models/coral/posenet_mobilenet_v1_075_353_481_quant_decoder.tflite"
        scores = people_in(run(repository, "simple_pose.py", model, data / "pictures/coral_couple.jpg"))
        assert scores == pytest.approx([0.89, 0.84], abs=0.1)


class TestAiCamera:
    def test_on_captured_heads(self, repository: Path, data: Path, tmp_path: Path) -> None:
        with np.load(data / "decode/couple_353x481__B.npz", allow_pickle=False) as file:
            blocks = [file[name].transpose(2, 1, 0).ravel() for name in ("heat", "short_px", "mid_px")]
        np.save(tmp_path / "output.npy", np.concatenate(blocks))
        program = PICAMERA2.format(heads=str(tmp_path / "output.npy"))
        (tmp_path / "picamera2").mkdir()
        (tmp_path / "picamera2/__init__.py").write_text(program, encoding="utf-8")
        (tmp_path / "picamera2/devices.py").write_text("from picamera2 import IMX500\n", encoding="utf-8")
        lines = run(repository, "picamera2_ai_camera.py", path=tmp_path).splitlines()
        assert len(lines) == 6  # two people, three frames
        assert lines[:2] == lines[2:4] == lines[4:]
        assert all(re.fullmatch(r"0\.\d\d  nose at \d+, \d+", line) for line in lines)
