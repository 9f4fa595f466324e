"""Writes all of posecore's core as one header: `python tools/build_single_header.py [--out posecore_single.hpp]`.

For firmware and other programs without CMake. The header is the C API, and in C++ the C++ API as well; in one C++ file
of the program POSECORE_IMPLEMENTATION is defined before it is included, and there the functions are:

    #define POSECORE_IMPLEMENTATION
    #include "posecore_single.hpp"

Compile that file as C++17 with -ffp-contract=off, so that the bits are those of every other build; it does without
exceptions and RTTI. Nothing of it changes but its place: each header stands where it is first needed, and names that
two source files have for themselves carry the file's name.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections import Counter
from pathlib import Path

CPP = Path(__file__).resolve().parent.parent / "cpp"
FOLDERS = (CPP / "include", CPP / "src", CPP / "c")
INCLUDE = re.compile(r'\s*#\s*include\s*(["<])([^">]+)[">]')

HEAD = """\
// posecore {version} in one header. tools/build_single_header.py of posecore made it from cpp/include, cpp/src and
// cpp/c; what is to be changed is changed there.
//
// One C++17 file of a program defines POSECORE_IMPLEMENTATION before it includes this, and is compiled with
// -ffp-contract=off (with -fno-exceptions -fno-rtti as well, where there are none).
//
{licence}//
// Licensed under the Apache License, Version 2.0: https://www.apache.org/licenses/LICENSE-2.0
"""

# Types, constants and aliases that a source file has for itself. Functions of one name differ in what they take.
OWN_NAME = re.compile(
    r"^(?:struct|class|constexpr [\w:<> ]+?|const [\w:]+) (k?[A-Z]\w*)\b(?! *;)", re.MULTILINE
)
BORROWED_NAME = re.compile(r"^using detail::(\w+);", re.MULTILINE)


class Amalgamation:
    """The text so far, and the headers that are in it."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._had: set[str] = set()

    def add(self, path: Path, text: str) -> None:
        """`text` of the file, with the headers that it wants and that are not there yet."""
        self.lines.append(f"// ---- {path.relative_to(CPP).as_posix()}")
        for line in text.splitlines():
            include = INCLUDE.match(line)
            if include is None:
                if line != "#pragma once":
                    self.lines.append(line)
            elif include[1] == "<":
                self.lines.append(line)
            else:
                self.include(include[2])

    def include(self, name: str) -> None:
        """The header of ours, where it is not there yet."""
        if name not in self._had:
            self._had.add(name)
            path = _found(name)
            self.add(path, path.read_text(encoding="utf-8"))


def _found(name: str) -> Path:
    for folder in FOLDERS:
        if (folder / name).is_file():
            return folder / name
    raise FileNotFoundError(f"wanted {name} in one of {', '.join(str(folder) for folder in FOLDERS)}")


def _sources() -> dict[Path, str]:
    """The source files, with names of their own where two of them have one name."""
    paths = [path for folder in FOLDERS[1:] for path in sorted(folder.glob("*.cpp"))]
    texts = {path: path.read_text(encoding="utf-8") for path in paths}
    owned = {path: set(OWN_NAME.findall(text)) for path, text in texts.items()}
    borrowed = {path: set(BORROWED_NAME.findall(text)) for path, text in texts.items()}
    holders = Counter(name for path in paths for name in owned[path] | borrowed[path])
    for path in paths:
        for name in sorted(owned[path]):
            if holders[name] > 1:
                texts[path] = re.sub(rf"(?<!::)\b{name}\b", f"{name}_of_{path.stem}", texts[path])
    return texts


def source() -> str:
    """The header."""
    version = re.findall(
        r'POSECORE_VERSION "([^"]+)"', _found("posecore/version.hpp").read_text(encoding="utf-8")
    )
    made = Amalgamation()
    made.include("posecore.h")
    made.lines.append("#if defined(__cplusplus)")
    for path in sorted((FOLDERS[0] / "posecore").glob("*.hpp")):
        made.include(f"posecore/{path.name}")
    made.lines.append("#if defined(POSECORE_IMPLEMENTATION)")
    for path, text in _sources().items():
        made.add(path, text)
    made.lines += ["#endif", "#endif"]
    head = HEAD.format(version=version[0], licence=_notice())
    return "\n".join([f"{head}#pragma once", *made.lines, ""])


def _notice() -> str:
    notice = (CPP.parent / "NOTICE").read_text(encoding="utf-8").partition("\n\n")[0]
    return "".join(f"// {line}\n" for line in notice.splitlines())


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--out", type=Path, default=Path("posecore_single.hpp"), help="where it goes (%(default)s)"
    )
    out: Path = parser.parse_args().out
    text = source()
    beside = out.with_name(f"{out.name}.new")
    beside.write_text(text, encoding="utf-8")
    os.replace(beside, out)
    print(f"wrote {out}: {len(text.splitlines())} lines, {len(text.encode())} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
