"""`KpuSimulator`: a .kmodel on a computer, in nncase's simulator, which counts as K210's KPU does, bit by bit."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from posecore.artifact import Artifact
from posecore.errors import ModelError
from posecore.export.k210_nncase import TIMEOUT_S
from posecore.export.k210_setup import find_nncase
from posecore.export.kmodel import Kmodel

if TYPE_CHECKING:
    import numpy.typing as npt

_BATCH = 32


class KpuSimulator:
    """A .kmodel file that runs on pictures.

    Attributes:
        artifact: what the file is.
        kmodel: what is in it.
        nncase: the interpreter that simulates.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        artifact: Artifact | None = None,
        *,
        python: str | os.PathLike[str] | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        """Read the file, and find nncase.

        Args:
            path: a .kmodel file of version 5.
            artifact: its description; None reads the one beside it.
            python: an interpreter with nncase; None looks for one.
            timeout_s: for 32 pictures.

        Raises:
            ModelError: no such file, no description, or one that does not fit the file.
            MissingExtra: nncase is nowhere.
        """
        self._path, self._timeout_s = Path(path), timeout_s
        self.kmodel = Kmodel.read(self._path)
        found = artifact if artifact is not None else Artifact.read(self._path)
        if found is None:
            raise ModelError(
                f"{self._path}: wanted a .kmodel that posecore has made, with {Artifact.path_beside(self._path).name} "
                "beside it, got one without"
            )
        self.artifact = found
        wanted = [head.shape for head in found.heads]
        got = [port.shape for port in self.kmodel.outputs]
        if got != wanted:
            raise ModelError(f"{self._path}: wanted the outputs {wanted} of its description, got {got}")
        self._data = self._path.read_bytes()
        self.nncase = find_nncase(python)

    def run(self, pictures: npt.NDArray[np.uint8]) -> list[list[npt.NDArray[np.float32]]]:
        """What the network gives for each picture.

        Args:
            pictures: uint8 (n, height, width, 3), RGB, of the model's size.

        Returns:
            For each picture its outputs in the artifact's order, float32 (1, rows, columns, channels).

        Raises:
            TypeError, ValueError: pictures of another kind or size.
            ModelError: nncase crashes, does not end in time, or is of a release that cannot run the file.
        """
        found: list[list[npt.NDArray[np.float32]]] = []
        for first in range(0, max(len(pictures), 1), _BATCH):
            outputs = self.nncase.simulate(
                self._data, pictures[first : first + _BATCH], name=self._path.name, timeout_s=self._timeout_s
            )
            by_row = [np.ascontiguousarray(output.transpose(0, 2, 3, 1)) for output in outputs]
            found += [[output[i : i + 1] for output in by_row] for i in range(len(by_row[0]))]
        return found
