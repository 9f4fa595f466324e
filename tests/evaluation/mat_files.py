"""Small MATLAB and HDF5 files of every kind that is read, made for the tests."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest

SHORT_NAMES = "rank rkne rhip lhip lkne lank pelv thor neck head rwri relb rsho lsho lelb lwri"


def matlab(variables: dict[str, Any], **options: Any) -> bytes:
    """The bytes of a MATLAB file, as SciPy writes it."""
    scipy_io = pytest.importorskip("scipy.io")
    file = io.BytesIO()
    scipy_io.savemat(file, variables, **options)
    return file.getvalue()


def cell(words: str) -> np.ndarray:
    """A 1 x n cell of words."""
    names = np.empty((1, len(words.split())), object)
    names[0] = words.split()
    return names


def mpii_truth(people: int = 3, **changed: Any) -> dict[str, Any]:
    """The variables of a truth file as the PCKh tool has it; `None` leaves one out."""
    points = np.arange(16 * 2 * people, dtype=np.float64).reshape(16, 2, people)
    variables = {
        "jnt_missing": np.zeros((16, people), np.uint8),
        "pos_gt_src": points,
        "pos_pred_src": points + 1,
        "headboxes_src": np.arange(4 * people, dtype=np.float64).reshape(2, 2, people),
        "dataset_joints": cell(SHORT_NAMES),
    }
    return {name: value for name, value in (variables | changed).items() if value is not None}
