"""A picture in, the people in it out, in that picture's own pixels."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import inspect
import io
import json
import os
import struct
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_tflite import CONV_2D, Model, flexbuffer, with_decoder

import posecore as pc
from posecore.errors import MissingExtra, ModelError
from posecore.runtime import tflite_libraries
from posecore.runtime.estimator import Estimator

cv2 = pytest.importorskip("cv2", reason='reading pictures needs OpenCV: pip install "posecore[app]"')
try:
    tflite_libraries.library()
except MissingExtra as missing:
    pytest.skip(str(missing), allow_module_level=True)

SHARED = Path(os.environ.get("POSECORE_SHARED", Path(__file__).resolve().parents[3] / "shared")) / "data"
CORAL = SHARED / "models/coral"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason=f"no published models and pictures at {SHARED}")

RGB = pc.Skeleton("rgb", ("red", "green", "blue"))


def read(path: Path) -> np.ndarray:
    return np.ascontiguousarray(cv2.imread(str(path))[:, :, ::-1])


@pytest.fixture(scope="module")
def people() -> np.ndarray:
    """The picture that comes with the package: 1280 x 720, several people."""
    return read(Path(pc.__file__).parent / "data/people.jpg")


@pytest.fixture(scope="module")
def estimator() -> Estimator:
    return Estimator()


def by_x(poses: pc.Poses) -> pc.Poses:
    return poses[np.argsort(np.median(poses.xy[:, :, 0], axis=1))]


def distances(first: pc.Poses, second: pc.Poses) -> np.ndarray:
    """Pixels between the sure keypoints of the same people, from left to right."""
    assert len(first) == len(second)
    first, second = by_x(first), by_x(second)
    sure = (first.scores > 0.5) & (second.scores > 0.5)
    return np.linalg.norm(first.xy - second.xy, axis=2)[sure]


def eye(height: int = 64, width: int = 96, *, dynamic: bool = False) -> bytes:
    """A network that sees: its three heatmaps are the red, green and blue of its input, at stride 1."""
    model = Model()
    picture = model.tensor([1, height, width, 3], name="image", signature=[1, -1, -1, 3] if dynamic else None)
    weights = model.tensor([3, 1, 1, 3], data=np.eye(3, dtype="<f4").tobytes())
    biases = model.tensor([3], data=struct.pack("<3f", 0, 0, 0))
    heatmaps = model.tensor(
        [1, height, width, 3], signature=[1, -1, -1, 3] if dynamic else None, name="heatmaps"
    )
    model.operator(CONV_2D, [picture, weights, biases], [heatmaps], kind=1, options=model.conv_options())
    model.inputs, model.outputs = [picture], [heatmaps]
    return bytes(model)


def see(**options: Any) -> Estimator:
    options = {"skeleton": RGB, "input_range": (0, 1)} | options
    return Estimator(options.pop("model", None) or eye(), **options)


def spots(width: int, height: int, points: np.ndarray) -> np.ndarray:
    """A picture of a red, a green and a blue spot, each round and brightest at its point."""
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    sigma = 0.06 * min(width, height)
    maps = [np.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * sigma**2)) for px, py in points]
    return np.rint(255 * np.stack(maps, axis=2)).astype(np.uint8)


class TestPixels:
    """With a network whose answer is known, every way in comes out at the right pixel."""

    @pytest.mark.parametrize("resize", ["letterbox", "stretch", "coral"])
    @pytest.mark.parametrize(
        "size", [(640, 480), (480, 640), (1920, 1080), (96, 64), (97, 65), (700, 120), (30, 24)]
    )
    def test_points_come_back_in_pixels_of_the_picture(self, size: tuple[int, int], resize: str) -> None:
        points = np.array([[0.2, 0.7], [0.5, 0.3], [0.8, 0.6]]) * size
        detail = see(resize=resize).detail(spots(*size, points))
        # Plain heatmaps say it to a quarter of an input pixel, nearest sampling to half a picture pixel.
        allowed = 0.8 / np.array(detail.geometry.scale) + (0.5 if resize == "coral" else 0)
        assert len(detail.poses) == 1
        assert (np.abs(detail.poses.xy[0] - points) <= allowed).all()
        assert detail.poses.image_size == size

    def test_a_dynamic_input_follows_the_picture(self) -> None:
        estimator = see(model=eye(1, 1, dynamic=True), size=96)
        for size, input_size in (((640, 480), (96, 96)), ((480, 640), (96, 96)), ((960, 320), (96, 32))):
            points = np.array([[0.2, 0.7], [0.5, 0.3], [0.8, 0.6]]) * size
            poses = estimator(spots(*size, points))
            assert estimator.input_size == input_size
            assert np.abs(poses.xy[0] - points).max() < 0.8 * max(size) / 96

    @pytest.mark.parametrize("color", ["rgb", "bgr"])
    def test_colours_are_what_was_said(self, color: str) -> None:
        points = np.array([[20.0, 30.0], [50.0, 20.0], [70.0, 40.0]])
        image = spots(96, 64, points)
        expected = points if color == "rgb" else points[::-1]
        poses = see(color=color)(image)
        np.testing.assert_allclose(poses.xy[0], expected, atol=0.5)
        assert see(color=color)(image[:, :, ::-1]).xy[0] == pytest.approx(expected[::-1], abs=0.5)

    def test_bgr_is_rgb_the_other_way_round(self, people: np.ndarray) -> None:
        assert Estimator(size=257, color="bgr")(people[:, :, ::-1].copy()) == Estimator(size=257)(people)

    def test_scores_are_what_the_network_gives(self) -> None:
        image = np.zeros((64, 96, 3), np.uint8)
        image[10, 10], image[20, 20], image[30, 30] = (255, 0, 0), (0, 102, 0), (0, 0, 51)
        poses = see()(image)
        np.testing.assert_allclose(poses.scores[0], [1.0, 0.4, 0.2], atol=1e-6)
        assert poses.pose_scores[0] == pytest.approx(1.6 / 3)

    def test_one_person_of_plain_heatmaps_is_dropped_below_the_thresholds(self) -> None:
        image = np.zeros((64, 96, 3), np.uint8)
        image[10, 10] = (60, 30, 30)
        assert see()(image).xy.shape == (0, 3, 2)
        assert len(see(pose_threshold=0.1)(image)) == 1
        assert len(see(pose_threshold=0.1, root_threshold=0.3)(image)) == 0


class TestDefaultModel:
    def test_it_finds_the_people_in_the_default_picture(
        self, estimator: Estimator, people: np.ndarray
    ) -> None:
        poses = estimator(people)
        assert estimator.name == "posenet_mobilenet_v1_075"
        assert estimator.skeleton == pc.COCO17
        assert len(poses) >= 4
        assert (poses.pose_scores > 0.5).all()
        assert (np.diff(poses.pose_scores) <= 0).all()
        assert poses.image_size == (1280, 720)
        assert (poses.track_ids == -1).all()
        assert poses.time_s is None
        for person in poses:
            x, y = person.xy[0].T
            assert (x > -30).all()
            assert (x < 1310).all()
            assert (y > -30).all()
            assert (y < 750).all()
            name = pc.COCO17.index
            if person.scores[0].min() > 0.5:
                assert y[name("nose")] < y[name("left_hip")] < y[name("left_ankle")]

    def test_a_larger_picture_has_the_same_people_at_larger_coordinates(self, people: np.ndarray) -> None:
        estimator = Estimator(size=353)
        small, large = people, cv2.resize(people, None, fx=1.5, fy=1.5, interpolation=cv2.INTER_CUBIC)
        found = estimator(large)
        scaled = found.replace(xy=((found.xy + np.float32(0.5)) / np.float32(1.5) - np.float32(0.5)))
        assert np.median(distances(estimator(small), scaled)) < 4

    def test_a_mirrored_picture_has_mirrored_people(self, estimator: Estimator, people: np.ndarray) -> None:
        there = estimator(people)
        mirrored = estimator(people[:, ::-1])
        back = mirrored.xy[:, list(pc.COCO17.flip_index)].copy()
        back[:, :, 0] = 1279 - back[:, :, 0]
        scores = mirrored.scores[:, list(pc.COCO17.flip_index)]
        gaps = distances(there, mirrored.replace(xy=back, scores=scores, visible=scores > 0))
        assert np.median(gaps) < 6

    def test_a_turned_picture_is_portrait_and_works(self, people: np.ndarray) -> None:
        tall = np.zeros((1280, 720, 3), np.uint8)
        tall[300:705] = cv2.resize(people, (720, 405), interpolation=cv2.INTER_AREA)
        estimator = Estimator(size=641)
        poses = estimator(tall)
        assert estimator.input_size == (369, 641)
        assert len(poses) >= 4
        assert (poses.xy[:, :, 1] > 280).all()
        assert (poses.xy[:, :, 1] < 725).all()

    def test_nobody_is_an_empty_array_and_not_an_error(self, estimator: Estimator) -> None:
        poses = estimator(np.full((120, 160, 3), 90, np.uint8))
        assert poses.xy.shape == (0, 17, 2)
        assert poses.scores.shape == (0, 17)
        assert poses.image_size == (160, 120)

    @pytest.mark.parametrize("shape", [(1, 1), (1, 4000), (4000, 1), (2, 3), (4320, 7680), (17, 9)])
    def test_pictures_of_any_size_go_through(self, estimator: Estimator, shape: tuple[int, int]) -> None:
        image = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
        poses = estimator(image)
        assert poses.image_size == shape[::-1]
        assert np.isfinite(poses.xy).all()

    def test_a_view_gives_what_its_copy_gives(self, estimator: Estimator, people: np.ndarray) -> None:
        for view in (
            people[10:, 20:],
            people[:, ::-1],
            people[::2, ::2],
            people[:, :, ::-1],
            np.asfortranarray(people),
        ):
            assert estimator(view) == estimator(view.copy(order="C"))

    def test_the_picture_is_read_and_never_written(self, estimator: Estimator, people: np.ndarray) -> None:
        image = people.copy()
        image.flags.writeable = False
        estimator(image)
        np.testing.assert_array_equal(image, people)

    def test_pictures_of_changing_size_do_not_disturb_each_other(self, people: np.ndarray) -> None:
        estimator = Estimator(size=257)
        small = cv2.resize(people, (320, 240), interpolation=cv2.INTER_AREA)
        tall = np.ascontiguousarray(people[:, 300:600])
        first = [estimator(image) for image in (people, small, tall)]
        assert [estimator(image) for image in (tall, people, small, small)] == [
            first[2],
            *first[:2],
            first[1],
        ]

    def test_options_reach_the_decoder(self, people: np.ndarray) -> None:
        whole = Estimator(size=353)(people)
        assert len(Estimator(size=353, max_poses=2)(people)) == 2
        score = float(np.median(whole.pose_scores))
        assert (Estimator(size=353, pose_threshold=score)(people).pose_scores >= score).all()
        assert len(Estimator(size=353, root_threshold=1.0)(people)) == 0
        assert len(Estimator(size=353, nms_radius_px=400.0)(people)) < len(whole)
        unrefined = Estimator(size=353, refine_steps=0)(people)
        assert np.abs(by_x(unrefined)[0].xy - by_x(whole)[0].xy).max() > 1


class TestDetail:
    def test_it_shows_what_calling_did(self, estimator: Estimator, people: np.ndarray) -> None:
        detail = estimator.detail(people)
        assert detail.poses == estimator(people)
        assert set(detail.times) == {"resize", "network", "decode"}
        assert all(seconds > 0 for seconds in detail.times.values())
        assert detail.geometry.image_size == (1280, 720)
        assert detail.geometry.input_size == estimator.input_size == (481, 273)
        assert detail.heads is not None
        assert detail.heads.grid == (18, 31)
        assert detail.heads.stride_px == 16
        assert detail.heads.scores == "logits"

    def test_heads_decode_to_the_same_people(self, estimator: Estimator, people: np.ndarray) -> None:
        detail = estimator.detail(people)
        assert detail.heads is not None
        poses = pc.Decoder(pc.COCO17, stride_px=16)(detail.heads)
        np.testing.assert_allclose(detail.geometry.to_image(poses.xy), detail.poses.xy, atol=1e-3)

    def test_heads_stay_when_the_next_picture_comes(self, estimator: Estimator, people: np.ndarray) -> None:
        heads = estimator.heads(people)
        before = {name: array.copy() for name, array in heads.tensors().items()}
        estimator(people[:, ::-1])
        for name, array in heads.tensors().items():
            np.testing.assert_array_equal(array, before[name])

    def test_it_cannot_be_changed(self, estimator: Estimator, people: np.ndarray) -> None:
        with pytest.raises(dataclasses.FrozenInstanceError):
            estimator.detail(people).poses = None  # type: ignore[misc]


class TestSizes:
    def test_a_longer_side_is_scaled_and_padded_to_16_n_plus_1(self, people: np.ndarray) -> None:
        for size, input_size in ((257, (257, 145)), (353, (353, 209)), (350, (353, 209)), (513, (513, 289))):
            estimator = Estimator(size=size)
            assert estimator.detail(people).geometry.resized_size[0] == size
            assert estimator.input_size == input_size

    def test_a_pair_is_height_and_width(self, people: np.ndarray) -> None:
        estimator = Estimator(size=(353, 481))
        assert estimator.input_size == (481, 353)
        estimator(people)
        assert estimator.input_size == (481, 353)
        assert estimator.heads(people).grid == (23, 31)

    def test_a_model_file_that_fixes_its_size_keeps_it(self) -> None:
        estimator = see()
        estimator(np.zeros((480, 640, 3), np.uint8))
        assert estimator.input_size == (96, 64)

    @pytest.mark.parametrize("size", [0, -5, 9000, (353,), (353, 481, 3), (0, 481), (353, 9000)])
    def test_other_numbers_are_refused(self, size: Any) -> None:
        with pytest.raises(
            ValueError, match=r"^size: wanted the longer side in pixels, or \(height, width\)"
        ) as caught:
            Estimator(size=size)
        assert str(caught.value).endswith(f"got {size!r}")

    @pytest.mark.parametrize("size", [353.0, True, "353", (353.0, 481), (True, 3)])
    def test_other_types_are_refused(self, size: Any) -> None:
        with pytest.raises(TypeError, match=r"^size: wanted the longer side in pixels, or \(height, width\)"):
            Estimator(size=size)

    @pytest.mark.parametrize("resize", ["stretch", "coral"])
    def test_without_aspect_both_sides_are_wanted(self, resize: Any) -> None:
        for size in (None, 353):
            with pytest.raises(
                ValueError, match=f'size: wanted .height, width., since resize="{resize}" keeps no aspect'
            ):
                Estimator(size=size, resize=resize)
        assert Estimator(size=(97, 129), resize=resize).input_size == (129, 97)


class TestModels:
    def test_a_decoder_in_the_file_is_cut_out_and_its_options_are_the_defaults(self) -> None:
        options = {"max_detections": 7, "nms_radius": 0.5, "score_threshold": 0.25, "stride": 32}
        model = bytes(with_decoder(flexbuffer(options)))
        image = np.zeros((4, 6, 3), np.uint8)
        estimator = Estimator(model)
        assert len(estimator(image)) == 7
        assert len(Estimator(model, max_poses=2)(image)) == 2
        heads = estimator.heads(image)
        assert heads.stride_px == 32
        np.testing.assert_array_equal(heads.heatmaps, np.ones((4, 6, 17), np.float32))
        assert heads.displacement_bwd is not None
        assert heads.displacement_bwd.shape == (4, 6, 32)

    def test_more_outputs_than_the_decoder_reads_do_not_matter(self) -> None:
        estimator = Estimator(bytes(with_decoder(segments=True)))
        assert set(estimator.heads(np.zeros((4, 6, 3), np.uint8)).tensors()) == {
            "heatmaps",
            "short_offsets",
            "displacement_fwd",
            "displacement_bwd",
        }

    def test_a_path_may_be_a_string(self, tmp_path: Path) -> None:
        path = tmp_path / "eye.tflite"
        path.write_bytes(eye())
        for model in (path, str(path)):
            assert Estimator(model, skeleton=RGB, input_range=(0, 1)).name == "eye"

    def test_what_no_model_says_has_to_be_said(self) -> None:
        with pytest.raises(ValueError) as caught:  # noqa: PT011  the whole message is compared
            Estimator(eye(), input_range=(0, 1))
        assert str(caught.value) == (
            "skeleton: wanted a Skeleton of 3 keypoints, as the model gives them, or one of the names "
            "coco17, coco_feet23, mpii16, crowdpose14, got None"
        )
        with pytest.raises(
            ModelError, match="the model: wanted input_range, the values that its float input takes"
        ):
            Estimator(eye(), skeleton=RGB)

    def test_a_skeleton_of_other_keypoints_is_refused(self) -> None:
        with pytest.raises(ValueError) as caught:  # noqa: PT011  the whole message is compared
            Estimator(skeleton="mpii16")
        assert str(caught.value) == (
            "skeleton: wanted 17 keypoints, as posenet_mobilenet_v1_075 gives them, got mpii16 with 16"
        )
        with pytest.raises(ValueError, match=r"skeleton: wanted one of coco17, .*, got 'coco18'"):
            Estimator(skeleton="coco18")
        with pytest.raises(
            TypeError, match=r"skeleton: wanted a Skeleton, one of the names .*, or None, got int"
        ):
            Estimator(skeleton=17)  # type: ignore[arg-type]

    def test_a_network_of_another_kind_is_refused_with_what_it_gives(self) -> None:
        model = Model()
        picture = model.tensor([1, 4, 6, 3], name="image")
        boxes = model.convolution(picture, [1, 4, 6, 12], name="boxes")
        classes = model.convolution(picture, [1, 4, 6, 90], name="classes")
        model.inputs, model.outputs = [picture], [boxes, classes]
        with pytest.raises(ModelError) as caught:
            Estimator(bytes(model))
        assert str(caught.value).startswith("the model: no known pose heads: wanted PoseNet (K heatmaps, ")
        assert "got boxes float32 [1, 4, 6, 12], classes float32 [1, 4, 6, 90]" in str(caught.value)

    @pytest.mark.parametrize(
        ("name", "kind"),
        [
            (
                "model.pb",
                "a frozen TensorFlow graph; tensorflow.compat.v1.lite.TFLiteConverter.from_frozen_graph",
            ),
            ("model.h5", "a Keras model; tensorflow.lite.TFLiteConverter.from_keras_model"),
            ("model.keras", "a Keras model; tensorflow.lite.TFLiteConverter.from_keras_model"),
            ("model.onnx", "an ONNX model; the package onnx2tf"),
            (
                "MODEL.JSON",
                "a tfjs model; the package tfjs-graph-converter and then TensorFlow's TFLiteConverter",
            ),
        ],
    )
    def test_other_formats_are_told_how_to_become_tflite(self, tmp_path: Path, name: str, kind: str) -> None:
        path = tmp_path / name
        path.write_bytes(b"anything")
        with pytest.raises(ModelError) as caught:
            Estimator(path)
        assert str(caught.value).startswith(f"{path}: wanted a .tflite file, got {kind}")
        assert str(caught.value).endswith(" converts it")

    def test_a_saved_model_is_told_too(self, tmp_path: Path) -> None:
        (tmp_path / "saved_model.pb").write_bytes(b"")
        with pytest.raises(ModelError, match=r"wanted a \.tflite file, got a TensorFlow SavedModel"):
            Estimator(tmp_path)

    def test_what_is_no_model_gets_a_sentence(self, tmp_path: Path) -> None:
        for path in (tmp_path / "absent.tflite", tmp_path / "absent.onnx"):
            with pytest.raises(ModelError, match=f"{path.name} does not exist"):
                Estimator(path)
        with pytest.raises(ModelError, match="it is empty"):
            Estimator(b"")
        with pytest.raises(
            TypeError, match=r"model: wanted a path, the bytes of a \.tflite file, or None .*, got int"
        ):
            Estimator(5)  # type: ignore[arg-type]

    def test_a_tpu_needs_a_model_for_it(self) -> None:
        with pytest.raises(ModelError, match="is not compiled for the Edge TPU"):
            Estimator(device="coral")


class TestMistakes:
    def test_every_option_is_named_and_a_typo_is_an_error(self) -> None:
        parameters = list(inspect.signature(Estimator).parameters.values())
        assert all(parameter.kind is parameter.KEYWORD_ONLY for parameter in parameters[1:])
        with pytest.raises(TypeError, match="max_pose"):
            Estimator(max_pose=3)  # type: ignore[call-arg]

    @pytest.mark.parametrize(
        ("options", "error", "message"),
        [
            ({"resize": "crop"}, ValueError, "resize: wanted one of letterbox, stretch, coral, got 'crop'"),
            ({"color": "RGB"}, ValueError, "color: wanted one of rgb, bgr, got 'RGB'"),
            ({"scores": "sigmoid"}, ValueError, "scores: wanted one of logits, probabilities, got 'sigmoid'"),
            ({"stride_px": 0}, ValueError, "stride_px: wanted a number more than 0 up to 65536, got 0"),
            ({"stride_px": "16"}, TypeError, "stride_px: wanted a number more than 0 up to 65536, got str"),
            ({"max_poses": 0}, ValueError, "max_poses: wanted a whole number from 1 to 65536, got 0"),
            ({"root_threshold": 20}, ValueError, "root_threshold: wanted a number from 0 to 1, got 20"),
            ({"pose_threshold": "x"}, TypeError, "pose_threshold: wanted a number from 0 to 1, got str"),
            ({"threads": 0}, ValueError, "threads must be at least 1, not 0"),
            ({"device": "gpu"}, ValueError, 'device must be "cpu", "coral"'),
            ({"interpreter": "onnx"}, ValueError, "interpreter must be one of litert"),
        ],
        ids=lambda value: str(value) if isinstance(value, dict) else "",
    )
    def test_options_out_of_range_are_refused(
        self, options: Any, error: type[Exception], message: str
    ) -> None:
        with pytest.raises(error) as caught:
            Estimator(**options)
        assert str(caught.value).startswith(message)

    def test_what_a_plain_heatmap_network_has_not_is_refused(self) -> None:
        for option in ("nms_radius_px", "refine_steps"):
            with pytest.raises(
                ValueError, match=f"{option}: wanted None, since a heatmaps network has no such step"
            ):
                see(**{option: 3})

    def test_a_bad_picture_is_refused_and_the_next_one_is_not(self, estimator: Estimator) -> None:
        with pytest.raises(TypeError, match="image: wanted a uint8 NumPy array"):
            estimator(np.zeros((8, 8, 3)))  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="a grey picture becomes one"):
            estimator.detail(np.zeros((8, 8), np.uint8))
        with pytest.raises(ValueError, match="leaves the alpha channel out"):
            estimator.heads(np.zeros((8, 8, 4), np.uint8))
        assert len(estimator(np.zeros((8, 8, 3), np.uint8))) == 0

    def test_two_threads_in_one_estimator_are_told_so(self, monkeypatch: pytest.MonkeyPatch) -> None:
        estimator = see()
        image = np.zeros((64, 96, 3), np.uint8)
        network = estimator._network.interpreter
        running, may_end = threading.Event(), threading.Event()
        invoke = network.invoke

        def slow() -> None:
            running.set()
            assert may_end.wait(30)
            invoke()

        monkeypatch.setattr(network, "invoke", slow)
        results: list[pc.Poses] = []
        thread = threading.Thread(target=lambda: results.append(estimator(image)))
        thread.start()
        try:
            assert running.wait(30)
            for method in (estimator, estimator.detail, estimator.heads):
                with pytest.raises(RuntimeError, match="at work in another thread: make one for each thread"):
                    method(image)
        finally:
            may_end.set()
            thread.join()
        monkeypatch.undo()
        assert results == [estimator(image)]


def reference(name: str) -> np.ndarray:
    """(people, 17, 4): x, y, score and the person's score, from one of Coral's own result files."""
    with (CORAL / f"{name}_reference.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    columns = ("keypoint_x", "keypoint_y", "keypoint_score", "pose_score")
    return np.array([[float(row[column]) for column in columns] for row in rows]).reshape(-1, 17, 4)


@needs_shared
class TestPublishedModels:
    def test_corals_own_result_from_its_own_picture(self) -> None:
        """google-coral/project-posenet: PIL NEAREST to 481 x 353, model-input pixels, .1 score and 4 px."""
        name = "posenet_mobilenet_v1_075_353_481_quant_decoder"
        detail = Estimator(CORAL / f"{name}.tflite", resize="coral").detail(
            read(SHARED / "pictures/coral_couple.jpg")
        )
        expected = reference(name)
        assert len(detail.poses) == len(expected) == 2
        assert np.abs(detail.geometry.to_input(detail.poses.xy) - expected[:, :, :2]).max() < 4
        assert np.abs(detail.poses.scores - expected[:, :, 2]).max() < 0.1
        assert np.abs(detail.poses.pose_scores - expected[:, 0, 3]).max() < 0.1

    @pytest.mark.parametrize(
        "name",
        [
            "posenet_mobilenet_v1_075_353_481_16_quant_decoder",
            "bodypix_mobilenet_v1_075_512_512_16_quant_decoder",
        ],
    )
    def test_the_test_of_libcoral(self, name: str) -> None:
        """google-coral/test_data: bilinear, normalised to 0..1, .1 and .04 where both scores are over .7."""
        detail = Estimator(CORAL / f"{name}.tflite", resize="stretch").detail(read(CORAL / "test_image.bmp"))
        expected = reference(name)
        assert len(detail.poses) == len(expected) == 2
        normalised = detail.geometry.to_input(detail.poses.xy) / np.array(detail.geometry.input_size)
        sure = (detail.poses.scores > 0.7) & (expected[:, :, 2] > 0.7)
        assert sure.sum() >= 25
        assert np.abs(normalised - expected[:, :, :2])[sure].max() < 0.04
        assert np.abs(detail.poses.scores - expected[:, :, 2])[sure].max() < 0.1
        assert np.abs(detail.poses.pose_scores - expected[:, 0, 3]).max() < 0.1

    @pytest.mark.parametrize(
        "path",
        [
            "coral/posenet_mobilenet_v1_075_353_481_quant.tflite",
            "coral/posenet_mobilenet_v1_075_353_481_quant_decoder.tflite",
            "coral/posenet_mobilenet_v1_075_353_481_16_quant_decoder.tflite",
            "coral/bodypix_mobilenet_v1_075_512_512_16_quant_decoder.tflite",
            "posenet_mobilenet_v1_075_337_float.tflite",
        ],
    )
    def test_every_kind_finds_the_couple_where_the_default_model_does(
        self, estimator: Estimator, path: str
    ) -> None:
        image = read(SHARED / "pictures/coral_couple.jpg")
        expected = estimator(image)
        assert len(expected) == 2
        extent = np.ptp(expected.boxes()[:, [1, 3]], axis=1).mean()
        poses = Estimator(SHARED / "models" / path)(image)
        assert np.median(distances(expected, poses)) < 0.02 * extent

    def test_the_337_float_model_is_the_default_model_at_that_size(self) -> None:
        image = read(SHARED / "pictures/coral_squat.png")
        theirs = Estimator(SHARED / "models/posenet_mobilenet_v1_075_337_float.tflite").heads(image)
        ours = Estimator(size=(337, 337)).heads(image)
        for name, array in theirs.tensors().items():
            difference = np.abs(array - ours.tensors()[name])
            assert np.median(difference) < 0.005 * np.abs(array).max(), name  # ours has float16 weights
            assert difference.max() < 0.1 * np.abs(array).max(), name

    def test_a_fixed_float_model_takes_other_sizes_when_told(self) -> None:
        estimator = Estimator(SHARED / "models/posenet_mobilenet_v1_075_337_float.tflite", size=257)
        assert len(estimator(read(SHARED / "pictures/coral_couple.jpg"))) == 2
        assert estimator.input_size == (257, 177)

    def test_a_model_for_the_edge_tpu_says_what_is_missing(self) -> None:
        path = CORAL / "posenet_mobilenet_v1_075_353_481_quant_decoder_edgetpu.tflite"
        with pytest.raises(ModelError, match='is compiled for the Edge TPU and needs device="coral"'):
            Estimator(path)
        with pytest.raises(ModelError, match='device "coral"'):
            Estimator(path, device="coral")

    @pytest.mark.parametrize(("size", "least"), [(257, 0.12), (353, 0.185), (513, 0.22)])
    def test_average_precision_on_coco(self, size: int, least: float) -> None:
        """The default model over 119 COCO pictures: letterbox, decoder and scores are right together."""
        coco = pytest.importorskip("pycocotools.coco", reason='pip install "posecore[eval]"')
        evaluation = pytest.importorskip("pycocotools.cocoeval", reason='pip install "posecore[eval]"')
        truth = SHARED / "train/coco.json"
        estimator = Estimator(size=size, max_poses=20, root_threshold=0.05, pose_threshold=0.05)
        results = []
        for picture in json.loads(truth.read_text())["images"]:
            poses = estimator(read(SHARED / "train/coco" / picture["file_name"]))
            for xy, scores, score in zip(poses.xy, poses.scores, poses.pose_scores, strict=True):
                keypoints = np.concatenate([xy, scores[:, None]], axis=1).astype(float).ravel().tolist()
                results.append(
                    {
                        "image_id": picture["id"],
                        "category_id": 1,
                        "keypoints": keypoints,
                        "score": float(score),
                    }
                )
        with contextlib.redirect_stdout(io.StringIO()):
            annotations = coco.COCO(str(truth))
            scored = evaluation.COCOeval(annotations, annotations.loadRes(results), "keypoints")
            scored.evaluate()
            scored.accumulate()
            scored.summarize()
        assert scored.stats[0] >= least
