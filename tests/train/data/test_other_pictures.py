"""MPII's, Leeds Sports' and plain lists of points as datasets; one sample a person; parts and mixtures."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from dotted import FOUR, PAIR, dots, sample, spot, write
from made_labels import annotations, person

from evaluation.mat_files import matlab, mpii_truth
from posecore.errors import SourceError
from posecore.skeletons import COCO17, MPII16, Skeleton
from posecore.train.config import SetConfig
from posecore.train.datasets import (
    Mixture,
    Part,
    Unlabelled,
    coco_pictures,
    in_skeleton,
    labels_for,
    lsp_pictures,
    mpii_pictures,
    person_crops,
    point_pictures,
    sample_for,
)
from posecore.train.samples import Labels, Sample
from posecore.train.sets import open_set, training_set
from posecore.train.targets import GaussianTargets
from posecore.train.warps import letterbox


def mpii_json(path: Path) -> Path:
    joints = [[10 + k, 20 + k] for k in range(16)]
    seen = [1] * 15 + [0]
    rows = [("a.png", seen), ("b.png", seen), ("a.png", [1] * 16)]
    path.write_text(json.dumps([{"image": name, "joints": joints, "joints_vis": v} for name, v in rows]))
    for name in ("a.png", "b.png"):
        write(path.parent / name, sample().image)
    return path


def test_mpii_counts_from_one_and_here_it_is_zero(tmp_path: Path) -> None:
    pictures = mpii_pictures(mpii_json(tmp_path / "train.json"), tmp_path)
    assert pictures.names == ("a.png", "b.png")
    one = pictures[0]
    assert one.skeleton is MPII16
    assert one.xy[0, 0].tolist() == [9, 19]
    assert one.visibility.tolist() == [[2] * 15 + [0], [2] * 16]
    assert (one.boxes[1, 2:] > 15).all()


def test_a_matlab_file_of_mpii_takes_its_names_from_another(tmp_path: Path) -> None:
    (tmp_path / "gt.mat").write_bytes(matlab(mpii_truth(3)))
    with pytest.raises(SourceError, match=r"gt\.mat: wanted names of pictures, got none: pass names="):
        mpii_pictures(tmp_path / "gt.mat", tmp_path)
    names = mpii_json(tmp_path / "valid.json")
    pictures = mpii_pictures(tmp_path / "gt.mat", tmp_path, names=names)
    assert pictures.names == ("a.png", "b.png")
    assert pictures.labels(0).xy[0, 1].tolist() == [6 - 1, 9 - 1]  # of numbers 0, 1, 2, ... for 3 people
    short = tmp_path / "short.json"
    short.write_text(json.dumps(json.loads(names.read_text())[:2]))
    with pytest.raises(SourceError, match="wanted names for 3 people"):
        mpii_pictures(tmp_path / "gt.mat", tmp_path, names=short)


def test_leeds_pictures_are_numbered(tmp_path: Path) -> None:
    joints = np.arange(3 * 14 * 2, dtype=np.float64).reshape(3, 14, 2)
    (tmp_path / "joints.mat").write_bytes(matlab({"joints": joints}))
    write(tmp_path / "im0002.png", sample().image)
    pictures = lsp_pictures(tmp_path / "joints.mat", tmp_path, pattern="im{:04d}.png")
    one = pictures[1]
    assert one.name == "im0002.png"
    assert one.xy[0, 13].tolist() == [joints[0, 13, 1] - 1, joints[1, 13, 1] - 1]
    assert (one.visibility == 2).all()
    with pytest.raises(ValueError, match="pattern: wanted a format of the number"):
        lsp_pictures(tmp_path / "joints.mat", tmp_path, pattern="picture.jpg")
    with pytest.raises(SourceError, match="wanted MPII's joints, got LSP truth"):
        mpii_pictures(tmp_path / "joints.mat", tmp_path)


CSV = "picture,left_hand_x,left_hand_y,right_hand_x,right_hand_y\n0001.png,12.5,20,30,40.25\n0002.png,5,6,,\n"
JSON = {
    "keypoints": ["left_hand", "right_hand"],
    "people": [
        {"picture": "0001.png", "points": [[12.5, 20], [30, 40.25]]},
        {"picture": "0002.png", "points": [[5, 6], None]},
    ],
}


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_a_list_of_points_is_a_dataset(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"toy.{kind}"
    path.write_text(CSV if kind == "csv" else json.dumps(JSON))
    write(tmp_path / "0001.png", np.zeros((212, 256, 3), np.uint8))
    pictures = point_pictures(path, grey=True)
    assert pictures.skeleton.keypoints == PAIR.keypoints
    assert pictures.skeleton.flip_pairs == ((0, 1),)
    one = pictures[0]
    assert one.image.shape == (212, 256, 1)
    assert one.xy.tolist() == [[[12.5, 20], [30, 40.25]]]
    assert pictures.labels(1).visibility.tolist() == [[2, 0]]
    assert point_pictures(path, skeleton=PAIR).skeleton is PAIR


def test_a_list_of_points_goes_by_names(tmp_path: Path) -> None:
    path = tmp_path / "toy.csv"
    path.write_text(CSV)
    other = Skeleton("other", ("right_hand", "left_hand"))
    assert point_pictures(path, skeleton=other).labels(0).xy[0].tolist() == [[30, 40.25], [12.5, 20]]
    with pytest.raises(SourceError, match=r"toy\.csv: wanted the keypoints of the skeleton four"):
        point_pictures(path, skeleton=FOUR)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: wanted picture,NAME_x,NAME_y,..., got nothing"),
        ("file,a_x,a_y\n", "line 1: wanted picture,NAME_x,NAME_y,..., got file,a_x,a_y"),
        ("picture,a_x,b_y\n", "line 1: wanted picture,NAME_x,NAME_y"),
        ("picture,a_x,a_y\n1.png,3\n", "line 2: wanted 3 cells, as line 1 has, got 2"),
        (
            "picture,a_x,a_y\n1.png,3,\n",
            "line 2: a: wanted two numbers of pixels within 1e.06, got '3' and None",
        ),
        ("picture,a_x,a_y\n1.png,3,nan\n", "line 2: a: wanted two numbers of pixels"),
        ("picture,a_x,a_y,a_x,a_y\n", "keypoints: .* wants different names"),
    ],
)
def test_lines_that_are_not_so_are_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "toy.csv"
    path.write_text(text)
    with pytest.raises(SourceError, match=rf"toy\.csv: {message}"):
        point_pictures(path)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "keypoints: wanted a list of names"),
        ({"keypoints": ["a"]}, "people: wanted a list"),
        (
            {"keypoints": ["a"], "people": [{"picture": "1.png", "points": []}]},
            r"people\[0\]: points: wanted 1 of",
        ),
        ({"keypoints": ["a"], "people": [{"points": [[1, 2]]}]}, r"people\[0\]: picture: wanted a name"),
        (
            {"keypoints": ["a"], "people": [{"picture": "1.png", "points": [[1, "x"]]}]},
            r"people\[0\]: a: wanted two numbers of pixels",
        ),
    ],
)
def test_records_that_are_not_so_are_named(tmp_path: Path, data: object, message: str) -> None:
    path = tmp_path / "toy.json"
    path.write_text(json.dumps(data))
    with pytest.raises(SourceError, match=rf"toy\.json: {message}"):
        point_pictures(path)


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """A picture of 140x170 in which two people share the dots."""
    write(tmp_path / "1.png", sample().image)
    return tmp_path


def test_each_person_is_a_sample_of_its_own(two: Path) -> None:
    small = person(2, bbox=[60, 30, 10, 20])
    pictures = coco_pictures(annotations(person(1), small), two, skeleton=FOUR)
    crops = person_crops(pictures, context=1.5, aspect=0.75)
    assert len(crops) == 2
    assert [len(crop) for crop in (crops[0], crops[1])] == [1, 1]
    x, y, width, height = crops[0].frame or ()
    assert width / height == pytest.approx(0.75)
    assert height == pytest.approx(1.5 * 110)
    # In the middle of the box (20, 30, 60, 110).
    left, top = 140 - crops[0].size[0], 170 - crops[0].size[1]
    assert (x + width / 2 + left, y + height / 2 + top) == pytest.approx((50, 85))
    seen = letterbox(crops[0], (96, 128))
    for keypoint in np.flatnonzero(seen.visibility[0]):
        point = seen.xy[0, keypoint]
        np.testing.assert_allclose(spot(seen.image, point, 7), point, atol=0.15)
    together = person_crops(pictures, others=True)
    assert [len(together[0]), len(together[1])] == [2, 2]
    assert together[1].boxes[0, 2:].tolist() == [10, 20]  # the person comes first
    assert len(person_crops(pictures, least_keypoints=4)) == 0
    assert len(person_crops(Part(pictures, [0, 0]))) == 4


def test_large_photographs_come_no_larger_than_they_are_shown(tmp_path: Path) -> None:
    points = np.array([(200, 160), (400, 300), (500, 500), (300, 600)])
    write(tmp_path / "1.jpg", dots(points, (1000, 800), sigma_px=16))
    flat = np.concatenate([points, np.full((4, 1), 2)], axis=1).ravel().tolist()
    labels = annotations(person(1, keypoints=flat, bbox=[150, 100, 400, 550]))
    labels["images"][0] |= {"file_name": "1.jpg", "width": 1000, "height": 800}
    pictures = coco_pictures(labels, tmp_path, skeleton=FOUR)
    assert sample_for(pictures, 0, (128, 128)).size == (250, 200)
    crops = person_crops(pictures)
    for dataset in (pictures, crops):
        small, large = sample_for(dataset, 0, (128, 128)), dataset[0]
        assert small.size[0] < large.size[0]
        ours, theirs = letterbox(small, (128, 128)), letterbox(large, (128, 128))
        np.testing.assert_allclose(ours.xy, theirs.xy, atol=1e-3)
        np.testing.assert_allclose(ours.boxes, theirs.boxes, atol=1e-3)
        for point in ours.xy[0]:
            np.testing.assert_allclose(spot(ours.image, point, 8), spot(theirs.image, point, 8), atol=0.1)


def test_keypoints_that_a_set_does_not_have_are_not_labelled(two: Path) -> None:
    pictures = coco_pictures(annotations(person(1)), two, skeleton=FOUR)
    other = Skeleton("other", ("wing", "right_hand", "left_hand", "face"))
    one = in_skeleton(pictures, other, {"face": "nose"})[0]
    assert one.visibility.tolist() == [[0, 0, 1, 2]]
    assert one.xy[0, 2:].tolist() == [[30, 90], [60, 40]]
    with pytest.raises(ValueError, match="skeleton: wanted keypoints of four in it, got none in coco17"):
        in_skeleton(pictures, replace(COCO17, keypoints=tuple(f"k{i}" for i in range(17))))


class Numbers:
    """A dataset whose samples are named after their numbers."""

    skeleton = FOUR

    def __init__(self, name: str, count: int) -> None:
        self.name, self.count = name, count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> object:
        return replace(sample(), name=f"{self.name}{index}")


def test_a_part_has_the_samples_that_were_asked_for() -> None:
    part = Part(Numbers("a", 9), range(6, 9))
    assert [part[i].name for i in range(3)] == ["a6", "a7", "a8"]
    with pytest.raises(ValueError, match="indices: wanted a whole number from 0 to 8, got 9"):
        Part(Numbers("a", 9), [9])


def test_a_mixture_has_all_samples_in_the_shares_that_were_asked_for() -> None:
    mixture = Mixture([Numbers("a", 100), Numbers("b", 10)], [3, 1])
    names = [mixture[i].name for i in range(len(mixture))]
    assert set(names) == {f"a{i}" for i in range(100)} | {f"b{i}" for i in range(10)}
    assert sum(name.startswith("a") for name in names) / len(names) == pytest.approx(0.75, abs=0.01)
    # Those of the smaller set come equally often, to one.
    counts = [names.count(f"b{i}") for i in range(10)]
    assert max(counts) - min(counts) <= 1
    with pytest.raises(IndexError):
        mixture[len(mixture)]


def test_a_mixture_is_of_one_skeleton() -> None:
    other = Numbers("b", 3)
    other.skeleton = PAIR
    with pytest.raises(ValueError, match="wanted one skeleton, got four and, in number 1, another: pair"):
        Mixture([Numbers("a", 3), other], [1, 1])
    with pytest.raises(ValueError, match="weights: wanted one for each of 1 datasets"):
        Mixture([Numbers("a", 3)], [1, 1])
    with pytest.raises(ValueError, match="datasets: wanted samples in each, got none in number 0"):
        Mixture([Numbers("a", 0)], [1])


def test_somebody_without_a_place_hides_the_whole_picture_at_any_size(tmp_path: Path) -> None:
    write(tmp_path / "a.png", sample().image)
    (tmp_path / "points.csv").write_text("picture,nose_x,nose_y\na.png,10,10\na.png,,\n")
    pictures = point_pictures(tmp_path / "points.csv")
    large = letterbox(pictures[0], (900, 900))
    targets = GaussianTargets(pictures.skeleton, 8, 8.0)
    heatmap = targets.encode(large.xy, large.visibility, large.boxes, large.ignored, size=(900, 900))[
        "heatmap"
    ]
    x, y = np.rint(large.xy[0, 0] / 8).astype(int)
    assert heatmap[y, x, 0] > 0.7
    assert np.isnan(heatmap).mean() > 0.9, "nobody knows where the other one is"


def test_a_mixture_of_very_unlike_weights_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"^weights: wanted a mixture of at most 134217728 samples, got 2000"
    ):
        Mixture([Numbers("a", 2), Numbers("b", 2)], [1e-3, 1e6])


def test_others_in_a_crop_are_background_for_one_person_and_people_for_several(two: Path) -> None:
    (two / "labels.json").write_text(json.dumps(annotations(person(1), person(2))))
    config = SetConfig(two / "labels.json", two, crops=True, context=10.0)
    alone, together = (open_set(config, FOUR, (64, 64), others=others)[0] for others in (False, True))
    assert (len(alone), len(together)) == (1, 2)
    np.testing.assert_array_equal(together.xy[0], alone.xy[0])


class Unread(Numbers):
    """Pictures that nobody may read."""

    def labels(self, index: int) -> Labels:
        one = sample()
        return replace(one.labels, boxes=one.boxes + index)

    def __getitem__(self, index: int) -> object:
        raise AssertionError("the picture was read")

    def sample_for(self, index: int, *_: object) -> Sample:
        return self[index]


def test_labels_are_told_without_reading_a_picture() -> None:
    unread = Unread("a", 3)
    crops = person_crops(unread)
    mixture = Mixture([crops, Part(unread, [1, 2]), Numbers("b", 3)], [1, 1, 1])
    box = sample().boxes
    found = [labels_for(mixture, index).boxes - box for index in range(6)]
    assert [float(one[0, 0]) for one in found] == [0, 1, 2, 1, 2, 1]
    hidden = Unlabelled(mixture).labels(0)
    assert (hidden.visibility == 0).all()
    with pytest.raises(TypeError, match="dataset: wanted one with labels and sample_for"):
        person_crops(crops)


def test_a_crop_tells_the_labels_of_its_person_first() -> None:
    class Two(Unread):
        def labels(self, index: int) -> Labels:
            one = sample().labels
            both = {name: np.repeat(getattr(one, name), 2, axis=0) for name in ("xy", "visibility", "boxes")}
            both["boxes"] += np.array([[0], [7]], np.float32)
            return replace(one, **both)

    alone, together = (person_crops(Two("a", 1), others=others).labels(1) for others in (False, True))
    first = float(sample().boxes[0, 0])
    assert alone.boxes[:, 0].tolist() == [first + 7]
    assert together.boxes[:, 0].tolist() == [first + 7, first]


def test_a_mixture_that_is_too_long_is_one_sentence_about_the_file(two: Path) -> None:
    (two / "labels.json").write_text(json.dumps(annotations(person(1), person(2))))
    config = SetConfig(two / "labels.json", two, weight=1e6)
    with pytest.raises(
        SourceError, match=r"^\[\[data.train\]\] weights: wanted a mixture of at most 134217728"
    ):
        training_set((config, replace(config, weight=1e-6)), FOUR, (64, 64))
    with pytest.raises(ValueError, match="weight: wanted"):
        replace(config, weight=1e-7)
