"""Where this installation keeps what a C++ build needs."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).resolve().parent


def include_dir() -> str:
    """The folder with `posecore/*.hpp`, for -I."""
    return _existing(_HERE / "include", "posecore/version.hpp")


def cmake_dir() -> str:
    """The folder with `posecoreConfig.cmake`, for `find_package`: pass it as -Dposecore_DIR=..."""
    return _existing(_HERE / "lib" / "cmake" / "posecore", "posecoreConfig.cmake")


def _existing(folder: Path, file: str) -> str:
    if not (folder / file).is_file():
        # An editable installation keeps the sources in one place and what it built in another.
        import posecore._core as core

        beside = Path(str(core.__file__)).resolve().parent / folder.relative_to(_HERE)
        if (beside / file).is_file():
            return str(beside)
        raise FileNotFoundError(f"this installation has no C++ package: wanted {file} in {folder}")
    return str(folder)
