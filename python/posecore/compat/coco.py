"""`COCO`: annotation and result files with the calls of `pycocotools.coco.COCO`, kept as columns until somebody asks
for dicts.

The calls and what they return are those of pycocotools 2.0.11, spelled as there; nothing is printed.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Any, NoReturn

import numpy as np

from posecore.compat.dataset import Index, Record, results_dataset
from posecore.compat.json_file import JsonFile
from posecore.evaluation.coco_files import read_detections, read_truths
from posecore.evaluation.truths import Detections, IntColumn, Truths


class COCO:
    """The people, images and categories of an annotation file, or of results (`loadRes`).

    A file is read when the object is made; it may change or vanish afterwards. Evaluation reads it into columns.
    The first call that hands out annotations, images or categories makes dicts of it, and from then on evaluation
    reads the dicts, because they may have been changed.

    Args:
        annotation_file: path of a COCO annotation file; None: an empty set, whose `dataset` is then given.

    Raises:
        SourceError: the file cannot be read; what is wrong inside of it is said where it is first used.
    """

    def __init__(self, annotation_file: str | os.PathLike[str] | None = None) -> None:
        self._file: JsonFile | None = None
        self._records: list[Record] | None = None  # results that came as a list
        self._annotated: COCO | None = None  # what results are results of
        self._dataset: Record | None = None
        self._index: Index | None = None
        self._truths: dict[tuple[str, ...], Truths] = {}
        self._held = annotation_file is None  # somebody has the dicts and may have changed them
        if annotation_file is None:
            self._dataset = {}
        else:
            self._file = JsonFile.of_path(annotation_file, "annotation_file", "a path")

    @property
    def dataset(self) -> Record:
        """The file as one dict: images, annotations, categories and what else it has. It may be replaced."""
        return self._hold()

    @dataset.setter
    def dataset(self, dataset: Record) -> None:
        self._hold(dataset)
        self._index = None

    def createIndex(self) -> None:
        """Take notice of a `dataset` that was given or changed."""
        self._hold()
        self._index = None

    @property
    def anns(self) -> dict[Any, Record]:
        """{annotation id: annotation}."""
        self._hold()
        return self._indexed().anns

    @property
    def imgs(self) -> dict[Any, Record]:
        """{image id: image}, in the order of the file."""
        self._hold()
        return self._indexed().imgs

    @property
    def cats(self) -> dict[Any, Record]:
        """{category id: category}."""
        self._hold()
        return self._indexed().cats

    @property
    def imgToAnns(self) -> dict[Any, list[Record]]:
        """{image id: its annotations}, an empty list for any other id."""
        self._hold()
        return self._indexed().annotations_of_image

    @property
    def catToImgs(self) -> dict[Any, list[Any]]:
        """{category id: the image id of each of its annotations}."""
        return self._indexed().images_of_category

    def info(self) -> None:
        """Print the file's `info`, one entry a line."""
        for key, value in self._document().get("info", {}).items():
            print(f"{key}: {value}")

    def getAnnIds(
        self, imgIds: Any = (), catIds: Any = (), areaRng: Any = (), iscrowd: bool | None = None
    ) -> list[Any]:
        """Ids of the annotations of these images and categories, with an area between the two of `areaRng` (neither
        included), and crowds or no crowds; an empty argument keeps all."""
        images, categories = _listed(imgIds), set(_listed(catIds))
        index = self._indexed()
        if images:
            found = [a for image in images for a in index.annotations_of_image.get(image, ())]
        else:
            found = self._document().get("annotations", [])
        return [
            a["id"]
            for a in found
            if (not categories or a["category_id"] in categories)
            and (len(areaRng) == 0 or areaRng[0] < a["area"] < areaRng[1])
            and (iscrowd is None or a.get("iscrowd", 0) == iscrowd)
        ]

    def getCatIds(self, catNms: Any = (), supNms: Any = (), catIds: Any = ()) -> list[Any]:
        """Ids of the categories with these names, supercategories and ids."""
        names, supers, ids = _listed(catNms), _listed(supNms), _listed(catIds)
        return [
            category["id"]
            for category in self._document().get("categories", [])
            if (not names or category.get("name") in names)
            and (not supers or category.get("supercategory") in supers)
            and (not ids or category["id"] in ids)
        ]

    def getImgIds(self, imgIds: Any = (), catIds: Any = ()) -> list[Any]:
        """Ids of the images, all of them in the order of the file, or those of `imgIds` with people of every
        category of `catIds`."""
        index = self._indexed()
        wanted, categories = _listed(imgIds), _listed(catIds)
        if not wanted and not categories:
            return list(index.imgs)
        kept = set(wanted)
        for place, category in enumerate(categories):
            having = set(index.images_of_category.get(category, ()))
            kept = having if place == 0 and not kept else kept & having
        return list(kept)

    def loadAnns(self, ids: Any = ()) -> list[Record]:
        """The annotations with these ids, or with this id; `KeyError` where there is none."""
        return _found(self.anns, ids, "annotation")

    def loadCats(self, ids: Any = ()) -> list[Record]:
        """The categories with these ids, or with this id; `KeyError` where there is none."""
        return _found(self.cats, ids, "category")

    def loadImgs(self, ids: Any = ()) -> list[Record]:
        """The images with these ids, or with this id; `KeyError` where there is none."""
        return _found(self.imgs, ids, "image")

    def loadRes(self, resFile: Any) -> COCO:
        """Results on these images.

        Args:
            resFile: a COCO result file: a path, a list of dicts, or a stream. The dicts are not changed; those of
                the object that is returned have an id (1, 2, ... in their order), an area in px² and a box each.

        Raises:
            SourceError: the file cannot be read. Records that are wrong are named when they are evaluated.
        """
        results = COCO()
        results._held, results._dataset, results._annotated = False, None, self
        if isinstance(resFile, np.ndarray):
            _elsewhere("loadRes", "reads arrays of boxes")
        if isinstance(resFile, list):
            results._records = resFile
        elif hasattr(resFile, "read"):
            results._file = JsonFile.of_stream(resFile)
        else:
            results._file = JsonFile.of_path(resFile, "resFile", "a path, a list of dicts or a stream")
        return results

    def ids(self, fields: tuple[str, ...]) -> tuple[list[Any], list[Any]]:
        """Ids of all images, and of all categories, ascending."""
        if self._held or self._annotated is not None:
            index = self._indexed()
            return sorted(index.imgs), sorted(index.cats)
        truths = self.truths(fields)
        return truths.images.ids.tolist(), sorted(truths.category_names)

    def truths(self, fields: tuple[str, ...] = ("keypoints",)) -> Truths:
        """The annotations as columns, with the keypoints of `fields`; `SourceError` names the record that is wrong."""
        if self._annotated is not None:
            self._hold()
        if self._held or self._file is None:
            return read_truths(self._dataset, fields=fields)
        if fields not in self._truths:
            self._truths[fields] = read_truths(self._file.stream(), fields=fields)
        return self._truths[fields]

    def detections(
        self, truths: Truths, fields: tuple[str, ...], score_fields: tuple[str, ...]
    ) -> tuple[Detections, IntColumn]:
        """The results as columns, and the (D,) int64 ids of their dicts; `SourceError` names the record that is
        wrong."""
        if self._annotated is None:
            self._hold()
        if not self._held:
            source = self._records if self._file is None else self._file.stream()
            people = read_detections(source, truths, fields=fields, score_fields=score_fields)
            return people, np.arange(1, len(people) + 1)
        return _held_detections(self._document().get("annotations", []), truths, fields, score_fields)

    def is_of(self, image_ids: Collection[Any]) -> bool:
        """Whether the results are dicts, all of them of these images."""
        records = self._document().get("annotations", []) if self._held else self._records
        wanted = set(image_ids)
        return records is not None and all(
            isinstance(record, dict) and record.get("image_id") in wanted for record in records
        )

    def narrowed(self, image_ids: Collection[Any]) -> Record | None:
        """A dataset of these images alone, where the dicts are held and there are other images.

        One more image comes along where nobody is annotated in these: it says how many keypoints people have.
        """
        index = self._indexed() if self._held and self._annotated is None else None
        if index is None or len(index.imgs) <= len(image_ids):
            return None
        wanted = [image for image in image_ids if image in index.imgs]
        people = [a for image in wanted for a in index.annotations_of_image.get(image, ())]
        if not people:
            people = next(([a] for a in index.anns.values() if a["image_id"] in index.imgs), [])
            wanted += [a["image_id"] for a in people]
        return {
            "images": [index.imgs[image] for image in wanted],
            "annotations": people,
            "categories": self._document().get("categories", []),
        }

    def annToRLE(self, ann: Any) -> NoReturn:
        """Not here: masks have nothing to do with keypoints."""
        _elsewhere("annToRLE", "makes masks")

    def annToMask(self, ann: Any) -> NoReturn:
        """Not here: masks have nothing to do with keypoints."""
        _elsewhere("annToMask", "makes masks")

    def showAnns(self, anns: Any, draw_bbox: bool = False) -> NoReturn:
        """Not here."""
        _elsewhere("showAnns", "draws with Matplotlib")

    def download(self, tarDir: Any = None, imgIds: Any = ()) -> NoReturn:
        """Not here."""
        _elsewhere("download", "downloads images")

    def loadNumpyAnnotations(self, data: Any) -> NoReturn:
        """Not here: such arrays hold boxes."""
        _elsewhere("loadNumpyAnnotations", "reads arrays of boxes")

    def _document(self) -> Record:
        """The dict of everything, made when it is first needed."""
        if self._dataset is None:
            if self._annotated is None:
                assert self._file is not None
                self._dataset = self._file.parsed(dict, "an object with images, annotations and categories")
            else:
                results = (
                    self._records if self._file is None else self._file.parsed(list, "a list of results")
                )
                self._dataset = results_dataset(self._annotated._document(), results or [])
        return self._dataset

    def _hold(self, dataset: Record | None = None) -> Record:
        """The dict of everything, for somebody who may change it."""
        self._dataset = self._document() if dataset is None else dataset
        self._held, self._file, self._records = True, None, None
        self._truths.clear()
        return self._dataset

    def _indexed(self) -> Index:
        if self._index is None:
            self._index = Index.of(self._document())
        return self._index


def _held_detections(
    records: list[Record], truths: Truths, fields: tuple[str, ...], score_fields: tuple[str, ...]
) -> tuple[Detections, IntColumn]:
    """Result dicts with ids, and where all have one with areas, as columns; and their ids."""
    people = read_detections(records, truths, fields=fields, score_fields=score_fields)
    if records and all("area" in record for record in records):
        people = replace(people, loaded_areas=np.array([record["area"] for record in records], np.float64))
    return people, np.array([record.get("id", n) for n, record in enumerate(records, start=1)], np.int64)


def _listed(value: Any) -> list[Any]:
    """One id or name, or several, as a list."""
    return list(value) if isinstance(value, Iterable) and not isinstance(value, (str, bytes)) else [value]


def _found(known: dict[Any, Record], ids: Any, kind: str) -> list[Record]:
    wanted = _listed(ids)
    for one in wanted:
        if one not in known:
            raise KeyError(f"ids: wanted ids of the file, got {one!r}, which no {kind} has")
    return [known[one] for one in wanted]


def _elsewhere(name: str, does: str) -> NoReturn:
    raise NotImplementedError(
        f"{name}: posecore.compat evaluates keypoints; the tool that {does} is pycocotools.coco.COCO"
    )
