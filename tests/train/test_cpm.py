"""Convolutional Pose Machines: the paper's layers, and a map of every part from every stage."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from random_weights import randomise

from posecore import COCO17, MPII16, Skeleton
from posecore.train.networks import cpm


def parameters(maps: int, stages: int, centre: int = 0) -> int:
    """Of the paper's network (its figure 2), side x side x in x out + out for each convolution."""

    def count(*layers: tuple[int, int, int]) -> int:
        return sum(side * side * inputs * outputs + outputs for side, inputs, outputs in layers)

    features = count((9, 3, 128), (9, 128, 128), (9, 128, 128), (5, 128, 32))
    first = count((9, 32, 512), (1, 512, 512), (1, 512, maps))
    beside = 32 + maps + centre
    later = count((11, beside, 128), (11, 128, 128), (11, 128, 128), (1, 128, 128), (1, 128, maps))
    return features + first + (features if stages > 1 else 0) + (stages - 1) * later


def test_it_has_as_many_parameters_as_the_papers_network() -> None:
    """Six stages for the 14 joints of Leeds Sports, with background and centre map."""
    leeds = Skeleton("leeds14", tuple(f"joint{k}" for k in range(14)))
    model = cpm(skeleton=leeds, stages=6, background=True, centre_map=True)
    assert model.count_params() == parameters(15, 6, centre=1) == 30_810_138


@pytest.mark.parametrize(("stages", "counted"), [(1, 4_386_608), (2, 11_902_048)])
def test_parameters_for_mpii(stages: int, counted: int) -> None:
    assert cpm(stages=stages).count_params() == counted == parameters(16, stages)


@pytest.mark.parametrize("stages", [1, 2, 3, 4, 5, 6])
def test_every_stage_is_an_output(stages: int) -> None:
    model = cpm(stages=stages, width=0.0625, input_size=(72, 105))
    grid = (None, 14, 9, 16)
    assert {name: maps.shape for name, maps in model.output.items()} == {
        f"stage{stage}": grid for stage in range(1, stages + 1)
    }


@pytest.mark.parametrize(("skeleton", "background", "maps"), [(COCO17, False, 17), (MPII16, True, 17)])
def test_parts_are_those_of_the_skeleton_and_the_background(
    skeleton: Skeleton, background: bool, maps: int
) -> None:
    model = cpm(skeleton=skeleton, background=background, stages=2, width=0.0625)
    assert {output.shape[-1] for output in model.output.values()} == {maps}


@pytest.mark.parametrize(("input_size", "grid"), [((368, 368), (46, 46)), ((257, 200), (25, 33))])
def test_the_grid_is_posenets_at_stride_8(input_size: tuple[int, int], grid: tuple[int, int]) -> None:
    model = cpm(stages=2, width=0.0625, input_size=input_size, centre_map=True)
    assert model.output["stage2"].shape[1:3] == grid


def test_cells_are_centred_on_every_eighth_pixel() -> None:
    """With kernels that are the same from both sides, a mirrored picture of 8 n + 1 columns gives the mirrored map."""
    model = randomise(cpm(stages=2, width=0.0625))
    for weight in model.weights:
        if len(weight.shape) == 4:
            kernel = np.asarray(weight)
            weight.assign((kernel + kernel[:, ::-1]) / 2)
    image = np.random.default_rng(0).uniform(-1, 1, (1, 57, 65, 3)).astype(np.float32)
    for name, maps in model(image).items():
        mirrored = np.asarray(model(image[:, :, ::-1])[name])[:, :, ::-1]
        assert np.asarray(maps).std() > 0
        np.testing.assert_allclose(mirrored, maps, rtol=0, atol=1e-5 * np.abs(mirrored).max())


def test_a_later_stage_sees_as_much_further_as_the_paper_says() -> None:
    """Receptive field 160 px at stage 1 and 400 at stage 2 in the paper; this pooling sees a little more."""
    model = randomise(cpm(stages=2, width=0.0625))
    image = np.zeros((1, 641, 641, 3), np.float32)
    dotted = image.copy()
    dotted[0, 320, 320] = 1
    reach = {}
    for name, maps in model(dotted).items():
        seen = np.abs(np.asarray(maps) - np.asarray(model(image)[name])).max(axis=(0, 1, 3)) > 0
        reach[name] = 8 * int(seen.sum())
    assert reach["stage1"] == pytest.approx(160, abs=16)
    assert reach["stage2"] == pytest.approx(400, abs=16)


def test_the_centre_map_says_which_person_from_the_second_stage_on() -> None:
    model = randomise(cpm(stages=2, width=0.0625, centre_map=True))
    rng = np.random.default_rng(0)
    image = rng.uniform(-1, 1, (1, 64, 64, 3)).astype(np.float32)
    here, there = (np.zeros((1, 64, 64, 1), np.float32) for _ in range(2))
    here[0, 16, 16], there[0, 48, 48] = 100, 100
    outputs = [model({"image": image, "centre_map": centre}) for centre in (here, there)]
    np.testing.assert_array_equal(outputs[0]["stage1"], outputs[1]["stage1"])
    assert np.abs(np.asarray(outputs[0]["stage2"]) - np.asarray(outputs[1]["stage2"])).max() > 1e-3


def test_maps_are_linear() -> None:
    """Neither a sigmoid nor a ReLU: the loss is the squared difference to a Gaussian."""
    values = np.asarray(randomise(cpm(stages=1, width=0.125))(np.ones((1, 64, 64, 3), np.float32))["stage1"])
    assert values.min() < 0
    assert values.max() > 1


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"stages": 0}, ValueError, "stages: wanted a whole number from 1 to 6, got 0"),
        ({"stages": 2.5}, TypeError, "stages: wanted a whole number from 1 to 6, got float"),
        ({"width": 0}, ValueError, "width: wanted a number from 0.0625 to 4, got 0"),
        ({"refinement_size": 8}, ValueError, "refinement_size: wanted an odd number, got 8"),
        (
            {"centre_map": True, "stages": 1},
            ValueError,
            "centre_map: wanted two stages or more, since the first does not look at it, got 1",
        ),
        ({"skeleton": "mpii16"}, TypeError, "skeleton: wanted a Skeleton, got str"),
    ],
)
def test_a_wrong_argument_gets_one_sentence(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        cpm(**arguments)
