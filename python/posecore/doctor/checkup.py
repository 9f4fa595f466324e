"""`checkup`: all that posecore uses of this machine, looked at side by side."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import sys
import sysconfig
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from posecore.doctor.children import NoAnswer, answer_of, probe
from posecore.doctor.finding import Finding, one_line
from posecore.doctor.requirements import OLD_INTERPRETER, extras_findings, install_line
from posecore.export.k210_setup import SETUP_LINE, VARIABLE, candidates

PIPELINE = "default pipeline"
_ITSELF, _INTERPRETERS, _EDGE_TPU, _K210, _PICTURES, _TRAINING = (
    "posecore", "interpreters", "Edge TPU", "K210", "pictures", "training and export",
)  # fmt: skip
_TOOL_TIMEOUT_S = 20.0
_NNCASE = """
import sys
try:
    import importlib.metadata as metadata
except ImportError:
    metadata = None
import nncase
version = metadata.version("nncase") if metadata else "of unknown version"
print(version, "k210" if nncase.test_target("k210") else "without", "%d.%d" % sys.version_info[:2])
"""
_GET_COMPILER = "sudo apt-get install edgetpu-compiler"
_COMPILER_SOURCE = (
    "from the package source that https://coral.ai/docs/edgetpu/compiler names, Linux on x86-64 only"
)
_AT_ONCE = 4


def checkup() -> list[Finding]:
    """Everything, in the order in which it is read. Takes as long as importing TensorFlow, where that is installed.

    What may crash or hang is asked in processes of their own; nothing is imported here, and no network is used.
    """
    asked: list[Callable[[], list[Finding]]] = [
        _itself,
        partial(_package, _INTERPRETERS, "ai-edge-litert", "ai_edge_litert", "app"),
        partial(_package, _INTERPRETERS, "tflite-runtime", "tflite_runtime", "tflite-runtime"),
        partial(_package, _PICTURES, "OpenCV", "cv2", "app"),
        partial(probe, _PICTURES, "cameras"),
        partial(probe, _EDGE_TPU, "libedgetpu"),
        _edge_tpu_compiler,
        _nncase,
        _tensorflow,
        extras_findings,
        partial(probe, "all together", PIPELINE),
    ]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        # The slowest first; the answers stay in the order above.
        order = sorted(range(len(asked)), key=lambda k: asked[k] is not _tensorflow)
        answers = {k: pool.submit(asked[k]) for k in order}
        return [finding for k in range(len(asked)) for finding in answers[k].result()]


def works(findings: list[Finding]) -> bool:
    """Whether the default model finds people in the default picture."""
    return any(one.name == PIPELINE and one.status == "ok" for one in findings)


def _itself() -> list[Finding]:
    import numpy as np

    from posecore import _core

    abi = sysconfig.get_config_var("SOABI") or Path(str(_core.__file__)).name
    path = {"avx2": "AVX2 in use", "portable": "portable code in use, no AVX2"}[_core.simd_path()]
    python = f"{platform.python_version()} ({platform.python_implementation()}) in {sys.prefix}"
    system = f"{platform.system()} {platform.release()}, {platform.machine()}"
    count = os.cpu_count() or 1
    return [
        Finding(_ITSELF, "posecore", "ok", f"{_core.__version__} in {Path(__file__).parents[1]}"),
        Finding(_ITSELF, "built", "ok", one_line(f"by {_core.compiler()} for {abi}; {path}")),
        Finding(_ITSELF, "Python", "ok", f"{python}; NumPy {np.__version__}"),
        Finding(_ITSELF, "machine", "ok", one_line(f"{system}, {count} x {_processor()}")),
    ]


def _package(group: str, name: str, module: str, extra: str) -> list[Finding]:
    """A probe of a package, or that it is not installed."""
    try:
        there = importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):  # a half-removed package
        there = True
    if there:
        return probe(group, name)
    if extra == "tflite-runtime":
        return [Finding(group, name, "missing", *OLD_INTERPRETER)]
    return [Finding(group, name, "missing", "not installed", install_line(extra))]


def _tensorflow() -> list[Finding]:
    """TensorFlow and Keras, which imports it: in one process where both are installed, since that takes seconds."""
    found = _package(_TRAINING, "tensorflow", "tensorflow", "train")
    if any(one.name == "keras" for one in found):
        return found
    return found + _package(_TRAINING, "keras", "keras", "train")


def _edge_tpu_compiler() -> list[Finding]:
    name = "edgetpu_compiler"
    path = shutil.which(name)
    if path is None:
        return [Finding(_EDGE_TPU, name, "missing", f"not on PATH; {_COMPILER_SOURCE}", _GET_COMPILER)]
    try:
        code, out, err = answer_of([path, "--version"], timeout_s=_TOOL_TIMEOUT_S)
    except NoAnswer as error:
        return [Finding(_EDGE_TPU, name, "broken", one_line(f"{path} {error}"), _GET_COMPILER)]
    if code != 0:
        said = f"{path} --version ended with exit status {code}: {err or out}"
        return [Finding(_EDGE_TPU, name, "broken", one_line(said), _GET_COMPILER)]
    return [Finding(_EDGE_TPU, name, "ok", one_line(f"{out.strip()}, {path}"))]


def _nncase() -> list[Finding]:
    """The first Python that has nncase with its k210 target; else what was wrong with the one that was named."""
    named = os.environ.get(VARIABLE)
    paths = [named] if named else list(candidates())
    for path in paths:
        try:
            # Its own packages: what this Python finds is of no use there.
            environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
            code, out, err = answer_of(
                [path, "-c", _NNCASE], timeout_s=_TOOL_TIMEOUT_S, environment=environment
            )
        except NoAnswer as error:
            code, out, err = 1, "", str(error)
        words = out.split()
        if code == 0 and words[-2:-1] == ["k210"]:
            said = f"{' '.join(words[:-2])} with its k210 target, in Python {words[-1]}, {path}"
            return [Finding(_K210, "nncase", "ok", one_line(said))]
        if named:
            why = err.strip().rpartition("\n")[2] or "it has no k210 target"
            said = f"{VARIABLE} is {named}: {why}"
            return [Finding(_K210, "nncase", "broken", one_line(said), SETUP_LINE)]
    tried = f"in {', '.join(paths)}" if paths else "and no Python 3.10 to 3.7"
    said = f"none {tried}; it does not run in Python 3.11 and later"
    return [Finding(_K210, "nncase", "missing", one_line(said), SETUP_LINE)]


def _processor() -> str:
    for path, key in (("/proc/cpuinfo", "model name"), ("/proc/cpuinfo", "Model")):
        try:
            text = Path(path).read_text(encoding="utf-8", errors="replace")
        except OSError:
            break
        for line in text.splitlines():
            label, colon, value = line.partition(":")
            if colon and label.strip() == key:
                return " ".join(value.split())
    return platform.processor() or platform.machine()
