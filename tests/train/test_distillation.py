"""A teacher has the last word where nobody has another, and none where people have spoken."""

from __future__ import annotations

import csv
import os
import random
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from posecore import COCO17, COCO_FEET23, Skeleton
from posecore.errors import SourceError
from posecore.train.check import check
from posecore.train.checkpoints import save_weights
from posecore.train.config import (
    DistillationConfig,
    InputConfig,
    NetworkConfig,
    OptimizerConfig,
    TrainConfig,
    read_config,
)
from posecore.train.datasets import Unlabelled, coco_pictures
from posecore.train.distillation import Teacher, make_teacher
from posecore.train.feed import Feed
from posecore.train.fitting import fit
from posecore.train.networks import load_posenet_weights, posenet
from posecore.train.recipes import make_recipe
from posecore.train.sets import open_set
from posecore.train.targets import OpenBackground, PersonLabTargets
from train.dotted_people import DOTS, small_config
from train.killed_runs import assert_same, killed_at

pytest.importorskip("cv2", reason='OpenCV is not installed: pip install "posecore[app]"')

SIZE = (97, 81)
HEADS = ("heatmap_2", "offset_2", "displacement_fwd_2", "displacement_bwd_2")


class Parrot:
    """A network that always says the same of each channel: 100 times the head's number, and the channel's."""

    def __init__(self, skeleton: Skeleton, logit: float = 2.0) -> None:
        channels = {"heatmap_2": skeleton.num_keypoints, "offset_2": 2 * skeleton.num_keypoints}
        channels |= dict.fromkeys(HEADS[2:], 2 * len(skeleton.edges))
        self.said = {
            head: np.arange(count) + 100.0 * number for number, (head, count) in enumerate(channels.items())
        }
        self.said["heatmap_2"] = np.full(skeleton.num_keypoints, logit)

    def predict_on_batch(self, x: np.ndarray) -> dict[str, np.ndarray]:
        rows, columns = ((side - 1) // 16 + 1 for side in x.shape[1:3])
        return {
            head: np.broadcast_to(one, (len(x), rows, columns, len(one))).astype(np.float32)
            for head, one in self.said.items()
        }


def labelled(
    visibility: Any, *, ignored: Any = (), targets: Any = None, skeleton: Skeleton = DOTS
) -> dict[str, np.ndarray]:
    """The targets of a batch of one picture with one person in its upper left corner."""
    xy = np.full((1, skeleton.num_keypoints, 2), 12, np.float32)
    targets = targets or OpenBackground(PersonLabTargets(skeleton, 16, radius_px=16.0))
    found = targets.encode(
        xy,
        np.array([visibility], np.uint8),
        np.array([[4, 4, 16, 16]], np.float32),
        np.array(ignored, np.float32).reshape(-1, 4, 2),
        size=SIZE,
    )
    return {name: one[None] for name, one in found.items()}


def picture() -> np.ndarray:
    return np.zeros((1, SIZE[1], SIZE[0], 3), np.float32)


FAR, IN_BOX = (0, 4, 5), (0, 1, 1)


def test_background_far_from_labelled_people_is_open_and_theirs_is_not() -> None:
    plain = labelled([2, 2, 2], targets=PersonLabTargets(DOTS, 16, radius_px=16.0))
    found = labelled([2, 2, 2])
    assert (plain["heatmap_2"][FAR] == 0).all()
    assert np.isnan(found["heatmap_2"][FAR]).all()
    known = ~np.isnan(found["heatmap_2"])
    np.testing.assert_array_equal(found["heatmap_2"][known], plain["heatmap_2"][known])
    # What is known is the box, its margin and a disc's radius around it, and no more.
    rows, columns = np.indices((6, 7)) * 16
    reach = 24 + 0.1 * 16  # discs are at least a cell and a half
    near = (columns <= 20 + reach) & (rows <= 20 + reach)
    np.testing.assert_array_equal(known[0].all(axis=2), near)
    for name in HEADS[1:]:
        np.testing.assert_array_equal(found[name], plain[name])


def test_what_nobody_labelled_is_the_teachers_word() -> None:
    y = labelled([2, 0, 2])
    found = Teacher(Parrot(DOTS), DOTS, DOTS)(picture(), y)
    share = 1 / (1 + np.exp(-2.0))
    for cell, channels in ((FAR, [0, 1, 2]), (IN_BOX, [1])):
        np.testing.assert_allclose(found["heatmap_2"][cell][channels], share, rtol=1e-6)
        offsets = found["offset_2"][cell][[*channels, *(3 + k for k in channels)]]
        np.testing.assert_array_equal(offsets, [100 + k for k in channels] + [103 + k for k in channels])
    # Edges (0, 1) and (0, 2): forward from the head, backward from the feet.
    assert found["displacement_fwd_2"][FAR].tolist() == [200, 201, 202, 203]
    assert found["displacement_bwd_2"][FAR].tolist() == [300, 301, 302, 303]
    assert found["displacement_bwd_2"][IN_BOX][[0, 2]].tolist() == [300, 302]
    assert np.isnan(found["displacement_fwd_2"][IN_BOX][[0, 2]]).all(), (
        "nobody knows the way from a labelled head"
    )


@given(st.lists(st.integers(0, 3), min_size=3, max_size=3), st.floats(-30, 30), st.booleans())
def test_what_people_labelled_stays(visibility: list[int], logit: float, everywhere: bool) -> None:
    region = np.array([[(-1, -1), (1, -1), (1, 1), (-1, 1)]]) * 1e6
    y = labelled(visibility, ignored=region if everywhere else ())
    before = {name: one.copy() for name, one in y.items()}
    found = Teacher(Parrot(DOTS, logit), DOTS, DOTS)(picture(), y)
    assert found.keys() == y.keys()
    assert not np.isnan(found["heatmap_2"]).any()
    for name, one in found.items():
        assert one.dtype == np.float32
        np.testing.assert_array_equal(y[name], before[name], "what came in is as it was")
        known = ~np.isnan(y[name])
        np.testing.assert_array_equal(one[known], y[name][known])
        if logit < 0 and name != "heatmap_2":  # not sure: 0.5 and less
            np.testing.assert_array_equal(one, y[name])


def test_a_keypoint_outside_of_the_picture_is_not_the_teachers_in_its_persons_box() -> None:
    found = Teacher(Parrot(DOTS), DOTS, DOTS)(picture(), labelled([2, 3, 2]))
    assert found["heatmap_2"][IN_BOX][1] == 0
    assert found["heatmap_2"][FAR][1] > 0.8


def test_a_teacher_of_another_skeleton_says_nothing_of_what_it_does_not_have() -> None:
    y = labelled([0] * 23, skeleton=COCO_FEET23)
    found = Teacher(Parrot(COCO17), COCO17, COCO_FEET23)(picture(), y)
    both = [COCO_FEET23.index(name) for name in COCO17.keypoints]
    feet = np.setdiff1d(np.arange(23), both)
    assert not np.isnan(found["heatmap_2"][..., both]).any()
    assert np.isnan(found["heatmap_2"][..., feet]).all()
    offsets = found["offset_2"][FAR]
    np.testing.assert_array_equal(offsets[both], 100 + np.arange(17))
    np.testing.assert_array_equal(offsets[23 + np.array(both)], 117 + np.arange(17))
    assert np.isnan(offsets[feet]).all()
    for number, edge in enumerate(COCO_FEET23.edges):
        named = tuple(COCO_FEET23.keypoints[end] for end in edge)
        theirs = [tuple(COCO17.keypoints[end] for end in one) for one in COCO17.edges]
        said = found["displacement_fwd_2"][FAR][number]
        assert said == 200 + theirs.index(named) if named in theirs else np.isnan(said)


def test_pictures_whose_labels_are_not_used_are_the_teachers_alone(tmp_path: Path) -> None:
    one = small_config(tmp_path).data.train[0]
    dataset = open_set(replace(one, labels=False), DOTS, (48, 40))
    assert isinstance(dataset, Unlabelled)
    assert len(dataset) == 12
    assert np.array_equal(dataset[3].image, open_set(one, DOTS, (48, 40))[3].image)
    targets = OpenBackground(PersonLabTargets(DOTS, 16))
    augmentation = replace(small_config(tmp_path).augmentation, zoom=(1.0, 3.0), mosaic=0.5)
    with Feed(dataset, targets, size=SIZE, batch_size=4, seed=3, augmentation=augmentation) as feed:
        for _ in range(3):
            x, y = next(feed)
            assert np.ptp(x) > 0.5, "the people are in the picture"
            assert all(np.isnan(target).all() for target in y.values())


# --- In a run ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> TrainConfig:
    """A run with a teacher by chance, half of it on pictures without labels."""
    import keras

    folder = tmp_path_factory.mktemp("taught")
    keras.utils.set_random_seed(7)
    teacher = posenet("mobilenet_v1_050", skeleton=DOTS)
    save_weights(folder / "teacher.npz", teacher)
    config = small_config(
        folder,
        network=NetworkConfig("posenet", {"backbone": "mobilenet_v1_050"}),
        input=InputConfig(65, 49, batch_size=2, threads=2),
        distillation=DistillationConfig(folder / "teacher.npz", {"backbone": "mobilenet_v1_050"}),
    )
    (one,) = config.data.train
    data = replace(config.data, train=(one, replace(one, labels=False)), validation=())
    return replace(config, data=data, run=replace(config.run, steps=6, metric="loss"))


@pytest.fixture(scope="module")
def whole(taught: TrainConfig) -> TrainConfig:
    fit(taught)
    return taught


def test_a_configuration_with_a_teacher_is_written_down_whole(taught: TrainConfig, tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_text(taught.toml())
    assert read_config(tmp_path / "run.toml").table() == taught.table()


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
def test_a_run_with_a_teacher_that_is_killed_goes_on_as_if_it_had_not(
    whole: TrainConfig, tmp_path: Path
) -> None:
    out, path = tmp_path / "run", tmp_path / "run.toml"
    path.write_text(replace(whole, run=replace(whole.run, out=out)).toml())

    def soon() -> bool:
        if not (out / "last.npz").exists():
            return False
        time.sleep(random.Random(5).choice((0, 0.02, 0.1)))
        return True

    assert killed_at(path, soon)
    assert not killed_at(path, lambda: False)
    assert_same(whole.run.out / "final.npz", out / "final.npz")


def test_a_teacher_alone_teaches(taught: TrainConfig, tmp_path: Path) -> None:
    data = replace(taught.data, train=taught.data.train[1:])
    run = replace(taught.run, out=tmp_path / "run", steps=12, epoch_steps=4)
    quick = OptimizerConfig(learning_rate=3e-3, clip_norm=1.0)
    fit(replace(taught, data=data, run=run, optimizer=quick))
    rows = list(csv.DictReader((tmp_path / "run" / "log.csv").read_text().splitlines()))
    losses = [float(row["loss"]) for row in rows]
    assert losses[0] > losses[-1] > 0


def test_a_check_looks_at_what_the_teacher_says_and_learns_labels_by_heart(taught: TrainConfig) -> None:
    found = check(taught, steps=2)
    assert all(not np.isnan(target["heatmap_2"]).any() for target in found.targets)
    assert found.overfit is not None
    assert found.overfit.pictures == 11
    nothing = replace(taught, data=replace(taught.data, train=taught.data.train[1:]))
    found = check(nothing, steps=2)
    assert found.overfit is None
    (labels,) = (one for one in found.findings if one.name == "labels")
    assert labels.good
    assert "learnt from the teacher alone" in labels.sentence


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"options": {"backbone": "mobilenet_v1_050", "output_stride": 8}},
            "output_stride 16, as the network has, got 8",
        ),
        ({"options": {"back": 1}}, "got 'back'; did you mean backbone?"),
    ],
)
def test_a_teacher_that_does_not_fit_is_named(taught: TrainConfig, change: Any, sentence: str) -> None:
    assert taught.distillation is not None
    config = replace(taught, distillation=replace(taught.distillation, **change))
    with pytest.raises(SourceError, match=sentence):
        make_teacher(config, make_recipe(config))


def test_a_teacher_is_for_posenet_and_sets_without_labels_want_one(taught: TrainConfig) -> None:
    with pytest.raises(SourceError, match=r"\[distillation\]: wanted the network posenet with it, got cpm"):
        make_recipe(replace(taught, network=NetworkConfig("cpm")))
    with pytest.raises(
        ValueError, match=r"data\.train: wanted \[distillation\] with a set whose labels are not"
    ):
        replace(taught, distillation=None)
    with pytest.raises(
        ValueError, match=r"data\.validation: wanted labels, got a set whose labels are not used"
    ):
        replace(taught, data=replace(taught.data, validation=taught.data.train))


def test_the_official_075_fills_in_faces_and_people_that_lsp_leaves_out(shared: Path) -> None:
    train, models = shared / "data/train", shared / "data/models"
    network = posenet("mobilenet_v1_075", input_size=(257, 257))
    load_posenet_weights(network, models / "posenet_mobilenet_v1_075_weights_f32.npz")
    pictures = coco_pictures(train / "lsp.json", train / "lsp")
    with Feed(pictures, OpenBackground(PersonLabTargets(COCO17, 16)), size=(257, 257), batch_size=8) as feed:
        x, y = feed.batch(0)
    found = Teacher(network, COCO17, COCO17)(x, y)
    body = slice(5, 17)
    assert np.isnan(y["offset_2"][..., :5]).all()
    noses = (~np.isnan(found["offset_2"][..., 0])).any(axis=(1, 2))
    assert noses.sum() >= 6, "of eight people most show their nose"
    np.testing.assert_array_equal(
        found["heatmap_2"][..., body] == 1, y["heatmap_2"][..., body] == 1, "discs of the labelled body"
    )
