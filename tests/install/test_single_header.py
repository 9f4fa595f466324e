"""All of the core as one header, compiled as firmware is: one file, no exceptions, no C++ library."""

from __future__ import annotations

import platform
import re
from pathlib import Path

import build_single_header
import pytest
from heads_file import printed, two_people, write

from cmake_project import c_compiler, compiler, run

HERE = Path(__file__).parent
FLAGS = ("-std=c++17", "-O2", "-ffp-contract=off", "-fno-exceptions", "-fno-rtti")
WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Werror")
IMPLEMENTATION = '#define POSECORE_IMPLEMENTATION\n#include "posecore_single.hpp"\n'

pytestmark = pytest.mark.skipif(
    platform.system() == "Windows", reason="compiles with the words of GCC and Clang"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the header and nothing else."""
    path = tmp_path_factory.mktemp("single")
    (path / "posecore_single.hpp").write_text(build_single_header.source(), encoding="utf-8")
    return path


def over_the_header(program: Path, includes: str) -> str:
    """The program with the one header in the place of ours."""
    return includes + re.sub(r'#include "posecore[^"]*"\n', "", program.read_text(encoding="utf-8"))


def test_one_translation_unit_without_the_cpp_library_prints_the_poses(folder: Path, tmp_path: Path) -> None:
    text = over_the_header(HERE / "consumer" / "main.cpp", IMPLEMENTATION)
    (folder / "decode.cpp").write_text(text, encoding="utf-8")
    links = () if platform.system() == "Darwin" else ("-nodefaultlibs", "-lc", "-lm", "-lgcc")
    run(compiler(), *FLAGS, *WARNINGS, folder / "decode.cpp", *links, "-o", folder / "decode")
    heads, _ = two_people()
    write(heads, tmp_path / "heads")
    assert run(folder / "decode", tmp_path / "heads") == printed(heads)


def test_a_program_in_c_includes_it_too(folder: Path, tmp_path: Path) -> None:
    (folder / "posecore.cpp").write_text(IMPLEMENTATION, encoding="utf-8")
    run(compiler(), *FLAGS, *WARNINGS, "-c", folder / "posecore.cpp", "-o", folder / "posecore.o")
    text = over_the_header(HERE / "consumer" / "main.c", '#include "posecore_single.hpp"\n')
    (folder / "decode.c").write_text(text, encoding="utf-8")
    run(
        *(c_compiler(), "-std=c99", *WARNINGS, folder / "decode.c", folder / "posecore.o"),
        *("-lm", "-o", folder / "decode_c"),
    )
    heads, _ = two_people()
    write(heads, tmp_path / "heads")
    assert run(folder / "decode_c", tmp_path / "heads") == printed(heads)


def test_filters_have_the_bits_of_the_library(folder: Path, prefix: Path) -> None:
    program = HERE / "smooth_bits" / "main.cpp"
    (folder / "bits.cpp").write_text(over_the_header(program, IMPLEMENTATION), encoding="utf-8")
    run(compiler(), *FLAGS, folder / "bits.cpp", "-o", folder / "bits")
    (library,) = prefix.glob("lib*/libposecore.a")
    run(compiler(), *FLAGS, f"-I{prefix / 'include'}", program, library, "-o", folder / "bits_of_the_library")
    assert run(folder / "bits") == run(folder / "bits_of_the_library")


def test_the_header_holds_every_file_once() -> None:
    text = build_single_header.source()
    files = re.findall(r"^// ---- (\S+)$", text, re.MULTILINE)
    assert len(files) == len(set(files))
    cpp = build_single_header.CPP
    rooms = [cpp / "include" / "posecore", cpp / "src", cpp / "c"]
    wanted = {p.relative_to(cpp).as_posix() for room in rooms for p in room.glob("*.[hc]pp")}
    assert wanted <= set(files)
    assert not re.search(r'^\s*#\s*include\s*"', text, re.MULTILINE)
