"""Findings of the pose model: keypoints that fly away, exchanged sides, limbs that are too long, rare poses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from posecore.evaluation.inspection_findings import RULES, Finding, finding
from posecore.evaluation.inspection_sides import exchanged

if TYPE_CHECKING:
    import numpy.typing as npt

    from posecore.evaluation.inspection_body import Body
    from posecore.evaluation.inspection_poses import Judgement, PoseModel

    Floats = npt.NDArray[np.float64]
    Bools = npt.NDArray[np.bool_]

_MOST_FLOWN = 3
"""A person with more wrong keypoints is found by these."""
_LEAST_RATIO_PEOPLE = 10


@dataclass(frozen=True, slots=True, eq=False)
class LimbLengths:
    """Lengths of one limb by the person's size, over all people that have it.

    Attributes:
        limb: the two keypoints.
        people: how many have both.
        low, median, high: 5 %, 50 % and 95 % of them; NaN where nobody has it.
        deviation: robust standard deviation on the long side.
        outliers: how many lie more than the rule's alarm above the median.
    """

    limb: tuple[int, int]
    people: int
    low: float
    median: float
    high: float
    deviation: float
    outliers: int


def flown_and_exchanged(
    xy: Floats, visibility: npt.NDArray[np.uint8], body: Body, model: PoseModel
) -> list[Finding]:
    """Keypoints that fly away and pairs that are exchanged.

    Where exchanging sides and leaving one keypoint out both mend a person, the one counts that leaves the rest
    less strange. Up to three keypoints of a person are found one after the other, each given what is left. Of a
    person with exchanged sides only those are, that fly away both as labelled and with the sides put right.
    """
    found: list[Finding] = []
    orders = np.tile(np.arange(xy.shape[1]), (len(xy), 1))
    if body.flip_pairs:
        found = _exchanged(xy, visibility, body, model)
        for one in found:
            pairs = np.array(one.keypoints).reshape(-1, 2)
            orders[one.person, pairs] = pairs[:, ::-1]
    seen = visibility > 0
    rows, alarm = np.arange(len(xy)), RULES["flown"].alarm
    for _ in range(_MOST_FLOWN):
        worst, value = _strangest(model, xy[rows], seen[rows], orders[rows])
        for at in np.flatnonzero(value >= alarm):
            k = int(worst[at])
            text = f"{body.names[k]} is far from where the others leave it"
            found.append(finding("flown", int(rows[at]), (k,), float(value[at]), text))
        rows, worst = rows[value >= alarm], worst[value >= alarm]
        if not len(rows):
            break
        seen = seen.copy()
        seen[rows, worst] = False
    return found


def _exchanged(xy: Floats, visibility: npt.NDArray[np.uint8], body: Body, model: PoseModel) -> list[Finding]:
    """People with sides exchanged; the keypoints of a finding are pairs, one after the other."""
    gain, chains, chosen, facing = exchanged(xy, visibility, body, model)
    rows = np.flatnonzero(gain >= RULES["sides"].alarm)
    seen = visibility[rows] > 0
    right = xy[rows].copy()
    pairs_of = []
    for at, chain in enumerate(chosen[rows].tolist()):
        pairs = [pair for pair in chains[chain] if seen[at, list(pair)].all()]
        pairs_of.append(pairs)
        for a, b in pairs:
            right[at, [a, b]] = right[at, [b, a]]
    worst, as_labelled = _strangest(model, xy[rows], seen)
    without = seen.copy()
    without[np.arange(len(rows)), worst] = False
    flown = (as_labelled >= RULES["flown"].alarm) & (
        _strangest(model, xy[rows], without)[1] < _strangest(model, right, seen)[1]
    )
    found = []
    for at in np.flatnonzero(~flown).tolist():
        person, pairs = int(rows[at]), pairs_of[at]
        whole = len(pairs) == sum(bool(seen[at, list(pair)].all()) for pair in body.flip_pairs)
        parts = ", ".join(body.pair_name(a) for a, _ in pairs)
        text = (
            "all left and right contradict the face, which is seen from the front"
            if whole
            else f"left and right {parts} contradict the rest of the person"
            + (", whose face is seen from the front" if facing[person] else "")
        )
        keypoints = tuple(k for pair in pairs for k in pair)
        found.append(finding("sides", person, keypoints, float(gain[person]), text))
    return found


def _strangest(
    model: PoseModel, xy: Floats, seen: Bools, orders: npt.NDArray[np.int64] | None = None
) -> tuple[npt.NDArray[np.int64], Floats]:
    """Each person's strangest keypoint and how strange it is; -1 where none is judged. With `orders` (G, K),
    keypoint k of a person being orders[k], the smaller one of as labelled and in that order."""
    strange = np.nan_to_num(model.judge(xy, seen).strange, nan=-1.0)
    if orders is not None:
        other = np.flatnonzero((orders != np.arange(orders.shape[1])).any(axis=1))
        if len(other):
            order = orders[other]
            right = np.take_along_axis(xy[other], order[..., None], axis=1)
            there = np.take_along_axis(seen[other], order, axis=1)
            judged = np.nan_to_num(model.judge(right, there).strange, nan=-1.0)
            # An exchange of pairs undoes itself: back to the places of the labels.
            strange[other] = np.minimum(strange[other], np.take_along_axis(judged, order, axis=1))
    worst = strange.argmax(axis=1)
    return worst, strange[np.arange(len(strange)), worst]


def limb_lengths(
    xy: Floats, seen: Bools, body: Body, judgement: Judgement
) -> tuple[list[LimbLengths], list[Finding]]:
    """How long each limb is, and the people for whom one is too long."""
    lengths, found = [], []
    alarm = RULES["limb"].alarm
    for a, b in body.limbs:
        both = seen[:, a] & seen[:, b] & np.isfinite(judgement.sizes)
        rows = np.flatnonzero(both)
        ratio = np.hypot(*(xy[rows, a] - xy[rows, b]).T) / judgement.sizes[rows]
        if len(rows) < _LEAST_RATIO_PEOPLE:
            lengths.append(LimbLengths((a, b), len(rows), np.nan, np.nan, np.nan, np.nan, 0))
            continue
        low, median, high = (float(q) for q in np.percentile(ratio, [5, 50, 95]))
        deviation = max((high - median) / 1.645, 1.4826 * float(np.median(np.abs(ratio - median))), 1e-6)
        z = (ratio - median) / deviation
        outliers = np.flatnonzero(z >= alarm)
        for at in outliers:
            text = f"{body.names[a]} to {body.names[b]} is {ratio[at] / median:.1f} x the usual length"
            found.append(finding("limb", int(rows[at]), (a, b), float(z[at]), text))
        lengths.append(LimbLengths((a, b), len(rows), low, median, high, deviation, len(outliers)))
    return lengths, found


def rare_poses(judgement: Judgement) -> list[Finding]:
    """People whose pose as a whole is far from the mean."""
    misfit = np.nan_to_num(judgement.misfit, nan=0.0)
    typical = float(np.median(misfit[misfit > 0])) if (misfit > 0).any() else 1.0
    relative = misfit / max(typical, 1e-9)
    text = "the pose as a whole is far from most of the set"
    return [
        finding("rare", int(person), (), float(relative[person]), text)
        for person in np.flatnonzero(relative >= RULES["rare"].alarm)
    ]
