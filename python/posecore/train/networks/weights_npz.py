"""Weights out of an .npz file of named arrays, which may come from anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from posecore.errors import ModelError


def read_npz(path: Path, wanted: Mapping[str, tuple[int, ...]], model: str) -> dict[str, NDArray[np.float32]]:
    """The arrays of an .npz file: exactly those `wanted`, by name and shape, float32 or float16, as float32.

    Raises ModelError, with a sentence that names the file and the array, if the file is anything else. No array is
    unpacked whose header is not what is wanted. `model`: its name, for messages.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise ModelError(f"weights {path} cannot be read: {error.strerror}") from error
    with file:
        try:
            archive = np.load(file, allow_pickle=False)
        except Exception as error:  # whatever a broken file makes the zip and npy readers raise
            raise ModelError(f"weights {path} are not a whole .npz file") from error
        if not isinstance(archive, np.lib.npyio.NpzFile):
            raise ModelError(f"weights {path} must be an .npz file of named arrays, got a single .npy array")
        names = set(archive.files)
        for name in sorted(wanted.keys() - names):
            raise ModelError(f"weights {path} have no array {name}, which {model} needs")
        for name in sorted(names - wanted.keys()):
            raise ModelError(f"weights {path} have an array {name!r}, for which {model} has no layer")
        return {name: _read_array(archive, name, shape, path) for name, shape in wanted.items()}


def _read_array(archive: Any, name: str, shape: tuple[int, ...], path: Path) -> NDArray[np.float32]:
    """One array of an open .npz; its header is judged before any of its data is unpacked."""
    try:
        with archive.zip.open(f"{name}.npy") as member:
            version = npy_format.read_magic(member)
            read_header = (
                npy_format.read_array_header_1_0 if version == (1, 0) else npy_format.read_array_header_2_0
            )
            got_shape, _, dtype = read_header(member)
    except Exception as error:  # as in read_npz
        raise ModelError(f"weights {path} are damaged at array {name}") from error
    if got_shape != shape:
        raise ModelError(f"weights {path} have {name} of shape {got_shape}, the model needs {shape}")
    if dtype not in (np.dtype(np.float32), np.dtype(np.float16)):
        raise ModelError(f"weights {path} have {name} of dtype {dtype}, wanted float32 or float16")
    try:
        # By the name that was judged: archive[name] prefers a member without the ending .npy, where there is one too.
        with archive.zip.open(f"{name}.npy") as member:
            return np.asarray(npy_format.read_array(member, allow_pickle=False), dtype=np.float32)
    except Exception as error:
        raise ModelError(f"weights {path} are damaged at array {name}") from error
