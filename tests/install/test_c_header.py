"""posecore.h: strict C99, and nothing of the C++ API forgotten."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from c_api import declared

from cmake_project import c_compiler, compiler, run

HEADERS = (
    "posecore.h",
    *(
        f"posecore/c/{name}.h"
        for name in (
            *(
                "decode",
                "input",
                "kalman",
                "masks",
                "oks",
                "one_euro",
                "smooth",
                "status",
                "swaps",
                "tensor",
                "track",
            ),
        )
    ),
)
STRICT = ("-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only")
OPTIONS = {
    "decode": {"MultiPoseOptions": "multi_options", "HeatmapOptions": "heatmap_options"},
    "masks": {"MaskOptions": "mask_options"},
    "kalman": {"KalmanOptions": "kalman_options"},
    "one_euro": {"OneEuroOptions": "one_euro_options"},
    "track": {"TrackerOptions": "tracker_options"},
    "swaps": {"SwapOptions": "swap_options"},
}


@pytest.fixture(scope="module")
def include(repository: Path) -> Path:
    return repository / "cpp" / "include"


def test_the_list_of_headers_is_whole(include: Path) -> None:
    there = {path.relative_to(include).as_posix() for path in (include / "posecore" / "c").glob("*.h")}
    assert there | {"posecore.h"} == set(HEADERS)
    umbrella = (include / "posecore.h").read_text(encoding="utf-8")
    assert {name for name in HEADERS[1:] if f'#include "{name}"' not in umbrella} == {"posecore/c/smooth.h"}


@pytest.mark.parametrize("standard", ["c99", "c11", "c++11", "c++17"])
def test_every_header_stands_alone_in_strict_c_and_cpp(include: Path, tmp_path: Path, standard: str) -> None:
    with_cpp = standard.startswith("c++")
    for name in HEADERS:
        source = tmp_path / f"{Path(name).stem}.{'cpp' if with_cpp else 'c'}"
        source.write_text(f'#include "{name}"\n#include "{name}"\nint main(void) {{ return 0; }}\n', "utf-8")
        run(compiler() if with_cpp else c_compiler(), f"-std={standard}", *STRICT, f"-I{include}", source)


def test_c_says_what_it_gives_back_and_takes(include: Path) -> None:
    """`f()` in C is a function of anything."""
    for name in HEADERS:
        text = (include / name).read_text(encoding="utf-8")
        assert not re.search(r"\bposecore_\w+\(\);", text), name


def test_every_function_is_told_of(include: Path) -> None:
    """The comment in front of each function; those of one line are for what the name says."""
    told = 0
    for name in HEADERS[1:]:
        text = (include / name).read_text(encoding="utf-8")
        told += len(re.findall(r"\*/\nPOSECORE_API ", text))
    untold = {"posecore_kalman_plan_bytes", "posecore_one_euro_plan_bytes"}  # their macros say it
    assert told == len(declared(include.parent.parent)) - len(untold)


def test_every_status_of_cpp_has_a_name_in_c(include: Path) -> None:
    in_cpp = body(include / "posecore" / "status.hpp", "enum class Status : int32_t")
    in_c = body(include / "posecore" / "c" / "status.h", "enum")
    wanted = [snake(name).upper() for name in re.findall(r"^\s+k(\w+)", in_cpp, re.M)]
    assert [f"POSECORE_{name}" for name in wanted] == re.findall(r"^\s+(POSECORE_\w+) = ", in_c, re.M)


@pytest.mark.parametrize("header", OPTIONS)
def test_every_option_of_cpp_is_one_in_c(include: Path, header: str) -> None:
    for in_cpp, in_c in OPTIONS[header].items():
        cpp = body(include / "posecore" / f"{header}.hpp", f"struct {in_cpp}")
        c = body(include / "posecore" / "c" / f"{header}.h", f"typedef struct posecore_{in_c}")
        wanted = re.findall(r"^  [\w:]+ (\w+) =", cpp, re.M)
        assert wanted
        assert re.findall(r"^  [\w ]+ (\w+);", c, re.M) == wanted


def body(path: Path, head: str) -> str:
    """What stands between the braces behind `head`."""
    (found,) = re.findall(rf"^{re.escape(head)} {{(.*?)^}}", path.read_text(encoding="utf-8"), re.S | re.M)[
        :1
    ]
    return str(found)


def snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name)
