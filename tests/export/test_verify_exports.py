"""Verification of real exports of the official network: good calibration passes, and noise in its place does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from posecore.export.comparison import verify
from posecore.export.tflite import to_tflite
from posecore.export_picture import as_png, verification_picture
from posecore.runtime.tflite_file import TfliteFile
from posecore.runtime.tflite_memory import computed_bytes


@pytest.fixture(scope="module")
def pictures(photographs: Path, cv2: Any) -> dict[str, np.ndarray]:
    return {one.name: cv2.imread(str(one))[:, :, ::-1] for one in sorted(photographs.iterdir())}


@pytest.fixture(scope="module")
def labelled(shared: Path) -> list[Path]:
    """Pictures with people that no test verifies with."""
    return sorted((shared / "data/train/coco").glob("*.jpg"))[:30]


def test_calibrated_with_pictures_it_passes(
    posenet_050: Any, pictures: Any, labelled: Any, tmp_path: Path, cv2: Any
) -> None:
    path = tmp_path / "good.tflite"
    to_tflite(posenet_050, path, size=(257, 257), quantize="int8", calibration=labelled)
    found = verify(posenet_050, path, pictures=pictures)
    assert found.ok, found.table()
    median, p95, _ = found.shift_px or (99, 99, 99)
    assert median < 1
    assert p95 < 4
    assert (found.crowd.lost, found.crowd.matched) == (0, found.crowd.people)
    assert max(head.clipped_at_people or 0 for head in found.heads) < 0.01
    assert found.exported_cost.file_bytes < found.reference_cost.file_bytes / 2
    assert found.exported_cost.memory_bytes is not None
    drawn = verification_picture(found)
    assert drawn.dtype == np.uint8
    back = cv2.imdecode(np.frombuffer(as_png(drawn), np.uint8), cv2.IMREAD_COLOR)
    assert np.array_equal(back[:, :, ::-1], drawn)


def test_calibrated_with_noise_it_fails_and_the_head_is_named(
    posenet_050: Any, pictures: Any, tmp_path: Path
) -> None:
    path = tmp_path / "noise.tflite"
    to_tflite(
        posenet_050,
        path,
        size=(257, 257),
        quantize="int8",
        random_calibration=True,
        calibration_count=10,
    )
    found = verify(posenet_050, path, pictures=pictures)
    assert not found.ok
    assert found.worst_head == "heatmap_2", found.table()
    assert "heatmap_2 is clipped at" in found.verdict


def test_float_is_the_same_to_a_hundredth_of_a_pixel_in_any_size(
    tiny_posenet: Any, posenet_050: Any, pictures: Any, tmp_path: Path
) -> None:
    path = tmp_path / "float.tflite"
    to_tflite(posenet_050, path)
    found = verify(posenet_050, path, pictures=pictures, size=(257, 257))
    assert found.ok
    assert (found.shift_px or (99, 99, 99))[2] < 0.1


def test_memory_is_that_of_the_largest_moment(tiny_posenet: Any, tmp_path: Path) -> None:
    path = tmp_path / "tiny.tflite"
    to_tflite(tiny_posenet, path, size=(65, 97))
    file = TfliteFile.read(path)
    # The picture and the first layer are there at once: (97, 65, 3) and (49, 33, 8) of float32.
    at_once = 4 * (97 * 65 * 3 + 49 * 33 * 8)
    small = computed_bytes(file)
    assert small is not None
    assert at_once <= small < 2 * at_once
    half = tmp_path / "half.tflite"
    to_tflite(tiny_posenet, half, size=(65, 97), quantize="float16")
    assert computed_bytes(TfliteFile.read(half)) == pytest.approx(small, rel=0.2), (
        "weights made single are not counted"
    )
