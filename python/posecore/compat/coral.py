"""`PoseEngine`: people in pictures with the calls of google-coral/project-posenet, so that a script changes one import.

```python
from posecore.compat.coral import PoseEngine

engine = PoseEngine("posenet_mobilenet_v1_075_353_481_quant_decoder.tflite")
poses, inference_time = engine.DetectPosesInImage(image)
```

No Edge TPU is needed, nor Coral's libraries: models whose names end in "_edgetpu" run on one, all others on the CPU,
and the decoding is ours either way. What comes out lies within Coral's own tolerance of Coral's own results: .1 of a
score, 4 px.

As in project-posenet of today, times are in seconds (its scripts print 1000 times that) and keypoints have a `point`;
before 2021 these were milliseconds and `yx`. Where it slips it is not followed: `mirror` turns x around, as its README
says, and not y; float models get their pixels from -1 to 1; pictures with alpha or of one channel become RGB first.
"""

from __future__ import annotations

import enum
import math
import os
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from posecore.arguments import yes_or_no
from posecore.errors import ModelError
from posecore.runtime.estimator import Estimator
from posecore.runtime.geometry import Geometry
from posecore.runtime.network_input import checked_image
from posecore.runtime.steps import Outputs
from posecore.runtime.tflite_file import TfliteFile

__all__ = ["EDGES", "Keypoint", "KeypointType", "Point", "Pose", "PoseEngine"]

# (height, width) where a network takes any size: the smallest of Coral's models.
_SIZE = (353, 481)
# GST_MAP_READ of gstreamer's gstmemory.h.
_GST_MAP_READ = 1


class KeypointType(enum.IntEnum):
    """The keypoints of COCO, by their channel."""

    NOSE = 0
    LEFT_EYE = 1
    RIGHT_EYE = 2
    LEFT_EAR = 3
    RIGHT_EAR = 4
    LEFT_SHOULDER = 5
    RIGHT_SHOULDER = 6
    LEFT_ELBOW = 7
    RIGHT_ELBOW = 8
    LEFT_WRIST = 9
    RIGHT_WRIST = 10
    LEFT_HIP = 11
    RIGHT_HIP = 12
    LEFT_KNEE = 13
    RIGHT_KNEE = 14
    LEFT_ANKLE = 15
    RIGHT_ANKLE = 16


EDGES = tuple(
    (KeypointType(a), KeypointType(b))
    for a, b in (
        *((0, 1), (0, 2), (0, 3), (0, 4), (3, 1), (4, 2), (1, 2)),
        *((5, 6), (5, 7), (5, 11), (6, 8), (6, 12), (7, 9), (8, 10)),
        *((11, 12), (11, 13), (12, 14), (13, 15), (14, 16)),
    )
)
"""Pairs that are joined by a line when a pose is drawn: the 19 of project-posenet's pose_camera.py, in its order."""


class Point(NamedTuple):
    """A place in the network's input, in pixels; the centre of the top-left pixel is (0, 0)."""

    x: float
    y: float

    @staticmethod
    def distance(a: Point, b: Point) -> float:
        """Pixels from a to b."""
        return math.hypot(a.x - b.x, a.y - b.y)


class Keypoint(NamedTuple):
    """Where a keypoint is, and how sure that is, from 0 to 1."""

    point: Point
    score: float


class Pose(NamedTuple):
    """One person: all 17 keypoints, and how sure the person is, from 0 to 1."""

    keypoints: dict[KeypointType, Keypoint]
    score: float


class PoseEngine:
    """A PoseNet that finds people in pictures.

    Args:
        model_path: a .tflite file of a PoseNet for COCO's 17 keypoints, with a PosenetDecoderOp at its end or
            without; None is the model that comes with the package. What the decoder operator is told holds, else
            the defaults of `posecore.Decoder` do.
        mirror: points are those of the picture turned around from left to right: x becomes the input's width - x.
        device: as `posecore.Estimator` takes it; None is "coral" for models that are compiled for the Edge TPU, and
            "cpu" for all others.
        size: the input's (height, width), for networks that take any; None is what the file says, else (353, 481).
        threads: the network's, on the CPU.

    Raises:
        ModelError: no such file, no PoseNet of 17 keypoints, or one for the Edge TPU where there is none.
        MissingExtra: no TFLite interpreter is installed.
        TypeError, ValueError: another argument is not what was wanted.
    """

    def __init__(
        self,
        model_path: str | os.PathLike[str] | None,
        mirror: bool = False,
        *,
        device: str | None = None,
        size: tuple[int, int] | None = None,
        threads: int = 1,
    ) -> None:
        if model_path is not None and not isinstance(model_path, (str, os.PathLike)):
            raise TypeError(
                f"model_path: wanted a .tflite file's path or None, got {type(model_path).__name__}"
            )
        self._mirror = yes_or_no(mirror, "mirror")
        needs_edge_tpu, free_size = _facts(model_path)
        self._estimator = Estimator(
            model_path,
            device=device or ("coral" if needs_edge_tpu else "cpu"),
            size=_SIZE if size is None and free_size else size,
            threads=threads,
            resize="coral",
        )
        if self._estimator.kind != "posenet" or self._estimator.skeleton.num_keypoints != len(KeypointType):
            raise ModelError(
                f"{self._estimator.name}: wanted a PoseNet of 17 keypoints, got {self._estimator.kind} of "
                f"{self._estimator.skeleton.num_keypoints}; posecore.Estimator runs it"
            )
        self._outputs: Outputs | None = None

    def DetectPosesInImage(self, img: Any) -> tuple[list[Pose], float]:
        """The people in a picture, best first, and the network's time in seconds.

        Args:
            img: a PIL image, or a uint8 array (H, W, 3) of RGB, of any size: it is brought to the network's input by
                taking the nearest pixels, as PIL does, and its aspect is not kept. Points are in pixels of the
                network's input: times the picture's size over the input's they are in the picture's.

        Raises:
            TypeError, ValueError: neither of these.
        """
        try:
            pixels = checked_image(img if isinstance(img, np.ndarray) else _pixels_of(img))
        except (TypeError, ValueError) as error:
            raise type(error)(f"img{str(error).removeprefix('image')}") from None
        self._run(pixels)
        return self.ParseOutput()

    def run_inference(self, input_data: Any) -> float:
        """Run the network on its input, for `ParseOutput`; gives the network's time in seconds.

        Args:
            input_data: uint8 RGB of (height, width, 3), or the same bytes in a row, or a `Gst.Buffer` that holds them,
                as project-posenet's gstreamer.py passes: what has `map` and `unmap` is mapped for reading meanwhile.

        Raises:
            TypeError, ValueError: another number of bytes.
            RuntimeError: a `Gst.Buffer` that cannot be mapped.
        """
        if not (callable(getattr(input_data, "map", None)) and callable(getattr(input_data, "unmap", None))):
            return self._run_bytes(input_data)
        mapped, info = input_data.map(_GST_MAP_READ)
        if not mapped:
            raise RuntimeError(
                "input_data: wanted a buffer that can be mapped for reading, got one that cannot"
            )
        try:
            data = bytes(info.data)  # what is mapped is gone after unmapping
        finally:
            input_data.unmap(info)
        return self._run_bytes(data)

    def _run_bytes(self, data: Any) -> float:
        width, height = self._estimator.input_size
        if not isinstance(data, np.ndarray):
            try:
                data = np.frombuffer(data, np.uint8)
            except (TypeError, ValueError, BufferError):
                raise TypeError(
                    f"input_data: wanted uint8 RGB of {width}x{height} pixels, got {type(data).__name__}"
                ) from None
        if data.dtype != np.uint8:
            raise TypeError(f"input_data: wanted uint8 RGB of {width}x{height} pixels, got {data.dtype}")
        if data.size != width * height * 3:
            raise ValueError(
                f"input_data: wanted {height * width * 3} bytes, RGB of {width}x{height} pixels, got {data.size}"
            )
        return self._run(data.reshape(height, width, 3))

    def ParseOutput(self) -> tuple[list[Pose], float]:
        """The people that the network last saw, best first, and its time in seconds.

        Raises:
            RuntimeError: it has not been run.
        """
        if self._outputs is None:
            raise RuntimeError(
                "ParseOutput: wanted run_inference or DetectPosesInImage first, got nothing to read"
            )
        poses = self._estimator.read(self._outputs).poses
        xy = poses.xy.astype(np.float64)
        if self._mirror:
            xy[:, :, 0] = self._estimator.input_size[0] - xy[:, :, 0]
        people = zip(xy.tolist(), poses.scores.tolist(), poses.pose_scores.tolist(), strict=True)
        found = [
            Pose(
                {
                    kind: Keypoint(Point(x, y), score)
                    for kind, (x, y), score in zip(KeypointType, points, scores, strict=True)
                },
                pose_score,
            )
            for points, scores, pose_score in people
        ]
        return found, self._outputs.times["network"]

    def get_input_tensor_shape(self) -> npt.NDArray[np.int32]:
        """(4,) int32: 1, height, width, 3 of the network's input."""
        width, height = self._estimator.input_size
        return np.array([1, height, width, 3], np.int32)

    def __repr__(self) -> str:
        return f"PoseEngine({self._estimator!r})"

    def _run(self, image: npt.NDArray[Any]) -> float:
        size = image.shape[1], image.shape[0]
        # Before the estimator, which so has a picture of its input's size and leaves points where the network has them.
        resized = Geometry.stretch(size, self._estimator.input_size, sampling="nearest").resample(image)
        self._outputs = self._estimator.run(self._estimator.prepare(resized))
        return self._outputs.times["network"]


def _facts(model_path: str | os.PathLike[str] | None) -> tuple[bool, bool]:
    """Whether the model is for the Edge TPU, and whether it takes any size; where it cannot be read, neither: its
    reader says why."""
    if model_path is None:
        return False, True
    try:
        file = TfliteFile.read(model_path)
    except ModelError:
        return False, False
    return file.needs_edge_tpu, -1 in file.inputs[0].shape


def _pixels_of(image: Any) -> npt.NDArray[Any]:
    """A PIL image as an array, without PIL."""
    if not (hasattr(image, "convert") and hasattr(image, "__array_interface__")):
        raise TypeError(
            f"image: wanted a PIL image or a uint8 array of shape (H, W, 3), got {type(image).__name__}"
        )
    return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))
