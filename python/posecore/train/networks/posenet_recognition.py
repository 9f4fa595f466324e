"""Which PoseNet a file of weights is for: its backbone, output stride and channels, from names and shapes alone."""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from numpy.lib import format as npy_format

from posecore.errors import ModelError
from posecore.train.networks.posenet_weights import published
from posecore.train.networks.weights_graph_def import read_graph_def, read_strides
from posecore.train.networks.weights_tfjs import read_tfjs, read_tfjs_strides

_STEM, _HEADS = "conv2d_0/kernel", ("heatmap_2/kernel", "offset_2/kernel", "displacement_fwd_2/kernel")
_LAST_KERNEL = "conv2d_13_pointwise/kernel"
# (filters of the first convolution, of the last one): MobileNetV1 as published with tfjs-models/posenet.
_MOBILENETS = {
    (16, 256): "mobilenet_v1_050",
    (24, 384): "mobilenet_v1_075",
    (32, 1024): "mobilenet_v1_100",
}
_RESNET_STEM = "conv1_conv/kernel"
# A block that only the deeper ones have.
_RESNETS = {"conv3_block8_1_conv/kernel": "resnet_152", "conv4_block23_1_conv/kernel": "resnet_101"}
_STRIDES = (8, 16, 32)
_MOST_ARRAYS = 1 << 14
DEFAULT_STRIDE_PX = 16


@dataclass(frozen=True, slots=True)
class RecognisedPosenet:
    """What `recognise_posenet` found in a file of weights.

    Attributes:
        backbone: one of `posenet.BACKBONES`.
        output_stride: input pixels per cell of the file's own graph, 8, 16 or 32; None where the file has weights
            alone, which serve several strides.
        keypoints, edges: how many the heads are for; `edges` is 0 where there are no displacements.
        channels: of the input picture.
        batch_norm: whether the convolutions of a MobileNet have batch normalisation that is not folded.
        form: what the file is: "weights (.npz)", "a tfjs graph model" or "a frozen graph (.pb)".
    """

    backbone: str
    output_stride: int | None
    keypoints: int
    edges: int
    channels: int
    batch_norm: bool
    form: str


def recognise_posenet(path: str | os.PathLike[str]) -> RecognisedPosenet:
    """Which `posenet` takes the weights of a file, one of those that `load_posenet_weights` reads.

    Nothing is built and no Keras is needed. Of an .npz only the headers of its arrays are read.

    Raises:
        ModelError: a file that cannot be read, or the weights of another network.
    """
    path = Path(path)
    if path.suffix == ".npz":
        return _recognised(path, _npz_shapes(path), None, "weights (.npz)")
    names = {name: published(name) for name in (_STEM, _LAST_KERNEL, *_HEADS)}
    wanted = frozenset(one for several in names.values() for one in several)
    if path.suffix == ".pb":
        arrays = read_graph_def(path, wanted)
        strides = read_strides(path) if arrays else []
        form = "a frozen graph (.pb)"
    elif path.suffix == ".json" or path.is_dir():
        arrays = read_tfjs(path, wanted)
        strides = read_tfjs_strides(path) if arrays else []
        form = "a tfjs graph model"
    else:
        raise ModelError(f"weights {path}: wanted .npz, .pb, or the .json or folder of a tfjs model")
    shapes = {name: arrays[one].shape for name, several in names.items() for one in several if one in arrays}
    return _recognised(path, shapes, strides, form)


def _recognised(
    path: Path, shapes: Mapping[str, tuple[int, ...]], strides: Iterable[int] | None, form: str
) -> RecognisedPosenet:
    heatmap, forward = shapes.get(_HEADS[0]), shapes.get(_HEADS[2])
    if heatmap is None or len(heatmap) != 4 or _HEADS[1] not in shapes:
        raise ModelError(
            f"weights {path}: wanted PoseNet's, with layers heatmap_2 and offset_2, got {_listed(shapes)}; weights of "
            "other networks are opened as the run folder that they lie in"
        )
    backbone, stem = _backbone(path, shapes)
    return RecognisedPosenet(
        backbone=backbone,
        output_stride=None if strides is None else _stride(path, strides),
        keypoints=heatmap[3],
        edges=forward[3] // 2 if forward is not None and len(forward) == 4 else 0,
        channels=stem[2],
        batch_norm="conv2d_0_bn/gamma" in shapes,
        form=form,
    )


def _backbone(path: Path, shapes: Mapping[str, tuple[int, ...]]) -> tuple[str, tuple[int, ...]]:
    """The backbone's name, and the shape of its first kernel."""
    stem = shapes.get(_RESNET_STEM, ())
    if len(stem) == 4:
        return next((name for layer, name in _RESNETS.items() if layer in shapes), "resnet_50"), stem
    stem, last = shapes.get(_STEM, ()), shapes.get(_LAST_KERNEL, ())
    if len(stem) == 4 and len(last) == 4 and (stem[3], last[3]) in _MOBILENETS:
        return _MOBILENETS[stem[3], last[3]], stem
    raise ModelError(
        f"weights {path}: wanted a backbone of MobileNetV1 0.50, 0.75 or 1.00 (16, 24 or 32 filters in conv2d_0) or "
        f"ResNet, got conv2d_0 of shape {stem or 'none'} and conv2d_13_pointwise of shape {last or 'none'}"
    )


def _stride(path: Path, strides: Iterable[int]) -> int:
    product = 1
    for stride in strides:
        product *= stride
    if product not in _STRIDES:
        raise ModelError(
            f"weights {path}: wanted a graph of output stride {', '.join(map(str, _STRIDES))}, got {product:.6g}"
        )
    return product


def _npz_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """The shapes of all arrays of an .npz, from their headers."""
    shapes: dict[str, tuple[int, ...]] = {}
    try:
        with path.open("rb") as file, zipfile.ZipFile(file) as archive:
            members = archive.namelist()
            if len(members) > _MOST_ARRAYS:
                raise ModelError(f"weights {path}: wanted at most {_MOST_ARRAYS} arrays, got {len(members)}")
            for member in members:
                with archive.open(member) as stream:
                    version = npy_format.read_magic(stream)
                    read = (
                        npy_format.read_array_header_1_0
                        if version == (1, 0)
                        else npy_format.read_array_header_2_0
                    )
                    shapes[re.sub(r"\.npy$", "", member)] = tuple(int(side) for side in read(stream)[0])
    except ModelError:
        raise
    except OSError as error:
        raise ModelError(f"weights {path} cannot be read: {error.strerror or error}") from None
    except Exception as error:  # whatever a broken file makes the zip and npy readers raise
        raise ModelError(f"weights {path} are not a whole .npz file") from error
    return shapes


def _listed(names: Iterable[str]) -> str:
    layers = list(dict.fromkeys(name.rpartition("/")[0] or name for name in names))
    shown = ", ".join(name[:40] for name in layers[:5])
    return (f"{shown} and {len(layers) - 5} more" if len(layers) > 5 else shown) or "no layers of it"
