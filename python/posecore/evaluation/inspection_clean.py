"""An annotation file without labels that some rules are against; every other byte stays."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from posecore.errors import SourceError
from posecore.evaluation.inspection_findings import CLEAN_RULES, RULES, SAFE_RULES, Finding
from posecore.evaluation.inspection_json import Span, edited, elements, member

if TYPE_CHECKING:
    from posecore.evaluation.inspection import Inspection

THRESHOLD = 2.0
"""Suspicion from which a label is left out, where nothing else is said."""


@dataclass(frozen=True, slots=True)
class Omission:
    """What is left out of one person.

    Attributes:
        person: row of the truths.
        keypoints: those that become 0, 0, 0; () where the person is left out.
        reasons: the findings that say so.
    """

    person: int
    keypoints: tuple[int, ...]
    reasons: tuple[Finding, ...]

    @property
    def whole(self) -> bool:
        """Whether the person is left out."""
        return not self.keypoints


def omissions_of(
    inspection: Inspection,
    *,
    threshold: float = THRESHOLD,
    whole: bool = False,
    rules: Collection[str] = SAFE_RULES,
) -> tuple[Omission, ...]:
    """What would be left out.

    Args:
        threshold: least suspicion, 1 or more; 1 takes all findings of the rules.
        whole: leave people out where else only some of their keypoints would be.
        rules: the rules that are followed, some of `CLEAN_RULES`.

    Returns:
        One omission a person, in the order of the file.

    Raises:
        ValueError: `rules` has one that a clean file cannot follow.
    """
    for kind in rules:
        if kind not in CLEAN_RULES:
            raise ValueError(f"rules: wanted some of {', '.join(CLEAN_RULES)}, got {kind!r}")
    people: dict[int, list[Finding]] = {}
    for one in inspection.findings:
        if one.kind in rules and one.suspicion >= threshold:
            people.setdefault(one.person, []).append(one)
    found = []
    for person, reasons in sorted(people.items()):
        out = whole or any(RULES[one.kind].hides == "person" for one in reasons)
        keypoints = sorted({k for one in reasons for k in one.keypoints})
        found.append(Omission(person, () if out else tuple(keypoints), tuple(reasons)))
    return tuple(found)


def omission_data(inspection: Inspection, omission: Omission) -> dict[str, Any]:
    """An omission as plain data."""
    truths = inspection.truths
    image = truths.image_index[omission.person]
    return {
        "annotation_id": int(truths.ids[omission.person]),
        "image_id": int(truths.images.ids[image]),
        "file_name": truths.images.file_names[image],
        "left_out": "person" if omission.whole else "keypoints",
        "keypoints": [inspection.body.names[k] for k in omission.keypoints],
        "reasons": [
            {"kind": one.kind, "suspicion": round(one.suspicion, 4), "text": one.text}
            for one in omission.reasons
        ],
    }


def clean_text(
    text: str,
    name: str,
    inspection: Inspection,
    omissions: Sequence[Omission],
    *,
    fields: tuple[str, ...] = ("keypoints",),
) -> str:
    """The annotation file's text without what is left out.

    People are cut out of "annotations" with their comma. Keypoints that are left out become 0, 0, 0, as
    COCO writes what is not labelled, and num_keypoints, where a person has it, is less by as many as were labelled
    in "keypoints".

    Args:
        text: of the file that was inspected.
        name: of the file, for errors.
        fields: the keypoint fields that were read, in order.

    Raises:
        SourceError: the text is not the file that was inspected.
    """
    try:
        array = member(text, 0, "annotations")
        people = list(elements(text, array[0])) if array else []
    except ValueError as error:
        raise SourceError(
            f"{name}: wanted a JSON object with annotations, got text that is none ({error})"
        ) from None
    ids = inspection.truths.ids.tolist()
    found = [value.get("id") if isinstance(value, dict) else None for value, _ in people]
    if array is None or found != ids:
        raise SourceError(
            f"{name}: wanted the {len(ids)} annotations that were inspected, got others; "
            "the file changed in between"
        )
    edits: list[tuple[Span, str]] = []
    out = {one.person for one in omissions if one.whole}
    for one in omissions:
        if not one.whole:
            edits += _hidden(text, people[one.person][1], one, inspection, fields)
    edits += _cut([span for _, span in people], out)
    return edited(text, edits)


def _cut(spans: list[Span], out: set[int]) -> list[tuple[Span, str]]:
    """Each element with the comma before it; the first ones that go, with the comma after them."""
    edits: list[tuple[Span, str]] = []
    first_kept = next((n for n in range(len(spans)) if n not in out), None)
    if first_kept is None:
        return [((spans[0][0], spans[-1][1]), "")] if spans else []
    if first_kept > 0:
        edits.append(((spans[0][0], spans[first_kept][0]), ""))
    edits += [((spans[n - 1][1], spans[n][1]), "") for n in sorted(out) if n > first_kept]
    return edits


def _hidden(
    text: str, span: Span, omission: Omission, inspection: Inspection, fields: tuple[str, ...]
) -> list[tuple[Span, str]]:
    edits: list[tuple[Span, str]] = []
    before, counted = 0, 0
    labelled = np.flatnonzero(inspection.truths.visibility[omission.person] > 0)
    hidden = set(omission.keypoints) & set(labelled.tolist())
    for field in fields:
        at = member(text, span[0], field)
        numbers = [where for _, where in elements(text, at[0])] if at else []
        count = len(numbers) // 3
        here = [k - before for k in hidden if before <= k < before + count]
        edits += [(number, "0") for k in here for number in numbers[3 * k : 3 * k + 3]]
        counted += len(here) if field == "keypoints" else 0
        before += count
    at = member(text, span[0], "num_keypoints")
    if at and counted and text[at[0] : at[1]].isdigit():
        edits.append((at, str(max(int(text[at[0] : at[1]]) - counted, 0))))
    return edits
