"""`Body`: what is known of the keypoints of an annotation file, from their names alone."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from posecore import skeletons
from posecore.skeletons import COCO17, Pair, Skeleton

_OTHER_NAMES = {
    "head": "top_head",
    "head_top": "top_head",
    "neck": "neck",
    "head_bottom": "neck",
    "upper_neck": "neck",
}
"""Names of one place in different sets: CrowdPose (head), PoseTrack (head_bottom), MPII (head_top, upper_neck)."""

_SIDES = {"left": "left", "right": "right", "l": "left", "r": "right"}


@dataclass(frozen=True, slots=True)
class Body:
    """The keypoints that people of one file have.

    Attributes:
        names: K names; "keypoint 0", "keypoint 1", ... where the file has none.
        limbs: pairs of keypoints that a line joins; () where nothing says any.
        flip_pairs: pairs (left, right).
        sigmas: K of OKS, or None where nobody has measured them.
        places: {place: keypoint}, for the places nose, left_eye, right_eye, left_shoulder, right_shoulder,
            left_hip and right_hip that the names have.
        notes: sentences for people: what was known, what was derived from names, what is missing.
    """

    names: tuple[str, ...]
    limbs: tuple[Pair, ...] = ()
    flip_pairs: tuple[Pair, ...] = ()
    sigmas: tuple[float, ...] | None = None
    places: dict[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def num_keypoints(self) -> int:
        """K."""
        return len(self.names)

    def side(self, keypoint: int) -> str:
        """ "left", "right" or "middle"."""
        for left, right in self.flip_pairs:
            if keypoint in (left, right):
                return "left" if keypoint == left else "right"
        return "middle"

    def limb_side(self, a: int, b: int) -> str:
        """The side of a limb: that of its keypoints; a middle one takes the other's, left to right is "middle"."""
        sides = {self.side(a), self.side(b)} - {"middle"}
        return sides.pop() if len(sides) == 1 else "middle"

    def pair_name(self, left: int) -> str:
        """What both keypoints of the pair with this left one are, such as "shoulder"."""
        return _split_side(self.names[left])[1].replace("_", " ") or self.names[left]


def body_of(
    names: tuple[str, ...],
    num_keypoints: int,
    *,
    skeleton: Skeleton | None = None,
    limbs: tuple[Pair, ...] = (),
) -> Body:
    """The body of a file.

    Args:
        names: the category's keypoint names, or () where the file has none.
        num_keypoints: K, of the file's people.
        skeleton: what the caller says that the keypoints are; else names decide.
        limbs: the category's own pairs of keypoints, 0..K - 1, for skeletons that posecore does not know.

    Raises:
        ValueError: `skeleton` or `names` has another number of keypoints.
    """
    if skeleton is not None:
        if skeleton.num_keypoints != num_keypoints:
            raise ValueError(
                f"skeleton: wanted one of {num_keypoints} keypoints, as the file has, "
                f"got {skeleton.name} with {skeleton.num_keypoints}"
            )
        note = f"The keypoints are those of {skeleton.name}, as you said."
        return _known(skeleton, tuple(range(num_keypoints)), skeleton.keypoints, note)
    if names and len(names) != num_keypoints:
        raise ValueError(
            f"keypoints: wanted one name for each of the {num_keypoints} keypoints of the people, "
            f"got {len(names)} in the category"
        )
    if not names and num_keypoints == COCO17.num_keypoints:
        note = "The category has no keypoint names: taken for coco17's, as scoring does; --skeleton says otherwise."
        return _known(COCO17, tuple(range(num_keypoints)), COCO17.keypoints, note)
    if not names:
        return Body(
            tuple(f"keypoint {k}" for k in range(num_keypoints)),
            _valid(limbs, num_keypoints),
            notes=(
                "The category has no keypoint names: left and right, facing and orientation are not looked at. "
                "--skeleton says what the keypoints are.",
            ),
        )
    plain = [_plain(name) for name in names]
    for known in (skeletons.get(name) for name in skeletons.names()):
        wanted = [_plain(name) for name in known.keypoints]
        if set(plain) == set(wanted) and len(plain) == len(wanted):
            order = tuple(plain.index(name) for name in wanted)
            reordered = "" if order == tuple(range(len(order))) else ", in another order"
            note = f"The keypoints are those of {known.name}{reordered}, by their names."
            return _known(known, order, names, note)
    return _derived(names, plain, limbs)


def _known(skeleton: Skeleton, order: tuple[int, ...], names: tuple[str, ...], note: str) -> Body:
    """The body of a skeleton whose keypoint k is the file's keypoint order[k]."""
    limbs = tuple((order[a], order[b]) for a, b in skeleton.limbs)
    flips = tuple((order[a], order[b]) for a, b in skeleton.flip_pairs)
    sigmas = None
    if skeleton.sigmas is not None:
        placed = [0.0] * len(order)
        for k, sigma in zip(order, skeleton.sigmas, strict=True):
            placed[k] = sigma
        sigmas = tuple(placed)
    return Body(names, limbs, flips, sigmas, _places([_plain(n) for n in names]), (note,))


def _derived(names: tuple[str, ...], plain: list[str], limbs: tuple[Pair, ...]) -> Body:
    sides: dict[str, dict[str, int]] = {}
    for k, name in enumerate(names):
        side, rest = _split_side(name)
        if side:
            sides.setdefault(rest, {}).setdefault(side, k)
    flips = tuple((s["left"], s["right"]) for s in sides.values() if len(s) == 2)
    derived = (
        f"{len(flips)} left and right pairs were derived from the names" if flips else "no name has a side"
    )
    kept = _valid(limbs, len(names))
    from_file = f"{len(kept)} limbs are the category's own" if kept else "the category has no limbs"
    note = f"The names are of no skeleton that posecore knows: {derived}, {from_file}."
    return Body(names, kept, flips, None, _places(plain), (note,))


def _places(plain: list[str]) -> dict[str, int]:
    wanted = (
        "nose",
        *(f"{side}_{part}" for part in ("eye", "shoulder", "hip") for side in ("left", "right")),
    )
    return {place: plain.index(place) for place in wanted if place in plain}


def _plain(name: str) -> str:
    """`name` in snake_case with its side in front, and one name for a place."""
    side, rest = _split_side(name)
    return f"{side}_{rest}" if side else _OTHER_NAMES.get(rest, rest)


def _split_side(name: str) -> tuple[str, str]:
    """(side or "", the rest of the name in snake_case): of left_knee, LeftKnee, knee-l, "Left knee"."""
    words = [w.lower() for w in re.split(r"[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])", name) if w]
    for at, word in enumerate(words):
        whole_word = len(word) > 1 or at in (0, len(words) - 1)
        if word in _SIDES and whole_word and len(words) > 1:
            return _SIDES[word], "_".join(words[:at] + words[at + 1 :])
    return "", "_".join(words)


def _valid(limbs: tuple[Pair, ...], count: int) -> tuple[Pair, ...]:
    kept = [(a, b) for a, b in limbs if a != b and 0 <= a < count and 0 <= b < count]
    return tuple(dict.fromkeys(kept))
