"""Numbers out of HDF5 files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from posecore.errors import SourceError, require

if TYPE_CHECKING:
    import numpy.typing as npt

MOST_BYTES = 1 << 28  # of one dataset


def read_hdf5(path: str, wanted: tuple[str, ...]) -> dict[str, npt.NDArray[Any]]:
    """Those of the `wanted` datasets that are at the root of a file.

    Only numbers (whole or floating) and byte strings of fixed length are read, and only what lies in this file itself:
    no links, no external or virtual storage, no objects.

    Raises:
        SourceError: names the file, and the dataset where there is one.
        MissingExtra: h5py is not installed.
    """
    h5py = require("h5py", extra="eval", purpose="reading HDF5 files")
    found: dict[str, npt.NDArray[Any]] = {}
    field = ""
    try:
        with h5py.File(path, "r") as file:
            for name in wanted:
                field = f" dataset {name}:"
                if name not in file.keys():  # noqa: SIM118 (`in file` follows links)
                    continue
                if not isinstance(file.get(name, getlink=True), h5py.HardLink):
                    raise SourceError(f"{path}:{field} wanted numbers in this file, got a link")
                dataset = file[name]
                if not isinstance(dataset, h5py.Dataset):
                    raise SourceError(f"{path}:{field} wanted numbers, got {type(dataset).__name__.lower()}")
                if dataset.is_virtual or dataset.external:
                    raise SourceError(
                        f"{path}:{field} wanted numbers in this file, got a reference to another"
                    )
                if dataset.shape is None or dataset.dtype.kind not in "iufS" or dataset.dtype.subdtype:
                    raise SourceError(f"{path}:{field} wanted an array of numbers, got {dataset.dtype}")
                size = dataset.dtype.itemsize
                for side in dataset.shape:
                    size *= int(side)
                if size > MOST_BYTES:
                    raise SourceError(
                        f"{path}:{field} wanted at most {MOST_BYTES >> 20} MiB, got the shape {dataset.shape}"
                    )
                found[name] = np.asarray(dataset[()])
    except SourceError:
        raise
    # h5py passes on whatever its library found: OSError, RuntimeError, KeyError, TypeError, ValueError.
    except Exception as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise SourceError(f"{path}:{field} wanted an HDF5 file that can be read, got {reason}") from None
    return found
