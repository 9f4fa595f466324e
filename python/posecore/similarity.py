"""`oks`: how alike detected and annotated people are, by COCO's measure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from posecore import _core, skeletons
from posecore.arguments import whole
from posecore.poses import Poses
from posecore.skeletons import Skeleton

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray = npt.NDArray[np.float64] | npt.NDArray[np.float32]

_DTYPES = (np.dtype(np.float64), np.dtype(np.float32))


def oks(
    detections: FloatArray | Poses,
    truths: FloatArray,
    areas: FloatArray,
    skeleton: Skeleton,
    *,
    boxes: FloatArray | None = None,
    threads: int = 1,
) -> FloatArray:
    """Object keypoint similarity of D detections with T truths, all with all.

    The mean over a truth's labelled keypoints (v > 0) of exp(-d² / (2 (area + eps) (2 sigma)²)), d the distance in
    pixels and eps the spacing of doubles at 1. In float64 each number is made with the operations of pycocotools
    2.0.11 in their order (NumPy's pairwise sum among them); exp is our own, right to 0.51 ulp, so that the
    same bits come out on every machine and with any number of threads. A detection's own visibility and scores are not
    asked: a (0, 0) is a prediction at the origin. Where a truth has no labelled keypoint, d is the distance
    to its box grown by its own width and height on each side, for all K keypoints, as COCO has it.

    Args:
        detections: (D, K, 2) float64 or float32, x and y in pixels; or `Poses`, which are float32.
        truths: (T, K, 3) of the same dtype: x and y in pixels, and v, above 0 where the keypoint is labelled.
        areas: (T,) of the same dtype, px², 0 or more: COCO's is the annotation's `area`.
        skeleton: K keypoints with their sigmas.
        boxes: (T, 4) of the same dtype: x, y, width and height in pixels; needed where a truth has no labelled
            keypoint.
        threads: how many work, 1 to 1024.

    Returns:
        (D, T) of the same dtype, in [0, 1].

    Raises:
        TypeError: something else than an array, or another dtype; nothing is cast.
        ValueError: shapes that do not fit together, a skeleton without sigmas, numbers that are NaN or infinite,
            areas below 0, no boxes where one is needed.
    """
    sigmas = sigmas_of(skeleton)
    keypoints = len(sigmas)
    if isinstance(detections, Poses):
        if detections.skeleton.keypoints != skeleton.keypoints:
            raise ValueError(
                f"detections: wanted poses of the keypoints of {skeleton.name}, got {detections.skeleton.name}"
            )
        detections = detections.xy
    _want(detections, "detections", _DTYPES, (None, keypoints, 2))
    dtype = (detections.dtype,)
    _want(truths, "truths", dtype, (None, keypoints, 3))
    _want(areas, "areas", dtype, (len(truths),))
    if boxes is not None:
        _want(boxes, "boxes", dtype, (len(truths), 4))
    matrix: FloatArray = _core.oks(
        detections,
        truths,
        np.ascontiguousarray(areas),
        None if boxes is None else np.ascontiguousarray(boxes),
        sigmas,
        whole(threads, "threads", 1, 1024),
    )
    return matrix


def sigmas_of(skeleton: Skeleton) -> tuple[float, ...]:
    """K sigmas of a skeleton that has them; `TypeError` or `ValueError` names the choices where it has none."""
    if not isinstance(skeleton, Skeleton):
        raise TypeError(
            f"skeleton: wanted a Skeleton, such as posecore.COCO17, got {type(skeleton).__name__}"
        )
    if skeleton.sigmas is None:
        having = [name for name in skeletons.names() if skeletons.get(name).sigmas is not None]
        raise ValueError(
            f"sigmas: skeleton {skeleton.name} has none, and OKS needs one a keypoint; wanted "
            f"dataclasses.replace(skeleton, sigmas=...), or one of {', '.join(having)}"
        )
    return skeleton.sigmas


def _want(array: Any, name: str, dtypes: tuple[np.dtype[Any], ...], shape: tuple[int | None, ...]) -> None:
    """That `array` has one of these dtypes and this shape, where None stands for any length."""
    # A masked array has values that nobody is to read; a memory map is an array like any other.
    plain = type(array) in (np.ndarray, np.memmap)
    if plain:
        dtype, found = array.dtype, array.shape
        if dtype in dtypes and len(found) == len(shape):
            for size, length in zip(shape, found, strict=True):
                if size is not None and size != length:
                    break
            else:
                return
    kinds = " or ".join(str(dtype) for dtype in dtypes) + (", as detections are" if len(dtypes) == 1 else "")
    sizes = ", ".join("N" if size is None else str(size) for size in shape)
    wanted = f"({sizes}{',' if len(shape) == 1 else ''})"
    if not plain:
        raise TypeError(
            f"{name}: wanted a NumPy array of shape {wanted}, {kinds}, got {type(array).__name__}"
        )
    if dtype not in dtypes:
        raise TypeError(f"{name}: wanted dtype {kinds}, got {dtype}")
    raise ValueError(f"{name}: wanted shape {wanted}, got {found}")
