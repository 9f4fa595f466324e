"""Skeletons: the four that come with the package, and what a wrong one is told."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from posecore import COCO17, COCO_FEET23, CROWDPOSE14, MPII16, Skeleton, skeletons

KNOWN = [COCO17, COCO_FEET23, MPII16, CROWDPOSE14]

# PersonLab's order, with COCO's names: facts that many files rely on, so they are spelled out once more.
POSENET_EDGES = """nose left_eye, left_eye left_ear, nose right_eye, right_eye right_ear, nose left_shoulder,
left_shoulder left_elbow, left_elbow left_wrist, left_shoulder left_hip, left_hip left_knee,
left_knee left_ankle, nose right_shoulder, right_shoulder right_elbow, right_elbow right_wrist,
right_shoulder right_hip, right_hip right_knee, right_knee right_ankle"""
COCO_SIGMAS = [26, 25, 25, 35, 35, 79, 79, 72, 72, 62, 62, 107, 107, 87, 87, 89, 89]  # in thousandths


def test_coco17_is_posenets():
    pairs = [tuple(pair.split()) for pair in POSENET_EDGES.replace("\n", " ").split(",")]
    names = [(COCO17.keypoints[parent], COCO17.keypoints[child]) for parent, child in COCO17.edges]
    assert names == pairs
    assert [round(1000 * sigma) for sigma in COCO17.sigmas] == COCO_SIGMAS
    assert COCO17.keypoints[0] == "nose"
    assert COCO17.index("right_ankle") == 16


@pytest.mark.parametrize("skeleton", KNOWN, ids=lambda skeleton: skeleton.name)
def test_a_known_skeleton_is_whole(skeleton):
    count = skeleton.num_keypoints
    assert skeletons.get(skeleton.name) is skeleton
    assert len(skeleton.edges) == count - 1
    assert {k for edge in skeleton.edges for k in edge} == set(range(count))
    assert skeleton.sigmas is None or len(skeleton.sigmas) == count
    for left, right in skeleton.flip_pairs:
        assert skeleton.keypoints[left] == skeleton.keypoints[right].replace("right_", "left_")
        assert (skeleton.side(left), skeleton.side(right)) == ("left", "right")
    sided = {k for pair in skeleton.flip_pairs for k in pair}
    assert [name for k, name in enumerate(skeleton.keypoints) if k not in sided] == [
        name for name in skeleton.keypoints if "left" not in name and "right" not in name
    ]
    flip = skeleton.flip_index
    assert [flip[k] for k in flip] == list(range(count))


@pytest.mark.parametrize("skeleton", KNOWN, ids=lambda skeleton: skeleton.name)
def test_a_mirrored_edge_is_an_edge(skeleton):
    flip = skeleton.flip_index
    pairs = {frozenset(edge) for edge in skeleton.edges}
    mirrored = {frozenset(flip[k] for k in edge) for edge in skeleton.edges}
    assert mirrored == pairs


def test_the_known_sizes():
    assert [skeleton.num_keypoints for skeleton in KNOWN] == [17, 23, 16, 14]
    assert skeletons.names() == ("coco17", "coco_feet23", "mpii16", "crowdpose14")
    assert COCO_FEET23.keypoints[:17] == COCO17.keypoints
    assert COCO_FEET23.edges[:16] == COCO17.edges
    assert COCO_FEET23.sigmas[:17] == COCO17.sigmas


def test_limbs_are_the_edges_where_nothing_is_said():
    assert Skeleton("s", ("a", "b"), ((1, 0),)).limbs == ((1, 0),)
    assert Skeleton("s", ("a", "b", "c"), (), ((0, 2),)).limbs == ((0, 2),)
    assert Skeleton("s", ("a",)).limbs == ()


def test_a_skeleton_is_a_value():
    first, second = Skeleton("s", ["a", "b"], [[0, 1]]), Skeleton("s", ("a", "b"), ((0, 1),))
    assert first == second
    assert hash(first) == hash(second)
    assert dataclasses.replace(MPII16, sigmas=np.full(16, 0.1)).sigmas == (0.1,) * 16
    with pytest.raises(dataclasses.FrozenInstanceError):
        first.name = "t"


AB, ABC, ABCD = ("a", "b"), ("a", "b", "c"), ("a", "b", "c", "d")
WRONG = {
    "no keypoints": (((),), "keypoints: skeleton 's' wants at least one name, got none"),
    "twice": ((("a", "b", "a"),), "keypoints: skeleton 's' wants different names, got a more than once"),
    "edge out of range": (
        (AB, ((0, 2),)),
        "edges: skeleton 's' wants pairs of two different keypoints 0..1, got (0, 2)",
    ),
    "edge below": (
        (AB, ((-1, 1),)),
        "edges: skeleton 's' wants pairs of two different keypoints 0..1, got (-1, 1)",
    ),
    "loop": ((AB, ((1, 1),)), "edges: skeleton 's' wants pairs of two different keypoints 0..1, got (1, 1)"),
    "too few edges": (
        (ABC, ((0, 1),)),
        "edges: skeleton 's' wants 2 edges, a tree over its 3 keypoints, got 1",
    ),
    "too many edges": (
        (AB, ((0, 1), (1, 0))),
        "edges: skeleton 's' wants 1 edges, a tree over its 2 keypoints, got 2",
    ),
    "two trees": (
        (ABCD, ((0, 1), (1, 0), (2, 3))),
        "edges: skeleton 's' wants one tree over all keypoints, got a graph that does not reach c, d",
    ),
    "limb": (
        (AB, (), ((0, 5),)),
        "limbs: skeleton 's' wants pairs of two different keypoints 0..1, got (0, 5)",
    ),
    "flip": (
        (AB, (), (), ((0, 0),)),
        "flip_pairs: skeleton 's' wants pairs of two different keypoints 0..1, got (0, 0)",
    ),
    "flip twice": (
        (ABC, (), (), ((0, 1), (0, 2))),
        "flip_pairs: skeleton 's' wants each keypoint in one pair at most, got one in two",
    ),
    "few sigmas": ((AB, (), (), (), (0.1,)), "sigmas: skeleton 's' wants 2 numbers, one a keypoint, got 1"),
}


@pytest.mark.parametrize(("arguments", "sentence"), WRONG.values(), ids=WRONG)
def test_the_sentence(arguments, sentence):
    with pytest.raises(ValueError, match="wants") as caught:
        Skeleton("s", *arguments)
    assert str(caught.value) == sentence


@pytest.mark.parametrize("sigma", [float("nan"), float("inf"), -0.1, 0])
def test_a_sigma_is_positive_and_finite(sigma):
    with pytest.raises(ValueError, match=f"^sigmas: wanted a number from 1e-09 to 1e.09, got {sigma}$"):
        Skeleton("s", AB, sigmas=(0.1, sigma))


def test_an_unknown_name():
    with pytest.raises(
        ValueError, match=r"^keypoint: wanted one of nose, .* of skeleton coco17, got 'nose '$"
    ):
        COCO17.index("nose ")
    with pytest.raises(
        ValueError, match=r"^skeleton: wanted one of coco17, coco_feet23, mpii16, crowdpose14, got 'coco'$"
    ):
        skeletons.get("coco")


# One sentence that names the argument; its words are free.
MORE = {
    "edges": lambda: Skeleton("s", AB, ((0.9, 1.2),)),
    "edges of three": lambda: Skeleton("s", AB, ((0, 1, 2),)),
    "edges int": lambda: Skeleton("s", AB, 5),
    "keypoints": lambda: Skeleton("s", "ab"),
    "keypoints int": lambda: Skeleton("s", 5),
    "keypoints of numbers": lambda: Skeleton("s", (1, 2)),
    "sigmas": lambda: Skeleton("s", AB, sigmas=("0.1", "x")),
    "keypoint": lambda: COCO17.side(99),
    "skeleton": lambda: skeletons.get(["coco17"]),
}


@pytest.mark.parametrize(("name", "call"), MORE.items(), ids=MORE)
def test_one_sentence_that_names_the_argument(name, call):
    with pytest.raises((TypeError, ValueError), match=rf"^{name.split()[0]}: .*want.*got "):
        call()


@pytest.mark.parametrize("name", [None, 1.5, [[float("inf")]]])
def test_a_name_that_is_no_text_is_refused(name: Any) -> None:
    with pytest.raises(TypeError, match=r"^name: wanted the name of a skeleton, got (NoneType|float|list)$"):
        Skeleton(name, ("a",))
