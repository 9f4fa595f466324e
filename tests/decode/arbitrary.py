"""Hypothesis strategies: skeletons, options and heads of all kinds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

import posecore as pc
from oracle.multi import MultiDecoder

# The same examples on every machine; nothing is timed.
repeatable = settings(
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)

Arrays = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Case:
    skeleton: pc.Skeleton
    stride_px: float
    arrays: Arrays
    options: dict[str, Any]

    def decode(self, **changed: Any) -> pc.Poses:
        return self.decoder(**changed)(*self.arrays)

    def decoder(self, **changed: Any) -> pc.Decoder:
        return pc.Decoder(self.skeleton, stride_px=self.stride_px, **self.options | changed)

    def oracle(self, dtype: type = np.float64, arrays: Arrays | None = None, logits: bool = True) -> Any:
        decode = MultiDecoder(self.skeleton.edges, self.stride_px, dtype=dtype, logits=logits, **self.options)
        return decode(*(arrays or self.arrays))


def numbered_skeleton(edges: tuple[tuple[int, int], ...]) -> pc.Skeleton:
    return pc.Skeleton("numbered", tuple(f"k{i}" for i in range(len(edges) + 1)), edges)


@st.composite
def skeletons(draw: Any, most: int = 6) -> pc.Skeleton:
    """Any tree: each keypoint hangs on an earlier one, in either direction, edges in any order."""
    keypoints = draw(st.integers(1, most))
    edges = []
    for child in range(1, keypoints):
        pair = (draw(st.integers(0, child - 1)), child)
        edges.append(pair if draw(st.booleans()) else pair[::-1])
    return numbered_skeleton(tuple(draw(st.permutations(edges))))


@st.composite
def options(draw: Any, stride_px: float) -> dict[str, Any]:
    return {
        "max_poses": draw(st.integers(1, 12)),
        "root_threshold": draw(st.sampled_from([0.0, 0.05, 0.2, 0.5, 0.9])),
        "pose_threshold": draw(st.sampled_from([0.0, 0.1, 0.2, 0.5])),
        "nms_radius_px": draw(st.sampled_from([0.0, 0.5, 1.0, 2.0])) * stride_px,
        "refine_steps": draw(st.integers(0, 5)),
        "local_maximum_radius": draw(st.integers(0, 3)),
    }


@st.composite
def cases(draw: Any, *, odd_scores: bool = False, odd_offsets: bool = False, ties: bool = True) -> Case:
    """Small heads: noise, steps with many ties, plateaus; where asked for, NaN and the like."""
    skeleton = draw(skeletons())
    stride_px = draw(st.sampled_from([1.0, 4.0, 16.0, 32.0]))
    rows, columns = draw(st.integers(1, 8)), draw(st.integers(1, 8))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    keypoints, edges = skeleton.num_keypoints, len(skeleton.edges)
    heatmaps = random.normal(-1, 3, (rows, columns, keypoints))
    kind = draw(st.sampled_from(["noise", "steps", "plateau"] if ties else ["noise"]))
    if kind == "steps":
        heatmaps = np.round(heatmaps)
    elif kind == "plateau":
        heatmaps = np.where(heatmaps > 0, 2.0, -2.0)
    reach = draw(st.sampled_from([0.0, 0.1, 0.3])) * stride_px
    offsets = [random.normal(0, reach, (rows, columns, 2 * count)) for count in (keypoints, edges, edges)]
    if draw(st.booleans()):
        offsets = [np.round(array) for array in offsets]
    arrays = tuple(array.astype(np.float32) for array in (heatmaps, *offsets))
    if odd_scores:
        sprinkle(random, arrays[0], [np.nan, np.inf, -np.inf, -0.0, 0.0, 1e5, -1e5, 3e38, -3e38])
    if odd_offsets:
        for array in arrays[1:]:
            sprinkle(random, array, [np.nan, np.inf, -np.inf, -0.0, 1e12, 3e38])
    return Case(skeleton, stride_px, arrays, draw(options(stride_px)))


def sprinkle(random: np.random.Generator, array: np.ndarray, values: list[float]) -> None:
    chosen = random.random(array.shape) < 0.2
    array[chosen] = random.choice(np.array(values, np.float32), chosen.sum())


def is_clear(case: Case, arrays: Arrays | None = None, logits: bool = True) -> bool:
    """Rounding does not decide: the oracle finds the same in either precision, by some margin."""
    wide, narrow = case.oracle(np.float64, arrays, logits), case.oracle(np.float32, arrays, logits)
    return (
        min(wide.doubt.least, narrow.doubt.least) > 1e-3
        and len(wide.xy) == len(narrow.xy)
        and np.abs(wide.xy - narrow.xy).max(initial=0) < 1e-4
        and np.abs(wide.scores - narrow.scores).max(initial=0) < 1e-6
    )


def assert_same(poses: pc.Poses, people: Any, within: float = 1e-5) -> None:
    """The same people in the same order: points within 1e-3 px, scores within `within`."""
    assert len(poses) == len(people.xy)
    np.testing.assert_allclose(poses.xy, people.xy, rtol=0, atol=1e-3)
    np.testing.assert_allclose(poses.scores, people.scores, rtol=0, atol=within)
    np.testing.assert_allclose(poses.pose_scores, people.pose_scores, rtol=0, atol=within)


def as_bytes(poses: pc.Poses) -> tuple[bytes, ...]:
    return tuple(array.tobytes() for array in (poses.xy, poses.scores, poses.pose_scores, poses.visible))
