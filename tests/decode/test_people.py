"""Heads synthesised from known poses give those poses back."""

from __future__ import annotations

import numpy as np
import pytest
from arbitrary import numbered_skeleton

import posecore as pc
from oracle.synthesise import synthesise
from posecore import COCO17, COCO_FEET23, CROWDPOSE14, MPII16
from posecore.decode import Onto

STAR5 = numbered_skeleton(((2, 0), (2, 1), (2, 3), (4, 2)))
CHAIN133 = numbered_skeleton(tuple((i, i + 1) if i % 3 else (i + 1, i) for i in range(132)))
ONE = numbered_skeleton(())


def crowd(
    skeleton: pc.Skeleton, people: int, grid: tuple[int, int], stride_px: float, seed: int = 0
) -> np.ndarray:
    """Keypoints (N, K, 2) inside of the input; one keypoint of two people is at least four cells apart."""
    random = np.random.default_rng(seed)
    high = np.array([grid[1] - 1, grid[0] - 1]) * stride_px
    placed = np.empty((people, skeleton.num_keypoints, 2))
    for keypoint in range(skeleton.num_keypoints):
        points: list[np.ndarray] = []
        while len(points) < people:
            point = random.uniform(0, high)
            if all(np.hypot(*(point - other)) >= 4 * stride_px for other in points):
                points.append(point)
        placed[:, keypoint] = points
    return placed


def assert_found(poses: pc.Poses, people: np.ndarray, within_px: float = 0.1) -> None:
    assert len(poses) == len(people)
    distance = np.abs(poses.xy[:, None] - people[None]).max(axis=(2, 3))
    assert sorted(distance.argmin(axis=1)) == list(range(len(people)))
    assert distance.min(axis=1).max(initial=0) < within_px


@pytest.mark.parametrize("grid", [(23, 31), (31, 23), (9, 40)], ids=["landscape", "portrait", "strip"])
@pytest.mark.parametrize(
    "skeleton",
    [COCO17, COCO_FEET23, MPII16, CROWDPOSE14, STAR5, CHAIN133, ONE],
    ids=lambda skeleton: skeleton.name,
)
@pytest.mark.parametrize("people", [1, 6])
def test_people_of_any_skeleton_on_any_grid(skeleton, grid, people):
    truth = crowd(skeleton, people, grid, 16)
    heads = synthesise(truth, edges=skeleton.edges, grid=grid, stride_px=16)
    assert_found(pc.Decoder(skeleton, stride_px=16)(*heads), truth)


@pytest.mark.parametrize("stride_px", [4, 8, 16, 32, 12.5])
def test_any_stride(stride_px):
    truth = crowd(COCO17, 5, (20, 24), stride_px)
    heads = synthesise(truth, edges=COCO17.edges, grid=(20, 24), stride_px=stride_px)
    assert_found(pc.Decoder(COCO17, stride_px=stride_px)(*heads), truth)


def test_a_hundred_and_fifty_people():
    grid = (80, 120)
    truth = crowd(COCO17, 150, grid, 16)
    heads = synthesise(truth, edges=COCO17.edges, grid=grid, stride_px=16)
    assert_found(pc.Decoder(COCO17, stride_px=16, max_poses=200)(*heads), truth)


@pytest.mark.parametrize("skeleton", [COCO17, ONE], ids=["coco17", "one"])
def test_a_grid_of_one_cell(skeleton):
    truth = np.zeros((1, skeleton.num_keypoints, 2))
    heads = synthesise(truth, edges=skeleton.edges, grid=(1, 1), stride_px=16)
    assert_found(pc.Decoder(skeleton, stride_px=16)(*heads), truth)


@pytest.mark.parametrize("grid", [(1, 12), (12, 1)])
def test_a_grid_of_one_line(grid):
    along = np.arange(COCO17.num_keypoints) * 9.0
    truth = np.zeros((1, COCO17.num_keypoints, 2))
    truth[0, :, 0 if grid[0] == 1 else 1] = along
    heads = synthesise(truth, edges=COCO17.edges, grid=grid, stride_px=16)
    assert_found(pc.Decoder(COCO17, stride_px=16)(*heads), truth)


def test_nobody():
    heads = synthesise(np.zeros((0, 17, 2)), edges=COCO17.edges, grid=(5, 7), stride_px=16)
    poses = pc.Decoder(COCO17, stride_px=16)(*heads)
    assert poses.xy.shape == (0, 17, 2)
    assert poses.scores.shape == (0, 17)
    assert poses.pose_scores.shape == (0,)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
@pytest.mark.parametrize("layout", ["hwc", "chw"])
def test_quantised_within_a_quantum(dtype, layout):
    truth = crowd(COCO17, 4, (23, 31), 16)
    heads = synthesise(truth, edges=COCO17.edges, grid=(23, 31), stride_px=16)
    arrays, quantization = [], {}
    for name, array in zip(pc.heads.TENSORS, heads, strict=True):
        reach = float(np.abs(array).max())
        middle = 128 if dtype == np.uint8 else 0
        quantization[name] = pc.Quantization(reach / 127, middle)
        stored = np.round(array / (reach / 127) + middle).astype(dtype)
        arrays.append(stored if layout == "hwc" else stored.transpose(2, 0, 1))
    quantum_px = quantization["short_offsets"].scale
    quantised = pc.Heads(*arrays, stride_px=16, scores="logits", layout=layout, quantization=quantization)
    assert_found(pc.Decoder(COCO17, stride_px=16)(quantised), truth, within_px=0.1 + quantum_px)


def with_duplicates() -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    """Three people; the first has, beside each true keypoint, a false one that is surer than the other people
    and from which the walk leads back to that same first person."""
    grid = (40, 60)
    truth = crowd(COCO17, 3, grid, 16, seed=4)
    heatmaps, short, fwd, bwd = synthesise(truth, edges=COCO17.edges, grid=grid, stride_px=16)
    others = synthesise(truth[1:], edges=COCO17.edges, grid=grid, stride_px=16)[0] > -6
    heatmaps[others] -= 4
    random = np.random.default_rng(1)
    first = truth[0, :, ::-1]
    for keypoint in range(17):
        while True:
            row, column = random.integers(2, 38), random.integers(2, 58)
            if (heatmaps[row - 2 : row + 3, column - 2 : column + 3, keypoint] == -6).all():
                break
        heatmaps[row, column, keypoint] = 4
        cell = np.array([row, column]) * 16
        for edge, (parent, child) in enumerate(COCO17.edges):
            for start, end, displacement in ((parent, child, fwd), (child, parent, bwd)):
                if start == keypoint:
                    displacement[row, column, [edge, 16 + edge]] = first[end] - cell
    return truth, (heatmaps, short, fwd, bwd)


def test_a_duplicate_never_holds_the_place_of_a_person():
    truth, heads = with_duplicates()
    for max_poses in (3, 4, 20):
        assert_found(pc.Decoder(COCO17, stride_px=16, max_poses=max_poses)(*heads), truth)
    assert len(pc.Decoder(COCO17, stride_px=16, max_poses=2)(*heads)) == 2


def test_max_poses_takes_the_surest():
    truth = crowd(COCO17, 8, (40, 60), 16)
    heatmaps, *offsets = synthesise(truth, edges=COCO17.edges, grid=(40, 60), stride_px=16)
    for person in range(8):
        mine = synthesise(truth[person : person + 1], edges=COCO17.edges, grid=(40, 60), stride_px=16)[0] > -6
        heatmaps[mine] -= 0.5 * person
    for count in range(1, 9):
        poses = pc.Decoder(COCO17, stride_px=16, max_poses=count)(heatmaps, *offsets)
        assert_found(poses, truth[:count])
        assert np.abs(poses.xy - truth[:count]).max() < 0.1  # the surest is the first


def test_a_higher_root_threshold_keeps_the_surer_people():
    truth = crowd(COCO17, 8, (40, 60), 16)
    heatmaps, *offsets = synthesise(truth, edges=COCO17.edges, grid=(40, 60), stride_px=16)
    for person in range(8):
        mine = synthesise(truth[person : person + 1], edges=COCO17.edges, grid=(40, 60), stride_px=16)[0] > -6
        heatmaps[mine] -= person
    found = [
        len(pc.Decoder(COCO17, stride_px=16, root_threshold=t, pose_threshold=0.01)(heatmaps, *offsets))
        for t in np.linspace(0.01, 1, 30)
    ]
    assert found == sorted(found, reverse=True)
    assert found[0] == 8
    assert found[-1] == 0


def test_a_pose_under_the_pose_threshold_is_dropped():
    truth = crowd(COCO17, 1, (23, 31), 16)
    heads = synthesise(truth, edges=COCO17.edges, grid=(23, 31), stride_px=16)
    score = float(pc.Decoder(COCO17, stride_px=16)(*heads).pose_scores[0])
    assert len(pc.Decoder(COCO17, stride_px=16, pose_threshold=score - 1e-6)(*heads)) == 1
    assert len(pc.Decoder(COCO17, stride_px=16, pose_threshold=score + 1e-6)(*heads)) == 0


def test_two_people_who_share_keypoints_keep_the_rest_of_their_score():
    truth = crowd(COCO17, 2, (23, 31), 16)
    shared, own = [9, 10, 15, 16], [k for k in range(17) if k not in (9, 10, 15, 16)]  # wrists and ankles
    truth[1, shared] = truth[0, shared]
    heads = synthesise(truth, edges=COCO17.edges, grid=(23, 31), stride_px=16)
    poses = pc.Decoder(COCO17, stride_px=16)(*heads)
    assert len(poses) == 2
    assert poses.pose_scores[0] == pytest.approx(poses.scores[0].mean(), abs=1e-6)
    assert poses.pose_scores[1] == pytest.approx(poses.scores[1, own].sum() / 17, abs=1e-6)


def test_single_decoder_finds_one_person():
    truth = crowd(COCO17, 1, (31, 23), 16)
    heatmaps, short, _, _ = synthesise(truth, edges=COCO17.edges, grid=(31, 23), stride_px=16)
    poses = pc.SingleDecoder(COCO17, stride_px=16)(pc.Heads(heatmaps, short, stride_px=16, scores="logits"))
    assert_found(poses, truth)


@pytest.mark.parametrize(("refine", "within_px"), [("none", 2.01), ("quarter", 1.01), ("taylor", 0.01)])
def test_heatmap_decoder_finds_gaussians(refine, within_px):
    random = np.random.default_rng(2)
    truth = random.uniform([12, 12], [180, 240], (17, 2))
    y, x = np.mgrid[0:64, 0:48] * 4.0
    squares = (x[..., None] - truth[:, 0]) ** 2 + (y[..., None] - truth[:, 1]) ** 2
    heads = pc.Heads(np.exp(-squares / (2 * 8.0**2)).astype(np.float32), stride_px=4, scores="probabilities")
    poses = pc.HeatmapDecoder(COCO17, stride_px=4, refine=refine)(heads)
    assert np.abs(poses.xy[0] - truth).max() < within_px


@pytest.mark.parametrize("make", [pc.Decoder, pc.SingleDecoder, pc.HeatmapDecoder])
def test_poses_in_the_pixels_of_the_picture(make):
    truth = crowd(COCO17, 1, (23, 31), 16)
    heads = pc.Heads(
        *synthesise(truth, edges=COCO17.edges, grid=(23, 31), stride_px=16), stride_px=16, scores="logits"
    )
    decode = make(COCO17, stride_px=16).decode
    plain = decode(heads)
    assert plain == make(COCO17, stride_px=16)(heads)
    mapped = decode(heads, Onto((0.5, 3.0, -7.25, 100.0), (640, 1280)))
    np.testing.assert_allclose(mapped.xy, plain.xy * [0.5, 3] + [-7.25, 100], rtol=1e-6, atol=1e-4)
    assert np.array_equal(mapped.scores, plain.scores)
    assert (plain.image_size, mapped.image_size) == (None, (640, 1280))
    assert not mapped.xy.flags.writeable
