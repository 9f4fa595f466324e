"""The gallery of the inspection page: people with reasons to look at them, and the controls over them."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from posecore.evaluation.inspection_clean import Omission
from posecore.evaluation.inspection_findings import RULES
from posecore.evaluation.inspection_markup import label
from posecore.evaluation.inspection_pictures import Crops, View, view_of
from posecore.evaluation.markup import Markup, count, json_block, plain, tag

if TYPE_CHECKING:
    from posecore.evaluation.inspection import Inspection

_ORDERS = (
    ("suspicion", "suspicion, highest first"),
    ("reasons", "most reasons"),
    ("large", "largest people"),
    ("small", "smallest people"),
    ("name", "picture name"),
    ("id", "annotation id"),
)


def controls(inspection: Inspection) -> Markup:
    """Filters, and the empty grid that the script fills."""
    kinds = [("", "any")]
    kinds += [
        (kind, f"{rule.label} ({count(inspection.count(kind))})")
        for kind, rule in RULES.items()
        if inspection.count(kind)
    ]
    keypoints = [("", "any"), *((str(k), label(name)) for k, name in enumerate(inspection.body.names))]
    form = tag(
        "form",
        _select("Reason", "kind", kinds),
        _select("At keypoint", "keypoint", keypoints),
        _select("Sort by", "order", _ORDERS),
        tag("label", tag("span", "Picture or annotation"), tag("input", type="search", name="search")),
        tag("button", "reset", type="reset"),
        class_="controls",
        id="filters",
    )
    noscript = tag(
        "noscript", tag("p", "The gallery needs JavaScript; --json has the same findings.", class_="note")
    )
    return tag(
        "div",
        form,
        tag("p", "", id="shown", class_="caption", aria_live="polite"),
        tag("div", "", id="cards", class_="cards"),
        tag("button", "show more", type="button", id="more", class_="more", hidden=True),
        noscript,
    )


def gallery_block(
    inspection: Inspection, people: list[int], crops: Crops, omissions: Mapping[int, Omission]
) -> Markup:
    """The people's data for the script."""
    body = inspection.body
    by_person = inspection.by_person()
    limbs = [[a, b, body.limb_side(a, b)] for a, b in body.limbs]
    value = {
        "keypoints": [label(name) for name in body.names],
        "sides": [body.side(k) for k in range(body.num_keypoints)],
        "limbs": limbs,
        "kinds": {kind: rule.label for kind, rule in RULES.items()},
        "entries": [_entry(inspection, person, by_person[person], crops, omissions) for person in people],
    }
    return json_block("gallery-data", value)


def _entry(
    inspection: Inspection, person: int, findings: list[Any], crops: Crops, omissions: Mapping[int, Omission]
) -> dict[str, Any]:
    truths = inspection.truths
    image = truths.image_index[person]
    view = view_of(truths, person)
    entry: dict[str, Any] = {
        "id": str(truths.ids[person]),
        "image": str(truths.images.ids[image]),
        "name": plain(truths.images.file_names[image]),
        "size": round(view.width * view.height),
        "suspicion": round(max(one.suspicion for one in findings), 3),
        "view": [round(view.width * view.scale, 1), round(view.height * view.scale, 1)],
        "points": _points(inspection, person, view),
        "reasons": [
            {
                "kind": one.kind,
                "suspicion": round(one.suspicion, 3),
                "text": plain(one.text, 240),
                "keypoints": list(one.keypoints),
            }
            for one in findings
        ],
    }
    width, height = int(truths.images.widths[image]), int(truths.images.heights[image])
    if width > 0 and height > 0:
        entry["picture"] = True
        entry["ground"] = _rectangle((0.0, 0.0, float(width), float(height)), view)
    box = truths.boxes[person].tolist()
    if all(math.isfinite(side) for side in box):
        entry["box"] = _rectangle((box[0], box[1], box[2], box[3]), view)
    if person in crops.jpegs:
        jpeg, x, y, w, h = crops.jpegs[person]
        entry["jpeg"] = base64.b64encode(jpeg).decode()
        entry["crop"] = [round(side, 1) for side in (x, y, w, h)]
    twins = [one.other for one in findings if one.kind == "twin"]
    if twins:
        entry["other"] = _points(inspection, twins[0], view)
    if person in omissions:
        gone = omissions[person]
        names = ", ".join(label(inspection.body.names[k]) for k in gone.keypoints)
        entry["out"] = "left out" if gone.whole else f"left out: {names}"
    return entry


def _points(inspection: Inspection, person: int, view: View) -> list[list[float] | None]:
    """[x, y, v] in shown pixels, what lies outside of the view on its border; None where not labelled."""
    truths = inspection.truths
    found: list[list[float] | None] = []
    for (x, y), v in zip(truths.xy[person].tolist(), truths.visibility[person].tolist(), strict=True):
        across = min(max(x - view.left, 0.0), view.width) * view.scale
        down = min(max(y - view.top, 0.0), view.height) * view.scale
        found.append([round(across, 1), round(down, 1), v] if v else None)
    return found


def _rectangle(sides: tuple[float, float, float, float], view: View) -> list[float]:
    """The part of a rectangle (x, y, width, height) that is in the view, in shown pixels."""
    x, y, width, height = sides
    left, top = max(x - view.left, -2.0), max(y - view.top, -2.0)
    right = max(left, min(x + width - view.left, view.width + 2))
    bottom = max(top, min(y + height - view.top, view.height + 2))
    return [round(side * view.scale, 1) for side in (left, top, right - left, bottom - top)]


def _select(label: str, name: str, options: Any) -> Markup:
    choices = [tag("option", text, value=value) for value, text in options]
    return tag("label", tag("span", label), tag("select", choices, name=name))
