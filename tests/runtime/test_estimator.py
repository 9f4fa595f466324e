"""A picture in, the people in it out: the default model, details, sizes of its input."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from eye import by_x, distances, eye, see

import posecore as pc
from posecore.runtime.estimator import Estimator
from posecore.runtime.geometry import Geometry
from posecore.runtime.interpreters import Interpreter
from posecore.runtime.network_input import PixelCoding
from posecore.runtime.readers import OnePerson

pytestmark = pytest.mark.usefixtures("cv2", "interpreter_library")


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
        assert poses.image_size == (640, 360)
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

    def test_a_larger_picture_has_the_same_people_at_larger_coordinates(
        self, cv2: Any, people: np.ndarray
    ) -> None:
        estimator = Estimator(size=353)
        small, large = people, cv2.resize(people, None, fx=1.5, fy=1.5, interpolation=cv2.INTER_CUBIC)
        found = estimator(large)
        scaled = found.replace(xy=((found.xy + np.float32(0.5)) / np.float32(1.5) - np.float32(0.5)))
        assert np.median(distances(estimator(small), scaled)) < 4

    def test_a_mirrored_picture_has_mirrored_people(self, estimator: Estimator, people: np.ndarray) -> None:
        there = estimator(people)
        mirrored = estimator(people[:, ::-1])
        back = mirrored.xy[:, list(pc.COCO17.flip_index)].copy()
        back[:, :, 0] = people.shape[1] - 1 - back[:, :, 0]
        scores = mirrored.scores[:, list(pc.COCO17.flip_index)]
        gaps = distances(there, mirrored.replace(xy=back, scores=scores, visible=scores > 0))
        assert np.median(gaps) < 6

    def test_a_turned_picture_is_portrait_and_works(self, cv2: Any, people: np.ndarray) -> None:
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

    def test_pictures_of_changing_size_do_not_disturb_each_other(self, cv2: Any, people: np.ndarray) -> None:
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
        estimator = Estimator(size=353, semantics="tfjs")
        heads = estimator.heads(people)
        decoder = pc.Decoder(pc.COCO17, stride_px=16, semantics="tfjs")
        assert np.array_equal(estimator(people).scores, decoder(heads).scores)
        assert not np.array_equal(decoder(heads).scores, pc.Decoder(pc.COCO17, stride_px=16)(heads).scores)


class TestDetail:
    def test_it_shows_what_calling_did(self, estimator: Estimator, people: np.ndarray) -> None:
        detail = estimator.detail(people)
        assert detail.poses == estimator(people)
        assert set(detail.times) == {"resize", "network", "decode"}
        assert all(seconds > 0 for seconds in detail.times.values())
        assert detail.geometry.image_size == (640, 360)
        assert detail.geometry.input_size == estimator.input_size == (481, 273)
        assert detail.heads is not None
        assert detail.heads.grid == (18, 31)
        assert detail.heads.stride_px == 16
        assert detail.heads.scores == "logits"

    def test_each_second_counts_for_the_stage_that_took_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        estimator = see(size=64, model=eye(dynamic=True))
        now = [1000.0]

        def taking(seconds: float, owner: Any, name: str) -> None:
            """`owner.name` moves the clock by so many seconds, and nothing else does."""
            whole = getattr(owner, name)

            def slow(*arguments: Any, **options: Any) -> Any:
                now[0] += seconds
                return whole(*arguments, **options)

            monkeypatch.setattr(owner, name, slow)

        monkeypatch.setattr("posecore.runtime.estimator.perf_counter", lambda: now[0])
        taking(1, Geometry, "resample")
        taking(2, PixelCoding, "write")
        taking(4, Interpreter, "invoke")
        taking(8, Interpreter, "resize")
        taking(16, OnePerson, "decode")
        image = np.zeros((32, 48, 3), np.uint8)
        # A picture of another shape makes the network lay out its memory anew, which is the network's time.
        assert estimator.detail(image).times == {"resize": 3, "network": 12, "decode": 16}
        assert estimator.detail(image).times == {"resize": 3, "network": 4, "decode": 16}

    def test_the_three_steps_give_what_they_give_together(
        self, estimator: Estimator, people: np.ndarray
    ) -> None:
        images = people, people[:, ::-1, ::-1], people[::2]
        ahead = [estimator.prepare(image) for image in images]
        for image, outputs in zip(images, map(estimator.run, ahead), strict=True):
            steps, whole = estimator.read(outputs), estimator.detail(image)
            assert steps.heads is not None
            assert whole.heads is not None
            np.testing.assert_array_equal(steps.heads.heatmaps, whole.heads.heatmaps)
            np.testing.assert_array_equal(steps.poses.xy, whole.poses.xy)
            assert steps.geometry == whole.geometry
            assert steps.times.keys() == whole.times.keys()

    def test_what_belongs_to_another_estimator_is_refused(
        self, estimator: Estimator, people: np.ndarray
    ) -> None:
        other = Estimator(size=257)
        prepared = estimator.prepare(people)
        with pytest.raises(
            ValueError, match=r"^prepared: wanted Prepared of this estimator, got that of Estim"
        ):
            other.run(prepared)
        with pytest.raises(
            ValueError, match=r"^outputs: wanted Outputs of this estimator, got that of Estim"
        ):
            other.read(estimator.run(prepared))
        with pytest.raises(TypeError, match=r"^prepared: wanted Prepared, got ndarray$"):
            estimator.run(people)  # type: ignore[arg-type]

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
            assert estimator.detail(people).geometry.resized_size[0] == size == estimator.long_side
            assert estimator.input_size == input_size

    def test_a_pair_is_height_and_width(self, people: np.ndarray) -> None:
        estimator = Estimator(size=(353, 481))
        assert estimator.long_side is None
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
