"""How far an exported model's heads are from the float model's, and how much of them is clipped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from posecore.export.verify_people import SURE_SCORE
from posecore.heads import Heads

if TYPE_CHECKING:
    import numpy.typing as npt

    from posecore.export.answers import Answer, Reading

    Floats = npt.NDArray[np.float32]
    Bools = npt.NDArray[np.bool_]

_CODES = {"uint8": (0, 255), "int8": (-128, 127)}
_MOST_STEPS = 256
_LEAST_VALUES = 4 * _MOST_STEPS


@dataclass(frozen=True)
class HeadReport:
    """One head of the exported model against the float model's.

    Attributes:
        tensor: what `Heads` calls it, or "keypoints".
        name: the output of the file that holds it.
        unit: "logit", "probability", "px" or "fraction": of the errors.
        median, p95, most: absolute error where it decides something: at cells where the float model's score of the
            keypoint is sure (of displacements: of the keypoint that they start from); None where there are none.
        rms: over all cells.
        clipped: share of all values that are at an end of what the head can say while the float value lies beyond that
            end by more than a step; None where values have no ends (float, half precision), or too few were seen.
        clipped_at_people: the same of those that decide something; None likewise, and where there are none.
        saturated: share of all values at an end, whether rightly or not; None likewise.
        span: (lowest, highest) value that the head can say, None likewise.
        step: from one value that it can say to the next, None likewise.
        p95_px_if_float: the keypoint shift of the whole model if this output alone were the float model's; None where
            nobody is left to measure it on.
    """

    tensor: str
    name: str
    unit: str
    median: float | None
    p95: float | None
    most: float | None
    rms: float
    clipped: float | None = None
    clipped_at_people: float | None = None
    saturated: float | None = None
    span: tuple[float, float] | None = None
    step: float | None = None
    p95_px_if_float: float | None = None


class HeadErrors:
    """Adds up one head over pictures.

    A head of integers says what its ends are. For one of floats that were integers inside of the model, which is then
    `eight_bit`, they are the lowest and the highest value that was seen: it has at most 256 different ones among many
    more. Of fewer values nobody can tell, and a float model's ends are none.
    """

    def __init__(self, tensor: str, *, eight_bit: bool = False) -> None:
        self.tensor = tensor
        self._at_people: list[Floats] = []
        self._squares, self._count = 0.0, 0
        self._steps: set[float] | None = set() if eight_bit else None
        self._ends: list[tuple[float, float] | None] = []
        self._low = _End(-1)
        self._high = _End(1)

    def add(self, reference: Answer, exported: Answer, where: Bools) -> None:
        """One picture more; `where` has the shape of the head and is True at sure keypoints."""
        right, said = reference.dequantized(self.tensor), exported.dequantized(self.tensor)
        errors = np.abs(np.nan_to_num(said) - np.nan_to_num(right))
        self._at_people.append(errors[where])
        self._squares += float(np.square(errors, dtype=np.float64).sum())
        self._count += errors.size
        self._ends.append(_ends(exported, self.tensor))
        if self._steps is not None:
            self._steps.update(np.unique(said).tolist())
            if len(self._steps) > _MOST_STEPS:
                self._steps = None
        self._low.add(said, right, where)
        self._high.add(said, right, where)

    def report(self, reading: Reading, if_float: tuple[float, float, float] | None) -> HeadReport:
        """What has come together; `if_float` are the shift's median, p95 and max if this output alone were float."""
        errors = np.concatenate([np.zeros(0, np.float32), *self._at_people])
        median, p95, most = (
            (float(v) for v in np.quantile(errors, (0.5, 0.95, 1.0))) if len(errors) else (None, None, None)
        )
        return HeadReport(
            self.tensor,
            reading.names[self.tensor],
            reading.units[self.tensor],
            median,
            p95,
            most,
            (self._squares / max(self._count, 1)) ** 0.5,
            **self._clipping(len(errors)),
            p95_px_if_float=None if if_float is None else if_float[1],
        )

    def _clipping(self, at_people: int) -> dict[str, Any]:
        """The fields of `HeadReport` about what the head can say; none where it can say anything."""
        ends = set(self._ends)
        known = ends.pop() if len(ends) == 1 else None
        if known is not None:
            low, high = known
            step = (high - low) / (_MOST_STEPS - 1)
        elif self._steps is None or len(self._steps) < 2 or self._count < _LEAST_VALUES:
            return {}
        else:
            seen = np.sort(np.array(list(self._steps)))
            low, high, step = float(seen[0]), float(seen[-1]), float(np.diff(seen).min())
        counts = self._low.counts(low, step) + self._high.counts(high, step)
        at_end, beyond, beyond_at_people = (int(count) for count in counts)
        return {
            "clipped": beyond / self._count,
            "clipped_at_people": beyond_at_people / at_people if at_people else None,
            "saturated": at_end / self._count,
            "span": (low, high),
            "step": step,
        }


class _End:
    """The values at the outermost level on one side, `sign` -1 or 1, and what the float model says there."""

    def __init__(self, sign: int) -> None:
        self._sign = sign
        self._level = -np.inf
        self._right: list[Floats] = []
        self._at_people: list[Bools] = []

    def add(self, said: Floats, right: Floats, where: Bools) -> None:
        level = float((self._sign * said).max())
        if level > self._level:
            self._level, self._right, self._at_people = level, [], []
        if level == self._level:
            here = self._sign * said == level
            self._right.append(right[here])
            self._at_people.append(where[here])

    def counts(self, end: float, step: float) -> npt.NDArray[np.int64]:
        """(3,): how many values are at this end, at how many of them the float value is more than a step beyond, and
        how many of those are at people."""
        if abs(self._level - self._sign * end) > step / 2:
            return np.zeros(3, np.int64)
        beyond = self._sign * np.concatenate(self._right) > self._level + step
        return np.array([len(beyond), beyond.sum(), (beyond & np.concatenate(self._at_people)).sum()])


def sure_cells(reference: Answer, reading: Reading) -> dict[str, Any]:
    """Bool arrays of the heads' shapes by tensor: where a sure keypoint of the float model makes them count."""
    if not isinstance(reference, Heads):
        return {"keypoints": np.ones(reference.keypoints.shape, np.bool_)}
    maps = reference.dequantized("heatmaps")
    if reference.scores == "logits":
        maps = 1 / (1 + np.exp(-maps.clip(-30, 30)))
    sure = maps >= SURE_SCORE
    found = {"heatmaps": sure}
    if "short_offsets" in reference.tensors():
        found["short_offsets"] = np.concatenate([sure, sure], axis=2)
    parents = [parent for parent, _ in reading.skeleton.edges]
    children = [child for _, child in reading.skeleton.edges]
    for name, start in (("displacement_fwd", parents), ("displacement_bwd", children)):
        if name in reference.tensors():
            found[name] = np.concatenate([sure[:, :, start]] * 2, axis=2)
    return found


def with_float(reference: Answer, exported: Answer, tensors: tuple[str, ...], reading: Reading) -> Answer:
    """The exported answer, dequantised, with these tensors as the float model has them."""
    arrays = {
        name: (reference if name in tensors else exported).dequantized(name) for name in exported.tensors()
    }
    return reading.answer(arrays)


def _ends(answer: Answer, tensor: str) -> tuple[float, float] | None:
    dtype = str(answer.tensors()[tensor].dtype)
    if dtype not in _CODES:
        return None
    one = answer.quantization[tensor]
    # In single precision, as the values themselves are.
    low, high = (float(np.float32(code - one.zero_point) * np.float32(one.scale)) for code in _CODES[dtype])
    return low, high
