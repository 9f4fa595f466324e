"""Configurations: what a file says is what runs, and every slip of the pen gets one sentence."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posecore.errors import SourceError
from posecore.skeletons import COCO17, Skeleton
from posecore.train.config import (
    DataConfig,
    InputConfig,
    LossConfig,
    NetworkConfig,
    OptimizerConfig,
    RunConfig,
    SetConfig,
    TrainConfig,
    read_config,
)
from posecore.train.recipes import make_recipe, names
from posecore.train.tables import to_toml

SMALL = """
[[data.train]]
annotations = "labels.json"
pictures = "pictures"

[network]
name = "posenet"
options = { backbone = "mobilenet_v1_050" }

[input]
width = 65
height = 49

[run]
out = "runs/one"
steps = 30
"""


def write(folder: Path, text: str, name: str = "run.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_paths_are_relative_to_the_file_and_the_rest_has_its_default(tmp_path: Path) -> None:
    config = read_config(write(tmp_path, SMALL))
    assert config.data.train == (SetConfig(tmp_path / "labels.json", tmp_path / "pictures"),)
    assert config.run.out == tmp_path / "runs" / "one"
    assert config.input.size == (65, 49)
    assert config.optimizer == OptimizerConfig()
    assert config.chosen_skeleton == COCO17


@pytest.mark.parametrize("ending", [".toml", ".json"])
def test_what_a_run_writes_down_is_the_same_configuration(tmp_path: Path, ending: str) -> None:
    config = read_config(write(tmp_path, SMALL))
    own = Skeleton(
        'my "dots"', ("a", "b", "ü"), ((0, 1), (1, 2)), flip_pairs=((0, 2),), sigmas=(0.1, 0.2, 1e-5)
    )
    config = replace(
        config,
        skeleton=own,
        optimizer=OptimizerConfig(name="sgd", clip_norm=1e-3, ema=0.99, schedule="one_cycle"),
        loss=LossConfig(hardest_keypoints=8),
        data=replace(config.data, validation=(SetConfig(Path("v.json"), Path("v"), stop=5, weight=1e-6),)),
    )
    text = config.toml() if ending == ".toml" else json.dumps(config.table())
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    again = read_config(write(elsewhere, text, f"config{ending}"))
    assert again.table() == config.table()
    assert again.skeleton == own
    assert again.data.train == config.data.train, "absolute paths stay"


plain = st.one_of(
    st.booleans(),
    st.integers(-(2**40), 2**40),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=("Cs",))),
)
trees = st.recursive(plain, lambda inner: st.lists(inner, max_size=3), max_leaves=6)
tables = st.dictionaries(st.text(st.characters(exclude_categories=("Cs",)), max_size=8), trees, max_size=5)


@given(
    st.dictionaries(st.text(st.characters(exclude_categories=("Cs",)), max_size=8), st.one_of(trees, tables))
)
def test_toml_that_is_written_is_read_as_it_was(table: dict[str, Any]) -> None:
    tomllib = pytest.importorskip("tomllib", reason="Python 3.10 has no tomllib")
    assert tomllib.loads(to_toml(table)) == table


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("steps = 30", "stepps = 30", "[run] wanted one of out, steps, epoch_steps"),
        ("steps = 30", "stepps = 30", "got 'stepps'; did you mean steps?"),
        ("steps = 30", "", "[run] wanted steps, got none"),
        ("steps = 30", 'steps = "30"', "[run] steps: wanted a whole number, got '30'"),
        ("steps = 30", "steps = true", "[run] steps: wanted a whole number, got true"),
        ("steps = 30", "steps = 0", "[run] steps: wanted a whole number from 1 to 2147483647, got 0"),
        ("steps = 30", "steps = 30.5", "[run] steps: wanted a whole number, got 30.5"),
        ('out = "runs/one"', "out = 3", "[run] out: wanted a path, got 3"),
        ("[run]", "[runn]", "got 'runn'; did you mean run?"),
        (
            "[input]",
            "[optimizer]\nname = 'adam'\n[input]",
            "wanted one of adamw, sgd, got 'adam'; did you mean adamw?",
        ),
        (
            "[input]",
            "[optimizer]\nema = 0.5\n[input]",
            "[optimizer] ema: wanted a number from 0.9 to 1, got 0.5",
        ),
        (
            "[input]",
            "[optimizer]\nclip_norm = nan\n[input]",
            "[optimizer] clip_norm: wanted a finite number, got NaN",
        ),
        ('pictures = "pictures"', "", "[data.train.0] wanted pictures, got none"),
        ('pictures = "pictures"', 'picture = "x"', "got 'picture'; did you mean pictures?"),
        (
            "[input]",
            "[augmentation]\nzoom = [1.0]\n[input]",
            "[augmentation] zoom: wanted a list of 2, got [1.0]",
        ),
        ("[[data.train]]", "[data.train]", "[data] train: wanted a list, got {"),
        (
            "[network]",
            "[network]\nweights_skeleton = 'coco17'",
            "weights_skeleton: wanted weights with it, got none",
        ),
        ("[run]", "[run]\n[run]", "wanted TOML, got a file that is none"),
    ],
)
def test_a_slip_gets_one_sentence_with_the_nearest_right_name(
    tmp_path: Path, old: str, new: str, sentence: str
) -> None:
    path = write(tmp_path, SMALL.replace(old, new))
    with pytest.raises(SourceError) as caught:
        read_config(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert sentence in message
    assert "\n" not in message


@pytest.mark.parametrize("content", [b"\xff\xfe", b"[" * 5000, b"a = " + b"1" * (1 << 20)])
def test_files_that_are_no_configuration_get_one_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "run.toml"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=re.escape(str(path))):
        read_config(path)
    with pytest.raises(SourceError, match="there is no such file"):
        read_config(tmp_path / "none.toml")


def config(network: str, **options: Any) -> TrainConfig:
    return TrainConfig(
        DataConfig((SetConfig(Path("a.json"), Path("a")),)),
        NetworkConfig(network, options),
        InputConfig(64, 64),
        RunConfig(Path("out"), 10),
    )


def test_a_network_or_option_that_is_not_known_gets_the_nearest_name() -> None:
    with pytest.raises(
        SourceError, match=r"wanted one of posenet, cpm, .*got 'posnet'; did you mean posenet"
    ):
        make_recipe(config("posnet"))
    with pytest.raises(SourceError, match="got 'stage'; did you mean stages"):
        make_recipe(config("cpm", stage=2))
    with pytest.raises(SourceError, match="got 'skeleton'"):
        make_recipe(config("posenet", skeleton="coco17"))


def test_a_prior_on_limbs_wants_limbs() -> None:
    plain = replace(config("four_conv"), skeleton=Skeleton("spots", ("a", "b")), loss=LossConfig(limbs=0.1))
    with pytest.raises(
        SourceError, match=r"^\[loss\] limbs: wanted 0, as skeleton spots has neither .*, got 0\.1$"
    ):
        make_recipe(replace(plain, run=replace(plain.run, metric="PCK")))


TINY = {
    "posenet": {"backbone": "mobilenet_v1_050"},
    "cpm": {"stages": 2, "width": 0.0625},
    "simple_baseline": {"deconvolution_filters": 8},
    "five_conv": {"width": 0.0625},
    "four_conv": {"width": 0.0625},
    "vgg16": {"width": 0.0625, "dense_units": 8},
}


@pytest.mark.parametrize("name", names())
def test_targets_losses_and_outputs_of_each_recipe_fit_together(name: str) -> None:
    import numpy as np

    recipe = make_recipe(config(name, **TINY[name]))
    xy = np.full((1, 17, 2), 20, np.float32)
    labels = (
        xy,
        np.full((1, 17), 2, np.uint8),
        np.array([[5, 5, 40, 50]], np.float32),
        np.zeros((0, 4, 2), np.float32),
    )
    targets = recipe.targets.encode(*labels, size=recipe.size)
    outputs = recipe.build(recipe.skeleton)(np.zeros((1, 64, 64, recipe.channels), np.float32))
    assert set(outputs) == set(targets) == set(recipe.losses)
    for output, loss in recipe.losses.items():
        assert tuple(outputs[output].shape[1:]) == targets[output].shape, output
        assert np.isfinite(np.asarray(loss(targets[output][None], outputs[output]))).all()
    read = recipe.read({output: np.asarray(one)[0] for output, one in outputs.items()})
    assert (recipe.kind == "coordinates") == hasattr(read, "xy")


@pytest.mark.parametrize(
    ("network", "options", "sentence"),
    [
        (
            "posenet",
            {"output_stride": "x"},
            "options.output_stride: wanted a whole number from 1 to 32, got 'x'",
        ),
        ("cpm", {"stages": 10**9}, "options.stages: wanted a whole number from 1 to 6, got 1000000000"),
        ("cpm", {"stages": 2.5}, "options.stages: wanted a whole number from 1 to 6, got 2.5"),
        ("cpm", {"background": "no"}, "options.background: wanted true or false, got 'no'"),
        ("four_conv", {"channels": [1]}, "options.channels: wanted a whole number from 1 to 3, got [1]"),
    ],
)
def test_an_option_of_another_kind_gets_one_sentence(
    network: str, options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(SourceError, match=re.escape(sentence)):
        make_recipe(config(network, **options))


@pytest.mark.parametrize(
    ("was", "text", "sentence"),
    [
        ('out = "runs/one"', 'out = "~nobody-of-this-name/one"', "[run] out: wanted a path, got"),
        (
            "[input]",
            f"[optimizer]\nlearning_rate = 1{'0' * 400}\n[input]",
            "[optimizer] learning_rate: wanted a finite number, got",
        ),
        (
            "steps = 30",
            "steps = 30\npatience = 3",
            "run.patience: wanted a validation set or the metric loss with it, got AP",
        ),
        (
            "[network]",
            '[[data.validation]]\nannotations = "a.json"\npictures = "p"\n[skeleton]\nname = "two"\n'
            'keypoints = ["a", "b"]\n[network]',
            "run.metric: wanted PCK, PDJ, PCP or loss, as skeleton two has no sigmas, got AP",
        ),
    ],
)
def test_what_could_never_come_is_said_before_the_run(
    tmp_path: Path, was: str, text: str, sentence: str
) -> None:
    with pytest.raises(SourceError, match=re.escape(sentence)):
        read_config(write(tmp_path, SMALL.replace(was, text)))


def test_a_skeleton_with_sides_says_who_changes_places_in_a_mirror(tmp_path: Path) -> None:
    rest = SMALL + 'metric = "loss"\n'
    skeleton = """
[skeleton]
name = "star"
keypoints = ["head", "left_hand", "right_hand"]
edges = [[0, 1], [0, 2]]
"""
    with pytest.raises(
        SourceError, match=r"skeleton\.flip_pairs: wanted the pairs .*\[\[1, 2\]\] for left_hand, right_hand"
    ):
        read_config(write(tmp_path, skeleton + rest))
    paired = write(tmp_path, skeleton + "flip_pairs = [[1, 2]]\n" + rest)
    assert read_config(paired).chosen_skeleton.flip_pairs == ((1, 2),)
    never = write(tmp_path, skeleton + rest + "[augmentation]\nflip = 0\n")
    assert read_config(never).augmentation.flip == 0


def test_a_wrong_option_of_a_network_is_the_users(tmp_path: Path) -> None:
    recipe = make_recipe(read_config(write(tmp_path, SMALL.replace("v1_050", "v1_060"))))
    with pytest.raises(
        SourceError, match=r"^\[network\] options\.backbone: wanted one of .*, got 'mobilenet_v1_060'"
    ):
        recipe.build(recipe.skeleton)


def test_no_epoch_is_longer_than_the_run() -> None:
    assert RunConfig(out=Path("run"), steps=40).epoch_steps == 40
    assert RunConfig(out=Path("run"), steps=400).epoch_steps == 100
