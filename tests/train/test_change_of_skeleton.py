"""A network on another skeleton says the same as before about what the two have in common."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from random_weights import randomise

from posecore import COCO17, COCO_FEET23, MPII16, Skeleton
from posecore.train.networks import cpm, load_posenet_weights, posenet, simple_baseline, with_skeleton

SHARED = Path(os.environ.get("POSECORE_SHARED", Path(__file__).resolve().parents[3] / "shared")) / "data"
WEIGHTS_075 = SHARED / "models" / "posenet_mobilenet_v1_075_weights_f32.npz"

TREE = Skeleton("tree", ("a", "b", "c", "d"), ((0, 1), (1, 2), (1, 3)))
# Another order, b - a the other way round, e for d.
TURNED = Skeleton("turned", ("c", "b", "e", "a"), ((1, 3), (1, 0), (3, 2)))


def picture(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, (2, 97, 129, 3)).astype(np.float32)


def arrays(heads: dict[str, Any]) -> dict[str, np.ndarray]:
    return {name: np.asarray(head) for name, head in heads.items()}


def coco_model() -> Any:
    model = posenet("mobilenet_v1_075")
    if not WEIGHTS_075.is_file():
        return randomise(model)
    load_posenet_weights(model, WEIGHTS_075)
    return model


def close(got: np.ndarray, wanted: np.ndarray) -> None:
    """1e-6 of the largest value: the sums are the same, but another number of channels may be summed in another order.
    On x86-64 with TensorFlow 2.21 the difference is 0."""
    assert wanted.std() > 0
    np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-6 * np.abs(wanted).max())


def test_17_to_23_keypoints_keeps_the_17() -> None:
    model = coco_model()
    before = arrays(model(picture()))
    changed = with_skeleton(model, COCO17, COCO_FEET23)
    after = arrays(changed(picture()))
    assert {name: head.shape[-1] for name, head in after.items()} == {
        "heatmap_2": 23,
        "offset_2": 46,
        "displacement_fwd_2": 44,
        "displacement_bwd_2": 44,
    }
    close(after["heatmap_2"][..., :17], before["heatmap_2"])
    close(after["offset_2"][..., :17], before["offset_2"][..., :17])  # y
    close(after["offset_2"][..., 23:40], before["offset_2"][..., 17:])  # x
    for name in ("displacement_fwd_2", "displacement_bwd_2"):
        close(after[name][..., :16], before[name][..., :16])
        close(after[name][..., 22:38], before[name][..., 16:])
    # What is new says next to nothing, and not exactly nothing, which could not learn apart.
    new = np.concatenate([after["heatmap_2"][..., 17:], after["offset_2"][..., 40:]], axis=-1)
    assert 0 < np.abs(new).max() < 0.5
    assert np.unique(new.reshape(-1, new.shape[-1]), axis=1).shape[1] == 12


def test_the_weights_of_what_is_common_are_copied_bit_for_bit() -> None:
    model = coco_model()
    changed = with_skeleton(model, COCO17, COCO_FEET23)
    for layer in model.layers:
        for name, old, new in zip(
            ("kernel", "bias"), layer.get_weights(), changed.get_layer(layer.name).get_weights(), strict=False
        ):
            if layer.name == "heatmap_2":
                new = new[..., :17]
            elif layer.name == "offset_2":
                new = new[..., [*range(17), *range(23, 40)]]
            elif layer.name.startswith("displacement"):
                new = new[..., [*range(16), *range(22, 38)]]
            np.testing.assert_array_equal(new, old, err_msg=f"{layer.name} {name}")


def test_names_decide_not_numbers_and_a_turned_edge_changes_forward_and_backward() -> None:
    model = randomise(posenet("mobilenet_v1_050", skeleton=TREE))
    before = arrays(model(picture()))
    after = arrays(with_skeleton(model, TREE, TURNED)(picture()))
    a, b, c = 0, 1, 2  # in TREE; in TURNED they are 3, 1, 0
    close(after["heatmap_2"][..., [3, 1, 0]], before["heatmap_2"][..., [a, b, c]])
    close(after["offset_2"][..., [3, 1, 0]], before["offset_2"][..., [a, b, c]])
    close(after["offset_2"][..., [7, 5, 4]], before["offset_2"][..., [4 + a, 4 + b, 4 + c]])
    fwd, bwd = "displacement_fwd_2", "displacement_bwd_2"
    close(after[fwd][..., [0, 3]], before[bwd][..., [0, 3]])  # b - a, once a - b
    close(after[bwd][..., [0, 3]], before[fwd][..., [0, 3]])
    close(after[fwd][..., [1, 4]], before[fwd][..., [1, 4]])  # b - c
    close(after[bwd][..., [1, 4]], before[bwd][..., [1, 4]])
    for new in (after["heatmap_2"][..., 2], after["offset_2"][..., [2, 6]], after[fwd][..., [2, 5]]):
        assert np.abs(new).max() < 0.5


def test_there_and_back_again_is_the_same_network() -> None:
    model = coco_model()
    again = with_skeleton(with_skeleton(model, COCO17, COCO_FEET23), COCO_FEET23, COCO17)
    assert [weight.path for weight in again.weights] == [weight.path for weight in model.weights]
    for got, wanted in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(got, wanted)


def test_a_skeleton_without_edges_loses_the_displacements_and_gets_new_ones() -> None:
    model = randomise(posenet("mobilenet_v1_050", skeleton=TREE))
    points = Skeleton("points", ("a", "z"))
    without = with_skeleton(model, TREE, points)
    assert list(without.output) == ["heatmap_2", "offset_2"]
    back = with_skeleton(without, points, TREE)
    assert back.output["displacement_fwd_2"].shape[-1] == 6
    close(arrays(back(picture()))["heatmap_2"][..., 0], arrays(model(picture()))["heatmap_2"][..., 0])


def test_the_model_that_was_given_stays_as_it_was() -> None:
    model = coco_model()
    before = [weight.copy() for weight in model.get_weights()]
    changed = with_skeleton(model, COCO17, COCO_FEET23)
    for weight in changed.weights:
        weight.assign(np.zeros(weight.shape, np.float32))
    for got, wanted in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(got, wanted)


def test_one_seed_gives_one_network() -> None:
    model = posenet("mobilenet_v1_050", skeleton=TREE)
    first, again, other = (with_skeleton(model, TREE, TURNED, seed=seed) for seed in (3, 3, 4))
    kernels = [np.asarray(m.get_layer("heatmap_2").kernel) for m in (first, again, other)]
    np.testing.assert_array_equal(kernels[0], kernels[1])
    assert (kernels[0][..., 2] != kernels[2][..., 2]).any()


def test_simple_baseline_changes_too() -> None:
    model = randomise(simple_baseline(input_size=(64, 64), deconvolution_filters=8))
    changed = with_skeleton(model, COCO17, COCO_FEET23)
    assert changed.output["heatmap"].shape == (None, 16, 16, 23)
    image = picture()[:, :64, :64]
    close(arrays(changed(image))["heatmap"][..., :17], arrays(model(image))["heatmap"])


@pytest.mark.parametrize(
    ("builder", "source", "error", "message"),
    [
        (
            lambda: posenet("mobilenet_v1_050", skeleton=TREE),
            COCO17,
            ValueError,
            "source: wanted the skeleton of heads with the channels {'heatmap_2': 4, 'offset_2': 8, "
            "'displacement_fwd_2': 6, 'displacement_bwd_2': 6}, got {'heatmap_2': 17, 'offset_2': 34, "
            "'displacement_fwd_2': 32, 'displacement_bwd_2': 32}",
        ),
        (
            lambda: cpm(stages=1, width=0.0625),
            MPII16,
            ValueError,
            "model: wanted a network with the head heatmap_2 or heatmap, got cpm_1",
        ),
        (lambda: None, "coco17", TypeError, "skeleton: wanted a Skeleton, got str"),
    ],
)
def test_what_does_not_fit_gets_one_sentence(
    builder: Any, source: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        with_skeleton(builder(), source, COCO_FEET23)
