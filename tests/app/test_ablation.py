"""Variants of the pipeline on pictures of which everything is known."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from labelled_pictures import SIZE, KnowingEstimator, Pictures, heads_of, moved, person

from posecore.ablation import Ablation, Experiment, Row
from posecore.ablation_scene import Networks, Scene
from posecore.ablation_truth import People, perfect, with_truth
from posecore.ablation_views import flips, mean, onto, real
from posecore.errors import ModelError, SourceError
from posecore.evaluation.coco_files import read_truths
from posecore.heads import TENSORS, Heads, Quantization
from posecore.runtime.geometry import Geometry
from posecore.skeletons import COCO17, CROWDPOSE14, Skeleton

OPTIONS = {
    "max_poses": 20,
    "root_threshold": 0.2,
    "pose_threshold": 0.2,
    "nms_radius_px": 10.0,
    "refine_steps": 5,
}


def ablation_of(pictures: Pictures, *, draws: int = 0, options: Any = OPTIONS, **network: Any) -> Ablation:
    networks = Networks(lambda **view: KnowingEstimator(pictures, **view, **network), None)
    experiment = Experiment(read_truths(pictures.truth()), networks, options)
    for number in range(len(pictures.people)):
        experiment.add(number, pictures.image(number))
    return experiment.score(draws)


def by_name(ablation: Ablation) -> dict[str, Row]:
    return {row.name: row for row in ablation.rows}


@pytest.fixture(scope="module")
def right() -> dict[str, Row]:
    """The rows of a network that is right everywhere."""
    return by_name(ablation_of(Pictures(), draws=50))


def test_every_part_has_its_row(right: dict[str, Row]) -> None:
    assert list(right) == [
        "full pipeline",
        "bilinear sampling",
        *(f"refinement: {left} of 5" for left in range(5)),
        "suppression",
        "re-scoring",
        "close-fitting input",
        "letterbox",
        "letterbox, smooth resizing",
        "flip test",
        "three sizes",
        "three sizes and flip test",
        "heatmaps",
        "short offsets",
        "displacements",
        "short offsets, displacements",
        "all heads",
        "person box",
        "pose scores",
    ]


# Where a network is right, one keypoint in a crowd of five cells can still lie between two people.
@pytest.mark.parametrize("name", ["bilinear sampling", "suppression"])
def test_no_variant_is_better_than_a_network_that_is_right(right: dict[str, Row], name: str) -> None:
    assert right[name].stats[0] <= right["full pipeline"].stats[0]


def test_a_network_that_is_right_loses_nothing(right: dict[str, Row]) -> None:
    low = {name: row.stats[0] for name, row in right.items() if row.stats[0] < 0.999}
    assert set(low) <= {"suppression"}


def test_the_same_poses_differ_by_nothing_in_any_set_of_pictures(right: dict[str, Row]) -> None:
    row = right["close-fitting input"]
    assert (row.difference, row.low, row.high, row.is_clear) == (0, 0, 0, False)


def test_without_suppression_one_person_is_found_again_and_again(right: dict[str, Row]) -> None:
    assert right["suppression"].poses > right["full pipeline"].poses == 6


@pytest.mark.parametrize(
    ("tensor", "head", "steps"),
    [("short_offsets", "short offsets", 5), ("displacement_fwd", "displacements", 0)],
)
def test_the_truth_mends_the_head_that_is_wrong_and_no_other(tensor: str, head: str, steps: int) -> None:
    wrong = by_name(
        ablation_of(Pictures(), spoil=moved(tensor, 9.0), options=OPTIONS | {"refine_steps": steps})
    )
    assert wrong["full pipeline"].stats[0] < 0.9
    assert wrong[head].stats[0] > 0.999
    assert wrong["short offsets, displacements"].stats[0] > 0.999
    for other in {"heatmaps", "short offsets", "displacements"} - {head}:
        assert wrong[other].stats[0] < 0.9


def phantom(heads: Heads) -> Heads:
    """A hill in the last corner that nobody is at; the corner's vectors lead to nobody either."""
    changed = {name: getattr(heads, name).copy() for name in TENSORS}
    changed["heatmaps"][-2:, :2] = 9.0
    for name in TENSORS[1:]:
        changed[name][-2:, :2] = 0
    return replace(heads, **changed)


def test_the_truth_about_heatmaps_and_about_scores_mends_people_who_are_not_there() -> None:
    wrong = by_name(ablation_of(Pictures(), spoil=phantom))
    assert wrong["full pipeline"].stats[0] < 0.9
    assert wrong["short offsets"].stats[0] < 0.9
    assert wrong["heatmaps"].stats[0] > 0.999
    assert wrong["pose scores"].stats[0] > 0.999
    assert wrong["pose scores"].poses == wrong["full pipeline"].poses


def test_people_without_labels_and_crowds_keep_what_the_network_says() -> None:
    pictures = Pictures([np.stack([person(60, 95, 140), person(185, 100, 110)])])
    truth = pictures.truth()
    truth["annotations"][1].update(keypoints=[0] * 51, num_keypoints=0)
    truths = read_truths(truth)
    geometry = Geometry.long_side(SIZE, 257, multiple=16, plus=1)
    heads = heads_of(np.asarray(geometry.to_input(pictures.people[0])), geometry.input_size)
    known = perfect(heads, People.of(truths, 0), geometry, COCO17)
    second = np.rint(geometry.to_input(pictures.people[0][1]) / 16).astype(int)
    for k, (x, y) in enumerate(second):
        assert np.isnan(known["heatmaps"][y, x, k])
        assert np.isnan(known["short_offsets"][y, x, k])
    mixed = with_truth(heads, known, TENSORS)
    assert np.isfinite(mixed.heatmaps).all()
    np.testing.assert_array_equal(
        mixed.heatmaps[np.isnan(known["heatmaps"])], heads.heatmaps[np.isnan(known["heatmaps"])]
    )
    truth["annotations"][1].update(iscrowd=1)
    crowd = perfect(heads, People.of(read_truths(truth), 0), geometry, COCO17)
    x, y = second.mean(axis=0).astype(int)
    assert np.isnan(crowd["heatmaps"][y, x]).all()


def test_hills_are_sure_on_the_keypoint_and_even_at_the_border() -> None:
    xy = np.full((1, 17, 2), 64.0, np.float32)
    people = People(
        xy,
        np.full((1, 17), 2, np.uint8),
        np.array([[40, 40, 50, 50]], np.float32),
        np.zeros((0, 4), np.float32),
    )
    size = (129, 129)
    heads = heads_of(np.full((1, 17, 2), 64.0), size)
    known = perfect(heads, people, Geometry.letterbox(size, size), COCO17)["heatmaps"][:, :, 0]
    assert known[4, 4] == pytest.approx(9.21)
    assert known[4, 5] == pytest.approx(np.log((1 - 128 / 576) / (128 / 576)), rel=1e-5)
    assert known[4, 6] == pytest.approx(-9.21)


@pytest.mark.parametrize("width", [241, 242, 250, 257], ids=str)
@pytest.mark.parametrize("input_size", [(257, 193), (256, 192), (353, 353)], ids=str)
def test_mirrored_heads_are_the_heads(width: int, input_size: tuple[int, int]) -> None:
    """For all margins and for grids whose cells the mirror image puts between cells."""
    pictures = Pictures([np.stack([person(120, 90, 150)])])
    geometry = Geometry.letterbox((width, 190), input_size)
    heads = heads_of(np.asarray(geometry.to_input(pictures.people[0])), input_size)
    mirrored = pictures.people[0][:, list(COCO17.flip_index)] * (-1, 1) + (width - 1, 0)
    other = heads_of(np.asarray(geometry.to_input(mirrored)), input_size)
    back = onto(other, geometry, heads, geometry, COCO17, mirrored=True)
    for name in TENSORS[1:]:
        np.testing.assert_allclose(getattr(back, name), getattr(heads, name), atol=2e-3)
    # Of an even width nothing is said beyond the last cell.
    assert np.abs(back.heatmaps - heads.heatmaps)[:, input_size[0] % 2 == 0 :].max() < 1.0


@pytest.mark.parametrize("side", [161, 257, 401])
def test_heads_of_another_size_lead_to_the_same_places(side: int) -> None:
    pictures = Pictures([np.stack([person(120, 90, 150)])])
    base = Geometry.long_side(SIZE, 257, multiple=16, plus=1)
    seen = Geometry.long_side(SIZE, side, multiple=16, plus=1)
    heads = heads_of(np.asarray(base.to_input(pictures.people[0])), base.input_size)
    other = heads_of(np.asarray(seen.to_input(pictures.people[0])), seen.input_size)
    back = onto(other, seen, heads, base, COCO17)
    for name in TENSORS[1:]:
        np.testing.assert_allclose(getattr(back, name), getattr(heads, name), atol=2e-3)


def test_the_mean_of_heads_is_that_of_each_value() -> None:
    heads = heads_of(np.stack([person(120, 90, 150)]), (129, 129))
    doubled = replace(heads, **{name: getattr(heads, name) * 3 for name in TENSORS})
    np.testing.assert_allclose(mean([heads, doubled]).short_offsets, heads.short_offsets * 2, rtol=1e-6)


def test_quantised_heads_are_their_real_numbers() -> None:
    heads = heads_of(np.stack([person(120, 90, 150)]), (129, 129))
    quantization = {name: Quantization(2.0, 7) for name in TENSORS}
    stored = {
        name: np.clip(getattr(heads, name) / 2 + 7, -128, 127).astype(np.int8).transpose(2, 0, 1)
        for name in TENSORS
    }
    quantised = Heads(**stored, stride_px=16, scores="logits", layout="chw", quantization=quantization)
    assert real(heads) is heads
    found = real(quantised)
    assert (found.layout, found.grid, dict(found.quantization)) == ("hwc", heads.grid, {})
    np.testing.assert_array_equal(found.short_offsets, (stored["short_offsets"].transpose(1, 2, 0) - 7.0) * 2)


def test_a_skeleton_that_does_not_mirror_has_no_flip_test() -> None:
    assert flips(COCO17)
    lopsided = Skeleton("lopsided", ("a", "left_b", "right_b"), ((0, 1), (1, 2)), flip_pairs=((1, 2),))
    assert not flips(lopsided)


def test_a_network_of_one_size_has_no_other_sizes() -> None:
    rows = by_name(ablation_of(Pictures(), fixed=(193, 257)))
    assert "letterbox" in rows
    assert "flip test" in rows
    assert not {"close-fitting input", "three sizes", "three sizes and flip test"} & set(rows)
    assert rows["person box"].stats[0] > 0.999


def test_fewer_refinement_steps_have_fewer_rows() -> None:
    rows = by_name(ablation_of(Pictures(), options=OPTIONS | {"refine_steps": 2}))
    assert [name for name in rows if name.startswith("refinement")] == [
        "refinement: 0 of 2",
        "refinement: 1 of 2",
    ]


def test_pictures_without_anybody_cost_what_is_found_in_them() -> None:
    pictures = Pictures([np.stack([person(120, 90, 150)]), np.zeros((0, 17, 2))])
    truths = read_truths(pictures.truth())
    empty = Pictures([pictures.people[0], pictures.people[0]])
    networks = Networks(lambda **view: KnowingEstimator(empty, **view), None)
    experiment = Experiment(truths, networks, OPTIONS)
    for number in range(2):
        experiment.add(number, pictures.image(number))
    rows = by_name(experiment.score(0))
    assert rows["full pipeline"].poses == 2
    assert rows["person box"].poses == 1
    assert rows["heatmaps"].poses == 1


def test_of_a_picture_only_its_poses_are_kept() -> None:
    pictures = Pictures()
    scenes: list[Any] = []
    networks = Networks(lambda **view: KnowingEstimator(pictures, **view), None)
    experiment = Experiment(read_truths(pictures.truth()), networks, OPTIONS)
    see = networks.see

    def noted(image: Any, view: str = "base") -> Any:
        heads, geometry = see(image, view)
        scenes.append(weakref.ref(heads))
        return heads, geometry

    networks.see = noted  # type: ignore[method-assign]
    experiment.add(0, pictures.image(0))
    gc.collect()
    assert len(scenes) > 5
    assert [scene for scene in scenes if scene() is not None] == []


def test_a_view_is_asked_of_the_network_once() -> None:
    pictures = Pictures()
    networks = Networks(lambda **view: KnowingEstimator(pictures, **view), None)
    scene = Scene(networks, pictures.image(0), People.of(read_truths(pictures.truth()), 0))
    assert scene.seen("base")[0] is scene.heads
    assert scene.brought("smaller") is scene.brought("smaller")
    assert scene.truth is scene.truth


def test_a_network_without_heads_is_refused() -> None:
    pictures = Pictures()
    networks = Networks(lambda **view: KnowingEstimator(pictures, **view, spoil=lambda _: None), None)  # type: ignore[arg-type, return-value]
    with pytest.raises(ModelError, match="knowing: wanted a PoseNet, whose heads can be taken apart"):
        networks.see(pictures.image(0))


def test_labels_far_outside_are_refused_with_the_pictures_name() -> None:
    pictures = Pictures([np.stack([person(120, 90, 150)])])
    truth = pictures.truth()
    truth["annotations"][0]["keypoints"][0] = 1e9
    networks = Networks(lambda **view: KnowingEstimator(pictures, **view), None)
    experiment = Experiment(read_truths(truth), networks, OPTIONS)
    with pytest.raises(SourceError, match=r"^0\.png: heatmaps: sample_xy: wanted"):
        experiment.add(0, pictures.image(0))


def test_another_number_of_keypoints_is_refused() -> None:
    pictures = Pictures()

    class Fourteen(KnowingEstimator):
        skeleton = CROWDPOSE14

    networks = Networks(lambda **view: Fourteen(pictures, **view), None)
    wanted = "skeleton: wanted the truth's 17 keypoints, got crowdpose14 with 14"
    with pytest.raises(ValueError, match=wanted):
        Experiment(read_truths(pictures.truth()), networks, OPTIONS)


def test_several_categories_are_refused() -> None:
    pictures = Pictures()
    truth = pictures.truth()
    truth["categories"].append({"id": 2, "name": "horse", "keypoints": list(COCO17.keypoints)})
    networks = Networks(lambda **view: KnowingEstimator(pictures, **view), None)
    with pytest.raises(ValueError, match="truths: wanted one category of people, got 2"):
        Experiment(read_truths(truth), networks, OPTIONS)
