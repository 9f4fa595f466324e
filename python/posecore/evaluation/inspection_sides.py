"""Left and right that are exchanged: labels that contradict the rest of the person.

For each pair of keypoints, and for each chain of pairs such as hip, knee and ankle, the likelihood of the
person as labelled is held against that with left and right of the chain exchanged. A person may be seen from
the front or from behind, so nothing is said of all pairs at once, with one exception: whose nose and both eyes
are visible (v = 2) is seen from the front, is held against such people alone, and so all pairs count as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from posecore.evaluation.inspection_poses import LEAST_PEOPLE, PoseModel, learn

if TYPE_CHECKING:
    import numpy.typing as npt

    from posecore.evaluation.inspection_body import Body
    from posecore.skeletons import Pair

    Floats = npt.NDArray[np.float64]
    Bools = npt.NDArray[np.bool_]
    Ints = npt.NDArray[np.int64]

_LEAST_LABELLED = 6
"""Fewer keypoints have no rest that could be contradicted."""
_FACING_PEOPLE = 2 * LEAST_PEOPLE
_ROUNDS = 2


def exchanged(
    xy: Floats, visibility: npt.NDArray[np.uint8], body: Body, model: PoseModel
) -> tuple[Floats, list[tuple[Pair, ...]], Ints, Bools]:
    """For each person the chain of pairs whose exchange makes the person likeliest.

    Args:
        xy: (G, K, 2) float64 in pixels.
        visibility: (G, K) uint8.
        model: of all people.

    Returns:
        gain (G,) float64: 2 ln of the likelihood ratio, exchanged against as labelled; NaN where a person
        has too few keypoints; chains: lists of pairs (left, right); chain (G,) int64 into them, -1 where none;
        facing (G,) bool: whether the person was held against people that are seen from the front.
    """
    seen = visibility > 0
    gain = np.full(len(xy), np.nan)
    chosen = np.full(len(xy), -1, np.int64)
    chains = chains_of(body)
    enough = seen.sum(axis=1) >= _LEAST_LABELLED
    facing = _facing(visibility, body) & enough
    front = _front_model(xy[facing], seen[facing], body)
    if front is None:
        facing[:] = False
    groups = [(enough & ~facing, model, False), (facing, front, True)]
    for chosen_rows, judge, with_all in groups:
        rows = np.flatnonzero(chosen_rows)
        if judge is None or not len(rows):
            continue
        candidates = chains if not with_all else [*chains, body.flip_pairs]
        orders = np.array([np.arange(body.num_keypoints), *(_order(c, body) for c in candidates)])
        surprise = judge.surprise(xy[rows], seen[rows], orders)
        better = surprise[:, :1] - surprise[:, 1:]
        there = np.stack([seen[rows, a] & seen[rows, b] for a, b in body.flip_pairs], axis=1)
        inside = np.array([[pair in chain for pair in body.flip_pairs] for chain in candidates])
        count = there.astype(np.int64) @ inside.T.astype(np.int64)
        usable = (count > 0) & ((count < there.sum(axis=1)[:, None]) | with_all)
        better = np.where(usable, better, -np.inf)
        best = better.argmax(axis=1)
        value = better[np.arange(len(rows)), best]
        gain[rows] = np.where(np.isfinite(value), value, np.nan)
        chosen[rows] = np.where(np.isfinite(value), best, -1)
    return gain, [*chains, body.flip_pairs], chosen, facing


def _front_model(xy: Floats, seen: Bools, body: Body) -> PoseModel | None:
    """The model of people seen from the front, learnt without those who look exchanged as a whole."""
    straight = np.ones(len(xy), np.bool_)
    orders = np.array([np.arange(body.num_keypoints), _order(body.flip_pairs, body)])
    model = None
    for _ in range(_ROUNDS):
        if straight.sum() < _FACING_PEOPLE:
            break
        model = learn(xy[straight], seen[straight], flip_of(body))
        if model is None:
            break
        surprise = model.surprise(xy, seen, orders)
        straight = ~(surprise[:, 1] < surprise[:, 0])
    return model


def flip_of(body: Body) -> Ints | None:
    """(K,) int64, what each keypoint becomes in a mirrored picture; None without left and right."""
    return _order(body.flip_pairs, body) if body.flip_pairs else None


def chains_of(body: Body) -> list[tuple[Pair, ...]]:
    """Each pair alone, what limbs join on both sides, and what is left of that where one limb is cut."""
    pairs = body.flip_pairs
    at = {keypoint: n for n, pair in enumerate(pairs) for keypoint in pair}
    joined = {
        tuple(sorted((at[a], at[b])))
        for a, b in body.limbs
        if a in at and b in at and at[a] != at[b] and body.side(a) == body.side(b)
    }
    found = [frozenset({n}) for n in range(len(pairs))]
    found += _components(range(len(pairs)), joined)
    for limb in sorted(joined):
        found += _components(range(len(pairs)), joined - {limb})
    unique = [group for group in dict.fromkeys(found) if len(group) < len(pairs)]
    return [tuple(pairs[n] for n in sorted(group)) for group in unique]


def _components(nodes: range, edges: set[tuple[int, ...]]) -> list[frozenset[int]]:
    groups = {n: {n} for n in nodes}
    for a, b in edges:
        if groups[a] is not groups[b]:
            groups[a] |= groups[b]
            for n in groups[b]:
                groups[n] = groups[a]
    return list(dict.fromkeys(frozenset(group) for group in groups.values()))


def _order(chain: tuple[Pair, ...], body: Body) -> Ints:
    order = np.arange(body.num_keypoints)
    for a, b in chain:
        order[a], order[b] = b, a
    return order


def _facing(visibility: npt.NDArray[np.uint8], body: Body) -> Bools:
    face = [body.places.get(place) for place in ("nose", "left_eye", "right_eye")]
    if any(keypoint is None for keypoint in face):
        return np.zeros(len(visibility), np.bool_)
    facing: Bools = (visibility[:, [k for k in face if k is not None]] == 2).all(axis=1)
    return facing
