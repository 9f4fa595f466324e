"""`Estimator`: a picture in, the poses of the people in it out, in that picture's pixels."""

from __future__ import annotations

import os
import threading
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from posecore.arguments import number
from posecore.errors import ModelError
from posecore.heads import STRIDE_PX
from posecore.poses import Poses
from posecore.runtime.coordinates import CoordinatesReader
from posecore.runtime.estimator_choices import (
    check_grid,
    check_one_of,
    chosen_input_range,
    chosen_long_side,
    chosen_size,
    chosen_skeleton,
)
from posecore.runtime.geometry import Geometry
from posecore.runtime.movenet import MovenetReader
from posecore.runtime.network import Network
from posecore.runtime.network_input import checked_image, contiguous_pixels, pixel_coding
from posecore.runtime.readers import make_reader
from posecore.runtime.steps import Detail, Outputs, Prepared

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from posecore.decode import Refinement, Semantics
    from posecore.heads import Heads, Scores
    from posecore.layouts import Kind
    from posecore.runtime.geometry import Sampling
    from posecore.skeletons import Skeleton

Resize = Literal["letterbox", "stretch", "coral"]
Color = Literal["rgb", "bgr"]
XFirst = Literal["offsets", "displacements", "both"]

_OFFSETS, _DISPLACEMENTS = ("short_offsets", "long_offsets"), ("displacement_fwd", "displacement_bwd")
_X_FIRST: dict[XFirst | None, tuple[str, ...]] = {
    None: (),
    "offsets": _OFFSETS,
    "displacements": _DISPLACEMENTS,
    "both": _OFFSETS + _DISPLACEMENTS,
}


class Estimator:
    """Finds people and their keypoints in pictures.

    Args:
        model: a .tflite file's path, or its bytes; None is the PoseNet MobileNetV1 0.75 that comes with the
            package. Known are PoseNet in its usual layouts, with a PosenetDecoderOp at the end or without,
            float or quantised; MoveNet single and multi pose; and networks that give plain heatmaps or
            coordinates, for which the whole picture counts as one person's box. Where `posecore export` has left
            its description beside the file (its name and .json), that says skeleton, stride, scores and input.
        size: the network's input. A number is for networks that take any size: the picture's longer side is
            scaled to so many pixels. (height, width), as in models' file names, is one size for all pictures.
            None is the size that the model file fixes; where it fixes none, 481, or 256 for MoveNet. PoseNet's
            cells lie where it was trained at sides of a multiple of its stride plus 1, such as 257 and 353; at others
            TensorFlow's padding moves them, by 15 pixels at 256, and keypoints with them: refused.
        device: "cpu", or "coral" for an Edge TPU ("coral:0", "coral:usb", ... where there are several).
        threads: the network's, on the CPU.
        skeleton: what the keypoints are, a `Skeleton` or its name; None is what the description beside the model
            says, without one COCO's 17 for a model of 17.
        max_poses: at most so many people.
        root_threshold: people without a keypoint of this score, from 0 to 1, are not looked for.
        pose_threshold: people with a lower score are dropped.
        nms_radius_px: PoseNet's keypoints of one kind closer than this are one person's; in input pixels.
        refine_steps: how often each of PoseNet's keypoints is moved by the short offset where it lies.
        semantics: whose poses PoseNet's are, "coral" or "tfjs", as in `posecore.Decoder`; None is "coral".
        refine: of plain heatmaps, how the highest cell is refined, as in `HeatmapDecoder`: "none", "quarter", "taylor".
        blur_sigma_cells: of plain heatmaps, the smoothing before "taylor", in cells.
        resize: "letterbox" keeps the picture's aspect and fills up with grey; "stretch" does not keep it;
            "coral" does not either and takes nearest pixels, as Coral's own code does.
        color: "rgb", or "bgr" for pictures from OpenCV.
        scores: what the heatmaps hold, "logits" or "probabilities", where the model's layout says it wrong.
        stride_px: input pixels from cell to cell, where it does not follow from the model.
        input_range: the values that a float input takes for bytes 0 and 255, where it is not what PoseNet
            (-1, 1), MoveNet (0, 255) and networks that give coordinates (-1, 1) take.
        x_first: of a PoseNet whose channels hold all x before all y, where that is so: its "offsets", its
            "displacements", or "both".
        interpreter: "litert", "tflite-runtime" or "tensorflow"; None is the first that is installed.

    The first five decode options are, where they are None, those of the model's own PosenetDecoderOp, else the
    defaults of `posecore.Decoder`; for other networks than PoseNet, a pose_threshold of 0.2 and no more.

    Attributes:
        skeleton: what the keypoints are.
        name: the model's file name without its ending.
        library: the interpreter that runs it, with its version.
        input_size: (width, height) of the network's input as it is now.
        kind: what the network is: "posenet", "heatmaps", "coordinates", "movenet-single" or "movenet-multi".
        input_dtype: what the network's input holds: "float32", "uint8" or "int8".

    Raises:
        ModelError: the file is not there, no .tflite model, no pose model, does not fit size or device, or what
            lies beside it describes another one.
        MissingExtra: no interpreter is installed.
        TypeError, ValueError: another argument is not what was wanted, or contradicts the description.

    Warns:
        UserWarning: a `size` that would move the cells of a PoseNet of any size that is not posecore's: it may have
            been trained so.
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | bytes | None = None,
        *,
        size: int | tuple[int, int] | None = None,
        device: str = "cpu",
        threads: int = 1,
        skeleton: Skeleton | str | None = None,
        max_poses: int | None = None,
        root_threshold: float | None = None,
        pose_threshold: float | None = None,
        nms_radius_px: float | None = None,
        refine_steps: int | None = None,
        semantics: Semantics | None = None,
        refine: Refinement | None = None,
        blur_sigma_cells: float | None = None,
        resize: Resize = "letterbox",
        color: Color = "rgb",
        scores: Scores | None = None,
        stride_px: float | None = None,
        input_range: tuple[float, float] | None = None,
        x_first: XFirst | None = None,
        interpreter: str | None = None,
    ) -> None:
        check_one_of("resize", resize, get_args(Resize))
        check_one_of("color", color, get_args(Color))
        if scores is not None:
            check_one_of("scores", scores, ("logits", "probabilities"))
        if x_first is not None:
            check_one_of("x_first", x_first, get_args(XFirst))
        self._x_first = _X_FIRST[x_first]
        long_side, fixed = chosen_size(size)
        if stride_px is not None:
            number(stride_px, "stride_px", *STRIDE_PX)
        network = Network(
            model,
            device=device,
            threads=threads,
            interpreter=interpreter,
            size=fixed,
            stride_px=stride_px,
            scores=scores,
        )
        if x_first is not None and network.layout.kind != "posenet":
            raise ValueError(
                f"x_first: wanted None, since a {network.layout.kind} network has no offsets, got {x_first!r}"
            )
        check_grid(fixed, network)
        self._network = network
        self.name: str = network.name
        self.library: str = network.interpreter.library
        self.kind: Kind = network.layout.kind
        self.input_dtype: str = network.interpreter.input.dtype
        self.skeleton: Skeleton = chosen_skeleton(skeleton, network)
        self._resize = resize
        self._swap_red_blue = color == "bgr"
        self._long_side = chosen_long_side(long_side, fixed, resize, network)
        self._coding = pixel_coding(
            network.interpreter.input,
            kind=network.layout.kind,
            input_range=chosen_input_range(input_range, network),
            model=network.name,
        )
        given = {
            "max_poses": max_poses,
            "root_threshold": root_threshold,
            "pose_threshold": pose_threshold,
            "nms_radius_px": nms_radius_px,
            "refine_steps": refine_steps,
            "semantics": semantics,
            "refine": refine,
            "blur_sigma_cells": blur_sigma_cells,
        }
        if network.decoder is not None:
            own = network.decoder.as_decode_options()
            given |= {name: value for name, value in own.items() if given[name] is None}
        self._reader = make_reader(network.layout, self.skeleton, given)
        self._geometry: Geometry | None = None
        self._busy = threading.Lock()

    @property
    def input_size(self) -> tuple[int, int]:
        """(width, height) of the network's input in pixels, as it is now."""
        return self._network.input_size

    @property
    def long_side(self) -> int | None:
        """What a picture's longer side is scaled to in pixels; None where all pictures go into one input size."""
        return self._long_side

    def __call__(self, image: npt.NDArray[np.uint8]) -> Poses:
        """The people in `image`, a uint8 array of shape (H, W, 3), in its own pixels, best first.

        Raises:
            TypeError, ValueError: not such an array.
            RuntimeError: another thread is using this estimator; make one for each thread.
        """
        pixels, swapped = contiguous_pixels(checked_image(image))
        with _Alone(self._busy):
            geometry = self._plan((pixels.shape[1], pixels.shape[0]))
            self._fit(geometry)
            self._write(pixels, swapped, geometry, self._network.interpreter.input_view())
            self._network.interpreter.invoke()
            return self._read(self._network.interpreter.output_views(), geometry)[0]

    def detail(self, image: npt.NDArray[np.uint8]) -> Detail:
        """The poses and how they came about; raises as calling does."""
        pixels, swapped = contiguous_pixels(checked_image(image))
        with _Alone(self._busy):
            begun = perf_counter()
            geometry = self._plan((pixels.shape[1], pixels.shape[0]))
            # A picture of another shape makes the network lay out its memory anew, which is the network's time.
            self._fit(geometry)
            start = perf_counter()
            self._write(pixels, swapped, geometry, self._network.interpreter.input_view())
            filled = perf_counter()
            outputs = self._invoke(geometry, {"resize": filled - start, "network": start - begun})
        return self.read(outputs)

    def prepare(self, image: npt.NDArray[np.uint8]) -> Prepared:
        """The first of the three steps of `detail`, for whoever has a thread for each: `image` as the network's input.

        One thread may prepare pictures while another runs the network on those before, and a third reads what came out:
        `read(run(prepare(image)))` is `detail(image)`. Raises as calling does for what is no picture.
        """
        begun = perf_counter()
        pixels, swapped = contiguous_pixels(checked_image(image))
        geometry = self._plan((pixels.shape[1], pixels.shape[0]))
        width, height = geometry.input_size
        tensor = np.empty((height, width, 3), self._coding.dtype)
        self._write(pixels, swapped, geometry, tensor)
        return Prepared(tensor, geometry, perf_counter() - begun, self)

    def run(self, prepared: Prepared) -> Outputs:
        """The second step: the network.

        Raises:
            TypeError, ValueError: nothing that this estimator prepared.
            RuntimeError: another thread is running this network.
        """
        self._check(prepared, Prepared, "prepared")
        with _Alone(self._busy):
            begun = perf_counter()
            self._fit(prepared.geometry)
            start = perf_counter()
            np.copyto(self._network.interpreter.input_view(), prepared.tensor)
            copied = perf_counter()
            times = {"resize": prepared.seconds + copied - start, "network": start - begun}
            return self._invoke(prepared.geometry, times)

    def read(self, outputs: Outputs) -> Detail:
        """The third step: the poses.

        Raises:
            TypeError, ValueError: nothing that this estimator's network gave.
            RuntimeError: another thread is reading outputs of this estimator.
        """
        self._check(outputs, Outputs, "outputs")
        begun = perf_counter()
        poses, heads = self._read(list(outputs.tensors), outputs.geometry)
        times = outputs.times | {"decode": perf_counter() - begun}
        return Detail(poses, heads, outputs.geometry, times)

    def heads(self, image: npt.NDArray[np.uint8]) -> Heads:
        """The network's output tensors for `image`, copied.

        Raises as calling does, and `ModelError` for MoveNet and coordinates, which are poses and no heads.
        """
        if not self._network.gives_heads:
            which = "MoveNet" if self._network.is_movenet else "one that gives coordinates"
            raise ModelError(
                f"{self.name}: wanted a network that gives heads, got {which}, which gives poses"
            )
        return self._heads(self.run(self.prepare(image)).tensors)

    def __repr__(self) -> str:
        width, height = self.input_size
        return f"Estimator({self.name}, {self._network.layout.kind}, {height}x{width}, {self.library})"

    def _check(self, given: Any, wanted: type[Any], name: str) -> None:
        if not isinstance(given, wanted):
            raise TypeError(f"{name}: wanted {wanted.__name__}, got {type(given).__name__}")
        if given.owner is not self:
            raise ValueError(
                f"{name}: wanted {wanted.__name__} of this estimator, got that of {given.owner!r}"
            )

    def _invoke(self, geometry: Geometry, times: dict[str, float]) -> Outputs:
        begun = perf_counter()
        self._network.interpreter.invoke()
        times["network"] += perf_counter() - begun
        # Copies, since the next picture overwrites the tensors themselves.
        tensors = tuple(view.copy() for view in self._network.interpreter.output_views())
        return Outputs(tensors, geometry, times, self)

    def _write(
        self, pixels: npt.NDArray[np.uint8], swapped: bool, geometry: Geometry, tensor: npt.NDArray[Any]
    ) -> None:
        swap = self._swap_red_blue != swapped
        self._coding.write(geometry.resample(pixels), tensor, geometry, swap_red_blue=swap)

    def _fit(self, geometry: Geometry) -> None:
        if self._long_side is not None and geometry.input_size != self.input_size:
            width, height = geometry.input_size
            self._network.interpreter.resize(height, width)

    def _plan(self, image_size: tuple[int, int]) -> Geometry:
        geometry = self._geometry
        if geometry is not None and geometry.image_size == image_size:
            return geometry
        if self._long_side is not None:
            multiple, plus = self._network.size_step
            geometry = Geometry.long_side(image_size, self._long_side, multiple=multiple, plus=plus)
        elif self._resize == "letterbox":
            geometry = Geometry.letterbox(image_size, self.input_size)
        else:
            sampling: Sampling = "nearest" if self._resize == "coral" else "smooth"
            geometry = Geometry.stretch(image_size, self.input_size, sampling=sampling)
        self._geometry = geometry
        return geometry

    def _read(self, outputs: list[npt.NDArray[Any]], geometry: Geometry) -> tuple[Poses, Heads | None]:
        if isinstance(self._reader, (MovenetReader, CoordinatesReader)):
            return self._reader(outputs[0], geometry), None
        heads = self._heads(outputs)
        return self._reader.decode(heads, geometry.onto), heads

    def _heads(self, outputs: Sequence[npt.NDArray[Any]]) -> Heads:
        heads = self._network.layout.build(outputs)
        return heads.with_y_first(self._x_first) if self._x_first else heads


class _Alone:
    """Holds the lock, or raises where another thread does: tensors are overwritten in place."""

    __slots__ = ("_lock",)

    def __init__(self, lock: threading.Lock) -> None:
        self._lock = lock

    def __enter__(self) -> None:
        if not self._lock.acquire(blocking=False):
            raise RuntimeError("this Estimator is at work in another thread: make one for each thread")

    def __exit__(self, *_: object) -> None:
        self._lock.release()
