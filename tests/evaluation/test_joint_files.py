"""`open_joints`: every kind of file is known by what is in it, and what is wrong in it is named."""

from __future__ import annotations

import hashlib
import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mat_files import SHORT_NAMES, cell, matlab, mpii_truth

from posecore import MPII16
from posecore.errors import SourceError
from posecore.evaluation.joint_files import open_joints
from posecore.evaluation.joint_set import LSP14


def written(folder: Path, content: bytes, name: str = "file.bin") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def hdf5(path: Path, **datasets) -> Path:
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        for name, value in datasets.items():
            file[name] = value
    return path


def record(**changed) -> dict:
    return {
        "joints_vis": [1] * 15 + [0],
        "joints": [[10.0 + k, 20.5] for k in range(15)] + [[-1.0, -1.0]],
        "image": "1.jpg",
    } | changed


@pytest.mark.parametrize("compressed", [False, True])
def test_mpii_truth_of_the_pckh_tool(tmp_path, compressed):
    missing = np.zeros((16, 3), np.uint8)
    missing[2, 1] = 1
    variables = mpii_truth(jnt_missing=missing)
    path = written(tmp_path, matlab(variables, do_compression=compressed))
    found = open_joints(path)
    assert (found.kind, found.role, found.skeleton, found.first_pixel) == ("MPII truth", "truth", MPII16, 1)
    assert found.points.shape == (3, 16, 2)
    assert found.points[1, 2].tolist() == variables["pos_gt_src"][2, :, 1].tolist()
    assert np.argwhere(~found.labelled).tolist() == [[1, 2]]
    assert found.head_boxes[2].tolist() == variables["headboxes_src"][:, :, 2].ravel().tolist()
    assert found.origin.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert "count from 1" in found.convention
    predicted = open_joints(path, "prediction")
    assert (predicted.role, predicted.points[0, 0].tolist()) == (
        "prediction",
        (found.points[0, 0] + 1).tolist(),
    )


def test_predictions_of_mpii(tmp_path):
    points = np.arange(64, dtype=np.float32).reshape(2, 16, 2)
    points[1, 3, 0] = np.nan
    for path in (
        written(tmp_path, matlab({"preds": points})),
        hdf5(tmp_path / "a.h5", preds=points),
    ):
        found = open_joints(path, "prediction")
        assert np.array_equal(found.points, points, equal_nan=True)
        assert np.argwhere(~found.labelled).tolist() == [[1, 3]]


def test_truth_of_pose_hg(tmp_path):
    points = np.ones((2, 16, 2))
    points[1, 4] = 0
    points[1, 5] = 0, 7
    names = np.array([b"a.jpg", b"b.jpg"])
    found = open_joints(hdf5(tmp_path / "a.h5", part=points, normalize=np.array([3.0, 4.0]), imgname=names))
    assert np.argwhere(~found.labelled).tolist() == [[1, 4]]
    assert found.head_sizes.tolist() == [3, 4]
    assert found.image_names == ("a.jpg", "b.jpg")
    codes = np.array([[97.0, 0, 0], [98, 99, 0]])
    assert open_joints(hdf5(tmp_path / "b.h5", part=points, imgname=codes)).image_names == ("a", "bc")


def test_json_of_hrnet(tmp_path, shared):
    found = open_joints(written(tmp_path, json.dumps([record(), record(image="2.jpg")]).encode()))
    assert found.points[1, 14].tolist() == [24, 20.5]
    assert np.argwhere(~found.labelled).tolist() == [[0, 15], [1, 15]]
    assert found.image_names == ("1.jpg", "2.jpg")
    assert found.head_boxes is None
    real = open_joints(shared / "data" / "eval" / "formats" / "test_mpii.json")
    assert (len(real), int(real.labelled.sum())) == (5, 76)
    assert real.points[0, 8].tolist() == [982.7591, 235.9694]


def test_lsp(tmp_path):
    joints = np.arange(3 * 14 * 2, dtype=np.float64).reshape(3, 14, 2)
    found = open_joints(written(tmp_path, matlab({"joints": joints})))
    assert (found.skeleton, found.points.shape) == (LSP14, (2, 14, 2))
    assert found.points[1, 3].tolist() == joints[:2, 3, 1].tolist()
    assert found.labelled.all()
    keypoints = open_joints(written(tmp_path, matlab({"pred": joints[:2]})), "prediction")
    assert np.array_equal(keypoints.points, found.points)
    assert keypoints.sticks is None
    ends = np.arange(2 * 20 * 2, dtype=np.float64).reshape(2, 20, 2)
    sticks = open_joints(written(tmp_path, matlab({"pred": ends})), "prediction")
    assert sticks.sticks.shape == (2, 10, 2, 2)
    assert sticks.sticks[1, 4, 1].tolist() == ends[:, 9, 1].tolist()


def test_one_person_of_whom_matlab_drops_the_last_side(tmp_path):
    one = mpii_truth(1)
    dropped = {name: value[..., 0] if value.ndim == 3 else value for name, value in one.items()}
    assert np.array_equal(
        open_joints(written(tmp_path, matlab(dropped))).points,
        open_joints(written(tmp_path, matlab(one))).points,
    )


NAN = np.full((16, 2, 3), np.nan)


@pytest.mark.parametrize(
    ("variables", "role", "sentence"),
    [
        (
            mpii_truth(pos_gt_src=NAN),
            "truth",
            "pos_gt_src: wanted finite pixels for labelled keypoints, got NaN",
        ),
        (
            mpii_truth(pos_gt_src=np.full((16, 2, 3), np.inf)),
            "truth",
            "pos_gt_src: wanted numbers within 1e9, got inf at",
        ),
        (
            mpii_truth(pos_pred_src=np.full((16, 2, 3), 1e10)),
            "prediction",
            "pos_pred_src: wanted numbers within 1e9",
        ),
        (
            mpii_truth(jnt_missing=np.full((16, 3), 2.0)),
            "truth",
            r"jnt_missing: wanted 0 or 1 everywhere, got 2 at \(0",
        ),
        (
            mpii_truth(jnt_missing=np.zeros((16, 2))),
            "truth",
            r"jnt_missing: wanted numbers of shape \(16, 3\), got \(16",
        ),
        (mpii_truth(jnt_missing=None), "truth", r"jnt_missing: wanted numbers of shape \(16, 3\), got none"),
        (
            mpii_truth(headboxes_src=np.full((2, 2, 3), np.nan)),
            "truth",
            "headboxes_src: wanted finite corners",
        ),
        (
            mpii_truth(dataset_joints=cell("rank " * 16)),
            "truth",
            f"dataset_joints: wanted {SHORT_NAMES}, got rank rank",
        ),
        (
            mpii_truth(pos_gt_src=np.zeros((14, 2, 3))),
            "truth",
            r"pos_gt_src: wanted numbers of shape \(16, 2, N\)",
        ),
        ({"pos_gt_src": {"a": 1}}, "truth", "variable pos_gt_src: wanted an array of numbers, got a struct"),
        ({"preds": np.zeros((2, 16, 2))}, "truth", "wanted truths, got MPII predictions"),
        ({"joints": np.zeros((3, 14, 2))}, "prediction", "wanted predictions, got LSP truth"),
        (
            {"joints": np.zeros((14, 3, 2))},
            "truth",
            r"joints: wanted numbers of shape \(3, 14, N\), got \(14, 3, 2\)",
        ),
        (
            {"pred": np.zeros((2, 17, 5))},
            "prediction",
            r"pred: wanted numbers of shape \(2, 14, N\), got \(2, 17, 5\)",
        ),
        ({"preds": np.zeros((0, 16, 2))}, "prediction", "wanted people, got none"),
        (
            {"x": np.zeros((1, 1))},
            "truth",
            r"wanted a variable pos_gt_src, preds \(MPII\), joints or pred \(LSP\), got none",
        ),
    ],
)
def test_what_is_wrong_in_a_mat_file_is_named(tmp_path, variables, role, sentence):
    path = written(tmp_path, matlab(variables), "bad.mat")
    with pytest.raises(SourceError, match=f"bad.mat: {sentence}"):
        open_joints(path, role)


@pytest.mark.parametrize(
    ("datasets", "role", "sentence"),
    [
        (
            {"part": np.zeros((2, 14, 2))},
            "truth",
            r"part: wanted numbers of shape \(N, 16, 2\), got \(2, 14, 2\)",
        ),
        ({"part": np.full((2, 16, 2), np.nan)}, "truth", "part: wanted finite pixels for labelled keypoints"),
        (
            {"part": np.ones((2, 16, 2)), "normalize": np.zeros(2)},
            "truth",
            "normalize: wanted head sizes above 0, got 0",
        ),
        (
            {"part": np.ones((2, 16, 2)), "normalize": np.ones(3)},
            "truth",
            r"normalize: wanted numbers of shape \(2,\)",
        ),
        ({"part": np.ones((2, 16, 2)), "imgname": np.ones(2)}, "truth", "imgname: wanted 2 names"),
        ({"part": ["a", "b"]}, "truth", " dataset part: wanted an array of numbers, got object"),
        ({"x": np.zeros(2)}, "truth", "wanted a dataset part or preds of MPII, got neither"),
    ],
)
def test_what_is_wrong_in_an_hdf5_file_is_named(tmp_path, datasets, role, sentence):
    with pytest.raises(SourceError, match=f"bad.h5: ?{sentence}"):
        open_joints(hdf5(tmp_path / "bad.h5", **datasets), role)


def test_an_hdf5_file_does_not_lead_to_another(tmp_path):
    h5py = pytest.importorskip("h5py")
    other = hdf5(tmp_path / "other.h5", part=np.ones((1, 16, 2)))
    for number, link in enumerate((h5py.ExternalLink(str(other), "/part"), h5py.SoftLink("/elsewhere"))):
        with pytest.raises(SourceError, match="dataset part: wanted numbers in this file, got a link"):
            open_joints(hdf5(tmp_path / f"{number}.h5", part=link))
    with h5py.File(tmp_path / "virtual.h5", "w") as file:
        layout = h5py.VirtualLayout((1, 16, 2), "f8")
        layout[:] = h5py.VirtualSource(str(other), "part", (1, 16, 2))
        file.create_virtual_dataset("part", layout)
    with pytest.raises(
        SourceError, match="dataset part: wanted numbers in this file, got a reference to another"
    ):
        open_joints(tmp_path / "virtual.h5")
    with h5py.File(tmp_path / "huge.h5", "w") as file:
        file.create_dataset("part", (10**8, 16, 2), "f8", chunks=(1000, 16, 2))
    with pytest.raises(SourceError, match="dataset part: wanted at most 256 MiB, got the shape"):
        open_joints(tmp_path / "huge.h5")
    with h5py.File(tmp_path / "group.h5", "w") as file:
        file.create_group("part")
    with pytest.raises(SourceError, match="dataset part: wanted numbers, got group"):
        open_joints(tmp_path / "group.h5")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"[", "wanted JSON, got Expecting value"),
        (b"[" * 100_000, "wanted JSON, got lists that are nested too deep"),
        (b"[\xff]", "wanted JSON, got 'utf-8' codec"),
        (b'[{"joints": [NaN]}]', "wanted JSON, got NaN, which JSON does not have"),
        (b'{"annotations": []}', "got a COCO annotation file"),
        (b'[{"keypoints": []}]', "got a COCO result file"),
        (b"{}", "wanted MPII's json, a list of records with joints, got something else"),
        (b"[]", "wanted people, got none"),
        (b"[1]", "record 0: wanted an object with joints, got int"),
        (
            json.dumps([record(), record(joints=[[0, 0]] * 15)]),
            "record 1: joints: wanted 16 pairs of finite numbers",
        ),
        (json.dumps([record(joints=[[0, "x"]] * 16)]), "record 0: joints: wanted 16 pairs"),
        (json.dumps([record(joints=[[0, 10**400]] * 16)]), "record 0: joints: wanted 16 pairs"),
        (json.dumps([record(joints=None)]), "record 0: joints: wanted 16 pairs"),
        (json.dumps([record(joints_vis=[2] * 16)]), "record 0: joints_vis: wanted 16 of 0 or 1"),
        (json.dumps([record(image=7)]), "record 0: image: wanted a name, got int"),
        (b"", "another beginning"),
        (pickle.dumps([1]), "another beginning"),
        (
            b"MATLAB 7.3 MAT-file".ljust(512),
            "wanted a MATLAB file of version 5 to 7, got 7.3: save it with -v7",
        ),
        (b"\x89HDF\r\n\x1a\n", "wanted an HDF5 file that can be read"),
    ],
)
def test_other_files_get_a_sentence(tmp_path, content, sentence):
    pytest.importorskip("h5py")
    path = written(tmp_path, content.encode() if isinstance(content, str) else content)
    with pytest.raises(SourceError, match=rf"file.bin: .*{sentence}"):
        open_joints(path)


def test_files_that_are_not_there_get_a_sentence(tmp_path):
    with pytest.raises(SourceError, match=r"nothing.mat: wanted a file that can be read, got: No such file"):
        open_joints(tmp_path / "nothing.mat")
    with pytest.raises(SourceError, match="wanted a file that can be read, got: Is a directory"):
        open_joints(tmp_path)
    with pytest.raises(ValueError, match="role: wanted one of truth, prediction, got 'both'"):
        open_joints(tmp_path, "both")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.data())
def test_broken_hdf5_files_give_joints_or_a_sentence(tmp_path, data):
    whole = bytearray(
        hdf5(tmp_path / "whole.h5", part=np.ones((2, 16, 2)), normalize=np.ones(2)).read_bytes()
    )
    broken = whole[: data.draw(st.integers(8, len(whole)))]
    for _ in range(data.draw(st.integers(0, 4))):
        broken[data.draw(st.integers(8, len(broken) - 1)) if len(broken) > 8 else 0] = data.draw(
            st.integers(0, 255)
        )
    path = written(tmp_path, bytes(broken))
    try:
        found = open_joints(path)
    except SourceError as error:
        said = str(error)
    else:
        said = f"{path}: {found.points.shape[1:]}"
    assert str(path) in said
    assert said.isprintable()
