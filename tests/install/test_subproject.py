"""posecore inside of another project's CMake: the library, and nothing that the parent did not ask for."""

from __future__ import annotations

from pathlib import Path

import pytest

from cmake_project import build, run, tool

PARENT = """
cmake_minimum_required(VERSION 3.22)
project(parent LANGUAGES CXX)
add_subdirectory("${POSECORE_SOURCE}" posecore)
file(WRITE "${CMAKE_CURRENT_BINARY_DIR}/use.cpp" "int main() { return 0; }")
add_executable(use "${CMAKE_CURRENT_BINARY_DIR}/use.cpp")
target_link_libraries(use PRIVATE posecore::posecore)
"""


@pytest.mark.parametrize("skbuild", ["2", ""], ids=["parent is a Python extension", "parent is not"])
def test_a_parent_project_gets_the_library_and_no_extension(
    repository: Path, tmp_path: Path, skbuild: str
) -> None:
    """SKBUILD is what scikit-build-core sets for the project that it builds, here the parent."""
    (tmp_path / "parent").mkdir()
    (tmp_path / "parent" / "CMakeLists.txt").write_text(PARENT, encoding="utf-8")
    folder = build(tmp_path / "parent", tmp_path / "build", POSECORE_SOURCE=repository, SKBUILD=skbuild)
    run(folder / "use")
    made = sorted(
        path.name for path in (folder / "posecore").rglob("*") if path.suffix in (".a", ".so", ".lib")
    )
    assert len(made) == 1
    assert made[0] in ("libposecore.a", "posecore.lib")
    # And `cmake --install` of the parent installs nothing of posecore's.
    run(tool("cmake", "CMAKE_BIN_DIR"), "--install", folder, "--prefix", tmp_path / "prefix")
    assert not [path for path in (tmp_path / "prefix").rglob("*") if path.is_file()]
