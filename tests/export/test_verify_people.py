"""Who is who in two sets of poses, and how far apart their keypoints are."""

from __future__ import annotations

import numpy as np
import pytest
from known_people import TWO, person

from posecore.export.verify_people import Crowd, pair
from posecore.poses import Poses
from posecore.skeletons import COCO17


def poses(*people: np.ndarray, scores: float | list[float] = 0.9) -> Poses:
    each = np.broadcast_to(np.asarray(scores, np.float32), (len(people),))
    return Poses(
        np.array(people, np.float32).reshape(-1, 17, 2),
        np.repeat(each[:, None], 17, axis=1).astype(np.float32),
        skeleton=COCO17,
    )


def test_people_are_paired_by_place_and_not_by_rank() -> None:
    found = pair(poses(*TWO), poses(*reversed(TWO)), single=False)
    assert found.pairs == ((0, 1), (1, 0))
    assert found.shifts_px.tolist() == [0.0] * 34


def test_shift_is_the_distance_of_each_sure_keypoint() -> None:
    moved = TWO[0] + np.array((3, 4), np.float32)
    found = pair(poses(TWO[0]), poses(moved), single=False)
    assert found.shifts_px == pytest.approx(np.full(17, 5.0))


def test_a_person_far_away_is_lost_and_another_one_invented() -> None:
    found = pair(poses(person(60, 90)), poses(person(200, 90)), single=False)
    assert (found.pairs, found.lost, found.invented) == ((), (0,), (0,))
    assert len(found.shifts_px) == 0


def test_a_person_reaches_as_far_as_half_of_their_longer_side() -> None:
    # The person is 84 px high.
    near, far = (poses(person(60 + away, 90)) for away in (41, 43))
    assert pair(poses(person(60, 90)), near, single=False).lost == ()
    assert pair(poses(person(60, 90)), far, single=False).lost == (0,)


def test_somebody_whose_score_sinks_below_a_persons_is_not_lost() -> None:
    found = pair(poses(*TWO, scores=0.31), poses(*TWO, scores=0.2), single=False)
    assert (len(found.pairs), found.lost, found.invented) == (2, (), ())


def test_who_is_no_person_is_neither_lost_nor_invented() -> None:
    nobody = poses(scores=[])
    faint = poses(TWO[0], scores=0.29)
    assert pair(faint, nobody, single=False).lost == ()
    assert pair(nobody, faint, single=False).invented == ()


def test_keypoints_fade_when_half_of_a_sure_score_is_gone() -> None:
    found = pair(poses(TWO[0]), poses(TWO[0], scores=0.14), single=False)
    assert found.faded == 17
    assert len(found.shifts_px) == 17, "they are judged nevertheless"


def test_one_person_always_is_that_person_wherever_they_are() -> None:
    found = pair(poses(person(30, 60), scores=0.35), poses(person(200, 60), scores=0.01), single=True)
    assert found.pairs == ((0, 0),)
    assert found.shifts_px == pytest.approx(np.full(17, 170.0))


def test_a_crowd_counts_everybody_once() -> None:
    crowd = Crowd()
    crowd.add(pair(poses(*TWO), poses(TWO[1], person(30, 30, 0.3)), single=False))
    crowd.add(pair(poses(TWO[0]), poses(TWO[0]), single=False))
    assert (crowd.people, crowd.found, crowd.matched, crowd.lost, crowd.invented) == (3, 3, 2, 1, 1)
    assert crowd.strayed == pytest.approx(2 / 3)
