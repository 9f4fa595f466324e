"""What a Keras model's outputs are, and the graph that is exported of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from given_weights import give_weights

from posecore import COCO17, CROWDPOSE14, MPII16, Skeleton
from posecore.errors import ModelError
from posecore.export.contract import contract

NO_EDGES = Skeleton("dots", tuple("abcde"))


def shown(graph: Any, picture: np.ndarray) -> dict[str, np.ndarray]:
    return {name: np.asarray(output) for name, output in graph(picture).items()}


@pytest.fixture(scope="module")
def noise() -> np.ndarray:
    return np.random.default_rng(1).uniform(-1, 1, (1, 65, 49, 3)).astype(np.float32)


class TestPosenet:
    def test_it_has_four_heads_in_the_order_of_the_decoder(self, tiny_posenet: Any) -> None:
        found = contract(tiny_posenet)
        assert (found.kind, found.stride_px, found.scores, found.skeleton) == (
            "posenet",
            16,
            "logits",
            COCO17,
        )
        assert [(head.name, head.role, head.channels, head.unit) for head in found.heads] == [
            ("heatmap_2", "heatmaps", 17, "logit"),
            ("offset_2", "short_offsets", 34, "px"),
            ("displacement_fwd_2", "displacement_fwd", 32, "px"),
            ("displacement_bwd_2", "displacement_bwd", 32, "px"),
        ]

    @pytest.mark.parametrize("size", [(49, 65), None])
    def test_the_graph_gives_what_the_model_gives(
        self, tiny_posenet: Any, noise: np.ndarray, size: tuple[int, int] | None
    ) -> None:
        graph = contract(tiny_posenet).graph(size)
        assert tuple(graph.inputs[0].shape) == ((1, 65, 49, 3) if size else (1, None, None, 3))
        ours, theirs = shown(graph, noise), shown(tiny_posenet, noise)
        assert list(ours) == ["heatmap_2", "offset_2", "displacement_fwd_2", "displacement_bwd_2"]
        for name, values in ours.items():
            np.testing.assert_array_equal(values, theirs[name])

    def test_for_a_decoder_displacements_are_one_tensor_forward_first(
        self, tiny_posenet: Any, noise: np.ndarray
    ) -> None:
        found = contract(tiny_posenet)
        ours, theirs = shown(found.graph((49, 65), mid_offsets=True), noise), shown(tiny_posenet, noise)
        assert list(ours) == ["heatmap_2", "offset_2", "mid_offset_2"]
        both = np.concatenate([theirs["displacement_fwd_2"], theirs["displacement_bwd_2"]], axis=3)
        np.testing.assert_allclose(ours["mid_offset_2"], both, rtol=1e-5, atol=1e-5)
        assert found.with_mid_offsets()[2].channels == 64

    def test_a_model_of_one_size_is_built_anew_for_another(self, keras: Any, noise: np.ndarray) -> None:
        from posecore.train.networks import posenet

        model = posenet("mobilenet_v1_050", input_size=(33, 33), skeleton=MPII16)
        give_weights(model)
        found = contract(model, skeleton=MPII16)
        assert found.input_size == (33, 33)
        same = posenet("mobilenet_v1_050", skeleton=MPII16)
        same.set_weights(model.get_weights())
        for size, picture in (((49, 65), noise), (None, noise), ((33, 33), noise[:, :33, :33])):
            ours, theirs = shown(found.graph(size), picture), shown(same, picture)
            for name, values in ours.items():
                np.testing.assert_array_equal(values, theirs[name])

    @pytest.mark.parametrize(("stride", "side"), [(8, 8), (16, 16), (32, 32)])
    def test_the_stride_is_the_network_s(self, keras: Any, stride: int, side: int) -> None:
        from posecore.train.networks import posenet

        assert contract(posenet("mobilenet_v1_100", output_stride=stride)).stride_px == side
        if stride == 32:
            resnet = posenet("resnet_50", output_stride=stride, input_size=(96, 64))
            assert contract(resnet).stride_px == side

    def test_a_skeleton_without_edges_is_refused(self, keras: Any) -> None:
        from posecore.train.networks import posenet

        with pytest.raises(ModelError, match="skeleton has no edges cannot be decoded into people"):
            contract(posenet(skeleton=NO_EDGES), skeleton=NO_EDGES)

    def test_the_skeleton_is_that_of_the_heads(self, tiny_posenet: Any) -> None:
        with pytest.raises(
            ValueError, match="skeleton: wanted 17 keypoints, as tiny_posenet gives them, got mpii16"
        ):
            contract(tiny_posenet, skeleton=MPII16)
        with pytest.raises(ValueError, match=r"skeleton: wanted one of .* channels, .* got spread with"):
            contract(tiny_posenet, skeleton=Skeleton("spread", COCO17.keypoints))
        with pytest.raises(TypeError, match="skeleton: wanted a Skeleton, got str"):
            contract(tiny_posenet, skeleton="coco17")  # type: ignore[arg-type]


class TestCpm:
    @pytest.mark.parametrize("background", [False, True])
    def test_the_last_stage_is_exported_without_the_background(
        self, keras: Any, noise: np.ndarray, background: bool
    ) -> None:
        from posecore.train.networks import cpm

        model = cpm(stages=2, width=0.0625, refinement_size=3, background=background)
        give_weights(model)
        found = contract(model, skeleton=MPII16)
        assert (found.kind, found.stride_px, found.scores) == ("heatmaps", 8, "probabilities")
        ours, theirs = shown(found.graph(None), noise), shown(model, noise)
        assert list(ours) == ["heatmap"]
        np.testing.assert_allclose(ours["heatmap"], theirs["stage2"][..., :16], rtol=1e-5, atol=1e-6)

    def test_a_map_of_the_person_that_is_meant_is_a_second_input(self, keras: Any) -> None:
        from posecore.train.networks import cpm

        with pytest.raises(ModelError, match=r"wanted one input, the picture, got 2: .*image"):
            contract(cpm(stages=2, width=0.0625, centre_map=True), skeleton=MPII16)

    def test_nobody_knows_the_skeleton_of_other_numbers(self, keras: Any) -> None:
        from posecore.train.networks import cpm

        with pytest.raises(
            ValueError, match=r"skeleton: wanted the Skeleton of 14 or 13 keypoints .*, got None"
        ):
            contract(cpm(stages=1, width=0.0625, skeleton=CROWDPOSE14))


class TestOnePerson:
    def test_simple_baseline_gives_logits(self, keras: Any) -> None:
        from posecore.train.networks import simple_baseline

        found = contract(simple_baseline(input_size=(32, 64), deconvolution_filters=4))
        assert (found.kind, found.stride_px, found.scores, found.heads[0].unit) == (
            "heatmaps",
            4,
            "logits",
            "logit",
        )
        assert found.input_size == (32, 64)

    @pytest.mark.parametrize("network", ["four_conv", "five_conv", "vgg16"])
    def test_regressors_give_coordinates_of_one_size(self, keras: Any, network: str) -> None:
        from posecore.train import networks

        model = getattr(networks, network)(input_size=(64, 96), width=0.0625)
        found = contract(model)
        assert (found.kind, found.stride_px, found.fixed) == ("coordinates", 0, True)
        assert [(head.name, head.role, head.channels) for head in found.heads] == [
            ("keypoints", "keypoints", 17)
        ]
        assert tuple(found.graph((64, 96)).outputs[0].shape) == (1, 17, 2)
        for size, got in (((96, 64), "64x96"), (None, "any size")):
            with pytest.raises(ValueError, match=rf"size: wanted 96x64, the only one .*, got {got}"):
                found.graph(size)
        with pytest.raises(ValueError, match=r"decoder: wanted a PoseNet.*, got coordinates"):
            found.with_mid_offsets()


class TestOthers:
    def test_other_outputs_are_listed(self, keras: Any) -> None:
        image = keras.Input((32, 32, 3))
        model = keras.Model(image, {"boxes": keras.layers.Conv2D(4, 1)(image)}, name="detector")
        with pytest.raises(ModelError, match=r"detector: wanted the outputs of a PoseNet .*, got boxes"):
            contract(model)

    def test_grey_pictures_are_not_exported(self, keras: Any) -> None:
        from posecore.train.networks import posenet

        with pytest.raises(
            ModelError, match=r"wanted an input of RGB pictures .*, got \(None, None, None, 1\)"
        ):
            contract(posenet(channels=1))

    @pytest.mark.parametrize("model", [None, "model.keras", 3])
    def test_something_else_is_no_model(self, keras: Any, model: Any) -> None:
        with pytest.raises(TypeError, match=r"model: wanted a built keras\.Model, got "):
            contract(model)


class TestAlignment:
    """Cells lie where they lie at the network's own sizes, whatever size it is exported for."""

    def test_even_sizes_have_zeros_on_all_sides(self, keras: Any) -> None:
        model, explicit = posenet_of(keras), posenet_of(keras, padding="explicit")
        picture = np.random.default_rng(7).uniform(-1, 1, (1, 144, 128, 3)).astype(np.float32)
        got = shown(contract(model).graph((128, 144)), picture)
        wanted = {name: np.asarray(value) for name, value in explicit(picture).items()}
        for name, value in wanted.items():
            np.testing.assert_allclose(got[name], value, atol=1e-3)
        assert np.abs(np.asarray(model(picture)["heatmap_2"]) - wanted["heatmap_2"]).max() > 1

    def test_a_network_of_an_even_size_keeps_to_sizes_like_it(self, keras: Any) -> None:
        model = posenet_of(keras, input_size=(128, 128))
        assert contract(model).graph((160, 96)).inputs[0].shape == (1, 96, 160, 3)
        with pytest.raises(
            ValueError,
            match=r"^size: wanted sides of 16 n \+ 0 pixels for .*, got 129x129 \(height x width\)$",
        ):
            contract(model).graph((129, 129))

    def test_of_an_even_size_none_is_left_free(self, keras: Any) -> None:
        even, odd = (posenet_of(keras, input_size=(side, side)) for side in (128, 129))
        with pytest.raises(
            ValueError, match=r"^size: wanted one, since .* was trained at 128x128 .* got None for any$"
        ):
            contract(even).graph(None)
        assert contract(odd).graph(None).inputs[0].shape == (1, None, None, 3)


def test_what_keras_says_while_it_builds_is_one_sentence(keras: Any) -> None:
    class Odd(keras.layers.Layer):  # type: ignore[misc]
        def call(self, x: Any) -> Any:
            return x

        def compute_output_shape(self, shape: Any) -> Any:
            if shape[0] is not None:
                raise AttributeError("no\nlower")
            return shape

    image = keras.Input((None, None, 3))
    model = keras.Model(image, {"heatmap": Odd()(keras.layers.Conv2D(17, 1)(image))})
    with pytest.raises(ModelError, match=r"Keras cannot tell its grid at 256x256 pixels \(.*no lower.*\)$"):
        contract(model)


def posenet_of(keras: Any, **options: Any) -> Any:
    from posecore.train.networks import posenet

    model = posenet("mobilenet_v1_050", **options)
    give_weights(model)
    return model
