"""Runners: a picture of the network's size in, heads of its float model's shapes out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from posecore.artifact import Artifact, HeadSpec, InputSpec
from posecore.errors import ModelError
from posecore.export.answers import Reading
from posecore.export.letterbox import letterboxed
from posecore.export.runners import KerasRunner, KpuRunner, TfliteRunner, answers, open_runner
from posecore.export.tflite import to_tflite
from posecore.heads import Quantization
from posecore.layouts import HeadsLayout
from posecore.runtime.coordinates import CoordinatesReader
from posecore.runtime.decoder_options import DecoderOptions
from posecore.runtime.geometry import Geometry
from posecore.skeletons import COCO17

SIZE = (65, 97)
PICTURE = np.random.default_rng(0).integers(0, 256, (97, 65, 3), np.uint8)
ROLES = ("heatmaps", "short_offsets", "displacement_fwd", "displacement_bwd")
CHANNELS = (17, 34, 32, 32)


class Simulator:
    """Counts its starts, and gives each head the mean of its picture."""

    kmodel = SimpleNamespace(
        file_bytes=1000, memory={"total": 1_500_000}, kpu_layers=(1,) * 27, kpu_calls=1, cpu_ops=(1,) * 4
    )
    nncase = SimpleNamespace(release="1.9")

    def __init__(self) -> None:
        self.starts = 0

    def run(self, pictures: np.ndarray) -> list[list[np.ndarray]]:
        self.starts += 1
        return [[np.full((1, 7, 5, c), one.mean(), np.float32) for c in CHANNELS] for one in pictures]


def kmodel(size: tuple[int, int] | None = SIZE) -> Artifact:
    heads = tuple(
        HeadSpec(role, role, (1, 7, 5, count), "float32", "NHWC", "logit" if role == "heatmaps" else "px")  # type: ignore[arg-type]
        for role, count in zip(ROLES, CHANNELS, strict=True)
    )
    entry = InputSpec("image", size, "NCHW", "float32")
    return Artifact("m.kmodel", "0" * 64, "k210", "uint8", "posenet", COCO17, entry, heads, 16.0, "logits")


def test_the_simulator_starts_once_for_several_pictures() -> None:
    simulator = Simulator()
    runner = KpuRunner(simulator, artifact=kmodel())
    dark, light = answers(runner, [np.full_like(PICTURE, 10), np.full_like(PICTURE, 200)])
    assert simulator.starts == 1
    assert dark.dequantized("heatmaps").max() == 10
    assert light.dequantized("displacement_bwd").shape == (7, 5, 32)
    assert light.dequantized("short_offsets").min() == 200


def test_coordinates_are_read_as_the_runtime_reads_them() -> None:
    codes = np.random.default_rng(0).integers(0, 256, (17, 2), np.uint8)
    one = Quantization(1 / 200, 20)  # some fractions are below 0, some above 1
    said = Reading(
        "coordinates", COCO17, 0.0, "probabilities", SIZE, {"keypoints": "k"}, {"keypoints": "fraction"}
    )
    ours = said.decoder()(said.answer({"keypoints": codes}, {"keypoints": one}))
    theirs = CoordinatesReader(COCO17, one)(codes[None], Geometry.stretch(SIZE, SIZE))
    assert np.array_equal(ours.xy, theirs.xy)
    assert np.array_equal(ours.scores, theirs.scores)
    assert ours.xy.reshape(-1, 2).min(axis=0).tolist() == [-0.5, -0.5]
    assert ours.xy.reshape(-1, 2).max(axis=0).tolist() == [64.5, 96.5]


def test_an_output_of_two_tensors_is_split_as_the_runtime_splits_it() -> None:
    mid = np.random.default_rng(0).normal(size=(1, 7, 5, 64)).astype(np.float32)
    artifact = replace(
        kmodel(),
        heads=(
            *kmodel().heads[:2],
            HeadSpec("mid_offsets", "mid", (1, 7, 5, 64), "float32", "NHWC", "px"),
        ),
    )
    arrays = [np.zeros((1, 7, 5, count), np.float32) for count in CHANNELS[:2]]
    theirs = HeadsLayout(
        "posenet", ("heatmaps", "short_offsets", "mid_offsets"), 17, 16.0, "logits", (None,) * 3
    ).build([*arrays, mid])
    simulator = Simulator()
    simulator.run = lambda pictures: [[*arrays, mid]]  # type: ignore[method-assign]
    ours = KpuRunner(simulator, artifact=artifact).heads(PICTURE)
    for name in ROLES:
        assert np.array_equal(ours.tensors()[name], theirs.tensors()[name])
    assert np.array_equal(ours.tensors()["displacement_bwd"], mid[0, :, :, 32:])


@pytest.mark.parametrize(
    ("precision", "eight_bit"),
    [("uint8", True), ("int8", True), ("dynamic", False), ("float16", False), ("float32", False)],
)
def test_what_is_computed_in_eight_bits_is_said_by_the_description(precision: Any, eight_bit: bool) -> None:
    assert Reading.of_artifact(replace(kmodel(), precision=precision), SIZE).eight_bit is eight_bit


def test_what_a_kmodel_takes_comes_from_its_bytes_and_has_no_time() -> None:
    cost = KpuRunner(Simulator(), artifact=kmodel()).cost(PICTURE)
    assert (cost.memory_bytes, cost.memory, cost.latency_ms) == (1_500_000, "RAM", None)
    assert dict(cost.operators) == {"KPU": 27, "CPU": 4}
    assert cost.runs_on == "1 KPU call, simulator of nncase 1.9"


def test_a_kmodel_has_one_size() -> None:
    with pytest.raises(ModelError, match=r"m\.kmodel: wanted a \.kmodel of one input size, got one of any"):
        KpuRunner(Simulator(), artifact=kmodel(None))


def test_tflite_gives_what_keras_gives(tiny_posenet: Any, tmp_path: Path) -> None:
    path = tmp_path / "m.tflite"
    to_tflite(tiny_posenet, path)
    said, right = open_runner(path, size=SIZE), KerasRunner(tiny_posenet, size=SIZE)
    assert isinstance(said, TfliteRunner)
    assert said.reading.differences(right.reading) is None
    one, other = said.heads(PICTURE), right.heads(PICTURE)
    for name in ROLES:
        assert one.dequantized(name) == pytest.approx(other.dequantized(name), abs=1e-3)
    cost = said.cost(PICTURE)
    assert cost.operators["CPU"] >= 8
    assert cost.file_bytes == path.stat().st_size


def test_answers_stay_when_the_next_picture_comes(tiny_posenet: Any, tmp_path: Path) -> None:
    to_tflite(tiny_posenet, tmp_path / "m.tflite", size=SIZE)
    runner = open_runner(tmp_path / "m.tflite")
    first = runner.heads(PICTURE)
    before = first.dequantized("heatmaps").copy()
    runner.heads(255 - PICTURE)
    assert np.array_equal(first.dequantized("heatmaps"), before)


@pytest.mark.parametrize(
    ("picture", "error", "got"),
    [
        (PICTURE.astype(np.float32), TypeError, "got float32"),
        (PICTURE[1:], ValueError, r"got shape \(96, 65, 3\)"),
        (None, TypeError, "got <class 'NoneType'>"),
    ],
)
def test_a_runner_wants_a_picture_of_its_size(
    tiny_posenet: Any, picture: Any, error: type[Exception], got: str
) -> None:
    with pytest.raises(error, match=rf"picture: wanted uint8 \(97, 65, 3\), {got}"):
        KerasRunner(tiny_posenet, size=SIZE).heads(picture)


def test_somebody_has_to_say_the_size(tiny_posenet: Any) -> None:
    with pytest.raises(
        ValueError, match=r"size: wanted .width, height., since tiny_posenet takes any size, got None"
    ):
        KerasRunner(tiny_posenet)


def test_a_file_for_coral_runs_without_its_decoder_and_counts_what_the_tpu_takes(
    tiny_posenet: Any, people: np.ndarray, tmp_path: Path
) -> None:
    path = tmp_path / "m.tflite"
    to_tflite(
        tiny_posenet,
        path,
        size=SIZE,
        quantize="uint8",
        calibration=[people],
        decoder=DecoderOptions(nms_radius_px=7.0),
    )
    artifact = Artifact.read(path)
    assert artifact is not None
    coral = replace(artifact, target="coral")
    coral.save(path)
    runner = open_runner(path)
    assert runner.reading.nms_radius_px == 7
    assert runner.reading.names["displacement_fwd"] == runner.reading.names["displacement_bwd"]
    right, said = KerasRunner(tiny_posenet, size=SIZE), runner.heads(letterboxed(people, SIZE, "people"))
    assert right.reading.differences(runner.reading) is None
    one = right.heads(letterboxed(people, SIZE, "people"))
    for name in ROLES:
        assert said.tensors()[name].dtype == np.uint8
        step = said.quantization[name].scale
        assert np.abs(said.dequantized(name) - one.dequantized(name)).mean() < 3 * step
    operators = runner.cost(PICTURE).operators
    assert operators["TPU"] >= 7
    assert operators["CPU"] <= 1
