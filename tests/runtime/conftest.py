from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from eye import read

import posecore
from posecore.errors import MissingExtra
from posecore.runtime import tflite_libraries
from posecore.runtime.estimator import Estimator


@pytest.fixture(scope="session")
def cv2() -> Any:
    return pytest.importorskip("cv2", reason='OpenCV is not installed: pip install "posecore[app]"')


@pytest.fixture(scope="session")
def interpreter_library() -> str:
    """The name of the interpreter that is installed; tests skip where there is none."""
    try:
        return tflite_libraries.library_name(tflite_libraries.library())
    except MissingExtra as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def people(cv2: Any) -> np.ndarray:
    """The picture that comes with the package: 640 x 360, several people."""
    picture = read(Path(posecore.__file__).parent / "data/people.jpg")
    picture.flags.writeable = False
    return picture


@pytest.fixture(scope="module")
def estimator(cv2: Any, interpreter_library: str) -> Estimator:
    return Estimator()


@pytest.fixture(scope="session")
def data(shared: Path) -> Path:
    """The folder of published models, pictures and recorded heads."""
    return shared / "data"
