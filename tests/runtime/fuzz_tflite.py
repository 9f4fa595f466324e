"""Damage good .tflite files in many ways and see that no interpreter crashes on what our reader lets through.

    python tests/runtime/fuzz_tflite.py MODEL... --mutants 5000 --seed 1 [--interpreter litert] [--exact]

Each mutant that `TfliteFile.read` accepts is loaded, allocated and invoked in a child process. A crash of the
child on a *proven* file is a bug of the reader; on an unproven one it is what `runtime.trial` is there to
catch. A quarter of the mutants of a quantised model have scales and zero points that make no sense. Prints a
summary, keeps the crashing files in --keep, exits 1 if the reader raised anything but a ModelError, or a proven
file crashed, hung or did.
"""

from __future__ import annotations

import argparse
import collections
import random
import selectors
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from posecore.errors import ModelError
from posecore.runtime.flatbuffer import Flatbuffer
from posecore.runtime.tflite_file import TfliteFile

HANG_S = 20.0
_INTERESTING = (
    0,
    1,
    2,
    3,
    4,
    5,
    7,
    8,
    16,
    17,
    31,
    32,
    34,
    64,
    127,
    128,
    255,
    256,
    1000,
    4096,
    65535,
    1 << 20,
)
# What a scale may be overwritten with: 0, denormals, the least normal, 1, the largest, infinity, NaN, their negatives.
_SCALES = tuple(
    bits | sign
    for bits in (0, 1, 0x007FFFFF, 0x00800000, 0x3F800000, 0x7F7FFFFF, 0x7F800000, 0x7F800001, 0x7FC00000)
    for sign in (0, 0x80000000)
)
_ZERO_POINTS = (-129, 128, 256, 2**31 - 1, 2**31, -(2**31), -(2**31) - 1, 2**32, 2**62, 2**63 - 1, -(2**63))
_EXTREMES = (-1, -2, -128, 2**31 - 1, -(2**31), 2**30, 0x7F800000, 0x7FC00000, 0x00000001, 0x7F7FFFFF, 2**24)


def structure_of(model: bytes) -> list[int]:
    """The positions of the bytes that are not weights."""
    weights = []
    for buffer in Flatbuffer(model).root().tables(4):
        found = buffer.vector(0, 1)
        if found is not None and found[1] > 64:
            weights.append((found[0], found[0] + found[1]))
    positions: list[int] = []
    start = 0
    for first, end in sorted(weights):
        positions.extend(range(start, first))
        start = max(start, end)
    positions.extend(range(start, len(model)))
    return positions


def quantisation_of(model: bytes) -> list[tuple[int, int]]:
    """(position, size) of every scale (4 bytes) and zero point (8) of the tensors."""
    places = []
    for graph in Flatbuffer(model).root().tables(2):
        for tensor in graph.tables(0):
            record = tensor.table(4)
            for field, size in ((2, 4), (3, 8)) if record is not None else ():
                first, count = record.vector(field, size) or (0, 0)
                places += [(first + size * i, size) for i in range(count)]
    return places


def misquantise(model: bytes, places: list[tuple[int, int]], rng: random.Random) -> bytes:
    """A copy with one or two scales and zero points that make no sense."""
    copy = bytearray(model)
    for at, size in rng.sample(places, min(len(places), rng.choice((1, 1, 2)))):
        if size == 4:
            struct.pack_into("<I", copy, at, rng.choice(_SCALES))
        else:
            struct.pack_into("<q", copy, at, rng.choice(_ZERO_POINTS))
    return bytes(copy)


def mutate(model: bytes, structure: list[int], rng: random.Random) -> bytes:
    """One damaged copy: mostly small changes of the structure, since those get past a reader."""
    copy = bytearray(model)
    kind = rng.randrange(100)
    if kind < 3:
        return bytes(copy[: rng.randrange(len(copy))])
    if kind < 6:
        size = rng.randrange(1, 64)
        source, target = rng.randrange(len(copy) - size), rng.choice(structure)
        copy[target : target + size] = copy[source : source + size]
        return bytes(copy[: len(model)])
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        at = rng.choice(structure) if kind < 92 else rng.randrange(len(copy))
        if kind < 25:
            copy[at] ^= 1 << rng.randrange(8)
        elif kind < 50:
            copy[at] = rng.choice((0, 1, 2, 3, 4, 6, 8, 9, 127, 128, 255, rng.randrange(256)))
        else:
            at = min(at // 4 * 4, len(copy) - 4)
            old = struct.unpack_from("<i", copy, at)[0]
            new = rng.choice(
                (rng.choice(_INTERESTING), rng.choice(_EXTREMES), old + rng.randrange(-8, 9), -old)
            )
            struct.pack_into("<i", copy, at, max(-(2**31), min(2**31 - 1, new)))
    return bytes(copy)


def child(interpreter: str, exact: bool) -> None:
    """Run the models that come on stdin: a 4-byte size, then the bytes. Answers each with a line."""
    from posecore.runtime.interpreters import open_interpreter
    from posecore.runtime.tflite_libraries import library
    from posecore.runtime.trial import run_once

    chosen = library(interpreter)
    stdin, stdout = sys.stdin.buffer, sys.stdout
    while header := stdin.read(4):
        model = stdin.read(struct.unpack("<I", header)[0])
        file = TfliteFile.read(model)
        answer = "ran"
        if file.unproven:
            try:
                run_once(chosen, model, exact=exact, size=None)
            except Exception:
                answer = "refused"
        else:
            try:
                opened = open_interpreter(file, exact=exact, interpreter=interpreter)
                opened.invoke()
                opened.resize(65, 49)
                opened.invoke()
            except ModelError:
                answer = "refused"
            except Exception as error:
                answer = f"raised {type(error).__name__}"
        print(answer, file=stdout, flush=True)


class Runner:
    """A child that runs models until it dies of one."""

    def __init__(self, arguments: list[str]) -> None:
        self.command = [sys.executable, __file__, "--child", *arguments]
        self.process: subprocess.Popen[bytes] | None = None

    def run(self, model: bytes) -> str:
        if self.process is None:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        process = self.process
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(struct.pack("<I", len(model)) + model)
            process.stdin.flush()
        except BrokenPipeError:
            pass
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            ready = selector.select(HANG_S)
        answer = process.stdout.readline().decode().strip() if ready else "hung"
        if answer in ("ran", "refused") or answer.startswith("raised "):
            return answer
        if answer == "hung":
            process.kill()
        code = process.wait()
        process.stdin.close()
        process.stdout.close()
        self.process = None
        return answer or f"crashed {code}"

    def close(self) -> None:
        if self.process is not None:
            assert self.process.stdin is not None
            self.process.stdin.close()
            self.process.wait()


def mutants(models: list[Path], count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    rng = random.Random(seed)
    originals = []
    for path in models:
        model = TfliteFile.read(path)
        data = model.without_decoder() if model.decoder else model.data
        originals.append((path.name, data, structure_of(data), quantisation_of(data)))
    for number in range(count):
        name, data, structure, places = originals[number % len(originals)]
        if places and rng.random() < 0.25:
            yield name, misquantise(data, places, rng)
        else:
            yield name, mutate(data, structure, rng)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("models", nargs="*", type=Path)
    parser.add_argument("--mutants", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--interpreter", default="litert")
    parser.add_argument("--exact", action="store_true")
    parser.add_argument(
        "--proven-only", action="store_true", help="do not run files that a trial would be run for"
    )
    parser.add_argument("--keep", type=Path, help="folder for the files that crash")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.interpreter, options.exact)
        return 0
    runner = Runner(["--interpreter", options.interpreter, *(["--exact"] if options.exact else [])])
    counts: collections.Counter[str] = collections.Counter()
    slowest_ms = 0.0
    for number, (name, data) in enumerate(mutants(options.models, options.mutants, options.seed)):
        started = time.perf_counter()
        try:
            model = TfliteFile.read(data, name=name)
        except ModelError:
            counts["refused by the reader"] += 1
            continue
        except Exception as error:
            counts[f"the reader raised {type(error).__name__}"] += 1
            if options.keep:
                options.keep.mkdir(parents=True, exist_ok=True)
                (options.keep / f"reader_{options.seed}_{number}_{name}").write_bytes(data)
            continue
        finally:
            slowest_ms = max(slowest_ms, (time.perf_counter() - started) * 1e3)
        standing = "unproven" if model.unproven else "proven"
        if model.unproven and options.proven_only:
            counts["unproven: not run"] += 1
            continue
        answer = runner.run(data)
        counts[f"{standing}: {answer}"] += 1
        if answer not in ("ran", "refused") and options.keep:
            options.keep.mkdir(parents=True, exist_ok=True)
            label = f"{standing}_{answer.replace(' ', '_')}_{options.seed}_{number}"
            (options.keep / f"{label}_{name}").write_bytes(data)
    runner.close()
    for answer, count in sorted(counts.items()):
        print(f"{count:8d}  {answer}")
    print(f"slowest read {slowest_ms:.0f} ms")
    good = ("proven: ran", "proven: refused")
    bad = [a for a in counts if a.startswith(("proven: ", "the reader raised")) and a not in good]
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
