"""What exports of the official PoseNets cost in keypoints: the verification of `posecore export`, target by target.

    python bench/bench_export.py [--json FILE] [--out FOLDER] [--only int8 k210 ...]

PoseNet 0.50 (the frozen graph) and 0.75 (tfjs's) to TensorFlow Lite in every precision, Coral, ONNX and K210 (where
nncase is), calibrated on COCO pictures and verified on the pictures of people under POSECORE_SHARED: shift of decoded
keypoints from the float Keras model in input pixels, people lost and invented, operators by unit, memory, size. Times
are no part of it: the machine that a model is exported on is not the one that it is for.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from posecore import cli

HERE = Path(__file__).resolve().parent
SHARED = Path(os.environ.get("POSECORE_SHARED", HERE.parents[1] / "shared")) / "data"
MODELS = {"0.50": "posenet-python_mobilenet_v1_050.pb", "0.75": "posenet_mobilenet_v1_075_tfjs"}
CALIBRATED = ("int8", "uint8", "coral", "k210")
EXPORTS: dict[str, tuple[str, ...]] = {
    "float32": ("--target", "tflite", "--size", "257"),
    "float16": ("--target", "tflite", "--size", "257", "--quantize", "float16"),
    "dynamic": ("--target", "tflite", "--size", "257", "--quantize", "dynamic"),
    "int8": ("--target", "tflite", "--size", "257", "--quantize", "int8"),
    "uint8": ("--target", "tflite", "--size", "257", "--quantize", "uint8", "--decoder"),
    "coral": ("--target", "coral", "--decoder"),
    "onnx": ("--target", "onnx", "--size", "257"),
    "k210": ("--target", "k210", "--size", "224"),
}


def export(model: Path, name: str, folder: Path) -> dict[str, Any]:
    """One export through the command; its report, or why there is none."""
    words = ["export", str(model), *EXPORTS[name], "--verify-pictures", str(SHARED / "pictures"), "--json"]
    if name in CALIBRATED:
        words += ["--calibration", str(SHARED / "train/coco"), "--calibration-count", "60"]
    endings = {"k210": ".kmodel", "onnx": ".onnx"}
    out = folder / f"{model.stem}_{name}{endings.get(name, '.tflite')}"
    said, complained = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(complained):
        code = cli.main([*words, "--out", str(out), "--force"])
    lines = complained.getvalue().strip().splitlines()
    if not said.getvalue().strip():
        return {"code": code, "why": lines[-1] if lines else "nothing was said"}
    report: dict[str, Any] = json.loads(said.getvalue())
    return report | {"code": code}


def row_of(network: str, name: str, report: dict[str, Any]) -> dict[str, Any]:
    """What of the report is shown."""
    found = report.get("verification")
    if not found or not found.get("shift_px"):
        return {"network": network, "export": name, "good": report.get("why", "no verification")}
    shift, people, cost = found["shift_px"], found["people"], found["exported"]
    memory = cost.get("memory_bytes")
    return {
        "network": network,
        "export": name,
        "good": "yes" if found["ok"] else "no",
        "median px": f"{shift['median']:.2f}",
        "p95 px": f"{shift['p95']:.2f}",
        "max px": f"{shift['max']:.1f}",
        "float people": people["float"],
        "lost": people["lost"],
        "invented": people["invented"],
        "operators": " ".join(f"{count} {unit}" for unit, count in cost["operators"].items()),
        "memory MB": "" if memory is None else f"{memory / 1e6:.2f}",
        "file MB": f"{cost['file_bytes'] / 1e6:.2f}",
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--out", type=Path, help="keep the files here")
    parser.add_argument("--only", nargs="*", default=list(EXPORTS), choices=list(EXPORTS), metavar="EXPORT")
    args = parser.parse_args()
    if not SHARED.is_dir():
        raise SystemExit(f"{SHARED}: wanted the models and pictures, got no such folder")
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.out or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for network, file in MODELS.items():
            for name in args.only:
                rows.append(row_of(network, name, export(SHARED / "models" / file, name, folder)))
                if len(rows) == 1 or list(rows[-1]) != list(rows[-2]):
                    print("  ".join(rows[-1]))
                print("  ".join(str(cell) for cell in rows[-1].values()))
                sys.stdout.flush()
    if args.json:
        args.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
