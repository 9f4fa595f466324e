"""A decoder comes off a model and goes back on, and nothing else changes."""

from __future__ import annotations

import contextlib
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from coral_files import WITH_DECODER, heads_model
from hypothesis import given
from hypothesis import strategies as st

from posecore.errors import MissingExtra, ModelError
from posecore.export.decoder_surgery import append_decoder, packed_options, stored, strip_decoder
from posecore.runtime.decoder_options import DECODER, DecoderOptions
from posecore.runtime.estimator import Estimator
from posecore.runtime.tflite_file import TfliteFile
from runtime.fuzz_tflite import mutate, structure_of
from runtime.tiny_tflite import INT8, UINT8, heatmaps_only, with_decoder

FLOAT_HEADS = bytes(heads_model())


def everything(file: TfliteFile) -> list[Any]:
    """Operators with what they read and write, tensors with quantisation and constants, inputs and outputs."""
    main = file.main
    operators = [(op.name, op.version, op.inputs, op.outputs, op.options_type) for op in main.operators]
    tensors = [
        (t.name, t.shape, t.dtype, t.scales, t.zero_points, t.quantized_dimension, t.constant)
        for t in main.tensors
    ]
    return [operators, tensors, main.inputs, main.outputs, file.decoder]


@pytest.mark.parametrize("name", WITH_DECODER)
def test_off_and_on_again_gives_corals_file(shared: Path, name: str) -> None:
    before = TfliteFile.read(shared / "data/models/coral" / name)
    bare = TfliteFile.read(strip_decoder(before.data))
    assert bare.decoder is None
    assert DECODER not in bare.operators
    after = TfliteFile.read(append_decoder(bare.data, before.decoder))
    assert everything(after) == everything(before)


@pytest.mark.parametrize("name", WITH_DECODER)
def test_the_weights_stay_where_they_were_to_the_byte(shared: Path, name: str) -> None:
    bare = strip_decoder((shared / "data/models/coral" / name).read_bytes())
    made = append_decoder(bare)
    assert made.endswith(bare)
    assert (len(made) - len(bare)) % 64 == 0


@pytest.mark.parametrize("name", [name for name in WITH_DECODER if "edgetpu" not in name])
def test_off_and_on_again_decodes_the_same_poses(shared: Path, people: np.ndarray, name: str) -> None:
    data = (shared / "data/models/coral" / name).read_bytes()
    try:
        before, after = (Estimator(model)(people) for model in (data, append_decoder(strip_decoder(data))))
        again = Estimator(append_decoder(strip_decoder(data), TfliteFile.read(data).decoder))(people)
    except MissingExtra as missing:
        pytest.skip(str(missing))
    assert len(before) >= 2
    assert np.array_equal(again.xy, before.xy)
    assert np.array_equal(again.scores, before.scores)
    # Coral's defaults differ from some files' in the number of people alone.
    assert np.array_equal(after.xy[: len(before)], before.xy)


def test_the_options_have_the_bytes_of_corals_newest_files(shared: Path) -> None:
    file = TfliteFile.read(shared / "data/models/coral" / WITH_DECODER[2])
    assert packed_options(DecoderOptions(), quantised=True) == bytes(file.main.operators[-1].custom_options)


@given(
    st.builds(
        DecoderOptions,
        max_detections=st.integers(1, 10_000),
        score_threshold=st.floats(0, 1, allow_subnormal=False),
        nms_radius_px=st.floats(0, 10_000, allow_subnormal=False),
        stride_px=st.integers(1, 1024),
    )
)
def test_options_come_back_as_float32_has_them(options: DecoderOptions) -> None:
    made = TfliteFile.read(append_decoder(FLOAT_HEADS, options))
    assert made.decoder == stored(options)
    assert made.decoder.score_threshold == pytest.approx(options.score_threshold, rel=1e-6)
    assert made.decoder.nms_radius_px == pytest.approx(options.nms_radius_px, rel=1e-6)
    assert strip_decoder(made.data) != made.data


@given(st.binary(max_size=64), st.integers(1, 50))
def test_bytes_that_are_no_model_are_refused(data: bytes, people: int) -> None:
    for surgery in (strip_decoder, lambda x: append_decoder(x, DecoderOptions(people))):
        with pytest.raises(ModelError, match="is not a"):
            surgery(data)


def test_outputs_are_poses_scores_pose_scores_and_their_number() -> None:
    made = TfliteFile.read(append_decoder(FLOAT_HEADS, DecoderOptions(max_detections=7)))
    outputs = [(o.name, o.shape, o.dtype) for o in made.outputs]
    assert outputs == [
        ("poses", (1, 7, 17, 2), "float32"),
        ("poses:1", (1, 7, 17), "float32"),
        ("poses:2", (1, 7), "float32"),
        ("poses:3", (), "float32"),
    ]
    assert made.operators == ("CONV_2D", "CONV_2D", "CONV_2D", DECODER)
    assert [made.main.tensors[i].name for i in made.main.operators[-1].inputs] == [
        "heatmaps",
        "short_offsets",
        "mid_offsets",
    ]


def test_long_offsets_go_in_and_masks_come_out() -> None:
    made = TfliteFile.read(append_decoder(bytes(heads_model(channels=(17, 34, 64, 34, 1)))))
    assert [o.name for o in made.outputs] == ["poses", "poses:1", "poses:2", "poses:3", "poses:4", "segments"]
    assert made.outputs[4].shape == (1, 20, 4, 6)
    assert len(made.main.operators[-1].inputs) == 4


def test_only_codes_are_said_to_be_codes() -> None:
    sizes = {
        dtype: len(
            TfliteFile.read(append_decoder(bytes(heads_model(dtype=dtype)))).main.operators[-1].custom_options
        )
        for dtype in (0, UINT8)
    }
    assert sizes[UINT8] == 165
    assert sizes[0] < 100


def test_other_numbers_of_people_change_the_shapes_that_were_there(shared: Path) -> None:
    data = (shared / "data/models/coral" / WITH_DECODER[0]).read_bytes()
    made = TfliteFile.read(append_decoder(strip_decoder(data), DecoderOptions(max_detections=33)))
    assert [o.shape for o in made.outputs] == [(1, 33, 17, 2), (1, 33, 17), (1, 33), ()]
    assert len(made.main.tensors) == len(TfliteFile.read(data).main.tensors)


def test_the_schemas_own_reader_sees_the_same(shared: Path) -> None:
    schema = pytest.importorskip(
        "ai_edge_litert.schema_py_generated", reason="ai-edge-litert is not installed"
    )
    data = (shared / "data/models/coral" / WITH_DECODER[1]).read_bytes()
    model = schema.ModelT.InitFromPackedBuf(
        append_decoder(strip_decoder(data), TfliteFile.read(data).decoder), 0
    )
    assert [code.customCode for code in model.operatorCodes] == [b"edgetpu-custom-op", b"PosenetDecoderOp"]
    assert [code.deprecatedBuiltinCode for code in model.operatorCodes] == [32, 32]
    graph = model.subgraphs[0]
    assert [tensor.name for tensor in graph.tensors][-4:] == [b"poses", b"poses:1", b"poses:2", b"poses:3"]
    assert graph.operators[1].customOptionsFormat == 0
    assert list(graph.operators[1].outputs) == list(graph.outputs)


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        (bytes(with_decoder()), "has a PosenetDecoderOp already"),
        (bytes(heatmaps_only()), r"wants heatmaps \(1, h, w, 17\), short offsets .*, got heatmaps float32"),
        (bytes(heads_model(channels=(17, 34, 60))), r"mid offsets \(1, h, w, 64\) as the first outputs, got"),
        (bytes(heads_model(channels=(34, 17, 64))), "as the first outputs, got heatmaps float32"),
        (bytes(heads_model(dtype=INT8)), "all uint8 or all float32, got heatmaps int8"),
    ],
)
def test_models_without_a_place_for_a_decoder_are_refused(model: bytes, sentence: str) -> None:
    with pytest.raises(ModelError, match=sentence):
        append_decoder(model)


def test_a_model_without_a_decoder_has_none_to_take_off() -> None:
    with pytest.raises(ModelError, match="has no PosenetDecoderOp to take out"):
        strip_decoder(FLOAT_HEADS)


@pytest.mark.parametrize(
    ("options", "kind", "sentence"),
    [
        ({"max_detections": 5}, TypeError, "options: wanted DecoderOptions, got dict"),
        (
            DecoderOptions(max_detections=0),
            ValueError,
            "max_detections: wanted a whole number from 1 to 10000",
        ),
        (DecoderOptions(max_detections=2.5), TypeError, "max_detections: wanted a whole number"),  # type: ignore[arg-type]
        (
            DecoderOptions(score_threshold=1.5),
            ValueError,
            "score_threshold: wanted a number from 0 to 1, got 1.5",
        ),
        (DecoderOptions(nms_radius_px=float("nan")), ValueError, "nms_radius_px: wanted a number from 0"),
        (DecoderOptions(stride_px=0), ValueError, "stride_px: wanted a whole number from 1 to 1024, got 0"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: Any, kind: type[Exception], sentence: str) -> None:
    with pytest.raises(kind, match=sentence):
        append_decoder(FLOAT_HEADS, options)


def test_only_bytes_are_operated_on() -> None:
    for surgery in (strip_decoder, append_decoder):
        with pytest.raises(TypeError, match=r"data: wanted the bytes of a \.tflite file, got str"):
            surgery("pose.tflite")  # type: ignore[arg-type]


@pytest.mark.parametrize("source", ["heads", "decoder", "again"])
def test_a_damaged_model_is_a_model_error_or_no_error(source: str) -> None:
    models = {"heads": FLOAT_HEADS, "decoder": append_decoder(FLOAT_HEADS)}
    models["again"] = strip_decoder(models["decoder"])
    whole = models[source]
    structure, rng = structure_of(whole), random.Random(7)
    survived = 0
    for _ in range(1500):
        damaged = mutate(whole, structure, rng)
        with contextlib.suppress(ModelError):
            made = append_decoder(strip_decoder(damaged) if source == "decoder" else damaged)
            assert TfliteFile.read(made).decoder == DecoderOptions()
            survived += 1
    assert survived > 100
