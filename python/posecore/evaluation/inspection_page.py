"""The inspection as one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from posecore.evaluation import inspection_charts as charts
from posecore.evaluation.inspection_clean import Omission
from posecore.evaluation.inspection_counts import MEDIUM_PX2, SIZE_EDGES_PX, SMALL_PX2
from posecore.evaluation.inspection_findings import RULES
from posecore.evaluation.inspection_gallery import controls, gallery_block
from posecore.evaluation.inspection_markup import label, wide_table
from posecore.evaluation.inspection_pictures import Crops
from posecore.evaluation.markup import Markup, count, fixed, percent, plain, tag
from posecore.evaluation.page_shell import document

if TYPE_CHECKING:
    from posecore.evaluation.inspection import Inspection

MOST_LISTED = 500
"""People in the table of what was left out; the command's JSON has all."""


def page(
    inspection: Inspection,
    *,
    people: Sequence[int] = (),
    crops: Crops | None = None,
    omissions: Sequence[Omission] = (),
    cleaned: str = "",
    version: str = "",
) -> bytes:
    """The page as UTF-8, the same bytes for the same content.

    Args:
        people: rows of the truths for the gallery, each with a finding.
        crops: of their pictures.
        omissions: what was left out of the clean file.
        cleaned: the clean file's name, "" where none was written.
        version: of posecore, for the foot of the page.
    """
    crops = crops or Crops()
    name = plain(inspection.truths.origin.name.replace("\\", "/").rpartition("/")[2] or "annotations")
    out = {one.person: one for one in omissions}
    sections = [
        _section("reasons", "Reasons to look", _reasons(inspection)),
        _section("gallery", "The most suspicious people", _gallery(inspection, list(people), crops)),
        _section("keypoints", "Keypoints", _keypoints(inspection)),
        _section("people", "People", _people(inspection)),
        _section("poses", "Poses", _poses(inspection)),
    ]
    if cleaned:
        sections.append(_section("left-out", "Left out", _left_out(inspection, omissions, cleaned)))
    sections.append(_section("rules", "Rules", _rules()))
    links = [("reasons", "Reasons"), ("gallery", "Gallery"), ("keypoints", "Keypoints"), ("people", "People")]
    links += [("poses", "Poses"), *([("left-out", "Left out")] if cleaned else []), ("rules", "Rules")]
    header = tag(
        "header",
        tag("h1", f"Annotations of {name}"),
        _subject(inspection),
        _tiles(inspection),
        [tag("p", plain(note, 400), class_="note") for note in inspection.notes],
        tag("nav", [tag("a", text, href=f"#{anchor}") for anchor, text in links]),
    )
    own = " Left and right are the person's own." if inspection.body.flip_pairs else ""
    footer = tag("footer", f"posecore {version} inspect-data.{own}")
    data = gallery_block(inspection, list(people), crops, out)
    return document(
        f"Annotations of {name}",
        [header, *sections, footer, data],
        styles=("inspection.css",),
        scripts=("inspection.js",),
        alone=True,
    )


def _section(anchor: str, title: str, parts: Sequence[Markup]) -> Markup:
    return tag("section", tag("h2", title), parts, id=anchor)


def _lead(text: object) -> Markup:
    return tag("p", text, class_="lead")


def _figure(picture: Markup, title: str, caption: object) -> Markup:
    return tag("figure", tag("h3", title), picture, tag("figcaption", caption))


def _subject(inspection: Inspection) -> Markup:
    origin = inspection.truths.origin
    parts = [plain(origin.name, 300)]
    if origin.size_bytes is not None:
        parts.append(f"{count(origin.size_bytes)} bytes")
    if origin.sha256:
        parts.append(f"SHA-256 {origin.sha256}")
    return tag("p", " · ".join(parts), class_="subject")


def _tiles(inspection: Inspection) -> Markup:
    counts = inspection.counts
    labelled = int(counts.visibility[:, 1:].sum())
    numbers = [
        ("pictures", count(counts.pictures)),
        ("of them without people", count(counts.empty_pictures)),
        ("people", count(counts.people)),
        ("crowds", count(counts.crowds)),
        ("people without keypoints", count(counts.unlabelled)),
        ("labelled keypoints", count(labelled)),
        ("people with a reason to look", count(len({one.person for one in inspection.findings}))),
    ]
    return tag(
        "dl", [tag("div", tag("dt", name), tag("dd", value)) for name, value in numbers], class_="tiles"
    )


def _reasons(inspection: Inspection) -> list[Markup]:
    people = inspection.counts.people - inspection.counts.crowds
    rows = [
        (rule.label, count(inspection.count(kind)), percent(inspection.count(kind), people), rule.text)
        for kind, rule in RULES.items()
    ]
    parts = [
        _lead(
            "What is listed is unusual or contradicts itself; a person decides whether it is wrong. Suspicion is one "
            "scale for all rules: 1 is where a rule begins to list."
        ),
        wide_table(("Reason", "people", "share", "what it says"), rows, class_="prose"),
    ]
    if inspection.repeated_names:
        names = sorted(inspection.repeated_names.items(), key=lambda item: -item[1])
        shown = ", ".join(f"{plain(name, 60)} ({number} x)" for name, number in names[:20])
        more = f" and {len(names) - 20} more" if len(names) > 20 else ""
        parts.append(tag("p", f"File names that several pictures have: {shown}{more}.", class_="note"))
    return parts


def _gallery(inspection: Inspection, people: list[int], crops: Crops) -> list[Markup]:
    every = len({one.person for one in inspection.findings})
    if not every:
        return [_lead("No rule lists anybody."), tag("div", controls(inspection), hidden=True)]
    body = inspection.body
    text = [f"The {count(len(people))} most suspicious of {count(every)} people that some rule lists."]
    if body.flip_pairs:
        text.append("Blue is the person's left, orange the right.")
    if not body.limbs:
        text.append("No limbs are drawn, since none are known.")
    text.append(
        "A pale point is labelled as hidden, a ring marks the keypoints that a rule is about, the dashed frame is "
        "the box."
    )
    if body.limbs and inspection.count("twin"):
        text.append("Dashed green is the other person of one annotated twice.")
    parts = [_lead(" ".join(text))]
    for what, names in (
        ("not in the folder", crops.missing),
        ("no picture that can be read", crops.broken),
        ("of another shape than the file says", crops.other_size),
    ):
        if names:
            shown = ", ".join(plain(name, 60) or "(no name)" for name in names[:5])
            sentence = f"{count(len(names))} pictures are {what}: {shown}{', …' if len(names) > 5 else ''}."
            parts.append(tag("p", sentence, class_="note"))
    if crops.full:
        sentence = (
            f"{count(crops.full)} people are shown without their picture, so that this file stays small."
        )
        parts.append(tag("p", sentence, class_="note"))
    return [*parts, controls(inspection)]


def _keypoints(inspection: Inspection) -> list[Markup]:
    counts, places = inspection.counts, inspection.places
    rows = []
    for k, name in enumerate(inspection.body.names):
        v0, v1, v2 = (int(v) for v in counts.visibility[k])
        whole = max(1, v0 + v1 + v2)
        bars = [
            tag("i", class_=c, style=f"width:{100 * v / whole:.2f}%") for c, v in (("v2", v2), ("v1", v1))
        ]
        stack = tag("div", bars, class_="stack")
        outside = [
            percent(int(part), int(of))
            for part, of in (
                (places.outside_box[k], places.with_box[k]),
                (places.outside_picture[k], places.with_picture[k]),
            )
        ]
        rows.append((label(name), stack, count(v2), count(v1), count(v0), *outside))
    key = [
        tag("span", "", class_="key v2"), "visible (v = 2) ",
        tag("span", "", class_="key v1"), "hidden (v = 1) ",
        tag("span", "", class_="key v0"), "not labelled (v = 0), of people that are no crowd.",
    ]  # fmt: skip
    heats = [
        charts.heatmap(places.heat[k], label(name), int(places.heat[k].sum()))
        for k, name in enumerate(inspection.body.names)
    ]
    head = ("Keypoint", "", "visible", "hidden", "none", "out of box", "out of picture")
    return [
        tag("p", key, class_="caption"),
        wide_table(head, rows, class_="bars"),
        tag("h3", "Where keypoints lie in the box"),
        tag(
            "p",
            "The frame is the box of each person, made equally large; a quarter of it is shown around. "
            "Stronger is more often, by the root of the count; the number is how many are drawn.",
            class_="caption",
        ),
        tag("div", heats, class_="heats"),
    ]


def _people(inspection: Inspection) -> list[Markup]:
    counts, places = inspection.counts, inspection.places
    octaves = [(2.0 * n, str(2**n)) for n in range(0, 12, 2)]
    at = {edge: 2 * float(np.log2(edge)) for edge in (32.0, 96.0)}
    last = SIZE_EDGES_PX[-1]
    labelled = counts.labelled.tolist()
    pictures = counts.per_picture.tolist()
    grouped = pictures[:20] + ([sum(pictures[20:])] if len(pictures) > 20 else [])
    every = max(1, len(grouped) // 8)
    ticks = [(n + 0.5, "20+" if n == 20 else str(n)) for n in range(0, len(grouped), every)]
    steps = max(1, len(labelled) // 9)
    figures = [
        _figure(
            charts.columns(
                counts.sizes.tolist(), octaves, x_label="root of the box area, px", y_label="people",
                marks=[(at[32.0], "32²"), (at[96.0], "96²")],
            ),
            "Size of people",
            f"Of {count(counts.boxes)} people with a box, from 1 to {last:.0f} px in half octaves; the marks are the "
            f"borders of COCO's small, medium and large at {SMALL_PX2:,} and {MEDIUM_PX2:,} px².",
        ),
        _figure(
            charts.columns(
                labelled, [(n + 0.5, str(n)) for n in range(0, len(labelled), steps)],
                x_label="labelled keypoints", y_label="people",
            ),
            "Labelled keypoints of a person",
            "Of people that are no crowd.",
        ),
        _figure(
            charts.columns(grouped, ticks, x_label="people", y_label="pictures"),
            "People in a picture",
            f"{count(counts.pictures)} pictures.",
        ),
    ]  # fmt: skip
    sizes = [(name, count(n), percent(n, sum(counts.shares.values()))) for name, n in counts.shares.items()]
    cut = [
        *(
            (f"cut by the {side} border", count(n), percent(n, places.judged_cut))
            for side, n in places.cut.items()
        ),
        ("cut by some border", count(places.cut_any), percent(places.cut_any, places.judged_cut)),
    ]
    aspect = ", ".join(fixed(float(value)) for value in counts.aspects)
    tables = [
        tag("figure", tag("h3", "COCO's sizes"), wide_table(("", "people", "share"), sizes),
            tag("figcaption", f"Height by width of boxes (10 %, median, 90 %): {aspect}.")),
        tag("figure", tag("h3", "Cut by the picture"), wide_table(("", "people", "share"), cut),
            tag("figcaption", "People whose box ends within 1.5 px of the border, of those with a box in a picture "
                "of known size.")),
    ]  # fmt: skip
    return [tag("div", figures, tables, class_="figures")]


def _poses(inspection: Inspection) -> list[Markup]:
    figures = []
    body, model, variety = inspection.body, inspection.model, inspection.variety
    sides = [
        tag("span", "", class_="key left"), "left ",
        tag("span", "", class_="key right"), "right ",
        tag("span", "", class_="key middle"), "middle or both. ",
    ] if body.flip_pairs else []  # fmt: skip
    labelled = inspection.counts.visibility[:, 1:].sum(axis=1) > 0
    if model is not None:
        caption = [
            *sides,
            f"Mean and one standard deviation of {count(model.num_people)} people and their mirror images, without "
            "position, size and turn.",
        ]
        figures.append(_figure(charts.mean_pose(model, body, labelled), "The mean pose", caption))
    if inspection.limbs:
        caption = [
            "By the person's size, the median over all pairs of keypoints of their distance by what is usual. ",
            "Red counts people beyond 5 robust deviations.",
        ]
        figures.append(_figure(charts.intervals(inspection.limbs, body), "Lengths of limbs", caption))
    if variety is not None and variety.people:
        caption = [
            f"From hips to shoulders in {count(variety.people)} people; the area of a sector is its share."
        ]
        figures.append(_figure(charts.rose(variety.angles.tolist()), "Directions of torsos", caption))
        rows = [("upright within 30°", count(variety.upright), percent(variety.upright, variety.people))]
        rows += [
            (f"from the {view}", count(number), percent(number, variety.people))
            for view, number in variety.views.items()
        ]
        both = ("upright and from the front", count(variety.upright_front))
        rows.append((*both, percent(variety.upright_front, variety.people)))
        note = "By where the left shoulder lies across the torso: 0.4 of its length or more is front or back."
        stance = tag(
            "figure", tag("h3", "Stance"), wide_table(("", "people", "share"), rows), tag("figcaption", note)
        )
        figures.append(stance)
    return [tag("div", figures, class_="figures")] if figures else [_lead("There is nothing to compare.")]


def _left_out(inspection: Inspection, omissions: Sequence[Omission], cleaned: str) -> list[Markup]:
    truths = inspection.truths
    whole = sum(one.whole for one in omissions)
    hidden = sum(len(one.keypoints) for one in omissions)
    text = (
        f"{plain(cleaned, 300)} is the same file. People left out: {count(whole)}. Keypoints set to 0, 0, 0: "
        f"{count(hidden)}, of {count(len(omissions) - whole)} other people, and num_keypoints is less accordingly. "
        "Every other byte is as it was."
    )
    rows = []
    for one in omissions[:MOST_LISTED]:
        picture = plain(truths.images.file_names[truths.image_index[one.person]], 60)
        what = (
            "the person" if one.whole else ", ".join(label(inspection.body.names[k]) for k in one.keypoints)
        )
        why = "; ".join(f"{RULES[f.kind].label} ({f.suspicion:.1f}): {plain(f.text)}" for f in one.reasons)
        rows.append((str(int(truths.ids[one.person])), picture, what, why))
    parts = [_lead(text)]
    parts.append(wide_table(("Annotation", "picture", "left out", "why"), rows, class_="prose out-list"))
    if len(omissions) > MOST_LISTED:
        parts.append(
            tag("p", f"{count(len(omissions) - MOST_LISTED)} more are in the JSON output.", class_="note")
        )
    return parts


def _rules() -> list[Markup]:
    does = {"keypoints": "keypoints set to 0, 0, 0", "person": "person left out", "": "only listed"}
    rows = [
        (
            rule.label,
            rule.begins,
            f"{does[rule.hides]}{f', only with --clean-rules {kind}' if rule.asked else ''}",
        )
        for kind, rule in RULES.items()
    ]
    texts = (
        "Poses are compared after position, size and turn in the picture plane are taken away. Size is the median "
        "over all pairs of keypoints of their distance by what is usual for the pair; the turn is the likeliest of "
        "eight. What is left is a multivariate t distribution (8 degrees of freedom) with the mean and covariance of "
        "this set and its mirror image, without the 3 % that agree least. A keypoint flies away where its distance "
        "from what the others predict is improbable.",
        "For exchanged sides each pair, and each chain of pairs that limbs join, is exchanged on trial. People may be "
        "seen from behind, so all pairs at once count only for people who show the face from the front: nose and "
        "both eyes are visible (v = 2), the nose between the eyes. They are held against such people alone. "
        "Legs and arms that are crossed, and heads turned aside, look the same as exchanged sides: these are listed, "
        "and a clean file keeps them unless it is asked not to.",
        "The model is learnt, asked about its own people, and learnt again without those it has something against, "
        "so that one person in twenty with the same mistake does not teach that it is none.",
        "How often the rules are wrong: of 537 people of COCO 2017 with six labelled keypoints or more (270 of val, "
        "267 of train, each set by itself), 1.7 % are listed for a keypoint that flies away and 1.7 % for exchanged "
        "sides, true mistakes among them; at suspicion 2 none and 0.4 %, two people whose labels are right: crossed "
        "ankles, and a player seen from behind. How often they are right: planted into one person in twenty, 92 of "
        "104 keypoints moved by the person's longer side and 173 of 234 exchanges of a pair, an arm or a leg were "
        "found; eyes alone were not, because they are too close together in small people.",
    )
    return [
        *(tag("p", text, class_="note") for text in texts),
        wide_table(("Rule", "lists from", "in a clean file"), rows),
    ]
