"""What must not matter: memory layout, where in the picture people are, left and right, threads."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from arbitrary import as_bytes, cases, numbered_skeleton, repeatable
from hypothesis import given
from test_people import crowd

import posecore as pc
from oracle.synthesise import synthesise
from posecore import COCO17


def strided(array: np.ndarray) -> np.ndarray:
    """The same numbers, every second of each axis in a larger array."""
    wide = np.full([2 * size for size in array.shape], 7, array.dtype)
    wide[1::2, 1::2, 1::2] = array
    return wide[1::2, 1::2, 1::2]


def backwards(array: np.ndarray) -> np.ndarray:
    """The same numbers, stored last to first on each axis."""
    return np.ascontiguousarray(array[::-1, ::-1, ::-1])[::-1, ::-1, ::-1]


def inside_wider(array: np.ndarray) -> np.ndarray:
    """The same numbers, between other channels."""
    wide = np.full((*array.shape[:2], array.shape[2] + 5), 9, array.dtype)
    wide[:, :, 2:-3] = array
    return wide[:, :, 2:-3]


LAYOUTS = {
    "columns first in memory": np.asfortranarray,
    "channels first in memory": lambda a: np.ascontiguousarray(a.transpose(2, 0, 1)).transpose(1, 2, 0),
    "columns before rows": lambda a: np.ascontiguousarray(a.swapaxes(0, 1)).swapaxes(0, 1),
    "strided": strided,
    "backwards": backwards,
    "inside wider": inside_wider,
}


@pytest.mark.parametrize("change", LAYOUTS.values(), ids=LAYOUTS)
@repeatable
@given(cases(odd_scores=True, odd_offsets=True))
def test_memory_layout_changes_no_bit(change, case):
    arrays = tuple(change(array) if array.size else array for array in case.arrays)
    assert as_bytes(case.decoder()(*arrays)) == as_bytes(case.decode())


@repeatable
@given(cases(odd_scores=True, odd_offsets=True))
def test_channels_first_heads_change_no_bit(case):
    arrays = case.arrays if case.skeleton.edges else case.arrays[:2]
    fields = {"stride_px": case.stride_px, "scores": "logits"}
    rows_first = pc.Heads(*arrays, **fields)
    channels_first = pc.Heads(
        *(np.ascontiguousarray(array.transpose(2, 0, 1)) for array in arrays), layout="chw", **fields
    )
    decoder = case.decoder()
    assert as_bytes(decoder(channels_first)) == as_bytes(decoder(rows_first)) == as_bytes(case.decode())
    for one in (pc.SingleDecoder, pc.HeatmapDecoder):
        decoder = one(case.skeleton, stride_px=case.stride_px)
        assert as_bytes(decoder(channels_first)) == as_bytes(decoder(rows_first))


@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
@pytest.mark.parametrize("change", LAYOUTS.values(), ids=LAYOUTS)
def test_memory_layout_of_quantised_heads_changes_no_bit(change, dtype):
    random = np.random.default_rng(8)
    info = np.iinfo(dtype)
    arrays = [
        random.integers(info.min, info.max + 1, (11, 7, channels)).astype(dtype)
        for channels in (17, 34, 32, 32)
    ]
    fields = {
        "stride_px": 16,
        "scores": "logits",
        "quantization": {
            name: pc.Quantization(0.1 if name == "heatmaps" else 0.3, info.min + 128)
            for name in pc.heads.TENSORS
        },
    }
    decoder = pc.Decoder(COCO17, stride_px=16)
    plain = decoder(pc.Heads(*arrays, **fields))
    assert len(plain) > 3
    assert as_bytes(decoder(pc.Heads(*(change(array) for array in arrays), **fields))) == as_bytes(plain)


@pytest.mark.parametrize("dtype", [np.float32, np.uint8, np.int8])
@pytest.mark.parametrize("columns", [63, 64, 65, 128, 131])
def test_wide_rows_with_few_people(columns, dtype):
    """Rows are searched in blocks: nobody is lost at a block's edge, whatever lies side by side in memory."""
    random = np.random.default_rng(columns)
    middle = 128 if dtype == np.uint8 else 0
    arrays = [np.full((3, columns, c), middle, dtype) for c in (3, 6, 4, 4)]
    chosen = random.random((3, columns, 3)) < 0.05
    arrays[0][:] = middle - 50
    arrays[0][chosen] = middle + random.integers(1, 100, chosen.sum())
    quantization = (
        {} if dtype == np.float32 else dict.fromkeys(pc.heads.TENSORS, pc.Quantization(0.1, middle))
    )
    fields = {"stride_px": 1, "scores": "logits", "quantization": quantization}
    decoder = pc.Decoder(
        numbered_skeleton(((0, 1), (1, 2))), stride_px=1, max_poses=500, pose_threshold=0, nms_radius_px=0
    )
    plain = decoder(pc.Heads(*arrays, **fields))
    roots = {(x, y) for y, x, k in np.argwhere(chosen) if _is_peak(arrays[0][:, :, k], y, x)}
    assert {tuple(point) for point in plain.xy[:, 0].astype(int).tolist()} == roots
    planes = [np.ascontiguousarray(array.transpose(2, 0, 1)) for array in arrays]
    assert as_bytes(decoder(pc.Heads(*planes, layout="chw", **fields))) == as_bytes(plain)
    for change in LAYOUTS.values():
        assert as_bytes(decoder(pc.Heads(*map(change, arrays), **fields))) == as_bytes(plain)


def _is_peak(field: np.ndarray, row: int, column: int) -> bool:
    window = field[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2]
    return bool(field[row, column] == window.max())


def test_memory_that_must_not_be_written_and_memory_that_repeats():
    arrays = [
        np.broadcast_to(np.float32(value), (4, 5, c)) for value, c in ((2, 17), (0, 34), (0, 32), (0, 32))
    ]
    decoder = pc.Decoder(COCO17, stride_px=16)
    assert as_bytes(decoder(*arrays)) == as_bytes(decoder(*(array.copy() for array in arrays)))


def noisy(truth: np.ndarray, grid: tuple[int, int], seed: int = 0) -> list[np.ndarray]:
    """Heads of these people with noise on every cell that belongs to someone."""
    random = np.random.default_rng(seed)
    heads = [array.copy() for array in synthesise(truth, edges=COCO17.edges, grid=grid, stride_px=16)]
    for array, spread in zip(heads, (0.5, 1.0, 1.0, 1.0), strict=True):
        empty = -6 if array is heads[0] else 0
        array += np.where(array != empty, random.normal(0, spread, array.shape), 0).astype(np.float32)
    return heads


@pytest.mark.parametrize("seed", range(5))
def test_a_shift_by_one_cell_is_a_shift_by_the_stride(seed):
    grid = (40, 50)
    truth = crowd(COCO17, 5, (30, 40), 16, seed) + 5 * 16
    heads = noisy(truth, grid, seed)
    decoder = pc.Decoder(COCO17, stride_px=16)
    here = decoder(*heads)
    there = decoder(*(np.roll(array, (1, -2), axis=(0, 1)) for array in heads))
    assert len(here) == len(there) == 5
    np.testing.assert_allclose(there.xy, here.xy + np.float32([-32, 16]), rtol=0, atol=1e-3)
    np.testing.assert_allclose(there.scores, here.scores, rtol=0, atol=1e-5)


def mirrored(heads: list[np.ndarray]) -> list[np.ndarray]:
    """The heads of the mirrored picture: columns turned, x negated, left and right exchanged."""
    flip = list(COCO17.flip_index)
    edges = [COCO17.edges.index((flip[parent], flip[child])) for parent, child in COCO17.edges]
    heatmaps, short, fwd, bwd = (array[:, ::-1] for array in heads)

    def vectors(array: np.ndarray, order: list[int]) -> np.ndarray:
        half = array.shape[2] // 2
        return np.concatenate([array[:, :, :half][:, :, order], -array[:, :, half:][:, :, order]], axis=2)

    return [heatmaps[:, :, flip], vectors(short, flip), vectors(fwd, edges), vectors(bwd, edges)]


@pytest.mark.parametrize("grid", [(31, 23), (23, 31)], ids=["portrait", "landscape"])
@pytest.mark.parametrize("seed", range(5))
def test_a_mirrored_picture_gives_mirrored_people(grid, seed):
    heads = noisy(crowd(COCO17, 4, grid, 16, seed), grid, seed)
    decoder = pc.Decoder(COCO17, stride_px=16)
    plain, turned = decoder(*heads), decoder(*mirrored(heads))
    expected = plain.xy[:, list(COCO17.flip_index)] * np.float32([-1, 1]) + np.float32(
        [(grid[1] - 1) * 16, 0]
    )
    assert len(plain) >= 4
    np.testing.assert_allclose(turned.xy, expected, rtol=0, atol=1e-3)
    np.testing.assert_allclose(turned.scores, plain.scores[:, list(COCO17.flip_index)], rtol=0, atol=1e-5)


def test_a_transposed_picture_gives_transposed_people():
    grid = (23, 31)
    heads = noisy(crowd(COCO17, 4, grid, 16), grid)

    def exchanged(array: np.ndarray) -> np.ndarray:
        half = array.shape[2] // 2
        return np.concatenate([array[:, :, half:], array[:, :, :half]], axis=2).swapaxes(0, 1)

    decoder = pc.Decoder(COCO17, stride_px=16)
    plain = decoder(*heads)
    turned = decoder(heads[0].swapaxes(0, 1), *(exchanged(array) for array in heads[1:]))
    np.testing.assert_allclose(turned.xy, plain.xy[:, :, ::-1], rtol=0, atol=1e-3)


@repeatable
@given(cases())
def test_max_poses_are_found_where_there_are_as_many(case):
    everyone = len(case.decode(max_poses=65536))
    for most in range(1, 8):
        found = len(case.decode(max_poses=most))
        assert min(most, everyone) <= found <= most


def big_heads() -> list[np.ndarray]:
    random = np.random.default_rng(0)
    heads = [random.normal(0, 2, (120, 160, channels)).astype(np.float32) for channels in (17, 34, 32, 32)]
    heads[1:] = [array * 8 for array in heads[1:]]
    return heads


def test_threads_with_a_decoder_each_find_the_same():
    heads = big_heads()
    expected = as_bytes(pc.Decoder(COCO17, stride_px=16)(*heads))
    found: list[tuple[bytes, ...]] = []

    def work() -> None:
        decoder = pc.Decoder(COCO17, stride_px=16)
        found.extend(as_bytes(decoder(*heads)) for _ in range(5))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 20


def test_a_second_thread_in_one_decoder_is_told():
    heads = big_heads()
    decoder = pc.Decoder(COCO17, stride_px=16, max_poses=2000)
    expected = as_bytes(decoder(*heads))
    sentences: list[str] = []
    wrong: list[int] = []

    def work() -> None:
        for _ in range(300):
            if sentences:
                return
            try:
                if as_bytes(decoder(*heads)) != expected:
                    wrong.append(1)
            except RuntimeError as error:
                sentences.append(str(error))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(sentences) == {"this Decoder is decoding in another thread: make one Decoder a thread"}
    assert not wrong
    assert as_bytes(decoder(*heads)) == expected  # and it goes on working
