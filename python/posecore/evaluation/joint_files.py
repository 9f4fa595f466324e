"""`open_joints`: keypoints out of MPII's and LSP's files, which are recognised by what is in them."""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any, NoReturn

from posecore.arguments import choice
from posecore.errors import SourceError
from posecore.evaluation import lsp_files, mpii_files
from posecore.evaluation.hdf5_file import read_hdf5
from posecore.evaluation.joint_fields import Fields
from posecore.evaluation.joint_set import JointSet, Role
from posecore.evaluation.matlab_file import read_matlab
from posecore.evaluation.truths import Origin

MOST_BYTES = 1 << 30  # of a file
_HDF5 = b"\x89HDF\r\n\x1a\n"


def open_joints(path: str | os.PathLike[str], role: Role = "truth") -> JointSet:
    """The keypoints of a file, which may be any of these, whatever it is called:

    - MPII truth: a .mat with pos_gt_src, jnt_missing and headboxes_src (HRNet's gt_valid.mat, the PCKh tool's
      detections_our_format.mat); pose-hg's .h5 with part and normalize; HRNet's json with joints and joints_vis.
    - MPII predictions: a .mat or .h5 with preds (N, 16, 2); a .mat with pos_pred_src.
    - LSP truth: a .mat with joints (3, 14, N). LSP predictions: a .mat with pred (2, 14, N), or (2, 20, N) for sticks.

    Args:
        role: "truth" or "prediction". It chooses where a file holds both, and is otherwise a check.

    Raises:
        SourceError: names the file, the variable or record, what was wanted and what came: a file that cannot be read,
            of another kind or role, cut off, or with numbers that cannot be. Pickles and objects are never loaded.
        MissingExtra: an .h5 file, and h5py is not installed.
    """
    choice(role, "role", ("truth", "prediction"))
    name = os.fspath(path)
    data = _bytes_of(name)
    origin = Origin(name, hashlib.sha256(data).hexdigest(), len(data))
    if data.startswith(_HDF5):
        found = _of_hdf5(Fields(dict(read_hdf5(name, mpii_files.DATASETS)), origin), role)
    elif data[:19] == b"MATLAB 7.3 MAT-file":
        raise SourceError(f"{name}: wanted a MATLAB file of version 5 to 7, got 7.3: save it with -v7")
    elif data[126:128] in (b"IM", b"MI"):
        wanted = (*mpii_files.VARIABLES, *lsp_files.VARIABLES)
        found = _of_matlab(Fields(read_matlab(data, name, wanted), origin), role)
    elif data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"[", b"{"):
        found = _of_json(data, origin)
    else:
        raise SourceError(
            f"{name}: wanted a .mat (version 5 to 7), .h5 or .json of MPII or LSP, got another beginning"
        )
    if found.role != role:
        raise SourceError(f"{name}: wanted {role}s, got {found.kind}")
    if not len(found):
        raise SourceError(f"{name}: wanted people, got none")
    return found


def _bytes_of(name: str) -> bytes:
    try:
        if os.path.isfile(name) and os.path.getsize(name) > MOST_BYTES:
            raise SourceError(
                f"{name}: wanted at most {MOST_BYTES >> 20} MiB of keypoints, got {os.path.getsize(name)} bytes"
            )
        with open(name, "rb") as file:
            data = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        if isinstance(error, SourceError):
            raise
        reason = getattr(error, "strerror", None) or str(error)
        raise SourceError(f"{name}: wanted a file that can be read, got: {reason}") from None
    if len(data) > MOST_BYTES:
        raise SourceError(f"{name}: wanted at most {MOST_BYTES >> 20} MiB of keypoints, got more")
    return data


def _of_matlab(fields: Fields, role: Role) -> JointSet:
    if role == "prediction" and "pos_pred_src" in fields:
        return mpii_files.of_predictions_matlab(fields)
    if "pos_gt_src" in fields:
        return mpii_files.of_truth_matlab(fields)
    if "preds" in fields:
        return mpii_files.of_predictions(fields)
    if "joints" in fields:
        return lsp_files.of_truth(fields)
    if "pred" in fields:
        return lsp_files.of_predictions(fields)
    raise SourceError(
        f"{fields.origin.name}: wanted a variable pos_gt_src, preds (MPII), joints or pred (LSP), got none of them"
    )


def _of_hdf5(fields: Fields, role: Role) -> JointSet:
    if "preds" in fields and (role == "prediction" or "part" not in fields):
        return mpii_files.of_predictions(fields)
    if "part" in fields:
        return mpii_files.of_truth_hdf5(fields)
    raise SourceError(f"{fields.origin.name}: wanted a dataset part or preds of MPII, got neither")


def _of_json(data: bytes, origin: Origin) -> JointSet:
    def no(constant: str) -> NoReturn:
        raise SourceError(f"{origin.name}: wanted JSON, got {constant}, which JSON does not have")

    try:
        records: Any = json.loads(data.decode("utf-8-sig"), parse_constant=no)
    except SourceError:
        raise
    except (ValueError, RecursionError) as error:
        reason = "lists that are nested too deep" if isinstance(error, RecursionError) else str(error)[:200]
        raise SourceError(f"{origin.name}: wanted JSON, got {reason}") from None
    if isinstance(records, dict) and "annotations" in records:
        raise SourceError(
            f"{origin.name}: wanted MPII's json, a list of records with joints, got a COCO annotation file"
        )
    if isinstance(records, list) and records and isinstance(records[0], dict) and "keypoints" in records[0]:
        raise SourceError(
            f"{origin.name}: wanted MPII's json, a list of records with joints, got a COCO result file"
        )
    if not isinstance(records, list):
        raise SourceError(
            f"{origin.name}: wanted MPII's json, a list of records with joints, got something else"
        )
    return mpii_files.of_json(records, origin)
