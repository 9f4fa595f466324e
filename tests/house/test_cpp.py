"""The C++ tests, as they are and under the sanitizers."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from cmake_project import build, compiler, run

WARNINGS_ARE_ERRORS = "ON" if os.environ.get("POSECORE_WERROR") else "OFF"


def passed(folder: Path, program: str = "posecore_tests") -> int:
    """How many tests the program in the build folder says it passed; it says it last."""
    output = run(folder / "cpp" / "tests" / program)
    summary = re.fullmatch(r"(\d+) passed, 0 failed", output.splitlines()[-1])
    assert summary is not None, output
    return int(summary[1])


def written(repository: Path) -> int:
    """How many tests there are in the sources."""
    sources = (repository / "cpp" / "tests").glob("test_*.cpp")
    return sum(len(re.findall(r"^TEST\(", p.read_text(encoding="utf-8"), re.MULTILINE)) for p in sources)


def written_in_c(repository: Path) -> int:
    sources = (repository / "cpp" / "tests" / "c_api").glob("test_*.c")
    return sum(
        len(re.findall(r"^void test_\w+\(void\) {", p.read_text(encoding="utf-8"), re.MULTILINE))
        for p in sources
    )


def test_every_cpp_test_passes(repository: Path, tmp_path: Path) -> None:
    build(repository, tmp_path, POSECORE_BUILD_TESTS="ON", POSECORE_WERROR=WARNINGS_ARE_ERRORS)
    assert passed(tmp_path) == written(repository) >= 40
    assert passed(tmp_path, "posecore_c_tests") == written_in_c(repository) >= 10


def test_every_cpp_test_passes_under_the_sanitizers(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.cpp").write_text("int main() { return 0; }\n", encoding="utf-8")
    sanitizers = "address,undefined"
    trial = [compiler(), f"-fsanitize={sanitizers}", tmp_path / "empty.cpp", "-o", tmp_path / "empty"]
    compiled = subprocess.run(trial, capture_output=True, check=False).returncode == 0
    if not compiled or subprocess.run([tmp_path / "empty"], capture_output=True, check=False).returncode != 0:
        pytest.skip(f"this compiler has no -fsanitize={sanitizers}")
    folder = tmp_path / "build"
    options = {"CMAKE_BUILD_TYPE": "Debug", "CMAKE_CXX_FLAGS_DEBUG": "-O1"}
    build(repository, folder, POSECORE_BUILD_TESTS="ON", POSECORE_SANITIZE=sanitizers, **options)
    assert passed(folder) == written(repository)
    assert passed(folder, "posecore_c_tests") == written_in_c(repository)


def test_a_failing_check_fails_the_program(repository: Path, tmp_path: Path) -> None:
    program = """
        #include "check.hpp"
        TEST(right) { CHECK(1 + 1 == 2); CHECK_NEAR(1.0, 1.05, 0.1); }
        TEST(wrong) { CHECK(1 + 1 == 3); CHECK_NEAR(1.0, 1.2, 0.1); CHECK_NEAR(0.0 / 0.0, 1.0, 0.1); }
        int main() { return check::run_all(); }
    """
    (tmp_path / "program.cpp").write_text(program, encoding="utf-8")
    headers = f"-I{repository / 'cpp' / 'tests'}"
    run(compiler(), "-std=c++17", headers, tmp_path / "program.cpp", "-o", tmp_path / "program")
    result = subprocess.run([tmp_path / "program"], capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stdout.splitlines()[-1] == "1 passed, 1 failed"
    assert "wanted 1 + 1 == 3" in result.stdout
    assert "wanted 1.0 = 1.2 within 0.1, got 1" in result.stdout
    assert len(re.findall("wanted", result.stdout)) == 3
