"""Foot annotations beside COCO's: 17 body and 6 foot keypoints of the same people merged into 23.

The CMU foot annotations (Cao et al., OpenPose, arXiv 1812.08008) label big toe, small toe and heel, left before
right, on people of COCO 2017 under COCO's own annotation ids.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from posecore.arguments import choice
from posecore.errors import SourceError
from posecore.skeletons import COCO_FEET23

_BODY, _FEET = 17, 6
_LIMBS = [[15, 17], [15, 18], [15, 19], [16, 20], [16, 21], [16, 22]]


@dataclass(frozen=True, slots=True)
class FeetMerge:
    """A merged annotation set, and what happened to each person.

    Attributes:
        annotations: the body set with 23 keypoints a person; everything else in it is as it was.
        matched: people with both.
        without_feet: people of the body set that no foot annotation names; their feet are unlabelled.
        dropped: people that were left out since `unmatched` is "drop".
        without_body: ids of foot annotations that are in no body annotation; they are left out.
        elsewhere: ids of foot annotations that name another picture than the body does; they are left out.
    """

    annotations: dict[str, Any]
    matched: int
    without_feet: int
    dropped: int
    without_body: tuple[int, ...]
    elsewhere: tuple[int, ...]

    def __str__(self) -> str:
        kept = f"{self.without_feet} without foot annotation kept with unlabelled feet"
        if self.dropped:
            kept = f"{self.dropped} without foot annotation left out"
        return (
            f"{self.matched} people have body and feet, {kept}; foot annotations left out: "
            f"{len(self.without_body)} of people that are not in the body set, "
            f"{len(self.elsewhere)} that name another picture"
        )


def merge_feet(
    body: Mapping[str, Any], feet: Mapping[str, Any], *, unmatched: Literal["keep", "drop"] = "keep"
) -> FeetMerge:
    """COCO keypoint annotations with 23 keypoints out of 17 and 6.

    Args:
        body: a COCO annotation set with 17 keypoints a person, as `json.load` gives it. It is not changed.
        feet: the same with the foot keypoints: 18 numbers a person, or 69 of which the last 18 are taken.
        unmatched: what becomes of people without foot annotation: "keep" them with v = 0, or "drop" them.

    Raises:
        SourceError: a record that is not as said; its place, id and field are named.
    """
    choice(unmatched, "unmatched", ("keep", "drop"))
    by_id: dict[Any, tuple[Any, list[Any]]] = {}
    for place, person in enumerate(_people(feet, "feet")):
        where = f"feet: annotation {place} (id {person['id']!r})"
        points = _points(person, where, (_FEET, _BODY + _FEET))[-3 * _FEET :]
        if person["id"] in by_id:
            raise SourceError(f"{where}: wanted different ids, got this one twice")
        by_id[person["id"]] = (person["image_id"], points)
    merged, elsewhere, used = [], [], set()
    matched = without = 0
    for place, person in enumerate(_people(body, "body")):
        points = _points(person, f"body: annotation {place} (id {person['id']!r})", (_BODY,))
        image, foot_points = by_id.get(person["id"], (None, [0] * 3 * _FEET))
        if person["id"] in by_id:
            used.add(person["id"])
            if image != person["image_id"]:
                elsewhere.append(person["id"])
                foot_points = [0] * 3 * _FEET
        found = person["id"] in by_id and image == person["image_id"]
        matched += found
        without += not found
        if not found and unmatched == "drop":
            continue
        person = copy.copy(person)
        person["keypoints"] = [*points, *foot_points]
        person["num_keypoints"] = sum(v > 0 for v in person["keypoints"][2::3])
        merged.append(person)
    categories = [_category(category) for category in body.get("categories", ())]
    return FeetMerge(
        {**body, "annotations": merged, "categories": categories},
        matched,
        0 if unmatched == "drop" else without,
        without if unmatched == "drop" else 0,
        tuple(person for person in by_id if person not in used),
        tuple(elsewhere),
    )


def _people(annotations: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    people = annotations.get("annotations") if isinstance(annotations, Mapping) else None
    if not isinstance(people, list):
        raise SourceError(f"{name}: wanted COCO annotations with a list annotations, got none")
    for place, person in enumerate(people):
        if not isinstance(person, dict):
            raise SourceError(f"{name}: annotation {place}: wanted an object, got {type(person).__name__}")
        for field in ("id", "image_id"):
            if not isinstance(person.get(field), int):
                raise SourceError(
                    f"{name}: annotation {place}: wanted a whole number {field}, got {person.get(field)!r}"
                )
    return people


def _points(person: Mapping[str, Any], where: str, counts: tuple[int, ...]) -> list[Any]:
    points = person.get("keypoints")
    wanted = " or ".join(f"{3 * count}" for count in counts)
    if not isinstance(points, list) or len(points) not in [3 * count for count in counts]:
        got = f"{len(points)}" if isinstance(points, list) else "none"
        raise SourceError(f"{where}: wanted {wanted} numbers in keypoints, got {got}")
    if not all(isinstance(value, (int, float)) and abs(value) < 1e9 for value in points):
        raise SourceError(f"{where}: wanted finite numbers in keypoints")
    return points


def _category(category: Any) -> Any:
    if not isinstance(category, dict) or len(category.get("keypoints", ())) != _BODY:
        return category
    limbs = [[a + 1, b + 1] for a, b in _LIMBS]
    return {
        **category,
        "keypoints": [*category["keypoints"], *COCO_FEET23.keypoints[_BODY:]],
        "skeleton": [*category.get("skeleton", ()), *limbs],
    }
