"""`open_source` and `posecore convert`: networks in every form in which people have them."""

from __future__ import annotations

import contextlib
import json
import shutil
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from predict_command import Command, written

from posecore.errors import ModelError
from posecore.keras_source import KerasSource, open_source

MODELS = "data/models"


@pytest.fixture(scope="module", autouse=True)
def keras() -> Any:
    # Their imports warn about themselves; what they do when posecore calls them is not excused.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tf = pytest.importorskip(
            "tensorflow", reason='TensorFlow is not installed: pip install "posecore[export]"'
        )
        with contextlib.suppress(RuntimeError):  # it may run already
            tf.config.threading.set_intra_op_parallelism_threads(1)
        return pytest.importorskip("keras", reason='Keras is not installed: pip install "posecore[export]"')


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: Any) -> Path:
    """A run of four steps with averaged weights and batch normalisation, over."""
    pytest.importorskip("cv2", reason='OpenCV is not installed: pip install "posecore[train]"')
    from posecore.train.config import NetworkConfig, OptimizerConfig, RunConfig
    from posecore.train.fitting import fit
    from train.dotted_people import small_config

    folder: Path = tmp_path_factory.mktemp("runs")
    network = NetworkConfig("cpm", {"stages": 1, "width": 0.0625, "batch_norm": True})
    run = RunConfig(folder / "dots", steps=4, epoch_steps=2, metric="PCK")
    config = small_config(folder, network=network, run=run)
    config = replace(config, optimizer=OptimizerConfig(learning_rate=3e-2, ema=0.9))
    fit(config)
    return folder / "dots"


def heads(source: KerasSource, size: tuple[int, int] = (65, 49)) -> dict[str, Any]:
    """What it says of one picture."""
    picture = np.random.default_rng(0).uniform(-1, 1, (1, size[1], size[0], 3)).astype(np.float32)
    return {name: np.asarray(value) for name, value in source.model(picture).items()}


def test_the_official_files_are_one_network(shared: Path) -> None:
    tfjs = open_source(shared / MODELS / "posenet_mobilenet_v1_075_tfjs/model-stride16.json")
    npz = open_source(shared / MODELS / "posenet_mobilenet_v1_075_weights_f32.npz")
    assert tfjs.about == "PoseNet on MobileNetV1 0.75, output stride 16, coco17, from a tfjs graph model"
    assert (tfjs.name, tfjs.size, tfjs.skeleton.name) == ("model-stride16", None, "coco17")
    assert {one.suffix for one in tfjs.files} >= {".json", ".bin"}, "shards are not written over either"
    expected = heads(npz)
    assert expected["heatmap_2"].shape == (1, 4, 5, 17)
    for name, array in heads(tfjs).items():
        np.testing.assert_array_equal(array, expected[name])


def test_what_is_exported_into_a_tfjs_folder_is_not_the_model(
    command: Command, shared: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "tfjs"
    shutil.copytree(shared / MODELS / "posenet_mobilenet_v1_075_tfjs", folder)
    own = {one for one in folder.iterdir() if one.suffix in (".json", ".bin")}
    assert len(own) == 3
    for name in ("pose.tflite", "pose.tflite.json", "pose.tflite.verify.json", "pose.kmodel.json"):
        (folder / name).write_text("{}")
    source = open_source(folder)
    assert len(source.files) == 3
    assert set(source.files) == own
    assert command("convert", folder, folder / "pose.keras", "--quiet") == (0, "", "")
    code, _, err = command("convert", folder, folder / "pose.keras", "--force")
    assert code == 0, err


def test_the_stride_is_chosen_where_the_weights_leave_it_open(shared: Path) -> None:
    file = shared / MODELS / "posenet_mobilenet_v1_050_weights_f16.npz"
    assert heads(open_source(file, output_stride=8))["heatmap_2"].shape == (1, 7, 9, 17)
    with pytest.raises(ValueError, match="output_stride: wanted 8 or 16 with mobilenet_v1_050, got 32"):
        open_source(file, output_stride=32)


def test_a_skeleton_has_to_fit_the_channels(shared: Path) -> None:
    file = shared / MODELS / "posenet_mobilenet_v1_050_weights_f16.npz"
    with pytest.raises(
        ValueError, match=r"skeleton: wanted one of 17 keypoints, as .* has them, got mpii16 with 16"
    ):
        open_source(file, skeleton="mpii16")


def test_a_run_says_what_it_is_and_loses_its_normalisation(run_folder: Path) -> None:
    source = open_source(run_folder)
    assert source.about == "cpm of the run dots, dots, trained at 32x40, best weights"
    assert (source.name, source.size, source.skeleton.name) == ("dots", (40, 32), "dots")
    kinds = {type(layer).__name__ for layer in source.model.layers}
    assert "Conv2D" in kinds
    assert "BatchNormalization" not in kinds


def test_the_last_checkpoint_gives_the_averages_that_the_run_keeps(run_folder: Path) -> None:
    final = open_source(run_folder, weights="final")
    last = open_source(run_folder, weights="last")
    for one, other in zip(final.model.get_weights(), last.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    with np.load(run_folder / "last.npz") as archive:
        raw = next(archive[name] for name in archive.files if name.endswith(":kernel"))
    with np.load(run_folder / "final.npz") as archive:
        kept = next(archive[name] for name in archive.files if name.endswith("/kernel"))
    assert not np.array_equal(raw, kept), "the checkpoint's own are not averaged"


def test_weights_that_a_run_does_not_have_yet(run_folder: Path, tmp_path: Path) -> None:
    shutil.copy(run_folder / "config.toml", tmp_path)
    with pytest.raises(
        ModelError, match=r"wanted a run with weights, got none of best\.npz, final\.npz, last\.npz"
    ):
        open_source(tmp_path)
    shutil.copy(run_folder / "last.npz", tmp_path)
    assert open_source(tmp_path).about.endswith("last weights")
    with pytest.raises(ValueError, match=r"weights: wanted one of last, which .* has, got 'best'"):
        open_source(tmp_path, weights="best")


def test_weights_of_a_run_are_opened_as_the_run(run_folder: Path) -> None:
    with pytest.raises(ModelError, match=r"best\.npz: it lies in the folder of a training run, .* open "):
        open_source(run_folder / "best.npz")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("nothing.keras", "there is no such file or folder"),
        ("old.h5", r"wanted \.keras, got Keras' older \.h5"),
        ("done.tflite", r"wanted a Keras model to export, got \.tflite, which is exported already"),
        ("notes.txt", r"got \.txt"),
        ("folder", "wanted the folder of a training run"),
    ],
)
def test_what_is_no_network_is_a_sentence(tmp_path: Path, name: str, sentence: str) -> None:
    if name == "folder":
        (tmp_path / name).mkdir()
    elif not name.startswith("nothing"):
        (tmp_path / name).write_bytes(b"x")
    with pytest.raises(ModelError, match=sentence):
        open_source(tmp_path / name)


def test_convert_makes_keras_files_that_keras_alone_opens(
    command: Command, run_folder: Path, keras: Any
) -> None:
    code, out, err = command("convert", run_folder, "dots.keras", "--json")
    assert code == 0, err
    assert json.loads(out)["written"] == ["dots.keras", "dots.keras.json"]
    assert written() == ["dots.keras", "dots.keras.json"]
    alone = keras.saving.load_model("dots.keras", safe_mode=True)
    expected = heads(open_source(run_folder), (40, 32))
    picture = np.random.default_rng(0).uniform(-1, 1, (1, 32, 40, 3)).astype(np.float32)
    np.testing.assert_array_equal(np.asarray(alone(picture)["stage1"]), expected["stage1"])
    again = open_source("dots.keras")
    assert again.skeleton == open_source(run_folder).skeleton
    beside = json.loads(Path("dots.keras.json").read_text())
    assert beside["outputs"] == {"stage1": "heatmaps: scores, 0 to 1, cells 8 px apart"}

    code, _, err = command("convert", "dots.keras", "dots.npz")
    assert code == 0, err
    with np.load("dots.npz") as archive:
        assert set(archive.files) >= {"stage1/kernel", "stage1/bias"}

    code, _, err = command("convert", run_folder, "dots.keras")
    assert code == 2
    assert "OUT: dots.keras is there already; add --force" in err


def test_a_description_of_another_file_is_refused(command: Command, run_folder: Path) -> None:
    assert command("convert", run_folder, "dots.keras", "--quiet") == (0, "", "")
    text = Path("dots.keras.json").read_text()
    Path("dots.keras.json").write_text(text.replace('"sha256": "', '"sha256": "0'))
    with pytest.raises(ModelError, match=r"it describes another file than dots\.keras is now"):
        open_source("dots.keras")
    for wrong in ("[]", "[" * 100_000, '{"format": "posecore keras model", "version": 2}', ""):
        Path("dots.keras.json").write_text(wrong)
        with pytest.raises(ModelError, match="wanted what posecore writes beside a model"):
            open_source("dots.keras")
    Path("dots.keras.json").unlink()
    with pytest.raises(ValueError, match="skeleton: wanted the Skeleton of"):
        open_source("dots.keras")
