"""The check finds what is wrong before a long run does, and says nothing where nothing is."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from posecore.errors import SourceError
from posecore.train.check import Check, check, count_labels
from posecore.train.check_layers import activations, biases_alone, gradients
from posecore.train.check_pictures import pictures_of
from posecore.train.config import DataConfig, NetworkConfig, OptimizerConfig
from posecore.train.datasets import Mixture
from posecore.train.feed import Feed
from posecore.train.fitting import fit
from posecore.train.recipes import make_recipe
from posecore.train.sets import open_set, several_people, training_set
from posecore.train.starting_weights import build
from train.dotted_people import DOTS, small_config, write_set
from train.killed_runs import Stopping

pytest.importorskip("cv2", reason='OpenCV is not installed: pip install "posecore[app]"')


def finding(found: Check, name: str) -> Any:
    return next(one for one in found.findings if one.name == name)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Check:
    config = small_config(
        tmp_path_factory.mktemp("sound"),
        network=NetworkConfig("four_conv", {"width": 0.5, "dropout": 0.0}),
        optimizer=OptimizerConfig(learning_rate=3e-3),
    )
    return check(config, steps=250)


def test_a_sound_network_learns_eleven_pictures_by_heart(sound: Check) -> None:
    assert sound.good, sound.lines()
    assert sound.overfit is not None
    assert sound.overfit.pictures == 11
    assert sound.overfit.fall > 100
    assert sound.overfit.oks is not None
    assert sound.overfit.oks > 0.9
    assert sound.labelled == {"head": 12, "left_foot": 12, "right_foot": 12}
    assert [one.name for one in sound.findings] == [
        *("labels", "targets", "first loss", "gradients", "activations", "by heart", "decoded"),
    ]
    assert all(line.startswith("ok ") for line in sound.lines())


def test_its_report_is_json_and_its_pictures_are_pictures(sound: Check) -> None:
    report = json.loads(json.dumps(sound.report(), allow_nan=False))
    assert report["good"] is True
    assert report["overfit"]["fall"] > 100
    assert len(report["layers"]) > 5
    pictures = pictures_of(sound)
    assert set(pictures) == {"batch", "layers", "loss", "decoded"}
    for name, image in pictures.items():
        assert image.dtype == np.uint8, name
        assert image.shape[2] == 3, name
        assert image.std() > 5, name


def test_labels_that_are_missing_are_listed(tmp_path: Path) -> None:
    config = small_config(tmp_path)
    few = write_set(tmp_path / "few", unlabelled=12)
    found = check(replace(config, data=DataConfig((few,))), steps=0)
    assert not found.good
    assert "never labelled: right_foot, which cannot be learnt" in finding(found, "labels").sentence
    some = write_set(tmp_path / "some", unlabelled=9)
    found = check(replace(config, data=DataConfig((some,))), steps=0)
    assert "labelled on less than half of the people: right_foot 25 %" in finding(found, "labels").sentence


def test_pictures_that_cannot_be_read_are_counted_before_anything_is_learnt(tmp_path: Path) -> None:
    config = small_config(tmp_path)
    training, validation = write_set(tmp_path / "training"), write_set(tmp_path / "validation")
    with_crops = replace(training, crops=True)
    for pictures in (training, with_crops):
        check(replace(config, data=DataConfig((pictures,), (validation,))), steps=0)
    (validation.pictures / "012.png").unlink()
    with pytest.raises(
        SourceError, match=r"^1 of 12 pictures cannot be used; the first: .*012\.png: wanted a picture"
    ):
        check(replace(config, data=DataConfig((training,), (validation,))), steps=0)
    (training.pictures / "003.png").write_bytes(b"")
    (training.pictures / "007.png").write_text("not a picture")
    for pictures in (training, with_crops):
        with pytest.raises(
            SourceError, match=r"^2 of 12 pictures .*003\.png: wanted a picture, got an empty file"
        ):
            check(replace(config, data=DataConfig((pictures,), (validation,))), steps=0)


def test_a_layer_that_gets_no_gradient_is_named(tmp_path: Path) -> None:
    config = small_config(tmp_path)
    recipe = make_recipe(config)
    dataset = open_set(config.data.train[0], recipe.skeleton, recipe.size)
    with Feed(dataset, recipe.targets, size=recipe.size, batch_size=4) as feed:
        x, y = feed.batch(0)
    model = build(recipe, config)
    flow = gradients(model, recipe, x, y)
    assert min(flow.values()) > 0
    layer = model.get_layer("conv3")
    layer.kernel.assign(np.zeros(layer.kernel.shape))
    layer.bias.assign(np.full(layer.bias.shape, -1.0))  # ReLU gives 0 for every picture
    broken = gradients(model, recipe, x, y)
    assert {name for name, norm in broken.items() if norm == 0} >= {"conv1", "conv2", "conv3"}
    np.testing.assert_array_equal(np.asarray(layer.bias), -1.0)
    small = activations(model, x, 0.05)
    dead = {name for name, share in small.items() if share == 1}
    assert any(name.startswith("conv3") for name in dead)
    assert not any(name.startswith(("conv1", "conv2")) for name in dead)


def test_the_gradient_that_is_measured_is_the_gradient(tmp_path: Path) -> None:
    import tensorflow as tf

    config = small_config(tmp_path, network=NetworkConfig("four_conv", {"width": 0.125, "dropout": 0.0}))
    recipe = make_recipe(config)
    dataset = open_set(config.data.train[0], recipe.skeleton, recipe.size)
    with Feed(dataset, recipe.targets, size=recipe.size, batch_size=4) as feed:
        x, y = feed.batch(0)
    model = build(recipe, config)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(recipe.losses["keypoints"](y["keypoints"], model(x)["keypoints"]))
    layer = model.get_layer("fc1")
    slopes = tape.gradient(loss, [weight.value for weight in layer.trainable_weights])
    wanted = np.sqrt(sum(float(tf.reduce_sum(tf.square(slope))) for slope in slopes))
    np.testing.assert_allclose(gradients(model, recipe, x, y)["fc1"], wanted, rtol=1e-4)


def test_the_first_loss_is_that_of_the_biases(tmp_path: Path) -> None:
    config = small_config(tmp_path)
    recipe = make_recipe(config)
    dataset = open_set(config.data.train[0], recipe.skeleton, recipe.size)
    with Feed(dataset, recipe.targets, size=recipe.size, batch_size=4) as feed:
        x, y = feed.batch(0)
    model = build(recipe, config)
    trained = len(model.trainable_weights)
    _, alone = biases_alone(model, recipe, x, y)["loss"]
    assert len(model.trainable_weights) == trained > 2, "what is trained stays so"
    middle = recipe.losses["keypoints"](y["keypoints"], np.full_like(y["keypoints"], 0.5))
    np.testing.assert_allclose(alone, np.asarray(middle).mean(), rtol=1e-5)


def test_labels_are_counted_in_every_part_of_a_mixture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("posecore.train.sets.MOST_LOOKED_AT", 6)
    sets = [
        open_set(write_set(tmp_path / name, unlabelled=unlabelled), DOTS, (40, 32))
        for name, unlabelled in (("first", 12), ("second", 0))
    ]
    labelled, people, empty = count_labels(Mixture(sets, [1, 1]))
    assert (labelled.tolist(), people, empty) == ([12, 12, 6], 12, 0)
    # A mixture has the small set as often as the large one, and more pictures than there are.
    uneven = Mixture([*sets, *sets], [1, 1, 9, 1])
    assert count_labels(uneven)[1] == 24


@pytest.mark.parametrize("precision", ["mixed_float16", "mixed_bfloat16"])
def test_gradients_are_measured_in_float32_whatever_the_precision(tmp_path: Path, precision: Any) -> None:
    network = NetworkConfig("four_conv", {"width": 0.125, "dropout": 0.0})
    plain, mixed = (
        check(small_config(tmp_path, network=network, optimizer=OptimizerConfig(precision=one)), steps=0)
        for one in ("float32", precision)
    )
    assert finding(mixed, "gradients").good
    wanted, norms = ([layer.gradient for layer in one.layers if layer.gradient] for one in (plain, mixed))
    np.testing.assert_allclose(norms, wanted, rtol=1e-3)


def test_a_network_of_one_person_is_not_shown_several(tmp_path: Path) -> None:
    config = small_config(tmp_path)
    assert several_people(training_set(config.data.train, DOTS, (40, 32))) is None
    crowd = tmp_path / "set" / "labels.json"
    labels = json.loads(crowd.read_text())
    for number in (1, 2, 3):  # a second person in three pictures
        labels["annotations"].append(
            {**labels["annotations"][number], "id": 100 + number, "image_id": number}
        )
    crowd.write_text(json.dumps(labels))
    sentence = (
        "3 of 12 pictures show several people, and this network learns one person a picture: set crops = true in "
        "[[data.train]]"
    )
    found = check(config, steps=0)
    assert (finding(found, "people").good, finding(found, "people").sentence) == (False, sentence)
    watcher = Stopping()
    short = replace(
        config, data=DataConfig(config.data.train), run=replace(config.run, steps=1, epoch_steps=1)
    )
    fit(short, watcher=watcher)
    assert watcher.lines[0] == sentence
    crops = training_set((replace(config.data.train[0], crops=True),), DOTS, (40, 32))
    assert several_people(crops) is None
    assert len(crops) == 15
