"""`decode_batch` gives what calling gives for each frame, in their order, and says whose fault it is."""

from __future__ import annotations

import pickle
import re
import signal
import threading

import numpy as np
import pytest
from arbitrary import cases, repeatable
from hypothesis import given
from hypothesis import strategies as st

import posecore as pc
from oracle.synthesise import synthesise
from posecore import COCO17

STRIDE_PX = 16


def people(count: int, *, grid: tuple[int, int] = (14, 18), seed: int = 0) -> list[np.ndarray]:
    """Heads' arrays of so many people, float32."""
    random = np.random.default_rng(seed)
    extent = np.array([grid[1] - 1, grid[0] - 1]) * STRIDE_PX
    points = random.uniform(0, extent, (count, 17, 2)) if count else np.full((1, 17, 2), 1e4)
    return [
        array.astype(np.float32)
        for array in synthesise(points, edges=COCO17.edges, grid=grid, stride_px=STRIDE_PX)
    ]


def heads(count: int, **made: object) -> pc.Heads:
    return pc.Heads(*people(count, **made), stride_px=STRIDE_PX, scores="logits")


def quantised(count: int) -> pc.Heads:
    """uint8, channels first."""
    arrays, quantization = [], {}
    for name, array in zip(pc.heads.TENSORS, people(count, seed=5), strict=True):
        scale = float(np.abs(array).max()) / 120
        arrays.append((np.rint(array / scale) + 128).astype(np.uint8).transpose(2, 0, 1))
        quantization[name] = pc.Quantization(scale, 128)
    return pc.Heads(*arrays, stride_px=STRIDE_PX, scores="logits", layout="chw", quantization=quantization)


def decoder(**options: object) -> pc.Decoder:
    return pc.Decoder(COCO17, **{"stride_px": STRIDE_PX, **options})


@pytest.fixture(scope="module")
def mixed() -> list[pc.Heads]:
    """Crowds, nobody, other grids, float32 and uint8."""
    return [
        heads(3),
        heads(0),
        quantised(2),
        heads(1, grid=(3, 40)),
        heads(9, grid=(31, 41), seed=3),
        quantised(1),
        heads(0, grid=(1, 1)),
    ]


@pytest.mark.parametrize("threads", [None, 1, 2, 3, 16])
def test_every_frame_is_what_calling_gives(mixed, threads):
    alone = [decoder()(frame) for frame in mixed]
    assert len({len(poses) for poses in alone}) > 2
    assert decoder().decode_batch(mixed, threads=threads) == alone


def test_the_people_of_captured_heads(decode_data):
    paths = sorted(decode_data.glob("*.npz"))
    frames = [pc.Heads.load(path) for path in paths]
    assert len(frames) == 14
    batch = decoder().decode_batch(frames * 3, threads=2)
    assert batch == [decoder()(frame) for frame in frames] * 3


@repeatable
@given(case=cases(odd_scores=True, odd_offsets=True), threads=st.integers(1, 4), count=st.integers(1, 6))
def test_frames_of_any_numbers(case, threads, count):
    frames = [[np.roll(array, i, axis=0) for array in case.arrays] for i in range(count)]
    stacked = [np.stack(arrays) for arrays in zip(*frames, strict=True)]
    batch = case.decoder().decode_batch(*stacked, threads=threads)
    assert batch == [case.decoder()(*frame) for frame in frames]


def test_a_decoder_goes_on_as_before(mixed):
    one = decoder()
    before = one(mixed[0])
    one.decode_batch(mixed, threads=2)
    assert one(mixed[0]) == before
    assert one.decode_batch(mixed[:1], threads=2) == [before]


def test_no_frames_are_no_poses():
    assert decoder().decode_batch([]) == []
    empty = [np.zeros((0, 3, 4, channels), np.float32) for channels in (17, 34, 32, 32)]
    assert decoder().decode_batch(*empty) == []


def test_anything_that_gives_heads_will_do(mixed):
    alone = decoder().decode_batch(mixed)
    assert decoder().decode_batch(tuple(mixed)) == alone
    assert decoder().decode_batch(frame for frame in mixed) == alone


def test_poses_of_a_batch_are_read_only_and_their_own(mixed):
    first, *_, last = decoder().decode_batch(mixed[:3], threads=2)
    for poses in (first, last):
        for name in ("xy", "scores", "pose_scores", "visible", "track_ids"):
            array = getattr(poses, name)
            assert array.flags.owndata
            assert not array.flags.writeable
    assert first.skeleton is COCO17
    assert (first.image_size, first.time_s) == (None, None)
    assert pickle.loads(pickle.dumps(first)) == first
    assert not np.shares_memory(first.xy, last.xy)


def test_four_arrays_of_many_frames():
    frames = [people(count, seed=count) for count in (2, 0, 4)]
    stacked = [np.stack(arrays) for arrays in zip(*frames, strict=True)]
    alone = [decoder()(*frame) for frame in frames]
    assert [len(poses) for poses in alone] == [2, 0, 4]
    assert decoder().decode_batch(*stacked, threads=2) == alone


def test_a_skeleton_of_one_keypoint_needs_two_arrays():
    dot = pc.Skeleton("dot", ("dot",))
    heatmaps = np.full((2, 3, 4, 1), -9, np.float32)
    heatmaps[1, 1, 2] = 5
    decode = pc.Decoder(dot, stride_px=STRIDE_PX).decode_batch
    none, found = decode(heatmaps, np.zeros((2, 3, 4, 2), np.float32))
    assert len(none) == 0
    assert found.xy.tolist() == [[[32, 16]]]


ARRAYS = [np.zeros((2, 3, 4, channels), np.float32) for channels in (17, 34, 32, 32)]
SENTENCES = {
    "one Heads": (
        lambda: decoder().decode_batch(heads(1)),
        TypeError,
        "frames: wanted a row of Heads, or four arrays, got Heads",
    ),
    "a number": (
        lambda: decoder().decode_batch(3),
        TypeError,
        "frames: wanted a row of Heads, or four arrays, got int",
    ),
    "both": (
        lambda: decoder().decode_batch([heads(1)], ARRAYS[1]),
        TypeError,
        "frames: wanted either a row of Heads or four arrays, got both",
    ),
    "something in the middle": (
        lambda: decoder().decode_batch([heads(1), None, heads(1)]),
        TypeError,
        "frames[1]: heads: wanted Heads, got NoneType",
    ),
    "another stride": (
        lambda: decoder(stride_px=8).decode_batch([heads(1)]),
        ValueError,
        "frames[0]: heads: wanted a stride of 8.0 px as this decoder has, got 16.0",
    ),
    "no displacements": (
        lambda: decoder().decode_batch(
            [heads(1), heads(0), pc.Heads(*people(1)[:2], stride_px=16, scores="logits")]
        ),
        ValueError,
        "frames[2]: heads: wanted displacement_fwd, got heads without; HeatmapDecoder reads heatmaps alone",
    ),
    "three arrays": (
        lambda: decoder().decode_batch(*ARRAYS[:3]),
        TypeError,
        "displacement_bwd: wanted a float32 array of shape (N, h, w, channels), got NoneType",
    ),
    "arrays of another dtype": (
        lambda: decoder().decode_batch(ARRAYS[0].astype(np.float64), *ARRAYS[1:]),
        TypeError,
        "heatmaps: wanted a float32 array of shape (N, h, w, channels), got float64",
    ),
    "arrays of one frame": (
        lambda: decoder().decode_batch(*(array[0] for array in ARRAYS)),
        ValueError,
        "heatmaps: wanted a float32 array of shape (N, h, w, channels), got (3, 4, 17)",
    ),
    "another number of frames": (
        lambda: decoder().decode_batch(ARRAYS[0], ARRAYS[1][:1], *ARRAYS[2:]),
        ValueError,
        "short_offsets: wanted 2 frames as heatmaps has, got 1",
    ),
    "too few channels": (
        lambda: decoder().decode_batch(ARRAYS[0], ARRAYS[1][..., :33], *ARRAYS[2:]),
        ValueError,
        "frames[0]: short_offsets: wanted 34 channels for 17 keypoints, got 33",
    ),
    "no threads": (
        lambda: decoder().decode_batch([], threads=0),
        ValueError,
        "threads: wanted a whole number from 1 to 1024, got 0",
    ),
    "half a thread": (
        lambda: decoder().decode_batch([], threads=0.5),
        TypeError,
        "threads: wanted a whole number from 1 to 1024, got float",
    ),
}


@pytest.mark.parametrize(("call", "error", "sentence"), SENTENCES.values(), ids=SENTENCES)
def test_the_sentence(call, error, sentence):
    with pytest.raises(error, match=f"^{re.escape(sentence)}$") as caught:
        call()
    assert type(caught.value) is error


def test_a_bad_frame_leaves_the_decoder_as_it_was():
    one = decoder()
    good = one(heads(2))
    with pytest.raises(TypeError, match=r"^frames\[1\]"):
        one.decode_batch([heads(1), 3, heads(1)], threads=2)
    assert one(heads(2)) == good


def test_a_mistake_in_another_frames_quantisation_is_not_remembered():
    """The decoder remembers the quantisation that it read last."""
    one, first, second = decoder(), quantised(1), quantised(3)
    expected = decoder()(first), decoder()(second)
    assert one.decode_batch([first, second, first, second], threads=1) == [*expected, *expected]
    rows_first = {name: array.transpose(1, 2, 0) for name, array in second.tensors().items()}
    broken = pc.Heads._trusted(rows_first, STRIDE_PX, "logits", {})
    with pytest.raises(
        ValueError, match=r"^quantization: wanted scale and zero point of heatmaps, got none$"
    ):
        one(broken)
    assert one(first) == expected[0]


def test_a_batch_keeps_other_threads_out():
    """Whoever comes while a batch is at work is told, or comes after it: nobody gets another's people."""
    one, frames = decoder(), [heads(9, grid=(31, 41), seed=3)] * 200
    expected = decoder()(frames[0])
    told, wrong = [], []

    def interfere() -> None:
        for _ in range(200):
            try:
                if one(frames[0]) != expected:
                    wrong.append("another's people")
            except RuntimeError as error:
                told.append(str(error))

    other = threading.Thread(target=interfere)
    other.start()
    for _ in range(5):
        try:
            assert one.decode_batch(frames, threads=2) == [expected] * len(frames)
        except RuntimeError as error:
            told.append(str(error))
    other.join()
    assert wrong == []
    assert set(told) <= {"this Decoder is decoding in another thread: make one Decoder a thread"}


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no interval timers")
def test_ctrl_c_ends_a_batch():
    """While frames are decoded, not after all of them: so many would take minutes."""
    one, frames = decoder(max_poses=100, refine_steps=100), [heads(60, grid=(61, 81), seed=3)] * 200_000

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.5)
        with pytest.raises(KeyboardInterrupt):
            one.decode_batch(frames, threads=2)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert len(one(frames[0])) > 0
