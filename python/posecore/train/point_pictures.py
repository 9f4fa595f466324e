"""Pictures with lists of points: the plainest labels that there are, as CSV or JSON, for any skeleton."""

from __future__ import annotations

import csv
import json
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from posecore.errors import SourceError
from posecore.skeletons import Skeleton
from posecore.train.picture_set import People, PictureSet, folder_of

if TYPE_CHECKING:
    Path_ = str | os.PathLike[str]
    Point = tuple[float, float] | None
    Rows = list[tuple[str, list[Point]]]

_MOST_BYTES, _MOST_KEYPOINTS, _MOST_PX = 1 << 28, 1024, 1e6


def point_pictures(
    points: Path_,
    pictures: Path_ | None = None,
    *,
    skeleton: Skeleton | None = None,
    grey: bool = False,
) -> PictureSet:
    """Pictures and the points in them.

    A .csv file has a line of names and then one line a person; empty cells are not labelled::

        picture,nose_x,nose_y,left_hip_x,left_hip_y
        0001.png,120.5,31,101,130.25
        0002.png,118,30,,

    A .json file has the same as objects; null is not labelled::

        {"keypoints": ["nose", "left_hip"],
         "people": [{"picture": "0001.png", "points": [[120.5, 31], [101, 130.25]]},
                    {"picture": "0002.png", "points": [[118, 30], null]}]}

    Pixels count from the centre of the top-left one, (0, 0). Lines with the same picture are several people in it.

    Args:
        points: the file.
        pictures: the folder with the pictures; None: the file's own.
        skeleton: what the points are; its names must be the file's, in any order. None: a skeleton of the file's names
            without edges, in which left_... and right_... change places when a picture is mirrored.
        grey: pictures have one channel.

    Raises:
        SourceError: one sentence with the file, the line or the record, what was wanted and what came.
    """
    path = Path(points)
    text = _text(path)
    names, rows = _of_json(path, text) if path.suffix.lower() == ".json" else _of_csv(path, text)
    if skeleton is None:
        try:
            skeleton = Skeleton(path.stem, names, flip_pairs=_sides(names))
        except ValueError as error:
            raise SourceError(f"{path}: {error}") from None
    if sorted(skeleton.keypoints) != sorted(names):
        raise SourceError(
            f"{path}: wanted the keypoints of the skeleton {skeleton.name}: {', '.join(skeleton.keypoints)}, "
            f"got {', '.join(names)[:300]}"
        )
    order = [names.index(name) for name in skeleton.keypoints]
    xy = np.zeros((len(rows), len(names), 2))
    visibility = np.zeros((len(rows), len(names)), np.uint8)
    for person, (_, places) in enumerate(rows):
        for keypoint, place in enumerate(places):
            if place is not None:
                xy[person, keypoint], visibility[person, keypoint] = place, 2
    different = tuple(dict.fromkeys(name for name, _ in rows))
    numbered = {name: number for number, name in enumerate(different)}
    return PictureSet(
        skeleton,
        folder_of(path.parent if pictures is None else pictures),
        different,
        np.zeros((len(different), 2), np.int64),
        People(
            picture=np.array([numbered[name] for name, _ in rows], np.int64),
            xy=xy[:, order],
            visibility=visibility[:, order],
            boxes=np.full((len(rows), 4), np.nan),
            unknown=(visibility > 0).sum(axis=1) == 0,
        ),
        grey,
    )


def _sides(names: tuple[str, ...]) -> tuple[tuple[int, int], ...]:
    """Pairs of names that differ in left and right alone."""
    pairs = []
    for left, name in enumerate(names):
        other = name.replace("left", "right", 1)
        if other != name and other in names:
            pairs.append((left, names.index(other)))
    return tuple(pairs)


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise SourceError(f"{path}: wanted at most {_MOST_BYTES >> 20} MiB of points, got more")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SourceError(f"{path}: the file cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise SourceError(f"{path}: wanted text in UTF-8, got other bytes") from None


def _of_csv(path: Path, text: str) -> tuple[tuple[str, ...], Rows]:
    lines = csv.reader(text.splitlines())
    try:
        head = [cell.strip() for cell in next(lines, [])]
        names = tuple(cell.removesuffix("_x") for cell in head[1::2])
        wanted = ["picture", *(f"{name}_{axis}" for name in names for axis in "xy")]
        if head != wanted or not 0 < len(names) <= _MOST_KEYPOINTS:
            raise SourceError(
                f"{path}: line 1: wanted picture,NAME_x,NAME_y,..., got {','.join(head)[:200] or 'nothing'}"
            )
        rows: Rows = []
        for cells in lines:
            if not cells:
                continue
            where = f"{path}: line {lines.line_num}"
            if len(cells) != len(head):
                raise SourceError(f"{where}: wanted {len(head)} cells, as line 1 has, got {len(cells)}")
            places = [
                _point(where, name, *(None if not c.strip() else c for c in pair))
                for name, pair in zip(names, zip(cells[1::2], cells[2::2], strict=True), strict=True)
            ]
            rows.append((cells[0].strip(), places))
    except csv.Error as error:
        raise SourceError(f"{path}: line {lines.line_num}: wanted CSV, got: {error}") from None
    return names, rows


def _of_json(path: Path, text: str) -> tuple[tuple[str, ...], Rows]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{path}: wanted JSON, got {str(error)[:200]}") from None
    names = data.get("keypoints") if isinstance(data, dict) else None
    people = data.get("people") if isinstance(data, dict) else None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names) or not names:
        raise SourceError(f"{path}: keypoints: wanted a list of names")
    if not isinstance(people, list) or len(names) > _MOST_KEYPOINTS:
        raise SourceError(f"{path}: people: wanted a list, of at most {_MOST_KEYPOINTS} keypoints each")
    rows: Rows = []
    for number, person in enumerate(people):
        where = f"{path}: people[{number}]"
        places = person.get("points") if isinstance(person, dict) else None
        if not isinstance(places, list) or len(places) != len(names):
            raise SourceError(f"{where}: points: wanted {len(names)} of [x, y] or null")
        if not isinstance(person.get("picture"), str):
            raise SourceError(f"{where}: picture: wanted a name")
        found: list[Point] = []
        for name, place in zip(names, places, strict=True):
            if place is not None and (not isinstance(place, list) or len(place) != 2):
                raise SourceError(f"{where}: {name}: wanted [x, y] or null")
            found.append(_point(where, name, *(place or (None, None))))
        rows.append((person["picture"], found))
    return tuple(names), rows


def _point(where: str, name: str, x: Any, y: Any) -> Point:
    if x is None and y is None:
        return None
    try:
        place = (math.nan, math.nan) if isinstance(x, bool) or isinstance(y, bool) else (float(x), float(y))
    except (TypeError, ValueError, OverflowError):
        place = (math.nan, math.nan)
    if not all(abs(value) <= _MOST_PX for value in place):
        raise SourceError(
            f"{where}: {name}: wanted two numbers of pixels within {_MOST_PX:g}, got {x!r:.40} and {y!r:.40}"
        )
    return place
