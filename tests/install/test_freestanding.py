"""The library needs the C library and nothing else, so that it works on boards."""

from __future__ import annotations

import platform
import shutil
from pathlib import Path

import pytest
from heads_file import printed, two_people, write

from cmake_project import compiler, run

PROGRAM = Path(__file__).parent / "consumer" / "main.cpp"

# All that the library may ask of others: memory and float functions of the C library, and what compilers add.
C_LIBRARY = {"memcpy", "memset", "memmove", "memcmp", "logf", "ceilf", "floorf", "sqrtf", "fabsf"}
COMPILER = {"_GLOBAL_OFFSET_TABLE_", "__stack_chk_fail", "__memcpy_chk", "__memset_chk"}
# The compiler's own library says which instructions the processor has.
PROCESSOR = {"__cpu_model", "__cpu_indicator_init"}

pytestmark = pytest.mark.skipif(platform.system() != "Linux", reason="reads ELF libraries, as Linux has them")


@pytest.fixture(scope="module")
def archive(prefix: Path) -> Path:
    (path,) = prefix.glob("lib*/**/libposecore.a")
    return path


def test_the_library_asks_for_nothing_but_c(archive: Path) -> None:
    nm = shutil.which("nm")
    if nm is None:
        pytest.skip("there is no nm")
    lines = [line.split() for line in run(nm, archive).splitlines()]
    undefined = {line[1] for line in lines if line[:1] == ["U"]}
    defined = {line[2] for line in lines if len(line) == 3}
    assert any("decode_multi" in name for name in defined)
    assert undefined - defined <= C_LIBRARY | COMPILER | PROCESSOR


def test_a_program_links_without_the_cpp_library(archive: Path, prefix: Path, tmp_path: Path) -> None:
    without = ["-fno-exceptions", "-fno-rtti", "-nodefaultlibs"]
    run(
        *(compiler(), "-std=c++17", "-O2", *without, f"-I{prefix / 'include'}", PROGRAM, archive),
        *("-lc", "-lm", "-lgcc", "-o", tmp_path / "program"),
    )
    heads, _ = two_people()
    write(heads, tmp_path / "heads")
    assert run(tmp_path / "program", tmp_path / "heads") == printed(heads)
