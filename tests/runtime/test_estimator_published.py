"""Published models and pictures: their publishers' results, and COCO's average precision."""

from __future__ import annotations

import contextlib
import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from eye import distances, read

from posecore.errors import ModelError
from posecore.runtime.estimator import Estimator

pytestmark = pytest.mark.usefixtures("cv2", "interpreter_library")


def reference(coral: Path, name: str) -> np.ndarray:
    """(people, 17, 4): x, y, score and the person's score, from one of Coral's own result files."""
    with (coral / f"{name}_reference.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    columns = ("keypoint_x", "keypoint_y", "keypoint_score", "pose_score")
    return np.array([[float(row[column]) for column in columns] for row in rows]).reshape(-1, 17, 4)


@pytest.fixture
def coral(data: Path) -> Path:
    """The folder of Coral's models."""
    return data / "models/coral"


class TestPublishedModels:
    def test_corals_own_result_from_its_own_picture(self, data: Path, coral: Path) -> None:
        """google-coral/project-posenet: PIL NEAREST to 481 x 353, model-input pixels, .1 score and 4 px."""
        name = "posenet_mobilenet_v1_075_353_481_quant_decoder"
        detail = Estimator(coral / f"{name}.tflite", resize="coral").detail(
            read(data / "pictures/coral_couple.jpg")
        )
        expected = reference(coral, name)
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
    def test_the_test_of_libcoral(self, coral: Path, name: str) -> None:
        """google-coral/test_data: bilinear, normalised to 0..1, .1 and .04 where both scores are over .7."""
        detail = Estimator(coral / f"{name}.tflite", resize="stretch").detail(read(coral / "test_image.bmp"))
        expected = reference(coral, name)
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
        self, data: Path, estimator: Estimator, path: str
    ) -> None:
        image = read(data / "pictures/coral_couple.jpg")
        expected = estimator(image)
        assert len(expected) == 2
        extent = np.ptp(expected.boxes()[:, [1, 3]], axis=1).mean()
        poses = Estimator(data / "models" / path)(image)
        assert np.median(distances(expected, poses)) < 0.02 * extent

    def test_the_337_float_model_is_the_default_model_at_that_size(self, data: Path) -> None:
        image = read(data / "pictures/coral_squat.png")
        theirs = Estimator(data / "models/posenet_mobilenet_v1_075_337_float.tflite").heads(image)
        ours = Estimator(size=(337, 337)).heads(image)
        for name, array in theirs.tensors().items():
            difference = np.abs(array - ours.tensors()[name])
            assert np.median(difference) < 0.005 * np.abs(array).max(), name  # ours has float16 weights
            assert difference.max() < 0.1 * np.abs(array).max(), name

    def test_a_fixed_float_model_takes_other_sizes_when_told(self, data: Path) -> None:
        estimator = Estimator(data / "models/posenet_mobilenet_v1_075_337_float.tflite", size=257)
        assert len(estimator(read(data / "pictures/coral_couple.jpg"))) == 2
        assert estimator.input_size == (257, 177)

    def test_a_model_for_the_edge_tpu_says_what_is_missing(self, coral: Path) -> None:
        path = coral / "posenet_mobilenet_v1_075_353_481_quant_decoder_edgetpu.tflite"
        with pytest.raises(ModelError, match='is compiled for the Edge TPU and needs the device "coral"'):
            Estimator(path)
        with pytest.raises(ModelError, match='device "coral"'):
            Estimator(path, device="coral")

    @pytest.mark.parametrize(("size", "least"), [(257, 0.12), (353, 0.185), (513, 0.22)])
    def test_average_precision_on_coco(self, data: Path, size: int, least: float) -> None:
        """The default model over 119 COCO pictures: letterbox, decoder and scores are right together."""
        coco = pytest.importorskip("pycocotools.coco", reason='pip install "posecore[test]"')
        evaluation = pytest.importorskip("pycocotools.cocoeval", reason='pip install "posecore[test]"')
        truth = data / "train/coco.json"
        estimator = Estimator(size=size, max_poses=20, root_threshold=0.05, pose_threshold=0.05)
        results = []
        for picture in json.loads(truth.read_text())["images"]:
            poses = estimator(read(data / "train/coco" / picture["file_name"]))
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
