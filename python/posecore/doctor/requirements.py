"""The extras of this installation: what each wants, and what of it is there."""

from __future__ import annotations

import importlib.metadata
import re
import sys
from dataclasses import dataclass

from posecore.doctor.finding import Finding

GROUP = "optional parts"
PURPOSES = {
    "app": "pictures, videos and cameras through a network",
    "tflite-runtime": "the same through the older interpreter",
    "train": "training",
    "export": "TFLite, Coral and K210 files",
    "onnx": "ONNX files",
    "eval": "pictures in pages, .h5 files, IDF1",
}
"""The extras that people install, and what each is for. What builds and tests posecore is not theirs."""
_STAND_INS = {
    "tensorflow": ("tensorflow-cpu",),
    "opencv-python-headless": ("opencv-python", "opencv-contrib-python", "opencv-contrib-python-headless"),
}
"""Distributions that bring the same package."""


def install_line(extra: str) -> str:
    """What installs this extra."""
    return f'pip install "posecore[{extra}]"'


OLD_INTERPRETER = (
    ("there is none for Python 3.12 and later", "")
    if sys.version_info >= (3, 12)
    else (
        "not installed; only for machines without ai-edge-litert, since it takes NumPy back to 1",
        install_line("tflite-runtime"),
    )
)
"""What is said where tflite-runtime is not installed, and what brings it."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One requirement of an extra, such as tensorflow>=2.18,<2.22.

    Attributes:
        name: the distribution's.
        versions: ((">=", "2.18"), ("<", "2.22")).
    """

    name: str
    versions: tuple[tuple[str, str], ...]

    def complaint(self) -> str | None:
        """Why it is not met, or None where it is."""
        version = next(
            (v for name in (self.name, *_STAND_INS.get(self.name, ())) if (v := installed(name))), ""
        )
        wanted = ",".join(map("".join, self.versions))
        if not version:
            return f"{self.name} is not installed"
        return None if self.allows(version) else f"{self.name} is {version}, wanted {wanted}"

    def allows(self, version: str) -> bool:
        """Whether this version of it will do."""
        return all(_holds(version, sign, other) for sign, other in self.versions)


def extras() -> dict[str, list[Requirement]]:
    """The requirements of each extra, as this installation's metadata lists them for this Python.

    Raises:
        importlib.metadata.PackageNotFoundError: posecore runs from a folder that nobody installed.
    """
    found: dict[str, list[Requirement]] = {}
    for line in importlib.metadata.requires("posecore") or ():
        text, _, marker = line.partition(";")
        extra = re.search(r"extra\s*==\s*[\"']([^\"']+)[\"']", marker)
        name = re.match(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)", text)
        if extra and name and "[" not in text and _is_for_this_python(marker):
            versions = re.findall(r"(<=|>=|==|!=|<|>)\s*([0-9][0-9A-Za-z.]*)", text)
            found.setdefault(extra[1], []).append(Requirement(name[1].lower(), tuple(versions)))
    return found


def extras_findings() -> list[Finding]:
    """One finding an extra of `PURPOSES`."""
    try:
        wanted = extras()
    except importlib.metadata.PackageNotFoundError:
        return [Finding(GROUP, "extras", "broken", "posecore runs from a folder that is not installed",
                        "python -m pip install .")]  # fmt: skip
    return [_finding(extra, wanted.get(extra, [])) for extra in PURPOSES]


def installed(distribution: str) -> str | None:
    """The version of an installed distribution, or None."""
    try:
        return str(importlib.metadata.version(distribution))
    except Exception:  # a damaged installation raises whatever its files lead to
        return None


def _finding(extra: str, wanted: list[Requirement]) -> Finding:
    complaints = [complaint for one in wanted if (complaint := one.complaint())]
    if not complaints:
        return Finding(GROUP, extra, "ok", PURPOSES[extra])
    absent = any(complaint.endswith("is not installed") for complaint in complaints)
    if extra == "tflite-runtime" and installed(extra) is None:
        said, remedy = OLD_INTERPRETER
        return Finding(GROUP, extra, "missing", f"{PURPOSES[extra]}: {said}", remedy)
    said = f"{PURPOSES[extra]}: {'; '.join(complaints)}"
    return Finding(GROUP, extra, "missing" if absent else "broken", said, install_line(extra))


def _is_for_this_python(marker: str) -> bool:
    version = "{}.{}".format(*sys.version_info)
    conditions = re.findall(r"python_version\s*(<=|>=|==|!=|<|>)\s*[\"']([0-9.]+)[\"']", marker)
    return all(_holds(version, sign, other) for sign, other in conditions)


def _holds(version: str, sign: str, other: str) -> bool:
    a, b = _numbers(version), _numbers(other)
    wide = max(len(a), len(b))
    a, b = (numbers + (0,) * (wide - len(numbers)) for numbers in (a, b))
    return {"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b, "==": a == b, "!=": a != b}[sign]


def _numbers(version: str) -> tuple[int, ...]:
    """The release's numbers: (2, 21, 0) of 2.21.0rc1."""
    match = re.match(r"\d{1,9}(\.\d{1,9})*", version)
    return tuple(map(int, match[0].split("."))) if match else ()
