"""What is known of keypoints from their names."""

from __future__ import annotations

import pytest

from posecore import COCO17, COCO_FEET23, CROWDPOSE14, MPII16, Skeleton
from posecore.evaluation.inspection_body import body_of
from posecore.evaluation.inspection_category import category_limbs
from posecore.evaluation.inspection_sides import chains_of

POSETRACK = ("nose", "head_bottom", "head_top", *COCO17.keypoints[3:])


@pytest.mark.parametrize("skeleton", [COCO17, COCO_FEET23, MPII16, CROWDPOSE14])
def test_known_skeletons_are_known_by_their_names_in_any_order(skeleton: Skeleton) -> None:
    names = skeleton.keypoints
    body = body_of(names, len(names))
    assert (body.limbs, body.flip_pairs, body.sigmas) == (
        skeleton.limbs,
        skeleton.flip_pairs,
        skeleton.sigmas,
    )
    backwards = body_of(names[::-1], len(names))
    last = len(names) - 1
    assert backwards.flip_pairs == tuple((last - a, last - b) for a, b in skeleton.flip_pairs)
    assert "in another order" in backwards.notes[0]
    if skeleton.sigmas:
        assert backwards.sigmas == skeleton.sigmas[::-1]


def test_crowdposes_own_names_are_its_skeleton() -> None:
    names = (*CROWDPOSE14.keypoints[:12], "head", "neck")
    assert body_of(names, 14).flip_pairs == CROWDPOSE14.flip_pairs
    assert "crowdpose14" in body_of(names, 14).notes[0]


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("left_knee", "right_knee"), ("LeftKnee", "RightKnee"), ("l_knee", "r_knee"), ("knee.l", "knee.r"),
        ("Left knee", "Right knee"), ("kneeLeft", "kneeRight"), ("LEFT-KNEE", "RIGHT-KNEE"),
    ],
)  # fmt: skip
def test_sides_are_derived_from_names(left: str, right: str) -> None:
    body = body_of((right, "tail", left), 3)
    assert body.flip_pairs == ((2, 0),)
    assert [body.side(k) for k in range(3)] == ["right", "middle", "left"]
    assert body.pair_name(2) == "knee"
    assert "1 left and right pairs were derived" in body.notes[0]


@pytest.mark.parametrize("name", ["lefty", "bright", "llama", "l", "leftover", ""])
def test_words_that_only_look_like_sides_are_none(name: str) -> None:
    assert body_of((name, "right_arm"), 2).flip_pairs == ()


def test_limbs_of_the_category_are_counted_from_one() -> None:
    data = {"categories": [{"keypoints": ["a", "b", "c"], "skeleton": [[1, 2], [2, 3]]}]}
    assert category_limbs(data, ("a", "b", "c")) == ((0, 1), (1, 2))
    assert category_limbs('{"categories": [{"keypoints": ["a"], "skeleton": []}]}', ("a",)) == ()


@pytest.mark.parametrize("limbs", [[[0, 1]], [[1, 4]], [[1]], [1], "ab", [[1.0, 2.0]], [[True, 2]], None])
def test_limbs_that_are_none_are_none(limbs: object) -> None:
    data = {"categories": [{"keypoints": ["a", "b", "c"], "skeleton": limbs}]}
    assert category_limbs(data, ("a", "b", "c")) == ()


def test_an_unknown_skeleton_takes_the_categorys_limbs() -> None:
    body = body_of(POSETRACK, 17, limbs=((15, 13), (13, 11), (0, 16)))
    assert body.limbs == ((15, 13), (13, 11), (0, 16))
    assert body.places["left_hip"] == 11
    assert len(body.flip_pairs) == 7


def test_chains_are_what_limbs_join() -> None:
    body = body_of(COCO17.keypoints, 17)
    names = {tuple(body.pair_name(a) for a, _ in chain) for chain in chains_of(body)}
    assert {
        ("shoulder", "elbow", "wrist"),
        ("hip", "knee", "ankle"),
        ("knee", "ankle"),
        ("eye", "ear"),
    } <= names
    assert all(len(chain) < 8 for chain in chains_of(body))


def test_names_and_people_of_different_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="wanted one name for each of the 3 keypoints of the people, got 2"):
        body_of(("a", "b"), 3)
