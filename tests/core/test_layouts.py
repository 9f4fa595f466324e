"""Which of a model's tensors is what: by names, shapes and how they were made, never by values."""

from __future__ import annotations

import contextlib
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posecore import COCO17, Decoder, ModelError, Quantization
from posecore.layouts import HeadsLayout, TensorInfo, decoder_roles, recognise, stride_from

SIZE = (481, 353)  # width, height; 31 x 23 cells at stride 16


def info(name: str, *shape: int, dtype: str = "float32", producer: str = "") -> TensorInfo:
    quantization = None if dtype.startswith("float") else Quantization(0.1, 128)
    return TensorInfo(name, shape, dtype, quantization, producer)


def grid(name: str, channels: int, **more: str) -> TensorInfo:
    return info(name, 1, 23, 31, channels, **more)


FOUR = [
    grid("heatmap_2", 17),
    grid("offset_2", 34),
    grid("displacement_fwd_2", 32),
    grid("displacement_bwd_2", 32),
]
FOUR_ROLES = ("heatmaps", "short_offsets", "displacement_fwd", "displacement_bwd")
CORAL = [grid("float_heatmaps", 17), grid("float_short_offsets", 34), grid("float_mid_offsets", 64)]
CORAL_ROLES = ("heatmaps", "short_offsets", "mid_offsets")


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))), ids=str)
def test_four_tensors_in_any_order(order):
    layout = recognise([FOUR[i] for i in order], input_size=SIZE)
    assert layout.kind == "posenet"
    assert layout.roles == tuple(FOUR_ROLES[i] for i in order)
    assert (layout.num_keypoints, layout.stride_px, layout.scores) == (17, 16.0, "logits")


@pytest.mark.parametrize(
    "names",
    [
        ("heatmap", "offset_2", "displacement_fwd_2", "displacement_bwd_2"),
        ("heatmap:0", "offset_2:0", "displacement_fwd_2:0", "displacement_bwd_2:0"),
        tuple(f"MobilenetV1/{t.name}/BiasAdd" for t in FOUR),
        ("heatmaps", "short_offsets", "displacement_fwd", "displacement_bwd"),
    ],
    ids=lambda names: names[0],
)  # fmt: skip
def test_names_of_four_tensors(names):
    channels = (17, 34, 32, 32)
    layout = recognise([grid(name, c) for name, c in zip(names, channels, strict=True)], input_size=SIZE)
    assert layout.roles == FOUR_ROLES


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
@pytest.mark.parametrize("named", [True, False], ids=["named", "by shape"])
def test_three_tensors_in_any_order(order, named):
    outputs = [CORAL[i] if named else grid(f"output_{i}", CORAL[i].shape[3]) for i in order]
    layout = recognise(outputs, input_size=SIZE)
    assert layout.kind == "posenet"
    assert layout.roles == tuple(CORAL_ROLES[i] for i in order)


@pytest.mark.parametrize("other", ["float_part_heatmaps", "float_part_offsets"])
def test_parts_of_bodies_are_left_alone(other):
    layout = recognise([*CORAL, grid(other, 24)], input_size=SIZE)
    assert layout.roles == (*CORAL_ROLES, "other")


def test_what_bodypix_makes_masks_of():
    layout = recognise(
        [grid("float_segments", 1), *CORAL, grid("x/long_offsets/BiasAdd", 34)], input_size=SIZE
    )
    assert layout.roles == ("segments", *CORAL_ROLES, "long_offsets")
    heads = layout.build(
        [np.full((1, *grid("", 1).shape[1:3], c), c, np.float32) for c in (1, 17, 34, 64, 34)]
    )
    assert [heads.tensors()[name].shape[2] for name in ("segments", "long_offsets")] == [1, 34]


@pytest.mark.parametrize(
    "unfit",
    [
        [grid("float_segments", 2)],
        [grid("float_long_offsets", 17)],
        [grid("float_segments", 1), grid("more_segments", 1)],
        [TensorInfo("float_segments", (1, 3, 3, 1), "float32")],
        [TensorInfo("float_segments", (1, *grid("", 1).shape[1:3], 1), "int32")],
        [TensorInfo("float_long_offsets", (1, *grid("", 1).shape[1:3], 34), "uint8")],
        [TensorInfo("segments", (), "float32")],
    ],
    ids=lambda unfit: " ".join(f"{one.name} {one.shape}" for one in unfit),
)
def test_poses_are_found_without_masks_that_do_not_fit(unfit):
    layout = recognise([*CORAL, *unfit], input_size=SIZE)
    assert layout.roles == (*CORAL_ROLES, *["other"] * len(unfit))


def test_roles_that_the_models_own_decoder_gives():
    roles = decoder_roles(
        ["a", "b", "c", "float_long_offsets", "float_segments", "float_part_heatmaps", "heatmaps"]
    )
    assert roles == ("heatmaps", "short_offsets", "mid_offsets", "long_offsets", "segments", "other", "other")
    assert decoder_roles(["a", "b", "c"]) == roles[:3]
    outputs = [grid(name, c) for name, c in zip("abcd", (17, 34, 64, 1), strict=True)]
    layout = recognise(outputs, input_size=SIZE, roles=decoder_roles("abcd"), stride_px=8)
    assert layout.roles == (*roles[:3], "other")
    assert layout.stride_px == 8


@pytest.mark.parametrize(
    ("producer", "said", "scores"),
    [
        ("", None, "logits"),
        ("CONV_2D", None, "logits"),
        ("LOGISTIC", None, "probabilities"),
        ("LOGISTIC", "logits", "logits"),
        ("CONV_2D", "probabilities", "probabilities"),
    ],
)
def test_what_posenet_heatmaps_hold(producer, said, scores):
    outputs = [grid("heatmap_2", 17, producer=producer), *FOUR[1:]]
    assert recognise(outputs, input_size=SIZE, scores=said).scores == scores


@pytest.mark.parametrize(("keypoints", "stride_px"), [(17, 4), (16, 4), (14, 8), (133, 4), (1, 2)])
def test_plain_heatmaps(keypoints, stride_px):
    outputs = [info("Identity", 1, 256 // stride_px, 192 // stride_px, keypoints)]
    layout = recognise(outputs, input_size=(192, 256))
    assert (layout.kind, layout.num_keypoints, layout.stride_px) == ("heatmaps", keypoints, stride_px)
    assert layout.scores == "probabilities"
    assert recognise(outputs, input_size=(192, 256), scores="logits").scores == "logits"


def test_movenet():
    single = recognise([info("StatefulPartitionedCall:0", 1, 1, 17, 3)], input_size=(192, 192))
    multi = recognise([info("output_0", 1, 6, 56)], input_size=(256, 256))
    assert (single.kind, single.num_keypoints) == ("movenet-single", 17)
    assert (multi.kind, multi.num_keypoints) == ("movenet-multi", 17)


@pytest.mark.parametrize(
    ("size", "cells", "stride_px"),
    [
        ((481, 353), (23, 31), 16),
        ((641, 481), (31, 41), 16),
        ((1281, 721), (46, 81), 16),
        ((257, 257), (17, 17), 16),
        ((513, 513), (65, 65), 8),
        ((337, 337), (22, 22), 16),
        ((192, 256), (64, 48), 4),
        ((353, 481), (31, 23), 16),
        ((17, 300), (300, 17), 1),
        ((101, 51), (6, 11), 10),
    ],
)
def test_the_stride_follows_from_the_input(size, cells, stride_px):
    assert stride_from(size, cells) == stride_px


KNOWN = "no known pose heads: wanted "
REFUSED = {
    "nothing": ([], "wanted a pose model's outputs, got none"),
    "which is forward": (
        [grid("a", 32), grid("b", 32), grid("c", 17), grid("d", 34)],
        "the two displacement tensors have the same shape and their names do not say which is forward: "
        "wanted displacement_fwd and displacement_bwd in the names, got a float32 [1, 23, 31, 32], "
        "b float32 [1, 23, 31, 32], c float32 [1, 23, 31, 17], d float32 [1, 23, 31, 34]",
    ),
    "classification": (
        [info("probabilities", 1, 1000)],
        f"{KNOWN}tensors of shape (1, h, w, channels), got probabilities float32 [1, 1000]",
    ),
    "detection": (
        [info("boxes", 1, 10, 4), info("classes", 1, 10), info("scores", 1, 10), info("count", 1)],
        f"{KNOWN}tensors of shape (1, h, w, channels), got boxes float32 [1, 10, 4], "
        "classes float32 [1, 10], scores float32 [1, 10], count float32 [1]",
    ),
    "yolo": (
        [info("output0", 1, 84, 8400)],
        f"{KNOWN}tensors of shape (1, h, w, channels), got output0 float32 [1, 84, 8400]",
    ),
    "feature pyramid": (
        [info(f"p{i}", 1, 40 >> i, 40 >> i, 256) for i in range(3)],
        f"{KNOWN}PoseNet (K heatmaps, 2K short offsets, 4(K-1) mid offsets or two tensors of 2(K-1) "
        "displacements), MoveNet or one tensor of heatmaps, got p0 float32 [1, 40, 40, 256], "
        "p1 float32 [1, 20, 20, 256], "
        "p2 float32 [1, 10, 10, 256]",
    ),
    "many": (
        [info(f"t{i}", 1, 5) for i in range(11)],
        f"{KNOWN}tensors of shape (1, h, w, channels), got "
        + ", ".join(f"t{i} float32 [1, 5]" for i in range(8))
        + " and 3 more",
    ),
    "no displacements": (
        FOUR[:2],
        "no known pose heads: displacements or mid offsets are missing among "
        "heatmap_2 float32 [1, 23, 31, 17], "
        "offset_2 float32 [1, 23, 31, 34]",
    ),
    "no backward": (
        FOUR[:3],
        "no known pose heads: displacements or mid offsets are missing among "
        "heatmap_2 float32 [1, 23, 31, 17], "
        "offset_2 float32 [1, 23, 31, 34], displacement_fwd_2 float32 [1, 23, 31, 32]",
    ),
    "heatmaps twice": (
        [*FOUR, grid("heatmap_3", 17)],
        f"{KNOWN}one tensor each of heatmaps and offsets, got heatmap_2 float32 [1, 23, 31, 17], "
        "offset_2 float32 [1, 23, 31, 34], displacement_fwd_2 float32 [1, 23, 31, 32], "
        "displacement_bwd_2 float32 [1, 23, 31, 32], heatmap_3 float32 [1, 23, 31, 17]",
    ),
    "channels": (
        [FOUR[0], grid("offset_2", 33), *FOUR[2:]],
        "channels do not fit 17 keypoints: wanted {'heatmaps': 17, 'short_offsets': 34, "
        "'displacement_fwd': 32, 'displacement_bwd': 32}, got {'heatmaps': 17, "
        "'short_offsets': 33, 'displacement_fwd': 32, 'displacement_bwd': 32}",
    ),
    "grids": (
        [CORAL[0], info("float_short_offsets", 1, 22, 31, 34), CORAL[2]],
        "pose heads want one grid, got float_heatmaps float32 [1, 23, 31, 17], "
        "float_short_offsets float32 [1, 22, 31, 34], float_mid_offsets float32 [1, 23, 31, 64]",
    ),
    "dtype": (
        [info("heatmaps", 1, 23, 31, 17, dtype="int64")],
        "heatmaps: wanted float32, uint8 or int8 heads, got int64",
    ),
    "no quantisation": (
        [TensorInfo("heatmaps", (1, 23, 31, 17), "uint8")],
        "heatmaps: wanted a scale and zero point for uint8 heads, got None",
    ),
    "no dimensions": (
        [info("heatmaps", 17)],
        "heatmaps: wanted a tensor of shape (1, h, w, channels), got (17,)",
    ),
    "two strides": (
        [info("heatmaps", 1, 60, 31, 17)],
        "no one stride leads from an input of 353x481 to a grid of 60x31 (height x width)",
    ),
    "free size": (
        [info("heatmaps", 1, -1, -1, 17)],
        "wanted a size for input and grid, got input 353x481 and grid -1x-1 (height x width)",
    ),
}


@pytest.mark.parametrize(("outputs", "sentence"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused(outputs, sentence):
    with pytest.raises(ModelError) as caught:
        recognise(outputs, input_size=SIZE)
    assert str(caught.value) == sentence


def test_a_stride_is_not_guessed():
    with pytest.raises(
        ModelError, match=r"^the stride does not follow from heads alone: wanted stride_px, got none$"
    ):
        recognise(FOUR)
    assert recognise(FOUR, stride_px=8.0).stride_px == 8.0


def zeros(layout: HeadsLayout, channels: tuple[int, ...], dtype: object = np.float32) -> list[np.ndarray]:
    return [np.full((1, 23, 31, c), i, dtype) for i, c in enumerate(channels)]


def test_building_heads_in_place():
    layout = recognise(FOUR[::-1], input_size=SIZE)
    arrays = zeros(layout, (32, 32, 34, 17))
    heads = layout.build(arrays)
    assert [heads.tensors()[name].flat[0] for name in FOUR_ROLES] == [3, 2, 1, 0]
    assert np.shares_memory(heads.heatmaps, arrays[3])
    assert heads.grid == (23, 31)


def test_building_heads_of_mid_offsets():
    outputs = [TensorInfo(t.name, t.shape, "uint8", Quantization(0.1 * i, i)) for i, t in enumerate(CORAL, 1)]
    layout = recognise([*outputs, grid("float_segments", 1)], input_size=SIZE)
    mid = np.arange(23 * 31 * 64).reshape(1, 23, 31, 64).astype(np.uint8)
    arrays = zeros(layout, (17, 34), np.uint8)
    heads = layout.build([*arrays, mid, np.zeros((1, 23, 31, 1), np.float32)])
    assert np.array_equal(heads.displacement_fwd, mid[0, :, :, :32])
    assert np.array_equal(heads.displacement_bwd, mid[0, :, :, 32:])
    assert np.shares_memory(heads.displacement_bwd, mid)
    assert (
        heads.quantization["displacement_fwd"]
        == heads.quantization["displacement_bwd"]
        == Quantization(0.1 * 3, 3)
    )
    assert heads.quantization["short_offsets"] == Quantization(0.2, 2)
    assert len(Decoder(COCO17, stride_px=16)(heads)) >= 0


NAMES = st.sampled_from(
    ["heatmap", "offset_2", "short_offsets", "displacement_fwd", "displacement_bwd", "mid", "x", ""]
)
SHAPES = st.lists(st.sampled_from([-1, 0, 1, 2, 3, 4, 17, 32, 34, 56, 64]), max_size=5).map(tuple)
DTYPES = st.sampled_from(["float32", "uint8", "int8", "int64", "float16"])
INFOS = st.builds(TensorInfo, NAMES, SHAPES, DTYPES, st.sampled_from([None, Quantization(0.1, 3)]))


@settings(derandomize=True, deadline=None, max_examples=1000)
@given(st.lists(INFOS, max_size=5), st.sampled_from([None, (0, 0), (-1, 5), SIZE]))
def test_any_outputs_give_a_layout_or_a_sentence(outputs, size):
    with contextlib.suppress(ModelError):  # anything else fails the test
        layout = recognise(outputs, input_size=size)
        assert layout.num_keypoints >= 1
        assert len(layout.roles) == len(outputs)


MOVENET_LIKE = {
    "yolov5 of three classes": [info("output", 1, 25200, 8)],
    "boxes with a class each": [info("detections", 1, 10, 8)],
    "no people in it": [info("output", 1, 1, 0, 3)],
    "ten people": [info("output", 1, 10, 56)],
    "any number of people": [info("output", 1, -1, 56)],
    "another skeleton": [info("output", 1, 6, 53)],
    "a batch of two": [info("output", 2, 1, 17, 3)],
    "quantised": [info("output", 1, 6, 56, dtype="uint8")],
    "two of them": [info("output_0", 1, 6, 56), info("output_1", 1, 6, 56)],
}


@pytest.mark.parametrize("outputs", MOVENET_LIKE.values(), ids=MOVENET_LIKE)
def test_not_every_table_is_a_movenet(outputs):
    with pytest.raises(ModelError):
        recognise(outputs, input_size=(640, 640))


def test_the_last_component_of_a_name_decides():
    names = (
        "heatmap_net/heatmap",
        "heatmap_net/offset_2",
        "heatmap_net/displacement_fwd",
        "heatmap_net/displacement_bwd",
    )
    outputs = [grid(name, c) for name, c in zip(names, (17, 34, 32, 32), strict=True)]
    assert recognise(outputs, input_size=SIZE).roles == FOUR_ROLES


def posenet_build(*counts: int, batch: int = 1) -> object:
    return recognise(FOUR, input_size=SIZE).build([np.zeros((batch, 23, 31, c), np.float32) for c in counts])


# One sentence that names the argument; its words are free.
MORE = {
    "arrays that are missing": lambda: posenet_build(17),
    "a batch of two": lambda: posenet_build(17, 34, 32, 32, batch=2),
    "MoveNet has no heads": lambda: recognise([info("x", 1, 1, 17, 3)]).build(
        [np.zeros((1, 1, 17, 3), np.float32)]
    ),
    "a batch of two in the shape": lambda: recognise([info("heatmaps", 2, 23, 31, 17)], input_size=SIZE),
    "float32 with a scale": lambda: recognise(
        [TensorInfo("h", (1, 23, 31, 17), "float32", Quantization(1, 0))], input_size=SIZE
    ),
}


@pytest.mark.parametrize("call", MORE.values(), ids=MORE)
def test_one_sentence_that_names_the_argument(call):
    with pytest.raises(ModelError, match=r"wanted (?!a scale).*got "):
        call()


@pytest.mark.parametrize(
    ("size", "grid"),
    [((192, 192), (1, 17)), ((640, 640), (1, 16)), ((353, 353), (23, 31)), ((10, 10), (20, 20))],
)
def test_a_grid_that_does_not_span_the_input_has_no_stride(size, grid):
    with pytest.raises(ModelError, match="no one stride leads from an input of"):
        recognise([info("heatmaps", 1, *grid, 17)], input_size=size)
