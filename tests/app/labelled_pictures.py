"""Pictures whose pixels say where they come from, and a network that knows who is there and can be made wrong.

A pixel is (x, y, number of the picture). So a crop, a mirror image and any size of it still say where each person is.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from posecore.heads import Heads
from posecore.runtime.geometry import Geometry
from posecore.skeletons import COCO17

STRIDE_PX = 16
SIZE = (250, 190)
_BODY = {
    "nose": (0, -0.9), "eye": (0.08, -0.97), "ear": (0.16, -0.93), "shoulder": (0.3, -0.6), "elbow": (0.45, -0.25),
    "wrist": (0.5, 0.1), "hip": (0.2, 0.1), "knee": (0.22, 0.55), "ankle": (0.25, 1.0),
}  # fmt: skip


def person(x: float, y: float, height: float) -> np.ndarray:
    """(17, 2) a standing person, whose middle is at (x, y), who faces the camera."""
    points = []
    for k, name in enumerate(COCO17.keypoints):
        side = {"left": 1, "right": -1, "middle": 0}[COCO17.side(k)]
        across, down = _BODY[name.rpartition("_")[2]]
        points.append((x + side * across * height / 2, y + down * height / 2))
    return np.array(points)


@dataclass
class Pictures:
    """`people[i]` are (N, 17, 2) pixels of picture i."""

    people: list[np.ndarray] = field(
        default_factory=lambda: [
            np.stack([person(60, 95, 140), person(185, 100, 110)]),
            np.stack([person(120, 90, 150)]),
            np.stack([person(50, 100, 100), person(130, 80, 120), person(210, 105, 120)]),
        ]
    )

    def image(self, number: int) -> np.ndarray:
        x, y = np.meshgrid(np.arange(SIZE[0]), np.arange(SIZE[1]))
        return np.stack([x, y, np.full_like(x, number)], axis=2).astype(np.uint8)

    def seen(self, image: np.ndarray) -> np.ndarray:
        """(N, 17, 2) whose middle is in this part of a picture, in its pixels."""
        left, top, number = (int(v) for v in image[0, 0])
        xy = self.people[number] - (left, top)
        if int(image[0, -1, 0]) < left:
            xy = (self.people[number] * (-1, 1) + (left, -top))[:, list(COCO17.flip_index)]
        middle = xy.mean(axis=1)
        return xy[((middle >= 0) & (middle < (image.shape[1], image.shape[0]))).all(axis=1)]

    def truth(self) -> dict[str, Any]:
        """COCO annotations."""
        annotations = []
        for number, people in enumerate(self.people):
            for xy in people:
                low, high = xy.min(axis=0) - 4, xy.max(axis=0) + 4
                box = [*low, *(high - low)]
                keypoints = np.column_stack([xy, np.full(17, 2)]).ravel()
                annotations.append(
                    {
                        "id": len(annotations) + 1, "image_id": number + 1, "category_id": 1, "iscrowd": 0,
                        "bbox": box, "area": box[2] * box[3] * 0.6, "num_keypoints": 17,
                        "keypoints": keypoints.tolist(),
                    }
                )  # fmt: skip
        images = [
            {"id": n + 1, "file_name": f"{n}.png", "width": SIZE[0], "height": SIZE[1]}
            for n in range(len(self.people))
        ]
        category = {"id": 1, "name": "person", "keypoints": list(COCO17.keypoints)}
        return {"images": images, "annotations": annotations, "categories": [category]}

    def write(self, folder: Path, cv2: Any) -> tuple[Path, Path]:
        """The annotation file and the folder of the pictures."""
        (folder / "pictures").mkdir()
        for number in range(len(self.people)):
            cv2.imwrite(str(folder / "pictures" / f"{number}.png"), self.image(number)[:, :, ::-1])
        (folder / "gt.json").write_text(json.dumps(self.truth()), encoding="utf-8")
        return folder / "gt.json", folder / "pictures"


def heads_of(people: np.ndarray, input_size: tuple[int, int], stride: int = STRIDE_PX) -> Heads:
    """Heads that are right everywhere: each cell is about the nearest person, (N, 17, 2) input pixels."""
    columns, rows = ((side - 1) // stride + 1 for side in input_size)
    cells = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=2) * float(stride)
    offsets = people[:, None, None] - cells[None, :, :, None]  # (N, rows, columns, 17, 2)
    distances = np.hypot(offsets[..., 0], offsets[..., 1])
    nearest = distances.argmin(axis=0)

    def of_nearest(vectors: np.ndarray, owner: np.ndarray) -> np.ndarray:
        chosen = np.take_along_axis(vectors, owner[None, ..., None], axis=0)[0]
        return np.concatenate([chosen[..., 1], chosen[..., 0]], axis=2).astype(np.float32)

    parents, children = np.array(COCO17.edges).T
    return Heads(
        (6 - distances.min(axis=0) / 8).astype(np.float32),
        of_nearest(offsets, nearest),
        of_nearest(offsets[..., children, :], nearest[..., parents]),
        of_nearest(offsets[..., parents, :], nearest[..., children]),
        stride_px=stride,
        scores="logits",
    )


@dataclass(frozen=True)
class Detail:
    heads: Heads | None
    geometry: Geometry


class KnowingEstimator:
    """An estimator as `ablate` uses it. `spoil` makes the network worse: it gets the heads and gives others."""

    name, library, skeleton = "knowing", "no interpreter 1.0", COCO17

    def __init__(
        self,
        pictures: Pictures,
        *,
        size: int | tuple[int, int] | None = None,
        resize: str = "letterbox",
        spoil: Callable[[Heads], Heads] = lambda heads: heads,
        fixed: tuple[int, int] | None = None,
    ) -> None:
        self._pictures, self._resize, self._spoil = pictures, resize, spoil
        height_width = size if isinstance(size, tuple) else fixed
        self._fixed = None if height_width is None else height_width[::-1]
        self.long_side = None if self._fixed else size or 257
        self.input_size = self._fixed or (257, 257)

    def detail(self, image: np.ndarray) -> Detail:
        shape = image.shape[1], image.shape[0]
        if self._fixed is None:
            geometry = Geometry.long_side(shape, self.long_side, multiple=STRIDE_PX, plus=1)
        elif self._resize == "letterbox":
            geometry = Geometry.letterbox(shape, self._fixed)
        else:
            geometry = Geometry.stretch(shape, self._fixed)
        self.input_size = geometry.input_size
        people = np.asarray(geometry.to_input(self._pictures.seen(image)))
        heads = heads_of(people, geometry.input_size)
        return Detail(self._spoil(heads), geometry)


def moved(tensor: str, by_px: float) -> Callable[[Heads], Heads]:
    """Makes all vectors of a tensor wrong by so many pixels in x and y."""
    return lambda heads: replace(heads, **{tensor: getattr(heads, tensor) + np.float32(by_px)})
