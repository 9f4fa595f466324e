"""How training code uses COCO's evaluator, in three manners; the library is an argument, and nothing else changes."""

from __future__ import annotations

import contextlib
import copy
import io
import json
from pathlib import Path
from typing import Any

import numpy as np

Lines = list[str]


def top_down(library: Any, annotation_file: Path, predictions: list[Any], folder: Path) -> Lines:
    """A pose network on boxes of people: the data set reads the annotations, the validation writes a result file and
    has it scored."""
    coco = library.COCO(str(annotation_file))
    names = [category["name"] for category in coco.loadCats(coco.getCatIds())]
    assert names[0] == "kind 1"
    database = []
    for image in coco.getImgIds():
        picture = coco.loadImgs(image)[0]
        for person in coco.loadAnns(coco.getAnnIds(imgIds=image, iscrowd=False)):
            if max(person["keypoints"]) > 0 and person["area"] > 0:
                database.append((picture["file_name"], np.array(person["keypoints"]).reshape(-1, 3)))
    assert database

    file = folder / "keypoints_results.json"
    file.write_text(json.dumps(predictions))
    found = coco.loadRes(str(file))
    run = library.COCOeval(coco, found, "keypoints")
    run.params.useSegm = None
    run.evaluate()
    run.accumulate()
    return _printed(run)


def distributed(library: Any, people: dict[str, Any], predictions: list[Any], batch: int) -> Lines:
    """A detector on several machines: each one evaluates a few pictures at a time, what they found is gathered, some
    of it twice, and accumulated once."""
    coco = library.COCO()
    coco.dataset = copy.deepcopy(people)
    coco.createIndex()
    run = library.COCOeval(copy.deepcopy(coco), iouType="keypoints")
    image_ids, gathered = [], []
    every = coco.getImgIds()
    batches = [every[n : n + batch] for n in range(0, len(every), batch)]
    for wanted in (*batches, batches[0]):
        results = [copy.deepcopy(p) for p in predictions if p["image_id"] in wanted]
        with contextlib.redirect_stdout(io.StringIO()):
            run.cocoDt = library.COCO.loadRes(coco, results) if results else library.COCO()
            run.params.imgIds = list(np.unique(wanted))
            run.evaluate()
        shape = (-1, len(run.params.areaRng), len(run.params.imgIds))
        gathered.append(np.asarray(run.evalImgs).reshape(shape))
        image_ids.extend(run.params.imgIds)
    unique, first = np.unique(image_ids, return_index=True)
    run.evalImgs = list(np.concatenate(gathered, 2)[..., first].flatten())
    run.params.imgIds = list(unique)
    run._paramsEval = copy.deepcopy(run.params)
    run.accumulate()
    return _printed(run)


def by_hand(library: Any, people: dict[str, Any], predictions: list[Any]) -> Lines:
    """A detector that goes through the images itself."""
    coco = library.COCO()
    coco.dataset = copy.deepcopy(people)
    coco.createIndex()
    run = library.COCOeval(coco, coco.loadRes(copy.deepcopy(predictions)), iouType="keypoints")
    p = run.params
    p.imgIds, p.catIds, p.maxDets = list(np.unique(p.imgIds)), list(np.unique(p.catIds)), sorted(p.maxDets)
    run._prepare()
    run.ious = {(image, c): run.computeOks(image, c) for image in p.imgIds for c in p.catIds}
    run.evalImgs = [
        run.evaluateImg(image, c, area, p.maxDets[-1])
        for c in p.catIds
        for area in p.areaRng
        for image in p.imgIds
    ]
    run._paramsEval = copy.deepcopy(p)
    run.accumulate()
    return _printed(run)


def _printed(run: Any) -> Lines:
    """What the summary prints; it fills `stats` as well."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        run.summarize()
    return [*out.getvalue().splitlines(), *(f"{number!r}" for number in np.asarray(run.stats).tolist())]
