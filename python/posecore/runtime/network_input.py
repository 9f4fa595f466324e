"""From a picture's bytes to the numbers of a network's input tensor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from posecore import _core
from posecore.errors import ModelError

if TYPE_CHECKING:
    import numpy.typing as npt

    from posecore.layouts import Kind, TensorInfo
    from posecore.runtime.geometry import Geometry

Range = tuple[float, float]

# Grey in the margins: the middle of the picture bytes, which PoseNet's input maps to 0.
PAD_BYTE = 127

# What float networks were fed in training. PoseNet: tfjs-models/posenet, mobilenet.ts; MoveNet: its card; coordinates:
# posecore's own regressors.
_FLOAT_RANGES: dict[Kind, Range] = {
    "posenet": (-1.0, 1.0),
    "coordinates": (-1.0, 1.0),
    "movenet-single": (0.0, 255.0),
    "movenet-multi": (0.0, 255.0),
}
_KNOWN_RANGES: tuple[Range, ...] = ((-1.0, 1.0), (0.0, 1.0), (0.0, 255.0))
_CODES = {"uint8": (0, 255), "int8": (-128, 127)}


@dataclass(frozen=True, eq=False)
class PixelCoding:
    """How one picture byte is written into the input tensor.

    Attributes:
        dtype: the tensor's: "float32", "uint8" or "int8".
        scale, offset: a float32 tensor gets byte * scale + offset.
        table: (256,) uint8, the code that an integer tensor gets for each byte; int8 codes by their bits.
    """

    dtype: str
    scale: float = 1.0
    offset: float = 0.0
    table: npt.NDArray[np.uint8] | None = None

    def write(
        self,
        image: npt.NDArray[np.uint8],
        tensor: npt.NDArray[Any],
        geometry: Geometry,
        *,
        swap_red_blue: bool,
    ) -> None:
        """Put the resized picture, uint8 (h, w, 3), into the tensor (H, W, 3) at the geometry's offset, and
        grey around it. One pass, in place."""
        left, top = geometry.offset
        if self.table is None:
            _core.write_input(image, tensor, left, top, self.scale, self.offset, PAD_BYTE, swap_red_blue)
        else:
            codes = tensor.view(np.uint8)
            _core.write_input_table(image, codes, left, top, self.table, PAD_BYTE, swap_red_blue)


def pixel_coding(tensor: TensorInfo, *, kind: Kind, input_range: Range | None, model: str) -> PixelCoding:
    """The coding that this input tensor wants.

    Bytes go to the range that the kind of network was trained with, or to `input_range`. An integer tensor
    without quantisation takes bytes as they are. With quantisation, bytes are the codes themselves where the
    tensor's own range is the wanted one to within a quantum (Coral's 1/128 and 128 for -1 to 1); otherwise
    each byte's value is quantised.

    Raises:
        ModelError: a dtype that is none of float32, uint8, int8, or nothing says which range is wanted.
        ValueError: an `input_range` that the tensor cannot have.
    """
    wanted = _range(input_range)
    if tensor.dtype == "float32":
        wanted = wanted or usual_float_range(kind)
        if wanted is None:
            raise ModelError(
                f"{model}: wanted input_range, the values that its float input takes for bytes 0 and 255, "
                "such as (-1, 1), (0, 1) or (0, 255), since a heatmap model does not say; got None"
            )
        return PixelCoding("float32", scale=(wanted[1] - wanted[0]) / 255, offset=wanted[0])
    if tensor.dtype not in _CODES:
        raise ModelError(f"{model}: wanted an input of float32, uint8 or int8, got {tensor.dtype}")
    low, high = _CODES[tensor.dtype]
    codes = np.arange(low, high + 1)
    if tensor.quantization is None:
        if tensor.dtype != "uint8":
            raise ModelError(f"{model}: wanted a scale and zero point for its {tensor.dtype} input, got none")
        if wanted not in (None, (0.0, 255.0)):
            raise ValueError(
                f"input_range: wanted (0, 255) or None, since {model} takes plain bytes, got {input_range}"
            )
        return PixelCoding("uint8", table=codes.astype(np.uint8))
    quantum, zero_point = tensor.quantization.scale, tensor.quantization.zero_point
    own = (low - zero_point) * quantum, (high - zero_point) * quantum
    if wanted is None:
        near = next((known for known in _KNOWN_RANGES if _same(own, known, quantum)), None)
        wanted = near or _FLOAT_RANGES.get(kind)
    if wanted is None:
        raise ModelError(
            f"{model}: wanted input_range, such as (-1, 1), since its {tensor.dtype} input reaches from "
            f"{own[0]:.3g} to {own[1]:.3g}, which is none of the usual ranges; got None"
        )
    if not _same(own, wanted, quantum):
        values = wanted[0] + np.arange(256) * ((wanted[1] - wanted[0]) / 255)
        codes = np.clip(np.rint(values / quantum) + zero_point, low, high)
    return PixelCoding(tensor.dtype, table=codes.astype(tensor.dtype).view(np.uint8))


def usual_float_range(kind: Kind) -> Range | None:
    """What a float network of this kind takes for bytes 0 and 255, or None where it does not follow from the kind."""
    return _FLOAT_RANGES.get(kind)


def _same(own: Range, wanted: Range, quantum: float) -> bool:
    return all(abs(a - b) <= 1.01 * quantum for a, b in zip(own, wanted, strict=True))


def _range(input_range: Range | None) -> Range | None:
    if input_range is None:
        return None
    message = f"input_range: wanted two numbers (low, high) with low < high, got {input_range!r}"
    if not isinstance(input_range, (tuple, list)) or len(input_range) != 2:
        raise TypeError(message)
    if not all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in input_range):
        raise TypeError(message)
    low, high = float(input_range[0]), float(input_range[1])
    if not (-1e6 <= low < high <= 1e6):
        raise ValueError(message)
    return low, high


def checked_image(image: object) -> npt.NDArray[np.uint8]:
    """`image` itself, if it is a picture: a uint8 array of shape (H, W, 3).

    Raises:
        TypeError: something else than an array, or another dtype.
        ValueError: another shape, or no pixels.
    """
    wanted = "image: wanted a uint8 NumPy array of shape (H, W, 3)"
    if not isinstance(image, np.ndarray):
        raise TypeError(f"{wanted}, got {type(image).__name__}{_not_an_array(image)}")
    if image.dtype != np.uint8:
        float_picture = image.dtype.kind == "f" and image.ndim == 3
        hint = "; for values from 0 to 1, numpy.uint8(255 * image) is one" if float_picture else ""
        raise TypeError(f"{wanted}, got dtype {image.dtype}{hint}")
    if image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"{wanted}, got shape {image.shape}{_other_shape(image.shape)}")
    if 0 in image.shape:
        raise ValueError(f"{wanted}, got no pixels, shape {image.shape}")
    return image


def _not_an_array(image: object) -> str:
    if image is None:
        return ", which OpenCV's imread gives for a file that it cannot read"
    if isinstance(image, (str, bytes)) or hasattr(image, "__fspath__"):
        return "; read the file first, with OpenCV (color='bgr') or PIL"
    if hasattr(image, "__array_interface__") or hasattr(image, "__array__"):
        return "; numpy.asarray makes one"
    return ""


def _other_shape(shape: tuple[int, ...]) -> str:
    if len(shape) == 2 or (len(shape) == 3 and shape[2] == 1):
        return "; a grey picture becomes one by numpy.dstack([image] * 3)"
    if len(shape) == 3 and shape[2] == 4:
        return "; image[:, :, :3] leaves the alpha channel out"
    if len(shape) == 3 and shape[0] == 3:
        return "; image.transpose(1, 2, 0) puts the channels last"
    if len(shape) == 4:
        return "; pass one picture of the batch, image[0]"
    return ""


def contiguous_pixels(image: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.uint8], bool]:
    """The picture with contiguous pixels in rows that may be apart, and whether red and blue changed places.

    `frame[:, :, ::-1]`, how people turn BGR into RGB, is turned back without a copy.
    """
    swapped = image.strides[1:] == (3, -1)
    if swapped:
        image = image[:, :, ::-1]
    if image.strides[1:] != (3, 1) or image.strides[0] < 3 * image.shape[1]:
        # Not ascontiguousarray, which keeps any stride along an axis of one pixel.
        image = image.copy(order="C")
    return image, swapped
