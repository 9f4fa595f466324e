"""How often `posecore doctor --model` finds the right reading.

    python bench/bench_doctor.py [--train 0] [--json FILE]

Published models on all pictures of people under POSECORE_SHARED, as they are and bent: blue first, bytes as 0..1,
ending in a sigmoid, x before y (tests/app/model_variants.py bends the interpreter around the real file). A diagnosis
is right, wrong, or none, where the doctor says that it cannot tell. `--train N` adds N pictures each of COCO and LSP,
which were not made for it: small, cut off, upside down and crowded people.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests" / "app"))

from model_variants import bent  # noqa: E402

from posecore.doctor.diagnosis import Diagnosis  # noqa: E402
from posecore.doctor.readings import Reading, try_readings  # noqa: E402
from posecore.sources import find_sources, read_picture  # noqa: E402

SHARED = Path(os.environ.get("POSECORE_SHARED", HERE.parents[1] / "shared")) / "data"
CORAL = "coral/posenet_mobilenet_v1_075_353_481"
FLOAT = "posenet_mobilenet_v1_075_337_float"
EVERYTHING: dict[str, Any] = {
    "bgr": True,
    "input_range": (0.0, 1.0),
    "probabilities": True,
    "x_first": "both",
}
RUNS: tuple[tuple[str, dict[str, Any]], ...] = (
    (FLOAT, {}),
    (FLOAT, EVERYTHING),
    (FLOAT, {"bgr": True, "x_first": "offsets"}),
    (FLOAT, {"input_range": (0.0, 1.0)}),
    (f"{CORAL}_quant", {}),
    (f"{CORAL}_quant_decoder", {}),
    (f"{CORAL}_quant_decoder", {"bgr": True, "probabilities": True, "x_first": "displacements"}),
    (f"{CORAL}_16_quant_decoder", {}),
    ("coral/bodypix_mobilenet_v1_075_512_512_16_quant_decoder", {}),
    ("movenet_single_pose_lightning_ptq", {}),
    ("movenet_single_pose_lightning_ptq", {"bgr": True}),
    ("movenet_multipose_lightning_f16", {}),
)


def right(bending: dict[str, Any], reading: Reading) -> bool:
    """Whether this is how a model so bent wants to be read; None in a reading is no choice."""
    return (
        reading.color == ("bgr" if bending.get("bgr") else "rgb")
        and reading.input_range in (None, bending.get("input_range", (-1.0, 1.0)))
        and reading.scores in (None, "probabilities" if bending.get("probabilities") else "logits")
        and reading.x_first == bending.get("x_first")
    )


def pictures(train: int) -> list[tuple[str, Path]]:
    found = [("pictures", path) for path in sorted((SHARED / "pictures").iterdir())]
    found.append(("pictures", SHARED / "models" / "coral" / "test_image.bmp"))
    for name in ("coco", "lsp"):
        every = sorted((SHARED / "train" / name).rglob("*.jpg"))
        found += [("train", path) for path in every[:: max(len(every) // train, 1)][:train]] if train else []
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--train", type=int, default=0)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    rows, answers = [], []
    for model, bending in RUNS:
        for group in ("pictures", "train"):
            outcomes: Counter[str] = Counter()
            for name, path in pictures(args.train):
                if name != group:
                    continue
                image = read_picture(find_sources([str(path)])[0])
                with bent(**bending):
                    diagnosis = Diagnosis(try_readings(SHARED / "models" / f"{model}.tflite", image))
                good = right(bending, diagnosis.best.reading)
                outcomes["none" if diagnosis.doubt else "right" if good else "wrong"] += 1
                about = {"model": model, "bent": bending, "group": group, "picture": path.name, "right": good}
                answers.append(about | diagnosis.as_dict())
            if outcomes:
                said = ", ".join(f"{k} {v}" for k, v in bending.items()) or "as it is"
                print(f"{model.rpartition('/')[2]:58} {said:80} {group:9} {dict(outcomes)}", flush=True)
                rows.append((group, outcomes))
    for group in ("pictures", "train"):
        whole = sum((outcomes for name, outcomes in rows if name == group), Counter[str]())
        if whole:
            print(f"{group}: {dict(whole)} of {whole.total()}")
    if args.json:
        args.json.write_text(json.dumps(answers), encoding="utf-8")


if __name__ == "__main__":
    main()
