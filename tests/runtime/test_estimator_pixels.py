"""A picture in, points out in that picture's own pixels, by a network whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from eye import eye, see, spots

from posecore.runtime.estimator import Estimator

pytestmark = pytest.mark.usefixtures("cv2", "interpreter_library")


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
