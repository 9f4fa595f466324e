"""Which TFLite interpreter is installed, and how to get one out of it.

The three share one Python interface, so that a module of any of them will do.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import importlib.util
import os
import re
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import IO, Any

import numpy as np

from posecore.errors import MissingExtra

# Name: module, distribution. The first that is installed is taken.
_LIBRARIES = {
    "litert": ("ai_edge_litert.interpreter", "ai-edge-litert"),
    "tflite-runtime": ("tflite_runtime.interpreter", "tflite-runtime"),
    "tensorflow": ("tensorflow.lite.python.interpreter", "tensorflow"),
}
_ENVIRONMENT = "POSECORE_INTERPRETER"
_NOTE = re.compile(
    rb"INFO: .*(TensorFlow Lite|TfLite|XNNPACK)|I0000 |WARNING: All log messages before absl"
    rb"|To enable the following instructions"
)
_stderr_lock = threading.Lock()


def library(interpreter: str | None = None) -> ModuleType:
    """The wanted or first installed library: a module with `Interpreter`, `OpResolverType`, `load_delegate`.

    Raises ValueError for an unknown name, MissingExtra where it (or, with no name, any) is not installed or
    cannot work with the NumPy that is installed.
    """
    source = "interpreter"
    if interpreter is None and os.environ.get(_ENVIRONMENT):
        interpreter, source = os.environ[_ENVIRONMENT], _ENVIRONMENT
    if interpreter is not None:
        if interpreter not in _LIBRARIES:
            raise ValueError(f"{source} must be one of {', '.join(_LIBRARIES)}, not {interpreter!r}")
        return _import(interpreter)
    broken: MissingExtra | None = None
    for candidate, (module, _) in _LIBRARIES.items():
        if importlib.util.find_spec(module.partition(".")[0]) is None:
            continue
        try:
            return _import(candidate)
        except MissingExtra as error:
            broken = broken or error
    raise broken or MissingExtra(
        "running a .tflite model needs an interpreter (ai-edge-litert, tflite-runtime or tensorflow), and "
        'none is installed: pip install "posecore[app]"',
        extra="app",
    )


def construct(
    library: ModuleType, model: bytes, *, threads: int, exact: bool, delegates: Sequence[object]
) -> Any:
    """The library's own interpreter with its tensors allocated; raises what the library raises."""
    resolvers = library.OpResolverType
    resolver = resolvers.BUILTIN_WITHOUT_DEFAULT_DELEGATES if exact else resolvers.AUTO
    with _quiet(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tensorflow.lite announces its own end
        interpreter = library.Interpreter(
            model_content=model,
            num_threads=threads,
            experimental_delegates=list(delegates),
            experimental_op_resolver_type=resolver,
        )
        interpreter.allocate_tensors()
    return interpreter


def set_input_size(interpreter: Any, height: int, width: int) -> None:
    """Resize the library's own interpreter and allocate again; raises what the library raises."""
    details = interpreter.get_input_details()[0]
    interpreter.resize_tensor_input(details["index"], [1, height, width, int(details["shape"][3])])
    with _quiet():
        interpreter.allocate_tensors()


def library_name(module: ModuleType) -> str:
    """What `library` calls this module."""
    return next(name for name, (path, _) in _LIBRARIES.items() if path == module.__name__)


def library_version(module: ModuleType) -> str:
    """The package and its version: "ai-edge-litert 2.3.0"."""
    distribution = _LIBRARIES[library_name(module)][1]
    for candidate in (distribution, f"{distribution}-cpu"):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            return f"{distribution} {importlib.metadata.version(candidate)}"
    return distribution


def _import(name: str) -> ModuleType:
    module, distribution = _LIBRARIES[name]
    if name == "tflite-runtime" and int(np.__version__.partition(".")[0]) >= 2:
        raise MissingExtra(
            f'tflite-runtime works with NumPy 1 (pip install "numpy<2"), not with NumPy {np.__version__}; '
            'ai-edge-litert works with both: pip install "posecore[app]"',
            extra="app",
        )
    try:
        with _quiet():
            return importlib.import_module(module)
    except ImportError as error:
        line = 'pip install "posecore[app]"' if name == "litert" else f"pip install {distribution}"
        why = "is not installed" if isinstance(error, ModuleNotFoundError) else f"does not load ({error})"
        raise MissingExtra(f"the interpreter {name} {why}: {line}", extra="app") from error


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Hold back what the libraries write to stderr, then pass on all of it but their notes.

    They offer no switch for it, and write from C++, so that only file descriptor 2 can be changed.
    """
    with _stderr_lock, contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError, AttributeError, ValueError):  # there may be no stderr at all
            sys.stderr.flush()
            held = stack.enter_context(tempfile.TemporaryFile())
            saved = os.dup(2)
            stack.callback(_pass_on, held, saved)
            os.dup2(held.fileno(), 2)
        yield


def _pass_on(held: IO[bytes], stderr: int) -> None:
    with contextlib.suppress(OSError, AttributeError, ValueError):
        sys.stderr.flush()
    os.dup2(stderr, 2)
    os.close(stderr)
    held.seek(0)
    rest = b"".join(line for line in held.read().splitlines(keepends=True) if not _NOTE.match(line))
    if rest:
        os.write(2, rest)
