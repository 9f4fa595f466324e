"""What a call of `posecore.Decoder` costs from Python beyond the decoding, and what `decode_batch` gains by threads.

A grid of one cell has nothing to decode: what its call takes is the way in and out. The frames with people show what
the arrays of `Poses` add to that.

    python bench/bench_call.py [--rounds 21] [--threads 2]
"""

from __future__ import annotations

import argparse
import gc
import os
from collections.abc import Callable
from pathlib import Path
from time import perf_counter_ns

import numpy as np

import posecore as pc

ROUND_NS = 20_000_000
FRAMES = 256
CROWD, CAPTURES = "crowd12_353x481", ("empty_353x481", "couple_353x481", "crowd12_353x481", "couple_721x1281")


def nothing(dtype: type, rows: int = 1, columns: int = 1) -> pc.Heads:
    """Heads without anybody."""
    shapes = {"heatmaps": 17, "short_offsets": 34, "displacement_fwd": 32, "displacement_bwd": 32}
    arrays = {name: np.zeros((rows, columns, channels), dtype) for name, channels in shapes.items()}
    quantized = {} if dtype is np.float32 else dict.fromkeys(arrays, pc.Quantization(0.05, 0))
    return pc.Heads(**arrays, stride_px=16, scores="probabilities", quantization=quantized)


def in_turns(calls: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Microseconds a call in each round; contenders take turns, so that noise meets all of them."""
    repeats = {}
    for name, call in calls.items():
        call()
        begun = perf_counter_ns()
        call()
        repeats[name] = max(1, ROUND_NS // max(1, perf_counter_ns() - begun))
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            many = range(repeats[name])
            begun = perf_counter_ns()
            for _ in many:
                call()
            times[name].append((perf_counter_ns() - begun) / repeats[name] / 1e3)
    return times


def captures() -> dict[str, pc.Heads]:
    """Real heads of the shared data, where they are."""
    beside = Path(__file__).resolve().parent.parent.parent / "shared"
    folder = Path(os.environ.get("POSECORE_SHARED", beside)) / "data" / "decode"
    paths = {name: folder / f"{name}__B.npz" for name in CAPTURES}
    return {name: pc.Heads.load(path) for name, path in paths.items() if path.is_file()}


def overhead(heads: dict[str, pc.Heads], rounds: int) -> None:
    decoder = pc.Decoder(pc.COCO17, stride_px=16)
    small = {"one cell, uint8": nothing(np.uint8), "one cell, float32": nothing(np.float32)}
    calls: dict[str, Callable[[], object]] = {
        name: lambda frame=frame: decoder(frame) for name, frame in (small | heads).items()
    }
    # A logit of 0 would be somebody.
    arrays = tuple(array - 9 for array in small["one cell, float32"].tensors().values())
    calls["one cell, four float32 arrays"] = lambda: decoder(*arrays)
    calls["an empty function"] = lambda: None
    print(f"{'a call, us':36}{'least':>9}{'median':>9}")
    for name, times in in_turns(calls, rounds).items():
        print(f"{name:36}{min(times):9.2f}{np.median(times):9.2f}")


def batches(heads: dict[str, pc.Heads], rounds: int, threads: int) -> None:
    decoder = pc.Decoder(pc.COCO17, stride_px=16)
    title = f"{FRAMES} frames, us a frame"
    print(f"\n{title:36}{'one by one':>12}{'1 thread':>10}{f'{threads} threads':>11}{'gain':>7}")
    for name, frame in heads.items():
        frames = [frame] * FRAMES
        calls: dict[str, Callable[[], object]] = {
            "alone": lambda frames=frames: [decoder(frame) for frame in frames],
            "1": lambda frames=frames: decoder.decode_batch(frames, threads=1),
            "many": lambda frames=frames: decoder.decode_batch(frames, threads=threads),
        }
        times = in_turns(calls, rounds)
        gain = np.median([one / many for one, many in zip(times["1"], times["many"], strict=True)])
        alone, one, many = (float(np.median(times[key])) / FRAMES for key in calls)
        print(f"{name:36}{alone:12.2f}{one:10.2f}{many:11.2f}{gain:6.2f}x")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=21, help="turns that each contender takes (default 21)")
    parser.add_argument("--threads", type=int, default=2, help="threads of the batch (default 2)")
    chosen = parser.parse_args()
    heads = captures()
    gc.disable()
    overhead(heads, chosen.rounds)
    batches(heads, chosen.rounds, chosen.threads)


if __name__ == "__main__":
    main()
