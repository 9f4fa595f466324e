"""Where nncase is: finding an interpreter that has it, and making one.

nncase 1.x, which alone compiles for K210, has wheels for CPython 3.7 to 3.10 on x86-64, and posecore often runs in
another. `find_nncase` looks; `set_up` makes a virtual environment in the user's cache folder, from the package
registry: the one thing in posecore that uses the network.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from posecore.errors import MissingExtra, ModelError
from posecore.export.k210_nncase import Nncase, NncaseError
from posecore.printable import printable

VARIABLE = "POSECORE_NNCASE_PYTHON"
RELEASE = "1.9.0.20230322"
REQUIREMENTS = (f"nncase=={RELEASE}", "numpy<2")
SETUP_LINE = "posecore export --target k210 --setup"
PIP_LINE = f'python3.10 -m pip install "{REQUIREMENTS[0]}" "{REQUIREMENTS[1]}"'
_VERSIONS = ("3.10", "3.9", "3.8", "3.7")
_PIP_OPTIONS = ("--disable-pip-version-check", "--only-binary=:all:")
_INSTALL_TIMEOUT_S = 1800.0

_found: dict[str, Nncase] = {}


def find_nncase(python: str | os.PathLike[str] | None = None) -> Nncase:
    """An interpreter with nncase: `python`, where it is given; else what the environment variable
    POSECORE_NNCASE_PYTHON names; else the first that has it of: the environment that `set_up` made, this interpreter,
    python3.10 to python3.7 on PATH, and pyenv's.

    Raises:
        ModelError: the one that was named has no nncase.
        MissingExtra: none was named, and none has it; the sentence says how to get one.
    """
    named = python if python is not None else os.environ.get(VARIABLE) or None
    if named is not None:
        what = "python" if python is not None else VARIABLE
        try:
            return _probed(os.fspath(named))
        except NncaseError as error:
            raise ModelError(
                f"{what}: wanted a Python with nncase 1.x: {error}; to install it: {PIP_LINE}"
            ) from None
    for candidate in candidates():
        try:
            return _probed(candidate)
        except NncaseError:
            continue
    raise MissingExtra(
        "compiling for K210 needs nncase 1.x, which runs in Python 3.7 to 3.10 and was found in none: "
        f"{SETUP_LINE} installs it, or {PIP_LINE} and {VARIABLE}=python3.10",
        extra="export",
    )


def candidates() -> Iterator[str]:
    """Interpreters that may have nncase, best first, each once."""
    seen: set[str] = set()
    own = [sys.executable] if sys.executable and sys.version_info < (3, 11) else []
    for path in (str(_python_of(environment_folder())), *own, *_others()):
        if path not in seen and os.path.isfile(path) and os.access(path, os.X_OK):
            seen.add(path)
            yield path


def environment_folder() -> Path:
    """The folder of `set_up`'s environment, in the user's cache; POSECORE_CACHE names another one."""
    home = Path.home()
    if os.environ.get("POSECORE_CACHE"):
        cache = Path(os.environ["POSECORE_CACHE"])
    elif sys.platform == "win32":
        cache = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "posecore"
    elif sys.platform == "darwin":
        cache = home / "Library" / "Caches" / "posecore"
    else:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "posecore"
    return cache / f"nncase-{RELEASE}"


def set_up(say: Callable[[str], None] = print, *, base: str | os.PathLike[str] | None = None) -> str:
    """Make a virtual environment with nncase from the package registry; gives its interpreter's path.

    One that is there already and works is kept. One that is half made is made anew.

    Args:
        say: takes a line about each step.
        base: the interpreter that it is made with; None is the first of Python 3.10 to 3.7 that is there.

    Raises:
        ModelError: no such interpreter, not an x86-64 computer, or the installation fails; the last lines of pip are
            in the sentence, and nothing half made is left.
    """
    folder = environment_folder()
    python = _python_of(folder)
    if python.is_file():
        try:
            there = _probed(str(python))
        except NncaseError:
            say(f"{folder} is half made and is made anew")
        else:
            say(f"nncase {there.release} is already in {folder}")
            return there.python
    if platform.machine().lower() not in ("x86_64", "amd64"):
        raise ModelError(
            f"nncase 1.x has wheels for x86-64 alone, and this is {platform.machine() or 'another computer'}: "
            "compile on another machine, the .kmodel is the same"
        )
    maker = os.fspath(base) if base is not None else next(_others(), None)
    if maker is None:
        raise ModelError(
            "wanted an interpreter of Python 3.10, 3.9, 3.8 or 3.7, since nncase 1.x has wheels for no other, got none "
            "on PATH or of pyenv: install one (pyenv install 3.10, or your system's python3.10) and try again"
        )
    say(f"making {folder} with {maker}")
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _step([maker, "-m", "venv", str(folder)])
        say(f"installing {' and '.join(REQUIREMENTS)} from the package registry")
        _step(
            [
                str(python),
                "-m",
                "pip",
                "install",
                *_PIP_OPTIONS,
                *REQUIREMENTS,
            ]
        )
        made = _probed(str(python))
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise ModelError(f"{folder} cannot be made ({error.strerror})") from error
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    say(f"nncase {made.release} in Python {made.python_version} is ready; posecore finds it by itself")
    return made.python


def _probed(python: str) -> Nncase:
    if python not in _found:
        _found[python] = Nncase.probe(shutil.which(python) or python)
    return _found[python]


def _python_of(environment: Path) -> Path:
    if sys.platform == "win32":
        return environment / "Scripts" / "python.exe"
    return environment / "bin" / "python"


def _others() -> Iterator[str]:
    """Interpreters of the Pythons that nncase has wheels for, which need not have it."""
    for version in _VERSIONS:
        found = shutil.which(f"python{version}")
        # pyenv's own python3.10 is a script that refuses unless that version is switched on.
        if found is not None and Path(found).parent.name != "shims":
            yield found
        for root in _pyenv_roots():
            yield from (str(path) for path in _newest(root.glob(f"versions/{version}*/bin/python")))


def _pyenv_roots() -> list[Path]:
    named = os.environ.get("PYENV_ROOT")
    return [Path(named) if named else Path.home() / ".pyenv"]


def _newest(paths: Iterable[Path]) -> list[Path]:
    def release(path: Path) -> tuple[int, ...]:
        return tuple(int(part) for part in path.parent.parent.name.split(".") if part.isdigit())

    return sorted(paths, key=release, reverse=True)


def _step(command: list[str]) -> None:
    environment = {
        name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")
    }
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_INSTALL_TIMEOUT_S,
            env=environment,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ModelError(f"{command[0]} had not ended after {_INSTALL_TIMEOUT_S:g} s") from None
    if done.returncode != 0:
        lines = [line.strip() for line in done.stdout.decode("utf-8", "replace").splitlines() if line.strip()]
        said = printable(" | ".join(lines[-4:]))[-600:] or "it prints nothing"
        raise ModelError(f"installing nncase failed with status {done.returncode}: {said}")
