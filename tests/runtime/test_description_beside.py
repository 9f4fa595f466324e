"""The runtime believes what an export has written beside a model, and nobody who contradicts it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_tflite import INT8, Model, heatmaps_only, quantised

from posecore import COCO17, Skeleton
from posecore.artifact import Artifact, HeadSpec, InputSpec, sha256_of
from posecore.errors import ModelError
from posecore.heads import Quantization
from posecore.runtime.estimator import Estimator

pytestmark = pytest.mark.usefixtures("cv2", "interpreter_library")

PICTURE = np.zeros((4, 6, 3), np.uint8)
ROBOT = Skeleton("robot", tuple(f"joint_{k}" for k in range(17)))


def described(folder: Path, model: Model, **fields: Any) -> Path:
    """A model of 4x6 pixels and 17 heatmaps, and what it is."""
    path = folder / "tiny.tflite"
    path.write_bytes(bytes(model))
    heat = HeadSpec("heatmaps", "heatmaps", (1, 4, 6, 17), "float32", "NHWC", "logit")
    known: dict[str, Any] = {
        "file": path.name,
        "sha256": sha256_of(path),
        "target": "tflite",
        "precision": "float32",
        "kind": "heatmaps",
        "skeleton": ROBOT,
        "input": InputSpec("image", (6, 4), "NHWC", "float32", (-1, 1)),
        "heads": (heat,),
        "stride_px": 1,
        "scores": "logits",
    }
    Artifact(**known | fields).save(path)
    return path


def test_skeleton_scores_and_input_range_come_from_the_description(tmp_path: Path) -> None:
    path = described(tmp_path, heatmaps_only())
    estimator = Estimator(path)
    assert estimator.skeleton == ROBOT
    heads = estimator.heads(PICTURE)
    assert heads.scores == "logits"
    assert estimator(PICTURE).scores[0, 0] == pytest.approx(1 / (1 + np.exp(-0.5)))
    (tmp_path / "tiny.tflite.json").unlink()
    with pytest.raises(ModelError, match="tiny: wanted input_range"):
        Estimator(path)
    assert Estimator(path, input_range=(-1, 1)).heads(PICTURE).scores == "probabilities"


def test_the_stride_comes_from_the_description(tmp_path: Path) -> None:
    assert Estimator(described(tmp_path, heatmaps_only(), stride_px=1.5)).heads(PICTURE).stride_px == 1.5


def test_a_quantised_model_is_described_too(tmp_path: Path) -> None:
    heat = HeadSpec("heatmaps", "heatmaps", (1, 4, 6, 17), "int8", "NHWC", "logit", Quantization(1 / 64, 0))
    picture = InputSpec("image", (6, 4), "NHWC", "int8", (-1, 1), Quantization(1 / 128, 0))
    estimator = Estimator(
        described(tmp_path, quantised(INT8), heads=(heat,), input=picture, precision="int8")
    )
    assert estimator.heads(PICTURE).quantization["heatmaps"].scale == 1 / 64
    assert estimator.skeleton == ROBOT


def test_an_output_without_a_telling_name_is_what_the_description_says(tmp_path: Path) -> None:
    model = heatmaps_only()
    model.tensors[model.outputs[0]][3] = "long_offset_of_something"
    assert Estimator(described(tmp_path, model)).heads(PICTURE).num_keypoints == 17


def test_a_skeleton_that_is_given_wins_where_the_number_of_keypoints_fits(tmp_path: Path) -> None:
    path = described(tmp_path, heatmaps_only())
    assert Estimator(path, skeleton="coco17").skeleton == COCO17
    with pytest.raises(
        ValueError, match="skeleton: wanted 17 keypoints, as tiny gives them, got mpii16 with 16"
    ):
        Estimator(path, skeleton="mpii16")


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ({"stride_px": 8}, r"stride_px: wanted 1 or None, as tiny\.tflite\.json says, got 8"),
        (
            {"scores": "probabilities"},
            r"scores: wanted logits or None, as tiny\.tflite\.json says, got probabilities",
        ),
        ({"input_range": (0, 1)}, r"input_range: wanted \(-1\.0, 1\.0\) or None, .* got \(0, 1\)"),
        ({"input_range": 1}, r"input_range: wanted \(-1\.0, 1\.0\) or None, .* got 1"),
    ],
)
def test_what_contradicts_the_description_is_refused(
    tmp_path: Path, option: dict[str, Any], sentence: str
) -> None:
    path = described(tmp_path, heatmaps_only())
    with pytest.raises(ValueError, match=sentence):
        Estimator(path, **option)


def test_what_repeats_the_description_is_fine(tmp_path: Path) -> None:
    path = described(tmp_path, heatmaps_only())
    estimator = Estimator(path, stride_px=1, scores="logits", input_range=(-1, 1), skeleton=ROBOT)
    assert estimator.heads(PICTURE).stride_px == 1


def test_a_description_that_has_gone_stale_is_an_error(tmp_path: Path) -> None:
    path = described(tmp_path, heatmaps_only())
    path.write_bytes(bytes(heatmaps_only(dynamic=True)))
    with pytest.raises(ModelError, match=r"describes another file than tiny\.tflite is now"):
        Estimator(path)


@pytest.mark.parametrize(
    "fields",
    [
        {"heads": (HeadSpec("heatmaps", "heatmaps", (1, 2, 6, 17), "float32", "NHWC", "logit"),)},
        {"input": InputSpec("image", None, "NHWC", "float32")},
        {"input": InputSpec("image", (6, 4), "NHWC", "uint8")},
        {"heads": (HeadSpec("heatmaps", "heatmaps", (1, 17, 4, 6), "float32", "NCHW", "logit"),)},
    ],
)
def test_a_description_of_other_tensors_is_an_error(tmp_path: Path, fields: dict[str, Any]) -> None:
    path = described(tmp_path, heatmaps_only(), **fields)
    with pytest.raises(
        ModelError, match=r"tiny\.tflite\.json: its input and heads are not those of the model"
    ):
        Estimator(path)


def test_edges_decide_which_displacement_is_whose(tmp_path: Path) -> None:
    model = Model()
    picture = model.tensor([1, 4, 6, 3], name="image")
    names = {"heatmap_2": 3, "offset_2": 6, "displacement_fwd_2": 4, "displacement_bwd_2": 4}
    model.inputs = [picture]
    model.outputs = [model.convolution(picture, [1, 4, 6, count], name=name) for name, count in names.items()]
    snake = Skeleton("snake", ("head", "middle", "tail"), ((0, 1), (1, 2)))
    roles = ("heatmaps", "short_offsets", "displacement_fwd", "displacement_bwd")
    heads = tuple(
        HeadSpec(role, name, (1, 4, 6, count), "float32", "NHWC", "logit" if role == "heatmaps" else "px")
        for role, (name, count) in zip(roles, names.items(), strict=True)
    )
    path = described(tmp_path, model, kind="posenet", skeleton=snake, heads=heads)
    assert Estimator(path).skeleton == snake
    assert Estimator(path, skeleton=replace(snake, keypoints=("a", "b", "c"))).skeleton.keypoints == (
        "a",
        "b",
        "c",
    )
    with pytest.raises(ValueError, match="skeleton: wanted the edges of snake, by which tiny was trained"):
        Estimator(path, skeleton=replace(snake, edges=((1, 0), (1, 2))))
