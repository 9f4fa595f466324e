"""Foot annotations beside COCO's: 17 body and 6 foot keypoints of the same people merged into 23.

The CMU foot annotations (Cao et al., OpenPose, arXiv 1812.08008) label big toe, small toe and heel, left before
right, on people of COCO 2017 under COCO's own annotation ids.
"""

from __future__ import annotations

import copy
import json
import math
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

    def json_text(self) -> str:
        """The merged set as JSON.

        Raises:
            SourceError: a number in it is not finite, which JSON cannot say; its place is named.
        """
        try:
            return json.dumps(self.annotations, allow_nan=False)
        except ValueError:
            place = _not_finite(self.annotations, "body") or "body: somewhere"
            raise SourceError(f"{place}: wanted finite numbers, got NaN or infinity") from None

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
    seen = set()
    for place, person in enumerate(_people(body, "body")):
        where = f"body: annotation {place} (id {person['id']!r})"
        if person["id"] in seen:
            raise SourceError(f"{where}: wanted different ids, got this one twice")
        seen.add(person["id"])
        points = _points(person, where, (_BODY,))
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
    categories = body.get("categories", [])
    if not isinstance(categories, list):
        raise SourceError(f"body: wanted a list categories, got {_kind(categories)}")
    categories = [_category(place, category) for place, category in enumerate(categories)]
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
            raise SourceError(f"{name}: annotation {place}: wanted an object, got {_kind(person)}")
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


def _category(place: int, category: Any) -> Any:
    if not isinstance(category, dict):
        raise SourceError(f"body: category {place}: wanted an object, got {_kind(category)}")
    names, skeleton = category.get("keypoints", []), category.get("skeleton", [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise SourceError(f"body: category {place}: wanted a list of names in keypoints, got {_kind(names)}")
    if not isinstance(skeleton, list):
        raise SourceError(
            f"body: category {place}: wanted a list of pairs in skeleton, got {_kind(skeleton)}"
        )
    if len(names) != _BODY:
        return category
    limbs = [[a + 1, b + 1] for a, b in _LIMBS]
    return {
        **category,
        "keypoints": [*names, *COCO_FEET23.keypoints[_BODY:]],
        "skeleton": [*skeleton, *limbs],
    }


def _kind(value: Any) -> str:
    """What JSON calls it."""
    kinds = ((str, "text"), (bool, "true or false"), (list, "a list of other things"), (Mapping, "an object"))
    return (
        "null" if value is None else next((kind for of, kind in kinds if isinstance(value, of)), "a number")
    )


def _not_finite(value: Any, where: str) -> str | None:
    """The place of the first number in `value` that is not finite."""
    if isinstance(value, float):
        return None if math.isfinite(value) else where
    if isinstance(value, Mapping):
        parts: Any = ((f"{where}: {key}", part) for key, part in value.items())
    elif isinstance(value, list):
        parts = ((f"{where}: {place}", part) for place, part in enumerate(value))
    else:
        return None
    return next((found for place, part in parts if (found := _not_finite(part, place))), None)
