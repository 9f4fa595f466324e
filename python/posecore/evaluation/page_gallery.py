"""The gallery of the worst people: its controls, its dialog, and the data that gallery.js draws."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable

from posecore.evaluation.markup import KINDS, Markup, plain, tag
from posecore.evaluation.page_content import Entry, PageContent, Picture
from posecore.evaluation.page_errors import SHAPES
from posecore.evaluation.page_parts import choices, letter, section, selection

SIZES = (("small", "below 1,024 px²"), ("medium", "1,024 to 9,216 px²"), ("large", "from 9,216 px²"))
"""COCO's sizes, by the area of the truth."""
_ORDERS = (
    ("worst", "worst first"),
    ("oks-up", "OKS, lowest first"),
    ("oks-down", "OKS, highest first"),
    ("score-down", "score, highest first"),
    ("score-up", "score, lowest first"),
    ("errors-down", "most keypoint errors"),
    ("errors-up", "fewest keypoint errors"),
    ("area-down", "area, largest first"),
    ("area-up", "area, smallest first"),
    ("name-up", "picture name"),
)


def gallery(content: PageContent) -> Markup | None:
    """Controls and an empty grid; gallery.js fills it."""
    entries = [entry for run in content.runs for entry in run.entries]
    if not entries:
        return None
    two = len(content.runs) == 2
    orders = [*_ORDERS, ("change-down", "largest difference in OKS")] if two else list(_ORDERS)
    filters = [
        selection("Sort by", "order", orders),
        selection(
            "Show",
            "type",
            (
                ("", "everything"),
                ("matched", "matched pairs"),
                ("false positive", "false positives"),
                ("false negative", "false negatives"),
            ),
        ),
        selection("With error", "kind", (("", "any or none"), *((k.name, k.name) for k in KINDS[1:]))),
        selection(
            "At keypoint",
            "keypoint",
            (
                ("", "any"),
                *(
                    (str(k), plain(name).replace("_", " "))
                    for k, name in enumerate(content.skeleton.keypoints)
                ),
            ),
            "with a kind of error: where this keypoint has it; without one: where it has any error",
        ),
        selection("Size", "size", (("", "any"), *((name, f"{name}, {text}") for name, text in SIZES))),
    ]
    if two:
        runs = [("", "A or B"), *((str(i), f"{letter(i)} only") for i in range(2))]
        filters.append(selection("Among the worst of", "run", runs))
    search = tag(
        "label", tag("span", "Picture name"), tag("input", type="search", name="search"), class_="selection"
    )
    layers = choices("Draw", "layers", ("both", "prediction", "truth", "picture alone"))
    lead = tag(
        "span",
        content.gallery_note,
        " Dashed green is the truth, the white skeleton with coloured shapes the prediction; a thin line leads from a "
        "wrong keypoint to its truth. Press a person for all keypoints; the arrow keys then go on.",
    )
    return section(
        "gallery",
        "The worst ones",
        lead,
        tag(
            "form",
            filters,
            search,
            tag("button", "reset", type="reset"),
            layers,
            class_="controls",
            id="filters",
        ),
        tag("p", "", class_="caption", id="shown", aria_live="polite"),
        tag("div", "", id="cards", class_="cards pairs" if two else "cards"),
        tag("noscript", tag("p", "The gallery is drawn by a script of this page, which did not run.")),
        _dialog(),
    )


def _dialog() -> Markup:
    buttons = [
        tag("button", text, type="button", id=name, aria_label=label)
        for name, text, label in (
            ("previous", "←", "previous person"),
            ("next", "→", "next person"),
            ("close", "×", "close"),
        )
    ]
    bar = tag("div", tag("h3", "", id="detail-title"), tag("div", buttons), class_="detail-bar")
    return tag("dialog", bar, tag("div", "", id="detail-body"), id="detail", aria_labelledby="detail-title")


def gallery_data(content: PageContent) -> dict[str, object]:
    """For gallery.js: skeleton, kinds, pictures with their crops, and entries in the order of their ranks."""
    skeleton = content.skeleton
    return {
        "keypoints": [plain(name).replace("_", " ") for name in skeleton.keypoints],
        "limbs": [list(limb) for limb in skeleton.limbs],
        "kinds": [{"name": kind.name, "shape": path} for kind, path in zip(KINDS, SHAPES, strict=True)],
        "runs": [plain(run.name, 60) for run in content.runs],
        "pictures": [_picture(picture) for picture in content.pictures],
        "entries": [_entry(entry, run) for run, one in enumerate(content.runs) for entry in one.entries],
    }


def _picture(picture: Picture) -> dict[str, object]:
    return {
        "name": plain(picture.name, 120),
        "size": [picture.width, picture.height],
        "crop": _rounded(picture.crop, 1),
        "jpeg": None if picture.jpeg is None else base64.b64encode(picture.jpeg).decode(),
    }


def _entry(entry: Entry, run: int) -> dict[str, object]:
    return {
        "run": run,
        "key": plain(entry.key),
        "picture": entry.picture,
        "type": entry.type,
        # As text: JavaScript's numbers are whole up to 2^53 alone.
        "truth": None if entry.truth_id is None else str(entry.truth_id),
        "detection": entry.detection,
        "truthXy": [_rounded(point, 1) for point in entry.truth_xy],
        "visibility": list(entry.visibility),
        "xy": [_rounded(point, 1) for point in entry.predicted_xy],
        "scores": _rounded(entry.keypoint_scores, 3),
        "kinds": list(entry.kinds),
        "ks": [None if value is None else round(value, 3) for value in entry.similarities],
        "oks": _round(entry.oks, 4),
        "score": _round(entry.score, 6),
        "area": _round(entry.area_px2, 1),
        "size": size_of(entry.area_px2),
        "rank": entry.rank,
    }


def size_of(area_px2: float | None) -> str | None:
    """The name in `SIZES` for an area in px²; 9,216 counts as large here, in COCO's ranges as both."""
    if area_px2 is None or not math.isfinite(area_px2):
        return None
    return "small" if area_px2 < 1024 else "medium" if area_px2 < 9216 else "large"


def _round(value: float | None, digits: int) -> float | None:
    return None if value is None or not math.isfinite(value) else round(float(value), digits)


def _rounded(values: Iterable[float], digits: int) -> list[float]:
    return [round(float(value), digits) for value in values]
