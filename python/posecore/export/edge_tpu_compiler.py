"""Google's `edgetpu_compiler`, where it is installed: run in a folder of its own, with a limit, its words kept.

It is a program for Linux on x86-64 that no package registry has. What it prints is read as of versions 2 to 16; the
formats have no other description than the compiler's output.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from posecore import arguments
from posecore.errors import ModelError, PosecoreError
from posecore.printable import printable
from posecore.runtime.tflite_file import TfliteFile

PROGRAM = "edgetpu_compiler"
TIMEOUT_S = 300.0
"""Seconds after which the compiler is ended; its own limit is 180."""
_MOST_LOG_BYTES = 1 << 20
_LAST_LINES = 5
_MAPPED = "Mapped to Edge TPU"
_UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_BYTES = {
    "on_chip_used_bytes": r"On-chip memory used for caching model parameters",
    "on_chip_left_bytes": r"On-chip memory remaining for caching model parameters",
    "streamed_bytes": r"Off-chip memory used for streaming uncached model parameters",
}
_NUMBERS = {"subgraphs": r"Number of Edge TPU subgraphs", "operators": r"Total number of operations"}


class CompilerError(PosecoreError, RuntimeError):
    """The compiler failed, crashed or did not end; `log` is all that it printed."""

    def __init__(self, message: str, log: str) -> None:
        super().__init__(message)
        self.log = log


@dataclass(frozen=True, slots=True)
class MappedOperators:
    """One line of the compiler's table: so many operators of a kind, and what became of them."""

    name: str
    count: int
    status: str

    @property
    def on_tpu(self) -> bool:
        """Whether they run on the Edge TPU."""
        return self.status == _MAPPED


@dataclass(frozen=True, slots=True)
class CompilerLog:
    """What the compiler said; None where it did not say.

    Attributes:
        version: of the compiler.
        on_chip_used_bytes, on_chip_left_bytes: of the memory for parameters on the chip.
        streamed_bytes: of parameters that are sent for every picture.
        subgraphs: programs for the Edge TPU, 0 where nothing was mapped.
        operators: of the model that went in.
        table: which operators run where.
        text: all of it.
    """

    version: str | None
    on_chip_used_bytes: int | None
    on_chip_left_bytes: int | None
    streamed_bytes: int | None
    subgraphs: int | None
    operators: int | None
    table: tuple[MappedOperators, ...]
    text: str

    @property
    def on_cpu(self) -> int:
        """How many operators of the table stay on the CPU."""
        return sum(row.count for row in self.table if not row.on_tpu)

    def as_dict(self) -> dict[str, Any]:
        """Everything but the text, as JSON has it."""
        return {name: value for name, value in asdict(self).items() if name != "text"}


def find_compiler(program: str | os.PathLike[str] | None = None) -> str | None:
    """The compiler's path: `program` where it is given, else `edgetpu_compiler` on PATH; None where there is none.

    Raises ValueError where `program` is given and is no program.
    """
    found = shutil.which(PROGRAM if program is None else os.fspath(program))
    if found is None and program is not None:
        raise ValueError(f"compiler: wanted a program, got {os.fspath(program)}")
    return found


def command_line(model: str, folder: str = ".") -> list[str]:
    """What is run, or is to be run by hand, to compile the file `model` into `folder`."""
    return [PROGRAM, "-s", "-o", folder, model]


def compile_for_edge_tpu(
    data: bytes, *, program: str | os.PathLike[str], timeout_s: float = TIMEOUT_S
) -> tuple[bytes, CompilerLog]:
    """The compiled model and what the compiler said.

    `data`: a fully quantised .tflite model without a decoder. `timeout_s`: 0.1 to 86400 seconds, after which the
    compiler and what it started are ended.

    Raises CompilerError, with the compiler's last lines, where it fails, crashes, does not end in time, or makes
    nothing that can be read; ModelError where it mapped no operator; OSError where it cannot be started.
    """
    limit = arguments.number(timeout_s, "timeout_s", 0.1, 86400)
    with tempfile.TemporaryDirectory(prefix="posecore-edgetpu-") as name:
        folder = Path(name)
        (folder / "model.tflite").write_bytes(data)
        said = folder / "said"
        command = [os.path.abspath(program), *command_line("model.tflite")[1:]]
        with said.open("wb") as sink:
            code = _run(command, folder, sink, limit)
        text = _text(said)
        if code is None:
            raise CompilerError(
                f"{PROGRAM} did not end in {limit:g} seconds and was ended{_last(text)}", text
            )
        if code != 0:
            how = f"crashed with signal {-code}" if code < 0 else f"failed with status {code}"
            raise CompilerError(f"{PROGRAM} {how}{_last(text)}", text)
        # The table is in a file where an old compiler does not print it.
        own = folder / "model_edgetpu.log"
        log = read_log(text + (_text(own) if own.is_file() and "Status" not in text else ""))
        made = folder / "model_edgetpu.tflite"
        if not made.is_file():
            raise CompilerError(f"{PROGRAM} wrote no model_edgetpu.tflite{_last(text)}", text)
        try:
            file = TfliteFile.read(made)
        except ModelError as error:
            raise CompilerError(f"{PROGRAM} wrote a file that cannot be used: {error}", text) from error
    if not file.needs_edge_tpu:
        raise ModelError(f"{PROGRAM} mapped no operator to the Edge TPU{_last(text)}")
    return file.data, log


def read_log(text: str) -> CompilerLog:
    """What the compiler's output says; never raises, since its formats change."""
    version = re.search(r"Edge TPU Compiler version (\S{1,64})", text)
    found: dict[str, int | None] = {}
    for name, label in _BYTES.items():
        match = re.search(label + r": ([0-9.]{1,16})(B|KiB|MiB|GiB)\b", text)
        found[name] = round(_real(match[1]) * _UNITS[match[2]]) if match else None
    for name, label in _NUMBERS.items():
        match = re.search(label + r": ([0-9]{1,9})\b", text)
        found[name] = int(match[1]) if match else None
    return CompilerLog(version=version[1] if version else None, table=tuple(_rows(text)), text=text, **found)


def _rows(text: str) -> Iterator[MappedOperators]:
    lines = iter(text.splitlines())
    for line in lines:
        if re.match(r"Operator\s+Count\s+Status\s*$", line):
            break
    for line in lines:
        match = re.match(r"([A-Z][A-Za-z0-9_]{0,63})\s+([0-9]{1,9})\s+(\S.{0,200})$", line.rstrip())
        if match:
            yield MappedOperators(match[1], int(match[2]), match[3])
        elif line.strip():
            return


def _real(digits: str) -> float:
    try:
        return float(digits)
    except ValueError:
        return 0.0


def _run(command: list[str], folder: Path, sink: Any, limit: float) -> int | None:
    """The exit status, negative for a signal, or None where it had to be ended."""
    process = subprocess.Popen(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=sink,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        return process.wait(limit)
    except subprocess.TimeoutExpired:
        return None
    finally:
        # It compiles in a child of its own, which must not outlive it either.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _text(path: Path) -> str:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _MOST_LOG_BYTES))
        return file.read(_MOST_LOG_BYTES).decode("utf-8", "replace")


def _last(text: str) -> str:
    lines = [printable(line.strip())[:200] for line in text.splitlines() if line.strip()]
    return f"; its last lines: {' | '.join(lines[-_LAST_LINES:])}" if lines else "; it printed nothing"
