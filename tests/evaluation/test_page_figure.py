"""The drawn figure has a place for every keypoint, and its rings show the counts."""

from __future__ import annotations

import math
import re
from itertools import combinations

import pytest

from posecore import COCO17, COCO_FEET23, CROWDPOSE14, MPII16, Skeleton
from posecore.evaluation.page_charts import Axes, nice_ticks
from posecore.evaluation.page_content import KeypointKinds
from posecore.evaluation.page_figure import figure, has_figure, places


@pytest.mark.parametrize("skeleton", [COCO17, COCO_FEET23, CROWDPOSE14, MPII16], ids=lambda s: s.name)
def test_rings_of_known_skeletons_do_not_touch(skeleton: Skeleton) -> None:
    points, radius = places(skeleton)
    assert has_figure(skeleton)
    assert min(math.dist(a, b) for a, b in combinations(points, 2)) > 2 * radius


@pytest.mark.parametrize("skeleton", [COCO17, COCO_FEET23, CROWDPOSE14, MPII16], ids=lambda s: s.name)
def test_the_person_faces_the_reader(skeleton: Skeleton) -> None:
    points, _ = places(skeleton)
    for left, right in skeleton.flip_pairs:
        assert points[left][0] > 0 > points[right][0]
        assert points[left] == (-points[right][0], points[right][1])


@pytest.mark.parametrize("count", [1, 2, 5, 21, 133])
def test_unknown_skeletons_are_laid_out(count: int) -> None:
    skeleton = Skeleton("hand", tuple(f"joint_{k}" for k in range(count)))
    assert not has_figure(skeleton)
    for layout in (None, [(0.5, 0.5)] * count, [(k / count, (k * 7 % count) / count) for k in range(count)]):
        points, radius = places(skeleton, layout)
        assert len(points) == count
        if count > 1:
            assert min(math.dist(a, b) for a, b in combinations(points, 2)) > 1.5 * radius


def ring(counts: tuple[int, int, int, int, int]) -> str:
    skeleton = Skeleton("one", ("nose",))
    return str(figure(skeleton, [KeypointKinds("nose", counts)]))


def test_a_ring_has_a_part_for_each_kind_that_occurs() -> None:
    drawn = ring((60, 20, 0, 0, 20))
    assert re.findall(r"var\(--(\w+)\)", drawn) == ["good", "jitter", "miss"]
    assert ">40</text>" in drawn
    assert "jitter 20 (20.0 %)" in drawn


def test_a_ring_of_one_kind_is_whole() -> None:
    (path,) = re.findall(r'class="sector"|<path d="([^"]*)" class="sector"', ring((7, 0, 0, 0, 0)))
    assert path.count("Z") == 2
    assert "nan" not in path


def test_a_keypoint_without_labels_has_an_empty_ring() -> None:
    drawn = ring((0, 0, 0, 0, 0))
    assert 'class="empty"' in drawn
    assert 'class="sector"' not in drawn


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0, 1, (0, 0.2, 0.4, 0.6, 0.8, 1)),
        (2.6, 476.2, (100, 200, 300, 400)),
        (-1, 1, (-1, -0.5, 0, 0.5, 1)),
        (0.001, 0.002, (0.001, 0.0012, 0.0014, 0.0016, 0.0018, 0.002)),
        (5, 5, (5,)),
    ],
)
def test_ticks_are_round(low: float, high: float, ticks: tuple[float, ...]) -> None:
    assert nice_ticks(low, high) == pytest.approx(ticks)


def test_axes_put_the_data_into_the_plot() -> None:
    axes = Axes((1, 100), (0, 1), log_x=True)
    (left, bottom), (middle, _), (right, top) = axes.at(1, 0), axes.at(10, 0.5), axes.at(100, 1)
    assert middle == pytest.approx((left + right) / 2)
    assert 0 < left < right < axes.width
    assert 0 < top < bottom < axes.height
    assert all(math.isfinite(v) for v in Axes((3, 3), (0, 0)).at(3, 0))
