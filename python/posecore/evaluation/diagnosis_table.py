"""A diagnosis as lines for people and as data for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from posecore.evaluation.examination import STEPS
from posecore.evaluation.keypoint_errors import KINDS, MATCH_OKS
from posecore.evaluation.markup import KINDS as MEANINGS
from posecore.evaluation.matching import mean_of_found
from posecore.evaluation.page_parts import STEP_LABELS, range_text
from posecore.printable import printable

if TYPE_CHECKING:
    from posecore.evaluation.diagnosis import Diagnosis

_STEP_MEANINGS = {
    "score": "Detections get the scores that order them best.",
    "background_fp": "False positives: detections that match no one are left out.",
    "fn": "False negatives: people that were not found are left out.",
}
"""The steps that are no kind of keypoint."""


def as_text(diagnosis: Diagnosis) -> str:
    """The steps of all ranges, the keypoints of the first, and what the words mean."""
    return "\n".join(
        [
            *_steps_head(diagnosis),
            *_steps(diagnosis),
            "",
            *_keypoints(diagnosis),
            "",
            *_meanings(diagnosis),
        ]
    )


def both_as_text(diagnoses: Sequence[Diagnosis], names: Sequence[str]) -> str:
    """Two diagnoses of the same people: each, the second minus the first, and what the words mean."""
    first, second = diagnoses
    lines = _steps_head(first)
    for letter, diagnosis, name in zip("AB", diagnoses, names, strict=True):
        lines += ["", f"{letter}: {printable(name)}", *_steps(diagnosis)]
    lines += [
        "",
        "B minus A: AP, and in brackets the gain of the correction alone",
        *_step_changes(first, second),
    ]
    for letter, diagnosis in zip("AB", diagnoses, strict=True):
        head, *rest = _keypoints(diagnosis)
        lines += ["", f"{letter}: {head}", *rest]
    lines += ["", "B minus A: percentage points of the labelled keypoints", *_keypoint_changes(first, second)]
    return "\n".join([*lines, "", *_meanings(first)])


def mean_ap(ap: np.ndarray) -> list[float]:
    """Of (S, T): the mean over thresholds where a truth counts, -1 where none does at any."""
    return [mean_of_found(row) for row in ap]


def _steps_head(diagnosis: Diagnosis) -> list[str]:
    least, most = diagnosis.thresholds[0], diagnosis.thresholds[-1]
    return [
        f"AP in %, the mean over OKS {least:.2f} to {most:.2f}. The first number is cumulative: with this correction",
        "and all above it. In brackets: what this correction alone, without those above it, would add.",
    ]


def _steps(diagnosis: Diagnosis) -> list[str]:
    together = [mean_ap(ap) for ap in diagnosis.progressive_ap]
    alone = [mean_ap(ap) for ap in diagnosis.alone_ap]
    cells = [
        [
            (
                None if whole[step] < 0 else 100 * whole[step],
                None if step == 0 or single[step] < 0 else 100 * (single[step] - single[0]),
            )
            for whole, single in zip(together, alone, strict=True)
        ]
        for step in range(len(STEPS))
    ]
    return _step_lines(diagnosis, cells, ".1f")


def _step_changes(first: Diagnosis, second: Diagnosis) -> list[str]:
    cells = []
    for step in range(len(STEPS)):
        row: list[tuple[float | None, float | None]] = []
        for area in range(len(first.ranges)):
            ends = [mean_ap(each.progressive_ap[area])[step] for each in (first, second)]
            alone = [mean_ap(each.alone_ap[area]) for each in (first, second)]
            gains = [100 * (ap[step] - ap[0]) for ap in alone]
            known = min(*ends, alone[0][step], alone[1][step]) >= 0
            change, gain = 100 * (ends[1] - ends[0]), gains[1] - gains[0]
            row.append((change, gain if step else None) if known else (None, None))
        cells.append(row)
    return _step_lines(first, cells, "+.1f")


def _step_lines(
    diagnosis: Diagnosis, cells: Sequence[Sequence[tuple[float | None, float | None]]], form: str
) -> list[str]:
    lines = [
        f"{'':<20}" + "".join(f"{printable(area.label):>12}        " for area in diagnosis.ranges).rstrip()
    ]
    for name, row in zip(STEPS, cells, strict=True):
        shown = []
        for ap, gain in row:
            number = "-" if ap is None else f"{_zero(ap):{form}}"
            shown.append(
                f"{number:>12} "
                + (f"({_zero(gain):+5.1f})" if ap is not None and gain is not None else f"{'':7}")
            )
        lines.append(f"{STEP_LABELS[name][0]:<20}" + "".join(shown).rstrip())
    return lines


def _zero(value: float) -> float:
    """To 0.1, and without a sign where that is 0."""
    return round(value, 1) + 0.0


def _meanings(diagnosis: Diagnosis) -> list[str]:
    """A line a word, and what the ranges are."""
    meant = {kind.name: kind.meaning for kind in MEANINGS}
    said = [(kind, meant[kind]) for kind in ("good", "jitter", "inversion", "swap", "miss")]
    said += [(STEP_LABELS[step][0], text) for step, text in _STEP_MEANINGS.items()]
    lines = [f"{word:<14} {text}" for word, text in said]
    ranges = [printable(range_text(area.label, area.least_px2, area.most_px2)) for area in diagnosis.ranges]
    if (diagnosis.ranges[0].least_px2, diagnosis.ranges[0].most_px2) == (32.0**2, 1e5**2):
        ranges[0] += ", as coco-analyze"
    return lines + [f"{'' if place else 'areas':<14} {text}" for place, text in enumerate(ranges)]


def _keypoints(diagnosis: Diagnosis) -> list[str]:
    errors = diagnosis.errors[0]
    names, width = _names(diagnosis)
    lines = [
        f"keypoints of the {len(errors)} detections (of {len(diagnosis.report.detections)}) that match someone at "
        f"OKS {MATCH_OKS:g}, area {printable(diagnosis.ranges[0].label)}",
        f"{'':<{width}} {'labelled':>9}" + "".join(f"{kind:>12}" for kind in KINDS[1:]),
    ]
    for name, row in zip(names, _counts(diagnosis), strict=True):
        total = int(row.sum())
        shares = (f"{100 * count / total:>11.1f}%" if total else f"{'-':>12}" for count in row)
        lines.append(f"{name:<{width}} {total:>9}" + "".join(shares))
    return lines


def _keypoint_changes(first: Diagnosis, second: Diagnosis) -> list[str]:
    names, width = _names(first)
    lines = [f"{'':<{width}} {'labelled':>9}" + "".join(f"{kind:>12}" for kind in KINDS[1:])]
    for name, a, b in zip(names, _counts(first), _counts(second), strict=True):
        totals = int(a.sum()), int(b.sum())
        cells = (
            f"{_zero(100 * (y / totals[1] - x / totals[0])):>+12.1f}" if min(totals) else f"{'-':>12}"
            for x, y in zip(a, b, strict=True)
        )
        lines.append(f"{name:<{width}} {totals[1] - totals[0]:>+9}" + "".join(cells))
    return lines


def _names(diagnosis: Diagnosis) -> tuple[list[str], int]:
    """The rows of tables of keypoints, and how wide their column is."""
    names = [printable(name) for name in diagnosis.report.protocol.skeleton.keypoints]
    return [*names, "all"], max(12, *map(len, names))


def _counts(diagnosis: Diagnosis) -> list[np.ndarray]:
    """(5,) of each keypoint, good to miss, and of all."""
    counts = diagnosis.errors[0].counts[:, 1:]
    return [*counts, counts.sum(axis=0)]


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
