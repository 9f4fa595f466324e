"""A run is its configuration: whatever happens on the way, the same weights come out, bit for bit."""

from __future__ import annotations

import csv
import json
import math
import os
import random
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from posecore.errors import ModelError, SourceError
from posecore.train.config import InputConfig, NetworkConfig, OptimizerConfig, read_config
from posecore.train.fitting import fit
from posecore.train.recipes import make_recipe
from posecore.train.sets import open_set
from posecore.train.starting_weights import build
from posecore.train.tensorboard import TensorBoard
from train.dotted_people import DOTS, small_config
from train.killed_runs import Stopping, arrays, assert_same, killed_at

pytest.importorskip("cv2", reason='OpenCV is not installed: pip install "posecore[app]"')


def weights_of(model: Any) -> dict[str, np.ndarray]:
    return {f"{layer.name}/{w.name}": np.asarray(w) for layer in model.layers for w in layer.weights}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The configuration, and the folder of the run that nobody interrupted."""
    folder = tmp_path_factory.mktemp("whole")
    config = small_config(folder)
    watcher = Stopping()
    model = fit(config, watcher=watcher)
    return config, watcher, model


def test_a_run_leaves_weights_a_log_and_what_it_was(whole: Any) -> None:
    config, watcher, model = whole
    out = config.run.out
    assert sorted(path.name for path in out.iterdir()) == [
        *("best.npz", "config.toml", "final.npz", "last.npz", "log.csv", "log.svg"),
    ]
    assert read_config(out / "config.toml").table() == config.table()
    assert watcher.began == [(0, 12)]
    assert watcher.done == 12
    rows = list(csv.DictReader((out / "log.csv").read_text().splitlines()))
    assert [(row["epoch"], row["step"]) for row in rows] == [("1", "3"), ("2", "6"), ("3", "9"), ("4", "12")]
    assert all(0 <= float(row["waited"]) <= 1 and float(row["loss"]) > 0 for row in rows)
    best = max(float(row["PCK"]) for row in rows)
    assert any(f"PCK {best:.3f}" in line and "best so far" in line for line in watcher.lines)
    held = weights_of(model)
    for name, array in arrays(out / "best.npz").items():
        np.testing.assert_array_equal(
            held[name], array, err_msg="the model that is given has the best weights"
        )


@pytest.mark.parametrize("after", [1, 5, 6, 11])
def test_a_run_that_stopped_goes_on_as_if_it_had_not(whole: Any, tmp_path: Path, after: int) -> None:
    config, _, _ = whole
    again = replace(config, run=replace(config.run, out=tmp_path / "run"))
    fit(again, watcher=Stopping(after))
    assert not (tmp_path / "run" / "final.npz").exists()
    watcher = Stopping()
    fit(again, watcher=watcher)
    # The batch at which it stopped may have been the last one of its epoch, which then is not counted.
    assert watcher.began == [((after - 1) // 3 * 3, 12)]
    for name in ("final.npz", "best.npz"):
        assert_same(config.run.out / name, tmp_path / "run" / name)
    columns = ("epoch", "step", "loss", "PCK", "AP", "learning_rate")
    logs = [
        [[row[c] for c in columns] for row in csv.DictReader((folder / "log.csv").read_text().splitlines())]
        for folder in (config.run.out, tmp_path / "run")
    ]
    assert logs[0] == logs[1]


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
def test_a_run_that_is_killed_goes_on_as_if_it_had_not(whole: Any, tmp_path: Path) -> None:
    config, _, _ = whole
    out = tmp_path / "run"
    path = tmp_path / "run.toml"
    path.write_text(replace(config, run=replace(config.run, out=out)).toml())
    chance = random.Random(3)
    seen: set[int] = set()

    def something_new() -> bool:
        """A checkpoint that was not there before, and then anything from nothing to a whole epoch later."""
        try:
            stamp = (out / "last.npz").stat().st_ino
        except FileNotFoundError:
            return False
        if stamp in seen:
            return False
        seen.add(stamp)
        time.sleep(chance.choice((0, 0.01, 0.05, 0.2)))
        return True

    kills = sum(killed_at(path, something_new) for _ in range(2))
    assert kills >= 1
    assert not killed_at(path, lambda: False)
    assert_same(config.run.out / "final.npz", out / "final.npz")
    assert_same(config.run.out / "best.npz", out / "best.npz")


def test_another_configuration_does_not_go_on_in_the_same_folder(whole: Any, tmp_path: Path) -> None:
    config, _, _ = whole
    run = replace(config.run, out=tmp_path / "run", steps=3)
    first = replace(config, run=run)
    fit(first)
    other = replace(first, optimizer=replace(config.optimizer, learning_rate=0.01))
    with pytest.raises(SourceError) as caught:
        fit(other)
    assert str(caught.value) == (
        f"{tmp_path / 'run'}: wanted the run of this configuration, got one with optimizer.learning_rate 0.003, not "
        "0.01; choose another folder, or begin anew with --force (restart=True)"
    )
    watcher = Stopping()
    fit(other, watcher=watcher, restart=True)
    assert watcher.began == [(0, 3)]


def test_a_damaged_checkpoint_gets_one_sentence_and_stays(whole: Any, tmp_path: Path) -> None:
    config, _, _ = whole
    again = replace(config, run=replace(config.run, out=tmp_path / "run"))
    (tmp_path / "run").mkdir()
    data = (config.run.out / "last.npz").read_bytes()[:-100]
    (tmp_path / "run" / "last.npz").write_bytes(data)
    with pytest.raises(ModelError, match=r"last\.npz: wanted a whole \.npz file"):
        fit(again)
    assert (tmp_path / "run" / "last.npz").read_bytes() == data


def test_a_checkpoint_that_says_nonsense_gets_one_sentence(whole: Any, tmp_path: Path) -> None:
    config, _, _ = whole
    again = replace(config, run=replace(config.run, out=tmp_path / "run"))
    (tmp_path / "run").mkdir()
    kept = arrays(config.run.out / "last.npz")
    kept["state"] = np.array(json.dumps({"config": config.table(), "run": {"epochs_done": "3"}}))
    np.savez(tmp_path / "run" / "last.npz", **kept)
    with pytest.raises(ModelError, match=r"last\.npz does not say where its run is"):
        fit(again)


def test_a_run_that_is_done_is_not_done_again(whole: Any) -> None:
    config, _, _ = whole
    before = (config.run.out / "last.npz").read_bytes()
    watcher = Stopping()
    fit(config, watcher=watcher)
    assert watcher.done == 0
    assert (config.run.out / "last.npz").read_bytes() == before


def test_two_small_batches_that_are_accumulated_are_one_large_one(tmp_path: Path) -> None:
    config = small_config(tmp_path, network=NetworkConfig("four_conv", {"width": 0.125, "dropout": 0.0}))
    plain = OptimizerConfig(
        name="sgd", momentum=0.0, weight_decay=0.0, learning_rate=0.1, schedule="constant"
    )

    def trained(batch_size: int, accumulate: int) -> dict[str, np.ndarray]:
        out = tmp_path / f"run{batch_size}"
        fit(
            replace(
                config,
                data=replace(config.data, validation=()),
                input=InputConfig(40, 32, batch_size=batch_size),
                optimizer=replace(plain, accumulate=accumulate),
                run=replace(config.run, out=out, steps=2 * accumulate, epoch_steps=2 * accumulate),
            )
        )
        return arrays(out / "final.npz")

    large, small = trained(6, 1), trained(3, 2)
    start = weights_of(build(make_recipe(config), config))
    for name, array in large.items():
        np.testing.assert_allclose(small[name], array, atol=1e-6, err_msg=name)
    moved = max(float(np.abs(start[name] - array).max()) for name, array in large.items())
    assert moved > 1e-3


def test_averaged_weights_are_what_is_kept_and_the_others_what_goes_on(tmp_path: Path) -> None:
    config = small_config(tmp_path, optimizer=OptimizerConfig(learning_rate=3e-3, ema=0.9))
    config = replace(config, run=replace(config.run, steps=6, epoch_steps=3))
    fit(config)
    averaged = arrays(config.run.out / "final.npz")
    checkpoint = arrays(config.run.out / "last.npz")
    raw = [array for name, array in checkpoint.items() if name.startswith("weights/")]
    differences = [
        float(np.abs(one - other).max())
        for one in averaged.values()
        for other in raw
        if one.shape == other.shape and 0 < np.abs(one - other).max() < 0.02
    ]
    assert differences, "the averages lag behind"
    stopped = replace(config, run=replace(config.run, out=tmp_path / "again"))
    fit(stopped, watcher=Stopping(4))
    fit(stopped)
    assert_same(config.run.out / "final.npz", tmp_path / "again" / "final.npz")


def test_training_ends_early_where_it_gets_no_better(tmp_path: Path) -> None:
    config = small_config(tmp_path, optimizer=OptimizerConfig(learning_rate=1e-9))
    config = replace(config, run=replace(config.run, steps=30, epoch_steps=1, patience=2))
    watcher = Stopping()
    fit(config, watcher=watcher)
    assert watcher.done == 3, "the first evaluation is the best, and two are no better"
    assert (config.run.out / "final.npz").is_file()
    fit(config, watcher=watcher)
    assert watcher.done == 3


def test_a_frozen_backbone_does_not_move(tmp_path: Path) -> None:
    config = small_config(tmp_path, network=NetworkConfig("four_conv", {"width": 0.125}, freeze="heads"))
    config = replace(config, run=replace(config.run, steps=3), data=replace(config.data, validation=()))
    fit(config)
    from posecore.train.seeds import set_seeds

    set_seeds(config.run.seed, deterministic=True)
    start = weights_of(build(make_recipe(config), config))
    final = arrays(config.run.out / "final.npz")
    moved = {name.partition("/")[0] for name, array in final.items() if (start[name] != array).any()}
    assert moved == {"coordinates"}


def test_tensorboard_gets_numbers_histograms_and_pictures(tmp_path: Path) -> None:
    from tensorflow.compat.v1.train import summary_iterator

    config = small_config(
        tmp_path, network=NetworkConfig("cpm", {"stages": 2, "width": 0.0625, "refinement_size": 3})
    )
    fit(replace(config, run=replace(config.run, steps=2, epoch_steps=1, tensorboard=True)))
    (file,) = (config.run.out / "tensorboard").iterdir()
    values = [(event.step, value) for event in summary_iterator(str(file)) for value in event.summary.value]
    tags = {value.tag: step for step, value in values}
    assert {"loss", "learning_rate", "PCK", "confidence maps", "weights/stage1/kernel"} <= tags.keys()
    assert any(tag.startswith("activations/stage2_1") for tag in tags)
    assert any(tag.startswith("share below 0.05/activations/") for tag in tags)
    assert set(tags.values()) == {2}, "the last step of each"
    plugins = {value.tag: value.metadata.plugin_data.plugin_name for _, value in values}
    assert (plugins["loss"], plugins["weights/stage1/kernel"]) == ("scalars", "histograms")
    (width, height, *pngs) = next(
        value.tensor.string_val for _, value in values if value.tag == "confidence maps"
    )
    assert (int(width), int(height)) == (360, 288)
    assert len(pngs) == 4
    assert all(png.startswith(b"\x89PNG") for png in pngs)


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_trains_and_keeps_float32_weights(tmp_path: Path, precision: Any) -> None:
    config = small_config(tmp_path, optimizer=OptimizerConfig(precision=precision, name="sgd", clip_norm=1.0))
    config = replace(config, run=replace(config.run, steps=3))
    model = fit(config)
    assert {layer.compute_dtype for layer in model.layers if layer.weights} == {
        precision.removeprefix("mixed_")
    }
    assert all(array.dtype == np.float32 for array in arrays(config.run.out / "final.npz").values())
    import keras

    assert keras.config.dtype_policy().name == "float32", "what others build afterwards is as it was"


def test_averages_come_out_though_the_run_ended_just_before_they_were_written(tmp_path: Path) -> None:
    config = small_config(tmp_path, optimizer=OptimizerConfig(learning_rate=3e-3, ema=0.9))
    config = replace(
        config,
        run=replace(config.run, steps=4, epoch_steps=2),
        data=replace(config.data, validation=()),
    )
    first = weights_of(fit(config))
    final = config.run.out / "final.npz"
    final.rename(tmp_path / "before.npz")
    again = weights_of(fit(config))
    assert_same(tmp_path / "before.npz", final)
    for name, array in first.items():
        np.testing.assert_array_equal(again[name], array, err_msg=name)


def test_a_picture_that_cannot_be_read_gets_one_sentence(tmp_path: Path) -> None:
    config = small_config(tmp_path)
    broken = config.data.train[0].pictures / "007.png"
    broken.write_bytes(b"nothing")
    with pytest.raises(SourceError, match=r"^\S*007\.png: wanted a picture, got [^\n]*$"):
        fit(replace(config, data=replace(config.data, validation=())))


def test_a_run_goes_on_in_another_place_with_other_threads(whole: Any, tmp_path: Path) -> None:
    config, _, _ = whole
    first = replace(config, run=replace(config.run, out=tmp_path / "run"))
    fit(first, watcher=Stopping(5))
    (tmp_path / "run").rename(tmp_path / "moved")
    moved = replace(
        first, run=replace(first.run, out=tmp_path / "moved"), input=replace(first.input, threads=1)
    )
    watcher = Stopping()
    fit(moved, watcher=watcher)
    assert watcher.began == [(3, 12)]
    assert_same(config.run.out / "final.npz", tmp_path / "moved" / "final.npz")


def test_histograms_leave_out_what_is_not_finite(tmp_path: Path) -> None:
    from tensorflow.compat.v1.train import summary_iterator

    config = small_config(tmp_path)
    recipe = make_recipe(config)
    model = build(recipe, config)
    kernel = model.get_layer("conv1").kernel
    kernel.assign(np.full(kernel.shape, np.nan))
    board = TensorBoard(tmp_path / "board", recipe, open_set(config.data.train[0], DOTS, recipe.size))
    board.write({"step": 1, "loss": math.nan}, model)
    board.close()
    (file,) = (tmp_path / "board").iterdir()
    tags = {value.tag for event in summary_iterator(str(file)) for value in event.summary.value}
    assert "weights/conv2/kernel" in tags
    assert not tags & {"loss", "weights/conv1/kernel"}
