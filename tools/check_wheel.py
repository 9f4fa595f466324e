"""What a wheel of posecore holds: everything it should, nothing else, and not too much of it.

python tools/check_wheel.py dist/posecore-*.whl
"""

from __future__ import annotations

import re
import sys
import zipfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
MOST_BYTES_WITHOUT_MODEL = 1_500_000

# What the build makes: each pattern is one file.
BUILT = (
    r"posecore/_core\.[\w.-]+\.(so|pyd)",
    r"posecore/lib/(lib)?posecore\.(a|lib)",
    r"posecore/lib/(lib)?posecore_tflite\.(so|dylib|dll)",
    r"posecore/lib/cmake/posecore/posecoreConfig\.cmake",
    r"posecore/lib/cmake/posecore/posecoreConfigVersion\.cmake",
    r"posecore/lib/cmake/posecore/posecoreTargets\.cmake",
    r"posecore/lib/cmake/posecore/posecoreTargets-release\.cmake",
    r"posecore-[^/]+\.dist-info/METADATA",
    r"posecore-[^/]+\.dist-info/WHEEL",
    r"posecore-[^/]+\.dist-info/RECORD",
    r"posecore-[^/]+\.dist-info/entry_points\.txt",
    r"posecore-[^/]+\.dist-info/licenses/LICENSE",
    r"posecore-[^/]+\.dist-info/licenses/NOTICE",
)


def from_sources(repository: Path) -> set[str]:
    """The files that a wheel takes from the repository as they are."""
    package = repository / "python"
    headers = repository / "cpp" / "include"
    python = {p.relative_to(package).as_posix() for p in package.rglob("*") if p.is_file()}
    python = {
        name for name in python if "__pycache__" not in name and not name.endswith((".pyc", ".so", ".pyd"))
    }
    in_cpp = {p.relative_to(headers).as_posix() for p in headers.rglob("*.h*")}
    in_cpp = {name for name in in_cpp if name != "posecore.h" and not name.startswith("posecore/c/")}
    return python | {f"posecore/include/{name}" for name in in_cpp}


def complaints(names: set[str], repository: Path = REPOSITORY) -> list[str]:
    """What is missing and what is too much in a wheel that has these files."""
    wanted = from_sources(repository)
    found = [f"missing: {name}" for name in sorted(wanted - names)]
    surplus = names - wanted
    for pattern in BUILT:
        matching = {name for name in surplus if re.fullmatch(pattern, name)}
        if len(matching) != 1:
            found.append(f"wanted one {pattern}, got {len(matching)}")
        surplus -= matching
    return found + [f"too much: {name}" for name in sorted(surplus)]


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__)
        return 2
    with zipfile.ZipFile(sys.argv[1]) as wheel:
        packed = {info.filename: info.compress_size for info in wheel.infolist() if not info.is_dir()}
    found = complaints(set(packed))
    model = sum(size for name, size in packed.items() if name.endswith(".tflite"))
    rest = Path(sys.argv[1]).stat().st_size - model
    if rest > MOST_BYTES_WITHOUT_MODEL:
        found.append(
            f"too large: wanted at most {MOST_BYTES_WITHOUT_MODEL} bytes without the model, got {rest}"
        )
    print(f"{Path(sys.argv[1]).name}: {len(packed)} files, {rest} bytes and {model} of model")
    print("\n".join(found) or "nothing is missing and nothing is too much")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
