"""Left and right that are exchanged: labels that contradict the rest of the person.

For each pair of keypoints, and for each chain of pairs such as hip, knee and ankle, the likelihood of the
person as labelled is held against that with left and right of the chain exchanged. A person may be seen from
the front or from behind, so nothing is said of all pairs at once, with one exception: whose nose and both eyes
are visible (v = 2), with the nose between the eyes, shows the face from the front, is held against such people
alone, and so all pairs count as well. A face in profile says nothing: a head is turned aside on a body that
is seen from behind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from posecore.evaluation.inspection_poses import LEAST_LABELLED, LEAST_PEOPLE, SAMPLE, PoseModel, learn

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
_DOUBT_GAIN, _DOUBT_DECADES = 3.0, 5.0
"""Who is above these is no teacher; far below the alarms, since who is left out unjustly is replaced by others."""


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
        facing (G,) bool: whether the person was held against people that show the face from the front.
    """
    seen = visibility > 0
    gain = np.full(len(xy), np.nan)
    chosen = np.full(len(xy), -1, np.int64)
    chains = chains_of(body)
    enough = seen.sum(axis=1) >= _LEAST_LABELLED
    facing = _facing(xy, visibility, body) & enough
    front = None
    if facing.sum() >= _FACING_PEOPLE:
        front = learn_straight(xy[facing], seen[facing], body, front=True)
    if front is None:
        facing[:] = False
    groups = [(enough & ~facing, model, False), (facing, front, True)]
    for chosen_rows, judge, with_all in groups:
        rows = np.flatnonzero(chosen_rows)
        if judge is None or not len(rows):
            continue
        candidates = chains if not with_all else [*chains, body.flip_pairs]
        better = _gains(xy[rows], seen[rows], body, judge, candidates, with_all=with_all)
        best = better.argmax(axis=1)
        value = better[np.arange(len(rows)), best]
        gain[rows] = np.where(np.isfinite(value), value, np.nan)
        chosen[rows] = np.where(np.isfinite(value), best, -1)
    return gain, [*chains, body.flip_pairs], chosen, facing


def learn_straight(xy: Floats, seen: Bools, body: Body, *, front: bool = False) -> PoseModel | None:
    """The model of people without those who look exchanged or have a keypoint that flies away.

    A twentieth of people with one mistake in common would teach the model that it is none: so it is learnt,
    asked about the same people, and learnt again from those it has nothing against.

    Args:
        xy: (G, K, 2) float64 in pixels.
        seen: (G, K) bool.
        front: whether all people show the face from the front, so that all pairs at once can be
            exchanged.
    """
    enough = np.flatnonzero(seen.sum(axis=1) >= LEAST_LABELLED)
    rows = enough[:: max(1, -(-len(enough) // SAMPLE))]
    xy, seen = xy[rows], seen[rows]
    flip = flip_of(body)
    model = learn(xy, seen, flip)
    for _ in range(_ROUNDS):
        if model is None:
            break
        straight = (
            np.nan_to_num(model.judge(xy, seen).strange, nan=0.0).max(axis=1, initial=0.0) < _DOUBT_DECADES
        )
        if flip is not None:
            chains = chains_of(body)
            gain = _gains(
                xy, seen, body, model, [*chains, body.flip_pairs] if front else chains, with_all=front
            )
            straight &= gain.max(axis=1, initial=-np.inf) < _DOUBT_GAIN
        if straight.all():
            break
        model = learn(xy[straight], seen[straight], flip) or model
    return model


def _gains(
    xy: Floats, seen: Bools, body: Body, model: PoseModel, chains: list[tuple[Pair, ...]], *, with_all: bool
) -> Floats:
    """(G, N) 2 ln of the likelihood ratio of exchanging each chain; -inf where it says nothing."""
    orders = np.array([np.arange(body.num_keypoints), *(_order(chain, body) for chain in chains)])
    surprise = model.surprise(xy, seen, orders)
    better = surprise[:, :1] - surprise[:, 1:]
    there = np.stack([seen[:, a] & seen[:, b] for a, b in body.flip_pairs], axis=1)
    inside = np.array([[pair in chain for pair in body.flip_pairs] for chain in chains])
    count = there.astype(np.int64) @ inside.T.astype(np.int64)
    usable = (count > 0) & ((count < there.sum(axis=1)[:, None]) | with_all)
    gains: Floats = np.where(usable & np.isfinite(better), better, -np.inf)
    return gains


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


def _facing(xy: Floats, visibility: npt.NDArray[np.uint8], body: Body) -> Bools:
    """(G,) whether nose and both eyes are visible, and along the line from eye to eye the nose lies between
    the eyes, as it does up to a turn of some 45°. Which eye is called the left one makes no difference."""
    nose, left, right = (body.places.get(place) for place in ("nose", "left_eye", "right_eye"))
    if nose is None or left is None or right is None:
        return np.zeros(len(visibility), np.bool_)
    across = xy[:, right] - xy[:, left]
    along = ((xy[:, nose] - xy[:, left]) * across).sum(axis=1)
    facing: Bools = (visibility[:, [nose, left, right]] == 2).all(axis=1)
    facing &= (along > 0) & (along < (across**2).sum(axis=1))
    return facing
