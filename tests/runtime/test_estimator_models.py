"""Which model files an `Estimator` takes, and what it says about the others."""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np
import pytest
from eye import RGB, eye
from tiny_tflite import Model, flexbuffer, heatmaps_only, with_decoder

from posecore.errors import ModelError
from posecore.runtime.estimator import Estimator

pytestmark = pytest.mark.usefixtures("cv2", "interpreter_library")


class TestModels:
    def test_a_decoder_in_the_file_is_cut_out_and_its_options_are_the_defaults(self) -> None:
        options = {"max_detections": 7, "nms_radius": 0.5, "score_threshold": 0.25, "stride": 32}
        model = bytes(with_decoder(flexbuffer(options)))
        image = np.zeros((4, 6, 3), np.uint8)
        estimator = Estimator(model)
        assert len(estimator(image)) == 7
        assert len(Estimator(model, max_poses=2)(image)) == 2
        heads = estimator.heads(image)
        assert heads.stride_px == 32
        np.testing.assert_array_equal(heads.heatmaps, np.ones((4, 6, 17), np.float32))
        assert heads.displacement_bwd is not None
        assert heads.displacement_bwd.shape == (4, 6, 32)

    def test_segments_beside_the_decoder_are_read_too(self) -> None:
        estimator = Estimator(bytes(with_decoder(segments=True)))
        assert set(estimator.heads(np.zeros((4, 6, 3), np.uint8)).tensors()) == {
            "heatmaps",
            "short_offsets",
            "displacement_fwd",
            "displacement_bwd",
            "segments",
        }

    def test_a_path_may_be_a_string(self, tmp_path: Path) -> None:
        path = tmp_path / "eye.tflite"
        path.write_bytes(eye())
        for model in (path, str(path)):
            assert Estimator(model, skeleton=RGB, input_range=(0, 1)).name == "eye"

    def test_what_no_model_says_has_to_be_said(self) -> None:
        with pytest.raises(ValueError) as caught:  # noqa: PT011  the whole message is compared
            Estimator(eye(), input_range=(0, 1))
        assert str(caught.value) == (
            "skeleton: wanted a Skeleton of 3 keypoints, as the model gives them, or one of the names "
            "coco17, coco_feet23, mpii16, crowdpose14, got None"
        )
        with pytest.raises(
            ModelError, match="the model: wanted input_range, the values that its float input takes"
        ):
            Estimator(eye(), skeleton=RGB)

    def test_vectors_with_x_before_y_are_put_right_where_it_is_said(self) -> None:
        image = np.zeros((40, 60, 3), np.uint8)
        heads = Estimator(bytes(with_decoder())).heads(image)
        for x_first, changed in (
            ("offsets", {"short_offsets"}),
            ("displacements", {"displacement_fwd", "displacement_bwd"}),
            ("both", {"short_offsets", "displacement_fwd", "displacement_bwd"}),
        ):
            estimator = Estimator(bytes(with_decoder()), x_first=x_first)  # type: ignore[arg-type]
            expected = heads.with_y_first(changed)
            for found in (estimator.heads(image), estimator.detail(image).heads):
                assert found is not None
                for name, tensor in expected.tensors().items():
                    np.testing.assert_array_equal(found.tensors()[name], tensor)

    def test_a_network_without_vectors_has_no_axes(self) -> None:
        with pytest.raises(ValueError, match="x_first: wanted None, since a heatmaps network has no offsets"):
            Estimator(bytes(heatmaps_only()), x_first="both", input_range=(0, 1))

    def test_a_skeleton_of_other_keypoints_is_refused(self) -> None:
        with pytest.raises(ValueError) as caught:  # noqa: PT011  the whole message is compared
            Estimator(skeleton="mpii16")
        assert str(caught.value) == (
            "skeleton: wanted 17 keypoints, as posenet_mobilenet_v1_075 gives them, got mpii16 with 16"
        )
        with pytest.raises(ValueError, match=r"skeleton: wanted one of coco17, .*, got 'coco18'"):
            Estimator(skeleton="coco18")
        with pytest.raises(
            TypeError, match=r"skeleton: wanted a Skeleton, one of the names .*, or None, got int"
        ):
            Estimator(skeleton=17)  # type: ignore[arg-type]

    def test_a_network_of_another_kind_is_refused_with_what_it_gives(self) -> None:
        model = Model()
        picture = model.tensor([1, 4, 6, 3], name="image")
        boxes = model.convolution(picture, [1, 4, 6, 12], name="boxes")
        classes = model.convolution(picture, [1, 4, 6, 90], name="classes")
        model.inputs, model.outputs = [picture], [boxes, classes]
        with pytest.raises(ModelError) as caught:
            Estimator(bytes(model))
        assert str(caught.value).startswith("the model: no known pose heads: wanted PoseNet (K heatmaps, ")
        assert "got boxes float32 [1, 4, 6, 12], classes float32 [1, 4, 6, 90]" in str(caught.value)

    @pytest.mark.parametrize(
        ("name", "kind"),
        [
            (
                "model.pb",
                "a frozen TensorFlow graph; where it is PoseNet's, `posecore export {path} --target tflite` converts "
                "it; else tensorflow.compat.v1.lite.TFLiteConverter.from_frozen_graph converts it",
            ),
            ("model.h5", "a Keras model; tensorflow.lite.TFLiteConverter.from_keras_model converts it"),
            ("model.keras", "a Keras model; `posecore export {path} --target tflite` converts it"),
            (
                "model.onnx",
                "an ONNX model; `posecore inspect {path}` says what is in it; `posecore export MODEL --target tflite`",
            ),
            (
                "MODEL.JSON",
                "a tfjs model; where it is PoseNet's, `posecore export {path} --target tflite` converts it",
            ),
            (
                "a b.npz",
                "weights alone; where it is PoseNet's, `posecore export {path} --target tflite` converts it",
            ),
            ("model.kmodel", "a model that a K210 alone runs; `posecore inspect {path}` says what is in it"),
        ],
    )
    def test_other_formats_are_told_how_to_become_tflite(self, tmp_path: Path, name: str, kind: str) -> None:
        path = tmp_path / name
        path.write_bytes(b"anything")
        with pytest.raises(ModelError) as caught:
            Estimator(path)
        said = kind.format(path=shlex.quote(str(path)))
        assert str(caught.value).startswith(f"{path}: wanted a .tflite file, got {said}")

    @pytest.mark.parametrize(
        ("name", "kind"),
        [("config.toml", "the folder of a training run"), ("model.json", "the folder of a tfjs")],
    )
    def test_folders_that_hold_models_are_told_too(self, tmp_path: Path, name: str, kind: str) -> None:
        (tmp_path / name).write_text("")
        with pytest.raises(
            ModelError, match=rf"wanted a \.tflite file, got {kind}.* `posecore export .* converts it"
        ):
            Estimator(tmp_path)

    def test_a_saved_model_is_told_too(self, tmp_path: Path) -> None:
        (tmp_path / "saved_model.pb").write_bytes(b"")
        with pytest.raises(ModelError, match=r"wanted a \.tflite file, got a TensorFlow SavedModel"):
            Estimator(tmp_path)

    def test_what_is_no_model_gets_a_sentence(self, tmp_path: Path) -> None:
        for path in (tmp_path / "absent.tflite", tmp_path / "absent.onnx"):
            with pytest.raises(ModelError, match=f"{path.name} does not exist"):
                Estimator(path)
        with pytest.raises(ModelError, match="it is empty"):
            Estimator(b"")
        with pytest.raises(
            TypeError, match=r"model: wanted a path, the bytes of a \.tflite file, or None .*, got int"
        ):
            Estimator(5)  # type: ignore[arg-type]

    def test_a_tpu_needs_a_model_for_it(self) -> None:
        with pytest.raises(ModelError, match="is not compiled for the Edge TPU"):
            Estimator(device="coral")
