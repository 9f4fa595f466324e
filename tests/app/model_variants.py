"""Models that want to be read in another way than the file says: the interpreter around a real one is bent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import numpy as np

from posecore.runtime import interpreters

_Invoke = interpreters.Interpreter.invoke
_Views = interpreters.Interpreter.output_views


@contextmanager
def bent(
    *,
    bgr: bool = False,
    input_range: tuple[float, float] | None = None,
    probabilities: bool = False,
    x_first: str | None = None,
) -> Iterator[None]:
    """While it lasts, every network is one that was trained with blue first, with another range of values for bytes 0
    and 255 in place of (-1, 1), that ends in a sigmoid, or whose vectors hold x before y ("offsets", "displacements",
    "both")."""

    def invoke(self: Any) -> None:
        picture = self.input_view()
        if bgr:
            picture[...] = picture[:, :, ::-1].copy()
        if input_range is not None:
            low, high = input_range
            picture[...] = (picture - low) / (high - low) * 2 - 1
        del picture
        _Invoke(self)

    def views(self: Any) -> list[Any]:
        return [_changed(info, array) for info, array in zip(self.outputs, _Views(self), strict=True)]

    def _changed(info: Any, array: Any) -> Any:
        channels = array.shape[-1]
        if array.ndim == 4 and channels == 17 and probabilities:
            quantization = info.quantization
            if quantization is None:
                return 1 / (1 + np.exp(-array))
            # The same tensor as a LOGISTIC in 8 bits would leave it, read with the scale and zero point of the file.
            real = (array.astype(np.float32) - quantization.zero_point) * quantization.scale
            limits = np.iinfo(array.dtype)
            codes = np.rint(1 / (1 + np.exp(-real)) / quantization.scale) + quantization.zero_point
            return np.clip(codes, limits.min, limits.max).astype(array.dtype)
        halves = {34: ("offsets", "both"), 32: ("displacements", "both"), 64: ("displacements", "both")}
        if array.ndim == 4 and x_first in halves.get(channels, ()):
            parts = np.split(array, 2 if channels == 64 else 1, axis=3)
            return np.concatenate([np.roll(part, part.shape[3] // 2, axis=3) for part in parts], axis=3)
        return array

    with (
        mock.patch.object(interpreters.Interpreter, "invoke", invoke),
        mock.patch.object(interpreters.Interpreter, "output_views", views),
    ):
        yield
