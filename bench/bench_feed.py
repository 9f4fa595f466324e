"""Pictures a second that one core reads, moves, colours and encodes for training, where the time goes, and whether the
keypoints are still where the picture has them.

    python bench/bench_feed.py --json feed.json

Pictures: `POSECORE_SHARED` (default ../shared), COCO of at most 513 px and Leeds Sports of at most 256 px, and COCO's
pictures made 4 times as large, as cameras give them. Time is that of the processor in one thread, which other work on
the machine does not stretch much; what is measured takes turns. Nothing here passes or fails.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from posecore.skeletons import COCO17
from posecore.train.augmentation import STILL, Augmentation, augment
from posecore.train.datasets import coco_pictures, sample_for
from posecore.train.feed import Feed
from posecore.train.samples import Sample
from posecore.train.targets import PersonLabTargets
from posecore.train.warps import letterbox

FULL = Augmentation(blur=0.3, patches=2)
MOVES = replace(
    STILL,
    rotation_deg=FULL.rotation_deg,
    shear_deg=FULL.shear_deg,
    zoom=FULL.zoom,
    shift=FULL.shift,
    flip=0.5,
)
COLOURS = replace(FULL, rotation_deg=0, shear_deg=0, zoom=(1, 1), shift=0, flip=0, blur=0, patches=0)
SIZES = ((257, 257), (481, 353))
PICTURES, ROUNDS = 48, 7


def sets(shared: Path, scratch: Path) -> dict[str, Any]:
    train = shared / "data" / "train"
    found = {
        "COCO, 513 px": coco_pictures(train / "coco.json", train / "coco"),
        "LSP, 256 px": coco_pictures(train / "lsp.json", train / "lsp", teacher="teacher_keypoints"),
    }
    labels = json.loads((train / "coco.json").read_text())
    kept = {image["id"]: image for image in labels["images"][:PICTURES]}
    for image in kept.values():
        pixels = cv2.imread(str(train / "coco" / image["file_name"]), cv2.IMREAD_COLOR)
        large = cv2.resize(pixels, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(scratch / image["file_name"]), large)
        image["height"], image["width"] = large.shape[:2]
    people = [person for person in labels["annotations"] if person["image_id"] in kept]
    for person in people:
        person["bbox"] = [4 * side for side in person["bbox"]]
        person["keypoints"] = [v if i % 3 == 2 else 4 * v for i, v in enumerate(person["keypoints"])]
    large_labels = labels | {"images": list(kept.values()), "annotations": people}
    found["photographs, 2052 px"] = coco_pictures(large_labels, scratch)
    return found


def milliseconds(work: Callable[[int], object]) -> float:
    """Processor time of one thread, a picture."""
    began = time.thread_time()
    for index in range(PICTURES):
        work(index)
    return (time.thread_time() - began) * 1e3 / PICTURES


def parts(dataset: Any, size: tuple[int, int]) -> dict[str, Callable[[int], object]]:
    targets = PersonLabTargets(COCO17, 16)
    enough = size[0] * FULL.zoom[1], size[1] * FULL.zoom[1]
    read = [sample_for(dataset, index, enough) for index in range(PICTURES)]
    moved = [augment(one, size, MOVES, np.random.default_rng(i)) for i, one in enumerate(read)]
    feed = Feed(dataset, targets, size=size, batch_size=1, augmentation=FULL, seed=1)

    def encode(index: int) -> object:
        one = moved[index]
        return targets.encode(one.xy, one.visibility, one.boxes, one.ignored, size=size)

    return {
        "all": feed.batch,
        "read, all pixels": lambda index: dataset[index],
        "read": lambda index: sample_for(dataset, index, enough),
        "letterbox": lambda index: letterbox(read[index], size),
        "moves": lambda index: augment(read[index], size, MOVES, np.random.default_rng(index)),
        "moves, colours, patches": lambda index: augment(
            read[index], size, FULL, np.random.default_rng(index)
        ),
        "targets": encode,
        "to float": lambda index: (
            np.multiply(moved[index].image, np.float32(1 / 127.5), dtype=np.float32) - 1
        ),
        "the thread's random numbers": lambda index: np.random.default_rng(index),
    }


def misplaced(size: tuple[int, int]) -> float:
    """The greatest distance in pixels between keypoints and the spots that mark them, of 200 moved pictures."""
    columns, rows = np.meshgrid(np.arange(500), np.arange(400))
    worst = 0.0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        x, y = rng.uniform(120, 280, 2)
        spot = 255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * 4.0**2))
        image = np.rint(np.maximum(spot, 0)).astype(np.uint8)[:, :, None].repeat(3, axis=2)
        xy = np.zeros((1, 17, 2), np.float32)
        seen = np.zeros((1, 17), np.uint8)
        xy[0, 0], seen[0, 0] = (x, y), 2
        box = np.array([[x - 60, y - 60, 120, 120]], np.float32)
        one = Sample(
            image, xy, seen, box, np.zeros((0, 4, 2), np.float32), seen.astype(np.float32), "", COCO17
        )
        after = augment(one, size, MOVES, rng)
        if not len(after) or not after.visibility[0, 0]:
            continue
        at = after.xy[0, after.visibility[0] > 0][0]
        across, down = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
        near = (np.abs(across - at[0]) < 18) & (np.abs(down - at[1]) < 18)
        if near.sum() < 35 * 35:  # at the border: the spot is cut
            continue
        weight = np.where(near & (after.image[:, :, 0] > 6), after.image[:, :, 0], 0).astype(float)
        weight[after.image[:, :, 0] == 127] = 0  # the grey around the picture
        middle = np.array([(weight * across).sum(), (weight * down).sum()]) / weight.sum()
        worst = max(worst, float(np.hypot(*(middle - at))))
    return worst


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, help="write the figures here too")
    options = parser.parse_args()
    shared = Path(os.environ.get("POSECORE_SHARED", Path(__file__).resolve().parents[2] / "shared"))
    if not (shared / "data").is_dir():
        print(f"{shared}: wanted the shared data; set POSECORE_SHARED", file=sys.stderr)
        return 1
    cv2.setNumThreads(1)
    results = []
    with tempfile.TemporaryDirectory() as scratch:
        for name, dataset in sets(shared, Path(scratch)).items():
            for size in SIZES:
                work = parts(dataset, size)
                rounds = [{part: milliseconds(do) for part, do in work.items()} for _ in range(ROUNDS)]
                times = {part: statistics.median(turn[part] for turn in rounds) for part in work}
                results.append({"set": name, "size": size, "milliseconds": times})
                print(f"\n{name} -> {size[0]}x{size[1]}: {1e3 / times['all']:.0f} pictures/s a core")
                for part, took in times.items():
                    print(f"  {took:7.3f} ms  {part}")
    wrong = {f"{w}x{h}": misplaced((w, h)) for w, h in SIZES}
    print("\nkeypoints and the spots that mark them are at most this far apart, px:", wrong)
    if options.json:
        machine = {
            "processor": platform.processor() or platform.machine(),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "numpy": np.__version__,
            "opencv": cv2.__version__,
        }
        options.json.write_text(json.dumps({"machine": machine, "results": results, "px": wrong}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
