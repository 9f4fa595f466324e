"""Running a .tflite model: whichever TFLite interpreter is installed, behind one small face.

A file is read and checked by `tflite_file` before any interpreter sees it; what reading cannot prove harmless
is run once in a child process first (`trial`).
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from types import ModuleType
from typing import TYPE_CHECKING, Any

from posecore.arguments import whole
from posecore.errors import ModelError
from posecore.layouts import TensorInfo
from posecore.runtime.tflite_file import TfliteFile
from posecore.runtime.tflite_libraries import (
    construct,
    library,
    library_name,
    library_version,
    set_input_size,
)
from posecore.runtime.trial import try_out

if TYPE_CHECKING:
    import numpy.typing as npt

_INPUT_DTYPES = ("float32", "uint8", "int8")
_EDGE_TPU_LIBRARIES = {"win32": "edgetpu.dll", "darwin": "libedgetpu.1.dylib"}
MAX_INPUT_PIXELS = 64_000_000
_MAX_THREADS = 1024

_tried: set[tuple[str, bytes, bool, tuple[int, int] | None]] = set()


class Interpreter:
    """A loaded model; made by `open_interpreter`. Not thread safe: one for each thread.

    Attributes:
        name: what errors call the model.
        file: the `TfliteFile` that is running.
        library: the interpreter's package and version, "ai-edge-litert 2.3.0".
        input: the picture's tensor; `shape` is (1, H, W, 3) as it is now.
        outputs: the output tensors in the file's order, with shapes as they are now; sizes that depend on
            values are right after `invoke`.
        resizable: whether `resize` can change the input's size.
    """

    def __init__(
        self,
        interpreter: Any,
        file: TfliteFile,
        module: ModuleType,
        *,
        threads: int,
        exact: bool,
        on_cpu: bool,
    ) -> None:
        """Use `open_interpreter`."""
        self._interpreter = interpreter
        self._module = module
        self._threads = threads
        self._exact = exact
        self.name = file.name
        self.file = file
        self.library = library_version(module)
        # Proven operators make a fully convolutional network, which takes any size.
        free = file.inputs[0].shape[1:3] == (-1, -1)
        self.resizable = on_cpu and (free or not file.unproven)
        self._describe()

    def _describe(self) -> None:
        inputs, outputs = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        self.input: TensorInfo = _with_shape(self.file.inputs[0], inputs[0])
        self.outputs: tuple[TensorInfo, ...] = tuple(map(_with_shape, self.file.outputs, outputs))
        self._input = self._interpreter.tensor(inputs[0]["index"])
        self._outputs = [self._interpreter.tensor(details["index"]) for details in outputs]

    def resize(self, height: int, width: int) -> None:
        """Make the input (height, width) pixels; a no-op where it has that size. Views from before are void.

        Raises ValueError for a size that is not positive or above 64 megapixels, ModelError where the model
        does not take it (it then keeps the size it had), RuntimeError where a view is still alive.
        """
        height, width = whole(height, "height", 1, 1 << 24), whole(width, "width", 1, 1 << 24)
        if height * width > MAX_INPUT_PIXELS:
            raise ValueError(
                f"height and width must make at most {MAX_INPUT_PIXELS} pixels, not {height} times {width}"
            )
        before = self.input.shape[1:3]
        if (height, width) == before:
            return
        if not self.resizable:
            raise ModelError(
                f"{self.name} takes pictures of {before[0]}x{before[1]} pixels (height x width) only, not "
                f"{height}x{width}"
            )
        _try_where_needed(self.file, self._module, exact=self._exact, size=(height, width))
        try:
            with _translated(f"{self.name} cannot take pictures of {height}x{width} pixels (height x width)"):
                set_input_size(self._interpreter, height, width)
        except ModelError:
            # After a failed resize XNNPACK crashes at the next run, whatever the size: start afresh.
            self._interpreter = None
            self._interpreter = construct(
                self._module, self.file.data, threads=self._threads, exact=self._exact, delegates=[]
            )
            set_input_size(self._interpreter, *before)
            self._describe()
            raise
        self._describe()

    def input_view(self) -> npt.NDArray[Any]:
        """The input in place: a writable (H, W, 3) view. Drop it before `invoke` or `resize`."""
        view: npt.NDArray[Any] = self._input()[0]
        return view

    def invoke(self) -> None:
        """Run the network on what `input_view` was given.

        Raises RuntimeError where a view is still alive (memory may move), ModelError where the library fails.
        """
        with _translated(f"{self.name} cannot be run"):
            self._interpreter.invoke()

    def output_views(self) -> list[npt.NDArray[Any]]:
        """The outputs in place, in the order of `outputs`, with their first dimension of 1. Valid until the
        next `invoke` or `resize`, before which they must be dropped (copy what is to stay).
        """
        return [output() for output in self._outputs]


def open_interpreter(
    model: bytes | TfliteFile,
    *,
    device: str = "cpu",
    threads: int = 1,
    name: str = "the model",
    exact: bool = False,
    interpreter: str | None = None,
) -> Interpreter:
    """Check a model, load it and make it ready to run.

    Args:
        model: the bytes of a .tflite file, or what `TfliteFile.read` gave. A PosenetDecoderOp must have been
            taken out (`TfliteFile.without_decoder`).
        device: "cpu"; or "coral", "coral:0", "coral:usb", "coral:usb:0", "coral:pci:0": an Edge TPU.
        threads: for the CPU.
        name: what errors call the model, where it comes as bytes.
        exact: TFLite's own kernels instead of the faster ones of XNNPACK, which round otherwise (on Coral's
            uint8 models by up to 28 units).
        interpreter: "litert", "tflite-runtime" or "tensorflow"; without it the environment variable
            POSECORE_INTERPRETER, without that the first of them that is installed.

    Raises ModelError, MissingExtra (no interpreter is installed), ValueError and TypeError for arguments.
    """
    threads = whole(threads, "threads", 1, _MAX_THREADS)
    coral = _coral_device(device)
    file = model if isinstance(model, TfliteFile) else TfliteFile.read(model, name=name)
    _check_face(file)
    if file.needs_edge_tpu and coral is None:
        raise ModelError(
            f'{file.name} is compiled for the Edge TPU and needs the device "coral"; on a CPU use the file that '
            'it was compiled from (the same name without "_edgetpu")'
        )
    if coral is not None and not file.needs_edge_tpu:
        raise ModelError(
            f'{file.name} is not compiled for the Edge TPU: use the device "cpu", or a file from the Edge TPU '
            'compiler (its name ends in "_edgetpu.tflite")'
        )
    module = library(interpreter)
    delegates = [] if coral is None else [_edge_tpu_delegate(module, coral)]
    if coral is None:
        _try_where_needed(file, module, exact=exact, size=None)
    with _translated(f"{file.name} cannot be loaded"):
        loaded = construct(module, file.data, threads=threads, exact=exact, delegates=delegates)
    return Interpreter(loaded, file, module, threads=threads, exact=exact, on_cpu=coral is None)


def _with_shape(info: TensorInfo, details: dict[str, Any]) -> TensorInfo:
    return replace(info, shape=tuple(int(size) for size in details["shape"]))


def _check_face(file: TfliteFile) -> None:
    """One picture in, no decoder at the end."""
    if file.decoder is not None:
        raise ModelError(
            f"{file.name} ends in a PosenetDecoderOp, which has to be taken out before it can be run"
        )
    if len(file.inputs) != 1:
        raise ModelError(f"{file.name} has {len(file.inputs)} inputs, where one picture was expected")
    picture = file.inputs[0]
    if len(picture.shape) != 4 or picture.shape[0] not in (1, -1) or picture.shape[3] != 3:
        raise ModelError(
            f"{file.name} takes an input of shape {picture.shape}, where (1, height, width, 3) was expected"
        )
    if picture.dtype not in _INPUT_DTYPES:
        raise ModelError(
            f"{file.name} takes {picture.dtype} input, where {', '.join(_INPUT_DTYPES)} were expected"
        )


def _try_where_needed(
    file: TfliteFile, module: ModuleType, *, exact: bool, size: tuple[int, int] | None
) -> None:
    if not file.unproven:
        return
    name = library_name(module)
    key = (name, hashlib.sha256(file.data).digest(), exact, size)
    if key not in _tried:
        try_out(name, file.data, exact=exact, size=size, name=file.name)
        _tried.add(key)


def _coral_device(device: str) -> str | None:
    """None for the CPU; else how libedgetpu calls the device: "" for any, ":0", "usb", "usb:0", ..."""
    if not isinstance(device, str):
        raise TypeError(f"device must be a str, not {type(device).__name__}")
    if device == "cpu":
        return None
    found = re.fullmatch(r"coral(?::(usb|pci))?(:\d{1,3})?", device)
    if found is None:
        raise ValueError(
            'device must be "cpu", "coral", or one of several Edge TPUs ("coral:0", "coral:usb", '
            f'"coral:pci:0"), not {device!r}'
        )
    return (found[1] or "") + (found[2] or "")


def _edge_tpu_delegate(module: ModuleType, device: str) -> Any:
    path = _EDGE_TPU_LIBRARIES.get(sys.platform, "libedgetpu.so.1")
    try:
        # load_delegate would print a traceback of its own where this fails.
        _ = ctypes.CDLL(path).tflite_plugin_create_delegate
    except (OSError, AttributeError):
        raise ModelError(
            f'device "coral" needs the Edge TPU runtime, but {path} is not on this machine: install '
            "libedgetpu (https://coral.ai/software), plug the Edge TPU in, and try again; without one, use the file "
            'that the "_edgetpu" one was compiled from'
        ) from None
    try:
        return module.load_delegate(path, {"device": device} if device else {})
    except (ValueError, RuntimeError, OSError):
        place = f" at {device.strip(':')!r}" if device else ""
        raise ModelError(
            f'device "coral" is not there: {path} is installed, but finds no Edge TPU{place} (is it plugged '
            "in, may this user open it, and is no other program using it?)"
        ) from None


@contextlib.contextmanager
def _translated(what: str) -> Iterator[None]:
    """Turn what the C++ libraries raise, often several lines, into one sentence."""
    try:
        yield
    except (ValueError, RuntimeError) as error:
        if isinstance(error, ModelError):
            raise
        if "reference to internal data" in str(error):
            raise RuntimeError(
                "a view from input_view() or output_views() is alive: drop it before invoke() and resize()"
            ) from None
        raise ModelError(f"{what}: {_one_line(error)}") from error
    except MemoryError as error:
        raise ModelError(f"{what}: there is not enough memory for it") from error


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300].rstrip(" .") or "the interpreter gives no reason"
