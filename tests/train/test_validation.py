"""A network that says exactly what its targets say is perfect, whatever the shape of the picture and of the input."""

from __future__ import annotations

import math
import weakref
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from posecore.train.check import count_labels
from posecore.train.config import InputConfig, NetworkConfig
from posecore.train.feed import Feed
from posecore.train.recipes import Recipe, make_recipe
from posecore.train.samples import OUTSIDE
from posecore.train.sets import open_set
from posecore.train.validation import Validation, inputs_of, people_of
from posecore.train.warps import letterbox
from train.dotted_people import DOTS, small_config

pytest.importorskip("cv2", reason='OpenCV is not installed: pip install "posecore[app]"')

NETWORKS = [
    NetworkConfig("posenet", {"backbone": "mobilenet_v1_050", "output_stride": 8}),
    NetworkConfig("cpm", {"stages": 2}),
    NetworkConfig("simple_baseline"),
    NetworkConfig("four_conv"),
]


class Perfect:
    """Answers with the targets of the samples in their order: a network that has learnt everything."""

    def __init__(self, recipe: Recipe, dataset: Any, shift_px: float = 0.0) -> None:
        self.recipe, self.dataset, self.next, self.shift_px = recipe, dataset, 0, shift_px

    def predict_on_batch(self, x: np.ndarray) -> dict[str, np.ndarray]:
        encoded = []
        for _ in range(len(x)):
            sample = letterbox(self.dataset[self.next], self.recipe.size)
            self.next += 1
            xy = sample.xy + np.float32(self.shift_px)
            labels = (xy, sample.visibility, sample.boxes, sample.ignored)
            encoded.append(self.recipe.targets.encode(*labels, size=self.recipe.size))
        found = {name: np.stack([one[name] for one in encoded]) for name in encoded[0]}
        for name, array in found.items():
            if name.startswith("heatmap"):
                # Logits of the targets' probabilities; what nobody knows is a no.
                share = np.clip(np.nan_to_num(array, nan=0.0), 1e-6, 1 - 1e-6)
                found[name] = np.log(share / (1 - share)).astype(np.float32)
            else:
                found[name] = np.nan_to_num(array, nan=0.0)
        return found


class Few(list[Any]):
    """Samples as a dataset."""

    skeleton = DOTS


@pytest.mark.parametrize("size", [(192, 96), (96, 288), (192, 192)])
@pytest.mark.parametrize("network", NETWORKS, ids=lambda one: one.name)
def test_a_perfect_network_has_perfect_numbers(
    tmp_path: Path, network: NetworkConfig, size: tuple[int, int]
) -> None:
    config = small_config(tmp_path, network=network, input=InputConfig(*size, batch_size=5))
    config = replace(config, loss=replace(config.loss, radius_px=16.0, sigma_px=8.0))
    recipe = make_recipe(config)
    dataset = open_set(config.data.train[0], DOTS, recipe.size)
    found = Validation(recipe, dataset, batch_size=5)(Perfect(recipe, dataset))
    assert set(found) == {"AP", "AP50", "AR", "PCK", "PDJ", "PCP"}
    assert found["AP"] > 0.99
    assert found["PCK"] == found["PCP"] == 1.0
    assert found["PDJ"] > 0.9


@pytest.mark.parametrize("network", NETWORKS, ids=lambda one: one.name)
def test_what_is_outside_of_the_picture_is_not_looked_for(tmp_path: Path, network: NetworkConfig) -> None:
    config = small_config(tmp_path, network=network, input=InputConfig(192, 96, batch_size=5))
    recipe = make_recipe(replace(config, loss=replace(config.loss, radius_px=16.0, sigma_px=8.0)))
    seen = np.array([[2, 1, OUTSIDE]], np.uint8)
    dataset: Any = Few(
        [replace(one, visibility=seen) for one in open_set(config.data.train[0], DOTS, recipe.size)]
    )
    validation = Validation(recipe, dataset)
    samples, poses = zip(*validation.poses(Perfect(recipe, dataset)), strict=True)
    assert validation.report(list(samples), list(poses)).stats[0] > 0.99
    _, _, labelled = people_of(list(samples), list(poses), 3, single=True)
    assert labelled.tolist() == [[True, True, False]] * 12
    assert count_labels(dataset)[0].tolist() == [12, 12, 0]


def test_poses_come_back_in_pixels_of_the_picture(tmp_path: Path) -> None:
    config = small_config(tmp_path, network=NETWORKS[3], input=InputConfig(96, 32))
    recipe = make_recipe(config)
    dataset = open_set(config.data.train[0], DOTS, recipe.size)
    shift = Perfect(recipe, dataset, shift_px=2.0)
    scale = np.array([38 / 48, 32 / 40])  # 48 x 40 becomes 38.4 x 32, in whole pixels
    for sample, poses in Validation(recipe, dataset, batch_size=4).poses(shift):
        assert poses.image_size == (48, 40)
        np.testing.assert_allclose(poses.xy[0], sample.xy[0] + 2 / scale, atol=1e-3)


def test_a_network_that_finds_nobody_has_nothing(tmp_path: Path) -> None:
    config = small_config(tmp_path, network=NETWORKS[0], input=InputConfig(65, 49))
    recipe = make_recipe(config)
    dataset = open_set(config.data.train[0], DOTS, recipe.size)

    class Blind(Perfect):
        def predict_on_batch(self, x: np.ndarray) -> dict[str, np.ndarray]:
            outputs = super().predict_on_batch(x)
            return outputs | {"heatmap_2": np.full_like(outputs["heatmap_2"], -20)}

    found = Validation(recipe, dataset)(Blind(recipe, dataset))
    assert found == dict.fromkeys(("AP", "AP50", "AR", "PCK", "PDJ", "PCP"), 0.0)


def test_skeletons_without_sigmas_have_no_ap(tmp_path: Path) -> None:
    skeleton = replace(DOTS, sigmas=None)
    config = small_config(tmp_path, network=NETWORKS[3], skeleton=skeleton)
    recipe = make_recipe(config)
    dataset = open_set(config.data.train[0], skeleton, recipe.size)
    found = Validation(recipe, dataset)(Perfect(recipe, dataset))
    assert math.isnan(found["AP"])
    assert found["PCK"] == 1.0


def test_pictures_do_not_pile_up(tmp_path: Path) -> None:
    config = small_config(tmp_path)
    recipe = make_recipe(config)
    dataset = open_set(config.data.train[0], DOTS, recipe.size)
    alive: list[Any] = []

    class Watched:
        skeleton = DOTS

        def __len__(self) -> int:
            return len(dataset)

        def __getitem__(self, index: int) -> Any:
            sample = dataset[index]
            most.append(sum(one() is not None for one in alive))
            alive.append(weakref.ref(sample.image))
            return sample

    most: list[int] = []
    Validation(recipe, Watched(), batch_size=2)(Perfect(recipe, dataset))
    assert len(most) == 12
    assert max(most) <= 4, "two batches: one that was read out, and one that is read"


def test_without_edges_one_person_is_read(tmp_path: Path) -> None:
    without = replace(DOTS, edges=())
    network = NetworkConfig("posenet", {"backbone": "mobilenet_v1_050", "output_stride": 8})
    config = small_config(tmp_path, network=network, skeleton=without)
    recipe = make_recipe(config)
    dataset = open_set(config.data.train[0], without, recipe.size)
    found = Validation(recipe, dataset)(Perfect(recipe, dataset))
    assert found["PCK"] > 0.9


def test_a_network_sees_in_validation_what_it_sees_in_training(tmp_path: Path) -> None:
    config = small_config(tmp_path, network=NetworkConfig("four_conv", {"channels": 1}))
    recipe = make_recipe(config)
    dataset = open_set(config.data.train[0], DOTS, recipe.size)
    with Feed(dataset, recipe.targets, size=recipe.size, batch_size=12, channels=1) as feed:
        x, _ = feed.batch(0)
        names = [sample.name for sample in feed.samples(0)]
    order = [dataset.names.index(name) for name in names]
    np.testing.assert_array_equal(inputs_of(recipe, [dataset[i] for i in order]), x)
