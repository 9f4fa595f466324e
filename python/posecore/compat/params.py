"""`Params`: what `COCOeval` is told, under the names of pycocotools."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from posecore.arguments import number, whole
from posecore.evaluation import protocol as protocols
from posecore.evaluation.protocol import AreaRange, Protocol
from posecore.evaluation.truths import FloatColumn
from posecore.skeletons import Skeleton


class _Kind(NamedTuple):
    """What one of xtcocotools' names for keypoints scores."""

    fields: tuple[str, ...] = ("keypoints",)
    score: str = "score"
    protocol: Protocol | None = None


_HANDS = ("lefthand_kpts", "righthand_kpts")
_KINDS = {
    "keypoints": _Kind(protocol=protocols.COCO),
    "keypoints_crowd": _Kind(protocol=protocols.CROWDPOSE),
    "keypoints_foot": _Kind(("foot_kpts",), "foot_score", protocols.WHOLEBODY_FOOT),
    "keypoints_face": _Kind(("face_kpts",), "face_score"),
    "keypoints_lefthand": _Kind(_HANDS[:1], "lefthand_score"),
    "keypoints_righthand": _Kind(_HANDS[1:], "righthand_score"),
    "keypoints_wholebody": _Kind(("keypoints", "foot_kpts", "face_kpts", *_HANDS), "wholebody_score"),
}


class Params:
    """What is evaluated and how; every attribute may be set before `evaluate`.

    Attributes:
        iouType: "keypoints", or keypoints_crowd, _foot, _face, _lefthand, _righthand, _wholebody, as xtcocotools.
        imgIds, catIds: ids of the images and categories that count.
        iouThrs: (T,) thresholds of OKS from 0 to 1.
        recThrs: (R,) ascending levels of recall from 0 to 1 at which precision is taken.
        maxDets: M numbers; the best of each image and category that count.
        areaRng: A pairs of px², both ends included.
        areaRngLbl: their A names; "all", "medium" and "large" are summarized.
        useCats: whether people of different categories are strangers; 0: all are of one.
        kpt_oks_sigmas: (K,) one a keypoint; of another length than 17: another skeleton.
        useSegm: None; masks are pycocotools'.
    """

    def __init__(self, iouType: str = "keypoints") -> None:
        if iouType in ("bbox", "segm"):
            raise NotImplementedError(
                f"iouType: posecore.compat evaluates keypoints; the tool that evaluates {iouType} is pycocotools"
            )
        if iouType not in _KINDS:
            raise ValueError(f"iouType: wanted one of {', '.join(_KINDS)}, got {iouType!r}")
        known = _KINDS[iouType].protocol
        self.iouType = iouType
        self.imgIds: Any = []
        self.catIds: Any = []
        self.iouThrs: Any = np.array(protocols.COCO_THRESHOLDS)
        self.recThrs: Any = protocols.RECALL_LEVELS.copy()
        self.maxDets: Any = [20]
        self.areaRng: Any = [[r.least_px2, r.most_px2] for r in protocols.COCO_RANGES]
        self.areaRngLbl: Any = [r.label for r in protocols.COCO_RANGES]
        self.useCats: Any = 1
        self.kpt_oks_sigmas: Any = None if known is None else np.array(protocols.sigmas_of(known.skeleton))
        self.useSegm: Any = None

    @property
    def fields(self) -> tuple[str, ...]:
        """The lists of a record that hold the keypoints."""
        return _KINDS[self.iouType].fields

    @property
    def recall_levels(self) -> FloatColumn:
        """(R,) float64: `recThrs`; `ValueError` where they do not ascend from 0 to 1."""
        levels = np.array([number(level, "recThrs", 0, 1) for level in self.recThrs])
        if not len(levels) or (np.diff(levels) < 0).any():
            raise ValueError("recThrs: wanted ascending numbers from 0 to 1, got others")
        return levels

    @property
    def thresholds(self) -> tuple[float, ...]:
        """(T,): `iouThrs` in their order, which need not ascend; `ValueError` where one is not in 0 to 1."""
        return tuple(number(t, "iouThrs", 0, 1) for t in self.iouThrs)

    def protocol(self, *, use_area: bool, skip_unscored: bool) -> Protocol:
        """All this but the thresholds as a `Protocol`; `ValueError` and `TypeError` name what is wrong."""
        kind = _KINDS[self.iouType]
        if self.kpt_oks_sigmas is None:
            raise ValueError(
                f"sigmas: {self.iouType} has none of its own, and OKS needs one a keypoint; wanted "
                "COCOeval(..., sigmas=...)"
            )
        for name in ("iouThrs", "areaRng", "maxDets"):
            if not len(getattr(self, name)):
                raise ValueError(f"{name}: wanted at least one, got none")
        sigmas = tuple(number(sigma, "kpt_oks_sigmas", 1e-9, 1e9) for sigma in self.kpt_oks_sigmas)
        ranges: list[AreaRange] = []
        for pair in self.areaRng:
            if len(pair) != 2:
                raise ValueError(f"areaRng: wanted pairs of px², got {pair!r}")
            least, most = (number(end, "areaRng", -np.inf, np.inf) for end in pair)
            if not least <= most:
                raise ValueError(f"areaRng: wanted pairs that ascend, got {pair!r}")
            ranges.append(AreaRange(f"range {len(ranges)}", least, most))
        return Protocol(
            name=self.iouType,
            skeleton=Skeleton(
                self.iouType, tuple(f"keypoint_{k}" for k in range(len(sigmas))), sigmas=sigmas
            ),
            fields=kind.fields,
            area="annotation" if use_area else "box",
            area_ranges=tuple(ranges),
            max_detections=max(whole(most, "maxDets", 1, 2**31 - 1) for most in self.maxDets),
            labelled="stated" if self.iouType == "keypoints_crowd" else "counted",
            skip_unscored=skip_unscored,
            score_fields=tuple(dict.fromkeys((kind.score, "score"))),
        )
