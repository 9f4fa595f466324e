"""COCO's files: what is labelled, what is not, and what nobody knows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dotted import FOUR, sample, write
from made_labels import annotations, person

from posecore.errors import SourceError
from posecore.skeletons import COCO17, COCO_FEET23
from posecore.train.datasets import coco_pictures, feet_pictures, folder_pictures


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in (1, 2, 3):
        write(tmp_path / f"{number}.png", sample().image)
    return tmp_path


def test_a_sample_is_a_picture_with_its_people(folder: Path) -> None:
    pictures = coco_pictures(annotations(person(1), person(2, 3), person(3)), folder, skeleton=FOUR)
    assert len(pictures) == 2  # nobody is in picture 2
    one = pictures[0]
    assert one.name == "1.png"
    assert one.size == (140, 170)
    assert one.xy.shape == (2, 4, 2)
    assert one.xy[0].tolist() == [[60, 40], [30, 90], [0, 0], [70, 130]]
    assert one.visibility[0].tolist() == [2, 1, 0, 2]
    assert one.boxes[0].tolist() == [20, 30, 60, 110]
    assert one.ignored.shape == (0, 4, 2)
    assert pictures[1].name == "3.png"
    assert [s.name for s in (coco_pictures(annotations(person(1)), folder, skeleton=FOUR, empty=True))] == [
        *("1.png", "2.png", "3.png")
    ]


def test_any_number_above_two_in_a_file_is_a_visible_keypoint(folder: Path) -> None:
    seen = person(1, keypoints=[60, 40, 3, 30, 90, 1, 0, 0, 0, 70, 130, 7])
    one = coco_pictures(annotations(seen), folder, skeleton=FOUR)[0]
    assert one.visibility[0].tolist() == [2, 1, 0, 2]


def test_crowds_and_people_without_keypoints_are_regions_of_which_nothing_is_known(folder: Path) -> None:
    crowd = person(2, iscrowd=1, bbox=[0, 0, 10, 20])
    unlabelled = person(3, keypoints=[0] * 12, bbox=[100, 50, 30, 40])
    one = coco_pictures(annotations(crowd, person(1), unlabelled), folder, skeleton=FOUR)[0]
    assert len(one) == 1
    assert one.ignored.tolist() == [
        [[0, 0], [10, 0], [10, 20], [0, 20]],
        [[100, 50], [130, 50], [130, 90], [100, 90]],
    ]


def test_somebody_without_keypoints_and_box_may_be_anywhere(folder: Path) -> None:
    nowhere = person(2, keypoints=[0] * 12)
    del nowhere["bbox"]
    (region,) = coco_pictures(annotations(person(1), nowhere), folder, skeleton=FOUR)[0].ignored
    assert (region.min(axis=0) < 0).all()
    assert (region.max(axis=0) > (140, 170)).all()


def test_without_a_box_it_is_around_the_labelled_keypoints(folder: Path) -> None:
    boxless = person(1)
    del boxless["bbox"]
    x, y, width, height = coco_pictures(annotations(boxless), folder, skeleton=FOUR)[0].boxes[0]
    assert (x, y) == (30 - 9, 40 - 9)  # a tenth of 90 px
    assert (width, height) == (40 + 18, 90 + 18)


def test_keypoints_come_in_the_order_of_the_skeleton(folder: Path) -> None:
    names = ("Tail", "right hand", "left-hand", "nose")
    mixed = coco_pictures(annotations(person(1), names=names), folder, skeleton=FOUR)[0]
    assert mixed.xy[0].tolist() == [[70, 130], [0, 0], [30, 90], [60, 40]]
    with pytest.raises(SourceError, match=r"dict: wanted the keypoints of the skeleton four, got 'fin'"):
        coco_pictures(annotations(person(1), names=("nose", "fin", "x", "y")), folder, skeleton=FOUR)
    with pytest.raises(SourceError, match="dict: wanted 17 keypoints, as the skeleton coco17 has, got 4"):
        coco_pictures(annotations(person(1)), folder)


TOLD = [61, 41, 0.9, 31, 91, 0.1, 99, 81, 0.8, 0, 0, 0]


@pytest.mark.parametrize(
    ("teacher_for", "least", "xy", "visibility"),
    [
        ("unlabelled", 0.3, [[60, 40], [30, 90], [99, 81], [70, 130]], [2, 1, 2, 2]),
        ("unlabelled", 0.85, [[60, 40], [30, 90], [0, 0], [70, 130]], [2, 1, 0, 2]),
        ("all", 0.3, [[61, 41], [30, 90], [99, 81], [70, 130]], [2, 1, 2, 2]),
    ],
)
def test_a_teacher_fills_in_what_people_left_open(
    folder: Path, teacher_for: Any, least: float, xy: Any, visibility: Any
) -> None:
    taught = annotations(person(1, teacher_keypoints=TOLD), person(2, 3, teacher_keypoints=TOLD, iscrowd=1))
    one = coco_pictures(
        taught,
        folder,
        skeleton=FOUR,
        teacher="teacher_keypoints",
        teacher_for=teacher_for,
        least_teacher_score=least,
    )[0]
    assert one.xy[0].tolist() == xy
    assert one.visibility[0].tolist() == visibility


def test_people_on_whom_the_teacher_does_not_agree_are_left_open(folder: Path) -> None:
    said = [
        person(1, teacher_agreement=0.9),
        person(2, teacher_agreement=0.4),
        person(3, 2, teacher_agreement=0.1),
    ]
    pictures = coco_pictures(annotations(*said), folder, skeleton=FOUR, least_agreement=0.5)
    assert len(pictures) == 1
    assert (len(pictures[0]), len(pictures[0].ignored)) == (1, 1)


def test_feet_come_behind_the_body(tmp_path: Path) -> None:
    write(tmp_path / "1.png", sample().image)
    body = annotations(
        person(1, keypoints=[5, 6, 2] * 17), person(2, keypoints=[7, 8, 2] * 17), names=COCO17.keypoints
    )
    feet = annotations(person(1, keypoints=[50, 60, 2] * 5 + [0, 0, 0]), names=())
    for name, labels in (("body.json", body), ("feet.json", feet)):
        (tmp_path / name).write_text(json.dumps(labels))
    one = feet_pictures(tmp_path / "body.json", tmp_path / "feet.json", tmp_path)[0]
    assert one.skeleton is COCO_FEET23
    assert one.visibility.tolist() == [[2] * 22 + [0], [2] * 17 + [0] * 6]
    assert one.xy[0, 16:18].tolist() == [[5, 6], [50, 60]]
    alone = feet_pictures(tmp_path / "body.json", tmp_path / "feet.json", tmp_path, unmatched="drop")
    assert len(alone[0]) == 1


def test_a_folder_with_one_label_file_is_enough(folder: Path) -> None:
    with pytest.raises(SourceError, match=r"wanted one \.json with the labels beside the pictures, got 0"):
        folder_pictures(folder, skeleton=FOUR)
    (folder / "labels.json").write_text(json.dumps(annotations(person(1))))
    assert len(folder_pictures(folder, skeleton=FOUR)) == 1


def test_names_do_not_lead_out_of_the_folder(folder: Path) -> None:
    for name in ("../1.png", "/etc/passwd", "a/../../1.png", "", "C:\\1.png"):
        labels = annotations(person(1))
        labels["images"][0]["file_name"] = name
        with pytest.raises(SourceError, match="wanted the name of a picture in this folder"):
            coco_pictures(labels, folder, skeleton=FOUR)[0]


def test_a_missing_picture_is_named(folder: Path) -> None:
    (folder / "1.png").unlink()
    pictures = coco_pictures(annotations(person(1)), folder, skeleton=FOUR)
    with pytest.raises(SourceError, match=r"1\.png: wanted a picture file, got nothing of that name"):
        pictures[0]
    with pytest.raises(IndexError, match="index: wanted 0 to 0, got 1"):
        pictures[1]
    with pytest.raises(SourceError, match="wanted a folder with pictures, got nothing of that name"):
        coco_pictures(annotations(person(1)), folder / "elsewhere", skeleton=FOUR)


def test_the_shared_pictures_are_all_there_and_of_the_stated_sizes(shared: Path) -> None:
    train = shared / "data" / "train"
    pictures = coco_pictures(train / "coco.json", train / "coco")
    assert len(pictures) == 119
    assert sum(len(pictures.labels(i)) for i in range(119)) == 329
    for index in range(0, 119, 7):
        one = pictures[index]
        assert one.size == tuple(pictures.sizes[index])


def test_the_shared_teacher_has_faces_where_leeds_has_none(shared: Path) -> None:
    train = shared / "data" / "train"
    plain = coco_pictures(train / "lsp.json", train / "lsp")
    taught = coco_pictures(train / "lsp.json", train / "lsp", teacher="teacher_keypoints")
    assert len(plain) == len(taught) == 1000
    faces = [(p.visibility[:, :5] > 0).mean() for p in (plain.people, taught.people)]
    assert faces[0] == 0
    assert faces[1] > 0.8
    labelled = plain.people.visibility > 0
    assert np.array_equal(plain.people.xy[labelled], taught.people.xy[labelled])
