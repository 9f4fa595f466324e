"""A diagnosis as lines for people and as data for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from posecore.evaluation.examination import STEPS
from posecore.evaluation.keypoint_errors import KINDS, MATCH_OKS
from posecore.evaluation.matching import mean_of_found
from posecore.printable import printable

if TYPE_CHECKING:
    from posecore.evaluation.diagnosis import Diagnosis

_TITLES = {
    "baseline": "as it came",
    "miss": "no misses",
    "swap": "no swaps",
    "inversion": "no inversions",
    "jitter": "no jitter",
    "score": "best scores",
    "background_fp": "no false positives",
    "fn": "no false negatives",
}


def as_text(diagnosis: Diagnosis) -> str:
    """The steps of all ranges, and the keypoints of the first."""
    return "\n".join([*_steps(diagnosis), "", *_keypoints(diagnosis)])


def mean_ap(ap: np.ndarray) -> list[float]:
    """Of (S, T): the mean over thresholds where a truth counts, -1 where none does at any."""
    return [mean_of_found(row) for row in ap]


def _steps(diagnosis: Diagnosis) -> list[str]:
    least, most = diagnosis.thresholds[0], diagnosis.thresholds[-1]
    lines = [
        f"AP in % over OKS {least:.2f} to {most:.2f}; in brackets what the correction alone would add",
        f"{'':<20}" + "".join(f"{area.label:>12}        " for area in diagnosis.ranges).rstrip(),
    ]
    progressive = [mean_ap(ap) for ap in diagnosis.progressive_ap]
    alone = [mean_ap(ap) for ap in diagnosis.alone_ap]
    for step, name in enumerate(STEPS):
        cells = []
        for together, single in zip(progressive, alone, strict=True):
            if together[step] < 0:
                cells.append(f"{'-':>12}        ")
            elif step == 0 or single[step] < 0:
                cells.append(f"{100 * together[step]:>12.1f}        ")
            else:
                cells.append(f"{100 * together[step]:>12.1f} ({100 * (single[step] - single[0]):+5.1f})")
        lines.append(f"{_TITLES[name]:<20}" + "".join(cells).rstrip())
    return lines


def _keypoints(diagnosis: Diagnosis) -> list[str]:
    skeleton, errors = diagnosis.report.protocol.skeleton, diagnosis.errors[0]
    names = [printable(name) for name in skeleton.keypoints]
    width = max(12, *map(len, names))
    lines = [
        f"keypoints of the {len(errors)} detections (of {len(diagnosis.report.detections)}) that match someone at "
        f"OKS {MATCH_OKS:g}, area {diagnosis.ranges[0].label}",
        f"{'':<{width}} {'labelled':>9}" + "".join(f"{kind:>12}" for kind in KINDS[1:]),
    ]
    counts = errors.counts[:, 1:]
    rows = [*zip(names, counts, strict=True), ("all", counts.sum(axis=0))]
    for name, row in rows:
        total = int(row.sum())
        shares = (f"{100 * count / total:>11.1f}%" if total else f"{'-':>12}" for count in row)
        lines.append(f"{name:<{width}} {total:>9}" + "".join(shares))
    return lines


def as_dict(diagnosis: Diagnosis) -> dict[str, Any]:
    """Plain data: see `Diagnosis.as_dict`."""
    skeleton = diagnosis.report.protocol.skeleton
    return {
        "true_sigma": diagnosis.true_sigma,
        "thresholds": diagnosis.thresholds.tolist(),
        "steps": list(STEPS),
        "kinds": list(KINDS),
        "ranges": [
            {
                "label": area.label,
                "least_px2": area.least_px2,
                "most_px2": area.most_px2,
                "detections": len(diagnosis.baseline_matches[a].order),
                "truths": int((~diagnosis.baseline_matches[a].truth_ignored[0]).sum()),
                "matched": len(diagnosis.errors[a]),
                "progressive_ap": diagnosis.progressive_ap[a].tolist(),
                "progressive_recall": diagnosis.progressive_recall[a].tolist(),
                "alone_ap": diagnosis.alone_ap[a].tolist(),
                "alone_recall": diagnosis.alone_recall[a].tolist(),
                "keypoints": {
                    name: dict(zip(KINDS, counts, strict=True))
                    for name, counts in zip(
                        skeleton.keypoints, diagnosis.errors[a].counts.tolist(), strict=True
                    )
                },
                "false_positives": [len(rows) for rows in diagnosis.false_positives[a]],
                "false_negatives": [len(rows) for rows in diagnosis.false_negatives[a]],
            }
            for a, area in enumerate(diagnosis.ranges)
        ],
        "suboptimal_images": len(diagnosis.suboptimal_images),
    }
