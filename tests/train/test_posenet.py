"""PoseNet in Keras: at any size, stride and skeleton, on MobileNet and on ResNet, and as K210 wants it."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from random_weights import randomise

from posecore import COCO17, COCO_FEET23, Skeleton
from posecore.train.networks import posenet

FIVE = Skeleton("five", ("a", "b", "c", "d", "e"), ((0, 1), (1, 2), (1, 3), (3, 4)))
POINTS = Skeleton("points", ("a", "b"))


def picture(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, (1, height, width, 3)).astype(np.float32)


def arrays(heads: dict[str, Any]) -> dict[str, np.ndarray]:
    return {name: np.asarray(head) for name, head in heads.items()}


def assert_same(heads: dict[str, np.ndarray], reference: dict[str, np.ndarray]) -> None:
    """Equal but for float32 sums in another order: 1e-5 of each head's largest value."""
    assert heads.keys() == reference.keys()
    for name, wanted in reference.items():
        assert wanted.std() > 0
        atol = 1e-5 * np.abs(wanted).max()
        np.testing.assert_allclose(heads[name], wanted, rtol=0, atol=atol, err_msg=name)


# --- The graph -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("backbone", "parameters"),
    [
        ("mobilenet_v1_050", 577_459),
        ("mobilenet_v1_075", 1_258_195),
        ("mobilenet_v1_100", 3_313_907),
        # ResNets without their top, as Keras counts them, and 2048 x 115 + 115 of the heads.
        ("resnet_50", 23_587_712 + 235_635),
        ("resnet_101", 42_658_176 + 235_635),
        ("resnet_152", 58_370_944 + 235_635),
    ],
)
def test_it_has_as_many_parameters_as_the_published_network(backbone: str, parameters: int) -> None:
    assert posenet(backbone).count_params() == parameters


@pytest.mark.parametrize("backbone", ["mobilenet_v1_100", "resnet_50"])
@pytest.mark.parametrize(
    ("input_size", "stride", "grid"),
    [
        ((481, 353), 8, (45, 61)),
        ((481, 353), 16, (23, 31)),
        ((481, 353), 32, (12, 16)),
        ((353, 481), 8, (61, 45)),
        ((352, 480), 16, (30, 22)),
        ((353, 481), 32, (16, 12)),
    ],
)
def test_the_grid_is_the_input_over_the_stride(
    backbone: str, input_size: tuple[int, int], stride: int, grid: tuple[int, int]
) -> None:
    model = posenet(backbone, output_stride=stride, input_size=input_size)
    assert {name: head.shape for name, head in model.output.items()} == {
        "heatmap_2": (None, *grid, 17),
        "offset_2": (None, *grid, 34),
        "displacement_fwd_2": (None, *grid, 32),
        "displacement_bwd_2": (None, *grid, 32),
    }


def test_another_skeleton_changes_the_channels_alone() -> None:
    heads = posenet("mobilenet_v1_050", skeleton=FIVE)(np.zeros((2, 33, 65, 3), np.float32))
    assert {name: tuple(head.shape) for name, head in heads.items()} == {
        "heatmap_2": (2, 3, 5, 5),
        "offset_2": (2, 3, 5, 10),
        "displacement_fwd_2": (2, 3, 5, 8),
        "displacement_bwd_2": (2, 3, 5, 8),
    }
    feet = posenet("mobilenet_v1_050", skeleton=COCO_FEET23).output
    assert [head.shape[-1] for head in feet.values()] == [23, 46, 44, 44]


def test_a_skeleton_without_edges_has_no_displacements() -> None:
    assert list(posenet("mobilenet_v1_050", skeleton=POINTS).output) == ["heatmap_2", "offset_2"]


def test_grey_pictures_have_one_channel() -> None:
    assert posenet("mobilenet_v1_050", channels=1, input_size=(64, 48)).input.shape == (None, 48, 64, 1)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            {"backbone": "mobilenet_v2"},
            ValueError,
            "backbone: wanted one of mobilenet_v1_050, mobilenet_v1_075, mobilenet_v1_100, resnet_50, resnet_101, "
            "resnet_152, got 'mobilenet_v2'",
        ),
        ({"output_stride": 4}, ValueError, "output_stride: wanted 8 or 16 with mobilenet_v1_075, got 4"),
        (
            {"backbone": "resnet_50", "output_stride": 64},
            ValueError,
            "output_stride: wanted 8 or 16 or 32 with resnet_50, got 64",
        ),
        ({"output_stride": 32}, ValueError, "output_stride: wanted 8 or 16 with mobilenet_v1_075, got 32"),
        ({"output_stride": 16.0}, TypeError, "output_stride: wanted a whole number, got float"),
        (
            {"output_stride": 8, "padding": "explicit"},
            ValueError,
            "output_stride: wanted 16 with mobilenet_v1_075 and explicit padding, got 8",
        ),
        ({"padding": "valid"}, ValueError, "padding: wanted one of same, explicit, got 'valid'"),
        ({"skeleton": 17}, TypeError, "skeleton: wanted a Skeleton, got int"),
        ({"channels": 0}, ValueError, "channels: wanted a whole number from 1 to 16, got 0"),
        ({"input_size": 257}, TypeError, "input_size: wanted (width, height) in pixels, got 257"),
        (
            {"input_size": (257, 0)},
            ValueError,
            "input_size: wanted a whole number from 1 to 2147483647, got 0",
        ),
    ],
)
def test_a_wrong_argument_gets_one_sentence(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        posenet(**arguments)


# --- Strides ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("height", "width"), [(97, 65), (96, 90)])
def test_resnet_at_a_finer_stride_sees_the_same_on_the_cells_that_both_have(height: int, width: int) -> None:
    """Dilated where it would stride: the same sums on every second cell, at even sizes as at odd ones."""
    coarse = randomise(posenet("resnet_50", skeleton=FIVE, output_stride=32))
    image = picture(height, width)
    reference = arrays(coarse(image))
    for stride, every in ((16, 2), (8, 4)):
        fine = posenet("resnet_50", skeleton=FIVE, output_stride=stride)
        fine.set_weights(coarse.get_weights())
        heads = {name: head[:, ::every, ::every] for name, head in arrays(fine(image)).items()}
        assert_same(heads, reference)


# --- Explicit padding, for K210 --------------------------------------------------------------------------------


@pytest.mark.parametrize(("backbone", "stride"), [("mobilenet_v1_050", 16), ("mobilenet_v1_100", 32)])
def test_explicit_padding_has_what_k210_runs_by_itself(backbone: str, stride: int) -> None:
    """Stride 2 comes with padding by 1 on all sides, then none; nothing dilates."""
    model = posenet(backbone, output_stride=stride, padding="explicit", input_size=(224, 192))
    strided = 0
    for layer in model.layers:
        config = layer.get_config()
        if config.get("strides") == (2, 2):
            strided += 1
            assert config["padding"] == "valid"
            pad = model.get_layer(f"{layer.name}_pad")
            assert pad.padding == ((1, 1), (1, 1))
            assert pad.output is layer.input
        assert config.get("dilation_rate", (1, 1)) == (1, 1)
    assert 2**strided == stride
    assert model.output["heatmap_2"].shape == (None, 192 // stride, 224 // stride, 17)


@pytest.fixture(scope="module")
def both_paddings() -> tuple[Any, Any]:
    same = randomise(posenet("mobilenet_v1_050", skeleton=FIVE))
    explicit = posenet("mobilenet_v1_050", skeleton=FIVE, padding="explicit")
    assert [weight.path for weight in explicit.weights] == [weight.path for weight in same.weights]
    explicit.set_weights(same.get_weights())
    return same, explicit


def test_explicit_padding_is_the_same_network_on_odd_sizes(both_paddings: tuple[Any, Any]) -> None:
    same, explicit = both_paddings
    image = picture(113, 161)
    assert_same(arrays(explicit(image)), arrays(same(image)))


def test_explicit_padding_keeps_the_grid_on_even_sizes(both_paddings: tuple[Any, Any]) -> None:
    """A column and a row less: cells that do not see as far as the border say what they said.

    A cell at stride 16 sees 141 px around: 2 x 3 x 3 at each stride 1 to 8, and 7 of them at 16.
    """
    same, explicit = both_paddings
    image = picture(305, 337)
    cells = (slice(None), slice((304 - 141) // 16), slice((336 - 141) // 16))
    wanted = {name: head[cells] for name, head in arrays(same(image)).items()}
    assert wanted["heatmap_2"].shape[1:3] == (10, 12)
    even = image[:, :-1, :-1]
    assert_same({name: head[cells] for name, head in arrays(explicit(even)).items()}, wanted)
    with pytest.raises(AssertionError):  # half a cell further on
        assert_same({name: head[cells] for name, head in arrays(same(even)).items()}, wanted)


def test_the_default_is_googles_network() -> None:
    model = posenet()
    assert model.name == "posenet_mobilenet_v1_075"
    assert [head.shape[-1] for head in model.output.values()] == [
        COCO17.num_keypoints,
        *(2 * 17, 2 * 16, 2 * 16),
    ]
