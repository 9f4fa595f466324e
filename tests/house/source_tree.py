"""The files that people wrote, by kind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

FOLDERS = (".ci", "bench", "cmake", "cpp", "examples", "python", "tests", "tools")
CODE = (".py", ".pyi", ".c", ".cpp", ".hpp", ".h", ".css", ".js")
MADE = ("PKG-INFO",)  # by the build, in a source distribution
TEXT = (*CODE, ".cmake", ".in", ".md", ".toml", ".txt", ".yml", ".yaml", "")


def files(repository: Path, suffixes: tuple[str, ...]) -> Iterator[Path]:
    """Every file with one of the suffixes, at the root or in one of the source folders."""
    paths = [path for path in sorted(repository.iterdir()) if path.is_file()]
    for folder in FOLDERS:
        paths += sorted((repository / folder).rglob("*"))
    for path in paths:
        by_people = path.name not in MADE and "__pycache__" not in path.parts
        if path.is_file() and path.suffix in suffixes and by_people:
            yield path
