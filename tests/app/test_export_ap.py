"""AP of an exported model against the float model's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from export.known_people import SIZE, TWO, KnownRunner, heads_of, reading
from posecore.errors import SourceError
from posecore.export_ap import compare_accuracy
from posecore.skeletons import COCO17

cv2 = pytest.importorskip("cv2", reason='OpenCV is not installed: pip install "posecore[app]"')


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """Three pictures twice as large as the input, with two people each."""
    images, people = [], []
    for number in (1, 2, 3):
        name = f"{number}.png"
        cv2.imwrite(str(tmp_path / name), np.full((2 * SIZE[1], 2 * SIZE[0], 3), 40 * number, np.uint8))
        images.append({"id": number, "file_name": name, "width": 2 * SIZE[0], "height": 2 * SIZE[1]})
        for one in TWO:
            xy = (one + 0.5) * 2 - 0.5
            low, size = xy.min(axis=0), np.ptp(xy, axis=0)
            people.append(
                {
                    "id": len(people) + 1,
                    "image_id": number,
                    "category_id": 1,
                    "keypoints": np.column_stack([xy, np.full(17, 2)]).ravel().tolist(),
                    "num_keypoints": 17,
                    "bbox": [*low.tolist(), *size.tolist()],
                    "area": float(size.prod()),
                    "iscrowd": 0,
                }
            )
    category = {"id": 1, "name": "person", "keypoints": list(COCO17.keypoints), "skeleton": []}
    labels = tmp_path / "labels.json"
    labels.write_text(json.dumps({"images": images, "annotations": people, "categories": [category]}))
    return labels


def test_whoever_finds_everybody_has_an_ap_of_one(labelled: Path) -> None:
    right = KnownRunner(heads_of(*TWO))
    found = compare_accuracy(right, KnownRunner(heads_of(TWO[0])), labelled, labelled.parent)
    assert found.reference == pytest.approx(1)
    assert found.exported == pytest.approx(51 / 101)
    assert found.difference == pytest.approx(-50 / 101)
    assert found.pictures == 3
    assert (found.low, found.high) == pytest.approx((found.difference, found.difference)), (
        "all pictures are alike"
    )


def test_networks_of_one_person_are_shown_one_box_after_the_other(labelled: Path) -> None:
    said = reading(
        kind="coordinates",
        stride_px=0.0,
        scores="probabilities",
        names={"keypoints": "keypoints"},
        units={"keypoints": "fraction"},
    )
    seen: list[Any] = []

    class Middle(KnownRunner):
        def heads(self, picture: np.ndarray) -> Any:
            seen.append(picture)
            return super().heads(picture)

    middle = Middle({"keypoints": np.full((17, 2), 0.5, np.float32)}, said=said)
    found = compare_accuracy(middle, middle, labelled, labelled.parent)
    assert len(seen) == 2 * 6
    assert found.difference == 0


def test_all_pictures_have_to_be_there(labelled: Path) -> None:
    (labelled.parent / "2.png").unlink()
    runner = KnownRunner(heads_of(*TWO))
    with pytest.raises(
        SourceError, match=r"wanted the 3 pictures of .*labels\.json, but 1 are not there, first 2\.png"
    ):
        compare_accuracy(runner, runner, labelled, labelled.parent)


def test_a_picture_of_another_size_is_refused(labelled: Path) -> None:
    cv2.imwrite(str(labelled.parent / "2.png"), np.zeros((10, 10, 3), np.uint8))
    runner = KnownRunner(heads_of(*TWO))
    with pytest.raises(SourceError, match=r"2\.png: wanted a picture of 514x386 .*, got one of 10x10"):
        compare_accuracy(runner, runner, labelled, labelled.parent)
