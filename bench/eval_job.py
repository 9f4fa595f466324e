"""One evaluation from files to numbers, in a process of its own; `bench_eval.py` starts it.

    python bench/eval_job.py NAME TRUTH RESULTS

NAME is posecore, compat (posecore behind pycocotools' calls), pycocotools or faster-coco-eval. Prints JSON: the ten
numbers; CPU seconds (user and system) of the job, which begins when everything is imported, and of the process with
its start and imports; wall seconds of the job; the process's peak memory in MB (10^6 bytes).
"""

from __future__ import annotations

import contextlib
import io
import json
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

Job = Callable[[str, str], Any]


def posecore() -> Job:
    from posecore.evaluation.coco import evaluate

    return lambda truth, results: evaluate(truth, results).stats


def compat() -> Job:
    from posecore.compat.cocoeval import COCO, COCOeval

    return lambda truth, results: _as_scripts_do(COCO, COCOeval, truth, results)


def pycocotools() -> Job:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    return lambda truth, results: _as_scripts_do(COCO, COCOeval, truth, results)


def faster_coco_eval() -> Job:
    from faster_coco_eval import COCO, COCOeval_faster

    return lambda truth, results: _as_scripts_do(COCO, COCOeval_faster, truth, results)


JOBS = {
    "posecore": posecore,
    "compat": compat,
    "pycocotools": pycocotools,
    "faster-coco-eval": faster_coco_eval,
}


def _as_scripts_do(coco: Any, evaluation: Any, truth: str, results: str) -> Any:
    with contextlib.redirect_stdout(io.StringIO()):
        annotated = coco(truth)
        run = evaluation(annotated, annotated.loadRes(results), "keypoints")
        run.evaluate()
        run.accumulate()
        run.summarize()
    return run.stats[:10]


def main() -> None:
    name, truth, results = sys.argv[1:]
    job = JOBS[name]()
    begin, wall = time.process_time(), time.perf_counter()
    stats = job(truth, results)
    job_s, wall_s = time.process_time() - begin, time.perf_counter() - wall
    used = resource.getrusage(resource.RUSAGE_SELF)
    unit = 1 if sys.platform == "darwin" else 1024
    figures = {
        "stats": [float(number) for number in stats],
        "job_cpu_s": job_s,
        "process_cpu_s": used.ru_utime + used.ru_stime,
        "job_wall_s": wall_s,
        "peak_mb": used.ru_maxrss * unit / 1e6,
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
