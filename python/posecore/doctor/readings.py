"""Every way to read a model, each tried on several views of one picture.

What goes in: red or blue first, and the values that a float input takes for bytes 0 and 255 (an integer input says
that itself). What comes out: heatmaps of logits or of probabilities, and y or x first in offsets and displacements.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from posecore.artifact import Artifact
from posecore.doctor import sense
from posecore.errors import ModelError, require
from posecore.poses import Poses
from posecore.runtime.estimator import Estimator
from posecore.runtime.network_input import usual_float_range
from posecore.runtime.readers import make_heads_reader

if TYPE_CHECKING:
    import numpy.typing as npt

    from posecore.heads import Heads, Scores
    from posecore.layouts import Kind
    from posecore.runtime.estimator import Color, XFirst
    from posecore.runtime.steps import Detail
    from posecore.skeletons import Skeleton

    Image = npt.NDArray[np.uint8]

Range = tuple[float, float]

RANGES: tuple[Range, ...] = ((-1.0, 1.0), (0.0, 1.0), (0.0, 255.0))
_COLORS: tuple[Color, ...] = ("rgb", "bgr")
_SCORES: tuple[Scores, ...] = ("logits", "probabilities")
_X_FIRST: tuple[XFirst | None, ...] = (None, "offsets", "displacements", "both")
_TENSORS: dict[XFirst | None, tuple[str, ...]] = {
    None: (),
    "offsets": ("short_offsets",),
    "displacements": ("displacement_fwd", "displacement_bwd"),
    "both": ("short_offsets", "displacement_fwd", "displacement_bwd"),
}
_LARGEST_SIDE = 640
# People are to be found where hardly anybody is: what is compared is how well.
_DECODING: dict[str, Any] = {"max_poses": 5, "root_threshold": 0.05, "pose_threshold": 0.02}

# Of the views, the picture as it is and its mirror image.
_EASY_VIEWS = 2

# The share of a map that may be a person's: the middle value is the background's, and near 0. As probabilities, what
# is regressed without a sigmoid overshoots a little.
_BACKGROUND = (0.25, 0.45)
_OVERSHOOT = (-0.3, 1.5)


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a model. None where the model leaves no choice.

    Attributes:
        color: what it takes first, red or blue, where it is given RGB pictures.
        input_range: the values for bytes 0 and 255.
        scores: what its heatmaps hold.
        x_first: which of its vectors hold all x before all y.
    """

    color: Color
    input_range: Range | None
    scores: Scores | None
    x_first: XFirst | None

    def words(self) -> tuple[str, str, str, str]:
        """Color, range, scores and first axis as a table has them; "-" where there is no choice."""
        low_high = "-" if self.input_range is None else "{:g}..{:g}".format(*self.input_range)
        axis = "-" if self.scores is None else "y" if self.x_first is None else f"x ({self.x_first})"
        return self.color, low_high, self.scores or "-", axis


@dataclass(frozen=True, eq=False)
class Tried:
    """A reading, and what came out on each of V views of the picture.

    Attributes:
        reading: what was tried.
        confidence: (V,) float64, the mean score of the keypoints of the surest person; 0 where nobody was found.
        anatomy: (V,) float64, `sense.anatomy` of that person.
        agreement: (V,) float64, how much it is the person of the first view (`sense.likeness`), and how much the
            network's vectors agree with each other (`sense.landing`, `sense.round_trip`).
        plausible: from 0 to 1, whether the heatmaps' values can be what the reading takes them for.
        poses: of the first view, the picture as it is.
        extent_px: the longer side of the surest person there, in the network's input pixels.
    """

    reading: Reading
    confidence: npt.NDArray[np.float64]
    anatomy: npt.NDArray[np.float64]
    agreement: npt.NDArray[np.float64]
    plausible: float
    poses: Poses
    extent_px: float

    @property
    def sense(self) -> npt.NDArray[np.float64]:
        """(V,) how much sense the reading makes on each view, from 0 to 1: the product of all, of agreement the root,
        which is far below 1 for good networks too."""
        whole: npt.NDArray[np.float64] = self.confidence * self.anatomy * np.sqrt(self.agreement)
        return whole * self.plausible


@dataclass(frozen=True)
class View:
    """One variation of a picture: `change` of its values, and then mirrored or not."""

    name: str
    mirrored: bool
    change: Callable[[Image], Image]

    def of(self, image: Image) -> Image:
        """The picture so seen, uint8 (H, W, 3)."""
        changed = self.change(image)
        return np.ascontiguousarray(changed[:, ::-1]) if self.mirrored else changed

    def back(self, poses: Poses) -> Poses:
        """Poses of the view as poses of the picture."""
        if not self.mirrored or poses.image_size is None:
            return poses
        order = list(poses.skeleton.flip_index)
        xy = poses.xy[:, order].copy()
        xy[:, :, 0] = poses.image_size[0] - 1 - xy[:, :, 0]
        return poses.replace(
            xy=xy, scores=poses.scores[:, order].copy(), visible=poses.visible[:, order].copy()
        )


def _linear(factor: float, shift: float) -> Callable[[Image], Image]:
    return lambda image: np.clip(image * np.float32(factor) + np.float32(shift), 0, 255).astype(np.uint8)


def _noisy(image: Image) -> Image:
    # Grey noise: of a coloured one, the colours would have their say about the colours' order.
    noise = np.random.default_rng(0).normal(0, 40, (*image.shape[:2], 1)).astype(np.float32)
    return np.asarray(np.clip(image + noise, 0, 255), np.uint8)


# Networks shrug off a wrong colour order or range on an easy picture. On one that is nearly too hard they do not:
# little contrast and noise tell readings apart that a plain picture does not.
VIEWS = tuple(
    View(f"{name}{', mirrored' if mirrored else ''}", mirrored, change)
    for name, change in (
        ("as it is", lambda image: image),
        ("low contrast", _linear(0.25, 95)),
        ("bright", _linear(0.3, 178)),
        ("noise", _noisy),
    )
    for mirrored in (False, True)
)


def _smaller(image: Image) -> Image:
    """The picture, or one whose longer side is 640 pixels."""
    height, width = image.shape[:2]
    scale = _LARGEST_SIDE / max(height, width)
    if scale >= 1:
        return image
    cv2 = require("cv2", extra="app", purpose="reading pictures")
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


@dataclass(frozen=True, eq=False)
class Trials:
    """All readings of one model on one picture.

    Attributes:
        tried: one for each reading, in a fixed order.
        usual: how `Estimator` reads the model where nothing is said; its `input_range` is None where it has to be said.
        name, library, input_size: the estimator's.
        kind: what the network is.
        image: the picture that `poses` are in, (H, W, 3) uint8, RGB.
    """

    tried: tuple[Tried, ...]
    usual: Reading
    name: str
    library: str
    input_size: tuple[int, int]
    kind: Kind
    image: Image


def try_readings(
    model: str | os.PathLike[str] | bytes | None,
    image: Image,
    *,
    advance: Callable[[], None] = lambda: None,
    **options: Any,
) -> Trials:
    """All readings of a model on all `VIEWS` of a picture.

    Args:
        model: as `Estimator` takes it.
        image: (H, W, 3) uint8, RGB; larger ones are made smaller, to 640 pixels.
        advance: called `steps` times in all.
        options: more of `Estimator`'s: size, skeleton, stride_px, threads, interpreter.

    Raises:
        ModelError, MissingExtra, ValueError: as `Estimator`.
    """
    name = Path(model).stem if isinstance(model, (str, os.PathLike)) else None
    model = _without_description(model)
    image = _smaller(image)
    tried: list[Tried] = []
    views = [view.of(image) for view in VIEWS]
    ranges = _ranges(model, options)
    for input_range in ranges:
        estimator = Estimator(model, input_range=input_range, **options, **_DECODING)
        for color in _COLORS:
            details: list[Detail] = []
            for view, seen in enumerate(views):
                # Whoever is not there in the picture as it is, is not there in a worse one.
                if view < _EASY_VIEWS or any(map(_somebody, details)):
                    # A view of it, which the estimator turns back without a copy.
                    details.append(estimator.detail(seen if color == "rgb" else seen[:, :, ::-1]))
                advance()
            tried += _of_details(color, input_range, details, estimator.skeleton)
    heads = details[0].heads
    usual_range = usual_float_range(estimator.kind) if estimator.input_dtype == "float32" else None
    usual = Reading("rgb", usual_range, heads.scores if heads is not None else None, None)
    return Trials(
        tuple(tried),
        usual,
        name or estimator.name,
        estimator.library,
        estimator.input_size,
        estimator.kind,
        image,
    )


def _somebody(detail: Detail) -> bool:
    """Whether the network is sure of any keypoint, whatever its numbers are taken for."""
    if detail.heads is None:
        return bool((detail.poses.scores > sense.SURE).any())
    values = detail.heads.dequantized("heatmaps")
    # Where nothing is far below 0 they may be probabilities.
    least = sense.SURE if values.min() > _OVERSHOOT[0] else math.log(sense.SURE / (1 - sense.SURE))
    return bool(values.max() > least)


def steps(model: str | os.PathLike[str] | bytes | None, **options: Any) -> int:
    """How often `try_readings` calls `advance`."""
    return len(_ranges(_without_description(model), options)) * len(_COLORS) * len(VIEWS)


def _without_description(
    model: str | os.PathLike[str] | bytes | None,
) -> str | os.PathLike[str] | bytes | None:
    """The file's bytes where a description lies beside it, which would allow the reading alone that it says."""
    if model is None or isinstance(model, bytes) or not Artifact.path_beside(model).exists():
        return model
    return Path(model).read_bytes()


def _ranges(
    model: str | os.PathLike[str] | bytes | None, options: Mapping[str, Any]
) -> tuple[Range | None, ...]:
    # This range can be had of any input, so that an estimator can be made to ask.
    if Estimator(model, input_range=RANGES[2], **options).input_dtype == "float32":
        return RANGES
    try:
        Estimator(model, **options)
    except ModelError:  # an integer input whose quantisation is that of no usual range
        return RANGES
    return (None,)


def _of_details(
    color: Color, input_range: Range | None, details: list[Detail], skeleton: Skeleton
) -> Iterator[Tried]:
    if details[0].heads is None:
        poses = [view.back(detail.poses) for view, detail in zip(VIEWS, details, strict=False)]
        yield _tried(Reading(color, input_range, None, None), poses, [1.0] * len(poses), 1.0, details[0])
        return
    heads = [detail.heads for detail in details if detail.heads is not None]
    axes = _X_FIRST if heads[0].displacement_fwd is not None else (None,)
    for scores, x_first in product(_SCORES, axes):
        reading = Reading(color, input_range, scores, x_first)
        plausible = _plausible(heads, scores)
        if plausible == 0:
            nobody = [Poses.empty(skeleton, image_size=details[0].poses.image_size)] * len(details)
            yield _tried(reading, nobody, [0.0] * len(details), 0.0, details[0])
            continue
        poses, vectors = [], []
        for view, detail, given in zip(VIEWS, details, heads, strict=False):
            changed = _as(given, scores, x_first)
            found = make_heads_reader(changed, skeleton, _DECODING).decode(changed, detail.geometry.onto)
            vectors.append(_vectors(changed, found, detail, skeleton))
            poses.append(view.back(found))
        yield _tried(reading, poses, vectors, plausible, details[0])


def _as(heads: Heads, scores: Scores, x_first: XFirst | None) -> Heads:
    return replace(heads.with_y_first(_TENSORS[x_first]), scores=scores)


def _vectors(heads: Heads, poses: Poses, detail: Detail, skeleton: Skeleton) -> float:
    """How much offsets and displacements agree with each other at the surest person."""
    if not len(poses):
        return 0.0
    best = int(np.argmax(poses.scores.mean(axis=1)))
    xy, scores = detail.geometry.to_input(poses.xy[best]), poses.scores[best]
    return sense.landing(heads, xy, scores) * sense.round_trip(heads, xy, scores, skeleton)


def _plausible(heads: list[Heads], scores: Scores) -> float:
    """Whether the values of heatmaps can be logits or probabilities, which every network's background gives away."""
    grades = []
    for each in heads:
        values = each.dequantized("heatmaps")
        if scores == "probabilities":
            inside = (
                float(np.quantile(values, 0.001)) >= _OVERSHOOT[0] and float(values.max()) <= _OVERSHOOT[1]
            )
            background = float(np.median(values)) if inside else 1.0
        else:
            background = float(1 / (1 + np.exp(-np.clip(np.median(values), -30, 30))))
        low, high = _BACKGROUND
        grades.append(float(np.clip((high - background) / (high - low), 0, 1)))
    return float(np.mean(grades))


def _tried(
    reading: Reading, poses: list[Poses], vectors: list[float], plausible: float, first: Detail
) -> Tried:
    confidence, anatomy, agreement = np.zeros((3, len(VIEWS)))
    # Without offsets a keypoint is as exact as a cell.
    coarse = first.heads is not None and first.heads.short_offsets is None
    exact_px = first.heads.stride_px / min(first.geometry.scale) if coarse and first.heads else 0.0
    reference: tuple[Any, Any] | None = None
    for view, (found, vector) in enumerate(zip(poses, vectors, strict=True)):
        if not len(found):
            continue
        means = found.scores.mean(axis=1)
        if reference is None:
            best = int(np.argmax(means))
            reference = found.xy[best], found.scores[best]
        alike = [sense.likeness(reference[0], xy, reference[1], exact_px=exact_px) for xy in found.xy]
        best = int(np.argmax(means * np.maximum(alike, 0.01)))
        confidence[view] = float(means[best])
        anatomy[view] = sense.anatomy(found.xy[best], found.scores[best], found.skeleton)
        agreement[view] = alike[best] * vector
    extent = 0.0
    if len(poses[0]):
        best = int(np.argmax(poses[0].scores.mean(axis=1)))
        sure = poses[0].scores[best] >= sense.SURE
        if sure.any():
            extent = float(np.ptp(first.geometry.to_input(poses[0].xy[best][sure]), axis=0).max())
    return Tried(reading, confidence, anatomy, agreement, plausible, poses[0], extent)
