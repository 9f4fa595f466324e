"""`Heads`: what a pose network says about one picture, and the facts that are needed to read it.

This is the one contract between training, export, runtime and decoders: names, shapes, units, channel
order, quantisation, and whether the heatmaps are logits. `posecore.layouts` recognises a model's outputs.
"""

from __future__ import annotations

import io
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from posecore.arguments import choice, number, whole
from posecore.errors import SourceError

if TYPE_CHECKING:
    import numpy.typing as npt

Scores = Literal["logits", "probabilities"]
Layout = Literal["hwc", "chw"]

TENSORS = ("heatmaps", "short_offsets", "displacement_fwd", "displacement_bwd")
"""What poses are decoded from."""
MASK_TENSORS = ("long_offsets", "segments")
"""What BodyPix has besides, for masks of people."""
_ALL_TENSORS = TENSORS + MASK_TENSORS
STRIDE_PX = (0.001, 65536.0)
"""The least and the most input pixels from one cell to the next."""
_SCALE = (2.0**-126, float(np.finfo(np.float32).max))
_DTYPES = (np.dtype(np.float32), np.dtype(np.uint8), np.dtype(np.int8))
_MAX_NPZ_BYTES = 1 << 30


@dataclass(frozen=True, slots=True)
class Quantization:
    """Affine quantisation of one tensor: real = (q - zero_point) * scale.

    Raises:
        TypeError, ValueError: a scale that is no positive finite number, a zero point that is not whole.
    """

    scale: float
    zero_point: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "scale", number(self.scale, "scale", *_SCALE))
        object.__setattr__(self, "zero_point", whole(self.zero_point, "zero_point", -(2**31), 2**31 - 1))


@dataclass(frozen=True, eq=False)
class Heads:
    """The output tensors of one picture, read in place.

    Attributes:
        heatmaps: (h, w, K), one map a keypoint.
        short_offsets: (h, w, 2K) in input pixels: K y, then K x; keypoint = cell * stride + offset.
        displacement_fwd: (h, w, 2E) in input pixels: E y, then E x, parent to child of each skeleton edge.
        displacement_bwd: (h, w, 2E), the same from child to parent.
        long_offsets: (h, w, 2K) in input pixels: K y, then K x, from a cell of a person's body to that person's
            keypoints. BodyPix has them, for `posecore.instance_masks`.
        segments: (h, w, 1), whether a cell lies on anybody; logits or probabilities, as the heatmaps are.
        stride_px: input pixels from one cell to the next.
        scores: "logits" where a sigmoid is still to be applied to the heatmaps, "probabilities" where the
            values are scores as they stand. Said by whoever makes the heads, never guessed from values.
        layout: "hwc" for the shapes above, "chw" for (channels, h, w).
        quantization: scale and zero point by tensor name, for uint8 and int8 tensors.

    Arrays are float32, uint8 or int8, of any strides that are whole elements. All but heatmaps may be left out.

    Raises:
        TypeError: an array of another dtype; nothing is cast.
        ValueError: shapes that do not fit together, a quantised tensor without its quantisation.
    """

    heatmaps: npt.NDArray[Any]
    short_offsets: npt.NDArray[Any] | None = None
    displacement_fwd: npt.NDArray[Any] | None = None
    displacement_bwd: npt.NDArray[Any] | None = None
    long_offsets: npt.NDArray[Any] | None = None
    segments: npt.NDArray[Any] | None = None
    stride_px: float = field(kw_only=True)
    scores: Scores = field(kw_only=True)
    layout: Layout = field(kw_only=True, default="hwc")
    quantization: Mapping[str, Quantization] = field(kw_only=True, default_factory=dict)

    def __post_init__(self) -> None:
        choice(self.scores, "scores", ("logits", "probabilities"))
        choice(self.layout, "layout", ("hwc", "chw"))
        object.__setattr__(self, "stride_px", number(self.stride_px, "stride_px", *STRIDE_PX))
        if not isinstance(self.quantization, Mapping):
            raise TypeError(
                f"quantization: wanted a mapping of tensor names, got {type(self.quantization).__name__}"
            )
        for name, quantization in self.quantization.items():
            if name not in self.tensors():
                raise ValueError(f"quantization: wanted names of {', '.join(self.tensors())}, got {name!r}")
            if not isinstance(quantization, Quantization):
                raise TypeError(f"quantization: wanted a Quantization for {name}, got {quantization!r}")
        object.__setattr__(self, "quantization", MappingProxyType(dict(self.quantization)))
        self._check_arrays()

    def _check_arrays(self) -> None:
        shape = "(h, w, channels)" if self.layout == "hwc" else "(channels, h, w)"
        for name, array in self.tensors().items():
            if not isinstance(array, np.ndarray):
                raise TypeError(f"{name}: wanted a NumPy array of shape {shape}, got {type(array).__name__}")
            if array.dtype not in _DTYPES:
                raise TypeError(f"{name}: wanted dtype float32, uint8 or int8, got {array.dtype}")
            if array.ndim != 3 or 0 in array.shape:
                hint = "; take one picture of the batch" if array.ndim == 4 else ""
                raise ValueError(f"{name}: wanted shape {shape}, got {array.shape}{hint}")
            if (array.dtype == np.float32) == (name in self.quantization):
                wanted = (
                    "no quantisation, since it is float32"
                    if array.dtype == np.float32
                    else "its scale and zero point"
                )
                raise ValueError(f"quantization: {name} wants {wanted}, got {self.quantization.get(name)}")
            if self._grid(array) != self.grid:
                raise ValueError(f"{name}: wanted the heatmaps' grid {self.grid}, got {self._grid(array)}")

    @classmethod
    def _trusted(
        cls,
        tensors: Mapping[str, npt.NDArray[Any]],
        stride_px: float,
        scores: Scores,
        quantization: Mapping[str, Quantization],
    ) -> Heads:
        """HWC heads of a layout that `posecore.layouts` has recognised: not looked at again each frame."""
        heads = object.__new__(cls)
        fields = heads.__dict__
        for name in _ALL_TENSORS:
            fields[name] = tensors.get(name)
        fields.update(stride_px=stride_px, scores=scores, layout="hwc", quantization=quantization)
        return heads

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickled, ({**self.__dict__, "quantization": dict(self.quantization)},)

    def tensors(self) -> dict[str, npt.NDArray[Any]]:
        """The arrays that are there, by name."""
        return {name: array for name in _ALL_TENSORS if (array := getattr(self, name)) is not None}

    def _grid(self, array: npt.NDArray[Any]) -> tuple[int, int]:
        rows, columns = array.shape[:2] if self.layout == "hwc" else array.shape[1:]
        return int(rows), int(columns)

    @property
    def grid(self) -> tuple[int, int]:
        """(rows, columns) of cells."""
        return self._grid(self.heatmaps)

    @property
    def num_keypoints(self) -> int:
        """K, the number of heatmaps."""
        return int(self.heatmaps.shape[2 if self.layout == "hwc" else 0])

    def dequantized(self, name: str) -> npt.NDArray[np.float32]:
        """One tensor as float32 of shape (h, w, channels), for looking at; decoders do not need it."""
        array = self.tensors().get(name)
        if array is None:
            raise ValueError(f"name: wanted one of {', '.join(self.tensors())}, got {name!r}")
        if self.layout == "chw":
            array = array.transpose(1, 2, 0)
        if name not in self.quantization:
            return np.array(array, np.float32)
        quantization = self.quantization[name]
        real = array.astype(np.float32) - np.float32(quantization.zero_point)
        return np.asarray(real * np.float32(quantization.scale), np.float32)

    def with_y_first(self, names: Collection[str]) -> Heads:
        """The same heads, if the tensors of these names (of "short_offsets", "displacement_fwd", "displacement_bwd"
        and "long_offsets") hold all x before all y: their halves are exchanged, in copies.

        Raises:
            ValueError: the name of another tensor; those that are not there are passed over.
        """
        vectors = (*TENSORS[1:], "long_offsets")
        if not set(names) <= set(vectors):
            raise ValueError(f"names: wanted some of {', '.join(vectors)}, got {', '.join(sorted(names))}")
        axis = 2 if self.layout == "hwc" else 0
        exchanged: dict[str, Any] = {
            name: np.roll(array, array.shape[axis] // 2, axis)
            for name, array in self.tensors().items()
            if name in names
        }
        return replace(self, **exchanged)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write an .npz that `Heads.load` reads; the file is there whole or not at all."""
        fields: dict[str, Any] = dict(self.tensors())
        for name, quantization in self.quantization.items():
            fields[f"{name}_quantization"] = np.array(
                [quantization.scale, quantization.zero_point], np.float64
            )
        fields["stride_px"] = np.float64(self.stride_px)
        fields["scores"] = np.array(self.scores)
        fields["layout"] = np.array(self.layout)
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **fields)
        target = Path(path)
        beside = target.with_name(f".{target.name}.{os.getpid()}.part")
        try:
            beside.write_bytes(buffer.getvalue())
            os.replace(beside, target)
        finally:
            beside.unlink(missing_ok=True)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Heads:
        """Heads from an .npz: one that `save` wrote, one with a PoseNet model's own tensor names, or a
        capture of Coral's three tensors (`heat_u8`, `short_u8`, `mid_u8`, `qparams`, `stride`).

        Raises:
            SourceError: not such a file; the sentence says what is missing.
        """
        arrays = _read_npz(path)
        try:
            if "heatmaps" in arrays:
                return _from_saved(arrays)
            from posecore.layouts import heads_from_named_arrays

            return heads_from_named_arrays(arrays)
        except (TypeError, ValueError) as error:
            raise SourceError(f"{os.fspath(path)}: {error}") from error


def _unpickled(fields: dict[str, Any]) -> Heads:
    return Heads(**fields)


def _read_npz(path: str | os.PathLike[str]) -> dict[str, npt.NDArray[Any]]:
    import zipfile  # here, since it is a third of what `import posecore` takes beyond NumPy

    name = os.fspath(path)
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(member.file_size for member in archive.infolist())
        if size > _MAX_NPZ_BYTES:
            raise SourceError(
                f"{name}: wanted heads of at most 1 GiB, got {size / (1 << 30):.1f} GiB unpacked"
            )
        with np.load(path, allow_pickle=False) as archive:
            return {key: archive[key] for key in archive.files}
    except FileNotFoundError:
        raise SourceError(f"{name}: there is no such file") from None
    except SourceError:
        raise
    except Exception as error:  # zipfile, zlib and NumPy's header parser each raise their own kinds
        raise SourceError(
            f"{name}: wanted an .npz file of heads, got one that cannot be read ({error})"
        ) from error


def _from_saved(arrays: Mapping[str, npt.NDArray[Any]]) -> Heads:
    for key in ("stride_px", "scores"):
        if key not in arrays:
            raise ValueError(f"wanted the entry {key} beside heatmaps, got {', '.join(sorted(arrays))}")
    known = {
        *_ALL_TENSORS,
        *(f"{name}_quantization" for name in _ALL_TENSORS),
        "stride_px",
        "scores",
        "layout",
    }
    if set(arrays) - known:
        raise ValueError(
            f"wanted no entries but {', '.join(sorted(known))}, got {', '.join(sorted(set(arrays) - known))}"
        )
    quantization = {}
    for name in _ALL_TENSORS:
        pair = arrays.get(f"{name}_quantization")
        if pair is not None:
            quantization[name] = quantization_from_pair(pair, f"{name}_quantization")
    return Heads(
        *(arrays.get(name) for name in _ALL_TENSORS),  # type: ignore[arg-type]
        stride_px=number_from(arrays["stride_px"], "stride_px"),
        scores=str(arrays["scores"]),  # type: ignore[arg-type]
        layout=str(arrays.get("layout", "hwc")),  # type: ignore[arg-type]
        quantization=quantization,
    )


def number_from(array: npt.NDArray[Any], name: str) -> float:
    """The one number in `array`; `ValueError` names the entry where it holds something else."""
    if array.size != 1 or array.dtype.kind not in "iuf":
        raise ValueError(f"{name}: wanted one number, got {array.dtype} of shape {array.shape}")
    return float(array.reshape(()))


def quantization_from_pair(pair: npt.NDArray[Any], name: str) -> Quantization:
    """Scale and zero point from an array of two numbers."""
    if pair.shape != (2,) or pair.dtype.kind not in "iuf" or not np.isfinite(pair).all():
        raise ValueError(f"{name}: wanted scale and zero point, got {pair.dtype} of shape {pair.shape}")
    if pair[1] != int(pair[1]):
        raise ValueError(f"{name}: wanted a whole zero point, got {pair[1]}")
    return Quantization(float(pair[0]), int(pair[1]))
