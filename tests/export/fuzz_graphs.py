"""Damage good model files of every format in many ways and see that `posecore inspect` answers each with a graph or
a sentence.

    python tests/export/fuzz_graphs.py MODEL... --seconds 300 --seed 1 [--keep FOLDER]

Each mutant is read, understood, compared with its original, printed, and drawn as a page every so often. Anything but a
ModelError is a finding, as is a mutant that takes longer than --slow seconds. Prints a summary with the largest memory,
keeps what was found in --keep, exits 1 if there was anything.
"""

from __future__ import annotations

import argparse
import collections
import copy
import io
import json
import random
import resource
import struct
import sys
import time
import traceback
import zipfile
from pathlib import Path
from typing import Any

from posecore.errors import ModelError
from posecore.export.graphs.differences import differences
from posecore.export.graphs.inspected_model import InspectedModel
from posecore.export.graphs.model_file import model_graph
from posecore.export.graphs.purpose import purpose_of
from posecore.inspect_page import page_html
from posecore.inspect_text import difference_lines, model_lines

_NUMBERS = (
    0,
    1,
    2,
    3,
    4,
    5,
    7,
    8,
    16,
    31,
    127,
    128,
    255,
    256,
    1000,
    65535,
    1 << 20,
    2**31 - 1,
    -1,
    -2,
    -(2**31),
)
_VALUES: tuple[Any, ...] = (
    *(None, True, 0, 1, -1, 3, 1 << 40, 10**400, 1.5, float("inf"), float("nan"), "", "same", "a" * 5000),
    *(
        [],
        [1],
        [3, 3],
        [None] * 4,
        [[]],
        {},
        {"class_name": "__keras_tensor__"},
        {"config": {}},
        "\ud800",
        "<b>",
    ),
)
_PAGE_EVERY = 50


def damaged_bytes(model: bytes, rng: random.Random) -> bytes:
    """A changed with some bytes changed, most of them where no weights are: early, late, or near text."""
    changed = bytearray(model)
    kind = rng.randrange(100)
    if kind < 4:
        return bytes(changed[: rng.randrange(len(changed))])
    if kind < 10:
        size = rng.randrange(1, 64)
        source, target = (rng.randrange(max(len(changed) - size, 1)) for _ in range(2))
        changed[target : target + size] = changed[source : source + size]
        return bytes(changed)
    for _ in range(rng.choice((1, 1, 2, 3, 8))):
        late = len(changed) - 1 - rng.randrange(min(9000, len(changed)))
        at = rng.choice((rng.randrange(len(changed)), rng.randrange(min(4096, len(changed))), late))
        if kind < 40:
            changed[at] ^= 1 << rng.randrange(8)
        elif kind < 70:
            changed[at] = rng.choice((0, 1, 2, 8, 10, 18, 26, 34, 127, 128, 255, rng.randrange(256)))
        else:
            at = min(at // 4 * 4, len(changed) - 4)
            struct.pack_into("<i", changed, max(at, 0), rng.choice(_NUMBERS))
    return bytes(changed)


def damaged_json(value: Any, rng: random.Random) -> Any:
    """A copy of JSON with some of its values exchanged for others."""
    changed = json.loads(json.dumps(value))
    for _ in range(rng.choice((1, 1, 2, 4))):
        place, key = changed, None
        holder: Any = None
        while isinstance(place, (dict, list)) and place and (holder is None or rng.random() < 0.9):
            holder = place
            key = rng.choice(list(place)) if isinstance(place, dict) else rng.randrange(len(place))
            place = place[key]
        if holder is None:
            return changed
        action = rng.randrange(4)
        if action == 0 and isinstance(holder, dict):
            del holder[key]
        elif action == 1 and isinstance(holder, list):
            holder.append(copy.deepcopy(holder[rng.randrange(len(holder))]))
        else:
            holder[key] = copy.deepcopy(rng.choice(_VALUES))
    return changed


def damaged(model: bytes, rng: random.Random) -> bytes:
    """A damaged copy: of the JSON inside where there is some, else of the bytes."""
    if rng.random() < 0.2:
        return damaged_bytes(model, rng)
    if model[:1] == b"{":
        return json.dumps(damaged_json(json.loads(model), rng)).encode()
    if model[:4] == b"PK\3\4":
        config = zipfile.ZipFile(io.BytesIO(model)).read("config.json")
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("config.json", json.dumps(damaged_json(json.loads(config), rng)))
        return out.getvalue()
    return damaged_bytes(model, rng)


def lighter(model: bytes) -> bytes:
    """A .keras file without its weights, which nobody reads."""
    if model[:4] != b"PK\3\4":
        return model
    archive, out = zipfile.ZipFile(io.BytesIO(model)), io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as smaller:
        for name in ("config.json", "metadata.json"):
            smaller.writestr(name, archive.read(name))
    return out.getvalue()


def read(data: bytes, name: str, size: tuple[int, int] | None) -> InspectedModel:
    graph = model_graph(data, name, size=size)
    return InspectedModel(graph, purpose_of(graph))


def look(data: bytes, name: str, original: InspectedModel, rng: random.Random) -> None:
    """Everything that `posecore inspect` does."""
    found = read(data, name, rng.choice((None, (64, 48))))
    compared = differences(original.graph, found.graph)
    json.dumps([found.as_dict(), compared.as_dict()], allow_nan=False)
    for line in (*model_lines(found, brief=False), *difference_lines(compared, brief=False)):
        assert len(line) <= 100
        assert line.isprintable()
    if rng.randrange(_PAGE_EVERY) == 0:
        page_html([found], version="1")
        page_html([original, found], compared, version="1")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--slow", type=float, default=20)
    parser.add_argument("--keep", type=Path, help="folder for what was found")
    options = parser.parse_args()
    rng = random.Random(options.seed)
    models = [(path.name, lighter(path.read_bytes())) for path in options.models]
    originals = [read(data, name, None) for name, data in models]
    counts: collections.Counter[str] = collections.Counter()
    slowest = 0.0
    end = time.monotonic() + options.seconds
    while time.monotonic() < end:
        index = rng.randrange(len(models))
        name, model = models[index]
        mutant = damaged(model, rng)
        started = time.process_time()
        answer = "a graph"
        try:
            look(mutant, name, originals[index], rng)
        except ModelError as error:
            answer = "a sentence" if "\n" not in str(error) else "finding: a sentence of two lines"
        except Exception as error:
            answer = f"finding: {type(error).__name__}"
            traceback.print_exc()
        took = time.process_time() - started
        slowest = max(slowest, took)
        if took > options.slow:
            answer = f"finding: {took:.0f} s"
        counts[answer] += 1
        if answer.startswith("finding") and options.keep is not None:
            options.keep.mkdir(parents=True, exist_ok=True)
            (options.keep / f"{sum(counts.values())}_{name}").write_bytes(mutant)
    for answer, count in sorted(counts.items()):
        print(f"{count:8d}  {answer}")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"slowest {slowest:.1f} s, largest memory {memory:.0f} MiB")
    return int(any(answer.startswith("finding") for answer in counts))


if __name__ == "__main__":
    sys.exit(main())
