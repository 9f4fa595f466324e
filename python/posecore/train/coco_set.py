"""COCO's annotation files, and any file in their form, as datasets for training."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from posecore.arguments import choice, number
from posecore.errors import SourceError
from posecore.evaluation.coco_files import read_detections, read_truths
from posecore.evaluation.feet import merge_feet
from posecore.evaluation.truths import Truths
from posecore.skeletons import COCO17, COCO_FEET23, Skeleton
from posecore.train.picture_set import People, PictureSet, folder_of
from posecore.train.samples import UNLABELLED, VISIBLE

if TYPE_CHECKING:
    import numpy.typing as npt

    Path_ = str | os.PathLike[str]

TeacherFor = Literal["unlabelled", "all"]
_MOST_JSON_BYTES = 1 << 30


def coco_pictures(
    annotations: Any,
    pictures: Path_,
    *,
    skeleton: Skeleton = COCO17,
    field: str | tuple[str, ...] = "keypoints",
    teacher: str | None = None,
    teacher_for: TeacherFor = "unlabelled",
    least_teacher_score: float = 0.3,
    least_agreement: float = 0.0,
    empty: bool = False,
    grey: bool = False,
) -> PictureSet:
    """The pictures of a COCO annotation file.

    Crowds, and people without labelled keypoints, become ignored regions. Coordinates are taken as the file has them.

    Args:
        annotations: a path, or a dict as such a file holds it.
        pictures: the folder with the files that it names.
        skeleton: what the keypoints are. Where the file names its keypoints, they are put into this order.
        field: the keypoint field, or several, one behind the other: ("keypoints", "neck", "head_top").
        teacher: a field with K times x, y and a score in [0, 1], what another model says about the same people, such
            as "teacher_keypoints". Its keypoints count as visible ones of people do. Crowds, and people for whom
            nobody labelled anything, stay ignored regions.
        teacher_for: "unlabelled": the teacher fills in only what people did not label; "all": it replaces them too.
        least_teacher_score: in [0, 1]; what the teacher is less sure of stays as people left it.
        least_agreement: in [0, 1]; people whose field `teacher_agreement` is below are taken for badly labelled and
            become ignored regions. 0: the field is not read.
        empty: pictures without labelled people are in the set too.
        grey: one channel instead of three.

    Raises:
        SourceError: the file is not as said, or its keypoints are not the skeleton's; the folder is not there. A
            missing picture is found when it is read.
        TypeError, ValueError: arguments out of their range.
    """
    choice(teacher_for, "teacher_for", ("unlabelled", "all"))
    number(least_teacher_score, "least_teacher_score", 0, 1)
    number(least_agreement, "least_agreement", 0, 1)
    folder = folder_of(pictures)
    fields = (field,) if isinstance(field, str) else field
    truths = read_truths(annotations, fields=fields).as_wide_as(skeleton.num_keypoints)
    order = _order(truths, skeleton)
    # Files may hold any number above 0 for a keypoint that is labelled.
    xy, visibility = truths.xy[:, order], np.minimum(truths.visibility[:, order], VISIBLE)
    unknown = truths.is_crowd | (truths.num_labelled == 0)
    if len(truths) and teacher is not None:
        if not isinstance(teacher, str):
            raise TypeError(f"teacher: wanted the name of a field, got {type(teacher).__name__}")
        # As results, whose third number is a score; what a result's own score is said to be is not looked at.
        told = read_detections(annotations, truths, fields=(teacher,), score_fields=("id",))
        scores = np.clip(told.keypoint_scores[:, order], 0, 1)
        filled = scores >= max(least_teacher_score, 1e-6)
        if teacher_for == "unlabelled":
            filled &= visibility == UNLABELLED
        xy = np.where(filled[:, :, None], told.xy[:, order], xy)
        visibility = np.where(filled, VISIBLE, visibility).astype(np.uint8)
    if len(truths) and least_agreement > 0:
        agreed = read_detections(annotations, truths, fields=fields, score_fields=("teacher_agreement",))
        unknown = unknown | (agreed.scores < least_agreement)
    people = People(truths.image_index, xy, visibility, truths.boxes, unknown)
    sizes = np.stack([truths.images.widths, truths.images.heights], axis=1)
    kept = np.arange(len(sizes)) if empty else np.unique(truths.image_index[~unknown])
    return PictureSet(
        skeleton,
        folder,
        tuple(truths.images.file_names[row] for row in kept),
        sizes[kept],
        _only(people, kept, len(sizes)),
        grey,
    )


def feet_pictures(
    body: Path_,
    feet: Path_,
    pictures: Path_,
    *,
    unmatched: Literal["keep", "drop"] = "keep",
    empty: bool = False,
) -> PictureSet:
    """COCO's keypoints and the CMU foot annotations of the same people, merged to `COCO_FEET23`.

    Args:
        body: COCO's annotation file, 17 keypoints.
        feet: the foot annotation file, 6 keypoints, or 23 of which the last 6 are taken.
        pictures: the folder with the pictures.
        unmatched: people without foot annotation: "keep" them with unlabelled feet, or "drop" them, which makes
            background of them.
        empty: as for `coco_pictures`.

    Raises:
        SourceError: as `coco_pictures` and `posecore.evaluation.feet.merge_feet`.
    """
    merged = merge_feet(_json(body), _json(feet), unmatched=unmatched)
    return coco_pictures(merged.annotations, pictures, skeleton=COCO_FEET23, empty=empty)


def folder_pictures(folder: Path_, **options: Any) -> PictureSet:
    """A folder with one COCO-style .json and the pictures that it names, beside it or below.

    Args:
        folder: it has exactly one file that ends in .json.
        options: those of `coco_pictures`.

    Raises:
        SourceError: no such folder, none or several .json, and what `coco_pictures` raises.
    """
    files = sorted(path for path in folder_of(folder).iterdir() if path.suffix.lower() == ".json")
    if len(files) != 1:
        raise SourceError(
            f"{os.fspath(folder)}: wanted one .json with the labels beside the pictures, got {len(files)}"
        )
    return coco_pictures(files[0], folder, **options)


def _order(truths: Truths, skeleton: Skeleton) -> npt.NDArray[np.intp]:
    """Which of the file's keypoints each of the skeleton's is."""
    count = truths.num_keypoints
    if count != skeleton.num_keypoints:
        raise SourceError(
            f"{truths.origin.name}: wanted {skeleton.num_keypoints} keypoints, as the skeleton {skeleton.name} has, "
            f"got {count}"
        )
    names = [name.strip().lower().replace(" ", "_").replace("-", "_") for name in truths.keypoint_names]
    if not names:
        return np.arange(count)
    if set(names) != set(skeleton.keypoints):
        unlike = next(name for name in names if name not in skeleton.keypoints)
        raise SourceError(
            f"{truths.origin.name}: wanted the keypoints of the skeleton {skeleton.name}, got {unlike[:60]!r}: "
            "pass a Skeleton with the file's names"
        )
    return np.array([names.index(name) for name in skeleton.keypoints], np.intp)


def _only(people: People, kept: npt.NDArray[np.int64], count: int) -> People:
    """The people of these pictures alone, numbered anew."""
    places = np.full(count, -1, np.int64)
    places[kept] = np.arange(len(kept))
    rows = places[people.picture] >= 0
    return People(
        places[people.picture][rows],
        people.xy[rows],
        people.visibility[rows],
        people.boxes[rows],
        people.unknown[rows],
    )


def _json(path: Path_) -> Any:
    name = os.fspath(path)
    try:
        if os.path.getsize(name) > _MOST_JSON_BYTES:
            raise SourceError(f"{name}: wanted at most {_MOST_JSON_BYTES >> 20} MiB of JSON, got more")
        return json.loads(Path(name).read_bytes())
    except OSError as error:
        raise SourceError(f"{name}: the file cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError) as error:
        if isinstance(error, SourceError):
            raise
        raise SourceError(f"{name}: wanted JSON, got {str(error)[:200]}") from None
