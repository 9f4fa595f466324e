"""The page of a diagnosis: one HTML file that opens offline and tells why AP is what it is."""

from __future__ import annotations

import os
from pathlib import Path

from posecore.evaluation import page_curves, page_errors, page_gallery, page_tables
from posecore.evaluation.markup import Markup, tag
from posecore.evaluation.page_content import PageContent
from posecore.evaluation.page_shell import document
from posecore.evaluation.whole_file import write_whole


def page_html(content: PageContent) -> bytes:
    """The page as UTF-8; the same bytes for the same content.

    Nothing in it is fetched and nothing is sent: styles, scripts, data and pictures are inside, and its
    policy forbids the network. Names are escaped.

    Raises:
        ValueError: a number that is not finite.
    """
    sections = {
        "Average precision": page_tables.ap_tables(content),
        "Protocol": page_tables.card(content),
        "Errors of each keypoint": page_errors.keypoints(content),
        "What each error costs": page_errors.waterfall(content),
        "Precision and recall": page_curves.precision_recall(content),
        "Where it works": page_errors.slices(content),
        "What scores are worth": page_curves.calibration(content),
        "Scale of sigmas": page_curves.sigma_scale(content),
        "The worst ones": page_gallery.gallery(content),
    }
    there = {title: part for title, part in sections.items() if part is not None}
    body = (
        page_tables.head(content),
        _contents(there),
        tag("main", *there.values()),
        tag(
            "footer",
            "Made by posecore diagnose. The file holds all it shows and asks nothing of the network.",
        ),
    )
    return document(
        content.title,
        body,
        styles=("charts.css", "gallery.css"),
        scripts=("waterfall.js", "gallery.js"),
        data={
            "waterfall-data": page_errors.waterfall_data(content),
            "gallery-data": page_gallery.gallery_data(content),
        },
    )


def save_html(path: str | os.PathLike[str], content: PageContent, *, force: bool = False) -> Path:
    """Write the page beside `path`, then give it its name.

    Args:
        path: of the file; its folder is made where it is missing.
        force: whether a file that is there is replaced.

    Returns:
        The path.

    Raises:
        FileExistsError: there is such a file and `force` is False.
        OSError: it cannot be written.
    """
    target = Path(path)
    if not force and os.path.lexists(target):
        raise FileExistsError(17, "there is such a file already", str(target))
    data = page_html(content)
    target.parent.mkdir(parents=True, exist_ok=True)
    write_whole(target, data)
    return target


def _contents(sections: dict[str, Markup]) -> Markup:
    """Links to the sections."""
    anchors = {
        "Average precision": "numbers",
        "Errors of each keypoint": "keypoints",
        "What each error costs": "gains",
        "Precision and recall": "curves",
        "Where it works": "slices",
        "What scores are worth": "calibration",
        "Scale of sigmas": "sigmas",
        "The worst ones": "gallery",
        "Protocol": "protocol",
    }
    links = [tag("a", title, href=f"#{anchors[title]}") for title in sections]
    return tag("nav", links, aria_label="Contents")
