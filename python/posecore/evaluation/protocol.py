"""Protocols: everything that decides what an AP is, apart from the two files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np

from posecore.arguments import choice, number, whole
from posecore.similarity import sigmas_of as sigmas_of
from posecore.skeletons import COCO17, COCO_FEET23, CROWDPOSE14, Skeleton


class AreaRange(NamedTuple):
    """Truths of this size, both ends included; the others need not be found."""

    label: str
    least_px2: float
    most_px2: float


class CrowdSplit(NamedTuple):
    """Pictures with least <= crowdIndex < below."""

    label: str
    least: float
    below: float


ALL = AreaRange("all", 0.0, 1e5**2)
COCO_RANGES = (ALL, AreaRange("medium", 32.0**2, 96.0**2), AreaRange("large", 96.0**2, 1e5**2))
COCO_THRESHOLDS = tuple(float(t) for t in np.linspace(0.5, 0.95, 10))
SAME_THRESHOLD = 1e-9
"""Thresholds that are as near to each other are one: .9 is not the double that linspace gives for it."""
RECALL_LEVELS = np.linspace(0.0, 1.0, 101)
"""The 101 levels of recall at which COCO takes precision."""


@dataclass(frozen=True, slots=True)
class Protocol:
    """How people are matched and counted.

    Attributes:
        name: what it is called on the card.
        skeleton: the K keypoints, with sigmas.
        fields: the lists of an annotation and of a result that hold the keypoints, one after the other.
        area: "annotation": the annotation's `area`; "box": `box_area_factor` times width times height of its box.
        box_area_factor: .53 for CrowdPose and AIC.
        thresholds: of OKS, ascending.
        area_ranges: the first one is that of the main numbers.
        max_detections: the best of each picture that are looked at.
        labelled: "counted": a truth with no v > 0 need not be found; "stated": one whose `num_keypoints` is 0.
        skip_unscored: results whose keypoint scores are all 0 are left out.
        score_fields: the score of a result; the first of these that it has.
        crowd_splits: shares of the pictures by their crowdIndex that get an AP of their own.
    """

    name: str
    skeleton: Skeleton
    fields: tuple[str, ...] = ("keypoints",)
    area: Literal["annotation", "box"] = "annotation"
    box_area_factor: float = 0.53
    thresholds: tuple[float, ...] = COCO_THRESHOLDS
    area_ranges: tuple[AreaRange, ...] = COCO_RANGES
    max_detections: int = 20
    labelled: Literal["counted", "stated"] = "counted"
    skip_unscored: bool = False
    score_fields: tuple[str, ...] = ("score",)
    crowd_splits: tuple[CrowdSplit, ...] = ()

    def __post_init__(self) -> None:
        sigmas_of(self.skeleton)
        choice(self.area, "area", ("annotation", "box"))
        choice(self.labelled, "labelled", ("counted", "stated"))
        number(self.box_area_factor, "box_area_factor", 1e-9, 1e9)
        whole(self.max_detections, "max_detections", 1, 2**31 - 1)
        if not self.thresholds or any(not 0 <= number(t, "thresholds", 0, 1) <= 1 for t in self.thresholds):
            raise ValueError("thresholds: wanted at least one number from 0 to 1, got none")
        if any(a >= b for a, b in pairwise(self.thresholds)):
            raise ValueError(
                f"thresholds: wanted ascending numbers, got {', '.join(f'{t:g}' for t in self.thresholds)}"
            )
        if not self.area_ranges:
            raise ValueError("area_ranges: wanted at least one range, got none")
        for label, least, most in self.area_ranges:
            if not least <= most:
                raise ValueError(f"area_ranges: wanted least <= most for {label!r}, got {least} and {most}")
        labels = [area.label for area in self.area_ranges]
        if len(set(labels)) != len(labels):
            raise ValueError(f"area_ranges: wanted each label once, got {', '.join(map(str, labels))}")


COCO = Protocol("coco", COCO17)
"""COCO keypoints: ten numbers, as pycocotools counts."""

COCO_FEET = Protocol("coco_feet", COCO_FEET23)
"""COCO's 17 and six foot keypoints, counted as COCO does."""

CROWDPOSE = Protocol(
    "crowdpose",
    CROWDPOSE14,
    area="box",
    area_ranges=(ALL,),
    labelled="stated",
    skip_unscored=True,
    crowd_splits=(
        CrowdSplit("easy", -np.inf, 0.2),
        CrowdSplit("medium", 0.2, 0.8),
        CrowdSplit("hard", 0.8, np.inf),
    ),
)
"""CrowdPose, as its published numbers are counted: .53 of the box as area, crowdIndex split at .2 and .8."""

WHOLEBODY_BODY = Protocol("wholebody_body", COCO17, skip_unscored=True)
"""The 17 body keypoints of COCO-WholeBody."""

_FEET = replace(
    COCO_FEET23,
    name="feet6",
    keypoints=COCO_FEET23.keypoints[17:],
    edges=(),
    limbs=((0, 2), (1, 2), (3, 5), (4, 5)),
    flip_pairs=((0, 3), (1, 4), (2, 5)),
    sigmas=(COCO_FEET23.sigmas or ())[17:],
)

WHOLEBODY_FOOT = Protocol(
    "wholebody_foot", _FEET, fields=("foot_kpts",), skip_unscored=True, score_fields=("foot_score", "score")
)
"""The six foot keypoints of COCO-WholeBody; the whole person's area."""

_KNOWN = {p.name: p for p in (COCO, COCO_FEET, CROWDPOSE, WHOLEBODY_BODY, WHOLEBODY_FOOT)}


def names() -> tuple[str, ...]:
    """Names of the protocols that come with the package."""
    return tuple(_KNOWN)


def get(name: str) -> Protocol:
    """The protocol of this name; `ValueError` names the choices."""
    choice(name, "protocol", names())
    return _KNOWN[name]


def for_keypoints(keypoint_names: Sequence[str], count: int, where: str) -> Protocol:
    """The protocol that fits keypoints of these names (none: by their count alone).

    Raises:
        ValueError: no protocol's keypoints are these; the sentence names the choices.
    """
    if not count:
        raise ValueError(
            f"protocol: {where} has neither people nor names of keypoints, which would say what it is; "
            f"wanted one of {', '.join(names())}"
        )
    for protocol in (COCO, CROWDPOSE, COCO_FEET):
        if count == protocol.skeleton.num_keypoints and (
            not keypoint_names or same_names(keypoint_names, protocol.skeleton.keypoints)
        ):
            return protocol
    listed = f" ({', '.join(keypoint_names[:4])}, ...)" if keypoint_names else ""
    raise ValueError(
        f"protocol: {where} has {count} keypoints{listed}, which are those of no known protocol "
        f"({', '.join(f'{p.name} {p.skeleton.num_keypoints}' for p in (COCO, CROWDPOSE, COCO_FEET))}); "
        "OKS needs a sigma for each: give a skeleton with sigmas, or sigmas"
    )


def same_names(these: Sequence[str], known: Sequence[str]) -> bool:
    """Whether as many names agree, apart from spelling: "Left Shoulder" is left_shoulder, CrowdPose's head top_head."""
    return all(
        _plain(a) == _plain(b) or {_plain(a), _plain(b)} <= {"head", "tophead", "headtop"}
        for a, b in zip(these, known, strict=True)
    )


def _plain(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalnum())
