"""COCO files into columns by Python's json: slow, and as plain as the format."""

from __future__ import annotations

import json
import math
import re
from typing import Any

_NUMBER = re.compile(r"(-?)([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?")


class Refused(Exception):
    """The file is not what it should be."""


class Number(str):
    """A number as it is written."""

    __slots__ = ()


def truths(data: bytes, fields: tuple[str, ...] = ("keypoints",)) -> dict[str, Any]:
    """Lists of the columns of an annotation file, people in its order, images by id."""
    file = _parsed(data)
    if not isinstance(file, dict) or "images" not in file or "annotations" not in file:
        raise Refused
    images = sorted((_image(record) for record in _listed(file["images"])), key=lambda image: image[0])
    categories = [_category(record) for record in _listed(file.get("categories", []))]
    people = [_truth(record, fields) for record in _listed(file["annotations"])]
    for ids in ([i[0] for i in images], [c[0] for c in categories], [p["id"] for p in people]):
        _want(len(set(ids)) == len(ids))
    _want(len({p["counts"] for p in people}) <= 1)
    known = {image[0]: row for row, image in enumerate(images)}
    _want(all(p["image_id"] in known for p in people))
    for person in people:
        if person["category_id"] is None:
            _want(len(categories) == 1)
            person["category_id"] = categories[0][0]
    return {
        "image_ids": [i[0] for i in images],
        "widths": [i[1] for i in images],
        "heights": [i[2] for i in images],
        "file_names": [i[3] for i in images],
        "crowd_indices": [i[4] for i in images],
        "category_names": {c[0]: c[1] for c in categories} or {p["category_id"]: "" for p in people},
        "image_index": [known[p["image_id"]] for p in people],
        **{
            name: [p[name] for p in people]
            for name in ("id", "category_id", "iscrowd", "num_keypoints", "area", "bbox", "keypoints")
        },
    }


def results(data: bytes, image_ids: list[int], num_keypoints: int, only: int | None) -> dict[str, Any]:
    """Lists of the columns of a result file; `only` is the truth's category where it has one."""
    file = _parsed(data)
    if isinstance(file, dict):
        _want("annotations" in file)
        file = file["annotations"]
    people = [_result(record) for record in _listed(file)]
    for person in people:
        _want(len(person["keypoints"]) == 3 * num_keypoints and person["image_id"] in image_ids)
        if person["category_id"] is None:
            _want(only is not None)
            person["category_id"] = only
    names = ("category_id", "score", "keypoints")
    return {
        "image_index": [sorted(image_ids).index(p["image_id"]) for p in people],
        **{name: [p[name] for p in people] for name in names},
    }


def _parsed(data: bytes) -> Any:
    try:
        text = data.decode("utf-8-sig")
        return json.loads(text, parse_int=Number, parse_float=Number, parse_constant=Number)
    except (ValueError, RecursionError):
        raise Refused from None


def _want(holds: bool) -> None:
    if not holds:
        raise Refused


def _listed(value: Any) -> list[dict[str, Any]]:
    _want(isinstance(value, list) and all(isinstance(record, dict) for record in value))
    return list(value)


def _image(record: dict[str, Any]) -> tuple[int, int, int, str, float]:
    name = record.get("file_name")
    _want(name is None or (isinstance(name, str) and not isinstance(name, Number)))
    width, height = (_optional_whole(record, key, 0) for key in ("width", "height"))
    index = _optional_real(record, "crowdIndex", -math.inf)
    return _whole(record.get("id")), width, height, name or "", index


def _category(record: dict[str, Any]) -> tuple[int, str]:
    name, keypoints = record.get("name"), record.get("keypoints") or []
    _want(record.get("keypoints") is None or isinstance(record["keypoints"], list))
    for text in (name or "", *keypoints):
        _want(isinstance(text, str) and not isinstance(text, Number))
    _want(name is None or isinstance(name, str))
    return _whole(record.get("id")), name or ""


def _truth(record: dict[str, Any], fields: tuple[str, ...]) -> dict[str, Any]:
    keypoints, counts = [], []
    for field in fields:
        numbers = _reals(record.get(field))
        _want(len(numbers) > 0 and len(numbers) % 3 == 0)
        _want(all(0 <= v <= 255 for v in numbers[2::3]))
        numbers[2::3] = [math.ceil(v) for v in numbers[2::3]]
        keypoints += numbers
        counts.append(len(numbers))
    box = record.get("bbox")
    if box is not None:
        box = _reals(box)
        _want(len(box) in (0, 4))
    crowd = record.get("iscrowd")
    if not isinstance(crowd, bool):
        crowd = False if crowd is None else _whole(crowd)
        _want(crowd in (0, 1))
    return {
        "id": _whole(record.get("id")),
        "image_id": _whole(record.get("image_id")),
        "category_id": _category_id(record),
        "iscrowd": bool(crowd),
        "num_keypoints": _optional_whole(record, "num_keypoints", -1, least=0),
        "area": _optional_real(record, "area", 0),
        "bbox": box or [math.nan] * 4,
        "keypoints": keypoints,
        "counts": tuple(counts),
    }


def _result(record: dict[str, Any]) -> dict[str, Any]:
    if record.get("bbox") is not None:
        _want(len(_reals(record["bbox"])) in (0, 4))
    return {
        "image_id": _whole(record.get("image_id")),
        "category_id": _category_id(record),
        "score": _real(record.get("score"), -math.inf),
        "keypoints": _reals(record.get("keypoints")),
    }


def _category_id(record: dict[str, Any]) -> int | None:
    return None if record.get("category_id") is None else _whole(record["category_id"])


def _optional_whole(record: dict[str, Any], key: str, missing: int, least: int = 0) -> int:
    if record.get(key) is None:
        return missing
    value = _whole(record[key])
    _want(value >= least)
    return value


def _optional_real(record: dict[str, Any], key: str, least: float) -> float:
    return math.nan if record.get(key) is None else _real(record[key], least)


def _reals(value: Any) -> list[float]:
    _want(isinstance(value, list))
    return [_real(number, -math.inf) for number in value]


def _real(value: Any, least: float) -> float:
    _want(isinstance(value, Number))
    real = float(value)
    _want(math.isfinite(real) and real >= least)
    return real


def _whole(value: Any) -> int:
    _want(isinstance(value, Number))
    match = _NUMBER.fullmatch(value)
    if match is None:
        raise Refused
    sign, before, behind, exponent = match[1], match[2], match[3] or "", int(match[4] or 0)
    digits = (before + behind).lstrip("0")
    stripped = digits.rstrip("0")
    zeros = exponent - len(behind) + len(digits) - len(stripped)
    if not stripped:
        return 0
    _want(zeros >= 0 and len(stripped) + zeros < 25)
    whole = int(stripped) * 10**zeros * (-1 if sign else 1)
    _want(-(2**63) <= whole < 2**63)
    return whole
