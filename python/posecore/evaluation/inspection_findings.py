"""`Finding`: one reason to look at a person, and the rules that give reasons."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """What is looked for.

    Attributes:
        label: a few words for tables.
        unit: what the score is measured in, for programs.
        starts: the score from which a person is listed, for people, with places for `alarm`, `percent` and
            `times`, which is exp(alarm / 2).
        alarm: the score from which a person is listed, suspicion 1.
        hides: what writing a clean file can do about it: "keypoints" hides them, "person" leaves the person
            out, "" only lists.
        text: the rule in a sentence or two.
        asked: a clean file follows the rule only where it is asked for by name, because right labels of
            unusual poses look the same.
    """

    label: str
    unit: str
    starts: str
    alarm: float
    hides: str
    text: str
    asked: bool = False

    @property
    def begins(self) -> str:
        """Where the rule begins to list, in words."""
        times, percent = math.exp(self.alarm / 2), 100 * self.alarm
        return self.starts.format(alarm=self.alarm, percent=percent, times=times)


RULES: dict[str, Rule] = {
    "flown": Rule(
        "keypoint flies away",
        "decades",
        "one chance in 10^{alarm:g}",
        5.0,
        "keypoints",
        "The keypoint lies where the others of its person, by the poses of this set, leave it one chance in "
        "10^score.",
    ),
    "sides": Rule(
        "left and right exchanged",
        "2 ln likelihood ratio",
        "{times:.0f} times likelier exchanged",
        10.0,
        "keypoints",
        "With left and right of these pairs exchanged, the person is likelier by exp(score / 2). Crossed legs "
        "and arms and heads turned aside look the same.",
        asked=True,
    ),
    "limb": Rule(
        "limb too long",
        "robust z",
        "{alarm:g} robust deviations above the median",
        5.0,
        "",
        "The limb's length by the person's size lies this many robust deviations above the set's median. "
        "Short limbs are foreshortened, and no reason.",
    ),
    "picture": Rule(
        "outside of the picture",
        "share of size",
        "{percent:g} % of the person's size",
        0.01,
        "keypoints",
        "Labelled keypoints lie outside of the picture, by this share of the root of the person's box area.",
    ),
    "box": Rule(
        "outside of the box",
        "share of size",
        "{percent:g} % of the person's size",
        0.25,
        "",
        "Labelled keypoints lie outside of the person's box, by this share of the root of its area. "
        "Boxes drawn around the visible part of a person give such people.",
    ),
    "together": Rule(
        "keypoints in one place",
        "keypoints",
        "{alarm:g} keypoints",
        2.0,
        "",
        "So many labelled keypoints of the person have exactly the same coordinates.",
    ),
    "twin": Rule(
        "annotated twice",
        "OKS",
        "an OKS of {alarm:g}",
        0.85,
        "person",
        "Two people of one picture have this OKS over the keypoints that both have. Listed is the one whose box fits "
        "its keypoints worse; where both fit, who has fewer visible keypoints, then the later one.",
    ),
    "copy": Rule(
        "same labels in another picture",
        "keypoints",
        "{alarm:g} keypoints",
        5.0,
        "",
        "A person of another picture has exactly the same coordinates in so many keypoints: the picture may be "
        "in the set twice.",
    ),
    "rare": Rule(
        "rare pose",
        "misfit",
        "{alarm:g} times the usual distance from the mean pose",
        4.0,
        "",
        "The pose as a whole is this many times as far from the mean pose as usual ones. Rare is not wrong.",
    ),
}

CLEAN_RULES = tuple(kind for kind, rule in RULES.items() if rule.hides)
"""Rules that a clean file can follow."""
SAFE_RULES = tuple(kind for kind in CLEAN_RULES if not RULES[kind].asked)
"""Rules that a clean file follows where nothing else is said."""

_STEPS = {"twin": 0.05, "picture": 0.04}
"""How much more score is one more suspicion."""
_GENTLER = {"together": 0.25, "rare": 0.25, "box": 0.25, "copy": 0.5}
"""Rules whose suspicion grows more slowly than their score."""


def suspicion_of(kind: str, score: float) -> float:
    """How suspicious a score is on the scale that all rules share: 1 at the rule's alarm.

    It is the score by the alarm, 2 at an OKS of 0.9 for people annotated twice, 2 at a twentieth of the
    person's size outside of the picture, and grows slowly for reasons that are seldom mistakes.
    """
    alarm = RULES[kind].alarm
    if kind in _STEPS:
        return 1 + (score - alarm) / _STEPS[kind]
    return 1 + _GENTLER.get(kind, 1.0) * (score / alarm - 1)


@dataclass(frozen=True, slots=True)
class Finding:
    """A reason to look at a person.

    Attributes:
        kind: a key of `RULES`.
        person: row of the truths.
        keypoints: the keypoints that it is about, () where it is about the whole person.
        score: in the rule's unit.
        suspicion: 1 or more, on one scale for all rules.
        text: what was found, for people.
        other: row of the truths of the other person of twins and copies, else -1.
    """

    kind: str
    person: int
    keypoints: tuple[int, ...]
    score: float
    suspicion: float
    text: str
    other: int = -1


def finding(
    kind: str, person: int, keypoints: tuple[int, ...], score: float, text: str, other: int = -1
) -> Finding:
    """The finding with its suspicion."""
    score = float(score)
    return Finding(
        kind, int(person), tuple(int(k) for k in keypoints), score, suspicion_of(kind, score), text, other
    )
