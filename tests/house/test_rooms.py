"""Imports go in the directions that ARCHITECTURE.md gives."""

from __future__ import annotations

from pathlib import Path

import pytest
from rooms import C_HEADERS, CPP_CORE, ROOMS, Import, complaint, imports_of, includes_of, room_of

SOURCES = (".h", ".hpp", ".cpp")


def test_no_python_file_imports_against_the_table(repository: Path) -> None:
    package = repository / "python" / "posecore"
    complaints = []
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parent).with_suffix("").parts
        module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        for imported in imports_of(path, package):
            reason = complaint(module, imported)
            if reason is not None:
                complaints.append(
                    f"{path.relative_to(repository)}:{imported.line}: {imported.module}: {reason}"
                )
    assert complaints == []


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("posecore.decode", Import("cv2", 1, lazy=True)),
        ("posecore.heads", Import("posecore.runtime.estimator", 1, lazy=True)),
        ("posecore.runtime.geometry", Import("cv2", 1, lazy=False)),
        ("posecore.runtime.estimator", Import("posecore.train.networks.posenet", 1, lazy=True)),
        ("posecore.train.networks.posenet", Import("posecore.decode", 1, lazy=False)),
        ("posecore.evaluation.coco", Import("posecore.runtime", 1, lazy=False)),
        ("posecore.draw", Import("tensorflow", 1, lazy=True)),
    ],
)
def test_the_table_forbids(importer: str, imported: Import) -> None:
    assert complaint(importer, imported) is not None


def test_the_table_goes_one_way() -> None:
    for name, room in ROOMS.items():
        for other in room.may_use:
            assert name not in ROOMS[other].may_use or {name, other} == {"app", "front"}


def test_rooms_are_told_apart() -> None:
    modules = ("posecore", "posecore.decode", "posecore.cli", "posecore.runtime.geometry")
    assert [room_of(module) for module in modules] == ["front", "core", "app", "runtime"]


def test_the_core_includes_c_headers_and_its_own(repository: Path) -> None:
    cpp = repository / "cpp"
    files = {room: [p for p in sorted((cpp / room).rglob("*")) if p.suffix in SOURCES] for room in CPP_CORE}
    assert all(files.values())
    names = {room: {p.relative_to(cpp / room).as_posix() for p in files[room]} for room in CPP_CORE}
    own = {
        "include": names["include"],
        "src": names["include"] | names["src"],
        "c": set().union(*names.values()),
    }
    for room, path in [(name, path) for name in CPP_CORE for path in files[name]]:
        public = room == "include"
        for header, line in includes_of(path):
            where = f"{path.relative_to(repository)}:{line}: {header}"
            assert header in C_HEADERS | own[room], where
            # Who looks at the C API's headers sees C, but for the version's macro.
            assert path.suffix == ".hpp" or not public or header.endswith((".h", "version.hpp")), where
            assert not public or "/" in header or header in C_HEADERS, (
                f"{where}: public headers use public ones"
            )


def test_the_bindings_include_no_kernels(repository: Path) -> None:
    kernels = {p.name for p in (repository / "cpp" / "src").glob("*.hpp")}
    for path in sorted((repository / "cpp" / "bindings").glob("*.[hc]pp")):
        beside = {p.name for p in path.parent.glob("*.hpp")}
        for header, line in includes_of(path):
            assert header in beside or header not in kernels, (
                f"{path.relative_to(repository)}:{line}: {header}"
            )
