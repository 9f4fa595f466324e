"""The filters give the same bits on every processor: a C++ program, cross-compiled and emulated, and the extension."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cmake_project import compiler, run
from posecore import _core

PROGRAM = Path(__file__).parent / "smooth_bits" / "main.cpp"
FRAMES, KEYPOINTS, FPS = 4000, 17, 32.0
FLAGS = ("-std=c++17", "-ffp-contract=off", "-fno-exceptions", "-fno-rtti")
TARGETS = {
    "aarch64": ("aarch64-linux-gnu-g++", ("qemu-aarch64", "qemu-aarch64-static")),
    "armhf": ("arm-linux-gnueabihf-g++", ("qemu-arm", "qemu-arm-static")),
    "riscv64": ("riscv64-linux-gnu-g++", ("qemu-riscv64", "qemu-riscv64-static")),
}


def mixed(value: np.ndarray) -> np.ndarray:
    value = value.astype(np.uint32)
    value = (value ^ (value >> 16)) * np.uint32(0x85EBCA6B)
    value = (value ^ (value >> 13)) * np.uint32(0xC2B2AE35)
    return value ^ (value >> 16)


def hashed(*arrays: np.ndarray) -> str:
    words = np.concatenate([array.reshape(-1).astype(np.uint64) for array in arrays])
    powers = np.cumprod(np.full(len(words), 0x9E3779B97F4A7C15, np.uint64))
    return f"{int((powers * (words + np.uint64(1))).sum()):016x}"


def line(name: str, core: Any) -> str:
    """What the program prints, from the extension."""
    t, k, axis = np.meshgrid(*(np.arange(n, dtype=np.int64) for n in (FRAMES, KEYPOINTS, 2)), indexing="ij")
    point = t * KEYPOINTS + k
    xy = (((t * (3 + k + axis)) % 1500) + (mixed(2 * point + axis) >> 23) / 64).astype(np.float32)
    t, k, point = t[..., 0], k[..., 0], point[..., 0]
    scores = ((mixed(point ^ 0x9E3779B9) >> 24) / 256).astype(np.float32)
    seen = ((mixed((t >> 4) * 31 + k) & 7) != 0).astype(np.uint8)
    times = (t[:, 0] + (mixed(t[:, 0]) & 3) / 8) / 32
    out, kinds = np.empty_like(xy), np.empty_like(seen)
    counted = core.track(xy, scores, seen, None, times, out, kinds)
    return " ".join([name, hashed(out.view(np.uint32), kinds), *map(str, counted)])


@pytest.fixture(scope="module")
def wanted() -> str:
    options = {
        "num_keypoints": KEYPOINTS,
        "fps": FPS,
        "noise": 0.02,
        "least_score": 0.3,
        "acceleration": 10.0,
        "hold_s": 1 / 30,
        "speed": 2.0,
        "gate_sigmas": 6.0,
        "gated_before_restart": 3,
        "max_coast_frames": 30,
    }
    lines = [
        line(name, _core.KalmanFilter(**options, constant_position=constant, floats=floats))
        for name, constant, floats in (
            ("fixed", False, False),
            ("float", False, True),
            ("float-constant-position", True, True),
            ("fixed-constant-position", True, False),
        )
    ]
    one_euro = _core.OneEuroFilter(
        num_keypoints=KEYPOINTS,
        fps=FPS,
        min_cutoff_hz=1.0,
        beta=20.0,
        derivative_cutoff_hz=1.0,
        max_coast_frames=30,
    )
    return "\n".join([*lines, line("one-euro", one_euro), ""])


def built(repository: Path, folder: Path, compile_with: str, *flags: str) -> Path:
    """The program for the compiler's machine, static, so that an emulator needs no libraries."""
    sources = [repository / "cpp" / "src" / f"{name}.cpp" for name in ("kalman", "kalman_plan", "one_euro")]
    run(
        *(compile_with, *FLAGS, *flags, f"-I{repository / 'cpp' / 'include'}", PROGRAM, *sources),
        *("-static", "-o", folder / "program"),
    )
    return folder / "program"


def test_the_run_has_all_that_can_happen(wanted: str) -> None:
    fixed = [int(number) for number in wanted.splitlines()[0].split()[2:]]
    assert fixed[0] == 0
    assert min(fixed[1:]) > 100


@pytest.mark.parametrize("optimised", ["-O0", "-O1", "-O2", "-O3"])
def test_every_optimisation_gives_the_extensions_bits(
    repository: Path, tmp_path: Path, wanted: str, optimised: str
) -> None:
    assert run(built(repository, tmp_path, compiler(), optimised)) == wanted


@pytest.mark.parametrize("target", TARGETS)
def test_every_processor_gives_the_extensions_bits(
    repository: Path, tmp_path: Path, wanted: str, target: str
) -> None:
    cross, emulators = TARGETS[target]
    emulator = next(filter(None, map(shutil.which, emulators)), None)
    if shutil.which(cross) is None or emulator is None:
        pytest.skip(f"{cross} or {emulators[0]} is not installed")
    program = built(repository, tmp_path, cross, "-O3")
    result = subprocess.run([emulator, program], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout == wanted
