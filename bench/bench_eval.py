"""What COCO's keypoint evaluation costs, whole jobs from files to numbers, and whether the numbers are the same.

    POSECORE_SHARED=../shared python bench/bench_eval.py --json eval.json

5000 synthetic images, 11,767 people, 100,000 detections, made by the generator of POSECORE_SHARED (data/eval). Every
job runs in a process of its own, one contender after the other in each round, so that a noisy machine disturbs all of
them and the peak memory is the job's. `pip install pycocotools faster-coco-eval` brings the others; what is not there
is left out and said. Nothing here passes or fails.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench_decode import environment, spread
from eval_job import JOBS

REPOSITORY = Path(__file__).parents[1]
SEED, DETECTIONS = 20170, 20
FIGURES = ("job_cpu_s", "process_cpu_s", "job_wall_s", "peak_mb")
# One thread each, libraries of linear algebra among them: CPU seconds of idle threads are nobody's work.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def make_set(folder: Path, images: int) -> tuple[Path, Path]:
    """The annotation and the result file; made where they are not there yet."""
    files = folder / f"gt_{images}.json", folder / f"dt_{images}.json"
    if not all(file.exists() for file in files):
        shared = Path(os.environ.get("POSECORE_SHARED", REPOSITORY.parent / "shared"))
        generator = shared / "data" / "eval" / "make_scale_set.py"
        if not generator.exists():
            sys.exit(f"no generator: {generator} is absent; POSECORE_SHARED names the folder above data/eval")
        command = [sys.executable, str(generator), str(folder), str(images), str(DETECTIONS), str(SEED)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return files


def run(name: str, truth: Path, results: Path) -> dict[str, Any]:
    """The figures of one job, or {"missing": why}."""
    command = [sys.executable, str(Path(__file__).with_name("eval_job.py")), name, str(truth), str(results)]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | ONE_THREAD)
    if done.returncode != 0:
        return {"missing": f"{name}: {(done.stderr.strip().splitlines() or ['failed'])[-1]}"}
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def versions() -> dict[str, str]:
    found = {}
    for package in ("pycocotools", "faster-coco-eval"):
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def bench(truth: Path, results: Path, rounds: int) -> dict[str, Any]:
    """The spread of each contender's figures, and of the ratios to posecore's in the same round."""
    first = {name: run(name, truth, results) for name in JOBS}  # warms the file cache too, and is not counted
    missing = [figures["missing"] for figures in first.values() if "missing" in figures]
    names = [name for name, figures in first.items() if "missing" not in figures]
    taken: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for _ in range(rounds):
        for name in names:
            taken[name].append(run(name, truth, results))
    reference = first.get("pycocotools", {}).get("stats")
    contenders = {}
    for name in names:
        entry: dict[str, Any] = {key: spread([one[key] for one in taken[name]]) for key in FIGURES}
        entry["ratio"] = {
            key: spread([a[key] / b[key] for a, b in zip(taken[name], taken["posecore"], strict=True)])
            for key in FIGURES
        }
        entry["stats"] = first[name]["stats"]
        entry["equal_to_pycocotools"] = (
            None
            if reference is None
            else sum(a == b for a, b in zip(first[name]["stats"], reference, strict=True))
        )
        contenders[name] = entry
    return {"contenders": contenders, "missing": missing}


def show(result: dict[str, Any]) -> None:
    print(
        f"{'':18}{'job CPU s':>11}{'ratio':>9}{'p10..p90':>16}{'process CPU s':>15}{'ratio':>9}{'peak MB':>9}"
        f"{'ratio':>8}  numbers"
    )
    for name, entry in result["contenders"].items():
        ratio = entry["ratio"]
        around = f"{ratio['job_cpu_s']['p10']:.2f}..{ratio['job_cpu_s']['p90']:.2f}"
        equal = entry["equal_to_pycocotools"]
        said = (
            "pycocotools is not there" if equal is None else f"{equal} of 10 as pycocotools, to the last bit"
        )
        print(
            f"{name:18}{entry['job_cpu_s']['median']:11.3f}{ratio['job_cpu_s']['median']:9.2f}{around:>16}"
            f"{entry['process_cpu_s']['median']:15.3f}{ratio['process_cpu_s']['median']:9.2f}"
            f"{entry['peak_mb']['median']:9.0f}{ratio['peak_mb']['median']:8.2f}  {said}"
        )
    for line in result["missing"]:
        print(line)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything there too")
    parser.add_argument("--rounds", type=int, default=7, help="jobs of each contender that count (default 7)")
    parser.add_argument("--images", type=int, default=5000, help="how large the set is (default 5000)")
    parser.add_argument(
        "--folder", type=Path, help="keep the set there, and take it from there the next time"
    )
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = chosen.folder or Path(temporary)
        truth, results = make_set(folder, chosen.images)
        report: dict[str, Any] = {"environment": environment() | versions()}
        report["set"] = {
            "images": chosen.images,
            "detections_per_image": DETECTIONS,
            "seed": SEED,
            "truth_bytes": truth.stat().st_size,
            "results_bytes": results.stat().st_size,
        }
        report |= bench(truth, results, chosen.rounds)
    for key, value in (report["environment"] | report["set"]).items():
        print(f"{key}: {value}")
    print("\nratio: over posecore in the same round; every job is a process of its own\n")
    show(report)
    if chosen.json:
        beside = chosen.json.with_name(f".{chosen.json.name}.part")
        beside.write_text(json.dumps(report, indent=1) + "\n")
        os.replace(beside, chosen.json)


if __name__ == "__main__":
    main()
