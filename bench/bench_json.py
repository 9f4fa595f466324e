"""What it costs to get COCO files into NumPy columns: posecore's reader beside JSON libraries, and whether the
columns are equal.

    python ../shared/data/eval/make_scale_set.py SET 5000 20 20170
    python bench/bench_json.py SET/gt_5000.json SET/dt_5000.json --json json.json

Each reading is a process of its own, in turns. `pip install orjson msgspec pysimdjson` brings the others; what is not
there is left out and said. Nothing here passes or fails.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
import importlib.util
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Columns = tuple[np.ndarray, ...]
"""Of truths: ids, image ids, keypoints (G, K, 3), areas, boxes, crowds. Of results: image ids, keypoints, scores."""


def of_records(truth: dict[str, Any], results: list[dict[str, Any]]) -> Columns:
    people = truth["annotations"]
    return (
        np.array([p["id"] for p in people], np.int64),
        np.array([p["image_id"] for p in people], np.int64),
        np.array([p["keypoints"] for p in people], np.float64).reshape(len(people), -1, 3),
        np.array([p["area"] for p in people], np.float64),
        np.array([p["bbox"] for p in people], np.float64),
        np.array([p["iscrowd"] for p in people], np.bool_),
        np.array([d["image_id"] for d in results], np.int64),
        np.array([d["keypoints"] for d in results], np.float64).reshape(len(results), -1, 3),
        np.array([d["score"] for d in results], np.float64),
    )


def with_json(truth: Path, results: Path) -> Columns:
    return of_records(json.loads(truth.read_bytes()), json.loads(results.read_bytes()))


def with_orjson(truth: Path, results: Path) -> Columns:
    orjson = importlib.import_module("orjson")
    return of_records(orjson.loads(truth.read_bytes()), orjson.loads(results.read_bytes()))


def with_msgspec(truth: Path, results: Path) -> Columns:
    msgspec = importlib.import_module("msgspec")
    fields = [("image_id", int), ("keypoints", list[float])]
    person = msgspec.defstruct(
        "Person",
        [*fields, ("id", int), ("area", float), ("bbox", list[float]), ("iscrowd", int)],
        gc=False,
    )
    result = msgspec.defstruct("Result", [*fields, ("score", float)], gc=False)
    file = msgspec.defstruct("File", [("annotations", list[person])])
    people = msgspec.json.decode(truth.read_bytes(), type=file).annotations
    found = msgspec.json.decode(results.read_bytes(), type=list[result])
    return (
        np.array([p.id for p in people], np.int64),
        np.array([p.image_id for p in people], np.int64),
        np.array([p.keypoints for p in people], np.float64).reshape(len(people), -1, 3),
        np.array([p.area for p in people], np.float64),
        np.array([p.bbox for p in people], np.float64),
        np.array([p.iscrowd for p in people], np.bool_),
        np.array([d.image_id for d in found], np.int64),
        np.array([d.keypoints for d in found], np.float64).reshape(len(found), -1, 3),
        np.array([d.score for d in found], np.float64),
    )


def with_pysimdjson(truth: Path, results: Path) -> Columns:
    simdjson = importlib.import_module("simdjson")

    def reals(array: Any) -> np.ndarray:
        return np.frombuffer(array.as_buffer(of_type="d"), np.float64)

    def columns(path: Path, member: str | None, scalars: dict[str, Any], lists: dict[str, int]) -> list[Any]:
        # One document a parser: it reads into memory that it keeps.
        document = simdjson.Parser().parse(path.read_bytes())
        records = document if member is None else document[member]
        found: dict[str, Any] = {key: np.empty(len(records), dtype) for key, dtype in scalars.items()}
        found |= {key: np.empty((len(records), count), np.float64) for key, count in lists.items()}
        for row, record in enumerate(records):
            for key in scalars:
                found[key][row] = record[key]
            for key in lists:
                found[key][row] = reals(record[key])
        return list(found.values())

    keypoints = len(json.loads(truth.read_bytes())["annotations"][0]["keypoints"])
    scalars = {"id": np.int64, "image_id": np.int64, "area": np.float64, "iscrowd": np.bool_}
    ids, images, areas, crowds, points, boxes = columns(
        truth, "annotations", scalars, {"keypoints": keypoints, "bbox": 4}
    )
    found_images, scores, found = columns(
        results, None, {"image_id": np.int64, "score": np.float64}, {"keypoints": keypoints}
    )
    three = (-1, keypoints // 3, 3)
    return (
        ids,
        images,
        points.reshape(three),
        areas,
        boxes,
        crowds,
        found_images,
        found.reshape(three),
        scores,
    )


def with_posecore(truth: Path, results: Path) -> Columns:
    coco_files = importlib.import_module("posecore.evaluation.coco_files")
    truths = coco_files.read_truths(truth)
    found = coco_files.read_detections(results, truths)
    return truths, found  # type: ignore[return-value]  # as they are; `listed` makes the others' columns of them


def listed(columns: Any) -> Columns:
    """posecore's columns as the others have them: outside of what is measured, since nobody needs them so."""
    if isinstance(columns[0], np.ndarray):
        return tuple(columns)
    truths, found = columns
    ids = truths.images.ids
    three = [
        np.concatenate([xy, third[:, :, None]], axis=2)
        for xy, third in ((truths.xy, truths.visibility), (found.xy, found.keypoint_scores))
    ]
    return (
        truths.ids,
        ids[truths.image_index],
        three[0],
        truths.areas,
        truths.boxes,
        truths.is_crowd,
        ids[found.image_index],
        three[1],
        found.scores,
    )


READERS: dict[str, Callable[[Path, Path], Columns]] = {
    "json": with_json,
    "orjson": with_orjson,
    "msgspec": with_msgspec,
    "pysimdjson": with_pysimdjson,
    "posecore": with_posecore,
}
MODULES = {"pysimdjson": "simdjson"}


def hashes(columns: Columns) -> list[str]:
    """Of every column, keypoint scores as float32: what posecore keeps of them."""
    found = list(columns)
    for i in (2, 7):
        third = found[i][:, :, 2].astype(np.float32)
        found[i] = np.concatenate([found[i][:, :, :2].ravel(), third.astype(np.float64).ravel()])
    return [hashlib.sha256(np.ascontiguousarray(column).tobytes()).hexdigest() for column in found]


def peak_mb() -> float:
    """Of this process since it began; getrusage would count what it was forked from."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def read_once(name: str, truth: Path, results: Path) -> dict[str, Any]:
    imported = time.process_time()
    columns = READERS[name](truth, results)
    cpu, peak = time.process_time(), peak_mb()
    return {"cpu_s": cpu, "reading_s": cpu - imported, "peak_mb": peak, "hashes": hashes(listed(columns))}


def version(name: str) -> str | None:
    if importlib.util.find_spec(MODULES.get(name, name)) is None:
        return None
    return sys.version.split()[0] if name == "json" else importlib.metadata.version(name)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("truth", type=Path, help="an annotation file")
    parser.add_argument("results", type=Path, help="a result file")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=Path, help="write all numbers to this file")
    parser.add_argument("--one", choices=READERS, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(json.dumps(read_once(args.one, args.truth, args.results)))
        return 0
    versions = {name: version(name) for name in READERS}
    for name, found in versions.items():
        if found is None:
            print(f"{name} is not installed and left out")
    names = [name for name in READERS if versions[name]]
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for _ in range(args.rounds):
        for name in names:
            command = [sys.executable, __file__, str(args.truth), str(args.results), "--one", name]
            runs[name].append(json.loads(subprocess.run(command, check=True, capture_output=True).stdout))
    wanted = runs["json"][0].pop("hashes")
    table = {}
    print("| reader | reading, CPU s | whole process, CPU s | peak MB | columns |\n|---|---|---|---|---|")
    for name in names:
        same = all(run.pop("hashes", wanted) == wanted for run in runs[name])
        cpu, reading, peak = (
            statistics.median(run[key] for run in runs[name]) for key in ("cpu_s", "reading_s", "peak_mb")
        )
        table[name] = {"version": versions[name], "equal": same, "runs": runs[name]}
        words = "equal" if same else "DIFFERENT"
        print(f"| {name} {versions[name]} | {reading:.3f} | {cpu:.3f} | {peak:.0f} | {words} |")
    if args.json:
        args.json.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
