"""`oks`: COCO's similarity of people, to the bit."""

from __future__ import annotations

import dataclasses
import json
import warnings
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oks_scene import Scene

import posecore as pc
from oracle import oks as oracle
from posecore import COCO17, MPII16, Poses, Skeleton, oks


def ulps(found: np.ndarray, wanted: np.ndarray) -> float:
    """The largest distance in steps of the wanted numbers."""
    return float((np.abs(found - wanted) / np.spacing(wanted)).max(initial=0))


@pytest.mark.parametrize("keypoints", [1, 5, 7, 8, 14, 17, 23, 133, 200, 257])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_it_is_what_numpy_makes_of_the_formula(keypoints, dtype):
    scene = Scene(13, 9, keypoints, seed=keypoints, dtype=dtype)
    found = scene.oks()
    assert found.dtype == dtype
    assert found.shape == (13, 9)
    assert np.count_nonzero(found > 0.1) >= 5
    # exp is another: half an ulp and a hundredth in float64, one in float32, for each keypoint.
    assert ulps(found, scene.oracle()) <= (2 if dtype == np.float64 else 4)


def test_exp_is_nearly_always_the_nearest_number():
    # With one keypoint, a sigma of .5 and an area of .5, OKS is exp(-dx²) but for eps.
    sigma = Skeleton("one", ("k",), sigmas=(0.5,))
    detections = np.zeros((4000, 1, 2))
    detections[:, 0, 0] = np.linspace(0, 26, 4000)
    found = oks(detections, np.array([[[0.0, 0.0, 1.0]]]), np.array([0.5]), sigma)[:, 0]
    exponents = detections[:, 0, 0] ** 2 / 1.0 / (0.5 + oracle.EPS) / 2
    nearest = np.array([float(Decimal(-e).exp()) for e in exponents.tolist()])
    assert ulps(found, nearest) <= 1
    assert np.mean(found == nearest) >= 0.99
    # NumPy's own depends on the processor: with AVX-512 it is the nearest in 95 of 100.
    assert ulps(found, np.exp(-exponents)) <= 1


@pytest.mark.parametrize("keypoints", [5, 8, 17, 100, 128, 129, 200, 256, 257, 400])
def test_keypoints_are_summed_in_the_order_of_numpy(keypoints):
    # The similarity of each keypoint alone is the matrix of a skeleton of one: only the sum is left to compare.
    scene = Scene(4, 3, keypoints, seed=keypoints)
    scene.truths[:, :, 2] = 1
    found = scene.oks()
    for d, detection in enumerate(scene.detections):
        for t, truth in enumerate(scene.truths):
            alone = [
                oks(detection[None, [k]], truth[None, [k]], scene.areas[[t]], one)[0, 0]
                for k, one in enumerate(ones(scene.skeleton))
            ]
            assert found[d, t] == oracle.pairwise_sum(np.array(alone)) / keypoints
            assert found[d, t] == np.sum(alone) / keypoints


def ones(skeleton: Skeleton) -> list[Skeleton]:
    return [Skeleton("one", ("k",), sigmas=(sigma,)) for sigma in skeleton.sigmas]


@pytest.mark.parametrize("distance", ["distance_for_ks_0_5", "distance_for_ks_0_85"])
def test_the_worked_examples(shared, distance):
    path = shared / "data" / "eval" / "worked_examples.json"
    if not path.is_file():
        pytest.skip("the shared data has no worked examples")
    example = json.loads(path.read_text())["oks_single"]
    nose = Skeleton("nose", ("nose",), sigmas=(example["sigma"],))
    value = oks(
        np.array([[[example[distance], 0.0]]]),
        np.array([[[0.0, 0.0, 2.0]]]),
        np.array([example["area"]]),
        nose,
    )[0, 0]
    wanted = {"distance_for_ks_0_5": example["check"], "distance_for_ks_0_85": 0.85}[distance]
    assert value == pytest.approx(wanted, abs=1.2e-16, rel=0)


def test_it_is_what_pycocotools_says():
    cocoeval = pytest.importorskip("pycocotools.cocoeval")
    scene = Scene(20, 14, 17, seed=4)
    evaluation = cocoeval.COCOeval(iouType="keypoints")
    truths = [
        {"keypoints": truth.ravel().tolist(), "bbox": box.tolist(), "area": area}
        for truth, box, area in zip(scene.truths, scene.boxes, scene.areas.tolist(), strict=True)
    ]
    detections = [
        {"keypoints": np.insert(detection, 2, 1, axis=1).ravel().tolist(), "score": 1 - d / 100}
        for d, detection in enumerate(scene.detections)
    ]
    evaluation._gts, evaluation._dts = {(1, 1): truths}, {(1, 1): detections}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        theirs = evaluation.computeOks(1, 1)
    ours = oks(scene.detections, scene.truths, scene.areas, COCO17, boxes=scene.boxes)
    assert ulps(ours, theirs) <= 2
    assert np.mean(ours == theirs) > 0.8


def test_oneself_is_one_and_far_away_is_zero():
    scene = Scene(0, 3, 17)
    scene.detections = scene.truths[:3, :, :2].copy()
    assert np.diag(scene.oks()).tolist() == [1, 1, 1]
    scene.detections += 1e6
    assert not scene.oks().any()


def test_unlabelled_keypoints_and_the_detections_scores_do_not_count():
    scene = Scene(5, 3, 17, seed=1)
    before = scene.oks()
    scene.truths[:, :, :2][scene.truths[:, :, 2] == 0] = 1e4
    scene.truths[:, :, 2] *= 2
    assert np.array_equal(scene.oks(), before)


def test_a_prediction_at_the_origin_is_a_prediction():
    detections = np.zeros((1, 1, 2))
    truths = np.array([[[0.0, 0.0, 2.0]], [[1e3, 0.0, 2.0]]])
    skeleton = Skeleton("one", ("k",), sigmas=(0.1,))
    assert oks(detections, truths, np.array([100.0, 100.0]), skeleton).tolist() == [[1, 0]]


def test_a_truth_without_labels_is_its_box_thrice_as_wide_and_high():
    skeleton = Skeleton("one", ("k",), sigmas=(0.5,))
    detections = np.array([[[6.0, 50.0]], [[18.0, 200.0]], [[3.0, 125.0]], [[12.0, 204.0]]])
    truths, boxes = np.array([[[500.0, 500.0, 0.0]]]), np.array([[10.0, 100.0, 4.0, 50.0]])
    found = oks(detections, truths, np.array([8.0]), skeleton, boxes=boxes)[:, 0]
    assert found[:2].tolist() == [1, 1]
    assert found[2:] == pytest.approx([np.exp(-9 / 16), np.exp(-1)], rel=1e-15)


@pytest.mark.parametrize("detections", [0, 1, 5])
@pytest.mark.parametrize("truths", [0, 3])
@pytest.mark.parametrize("threads", [1, 4])
def test_nobody(detections, truths, threads):
    scene = Scene(detections, truths, 17)
    found = scene.oks(threads=threads)
    assert found.shape == (detections, truths)
    assert found.dtype == np.float64


@settings(max_examples=60)
@given(
    detections=st.integers(1, 12),
    truths=st.integers(1, 6),
    keypoints=st.sampled_from([1, 5, 14, 17, 133]),
    seed=st.integers(0, 2**32 - 1),
    dtype=st.sampled_from([np.float64, np.float32]),
)
def test_a_number_does_not_depend_on_its_neighbours(detections, truths, keypoints, seed, dtype):
    scene = Scene(detections, truths, keypoints, seed, dtype)
    whole = scene.oks()
    random = np.random.default_rng(seed)
    people, others = random.permutation(detections), random.permutation(truths)
    scene.detections, scene.truths = scene.detections[people], scene.truths[others]
    scene.areas, scene.boxes = scene.areas[others], scene.boxes[others]
    assert np.array_equal(scene.oks(), whole[people][:, others])
    scene.detections = scene.detections[:1]
    assert np.array_equal(scene.oks(), whole[people[:1]][:, others])


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32 - 1), dx=st.integers(-1000, 1000), dy=st.integers(-1000, 1000))
def test_a_shift_of_everything_changes_nothing(seed, dx, dy):
    scene = Scene(4, 4, 17, seed)
    # Multiples of 1/8 px, so that a shift by whole pixels is exact.
    for array in (scene.detections, scene.truths[:, :, :2], scene.boxes):
        array[...] = np.round(array * 8) / 8
    before = scene.oks()
    shift = np.array([dx, dy], float)
    scene.detections += shift
    scene.truths[:, :, :2] += shift
    scene.boxes[:, :2] += shift
    assert np.array_equal(scene.oks(), before)


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32 - 1), power=st.integers(-8, 8))
def test_a_scale_of_everything_changes_nothing(seed, power):
    scene = Scene(4, 3, 17, seed)
    scale = 2.0**power
    before = scene.oks()
    scene.detections *= scale
    scene.truths[:, :, :2] *= scale
    scene.boxes *= scale
    scene.areas *= scale**2
    # But for eps, which does not scale with the areas.
    assert scene.oks() == pytest.approx(before, rel=0, abs=1e-12)


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32 - 1), keypoints=st.sampled_from([5, 17, 133]))
def test_float32_is_near_float64(seed, keypoints):
    scene = Scene(4, 4, keypoints, seed, np.float32)
    found = scene.oks()
    for name in ("detections", "truths", "areas", "boxes"):
        setattr(scene, name, getattr(scene, name).astype(np.float64))
    scene.areas += 1
    again = Scene(4, 4, keypoints, seed, np.float32)
    again.areas += np.float32(1)
    assert again.oks() == pytest.approx(scene.oks(), abs=1e-4)
    assert found.min() >= 0
    assert found.max() <= 1


@pytest.mark.parametrize("threads", [2, 3, 7, 64])
@pytest.mark.parametrize("shape", [(3, 100), (100, 3), (60, 61), (1, 1), (9, 8)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_threads_change_nothing(threads, shape, dtype):
    scene = Scene(*shape, 17, dtype=dtype)
    assert np.array_equal(scene.oks(threads=threads), scene.oks())


def test_memory_is_read_where_it_is():
    scene = Scene(6, 5, 17, seed=2)
    wanted = scene.oks()
    detections, truths = scene.detections, scene.truths
    scene.detections = np.asfortranarray(detections)
    scene.truths = np.asfortranarray(truths)
    assert np.array_equal(scene.oks(), wanted)
    wide = np.zeros((12, 34, 3))
    wide[::2, ::-2, :2] = detections
    scene.detections, scene.truths = wide[::2, ::-2, :2], truths[::-1][::-1]
    scene.areas = np.repeat(scene.areas, 2)[::2]
    scene.boxes = np.asfortranarray(scene.boxes)
    assert np.array_equal(scene.oks(), wanted)


def test_poses_are_detections():
    scene = Scene(4, 3, 17, seed=6, dtype=np.float32)
    poses = Poses(scene.detections, np.ones((4, 17), np.float32), skeleton=COCO17)
    assert np.array_equal(
        oks(poses, scene.truths, scene.areas, COCO17, boxes=scene.boxes),
        oks(scene.detections, scene.truths, scene.areas, COCO17, boxes=scene.boxes),
    )


def test_any_skeleton_with_sigmas_will_do():
    scene = Scene(4, 3, 16, seed=6)
    own = dataclasses.replace(MPII16, sigmas=scene.skeleton.sigmas)
    assert np.array_equal(
        oks(scene.detections, scene.truths, scene.areas, own, boxes=scene.boxes), scene.oks()
    )


def test_the_function_is_not_a_module():
    assert pc.oks is oks
    assert callable(pc.oks)


def test_boxes_may_be_left_out_where_all_truths_have_labels():
    scene = Scene(2, 3, 17)
    assert np.array_equal(oks(scene.detections, scene.truths, scene.areas, scene.skeleton), scene.oks())


def test_masked_arrays_are_refused_and_memory_maps_are_not(tmp_path):
    scene = Scene(2, 3, 17)
    path = tmp_path / "detections.npy"
    np.save(path, scene.detections)
    mapped = np.load(path, mmap_mode="r")
    wanted = scene.oks()
    assert np.array_equal(oks(mapped, scene.truths, scene.areas, scene.skeleton, boxes=scene.boxes), wanted)
    with pytest.raises(TypeError, match=r"^areas: wanted a NumPy array of shape \(3,\), .* got MaskedArray"):
        oks(scene.detections, scene.truths, np.ma.array(scene.areas), scene.skeleton, boxes=scene.boxes)
