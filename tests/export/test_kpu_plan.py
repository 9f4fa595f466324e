"""The plan of the KPU's memory, against what nncase 1.9 made of the same networks."""

from __future__ import annotations

import pytest

from posecore.export.kpu_network import KpuLayer, KpuNetwork
from posecore.export.kpu_plan import KPU_BYTES, plan_network, rows_of

_FIRST_BLOCKS = ((1, 64), (2, 128), (1, 128), (2, 256), (1, 256), (2, 512), *((1, 512),) * 5)
_LAST_BLOCKS = {"050": ((1, 512), (1, 512)), "075": ((1, 512), (1, 512)), "100": ((2, 1024), (1, 1024))}


def posenet(name: str) -> KpuNetwork:
    """PoseNet on MobileNetV1 of this width in hundredths, as `kpu_network` gives it."""
    alpha = int(name) / 100
    layers = [KpuLayer("conv2d_0", -1, round(32 * alpha), 3, 2, False)]
    for block, (stride, filters) in enumerate((*_FIRST_BLOCKS, *_LAST_BLOCKS[name]), start=1):
        number = len(layers) - 1
        layers.append(KpuLayer(f"conv2d_{block}_depthwise", number, layers[-1].channels, 3, stride, True))
        layers.append(KpuLayer(f"conv2d_{block}_pointwise", number + 1, round(filters * alpha), 1, 1, False))
    features = len(layers) - 1
    heads = {"heatmap_2": 17, "offset_2": 34, "displacement_fwd_2": 32, "displacement_bwd_2": 32}
    layers += [KpuLayer(head, features, channels, 1, 1, False) for head, channels in heads.items()]
    return KpuNetwork(f"posenet_{name}", tuple(layers))


# (width, height) of the input, and whether nncase 1.9.0.20230322 compiled it, with one call of the KPU, or ended with
# "Allocator has ran out of memory". Each of the files that it made has every tensor in the row that the plan says.
NNCASE = {
    "050": {
        (224, 224): True,
        (320, 240): True,
        (320, 256): True,
        (384, 256): True,
        (400, 256): False,
        (512, 208): True,
        (512, 224): False,
        (256, 256): True,
        (64, 64): True,
        (448, 240): False,
        (64, 256): True,
        (480, 224): False,
    },
    "075": {
        (224, 224): True,
        (320, 240): False,
        (256, 256): True,
        (272, 256): False,
        (240, 240): True,
        (256, 192): True,
        (384, 192): True,
        (384, 208): False,
        (512, 144): True,
        (512, 160): False,
        (320, 208): False,
        (320, 192): True,
        (192, 256): True,
        (64, 64): True,
        (304, 224): False,
    },
    "100": {
        (224, 224): True,
        (256, 192): True,
        (256, 224): True,
        (320, 192): False,
        (128, 128): True,
        (192, 256): False,
        (224, 256): False,
        (320, 160): False,
    },
}


@pytest.mark.parametrize("name", NNCASE)
def test_the_plan_knows_what_nncase_finds_out(name: str) -> None:
    network = posenet(name)
    assert {size: plan_network(network, size).fits for size in NNCASE[name]} == NNCASE[name]


def test_every_tensor_is_where_nncase_puts_it() -> None:
    plan = plan_network(posenet("075"), (224, 224))
    # The rows of posenet 0.75's file: picture, conv2d_0, then depthwise and pointwise of each block, and the heads.
    wide = [0, 2688, 8064, 13440, 0, 10752, 0, 5376, 0, 5376, 0, 2688, 0, 2688]
    assert [one.first_row for one in plan.placements] == [*wide, *[0, 1344] * 7, 0, 0, 0, 0]
    assert plan.peak_bytes == 24192 * 64


@pytest.mark.parametrize(
    ("size", "rows"),
    [
        ((14, 14, 384), 14 * 96),
        ((16, 1, 5), 2),
        ((17, 1, 5), 3),
        ((28, 28, 192), 28 * 96),
        ((33, 2, 5), 10),
        ((64, 1, 1), 1),
        ((65, 1, 1), 2),
        ((160, 120, 48), 3 * 120 * 48),
    ],
)
def test_narrow_lines_share_rows(size: tuple[int, int, int], rows: int) -> None:
    assert rows_of(*size) == rows


def test_a_network_that_does_not_fit_says_where_and_what_would() -> None:
    plan = plan_network(posenet("075"), (320, 240))
    assert plan.misfit is not None
    assert plan.misfit.layer == "conv2d_1_pointwise"
    assert plan.peak_bytes > KPU_BYTES
    assert set(plan.sizes) == {(384, 192), (512, 144), (256, 256)}
    assert set(plan.inside) == {(320, 192), (256, 240)}
    assert plan.sentence().startswith(
        "posenet_075 at 240x320 (height x width) does not fit into the KPU: with conv2d_1_pointwise 120x160x48 it "
        "would take 2,442,240 of 2,097,152 bytes; inside of it "
    )
    assert plan.as_dict()["misfit"] == "conv2d_1_pointwise"


@pytest.mark.parametrize("name", NNCASE)
def test_the_sizes_it_proposes_fit_and_none_is_inside_another(name: str) -> None:
    network = posenet(name)
    sizes = plan_network(network, (128, 128)).sizes
    assert sizes
    assert all(plan_network(network, size).fits for size in sizes)
    assert not [(a, b) for a in sizes for b in sizes if a != b and a[0] <= b[0] and a[1] <= b[1]]


@pytest.mark.parametrize(
    ("size", "sentence"),
    [
        (
            (225, 320),
            "size: wanted a height and a width that 16 divides, since the KPU halves even sizes, got 320x225 (height x "
            "width); 320x224 is near",
        ),
        (
            (48, 64),
            "size: wanted a height of 64 to 256 and a width of 64 to 512 pixels, which the KPU takes, got 64x48",
        ),
        ((224, 272), "which the KPU takes, got 272x224 (height x width)"),
        ((528, 64), "a width of 64 to 512"),
    ],
)
def test_sizes_that_the_kpu_does_not_take_are_a_sentence(size: tuple[int, int], sentence: str) -> None:
    with pytest.raises(ValueError, match="size: ") as error:
        plan_network(posenet("050"), size)
    assert sentence in str(error.value)


def test_a_tensor_lives_until_its_last_reader() -> None:
    layers = (
        KpuLayer("stem", -1, 8, 3, 1, False),
        KpuLayer("first", 0, 8, 1, 1, False),
        KpuLayer("second", 0, 8, 1, 1, False),
        KpuLayer("last", 1, 8, 1, 1, False),
    )
    plan = plan_network(KpuNetwork("forked", layers), (64, 64))
    # The picture's 192 rows are too few for 512; "second" is an output and holds none behind itself.
    assert [(one.layer, one.first_row) for one in plan.placements] == [
        ("image", 0),
        ("stem", 192),
        ("first", 704),
        ("second", 1216),
        ("last", 0),
    ]
