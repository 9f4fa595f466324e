"""Losses that take NaN in the truth as "nobody knows": no loss there, and a gradient of exactly 0.

Each is a frozen dataclass that is called with (y_true, y_pred), float arrays of the same shape (B, ...), and gives
(B,) float32, one number a picture: the mean over what is known of that picture, 0 where nothing is. So the loss of a
batch is the mean over its pictures, and two batches of 4 give the gradient of one of 8. `keras.Model.compile` takes
them as they are; keras.ops alone are used, so that any backend runs them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from posecore.arguments import listed, number, pairs, whole
from posecore.errors import require

Loss = Callable[[Any, Any], Any]

# COCO's annotators' segments fill about this share of a person's box; CrowdPose's evaluation takes it as the area.
_AREA_OF_BOX = 0.53
_TINY = 1e-12  # under square roots, whose slope at 0 is infinite


@dataclass(frozen=True, slots=True)
class MaskedMse:
    """Mean squared error, for linear heatmaps and coordinates.

    Args:
        weight: the loss is multiplied by this, 0 to 1e6.
        hardest: of the K keypoints (the last axis of heatmaps (B, h, w, K), axis 1 of coordinates (B, K, 2)) only so
            many with the largest loss count: online hard keypoint mining (CPN, arXiv 1711.07319). None: all.
    """

    weight: float = 1.0
    hardest: int | None = None

    def __post_init__(self) -> None:
        _check_weight_and_hardest(self.weight, self.hardest)

    def __call__(self, y_true: Any, y_pred: Any) -> Any:
        ops = _ops()
        known, true, predicted = _split(ops, y_true, y_pred)
        return self.weight * _mean(ops, ops.square(predicted - true), known, self.hardest)


@dataclass(frozen=True, slots=True)
class MaskedBce:
    """Binary cross-entropy of logits against targets in [0, 1], for heatmaps to which a sigmoid is applied later.

    Its slope is sigmoid(logit) - target, at a logit of 0 too.

    Args:
        weight: the loss is multiplied by this, 0 to 1e6. PersonLab (arXiv 1803.08225) has 4 for heatmaps.
        hardest: as `MaskedMse`'s.
    """

    weight: float = 1.0
    hardest: int | None = None

    def __post_init__(self) -> None:
        _check_weight_and_hardest(self.weight, self.hardest)

    def __call__(self, y_true: Any, y_pred: Any) -> Any:
        ops = _ops()
        known, true, logits = _split(ops, y_true, y_pred)
        return self.weight * _mean(ops, ops.softplus(logits) - logits * true, known, self.hardest)


@dataclass(frozen=True, slots=True)
class SmoothL1:
    """Smooth L1 of (y_pred - y_true) / scale, for offsets in input pixels that are NaN outside of their discs.

    For e the scaled error: e² / (2 beta) where |e| < beta, else |e| - beta / 2 (Fast R-CNN, arXiv 1504.08083). Huber's
    loss with delta = beta is beta times this. With the disc's radius as scale, offsets, displacements and
    heatmaps give losses of about the same size.

    Args:
        scale: what an error is divided by, over 0, in the unit of the values: pixels.
        beta: where the parabola ends and the lines begin, over 0, in units of `scale`.
        weight: as `MaskedMse`'s. PersonLab has 1 for short offsets and 0.25 for displacements.
    """

    scale: float = 1.0
    beta: float = 0.1
    weight: float = 1.0

    def __post_init__(self) -> None:
        number(self.scale, "scale", 1e-6, 1e6)
        number(self.beta, "beta", 1e-6, 1e6)
        _check_weight_and_hardest(self.weight, None)

    def __call__(self, y_true: Any, y_pred: Any) -> Any:
        ops = _ops()
        known, true, predicted = _split(ops, y_true, y_pred)
        return self.weight * _mean(ops, _smooth_l1(ops, (predicted - true) / self.scale, self.beta), known)


@dataclass(frozen=True, slots=True)
class OksLoss:
    """1 - OKS of one person, for coordinates (B, K, 2), x and y in [0, 1] of the input (YOLO-pose, arXiv 2204.06806).

    The person's area is .53 of the box around the labelled keypoints. Far from the truth the slope vanishes: add
    another loss, or start from a network that is near.

    Args:
        sigmas: K standard deviations over 0, as `Skeleton.sigmas`.
        size: (width, height) of the network's input in pixels.
        least_area: as a share of the input: people with fewer or closer keypoints are taken to be as large, 1e-6..1.
        weight: as `MaskedMse`'s.
    """

    sigmas: tuple[float, ...]
    size: tuple[int, int]
    least_area: float = 0.01
    weight: float = 1.0

    def __post_init__(self) -> None:
        for sigma in listed(self.sigmas, "sigmas", "wanted one a keypoint"):
            number(sigma, "sigmas", 1e-6, 1e6)
        number(self.least_area, "least_area", 1e-6, 1.0)
        _check_weight_and_hardest(self.weight, None)

    def __call__(self, y_true: Any, y_pred: Any) -> Any:
        ops = _ops()
        known, true, predicted = _split(ops, y_true, y_pred)
        if predicted.shape[1] != len(self.sigmas):
            raise ValueError(f"sigmas: wanted {predicted.shape[1]}, one a keypoint, got {len(self.sigmas)}")
        width, height = self.size
        # Of pictures without a label, low and high are 2 and -1, and the area is the least.
        low = ops.min(ops.where(known, true, 2.0), axis=1)
        high = ops.max(ops.where(known, true, -1.0), axis=1)
        extent = ops.maximum(high - low, 0.0)
        share = ops.maximum(_AREA_OF_BOX * extent[:, 0] * extent[:, 1], self.least_area)
        area_px2 = share * width * height
        error_px = (predicted - true) * ops.convert_to_tensor([float(width), float(height)], "float32")
        squared = ops.sum(ops.square(error_px), axis=-1)
        variances = ops.convert_to_tensor([(2 * sigma) ** 2 for sigma in self.sigmas], "float32")
        lost = -ops.expm1(-squared / (2 * area_px2[:, None] * variances))
        return self.weight * _mean(ops, lost, ops.all(known, axis=-1))


@dataclass(frozen=True, slots=True)
class LimbPrior:
    """How people are built, for coordinates (B, K, 2): an optional term beside another loss. 0 at the truth.

    Limbs: smooth L1 of how far the predicted length is from the true one, wherever the limb points to. Pairs: the
    square of how much two keypoints are closer than `apart` and closer than the truth, as a share of `apart`; it
    keeps a network from putting left and right on the same place.

    Args:
        limbs: pairs of keypoint numbers, such as `Skeleton.limbs`; both ends have to be labelled to count.
        pairs: the same for keypoints that must not fall together, such as `Skeleton.flip_pairs`.
        apart: in the unit of the coordinates, over 0.
        weight: as `MaskedMse`'s.
    """

    limbs: tuple[tuple[int, int], ...]
    pairs: tuple[tuple[int, int], ...] = ()
    apart: float = 0.05
    weight: float = 0.1

    def __post_init__(self) -> None:
        if not pairs(self.limbs, "limbs", "a prior") and not pairs(self.pairs, "pairs", "a prior"):
            raise ValueError("limbs: wanted limbs or pairs, got neither")
        number(self.apart, "apart", 1e-6, 1e6)
        _check_weight_and_hardest(self.weight, None)

    def __call__(self, y_true: Any, y_pred: Any) -> Any:
        ops = _ops()
        known, true, predicted = _split(ops, y_true, y_pred)
        there = ops.all(known, axis=-1)
        total = 0.0
        if self.limbs:
            both, is_long, was_long = _lengths(ops, there, true, predicted, self.limbs)
            total = total + _mean(ops, _smooth_l1(ops, was_long - is_long, self.apart), both)
        if self.pairs:
            both, is_apart, was_apart = _lengths(ops, there, true, predicted, self.pairs)
            # The root's tiny number is in both, so that a prediction on the truth loses nothing.
            too_close = ops.relu(ops.minimum(is_apart, self.apart) - was_apart)
            total = total + _mean(ops, ops.square(too_close / self.apart), both)
        return self.weight * total


@dataclass(frozen=True, slots=True)
class Together:
    """The sum of several losses of one output, each with its own weight."""

    terms: tuple[Loss, ...]

    def __call__(self, y_true: Any, y_pred: Any) -> Any:
        total = self.terms[0](y_true, y_pred)
        for term in self.terms[1:]:
            total = total + term(y_true, y_pred)
        return total


def _ops() -> ModuleType:
    return require("keras.ops", extra="train", purpose="A loss")


def _check_weight_and_hardest(weight: object, hardest: object) -> None:
    number(weight, "weight", 0.0, 1e6)
    if hardest is not None:
        whole(hardest, "hardest", 1, 65536)


def _split(ops: ModuleType, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
    """What is known, bool; the truth with 0 where it is not; the prediction in float32."""
    y_true = ops.cast(y_true, "float32")
    known = ops.logical_not(ops.isnan(y_true))
    return known, ops.where(known, y_true, 0.0), ops.cast(y_pred, "float32")


def _mean(ops: ModuleType, values: Any, known: Any, hardest: int | None = None) -> Any:
    """(B,) means of `values` (B, ...) over what is known, or over that of the hardest keypoints."""
    axes = tuple(range(1, len(values.shape)))
    # The values are finite everywhere, so the branch that is not taken gives a slope of 0 and not NaN.
    values, counts = ops.where(known, values, 0.0), ops.cast(known, "float32")
    if hardest is None:
        return ops.sum(values, axis=axes) / ops.maximum(ops.sum(counts, axis=axes), 1.0)
    keypoint_axis = 1 if len(values.shape) == 3 else len(values.shape) - 1
    within = tuple(axis for axis in axes if axis != keypoint_axis)
    counts = ops.sum(counts, axis=within)
    means = ops.sum(values, axis=within) / ops.maximum(counts, 1.0)
    labelled = ops.sum(ops.cast(counts > 0, "float32"), axis=-1)
    most = min(hardest, int(means.shape[-1]))
    largest, _ = ops.top_k(means, most)
    return ops.sum(largest, axis=-1) / ops.clip(labelled, 1.0, float(most))


def _smooth_l1(ops: ModuleType, error: Any, beta: float) -> Any:
    size = ops.abs(error)
    inner = ops.minimum(size, beta)
    return ops.square(inner) / (2 * beta) + (size - inner)


def _lengths(
    ops: ModuleType, there: Any, true: Any, predicted: Any, joined: tuple[tuple[int, int], ...]
) -> tuple[Any, Any, Any]:
    """For P pairs: whether both ends are labelled, true and predicted distances, each (B, P)."""
    first, second = ([int(pair[end]) for pair in joined] for end in (0, 1))

    def apart(points: Any) -> Any:
        difference = ops.take(points, first, axis=1) - ops.take(points, second, axis=1)
        return ops.sqrt(ops.sum(ops.square(difference), axis=-1) + _TINY)

    both = ops.logical_and(ops.take(there, first, axis=1), ops.take(there, second, axis=1))
    return both, apart(true), apart(predicted)
