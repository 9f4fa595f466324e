"""`COCO` and `COCOeval`: COCO's keypoint evaluation with the calls of pycocotools, so that a training script changes
one import.

```python
from posecore.compat.cocoeval import COCO, COCOeval

truth = COCO("person_keypoints_val2017.json")
evaluation = COCOeval(truth, truth.loadRes("results.json"), "keypoints")
evaluation.evaluate()
evaluation.accumulate()
evaluation.summarize()
```

The numbers are those of pycocotools 2.0.11 to the last bit. Where it errs, what is right comes out instead: an
annotation id of 0 is an id like any other; labelled keypoints are counted, whatever num_keypoints says; no results
score 0; useCats = 0 compares people of all categories; NaN, unknown images and duplicate ids are a `SourceError`.
The arguments `sigmas` and `use_area`, and the names that begin with keypoints_, are those of xtcocotools 1.14.
"""

from __future__ import annotations

import copy
import datetime
from typing import Any, NoReturn

import numpy as np

from posecore.compat import image_results
from posecore.compat.coco import COCO
from posecore.compat.image_results import ImageResult, ImageResults
from posecore.compat.params import Params
from posecore.compat.selection import EVERY_CATEGORY, Selection, select
from posecore.evaluation.matching import Accumulated, Matches, accumulate, mean_of_found
from posecore.evaluation.protocol import CROWDPOSE
from posecore.evaluation.truths import FloatColumn

__all__ = ["COCO", "COCOeval", "Params"]

_TEN = (
    *(
        (True, *row)
        for row in ((None, "all"), (0.5, "all"), (0.75, "all"), (None, "medium"), (None, "large"))
    ),
    *(
        (False, *row)
        for row in ((None, "all"), (0.5, "all"), (0.75, "all"), (None, "medium"), (None, "large"))
    ),
)
_LARGEST_SUMMARIZED = 20


class COCOeval:
    """One evaluation: `evaluate`, `accumulate`, `summarize`.

    Args:
        cocoGt, cocoDt: the truth, and what `loadRes` made of the results; those of pycocotools will do.
        iouType: "keypoints"; or as in xtcocotools keypoints_crowd, keypoints_foot, keypoints_face,
            keypoints_lefthand, keypoints_righthand or keypoints_wholebody.
        sigmas: K of them, instead of the skeleton's; face, hands and wholebody (133) have none of their own.
            Given these, results whose keypoint scores are all 0 are left out, as xtcocotools does.
        use_area: False: .53 of the box instead of the annotation's area.

    Attributes:
        params: what is evaluated and how; see `Params`.
        evalImgs: a dict or None for each category, area range and image, made when it is first asked for. It may be
            set, with `params` and `_paramsEval`, to what several processes have evaluated.
        eval: after `accumulate`: precision (T, R, K, A, M), recall (T, K, A, M), scores (T, R, K, A, M), counts,
            params and date; -1 where there is nobody to find.
        stats: after `summarize`: (10,) float64; for keypoints_crowd (9,), the last three for easy, medium and hard
            images, which xtcocotools rounds to four digits and these are not.
        ious: {(image id, category id): (D, G) float64 OKS}, made when it is first asked for.
    """

    def __init__(
        self,
        cocoGt: Any = None,
        cocoDt: Any = None,
        iouType: str = "keypoints",
        sigmas: Any = None,
        use_area: bool = True,
    ) -> None:
        self.params = Params(iouType)
        self.cocoGt: Any = cocoGt
        self.cocoDt: Any = cocoDt
        self.use_area = use_area
        self.eval: dict[str, Any] = {}
        self.stats: Any = []
        self._skip_unscored = iouType != "keypoints" or sigmas is not None
        self._paramsEval: Any = None
        self._selection: Selection | None = None
        self._matches: Matches | None = None
        self._image_results: ImageResults | None = None
        self._listed: list[ImageResult | None] | None = None
        self._ious: dict[tuple[Any, Any], Any] | None = None
        if sigmas is not None:
            self.params.kpt_oks_sigmas = np.array(sigmas, np.float64)
        if cocoGt is not None:
            self.params.imgIds, self.params.catIds = _ours(cocoGt, "cocoGt").ids(self.params.fields)

    def evaluate(self) -> None:
        """Match the people of all images; prints nothing."""
        p = self.params
        p.imgIds = np.unique(p.imgIds).tolist()
        if p.useCats:
            p.catIds = np.unique(p.catIds).tolist()
        p.maxDets = sorted(p.maxDets)
        self._prepare()
        self._paramsEval = copy.deepcopy(p)

    def accumulate(self, p: Params | None = None) -> None:
        """Precision, recall and scores into `eval`, for what was evaluated or a part of it (`p`); prints nothing.

        Raises:
            RuntimeError: nothing was evaluated.
            ValueError: `p` asks for what was not evaluated.
        """
        chosen = self.params if p is None else p
        found = self._curves(chosen, chosen.imgIds)
        self.eval = {
            "params": chosen,
            "counts": list(found.precision.shape),
            "date": datetime.datetime.now().strftime("%Y-%m-%d %H:%M:%S"),
            "precision": found.precision,
            "recall": found.recall,
            "scores": found.scores,
        }

    def summarize(self) -> None:
        """Print the ten numbers, one a line as pycocotools does, and keep them in `stats`; nine for keypoints_crowd.

        They are for 20 detections an image where `maxDets` has 20, else for the most that it has.
        """
        self.stats, lines = self._summary()
        print("\n".join(lines))

    def __str__(self) -> str:
        return "\n".join(self._summary()[1])

    @property
    def evalImgs(self) -> list[ImageResult | None]:
        if self._listed is None:
            if self._matches is None:
                return []
            p = self.params
            self._listed = self._by_image().listed(p.imgIds, _categories(p), p.maxDets[-1])
        return self._listed

    @evalImgs.setter
    def evalImgs(self, results: Any) -> None:
        self._listed = list(results)

    @property
    def ious(self) -> dict[tuple[Any, Any], Any]:
        if self._ious is None:
            p = self.params
            if self._matches is None:
                return {}
            self._ious = {(i, c): self.computeOks(i, c) for i in p.imgIds for c in _categories(p)}
        return self._ious

    @ious.setter
    def ious(self, ious: dict[tuple[Any, Any], Any]) -> None:
        self._ious = ious

    def computeOks(self, imgId: Any, catId: Any) -> Any:
        """(D, G) float64 OKS of one image and category (-1 with useCats = 0): detections best first, truths in the
        order of the file; [] where one of both is nobody."""
        return self._by_image().oks(imgId, catId, max(self.params.maxDets))

    def computeIoU(self, imgId: Any, catId: Any) -> NoReturn:
        """Not here: boxes and masks are pycocotools'."""
        raise NotImplementedError(
            "computeIoU: posecore.compat evaluates keypoints; the tool for boxes and masks is pycocotools"
        )

    def evaluateImg(self, imgId: Any, catId: Any, aRng: Any, maxDet: int) -> ImageResult | None:
        """The entry of `evalImgs` of one image and category (-1 with useCats = 0) in one of `params.areaRng`."""
        known = [tuple(pair) for pair in self.params.areaRng]
        if tuple(aRng) not in known:
            raise ValueError(f"aRng: wanted one of params.areaRng, got {aRng!r}")
        return self._by_image().one(imgId, catId, known.index(tuple(aRng)), maxDet)

    def _prepare(self) -> None:
        """Match everybody by the `params` of this moment."""
        p = self.params
        thresholds = p.thresholds
        protocol = p.protocol(use_area=self.use_area, skip_unscored=self._skip_unscored)
        self._selection = select(
            _ours(self.cocoGt, "cocoGt"),
            _ours(self.cocoDt, "cocoDt"),
            protocol,
            list(p.imgIds),
            list(p.catIds),
            use_categories=bool(p.useCats),
        )
        self._matches = self._selection.matched(thresholds)
        self._image_results, self._listed, self._ious, self.eval = None, None, None, {}

    def _by_image(self) -> ImageResults:
        if self._selection is None or self._matches is None:
            raise RuntimeError("wanted evaluate() before, got none")
        if self._image_results is None:
            self._image_results = ImageResults(self._selection, self._matches, self.params.areaRng)
        return self._image_results

    def _curves(self, p: Params, image_ids: Any) -> Accumulated:
        """(T, R, K, A, M), (T, K, A, M) and (T, R, K, A, M) of what `p` asks for, on these images."""
        if self._matches is None and self._listed is None:
            raise RuntimeError("accumulate: wanted evaluate() before, got none")
        done = p if self._paramsEval is None else self._paramsEval
        thresholds = _places(p.iouThrs, done.iouThrs, "iouThrs")
        categories = _places(_categories(p), _categories(done), "catIds")
        ranges = _places([tuple(r) for r in p.areaRng], [tuple(r) for r in done.areaRng], "areaRng")
        for most in p.maxDets:
            if most > max(done.maxDets):
                raise ValueError(
                    f"maxDets: wanted at most {max(done.maxDets)}, which were evaluated, got {most}"
                )
        wanted = set(image_ids)
        images = np.array([image in wanted for image in done.imgIds], np.bool_)
        parts = [self._accumulated(done, images, p.recall_levels, most) for most in p.maxDets]
        precision, recall, scores = (
            np.stack([getattr(part, name) for part in parts], axis=-1)
            for name in ("precision", "recall", "scores")
        )
        return Accumulated(
            precision[thresholds][:, :, categories][:, :, :, ranges],
            recall[thresholds][:, categories][:, :, ranges],
            scores[thresholds][:, :, categories][:, :, :, ranges],
        )

    def _accumulated(self, done: Params, images: Any, levels: FloatColumn, most: int) -> Accumulated:
        """(T, R, K, A), (T, K, A) and (T, R, K, A) of everything that was evaluated."""
        if self._listed is None:
            assert self._matches is not None
            kept = np.isin(self._matches.truths.images.ids, np.array(done.imgIds)[images])
            return accumulate(
                self._matches,
                self._matches.detections.scores,
                images=kept,
                recall_levels=levels,
                max_detections=most,
            )
        shape = (len(done.iouThrs), len(levels), len(_categories(done)), len(done.areaRng))
        expected = shape[2] * shape[3] * len(images)
        if len(self._listed) != expected:
            raise ValueError(
                f"evalImgs: wanted {expected} entries, one for each category, area range and image of _paramsEval, "
                f"got {len(self._listed)}"
            )
        found = Accumulated(np.full(shape, -1.0), np.full((shape[0], *shape[2:]), -1.0), np.full(shape, -1.0))
        places = np.flatnonzero(images)
        for c in range(shape[2]):
            for a in range(shape[3]):
                start = (c * shape[3] + a) * len(images)
                curve = image_results.accumulate([self._listed[start + i] for i in places], levels, most)
                if curve is not None:
                    found.precision[:, :, c, a], found.scores[:, :, c, a] = curve.precision, curve.scores
                    found.recall[:, c, a] = curve.recall
        return found

    def _summary(self) -> tuple[FloatColumn, list[str]]:
        if not self.eval:
            raise RuntimeError("summarize: wanted accumulate() before, got none")
        p = self.eval["params"]
        most = _LARGEST_SUMMARIZED if _LARGEST_SUMMARIZED in p.maxDets else max(p.maxDets)
        m = list(p.maxDets).index(most)
        crowd = p.iouType == "keypoints_crowd"
        stats, lines = [], []
        for is_precision, threshold, label in _TEN:
            if crowd and label != "all":
                continue
            values = self.eval["precision" if is_precision else "recall"][..., m]
            if threshold is not None:
                values = values[np.asarray(p.iouThrs) == threshold]
            values = values[
                ..., [a for a in range(len(p.areaRng)) if list(p.areaRngLbl)[a : a + 1] == [label]]
            ]
            stats.append(mean_of_found(values))
            lines.append(_line(is_precision, p, threshold, f"area={label:>6}", most, stats[-1]))
        for split in CROWDPOSE.crowd_splits if crowd else ():
            truths = _ours(self.cocoGt, "cocoGt").truths(p.fields)
            inside = (truths.images.crowd_indices >= split.least) & (
                truths.images.crowd_indices < split.below
            )
            values = self._curves(p, truths.images.ids[inside].tolist()).precision[..., 0, m]
            stats.append(mean_of_found(values))
            lines.append(_line(True, p, None, f"type={split.label:>6}", most, stats[-1]))
        return np.array(stats), lines


def _line(
    is_precision: bool, p: Params, threshold: float | None, subset: str, most: int, value: float
) -> str:
    what, short = ("Average Precision", "AP") if is_precision else ("Average Recall", "AR")
    between = f"{p.iouThrs[0]:.2f}:{p.iouThrs[-1]:.2f}" if threshold is None else f"{threshold:.2f}"
    return f" {what:<18} ({short}) @[ IoU={between:<9} | {subset} | maxDets={most:>3} ] = {value:.3f}"


def _categories(p: Params) -> list[Any]:
    return list(p.catIds) if p.useCats else [EVERY_CATEGORY]


def _places(wanted: Any, known: Any, name: str) -> list[int]:
    """Where each wanted value is among those that were evaluated."""
    places = {value: place for place, value in reversed(list(enumerate(known)))}
    for value in wanted:
        if value not in places:
            raise ValueError(f"{name}: wanted values that were evaluated, got {value!r}")
    return [places[value] for value in wanted]


def _ours(coco: Any, argument: str) -> COCO:
    """The object itself, or one of ours with the dataset of another library's."""
    if isinstance(coco, COCO):
        return coco
    if not isinstance(getattr(coco, "dataset", None), dict):
        raise TypeError(f"{argument}: wanted a COCO, got {type(coco).__name__}")
    ours = COCO()
    ours.dataset = coco.dataset
    return ours
