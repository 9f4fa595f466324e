"""Runners: the same picture through a Keras model, and through what was exported of it, on this machine.

Each takes a picture of the network's own size, uint8 (height, width, 3), RGB, and gives the network's answer; how fast
and how large it is, `cost` says. One thread each, so that times mean the same everywhere.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from posecore.artifact import Artifact
from posecore.errors import ModelError, require
from posecore.export.answers import Answer, Reading
from posecore.export.contract import INPUT_RANGE, contract
from posecore.layouts import split
from posecore.printable import printable
from posecore.runtime.geometry import Geometry
from posecore.runtime.network import Network
from posecore.runtime.network_input import pixel_coding
from posecore.runtime.tflite_memory import computed_bytes

if TYPE_CHECKING:
    import numpy.typing as npt

    from posecore.skeletons import Skeleton

    Image = npt.NDArray[np.uint8]

_TIMED_RUNS = 15
_WARM_RUNS = 3


@dataclass(frozen=True)
class Cost:
    """What a model takes.

    Attributes:
        runs_on: the interpreter or simulator with its version.
        file_bytes: of the model file; of a Keras model, of its weights.
        memory_bytes: of all that is computed, while it runs; None where nobody knows.
        memory: what that memory is.
        operators: how many steps are done by each unit.
        latency_ms: median of one picture on this machine's CPU, one thread, decoding not among it; None where what
            runs is a simulator, whose time says nothing.
    """

    runs_on: str
    file_bytes: int
    memory_bytes: int | None
    memory: str
    operators: Mapping[str, int]
    latency_ms: float | None


class Runner(Protocol):
    """What `verify` asks of both sides."""

    @property
    def reading(self) -> Reading:
        """How its answers are read."""

    def heads(self, picture: Image, /) -> Answer:
        """The network's answer to a uint8 (height, width, 3) RGB picture of its own size: `Heads`, or `Coordinates` of
        a regressor. The arrays are the caller's to keep."""

    def cost(self, picture: Image, /) -> Cost:
        """What the model takes, measured on this picture."""


def answers(runner: Runner, pictures: Sequence[Image]) -> list[Answer]:
    """What a runner says of each of a few pictures, at once where it can."""
    at_once: Any = getattr(runner, "answers", None)
    return [runner.heads(picture) for picture in pictures] if at_once is None else list(at_once(pictures))


class KerasRunner:
    """The float model itself.

    Args:
        model: a `keras.Model` that `contract` knows.
        size: (width, height) of the input; None for a model that has one of its own.
        skeleton: as `contract` takes it.

    Raises:
        TypeError, ValueError, ModelError: as `contract` does; ValueError where nobody says the size.
    """

    def __init__(
        self, model: Any, *, size: tuple[int, int] | None = None, skeleton: Skeleton | None = None
    ) -> None:
        said = contract(model, skeleton=skeleton)
        size = size or said.input_size
        if size is None:
            raise ValueError(
                f"size: wanted (width, height), since {said.model.name} takes any size, got None"
            )
        self._graph = said.graph(size)
        self._roles = {head.name: head.role for head in said.heads}
        self.reading = Reading.of_contract(said, size)

    def heads(self, picture: Image) -> Answer:
        """float32, as the model gives them."""
        tensor = self._input(picture)
        try:
            outputs = self._graph.predict_on_batch(tensor)
        except Exception as error:  # whatever the layers of somebody's file raise
            raise ModelError(
                f"{self._graph.name}: Keras cannot run it ({printable(' '.join(str(error).split())[:200])})"
            ) from error
        arrays: dict[str, npt.NDArray[Any]] = {}
        for name, role in self._roles.items():
            arrays |= split(role, np.asarray(outputs[name], np.float32)[0])
        return self.reading.answer(arrays)

    def cost(self, picture: Image) -> Cost:
        """Bytes of weights as float32; the steps are layers."""
        keras = require("keras", extra="export", purpose="Running a Keras model")
        tensor = self._input(picture)
        return Cost(
            runs_on=f"Keras {keras.__version__}, {keras.backend.backend()}",
            file_bytes=4 * int(self._graph.count_params()),
            memory_bytes=None,
            memory="",
            operators={},
            latency_ms=_latency_ms(lambda: self._graph.predict_on_batch(tensor)),
        )

    def _input(self, picture: Image) -> npt.NDArray[np.float32]:
        low, high = INPUT_RANGE
        fitting = _fitting(picture, self.reading.input_size)[None]
        return np.asarray(fitting * np.float32((high - low) / 255) + np.float32(low), np.float32)


class TfliteRunner:
    """A .tflite file on the CPU through the runtime, as `Estimator` runs it; a decoder at its end is taken off.

    Args:
        path: the file, its description beside it.
        size: (width, height), for a file that takes any size.

    Raises:
        ModelError: no such file, without its description, or for an Edge TPU.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, artifact: Artifact, size: tuple[int, int] | None = None
    ) -> None:
        wanted = None if size is None else (size[1], size[0])
        self._network = Network(
            path, device="cpu", threads=1, interpreter=None, size=wanted, stride_px=None, scores=None
        )
        self._path, self._target = Path(path), artifact.target
        interpreter = self._network.interpreter
        self.reading = Reading.of_artifact(artifact, self._network.input_size)
        self._coding = pixel_coding(
            interpreter.input,
            kind=artifact.kind,
            input_range=artifact.input.range,
            model=artifact.file,
        )
        self._geometry = Geometry.stretch(self._network.input_size, self._network.input_size)
        layout = self._network.layout
        self._roles = layout.roles
        self._quantization = layout.named_quantization

    def heads(self, picture: Image) -> Answer:
        """As the file gives them, quantised where it is."""
        interpreter = self._network.interpreter
        self._coding.write(
            _fitting(picture, self.reading.input_size),
            interpreter.input_view(),
            self._geometry,
            swap_red_blue=False,
        )
        interpreter.invoke()
        arrays: dict[str, npt.NDArray[Any]] = {}
        for role, view in zip(self._roles, interpreter.output_views(), strict=True):
            arrays |= split(role, view[0].copy())
        return self.reading.answer(arrays, self._quantization)

    def cost(self, picture: Image) -> Cost:
        """Memory is what the interpreter's arena holds without XNNPACK, which plans its own. Of a file for Coral, which
        runs here on the CPU, operators are where the Edge TPU's compiler will put them."""
        self.heads(picture)
        interpreter = self._network.interpreter
        width, height = self.reading.input_size
        return Cost(
            runs_on=interpreter.library,
            file_bytes=self._path.stat().st_size,
            memory_bytes=computed_bytes(interpreter.file, size=(height, width)),
            memory="arena",
            operators=self._operators(),
            latency_ms=_latency_ms(interpreter.invoke),
        )

    def _operators(self) -> dict[str, int]:
        if self._target != "coral":
            return {"CPU": len(self._network.interpreter.file.operators)}
        from posecore.export.edge_tpu import edge_tpu_report

        report = edge_tpu_report(self._path.read_bytes(), name=self._path.name)
        return {"TPU": report.on_tpu, "CPU": len(report.operators) - report.on_tpu}


class KpuRunner:
    """A .kmodel in nncase's simulator of K210's KPU, which counts as the chip does, bit by bit.

    Args:
        simulator: a `KpuSimulator`, which has read the file.
        artifact: the file's description.

    Raises:
        ModelError: a description without the input's size.
    """

    def __init__(self, simulator: Any, *, artifact: Artifact) -> None:
        size = artifact.input.size
        if size is None:
            raise ModelError(f"{artifact.file}: wanted a .kmodel of one input size, got one of any")
        self._simulator, self._artifact = simulator, artifact
        self.reading = Reading.of_artifact(artifact, size)

    def heads(self, picture: Image) -> Answer:
        """float32, dequantised as the board's CPU does it."""
        return self.answers([picture])[0]

    def answers(self, pictures: Sequence[Image]) -> list[Answer]:
        """All in one run of the simulator, whose start takes longer than a picture."""
        batch = np.stack([_fitting(picture, self.reading.input_size) for picture in pictures])
        return [self._answer(outputs) for outputs in self._simulator.run(batch)]

    def cost(self, picture: Image) -> Cost:
        """From the file's bytes: main memory with the file in it; the simulator's time is not the chip's."""
        kmodel = self._simulator.kmodel
        calls = f"{kmodel.kpu_calls} KPU call{'' if kmodel.kpu_calls == 1 else 's'}"
        return Cost(
            runs_on=f"{calls}, simulator of nncase {self._simulator.nncase.release}",
            file_bytes=int(kmodel.file_bytes),
            memory_bytes=int(kmodel.memory["total"]),
            memory="RAM",
            operators={"KPU": len(kmodel.kpu_layers), "CPU": len(kmodel.cpu_ops)},
            latency_ms=None,
        )

    def _answer(self, outputs: Sequence[Any]) -> Answer:
        arrays: dict[str, npt.NDArray[Any]] = {}
        for spec, output in zip(self._artifact.heads, outputs, strict=True):
            arrays |= split(spec.role, np.asarray(output, np.float32)[0])
        return self.reading.answer(arrays)


class OnnxRunner:
    """An .onnx file in onnxruntime on the CPU.

    Args:
        path: the file.
        artifact: its description.
        size: (width, height), for a file that takes any size.

    Raises:
        ModelError: onnxruntime refuses the file.
        MissingExtra: onnxruntime is not installed.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, artifact: Artifact, size: tuple[int, int] | None = None
    ) -> None:
        runtime = require("onnxruntime", extra="onnx", purpose="Running an ONNX model")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        size = artifact.input.size or size
        if size is None:
            raise ValueError(f"size: wanted (width, height), since {artifact.file} takes any size, got None")
        try:
            data = Path(path).read_bytes()
            # From bytes: a file from elsewhere then has no folder to load further files from.
            self._session = runtime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        except OSError as error:
            raise ModelError(f"{path} cannot be read: {error.strerror}") from error
        except Exception as error:  # each kind of refusal is a class of its own, made in C++
            reason = " ".join(str(error).split())[:300]
            raise ModelError(f"{path}: onnxruntime refuses it ({reason})") from error
        self._artifact, self._bytes = artifact, len(data)
        self._library = f"onnxruntime {runtime.__version__}"
        self._operators = _onnx_operators(data)
        self.reading = Reading.of_artifact(artifact, size)

    def heads(self, picture: Image) -> Answer:
        """float32, channels last whatever the file has."""
        arrays: dict[str, npt.NDArray[Any]] = {}
        for spec, output in zip(self._artifact.heads, self._run(picture), strict=True):
            array = np.asarray(output, np.float32)[0]
            arrays |= split(spec.role, array.transpose(1, 2, 0) if spec.layout == "NCHW" else array)
        return self.reading.answer(arrays)

    def cost(self, picture: Image) -> Cost:
        """onnxruntime does not say how much memory it takes."""
        return Cost(
            runs_on=self._library,
            file_bytes=self._bytes,
            memory_bytes=None,
            memory="",
            operators=self._operators,
            latency_ms=_latency_ms(lambda: self._run(picture)),
        )

    def _run(self, picture: Image) -> list[Any]:
        entry = self._artifact.input
        low, high = entry.range
        fitting = _fitting(picture, self.reading.input_size)[None]
        tensor = np.asarray(fitting * np.float32((high - low) / 255) + np.float32(low), np.float32)
        if entry.layout == "NCHW":
            tensor = np.ascontiguousarray(tensor.transpose(0, 3, 1, 2))
        names = [head.name for head in self._artifact.heads]
        outputs: list[Any] = self._session.run(names, {entry.name: tensor})
        return outputs


def open_runner(path: str | os.PathLike[str], *, size: tuple[int, int] | None = None) -> Runner:
    """The runner for a file that an export of ours has written, by what lies beside it.

    Args:
        path: .tflite or .onnx, or .kmodel where K210's simulator is installed.
        size: (width, height), for a file that takes any size.

    Raises:
        ModelError: no such file, no description beside it, or one of another file.
        MissingExtra: what runs it is not installed.
    """
    if not Path(path).is_file():
        raise ModelError(f"{os.fspath(path)} does not exist")
    artifact = Artifact.read(path)
    if artifact is None:
        raise ModelError(
            f"{os.fspath(path)}: wanted a file that posecore has exported, got one without its description "
            f"({Artifact.path_beside(path).name})"
        )
    if artifact.target == "onnx":
        return OnnxRunner(path, artifact=artifact, size=size)
    if artifact.target == "k210":
        from posecore.export.kpu_simulator import KpuSimulator

        return KpuRunner(KpuSimulator(path, artifact), artifact=artifact)
    return TfliteRunner(path, artifact=artifact, size=None if artifact.input.size else size)


def _fitting(picture: Image, size: tuple[int, int]) -> Image:
    width, height = size
    if not isinstance(picture, np.ndarray) or picture.dtype != np.uint8:
        raise TypeError(
            f"picture: wanted uint8 ({height}, {width}, 3), got {getattr(picture, 'dtype', type(picture))}"
        )
    if picture.shape != (height, width, 3):
        raise ValueError(f"picture: wanted uint8 ({height}, {width}, 3), got shape {picture.shape}")
    return np.ascontiguousarray(picture)


def _latency_ms(run: Callable[[], object]) -> float:
    times = []
    for number in range(_WARM_RUNS + _TIMED_RUNS):
        begun = perf_counter()
        run()
        if number >= _WARM_RUNS:
            times.append(perf_counter() - begun)
    return 1e3 * statistics.median(times)


def _onnx_operators(data: bytes) -> dict[str, int]:
    onnx = require("onnx", extra="onnx", purpose="Counting the operators of an ONNX model")
    return {"CPU": len(onnx.load_from_string(data).graph.node)}
