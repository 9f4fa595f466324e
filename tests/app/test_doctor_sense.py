"""Measures of sense: high where a person is one and vectors fit together, low where they do not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fake_estimator import FakeGeometry, made_heads, person_at

from posecore.doctor import sense
from posecore.skeletons import COCO17, MPII16

SURE = np.full(17, 0.9, np.float32)
PERSON = person_at((300, 300), size=120, image_size=(640, 640))
HEADS = made_heads(PERSON, FakeGeometry(1.0), (640, 640))


def standing() -> np.ndarray:
    """Somebody who faces the camera, 400 px tall, by Drillis' and Contini's shares of stature."""
    half = {
        "nose": (0, -165), "left_eye": (8, -175), "left_ear": (28, -170), "left_shoulder": (50, -125),
        "left_elbow": (65, -52), "left_wrist": (70, 6), "left_hip": (32, -10), "left_knee": (34, 88),
        "left_ankle": (36, 186),
    }  # fmt: skip
    points = []
    for name in COCO17.keypoints:
        x, y = half[name.replace("right", "left")]
        points.append((300 - x if name.startswith("right") else 300 + x, 250 + y))
    return np.array(points, np.float64)


def test_a_standing_person_is_sensible_wherever_and_however_large() -> None:
    assert sense.anatomy(standing(), SURE, COCO17) > 0.95
    assert sense.anatomy(standing() * 0.1 + 5, SURE, COCO17) == pytest.approx(
        sense.anatomy(standing(), SURE, COCO17)
    )
    turned = standing()[:, ::-1] * (1, -1)
    assert sense.anatomy(turned, SURE, COCO17) == pytest.approx(sense.anatomy(standing(), SURE, COCO17))


def test_whoever_shows_the_back_is_sensible_too() -> None:
    assert sense.anatomy(standing() * (-1, 1), SURE, COCO17) > 0.95


def test_keypoints_in_another_order_are_not_sensible() -> None:
    rng = np.random.default_rng(0)
    grades = [sense.anatomy(standing()[rng.permutation(17)], SURE, COCO17) for _ in range(50)]
    assert np.mean(grades) < 0.4
    assert max(grades) < 0.8


def test_a_limb_that_is_too_long_costs() -> None:
    bent = standing()
    bent[COCO17.index("left_ankle")] += (0, 900)
    assert sense.anatomy(bent, SURE, COCO17) < sense.anatomy(standing(), SURE, COCO17) - 0.05


def test_exchanged_hips_cost() -> None:
    crossed = standing()
    crossed[[11, 12]] = crossed[[12, 11]]
    assert sense.anatomy(crossed, SURE, COCO17) < sense.anatomy(standing(), SURE, COCO17) - 0.1


def test_nothing_is_known_of_a_few_keypoints() -> None:
    few = SURE.copy()
    few[3:] = 0.1
    assert sense.anatomy(standing(), few, COCO17) == 0


def test_other_skeletons_are_looked_at_by_their_names() -> None:
    points = np.random.default_rng(1).uniform(0, 400, (16, 2))
    assert 0 <= sense.anatomy(points, np.ones(16), MPII16) < 0.7


def test_likeness_falls_with_distance() -> None:
    person, weights = standing(), SURE
    moved = [sense.likeness(person, person + shift, weights) for shift in (0, 5, 20, 80, 400)]
    assert moved[0] == 1
    assert moved == sorted(moved, reverse=True)
    assert moved[-1] < 1e-6
    assert sense.likeness(person, person, np.zeros(17)) == 0


def test_short_offsets_land_on_one_point_unless_their_axes_are_exchanged() -> None:
    assert sense.landing(HEADS, PERSON.xy[0], SURE) > 0.99
    assert sense.landing(HEADS.with_y_first(["short_offsets"]), PERSON.xy[0], SURE) == 0


def test_displacements_lead_home_unless_their_axes_are_exchanged() -> None:
    exchanged = HEADS.with_y_first(["displacement_fwd", "displacement_bwd"])
    assert sense.round_trip(HEADS, PERSON.xy[0], SURE, COCO17) > 0.99
    assert sense.round_trip(exchanged, PERSON.xy[0], SURE, COCO17) < 0.5


def test_heatmaps_alone_have_no_vectors_to_disagree() -> None:
    alone = replace(HEADS, short_offsets=None, displacement_fwd=None, displacement_bwd=None)
    assert sense.landing(alone, PERSON.xy[0], SURE) == 1
    assert sense.round_trip(alone, PERSON.xy[0], SURE, COCO17) == 1
