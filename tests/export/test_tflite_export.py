"""A Keras model becomes a .tflite file whose poses are those of the model, on every interpreter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from given_weights import give_weights

from posecore import COCO17, MPII16, Decoder, Poses
from posecore.artifact import Artifact
from posecore.errors import ModelError
from posecore.export import tflite
from posecore.export.tflite import Quantize, to_tflite
from posecore.heads import Heads
from posecore.runtime import tflite_libraries
from posecore.runtime.estimator import Estimator
from posecore.runtime.interpreters import open_interpreter
from posecore.runtime.tflite_file import TfliteFile

HEADS = ("heatmap_2", "offset_2", "displacement_fwd_2", "displacement_bwd_2")
SIZE = (97, 65)
# What TensorFlow 2.5 knows, and so Coral's compiler 16 and every tflite-runtime from 2.5 on.
KNOWN_VERSIONS = {"CONV_2D": 5, "DEPTHWISE_CONV_2D": 6, "QUANTIZE": 2}


@pytest.fixture(scope="module")
def pictures(people: np.ndarray) -> list[np.ndarray]:
    """Parts of a photograph."""
    return [people[y : y + 260, x : x + 388] for y in (60, 400) for x in (80, 460, 840)]


@pytest.fixture(scope="module", params=["int8", "uint8"])
def eight_bits(
    request: pytest.FixtureRequest, tiny_posenet: Any, pictures: list[np.ndarray], tmp_path_factory: Any
) -> Path:
    path: Path = tmp_path_factory.mktemp(request.param) / "tiny.tflite"
    to_tflite(tiny_posenet, path, quantize=request.param, size=SIZE, calibration=pictures)
    return path


def float_heads(model: Any, picture: np.ndarray) -> dict[str, np.ndarray]:
    given = model(picture[None].astype(np.float32) / 127.5 - 1)
    return {name: np.asarray(given[name])[0] for name in HEADS}


def of_input(picture: np.ndarray) -> np.ndarray:
    """A part of the picture as large as the input, so that nothing is resized."""
    return np.ascontiguousarray(picture[: SIZE[1], : SIZE[0]])


@pytest.mark.parametrize(("quantize", "near"), [(None, 1e-3), ("float16", 0.05), ("dynamic", 0.6)])
def test_float_files_give_the_heads_of_the_model(
    tiny_posenet: Any, pictures: list[np.ndarray], tmp_path: Path, quantize: Quantize | None, near: float
) -> None:
    path = tmp_path / "tiny.tflite"
    artifact = to_tflite(tiny_posenet, path, quantize=quantize, size=SIZE)
    assert artifact == Artifact.read(path)
    assert (artifact.precision, artifact.kind, artifact.calibration) == (
        quantize or "float32",
        "posenet",
        None,
    )
    picture = of_input(pictures[0])
    wanted = float_heads(tiny_posenet, picture)
    for beside in (True, False):
        if not beside:
            artifact.path_beside(path).unlink()
        heads = Estimator(path).heads(picture)
        assert (heads.stride_px, heads.scores) == (16, "logits")
        for (name, values), found in zip(wanted.items(), heads.tensors().values(), strict=True):
            np.testing.assert_allclose(found, values, atol=near * np.abs(values).max() / 10, err_msg=name)


class TestEightBits:
    def test_both_ends_are_codes_and_the_description_says_which(self, eight_bits: Path) -> None:
        file, artifact = TfliteFile.read(eight_bits), Artifact.read(eight_bits)
        assert artifact is not None
        assert {tensor.dtype for tensor in (*file.inputs, *file.outputs)} == {artifact.precision}
        assert eight_bits.parent.name.startswith(artifact.precision)
        assert (
            [head.name for head in artifact.heads] == [output.name for output in file.outputs] == list(HEADS)
        )
        assert [head.quantization for head in artifact.heads] == [one.quantization for one in file.outputs]
        assert artifact.input.range == (-1, 1)
        assert artifact.calibration is not None
        assert (artifact.calibration.pictures, artifact.calibration.random) == (6, False)
        assert {head.clipped for head in artifact.heads} == {0.0}

    def test_weights_have_a_scale_for_each_channel(self, eight_bits: Path) -> None:
        module = tflite_libraries.library("tensorflow")
        interpreter = tflite_libraries.construct(
            module, eight_bits.read_bytes(), threads=1, exact=True, delegates=[]
        )
        tensors = interpreter.get_tensor_details()
        kernels = [one for one in tensors if len(one["shape"]) == 4 and one["shape"][0] > 1]
        assert len(kernels) == 8
        for kernel in kernels:
            assert len(kernel["quantization_parameters"]["scales"]) == kernel["shape"][0]

    @pytest.mark.parametrize("library", ["litert", "tensorflow"])
    @pytest.mark.parametrize("beside", [True, False])
    def test_heads_are_within_a_few_codes_of_the_model(
        self,
        eight_bits: Path,
        tiny_posenet: Any,
        pictures: list[np.ndarray],
        tmp_path: Path,
        library: str,
        beside: bool,
    ) -> None:
        if library == "litert":
            pytest.importorskip("ai_edge_litert", reason='not installed: pip install "posecore[app]"')
        path = eight_bits
        if not beside:
            path = tmp_path / "alone.tflite"
            path.write_bytes(eight_bits.read_bytes())
        picture = of_input(pictures[3])
        heads = Estimator(path, interpreter=library).heads(picture)
        for name, wanted in zip(heads.tensors(), float_heads(tiny_posenet, picture).values(), strict=True):
            off = np.abs(heads.dequantized(name) - wanted) / heads.quantization[name].scale
            assert np.median(off) < 4, name

    def test_old_interpreters_know_the_operators(self, eight_bits: Path) -> None:
        file = TfliteFile.read(eight_bits)
        versions = {
            TfliteFile.read(eight_bits)._codes[i][0]: table.integer(2, "i", 1)
            for i, table in enumerate(file._model.tables(1))
        }
        assert versions
        assert {name: v for name, v in versions.items() if v > KNOWN_VERSIONS.get(name, 0)} == {}


def test_the_same_gives_the_same_bytes(tiny_posenet: Any, pictures: list[np.ndarray], tmp_path: Path) -> None:
    for quantize in (None, "int8"):
        calibration = pictures if quantize else None
        files = []
        for name in ("first", "second"):
            path = tmp_path / f"{name}.tflite"
            to_tflite(tiny_posenet, path, quantize=quantize, size=SIZE, calibration=calibration)  # type: ignore[arg-type]
            files.append(path.read_bytes())
        assert files[0] == files[1]


@pytest.mark.parametrize("quantize", [None, "int8"])
def test_a_free_size_takes_any_picture(
    tiny_posenet: Any, pictures: list[np.ndarray], tmp_path: Path, quantize: Quantize | None
) -> None:
    path = tmp_path / "free.tflite"
    artifact = to_tflite(tiny_posenet, path, quantize=quantize, calibration=pictures if quantize else None)
    assert artifact.input.size is None
    assert {head.shape[1:3] for head in artifact.heads} == {(-1, -1)}
    estimator = Estimator(path, size=161)
    assert estimator.heads(pictures[0]).grid == (8, 11)
    assert estimator.heads(np.ascontiguousarray(pictures[0].transpose(1, 0, 2))).grid == (11, 8)


class TestOtherNetworks:
    def test_of_a_cpm_the_last_stage_is_read(
        self, keras: Any, pictures: list[np.ndarray], tmp_path: Path
    ) -> None:
        from posecore.train.networks import cpm

        model = cpm(stages=2, width=0.0625, refinement_size=3, background=True)
        give_weights(model)
        path = tmp_path / "cpm.tflite"
        to_tflite(model, path, size=(96, 64), skeleton=MPII16)
        estimator = Estimator(path)
        assert estimator.skeleton == MPII16
        heads = estimator.heads(pictures[0][:64, :96])
        assert (heads.heatmaps.shape, heads.stride_px, heads.scores) == ((8, 12, 16), 8, "probabilities")

    def test_heatmaps_of_a_simple_baseline_are_logits(
        self, keras: Any, pictures: list[np.ndarray], tmp_path: Path
    ) -> None:
        image = keras.Input((32, 32, 3), name="image")
        model = keras.Model(image, {"heatmap": keras.layers.Conv2D(17, 3, strides=4, padding="same")(image)})
        path = tmp_path / "baseline.tflite"
        to_tflite(model, path, size=(32, 32))
        heads = Estimator(path).heads(pictures[0])
        assert (heads.heatmaps.shape, heads.stride_px, heads.scores) == ((8, 8, 17), 4, "logits")

    @pytest.mark.parametrize("quantize", [None, "uint8"])
    def test_regressors_give_one_person(
        self, keras: Any, pictures: list[np.ndarray], tmp_path: Path, quantize: Quantize | None
    ) -> None:
        from posecore.train.networks import four_conv

        model = four_conv(input_size=(64, 64), width=0.25)
        give_weights(model)
        path = tmp_path / "regressor.tflite"
        artifact = to_tflite(model, path, quantize=quantize, calibration=pictures if quantize else None)
        assert (artifact.kind, artifact.input.size, artifact.stride_px) == ("coordinates", (64, 64), 0)
        picture = np.ascontiguousarray(pictures[0][:64, :64])
        fractions = np.asarray(model(picture[None].astype(np.float32) / 127.5 - 1)["keypoints"])[0]
        poses = Estimator(path)(picture)
        np.testing.assert_allclose(poses.xy[0], fractions * 64 - 0.5, atol=2.5 if quantize else 0.01)
        np.testing.assert_array_equal(poses.scores, np.ones((1, 17)))


class TestRefusals:
    def test_calibration_is_for_eight_bits_and_eight_bits_are_for_calibration(
        self, tiny_posenet: Any, tmp_path: Path
    ) -> None:
        path = tmp_path / "no.tflite"
        with pytest.raises(
            ValueError, match=r"calibration: wanted a folder of pictures like those .*, got None"
        ):
            to_tflite(tiny_posenet, path, quantize="int8", size=SIZE)
        with pytest.raises(ValueError, match=r"calibration: wanted None, since .*, got it for float16"):
            to_tflite(tiny_posenet, path, quantize="float16", size=SIZE, calibration=[])
        with pytest.raises(
            ValueError, match="quantize: wanted one of float16, dynamic, int8, uint8, got 'int4'"
        ):
            to_tflite(tiny_posenet, path, quantize="int4", size=SIZE)  # type: ignore[arg-type]
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("size", [(0, 5), (9000, 20), (1.5, 2), "257"])
    def test_a_size_that_is_none(self, tiny_posenet: Any, tmp_path: Path, size: Any) -> None:
        with pytest.raises((TypeError, ValueError), match="size: wanted"):
            to_tflite(tiny_posenet, tmp_path / "no.tflite", size=size)

    def test_heads_that_clip_what_calibration_saw(
        self, tiny_posenet: Any, pictures: list[np.ndarray], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = tflite.converted
        grey = [np.full((SIZE[1], SIZE[0], 3), 127, np.uint8)]
        monkeypatch.setattr(
            tflite, "converted", lambda graph, heads, quantize, _: real(graph, heads, quantize, grey)
        )
        with pytest.raises(ModelError, match="are clipped"):
            to_tflite(tiny_posenet, tmp_path / "no.tflite", quantize="int8", size=SIZE, calibration=pictures)
        assert list(tmp_path.iterdir()) == []

    def test_what_the_converter_refuses_is_one_sentence_with_its_words(
        self,
        tiny_posenet: Any,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        def broken(*_: Any) -> None:
            print("what the converter prints")
            raise RuntimeError("it does\nnot work")

        monkeypatch.setattr(tflite, "_configure", broken)
        with pytest.raises(
            ModelError,
            match="tiny_posenet: TensorFlow's converter cannot take this model as float32: it does not work",
        ):
            to_tflite(tiny_posenet, tmp_path / "no.tflite", size=SIZE)
        assert capfd.readouterr() == ("", "")

    def test_a_place_that_cannot_be_written_to(self, tiny_posenet: Any, tmp_path: Path) -> None:
        with pytest.raises(OSError, match=r"nowhere"):
            to_tflite(tiny_posenet, tmp_path / "nowhere" / "x.tflite", size=SIZE)


def test_noise_that_is_insisted_on_is_said(tiny_posenet: Any, tmp_path: Path) -> None:
    artifact = to_tflite(
        tiny_posenet,
        tmp_path / "noise.tflite",
        quantize="int8",
        size=SIZE,
        calibration_count=2,
        random_calibration=True,
    )
    assert artifact.calibration is not None
    assert (artifact.calibration.pictures, artifact.calibration.random) == (2, True)


def matched_shifts(first: Poses, second: Poses) -> np.ndarray:
    """Pixels between the sure keypoints of the same people."""
    shifts = []
    for pose in first:
        distances = np.linalg.norm(second.xy - pose.xy, axis=2)
        nearest = int(np.median(distances, axis=1).argmin())
        sure = (pose.scores[0] >= 0.3) & (second.scores[nearest] >= 0.3)
        shifts.extend(distances[nearest][sure])
    return np.array(shifts)


def test_the_official_posenet_moves_its_keypoints_by_less_than_a_pixel(
    posenet_050: Any, photographs: Path, cv2: Any, tmp_path: Path
) -> None:
    from posecore.export.calibration import calibration_pictures

    pictures = calibration_pictures(photographs, (257, 257))
    path = tmp_path / "posenet.tflite"
    to_tflite(posenet_050, path, quantize="int8", size=(257, 257), calibration=pictures)
    estimator, decoder = Estimator(path), Decoder(COCO17, stride_px=16)
    shifts = []
    for picture in pictures:
        float_poses = decoder(
            Heads(*float_heads(posenet_050, picture).values(), stride_px=16, scores="logits")
        )
        shifts.append(matched_shifts(float_poses, estimator(picture)))
    moved = np.concatenate(shifts)
    assert len(moved) > 100
    assert np.median(moved) <= 1
    assert np.percentile(moved, 95) <= 4


def test_signatures_of_stock_interpreters_have_the_names(eight_bits: Path) -> None:
    module = tflite_libraries.library("tensorflow")
    interpreter = tflite_libraries.construct(
        module, eight_bits.read_bytes(), threads=1, exact=False, delegates=[]
    )
    assert [details["name"] for details in interpreter.get_output_details()] == list(HEADS)
    assert [details["name"] for details in interpreter.get_input_details()] == ["image"]
    runner = interpreter.get_signature_runner()
    assert set(runner.get_output_details()) == set(HEADS)
    assert open_interpreter(eight_bits.read_bytes()).outputs[0].name == "heatmap_2"
