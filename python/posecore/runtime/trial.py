"""One run of a model in a process of its own, for files that reading alone cannot prove harmless.

Interpreters trust their files: a wrong number in one can end the process that runs it. A trial lets that
happen to a child (about 0.1 s, most of it starting Python), so that the caller gets a sentence instead of a
crash.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from posecore.errors import ModelError
from posecore.runtime.tflite_libraries import construct, library, set_input_size

TIMEOUT_S = 60.0
_MEMORY_BYTES = 16 << 30


def run_once(module: ModuleType, model: bytes, *, exact: bool, size: tuple[int, int] | None) -> None:
    """Load, allocate and invoke twice, in this process. `size` is (height, width). Raises what the
    library raises.
    """
    interpreter = construct(module, model, threads=1, exact=exact, delegates=[])
    if size is not None:
        set_input_size(interpreter, *size)
    for value in (0, 1):
        for info in interpreter.get_input_details():
            view: Any = interpreter.tensor(info["index"])()
            # Twice: all the lowest value, then a ramp over what a picture holds.
            view[...] = 0 if value == 0 else np.resize(np.arange(256) % 128, view.shape).astype(view.dtype)
            del view
        interpreter.invoke()


def try_out(library_name: str, model: bytes, *, exact: bool, size: tuple[int, int] | None, name: str) -> None:
    """Run the model once in a child. Raises ModelError where the child dies or takes longer than a minute.

    What the library itself refuses is not reported here: it will refuse again in this process. Where Python
    cannot start itself (frozen applications) nothing is tried.
    """
    if not sys.executable or getattr(sys, "frozen", False):
        return
    request = json.dumps({"library": library_name, "exact": exact, "size": size})
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(p or os.getcwd() for p in sys.path)}
    try:
        answer = subprocess.run(
            [sys.executable, "-m", "posecore.runtime.trial", request],
            input=model,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=TIMEOUT_S,
            env=environment,
            cwd=Path(__file__).parents[2],  # -m looks into the working folder first
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ModelError(
            f"{name} cannot be used: one run of the interpreter on it took more than {TIMEOUT_S:.0f} s"
        ) from None
    if not answer.stdout.endswith(b"done"):
        raise ModelError(
            f"{name} cannot be used: the interpreter crashed on it (exit status {answer.returncode}), "
            "so the file is damaged or made for another interpreter"
        )


def main() -> None:
    """The child: the model comes on stdin, "done" goes to stdout unless the process dies."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, resource.getrlimit(resource.RLIMIT_AS)[1]))
    request = json.loads(sys.argv[1])
    model = sys.stdin.buffer.read()
    size = tuple(request["size"]) if request["size"] else None
    with contextlib.suppress(Exception):
        run_once(library(request["library"]), model, exact=request["exact"], size=size)
    sys.stdout.write("done")
    sys.stdout.flush()
    os._exit(0)  # how the libraries clean up after themselves is not the question


if __name__ == "__main__":
    main()
