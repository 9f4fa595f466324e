"""Questions to other processes: what may crash or hang there is a sentence here."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from posecore.doctor.finding import Finding, findings_from, one_line

TIMEOUT_S = 60.0
"""How long a probe may take. Importing TensorFlow takes seconds, on a board a minute."""
_MOST_BYTES = 1 << 20


class NoAnswer(Exception):
    """A process crashed, hung or could not be started; `str(error)` completes "it ..."."""


def answer_of(
    words: Sequence[str], *, timeout_s: float, environment: Mapping[str, str] | None = None
) -> tuple[int, str, str]:
    """Exit status, stdout and stderr of a program that gets no input.

    It is ended with all that it started when `timeout_s` seconds are over.

    Raises:
        NoAnswer: it cannot be started, or took longer.
    """
    try:
        process = subprocess.Popen(
            list(words),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(environment) if environment is not None else None,
            cwd=Path(__file__).parents[2],  # -m looks into the working folder first
            start_new_session=True,
        )
    except OSError as error:
        raise NoAnswer(f"cannot be started ({error.strerror or error})") from None
    try:
        out, err = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        raise NoAnswer(f"gave no answer within {timeout_s:g} s") from None
    finally:
        _end(process)
    return process.returncode, _text(out), _text(err)


def probe(group: str, name: str, *, timeout_s: float = TIMEOUT_S) -> list[Finding]:
    """What the probe of this name finds (see `posecore.doctor.probes`), asked in a Python of its own.

    A probe that crashes, hangs or answers nonsense is one finding, "broken".
    """
    paths = os.pathsep.join(path or os.getcwd() for path in sys.path)
    environment = os.environ | {"PYTHONPATH": paths, "PYTHONWARNINGS": "ignore", "TF_CPP_MIN_LOG_LEVEL": "3"}
    # Without the working folder, which comes before all of these.
    start = (
        "import runpy, sys; sys.path[:] = filter(None, sys.path); runpy.run_module('posecore.doctor.probes', "
    )
    words = [sys.executable, "-c", f"{start}run_name='__main__')", name]
    try:
        code, out, err = answer_of(words, timeout_s=timeout_s, environment=environment)
        if code != 0:
            raise NoAnswer(f"{_ending(code)}{_last_line(err)}")
        return findings_from(group, json.loads(out))
    except NoAnswer as error:
        return [Finding(group, name, "broken", one_line(f"looking at it in a process of its own {error}"))]
    except ValueError:
        return [Finding(group, name, "broken", "what its probe answered cannot be read")]


def _ending(code: int) -> str:
    if code > 0:
        return f"ended with exit status {code}"
    with contextlib.suppress(ValueError):
        return f"crashed ({signal.Signals(-code).name})"
    return f"crashed (signal {-code})"


def _last_line(err: str) -> str:
    last = err.strip().rpartition("\n")[2]
    return f": {last}" if last else ""


def _end(process: subprocess.Popen[bytes]) -> None:
    """No child and no child's child outlives its question."""
    with contextlib.suppress(OSError, AttributeError):
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(OSError):
        process.kill()
    process.wait()
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()


def _text(data: bytes) -> str:
    return data[:_MOST_BYTES].decode("utf-8", errors="replace")
