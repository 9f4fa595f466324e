"""Each mistake gets one sentence: which argument, what was wanted, what came."""

from __future__ import annotations

import re

import numpy as np
import pytest

import posecore as pc
from posecore import COCO17
from posecore.decode import Onto


def array(*shape: int, dtype: object = np.float32) -> np.ndarray:
    return np.zeros(shape, dtype)


def heads(*names: str, k: int = 17, **fields) -> pc.Heads:
    """Heads on a grid of (3, 4) with these tensors beside the heatmaps, all float32 but for `fields`."""
    channels = {"short_offsets": 2 * k, "displacement_fwd": 2 * (k - 1), "displacement_bwd": 2 * (k - 1)}
    chosen = {"heatmaps": array(3, 4, k)} | {name: array(3, 4, channels[name]) for name in names}
    return pc.Heads(**chosen | {"stride_px": 16, "scores": "logits"} | fields)


ALL = ("short_offsets", "displacement_fwd", "displacement_bwd")
HEAT, SHORT, FWD = array(3, 4, 17), array(3, 4, 34), array(3, 4, 32)


def decoder(skeleton=COCO17, **options) -> pc.Decoder:
    return pc.Decoder(skeleton, **{"stride_px": 16, **options})


def quantized(**quantization) -> dict[str, pc.Quantization]:
    return {name: pc.Quantization(*pair) for name, pair in quantization.items()}


def unaligned() -> np.ndarray:
    return np.zeros(3 * 4 * 17 * 4 + 1, np.uint8)[1:].view(np.float32).reshape(3, 4, 17)


def odd_strides() -> np.ndarray:
    return np.zeros((3, 4, 17), [("value", np.float32), ("flag", np.uint8)])["value"]


NUMBERS = ["stride_px", "root_threshold", "pose_threshold", "nms_radius_px"]
RANGE = {
    "stride_px": "a number from 0.001 to 65536",
    "root_threshold": "a number from 0 to 1",
    "pose_threshold": "a number from 0 to 1",
    "nms_radius_px": "a number from 0 to 65536",
    "max_poses": "a whole number from 1 to 65536",
    "refine_steps": "a whole number from 0 to 100",
    "local_maximum_radius": "a whole number from 0 to 100",
}
NO_SKELETON = "skeleton: wanted a Skeleton, such as posecore.COCO17, got str"
NO_EDGES = (
    "skeleton: wanted edges to walk from keypoint to keypoint, got none in plain; HeatmapDecoder needs none"
)
PLAIN = pc.Skeleton("plain", ("a", "b"))
SINGLE = pc.SingleDecoder(COCO17, stride_px=16)
HEATMAP = pc.HeatmapDecoder(COCO17, stride_px=16)


@pytest.mark.parametrize("make", [pc.Decoder, pc.SingleDecoder, pc.HeatmapDecoder])
def test_a_skeleton_is_wanted(make):
    with pytest.raises(TypeError, match=f"^{re.escape(NO_SKELETON)}$"):
        make("coco17", stride_px=16)


@pytest.mark.parametrize("make", [pc.Decoder, pc.SingleDecoder, pc.HeatmapDecoder])
@pytest.mark.parametrize(
    "options", [{}, {"stride": 16}, {"stride_px": 16, "nms_radius": 20}, {"stride_px": 16, "nmsradius": 1}]
)
def test_a_missing_stride_or_a_typo_is_an_error(make, options):
    with pytest.raises(
        TypeError, match=r"missing 1 required keyword-only argument|unexpected keyword argument"
    ):
        make(COCO17, **options)


@pytest.mark.parametrize("make", [pc.Decoder, pc.SingleDecoder, pc.HeatmapDecoder])
def test_options_have_names(make):
    with pytest.raises(TypeError, match=r"positional argument"):
        make(COCO17, 16)


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", ["16", None, True, 1j, [16], np.array(0.5), np.array([0.5])], ids=repr)
def test_an_option_that_is_no_number(name, value):
    with pytest.raises(TypeError) as caught:
        decoder(**{name: value})
    assert str(caught.value) == f"{name}: wanted {RANGE[name]}, got {type(value).__name__}"


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize(
    "value", [-0.001, 65536.01, float("nan"), float("inf"), float("-inf"), np.float32(-1)], ids=repr
)
def test_an_option_out_of_range(name, value):
    with pytest.raises(ValueError, match="wanted") as caught:
        decoder(**{name: value})
    assert str(caught.value) == f"{name}: wanted {RANGE[name]}, got {value}"


@pytest.mark.parametrize("value", ["linear", "Nearest", 1], ids=repr)
def test_an_unknown_sampling(value):
    with pytest.raises(ValueError, match="wanted") as caught:
        decoder(sampling=value)
    assert str(caught.value) == f"sampling: wanted one of bilinear, nearest, got {value!r}"


@pytest.mark.parametrize("value", [0, 1, None, "no"], ids=repr)
def test_rescoring_is_yes_or_no(value):
    with pytest.raises(TypeError) as caught:
        decoder(rescore=value)
    assert str(caught.value) == f"rescore: wanted True or False, got {type(value).__name__}"


@pytest.mark.parametrize("name", ["max_poses", "refine_steps", "local_maximum_radius"])
@pytest.mark.parametrize("value", ["3", [], True, 3.0, np.float32(3), np.array(3)], ids=repr)
def test_an_option_that_is_no_whole_number(name, value):
    with pytest.raises(TypeError) as caught:
        decoder(**{name: value})
    assert str(caught.value) == f"{name}: wanted {RANGE[name]}, got {type(value).__name__}"


@pytest.mark.parametrize("name", ["max_poses", "refine_steps", "local_maximum_radius"])
@pytest.mark.parametrize("value", [-1, 65537, 10**30, np.int64(-7)], ids=repr)
def test_a_whole_number_out_of_range(name, value):
    with pytest.raises(ValueError, match="wanted") as caught:
        decoder(**{name: value})
    assert str(caught.value) == f"{name}: wanted {RANGE[name]}, got {value}"


@pytest.mark.parametrize(
    "options",
    [
        {
            "stride_px": 65536,
            "nms_radius_px": 65536,
            "max_poses": 1,
            "refine_steps": 100,
            "local_maximum_radius": 100,
        },
        {"stride_px": np.float32(8), "max_poses": np.int32(3), "root_threshold": 0, "pose_threshold": 1},
    ],
)
def test_the_ends_of_the_ranges_are_inside(options):
    assert len(decoder(**options)(heads(*ALL, stride_px=options["stride_px"]))) >= 0


CALLS = {
    "no edges": (lambda: decoder(PLAIN), ValueError, NO_EDGES),
    "float64": (
        lambda: decoder()(HEAT.astype(np.float64), SHORT, FWD, FWD),
        TypeError,
        "heatmaps: wanted dtype float32, got float64; convert it with .astype(numpy.float32)",
    ),
    "bare uint8": (
        lambda: decoder()(HEAT, SHORT, FWD.astype(np.uint8), FWD),
        TypeError,
        "displacement_fwd: wanted dtype float32, got uint8; pass quantised arrays as Heads",
    ),
    "other byte order": (
        lambda: decoder()(HEAT.astype(">f4"), SHORT, FWD, FWD),
        TypeError,
        "heatmaps: wanted dtype float32, got >f4; convert it with .astype(numpy.float32)",
    ),
    "list": (
        lambda: decoder()([[[0.0]]], SHORT, FWD, FWD),
        TypeError,
        "heatmaps: wanted a NumPy array of shape (h, w, channels), got list",
    ),
    "one of four": (
        lambda: decoder()(HEAT),
        TypeError,
        "short_offsets: wanted a NumPy array of shape (h, w, channels), got NoneType",
    ),
    "three of four": (
        lambda: decoder()(HEAT, SHORT, FWD),
        TypeError,
        "displacement_bwd: wanted a NumPy array of shape (h, w, channels), got NoneType",
    ),
    "batch": (
        lambda: decoder()(HEAT[None], SHORT, FWD, FWD),
        ValueError,
        "heatmaps: wanted shape (h, w, channels), got (1, 3, 4, 17); take one picture of the batch",
    ),
    "no cells": (
        lambda: decoder()(*(a[:0] for a in (HEAT, SHORT, FWD, FWD))),
        ValueError,
        "heatmaps: wanted shape (h, w, channels), got (0, 4, 17)",
    ),
    "too few maps": (
        lambda: decoder()(HEAT[:, :, :16], SHORT, FWD, FWD),
        ValueError,
        "heatmaps: wanted 17 channels for 17 keypoints, got 16",
    ),
    "too few offsets": (
        lambda: decoder()(HEAT, SHORT[:, :, :33], FWD, FWD),
        ValueError,
        "short_offsets: wanted 34 channels for 17 keypoints, got 33",
    ),
    "other grid": (
        lambda: decoder()(HEAT, SHORT, FWD[:2], FWD),
        ValueError,
        "displacement_fwd: wanted the heatmaps' grid (3, 4), got (2, 4)",
    ),
    "unaligned": (
        lambda: decoder()(unaligned(), SHORT, FWD, FWD),
        ValueError,
        "heatmaps: wanted aligned memory; copy it with numpy.array",
    ),
    "odd strides": (
        lambda: decoder()(odd_strides(), SHORT, FWD, FWD),
        ValueError,
        "heatmaps: wanted strides of whole elements, got (340, 85, 5) bytes; "
        "copy it with numpy.ascontiguousarray",
    ),
    "heads and arrays": (
        lambda: decoder()(heads(*ALL), SHORT),
        TypeError,
        "heatmaps: wanted either one Heads or four arrays, got both",
    ),
    "heads of another stride": (
        lambda: decoder()(heads(*ALL, stride_px=8)),
        ValueError,
        "heads: wanted a stride of 16.0 px as this decoder has, got 8.0",
    ),
    "heads without displacements": (
        lambda: decoder()(heads("short_offsets")),
        ValueError,
        "heads: wanted displacement_fwd, got heads without; HeatmapDecoder reads heatmaps alone",
    ),
    "heads of other keypoints": (
        lambda: decoder()(heads(*ALL, k=16)),
        ValueError,
        "heatmaps: wanted 17 channels for 17 keypoints, got 16",
    ),
    "mixed dtypes": (
        lambda: decoder()(
            heads(
                *ALL[1:],
                short_offsets=SHORT.astype(np.uint8),
                quantization=quantized(short_offsets=(1, 0)),
            )
        ),
        TypeError,
        "short_offsets: wanted the dtype of heatmaps, got another one",
    ),
    "single: array": (lambda: SINGLE(HEAT), TypeError, "heads: wanted Heads, got ndarray"),
    "single: no offsets": (
        lambda: SINGLE(heads()),
        ValueError,
        "heads: wanted short_offsets, got heads without; HeatmapDecoder reads heatmaps alone",
    ),
    "single: keypoints": (
        lambda: SINGLE(heads("short_offsets", k=16)),
        ValueError,
        "heads: wanted 17 heatmaps for skeleton coco17, got 16",
    ),
    "single: stride": (
        lambda: SINGLE(heads("short_offsets", stride_px=8)),
        ValueError,
        "heads: wanted a stride of 16.0 px as this decoder has, got 8.0",
    ),
    "heatmaps: None": (lambda: HEATMAP(None), TypeError, "heads: wanted Heads, got NoneType"),
    "heatmaps: keypoints": (
        lambda: HEATMAP(heads(k=16)),
        ValueError,
        "heads: wanted 17 heatmaps for skeleton coco17, got 16",
    ),
    "heatmaps: stride": (
        lambda: HEATMAP(heads(stride_px=4)),
        ValueError,
        "heads: wanted a stride of 16.0 px as this decoder has, got 4.0",
    ),
    "refine": (
        lambda: pc.HeatmapDecoder(COCO17, stride_px=4, refine="dark"),
        ValueError,
        "refine: wanted one of none, quarter, taylor, got 'dark'",
    ),
    "refine None": (
        lambda: pc.HeatmapDecoder(COCO17, stride_px=4, refine=None),
        ValueError,
        "refine: wanted one of none, quarter, taylor, got None",
    ),
    "blur": (
        lambda: pc.HeatmapDecoder(COCO17, stride_px=4, blur_sigma_cells=5.5),
        ValueError,
        "blur_sigma_cells: wanted a number from 0 to 5, got 5.5",
    ),
    "blur str": (
        lambda: pc.HeatmapDecoder(COCO17, stride_px=4, blur_sigma_cells="2"),
        TypeError,
        "blur_sigma_cells: wanted a number from 0 to 5, got str",
    ),
}


@pytest.mark.parametrize(("call", "error", "sentence"), CALLS.values(), ids=CALLS)
def test_the_sentence(call, error, sentence):
    with pytest.raises(error) as caught:
        call()
    assert type(caught.value) is error
    assert str(caught.value) == sentence


def spoiled(scale: object, zero_point: object) -> pc.Poses:
    arrays = [array(3, 4, c, dtype=np.uint8) for c in (17, 34, 32, 32)]
    quantization = dict.fromkeys(pc.heads.TENSORS, pc.Quantization(scale, zero_point))
    return decoder()(pc.Heads(*arrays, stride_px=16, scores="logits", quantization=quantization))


LONG = pc.Skeleton("long", tuple(f"k{i}" for i in range(1025)), tuple((i, i + 1) for i in range(1024)))

# One sentence that names the argument; its words are free.
MORE = {
    "stride_px": lambda: decoder(stride_px=1e-50),
    "nms_radius_px": lambda: decoder(nms_radius_px=10**400),
    "pose_threshold": lambda: decoder(pose_threshold=np.complex64(1)),
    "root_threshold": lambda: decoder(root_threshold=np.True_),
    "skeleton": lambda: decoder(LONG),
    "refine": lambda: pc.HeatmapDecoder(COCO17, stride_px=4, refine=np.array(["a", "b"])),
    "short_offsets": lambda: SINGLE(heads(short_offsets=array(3, 4, 5))),
    "displacement_fwd": lambda: decoder()(heads(*ALL), displacement_fwd=FWD),
    "scale 1e300": lambda: spoiled(1e300, 0),
    "scale 1e-60": lambda: spoiled(1e-60, 0),
    "scale str": lambda: spoiled("1", 0),
    "zero_point 10**12": lambda: spoiled(1.0, 10**12),
    "zero_point 1.5": lambda: spoiled(1.0, 1.5),
    "zero_point None": lambda: spoiled(1.0, None),
    "mixed single": lambda: SINGLE(
        heads(short_offsets=SHORT.astype(np.uint8), quantization=quantized(short_offsets=(1, 0)))
    ),
}
MANY = pc.HeatmapDecoder(COCO17, stride_px=16)
for which, one in {"many": decoder(), "single": SINGLE, "heatmap": MANY}.items():
    for name, onto in {
        "onto tuple": ((1, 1, 0, 0), (640, 480)),
        "onto list": [1],
        "image_size str": Onto((1, 1, 0, 0), "foo"),
        "image_size zero": Onto((1, 1, 0, 0), (640, 0)),
        "image_size real": Onto((1, 1, 0, 0), (640.0, 480)),
        "image_size bool": Onto((1, 1, 0, 0), (640, True)),
        "image_size huge": Onto((1, 1, 0, 0), (640, 10**30)),
        "pixel_map list": Onto([1, 1, 0, 0], (640, 480)),
        "pixel_map huge": Onto((1e30, 1, 0, 0), (640, 480)),
        "pixel_map nan": Onto((1, 1, 0, float("nan")), (640, 480)),
    }.items():
        MORE[f"{name}, {which}"] = lambda one=one, onto=onto: one.decode(heads(*ALL), onto)
NAMES = {"displacement_fwd": "heatmaps", "mixed single": "short_offsets"}


@pytest.mark.parametrize(("name", "call"), MORE.items(), ids=MORE)
def test_one_sentence_that_names_the_argument(name, call):
    with pytest.raises((TypeError, ValueError), match=rf"^{NAMES.get(name, name.split()[0])}: wanted .*got "):
        call()


def test_a_size_of_numpy_numbers_becomes_one_of_pythons():
    for one in (decoder(), SINGLE):
        size = one.decode(heads(*ALL), Onto((1, 1, 0, 0), (np.int64(640), np.int32(480)))).image_size
        assert size == (640, 480)
        assert all(type(side) is int for side in size)


@pytest.mark.parametrize("semantics", ["coral", "tfjs"])
def test_heads_that_are_too_large_are_refused_before_memory_is_asked_for(semantics):
    def wide(channels: int, side: int) -> np.ndarray:
        return np.broadcast_to(np.float32(0), (side, 1 if side > 2**20 else side, channels))

    shapes = (17, 34, 32, 32)
    with pytest.raises(ValueError, match=r"^the tensors have more than 2\^24 rows or columns"):
        decoder(semantics=semantics)(*(wide(channels, 2**20) for channels in shapes))
    with pytest.raises(
        ValueError, match=r"^heatmaps: wanted axes of at most 2147483647, got \(2147483648, 1, 17\)$"
    ):
        decoder(semantics=semantics)(*(wide(channels, 2**31) for channels in shapes))
