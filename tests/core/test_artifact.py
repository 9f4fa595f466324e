"""What lies beside an exported model says everything that reading its outputs takes, and nothing that is not so."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posecore import COCO17, MPII16, Skeleton
from posecore.artifact import Artifact, Calibration, HeadSpec, InputSpec, sha256_of
from posecore.errors import ModelError
from posecore.heads import Quantization

MODEL = b"the bytes of a model"
DOG = Skeleton("dog", ("nose", "tail"), ((0, 1),), (), (), (0.025, 0.1))


def posenet(skeleton: Skeleton = COCO17, **fields: Any) -> Artifact:
    keypoints, edges = skeleton.num_keypoints, len(skeleton.edges)
    code = Quantization(0.25, -3)
    heads = (
        HeadSpec("heatmaps", "heatmap_2", (1, 17, 17, keypoints), "int8", "NHWC", "logit", code),
        HeadSpec("short_offsets", "offset_2", (1, 17, 17, 2 * keypoints), "int8", "NHWC", "px", code),
        HeadSpec("displacement_fwd", "fwd", (1, 17, 17, 2 * edges), "int8", "NHWC", "px", code),
        HeadSpec("displacement_bwd", "bwd", (1, 17, 17, 2 * edges), "int8", "NHWC", "px", code),
    )
    known: dict[str, Any] = {
        "file": "pose.tflite",
        "sha256": sha256_of(Path("pose.tflite"), MODEL),
        "target": "tflite",
        "precision": "int8",
        "kind": "posenet",
        "skeleton": skeleton,
        "input": InputSpec("image", (257, 257), "NHWC", "int8", (-1, 1), Quantization(1 / 127.5, -1)),
        "heads": heads,
        "stride_px": 16,
        "scores": "logits",
        "decoder": {"max_detections": 7, "score_threshold": 0.5},
        "calibration": Calibration(9, "ab" * 32),
        "tools": {"tensorflow": "2.21.0"},
    }
    return Artifact(**known | fields)


@pytest.mark.parametrize("skeleton", [COCO17, MPII16, DOG])
def test_what_is_written_is_read_back(tmp_path: Path, skeleton: Skeleton) -> None:
    model = tmp_path / "pose.tflite"
    model.write_bytes(MODEL)
    artifact = posenet(skeleton)
    assert artifact.save(model) == tmp_path / "pose.tflite.json"
    assert Artifact.read(model) == artifact
    assert Artifact.read(model, MODEL) == artifact
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pose.tflite", "pose.tflite.json"]


def test_a_model_without_description_has_none(tmp_path: Path) -> None:
    assert Artifact.read(tmp_path / "pose.tflite") is None


def test_the_description_of_another_file_is_refused(tmp_path: Path) -> None:
    model = tmp_path / "pose.tflite"
    model.write_bytes(MODEL + b"!")
    posenet().save(model)
    with pytest.raises(
        ModelError, match=r"describes another file than pose\.tflite is now .* export the model anew"
    ):
        Artifact.read(model)


def test_an_artifact_goes_beside_the_file_that_it_names(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"model: wanted a file called pose\.tflite, got .*other\.tflite"):
        posenet().save(tmp_path / "other.tflite")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{}", "wanted the description of an exported model"),
        ("", "Expecting value"),
        ("[" * 100_000, "nested too deeply|recursion"),
        ('{"format": "posecore artifact", "version": 2}', "version: wanted 1, got 2"),
        ('{"format": "posecore artifact", "version": 1}', "the description: calibration is missing"),
        ('{"format": NaN}', "wanted finite numbers, got NaN"),
        ("\x00\ud800".encode("utf-8", "surrogatepass").decode("latin-1"), "Expecting value"),
    ],
)
def test_other_files_beside_a_model_are_refused(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "pose.tflite.json").write_text(text, encoding="utf-8")
    with pytest.raises(ModelError, match=reason) as error:
        Artifact.read(tmp_path / "pose.tflite")
    assert "move it away to use the model without it" in str(error.value)


def test_no_more_than_a_mebibyte_is_read(tmp_path: Path) -> None:
    (tmp_path / "pose.tflite.json").write_bytes(b" " * ((1 << 20) + 1))
    with pytest.raises(ModelError, match="is more than 1 MiB"):
        Artifact.read(tmp_path / "pose.tflite")


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"file": "../pose.tflite"}, "file: wanted a name without folders"),
        ({"sha256": "xyz"}, "sha256: wanted 64 hexadecimal digits"),
        ({"target": "gpu"}, "target: wanted one of tflite, coral, k210, onnx, got 'gpu'"),
        ({"stride_px": 0}, "stride_px: wanted a number from 0.001 to 65536, got 0"),
        ({"skeleton": MPII16}, r"heads: wanted .*'heatmaps': 16.* channels for skeleton mpii16, got .*17"),
        ({"heads": ()}, "heads: wanted"),
        ({"skeleton": "coco17"}, "skeleton: wanted a Skeleton, got str"),
    ],
)
def test_an_artifact_that_contradicts_itself_is_refused(fields: dict[str, Any], sentence: str) -> None:
    with pytest.raises((TypeError, ValueError), match=sentence):
        replace(posenet(), **fields)


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("shape", (17, 17, 17), r"heat: shape: wanted \(1, h, w, channels\)"),
        ("dtype", "float32", "heat: quantization: wanted none for float32"),
        ("quantization", None, "heat: quantization: wanted a scale and zero point for int8"),
        ("unit", "metre", "heat: unit: wanted one of logit, probability, px, fraction"),
        ("role", "knee", "heat: role: wanted one of heatmaps"),
    ],
)
def test_a_head_that_contradicts_itself_is_refused(field: str, value: Any, sentence: str) -> None:
    head = HeadSpec("heatmaps", "heat", (1, 5, 5, 17), "int8", "NHWC", "logit", Quantization(1, 0))
    with pytest.raises((TypeError, ValueError), match=sentence):
        replace(head, **{field: value})


def test_channels_are_where_the_layout_says() -> None:
    shape = (1, 17, 5, 7)
    assert HeadSpec("heatmaps", "heat", shape, "float32", "NCHW", "logit").channels == 17
    assert HeadSpec("heatmaps", "heat", shape, "float32", "NHWC", "logit").channels == 7
    assert HeadSpec("keypoints", "xy", (1, 17, 2), "float32", "NHWC", "fraction").channels == 17


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)


FIELDS = [
    ("stride_px",),
    ("kind",),
    ("skeleton", "name"),
    ("skeleton", "edges"),
    ("skeleton", "sigmas", 3),
    ("input", "range", 1),
    ("input", "quantization", "scale"),
    ("heads", 0, "shape", 1),
    ("heads", 0, "clipped"),
    ("decoder", "score_threshold"),
    ("calibration", "pictures"),
    ("tools", "tensorflow"),
]


@pytest.mark.parametrize("path", FIELDS, ids=lambda path: " ".join(map(str, path)))
@pytest.mark.parametrize("word", ["Infinity", "-Infinity", "NaN", "[[Infinity]]", "1e999", "[[-1e999]]"])
def test_what_is_not_finite_is_a_sentence_in_every_field(
    tmp_path: Path, path: tuple[str | int, ...], word: str
) -> None:
    model = tmp_path / "pose.tflite"
    model.write_bytes(MODEL)
    description: Any = json.loads(json.dumps(posenet().as_dict()))
    *parents, last = path
    parent = description
    for key in parents:
        parent = parent[key]
    parent[last] = "here"
    text = json.dumps(description).replace('"here"', word)
    (tmp_path / "pose.tflite.json").write_text(text)
    with pytest.raises(
        ModelError, match=r"pose\.tflite\.json: wanted what posecore's export writes .*want(s|ed) .*got "
    ):
        Artifact.read(model)


@given(st.data(), ANYTHING)
def test_whatever_a_field_holds_there_is_an_artifact_or_a_sentence(data: st.DataObject, value: Any) -> None:
    description = json.loads(json.dumps(posenet().as_dict()))
    parent = description
    while True:
        key = data.draw(
            st.sampled_from(list(parent) if isinstance(parent, dict) else list(range(len(parent))))
        )
        child = parent[key]
        if not isinstance(child, (dict, list)) or not child or data.draw(st.booleans()):
            break
        parent = child
    parent[key] = value
    try:
        read = Artifact.from_dict(description)
    except (TypeError, ValueError):
        return
    assert Artifact.from_dict(json.loads(json.dumps(read.as_dict(), allow_nan=False))) == read
