"""The shared library: what it exports, and Python's poses, ids and paths through ctypes."""

from __future__ import annotations

import ctypes
import platform
import re
import shutil
from ctypes import byref, c_void_p
from pathlib import Path

import c_api
import numpy as np
import pytest
from c_api import Library, declared
from heads_file import TENSORS, two_people

import posecore
from cmake_project import run
from posecore import COCO17, Decoder, Heads, KalmanSmoother, Poses, Tracker

K = COCO17.num_keypoints


@pytest.fixture(scope="module")
def path(prefix: Path) -> Path:
    """The shared library's file."""
    pattern = {"Windows": "bin/posecore_c.dll", "Darwin": "lib*/libposecore_c.dylib"}
    return next(prefix.glob(pattern.get(platform.system(), "lib*/libposecore_c.so")))


@pytest.fixture(scope="module")
def library(path: Path) -> Library:
    return Library(path)


def words(size_bytes: int) -> np.ndarray:
    """Memory, aligned as for a 64-bit integer; all zeros."""
    return np.zeros(-(-size_bytes // 8), np.uint64)


def tensor(library: Library, array: np.ndarray, order: str, scale: float, zero_point: int) -> c_api.Tensor:
    kinds = {np.float32: c_api.FLOAT32, np.uint8: c_api.UINT8, np.int8: c_api.INT8}
    shape = array.shape if order == "hwc" else (*array.shape[1:], array.shape[0])
    make = library.hwc_tensor if order == "hwc" else library.chw_tensor
    return make(array.ctypes.data, kinds[array.dtype.type], *shape, scale, zero_point)


def decoded(library: Library, heads: Heads, order: str = "hwc") -> list[np.ndarray]:
    """[xy, scores, pose_scores] of the C API."""
    options = c_api.MultiOptions()
    library.multi_options_init(byref(options))
    options.stride_px = heads.stride_px
    plan_memory, plan = words(library.multi_plan_bytes(K)), c_void_p()
    made = (library.coco17(), byref(options), plan_memory.ctypes.data, plan_memory.nbytes, byref(plan))
    assert library.multi_plan_make(*made) == c_api.OK
    arrays = {name: np.ascontiguousarray(array) for name, array in heads.tensors().items()}
    if order == "chw":
        arrays = {name: np.ascontiguousarray(array.transpose(2, 0, 1)) for name, array in arrays.items()}
    views = {}
    for name in TENSORS:
        stored = heads.quantization[name] if heads.quantization else None
        scale, zero_point = (stored.scale, stored.zero_point) if stored else (1.0, 0)
        views[name] = tensor(library, arrays[name], order, scale, zero_point)
    c_heads = c_api.Heads(**views, scores=0 if heads.scores == "logits" else 1)
    workspace = words(library.multi_workspace_bytes(plan, *heads.grid))
    out = [np.zeros((20, K, 2), np.float32), np.zeros((20, K), np.float32), np.zeros(20, np.float32)]
    poses = c_api.Poses(*(array.ctypes.data for array in out), 20, -1, None)
    status = library.decode_multi(plan, byref(c_heads), workspace.ctypes.data, workspace.nbytes, byref(poses))
    assert status == c_api.OK
    return [array[: poses.count] for array in out]


def test_it_says_which_library_it_is(library: Library) -> None:
    assert library.version().decode() == posecore.__version__
    assert library.abi_version() == c_api.ABI_VERSION
    assert library.message(c_api.OK) == b"ok"


@pytest.mark.parametrize("order", ["hwc", "chw"])
def test_people_have_the_bits_of_python(library: Library, order: str) -> None:
    heads, _ = two_people()
    wanted = Decoder(COCO17, stride_px=heads.stride_px)(heads)
    assert len(wanted.xy) == 2
    got = decoded(library, heads, order)
    for array, expected in zip(got, (wanted.xy, wanted.scores, wanted.pose_scores), strict=True):
        np.testing.assert_array_equal(array, expected)


def test_people_of_real_heads_have_the_bits_of_python(library: Library, shared: Path) -> None:
    heads = Heads.load(shared / "data" / "decode" / "couple_353x481__B.npz")
    wanted = Decoder(COCO17, stride_px=heads.stride_px)(heads)
    got = decoded(library, heads, "chw")
    np.testing.assert_array_equal(got[0], wanted.xy)
    np.testing.assert_array_equal(got[1], wanted.scores)


def walk() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """xy, scores and times of one person who walks for two seconds."""
    _, people = two_people()
    numbers = np.random.default_rng(1)
    times = np.arange(60) / 30
    xy = people[0] + np.stack([40 * times, np.zeros(60)], -1)[:, None] + numbers.normal(0, 1, (60, K, 2))
    return xy.astype(np.float32), numbers.uniform(0.4, 1, (60, K)).astype(np.float32), times


def test_a_track_is_smoothed_to_the_bits_of_python(library: Library) -> None:
    xy, scores, times = walk()
    memory, plan = words(library.kalman_plan_bytes()), c_void_p()
    assert library.kalman_plan_make(None, K, memory.ctypes.data, memory.nbytes, byref(plan)) == c_api.OK
    person, out = words(library.kalman_person_bytes(plan)), np.zeros_like(xy)
    measured = c_api.MeasuredPoses(xy.ctypes.data, scores.ctypes.data, None, None)
    smoothed = c_api.SmoothedPoses(out.ctypes.data, None)
    status = library.kalman_smooth_track(
        *(plan, byref(measured), len(xy), times.ctypes.data, person.ctypes.data, person.nbytes),
        byref(smoothed),
    )
    assert status == c_api.OK
    wanted = KalmanSmoother(COCO17, fps=30).track(xy, scores, time_s=times)
    np.testing.assert_array_equal(out, wanted)
    assert np.abs(np.diff(out, axis=0)).mean() < np.abs(np.diff(xy, axis=0)).mean()


def test_oks_has_the_bits_of_python(library: Library) -> None:
    _, people = two_people()
    truths = np.ascontiguousarray(people)
    found = truths[::-1] + np.random.default_rng(2).normal(0, 3, truths.shape)
    found = np.ascontiguousarray(found)
    visibility, areas = np.full((2, K), 2, np.uint8), np.array([8000.0, 9000.0])
    sigmas, out = np.array(COCO17.sigmas), np.zeros((2, 2))
    detections = c_api.OksDetections(found.ctypes.data, 0, 0, 0, None, 2)
    wanted = c_api.OksTruths(
        truths.ctypes.data, 0, 0, 0, visibility.ctypes.data, 0, areas.ctypes.data, None, None, 2
    )
    status = library.oks_double(
        sigmas.ctypes.data, K, byref(detections), byref(wanted), out.ctypes.data, out.shape[1]
    )
    assert status == c_api.OK
    labelled = np.concatenate([truths, visibility[..., None]], axis=-1)
    np.testing.assert_array_equal(out, posecore.oks(found, labelled, areas, COCO17))
    assert out.argmax(axis=1).tolist() == [1, 0]


def test_ids_are_those_of_python(library: Library) -> None:
    memory, plan = words(library.tracker_plan_bytes(K)), c_void_p()
    made = (library.coco17_body(), None, memory.ctypes.data, memory.nbytes, byref(plan))
    assert library.tracker_plan_make(*made) == c_api.OK
    workspace = words(library.tracker_workspace_bytes(plan))
    assert library.tracker_start(plan, workspace.ctypes.data, workspace.nbytes) == c_api.OK
    tracker = Tracker(COCO17, repair_swaps=False)
    heads, _ = two_people()
    poses = Decoder(COCO17, stride_px=heads.stride_px)(heads)
    for frame in range(4):
        order = [1, 0] if frame % 2 else [0, 1]
        xy, scores, pose_scores = (
            np.ascontiguousarray(a[order]) for a in (poses.xy + frame, poses.scores, poses.pose_scores)
        )
        ids = np.zeros(2, np.int64)
        c_frame = c_api.FramePoses(
            xy.ctypes.data, scores.ctypes.data, pose_scores.ctypes.data, None, 2, frame / 30
        )
        status = library.tracker_update(
            plan, byref(c_frame), workspace.ctypes.data, workspace.nbytes, ids.ctypes.data
        )
        assert status == c_api.OK
        tracked = tracker(Poses(xy, scores, pose_scores, skeleton=COCO17, time_s=frame / 30))
        assert ids.tolist() == tracked.track_ids.tolist()
        assert sorted(ids.tolist()) == [1, 2]


def test_what_is_wrong_is_a_status(library: Library) -> None:
    plan = c_void_p(1)
    assert library.multi_plan_make(None, None, None, 0, byref(plan)) == c_api.NULL_POINTER
    assert plan.value is None
    assert library.decode_multi(None, None, None, 0, None) == c_api.NULL_POINTER
    assert library.decode_single(None, 16.0, None) == c_api.NULL_POINTER
    assert library.multi_plan_bytes(0) == 0
    assert library.message(c_api.NULL_POINTER) == b"memory that is needed was not given"


def test_it_exports_the_functions_of_the_header_and_nothing_else(path: Path, repository: Path) -> None:
    names = declared(repository)
    assert len(names) > 40
    for name in names:
        assert hasattr(ctypes.CDLL(str(path)), name)
    if platform.system() != "Linux" or shutil.which("nm") is None:
        pytest.skip("reads ELF libraries with nm")
    exported = {line.split()[-1] for line in run("nm", "-D", "--defined-only", path).splitlines()}
    assert exported == names


def test_its_name_carries_the_abi_and_it_needs_c_alone(path: Path) -> None:
    if platform.system() != "Linux" or shutil.which("readelf") is None:
        pytest.skip("reads ELF libraries with readelf")
    dynamic = run("readelf", "-d", path)
    assert re.findall(r"soname: \[(.*?)\]", dynamic) == [f"libposecore_c.so.{c_api.ABI_VERSION}"]
    needed = set(re.findall(r"Shared library: \[(\w+)", dynamic))
    assert needed <= {"libc", "libm", "ld"}
