"""Files of poses read back: json, jsonl and npz as `posecore predict --save` writes them, taken apart by video.

What is read is not trusted: whatever it holds, there are poses or one sentence.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from posecore import skeletons
from posecore.errors import SourceError
from posecore.poses import TIMES_S, Poses
from posecore.skeletons import Skeleton

if TYPE_CHECKING:
    import numpy.typing as npt

FORMS = ("json", "jsonl", "npz")
MAX_BYTES = 1 << 30
MAX_PEOPLE = 1000
"""In one frame."""
_MAX_KEYPOINTS = 1024
_REACH_PX = 1e6
_MOST_ID = 2**62
_MOST_SIDE = 2**31 - 1
_LONGEST_NAME = 4096
_ABSENT = [0, 0, 0]
_NO_TIME = -1  # in npz


@dataclass(frozen=True)
class Clip:
    """The poses of one video, or of one picture.

    Attributes:
        video: its name.
        numbers: of the frames in the video.
        frames: their poses.
    """

    video: str
    numbers: list[int]
    frames: list[Poses]


@dataclass(frozen=True)
class PoseFile:
    """The poses in a file.

    Attributes:
        form: "json", "jsonl" or "npz".
        skeleton: of all poses.
        clips: the videos, in the order in which they begin.
    """

    form: str
    skeleton: Skeleton
    clips: list[Clip]


def read_poses(path: str | os.PathLike[str], skeleton: Skeleton | None = None) -> PoseFile:
    """The poses in a file.

    Args:
        path: ends in .json, .jsonl or .npz.
        skeleton: what the keypoints are. Where it is left out the file says so, but for jsonl, where it is the
            one of posecore's with so many keypoints.

    Raises:
        SourceError: no such file, or one that holds something else; the sentence says which frame and person.
    """
    name = os.fspath(path)
    form = Path(name).suffix.lower().removeprefix(".")
    if form not in FORMS:
        raise SourceError(
            f"{name}: wanted a file of poses ending in .json, .jsonl or .npz, got another ending"
        )
    if os.path.isdir(name):
        raise SourceError(f"{name}: wanted a file of poses, got a folder")
    try:
        if os.path.getsize(name) > MAX_BYTES:
            raise SourceError(f"{name}: wanted poses of at most 1 GiB, got {os.path.getsize(name):,} bytes")
        if form == "npz":
            found = _from_arrays(_read_npz(name), skeleton)
        else:
            found = _from_json(Path(name).read_bytes(), form, skeleton)
    except FileNotFoundError:
        raise SourceError(f"{name}: there is no such file") from None
    except _Wrong as wrong:
        raise SourceError(f"{name}: {wrong}") from None
    clips: dict[str, Clip] = {}
    for video, number, poses in found.frames:
        clip = clips.setdefault(video, Clip(video, [], []))
        clip.numbers.append(number)
        clip.frames.append(poses)
    return PoseFile(form, found.skeleton, list(clips.values()))


class _Wrong(Exception):
    """What the file holds is not what it should be; the sentence lacks its name."""


@dataclass
class _Read:
    skeleton: Skeleton
    frames: list[tuple[str, int, Poses]]


def _from_json(data: bytes, form: str, skeleton: Skeleton | None) -> _Read:
    if form == "json":
        whole = _parsed(data, "")
        if not isinstance(whole, dict) or not isinstance(whole.get("frames"), list):
            raise _Wrong(f'wanted an object with "skeleton", "keypoints" and "frames", got {_kind(whole)}')
        skeleton = _skeleton_of(whole.get("skeleton"), whole.get("keypoints"), whole.get("limbs"), skeleton)
        records: Iterator[Any] = iter(whole["frames"])
    else:
        lines = data.split(b"\n")
        records = (_parsed(line, f"line {k}: ") for k, line in enumerate(lines, 1) if line.strip())
    frames = []
    for place, record in enumerate(records):
        where = f"frame record {place}"
        people = _people_of(record, where)
        if skeleton is None:
            skeleton = next((_of_size(len(p["keypoints"]), where) for p in people), None)
        frames.append((record, people, where))
    skeleton = skeleton or skeletons.COCO17
    return _Read(skeleton, [_frame(*frame, skeleton) for frame in frames])


def _parsed(data: bytes, where: str) -> Any:
    try:
        return json.loads(data, parse_constant=_no_number)
    except _Wrong as wrong:
        raise _Wrong(f"{where}{wrong}") from None
    except (ValueError, RecursionError) as error:
        raise _Wrong(f"{where}wanted JSON, got something else ({error})") from None


def _no_number(text: str) -> NoReturn:
    raise _Wrong(f"wanted finite numbers, got {text}")


def _people_of(record: Any, where: str) -> list[dict[str, Any]]:
    if not isinstance(record, dict):
        raise _Wrong(f"{where}: wanted an object, got {_kind(record)}")
    people = record.get("people")
    if not isinstance(people, list):
        raise _Wrong(f'{where}: wanted a list under "people", got {_kind(people)}')
    if len(people) > MAX_PEOPLE:
        raise _Wrong(f"{where}: wanted at most {MAX_PEOPLE} people, got {len(people)}")
    for number, person in enumerate(people):
        if not isinstance(person, dict) or not isinstance(person.get("keypoints"), list):
            raise _Wrong(f'{where}, person {number}: wanted an object with a list under "keypoints"')
    return people


def _frame(
    record: dict[str, Any], people: list[dict[str, Any]], where: str, skeleton: Skeleton
) -> tuple[str, int, Poses]:
    video = record.get("file")
    if not isinstance(video, str) or len(video) > _LONGEST_NAME:
        raise _Wrong(f'{where}: wanted a name under "file", got {_kind(video)}')
    number = _whole(record.get("frame"), f'{where}: "frame"', _MOST_ID)
    time_s = record.get("time_s")
    if time_s is not None:
        time_s = _real(time_s, f'{where}: "time_s"', -TIMES_S, TIMES_S)
    sides = (record.get("width"), record.get("height"))
    size = None
    if sides != (None, None):
        size = (
            _whole(sides[0], f'{where}: "width"', _MOST_SIDE, 1),
            _whole(sides[1], f'{where}: "height"', _MOST_SIDE, 1),
        )
    points = np.zeros((len(people), skeleton.num_keypoints, 3))
    visible = np.zeros(points.shape[:2], np.bool_)
    ids, scores = [], []
    for row, person in enumerate(people):
        who = f"{where}, person {row}"
        points[row], visible[row] = _points(person["keypoints"], who, skeleton)
        scores.append(_real(person.get("score"), f'{who}: "score"', 0, 1))
        identity = person.get("track_id")
        ids.append(-1 if identity is None else _whole(identity, f'{who}: "track_id"', _MOST_ID))
    _want_once(ids, where)
    poses = Poses(
        points[..., :2].astype(np.float32),
        points[..., 2].astype(np.float32),
        np.array(scores, np.float32),
        skeleton=skeleton,
        visible=visible,
        track_ids=np.array(ids, np.int64),
        image_size=size,
        time_s=time_s,
    )
    return video, number, poses


def _points(
    listed: list[Any], who: str, skeleton: Skeleton
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """(K, 3) x, y, score, and (K,) whether it is there."""
    if len(listed) != skeleton.num_keypoints:
        raise _Wrong(
            f"{who}: wanted {skeleton.num_keypoints} keypoints of {skeleton.name}, got {len(listed)}"
        )
    rows = [_ABSENT if point is None else point for point in listed]
    there = np.array([point is not None for point in listed], np.bool_)
    if set(map(type, rows)) == {list} and set(map(len, rows)) == {3}:
        values = list(chain.from_iterable(rows))
        if set(map(type, values)) <= {int, float}:
            with contextlib.suppress(OverflowError):
                points = np.array(values, np.float64).reshape(-1, 3)
                scores = points[:, 2]
                if np.abs(points).max() <= _REACH_PX and scores.min() >= 0 and scores.max() <= 1:
                    return points, there
    # Something is wrong: what, and with which.
    for k, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != 3 or any(type(v) not in (int, float) for v in row):
            raise _Wrong(
                f"{who}, {_shown(skeleton.keypoints[k])}: wanted null or three numbers x, y, score, got {_kind(row)}"
            )
        x, y, score = row
        # Not `abs(x) > ...`, so that nothing that is no number passes.
        if not (-_REACH_PX <= x <= _REACH_PX and -_REACH_PX <= y <= _REACH_PX and 0 <= score <= 1):
            raise _Wrong(
                f"{who}, {_shown(skeleton.keypoints[k])}: wanted x and y within {_REACH_PX:g} px and a "
                f"score in [0, 1], got {', '.join(repr(v)[:20] for v in row)}"
            )
    return np.array(rows, np.float64), there


def _skeleton_of(name: Any, keypoints: Any, limbs: Any, wanted: Skeleton | None) -> Skeleton:
    """The skeleton that a file describes; one of posecore's where it is the same."""
    if (
        not isinstance(name, str)
        or not isinstance(keypoints, list)
        or not all(isinstance(keypoint, str) and len(keypoint) <= 200 for keypoint in keypoints)
        or not 1 <= len(keypoints) <= _MAX_KEYPOINTS
    ):
        raise _Wrong(
            f'wanted a name under "skeleton" and 1 to {_MAX_KEYPOINTS} names under "keypoints", got others'
        )
    known = wanted or (skeletons.get(name) if name in skeletons.names() else None)
    if known is not None:
        if known.keypoints != tuple(keypoints):
            raise _Wrong(f"wanted the keypoints of {known.name}, got {len(keypoints)} others")
        return known
    try:
        return Skeleton(name[:200], tuple(keypoints), limbs=limbs or ())
    except (TypeError, ValueError) as error:
        raise _Wrong(" ".join(str(error).split())[:300]) from None


def _of_size(keypoints: int, where: str) -> Skeleton:
    for name in skeletons.names():
        if skeletons.get(name).num_keypoints == keypoints:
            return skeletons.get(name)
    raise _Wrong(f"{where}: wanted the keypoints of a skeleton of posecore's, got {keypoints} of them")


def _read_npz(name: str) -> dict[str, npt.NDArray[Any]]:
    try:
        with zipfile.ZipFile(name) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
        if unpacked > MAX_BYTES:
            raise _Wrong(f"wanted poses of at most 1 GiB, got {unpacked / MAX_BYTES:.1f} GiB unpacked")
        with np.load(name, allow_pickle=False) as archive:
            return {key: archive[key] for key in archive.files}
    except (FileNotFoundError, _Wrong, MemoryError):
        raise
    except Exception as error:  # zipfile, zlib and NumPy's header parser each raise their own kinds
        raise _Wrong(f"wanted an .npz file of poses, got one that cannot be read ({error})") from None


def _from_arrays(arrays: Mapping[str, npt.NDArray[Any]], skeleton: Skeleton | None) -> _Read:
    def entry(key: str, kind: type, *shape: int | None) -> npt.NDArray[Any]:
        array = arrays.get(key)
        if array is None:
            raise _Wrong(f"wanted the entry {key}, got {', '.join(sorted(arrays)) or 'none'}"[:300])
        right = np.issubdtype(array.dtype, kind) and array.ndim == len(shape)
        if not right or any(s is not None and s != n for s, n in zip(shape, array.shape, strict=True)):
            sides = ", ".join("n" if side is None else str(side) for side in shape)
            raise _Wrong(f"{key}: wanted {kind.__name__} of shape ({sides}), got {array.dtype} {array.shape}")
        return array

    names = [str(keypoint) for keypoint in entry("keypoints", np.str_, None)]
    skeleton = _skeleton_of(str(entry("skeleton", np.str_)), names, None, skeleton)
    keypoints = len(names)
    xy = entry("xy", np.float32, None, keypoints, 2)
    people = len(xy)
    rows = {
        "xy": xy,
        "scores": entry("scores", np.float32, people, keypoints),
        "pose_scores": entry("pose_scores", np.float32, people),
        "visible": entry("visible", np.bool_, people, keypoints),
        "track_ids": entry("track_ids", np.int64, people),
    }
    if xy.size and not np.abs(xy).max() <= _REACH_PX:
        raise _Wrong(f"xy: wanted coordinates within {_REACH_PX:g} px, got others")
    videos = entry("files", np.str_, None)
    count = len(videos)
    numbers, times = entry("frames", np.int64, count), entry("times_s", np.float64, count)
    sizes = entry("image_sizes", np.int64, count, 2)
    index = entry("frame_index", np.int64, people)
    if people and (index[0] < 0 or index[-1] >= count or (np.diff(index) < 0).any()):
        raise _Wrong(f"frame_index: wanted numbers of the {count} frames in their order, got others")
    if (numbers < 0).any():
        raise _Wrong(f"frames: wanted numbers from 0, got {numbers.min()} in frame record {numbers.argmin()}")
    wrong = ~((times >= 0) & (times <= TIMES_S) | (times == _NO_TIME))
    if wrong.any():
        place = int(wrong.argmax())
        raise _Wrong(
            f"times_s: wanted seconds from 0 to {TIMES_S:g}, or {_NO_TIME} for none, got {times[place]:g} "
            f"in frame record {place}"
        )
    bounds = np.searchsorted(index, np.arange(count + 1))
    frames = []
    for k in range(count):
        part = {name: array[bounds[k] : bounds[k + 1]] for name, array in rows.items()}
        _want_once(part["track_ids"].tolist(), f"frame record {k}")
        try:
            poses = Poses(
                **part,
                skeleton=skeleton,
                image_size=(int(sizes[k][0]), int(sizes[k][1])) if sizes[k].any() else None,
                time_s=None if times[k] == _NO_TIME else float(times[k]),
            )
        except (TypeError, ValueError) as error:
            raise _Wrong(f"frame record {k}: {error}") from None
        frames.append((str(videos[k])[:_LONGEST_NAME], int(numbers[k]), poses))
    return _Read(skeleton, frames)


def _want_once(ids: list[int], where: str) -> None:
    told = [identity for identity in ids if identity >= 0]
    if len(told) != len(set(told)):
        twice = next(identity for identity in told if told.count(identity) > 1)
        raise _Wrong(f"{where}: wanted each track id once, got {twice} twice")


def _whole(value: Any, name: str, most: int, least: int = 0) -> int:
    if type(value) is not int or not least <= value <= most:
        raise _Wrong(f"{name}: wanted a whole number from {least}, got {_kind(value)}")
    return value


def _real(value: Any, name: str, least: float, most: float) -> float:
    if type(value) not in (int, float) or not least <= value <= most or not math.isfinite(value):
        raise _Wrong(f"{name}: wanted a number from {least:g} to {most:g}, got {_kind(value)}")
    return float(value)


def _kind(value: Any) -> str:
    """What came, in a few characters."""
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    try:
        return _shown(repr(value))
    except ValueError:  # a whole number of too many digits to be written
        return "one beyond that"


def _shown(text: str) -> str:
    clean = "".join(c if c.isprintable() else "?" for c in text)
    return clean if len(clean) <= 60 else f"{clean[:57]}..."
