"""Files of poses: json, jsonl, csv, COCO results and npz, written while frames come in.

A file is written beside its name and gets it when it is closed. Closing early, as Ctrl-C does, gives a
shorter but valid file. Coordinates are rounded to 0.01 px and scores to 0.0001 in the text formats; npz is
exact. A keypoint that is not visible is null in json and jsonl, absent from csv, and 0, 0, 0 in COCO.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from posecore.poses import Poses
    from posecore.skeletons import Skeleton

FORMATS = ("json", "jsonl", "csv", "coco", "npz")
STREAMS = ("json", "jsonl", "csv")
"""Formats that can go to stdout."""


class PoseWriter(Protocol):
    """What takes the poses of one frame after the other."""

    def write(self, file: str, frame: int, poses: Poses) -> None:
        """Add the people of frame number `frame` of `file`; `poses` carries the frame's size and time."""

    def close(self) -> None:
        """Finish the file and give it its name."""

    def discard(self) -> None:
        """Drop what was written."""


def file_names(form: str, stem: str) -> tuple[str, ...]:
    """The files that a format writes, named after `stem`."""
    return {"coco": (f"{stem}.coco.json", f"{stem}.coco_images.json")}.get(form, (f"{stem}.{form}",))


def open_writer(
    form: str, folder: Path | None, stem: str, skeleton: Skeleton, files: Sequence[str] = ()
) -> PoseWriter:
    """The writer of one of `FORMATS`.

    Args:
        folder: where its files will be; None is stdout, for one of `STREAMS`.
        stem: what they are named after.
        skeleton: of all poses to come.
        files: every picture that will come, where that is known; COCO image ids come from their names.

    Raises:
        ValueError: no such format, or one that cannot go to stdout.
    """
    if form not in FORMATS:
        raise ValueError(f"save: wanted some of {', '.join(FORMATS)}, got {form!r}")
    if folder is None:
        if form not in STREAMS:
            raise ValueError(f"save: wanted one of {', '.join(STREAMS)} for stdout, got {form!r}")
        return _TEXT_WRITERS[form](_Text(None), skeleton)
    paths = [folder / name for name in file_names(form, stem)]
    if form == "coco":
        return CocoWriter(_Text(paths[0]), _Text(paths[1]), skeleton, image_ids(files))
    if form == "npz":
        return NpzWriter(paths[0], skeleton)
    return _TEXT_WRITERS[form](_Text(paths[0]), skeleton)


def record(file: str, frame: int, poses: Poses) -> dict[str, Any]:
    """One frame as plain data: what json holds in "frames" and jsonl on each line."""
    width, height = poses.image_size or (None, None)
    people = []
    boxes = poses.boxes().tolist()
    for person in range(len(poses)):
        rows = zip(
            poses.xy[person].tolist(),
            poses.scores[person].tolist(),
            poses.visible[person].tolist(),
            strict=True,
        )
        people.append(
            {
                "score": round(float(poses.pose_scores[person]), 4),
                "track_id": int(poses.track_ids[person]) if poses.track_ids[person] >= 0 else None,
                "box": [round(value, 2) for value in boxes[person]],
                "keypoints": [
                    [round(x, 2), round(y, 2), round(score, 4)] if seen else None
                    for (x, y), score, seen in rows
                ],
            }
        )
    return {
        "file": file,
        "frame": frame,
        "time_s": None if poses.time_s is None else round(poses.time_s, 4),
        "width": width,
        "height": height,
        "people": people,
    }


class JsonWriter:
    """One object: skeleton, keypoint names and limbs, then "frames" with one `record` a line."""

    def __init__(self, text: _Text, skeleton: Skeleton) -> None:
        self._text = text
        head = {"skeleton": skeleton.name, "keypoints": skeleton.keypoints, "limbs": skeleton.limbs}
        self._text.write(_dumps(head)[:-1] + ', "frames": [')
        self._separator = "\n"

    def write(self, file: str, frame: int, poses: Poses) -> None:
        self._text.write(self._separator + _dumps(record(file, frame, poses)))
        self._separator = ",\n"

    def close(self) -> None:
        self._text.write("\n]}\n")
        self._text.close()

    def discard(self) -> None:
        self._text.discard()


class JsonlWriter:
    """One `record` a line, flushed with each frame, so that another program can follow."""

    def __init__(self, text: _Text, skeleton: Skeleton) -> None:
        self._text = text

    def write(self, file: str, frame: int, poses: Poses) -> None:
        self._text.write(_dumps(record(file, frame, poses)) + "\n")
        self._text.flush()

    def close(self) -> None:
        self._text.close()

    def discard(self) -> None:
        self._text.discard()


class CsvWriter:
    """One row a visible keypoint: file, frame, time_s, person, track_id, keypoint, x, y, score.

    time_s and track_id are empty where there is none; a frame without people has no row.
    """

    COLUMNS = ("file", "frame", "time_s", "person", "track_id", "keypoint", "x", "y", "score")

    def __init__(self, text: _Text, skeleton: Skeleton) -> None:
        self._text = text
        self._names = skeleton.keypoints
        self._rows = csv.writer(text, lineterminator="\n")
        self._rows.writerow(self.COLUMNS)

    def write(self, file: str, frame: int, poses: Poses) -> None:
        row = record(file, frame, poses)
        time_s = "" if row["time_s"] is None else row["time_s"]
        for number, person in enumerate(row["people"]):
            track_id = "" if person["track_id"] is None else person["track_id"]
            for name, point in zip(self._names, person["keypoints"], strict=True):
                if point is not None:
                    self._rows.writerow((file, frame, time_s, number, track_id, name, *point))
        self._text.flush()

    def close(self) -> None:
        self._text.close()

    def discard(self) -> None:
        self._text.discard()


class CocoWriter:
    """COCO's keypoint results, and beside them the images that their ids mean.

    Each result has image_id, category_id 1, score and keypoints x, y, v. COCO's evaluation does not read v,
    and its page recommends 1; a keypoint that is not visible is 0, 0, 0. What each keypoint scored stands in
    the additional field keypoint_scores, which COCO's tools pass over.
    """

    def __init__(self, text: _Text, images: _Text, skeleton: Skeleton, ids: Mapping[str, int]) -> None:
        self._text, self._images, self._ids = text, images, ids
        self._count = 0
        category = {
            "id": 1,
            "name": "person",
            "keypoints": skeleton.keypoints,
            "skeleton": [[a + 1, b + 1] for a, b in skeleton.limbs],
        }
        self._text.write("[")
        self._images.write('{"categories": ' + _dumps([category]) + ', "images": [')
        self._result_separator = self._image_separator = "\n"

    def write(self, file: str, frame: int, poses: Poses) -> None:
        self._count += 1
        row = record(file, frame, poses)
        image_id = self._ids.get(file, self._count)
        image = {
            "id": image_id,
            "file_name": file,
            "frame": frame,
            "width": row["width"],
            "height": row["height"],
        }
        self._images.write(self._image_separator + _dumps(image))
        self._image_separator = ",\n"
        for person in row["people"]:
            points = [(p[0], p[1], 1) if p else (0, 0, 0) for p in person["keypoints"]]
            result = {
                "image_id": image_id,
                "category_id": 1,
                "keypoints": [value for point in points for value in point],
                "score": person["score"],
                "keypoint_scores": [p[2] if p else 0 for p in person["keypoints"]],
            }
            self._text.write(self._result_separator + _dumps(result))
            self._result_separator = ",\n"

    def close(self) -> None:
        self._text.write("\n]\n")
        self._images.write("\n]}\n")
        self._text.close()
        self._images.close()

    def discard(self) -> None:
        self._text.discard()
        self._images.discard()


class NpzWriter:
    """Arrays of all people of all frames, kept in memory until the end: about 0.3 kB a person.

    M people of F frames: xy (M, K, 2) and scores (M, K) and pose_scores (M,) float32, visible (M, K) bool,
    track_ids (M,) int64 and frame_index (M,) int64 into the frames; files (F,) text, frames (F,) int64,
    times_s (F,) float64, -1 where there is none, image_sizes (F, 2) int64 width and height, 0 where unknown;
    keypoints (K,) text and skeleton.
    """

    def __init__(self, path: Path, skeleton: Skeleton) -> None:
        self._path, self._skeleton = path, skeleton
        self._poses: list[Poses] = []
        self._frames: list[tuple[str, int]] = []

    def write(self, file: str, frame: int, poses: Poses) -> None:
        self._poses.append(poses)
        self._frames.append((file, frame))

    def close(self) -> None:
        from posecore.poses import Poses

        # An empty one in front gives the shapes where no frame came.
        every = [Poses.empty(self._skeleton), *self._poses]
        arrays: dict[str, Any] = {
            name: np.concatenate([getattr(poses, name) for poses in every])
            for name in ("xy", "scores", "pose_scores", "visible", "track_ids")
        }
        counts = [len(poses) for poses in self._poses]
        arrays["frame_index"] = np.repeat(np.arange(len(counts), dtype=np.int64), counts)
        arrays["files"] = np.array([file for file, _ in self._frames], dtype=np.str_)
        arrays["frames"] = np.array([frame for _, frame in self._frames], np.int64)
        arrays["times_s"] = np.array([-1 if p.time_s is None else p.time_s for p in self._poses], np.float64)
        sizes = [p.image_size or (0, 0) for p in self._poses]
        arrays["image_sizes"] = np.array(sizes, np.int64).reshape(-1, 2)
        arrays["keypoints"] = np.array(self._skeleton.keypoints)
        arrays["skeleton"] = np.array(self._skeleton.name)
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays)
        write_file(self._path, buffer.getvalue())

    def discard(self) -> None:
        self._poses.clear()


def image_ids(files: Iterable[str]) -> dict[str, int]:
    """COCO's image ids from file names such as 000000123456.jpg, where every name is such a number and no
    number comes twice; else none, and images are counted from 1."""
    ids: dict[str, int] = {}
    for file in files:
        stem = Path(file).stem
        if not re.fullmatch(r"[0-9]{1,15}", stem):
            return {}
        ids[file] = int(stem)
    return ids if len(set(ids.values())) == len(ids) else {}


def write_file(path: Path, data: bytes) -> None:
    """Write `data` beside `path`, then give it its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = _beside(path)
    try:
        beside.write_bytes(data)
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


class _Text:
    """A text file that gets its name when it is closed; or stdout."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file: IO[str]
        if path is None:
            self._file = sys.stdout
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            # A file name that is no UTF-8 becomes an escape, in JSON a valid one.
            self._file = _beside(path).open("w", encoding="utf-8", errors="backslashreplace", newline="\n")

    def write(self, text: str) -> int:
        return self._file.write(text)

    def flush(self) -> None:
        # Files are flushed when they are closed: nobody reads them before.
        if self._path is None:
            self._file.flush()

    def close(self) -> None:
        if self._path is None:
            self._file.flush()
        elif not self._file.closed:
            self._file.close()
            os.replace(_beside(self._path), self._path)

    def discard(self) -> None:
        if self._path is not None:
            self._file.close()
            _beside(self._path).unlink(missing_ok=True)


_TEXT_WRITERS: dict[str, type[JsonWriter | JsonlWriter | CsvWriter]] = {
    "json": JsonWriter,
    "jsonl": JsonlWriter,
    "csv": CsvWriter,
}


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.part")


def _dumps(value: object) -> str:
    return json.dumps(value, allow_nan=False, ensure_ascii=False)
