"""`Decoder` against the oracle: the same people, in the same order."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from arbitrary import Case, as_bytes, assert_same, cases, is_clear, numbered_skeleton, repeatable
from hypothesis import assume, given
from hypothesis import strategies as st

import posecore as pc
from oracle.multi import MultiDecoder

# Between a NaN and its neighbour logits fall by 1e4 in one cell: the last bit of a point shows in the score.
STEEP = 5e-4


@repeatable
@given(cases())
def test_finds_what_the_oracle_finds(case):
    assume(is_clear(case))
    assert_same(case.decode(), case.oracle())


@repeatable
@given(cases(odd_scores=True))
def test_nan_and_infinite_heatmaps(case):
    assume(is_clear(case))
    assert_same(case.decode(), case.oracle(), within=STEEP)


@repeatable
@given(cases(odd_scores=True, odd_offsets=True))
def test_nan_and_infinite_offsets(case):
    assume(is_clear(case))
    assert_same(case.decode(), case.oracle(), within=STEEP)


@repeatable
@given(cases(odd_scores=True), st.sampled_from(["bilinear", "nearest"]), st.booleans())
def test_nearest_cells_and_scores_as_they_are(case, sampling, rescore):
    case = replace(case, options=case.options | {"sampling": sampling, "rescore": rescore})
    assume(is_clear(case))
    assert_same(case.decode(), case.oracle(), within=STEEP)


@pytest.mark.parametrize(
    ("sampling", "xy", "score"),
    [("bilinear", (16 * 1.5, 16 * 1.5), 0.5), ("nearest", (16 * 1.5, 16 * 1.5), 0.9)],
)
def test_what_is_read_between_cells(sampling, xy, score):
    heatmaps = np.array([[0.9, 0.1], [0.1, 0.9]], np.float32)[:, :, None]
    heatmaps = np.pad(heatmaps, ((1, 0), (1, 0), (0, 0)))
    short = np.zeros((3, 3, 2), np.float32)
    short[2, 2] = -8, -8
    heads = pc.Heads(heatmaps, short, stride_px=16, scores="probabilities")
    options = {"root_threshold": 0.9, "pose_threshold": 0, "local_maximum_radius": 0}
    poses = pc.Decoder(numbered_skeleton(()), stride_px=16, sampling=sampling, **options)(heads)
    # Half a cell from (1, 1), (1, 2), (2, 1) and (2, 2): of equally near cells the lower right one is read.
    found = dict(zip(map(tuple, poses.xy[:, 0].tolist()), poses.scores[:, 0].tolist(), strict=True))
    assert found[xy] == pytest.approx(score)


def test_without_rescoring_a_person_behind_another_keeps_their_score():
    # The second person's other keypoint is where the first one's is.
    heatmaps = np.zeros((8, 2, 2), np.float32)
    heatmaps[0, 0, 0], heatmaps[7, 0, 0], heatmaps[3, 1, 1] = 0.9, 0.8, 0.7
    fwd = np.zeros((8, 2, 2), np.float32)
    fwd[0, 0], fwd[7, 0] = (30, 10), (-40, 10)
    arrays = heatmaps, np.zeros((8, 2, 4), np.float32), fwd, np.zeros_like(fwd)
    heads = pc.Heads(*arrays, stride_px=10, scores="probabilities")
    options = {"stride_px": 10, "root_threshold": 0.75, "pose_threshold": 0.5}
    kept = pc.Decoder(numbered_skeleton(((0, 1),)), rescore=False, **options)(heads)
    assert kept.pose_scores.tolist() == pytest.approx([0.8, 0.75])
    assert pc.Decoder(numbered_skeleton(((0, 1),)), **options)(heads).pose_scores.tolist() == pytest.approx(
        [0.8]
    )


@pytest.mark.parametrize("beside", [(1, 2), (2, 1), (2, 2)])
def test_an_offset_counts_although_the_next_cell_has_none(beside):
    heatmaps = np.full((4, 4, 1), -5, np.float32)
    heatmaps[1, 1] = 3
    short = np.zeros((4, 4, 2), np.float32)
    short[1, 1] = 2, 4
    short[beside] = np.nan
    poses = pc.Decoder(numbered_skeleton(()), stride_px=16)(heatmaps, short, None, None)
    assert poses.xy.tolist() == [[[20, 18]]]


@repeatable
@given(cases(odd_scores=True), st.booleans())
def test_probabilities(case, beyond):
    low, high = (-0.2, 1.2) if beyond else (0.0, 1.0)
    heatmaps = case.arrays[0].copy()
    usual = np.abs(heatmaps) < 20
    heatmaps[usual] = np.interp(heatmaps[usual], [-6, 6], [low, high])
    arrays = (heatmaps, *case.arrays[1:])
    assume(case.options["root_threshold"] > 0 and is_clear(case, arrays, logits=False))
    heads = heads_of(case, arrays, scores="probabilities")
    assert_same(case.decoder()(heads), case.oracle(arrays=arrays, logits=False), within=STEEP)


@repeatable
@given(cases(), st.sampled_from([np.uint8, np.int8]), st.integers(0, 2**32 - 1))
def test_quantised_heads_are_their_real_numbers(case, dtype, seed):
    random = np.random.default_rng(seed)
    low = np.iinfo(dtype).min
    stored, quantization, real = [], {}, []
    for name, array in zip(pc.heads.TENSORS, case.arrays, strict=True):
        scale = float(np.float32(random.uniform(0.02, 0.2) * (1 if name == "heatmaps" else case.stride_px)))
        zero_point = low + int(random.integers(90, 160))
        q = np.clip(np.round(array / scale) + zero_point, low, low + 255).astype(dtype)
        stored.append(q)
        quantization[name] = pc.Quantization(scale, zero_point)
        real.append(((q.astype(np.float64) - zero_point) * scale).astype(np.float32))
    assume(is_clear(case, tuple(real)))
    heads = heads_of(case, tuple(stored), quantization=quantization)
    assert_same(case.decoder()(heads), case.oracle(arrays=tuple(real)))


def heads_of(case: Case, arrays: tuple, **fields) -> pc.Heads:
    """Heads of these arrays; a skeleton of one keypoint has no displacements."""
    if not case.skeleton.edges:
        arrays = arrays[:2]
        names = pc.heads.TENSORS[:2]
        if "quantization" in fields:
            fields["quantization"] = {name: fields["quantization"][name] for name in names}
    return pc.Heads(*arrays, stride_px=case.stride_px, **{"scores": "logits", **fields})


@pytest.mark.parametrize("dtype", [np.float32, np.uint8, np.int8])
def test_equal_scores_are_taken_by_row_column_keypoint(dtype):
    heatmaps = np.full((3, 4, 2), 5, dtype)
    zeros = [np.zeros((3, 4, channels), dtype) for channels in (4, 2, 2)]
    quantization = {} if dtype == np.float32 else dict.fromkeys(pc.heads.TENSORS, pc.Quantization(1.0, 0))
    heads = pc.Heads(heatmaps, *zeros, stride_px=10, scores="logits", quantization=quantization)
    poses = pc.Decoder(numbered_skeleton(((0, 1),)), stride_px=10, nms_radius_px=0)(heads)
    expected = [(x * 10, y * 10) for y in range(3) for x in range(4)]
    assert poses.xy[:, 0].tolist() == [list(point) for point in expected]


def test_whoever_was_hidden_by_a_dropped_person_counts_in_full_again():
    """B is found first, then C, half hidden by B; then A, who leaves too little of B. C is away from A."""
    heatmaps = np.zeros((20, 12, 3), np.float32)
    fwd = np.zeros((20, 12, 4), np.float32)

    def person(row: int, root: float, points: list[tuple[int, int]], score: float) -> None:
        heatmaps[row, 0, 0] = root
        for edge, (y, x) in enumerate(points):
            heatmaps[y, x, edge + 1] = max(score, heatmaps[y, x, edge + 1])
            fwd[row, 0, [edge, 2 + edge]] = (y - row) * 8, x * 8

    person(0, 0.99, [(5, 5), (15, 9)], 0.7)  # B
    person(6, 0.98, [(5, 4), (9, 2)], 0.6)  # C: one cell from B, two from A
    person(12, 0.97, [(5, 6), (15, 9)], 0.9)  # A
    arrays = heatmaps, np.zeros((20, 12, 6), np.float32), fwd, np.zeros_like(fwd)
    heads = pc.Heads(*arrays, stride_px=8, scores="probabilities")
    chosen = {"root_threshold": 0.95, "pose_threshold": 0.45, "nms_radius_px": 10.0, "refine_steps": 0}
    found = {}
    for most in (2, 20):
        poses = pc.Decoder(numbered_skeleton(((0, 1), (0, 2))), stride_px=8, max_poses=most, **chosen)(heads)
        found[most] = dict(zip(poses.xy[:, 0, 1].tolist(), poses.pose_scores.tolist(), strict=True))
    b, c = (0.99 + 0.7 + 0.9) / 3, (0.98 + 0.6) / 3
    assert found[2] == pytest.approx({0: b, 48: c})
    assert found[20] == pytest.approx({96: (0.97 + 0.9 + 0.9) / 3, 48: c + 0.6 / 3})


def test_more_candidates_than_a_decoder_keeps_at_once():
    rows, columns, wanted = 61, 97, 5000
    values = np.random.default_rng(3).permutation(rows * columns).astype(np.float32).reshape(rows, columns)
    heatmaps = (values / values.size)[:, :, None]
    heads = pc.Heads(heatmaps, np.zeros((rows, columns, 2), np.float32), stride_px=2, scores="probabilities")
    decoder = pc.Decoder(
        numbered_skeleton(()),
        stride_px=2,
        max_poses=wanted,
        root_threshold=0,
        pose_threshold=0,
        nms_radius_px=0,
        local_maximum_radius=0,
    )
    best = np.argsort(-values.ravel())[:wanted]
    expected = np.stack([best % columns, best // columns], axis=1) * 2
    assert np.array_equal(decoder(heads).xy[:, 0], expected)


def test_many_candidates_with_ties_and_suppression():
    random = np.random.default_rng(5)
    edges = ((1, 0), (1, 2))
    heatmaps = random.integers(-4, 5, (40, 41, 3)).astype(np.float32)
    offsets = [random.integers(-8, 9, (40, 41, c)).astype(np.float32) for c in (6, 4, 4)]
    chosen = {
        "max_poses": 60,
        "root_threshold": 0.001,
        "pose_threshold": 0.3,
        "nms_radius_px": 30.5,
        "local_maximum_radius": 0,
        "refine_steps": 1,
    }
    people = MultiDecoder(edges, 16.0, **chosen)(heatmaps, *offsets)
    poses = pc.Decoder(numbered_skeleton(edges), stride_px=16, **chosen)(heatmaps, *offsets)
    assert len(poses) == len(people.xy)
    for xy in poses.xy:
        assert np.abs(people.xy - xy).max(axis=(1, 2)).min() < 1e-3


@pytest.mark.parametrize(
    "value",
    [np.nan, -np.inf, -100.0, -0.0, 0.0, 5.0, np.inf],
    ids=["nan", "-inf", "-100", "-0", "0", "5", "inf"],
)
def test_maps_of_one_value(value):
    heatmaps = np.full((3, 2, 2), value, np.float32)
    offsets = [np.zeros((3, 2, channels), np.float32) for channels in (4, 2, 2)]
    decoder = pc.Decoder(numbered_skeleton(((0, 1),)), stride_px=16)
    poses = decoder(heatmaps, *offsets)
    assert_same(poses, MultiDecoder(((0, 1),), 16.0)(heatmaps, *offsets))
    assert len(poses) == (0 if not value > -100 else 6)


def test_a_threshold_of_nothing_takes_every_cell_but_nan():
    heatmaps = np.array([[[np.nan], [-np.inf], [-50], [3]]], np.float32)
    short = np.zeros((1, 4, 2), np.float32)
    decoder = pc.Decoder(
        numbered_skeleton(()),
        stride_px=16,
        root_threshold=0,
        pose_threshold=0,
        local_maximum_radius=0,
    )
    poses = decoder(heatmaps, short, None, None)
    assert poses.xy[:, 0, 0].tolist() == [48, 32, 16]
    assert poses.scores[1:].max() < 1e-20
    assert poses.visible[0, 0]


@repeatable
@given(cases(odd_scores=True, odd_offsets=True))
def test_a_decoder_gives_the_same_bytes_again(case):
    decoder = case.decoder()
    first = as_bytes(decoder(*case.arrays))
    decoder(*(np.ascontiguousarray(array[::-1]) for array in case.arrays))
    assert as_bytes(decoder(*case.arrays)) == first
    assert as_bytes(case.decode()) == first
