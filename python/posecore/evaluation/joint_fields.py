"""`Fields`: the arrays of one file of keypoints, and what each must be before it is believed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from posecore.errors import SourceError
from posecore.evaluation.arrays import MOST_PX
from posecore.evaluation.truths import Origin

if TYPE_CHECKING:
    import numpy.typing as npt

    from posecore.evaluation.arrays import BoolArray, FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Fields:
    """What a file holds, by the names of its variables.

    Attributes:
        arrays: arrays of numbers or bytes, and tuples of words.
        origin: the file.
    """

    arrays: dict[str, npt.NDArray[Any] | tuple[str, ...]]
    origin: Origin

    def __contains__(self, name: str) -> bool:
        return name in self.arrays

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of a variable; () where there is none, or no array."""
        value = self.arrays.get(name)
        return value.shape if isinstance(value, np.ndarray) else ()

    def numbers(self, name: str, shape: tuple[int | str, ...]) -> FloatArray:
        """The variable as float64 of this shape, where a letter stands for any size. NaN may be in it.

        MATLAB drops a last side of 1: it is put back.

        Raises:
            SourceError: it is missing, not of numbers, or of another shape, or holds infinity or more than 1e9.
        """
        value = self.arrays.get(name)
        wanted = "(" + ", ".join(str(side) for side in shape) + ("," if len(shape) == 1 else "") + ")"
        if not isinstance(value, np.ndarray) or value.dtype.kind not in "iufb":
            kind = "none" if value is None else getattr(value, "dtype", "words")
            raise self.no(name, f"numbers of shape {wanted}", f"{kind}")
        if value.ndim == len(shape) - 1 and shape[-1] in ("N", 1):
            value = value[..., None]
        if value.ndim != len(shape) or any(
            isinstance(side, int) and side != got for side, got in zip(shape, value.shape, strict=True)
        ):
            raise self.no(name, f"numbers of shape {wanted}", f"{value.shape}")
        numbers = value.astype(np.float64)
        bad = ~np.isnan(numbers) & ~(np.abs(numbers) <= MOST_PX)
        if bad.any():
            place = tuple(int(i) for i in np.argwhere(bad)[0])
            raise self.no(name, "numbers within 1e9", f"{numbers[place]:g} at {place}")
        return numbers

    def flags(self, name: str, shape: tuple[int | str, ...]) -> BoolArray:
        """The variable, all 0 or 1, as bool."""
        numbers = self.numbers(name, shape)
        bad = ~((numbers == 0) | (numbers == 1))
        if bad.any():
            place = tuple(int(i) for i in np.argwhere(bad)[0])
            raise self.no(name, "0 or 1 everywhere", f"{numbers[place]:g} at {place}")
        flags: BoolArray = numbers == 1
        return flags

    def labelled_points(self, name: str, points: FloatArray, labelled: BoolArray) -> FloatArray:
        """`points` (N, K, 2) of the variable, where they are finite wherever `labelled`."""
        bad = labelled & np.isnan(points).any(axis=-1)
        if bad.any():
            person, keypoint = (int(i) for i in np.argwhere(bad)[0])
            raise self.no(
                name, "finite pixels for labelled keypoints", f"NaN for person {person}, keypoint {keypoint}"
            )
        return np.ascontiguousarray(points)

    def texts(self, name: str, count: int) -> tuple[str, ...]:
        """A variable of `count` byte strings, or of so many rows of character codes, or () where there is none."""
        value = self.arrays.get(name)
        if value is None:
            return ()
        if (
            isinstance(value, np.ndarray)
            and value.dtype.kind in "iuf"
            and value.ndim == 2
            and len(value) == count
        ):
            codes = self.numbers(name, (count, "L"))  # pose-hg's older files, written by Torch
            if not ((codes >= 0) & (codes < 256)).all():
                raise self.no(name, "character codes from 0 to 255", "others")
            rows = codes.astype(np.uint8)
            return tuple(row.tobytes().split(b"\0")[0].decode("utf-8", "replace") for row in rows)
        if not isinstance(value, np.ndarray) or value.dtype.kind != "S" or value.shape != (count,):
            raise self.no(name, f"{count} names", "something else")
        return tuple(text.decode("utf-8", "replace") for text in value.tolist())

    def no(self, name: str, wanted: str, got: str) -> SourceError:
        """The sentence about a variable that is not what it should be."""
        return SourceError(f"{self.origin.name}: {name}: wanted {wanted}, got {got}")
