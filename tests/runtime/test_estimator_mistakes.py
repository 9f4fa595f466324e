"""An `Estimator`'s options and pictures that cannot be used, and two threads in one."""

from __future__ import annotations

import inspect
import threading
from typing import Any

import numpy as np
import pytest
from eye import see

import posecore as pc
from posecore.runtime.estimator import Estimator

pytestmark = pytest.mark.usefixtures("cv2", "interpreter_library")


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
            ({"x_first": "x"}, ValueError, "x_first: wanted one of offsets, displacements, both, got 'x'"),
            ({"stride_px": 0}, ValueError, "stride_px: wanted a number from 0.001 to 65536, got 0"),
            ({"stride_px": "16"}, TypeError, "stride_px: wanted a number from 0.001 to 65536, got str"),
            ({"max_poses": 0}, ValueError, "max_poses: wanted a whole number from 1 to 65536, got 0"),
            ({"root_threshold": 20}, ValueError, "root_threshold: wanted a number from 0 to 1, got 20"),
            ({"pose_threshold": "x"}, TypeError, "pose_threshold: wanted a number from 0 to 1, got str"),
            ({"threads": 0}, ValueError, "threads: wanted a whole number from 1 to 1024, got 0"),
            ({"threads": 1025}, ValueError, "threads: wanted a whole number from 1 to 1024, got 1025"),
            ({"threads": True}, TypeError, "threads: wanted a whole number from 1 to 1024, got bool"),
            (
                {"threads": 10**50},
                ValueError,
                "threads: wanted a whole number from 1 to 1024, got one beyond that",
            ),
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
        for option in ("nms_radius_px", "refine_steps", "semantics"):
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
