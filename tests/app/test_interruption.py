"""The first Ctrl-C lets the frame in work be finished; the second one does not wait for it."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from fake_estimator import FakeDetail, FakeEstimator
from predict_command import Command

from posecore.interruption import Interruption
from posecore.video import VideoReader

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals are sent otherwise there")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_is_noted_and_the_second_one_interrupts(number: int) -> None:
    before = signal.getsignal(number)
    with Interruption() as interruption:
        assert interruption.came is None
        os.kill(os.getpid(), number)
        assert interruption.came == number
        assert interruption.exit_code == 128 + number
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
    assert signal.getsignal(number) is before


class Interrupted(FakeEstimator):
    """In its third frame somebody presses Ctrl-C so often."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self._times = times

    def detail(self, image: Any) -> FakeDetail:
        if len(self.seen) == 2:
            for _ in range(self._times):
                os.kill(os.getpid(), signal.SIGINT)
        return super().detail(image)


@pytest.mark.usefixtures("cv2")
@pytest.mark.parametrize(("times", "frames"), [(1, 3), (2, 2)])
def test_what_was_written_before_ctrl_c_is_whole(
    command: Command, make_video: Any, times: int, frames: int
) -> None:
    command.estimator = Interrupted(times)
    code, _, err = command("predict", make_video(frames=10))
    assert code == 130
    assert ("interrupted after 3 frames" in err) == (times == 1)
    assert err.endswith("posecore: interrupted\n") == (times == 2)
    assert len(json.loads(Path("posecore-out/poses.json").read_text())["frames"]) == frames
    assert len(list(VideoReader("posecore-out/clip.mp4"))) == frames
    assert not list(Path("posecore-out").glob(".*"))
