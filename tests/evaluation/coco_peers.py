"""Other evaluators on the same files or dicts, silently: pycocotools, faster-coco-eval, xtcocotools."""

from __future__ import annotations

import contextlib
import copy
import io
import sys
import types
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest


@dataclass(frozen=True)
class Evaluated:
    """stats, and precision (T, R, C, A, 1), recall (T, C, A, 1) and scores (T, R, C, A, 1)."""

    stats: np.ndarray
    precision: np.ndarray
    recall: np.ndarray
    scores: np.ndarray


def pycocotools(truth: Any, results: Any) -> Evaluated:
    """pycocotools; the test is skipped where it is not installed."""
    module = pytest.importorskip("pycocotools.cocoeval", reason="pycocotools is not installed")
    coco = pytest.importorskip("pycocotools.coco", reason="pycocotools is not installed")
    return _evaluated(coco.COCO, module.COCOeval, truth, results)


def faster_coco_eval(truth: Any, results: Any) -> Evaluated:
    """faster-coco-eval; the test is skipped where it is not installed."""
    module = pytest.importorskip("faster_coco_eval", reason="faster-coco-eval is not installed")
    return _evaluated(module.COCO, module.COCOeval_faster, truth, results)


def xtcocotools(truth: Any, results: Any, kind: str, sigmas: Sequence[float], *, use_area: bool) -> Evaluated:
    """xtcocotools; the test is skipped where it is not installed.

    Its compiled masks are left out: they are built for one version of NumPy, and keypoints do without.
    """
    package = pytest.importorskip("xtcocotools", reason="xtcocotools is not installed")
    masks = types.ModuleType("xtcocotools.mask")
    package.mask = sys.modules["xtcocotools.mask"] = masks
    coco = pytest.importorskip("xtcocotools.coco", reason="xtcocotools cannot be imported")
    module = pytest.importorskip("xtcocotools.cocoeval", reason="xtcocotools cannot be imported")

    def evaluation(truth: Any, results: Any, _: str) -> Any:
        return module.COCOeval(truth, results, kind, np.array(sigmas), use_area=use_area)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it leaves files open, and says where a part has no score of its own
        return _evaluated(coco.COCO, evaluation, truth, results)


def _evaluated(
    coco: Callable[..., Any], evaluation: Callable[..., Any], truth: Any, results: Any
) -> Evaluated:
    with contextlib.redirect_stdout(io.StringIO()):
        if isinstance(truth, dict):
            annotated = coco()
            annotated.dataset = copy.deepcopy(truth)
            annotated.createIndex()
        else:
            annotated = coco(str(truth))
        loaded = annotated.loadRes(copy.deepcopy(results) if isinstance(results, list) else str(results))
        run = evaluation(annotated, loaded, "keypoints")
        run.evaluate()
        run.accumulate()
        found = {name: np.array(run.eval[name]) for name in ("precision", "recall", "scores")}
        run.summarize()
    return Evaluated(np.array(run.stats), **found)
