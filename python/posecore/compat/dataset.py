"""The dicts of an annotation file, as `pycocotools.coco.COCO` hands them out."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from posecore.errors import SourceError

Record = dict[str, Any]


@dataclass
class Index:
    """Who belongs to whom, by ids."""

    anns: dict[Any, Record] = field(default_factory=dict)
    imgs: dict[Any, Record] = field(default_factory=dict)
    cats: dict[Any, Record] = field(default_factory=dict)
    annotations_of_image: dict[Any, list[Record]] = field(default_factory=lambda: defaultdict(list))
    images_of_category: dict[Any, list[Any]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def of(cls, dataset: Record) -> Index:
        """The index of a dataset; `SourceError` names a record without ids."""
        index = cls()
        index.imgs = {image["id"]: image for image in _records(dataset, "images", ("id",))}
        index.cats = {category["id"]: category for category in _records(dataset, "categories", ("id",))}
        needed = ("id", "image_id", "category_id") if index.cats else ("id", "image_id")
        for annotation in _records(dataset, "annotations", needed):
            index.anns[annotation["id"]] = annotation
            index.annotations_of_image[annotation["image_id"]].append(annotation)
            if index.cats:
                index.images_of_category[annotation["category_id"]].append(annotation["image_id"])
        return index


def results_dataset(annotated: Record, results: list[Record]) -> Record:
    """Results with what pycocotools gives them: an id, and the area and box of their keypoints; where the first one
    has a box, the area of that."""
    boxed = bool(results) and isinstance(results[0], dict) and bool(results[0].get("bbox"))
    records = []
    for number, result in enumerate(_records({"results": results}, "results", ()), start=1):
        record = {**result, "id": number}
        if boxed and result.get("bbox"):
            record["area"] = result["bbox"][2] * result["bbox"][3]
            record["iscrowd"] = 0
        elif result.get("keypoints"):
            x, y = result["keypoints"][0::3], result["keypoints"][1::3]
            width, height = max(x) - min(x), max(y) - min(y)
            record["area"], record["bbox"] = width * height, [min(x), min(y), width, height]
        records.append(record)
    return {
        "info": copy.deepcopy(annotated.get("info", {})),
        "images": list(annotated.get("images", [])),
        "categories": copy.deepcopy(annotated.get("categories", [])),
        "annotations": records,
    }


def _records(dataset: Record, part: str, needed: tuple[str, ...]) -> Iterator[Record]:
    for number, record in enumerate(dataset.get(part, ())):
        if not isinstance(record, dict):
            raise SourceError(f"{part}: wanted objects, got {type(record).__name__} as record {number}")
        for name in needed:
            if name not in record:
                raise SourceError(f"{part}: wanted the field {name} in record {number}, got none")
        yield record
