"""Which part of posecore may import which: ARCHITECTURE.md's table as data."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

# The modules directly in python/posecore that are the core; the others there are the app, except the front.
CORE = (
    *("_core", "arguments", "artifact", "decode", "errors", "heads", "install"),
    *("layouts", "masks", "motion", "offline", "outliers", "poses", "printable", "regression", "similarity"),
    *("skeletons", "smooth", "swaps", "tensor_specs", "track", "trajectories", "two_pass"),
    *("bounded_file", "lazy_names", "protobuf_wire", "tfjs_folder", "tflite_plugin"),
)


@dataclass(frozen=True)
class Room:
    """What the files of one room may import, apart from the standard library, numpy and each other."""

    may_use: tuple[str, ...] = ()  # other rooms
    lazily: tuple[str, ...] = ()  # packages, and only inside of functions


ROOMS = {
    "core": Room(),
    "runtime": Room(may_use=("core",), lazily=("cv2", "ai_edge_litert", "tflite_runtime", "tensorflow")),
    "evaluation": Room(may_use=("core",), lazily=("cv2", "scipy", "h5py")),
    "train": Room(may_use=("core", "evaluation"), lazily=("keras", "tensorflow", "cv2", "tomllib", "tomli")),
    "export": Room(
        may_use=("core", "runtime"),
        lazily=(
            *("keras", "tensorflow", "h5py", "ai_edge_litert", "flatbuffers"),
            *("onnx", "onnxruntime", "cv2", "nncase"),
        ),
    ),
    "app": Room(
        may_use=("core", "runtime", "evaluation", "train", "export", "front"), lazily=("cv2", "rich")
    ),
    # `posecore/__init__.py`: it shows what the others have.
    "front": Room(may_use=("core", "runtime", "evaluation", "app")),
    "compat": Room(may_use=("core", "runtime", "evaluation", "train", "export", "app", "front")),
}

# Training must not know what is done with its results: heads and skeletons are all that it shares with them. What
# measures it, EXCEPT these modules and those that are named check_... and validation_..., decodes as everybody does.
FORBIDDEN = {"train": ("posecore.decode",)}
EXCEPT = ("posecore.train.check", "posecore.train.validation")

# The core of the C++ side: these headers and its own. `c`, the C API, may use the insides; they do not know of it.
C_HEADERS = {"math.h", "stddef.h", "stdint.h", "string.h"}
CPP_CORE = ("include", "src", "c")


def room_of(module: str) -> str:
    """The room of a module such as posecore.runtime.geometry."""
    parts = module.split(".")
    if len(parts) == 1:
        return "front"
    if parts[1] in CORE:
        return "core"
    return parts[1] if parts[1] in ROOMS else "app"


@dataclass(frozen=True)
class Import:
    module: str  # dotted
    line: int
    lazy: bool  # inside of a function, or for type checkers only


def imports_of(path: Path, package: Path) -> Iterator[Import]:
    """All imports of a Python file, those by `require` and `import_module` with a literal name among them."""
    yield from _walk(ast.parse(path.read_text(encoding="utf-8")), package, lazy=False)


def _walk(node: ast.AST, package: Path, *, lazy: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        inner = lazy or isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            inner = True
        if isinstance(child, ast.Import):
            yield from (Import(name.name, child.lineno, lazy) for name in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, f"line {child.lineno}: wanted an absolute import"
            for name in child.names:
                yield Import(_module_in(f"{child.module}.{name.name}", package), child.lineno, lazy)
        elif isinstance(child, ast.Call) and child.args and isinstance(child.args[0], ast.Constant):
            called = ast.unparse(child.func).rpartition(".")[2]
            if called in ("require", "import_module", "__import__") and isinstance(child.args[0].value, str):
                yield Import(child.args[0].value, child.lineno, lazy)
        yield from _walk(child, package, lazy=inner)


def _module_in(name: str, package: Path) -> str:
    """`name` where it is a module of ours, else the module that it is an attribute of."""
    if name.partition(".")[0] != "posecore":
        return name
    path = package.joinpath(*name.split(".")[1:])
    is_module = path.is_dir() or path.with_suffix(".py").is_file() or name == "posecore._core"
    return name if is_module else name.rpartition(".")[0]


def complaint(importer: str, imported: Import) -> str | None:
    """Why `importer` may not have this import, or None where it may."""
    room = ROOMS[room_of(importer)]
    top = imported.module.partition(".")[0]
    if top in sys.stdlib_module_names or top == "numpy":
        return None
    if top != "posecore":
        if top not in room.lazily:
            return f"{room_of(importer)} does without {top}"
        return None if imported.lazy else f"{top} is imported inside of functions, when it is needed"
    if imported.module in FORBIDDEN.get(room_of(importer), ()) and not _excepted(importer):
        return f"{room_of(importer)} does without {imported.module}"
    other = room_of(imported.module)
    return (
        None
        if other == room_of(importer) or other in room.may_use
        else f"{room_of(importer)} does without {other}"
    )


def _excepted(importer: str) -> bool:
    return any(importer == name or importer.startswith(f"{name}_") for name in EXCEPT)


def includes_of(path: Path) -> Iterator[tuple[str, int]]:
    """The headers that a C++ file includes, with their lines."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        match = re.match(r'\s*#\s*include\s*[<"]([^>"]+)[>"]', line)
        if match:
            yield match[1], number
