"""`posecore.compat.coral`: the calls of project-posenet, its results, and no Edge TPU."""

from __future__ import annotations

import csv
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from eye import eye, read

import posecore as pc
from posecore.compat.coral import EDGES, Keypoint, KeypointType, Point, Pose, PoseEngine
from posecore.runtime.geometry import Geometry

pytestmark = pytest.mark.usefixtures("cv2", "interpreter_library")

MODEL = "posenet_mobilenet_v1_075_353_481_quant_decoder"


@pytest.fixture(scope="module")
def engine(cv2: Any, interpreter_library: str) -> PoseEngine:
    """The model that comes with the package, at (353, 481)."""
    return PoseEngine(None)


@pytest.fixture(scope="module")
def coral(shared: Path) -> Path:
    return shared / "data/models/coral"


@pytest.fixture(scope="module")
def couple(shared: Path) -> Path:
    return shared / "data/pictures/coral_couple.jpg"


@pytest.fixture(scope="module")
def corals_own(cv2: Any, interpreter_library: str, coral: Path) -> PoseEngine:
    return PoseEngine(str(coral / f"{MODEL}.tflite"))


class FakeBuffer:
    """The calls of a `Gst.Buffer`; its bytes are gone after `unmap`."""

    def __init__(self, data: bytes | None) -> None:
        self._data = data
        self.calls: list[Any] = []

    def map(self, flags: int) -> tuple[bool, Any]:
        self.calls.append(flags)
        if self._data is None:
            return False, None
        return True, SimpleNamespace(data=memoryview(self._data))

    def unmap(self, info: Any) -> None:
        self.calls.append("unmap")
        info.data.release()


def assert_within_corals_tolerance(poses: list[Pose], reference: Path) -> None:
    """As project-posenet's own test has it: .1 of a score and 4 px."""
    with reference.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 17 * len(poses) > 0
    for row in rows:
        pose = poses[int(row["pose_id"])]
        point, score = pose.keypoints[KeypointType[row["keypoint_label"]]]
        assert point.x == pytest.approx(float(row["keypoint_x"]), abs=4)
        assert point.y == pytest.approx(float(row["keypoint_y"]), abs=4)
        assert score == pytest.approx(float(row["keypoint_score"]), abs=0.1)
        assert pose.score == pytest.approx(float(row["pose_score"]), abs=0.1)


class TestOnCoralsModel:
    def test_corals_own_result(self, corals_own: PoseEngine, couple: Path, coral: Path) -> None:
        image = pytest.importorskip("PIL.Image", reason='pip install "posecore[test]"').open(couple)
        poses, seconds = corals_own.DetectPosesInImage(image)
        assert_within_corals_tolerance(poses, coral / f"{MODEL}_reference.csv")
        assert seconds > 0

    def test_an_array_is_resized_as_pil_does(self, corals_own: PoseEngine, couple: Path) -> None:
        image = pytest.importorskip("PIL.Image", reason='pip install "posecore[test]"').open(couple)
        expected, _ = corals_own.DetectPosesInImage(image)
        assert corals_own.DetectPosesInImage(np.asarray(image))[0] == expected
        resized = image.resize((481, 353), resample=0)
        assert image.size != resized.size
        assert corals_own.DetectPosesInImage(resized)[0] == expected

    def test_the_model_without_a_decoder_finds_them_too(self, coral: Path, couple: Path) -> None:
        # Its short offsets end at 10 px, so that Coral's tolerance is not for it.
        poses, _ = PoseEngine(coral / "posenet_mobilenet_v1_075_353_481_quant.tflite").DetectPosesInImage(
            read(couple)
        )
        assert len(poses) == 2
        assert all(pose.score > 0.5 for pose in poses)

    def test_a_model_for_the_edge_tpu_wants_one(self, coral: Path) -> None:
        """On a machine without; with one it runs there, without being told."""
        with pytest.raises(pc.ModelError, match='device "coral"'):
            PoseEngine(coral / f"{MODEL}_edgetpu.tflite")

    def test_other_networks_are_refused(self, shared: Path) -> None:
        path = shared / "data/models/movenet_single_pose_lightning_ptq.tflite"
        with pytest.raises(pc.ModelError, match="wanted a PoseNet of 17 keypoints, got movenet-single of 17"):
            PoseEngine(path)


class TestPoses:
    def test_a_pose_has_every_keypoint_by_its_kind(self, engine: PoseEngine, people: np.ndarray) -> None:
        poses, _ = engine.DetectPosesInImage(people)
        assert len(poses) > 2
        for pose in poses:
            assert list(pose.keypoints) == list(KeypointType)
            assert isinstance(pose.keypoints[KeypointType.NOSE], Keypoint)
            assert isinstance(pose.keypoints[0].point, Point)
            assert 0 <= pose.score <= 1
        assert [pose.score for pose in poses] == sorted((pose.score for pose in poses), reverse=True)

    def test_points_are_in_the_networks_input(self, engine: PoseEngine, people: np.ndarray) -> None:
        estimator = pc.Estimator(size=(353, 481), resize="coral")
        detail = estimator.detail(people)
        poses, _ = engine.DetectPosesInImage(people)
        points = np.array([[keypoint.point for keypoint in pose.keypoints.values()] for pose in poses])
        np.testing.assert_allclose(points, detail.geometry.to_input(detail.poses.xy), atol=1e-3)
        assert [pose.score for pose in poses] == detail.poses.pose_scores.tolist()

    def test_mirroring_turns_x_around(self, engine: PoseEngine, people: np.ndarray) -> None:
        plain, _ = engine.DetectPosesInImage(people)
        mirrored, _ = PoseEngine(None, True).DetectPosesInImage(people)
        for one, other in zip(plain, mirrored, strict=True):
            for kind, (point, score) in one.keypoints.items():
                assert other.keypoints[kind].point == (481 - point.x, point.y)
                assert other.keypoints[kind].score == score

    def test_nobody_is_an_empty_list(self, engine: PoseEngine) -> None:
        assert engine.DetectPosesInImage(np.zeros((40, 60, 3), np.uint8))[0] == []

    def test_one_step_after_the_other(self, engine: PoseEngine, people: np.ndarray) -> None:
        expected, _ = engine.DetectPosesInImage(people)
        _, height, width, channels = engine.get_input_tensor_shape()
        assert (height, width, channels) == (353, 481, 3)
        tensor = Geometry.stretch(
            (people.shape[1], people.shape[0]), (481, 353), sampling="nearest"
        ).resample(people)
        engine.DetectPosesInImage(np.zeros_like(people))
        for data in (tensor.flatten(), tensor, tensor.tobytes(), memoryview(tensor.tobytes())):
            seconds = engine.run_inference(data)
            assert engine.ParseOutput() == (expected, seconds)

    def test_a_buffer_of_gstreamer_is_mapped_meanwhile(self, engine: PoseEngine, people: np.ndarray) -> None:
        pixels = np.ascontiguousarray(people[:353, :481])
        tensor = np.zeros((353, 481, 3), np.uint8)
        tensor[: pixels.shape[0], : pixels.shape[1]] = pixels
        engine.run_inference(tensor)
        expected, _ = engine.ParseOutput()
        buffer = FakeBuffer(tensor.tobytes())
        seconds = engine.run_inference(buffer)
        assert engine.ParseOutput() == (expected, seconds)
        assert expected
        assert buffer.calls == [1, "unmap"]

    def test_a_buffer_of_gstreamer_is_unmapped_whatever_it_holds(self, engine: PoseEngine) -> None:
        buffer = FakeBuffer(b"abc")
        with pytest.raises(ValueError, match=r"^input_data: wanted 509379 bytes, .*, got 3$"):
            engine.run_inference(buffer)
        assert buffer.calls == [1, "unmap"]
        with pytest.raises(
            RuntimeError, match=r"^input_data: wanted a buffer that can be mapped for reading"
        ):
            engine.run_inference(FakeBuffer(None))

    def test_bgr_turned_around_is_rgb(self, engine: PoseEngine, people: np.ndarray) -> None:
        bgr = np.ascontiguousarray(people[:, :, ::-1])
        assert engine.DetectPosesInImage(bgr[:, :, ::-1])[0] == engine.DetectPosesInImage(people)[0]

    @pytest.mark.parametrize("mode", ["RGBA", "L", "P"])
    def test_pictures_of_other_modes_become_rgb(
        self, engine: PoseEngine, people: np.ndarray, mode: str
    ) -> None:
        image = pytest.importorskip("PIL.Image", reason='pip install "posecore[test]"').fromarray(people)
        assert len(engine.DetectPosesInImage(image.convert(mode))[0]) > 2

    def test_another_size_where_the_network_takes_any(self, people: np.ndarray) -> None:
        engine = PoseEngine(None, size=(257, 353))
        assert engine.get_input_tensor_shape().tolist() == [1, 257, 353, 3]
        poses, _ = engine.DetectPosesInImage(people)
        assert max(k.point.x for pose in poses for k in pose.keypoints.values()) <= 352


class TestNames:
    def test_keypoints_are_cocos(self) -> None:
        assert [kind.name.lower() for kind in KeypointType] == list(pc.COCO17.keypoints)
        assert [int(kind) for kind in KeypointType] == list(range(17))

    def test_edges_join_keypoints(self) -> None:
        """Those of pose_camera.py: nose to eyes and ears, ears to eyes, eye to eye, and the body."""
        pairs = [
            (0, 1),
            (0, 2),
            (0, 3),
            (0, 4),
            (3, 1),
            (4, 2),
            (1, 2),
            (5, 6),
            (5, 7),
            (5, 11),
            (6, 8),
            (6, 12),
        ]
        pairs += [(7, 9), (8, 10), (11, 12), (11, 13), (12, 14), (13, 15), (14, 16)]
        assert list(EDGES) == pairs
        assert all(isinstance(end, KeypointType) for edge in EDGES for end in edge)

    def test_points_have_a_distance(self) -> None:
        assert Point.distance(Point(1, 2), Point(4, 6)) == 5


class TestSentences:
    @pytest.mark.parametrize(
        ("image", "error", "sentence"),
        [
            (None, TypeError, "img: wanted a PIL image or a uint8 array of shape (H, W, 3), got NoneType"),
            ("a.jpg", TypeError, "img: wanted a PIL image or a uint8 array of shape (H, W, 3), got str"),
            (
                np.zeros((4, 4, 3), np.int32),
                TypeError,
                "img: wanted a uint8 NumPy array of shape (H, W, 3), got dtype int32",
            ),
        ],
        ids=["None", "path", "int32"],
    )
    def test_no_picture(self, engine: PoseEngine, image: Any, error: type[Exception], sentence: str) -> None:
        with pytest.raises(error) as caught:
            engine.DetectPosesInImage(image)
        assert str(caught.value) == sentence

    @pytest.mark.parametrize(
        ("data", "error"),
        [
            (None, TypeError),
            ("abc", TypeError),
            (b"", ValueError),
            (b"abc", ValueError),
            (np.zeros((353, 481, 3), np.float32), TypeError),
            (np.zeros((353, 481, 4), np.uint8), ValueError),
            (memoryview(bytes(353 * 481 * 6))[::2], TypeError),
        ],
        ids=["None", "str", "empty", "short", "float32", "four channels", "every other byte"],
    )
    def test_no_input(self, engine: PoseEngine, data: Any, error: type[Exception]) -> None:
        with pytest.raises(error, match=r"^input_data: wanted .* of 481x353 pixels, got ") as caught:
            engine.run_inference(data)
        assert type(caught.value) is error

    def test_nothing_to_read_yet(self) -> None:
        with pytest.raises(
            RuntimeError, match=r"^ParseOutput: wanted run_inference or DetectPosesInImage first"
        ):
            PoseEngine(None).ParseOutput()

    def test_no_model(self, tmp_path: Path) -> None:
        with pytest.raises(TypeError, match=r"^model_path: wanted a \.tflite file's path or None, got int$"):
            PoseEngine(3)  # type: ignore[arg-type]
        with pytest.raises(pc.ModelError, match="does not exist"):
            PoseEngine(tmp_path / "none.tflite")
        (tmp_path / "eye.tflite").write_bytes(eye())
        with pytest.raises(ValueError, match="wanted a Skeleton of 3 keypoints"):
            PoseEngine(tmp_path / "eye.tflite")

    def test_mirroring_is_yes_or_no(self) -> None:
        with pytest.raises(TypeError, match=r"^mirror: wanted True or False, got int$"):
            PoseEngine(None, 1)  # type: ignore[arg-type]
