"""Real clips through the model that comes with the package: who keeps her id."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import posecore as pc
from posecore.errors import MissingExtra
from posecore.runtime import tflite_libraries


@pytest.fixture(scope="module")
def clip(shared: Path) -> Any:
    """The poses of each frame of one of the shared clips, as the estimator finds them."""
    pytest.importorskip("cv2", reason='OpenCV is not installed: pip install "posecore[app]"')
    try:
        tflite_libraries.library()
    except MissingExtra as missing:
        pytest.skip(str(missing))
    from posecore.video import VideoReader

    def poses_of(name: str) -> list[pc.Poses]:
        estimator = pc.Estimator()
        video = VideoReader(shared / "data" / "video" / f"{name}.mp4")
        return [estimator(image).replace(time_s=time_s) for _, time_s, image in video]

    return poses_of


def places(frames: list[pc.Poses]) -> dict[int, dict[int, np.ndarray]]:
    """For each id, the middle of the body in each frame."""
    found: dict[int, dict[int, np.ndarray]] = {}
    for n, poses in enumerate(frames):
        for track_id, xy in zip(poses.track_ids.tolist(), poses.xy, strict=True):
            found.setdefault(track_id, {})[n] = xy[[5, 6, 11, 12]].mean(axis=0)
    return found


def test_who_squats_keeps_her_id(clip: Any) -> None:
    frames = clip("pose_squats")
    tracker = pc.Tracker(pc.COCO17)
    assert [tracker(poses).track_ids.tolist() for poses in frames] == [[1]] * 65
    # Her left ankle is found at the right foot from the first frame on, and now and then at its own: at 5 frames a
    # second motion contradicts none of it, and nothing is invented.
    assert (tracker.swaps_repaired, tracker.duplicates) == (0, 0)


def test_who_walks_keeps_her_id(clip: Any) -> None:
    frames = clip("sports2d_walk_demo")
    tracker = pc.Tracker(pc.COCO17)
    found = places([tracker(poses) for poses in frames])
    # She comes in from the right in frame 39, below the man on the roof, and leaves on the left in 203.
    walks = {k: each for k, each in found.items() if k > 0 and 60 in each and each[60][1] > 600}
    assert len(walks) == 1
    ((track_id, hers),) = walks.items()
    assert list(hers) == list(range(39, 204))
    assert all(600 < y < 780 for _, y in hers.values())
    assert np.diff([x for x, _ in hers.values()]).max() < 60
    # He is one person while he is found, with gaps of up to half a second, and jumps out of view for longer.
    his = [each for k, each in found.items() if k not in (track_id, -1) and min(each) < 130]
    assert len(his) == 1
    assert tracker.births == 3


def test_of_the_group_everybody_keeps_her_id_while_she_is_in_view(clip: Any) -> None:
    frames = clip("pexels_group_exercise_720p")
    tracker = pc.Tracker(pc.COCO17)
    found = places([tracker(poses) for poses in frames])
    found.pop(-1, None)
    # In the last frame all six sit, from the left: the trainer, the woman whom she hid, who is new when she comes back
    # after 3.8 s, the one behind, first seen in frame 146, and the three on the right.
    last = len(frames) - 1
    seated = sorted((each[last][0], k) for k, each in found.items() if last in each)
    assert [min(found[k]) for _, k in seated] == [0, 277, 146, 0, 0, 0]
    assert all(len(found[k]) >= 375 for _, k in seated if min(found[k]) == 0)
    # And she before she was hidden.
    others = [each for k, each in found.items() if k not in [k for _, k in seated]]
    assert [(min(each), max(each)) for each in others] == [(0, 182)]


def test_with_a_longer_gap_six_people_are_six_ids(clip: Any) -> None:
    tracker = pc.Tracker(pc.COCO17, max_gap_s=5)
    for poses in clip("pexels_group_exercise_720p"):
        tracker(poses)
    assert (tracker.births, tracker.deaths) == (6, 0)
