"""Coral's models in stock interpreters, by posecore's delegate."""

from __future__ import annotations

import csv
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from plugin_models import Output, Plugged, as_inputs, as_operator, decoder_alone, noise, people
from tiny_tflite import heatmaps_only, with_decoder

import posecore as pc
from posecore import tflite_plugin
from posecore.runtime import tflite_libraries

CORAL = "models/coral/posenet_mobilenet_v1_075_353_481"
BODYPIX = "models/coral/bodypix_mobilenet_v1_075_512_512_16_quant_decoder"


@pytest.fixture(scope="module")
def library(interpreter_library: str) -> ModuleType:
    return tflite_libraries.library(interpreter_library)


def decoded(heads: pc.Heads, **options: Any) -> Output:
    """What the operator has to write: posecore's decoder, with the options of the tests' files."""
    told = {"max_poses": 30, "nms_radius_px": 8.0, "root_threshold": 0.25, "pose_threshold": 0.25} | options
    stride_px = told.pop("stride_px", 16)
    poses = pc.Decoder(pc.COCO17, stride_px=stride_px, **told)(replace(heads, stride_px=stride_px))
    return as_operator(poses, told["max_poses"])


def check_same(output: Output, expected: Output) -> None:
    for got, wanted in zip(output, expected, strict=True):
        assert got.dtype == np.float32
        assert np.array_equal(got, wanted)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "float32"])
def test_the_operator_gives_posecores_poses_and_zeros_behind(library: ModuleType, dtype: str) -> None:
    output = Plugged(library, decoder_alone(dtype))(*as_inputs(people(), dtype))
    check_same(output, decoded(people()))
    assert output.count.tolist() == [2]
    assert output.poses.shape == (1, 30, 17, 2)
    assert not output.poses[0, 2:].any()


def test_an_empty_frame_after_a_full_one_leaves_zeros(library: ModuleType) -> None:
    plugged = Plugged(library, decoder_alone())
    full = as_inputs(people(), "uint8")
    first = plugged(*full)
    nobody = plugged(np.zeros_like(full[0]), *full[1:])
    assert not any(array.any() for array in nobody)
    check_same(plugged(*full), first)


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("max_detections", 1, {"max_poses": 1}),
        ("max_detections", 45, {"max_poses": 45}),
        ("score_threshold", 0.94, {"root_threshold": 0.94, "pose_threshold": 0.94}),
        ("root_threshold", 0.99, {"root_threshold": 0.99}),
        ("pose_threshold", 0.98, {"pose_threshold": 0.98}),
        ("nms_radius", 200, {"nms_radius_px": 200.0}),
        ("stride", 8, {"stride_px": 8}),
        ("refine_steps", 0, {"refine_steps": 0}),
        ("local_maximum_radius", 20, {"local_maximum_radius": 20}),
        ("sampling", "nearest", {"sampling": "nearest"}),
        ("rescore", False, {"rescore": False}),
    ],
)
def test_each_option_of_the_file_can_be_replaced(
    library: ModuleType, key: str, value: object, told: dict[str, Any]
) -> None:
    output = Plugged(library, decoder_alone(), {key: value})(*as_inputs(noise(), "uint8"))
    check_same(output, decoded(noise(), **told))
    before = decoded(noise())
    assert before.count > 0
    assert output.poses.shape != before.poses.shape or (output.poses != before.poses).any()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"stride": 0}, 'stride: wanted a whole number from 1 to 1024, got "0"'),
        ({"max_detections": 1.5}, 'max_detections: wanted a whole number from 1 to 10000, got "1.5"'),
        ({"score_threshold": "half"}, 'score_threshold: wanted a number from 0 to 1, got "half"'),
        ({"sampling": "cubic"}, 'sampling: wanted bilinear or nearest, got "cubic"'),
        ({"rescore": 2}, 'rescore: wanted true or false, got "2"'),
        ({"nms_radius_px": 10}, 'options: wanted max_detections, .* got "nms_radius_px"'),
    ],
)
def test_wrong_options_are_refused_with_a_sentence(
    library: ModuleType, options: dict[str, object], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        library.load_delegate(pc.tflite_plugin_path(), options)


def test_two_interpreters_at_once_keep_to_their_own(library: ModuleType) -> None:
    first = Plugged(library, decoder_alone())
    second = Plugged(library, decoder_alone("float32"), {"max_detections": 1})
    for _ in range(2):
        check_same(first(*as_inputs(people(), "uint8")), decoded(people()))
        check_same(second(*as_inputs(people(), "float32")), decoded(people(), max_poses=1))


def test_a_grid_of_another_size_is_followed(library: ModuleType) -> None:
    plugged = Plugged(library, decoder_alone(free=True))
    whole = people()
    for rows, columns in ((13, 12), (9, 20), (13, 20)):
        part = replace(whole, **{name: array[:rows, :columns] for name, array in whole.tensors().items()})
        inputs = as_inputs(part, "uint8")
        for details, array in zip(plugged.interpreter.get_input_details(), inputs, strict=True):
            plugged.interpreter.resize_tensor_input(details["index"], array.shape)
        plugged.interpreter.allocate_tensors()
        check_same(plugged(*inputs), decoded(part))


@pytest.mark.parametrize("exact", [False, True], ids=["XNNPACK", "built-in kernels"])
def test_the_network_before_it_stays_with_the_interpreter(library: ModuleType, exact: bool) -> None:
    model = with_decoder(segments=True)
    plugged = Plugged(library, bytes(model), exact=exact)
    output = plugged(np.zeros((1, 4, 6, 3), np.float32))
    heads = (
        np.full((4, 6, channels), value, np.float32)
        for channels, value in ((17, 1), (34, 2), (32, 3), (32, 3))
    )
    poses = pc.Decoder(
        pc.COCO17, stride_px=32, max_poses=7, root_threshold=0.25, pose_threshold=0.25, nms_radius_px=8
    )(*heads)
    check_same(output, as_operator(poses, 7))
    assert len(poses) > 0
    assert (plugged.tensors()[4] == 4).all()


def test_a_model_without_the_operator_runs_as_it_would(library: ModuleType) -> None:
    plugged = Plugged(library, bytes(heatmaps_only()))
    picture = plugged.interpreter.get_input_details()[0]["index"]
    plugged.interpreter.set_tensor(picture, np.zeros((1, 4, 6, 3), np.float32))
    plugged.interpreter.invoke()
    assert (plugged.tensors()[0] == 0.5).all()


def test_without_the_delegate_the_operator_is_unknown(library: ModuleType) -> None:
    with pytest.raises(RuntimeError, match="PosenetDecoderOp"):
        tflite_libraries.construct(library, decoder_alone(), threads=1, exact=False, delegates=[])


@pytest.mark.parametrize("options", [b"\x00\x01\x02", bytes(40)])
def test_damaged_options_of_a_file_are_refused_with_a_sentence(library: ModuleType, options: bytes) -> None:
    with pytest.raises(
        RuntimeError, match="posecore: wanted a map of options in the model's PosenetDecoderOp"
    ):
        Plugged(library, bytes(with_decoder(options)))


def test_a_quiet_delegate_leaves_the_words_to_the_interpreter(library: ModuleType) -> None:
    with pytest.raises(RuntimeError) as caught:
        Plugged(library, bytes(with_decoder(bytes(40))), {"quiet": True})
    assert "posecore" not in str(caught.value)


def test_a_program_that_used_it_ends_well(interpreter_library: str, tmp_path: Path) -> None:
    (tmp_path / "model.tflite").write_bytes(decoder_alone())
    script = f"""
import sys
from posecore import tflite_plugin_path
from posecore.runtime.tflite_libraries import construct, library
model = open(sys.argv[1], "rb").read()
library = library({interpreter_library!r})
for _ in range(3):
    plugin = library.load_delegate(tflite_plugin_path())
    interpreter = construct(library, model, threads=2, exact=False, delegates=[plugin])
    interpreter.invoke()
    del plugin
kept = [construct(library, model, threads=1, exact=False, delegates=[library.load_delegate(tflite_plugin_path())])]
print("well")
"""
    command = [sys.executable, "-c", script, tmp_path / "model.tflite"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (0, "well\n"), ended.stderr


def test_where_it_was_not_built_a_sentence_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tflite_plugin, "_NAMES", dict.fromkeys((sys.platform,), "absent.so"))
    with pytest.raises(FileNotFoundError, match=r"has no TensorFlow Lite delegate: wanted absent\.so in "):
        pc.tflite_plugin_path()


def reference(path: Path) -> np.ndarray:
    """(people, 17, 4): x, y, score and the person's score, from one of Coral's own result files."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    columns = ("keypoint_x", "keypoint_y", "keypoint_score", "pose_score")
    return np.array([[float(row[column]) for column in columns] for row in rows]).reshape(-1, 17, 4)


def on_picture(library: ModuleType, model: Path, picture: Path, resize: str) -> tuple[Output, Plugged]:
    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed: pip install pillow")
    plugged = Plugged(library, model.read_bytes())
    height, width = plugged.input_size()
    with image.open(picture) as opened:
        small = opened.convert("RGB").resize((width, height), getattr(image.Resampling, resize))
    return plugged(np.asarray(small)[None]), plugged


def test_corals_own_result_from_its_own_picture(library: ModuleType, data: Path) -> None:
    """google-coral/project-posenet: PIL NEAREST to 481 x 353, model-input pixels, .1 score and 4 px."""
    expected = reference(data / f"{CORAL}_quant_decoder_reference.csv")
    picture = data / "pictures/coral_couple.jpg"
    output, _ = on_picture(library, data / f"{CORAL}_quant_decoder.tflite", picture, "NEAREST")
    assert output.count.tolist() == [len(expected)] == [2]
    assert output.poses.shape == (1, 10, 17, 2)
    assert np.abs(output.poses[0, :2, :, ::-1] - expected[:, :, :2]).max() < 4
    assert np.abs(output.scores[0, :2] - expected[:, :, 2]).max() < 0.1
    assert np.abs(output.pose_scores[0, :2] - expected[:, 0, 3]).max() < 0.1
    assert not any(array[0, 2:].any() for array in output[:3])


@pytest.mark.parametrize("name", [f"{CORAL}_16_quant_decoder", BODYPIX])
def test_the_test_of_libcoral(library: ModuleType, data: Path, name: str) -> None:
    """google-coral/test_data: bilinear, normalised to 0..1, .1 and .04 where both scores are over .7."""
    expected = reference(data / f"{name}_reference.csv")
    picture = data / "models/coral/test_image.bmp"
    output, plugged = on_picture(library, data / f"{name}.tflite", picture, "BILINEAR")
    assert output.count.tolist() == [len(expected)] == [2]
    normalised = output.poses[0, :2, :, ::-1] / plugged.input_size()[::-1]
    sure = (output.scores[0, :2] > 0.7) & (expected[:, :, 2] > 0.7)
    assert sure.sum() >= 25
    assert np.abs(normalised - expected[:, :, :2])[sure].max() < 0.04
    assert np.abs(output.scores[0, :2] - expected[:, :, 2])[sure].max() < 0.1
    assert np.abs(output.pose_scores[0, :2] - expected[:, 0, 3]).max() < 0.1


def test_the_masks_of_corals_own_test(library: ModuleType, data: Path) -> None:
    """google-coral/libcoral, bodypix_test.cc: fewer than 5 % of the cells of each mask are other than in its bitmap."""
    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed: pip install pillow")
    picture = data / "models/coral/test_image.bmp"
    _, plugged = on_picture(library, data / f"{BODYPIX}.tflite", picture, "BILINEAR")
    masks = plugged.tensors()[4]
    assert masks.shape == (1, 20, 33, 33)
    assert masks.dtype == np.float32
    assert (masks[0].sum(axis=0) == 1).all()
    assert not masks[0, 2:].any()
    for person in range(2):
        with image.open(data / f"models/coral/mask{person}.bmp") as opened:
            theirs = np.asarray(opened.convert("L")) > 127
        assert ((masks[0, person] > 0) != theirs).mean() < 0.05
