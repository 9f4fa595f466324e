"""`semantics="tfjs"`: the people that the JavaScript package finds, its ties, phantoms and duplicates among them."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from arbitrary import as_bytes, assert_same, cases, numbered_skeleton, repeatable
from hypothesis import given
from hypothesis import strategies as st

import posecore as pc
from oracle.tfjs import TfjsDecoder
from posecore import COCO17
from posecore.decode import Onto

TFJS = {"semantics": "tfjs", "max_poses": 5, "root_threshold": 0.5, "pose_threshold": 0, "nms_radius_px": 20}
CALLS = {"tjdef": TFJS, "tjm": TFJS | {"max_poses": 20, "root_threshold": 0.2, "nms_radius_px": 10}}
PICTURES = (
    *("couple_353x481", "couple_721x1281", "crowd12_353x481", "empty_353x481"),
    *("squat_353x481", "three_353x481", "three_481x641"),
)


@pytest.fixture(params=[f"{picture}__{family}" for picture in PICTURES for family in "BC"])
def arrays(request, decode_data) -> dict[str, np.ndarray]:
    with np.load(decode_data / f"{request.param}.npz", allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files} | {
            "path": decode_data / f"{request.param}.npz"
        }


@pytest.mark.parametrize("key", CALLS)
@pytest.mark.parametrize("quantised", [True, False], ids=["uint8", "float32"])
def test_the_poses_of_the_package_in_its_order(arrays, key, quantised):
    decoder = pc.Decoder(COCO17, stride_px=16, **CALLS[key])
    real = arrays["heat"], arrays["short_px"], arrays["mid_px"][:, :, :32], arrays["mid_px"][:, :, 32:]
    poses = decoder(pc.Heads.load(arrays["path"])) if quantised else decoder(*real)
    assert len(poses) == len(arrays[f"{key}_kp"])
    np.testing.assert_allclose(poses.xy, arrays[f"{key}_kp"][..., ::-1], rtol=0, atol=1e-3)
    np.testing.assert_allclose(poses.scores, arrays[f"{key}_ks"], rtol=0, atol=1e-5)
    np.testing.assert_allclose(poses.pose_scores, arrays[f"{key}_ps"], rtol=0, atol=1e-5)


@repeatable
@given(cases(), st.booleans())
def test_the_oracle_finds_the_same(case, rescore):
    options = case.options | {"rescore": rescore}
    oracle = TfjsDecoder(case.skeleton.edges, case.stride_px, **options)
    assert_same(case.decode(semantics="tfjs", rescore=rescore), oracle(*case.arrays))


@repeatable
@given(cases(odd_scores=True, odd_offsets=True), st.sampled_from(["hwc", "chw", "reversed"]))
def test_probabilities_of_any_kind_in_any_arrangement(case, arrangement):
    """Ties, plateaus, NaN and infinities; points then leave the picture by up to 1e9 px."""
    heatmaps = (case.arrays[0] / 4).astype(np.float32)
    arrays = (heatmaps, *case.arrays[1:])
    given_arrays, layout = arrays, "hwc"
    if arrangement == "chw":
        given_arrays, layout = tuple(np.ascontiguousarray(a.transpose(2, 0, 1)) for a in arrays), "chw"
    elif arrangement == "reversed":
        given_arrays = tuple(np.ascontiguousarray(a[::-1, ::-1, ::-1])[::-1, ::-1, ::-1] for a in arrays)
    if not case.skeleton.edges:
        given_arrays = given_arrays[:2]
    heads = pc.Heads(*given_arrays, stride_px=case.stride_px, scores="probabilities", layout=layout)
    poses = case.decoder(semantics="tfjs").decode(heads)
    people = TfjsDecoder(case.skeleton.edges, case.stride_px, logits=False, **case.options)(*arrays)
    assert len(poses) == len(people.xy)
    assert np.isfinite(poses.xy).all()
    np.testing.assert_allclose(poses.xy, people.xy, rtol=1e-6, atol=1e-3)
    np.testing.assert_allclose(poses.scores, people.scores, rtol=0, atol=1e-5)
    np.testing.assert_allclose(poses.pose_scores, people.pose_scores, rtol=0, atol=1e-5)


@repeatable
@given(cases(ties=False))
def test_a_portrait_grid_is_a_landscape_one_turned_over(case):
    def turned(array: np.ndarray, halves: int) -> np.ndarray:
        blocks = np.split(array.transpose(1, 0, 2), halves, axis=2)
        return np.ascontiguousarray(np.concatenate(blocks[::-1], axis=2))

    there = case.decode(semantics="tfjs")
    arrays = [turned(array, 1 + (number > 0)) for number, array in enumerate(case.arrays)]
    back = case.decoder(semantics="tfjs")(*arrays)
    assert np.array_equal(there.xy, back.xy[:, :, ::-1])
    assert np.array_equal(there.scores, back.scores)


def test_a_duplicate_holds_a_place_and_a_threshold_only_leaves_out():
    heatmaps = np.full((1, 9, 2), -9, np.float32)
    heatmaps[0, [0, 4, 8], 0] = 5, 4, 3
    heatmaps[0, 0, 1] = 5
    zeros = [np.zeros((1, 9, channels), np.float32) for channels in (4, 2, 2)]
    zeros[1][0, :, 1] = -np.arange(9) * 16  # all have the second keypoint of the first
    skeleton = numbered_skeleton(((0, 1),))

    def found(**options) -> list[float]:
        poses = pc.Decoder(skeleton, stride_px=16, semantics="tfjs", root_threshold=0.5, **options)(
            heatmaps, *zeros
        )
        return poses.xy[:, 0, 0].tolist()

    assert found(pose_threshold=0) == [0, 64, 128]
    assert found(pose_threshold=0, max_poses=2) == [0, 64]
    assert found(pose_threshold=0.485) == [0, 64]  # half of the score is the first one's
    assert found(pose_threshold=0.485, rescore=False) == [0, 64, 128]
    assert found(pose_threshold=0.6) == [0]


def test_what_lies_in_the_middle_of_two_cells_is_the_upper_ones():
    heatmaps = np.zeros((1, 3, 2), np.float32)
    heatmaps[0, :, 0] = 9, 0, 0
    heatmaps[0, :, 1] = 1, 2, 3
    short = np.zeros((1, 3, 4), np.float32)
    fwd = np.zeros((1, 3, 2), np.float32)
    fwd[0, 0, 1] = 24  # from cell 0 to 1.5 cells
    decoder = pc.Decoder(
        numbered_skeleton(((0, 1),)), stride_px=16, semantics="tfjs", root_threshold=0.99, max_poses=1
    )
    assert decoder(heatmaps, short, fwd, np.zeros_like(fwd)).xy[0].tolist() == [[0, 0], [32, 0]]


def test_the_pixels_of_the_picture():
    heatmaps = np.full((2, 2, 1), 3, np.float32)
    short = np.zeros((2, 2, 2), np.float32)
    heads = pc.Heads(heatmaps, short, stride_px=16, scores="logits")
    decoder = pc.Decoder(numbered_skeleton(()), stride_px=16, semantics="tfjs", nms_radius_px=0)
    poses = decoder.decode(heads, Onto((2.0, 3.0, 1.0, -1.0), (40, 50)))
    assert sorted(map(tuple, poses.xy[:, 0].tolist())) == [(1, -1), (1, 47), (33, -1), (33, 47)]
    assert poses.image_size == (40, 50)


class TestOptions:
    def test_semantics_changes_no_default_but_sampling_and_steps(self):
        coral, tfjs = (
            pc.Decoder(COCO17, stride_px=16, semantics=name)._options for name in ("coral", "tfjs")
        )
        assert {name for name in coral if coral[name] != tfjs[name]} == {
            "semantics",
            "sampling",
            "refine_steps",
        }
        assert (tfjs["sampling"], tfjs["refine_steps"]) == ("nearest", 2)
        assert (coral["sampling"], coral["refine_steps"]) == ("bilinear", 5)

    def test_another_number_of_steps_is_taken(self):
        assert (
            pc.Decoder(COCO17, stride_px=16, semantics="tfjs", refine_steps=1)._options["refine_steps"] == 1
        )

    def test_what_contradicts_it_is_refused(self):
        with pytest.raises(ValueError, match='sampling: wanted "nearest" or None with semantics="tfjs"'):
            pc.Decoder(COCO17, stride_px=16, semantics="tfjs", sampling="bilinear")
        with pytest.raises(ValueError, match="semantics: wanted one of coral, tfjs, got 'posenet'"):
            pc.Decoder(COCO17, stride_px=16, semantics="posenet")

    def test_it_survives_pickling(self):
        decoder = pc.Decoder(COCO17, stride_px=16, **TFJS)
        again = pickle.loads(pickle.dumps(decoder))
        assert repr(again) == repr(decoder)
        assert "semantics=tfjs" in repr(again)
        arrays = np.ones((3, 4, 17), np.float32), *(np.ones((3, 4, n), np.float32) for n in (34, 32, 32))
        assert as_bytes(again(*arrays)) == as_bytes(decoder(*arrays))
