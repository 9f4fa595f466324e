"""`inspect`: what a person should look at in an annotation file before training with it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from posecore.evaluation.inspection_body import Body, body_of
from posecore.evaluation.inspection_counts import Counts, counts_of
from posecore.evaluation.inspection_findings import RULES, Finding
from posecore.evaluation.inspection_places import Places, places_of
from posecore.evaluation.inspection_poses import (
    LEAST_LABELLED,
    LEAST_PEOPLE,
    MOST_KEYPOINTS,
    Judgement,
    PoseModel,
)
from posecore.evaluation.inspection_sides import learn_straight
from posecore.evaluation.inspection_strangers import (
    LimbLengths,
    flown_and_exchanged,
    limb_lengths,
    rare_poses,
)
from posecore.evaluation.inspection_twins import copies_of, repeated_names, twins_of
from posecore.evaluation.inspection_variety import Variety, variety_of

if TYPE_CHECKING:
    import numpy.typing as npt

    from posecore.evaluation.truths import Truths
    from posecore.skeletons import Pair, Skeleton

MOST_PX = 1e7
"""Coordinates are taken as at most so far from the origin: further is wrong anyway, and squares stay finite."""


@dataclass(frozen=True, slots=True, eq=False)
class Inspection:
    """What was found in one annotation file.

    Attributes:
        truths: the file.
        body: what is known of its keypoints.
        counts: pictures, people, visibility, sizes.
        places: where keypoints lie in their boxes and pictures.
        variety: how people stand; None where the skeleton has no shoulders and hips by name.
        model: the set's poses; None where there are too few people or too many keypoints.
        limbs: lengths of each limb; () without a model.
        findings: reasons to look at people, most suspicious first.
        repeated_names: {file name: how many pictures have it}, for those that several have.
        notes: sentences for people: what was derived, what was not looked at and why.
    """

    truths: Truths
    body: Body
    counts: Counts
    places: Places
    variety: Variety | None
    model: PoseModel | None
    limbs: tuple[LimbLengths, ...]
    findings: tuple[Finding, ...]
    repeated_names: dict[str, int]
    notes: tuple[str, ...]

    def by_person(self) -> dict[int, list[Finding]]:
        """{row of the truths: its findings}, the most suspicious person first."""
        people: dict[int, list[Finding]] = {}
        for one in self.findings:
            people.setdefault(one.person, []).append(one)
        return people

    def count(self, kind: str) -> int:
        """How many people have a finding of this kind."""
        return len({one.person for one in self.findings if one.kind == kind})

    def report(self) -> dict[str, Any]:
        """Everything as plain data; numbers that do not exist are None."""
        counts, places, variety = self.counts, self.places, self.variety
        names = self.body.names
        return {
            "file": self.truths.origin.name,
            "sha256": self.truths.origin.sha256,
            "notes": list(self.notes),
            "counts": {
                "pictures": counts.pictures,
                "pictures_without_people": counts.empty_pictures,
                "pictures_without_name": counts.unnamed_pictures,
                "pictures_without_size": counts.unsized_pictures,
                "people": counts.people,
                "crowds": counts.crowds,
                "people_without_keypoints": counts.unlabelled,
                "people_by_picture": counts.per_picture.tolist(),
                "people_by_labelled_keypoints": counts.labelled.tolist(),
                "people_by_coco_size": counts.shares,
                "box_aspect_10_50_90": [_plain(value) for value in counts.aspects],
            },
            "keypoints": [
                {
                    "name": name,
                    "v0_v1_v2": counts.visibility[k].tolist(),
                    "outside_box": int(places.outside_box[k]),
                    "of_with_box": int(places.with_box[k]),
                    "outside_picture": int(places.outside_picture[k]),
                    "of_in_sized_picture": int(places.with_picture[k]),
                }
                for k, name in enumerate(names)
            ],
            "flip_pairs": [[names[a], names[b]] for a, b in self.body.flip_pairs],
            "limbs": [
                {
                    "limb": [names[k] for k in one.limb],
                    "people": one.people,
                    "length_by_size_5_50_95": [_plain(v) for v in (one.low, one.median, one.high)],
                    "outliers": one.outliers,
                }
                for one in self.limbs
            ],
            "variety": None
            if variety is None
            else {
                "people": variety.people,
                "upright": variety.upright,
                "views": variety.views,
                "upright_front": variety.upright_front,
                "torso_angles_15_deg": variety.angles.tolist(),
            },
            "cut_by_picture": places.cut
            | {"any": places.cut_any, "of_people_with_box_and_picture_size": places.judged_cut},
            "repeated_file_names": self.repeated_names,
            "rules": {
                kind: {
                    "people": self.count(kind),
                    "alarm": rule.alarm,
                    "unit": rule.unit,
                    "begins": rule.begins,
                    "text": rule.text,
                }
                for kind, rule in RULES.items()
            },
            "findings": [finding_data(self, one) for one in self.findings],
        }

    def lines(self) -> Iterator[str]:
        """A summary for people."""
        counts, places = self.counts, self.places
        sizes = counts.shares
        yield (
            f"{counts.people} people in {counts.pictures} pictures ({counts.empty_pictures} of them empty), "
            f"{counts.crowds} crowds, {counts.unlabelled} people without keypoints"
        )
        yield f"size: {sizes['small']} small, {sizes['medium']} medium, {sizes['large']} large"
        if self.variety is not None and self.variety.people:
            of = self.variety.people
            views = ", ".join(f"{view} {_share(n, of)}" for view, n in self.variety.views.items())
            yield f"torso seen in {of}: upright {_share(self.variety.upright, of)}; {views}"
        if places.judged_cut:
            yield f"cut by the picture's border: {_share(places.cut_any, places.judged_cut)} of boxes"
        width = max([8, *(len(_short(name)) for name in self.body.names)])
        yield f"{'keypoint':<{width}} {'v = 0':>8} {'v = 1':>8} {'v = 2':>8} {'out of box':>11} {'out of picture':>15}"
        for k, name in enumerate(self.body.names):
            v0, v1, v2 = counts.visibility[k].tolist()
            yield (
                f"{_short(name):<{width}} {v0:>8} {v1:>8} {v2:>8} "
                f"{int(places.outside_box[k]):>11} {int(places.outside_picture[k]):>15}"
            )
        yield f"{'reason to look':<32} {'people':>7}  listed from"
        for kind, rule in RULES.items():
            yield f"{rule.label:<32} {self.count(kind):>7}  {rule.begins}"
        if self.repeated_names:
            yield f"{len(self.repeated_names)} file names belong to several pictures"
        for note in self.notes:
            yield f"note: {note}"


def inspect(truths: Truths, *, skeleton: Skeleton | None = None, limbs: tuple[Pair, ...] = ()) -> Inspection:
    """Look for what is unusual or contradicts itself in the people of an annotation file.

    Crowds are counted and else left alone.

    Args:
        truths: the people, as `coco_files.read_truths` gives them.
        skeleton: what the keypoints are; None: their names decide.
        limbs: the category's own pairs of keypoints, 0..K - 1; used where posecore does not know the skeleton.

    Raises:
        ValueError: the skeleton or the category's names have another number of keypoints than the people.
    """
    body = body_of(truths.keypoint_names, truths.num_keypoints, skeleton=skeleton, limbs=limbs)
    notes = [*truths.origin.notes, *body.notes]
    far = (np.abs(truths.xy) > MOST_PX).any() or (np.abs(np.nan_to_num(truths.boxes)) > MOST_PX).any()
    if far:
        notes.append(f"Coordinates beyond {MOST_PX:g} px are taken as {MOST_PX:g} px.")
        xy, boxes = np.clip(truths.xy, -MOST_PX, MOST_PX), np.clip(truths.boxes, -MOST_PX, MOST_PX)
        truths = replace(truths, xy=xy, boxes=boxes)
    people = np.flatnonzero(~truths.is_crowd)
    places, findings = places_of(truths, people, body)
    findings += twins_of(truths, people, body)
    findings += copies_of(truths, people)
    model, limb_rows, strangers, why_not = _strangers(truths, people, body)
    findings += strangers
    if why_not:
        notes.append(why_not)
    if body.sigmas is None:
        notes.append("The skeleton has no sigmas: people annotated twice are looked for with 0.08 for all.")
    seen = truths.visibility[people] > 0
    return Inspection(
        truths=truths,
        body=body,
        counts=counts_of(truths),
        places=places,
        variety=variety_of(truths.xy[people], seen, body),
        model=model,
        limbs=tuple(limb_rows),
        findings=tuple(sorted(findings, key=lambda one: (-one.suspicion, one.person, one.kind))),
        repeated_names=repeated_names(truths),
        notes=tuple(notes),
    )


def finding_data(inspection: Inspection, one: Finding) -> dict[str, Any]:
    """A finding as plain data."""
    truths = inspection.truths
    image = truths.image_index[one.person]
    return {
        "kind": one.kind,
        "annotation_id": int(truths.ids[one.person]),
        "image_id": int(truths.images.ids[image]),
        "file_name": truths.images.file_names[image],
        "keypoints": [inspection.body.names[k] for k in one.keypoints],
        "score": round(one.score, 4),
        "suspicion": round(one.suspicion, 4),
        "text": one.text,
        "other_annotation_id": int(truths.ids[one.other]) if one.other >= 0 else None,
    }


def _strangers(
    truths: Truths, people: npt.NDArray[np.int64], body: Body
) -> tuple[PoseModel | None, list[LimbLengths], list[Finding], str]:
    """The pose model and what it finds, rows of the truths in the findings; else why there is none."""
    if not 2 <= truths.num_keypoints <= MOST_KEYPOINTS:
        why = f"Poses are compared for 2 to {MOST_KEYPOINTS} keypoints, and these people have {truths.num_keypoints}"
        return None, [], [], f"{why}: wrong keypoints, exchanged sides and limb lengths are not looked for."
    xy, visibility = truths.xy[people], truths.visibility[people]
    seen = visibility > 0
    model = learn_straight(xy, seen, body)
    if model is None:
        enough = int((seen.sum(axis=1) >= LEAST_LABELLED).sum())
        why = (
            f"Poses are compared among {LEAST_PEOPLE} people or more of {LEAST_LABELLED} labelled keypoints, "
            f"and the file has {enough}"
        )
        return None, [], [], f"{why}: wrong keypoints, exchanged sides and limb lengths are not looked for."
    judgement: Judgement = model.judge(xy, seen)
    limb_rows, too_long = limb_lengths(xy, seen, body, judgement)
    found = [*flown_and_exchanged(xy, visibility, body, model), *too_long, *rare_poses(judgement)]
    return model, limb_rows, [replace(one, person=int(people[one.person])) for one in found], ""


def _share(count: int, of: int) -> str:
    return f"{100 * count / of:.0f} %"


def _short(name: str) -> str:
    return name if len(name) <= 24 else name[:23] + "…"


def _plain(value: float) -> float | None:
    return round(float(value), 4) if math.isfinite(value) else None
