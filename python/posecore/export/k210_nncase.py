"""`Nncase`: nncase 1.x in an interpreter of its own, driven as a child process with a time limit.

A wrong model makes nncase crash or run for ever, so it gets a folder that is thrown away, its own process group, which
is ended whole when the time is up, and a log, whose last lines are in the error.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from posecore.arguments import number
from posecore.errors import ModelError
from posecore.export.kmodel import Kmodel
from posecore.printable import printable
from posecore.runtime.tflite_file import TfliteFile

if TYPE_CHECKING:
    import numpy.typing as npt

TIMEOUT_S = 600.0
PROBE_TIMEOUT_S = 60.0
INPUT_RANGE = (-1.0, 127 / 128)
"""What bytes 0 and 255 stand for: steps of 1/128, by which the KPU scales without a remainder."""
_WORKER = Path(__file__).with_name("k210_worker.py")
_MOST_TIMEOUT_S = 86_400.0
_LAST_LINES = 6
_MOST_ANSWER_BYTES = 1 << 16


class NncaseError(ModelError):
    """nncase refused a model, crashed on it or did not end; `log` is what it printed."""

    def __init__(self, message: str, *, log: str) -> None:
        super().__init__(message)
        self.log = log


@dataclass(frozen=True, slots=True)
class Nncase:
    """An interpreter that has nncase.

    Attributes:
        python: its path.
        release: of nncase, "1.9.0.20230322".
        python_version: "3.10.13".
    """

    python: str
    release: str
    python_version: str

    @classmethod
    def probe(cls, python: str | os.PathLike[str], *, timeout_s: float = PROBE_TIMEOUT_S) -> Nncase:
        """What this interpreter has.

        Raises:
            NncaseError: it does not start, has no nncase, or one without K210.
        """
        path = os.fspath(python)
        with _folder() as work:
            answer, _ = _run(path, work, {"do": "probe"}, timeout_s, f"{path} as an interpreter with nncase")
        return cls(path, str(answer.get("nncase", ""))[:40], str(answer.get("python", ""))[:20])

    def compile(
        self,
        tflite: bytes,
        pictures: npt.NDArray[np.uint8],
        *,
        name: str = "the model",
        timeout_s: float = TIMEOUT_S,
    ) -> bytes:
        """A .kmodel of a float32 .tflite model that takes (1, height, width, 3) in [-1, 1].

        Args:
            tflite: its bytes.
            pictures: to calibrate with, uint8 (n, height, width, 3), RGB, of the model's size.
            name: what errors call the model.
            timeout_s: after so many seconds nncase is ended.

        Raises:
            TypeError, ValueError: pictures of another kind or size.
            ModelError: no .tflite file, or one with quantised input, which nncase crashes on.
            NncaseError: nncase refuses it, crashes, or does not end in time.
        """
        file = TfliteFile.read(tflite, name=name)
        picture = file.inputs[0]
        if len(file.inputs) != 1 or picture.dtype != "float32":
            raise ModelError(
                f"{name}: wanted one input of float32, since nncase crashes on quantised ones, got {picture.dtype}; "
                "nncase quantises by itself"
            )
        if len(picture.shape) != 4 or picture.shape[3] != 3 or min(picture.shape) < 1:
            raise ModelError(f"{name}: wanted an input of shape (1, height, width, 3), got {picture.shape}")
        height, width = picture.shape[1:3]
        planes = _planes(pictures, (width, height), "pictures")
        with _folder() as work:
            (work / "model.tflite").write_bytes(tflite)
            np.save(work / "pictures.npy", planes, allow_pickle=False)
            request = {"do": "compile", "size": [width, height], "input_range": INPUT_RANGE}
            _, log = _run(self.python, work, request, timeout_s, f"{name} with nncase {self.release}")
            return _made(work / "model.kmodel", name, log).read_bytes()

    def simulate(
        self,
        kmodel: bytes,
        pictures: npt.NDArray[np.uint8],
        *,
        name: str = "the model",
        timeout_s: float = TIMEOUT_S,
    ) -> list[npt.NDArray[np.float32]]:
        """The outputs of a .kmodel for some pictures, to the bit what the board gives.

        Args:
            kmodel: its bytes.
            pictures: uint8 (n, height, width, 3), RGB, of the model's size.
            name: what errors call the model.
            timeout_s: after so many seconds nncase is ended.

        Returns:
            float32 (n, channels, rows, columns) for each output, in the file's order.

        Raises:
            TypeError, ValueError: pictures of another kind or size.
            ModelError: no .kmodel file of version 5, or one that this release of nncase cannot run.
            NncaseError: nncase crashes, or does not end in time.
        """
        model = Kmodel.read(kmodel, name=name)
        release = ".".join(self.release.split(".")[:2])
        if release not in model.runtimes:
            runs = ", ".join(model.runtimes) or "none that is known"
            raise ModelError(
                f"{name}: wanted a .kmodel that nncase {self.release} runs, got one for {runs}; the file's "
                "version is 5 all the same"
            )
        (port,) = model.inputs if len(model.inputs) == 1 else (None,)
        if port is None or port.dtype != "uint8" or len(port.shape) != 4 or port.shape[:2] != (1, 3):
            raise ModelError(f"{name}: wanted one input uint8 (1, 3, height, width), got {_listed(model)}")
        planes = _planes(pictures, (port.shape[3], port.shape[2]), "pictures")
        with _folder() as work:
            (work / "model.kmodel").write_bytes(kmodel)
            np.save(work / "pictures.npy", planes, allow_pickle=False)
            request = {"do": "simulate", "outputs": len(model.outputs)}
            _, log = _run(
                self.python, work, request, timeout_s, f"{name} in nncase {self.release}'s simulator"
            )
            found = [
                _array(_made(work / f"output_{number}.npy", name, log), log, name)
                for number in range(len(model.outputs))
            ]
        wanted = [(len(planes), *port.shape[1:]) for port in model.outputs]
        if [array.shape for array in found] != wanted:
            raise NncaseError(
                f"{name}: wanted outputs {wanted} of the simulator, got {[array.shape for array in found]}",
                log="",
            )
        return found


def _listed(model: Kmodel) -> str:
    return ", ".join(f"{port.dtype} {port.shape}" for port in model.inputs) or "none"


def _planes(pictures: object, size: tuple[int, int], name: str) -> npt.NDArray[np.uint8]:
    """(n, 3, height, width) of pictures (n, height, width, 3)."""
    width, height = size
    if not isinstance(pictures, np.ndarray) or pictures.dtype != np.uint8:
        got = pictures.dtype if isinstance(pictures, np.ndarray) else type(pictures).__name__
        raise TypeError(f"{name}: wanted a uint8 array (n, {height}, {width}, 3), got {got}")
    if pictures.ndim != 4 or pictures.shape[1:] != (height, width, 3) or not len(pictures):
        raise ValueError(f"{name}: wanted shape (n, {height}, {width}, 3), got {pictures.shape}")
    return np.ascontiguousarray(pictures.transpose(0, 3, 1, 2))


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="posecore-nncase-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(
    python: str, work: Path, request: dict[str, Any], timeout_s: float, what: str
) -> tuple[dict[str, Any], str]:
    """The worker's answer, and what it printed."""
    timeout_s = number(timeout_s, "timeout_s", 0.01, _MOST_TIMEOUT_S)
    (work / "request.json").write_text(json.dumps(request), encoding="utf-8")
    # The worker is not a module of ours for that interpreter, and its packages are not ours.
    hidden = ("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    log_path = work / "nncase.log"
    with log_path.open("wb") as log:
        try:
            child = subprocess.Popen(
                [python, "-s", str(_WORKER), str(work)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=work,
                env=environment,
                start_new_session=sys.platform != "win32",
            )
        except OSError as error:
            raise NncaseError(f"{what}: {python} does not start ({error.strerror})", log="") from error
        try:
            status = child.wait(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            _end(child)
            raise NncaseError(
                f"{what}: it had not ended after {timeout_s:g} s and was ended{_last_words(log_path)}",
                log=_text(log_path),
            ) from None
        except BaseException:  # Ctrl-C is for us, and the child is in a group of its own
            _end(child)
            raise
    answer = _answer(work / "answer.json")
    if "error" in answer:
        raise NncaseError(
            f"{what}: it refuses: {printable(str(answer['error']))[:500]}{_last_words(log_path)}",
            log=_text(log_path),
        )
    if status != 0 or not answer:
        raise NncaseError(f"{what}: it {_died(status)}{_last_words(log_path)}", log=_text(log_path))
    return answer, _text(log_path)


def _end(child: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(OSError):
        if sys.platform == "win32":
            child.kill()
        else:
            os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _died(status: int) -> str:
    if status < 0:
        with contextlib.suppress(ValueError):
            return f"crashed ({signal.Signals(-status).name})"
    return f"ended with status {status} and without an answer"


def _answer(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            found = json.loads(file.read(_MOST_ANSWER_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _text(path: Path) -> str:
    try:
        return path.read_bytes()[-(1 << 20) :].decode("utf-8", "replace")
    except OSError:
        return ""


def _last_words(path: Path) -> str:
    lines = [line.strip() for line in _text(path).splitlines() if line.strip()]
    if not lines:
        return "; it printed nothing"
    return "; the last that it printed: " + printable(" | ".join(lines[-_LAST_LINES:]))[-600:]


def _made(path: Path, name: str, log: str) -> Path:
    if not path.is_file():
        raise NncaseError(f"{name}: wanted {path.name} of nncase, which ended well without it", log=log)
    return path


def _array(path: Path, log: str, name: str) -> npt.NDArray[np.float32]:
    try:
        array = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise NncaseError(f"{name}: {path.name} of nncase cannot be read ({error})", log=log) from error
    return np.asarray(array, np.float32)
