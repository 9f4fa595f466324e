"""What `oks` says of arguments that do not fit."""

from __future__ import annotations

import numpy as np
import pytest
from oks_scene import Scene

from posecore import COCO17, CROWDPOSE14, MPII16, Poses, oks

FITTING = Scene(2, 5, 17)


def replaced(name: str, where: tuple[int, ...], value: float) -> dict[str, np.ndarray]:
    """One argument with one number changed."""
    array = getattr(FITTING, name).copy()
    array[where] = value
    return {name: array}


WRONG = {
    "detections list": (
        {"detections": [[1]]},
        TypeError,
        "detections: wanted a NumPy array of shape (N, 17, 2), float64 or float32, got list",
    ),
    "detections int": (
        {"detections": np.zeros((2, 17, 2), int)},
        TypeError,
        "detections: wanted dtype float64 or float32, got int64",
    ),
    "detections big-endian": (
        {"detections": np.zeros((2, 17, 2), ">f8")},
        TypeError,
        "detections: wanted dtype float64 or float32, got >f8",
    ),
    "detections with scores": (
        {"detections": np.zeros((2, 17, 3))},
        ValueError,
        "detections: wanted shape (N, 17, 2), got (2, 17, 3)",
    ),
    "detections of one person": (
        {"detections": np.zeros((17, 2))},
        ValueError,
        "detections: wanted shape (N, 17, 2), got (17, 2)",
    ),
    "detections NaN": (
        replaced("detections", (1, 4, 0), np.nan),
        ValueError,
        "detections: wanted finite coordinates in pixels, got nan in row 1",
    ),
    "detections infinite": (
        replaced("detections", (0, 16, 1), -np.inf),
        ValueError,
        "detections: wanted finite coordinates in pixels, got -inf in row 0",
    ),
    "detections of others": (
        {"detections": Poses.empty(CROWDPOSE14)},
        ValueError,
        "detections: wanted poses of the keypoints of coco17, got crowdpose14",
    ),
    "detections Poses": (
        {"detections": Poses.empty(COCO17)},
        TypeError,
        "truths: wanted dtype float32, as detections are, got float64",
    ),
    "truths float32": (
        {"truths": np.zeros((5, 17, 3), np.float32)},
        TypeError,
        "truths: wanted dtype float64, as detections are, got float32",
    ),
    "truths flat": (
        {"truths": np.zeros((5, 51))},
        ValueError,
        "truths: wanted shape (N, 17, 3), got (5, 51)",
    ),
    "truths None": (
        {"truths": None},
        TypeError,
        "truths: wanted a NumPy array of shape (N, 17, 3), float64, as detections are, got NoneType",
    ),
    "truths NaN": (
        replaced("truths", (3, 4, 2), np.nan),
        ValueError,
        "truths: wanted finite x, y and v, got nan in row 3",
    ),
    "areas of fewer": ({"areas": np.zeros(4)}, ValueError, "areas: wanted shape (5,), got (4,)"),
    "areas float32": (
        {"areas": np.zeros(5, np.float32)},
        TypeError,
        "areas: wanted dtype float64, as detections are, got float32",
    ),
    "areas below 0": (
        replaced("areas", (4,), -1.5),
        ValueError,
        "areas: wanted areas in px², 0 or more, got -1.5 in row 4",
    ),
    "areas NaN": (
        replaced("areas", (2,), np.nan),
        ValueError,
        "areas: wanted areas in px², 0 or more, got nan in row 2",
    ),
    "areas infinite": (
        replaced("areas", (2,), np.inf),
        ValueError,
        "areas: wanted areas in px², 0 or more, got inf in row 2",
    ),
    "boxes of three": ({"boxes": np.zeros((5, 3))}, ValueError, "boxes: wanted shape (5, 4), got (5, 3)"),
    "boxes infinite": (
        replaced("boxes", (0, 2), np.inf),
        ValueError,
        "boxes: wanted finite x, y, width and height in pixels, got inf in row 0",
    ),
    "no boxes": (
        {"boxes": None},
        ValueError,
        "boxes: wanted (5, 4), since the truth in row 3 has no labelled keypoint, got None",
    ),
    "skeleton by name": (
        {"skeleton": "coco17"},
        TypeError,
        "skeleton: wanted a Skeleton, such as posecore.COCO17, got str",
    ),
    "skeleton without sigmas": (
        {"skeleton": MPII16},
        ValueError,
        "sigmas: skeleton mpii16 has none, and OKS needs one a keypoint; wanted "
        "dataclasses.replace(skeleton, sigmas=...), or one of coco17, coco_feet23, crowdpose14",
    ),
    "skeleton of others": (
        {"skeleton": CROWDPOSE14},
        ValueError,
        "detections: wanted shape (N, 14, 2), got (2, 17, 2)",
    ),
    "no threads": ({"threads": 0}, ValueError, "threads: wanted a whole number from 1 to 1024, got 0"),
    "threads of a kind": (
        {"threads": 1.5},
        TypeError,
        "threads: wanted a whole number from 1 to 1024, got float",
    ),
}


@pytest.mark.parametrize(("arguments", "error", "sentence"), WRONG.values(), ids=WRONG)
def test_the_sentence(arguments, error, sentence):
    fitting = {name: getattr(FITTING, name) for name in ("detections", "truths", "areas", "boxes")}
    with pytest.raises(error) as caught:
        oks(**fitting | {"skeleton": COCO17} | arguments)
    assert str(caught.value) == sentence


@pytest.mark.parametrize("name", ["detections", "truths", "areas", "boxes"])
def test_misaligned_memory_is_refused(name):
    array = getattr(FITTING, name)
    memory = np.zeros(array.nbytes + 1, np.uint8)[1:]
    misaligned = memory.view(np.float64).reshape(array.shape)
    misaligned[...] = array
    arrays = {key: getattr(FITTING, key) for key in ("detections", "truths", "areas", "boxes")}
    with pytest.raises(ValueError, match=r"wanted aligned memory; copy it with numpy\.array$"):
        oks(**arrays | {"skeleton": COCO17, name: misaligned})
